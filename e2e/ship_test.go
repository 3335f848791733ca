//go:build e2e

package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// `drydock ship` with a real builder, a real scanner and a real registry that wants a login. What is critical stands in the
// lab's scandb/advisories.txt: lodash before 4.17.21, and what python:3.12 has and python:3.12-slim hasn't. It runs when
// E2E_SCANNER is grype, whose database lab/scanner makes.

// shipList is what a test reads of the checklist in JSON.
type shipList struct {
	Passed bool
	Digest string
	Error  string
	Items  []struct {
		Name, State, Text string
		GateFailed        bool
	}
	Platforms []struct {
		Platform      string
		After, Before struct{ Compressed int64 }
		Scan          struct {
			Counts          map[string]int
			Vulnerabilities []struct{ ID, Package, Version string }
			Packages        int
		}
		ScanBefore struct{ Counts map[string]int }
	}
	SBOM   []string
	Pushed []struct{ Tag, Digest string }
}

func (l shipList) item(name string) string {
	for _, i := range l.Items {
		if i.Name == name {
			return i.State + " " + i.Text
		}
	}
	return "no item " + name
}

// runShip runs ship in a folder with these further variables; the list is empty when it printed none.
func runShip(t *testing.T, dir string, env []string, args ...string) (l shipList, code int, stderr string) {
	t.Helper()
	tmp := t.TempDir()
	cmd := exec.CommandContext(t.Context(), world.drydock, append([]string{"ship", "--format", "json", "--builder", world.builder.String()}, args...)...)
	cmd.Dir, cmd.Env = dir, append(append(os.Environ(), "TMPDIR="+tmp), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit != nil {
		code = exit.ExitCode()
	}
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), &l); err != nil {
			t.Fatalf("%v\n%s", err, out.Bytes())
		}
	}
	left, err := filepath.Glob(filepath.Join(tmp, "drydock-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v: it leaves %q behind, %v", args, left, err)
	}
	t.Logf("ship %s: exit code %d\n%s", strings.Join(args, " "), code, errs.String())
	return l, code, errs.String()
}

// shipProject is a Node.js program with lodash of that version, on a base that brings no package database of its own.
func shipProject(t *testing.T, lodash string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "node_modules/lodash/package.json"), fmt.Sprintf(`{"name":"lodash","version":%q}`, lodash))
	write(t, filepath.Join(dir, "app.js"), "console.log('hello')\n")
	write(t, filepath.Join(dir, "Dockerfile"), "FROM scratch AS files\nCOPY . /app\nFROM scratch\nCOPY --from=files /app /app\nUSER 10001\nCMD [\"node\", \"/app/app.js\"]\n")
	return dir
}

// loginRegistry is a registry of this test's own that wants a login, and the variable that names the file which has it.
func loginRegistry(t *testing.T) (addr, config string) {
	t.Helper()
	addr = ownRegistry(t)
	return addr, dockerLogin(t, addr, password)
}

// dockerLogin is a podman file of logins, which docker's folder of settings, the lab's, stays beside.
func dockerLogin(t *testing.T, addr, password string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "auth.json")
	write(t, file, fmt.Sprintf(`{"auths":{%q:{"username":"tester","password":%q}}}`, addr, password))
	return "REGISTRY_AUTH_FILE=" + file
}

// has asks a registry with a login what a tag names, "" for nothing.
func has(t *testing.T, addr, repository, tag string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, "http://"+addr+"/v2/"+repository+"/manifests/"+tag, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("tester", "made-for-a-test")
	req.Header.Set("Accept", "application/vnd.oci.image.index.v1+json,application/vnd.oci.image.manifest.v1+json,application/vnd.docker.distribution.manifest.v2+json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.Header.Get("Docker-Content-Digest")
}

func needShip(t *testing.T) {
	t.Helper()
	if world.drydock == "" {
		t.Skip("E2E_AFTER brings the files")
	}
	if os.Getenv("E2E_SCANNER") != "grype" {
		t.Skip("E2E_SCANNER isn't grype")
	}
	labRegistry(t)
}

// A planted critical vulnerability keeps the image at home, whatever the repository tells the scanner; the fixed image goes
// out, and its digest is the registry's.
func TestShip(t *testing.T) {
	needShip(t)
	addr, login := loginRegistry(t)
	image := addr + "/team/app"
	bad, good := shipProject(t, "4.17.20"), shipProject(t, "4.17.21")
	silent := "ignore:\n  - vulnerability: CVE-2099-0201\n  - package: {name: lodash}\n"
	for _, name := range []string{".grype.yaml", "grype.yaml", ".grype/config.yaml"} {
		write(t, filepath.Join(bad, name), silent)
	}
	quiet := exec.CommandContext(t.Context(), "grype", "dir:.", "-q")
	quiet.Dir = bad
	if out, err := quiet.Output(); err != nil || bytes.Contains(out, []byte("lodash")) {
		t.Fatalf("the repository's configuration doesn't silence grype by itself, so that this test shows nothing: %v\n%s", err, out)
	}
	env := []string{login, "GRYPE_CONFIG=" + filepath.Join(bad, ".grype.yaml"), "GRYPE_EXCLUDE=/app/**", "GRYPE_IGNORE_STATES=fixed,not-fixed,unknown,wont-fix", "GRYPE_ONLY_NOTFIXED=true"}
	l, code, _ := runShip(t, bad, env, image+":1", "--push")
	if code != 1 || l.Passed || len(l.Pushed) > 0 || l.item("0 critical") == "" || !strings.HasPrefix(l.item("0 critical"), "no 1 critical") || l.item("pushed") != "no nothing: 0 critical doesn't hold" {
		t.Fatalf("exit code %d, %+v", code, l)
	}
	worst := l.Platforms[0].Scan.Vulnerabilities[0]
	if worst.ID != "CVE-2099-0201" || worst.Package != "lodash" || worst.Version != "4.17.20" {
		t.Errorf("the worst is %+v", worst)
	}
	if d := has(t, addr, "team/app", "1"); d != "" {
		t.Errorf("the registry has %s", d)
	}

	if l, code, _ := runShip(t, bad, env, image+":let", "--push", "--max-critical", "1"); code != 0 || !l.Passed || has(t, addr, "team/app", "let") != l.Digest {
		t.Errorf("--max-critical 1: exit code %d, %+v", code, l)
	}

	sbom := filepath.Join(t.TempDir(), "sbom.json")
	l, code, _ = runShip(t, good, []string{login}, image+":2", image, "--push", "--sbom", sbom, "--before", filepath.Join(bad, "Dockerfile"))
	if code != 0 || !l.Passed || len(l.Pushed) != 2 || l.Platforms[0].Scan.Packages < 1 || !strings.HasPrefix(l.item("0 critical"), "yes ") || l.item("non-root") != "yes runs as 10001" {
		t.Fatalf("exit code %d, %+v", code, l)
	}
	for i, tag := range []string{"2", "latest"} {
		if p := l.Pushed[i]; p.Tag != image+":"+tag || p.Digest != l.Digest || has(t, addr, "team/app", tag) != l.Digest {
			t.Errorf("%+v was pushed, the registry has %s, %s was scanned", p, has(t, addr, "team/app", tag), l.Digest)
		}
	}
	if text, err := os.ReadFile(sbom); err != nil || !bytes.Contains(text, []byte("lodash")) {
		t.Errorf("the bill of materials lacks lodash: %v", err)
	}
}

// Every platform is built, scanned, and goes out in one index.
func TestShipPlatforms(t *testing.T) {
	needShip(t)
	addr, login := loginRegistry(t)
	l, code, _ := runShip(t, shipProject(t, "4.17.21"), []string{login}, addr+"/team/app:both", "--push", "--platform", "linux/amd64,linux/arm64")
	if code != 0 || !l.Passed || len(l.Platforms) != 2 || l.Platforms[1].Platform != "linux/arm64" || l.Platforms[1].Scan.Packages < 1 || has(t, addr, "team/app", "both") != l.Digest {
		t.Errorf("exit code %d, %+v", code, l)
	}
	if l, code, _ := runShip(t, shipProject(t, "4.17.20"), []string{login}, addr+"/team/app:bad", "--push", "--platform", "linux/amd64,linux/arm64"); code != 1 || l.Passed || has(t, addr, "team/app", "bad") != "" {
		t.Errorf("exit code %d, %+v", code, l)
	}
}

// What can't be scanned or pushed isn't shipped: exit code 2, and why.
func TestShipFails(t *testing.T) {
	needShip(t)
	addr, login := loginRegistry(t)
	dir := shipProject(t, "4.17.21")
	l, code, said := runShip(t, dir, []string{login, "GRYPE_DB_CACHE_DIR=" + t.TempDir(), "GRYPE_DB_AUTO_UPDATE=false"}, addr+"/team/app:1", "--push")
	if code != 2 || l.Passed || !strings.Contains(said, "grype could not scan "+addr+"/team/app:1 for linux/") || has(t, addr, "team/app", "1") != "" {
		t.Errorf("without a database: exit code %d, %+v", code, l)
	}
	l, code, said = runShip(t, dir, []string{dockerLogin(t, addr, "expired")}, addr+"/team/app:1", "--push")
	if code != 2 || l.Passed || !strings.Contains(said, "/team/app:1 can't be pushed: ") || !strings.Contains(said, "the login for it is wrong, has expired or may not write to team/app: docker login "+addr) {
		t.Errorf("with an old login: exit code %d, %+v", code, l)
	}
	if l, code, _ := runShip(t, dir, []string{login, "PATH=" + pathWithout(t, "grype", "trivy", "docker")}, addr+"/team/app:1", "--push"); world.builder.Kind == "buildctl" && (code != 1 || l.Passed || !strings.Contains(l.item("0 critical"), "there is no scanner on PATH: install grype")) {
		t.Errorf("without a scanner: exit code %d, %+v", code, l)
	}
	write(t, filepath.Join(dir, "Dockerfile"), "FROM scratch\nCOPY nothing /\n")
	if _, code, said = runShip(t, dir, []string{login}, addr+"/team/app:1", "--push"); code != 2 || !strings.Contains(said, "nothing") || has(t, addr, "team/app", "1") != "" {
		t.Errorf("a build that fails: exit code %d", code)
	}
}

// What the Dockerfile before brought and the new one doesn't is told: a module that a program may miss, which keeps the image at home; sizes; vulnerabilities.
func TestShipBefore(t *testing.T) {
	needShip(t)
	dir := shipProject(t, "4.17.21")
	write(t, filepath.Join(dir, "old/node_modules/lodash/package.json"), `{"name":"lodash","version":"4.17.20"}`)
	noise := make([]byte, 1<<20)
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "old/noise"), string(noise)) // a second time in .git
	git := func(args ...string) {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=tester", "-c", "user.email=tester@example.com", "-C", dir}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	git("init", "-q")
	git("add", "-A")
	git("commit", "-qm", "everything is copied")
	write(t, filepath.Join(dir, ".dockerignore"), "old\n.git\n")
	l, code, _ := runShip(t, dir, nil, "app", "--push")
	if code != 1 || l.Passed || len(l.Pushed) > 0 || !strings.Contains(l.item("same behaviour"), "no the module /app/old/node_modules/lodash is gone") {
		t.Errorf("what the program may miss: exit code %d, %+v", code, l)
	}
	l, code, _ = runShip(t, dir, nil, "app", "--no-verify")
	if code != 0 || !l.Passed || len(l.Platforms) != 1 {
		t.Fatalf("exit code %d, %+v", code, l)
	}
	p := l.Platforms[0]
	if p.ScanBefore.Counts["critical"] != 1 || p.Scan.Counts["critical"] != 0 || p.After.Compressed*100 > p.Before.Compressed || !strings.HasPrefix(l.item("smaller"), "yes 2.") ||
		!strings.HasPrefix(l.item("0 critical"), "yes 1 critical -> none known: grype ") || l.item("same behaviour") != "no not proven: --no-verify" {
		t.Errorf("%+v", l)
	}
}

// pathWithout is a folder with links to the programs of PATH, but these.
func pathWithout(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, from := range filepath.SplitList(os.Getenv("PATH")) {
		entries, err := os.ReadDir(from)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if !strings.Contains(" "+strings.Join(names, " ")+" ", " "+e.Name()+" ") {
				_ = os.Symlink(filepath.Join(from, e.Name()), filepath.Join(dir, e.Name())) // the first on PATH counts
			}
		}
	}
	return dir
}
