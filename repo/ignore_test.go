package repo

import "testing"

func TestIgnoreFileInForce(t *testing.T) {
	r := load(".dockerignore", "a\n", "docker/api.Dockerfile.dockerignore", "b\n")
	for dockerfile, want := range map[string]string{
		"Dockerfile": ".dockerignore", "docker/api.Dockerfile": "docker/api.Dockerfile.dockerignore", "": ".dockerignore", "../x": ".dockerignore",
	} {
		i := r.Ignore(dockerfile)
		if i.Path != want || !i.Exists || i.Err != nil {
			t.Errorf("%q: %s", dockerfile, i.Path)
		}
	}
	if i := load("x", "").Ignore("Dockerfile"); i.Exists || i.Path != ".dockerignore" || i.Excluded("x") {
		t.Error("no ignore file excludes nothing")
	}
}

func TestExcluded(t *testing.T) {
	for _, c := range []struct {
		ignore string
		out    []string
		in     []string
	}{
		{"*.md\n!README.md\n", []string{"a.md"}, []string{"README.md", "docs/a.md"}},
		{"**/*.pyc", []string{"a.pyc", "x/y/a.pyc"}, []string{"a.py"}},
		{"node_modules/\n", []string{"node_modules", "node_modules/x/y"}, []string{"web/node_modules"}},
		{"*\n!src\n", []string{"a", "d/e"}, []string{"src", "src/x/y"}},
		{"\xef\xbb\xbf/dist\r\n# c\r\n\r\n", []string{"dist/x"}, []string{"c", "a/dist"}},
		{"a/b\n!a/b/c\n", []string{"a/b/d"}, []string{"a/b/c", "a"}},
		{".", nil, []string{"."}},
	} {
		i := ParseIgnore(".dockerignore", []byte(c.ignore))
		if i.Err != nil {
			t.Error(i.Err)
		}
		for _, p := range c.out {
			if !i.Excluded(p) || !i.Excluded("./"+p) {
				t.Errorf("%q: %s is excluded", c.ignore, p)
			}
		}
		for _, p := range c.in {
			if i.Excluded(p) {
				t.Errorf("%q: %s is in the context", c.ignore, p)
			}
		}
	}
}

func TestExcludesTree(t *testing.T) {
	for _, c := range []struct {
		ignore, dir string
		want        bool
	}{
		{"node_modules", "node_modules", true},
		{"node_modules", "web/node_modules", false},
		{"**/node_modules", "web/node_modules", true},
		{"node_modules/*", "node_modules", true},
		{"node_modules/**", "node_modules", true},
		{"node_modules/**/*", "node_modules", true},
		{"node_modules/*.js", "node_modules", false},
		{"node_modules/?", "node_modules", false},
		{"web", "web/node_modules", true},
		{"*\n!src", "node_modules", true},
		{"*\n!src", "src", false},
		{"*\n!**/*.js", "node_modules", false},
		{"node_modules\n!node_modules/keep", "node_modules", false},
		{"node_modules\n!*/keep", "node_modules", false},
		{"node_modules\n!node_modules/keep\nnode_modules", "node_modules", false},
		{"node_modules\n!node_modules/keep\nnode_modules/**", "node_modules", true},
		{"**\n!*/b\na\n!c", "a", false},
		{"web/node_modules\n!web", "web/node_modules", false},
		{"node_modules\n!node*", "node_modules", false},
		{"node_modules\n!README.md", "node_modules", true},
		{"", "node_modules", false},
		{"*", ".", true},
		{"*\n!x", ".", false},
		{".git", ".git", true},
		{"[", ".git", false},
		{"a", "../a", false},
	} {
		if got := ParseIgnore("", []byte(c.ignore)).ExcludesTree(c.dir); got != c.want {
			t.Errorf("%q: ExcludesTree(%s) = %v", c.ignore, c.dir, got)
		}
	}
}

func TestIgnoreErrors(t *testing.T) {
	for _, src := range []string{"[", "a[", "!", "a\\"} {
		i := ParseIgnore("", []byte(src))
		if i.Err == nil {
			t.Errorf("%q is malformed", src)
		}
		i.Excluded("a")
		i.ExcludesTree("a")
	}
}

func TestGitIgnored(t *testing.T) {
	r := load(".gitignore", "*.log\n/build\nout/\n!keep.log\n**/tmp/x\ndoc/*.txt\n[ab].o\n\\#x\n[!c]z\nfoo[]-]\n", "web/.gitignore", "dist\n!debug.log\n",
		"out", "a file", "web/out/x", "")
	for p, want := range map[string]bool{
		"a.log": true, "d/a.log": true, "keep.log": false, "build/x": true, "d/build": false, "out": false, "web/out/x": true,
		"tmp/x": true, "a/b/tmp/x": true, "doc/a.txt": true, "doc/d/a.txt": false, "a.o": true, "c.o": false,
		"web/dist/x": true, "dist": false, "web/debug.log": false, "debug.log": true, "#x": true, "az": true, "cz": false, "..": false, ".": false,
	} {
		if got := r.GitIgnored(p); got != want {
			t.Errorf("GitIgnored(%q) = %v", p, got)
		}
	}
}
