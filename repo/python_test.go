package repo

import "testing"

func TestRequirements(t *testing.T) {
	r := load(
		"app/requirements.txt", "# all\r\n-r base.txt\r\n--requirement=../shared/dev.txt\r\n-c constraints.txt\r\n"+
			"Flask_Login[Async , x]>=1 ; python_version < \"4\"  # why\r\n"+
			"-e .\n./lib/thing\nmylib @ file:///src/mylib\n--find-links wheels\n-f https://x/y\n"+
			"git+https://github.com/a/b.git@v1#egg=Bee\nc @ git+ssh://git@github.com/a/c\n-e git+https://github.com/a/d#egg=dee\n"+
			"https://x/some_pkg-1.0-py3-none-any.whl\n"+
			"numpy==1.0 \\\n    --hash=sha256:abc \\\n    --hash=sha256:def\n",
		"app/base.txt", "\xef\xbb\xbfdjango==4\n", "shared/dev.txt", "pytest\n-r ../app/base.txt\n", "app/constraints.txt", "six==1\n")
	q := r.Requirements("./app/requirements.txt")
	equal(t, "unknown", q.Unknown, "")
	equal(t, "files", q.Files, []string{"app/requirements.txt", "app/base.txt", "shared/dev.txt", "app/constraints.txt"})
	equal(t, "local", q.Local, []string{".", "./lib/thing", "file:///src/mylib", "wheels"})
	equal(t, "vcs", q.VCS, []string{"git+https://github.com/a/b.git@v1#egg=Bee", "git+ssh://git@github.com/a/c", "git+https://github.com/a/d#egg=dee"})
	var names []string
	for _, p := range q.Packages {
		names = append(names, p.Name)
	}
	equal(t, "names", names, []string{"django", "pytest", "flask-login", "mylib", "bee", "c", "dee", "some-pkg", "numpy"})
	equal(t, "package", q.Packages[2], Package{Name: "flask-login", Extras: []string{"async", "x"},
		Spec: `Flask_Login[Async , x]>=1 ; python_version < "4"`, File: "app/requirements.txt", Line: 5})
	equal(t, "line of a continued requirement", q.Packages[8], Package{Name: "numpy", Spec: "numpy==1.0", File: "app/requirements.txt", Line: 15})
	if !q.Hashed || !q.Has("django") || q.Has("six") {
		t.Error("hashes, Has")
	}
}

func TestRequirementsUnknown(t *testing.T) {
	for src, want := range map[string]string{
		"-r requirements.txt":      "requirements.txt includes itself",
		"-r b.txt":                 "requirements.txt includes itself",
		"-r none.txt":              "none.txt cannot be read from the build context",
		"-r ../x.txt":              "requirements.txt:1: includes ../x.txt, which is outside the build context",
		"-r /x.txt":                "requirements.txt:1: includes /x.txt, which is outside the build context",
		"-r https://x/y.txt":       "requirements.txt:1: includes https://x/y.txt, which is not in the build context",
		"-r ${ENV}.txt":            "requirements.txt:1: the name of the included file depends on the environment",
		"-c file:c.txt":            "requirements.txt:1: includes file:c.txt, which is not in the build context",
		"\n--wat x":                "requirements.txt:2: pip option --wat is not known",
		"-r 'x":                    "requirements.txt:1: the options cannot be split",
		"-r":                       "requirements.txt:1: pip option -r is not known",
		"{{ cookiecutter.x }}":     `requirements.txt:1: "{{ cookiecutter.x }}" is not a requirement pip understands`,
		"https://x/archive.tar.gz": "requirements.txt:1: the package behind https://x/archive.tar.gz has no name",
		"flask\n\xff\xfe":          "requirements.txt:2: \"\\xff\\xfe\" is not a requirement pip understands",
		"flask==1\n--requ":         "requirements.txt:2: pip option --requ is not known",
	} {
		r := load("requirements.txt", src, "b.txt", "-r requirements.txt")
		equal(t, src, r.Requirements("requirements.txt").Unknown, want)
	}
	if q := load().Requirements("../r.txt"); q.Unknown == "" {
		t.Error("outside")
	}
	if q := load().Requirements("r.txt"); q.Unknown == "" || len(q.Files) != 0 {
		t.Error("missing")
	}
}

func TestRequirementsUTF16(t *testing.T) { // PowerShell's "pip freeze > requirements.txt"
	r := load("r.txt", "\xff\xfef\x00l\x00a\x00s\x00k\x00\r\x00\n\x00")
	if q := r.Requirements("r.txt"); !q.Has("flask") || q.Unknown != "" {
		t.Errorf("%+v", q)
	}
}

func TestRequirementOptionsFollowPip(t *testing.T) {
	// A requirement on the line hides -r; of several -r the first counts.
	r := load("r.txt", "flask -r a.txt\n-r a.txt -r b.txt\n-rc.txt\n--req d.txt\n", "a.txt", "a\n", "b.txt", "b\n", "c.txt", "c\n", "d.txt", "d\n")
	q := r.Requirements("r.txt")
	equal(t, "files", q.Files, []string{"r.txt", "a.txt", "c.txt"})
	equal(t, "an abbreviation must be unique", q.Unknown, "r.txt:4: pip option --req is not known")
}

func TestPythonVersion(t *testing.T) {
	for _, c := range []struct {
		files []string
		want  Version
	}{
		{[]string{".python-version", "# c\n3.12.1\n3.11\n"}, Version{"3.12.1", "", ".python-version", 2}},
		{[]string{".python-version", "myenv\n", "runtime.txt", "python-3.10.4\r\n"}, Version{"3.10.4", "", "runtime.txt", 1}},
		{[]string{".python-version", "cpython-3.13"}, Version{"3.13", "", ".python-version", 1}},
		{[]string{"pyproject.toml", "[project]\nname='x'\nrequires-python = \">=3.9\"\n"}, Version{"", ">=3.9", "pyproject.toml", 3}},
		{[]string{"pyproject.toml", "[project]\nrequires-python = \">=3.11,<3.12\"\n"}, Version{"3.11", ">=3.11,<3.12", "pyproject.toml", 2}},
		{[]string{"pyproject.toml", "[project]\nrequires-python = \"==3.11.*\"\n"}, Version{"3.11", "==3.11.*", "pyproject.toml", 2}},
		{[]string{"pyproject.toml", "[project]\nrequires-python = \"==3.11.4\"\n"}, Version{"3.11.4", "", "pyproject.toml", 2}},
		{[]string{"pyproject.toml", "[project]\nrequires-python = \"3.11\"\n"}, Version{"", "3.11", "pyproject.toml", 2}},
		{[]string{"pyproject.toml", "[tool.poetry.dependencies]\npython = \"^3.9\"\n", "Pipfile", "[requires]\npython_version = \"3.8\"\n"}, Version{"3.8", "", "Pipfile", 2}},
		{[]string{"pyproject.toml", "[tool.poetry.dependencies]\npython = \"~3.9.2\"\n"}, Version{"3.9", "~3.9.2", "pyproject.toml", 2}},
		{[]string{"pyproject.toml", "[project]\nrequires-python = \">=3.9,<3.13\"\n"}, Version{"", ">=3.9,<3.13", "pyproject.toml", 2}},
		{[]string{".tool-versions", "nodejs 20\npython 3.11.2 3.10\n"}, Version{"3.11.2", "", ".tool-versions", 2}},
		{[]string{"pyproject.toml", "[[[", "Pipfile", "\x00"}, Version{}},
	} {
		equal(t, c.files[1], load(c.files...).PythonVersion(), c.want)
	}
}
