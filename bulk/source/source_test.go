package source_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"drydock/bulk/forge"
	"drydock/bulk/git"
	"drydock/bulk/source"
)

// tree makes files below a folder: a name that ends with a slash is a folder, one that ends with
// .git/ is made a repository of git's layout.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if strings.HasSuffix(name, ".git/") {
			for _, sub := range []string{"objects", "refs"} {
				if err := os.MkdirAll(filepath.Join(full, sub), 0o777); err != nil {
					t.Fatal(err)
				}
			}
			full, name = filepath.Join(full, "HEAD"), "ref: refs/heads/main\n"
		}
		if err := os.MkdirAll(filepath.Dir(full), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// told is what was found, a line each: name, then why it is skipped or wrong.
func told(rs []source.Repo) string {
	var b strings.Builder
	for _, r := range rs {
		b.WriteString(r.Name)
		if r.Skip != "" {
			b.WriteString(" skip: " + r.Skip)
		}
		if r.Err != nil {
			b.WriteString(" error: " + r.Err.Error())
		}
		b.WriteString("\n")
	}
	return b.String()
}

func expect(t *testing.T, got []source.Repo, want string) {
	t.Helper()
	if want = strings.TrimLeft(want, "\n"); told(got) != want {
		t.Errorf("found\n%swant\n%s", told(got), want)
	}
}

func TestFolders(t *testing.T) {
	dir := tree(t, "git/.git/", "git/nested/.git/", "b.git/", "app/Dockerfile", "app/sub/Dockerfile", "lib/main.c", "lib/docker/Dockerfile",
		"mono/a/Dockerfile", "mono/b/Dockerfile.dev", "mono/readme", "node_modules/x/Dockerfile", "vendor/y/.git/",
		"mixed/Dockerfile", "mixed/repo/.git/", "mixed/other/Dockerfile", "nothing/here")
	if err := os.Symlink(dir, filepath.Join(dir, "mono", "loop")); err != nil {
		t.Fatal(err)
	}
	expect(t, discover(t, source.Options{}, dir), `
app
b.git
git
lib
mixed skip: a Dockerfile outside of git in a folder that holds git repositories: move it into a folder or a repository of its own
mixed/other
mixed/repo
mono/a
mono/b
`)
	// A source that is a repository is one, with those that lie in it.
	expect(t, discover(t, source.Options{}, filepath.Join(dir, "git")), "git\nnested\n")
	// Names that two sources have stay apart, and what lies in both is found once.
	expect(t, discover(t, source.Options{}, filepath.Join(dir, "mono"), filepath.Join(dir, "app"), dir+"/mono/../mono/a"), "a\nb\napp\n")
	other := tree(t, "a/.git/")
	expect(t, discover(t, source.Options{}, filepath.Join(dir, "mono"), other), "a\nb\n"+other+"/a\n")
	expect(t, discover(t, source.Options{}, filepath.Join(dir, "git", "nested")), "nested\n")
}

func TestFolderInsideOfAWorkTree(t *testing.T) {
	dir := tree(t, ".git/", "services/a/Dockerfile", "services/b/.git/")
	expect(t, discover(t, source.Options{}, filepath.Join(dir, "services")),
		"a skip: it lies in the work tree "+dir+": name that folder as the source\nb\n")
}

func TestSubmodulesAndLinkedWorkTrees(t *testing.T) {
	dir := tree(t, "lib/Dockerfile", "super/Dockerfile")
	git := func(at string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "protocol.file.allow=always", "-c", "user.name=A", "-c", "user.email=a@example.com"}, args...)...)
		cmd.Dir = filepath.Join(dir, at)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %s", args, out)
		}
	}
	for _, r := range []string{"lib", "super"} {
		git(r, "init", "-q")
		git(r, "add", "-A")
		git(r, "commit", "-qm", "x")
	}
	git("super", "submodule", "--quiet", "add", dir+"/lib", "sub")
	git("super", "worktree", "add", "-q", dir+"/trees/one")
	git("super", "worktree", "add", "-q", dir+"/trees/two")
	const main = " skip: a linked work tree: its main repository is in the run\n"
	expect(t, discover(t, source.Options{}, dir), "lib\nsuper\ntrees/one"+main+"trees/two"+main)
	expect(t, discover(t, source.Options{}, dir+"/super"),
		"super\nsub skip: the checkout of a submodule: its own repository is the one to change\n")
	expect(t, discover(t, source.Options{}, dir+"/trees"),
		"one\ntwo skip: a linked work tree: another one of the same repository is in the run\n")
}

func TestList(t *testing.T) {
	dir := tree(t, "a/.git/", "b/x/.git/", "b/y/.git/", "file", "odd\nname/.git/")
	list := filepath.Join(dir, "list")
	text := "\ufeff# all of ours\r\na\r\n\n  ./b \nhttps://user:s3cret@git.example.com:8443/team/app.git\ngit@git.example.com:team/app.git\nssh://git@h/t/a.git\na\n" +
		dir + "/a\nmissing\nfile\nacme/shop\nacme/gone\ngitlab:grp/sub/app\next::sh -c x\n-oProxyCommand=x\n"
	if err := os.WriteFile(list, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	o := source.Options{Forges: fakes(t)}
	got := discover(t, o, list)
	expect(t, got, `
a
b/x
b/y
git.example.com:8443/team/app
git.example.com/team/app
h/t/a
missing error: missing: no such folder
file error: file: a file: a line of a list names a folder or an address
acme/shop
acme/gone error: not found
grp/sub/app
ext::sh -c x error: ext::sh -c x: an address that runs a program is refused: https, http, ssh, git and file addresses, host:path and local paths are understood
-oProxyCommand=x error: -oProxyCommand=x: no such folder
`)
	for _, r := range got {
		if r.Name == "git.example.com:8443/team/app" && (r.URL != "https://git.example.com:8443/team/app.git" || r.Auth != git.Auth{User: "user", Token: "s3cret"}) {
			t.Errorf("%+v", r)
		}
		if strings.Contains(fmt.Sprint(r.Name, r.URL, r.Dir, r.Err), "s3cret") {
			t.Errorf("a login is told: %+v", r)
		}
	}
	t.Chdir(dir)
	expect(t, discover(t, source.Options{In: strings.NewReader("odd\nname\x00a\x00")}, "-"), "odd\nname\na\n")
	expect(t, discover(t, source.Options{}, "https://h.example/x/y.git"), "h.example/x/y\n")
}

func TestForges(t *testing.T) {
	o := source.Options{Forges: fakes(t)}
	got := discover(t, o, "github:acme", "gitlab:acme", "gitlab:grp/sub", "github:acme/old", "gitea:acme/shop")
	expect(t, got, `
acme/empty skip: no commit yet
acme/shop
acme/evil error: acme/evil: the forge gives an address that isn't the web's: /etc
gitlab:acme/empty skip: no commit yet
gitlab:acme/shop
gitlab:acme/evil error: acme/evil: the forge gives an address that isn't the web's: /etc
grp/sub/app
acme/old skip: archived: --archived takes it too
gitea:acme/shop
`)
	if r := got[1]; r.Owner != "acme" || r.Slug != "shop" || r.Forge.Name() != "github" || r.URL != "https://github.example/acme/shop.git" || r.Branch != "main" || r.Language != "Go" {
		t.Errorf("%+v", r)
	}
	for _, s := range []string{"github:", "github:acme/gone", "gitlab:none/at/all", "gitea:broken", "nowhere/at/all"} {
		var last error
		for _, err := range source.Discover(t.Context(), []string{s}, o) {
			last = err
		}
		if last == nil {
			t.Errorf("%s: no error", s)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for _, err := range source.Discover(ctx, []string{"github:acme"}, o) {
		if n++; n == 1 {
			cancel()
		} else if !errors.Is(err, context.Canceled) {
			t.Errorf("after the cancel: %v", err)
		}
	}
	for range source.Discover(t.Context(), []string{"github:acme"}, o) {
		break // and nothing is asked for any more
	}
}

// TestInterrupted: a list without an end and a folder ask for the end of the run between two entries, also
// where they give nothing.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	dir := tree(t, "a/b/c/readme")
	for _, o := range []source.Options{{In: endless(cancel)}, {}} {
		from := "-"
		if o.In == nil {
			from = dir
		}
		var last error
		for _, err := range source.Discover(ctx, []string{from}, o) {
			last = err
		}
		if !errors.Is(last, context.Canceled) {
			t.Errorf("%s: %v", from, last)
		}
	}
}

// endless gives NULs, as /dev/zero does, and calls itself when it is read.
type endless func()

func (f endless) Read(p []byte) (int, error) {
	f()
	clear(p)
	return len(p), nil
}

func TestShards(t *testing.T) {
	// sha256("acme/shop")[:8] mod 3, worked out elsewhere: names stay in their shards.
	for i := 1; i <= 3; i++ {
		if (source.Shard{I: i, N: 3}).Takes("acme/shop") != (i == 2) {
			t.Errorf("acme/shop and shard %d of 3", i)
		}
	}
	for text, want := range map[string]source.Shard{"1/3": {1, 3}, "3/3": {3, 3}, "0/3": {}, "4/3": {}, "x/3": {}, "3": {}, "1/": {}, "-1/-1": {}} {
		got, err := source.ParseShard(text)
		if got != want || (err == nil) != (want != source.Shard{}) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for env, want := range map[string]source.Shard{
		"JOB_COMPLETION_INDEX=0 DRYDOCK_SHARDS=3": {1, 3}, "JOB_COMPLETION_INDEX=2 DRYDOCK_SHARDS=3": {3, 3}, "CI_NODE_INDEX=1 CI_NODE_TOTAL=4": {1, 4},
		"JOB_COMPLETION_INDEX=3 DRYDOCK_SHARDS=3": {}, "JOB_COMPLETION_INDEX=1": {}, "CI_NODE_INDEX=0 CI_NODE_TOTAL=4": {}, "": {},
	} {
		vars := map[string]string{}
		for _, v := range strings.Fields(env) {
			name, value, _ := strings.Cut(v, "=")
			vars[name] = value
		}
		if got, err := source.AutoShard(func(n string) string { return vars[n] }); got != want || (err == nil) != (want != source.Shard{}) {
			t.Errorf("%s: %v, %v", env, got, err)
		}
	}
}

// fake is a forge with few repositories.
type fake struct {
	forge.Forge
	name string
}

func fakes(t *testing.T) func(string) (forge.Forge, error) {
	t.Helper()
	return func(name string) (forge.Forge, error) { return fake{name: name}, nil }
}

var errNotFound = errors.New("not found")

func (f fake) Name() string { return f.name }

func (f fake) repos() []forge.Repository {
	at := "https://" + f.name + ".example/"
	return []forge.Repository{
		{Owner: "acme", Name: "empty", CloneURL: at + "acme/empty.git", Empty: true},
		{Owner: "acme", Name: "shop", CloneURL: at + "acme/shop.git", Branch: "main", Language: "Go"},
		{Owner: "acme", Name: "evil", CloneURL: "/etc"},
		{Owner: "grp/sub", Name: "app", CloneURL: at + "grp/sub/app.git"},
		{Owner: "acme", Name: "old", CloneURL: at + "acme/old.git", Archived: true},
	}
}

func (f fake) List(_ context.Context, owner string, o forge.Filter) iter.Seq2[forge.Repository, error] {
	return func(yield func(forge.Repository, error) bool) {
		found := false
		for _, r := range f.repos() {
			if r.Owner == owner && (!r.Archived || o.Archived) {
				if found = true; !yield(r, nil) {
					return
				}
			}
		}
		if !found {
			yield(forge.Repository{}, errNotFound)
		}
	}
}

func (f fake) Get(_ context.Context, owner, name string) (forge.Repository, error) {
	for _, r := range f.repos() {
		if r.Owner == owner && r.Name == name {
			return r, nil
		}
	}
	return forge.Repository{}, errNotFound
}
