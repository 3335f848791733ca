package python

import (
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

// Requirements files that a manager writes from its lock file, in the same stage or in
// one of their own, and managers that are called or fetched in other ways than by name.

// pythonExport is a requirements file that a command writes from a lock file.
type pythonExport struct {
	file string // in the image
	lock string // its name, beside the manifest in the folder that the command runs in
	dev  bool   // development packages are in it
}

// exportOf reads poetry export, uv export and pipenv requirements; ok is false for
// other commands, and where they don't write a requirements file.
// Sources: https://github.com/python-poetry/poetry-plugin-export,
// https://docs.astral.sh/uv/reference/cli/#uv-export, https://pipenv.pypa.io/en/latest/cli.html.
func exportOf(st rewrite.Step) (e pythonExport, ok bool) {
	name, args := managerCall(st)
	if len(args) == 0 {
		return e, false
	}
	switch {
	case name == "poetry" && args[0] == "export":
		e.lock = "poetry.lock"
	case name == "uv" && args[0] == "export":
		e.lock, e.dev = "uv.lock", true
	case name == "pipenv" && args[0] == "requirements":
		e.lock = "Pipfile.lock"
	default:
		return e, false
	}
	for i := 1; i < len(args); i++ {
		flag, value, joined := strings.Cut(args[i], "=")
		switch flag {
		case "-f", "--format", "-o", "--output", "--output-file":
			if !joined {
				if i++; i == len(args) {
					return e, false
				}
				value = args[i]
			}
			if flag != "-f" && flag != "--format" {
				e.file = value
			} else if !strings.HasPrefix(value, "requirements") {
				return e, false
			}
		case "--without-hashes", "--without-urls", "--with-credentials", "--no-hashes", "--frozen", "--locked", "--no-emit-project", "--no-interaction", "-n", "--no-ansi", "-q", "--quiet", "--hash", "--no-header", "--no-annotate":
		case "--dev", "--all-extras", "--all-groups":
			e.dev = true
		case "--no-dev":
			e.dev = false
		case "--only", "--without", "--with", "--extras", "-E", "--extra", "--group", "--no-group":
			if !joined {
				i++
			}
			e.dev = e.dev || flag == "--with" || flag == "--group"
		default:
			return e, false
		}
	}
	if e.file == "" {
		for _, r := range st.Stmt.Redirs {
			if r.Word != nil && r.N == nil && r.Op.String() == ">" {
				e.file = cmdline.PlainWord(r.Word)
			}
		}
	}
	e.file, ok = abs2(st.Dir, e.file)
	return e, ok
}

// export notes the file that a command of the stage writes.
func (py *App) export(in *rewrite.Instruction, st rewrite.Step, e pythonExport) bool {
	ctx, ok := py.fromContext(in, st.Dir, e.lock)
	if !ok || !py.Pass.Repo.Exists(ctx) {
		return py.Decline(in, "%s writes %s from %s, which doesn't come from the build context", strings.Join(st.Args[:2], " "), path.Base(e.file), e.lock)
	}
	if py.exports == nil {
		py.exports = map[string][]repo.Package{}
	}
	py.exports[e.file], _ = py.Pass.Repo.PythonLocked(ctx, e.dev)
	py.imports = py.imports || slices.Contains(py.tools, in) || len(py.installs) > 0 // pip puts the manager into the prefix
	for _, f := range []string{e.lock, "pyproject.toml", "Pipfile"} {
		py.Files[path.Join(st.Dir, f)] = true
	}
	return true
}

// generated are the packages of a requirements file that no context holds: a command
// has written it, in this stage or in one that it is copied from.
func (py *App) generated(before *rewrite.Instruction, file string) ([]repo.Package, bool) {
	if packages, ok := py.exports[file]; ok {
		return packages, true
	}
	for _, in := range py.Stage.Instructions {
		sources, dest, from, ok := in.Copy()
		other := py.Doc.StageByRef(from, py.Stage.Index)
		if !ok || in.Index > before.Index || from == "" || other == nil || len(sources) != 1 {
			continue
		}
		at := py.Stage.At(in)
		to, known := at.Abs(at.Expand(dest))
		if known && (strings.HasSuffix(dest, "/") || strings.HasSuffix(dest, ".") || to != file) {
			to = path.Join(to, path.Base(sources[0]))
		}
		if !known || to != file || !py.unread([]rewrite.Tree{{Ctx: file}}) {
			continue
		}
		if packages, ok := exported(py.Split, other, path.Join("/", sources[0])); ok {
			py.Roles[in] = split.InBuild
			return packages, true
		}
	}
	return nil, false
}

// exported are the packages of a requirements file that a command of another stage writes.
func exported(s *split.Split, other *rewrite.Stage, file string) ([]repo.Package, bool) {
	for _, in := range slices.Backward(other.Instructions) {
		if in.Keyword != "run" {
			continue
		}
		steps, why := in.StepsWith(installsManager)
		if why != "" {
			continue
		}
		for _, st := range steps {
			e, ok := exportOf(st)
			if !ok || e.file != file {
				continue
			}
			ctx, by := other.Origin(in, path.Join(st.Dir, e.lock), s.Pass.Repo, s.Pass.Name)
			if by == nil || !s.Pass.Repo.Exists(ctx) {
				return nil, false
			}
			return s.Pass.Repo.PythonLocked(ctx, e.dev)
		}
	}
	return nil, false
}

// managerCall is the program that a step calls, with its arguments behind the first
// flags: poetry for python -m poetry, too. "" for one that is called by its path.
func managerCall(st rewrite.Step) (name string, args []string) {
	if a := st.Args; (st.Name == "python" || st.Name == "python3") && len(a) > 3 && a[1] == "-m" && (a[2] == "poetry" || a[2] == "pipenv" || a[2] == "uv") {
		return a[2], skipFlags(a[3:])
	}
	if st.Args[0] != st.Name {
		return "", skipFlags(st.Args[1:])
	}
	return st.Name, skipFlags(st.Args[1:])
}

// fetchedInstaller knows the steps of an installer that an ADD brings, which then stays
// in the build stage (https://docs.astral.sh/uv/guides/integration/docker/#installing-uv).
func (py *App) fetchedInstaller(in *rewrite.Instruction, st rewrite.Step) bool {
	for _, add := range py.Stage.Instructions {
		if add.Keyword != "add" || add.Index > in.Index {
			continue
		}
		sources, dest, _, _ := add.Copy()
		at, known := py.Stage.At(add).Abs(dest)
		if !known || len(sources) != 1 || !installers().MatchString(sources[0]) || strings.HasSuffix(dest, "/") {
			continue
		}
		words := st.Args
		if rewrite.PosixShell(st.Name) || pythonProgram().MatchString(st.Name) || st.Name == "rm" || st.Name == "chmod" {
			words = slices.DeleteFunc(slices.Clone(st.Args[1:]), func(a string) bool {
				return strings.HasPrefix(a, "-") || st.Name == "chmod" && !strings.Contains(a, "/")
			})
		}
		if len(words) > 0 && !slices.ContainsFunc(words, func(w string) bool { p, ok := abs2(st.Dir, w); return !ok || p != at }) {
			py.Roles[add] = split.InBuild
			return true
		}
	}
	return false
}
