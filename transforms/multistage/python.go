package multistage

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

// Python. With pip the packages are installed below a prefix of their own,
// which the runtime stage copies over /usr/local of the slim image: the same
// files at the same paths as before.
//
// Everything but pip is replayed in the runtime stage from the context. Where
// a RUN writes into the application's folder (collectstatic) that folder comes
// from the build stage.
//
// It declines for packages whose libraries aren't known (python_packages.go), for
// projects that compile code of their own, for conda and for commands that it
// doesn't know. Other package managers than pip are in python_env.go,
// python_uv.go and python_managers.go, distroless in python_distroless.go.

var _ = register(recipe{
	name:  "python",
	bases: words("python"),
	words: words("pip pip2 pip3 pipenv poetry uv conda mamba setup.py"),
	doc: `- Python with pip, uv, Poetry, pipenv or setup.py: packages go to a prefix of
  their own, which is copied over /usr/local of the -slim image of the same
  version, or stay in the virtual environment, which is copied whole to the same
  path. Libraries and programs that the full image has by chance (libpq5 for
  psycopg2, git for GitPython, curl for a health check) are installed. Slim images
  on which apt installs a compiler are split too. Distroless where its Python has
  the same minor version and the program starts as a module; else, with the policy
  smallest, distroless cc with the image's own Python, which a stage of its own gathers
  with the libraries that it is linked with.`,
	also:  slimWithToolchain,
	tools: uvImage,
	split: splitPython,
})

// slimWithToolchain: a slim image on which apt installs a compiler for pip, which
// stays in the image.
func slimWithToolchain(stage *rewrite.Stage) bool {
	base := stage.BaseName()
	return strings.Contains(base, "slim") && !strings.Contains(base, "windows") && dropsToolchain(stage, compiler)
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
	old        []oldEditable
	editable   bool                      // … perhaps as a link to that source
	relaunched bool                      // CMD or ENTRYPOINT starts what a manager's run started
	homes      []string                  // … its folders in the context
	bareMinor  string                    // the Python version of the distroless base, "" for another base
	owns       bool                      // the runtime stage is distroless cc with the image's own Python
	written    string                    // the application's folder, where RUNs write into it
	whole      string                    // why all of /usr/local is carried over
	removals   []pipInstall              // rm of requirements files, in a RUN that installs
	exports    map[string][]repo.Package // requirements files that a manager writes
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
	if slices.ContainsFunc(s.stage.Instructions, func(in *rewrite.Instruction) bool { _, _, from, _ := in.Copy(); return uvImage(from) }) {
		py.managed = true
	}
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
	if !py.place() || !py.remove() {
		return false
	}
	py.distroless()
	if !py.bringPackages() || !py.noCache() {
		return false
	}
	switch {
	case py.bareMinor != "" || py.owns:
	case s.sameBase:
		s.explain("the runtime stage begins on the same %s, without the compilers and headers that apt installs for the build", s.base)
	default:
		s.explain("the base is %s: the same Python on the same Debian release, without compilers and headers", s.base)
	}
	if py.writer != nil {
		s.explain("%s is copied from the build stage, where line %d writes into it", py.written, py.writer.Line)
	} else {
		s.explain("the application's files come from the build context, in a layer of their own behind that of the packages")
	}
	if s.sameBase {
		s.why = "compilers and headers are installed, which only the install of the packages needs"
		s.gain = "compilers and headers stay behind: gcc and what it brings weigh more than the rest of a slim image (build-essential about 90 MB compressed)"
		s.assumes = append(s.assumes, "the program needs no compiler and no header at run time, and no library beyond those that wheels bring and that are installed again")
		return true
	}
	s.why = "the full image carries compilers and headers, which only the install needs"
	if py.owns {
		s.gain = "compilers, headers, the shell and Debian's tools stay behind: about 400 MB for the full image, 17 MB for distroless cc with Python (compressed)"
		s.assumes = append(s.assumes, "the program needs nothing at run time that only the full image has: no compiler, no shell, and no library but those that Python, its modules and its packages are linked with or bring")
		return true
	}
	s.gain = "compilers and headers stay behind: about 400 MB for the full image, 70 MB for the slim one (compressed)"
	s.assumes = append(s.assumes, "the program needs nothing at run time that only the full image has, beyond what is installed again: no compiler, no git or curl, and no library but those that wheels bring")
	return true
}

// run sorts one RUN.
func (py *pythonSplit) run(in *rewrite.Instruction) bool {
	all, why := in.StepsWith(installsManager)
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
	case replays+idle > 0 && slices.ContainsFunc(all, installsPackages):
		// What apt installs is sorted; the file commands are done again beside it.
		py.last, py.roles[in] = in, inBuild
		mixed := py.mixed || slices.ContainsFunc(rest, func(st rewrite.Step) bool { return replayed[st.Name] && !makesOnly[st.Name] })
		if replays > 0 && !py.repeat(in, rest) {
			return false
		}
		py.mixed = mixed
	case replays+idle > 0:
		py.roles[in] = inBoth
		py.moves = append(py.moves, in)
	case py.roles[in] == inBuild:
		py.last = in
	}
	return true
}

// makesOnly are file commands that need nothing which a COPY brings.
var makesOnly = words(`mkdir useradd groupadd adduser addgroup`)

func installsPackages(st rewrite.Step) bool {
	a, ok := readApt(st)
	return ok && a.verb == "install"
}

// repeat takes the file commands out of a RUN that installs packages too, for
// a RUN of their own in the runtime stage.
func (py *pythonSplit) repeat(in *rewrite.Instruction, rest []rewrite.Step) bool {
	sh, _ := in.Shell()
	var commands []string
	for _, st := range rest {
		if py.removesRequirements(in, st) {
			continue
		}
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
	if len(commands) > 0 {
		py.instead[in] = append(py.instead[in], py.keyword("RUN")+" "+strings.Join(commands, " && "))
		py.mixed = true
	}
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
	case "collectstatic", "compilemessages", "compress", "makemigrations", "migrate", "loaddata":
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
