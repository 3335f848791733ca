package bulk

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"drydock/bulk/git"
	"drydock/bulk/result"
	"drydock/bulk/source"
	"drydock/report"
)

func has(t testing.TB, what, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%s lacks %q:\n%s", what, p, text)
		}
	}
}

// TestBranch: one commit on a branch, nothing else touched; the same again changes nothing, another
// change takes its place, and what others committed stays.
func TestBranch(t *testing.T) {
	dir := t.TempDir()
	r := makeRepo(t, filepath.Join(dir, "r"), files{"Dockerfile": "FROM big root\n", "a b/Dockerfile": "ignore\n", "other": "x"})
	head := sh(t, r.Dir, "rev-parse", "HEAD")
	o := options(t, r)
	o.Branch, o.SignOff, o.Author = "fix/docker", true, git.Person{Name: "Bo", Email: "bo@example.org"}
	s, got := do(t, o)
	res := got["r"]
	if s.Branches != 1 || s.Commits != 1 || res.Head != "fix/docker" || res.Split != 1 || res.Push != "" {
		t.Fatalf("%+v %+v", s, res)
	}
	if sh(t, r.Dir, "rev-parse", "fix/docker") != res.Made || sh(t, r.Dir, "rev-parse", "fix/docker^", "HEAD") != head+"\n"+head || sh(t, r.Dir, "status", "--porcelain") != "" {
		t.Error("the branch isn't one commit on HEAD, or the work tree changed")
	}
	has(t, "the commit", sh(t, r.Dir, "show", "--format=fuller", "fix/docker"), "Bo <bo@example.org>", "Commit:     Cy", "Dockerfiles: ", "- small: big becomes small", "it is @better",
		"a b/Dockerfile:", "Drydock-Change: ", "Signed-off-by: Cy <cy@example.org>", "+FROM small user", "+a b/Dockerfile")
	if trailers := sh(t, r.Dir, "log", "-1", "--format=%(trailers:only)", "fix/docker"); strings.Count(trailers, "\n") != 2 {
		t.Errorf("trailers: %q", trailers)
	}

	if _, got = do(t, o); got["r"].Made != res.Made || got["r"].Status != "changed" || got["r"].Split != 0 && got["r"].Split != 1 {
		t.Errorf("again: %+v", got["r"])
	}
	write(t, filepath.Join(r.Dir, "other"), "y")
	commitAll(t, r.Dir) // the base moves, the change is the same
	if _, got = do(t, o); got["r"].Made != res.Made || sh(t, r.Dir, "rev-parse", "fix/docker") != res.Made {
		t.Errorf("the base moved: %+v", got["r"])
	}
	write(t, filepath.Join(r.Dir, "Dockerfile"), "FROM big big\n")
	commitAll(t, r.Dir)
	if _, got = do(t, o); got["r"].Made == res.Made || sh(t, r.Dir, "rev-parse", "fix/docker^") != sh(t, r.Dir, "rev-parse", "HEAD") {
		t.Errorf("another change: %+v", got["r"])
	}

	theirs := sh(t, r.Dir, "commit-tree", "fix/docker^{tree}", "-p", "fix/docker", "-m", "mine")
	sh(t, r.Dir, "branch", "-f", "fix/docker", theirs)
	for _, name := range []string{"fix/docker", "merged"} {
		// merged is somebody's branch that has nothing beyond the base.
		if name == "merged" {
			sh(t, r.Dir, "branch", name, head)
		}
		o.Branch = name
		was := sh(t, r.Dir, "rev-parse", name)
		_, got = do(t, o)
		if res := got["r"]; res.Status != "skipped" || !strings.Contains(res.Reason, "commits that aren't drydock's") || res.Made != "" || sh(t, r.Dir, "rev-parse", name) != was {
			t.Errorf("%s: %+v", name, res)
		}
	}
	o.Branch = "main"
	if _, got = do(t, o); got["r"].Status != "skipped" || !strings.Contains(got["r"].Reason, "the branch that the changes are for") {
		t.Errorf("main: %+v", got["r"])
	}
	sh(t, r.Dir, "switch", "-q", "--detach")
	if _, got = do(t, o); got["r"].Status != "skipped" || sh(t, r.Dir, "rev-parse", "main") != sh(t, r.Dir, "rev-parse", "HEAD") {
		t.Errorf("main, detached: %+v", got["r"])
	}
}

// TestSplit: one commit per transform, each with its own reason.
func TestSplit(t *testing.T) {
	r := makeRepo(t, filepath.Join(t.TempDir(), "r"), files{"Dockerfile": "big root ignore\n", "b/Dockerfile": "root ignore\n", "c/Dockerfile": "big\n"})
	o := options(t, r)
	o.Branch, o.Split, o.Message = "d", true, "{{.Part}}/{{.Parts}} {{(index .Changes 0).Transform}}: {{len .Changes}}"
	s, got := do(t, o)
	if s.Commits != 3 || got["r"].Split != 3 {
		t.Errorf("%+v %+v", s, got["r"])
	}
	if log := sh(t, r.Dir, "log", "--reverse", "--format=%s", "main..d"); log != "1/3 small: 2\n2/3 safe: 2\n3/3 dockerignore: 2" {
		t.Error(log)
	}
	if text := sh(t, r.Dir, "show", "d:.dockerignore"); text != "Dockerfile\nb/Dockerfile" {
		t.Errorf("%q", text)
	}
}

// TestWeave: orders that no single one fits, and files that several steps change.
func TestWeave(t *testing.T) {
	step := func(transform, file, text string) report.Step {
		return report.Step{Outcome: report.Outcome{Transform: transform}, Files: map[string]string{file: text}}
	}
	file := func(path string, steps ...report.Step) *report.File { return &report.File{Path: path, Steps: steps} }
	for name, c := range map[string]struct {
		files []*report.File
		want  []string
	}{
		"equal":             {[]*report.File{file("1", step("a", "1", "x"), step("b", "1", "y")), file("2", step("a", "2", "x"), step("b", "2", "y"))}, []string{"a12", "b12"}},
		"one waits":         {[]*report.File{file("1", step("b", "1", "x")), file("2", step("a", "2", "x"), step("b", "2", "y"))}, []string{"a2", "b12"}},
		"crossed":           {[]*report.File{file("1", step("a", "1", "x"), step("b", "1", "y")), file("2", step("b", "2", "x"), step("a", "2", "y"))}, []string{"a1", "b12", "a2"}},
		"twice in a row":    {[]*report.File{file("1", step("a", "1", "x"), step("a", "1", "y"))}, []string{"a11"}},
		"shared, in order":  {[]*report.File{file("1", step("z", "1", "q"), step("a", "i", "x")), file("2", step("b", "i", "y"), step("a", "2", "y"))}, []string{"z1", "a1", "b2", "a2"}},
		"changes nothing":   {[]*report.File{file("1", step("a", "1", "x"), step("b", "1", "x"))}, []string{"a1"}},
		"nothing":           {[]*report.File{file("1")}, nil},
		"one after another": {[]*report.File{file("1", step("a", "i", "x")), file("2", step("a", "i", "y"))}, []string{"a12"}},
	} {
		var got []string
		for _, p := range weave(c.files) {
			s := p.changes[0].Transform
			for _, c := range p.changes {
				s += c.Path
			}
			got = append(got, s)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestPatches: git am takes them, and patch those of a folder outside of git.
func TestPatches(t *testing.T) {
	dir := t.TempDir()
	r := makeRepo(t, filepath.Join(dir, "r"), files{"Dockerfile": "FROM big root\n"})
	plain := source.Repo{Name: "p;\n/../x", Dir: filepath.Join(dir, "plain")}
	write(t, filepath.Join(plain.Dir, "sub", "Dockerfile"), "big\n")
	long := makeRepo(t, filepath.Join(dir, "long"), files{"Dockerfile": "FROM x\n"})
	o := options(t, r, plain, long)
	o.PatchDir, o.Split = filepath.Join(dir, "patches"), true
	s, got := do(t, o)
	if s.Patches != 2 || got["r"].Patch != filepath.Join(o.PatchDir, "r.patch") || got["long"].Patch != "" || got["r"].Head != "" {
		t.Fatalf("%+v %+v", s, got["r"])
	}
	if refs := sh(t, r.Dir, "for-each-ref", "--format=%(refname)"); refs != "refs/heads/main" {
		t.Error(refs)
	}
	sh(t, r.Dir, "am", "-q", got["r"].Patch)
	if text, _ := os.ReadFile(filepath.Join(r.Dir, "Dockerfile")); string(text) != "FROM small user\n" || sh(t, r.Dir, "rev-list", "--count", "HEAD") != "3" {
		t.Errorf("%q", text)
	}
	name := got[plain.Name].Patch
	if filepath.Dir(name) != o.PatchDir || strings.ContainsAny(filepath.Base(name), ";\n ") {
		t.Errorf("%q", name)
	}
	sh(t, plain.Dir, "apply", name)
	if text, _ := os.ReadFile(filepath.Join(plain.Dir, "sub", "Dockerfile")); string(text) != "small\n" {
		t.Errorf("%q", text)
	}

	o.Branch = "d"
	write(t, filepath.Join(plain.Dir, "sub", "Dockerfile"), "big\n")
	if _, got = do(t, o); got[plain.Name].Status != "skipped" || !strings.Contains(got[plain.Name].Reason, "not a git repository") || got[plain.Name].Patch == "" {
		t.Errorf("%+v", got[plain.Name])
	}
}

func TestPatchNames(t *testing.T) {
	seen := map[string]string{}
	for _, n := range []string{"a/b", "a__b", "a_/_b", "a/_b", "a;b", "a b", "a\nb", "..", ".", "-x", "", "é", strings.Repeat("x", 200), strings.Repeat("x", 201), "../a"} {
		name := patchName(n)
		if other, ok := seen[strings.ToLower(name)]; ok {
			t.Errorf("%q and %q are both %s", n, other, name)
		}
		seen[strings.ToLower(name)] = n
		if len(name) > 130 || strings.ContainsAny(name, "/\\;\n \x00") || name[0] == '.' || name[0] == '-' {
			t.Errorf("%q: %q", n, name)
		}
	}
	if patchName("a/b") != "a__b.patch" {
		t.Error(patchName("a/b"))
	}
}

// TestPush: to the remote of a local repository and to where a clone came from.
func TestPush(t *testing.T) {
	dir := t.TempDir()
	local := makeRepo(t, filepath.Join(dir, "local"), files{"Dockerfile": "big\n"})
	remote := withRemote(t, local)
	other := makeRepo(t, filepath.Join(dir, "other"), files{"Dockerfile": "big root\n"})
	bare := withRemote(t, other)
	clone := source.Repo{Name: "clone", URL: "file://" + bare}
	none := makeRepo(t, filepath.Join(dir, "none"), files{"Dockerfile": "big\n"})
	away := makeRepo(t, filepath.Join(dir, "away"), files{"Dockerfile": "big\n"})
	sh(t, away.Dir, "remote", "add", "origin", filepath.Join(dir, "gone.git"))
	o := options(t, local, clone, none, away)
	o.Branch, o.Push = "d", true
	s, got := do(t, o)
	if s.Pushed != 2 || s.Branches != 3 || got["local"].Push != "pushed" || got["clone"].Push != "pushed" {
		t.Fatalf("%+v %+v %+v", s, got["local"], got["clone"])
	}
	if sh(t, remote, "rev-parse", "d") != got["local"].Made || sh(t, bare, "rev-parse", "d") != got["clone"].Made || sh(t, local.Dir, "rev-parse", "d") != got["local"].Made {
		t.Error("not what was pushed")
	}
	if r := got["none"]; r.Status != "skipped" || !strings.Contains(r.Reason, `no remote "origin"`) || r.Made != "" {
		t.Errorf("%+v", r)
	}
	if r := got["away"]; r.Status != "failed" || r.Push != "" {
		t.Errorf("%+v", r)
	}
	if _, got = do(t, o); got["clone"].Push != "unchanged" || got["clone"].Made != sh(t, bare, "rev-parse", "d") || got["local"].Push != "unchanged" {
		t.Errorf("again: %+v", got["clone"])
	}
	// Somebody commits to the branch at the remote.
	theirs := sh(t, bare, "commit-tree", "d^{tree}", "-p", "d", "-m", "mine")
	sh(t, bare, "update-ref", "refs/heads/d", theirs)
	write(t, filepath.Join(other.Dir, "Dockerfile"), "big root 2\n")
	commitAll(t, other.Dir)
	sh(t, other.Dir, "push", "-q", "origin", "main")
	if _, got = do(t, o); got["clone"].Status != "skipped" || sh(t, bare, "rev-parse", "d") != theirs {
		t.Errorf("others' commits: %+v", got["clone"])
	}
}

// TestShallow: a clone that the user made without history is committed to as others are, again too.
func TestShallow(t *testing.T) {
	dir := t.TempDir()
	origin := makeRepo(t, filepath.Join(dir, "origin"), files{"Dockerfile": "FROM big\n"})
	commitAll(t, origin.Dir)
	sh(t, dir, "clone", "-q", "--depth=1", "file://"+origin.Dir, "shallow")
	o := options(t, source.Repo{Name: "s", Dir: filepath.Join(dir, "shallow")})
	o.Branch = "d"
	_, got := do(t, o)
	if got["s"].Status != "changed" || got["s"].Made == "" {
		t.Fatalf("%+v", got["s"])
	}
	write(t, filepath.Join(dir, "shallow", "Dockerfile"), "FROM big root\n")
	commitAll(t, filepath.Join(dir, "shallow"))
	if _, again := do(t, o); again["s"].Made == got["s"].Made || again["s"].Status != "changed" {
		t.Errorf("%+v", again["s"])
	}
}

// TestChangedMeanwhile: who works in a repository while it is read finds the change of the commit that was
// looked at first.
func TestChangedMeanwhile(t *testing.T) {
	r := makeRepo(t, filepath.Join(t.TempDir(), "r"), files{"Dockerfile": "FROM big\n"})
	o := options(t, r)
	o.Branch = "d"
	calls := 0
	o.Work = func(ctx context.Context, dir string) ([]*report.File, []result.Facts, error) {
		if calls++; calls == 1 {
			write(t, filepath.Join(r.Dir, "Dockerfile"), "FROM big mine\n")
		}
		return fakeWork(ctx, dir)
	}
	if _, got := do(t, o); got["r"].Status != "changed" || calls != 2 || sh(t, r.Dir, "show", "d:Dockerfile") != "FROM small" {
		t.Errorf("%+v, %d calls", got["r"], calls)
	}
}
