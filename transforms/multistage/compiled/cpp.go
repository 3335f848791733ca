package compiled

import (
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// C and C++. The programs that compilers, make and CMake write are copied to
// the same paths of the image that the build stands on, without the compilers: the slim
// one of the same Debian release, the same Ubuntu, the same Alpine. The libraries
// behind the -dev packages are installed there.
//
// What is written where is known exactly or the file stays as it is: -o of
// compiler lines, the recipes of a makefile (repo.Makefile), targets and
// install() of CMakeLists.txt (repo.CMake), programs and data of configure.ac with
// Makefile.am (repo.Autotools) and of meson.build (repo.Meson).
//
// A static program (-static) goes to distroless static, or scratch for the
// policy smallest; one that links nothing beyond the C and C++ libraries goes to
// distroless cc of the same Debian release where distroless is asked for.
//
// Files that the program reads are those that its string literals name; where it opens
// a computed path, all of the project's data.

// Cpp is the recipe for C and C++.
var Cpp = split.Recipe{
	Name:    "cpp",
	Bases:   words("gcc buildpack-deps debian ubuntu alpine"),
	Words:   words("gcc g++ cc c++ clang clang++ make cmake ninja"),
	AnySize: true,
	Fits:    compilesC,
	Doc: `- C and C++ by compiler lines, make, configure, CMake or Meson: the programs, the libraries that they
  link and the files that they name, on the slim image of the same release; static ones on distroless. With smallest
  libraries that need nothing but themselves are copied to distroless cc.`,
	Split: splitCpp,
}

var cCompilers = words(`gcc g++ cc c++ clang clang++`)

// cTools build programs, or configure a build.
var cTools = words(`make gmake cmake ninja meson`)

// compilesC: a RUN starts a compiler or a build tool, beyond installing one.
func compilesC(stage *rewrite.Stage) bool {
	for _, in := range stage.Instructions {
		if in.Keyword != "run" {
			continue
		}
		sh, why := in.Shell()
		if why != "" {
			continue
		}
		for _, c := range sh.Commands() {
			if name := path.Base(c.Name); cTools[name] || cCompiler(name) {
				return true
			}
		}
	}
	return false
}

// cCompiler takes gcc-12 for gcc, too.
func cCompiler(name string) bool {
	base, version, _ := cmdline.CutLast(name, "-")
	return cCompilers[name] || cCompilers[base] && strings.Trim(version, "0123456789.") == ""
}

type cppSplit struct {
	Binaries
	src     *repo.CSource
	static  bool // every program is linked statically
	dynamic bool // one isn't
	cxx     bool // one is of C++
	links   []cLink
	cmakes  map[string]*cmakeBuild // by build folder
	autos   map[string]*autoBuild
	mesons  map[string]*mesonBuild
	gone    []string // what rm takes away
	// recommends: apt installed what packages recommend, too.
	recommends bool
	libs       []cLibrary
}

// cLibrary is a package that holds a library which is linked.
type cLibrary struct{ pkg, why string }

// cLink is a library that a linker line or a CMakeLists names.
type cLink struct {
	in    *rewrite.Instruction
	name  string // of -l
	where string
}

func splitCpp(s *split.Split) bool {
	c := &cppSplit{Binaries: New(s), cmakes: map[string]*cmakeBuild{}, autos: map[string]*autoBuild{}, mesons: map[string]*mesonBuild{}}
	c.NoData = cSource
	if why := c.release(); why != "" && s.Kept == nil {
		return s.Decline(s.Stage.From, "%s", why)
	}
	for _, in := range s.Stage.Instructions {
		if in.Keyword == "run" && !c.run(in) {
			return false
		}
	}
	if len(c.Outputs) == 0 {
		return s.Decline(s.Stage.From, "no RUN writes a program whose place is known")
	}
	c.src = &repo.CSource{}
	if s.Pass.Unsafe {
		c.src = s.Pass.Repo.CSources(s.Pass.Name)
	}
	if why := c.src.Unknown; why != "" {
		return s.Decline(c.Outputs[0].In, "%s", why)
	}
	if !c.mades() || !c.starts() || !c.used() || !c.programs() || !c.place() || !c.files() || s.Kept == nil && !c.users() {
		return false
	}
	c.copyScripts()
	if s.Kept != nil {
		s.Kept.Writes = true
		return c.forKept()
	}
	if !c.libraries() || !c.chooseBase() {
		return false
	}
	c.runtime()
	s.Why = "the compiler and the headers are of no use to the finished program"
	s.Gain = "compilers and headers stay behind: 100 to 400 MB (compressed), against the program, the libraries that it links and a slim image"
	s.Assumes = append(s.Assumes, c.reads()+", and links no library but those of the packages named here")
	return true
}

// release fills in what the catalogue doesn't tell of the image: gcc's tags name
// the Debian release at their end, or don't.
func (c *cppSplit) release() string {
	if c.Ref.Repository() == "gcc" {
		says := func(ref images.Ref) bool {
			_, release, _ := cmdline.CutLast(ref.Tag, "-")
			return distro.DebianNumber(release) != ""
		}
		if !says(c.Ref) {
			c.Spelled(says)
		}
		_, release, _ := cmdline.CutLast(c.Ref.Tag, "-")
		if distro.DebianNumber(release) == "" {
			return c.Stage.BaseName() + " stands on a Debian release that its tag doesn't name (gcc:13-bookworm does), and the runtime image must be of the same"
		}
		c.Image.Distro, c.Image.Release, c.Image.PackageManager, c.Image.EnvPath = "debian", release, "apt", RuntimePath
	}
	if c.Image.Distro == "ubuntu" {
		return ""
	}
	_, why := c.systemBase()
	return why
}

// cChecks leave nothing that runs.
var cChecks = words(`ar ranlib strip ctest cppcheck clang-tidy clang-format nm size objdump readelf ldd file pkg-config ldconfig`)

// cFetches bring source that isn't in the build context.
var cFetches = words(`git curl wget tar unzip svn hg conan vcpkg pip pip3`)

// run sorts one RUN.
func (c *cppSplit) run(in *rewrite.Instruction) bool {
	all, ok := c.Steps(in)
	if !ok {
		return false
	}
	if c.account(in, all) && !c.buildFolder(in, all) {
		return true
	}
	for _, st := range all {
		a, isPackages := distro.ReadApt(st)
		if !isPackages {
			a, isPackages = distro.ReadApk(st)
		}
		if isPackages {
			if !c.packages(in, a) {
				return false
			}
			c.recommends = c.recommends || a.Verb == "install" && !slices.Contains(a.Flags, "--no-install-recommends")
			continue
		}
		if !c.step(in, st, 0) {
			return false
		}
	}
	return true
}

// buildFolder takes back a RUN that only makes a folder below which the build
// goes on: nothing of it is needed at run time.
func (c *cppSplit) buildFolder(in *rewrite.Instruction, all []rewrite.Step) bool {
	for _, st := range all {
		if st.Name != "mkdir" {
			return false
		}
		for _, p := range Paths(st) {
			if !slices.ContainsFunc([]string{"build", "out", "obj", "bin"}, func(b string) bool { return strings.Contains(path.Base(p), b) }) || path.Dir(p) == "/" {
				return false
			}
		}
	}
	c.repeats = slices.DeleteFunc(c.repeats, func(r *rewrite.Instruction) bool { return r == in })
	c.made = slices.DeleteFunc(c.made, func(m MadePath) bool { return m.In == in })
	return true
}

// step sorts a command of a RUN or of a makefile's recipe.
func (c *cppSplit) step(in *rewrite.Instruction, st rewrite.Step, depth int) bool {
	name := path.Base(st.Name)
	switch {
	case cCompiler(name):
		return c.compile(in, st)
	case name == "make" || name == "gmake":
		return c.makeStep(in, st, depth)
	case name == "cmake":
		return c.cmakeStep(in, st)
	case autoTools[name]:
	case name == "configure":
		return c.configure(in, st)
	case autoScript(st) != "":
		return c.bootstrap(in, autoScript(st))
	case name == "meson":
		return c.mesonStep(in, st)
	case name == "ninja":
		return c.ninja(in, st)
	case name == "install":
		return c.install(in, st)
	case name == "mv" || name == "cp":
		return c.moves(in, st)
	case name == "rm" && !cmdline.Tidy(st):
		return c.removes(in, st)
	case name == "mkdir" && depth > 0, name == "mkdir" && c.ownBuild(st):
	case name == "chown" || name == "chgrp":
		for i, p := range Paths(st) {
			if i > 0 && !slices.ContainsFunc(c.Outputs, func(o Output) bool { return o.Path == p }) {
				return c.Decline(in, "it changes the owner of %s, which COPY --from doesn't keep for a folder", p)
			}
		}
	case cmdline.Replayed[name] && name != "sed" && name != "rm":
		c.touches(in, st)
	case rewrite.Harmless(name) && len(st.Stmt.Redirs) == 0, cChecks[name], cmdline.Tidy(st):
	case cFetches[name]:
		return c.Decline(in, "%s brings what the build context doesn't hold, so what is built of it isn't known", strings.Join(st.Args[:min(2, len(st.Args))], " "))
	default:
		return c.Decline(in, "the effects of %s aren't known", strings.Join(st.Args[:min(3, len(st.Args))], " "))
	}
	return true
}

// ownBuild: mkdir makes a folder in the one that it runs in, such as build.
func (c *cppSplit) ownBuild(st rewrite.Step) bool {
	for _, a := range st.Args[1:] {
		if strings.HasPrefix(a, "/") || strings.HasPrefix(a, "..") {
			return false
		}
	}
	return st.Dir != "" && st.Dir != "/" && strings.Contains(strings.Join(st.Args[1:], " "), "build")
}

// install follows a program that install(1) puts somewhere.
func (c *cppSplit) install(in *rewrite.Instruction, st rewrite.Step) bool {
	var words []string
	target := ""
	for i := 1; i < len(st.Args); i++ {
		switch a := st.Args[i]; {
		case a == "-d" || a == "--directory":
			return true // folders for what follows
		case a == "-m" || a == "-o" || a == "-g" || a == "--mode" || a == "--owner" || a == "--group":
			i++
		case a == "-t" && i+1 < len(st.Args):
			i++
			target = cmdline.Abs(st.Dir, st.Args[i]) + "/"
		case strings.HasPrefix(a, "-"):
		default:
			words = append(words, a)
		}
	}
	if target == "" && len(words) > 1 {
		last := words[len(words)-1]
		target = cmdline.Abs(st.Dir, last)
		if strings.HasSuffix(last, "/") || len(words) > 2 {
			target += "/"
		}
		words = words[:len(words)-1]
	}
	for _, w := range words {
		if !c.copied(in, cmdline.Abs(st.Dir, w), target, false) {
			return c.Decline(in, "the effects of %s aren't known", strings.Join(st.Args, " "))
		}
	}
	return true
}

// moves follows a program that cp or mv puts somewhere.
func (c *cppSplit) moves(in *rewrite.Instruction, st rewrite.Step) bool {
	ps := Paths(st)
	if len(ps) == 2 {
		to := ps[1]
		if strings.HasSuffix(st.Args[len(st.Args)-1], "/") {
			to += "/"
		}
		if c.copied(in, ps[0], to, st.Name == "mv") {
			return true
		}
	}
	return c.Decline(in, "the effects of %s aren't known", strings.Join(st.Args, " "))
}

// copied notes that a program stands at another place too.
func (c *cppSplit) copied(in *rewrite.Instruction, from, to string, away bool) bool {
	if strings.ContainsAny(from+to, "$`*?") || to == "" {
		return false
	}
	for i, o := range c.Outputs {
		if o.Path != from {
			continue
		}
		if strings.HasSuffix(to, "/") || c.isDir(in, to) {
			to = path.Join(to, path.Base(from))
		}
		if o.Path = path.Clean(to); away {
			c.Outputs[i] = o
		} else {
			c.Outputs = append(c.Outputs, o)
		}
		return true
	}
	return false
}

// removes takes what rm deletes out of what can be copied.
func (c *cppSplit) removes(in *rewrite.Instruction, st rewrite.Step) bool {
	for _, a := range st.Args[1:] {
		if strings.HasPrefix(a, "-") {
			continue
		}
		if p := cmdline.Abs(st.Dir, a); strings.ContainsAny(p, "$`") || strings.ContainsAny(p, "*?[") && !repo.IsCSource(p) && !strings.HasSuffix(p, ".o") {
			return c.Decline(in, "what %s deletes isn't known", strings.Join(st.Args, " "))
		} else if !strings.ContainsAny(p, "*?[") {
			c.gone = append(c.gone, p)
			c.Outputs = slices.DeleteFunc(c.Outputs, func(o Output) bool { return rewrite.Inside(o.Path, p) })
		}
	}
	return true
}
