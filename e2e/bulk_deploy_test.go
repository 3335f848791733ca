//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
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
	"go.yaml.in/yaml/v3"
)

// Everything below deploy/ is run or judged here: the image is built and used, scripts within templates run as their engines
// would run them, forms are held against published schemas. deploy/kubernetes has TestBulkKubernetes.
//
//	E2E_BATCH_SCHEMA=FILE  Sourcegraph's batch_spec.schema.json, which is in no package; without it the fields alone are checked

// deployImage builds deploy/image from the checkout and gives its digest in world.layout.
func deployImage(t *testing.T) string {
	t.Helper()
	b, err := world.builder.build(t.Context(), request{dir: world.root, file: filepath.Join(world.root, "deploy/image"), export: true})
	if err != nil {
		t.Fatal(err)
	}
	return b.digest
}

// drydock's own image has nothing that drydock would change, and what bulk needs works in it.
func TestDeployImage(t *testing.T) {
	file := filepath.Join(world.root, "deploy/image/Dockerfile")
	for _, args := range [][]string{{"diff", "--unsafe", file}, {"check", "--unsafe", file}} {
		if code, out := runDrydock(t, "", nil, args...); code != 0 {
			t.Errorf("drydock %s: exit code %d\n%s", strings.Join(args, " "), code, out)
		}
	}
	digest := deployImage(t)
	img, err := readImage(digest)
	if err != nil {
		t.Fatal(err)
	}
	if img.config.User != "65532" || !slices.Equal(img.config.Entrypoint, []string{"drydock"}) {
		t.Errorf("it runs %q as %q", img.config.Entrypoint, img.config.User)
	}
	t.Logf("%.1f MB compressed in %d layers (on the lab's stand-in for Alpine)", float64(img.bytes)/1e6, len(img.layers))
	dir := folder(t, map[string]string{"Dockerfile": `FROM subject
RUN --network=none set -e; : ` + nonce() + `; test "$(id -u)" = 65532; cd /tmp; \
    drydock --version; test -s /etc/ssl/certs/ca-certificates.crt; \
    "$(git --exec-path)/git-remote-https" 2>&1 | grep -q usage; \
    git init -q repository; cd repository; printf 'FROM debian:12\nMAINTAINER a@example.com\n' >Dockerfile; git add .; \
    git -c user.name=a -c user.email=a@example.com commit -qm a; \
    drydock fix --offline .; grep -q LABEL Dockerfile
`})
	if _, err := world.builder.build(t.Context(), request{dir: dir, images: map[string]string{"subject": digest}}); err != nil {
		t.Error(err)
	}
}

// Published schemas and linters find nothing. They come from their registries, and none is kept here.
func TestDeployForms(t *testing.T) {
	deploy := func(name string) string { return filepath.Join(world.root, "deploy", name) }
	output(t, world.root, "go", "run", "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12", deploy("github/bulk.yml"))

	venv := t.TempDir()
	output(t, venv, "python3", "-m", "venv", venv)
	output(t, venv, filepath.Join(venv, "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "check-jsonschema==0.39.0")
	judge := filepath.Join(venv, "bin/check-jsonschema")
	output(t, venv, judge, "--builtin-schema", "vendor.gitlab-ci", deploy("gitlab/bulk.gitlab-ci.yml"))
	output(t, venv, judge, "--builtin-schema", "vendor.github-workflows", deploy("github/bulk.yml"))
	if schema := os.Getenv("E2E_BATCH_SCHEMA"); schema != "" {
		output(t, venv, judge, "--schemafile", schema, deploy("sourcegraph/batch-spec.yaml"))
	}
	batchSpec(t) // its fields
}

// batchSpec reads the batch spec strictly: a field that Sourcegraph doesn't know is an error, as in `src batch validate`.
func batchSpec(t *testing.T) (run string) {
	t.Helper()
	var spec struct {
		Name, Description string
		On                []struct {
			Query string `yaml:"repositoriesMatchingQuery"`
		}
		Steps []struct {
			Run, Container string
			Outputs        map[string]struct{ Value string }
		}
		Template struct {
			Title, Body, Branch string
			Commit              struct{ Message string }
			Published           bool
		} `yaml:"changesetTemplate"`
	}
	d := yaml.NewDecoder(bytes.NewReader(deployFile(t, "sourcegraph/batch-spec.yaml")))
	d.KnownFields(true)
	if err := d.Decode(&spec); err != nil {
		t.Fatal(err)
	}
	if spec.Name == "" || len(spec.On) == 0 || len(spec.Steps) != 1 || spec.Template.Title == "" || spec.Template.Branch == "" || spec.Template.Commit.Message == "" {
		t.Fatalf("a field is missing: %+v", spec)
	}
	return spec.Steps[0].Run
}

// The scripts of Sourcegraph and multi-gitter, run as both do it: in a clone, where the exit code says whether what
// changed becomes a pull request.
func TestDeployScripts(t *testing.T) {
	for name, words := range map[string][]string{
		"multi-gitter": {filepath.Join(world.root, "deploy/multi-gitter/drydock.sh")},
		"sourcegraph":  {"sh", "-c", batchSpec(t)},
	} {
		t.Run(name, func(t *testing.T) {
			run := func(env string, files map[string]string) (code int, out string, after map[string]string) {
				dir := folder(t, files)
				cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
				cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+filepath.Dir(world.drydock)+":"+os.Getenv("PATH"), env)
				code, out = outcome(t, cmd)
				return code, out, snapshot(t, dir)
			}
			old := "FROM debian:12\nMAINTAINER a@example.com\n"
			broken := "FROM debian:12\nRUNN true\n"
			code, out, after := run("", map[string]string{"Dockerfile": old, "b/Dockerfile": broken})
			if code != 0 || !strings.Contains(after["/Dockerfile"], "LABEL") || after["/b/Dockerfile"] != broken || !strings.Contains(out, "b/Dockerfile") {
				t.Errorf("exit code %d, files %q\n%s", code, after, out)
			}
			clean := map[string]string{"/Dockerfile": "FROM debian:12\nUSER 1000\n", "/README": "x\n"}
			if code, out, after := run("", maps.Clone(clean)); code != 0 || !maps.Equal(after, clean) {
				t.Errorf("exit code %d, files %q\n%s", code, after, out)
			}
			if name != "multi-gitter" {
				return
			}
			if code, out, _ := run("DRYDOCK_FLAGS=--no-such-flag", clean); code != 64 {
				t.Errorf("with a wrong flag: exit code %d\n%s", code, out)
			}
			if code, out, after := run("DRYDOCK_FLAGS=--offline --skip label-not-maintainer", map[string]string{"Dockerfile": old}); code != 0 || after["/Dockerfile"] != old {
				t.Errorf("with two flags: exit code %d, %q\n%s", code, after["/Dockerfile"], out)
			}
		})
	}
}

// Three parallel jobs of the GitLab template and its merge, by the scripts within it.
func TestDeployGitLab(t *testing.T) {
	repositories := bulkRepositories(t, 30)
	var file struct {
		Shards gitlabJob `yaml:"drydock-bulk"`
		Merge  gitlabJob `yaml:"drydock-merge"`
	}
	if err := yaml.Unmarshal(deployFile(t, "gitlab/bulk.gitlab-ci.yml"), &file); err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	for i := 1; i <= 3; i++ {
		file.Shards.run(t, work, fmt.Sprintf("CI_NODE_INDEX=%d", i), "CI_NODE_TOTAL=3", "GITLAB_TOKEN="+secret,
			"DRYDOCK_ARGUMENTS=# what is done\n"+repositories+"\n--unsafe")
	}
	file.Merge.run(t, work)
	sameReport(t, filepath.Join(work, "report.jsonl"), repositories)
	noSecret(t, work)
}

// gitlabJob is what of a job is run.
type gitlabJob struct {
	Script       []string
	AllowFailure struct {
		Codes []int `yaml:"exit_codes"`
	} `yaml:"allow_failure"`
}

// run does what a runner does: one shell for all lines, in which the first that fails ends the job.
func (j gitlabJob) run(t *testing.T, dir string, env ...string) {
	t.Helper()
	if len(j.Script) == 0 {
		t.Fatal("a job without a script")
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", strings.Join(j.Script, "\n"))
	cmd.Dir, cmd.Env = dir, append(deployEnv(dir), env...)
	if code, out := outcome(t, cmd); code != 0 && !slices.Contains(append(j.AllowFailure.Codes, 2), code) { // 2: one of the repositories fails, rightly
		t.Fatalf("exit code %d\n%s", code, out)
	}
}

// The matrix of the GitHub workflow and its merge, by the scripts within it; what stands in for docker runs drydock
// with the folders that are mounted.
func TestDeployGitHub(t *testing.T) {
	repositories := bulkRepositories(t, 30)
	work := t.TempDir()
	docker := filepath.Join(t.TempDir(), "docker")
	write(t, docker, `#!/usr/bin/env bash
printf '%s\n' "$*" >>"$DOCKER_LOG"
results=
while [ "$1" != "$IMAGE" ]; do
  case $2 in *:/results) results=${2%:/results} ;; esac
  shift
done
shift
exec drydock "${@//\/results\//$results/}"
`)
	if err := os.Chmod(docker, 0o755); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "log")
	step := func(job string, allowed []int, env ...string) {
		cmd := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", githubScript(t, job, "drydock "+map[string]string{"shard": "bulk", "merge": "bulk merge"}[job]))
		cmd.Dir, cmd.Env = work, append(deployEnv(work), append(env, "IMAGE=drydock:1", "DOCKER_LOG="+log)...)
		for i, e := range cmd.Env {
			if path, ok := strings.CutPrefix(e, "PATH="); ok {
				cmd.Env[i] = "PATH=" + filepath.Dir(docker) + ":" + path
			}
		}
		if code, out := outcome(t, cmd); !slices.Contains(allowed, code) {
			t.Fatalf("%s: exit code %d\n%s", job, code, out)
		}
	}
	for i := 1; i <= 3; i++ {
		step("shard", []int{0}, fmt.Sprintf("SHARD=%d/3", i), fmt.Sprintf("JOURNAL=shard-%d.journal", i), "GITHUB_TOKEN="+secret, "ARGUMENTS=# what is done\n"+repositories+"\n\n--unsafe\n")
	}
	step("merge", []int{2}, "SHARDS=3") // 2: one of the repositories fails, which turns the job red
	sameReport(t, filepath.Join(work, "results/report.jsonl"), repositories)
	noSecret(t, work)
	noSecret(t, filepath.Dir(log))

	cmd := exec.CommandContext(t.Context(), "bash", "-e", "-c", githubScript(t, "plan", ""))
	plan := filepath.Join(t.TempDir(), "output")
	cmd.Env = append(os.Environ(), "SHARDS=11", "GITHUB_OUTPUT="+plan)
	if code, out := outcome(t, cmd); code != 0 {
		t.Fatalf("plan: exit code %d\n%s", code, out)
	}
	text, err := os.ReadFile(plan)
	if err != nil || string(text) != "shards=[1,2,3,4,5,6,7,8,9,10,11]\n" {
		t.Errorf("the matrix is %q, %v", text, err)
	}
}

// githubScript is the script of a job's step.
func githubScript(t *testing.T, job, step string) string {
	t.Helper()
	var file struct {
		Jobs map[string]struct{ Steps []struct{ Name, Run string } }
	}
	if err := yaml.Unmarshal(deployFile(t, "github/bulk.yml"), &file); err != nil {
		t.Fatal(err)
	}
	for _, s := range file.Jobs[job].Steps {
		if s.Name == step && s.Run != "" {
			return s.Run
		}
	}
	t.Fatalf("job %s has no step %q with a script", job, step)
	return ""
}

// secret is a token that must not turn up anywhere.
const secret = "glpat-4f1d7c0e8b"

func noSecret(t *testing.T, dir string) {
	t.Helper()
	files := snapshot(t, dir)
	if len(files) == 0 {
		t.Errorf("no files below %s", dir)
	}
	for name, text := range files {
		if strings.Contains(text, secret) {
			t.Errorf("%s has the token", name)
		}
	}
}

// deployEnv is this process's environment with drydock in the PATH and without what CI systems or people have set.
func deployEnv(home string) []string {
	return append(os.Environ(), "PATH="+filepath.Dir(world.drydock)+":"+os.Getenv("PATH"), "DRYDOCK_CACHE="+filepath.Join(home, ".drydock-cache"))
}

func deployFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(world.root, "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// bulkRepositories makes n git repositories of several kinds in a folder: every fifth has no Dockerfile, one can't be understood,
// in one there is nothing to change.
func bulkRepositories(t *testing.T, n int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for i := range n {
		to := filepath.Join(dir, fmt.Sprintf("team-%d", i%4), fmt.Sprintf("app-%02d", i))
		write(t, filepath.Join(to, "README"), fmt.Sprintf("application %d\n", i))
		switch {
		case i == 1:
			write(t, filepath.Join(to, "Dockerfile"), "FROM debian:12\nRUNN true\n")
		case i == 2:
			write(t, filepath.Join(to, "Dockerfile"), "FROM debian:12\nUSER 1000\n")
		case i%5 == 4:
		default:
			write(t, filepath.Join(to, "Dockerfile"), fmt.Sprintf("FROM debian:12\nMAINTAINER team%d@example.com\nRUN apt-get update\nRUN apt-get install -y curl\nWORKDIR /app%d\nCOPY . .\n", i, i))
		}
		git(t, to, "init", "--quiet", "--initial-branch=main")
		git(t, to, "add", ".")
		git(t, to, "commit", "--quiet", "--message=first")
	}
	return dir
}

// sameReport holds a merged report against that of one process over the same repositories. Seconds differ, and so does where a
// folder is mounted.
func sameReport(t *testing.T, merged, repositories string) {
	t.Helper()
	whole := filepath.Join(t.TempDir(), "whole.jsonl")
	home := t.TempDir() // the repositories may belong to the user of a pod
	write(t, filepath.Join(home, ".gitconfig"), "[safe]\n\tdirectory = *\n")
	// 2: one of the repositories fails, rightly
	if code, out := runDrydock(t, "", []string{"HOME=" + home}, "bulk", repositories, "--unsafe", "--jsonl", whole, "--journal", filepath.Join(t.TempDir(), "journal")); code != 2 {
		t.Fatalf("the unsharded run: exit code %d\n%s", code, out)
	}
	want, got := readResults(t, whole), readResults(t, merged)
	if len(want) == 0 {
		t.Fatal("the unsharded run has no results")
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the merged report differs (-unsharded +merged):\n%s", d)
	}
}

// readResults reads JSON lines by the names of the repositories.
func readResults(t *testing.T, file string) map[string]map[string]any {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[string]map[string]any{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r map[string]any
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		name, ok := r["name"].(string)
		if !ok {
			continue // no repository
		}
		if all[name] != nil {
			t.Errorf("%s has %s twice", file, name)
		}
		delete(r, "seconds")
		delete(r, "source")
		all[name] = r
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// runDrydock runs the program and gives its exit code and all output.
func runDrydock(t *testing.T, dir string, env []string, args ...string) (code int, out string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), world.drydock, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	return outcome(t, cmd)
}

// outcome runs a command and gives its exit code and all output.
func outcome(t *testing.T, cmd *exec.Cmd) (code int, out string) {
	t.Helper()
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), string(text)
	}
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	return 0, string(text)
}

// output runs a command that must succeed and gives its standard output.
func output(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, out, errs.Bytes())
	}
	return string(out)
}
