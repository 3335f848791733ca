//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// plainFile is a Dockerfile that fix changes; what follows is added.
const plainFile = "FROM debian:bookworm-slim\nRUN true\nRUN true\nMAINTAINER me\n"

// run runs drydock to its end.
func (p *program) run() int { p.t.Helper(); return p.start().end() }

// refuses holds that it ended with 2, saying so, and left nothing.
func (p *program) refuses(want string) {
	p.t.Helper()
	if code := p.run(); code != 2 {
		p.t.Errorf("exit code %d", code)
	}
	p.said(want)
	p.clean()
}

// said holds that a line of standard error has these words.
func (p *program) said(want string) {
	p.t.Helper()
	text := p.errs.String()
	p.t.Log(text)
	if !strings.Contains(text, want) {
		p.t.Errorf("it doesn't say %q", want)
	}
	for _, bad := range []string{"goroutine ", "panic", "\x1b", `{"`} {
		if strings.Contains(text, bad) {
			p.t.Errorf("it says %q", bad)
		}
	}
}

// TestRobustBuilder: no builder, one that dies at work, one whose disk is full.
func TestRobustBuilder(t *testing.T) {
	verbs := map[string][]string{
		"fix":    {"fix", "--verify", "{}"},
		"verify": {"verify", "{}/Dockerfile", "{}/other.Dockerfile"},
		"ship":   {"ship", "localhost/x:1", "--context", "{}", "--scan", "none"},
	}
	t.Run("nowhere", func(t *testing.T) {
		for _, words := range verbs {
			p := newProgram(t, "buildctl", folder(t, map[string]string{"Dockerfile": plainFile, "other.Dockerfile": "FROM debian:bookworm-slim\n"}), words...)
			p.cmd.Env = append(p.cmd.Env, "BUILDKIT_HOST=unix:///nowhere")
			p.refuses("drydock: no builder answers: buildctl: BuildKit at unix:///nowhere: ")
		}
	})
	t.Run("dies", func(t *testing.T) {
		for verb, words := range verbs {
			if verb != "fix" && !every() {
				continue
			}
			word := nonce()
			d := ownDaemon(t, t.TempDir())
			t.Cleanup(func() {
				for _, pid := range pids(t, word) {
					_ = syscall.Kill(pid, syscall.SIGKILL) // the step outlives its buildkitd
				}
			})
			slow := plainFile + "RUN sleep 95; echo " + word + "\n"
			p := newProgram(t, "buildctl", folder(t, map[string]string{"Dockerfile": slow, "other.Dockerfile": slow + "LABEL a=b\n"}), append(words, "--reprove")...)
			p.cmd.Env = append(p.cmd.Env, "BUILDKIT_HOST="+d.host)
			p.start()
			p.until("the step", func() bool { return stepRuns(p, word) })
			_ = d.cmd.Process.Kill()
			if code := p.end(); code != 2 {
				t.Errorf("%s: exit code %d", verb, code)
			}
			p.said("the builder went away")
			p.clean()
		}
	})
	t.Run("disk full", func(t *testing.T) {
		root := smallDisk(t, t.TempDir(), "240m")
		d := ownDaemon(t, root)
		p := newProgram(t, "buildctl", folder(t, map[string]string{"Dockerfile": plainFile + "RUN dd if=/dev/zero of=/big bs=1M count=400\n"}), "fix", "--verify", "{}")
		p.cmd.Env = append(p.cmd.Env, "BUILDKIT_HOST="+d.host)
		p.refuses("the builder's disk is full")
	})
}

// TestRobustOwnDisk: the folder for temporary files is full, or isn't there.
func TestRobustOwnDisk(t *testing.T) {
	tmp := smallDisk(t, t.TempDir(), "16m")
	for _, kind := range []string{"buildctl", "buildx"} {
		p := newProgram(t, kind, folder(t, map[string]string{"Dockerfile": plainFile + "RUN echo " + nonce() + "\n"}), "fix", "--verify", "{}")
		p.tmp = tmp
		p.cmd.Env = append(p.cmd.Env, "TMPDIR="+tmp)
		p.refuses("before: the disk for temporary files is full")
	}
	p := newProgram(t, "buildctl", folder(t, map[string]string{"Dockerfile": plainFile}), "fix", "--verify", "{}")
	p.cmd.Env = append(p.cmd.Env, "TMPDIR="+filepath.Join(tmp, "gone"))
	p.refuses("there is no place for temporary files: ")
}

// TestRobustRegistry: one that refuses, or is ill.
func TestRobustRegistry(t *testing.T) {
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var code int
		if _, err := fmt.Sscanf(r.URL.Path, "/v2/c%d/", &code); err != nil {
			code = http.StatusOK
		}
		w.WriteHeader(code)
	}))
	t.Cleanup(registry.Close)
	for _, code := range []int{401, 500} {
		file := fmt.Sprintf("FROM %s/c%d/x:1\nRUN true\nRUN true\nMAINTAINER me\n", strings.TrimPrefix(registry.URL, "http://"), code)
		p := newProgram(t, "buildctl", folder(t, map[string]string{"Dockerfile": file}), "fix", "--verify", "{}")
		p.refuses("a registry refused at FROM ")
	}
}

// TestRobustChanges: somebody writes while the proof runs, or nobody may write.
func TestRobustChanges(t *testing.T) {
	edit := func(name string) func(p *program) {
		return func(p *program) {
			name := filepath.Join(p.dir, name)
			if err := os.WriteFile(name, []byte(plainFile+"# edited\n"), 0o644); err != nil {
				p.t.Fatal(err)
			}
			p.before = bytesBelow(p.t, p.dir)
		}
	}
	for _, c := range []struct {
		name, file string
		meanwhile  func(p *program)
		want       string
	}{
		{"the Dockerfile", "", edit("Dockerfile"), "/Dockerfile changed while drydock was at work"},
		{"the Dockerfile, which isn't sent", "Dockerfile\n", edit("Dockerfile"), "Dockerfile: cannot be written: it changed while drydock was at work: run drydock again"},
		{"a file", "", edit("app.py"), "app.py changed while drydock was at work"},
	} {
		t.Run(c.name, func(t *testing.T) {
			word := nonce()
			files := map[string]string{"Dockerfile": plainFile + "COPY . /app\nRUN sleep 1; echo " + word + "\n", "app.py": ""}
			if c.file != "" {
				files[".dockerignore"] = c.file
			}
			p := newProgram(t, "buildctl", folder(t, files), "fix", "--verify", "{}").start()
			p.until("the step", func() bool { return stepRuns(p, word) })
			c.meanwhile(p)
			if code := p.end(); code != 2 {
				t.Errorf("exit code %d", code)
			}
			p.said(strings.TrimPrefix(c.want, "/"))
			p.clean()
		})
	}
	t.Run("read-only", func(t *testing.T) {
		dir := folder(t, map[string]string{"Dockerfile": plainFile + "RUN echo " + nonce() + "; exit 1\n"})
		if err := os.Chmod(filepath.Join(dir, "Dockerfile"), 0o444); err != nil {
			t.Fatal(err)
		}
		// Told before the build, which would fail.
		newProgram(t, "buildctl", dir, "fix", "--verify", "{}").refuses("Dockerfile: cannot be written: permission denied")
	})
}

// TestRobustTwoAtOnce: the first one writes, the other one sees it.
func TestRobustTwoAtOnce(t *testing.T) {
	word := nonce()
	dir := folder(t, map[string]string{"Dockerfile": plainFile + "RUN sleep 2; echo " + word + "\n"})
	one := newProgram(t, "buildctl", dir, "fix", "--verify", "{}").start()
	other := newProgram(t, "buildctl", dir, "fix", "--verify", "{}")
	one.until("the step", func() bool { return stepRuns(one, word) })
	other.start()
	codes := []int{one.end(), other.end()}
	text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	if err != nil || !strings.Contains(string(text), "LABEL ") || strings.Contains(string(text), "MAINTAINER") {
		t.Errorf("%v: %s", err, text)
	}
	t.Log(codes, one.errs.String(), other.errs.String())
	if codes[0]+codes[1] > 2 || codes[0] != 0 && codes[1] != 0 {
		t.Errorf("exit codes %v", codes)
	}
	if left := append(glob(dir, ".drydock-*"), append(glob(one.tmp, "*"), glob(other.tmp, "*")...)...); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestRobustContext: what a folder may hold, names with spaces, and several Dockerfiles.
func TestRobustContext(t *testing.T) {
	dir := folder(t, map[string]string{"sub dir ☃/my Döckerfile.Dockerfile": plainFile, "a b/c d": "", "-dash": "", "quote\"s": "", "new\nline": ""})
	odd := errors.Join(os.Symlink("loop", filepath.Join(dir, "loop")), os.Symlink(".", filepath.Join(dir, "self")), os.Symlink("/etc/passwd", filepath.Join(dir, "abs")),
		syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600), syscall.Mknod(filepath.Join(dir, "sock"), syscall.S_IFSOCK|0o600, 0))
	write := func(name, text string) {
		odd = errors.Join(odd, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	write("Dockerfile", plainFile+"COPY . /app\nCMD [\"cat\", \"/app/a b/c d\"]\n")
	write("b.Dockerfile", plainFile+"RUN exit 3\n")
	write("c.Dockerfile", strings.Replace(plainFile, "debian:bookworm-slim", "mcr.microsoft.com/windows/nanoserver:ltsc2022", 1))
	write("d.Dockerfile", "FROM scratch\nMAINTAINER me\n")
	write("e.Dockerfile", "ARG X\nFROM $X\nMAINTAINER me\nRUN true\nRUN true\n")
	if odd != nil {
		t.Fatal(odd)
	}
	p := newProgram(t, "buildctl", dir, "fix", "--verify", "--format", "json", "{}")
	if code := p.run(); code != 2 {
		t.Errorf("exit code %d: %s", code, p.errs.String())
	}
	t.Log(p.errs.String())
	var doc struct {
		Files []struct {
			Path    string
			Changed bool
			Proof   *struct{ Verdict string }
			Error   *struct{ Message string }
		}
	}
	if err := json.Unmarshal([]byte(p.out.String()), &doc); err != nil {
		t.Fatalf("%v: %s", err, p.out.String())
	}
	want := map[string]bool{"Dockerfile": true, "b.Dockerfile": false, "c.Dockerfile": false, "d.Dockerfile": true, "e.Dockerfile": false, "my Döckerfile.Dockerfile": true}
	for _, f := range doc.Files {
		name := filepath.Base(f.Path)
		t.Logf("%s: changed %v, proof %+v, error %+v", f.Path, f.Changed, f.Proof, f.Error)
		if f.Changed != want[name] || f.Changed != (f.Proof != nil) || f.Changed != (f.Error == nil) {
			t.Errorf("%s: changed %v, proof %+v, error %+v", f.Path, f.Changed, f.Proof, f.Error)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("nothing of %v", want)
	}
}

// TestRobustCache: damaged proofs, and forged ones, are proven anew.
func TestRobustCache(t *testing.T) {
	cache := t.TempDir()
	again := func() *program {
		p := newProgram(t, "buildctl", folder(t, map[string]string{"Dockerfile": plainFile}), "fix", "--verify", "--format", "json", "{}")
		p.cmd.Env = append(p.cmd.Env, "DRYDOCK_CACHE="+cache)
		if code := p.run(); code != 0 || !strings.Contains(p.out.String(), `"changed":true`) {
			t.Errorf("exit code %d: %s%s", code, p.out.String(), p.errs.String())
		}
		return p
	}
	const cached = `"cached":true`
	if p := again(); strings.Contains(p.out.String(), cached) {
		t.Error("proven in an empty cache")
	}
	if p := again(); !strings.Contains(p.out.String(), cached) {
		t.Error("not taken from the cache")
	}
	records := glob(cache, "proofs", "??", "*.json")
	if len(records) == 0 {
		t.Fatal("no records")
	}
	for _, r := range records {
		text, err := os.ReadFile(r)
		if err != nil {
			t.Fatal(err)
		}
		forged := strings.ReplaceAll(string(text), `"Proof":`, `"Text":"FROM evil\n","Proof":`)
		if forged == string(text) {
			t.Fatalf("no proof in %s", text)
		}
		if err := os.WriteFile(r, []byte(forged), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if p := again(); strings.Contains(p.out.String(), cached) || strings.Contains(p.out.String(), "evil") {
		t.Errorf("a forged record is taken: %s", p.out.String())
	}
	smallDisk(t, cache, "4k")
	if err := os.WriteFile(filepath.Join(cache, "full"), make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	again()
	if left := glob(cache, "*", "*", ".new-*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
