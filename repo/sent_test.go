package repo

import (
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"
)

// linked is a context with links: to a file, a folder, nothing, out of it.
func linked() *Repo {
	link := func(to string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink | 0o777} }
	return Load(fstest.MapFS{
		"a/x": {Data: []byte("12")}, "a/y/z": {Data: []byte("3")}, ".git/HEAD": {Data: []byte("r")},
		"file": link("a/x"), "dir": link("a/y"), "a/up": link("../file"), "gone": link("missing"), "out": link("../../a/x"), "root": link("/a/y"), "loop": link("loop"),
	})
}

func TestReal(t *testing.T) {
	r := linked()
	for p, want := range map[string]string{
		"a/x": "a/x", "file": "a/x", "dir/z": "a/y/z", "a/up": "a/x", "out": "a/x", "root/z": "a/y/z", ".": ".",
		"gone": "", "loop": "", "../a": "", "a/none": "",
	} {
		if got, _, ok := r.Real(p); got != want || ok != (want != "") {
			t.Errorf("Real(%s) = %q, %v", p, got, ok)
		}
	}
	if _, links, _ := r.Real("a/up"); !slices.Equal(links, []string{"a/up", "file"}) {
		t.Error(links)
	}
	for _, c := range []struct {
		root, p string
		want    bool
	}{{".", "file", true}, {".", "dir/z", true}, {"a", "a/x", true}, {"a", "a/up", false}, {".", "root/z", false}, {".", "out", false}, {"a", "file", false}} {
		if got := r.KeepsLinks(c.root, c.p); got != c.want {
			t.Errorf("KeepsLinks(%s, %s) = %v", c.root, c.p, got)
		}
	}
	if !r.SameFile("file", "out") || r.SameFile("file", "dir") || r.NoLinks("dir/z") || !r.NoLinks("a/y/z") || r.IsFolder("dir") || !r.IsFolder("a/y") {
		t.Error("links are seen")
	}
}

func TestSends(t *testing.T) {
	r := linked()
	ig := ParseIgnore("", []byte("a\n!a/y\n.git\n"))
	for p, want := range map[string]bool{
		"a/x": false, "a/y/z": true, "a/y": true, "a": true, "file": false, "dir/z": true, ".git": false, "gone": false,
	} {
		if got := r.Sends(ig, p); got != want {
			t.Errorf("Sends(%s) = %v", p, got)
		}
	}
	if !r.SendsEntry(ig, "gone") || !r.SendsEntry(ig, "file") || r.SendsEntry(ig, "a/up") || !r.SendsEntry(ig, "a") || r.SendsEntry(ig, "none") {
		t.Error("a link is sent as it is")
	}
	files, complete := r.Sent(nil)
	if len(files) != 10 || !complete || files[0] != (File{Path: ".git/HEAD", Size: 1}) || files[2] != (File{Path: "a/x", Size: 2}) || !files[1].Link {
		t.Error(files, complete)
	}
	if files, _ := Load(nil).Sent(nil); files != nil {
		t.Error("no context holds no files")
	}
}

func TestInvocations(t *testing.T) {
	r := load("Makefile", "all:\n\tdocker build -t x:1 --build-arg A=b -f docker/Dockerfile . # why\n\tdocker build $(DIR)\n",
		"ci/run.sh", "cd ci && podman build . && docker push x\nDOCKER_BUILDKIT=1 docker buildx build --push \\\n  --file docker/Dockerfile sub\ndocker build - < Dockerfile\ndocker build github.com/x/y\n",
		".github/workflows/a.yml", "jobs:\n  x:\n    steps:\n    - uses: docker/build-push-action@v6\n      with: {context: sub, file: docker/Dockerfile}\n    - uses: docker/build-push-action@v6\n    - run: docker build sub\n",
		".gitlab-ci.yml", "x: [\n", "docker/Dockerfile", "", "ci/Dockerfile", "", "Dockerfile", "", "sub/Dockerfile", "")
	type seen struct {
		file                string
		line                int
		context, dockerfile string
	}
	var got []seen
	for _, b := range r.Invocations() {
		got = append(got, seen{b.File, b.Line, b.Context, b.Dockerfile})
	}
	equal(t, "builds", got, []seen{
		{".github/workflows/a.yml", 4, "sub", "docker/Dockerfile"}, {".github/workflows/a.yml", 6, ".", "Dockerfile"}, {".github/workflows/a.yml", 7, "sub", "sub/Dockerfile"},
		{"Makefile", 2, ".", "docker/Dockerfile"}, {"ci/run.sh", 1, "ci", "ci/Dockerfile"}, {"ci/run.sh", 2, "sub", "docker/Dockerfile"},
	})
}
