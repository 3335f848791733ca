package transforms

// What a fixture can't hold: a .git folder, and files that git leaves out.

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
)

// ignoring runs dockerignore over files given as name, text, …; a name that
// ends in "/" is a folder.
func ignoring(t *testing.T, dockerfile string, files ...string) *rewrite.Result {
	t.Helper()
	fs := fstest.MapFS{"Dockerfile": {Data: []byte(dockerfile)}}
	for i := 0; i+1 < len(files); i += 2 {
		fs[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	in := rewrite.Input{Path: "Dockerfile", Name: "Dockerfile", Src: dockerfile, Repo: repo.Load(fs), Images: images.Catalogue()}
	res, err := rewrite.Run(context.Background(), in, []*rewrite.Transform{ByName("dockerignore")}, rewrite.Options{Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func entries(res *rewrite.Result) []string {
	return strings.Split(strings.TrimSpace(res.Files[".dockerignore"]), "\n")
}

func TestGitStaysWhereItIsAsked(t *testing.T) {
	const all = "FROM x\nCOPY . /src\n"
	for name, c := range map[string]struct {
		dockerfile string
		files      []string
		why        string // "" when .git goes
	}{
		"a plain project":      {all, []string{"main.go", "package main"}, ""},
		"a note about git":     {all + "RUN git clone https://tides.net/x\n", nil, ""},
		"git settings":         {all + "RUN git config --global user.name x && make\n", nil, ""},
		"a RUN":                {all + "RUN cd /src && git rev-parse HEAD > version\n", nil, "a RUN uses git"},
		"a COPY":               {all + "COPY .git/HEAD /src/head\n", nil, "a COPY names it"},
		"setuptools-scm":       {all, []string{"pyproject.toml", `requires = ["setuptools-scm"]`}, "pyproject.toml mentions setuptools-scm"},
		"hatch-vcs":            {all, []string{"pyproject.toml", `requires = ["hatchling", "hatch-vcs"]`}, "pyproject.toml mentions hatch-vcs"},
		"poetry":               {all, []string{"pyproject.toml", "[tool.poetry-dynamic-versioning]"}, "pyproject.toml mentions poetry-dynamic-versioning"},
		"git describe of make": {all, []string{"Makefile", "V := $(shell git describe --tags)"}, "Makefile asks git"},
		"a script":             {all + "RUN /src/scripts/build.sh\n", []string{"scripts/build.sh", "git log -1"}, "scripts/build.sh asks git"},
		"a script at start":    {all + "CMD [\"/src/bin/start\"]\n", []string{"bin/start", "git rev-parse HEAD"}, "bin/start asks git"},
		"a script of make":     {all + "RUN make -C /src\n", []string{"Makefile", "all:\n\t./build.sh", "build.sh", "git log -1"}, "build.sh asks git"},
		"any script":           {all + "RUN for f in /src/scripts/*; do $f; done\n", []string{"scripts/build.sh", "git log -1"}, "scripts/build.sh asks git"},
		"a script for others":  {all, []string{"hack/release.sh", "git tag v1"}, ""},
		"a gemspec":            {all, []string{"tide.gemspec", "s.files = `git ls-files -z`"}, "tide.gemspec asks git"},
		"submodules":           {all, []string{".gitmodules", `[submodule "x"]`}, ".gitmodules mentions submodule"},
		"Maven":                {all, []string{"pom.xml", "<artifactId>git-commit-id-maven-plugin</artifactId>"}, "pom.xml mentions git-commit-id"},
		"go that shows it":     {all + "RUN go build /src\n", []string{"go.mod", "module x", "main.go", `package main; const k = "vcs.revision"`}, "main.go reads the commit that go build puts into the binary"},
		"go that is told":      {all + "RUN go build -buildvcs=true /src\n", []string{"go.mod", "module x"}, "go build puts the commit into the binary"},
		"go":                   {all + "RUN go build /src\n", []string{"go.mod", "module x", "main.go", "package main", "main_test.go", `const k = "vcs.revision"`}, ""},
	} {
		res := ignoring(t, c.dockerfile, append(c.files, ".git/HEAD", "ref: x")...)
		gone := entries(res)[0] == ".git"
		told := ""
		for _, d := range res.Declined {
			told += d.Reason
		}
		if gone != (c.why == "") || !strings.HasSuffix(told, c.why) {
			t.Errorf("%s: .git is left out: %v, %q", name, gone, told)
		}
	}
}

// A "!" of the file stays in force: what it brings back is sent as before, with
// all its bytes.
func TestNegationsStay(t *testing.T) {
	const dockerfile = "FROM python:3.12\nCOPY . /src\n"
	files := []string{"app.py", "1", "a/b.py", "1", ".git/HEAD", "x", "a/__pycache__/b.pyc", "x", "x.log", "x", ".gitignore", "*.log\n.env\n", ".env", "A=1", "keep.log", "1"}
	for _, ignore := range []string{"*\n!a\n", "*.log\n!keep.log\n", "**\n!**/*.py\n", ".git\n!.git/HEAD\n", "a\n!a/__pycache__\n", "*\n!.env\n!app.py\n", "**/*.pyc\n!*/*/b.pyc\n", "*\n!*.log\n"} {
		res := ignoring(t, dockerfile, append(files, ".dockerignore", ignore)...)
		was := repo.ParseIgnore("", []byte(ignore))
		now := repo.ParseIgnore("", []byte(res.Files[".dockerignore"]))
		if len(res.Files) == 0 {
			now = was
		}
		if !strings.HasPrefix(string(now.Src), ignore) {
			t.Errorf("%q became %q", ignore, now.Src)
		}
		for i := 0; i < len(files); i += 2 {
			f := files[i]
			if now.SentEmpty(f) || !now.Excluded(f) && was.Excluded(f) {
				t.Errorf("%q: %s is sent, or sent without its bytes, after %q", ignore, f, now.Src)
			}
			if now.Excluded(f) && !was.Excluded(f) && strings.Contains(ignore, "!"+f) {
				t.Errorf("%q: %s is brought back and left out again by %q", ignore, f, now.Src)
			}
		}
	}
}

func TestWeightOfTheContext(t *testing.T) {
	res := ignoring(t, "FROM x\nCOPY web /src\nRUN npm ci\n", "web/package.json", "{}", "web/node_modules/x/index.js", strings.Repeat("x", 2000), "other.bin", strings.Repeat("x", 5000))
	if len(res.Outcomes) != 1 {
		t.Fatal(res.Outcomes)
	}
	o := res.Outcomes[0]
	if got := *o.Context; got.Before.Files != 4 || got.SentBefore != (rewrite.Weight{Files: 2, Bytes: 2002}) || got.SentAfter != (rewrite.Weight{Files: 1, Bytes: 2}) || !got.Complete {
		t.Errorf("%+v", got)
	}
	if want := "the build context goes from 7.03 kB in 4 files to 5.03 kB in 3 files, what BuildKit is sent of it from 2 kB in 2 files to 2 B in 1 file; fewer cache misses"; o.Gain != want {
		t.Errorf("%s", o.Gain)
	}
}

// An ignore file that is a link to git's stays as it is: git would ignore the Dockerfile.
func TestIgnoreFileThatIsALink(t *testing.T) {
	const dockerfile = "FROM python:3.12-slim\nCOPY . /app\n"
	for target, changes := range map[string]bool{".gitignore": false, "docker/app.dockerignore": true} {
		files := fstest.MapFS{
			"Dockerfile":    {Data: []byte(dockerfile)},
			"app.py":        {Data: []byte("print()\n")},
			".dockerignore": {Data: []byte(target), Mode: fs.ModeSymlink | 0o777},
			target:          {Data: []byte("*.log\n")},
		}
		in := rewrite.Input{Path: "Dockerfile", Name: "Dockerfile", Src: dockerfile, Repo: repo.Load(files), Images: images.Catalogue()}
		res, err := rewrite.Run(context.Background(), in, []*rewrite.Transform{ByName("dockerignore")}, rewrite.Options{Unsafe: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, changed := res.Files[".dockerignore"]; changed != changes {
			t.Errorf("a link to %s: changed is %t, declined %v", target, changed, res.Declined)
		}
	}
}
