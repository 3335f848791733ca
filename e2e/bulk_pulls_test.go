//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// bulkRun is drydock bulk with a cache and a home of its own, against a forge.
type bulkRun struct {
	forge *forgeServer
	home  string
	token string
}

func newBulkRun(t *testing.T, s *forgeServer) *bulkRun {
	return &bulkRun{s, t.TempDir(), s.token}
}

// run runs it and gives the exit code with what it said; each line of its errors is told to each.
func (b *bulkRun) run(t *testing.T, each func(line string), args ...string) (code int, text string) {
	t.Helper()
	cmd := exec.Command(world.drydock, append([]string{"bulk"}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+b.home, "XDG_CACHE_HOME="+b.home, "DRYDOCK_CACHE="+filepath.Join(b.home, "cache"), "GITEA_URL="+b.forge.url, "GITEA_TOKEN="+b.token,
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_TRACE=0")
	var out bytes.Buffer
	cmd.Stdout = &out
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for lines := bufio.NewScanner(errs); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if each != nil {
			each(lines.Text())
		}
	}
	if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() < 0 {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String() + said.String()
}

// pulls runs it with pull requests.
func (b *bulkRun) pulls(t *testing.T, want int, org string, args ...string) string {
	t.Helper()
	args = append([]string{"gitea:" + org, "--unsafe", "--branch", "drydock/fix", "--pr", "--pause", "0s", "--author", "Dock <dock@example.test>"}, args...)
	code, text := b.run(t, nil, args...)
	if code != want {
		t.Fatalf("exit code %d, want %d\n%s", code, want, text)
	}
	return text
}

// pull is a pull request as Gitea tells of it.
type pull struct {
	Number             int
	State, Title, Body string
	Merged             bool
	Head               struct{ Ref, Sha string }
	Labels             []struct{ Name string }
}

func (s *forgeServer) pulls(t *testing.T, org, name string) (out []pull) {
	t.Helper()
	s.api(t, http.MethodGet, "/repos/"+org+"/"+name+"/pulls?state=all", nil, &out)
	return out
}

// openPulls counts those that are open in all repositories, and wants no more than one in each.
func (s *forgeServer) openPulls(t *testing.T, org string, names []string) (n int) {
	t.Helper()
	for _, name := range names {
		list := s.pulls(t, org, name)
		if len(list) > 1 {
			t.Errorf("%s has %d pull requests", name, len(list))
		}
		for _, p := range list {
			if p.State == "open" {
				n++
			}
		}
	}
	return n
}

// leaks looks for the token wherever drydock wrote.
func (b *bulkRun) leaks(t *testing.T, token string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(text, token) {
			t.Errorf("the token is in: %s", text)
		}
	}
	seen := 0
	err := filepath.WalkDir(b.home, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		seen++
		text, err := os.ReadFile(name)
		if bytes.Contains(text, []byte(token)) {
			t.Errorf("the token is in %s", name)
		}
		return err
	})
	if err != nil || seen == 0 {
		t.Errorf("%d files, %v", seen, err)
	}
}

// TestBulkPulls is a platform team's week with twelve repositories at a real forge.
func TestBulkPulls(t *testing.T) {
	s := labForge(t)
	org := s.organisation(t)
	names := s.repositories(t, org, 12, plainDockerfile)
	b := newBulkRun(t, s)

	// Arguments of all processes meanwhile.
	var leaked atomic.Value
	done := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for {
			select {
			case <-done:
				return
			case <-time.After(2 * time.Millisecond):
			}
			lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, name := range lines {
				if text, _ := os.ReadFile(name); bytes.Contains(text, []byte(s.token)) && !bytes.Contains(text, []byte("--raw")) {
					leaked.Store(string(text))
				}
			}
		}
	}()

	report := filepath.Join(b.home, "report.jsonl")
	first := b.pulls(t, 0, org, "--only", "merge-run", "--max-open", "5", "--label", "docker", "--jsonl", report, "--html", filepath.Join(b.home, "p.html"))
	if n := s.openPulls(t, org, names); n != 5 {
		t.Errorf("%d pull requests are open, not 5\n%s", n, first)
	}
	waiting := 0
	for _, r := range jsonLines(t, report) {
		if p, _ := r["pull"].(object); p["did"] == "waiting" {
			waiting++
			if branch := s.branch(t, org, r["name"].(string)); branch != "" {
				t.Errorf("%s waits, and its branch is there", r["name"])
			}
		}
	}
	if waiting != 7 {
		t.Errorf("%d wait, not 7", waiting)
	}
	b.pulls(t, 0, org, "--only", "merge-run", "--label", "docker")
	if n := s.openPulls(t, org, names); n != 12 {
		t.Errorf("%d pull requests are open, not 12", n)
	}
	old := s.pulls(t, org, names[3])[0]
	if len(old.Labels) != 1 || old.Labels[0].Name != "docker" || !strings.Contains(old.Body, "merge-run") || old.Head.Ref != "drydock/fix" {
		t.Errorf("%+v", old)
	}

	// The same again changes nothing; more changes come into the same pull requests.
	if text := b.pulls(t, 0, org, "--only", "merge-run", "--label", "docker"); !strings.Contains(text, "12 unchanged") {
		t.Error(text)
	}
	if now := s.pulls(t, org, names[3])[0]; now.Head.Sha != old.Head.Sha || now.Body != old.Body {
		t.Errorf("the same change made another commit or text: %+v", now)
	}
	second := b.pulls(t, 0, org)
	now := s.pulls(t, org, names[3])
	if len(now) != 1 || now[0].Number != old.Number || now[0].Head.Sha == old.Head.Sha || now[0].Body == old.Body || !strings.Contains(now[0].Body, "no-recommends") {
		t.Errorf("%+v\n%s", now, second)
	}

	// One is merged as it is, one is closed by somebody, one gets somebody's commit, one repository mends
	// it another way.
	s.merge(t, org, names[0], now[0].Number)
	s.api(t, http.MethodPatch, fmt.Sprintf("/repos/%s/%s/pulls/1", org, names[1]), object{"state": "closed"}, nil)
	s.commitTo(t, org, names[2], "drydock/fix", map[string]string{"theirs": "theirs\n"})
	s.commitTo(t, org, names[3], "main", map[string]string{"Dockerfile": "FROM scratch\nCOPY theirs /\nUSER 1\n", "theirs": ""})
	theirs := s.pulls(t, org, names[2])[0].Head.Sha
	third := b.pulls(t, 0, org, "--close-empty")
	if l := s.pulls(t, org, names[0]); len(l) != 1 || !l[0].Merged {
		t.Errorf("merged: %+v", l)
	}
	if l := s.pulls(t, org, names[1]); len(l) != 1 || l[0].State != "closed" {
		t.Errorf("closed by somebody: %+v\n%s", l, third)
	}
	if l := s.pulls(t, org, names[2]); l[0].Head.Sha != theirs || !strings.Contains(third, names[2]+": skipped: the branch drydock/fix has commits that aren't drydock's") {
		t.Errorf("somebody's commit: %+v\n%s", l, third)
	}
	if l := s.pulls(t, org, names[3]); l[0].State != "closed" || s.branch(t, org, org+"/"+names[3]) != "" {
		t.Errorf("nothing left to change: %+v\n%s", l, third)
	}
	close(done)
	<-watched
	if text := leaked.Load(); text != nil {
		t.Errorf("the token is in the arguments %q", text)
	}
	b.leaks(t, s.token, first, second, third)
}

// TestBulkRefused: a token that is refused is one clear message, and changes nothing.
func TestBulkRefused(t *testing.T) {
	s := labForge(t)
	org := s.organisation(t)
	names := s.repositories(t, org, 1, plainDockerfile)
	b := newBulkRun(t, s)
	b.token = strings.Repeat("0123456789", 4)
	text := b.pulls(t, 2, org)
	if !strings.Contains(text, "GITEA_TOKEN") || strings.Count(text, "GITEA_TOKEN") > 2 {
		t.Error(text)
	}
	if n := s.openPulls(t, org, names); n != 0 {
		t.Errorf("%d pull requests", n)
	}
	if strings.Contains(text, b.token) {
		t.Error("the token is told")
	}
	// One that may read and not write.
	own := ownForge(t)
	org = own.organisation(t)
	names = own.repositories(t, org, 1, plainDockerfile)
	b = newBulkRun(t, own)
	b.token = own.newToken(t, "lab", "read:repository,read:organization,read:issue,read:user")
	text = b.pulls(t, 2, org)
	if n := own.openPulls(t, org, names); n != 0 || !strings.Contains(text, org+"/"+names[0]+": failed: ") {
		t.Errorf("%d pull requests\n%s", n, text)
	}
	b.leaks(t, b.token, text)
}

// TestBulkForgeRestarts: the forge goes away half-way, for a while and for good.
func TestBulkForgeRestarts(t *testing.T) {
	if !every() {
		t.Skip("a part of make e2e-all; TestForgeRestart is about the same below the verb")
	}
	s := ownForge(t)
	org := s.organisation(t)
	names := s.repositories(t, org, 12, plainDockerfile)
	b := newBulkRun(t, s)
	args := []string{"gitea:" + org, "--unsafe", "--branch", "drydock/fix", "--pr", "--pause", "100ms", "--author", "Dock <dock@example.test>"}
	opened := 0
	code, text := b.run(t, func(line string) {
		if strings.Contains(line, "pull request opened") {
			if opened++; opened == 3 {
				s.stop()
				go func() {
					time.Sleep(2 * time.Second)
					s.start(t)
				}()
			}
		}
	}, args...)
	if opened < 3 {
		t.Fatalf("%d opened\n%s", opened, text)
	}
	t.Logf("exit code %d, %d opened in the run in which the forge went away", code, opened)
	for try := 0; code != 0; try++ {
		if try == 3 {
			t.Fatal(text)
		}
		code, text = b.run(t, nil, args...)
	}
	if n := s.openPulls(t, org, names); n != 12 {
		t.Errorf("%d pull requests are open, not 12", n)
	}
}

// branch is what the branch drydock/fix of OWNER/NAME stands at, "" when there is none.
func (s *forgeServer) branch(t *testing.T, _, name string) string {
	t.Helper()
	out := s.git(t, t.TempDir(), "ls-remote", s.url+"/"+name+".git", "refs/heads/drydock/fix")
	id, _, _ := strings.Cut(out, "\t")
	return id
}

// commitTo puts a commit of somebody's onto a branch.
func (s *forgeServer) commitTo(t *testing.T, owner, name, branch string, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	address := s.url + "/" + owner + "/" + name + ".git"
	s.git(t, dir, "init", "-q", "-b", "work")
	s.git(t, dir, "fetch", "-q", address, branch)
	s.git(t, dir, "reset", "-q", "--hard", "FETCH_HEAD")
	for path, text := range files {
		write(t, filepath.Join(dir, path), text)
	}
	s.git(t, dir, "add", "-A")
	s.git(t, dir, "commit", "-q", "-m", "somebody's")
	s.git(t, dir, "push", "-q", address, "HEAD:refs/heads/"+branch)
}

func jsonLines(t *testing.T, name string) (out []object) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var o object
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		out = append(out, o)
	}
	return out
}
