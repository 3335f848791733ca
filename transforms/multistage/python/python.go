// Package python has the recipes for Python: pip, Poetry, Pipenv, uv and conda.
package python

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

var words, lazily = rewrite.Words, rewrite.Lazily

// Python. With pip the packages are installed below a prefix of their own,
// which the runtime stage copies over /usr/local of the slim image: the same
// files at the same paths as before.
//
// Everything but pip is replayed in the runtime stage from the context. Where
// a RUN writes into the application's folder (collectstatic) that folder comes
// from the build stage.
//
// It declines for packages whose libraries aren't known (packages.go), for
// projects that compile code of their own, for conda and for commands that it
// doesn't know. Other package managers than pip are in env.go,
// uv.go and managers.go, distroless in distroless.go.

// Recipe is the recipe for Python.
var Recipe = split.Recipe{
	Name:  "python",
	Bases: words("python"),
	Words: words("pip pip2 pip3 pipenv poetry uv conda mamba setup.py"),
	Doc: `- Python with pip, uv, Poetry, pipenv or setup.py: packages go to a prefix of
  their own, which is copied over /usr/local of the -slim image of the same
  version, or stay in the virtual environment, which is copied whole to the same
  path. Libraries and programs that the full image has by chance (libpq5 for
  psycopg2, git for GitPython, curl for a health check) are installed. Slim images
  on which apt installs a compiler are split too. Distroless where its Python has
  the same minor version and the program starts as a module; else, with the policy
  smallest, distroless cc with the image's own Python, which a stage of its own gathers
  with the libraries that it is linked with.`,
	Also:    slimWithToolchain,
	Tools:   uvImage,
	Refetch: true,
	Split:   splitPython,
}

// slimWithToolchain: a slim image on which apt installs a compiler for pip, which
// stays in the image.
func slimWithToolchain(stage *rewrite.Stage) bool {
	base := stage.BaseName()
	return strings.Contains(base, "slim") && !strings.Contains(base, "windows") && distro.DropsToolchain(stage, distro.Compiler)
}

// App is a stage that installs packages of Python.
type App struct {
	*split.Split
	installs []pipInstall
	tools    []*rewrite.Instruction // RUNs that upgrade pip itself
	writers  []rewrite.Step
	last     *rewrite.Instruction // the last RUN that stays in the build stage
	writer   *rewrite.Instruction // the last RUN that writes into the application
	imports  bool                 // a later RUN imports packages
	Files    map[string]bool      // requirements files, as image paths
	moves    []*rewrite.Instruction
	mixed    bool           // a RUN installs packages and changes other files
	Asked    []repo.Package // everything that is installed by name

	managed    bool                 // another package manager than pip installs, or into a virtual environment
	venv       string               // the virtual environment that packages go to
	made       bool                 // … which the build stage makes for Poetry
	active     *rewrite.Instruction // the RUN in which it is activated
	create     string               // Poetry's virtualenvs.create
	inProject  string               // … and virtualenvs.in-project
	Manifests  map[string]bool      // pyproject.toml and Pipfile, as image paths
	Local      bool                 // the project itself is installed, from its source
	old        []oldEditable
	Editable   bool                      // … perhaps as a link to that source
	relaunched bool                      // CMD or ENTRYPOINT starts what a manager's run started
	homes      []string                  // … its folders in the context
	bareMinor  string                    // the Python version of the distroless base, "" for another base
	owns       bool                      // the runtime stage is distroless cc with the image's own Python
	written    string                    // the application's folder, where RUNs write into it
	inHome     bool                      // data lie in root's home, which nobody else may enter
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

func splitPython(s *split.Split) bool {
	py := &App{Split: s, Files: map[string]bool{}, Manifests: map[string]bool{}, managed: managed(s.Stage)}
	switch f := s.Stage.From.Fields(); {
	case distro.Small(s.Stage.BaseName()):
		s.Base, s.SameBase = f[0].Text, true
	case !s.SlimBase():
		return false
	}
	for _, in := range s.Stage.Instructions {
		if in.Keyword == "run" && !py.run(in) {
			return false
		}
	}
	if len(py.installs) == 0 {
		return false // nothing is built
	}
	s.SettleUpdates()
	if slices.ContainsFunc(s.Stage.Instructions, func(in *rewrite.Instruction) bool { _, _, from, _ := in.Copy(); return uvImage(from) }) {
		py.managed = true
	}
	if py.managed {
		s.Gone = managerTools
		s.Launch = func(words []string) []string { inner, _ := launch(words); return inner }
		if !py.starts() {
			return false
		}
	}
	if why := py.kinds(); why != "" {
		return s.Decline(py.installs[0].in, "%s", why)
	}
	if why := py.environment(); why != "" {
		return s.Decline(py.installs[0].in, "%s", why)
	}
	if _, ok := s.CanStart(); !ok {
		return false
	}
	if why := py.packages(); why != "" {
		return s.Decline(py.installs[0].in, "%s", why)
	}
	if why := s.SourceLacks(".py"); why != "" {
		return s.Decline(py.installs[0].in, "%s", why)
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
	case s.SameBase:
		s.Explain("the runtime stage begins on the same %s, without the compilers and headers that apt installs for the build", s.Base)
	default:
		s.Explain("the base is %s: the same Python on the same Debian release, without compilers and headers", s.Base)
	}
	if py.writer != nil {
		s.Explain("%s is copied from the build stage, where line %d writes into it", py.written, py.writer.Line)
	} else {
		s.Explain("the application's files come from the build context, in a layer of their own behind that of the packages")
	}
	if s.SameBase {
		s.Why = "compilers and headers are installed, which only the install of the packages needs"
		s.Gain = "compilers and headers stay behind: gcc and what it brings weigh more than the rest of a slim image (build-essential about 90 MB compressed)"
		s.Assumes = append(s.Assumes, "the program needs no compiler and no header at run time, and no library beyond those that wheels bring and that are installed again")
		return true
	}
	s.Why = "the full image carries compilers and headers, which only the install needs"
	if py.owns {
		s.Gain = "compilers, headers, the shell and Debian's tools stay behind: about 400 MB for the full image, 17 MB for distroless cc with Python (compressed)"
		s.Assumes = append(s.Assumes, "the program needs nothing at run time that only the full image has: no compiler, no shell, and no library but those that Python, its modules and its packages are linked with or bring")
		return true
	}
	s.Gain = "compilers and headers stay behind: about 400 MB for the full image, 70 MB for the slim one (compressed)"
	s.Assumes = append(s.Assumes, "the program needs nothing at run time that only the full image has, beyond what is installed again: no compiler, no git or curl, and no library but those that wheels bring")
	return true
}

// run sorts one RUN.
func (py *App) run(in *rewrite.Instruction) bool {
	if py.Repeats(in) {
		return true
	}
	all, why := in.StepsWith(installsManager)
	if why != "" {
		return py.Decline(in, "the effects of this RUN aren't known: %s", why)
	}
	rest, ok := py.System(in, all)
	if !ok {
		return false
	}
	if slices.ContainsFunc(rest, py.fetches) {
		rest = slices.DeleteFunc(rest, py.inApp)
	}
	pips, replays, idle := 0, 0, 0
	for _, st := range rest {
		verb, args, isPip := PipArgs(st)
		if mine, ok := py.manager(in, st); !ok {
			return false
		} else if mine {
			pips++
			continue
		}
		switch {
		case isPip && strings.Contains(st.Args[0], "/") && !strings.HasPrefix(st.Args[0], "/usr/local/bin/python") && (py.venv == "" || path.Dir(st.Args[0]) != py.venv+"/bin"):
			return py.Decline(in, "which Python %s belongs to isn't known", st.Args[0])
		case isPip && verb == "install":
			pips++
			n, tools := len(py.installs), len(py.tools)
			if !py.Install(in, st, args) {
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
			return py.Decline(in, "the effects of pip %s aren't known", verb)
		case fetchesModel(st) && !py.managed:
			pips, py.imports = pips+1, true
		case py.nltkData(in, st) != "" && !py.managed:
			pips, py.imports = pips+1, true
			py.bringsData(in, py.nltkData(in, st))
		case py.fetches(st):
			pips++
			py.noteFetch(in, st)
		case manages(st):
			pips++
			py.writers, py.writer, py.imports = append(py.writers, st), in, true
		case cmdline.Replayed[st.Name]:
			replays++
		case rewrite.Harmless(st.Name):
			replays += len(st.Stmt.Redirs)
			idle++
		default:
			return py.Decline(in, "%s", py.unknown(st))
		}
	}
	switch {
	case pips > 0:
		py.Roles[in], py.last = split.InBuild, in
		return replays == 0 || py.repeat(in, rest)
	case replays+idle > 0 && slices.ContainsFunc(all, distro.InstallsPackages):
		// What apt installs is sorted; the file commands are done again beside it.
		py.last, py.Roles[in] = in, split.InBuild
		mixed := py.mixed || slices.ContainsFunc(rest, func(st rewrite.Step) bool { return cmdline.Replayed[st.Name] && !cmdline.MakesOnly[st.Name] })
		if replays > 0 && !py.repeat(in, rest) {
			return false
		}
		py.mixed = mixed
	case replays+idle > 0:
		py.Roles[in] = split.InBoth
		py.moves = append(py.moves, in)
	case py.Roles[in] == split.InBuild:
		py.last = in
	}
	return true
}

// repeat takes the file commands out of a RUN that installs packages too, for
// a RUN of their own in the runtime stage.
func (py *App) repeat(in *rewrite.Instruction, rest []rewrite.Step) bool {
	sh, _ := in.Shell()
	var commands []string
	for _, st := range rest {
		if py.removesRequirements(in, st) {
			continue
		}
		if !cmdline.Replayed[st.Name] && (!rewrite.Harmless(st.Name) || len(st.Stmt.Redirs) == 0) {
			continue
		}
		src := sh.Source(st.Stmt)
		if st.Dir != py.Stage.At(in).Workdir || strings.Contains(src, "\n") || len(in.Heredocs) > 0 {
			return py.Decline(in, "it installs packages and changes other files in one RUN")
		}
		commands = append(commands, src)
		py.Adds = append(py.Adds, st.Key)
	}
	if len(commands) > 0 {
		py.Instead[in] = append(py.Instead[in], py.Keyword("RUN")+" "+strings.Join(commands, " && "))
		py.mixed = true
	}
	return true
}

func (py *App) unknown(st rewrite.Step) string {
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
func (py *App) environment() string {
	for _, i := range py.installs {
		st := py.Stage.At(i.in)
		if st.User != "" && !st.Root() {
			return "pip runs as user " + st.User + ", in whose home the packages end up"
		}
		for _, n := range []string{"PIP_PREFIX", "PIP_TARGET", "PIP_USER", "PIP_ROOT", "PYTHONUSERBASE", "VIRTUAL_ENV", "PIP_CONFIG_FILE", "PYTHONHOME"} {
			if v, ok := py.Env(i.in, i.step.Command, n); ok && (n != "VIRTUAL_ENV" || v != py.venv) {
				return n + "=" + v + " decides where packages end up"
			}
		}
	}
	for _, in := range py.Stage.Instructions {
		if in.Keyword == "run" && in.Index <= py.last.Index && py.venv == "" && py.whole == "" {
			if m := sitePath().FindString(in.Text); m != "" {
				return fmt.Sprintf("line %d names %s, where", in.Line, m) + " packages aren't during the build any more"
			}
		}
	}
	return ""
}

var sitePath = lazily(`/usr/local/lib/python[\w./-]*|site-packages|dist-packages`)
