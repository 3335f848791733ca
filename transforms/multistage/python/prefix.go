package python

import (
	"cmp"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

// prefixDir is the folder of that prefix: one that nothing in the file or context names.
func (py *App) prefixDir() (dir string) {
	for _, d := range []string{"/install", "/packages", "/python-packages"} {
		dir = d
		if !strings.Contains(py.Doc.Src, d+" ") && !strings.Contains(py.Doc.Src, d+"/") && !strings.Contains(py.Doc.Src, d+"\n") && !py.Pass.Repo.Exists(d) {
			break
		}
	}
	return dir
}

// prefix gives pip its own prefix. With one install and nothing that imports
// afterwards the prefix alone will do; several installs, or a later import,
// need pip and Python to see it too.
func (py *App) prefix() bool {
	dir := py.prefixDir()
	first, last := py.installs[0].in, py.installs[len(py.installs)-1].in
	for _, t := range py.tools {
		py.imports = py.imports || !py.managed && (t.Index > first.Index || t == first)
	}
	if t := py.upgraded(); t != nil && t.Index < first.Index {
		first, py.imports = t, true
	}
	vars := []string{"PIP_PREFIX=" + dir}
	pip, many := 0, len(py.installs) > 1 || py.imports
	for _, i := range py.installs {
		switch i.kind {
		case "":
			pip++
		case "pipenv": // its own packages may be the application's, too
			if !py.assign(i.in, i.step, "PIP_PREFIX="+dir+" PIP_IGNORE_INSTALLED=1") {
				return false
			}
		case "uv":
			if !py.AddWords(i.in, i.step.Command, slices.Index(i.step.Args, "install"), []string{"--prefix=" + dir}, "") {
				return false
			}
		}
	}
	crowd := py.crowd()
	switch {
	case pip == 0:
		vars = nil
	case crowd == "":
	case len(py.installs) > 1:
		return py.Decline(first, "pip takes what %s brings for installed already, and several installs follow", crowd)
	default:
		// What the manager brings is in the way of no package; the one install resolves all
		// of them at once.
		vars = append(vars, "PIP_IGNORE_INSTALLED=1")
	}
	if many {
		v := py.Minor()
		if v == "" {
			v = pythonMinor().FindString(py.Image.Version)
		}
		if v == "" {
			return py.Decline(first, "packages are used during the build, and the folder for them depends on a Python version that isn't known")
		}
		for _, in := range py.Stage.Instructions {
			if in.Keyword == "env" && in.Index > first.Index && in.Index <= py.last.Index && (strings.Contains(in.Args.Text, "PYTHONPATH") || strings.Contains(in.Args.Text, "PATH=")) {
				return py.Decline(in, "it changes the search path between installs")
			}
		}
		tail := ""
		if _, ok := py.Stage.At(first).Env["PYTHONPATH"]; ok {
			tail = ":$PYTHONPATH"
		}
		vars = append(vars, "PYTHONPATH="+dir+"/lib/python"+v+"/site-packages"+tail, "PATH="+dir+"/bin:$PATH")
	}
	if len(vars) > 0 {
		py.Edits = append(py.Edits, py.Doc.InsertBefore(first, py.Keyword("ENV")+" "+strings.Join(vars, " \\\n    ")+"\n"))
	}
	if v := py.bareMinor; v != "" {
		py.carry(last, py.CopyFrom(dir+"/lib/python"+v+"/site-packages", "/usr/local/lib/python"+v+"/dist-packages"))
		py.Explain("the packages go to %s in the build stage, and from there to dist-packages, where Debian's Python looks", dir)
		return true
	}
	py.carry(last, py.CopyFrom(dir, "/usr/local"))
	py.Explain("the packages go to %s in the build stage, which is copied over /usr/local: the same files at the same paths as before", dir)
	return true
}

// upgraded is the first RUN that upgrades setuptools or wheel, which Python's images from 3.12
// on don't hold: packages that need them would find the build stage's and the runtime stage
// has none. nil for none.
func (py *App) upgraded() *rewrite.Instruction {
	if v := py.Minor(); py.managed || v == "" || cmdline.VersionLess(v, "3.12") {
		return nil
	}
	for _, t := range py.tools {
		if distTools().MatchString(t.Text) {
			return t
		}
	}
	return nil
}

var distTools = lazily(`\b(setuptools|wheel)\b`)

// crowd is the manager that pip installs beside Python, with packages that the application may
// need too; "" for none. uv brings none.
func (py *App) crowd() string {
	for _, t := range py.tools {
		if m := crowders().FindString(t.Text); py.managed && m != "" {
			return m
		}
	}
	return ""
}

var crowders = lazily(`\b(?:poetry|pipenv|pdm|hatch|pip-tools|virtualenv|pipx)\b`)

// firstCopy is the first COPY of the runtime stage above an instruction: the
// packages go above it, so that a change of the code leaves their layer alone.
func (py *App) firstCopy(last *rewrite.Instruction) (code *rewrite.Instruction) {
	for _, in := range py.Stage.Instructions {
		if in.Index > last.Index {
			break
		}
		if in.Keyword != "copy" && in.Keyword != "add" || py.Roles[in] == split.InBuild {
			continue
		}
		if code == nil {
			code = in
		}
		eff := py.Pass.Effects(in)
		for _, t := range eff.Trees {
			if rewrite.Inside(t.Dest, "/usr/local") || rewrite.Inside("/usr/local", t.Dest) && (t.Ctx != "." || py.Pass.Repo.Exists("usr")) {
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
func (py *App) carry(last *rewrite.Instruction, lines ...string) {
	if code := py.firstCopy(last); code != nil {
		py.Ahead[code] = append(py.Ahead[code], lines...)
	} else if last == py.writer { // above the application
		py.Instead[last] = append(lines, py.Instead[last]...)
	} else {
		py.Instead[last] = append(py.Instead[last], lines...)
	}
}

var pythonMinor = lazily(`^[23]\.\d+`)

// Minor is the Python minor that the tag names, else the line of the image.
func (py *App) Minor() string {
	return cmp.Or(pythonMinor().FindString(py.Ref.Tag), pythonMinor().FindString(py.Image.Line))
}

// noCache keeps pip's download cache out of the build stage's layers.
func (py *App) noCache() bool {
	seen := map[string]bool{}
	for _, i := range py.installs {
		if manager, _ := managerCall(i.step); i.kind == "uv" || i.kind == "pipenv" || managerTools[manager] || !slices.Contains(i.step.Args, "install") || !strings.Contains(strings.Join(i.step.Args, " "), "pip") || managerTools[i.step.Name] {
			continue
		}
		if _, ok := py.Env(i.in, i.step.Command, "PIP_NO_CACHE_DIR"); ok || slices.Contains(i.step.Args, "--no-cache-dir") || slices.Contains(i.step.Args, "--no-cache") || slices.ContainsFunc(i.step.Args, func(a string) bool { return strings.HasPrefix(a, "--cache-dir") }) {
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
		if !py.AddWords(i.in, i.step.Command, n, []string{"--no-cache-dir"}, "") {
			return false
		}
	}
	return true
}
