package git

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain gives git a home of its own: nobody's configuration takes part.
func TestMain(m *testing.M) {
	home, err := os.MkdirTemp("", "drydock-git-home-")
	if err != nil {
		panic(err)
	}
	for k, v := range map[string]string{"HOME": home, "XDG_CONFIG_HOME": home, "GIT_CONFIG_NOSYSTEM": "1"} {
		if err := os.Setenv(k, v); err != nil {
			panic(err)
		}
	}
	err = os.WriteFile(filepath.Join(home, ".gitconfig"), []byte("[user]\n\tname = Ann\n\temail = ann@example.com\n[init]\n\tdefaultBranch = main\n[protocol \"file\"]\n\tallow = always\n[uploadpack]\n\tallowFilter = true\n"), 0o666)
	if err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(home)
	os.Exit(code)
}

// sh runs git in a folder and gives its output.
func sh(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// made is a new repository with files in one commit.
func made(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repo")
	for name, text := range files {
		write(t, dir, name, text)
	}
	sh(t, "", "init", "-q", dir)
	sh(t, dir, "add", "-A")
	sh(t, dir, "-c", "core.autocrlf=false", "commit", "-q", "--allow-empty", "-m", "first")
	return dir
}

func open(t *testing.T, dir string) *Repo {
	t.Helper()
	r, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func head(t *testing.T, r *Repo) Head {
	t.Helper()
	h, err := r.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

var when = time.Unix(1_700_000_000, 0).UTC()

// commitOf is a commit with one edit.
func commitOf(parent, path, text string) Commit {
	return Commit{Parent: parent, Message: "change\n\nDrydock: yes", When: when, Edits: []Edit{{path, text}}}
}

func mk(t *testing.T, r *Repo, c Commit) string {
	t.Helper()
	id, err := r.Make(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestCommitAndBranch(t *testing.T) {
	dir := made(t, map[string]string{"Dockerfile": "FROM a\n", "run.sh": "x\n", "sub/b": "b\n"})
	sh(t, dir, "update-index", "--chmod=+x", "run.sh")
	if err := os.Chmod(filepath.Join(dir, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	sh(t, dir, "commit", "-qm", "mode")
	r := open(t, dir)
	h := head(t, r)
	if h.Branch != "main" || h.Commit != sh(t, dir, "rev-parse", "HEAD") {
		t.Fatalf("head %+v", h)
	}
	c := commitOf(h.Commit, "Dockerfile", "FROM b\n")
	c.Edits = append(c.Edits, Edit{"run.sh", "y\n"}, Edit{"new/n", "n\n"})
	id := mk(t, r, c)
	if again := mk(t, r, c); again != id {
		t.Errorf("the same description gave %s and %s", id, again)
	}
	if err := r.SetBranch(t.Context(), "drydock/fix", id, ""); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Branch(t.Context(), "drydock/fix"); err != nil || got != id {
		t.Errorf("branch at %q, %v", got, err)
	}
	sh(t, dir, "fsck", "--strict", "--no-dangling")
	want := ":100644 100644 M\tDockerfile\n:000000 100644 A\tnew/n\n:100755 100755 M\trun.sh"
	got := sh(t, dir, "diff", "--raw", "--abbrev=1", "HEAD", "drydock/fix")
	var lines []string
	for l := range strings.Lines(got) {
		w := strings.Fields(l)
		lines = append(lines, w[0]+" "+w[1]+" "+w[4]+"\t"+w[5])
	}
	if strings.Join(lines, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), want)
	}
	if got := sh(t, dir, "log", "-1", "--format=%an <%ae> %cn %at %ct %(trailers:key=Drydock,valueonly)", "drydock/fix"); got != "Ann <ann@example.com> Ann 1700000000 1700000000 yes" {
		t.Errorf("commit says %q", got)
	}
	// Nobody's branch is moved from under them.
	for old, why := range map[string]string{"": "has moved", h.Commit: "has moved"} {
		if err := r.SetBranch(t.Context(), "drydock/fix", id, old); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("from %q: %v", old, err)
		}
	}
	if err := r.SetBranch(t.Context(), "main", id, h.Commit); err == nil || !strings.Contains(err.Error(), "in use in the work tree "+r.Dir) {
		t.Errorf("main: %v", err)
	}
	if s := sh(t, dir, "status", "--porcelain"); s != "" {
		t.Errorf("dirtied: %s", s)
	}
}

func TestMakeRefuses(t *testing.T) {
	dir := made(t, map[string]string{"Dockerfile": "FROM a\n", "d/f": "x"})
	if err := os.Symlink("Dockerfile", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("d", filepath.Join(dir, "dir")); err != nil {
		t.Fatal(err)
	}
	other := made(t, map[string]string{"Dockerfile": "FROM s\n"})
	sh(t, dir, "-c", "protocol.file.allow=always", "submodule", "add", "-q", other, "sub")
	sh(t, dir, "add", "-A")
	sh(t, dir, "commit", "-qm", "links")
	r := open(t, dir)
	h := head(t, r)
	for path, why := range map[string]string{
		"link": "not an ordinary file", "sub": "not an ordinary file", "dir/f": "below a link", "sub/Dockerfile": "below a link",
		"../x": "not a path", "/etc/x": "not a path", ".git/config": "not a path", "a/.GIT/x": "not a path", "": "not a path", "d": "below a link",
		"Dockerfile/x": "below a link",
	} {
		_, err := r.Make(t.Context(), commitOf(h.Commit, path, "FROM b\n"))
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %q", path, err, why)
		}
	}
	if _, err := r.Make(t.Context(), commitOf(h.Commit, "Dockerfile", "FROM a\n")); !errors.Is(err, ErrSame) {
		t.Errorf("no change: %v", err)
	}
}

func TestCheckoutAndPatch(t *testing.T) {
	dir := made(t, map[string]string{
		".gitattributes": "*.bat eol=crlf\nbig filter=lfs\nDockerfile -text\n",
		"Dockerfile":     "FROM a\r\nRUN b\r\n", "x.bat": "a\n", "big": "version https://git-lfs.github.com/spec/v1\n",
		"a b;c\nd": "odd\n",
	})
	marker := filepath.Join(t.TempDir(), "ran")
	sh(t, dir, "config", "filter.lfs.smudge", "touch "+marker)
	sh(t, dir, "config", "filter.lfs.clean", "touch "+marker)
	sh(t, dir, "config", "filter.lfs.required", "true")
	r := open(t, dir)
	h := head(t, r)
	if h.Clean {
		t.Error("a work tree with filters can't be told to be clean")
	}
	to := t.TempDir()
	if err := r.Checkout(t.Context(), h.Commit, to); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"x.bat": "a\r\n", "Dockerfile": "FROM a\r\nRUN b\r\n", "a b;c\nd": "odd\n", "big": "version https://git-lfs.github.com/spec/v1\n"} {
		if got, err := os.ReadFile(filepath.Join(to, name)); err != nil || string(got) != want {
			t.Errorf("%q: %q %v", name, got, err)
		}
	}
	if got := sh(t, to, "log", "--format=%s"); got != "first" {
		t.Errorf("history %q", got)
	}
	if s := sh(t, to, "status", "--porcelain"); s != "" {
		t.Errorf("status %q", s)
	}
	c := commitOf(h.Commit, "Dockerfile", "FROM a\r\nRUN c\r\n")
	c.Edits = append(c.Edits, Edit{"x.bat", "b\r\n"}, Edit{"big", "small\n"})
	id := mk(t, r, c)
	if got := sh(t, dir, "cat-file", "-p", id+":x.bat"); got != "b" {
		t.Errorf("x.bat is %q: line ends aren't as git add has them", got)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("a filter of the repository ran")
	}
	second := mk(t, r, commitOf(id, "new", "n\n"))
	patch, err := r.Patch(t.Context(), h.Commit, second)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "p.patch")
	if err := os.WriteFile(file, patch, 0o666); err != nil {
		t.Fatal(err)
	}
	clone := filepath.Join(t.TempDir(), "clone")
	sh(t, "", "clone", "-q", dir, clone)
	sh(t, clone, "am", "-q", "--keep-cr", file)
	if got, want := sh(t, clone, "rev-parse", "HEAD^{tree}"), sh(t, dir, "rev-parse", second+"^{tree}"); got != want {
		t.Errorf("am gave tree %s, want %s", got, want)
	}
}

// Nothing outside of a checkout can be read through the links of a repository.
func TestCheckoutLeavesNoWayOut(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, filepath.Dir(secret), "secret", "x")
	dir := made(t, map[string]string{"Dockerfile": "FROM a\n", "p/q/f": "f\n"})
	links := map[string]string{"out": secret, "chain": "out", "up": "..", "p/q/top": "../..", "round": "p/q/top/../..", "in": "p/q/f", "folder": "p", "loop": "loop", "nowhere": "none"}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	sh(t, dir, "add", "-A")
	sh(t, dir, "commit", "-qm", "links")
	r := open(t, dir)
	h := head(t, r)
	if h.Clean {
		t.Error("a work tree with links may not be read where it is")
	}
	to := t.TempDir()
	if err := r.Checkout(t.Context(), h.Commit, to); err != nil {
		t.Fatal(err)
	}
	for name := range links {
		_, err := os.Lstat(filepath.Join(to, name))
		if gone := slices.Contains([]string{"out", "chain", "up", "round"}, name); gone != errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(to, "folder/q/f")); err != nil || string(text) != "f\n" {
		t.Errorf("%q %v", text, err)
	}
}

// Expressions are compiled at their first use: all of them can be.
func TestExpressions(t *testing.T) {
	for _, m := range meanings {
		m.said()
	}
	for _, s := range secrets {
		s.find()
	}
	for _, e := range []func() *regexp.Regexp{trailerKey, refusal, telling, helper, scpLike, objectID, lacking, differing, converting, sha256Format, movedRef, unusual, headText} {
		e()
	}
}
