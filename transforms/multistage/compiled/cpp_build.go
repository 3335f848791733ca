package compiled

import (
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// What builds of C and C++ write.

// compile reads a line of a compiler. Objects are of no interest; with -o, or
// without, it writes a program.
func (c *cppSplit) compile(in *rewrite.Instruction, st rewrite.Step) bool {
	out, static := "a.out", false
	var libs []string
	for i := 1; i < len(st.Args); i++ {
		switch a := st.Args[i]; {
		case a == "-c" || a == "-S" || a == "-E" || a == "-M" || a == "-MM" || a == "--version" || a == "-v" && len(st.Args) == 2:
			return true
		case a == "-shared" || a == "-dynamiclib":
			return c.Decline(in, "%s builds a shared library; which programs load it isn't known", st.Args[0])
		case a == "-o" && i+1 < len(st.Args):
			i++
			out = st.Args[i]
		case strings.HasPrefix(a, "-o"):
			out = a[2:]
		case a == "-static" || a == "-static-pie":
			static = true
		case a == "-fopenmp":
			libs = append(libs, "OpenMP")
		case strings.HasPrefix(a, "-l"):
			libs = append(libs, a[2:])
		case strings.HasPrefix(a, "-Wl,") && (strings.Contains(a, "rpath") || strings.Contains(a, "-l")), a == "-m32", strings.HasPrefix(a, "-fsanitize"), strings.HasPrefix(a, "-stdlib"):
			return c.Decline(in, "%s %s is beyond this recipe", st.Args[0], a)
		case strings.Contains(a, ".so") && !strings.HasPrefix(a, "-"):
			return c.Decline(in, "it links %s, a library of its own", a)
		}
	}
	if st.Dir == "" {
		return c.Decline(in, "%s names no WORKDIR, and what the image's own is isn't known", c.Stage.BaseName())
	}
	if strings.ContainsAny(out, "$`*") {
		return c.Decline(in, "where %s writes isn't known", st.Args[0])
	}
	for _, a := range st.Args[1:] {
		if !repo.IsCSource(a) || strings.HasPrefix(a, "-") || !cmdline.Plain(a) {
			continue
		}
		if _, by := c.Stage.Origin(in, cmdline.Abs(st.Dir, a), c.Pass.Repo, c.Pass.Name); by == nil {
			return c.Decline(in, "%s isn't in the build context, so what the program reads isn't known", a)
		}
	}
	c.wrote(in, st, cmdline.Abs(st.Dir, out), st.Dir, static)
	c.cxx = c.cxx || strings.Contains(st.Name, "+")
	for _, a := range st.Args {
		c.cxx = c.cxx || strings.HasSuffix(a, ".cpp") || strings.HasSuffix(a, ".cc") || strings.HasSuffix(a, ".cxx")
		if !strings.Contains(a, "pkg-config") && strings.Contains(a, "$(") {
			continue
		}
		for _, w := range strings.Fields(strings.Trim(a, "`$()")) {
			if strings.Contains(a, "pkg-config") && w != "pkg-config" && !strings.HasPrefix(w, "-") {
				c.links = append(c.links, cLink{in, w, "line " + cmdline.LineOf(in)})
			}
		}
	}
	for _, l := range libs {
		c.links = append(c.links, cLink{in, l, "line " + cmdline.LineOf(in)})
	}
	return true
}

// wrote notes a program that is written.
func (c *cppSplit) wrote(in *rewrite.Instruction, st rewrite.Step, at, root string, static bool) {
	c.static, c.dynamic = c.static || static, c.dynamic || !static
	if in.Index >= lastIndex(c.Last) {
		c.Last = in
	}
	if slices.ContainsFunc(c.Outputs, func(o Output) bool { return o.Path == at }) {
		return
	}
	c.Outputs = append(c.Outputs, Output{Path: at, root: root, In: in, Step: st})
}

func lastIndex(in *rewrite.Instruction) int {
	if in == nil {
		return -1
	}
	return in.Index
}

// context is the folder of the build context whose content stands at an image
// path when an instruction runs.
func (c *cppSplit) context(in *rewrite.Instruction, dir, file string) (string, bool) {
	ctx, by := c.Stage.Origin(in, path.Join(dir, file), c.Pass.Repo, c.Pass.Name)
	if by == nil {
		return "", false
	}
	return path.Dir(ctx), true
}

// makeStep follows make into the makefile.
func (c *cppSplit) makeStep(in *rewrite.Instruction, st rewrite.Step, depth int) bool {
	if a := c.assigned(st); a != "" {
		return c.Decline(in, "%s before make is beyond this recipe", a)
	}
	call, why := readMake(st)
	if why != "" {
		return c.Decline(in, "%s", why)
	}
	dir, file, goals, set := call.dir, call.file, call.goals, call.set
	dest := set["DESTDIR"]
	if b := c.cmakes[dir]; b != nil && file == "" {
		return c.cmakeBuilds(in, st, b, slices.Contains(goals, "install"), dest)
	}
	if b := c.autos[dir]; b != nil && file == "" {
		return c.autoMake(in, st, b, goals, set)
	}
	name := file
	ctx, ok := "", false
	for _, n := range []string{"GNUmakefile", "makefile", "Makefile"} {
		if name == "" {
			if ctx, ok = c.context(in, dir, n); ok {
				break
			}
		}
	}
	if name != "" {
		ctx, ok = c.context(in, dir, name)
		name = path.Base(name)
	}
	if !ok || dir == "" {
		return c.Decline(in, "the build context holds no makefile for %s, so what make writes isn't known", dir)
	}
	if depth > 3 {
		return c.Decline(in, "make calls itself too deeply")
	}
	mk := c.Pass.Repo.Makefile(ctx, name)
	if mk == nil {
		return c.Decline(in, "the build context holds no makefile for %s, so what make writes isn't known", dir)
	}
	for k, v := range c.Stage.At(in).Env {
		if _, own := set[k]; !own && (k == "PREFIX" || k == "DESTDIR" || k == "CC" || k == "CXX" || k == "CFLAGS" || k == "CXXFLAGS" || k == "LDFLAGS") {
			set[k] = v
		}
	}
	if mk.Shell != "" && c.full() {
		return c.Decline(in, "%s computes what is linked", mk.Shell)
	}
	cmds, why := mk.Commands(goals, set)
	if why != "" {
		return c.Decline(in, "what make writes isn't known: %s", why)
	}
	for _, cmd := range cmds {
		if !c.recipe(in, mk, cmd, dir, depth) {
			return false
		}
	}
	if c.Last == nil || in.Index > c.Last.Index {
		c.Last = in
	}
	return true
}

// recipe reads a line of a makefile's recipe.
func (c *cppSplit) recipe(in *rewrite.Instruction, mk *repo.Makefile, cmd repo.MakeCommand, dir string, depth int) bool {
	sh, err := rewrite.ParseScript(cmd.Text)
	if err != nil {
		return c.Decline(in, "%s:%d can't be read as a shell command", mk.File, cmd.Line)
	}
	for _, one := range sh.Commands() {
		if one.Name == "cd" {
			return c.Decline(in, "%s:%d changes the folder", mk.File, cmd.Line)
		}
		name := path.Base(one.Name)
		if one.Name == "" {
			return c.Decline(in, "%s:%d runs a computed command", mk.File, cmd.Line)
		}
		if cFetches[name] || !cCompiler(name) && !cTools[name] && !cmdline.Replayed[name] && !rewrite.Harmless(name) && !cChecks[name] {
			return c.Decline(in, "%s:%d runs %s, whose effects aren't known", mk.File, cmd.Line, one.Name)
		}
		if len(one.Args) == 0 || name == "touch" || name == "chmod" || name == "ln" && depth > 0 {
			continue
		}
		if !c.step(in, rewrite.Step{Command: one, Dir: dir}, depth+1) {
			return false
		}
	}
	return true
}

// cmakeBuild is a build folder of CMake.
type cmakeBuild struct {
	dir, prefix string
	source      string // in the image
	facts       *repo.CMake
	static      bool
}

// cmakeStep reads a call of cmake: configure, --build or --install.
func (c *cppSplit) cmakeStep(in *rewrite.Instruction, st rewrite.Step) bool {
	source, build, prefix, dest, verb, target, static := "", "", "/usr/local", "", "", "", false
	if a := c.assigned(st); a != "" {
		return c.Decline(in, "%s before cmake is beyond this recipe", a)
	}
	for i := 1; i < len(st.Args); i++ {
		a := st.Args[i]
		value := func() string {
			if i+1 < len(st.Args) {
				i++
				return st.Args[i]
			}
			return ""
		}
		switch {
		case a == "-S":
			source = cmdline.Abs(st.Dir, value())
		case a == "-B":
			build = cmdline.Abs(st.Dir, value())
		case strings.HasPrefix(a, "-S"):
			source = cmdline.Abs(st.Dir, a[2:])
		case strings.HasPrefix(a, "-B"):
			build = cmdline.Abs(st.Dir, a[2:])
		case a == "--build" || a == "--install":
			verb, build = a, cmdline.Abs(st.Dir, value())
		case a == "--target" || a == "-t":
			target = value()
		case a == "--prefix" || a == "--install-prefix":
			prefix = value()
		case a == "-G" || a == "-T" || a == "-A" || a == "--config" || a == "--component":
			if v := value(); strings.Contains(v, "Multi") || strings.Contains(v, "Xcode") {
				return c.Decline(in, "CMake's generator %s is beyond this recipe", v)
			}
		case a == "-j" || a == "--parallel":
			if i+1 < len(st.Args) && !strings.HasPrefix(st.Args[i+1], "-") {
				i++
			}
		case a == "-D":
			a = "-D" + value()
			fallthrough
		case strings.HasPrefix(a, "-D"):
			k, v, _ := strings.Cut(a[2:], "=")
			k, _, _ = strings.Cut(k, ":")
			switch {
			case k == "CMAKE_INSTALL_PREFIX":
				prefix = v
			case k == "CMAKE_RUNTIME_OUTPUT_DIRECTORY" || k == "CMAKE_TOOLCHAIN_FILE" || k == "BUILD_SHARED_LIBS" && v != "OFF" && v != "0":
				return c.Decline(in, "cmake %s is beyond this recipe", a)
			case strings.Contains(v, "-static"):
				static = !strings.Contains(v, "-static-lib")
			}
		case a == "--preset" || strings.HasPrefix(a, "--preset") || a == "-P" || a == "-E" || a == "-C" || a == "--fresh":
			return c.Decline(in, "cmake %s is beyond this recipe", a)
		case a == "--":
			i = len(st.Args)
		case a == "--version":
			return true
		case strings.HasPrefix(a, "-"):
		case source == "":
			source = cmdline.Abs(st.Dir, a)
		}
	}
	if st.Dir == "" || strings.ContainsAny(source+build+prefix, "$`*") {
		return c.Decline(in, "the folders of cmake are computed")
	}
	if verb != "" {
		b := c.cmakes[build]
		if b == nil {
			return c.Decline(in, "which project is built in %s isn't known", build)
		}
		if prefix != "/usr/local" {
			b.prefix = prefix
		}
		if target != "" && target != "install" && target != "all" {
			for _, p := range b.facts.Programs {
				if p.Target == target {
					return c.cmakeBuilds(in, st, b, false, dest)
				}
			}
		}
		return c.cmakeBuilds(in, st, b, verb == "--install" || target == "install", dest)
	}
	if build == "" {
		build = st.Dir
	}
	if source == "" {
		source = st.Dir
	}
	ctx, ok := c.context(in, source, "CMakeLists.txt")
	if !ok {
		return c.Decline(in, "the build context holds no CMakeLists.txt for %s", source)
	}
	b := &cmakeBuild{dir: build, prefix: prefix, source: source, facts: c.Pass.Repo.CMake(ctx), static: static}
	switch {
	case b.facts == nil:
		return c.Decline(in, "the build context holds no CMakeLists.txt for %s", source)
	case b.facts.Unknown != "":
		return c.Decline(in, "what CMake builds isn't known: %s", b.facts.Unknown)
	case b.facts.Shared != "":
		return c.Decline(in, "%s builds a shared library, which the runtime image would lack", b.facts.Shared)
	}
	c.cmakes[build] = b
	return true
}

// cmakeBuilds notes the programs of a build, and those that it installs.
func (c *cppSplit) cmakeBuilds(in *rewrite.Instruction, st rewrite.Step, b *cmakeBuild, installs bool, dest string) bool {
	static := b.static || slices.Contains(b.facts.Links, "-static")
	for _, p := range b.facts.Programs {
		at := path.Join(b.dir, p.Out, p.Name)
		c.wrote(in, st, at, b.source, static)
		for _, d := range p.Install {
			if installs {
				if !strings.HasPrefix(d, "/") {
					d = path.Join(b.prefix, d)
				}
				c.wrote(in, st, path.Join("/", dest, d, p.Name), b.source, static)
			}
		}
	}
	if installs && b.facts.Installs != "" {
		return c.Decline(in, "%s installs files that the runtime image would lack", b.facts.Installs)
	}
	c.cxx = true // whether C alone is used is a matter of project()
	for _, l := range append(slices.Clone(b.facts.Links), b.facts.Finds...) {
		if name := strings.TrimPrefix(l, "-l"); name != l || slices.Contains(b.facts.Finds, l) {
			c.links = append(c.links, cLink{in, name, path.Join(b.facts.Dir, "CMakeLists.txt")})
		}
	}
	return true
}

// ninja builds what CMake or Meson configured.
func (c *cppSplit) ninja(in *rewrite.Instruction, st rewrite.Step) bool {
	dir := st.Dir
	installs := false
	if a := c.assigned(st); a != "" {
		return c.Decline(in, "%s before ninja is beyond this recipe", a)
	}
	for i := 1; i < len(st.Args); i++ {
		switch a := st.Args[i]; {
		case a == "-C" && i+1 < len(st.Args):
			i++
			dir = cmdline.Abs(dir, st.Args[i])
		case a == "install":
			installs = true
		}
	}
	if m := c.mesons[dir]; m != nil {
		return c.mesonBuilds(in, st, m, installs, "")
	}
	b := c.cmakes[dir]
	if b == nil {
		return c.Decline(in, "which project ninja builds in %s isn't known", dir)
	}
	return c.cmakeBuilds(in, st, b, installs, "")
}
