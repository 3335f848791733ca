package multistage

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

// Python with pip. The packages are installed below a prefix of their own,
// which the runtime stage copies over /usr/local of the slim image: the same
// files at the same paths as before.
//
// Everything but pip is replayed in the runtime stage from the context. Where
// a RUN writes into the application's folder (collectstatic) that folder comes
// from the build stage.
//
// It declines for packages that need libraries or programs of the full image
// (multistage_python_packages.go), for installs of the project itself and of
// local paths, for other package managers and for commands that it doesn't
// know.

var _ = register(recipe{
	name:  "python",
	bases: words("python"),
	words: words("pip pip2 pip3 pipenv poetry uv conda mamba setup.py"),
	doc: `- Python with pip: packages go to a prefix of their own, which is copied over
  /usr/local of the -slim image of the same version.`,
	also:  slimWithToolchain,
	tools: uvImage,
	split: splitPython,
})

// slimWithToolchain: a slim image on which apt installs a compiler for pip, which
// stays in the image.
func slimWithToolchain(stage *rewrite.Stage) bool {
	base := stage.BaseName()
	return strings.Contains(base, "slim") && !strings.Contains(base, "windows") && dropsToolchain(stage)
}

type pythonSplit struct {
	*split
	installs []pipInstall
	tools    []*rewrite.Instruction // RUNs that upgrade pip itself
	writers  []rewrite.Step
	last     *rewrite.Instruction // the last RUN that stays in the build stage
	writer   *rewrite.Instruction // the last RUN that writes into the application
	imports  bool                 // a later RUN imports packages
	files    map[string]bool      // requirements files, as image paths
	moves    []*rewrite.Instruction
	mixed    bool           // a RUN installs packages and changes other files
	asked    []repo.Package // everything that is installed by name

	managed    bool                 // another package manager than pip installs, or into a virtual environment
	venv       string               // the virtual environment that packages go to
	made       bool                 // … which the build stage makes for Poetry
	active     *rewrite.Instruction // the RUN in which it is activated
	create     string               // Poetry's virtualenvs.create
	inProject  string               // … and virtualenvs.in-project
	manifests  map[string]bool      // pyproject.toml and Pipfile, as image paths
	local      bool                 // the project itself is installed, from its source
	editable   bool                 // … perhaps as a link to that source
	relaunched bool                 // CMD or ENTRYPOINT starts what a manager's run started
	written    string               // the application's folder, where RUNs write into it
	whole      string               // why all of /usr/local is carried over
}

// pipInstall is one install. kind is "" for pip, "uv" for uv pip and "pipenv" for
// pipenv --system, and "venv" where packages go to the virtual environment.
type pipInstall struct {
	in   *rewrite.Instruction
	step rewrite.Step
	kind string
}

func splitPython(s *split) bool {
	py := &pythonSplit{split: s, files: map[string]bool{}, manifests: map[string]bool{}, managed: managed(s.stage)}
	switch f := s.stage.From.Fields(); {
	case small(s.stage.BaseName()):
		s.base, s.sameBase = f[0].Text, true
	case !s.slimBase():
		return false
	}
	for _, in := range s.stage.Instructions {
		if in.Keyword == "run" && !py.run(in) {
			return false
		}
	}
	if len(py.installs) == 0 {
		return false // nothing is built
	}
	s.settleUpdates()
	if py.managed {
		s.gone = managerTools
		s.launch = func(words []string) []string { inner, _ := launch(words); return inner }
		if !py.starts() {
			return false
		}
	}
	if why := py.kinds(); why != "" {
		return s.decline(py.installs[0].in, "%s", why)
	}
	if why := py.environment(); why != "" {
		return s.decline(py.installs[0].in, "%s", why)
	}
	if _, ok := s.canStart(); !ok {
		return false
	}
	if why := py.packages(); why != "" {
		return s.decline(py.installs[0].in, "%s", why)
	}
	if why := s.sourceLacks(".py"); why != "" {
		return s.decline(py.installs[0].in, "%s", why)
	}
	if !py.place() || !py.bringPackages() || !py.noCache() {
		return false
	}
	if s.sameBase {
		s.why = "compilers and headers are installed, which only the install of the packages needs"
		s.gain = "compilers and headers stay behind: gcc and what it brings weigh more than the rest of a slim image (build-essential about 90 MB compressed)"
		s.assumes = append(s.assumes, "the program needs no compiler and no header at run time, and no library beyond those that wheels bring and that are installed again")
		return true
	}
	s.why = "the full image carries compilers and headers, which only the install needs"
	s.gain = "compilers and headers stay behind: about 400 MB for the full image, 70 MB for the slim one (compressed)"
	s.assumes = append(s.assumes, "the program needs nothing at run time that only the full image has, beyond what is installed again: no compiler, no git or curl, and no library but those that wheels bring")
	return true
}

// run sorts one RUN.
func (py *pythonSplit) run(in *rewrite.Instruction) bool {
	all, why := in.Steps()
	if why != "" {
		return py.decline(in, "the effects of this RUN aren't known: %s", why)
	}
	rest, ok := py.system(in, all)
	if !ok {
		return false
	}
	pips, replays, idle := 0, 0, 0
	for _, st := range rest {
		verb, args, isPip := pipArgs(st)
		if mine, ok := py.manager(in, st); !ok {
			return false
		} else if mine {
			pips++
			continue
		}
		switch {
		case isPip && strings.Contains(st.Args[0], "/") && (py.venv == "" || path.Dir(st.Args[0]) != py.venv+"/bin"):
			return py.decline(in, "which Python %s belongs to isn't known", st.Args[0])
		case isPip && verb == "install":
			pips++
			n, tools := len(py.installs), len(py.tools)
			if !py.install(in, st, args) {
				return false
			}
			if py.inVenv(in, st) {
				py.tools = py.tools[:tools] // pip of the environment
				for i := range py.installs[n:] {
					py.installs[n+i].kind = "venv"
				}
			}
		case isPip && (verb == "cache" || verb == "config" || verb == "freeze" || verb == "list" || verb == "check" || verb == "--version" || verb == ""):
			pips++
		case isPip:
			return py.decline(in, "the effects of pip %s aren't known", verb)
		case manages(st):
			pips++
			py.writers, py.writer, py.imports = append(py.writers, st), in, true
		case replayed[st.Name]:
			replays++
		case rewrite.Harmless(st.Name):
			replays += len(st.Stmt.Redirs)
			idle++
		default:
			return py.decline(in, "%s", py.unknown(st))
		}
	}
	switch {
	case pips > 0:
		py.roles[in], py.last = inBuild, in
		return replays == 0 || py.repeat(in, rest)
	case replays+idle > 0:
		py.roles[in] = inBoth
		py.moves = append(py.moves, in)
	case py.roles[in] == inBuild:
		py.last = in
	}
	return true
}

// repeat takes the file commands out of a RUN that installs packages too, for
// a RUN of their own in the runtime stage.
func (py *pythonSplit) repeat(in *rewrite.Instruction, rest []rewrite.Step) bool {
	sh, _ := in.Shell()
	var commands []string
	for _, st := range rest {
		if !replayed[st.Name] && (!rewrite.Harmless(st.Name) || len(st.Stmt.Redirs) == 0) {
			continue
		}
		src := sh.Source(st.Stmt)
		if st.Dir != py.stage.At(in).Workdir || strings.Contains(src, "\n") || len(in.Heredocs) > 0 {
			return py.decline(in, "it installs packages and changes other files in one RUN")
		}
		commands = append(commands, src)
		py.adds = append(py.adds, st.Key)
	}
	py.instead[in] = append(py.instead[in], py.keyword("RUN")+" "+strings.Join(commands, " && "))
	py.mixed = true
	return true
}

func (py *pythonSplit) unknown(st rewrite.Step) string {
	switch st.Name {
	case "conda", "mamba", "micromamba", "pdm", "hatch", "easy_install":
		return "where " + st.Name + " keeps its packages isn't known"
	}
	return "the effects of " + strings.Join(st.Args[:min(3, len(st.Args))], " ") + " aren't known"
}

// manages: Django commands that write below the project.
func manages(st rewrite.Step) bool {
	if st.Name != "python" && st.Name != "python3" || len(st.Args) < 3 || path.Base(st.Args[1]) != "manage.py" {
		return false
	}
	switch st.Args[2] {
	case "collectstatic", "compilemessages", "compress":
		return true
	}
	return false
}

// environment declines where ENV sends pip elsewhere.
func (py *pythonSplit) environment() string {
	for _, i := range py.installs {
		st := py.stage.At(i.in)
		if st.User != "" && !st.Root() {
			return "pip runs as user " + st.User + ", in whose home the packages end up"
		}
		for _, n := range []string{"PIP_PREFIX", "PIP_TARGET", "PIP_USER", "PIP_ROOT", "PYTHONUSERBASE", "VIRTUAL_ENV", "PIP_CONFIG_FILE", "PYTHONHOME"} {
			if v, ok := py.env(i.in, i.step.Command, n); ok && (n != "VIRTUAL_ENV" || v != py.venv) {
				return n + "=" + v + " decides where packages end up"
			}
		}
	}
	for _, in := range py.stage.Instructions {
		if in.Keyword == "run" && in.Index <= py.last.Index && py.venv == "" && py.whole == "" {
			if m := sitePath().FindString(in.Text); m != "" {
				return fmt.Sprintf("line %d names %s, where", in.Line, m) + " packages aren't during the build any more"
			}
		}
	}
	return ""
}

var sitePath = lazily(`/usr/local/lib/python[\w./-]*|site-packages|dist-packages`)

// prefix gives pip its own prefix. With one install and nothing that imports
// afterwards the prefix alone will do; several installs, or a later import,
// need pip and Python to see it too.
func (py *pythonSplit) prefix() bool {
	dir := "/install"
	for _, d := range []string{"/install", "/packages", "/python-packages"} {
		dir = d
		if !strings.Contains(py.doc.Src, d+" ") && !strings.Contains(py.doc.Src, d+"/") && !strings.Contains(py.doc.Src, d+"\n") && !py.p.Repo.Exists(d) {
			break
		}
	}
	first, last := py.installs[0].in, py.installs[len(py.installs)-1].in
	for _, t := range py.tools {
		py.imports = py.imports || !py.managed && (t.Index > first.Index || t == first)
	}
	vars := []string{"PIP_PREFIX=" + dir}
	pip, many := false, len(py.installs) > 1 || py.imports
	for _, i := range py.installs {
		switch i.kind {
		case "":
			pip = true
		case "pipenv": // its own packages may be the application's, too
			if !py.assign(i.in, i.step, "PIP_PREFIX="+dir+" PIP_IGNORE_INSTALLED=1") {
				return false
			}
		case "uv":
			if !py.addWords(i.in, i.step.Command, slices.Index(i.step.Args, "install"), []string{"--prefix=" + dir}, "") {
				return false
			}
		}
	}
	if !pip {
		vars = nil
	}
	if many {
		v := py.minor()
		if v == "" {
			v = pythonMinor().FindString(py.img.Version)
		}
		if v == "" {
			return py.decline(first, "packages are used during the build, and the folder for them depends on a Python version that isn't known")
		}
		for _, in := range py.stage.Instructions {
			if in.Keyword == "env" && in.Index > first.Index && in.Index <= py.last.Index && (strings.Contains(in.Args.Text, "PYTHONPATH") || strings.Contains(in.Args.Text, "PATH=")) {
				return py.decline(in, "it changes the search path between installs")
			}
		}
		tail := ""
		if _, ok := py.stage.At(first).Env["PYTHONPATH"]; ok {
			tail = ":$PYTHONPATH"
		}
		if pip {
			vars = append(vars, "PIP_IGNORE_INSTALLED=1")
		}
		vars = append(vars, "PYTHONPATH="+dir+"/lib/python"+v+"/site-packages"+tail, "PATH="+dir+"/bin:$PATH")
	}
	if len(vars) > 0 {
		py.edits = append(py.edits, py.doc.InsertBefore(first, py.keyword("ENV")+" "+strings.Join(vars, " \\\n    ")+"\n"))
	}
	py.carry(last, py.copyFrom(dir, "/usr/local"))
	py.explain("the packages go to %s in the build stage, which is copied over /usr/local: the same files at the same paths as before", dir)
	return true
}

// firstCopy is the first COPY of the runtime stage above an instruction: the
// packages go above it, so that a change of the code leaves their layer alone.
func (py *pythonSplit) firstCopy(last *rewrite.Instruction) (code *rewrite.Instruction) {
	for _, in := range py.stage.Instructions {
		if in.Index > last.Index {
			break
		}
		if in.Keyword != "copy" && in.Keyword != "add" || py.roles[in] == inBuild {
			continue
		}
		if code == nil {
			code = in
		}
		eff := py.p.Effects(in)
		for _, t := range eff.Trees {
			if rewrite.Inside(t.Dest, "/usr/local") || rewrite.Inside("/usr/local", t.Dest) && (t.Ctx != "." || py.p.Repo.Exists("usr")) {
				return nil
			}
		}
		if eff.Unknown != "" {
			return nil
		}
	}
	return code
}

// carry puts lines that bring the packages above the first COPY of code, else in
// the place of the last install.
func (py *pythonSplit) carry(last *rewrite.Instruction, lines ...string) {
	if code := py.firstCopy(last); code != nil {
		py.ahead[code] = append(py.ahead[code], lines...)
	} else {
		py.instead[last] = append(py.instead[last], lines...)
	}
}

var pythonMinor = lazily(`^[23]\.\d+`)

// minor is the Python minor that the tag names, else the line of the image.
func (py *pythonSplit) minor() string {
	return cmp.Or(pythonMinor().FindString(py.ref.Tag), pythonMinor().FindString(py.img.Line))
}

// noCache keeps pip's download cache out of the build stage's layers.
func (py *pythonSplit) noCache() bool {
	seen := map[string]bool{}
	for _, i := range py.installs {
		if i.kind == "uv" || i.kind == "pipenv" || !slices.Contains(i.step.Args, "install") || !strings.Contains(strings.Join(i.step.Args, " "), "pip") || managerTools[i.step.Name] {
			continue
		}
		if _, ok := py.env(i.in, i.step.Command, "PIP_NO_CACHE_DIR"); ok || slices.Contains(i.step.Args, "--no-cache-dir") || slices.Contains(i.step.Args, "--no-cache") || slices.ContainsFunc(i.step.Args, func(a string) bool { return strings.HasPrefix(a, "--cache-dir") }) {
			continue
		}
		if len(i.in.Mounts()) > 0 {
			continue
		}
		n := slices.Index(i.step.Args, "install")
		key := i.in.Raw() + i.step.Key
		if n < 0 || seen[key] {
			continue
		}
		seen[key] = true
		if !py.addWords(i.in, i.step.Command, n, []string{"--no-cache-dir"}, "") {
			return false
		}
	}
	return true
}
