//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A program is drydock at work on a folder, with a folder for temporary files and a
// cache of its own.
type program struct {
	t         *testing.T
	cmd       *exec.Cmd
	dir, tmp  string
	before    map[string]string // the folder's files
	out, errs syncBuffer
	ended     chan struct{}
}

// syncBuffer may be read while a program writes to it.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// bytesBelow are the files below dir with their contents, links with where they point.
func bytesBelow(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		text := info.Mode().String() + "\n"
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			to, err := os.Readlink(name)
			out[name] = text + to
			return err
		case e.Type().IsRegular() && info.Size() < 1<<20:
			b, err := os.ReadFile(name)
			out[name] = text + string(b)
			return err
		}
		out[name] = text + fmt.Sprint(info.Size())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// newProgram prepares drydock; words are its command line, {} in them is dir.
func newProgram(t *testing.T, kind, dir string, words ...string) *program {
	t.Helper()
	p := &program{t: t, dir: dir, tmp: t.TempDir(), before: bytesBelow(t, dir), ended: make(chan struct{})}
	words = slices.Clone(words)
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], "{}", dir)
	}
	p.cmd = exec.Command(world.drydock, words...)
	p.cmd.Env = append(os.Environ(), "TMPDIR="+p.tmp, "DRYDOCK_CACHE="+filepath.Join(t.TempDir(), "cache"), "DRYDOCK_BUILDER="+kind)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.errs
	return p
}

func (p *program) start() *program {
	p.t.Helper()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); close(p.ended) }() // the code is read below
	p.t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-p.ended })
	return p
}

// until waits for something that drydock or the builder comes to.
func (p *program) until(what string, reached func() bool) {
	p.t.Helper()
	for range 1200 {
		if reached() {
			return
		}
		select {
		case <-p.ended:
			if reached() {
				return
			}
			p.t.Fatalf("it ended before %s: %s%s", what, p.out.String(), p.errs.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	p.t.Fatalf("a minute without %s: %s%s", what, p.out.String(), p.errs.String())
}

func (p *program) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Error(err)
	}
}

// end waits for the end and gives the exit code.
func (p *program) end() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(2 * time.Minute):
		p.t.Fatalf("it doesn't end: %s%s", p.out.String(), p.errs.String())
	}
	return p.cmd.ProcessState.ExitCode()
}

// clean holds that nothing is left, and that the folder's files are as they were.
func (p *program) clean() {
	p.t.Helper()
	if left, _ := filepath.Glob(filepath.Join(p.tmp, "*")); len(left) > 0 {
		p.t.Errorf("temporary files stay: %v", left)
	}
	if left := pids(p.t, p.tmp); len(left) > 0 {
		p.t.Errorf("programs stay: %v", left)
	}
	if now := bytesBelow(p.t, p.dir); !maps.Equal(now, p.before) {
		p.t.Errorf("the folder's files changed: %v, before %v", slices.Sorted(maps.Keys(now)), slices.Sorted(maps.Keys(p.before)))
	}
}

// says holds that standard error ends with one line that begins so, and has neither
// a stack nor colours.
func (p *program) says(want string) {
	p.t.Helper()
	text := p.errs.String()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	last := lines[len(lines)-1]
	p.t.Log(last)
	if !strings.Contains(last, want) {
		p.t.Errorf("it says %q, want %q", text, want)
	}
	for _, bad := range []string{"goroutine ", "panic", "\x1b", `{"`, "context canceled", "exit status", "signal: "} {
		if strings.Contains(text, bad) {
			p.t.Errorf("it says %q:\n%s", bad, text)
		}
	}
}

// where are the phases of fix --verify at which it is interrupted. Each Dockerfile
// gets there once; word is in the command line of the step that then sleeps.
var where = []struct {
	name, file string
	reached    func(p *program, word string) bool
}{
	{"context", "FROM debian:bookworm-slim\nRUN true\nRUN true\nCOPY big /\n", func(p *program, _ string) bool {
		return len(pids(p.t, p.tmp)) > 0 && len(glob(p.tmp, "drydock-build-*/Dockerfile")) > 0
	}},
	{"before", "FROM debian:bookworm-slim\nRUN true\nRUN true\nRUN sleep 96; echo WORD\n", stepRuns},
	{"export", "FROM debian:bookworm-slim\nRUN true\nRUN true\nRUN head -c 100000000 /dev/urandom >/WORD\n", func(p *program, _ string) bool {
		return len(glob(p.tmp, "drydock-verify-*/layout/*")) > 0
	}},
	{"probe", "FROM debian:bookworm-slim\nRUN true\nRUN true\nCMD [\"sh\",\"-c\",\"sleep 96; echo WORD\"]\n", stepRuns},
	{"after", counting("if [ $n -ge 2 ]; then sleep 96; echo WORD; fi"), stepRuns},
	{"halving", counting("if [ $n = 2 ]; then exit 1; elif [ $n -ge 3 ]; then sleep 96; echo WORD; fi"), stepRuns},
}

// counting is a Dockerfile with a step that knows how often it ran: what stands
// before it is rewritten, so that the builder runs it again.
func counting(then string) string {
	return "FROM debian:bookworm-slim\nRUN true\nRUN true\nADD small /one\nRUN --mount=type=cache,id=WORD,target=/c n=$(($(cat /c/n || echo 0)+1)); echo $n >/c/n; " + then + "\nMAINTAINER me\n"
}

func stepRuns(p *program, word string) bool { return len(pids(p.t, word)) > 0 }

func glob(parts ...string) []string { all, _ := filepath.Glob(filepath.Join(parts...)); return all }

// bigFile is sparse, but sent in full.
func bigFile(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "big"))
	if err == nil {
		err = errors.Join(f.Truncate(8<<30), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestRobustInterrupt: Ctrl-C, or a kill, wherever fix --verify is.
func TestRobustInterrupt(t *testing.T) {
	for i, w := range where {
		for _, kind := range []string{"buildctl", "buildx"} {
			if kind == "buildx" && w.name != "probe" && w.name != "context" && w.name != "before" {
				continue
			}
			t.Run(w.name+"/"+kind, func(t *testing.T) {
				word := nonce()
				dir := folder(t, map[string]string{"Dockerfile": strings.ReplaceAll(w.file, "WORD", word), "small": "", "note": "mine\n"})
				if w.name == "context" {
					bigFile(t, dir)
				}
				p := newProgram(t, kind, dir, "fix", "--verify", "--probe-timeout", "10m", "--reprove", "{}").start()
				p.until(w.name, func() bool { return w.reached(p, word) })
				p.signal([]syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}[i%3])
				if code := p.end(); code != 2 {
					t.Errorf("exit code %d", code)
				}
				p.says("drydock: interrupted; files not named above are as they were")
				p.clean()
				for i := 0; stepRuns(p, word); i++ {
					if i == 100 {
						t.Fatal("the builder goes on")
					}
					time.Sleep(100 * time.Millisecond)
				}
			})
		}
	}
}

// TestRobustInterruptFinding: a builder that accepts and never answers.
func TestRobustInterruptFinding(t *testing.T) {
	sock := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	asked := make(chan struct{}, 100)
	go func() {
		for {
			if _, err := l.Accept(); err != nil {
				return
			}
			asked <- struct{}{}
		}
	}()
	for _, words := range [][]string{{"fix", "--verify", "{}"}, {"verify", "{}"}, {"ship", "localhost/x:1", "--context", "{}", "--scan", "none"}} {
		p := newProgram(t, "buildctl", folder(t, map[string]string{"Dockerfile": "FROM debian:bookworm-slim\n"}), words...)
		p.cmd.Env = append(p.cmd.Env, "BUILDKIT_HOST=unix://"+sock)
		p.start()
		p.until("a question to the builder", func() bool { return len(asked) > 0 })
		for len(asked) > 0 {
			<-asked
		}
		p.signal(syscall.SIGINT)
		if code := p.end(); code != 2 {
			t.Errorf("%s: exit code %d", words[0], code)
		}
		p.says("drydock: interrupted")
		p.clean()
	}
}

// TestRobustInterruptWriting: at any moment of the end the file is as before or as after.
func TestRobustInterruptWriting(t *testing.T) {
	text := "FROM debian:bookworm-slim\nRUN true\nRUN true\nMAINTAINER me\n"
	cache := filepath.Join(t.TempDir(), "cache")
	var after string
	var took time.Duration
	var seen [2]int
	for i := range 16 {
		dir := folder(t, map[string]string{"Dockerfile": text})
		p := newProgram(t, "buildctl", dir, "fix", "--verify", "{}")
		p.cmd.Env = append(p.cmd.Env, "DRYDOCK_CACHE="+cache) // another folder, the same content: proven already
		begin := time.Now()
		p.start()
		if i > 1 {
			time.Sleep(took * time.Duration(i+8) / 20)
			_ = p.cmd.Process.Signal(syscall.SIGINT) // it may be over
		}
		code := p.end()
		now, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if after = string(now); code != 0 || after == text {
				t.Fatalf("exit code %d: %s", code, p.errs.String())
			}
			continue
		}
		if i == 1 {
			took = time.Since(begin)
		}
		switch string(now) {
		case text:
			seen[0]++
		case after:
			seen[1]++
		default:
			t.Errorf("half written: %q", now)
		}
		if code == -1 && string(now) == text {
			continue // before main
		}
		if code != 0 && code != 2 || code == 2 && !strings.Contains(p.errs.String(), "drydock: interrupted") {
			t.Errorf("exit code %d: %s", code, p.errs.String())
		}
		if left := glob(dir, "*"); len(left) != 1 || len(glob(dir, ".drydock-*")) > 0 || len(glob(p.tmp, "*")) > 0 {
			t.Errorf("left: %v %v", left, glob(p.tmp, "*"))
		}
	}
	t.Logf("as before %d times, as after %d times", seen[0], seen[1])
}

// deaf puts a buildctl on PATH that answers, and then builds for ever and hears no
// interrupt.
func deaf(t *testing.T) string {
	t.Helper()
	dir := folder(t, map[string]string{"buildctl": "#!/bin/sh\ncase $1 in\ndebug) echo ID PLATFORMS; echo x linux/amd64;;\n*) trap '' INT; echo started >&2; while :; do sleep 1; done;;\nesac\n"})
	if err := os.Chmod(filepath.Join(dir, "buildctl"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestRobustInterruptTwice: the second one ends it at once and leaves nothing; one
// that comes twice within no time is one.
func TestRobustInterruptTwice(t *testing.T) {
	path := deaf(t)
	for _, words := range [][]string{{"fix", "--verify", "{}"}, {"ship", "localhost/x:1", "--context", "{}", "--scan", "none", "--no-verify"}} {
		t.Run(words[0], func(t *testing.T) {
			p := newProgram(t, "buildctl", folder(t, map[string]string{"Dockerfile": "FROM debian:bookworm-slim\nRUN true\nRUN true\n"}), words...)
			p.cmd.Env = append(p.cmd.Env, "PATH="+path+":"+os.Getenv("PATH"))
			p.start()
			p.until("the build", func() bool { return len(pids(t, p.tmp)) > 0 })
			p.signal(syscall.SIGINT)
			p.signal(syscall.SIGINT)
			select {
			case <-p.ended:
				t.Fatalf("two copies of one interrupt ended it: %s", p.errs.String())
			case <-time.After(time.Second):
			}
			p.signal(syscall.SIGINT)
			if code := p.end(); code != 2 {
				t.Errorf("exit code %d", code)
			}
			p.says("drydock: interrupted") // what it says depends on who is first
			p.clean()
		})
	}
}
