//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"drydock/bulk/bulktest"
	"drydock/bulk/result"
)

// TestBulkKinds is the whole verb over 200 repositories of all kinds: the right outcome for each, the documented exit
// code, and nothing touched but the branch.
func TestBulkKinds(t *testing.T) {
	w, err := bulktest.Generate(t.TempDir(), 200, 7)
	if err != nil {
		t.Fatal(err)
	}
	before, err := bulktest.Take(w.Tree)
	if err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(t.TempDir(), "report.jsonl")
	for _, branch := range []string{"", "drydock/all", "drydock/all"} {
		args := []string{"bulk", w.Tree, "--quiet", "--jsonl", report}
		if branch != "" {
			args = append(args, "--branch", branch)
		}
		cmd := exec.Command(world.drydock, args...)
		cmd.Env = append(os.Environ(), "HOME="+w.Home, "DRYDOCK_CACHE="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != 2 {
			t.Fatalf("exit code %d, %v\n%s", code, err, out)
		}
		got := map[string]object{}
		for _, r := range jsonLines(t, report) {
			got[r["name"].(string)] = r
		}
		if len(got) != len(w.Repos) {
			t.Errorf("%d results for %d repositories", len(got), len(w.Repos))
		}
		for _, want := range w.Repos {
			r := got[want.Name]
			if r == nil {
				t.Errorf("%s: %q has no result", want.Kind, want.Name)
				continue
			}
			if want.NoGit && branch != "" {
				want.Status, want.Reason = result.Skipped, "not a git repository"
			}
			var changed []string
			for _, f := range r["files"].([]any) {
				if f := f.(object); f["changed"] == true {
					changed = append(changed, f["path"].(string))
				}
			}
			slices.Sort(changed)
			reason, _ := r["reason"].(string)
			made, _ := r["made"].(string)
			if r["status"] != string(want.Status) || !strings.Contains(reason, want.Reason) || !slices.Equal(changed, want.Changed) || branch != "" && (made != "") != (want.Status == result.Changed) {
				t.Errorf("%s: %q: %v %q %q made %q, want %s %q %q", want.Kind, want.Name, r["status"], reason, changed, made, want.Status, want.Reason, want.Changed)
			}
		}
		after, err := bulktest.Take(w.Tree)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range before.Differs(after, branch) {
			t.Errorf("%q", d)
		}
	}
	if ran, err := os.ReadFile(w.Ran); err == nil {
		t.Errorf("programs of repositories ran: %s", ran)
	}
}

// TestBulkVerify proves the images of two repositories with two builders at once; what breaks isn't committed.
func TestBulkVerify(t *testing.T) {
	address := os.Getenv("BUILDKIT_HOST")
	if address == "" {
		t.Skip("two builders at once are two names of one BuildKit: BUILDKIT_HOST isn't set")
	}
	tree := t.TempDir()
	for _, name := range []string{"one", "two"} {
		dir := filepath.Join(tree, name)
		write(t, filepath.Join(dir, "Dockerfile"), fmt.Sprintf(plainFile+"CMD [\"echo\", \"%s %s\"]\n", name, nonce()))
		for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "-A"}, {"-c", "user.name=a", "-c", "user.email=a@example.test", "commit", "-q", "-m", "x"}} {
			cmd := exec.Command("git", args...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("git %q: %v\n%s", args, err, out)
			}
		}
	}
	report := filepath.Join(t.TempDir(), "report.jsonl")
	cmd := exec.Command(world.drydock, "bulk", tree, "--verify", "--builders", "buildctl", "--builders", "buildctl:"+address, "--branch", "drydock/proven",
		"--author", "Dock <dock@example.test>", "--jsonl", report)
	cmd.Env = append(os.Environ(), "DRYDOCK_CACHE="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, r := range jsonLines(t, report) {
		f := r["files"].([]any)[0].(object)
		proof, _ := f["proof"].(object)
		if r["status"] != "changed" || r["made"] == nil || proof["verdict"] != "same behaviour" {
			t.Errorf("%v: %v %v, proof %v\n%s", r["name"], r["status"], r["reason"], proof["verdict"], out)
		}
		facts := r["facts"].([]any)[0].(object)["after"].(object)
		if facts["measured"] != true || facts["size"].(float64) <= 0 {
			t.Errorf("%v: sizes aren't those measured: %v", r["name"], facts)
		}
	}
}
