package python

import (
	"path"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

// What a pip install on the command line installs, and from where.

// PipArgs are the arguments of pip install, or of python -m pip install.
func PipArgs(st rewrite.Step) (verb string, args []string, ok bool) {
	a := st.Args
	switch {
	case st.Name == "pip" || st.Name == "pip3":
		a = a[1:]
	case (st.Name == "python" || st.Name == "python3") && len(a) > 2 && a[1] == "-m" && a[2] == "pip":
		a = a[3:]
	default:
		return "", nil, false
	}
	for len(a) > 0 && strings.HasPrefix(a[0], "-") {
		a = a[1:]
	}
	if len(a) == 0 {
		return "", nil, true
	}
	return a[0], a[1:], true
}

var toolPackages = words(`pip setuptools wheel`)

// installer: the package installs others, and the application doesn't use it.
func (py *App) installer(name string) bool {
	return toolPackages[name] || py.managed && pythonTools[name]
}

// Install reads the arguments of one pip install.
func (py *App) Install(in *rewrite.Instruction, st rewrite.Step, args []string) bool {
	tools, named := 0, 0
	for i := 0; i < len(args); i++ {
		a := args[i]
		if strings.Contains(a, "$") {
			a = py.Stage.At(in).Expand(strings.Trim(a, `"`))
		}
		name, _, _ := strings.Cut(a, "=")
		value := func() string {
			if _, v, ok := strings.Cut(a, "="); ok && strings.HasPrefix(a, "--") {
				return v
			}
			if !strings.HasPrefix(a, "--") && len(a) > 2 {
				return a[2:]
			}
			if i++; i < len(args) {
				return args[i]
			}
			return ""
		}
		switch {
		case a == "-r" || name == "--requirement" || strings.HasPrefix(a, "-r") && !strings.HasPrefix(a, "--"):
			named++
			if !py.requirements(in, st, value()) {
				return false
			}
		case a == "-c" || name == "--constraint":
			if f := value(); !py.constraint(in, st, f) {
				return false
			}
		case pipValue[name] || pipValue[a]:
			value()
		case pipFlag[a]:
		case a == "-e" || a == "--editable" || strings.HasPrefix(a, "--editable="):
			named, py.Editable = named+1, true
			if !py.localInstall(in, st, value(), true) {
				return false
			}
		case strings.HasPrefix(a, "-"):
			return py.Decline(in, "pip install %s puts packages elsewhere, or drydock doesn't know it", a)
		case overSSH(a):
			return py.Decline(in, "%s is fetched over ssh", a)
		case strings.Contains(a, "$") && py.installer(named1(a).Name): // in whatever version
			tools++
		case strings.ContainsAny(a, "$*`") || strings.HasPrefix(a, "file:"):
			return py.Decline(in, "what pip install %s installs isn't known", a)
		case strings.HasPrefix(a, ".") || strings.HasPrefix(a, "/") || strings.HasSuffix(a, ".whl") && !strings.Contains(a, "://"):
			named++
			if !py.localInstall(in, st, a, false) {
				return false
			}
		default:
			p := named1(a)
			if py.installer(p.Name) {
				tools++
				continue
			}
			named++
			py.Asked = append(py.Asked, p)
		}
	}
	if named == 0 {
		if tools > 0 {
			py.tools = append(py.tools, in)
		}
		return true
	}
	py.installs = append(py.installs, pipInstall{in, st, ""})
	return true
}

var pipValue = words(`-i --index-url --extra-index-url --trusted-host --timeout --default-timeout --retries --progress-bar --cache-dir --no-binary --only-binary --use-feature --use-deprecated --proxy --log --exists-action --upgrade-strategy --cert --root-user-action --config-settings --global-option`)

var pipFlag = words(`-U --upgrade -q -qq --quiet -v -vv -vvv --verbose --no-cache-dir --no-cache --pre --no-deps --disable-pip-version-check --no-input --require-hashes --no-warn-script-location --prefer-binary --force-reinstall --no-build-isolation --no-compile --compile --ignore-installed -I --no-python-version-warning --isolated --break-system-packages --use-pep517 --no-index`)

var reqName = lazily(`^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[([^\]]*)\])?`)

// named1 reads a requirement from the command line.
func named1(a string) repo.Package {
	m := reqName().FindStringSubmatch(a)
	if m == nil {
		return repo.Package{Spec: a}
	}
	p := repo.Package{Name: pep503(m[1]), Spec: a}
	for _, e := range strings.Split(m[2], ",") {
		if e = strings.TrimSpace(e); e != "" {
			p.Extras = append(p.Extras, pep503(e))
		}
	}
	return p
}

var pepRuns = lazily(`[-_.]+`)

func pep503(s string) string { return pepRuns().ReplaceAllString(strings.ToLower(s), "-") }

// requirements follows a requirements file into the context.
func (py *App) requirements(in *rewrite.Instruction, st rewrite.Step, file string) bool {
	q, ok := py.read(in, st, file)
	if !ok {
		return false
	}
	switch {
	case q.Unknown != "":
		return py.Decline(in, "%s", q.Unknown)
	}
	for _, l := range q.Local {
		py.Editable = true // whether -e stands before it isn't told
		if !py.localInstall(in, st, l, true) {
			return false
		}
	}
	for _, v := range q.VCS {
		if overSSH(v) {
			return py.Decline(in, "%s is fetched over ssh", v)
		}
	}
	for _, p := range q.Packages {
		if strings.HasPrefix(p.Spec, "-e") {
			return py.Decline(in, "%s:%d installs in editable form, outside site-packages", p.File, p.Line)
		}
	}
	py.Asked = append(py.Asked, q.Packages...)
	return true
}

// overSSH: a requirement's URL, or git's short form of one, goes over ssh.
func overSSH(url string) bool {
	return strings.Contains(url, "ssh://") || strings.Contains(url, "git+git@") || strings.HasPrefix(url, "git@")
}

func (py *App) constraint(in *rewrite.Instruction, st rewrite.Step, file string) bool {
	if strings.Contains(file, "://") {
		return true
	}
	_, ok := py.read(in, st, file)
	return ok
}

func (py *App) read(in *rewrite.Instruction, st rewrite.Step, file string) (*repo.Requirements, bool) {
	if strings.ContainsAny(file, "$*`") || st.Dir == "" {
		return nil, py.Decline(in, "pip reads the computed file %s", file)
	}
	abs := file
	if !strings.HasPrefix(file, "/") {
		abs = path.Join(st.Dir, file)
	}
	ctx, by := py.Stage.Origin(in, abs, py.Pass.Repo, py.Pass.Name)
	if by == nil {
		if packages, ok := py.generated(in, abs); ok {
			py.Files[abs] = true
			return &repo.Requirements{Packages: packages}, true
		}
		return nil, py.Decline(in, "%s", py.NotBrought(file))
	}
	q := py.Pass.Repo.Requirements(ctx)
	root := path.Dir(ctx)
	for _, f := range q.Files {
		if rel, ok := strings.CutPrefix(f, root+"/"); ok || root == "." {
			if root == "." {
				rel = f
			}
			py.Files[path.Join(path.Dir(abs), rel)] = true
		} else {
			py.Files[path.Join(path.Dir(abs), "..", f)] = true
		}
	}
	py.Files[abs] = true
	return q, true
}
