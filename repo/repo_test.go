package repo

import (
	"errors"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
)

// files makes a build context out of path, content pairs.
func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

func load(pairs ...string) *Repo { return Load(files(pairs...)) }

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %#v\nwant %#v", what, got, want)
	}
}

func TestNoContext(t *testing.T) {
	r := Load(nil)
	f, complete := r.Files()
	if r.Known() || r.Exists(".") || r.Exists("a") || len(f) > 0 || complete || r.FS() == nil {
		t.Error("an absent context must be empty and say that it is not known")
	}
	if r.Ignore("Dockerfile").Exists || r.Node(".") != nil || r.Go(".") != nil || r.Builds() != nil || r.Mentions() != nil {
		t.Error("an absent context has no facts")
	}
	if v := r.With(".dockerignore", []byte("a")); v.Known() || !v.Ignore("").Excluded("a") {
		t.Error("an overlay works without a context")
	}
}

func TestExists(t *testing.T) {
	r := load("a/b.txt", "x", "c", "")
	for p, want := range map[string]bool{
		"a": true, "./a": true, "a/": true, "/a": true, "a/b.txt": true, "a/../c": true, ".": true, "": true,
		"..": false, "../a": false, "a/../../c": false, "d": false, "a\xff": false, "c/d": false, "...": false,
	} {
		if got := r.Exists(p); got != want {
			t.Errorf("Exists(%q) = %v", p, got)
		}
	}
	if !r.IsDir("a") || r.IsDir("c") || r.IsDir("zz") {
		t.Error("IsDir")
	}
	if _, err := r.ReadFile("../c"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading out of the context: %v", err)
	}
	if _, err := r.ReadFile("a"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("reading a folder: %v", err)
	}
	if len(r.ReadDir("a")) != 1 || r.ReadDir("c") != nil || r.ReadDir("../a") != nil {
		t.Error("ReadDir")
	}
}

func TestGlob(t *testing.T) {
	r := load("a.txt", "", "b.txt", "", ".c.txt", "", "d/e.txt", "", "d/f/g.txt", "", "req[1].txt", "")
	for pattern, want := range map[string][]string{
		"*.txt": {".c.txt", "a.txt", "b.txt", "req[1].txt"}, "d/*": {"d/e.txt", "d/f"}, "**/*.txt": {"d/e.txt"},
		"./a.txt": {"a.txt"}, "/a.txt": {"a.txt"}, "d/": {"d"}, "../*": nil, "[": nil, "none*": nil, ".": {"."},
		"req[[]1].txt": {"req[1].txt"}, "?.txt": {"a.txt", "b.txt"},
	} {
		equal(t, "Glob "+pattern, r.Glob(pattern), want)
	}
}

func TestFiles(t *testing.T) {
	r := load("z", "", "a/b", "", ".git/HEAD", "", "web/node_modules/x/y.js", "", "env/pyvenv.cfg", "", "env/bin/python", "", "venv/x", "")
	got, complete := r.Files()
	equal(t, "files", got, []string{"a/b", "z"})
	dirs, _ := r.Dirs()
	equal(t, "dirs", dirs, []string{".git", "a", "env", "venv", "web", "web/node_modules"})
	if !complete {
		t.Error("the walk is complete")
	}
}

func TestWalkIsBounded(t *testing.T) {
	m := fstest.MapFS{}
	var b strings.Builder
	for i := range MaxEntries + 100 {
		b.Reset()
		b.WriteString("f")
		for n := i; ; n /= 26 {
			b.WriteByte(byte('a' + n%26))
			if n < 26 {
				break
			}
		}
		m[b.String()+"/x"] = &fstest.MapFile{}
	}
	if f, complete := Load(m).Files(); complete || len(f) > MaxEntries {
		t.Errorf("%d files, complete %v", len(f), complete)
	}
}

func TestReadsNothingThatBlocks(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(dir+"/package.json", 0o600); err != nil {
		t.Skip(err)
	}
	for link, target := range map[string]string{"requirements.txt": "/dev/zero", "loop": "loop", "go.mod": "/etc/passwd", "dangling": "nowhere"} {
		if err := os.Symlink(target, dir+"/"+link); err != nil {
			t.Skip(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, fsys := range map[string]fs.FS{"DirFS": os.DirFS(dir), "Root": root.FS()} {
		r := Load(fsys)
		if n := r.Node("."); n != nil {
			t.Errorf("%s: a pipe is not a package.json", name)
		}
		if q := r.Requirements("requirements.txt"); q.Unknown == "" {
			t.Errorf("%s: a device is not a requirements file", name)
		}
		if r.Exists("loop") || r.Exists("dangling") {
			t.Errorf("%s: links to nothing do not exist", name)
		}
		if _, complete := r.Files(); !complete {
			t.Errorf("%s: the walk must not stumble over links", name)
		}
	}
	if Load(root.FS()).Exists("go.mod") {
		t.Error("os.Root refuses links out of the context")
	}
}

func TestTooLarge(t *testing.T) {
	r := Load(fstest.MapFS{"package.json": &fstest.MapFile{Data: make([]byte, MaxFile+1)}})
	if _, err := r.ReadFile("package.json"); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	if n := r.Node("."); n == nil || n.Err == nil {
		t.Error("a package.json that is too large is an error, not an absence")
	}
}

func TestWith(t *testing.T) {
	r := load("a", "1", "d/b", "2", "package.json", `{"name":"x"}`)
	node := r.Node(".")
	v := r.With(".dockerignore", []byte("a\n")).With("new/deep/c", []byte("3")).With("a", []byte("9"))
	src, err := v.ReadFile("a")
	if err != nil || string(src) != "9" {
		t.Errorf("%q, %v", src, err)
	}
	if !v.IsDir("new/deep") || !v.Exists("d/b") || !v.Ignore("").Excluded("a") || r.Ignore("").Excluded("a") || r.Exists("new") {
		t.Error("a view shows its own files and those below; the first one does not change")
	}
	got, _ := v.Files()
	equal(t, "files", got, []string{".dockerignore", "a", "d/b", "new/deep/c", "package.json"})
	equal(t, "glob", v.Glob("new/*/c"), []string{"new/deep/c"})
	if r.With(".dockerignore", nil).Node(".") != node {
		t.Error("facts survive an edit of .dockerignore")
	}
	if r.With("package.json", []byte(`{"name":"y"}`)).Node(".").Name != "y" {
		t.Error("other edits drop the facts")
	}
	if r.With("../x", nil) != r || r.With(".", nil) != r {
		t.Error("paths out of the context change nothing")
	}
	if err := fstest.TestFS(v.FS(), "a", "d/b", "new/deep/c", ".dockerignore"); err != nil {
		t.Error(err)
	}
}

func TestConcurrent(t *testing.T) {
	r := load("package.json", `{"devDependencies":{"x":"1"}}`, "i.js", "require('x')", "go.mod", "module m\n", "main.go", "package main\nfunc main(){}",
		"requirements.txt", "flask\n", ".dockerignore", "*.md\n", "compose.yml", "services: {a: {build: .}}")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r.Files()
			r.Ignore("").Excluded("a/b.md")
			r.Ignore("").ExcludesTree("a")
			r.Node(".").Install(NodeCall{Manager: "npm"})
			r.NodeUsesDev(".")
			r.NodeVersion(".")
			r.PythonVersion()
			r.Requirements("requirements.txt")
			r.Go(".").Mains()
			r.Go(".").Package(".")
			r.Builds()
			r.Mentions()
			r.GitIgnored("a/b")
		})
	}
	wg.Wait()
}

func TestSays(t *testing.T) {
	r := load("run.sh", "#!/bin/sh\n# libcurl\nexec curl -f x\n", "README.md", "use wget", "Dockerfile", "RUN git x")
	for word, want := range map[string]string{"curl": "run.sh:3", "wget": "", "git": ""} {
		if got, unknown := r.Says(word); got != want || unknown != "" {
			t.Errorf("Says(%s) = %q, %q", word, got, unknown)
		}
	}
}
