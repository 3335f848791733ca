package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// run runs git in dir without anybody's settings.
func run(t testing.TB, dir, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// imported makes a repository from a stream of git fast-import.
func imported(t testing.TB, stream string) string {
	t.Helper()
	dir := t.TempDir()
	run(t, dir, "", "init", "--quiet", "--initial-branch=main")
	run(t, dir, stream, "fast-import", "--quiet")
	return dir
}

// commit is one commit of a stream on main; changes are fast-import's lines, with
// "text" in place of a blob.
func commit(n int, changes ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "commit refs/heads/main\nmark :%d\ncommitter a <a@b> %d +0000\ndata 1\nx\n", n, 1700000000+n)
	for _, c := range changes {
		if w := strings.SplitN(c, " ", 4); w[0] == "M" {
			fmt.Fprintf(&b, "M %s inline %s\ndata %d\n%s\n", w[1], w[2], len(w[3]), w[3])
		} else {
			b.WriteString(c + "\n")
		}
	}
	return b.String()
}

// paths are the changed paths with modes.
func paths(c Commit) map[string]uint32 {
	out := map[string]uint32{}
	for _, ch := range c.Changes {
		out[ch.Path] = ch.File.Mode
	}
	return out
}

func TestRead(t *testing.T) {
	stream := commit(1, "M 100644 README.md r", "M 100644 app/a.py a", "M 100644 app/old.py o") +
		commit(2, "M 100644 app/a.py b", "M 120000 app/link a.py", "M 100644 \"app/tab\\there\\n\" s") +
		commit(3, "R app/old.py app/new.py") +
		commit(4, "M 100755 app/a.py b") +
		"reset refs/heads/main\nfrom :4\n" + commit(5, "from :4", "merge :2", "M 100644 README.md merged") +
		commit(6)
	dir := imported(t, stream)
	h, err := Read(t.Context(), dir, 5)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"README.md", "app/a.py", "app/link", "app/old.py", "app/tab\there\n"}; !cmp.Equal(want, sorted(h.Base)) {
		t.Errorf("files at the oldest commit: %q", sorted(h.Base))
	}
	var got []map[string]uint32
	for _, c := range h.Commits {
		got = append(got, paths(c))
	}
	want := []map[string]uint32{
		{},
		{"app/old.py": 0, "app/new.py": ModeFile},
		{"app/a.py": ModeExecutable},
		{"README.md": ModeFile}, // against the first parent alone
		{},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if !h.Root || h.Shallow {
		t.Errorf("root %v, shallow %v", h.Root, h.Shallow)
	}
	if text, err := h.Blob(t.Context(), h.Base["app/link"].ID); err != nil || string(text) != "a.py" {
		t.Errorf("blob %q, %v", text, err)
	}
	for p, n := range map[string]int{".": 3, "app": 2, "./app/": 2, "app/a.py": 1, "README.md": 1, "nothing": 0} {
		if got := h.Changed(p); got != n {
			t.Errorf("Changed(%q) = %d, want %d", p, got, n)
		}
	}
}

// A folder as the context: its paths alone, but all commits.
func TestReadFolder(t *testing.T) {
	dir := imported(t, commit(1, "M 100644 a a", "M 100644 svc/a a")+commit(2, "M 100644 a b")+commit(3, "M 100644 svc/sub/b b", "M 100644 a c")+commit(4, "D svc/a"))
	run(t, dir, "", "reset", "--quiet", "--hard", "main")
	h, err := Read(t.Context(), filepath.Join(dir, "svc"), 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []map[string]uint32
	for _, c := range h.Commits {
		got = append(got, paths(c))
	}
	if d := cmp.Diff([]map[string]uint32{{}, {}, {"sub/b": ModeFile}, {"a": 0}}, got); d != "" || h.Root {
		t.Errorf("root %v\n%s", h.Root, d)
	}
	if d := cmp.Diff([]string{"a"}, sorted(h.Base)); d != "" {
		t.Error(d)
	}
}

func sorted(files map[string]File) []string {
	return slices.Sorted(maps.Keys(files))
}

func TestReadErrors(t *testing.T) {
	empty := t.TempDir()
	run(t, empty, "", "init", "--quiet")
	full := imported(t, commit(1, "M 100644 a a")+commit(2, "M 100644 a b"))
	shallow := filepath.Join(t.TempDir(), "shallow")
	run(t, ".", "", "clone", "--quiet", "--depth=1", "file://"+full, shallow)
	for dir, want := range map[string]string{
		t.TempDir(): "not in a git repository",
		empty:       "no commit",
		shallow:     "a shallow clone with 1 commit",
	} {
		_, err := Read(t.Context(), dir, 5)
		if !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, full, 5); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Read(t.Context(), full, 5); !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "git is not installed") {
		t.Errorf("without git: %v", err)
	}
}

// A git hook has GIT_DIR set; it isn't the folder's repository.
func TestReadInHook(t *testing.T) {
	dir := imported(t, commit(1, "M 100644 a a")+commit(2, "M 100644 a b"))
	t.Setenv("GIT_DIR", filepath.Join(t.TempDir(), "none"))
	if h, err := Read(t.Context(), dir, 5); err != nil || len(h.Commits) != 2 {
		t.Errorf("%+v, %v", h, err)
	}
}

// A clone that is shallow but holds some commits is read as far as it goes.
func TestReadShallow(t *testing.T) {
	full := imported(t, commit(1, "M 100644 a a")+commit(2, "M 100644 a b")+commit(3, "M 100644 b b"))
	dir := filepath.Join(t.TempDir(), "shallow")
	run(t, ".", "", "clone", "--quiet", "--depth=2", "file://"+full, dir)
	h, err := Read(t.Context(), dir, 50)
	if err != nil || len(h.Commits) != 2 || !h.Shallow || len(h.Base) != 1 {
		t.Errorf("%+v, %v", h, err)
	}
}

// 10,000 commits over 2,000 files.
func BenchmarkRead(b *testing.B) {
	var s bytes.Buffer
	var files []string
	for i := range 2000 {
		files = append(files, fmt.Sprintf("M 100644 pkg%d/sub%d/file%d.go %d", i%40, i%7, i, i))
	}
	s.WriteString(commit(1, files...))
	for i := 2; i <= 10_001; i++ {
		var changes []string
		for k := range 1 + i%5 {
			n := (i*31 + k*17) % 2000
			changes = append(changes, fmt.Sprintf("M 100644 pkg%d/sub%d/file%d.go %d", n%40, n%7, n, i))
		}
		s.WriteString(commit(i, changes...))
	}
	dir := imported(b, s.String())
	b.ResetTimer()
	for b.Loop() {
		h, err := Read(b.Context(), dir, 10_001)
		if err != nil || len(h.Commits) != 10_001 {
			b.Fatal(len(h.Commits), err)
		}
	}
}
