//go:build e2e

package e2e

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var updateReview = flag.Bool("update-review", false, "write testdata/review anew")

// terminal is the program on a real terminal: a pane of a tmux server of its own.
type terminal struct {
	t      *testing.T
	socket string
	dir    string
}

// reviewedFiles are the files that the reviews here are about.
var reviewedFiles = map[string]string{
	"api/Dockerfile": "FROM python:3.12-slim\nRUN apt-get update\nRUN apt-get install -y --no-install-recommends curl\nCOPY app.py /app/\nENV LANG C.UTF-8\nCMD [\"python\", \"/app/app.py\"]\n",
	"api/app.py":     "print('up')\n",
	"web/Dockerfile": "FROM nginx:1.28\nENV PORT 80\nADD index.html /usr/share/nginx/html/\n",
	"web/index.html": "<p>up\n",
}

// review starts drydock review in a folder with these files, and more by name and text.
func review(t *testing.T, width, height int, env, flags string, more ...string) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Fatal("tmux is missing, which gives the review a terminal: apt-get install -y tmux")
	}
	term := &terminal{t: t, socket: fmt.Sprintf("drydock-%d-%d", os.Getpid(), time.Now().UnixNano()), dir: t.TempDir()}
	files := maps.Clone(reviewedFiles)
	for i := 0; i < len(more); i += 2 {
		files[more[i]] = more[i+1]
	}
	for name, text := range files {
		file := filepath.Join(term.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { term.tmux("kill-server") })
	// After the program: its exit code, and whether the terminal waits for whole lines again.
	script := fmt.Sprintf("%s %s review %s; echo EXIT $?; stty -a | grep -ow -e '-\\?icanon' -e '-\\?echo'; exec cat", env, world.drydock, flags)
	term.must("-f", os.DevNull, "new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), "-c", term.dir, "sh", "-c", script)
	return term
}

func (term *terminal) tmux(args ...string) (string, error) {
	out, err := exec.Command("tmux", append([]string{"-L", term.socket}, args...)...).CombinedOutput()
	return string(out), err
}

func (term *terminal) must(args ...string) string {
	term.t.Helper()
	out, err := term.tmux(args...)
	if err != nil {
		term.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return out
}

// keys are pressed as tmux names them.
func (term *terminal) keys(keys ...string) {
	term.t.Helper()
	for _, k := range keys {
		term.must("send-keys", k)
	}
}

func (term *terminal) screen(args ...string) string {
	term.t.Helper()
	return term.must(append([]string{"capture-pane", "-p"}, args...)...)
}

// until waits for a text on the screen, and gives the screen.
func (term *terminal) until(text string) string {
	term.t.Helper()
	last := ""
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if last = term.screen(); strings.Contains(last, text) {
			return last
		}
	}
	term.t.Fatalf("no %q on the screen:\n%s", text, last)
	return ""
}

// ended waits for the end of the program and wants its exit code and a terminal as it was.
func (term *terminal) ended(code int) string {
	term.t.Helper()
	screen := term.until("icanon")
	if want := fmt.Sprintf("EXIT %d\n", code); !strings.Contains(screen, want) {
		term.t.Errorf("no %q:\n%s", want, screen)
	}
	if strings.Contains(screen, "-icanon") || strings.Contains(screen, "-echo") || !strings.Contains(screen, "echo") {
		term.t.Errorf("the terminal is not as it was:\n%s", screen)
	}
	if on := strings.TrimSpace(term.must("display-message", "-p", "#{alternate_on}#{bracket_paste_flag}#{mouse_any_flag}")); strings.Trim(on, "0") != "" {
		term.t.Errorf("alternate screen, bracketed paste or mouse are still on: %s", on)
	}
	return screen
}

func (term *terminal) file(name string) string {
	term.t.Helper()
	b, err := os.ReadFile(filepath.Join(term.dir, name))
	if err != nil {
		term.t.Fatal(err)
	}
	return string(b)
}

// untouched wants every file as it was.
func (term *terminal) untouched() {
	term.t.Helper()
	for name, text := range reviewedFiles {
		if got := term.file(name); got != text {
			term.t.Errorf("%s was written:\n%s", name, got)
		}
	}
	left, err := filepath.Glob(filepath.Join(term.dir, "*", ".drydock-*"))
	if err != nil || len(left) > 0 {
		term.t.Errorf("left behind: %v %v", left, err)
	}
}

// settled is the first screen with everything worked out.
const settled = "2 files to write"

// compare wants the screen to come to be as in testdata/review/NAME: a capture may catch it
// half drawn, or before the engine answered.
func (term *terminal) compare(name string) {
	term.t.Helper()
	file := filepath.Join("testdata", "review", name)
	if *updateReview {
		last := ""
		for got := term.screen(); got != last; got = term.screen() {
			last = got
			time.Sleep(500 * time.Millisecond)
		}
		if err := os.WriteFile(file, []byte(last), 0o644); err != nil {
			term.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		term.t.Fatal(err)
	}
	got := ""
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got = term.screen(); got == string(want) {
			return
		}
	}
	term.t.Errorf("%s differs (go test -tags e2e ./e2e -run TestReview -update-review, then look):\n%s\nwant:\n%s", name, got, want)
}

// Reject, undo, search, all of a kind, resize, write: what is written is what was shown.
func TestReview(t *testing.T) {
	term := review(t, 80, 24, "", "")
	term.until(settled)
	term.until("merge-run")
	term.compare("first")
	term.keys("/")
	term.until("search:")
	term.keys("merge", "Enter")
	term.until(">  [x]    2 merge-run")
	term.keys("r")
	term.until(">  [ ]    2 merge-run")
	term.until("changes are new")
	term.compare("rejected")
	term.keys("u")
	term.until("undone: rejected merge-run")
	term.until(">  [x]    2 merge-run")
	term.keys("C-r")
	term.until(">  [ ]    2 merge-run")
	term.keys("/")
	term.keys("ENV LANG", "Enter")
	term.until(">  [x]    5 env-key-value")
	term.keys("R")
	term.until("rejected every env-key-value")
	term.keys("t", "g")
	term.must("resize-window", "-x", "150", "-y", "30")
	term.keys("Down")
	term.until("│")
	term.must("resize-window", "-x", "30", "-y", "8")
	term.until("needs 40×10")
	term.must("resize-window", "-x", "40", "-y", "10")
	term.until("a accept")
	term.must("resize-window", "-x", "100", "-y", "24")
	term.keys("w")
	term.until("write 2 files? (y/n)")
	term.untouched()
	term.keys("y")
	term.until("web/Dockerfile: 1 change\n")
	term.ended(0)
	api, web := term.file("api/Dockerfile"), term.file("web/Dockerfile")
	if strings.Contains(api, "&& \\\n    apt-get install") || !strings.Contains(api, "ENV LANG C.UTF-8\n") || api == reviewedFiles["api/Dockerfile"] {
		t.Errorf("api/Dockerfile:\n%s", api)
	}
	if want := "FROM nginx:1.28\nENV PORT 80\nCOPY index.html /usr/share/nginx/html/\n"; web != want {
		t.Errorf("web/Dockerfile:\n%s\nwant\n%s", web, want)
	}
}

// What the editor brings back is worked on; what doesn't parse is told and edited again.
func TestReviewEdit(t *testing.T) {
	script := filepath.Join(t.TempDir(), "edit.sh")
	err := os.WriteFile(script, []byte("if grep -q COPPY \"$1\"; then sed -i s/COPPY/COPY/ \"$1\"; else sed -i 's/^COPY.*app.py.*/COPPY app.py \\/srv\\//' \"$1\"; fi\n"), 0o755)
	if err != nil {
		t.Fatal(err)
	}
	term := review(t, 90, 24, "VISUAL='sh "+script+"'", "api")
	term.until("1 file to write")
	term.keys("/")
	term.keys("merge", "Enter")
	term.until("> ")
	term.keys("e")
	term.until("unknown instruction")
	term.until("edit again? (y/n)")
	term.keys("y")
	term.until("edit: what you edited")
	term.until("edited by hand")
	term.keys("w")
	term.until("write 1 file?")
	term.keys("y")
	term.ended(0)
	if text := term.file("api/Dockerfile"); !strings.Contains(text, "\nCOPY app.py /srv/\n") || !strings.Contains(text, "apt-get update && \\\n") || !strings.Contains(text, "ENV LANG=C.UTF-8") {
		t.Errorf("%s", text)
	}
}

// A rejection that is remembered is in the file, and fix heeds it.
func TestReviewIgnore(t *testing.T) {
	term := review(t, 90, 24, "", "web")
	term.until("1 file to write")
	term.keys("/")
	term.keys("ENV PORT", "Enter")
	term.until("env-key-value")
	term.keys("i")
	term.until("because:")
	term.must("send-keys", "-l", "a template fills it")
	term.keys("Enter")
	term.until("Where is it to be remembered?")
	term.keys("d")
	term.until("ignored env-key-value")
	term.keys("w")
	term.until("write 1 file?")
	term.keys("y")
	term.ended(0)
	want := "FROM nginx:1.28\n# drydock:ignore=env-key-value a template fills it\nENV PORT 80\nCOPY index.html /usr/share/nginx/html/\n"
	if text := term.file("web/Dockerfile"); text != want {
		t.Errorf("%s\nwant\n%s", text, want)
	}
	cmd := exec.Command(world.drydock, "diff", "web")
	cmd.Dir = term.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("fix would change it all the same: %v\n%s", err, out)
	}
}

// A rejection can also be remembered in the configuration: shown before, written with everything
// else, heeded by fix, and listed among what was left alone by the next review.
func TestReviewIgnoreInConfiguration(t *testing.T) {
	term := review(t, 80, 24, "", "")
	term.until(settled)
	term.keys("/")
	term.until("search:")
	term.keys("ENV PORT", "Enter")
	term.until(">  [x]    2 env-key-value")
	term.keys("i")
	term.until("because:")
	term.must("send-keys", "-l", "a template fills it")
	term.keys("Enter")
	term.until("c  an entry in .drydock.yaml (new):")
	term.compare("where")
	term.keys("c")
	term.until("ignored env-key-value in .drydock.yaml")
	term.until("Rejected: ignored by .drydock.yaml: a template fills it.")
	term.compare("ignored")
	term.keys("w")
	term.until("write 2 files and .drydock.yaml?")
	term.untouched()
	if _, err := os.Stat(filepath.Join(term.dir, ".drydock.yaml")); err == nil {
		t.Error("the configuration is written before all else")
	}
	term.keys("y")
	if screen := term.ended(0); !strings.Contains(screen, ".drydock.yaml: 1 ignore\n") {
		t.Error(screen)
	}
	if want, got := "ignores:\n  - rule: env-key-value\n    path: /web/Dockerfile\n    instruction: ENV PORT\n    reason: a template fills it\n", term.file(".drydock.yaml"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if want, got := "FROM nginx:1.28\nENV PORT 80\nCOPY index.html /usr/share/nginx/html/\n", term.file("web/Dockerfile"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	cmd := exec.Command(world.drydock, "diff")
	cmd.Dir = term.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("fix would change it all the same: %v\n%s", err, out)
	}
}

// A configuration is followed: what it lets assume is accepted from the start, what it turns off
// isn't proposed, what it excludes isn't listed, and what it ignores is left alone with the reason.
func TestReviewConfigured(t *testing.T) {
	const text = "exclude: [old/]\ntransforms:\n  add-user: unsafe\n  copy-not-add: off\nignores:\n  - rule: env-key-value\n    path: web/\n    reason: a template fills it\n"
	term := review(t, 80, 24, "", ".", ".drydock.yaml", text, "old/Dockerfile", "FROM nginx:1.28\nENV OLD 1\n")
	term.until("1 file to write")
	term.keys("/")
	term.until("search:")
	term.keys("add-user", "Enter")
	term.until(">  [x]")
	if screen := term.screen(); strings.Contains(screen, "old/") || strings.Contains(screen, "copy-not-add") {
		t.Errorf("what is excluded or off is listed:\n%s", screen)
	}
	term.keys("d", "/")
	term.until("search:")
	term.keys("fills it", "Enter")
	term.until("ignored by .drydock.yaml:6")
	term.compare("configured")
}

// A file that changed on disk meanwhile stays as it is, and the reader is told.
func TestReviewStale(t *testing.T) {
	term := review(t, 120, 24, "", "")
	term.until(settled)
	if err := os.WriteFile(filepath.Join(term.dir, "api/Dockerfile"), []byte("FROM scratch\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	term.keys("w")
	term.until("api/Dockerfile changed on disk since and stays as it is; write 1 file?")
	term.keys("y")
	term.ended(0)
	if text := term.file("api/Dockerfile"); text != "FROM scratch\n" {
		t.Errorf("%s", text)
	}
	if text := term.file("web/Dockerfile"); !strings.Contains(text, "COPY index.html") {
		t.Errorf("%s", text)
	}
}

// Nothing is written but by w, and the terminal is left as it was, however the review ends.
func TestReviewLeave(t *testing.T) {
	for _, c := range []struct {
		name string
		code int
		end  func(*terminal)
	}{
		{"q", 0, func(term *terminal) {
			term.keys("r")
			term.until("rejected")
			term.keys("q")
			term.until("leave without writing?")
			term.keys("y")
		}},
		{"Ctrl-C", 2, func(term *terminal) { term.keys("r", "C-c") }},
		{"SIGINT", 2, func(term *terminal) { term.signal("INT") }},
		{"SIGTERM", 2, func(term *terminal) { term.signal("TERM") }},
		{"SIGHUP", 2, func(term *terminal) { term.signal("HUP") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			term := review(t, 80, 24, "", "")
			term.until(settled)
			c.end(term)
			screen := term.ended(c.code)
			if c.code != 0 && !strings.Contains(screen, "drydock: interrupted; nothing was changed") {
				t.Errorf("it doesn't say so:\n%s", screen)
			}
			term.untouched()
		})
	}
}

// signal sends a signal to the program in the pane, the child of its shell.
func (term *terminal) signal(name string) {
	term.t.Helper()
	shell := strings.TrimSpace(term.must("display-message", "-p", "#{pane_pid}"))
	out, err := exec.Command("ps", "-o", "pid=,args=", "--ppid", shell).Output()
	if err != nil {
		term.t.Fatal(err)
	}
	for l := range strings.Lines(string(out)) {
		if pid, args, _ := strings.Cut(strings.TrimSpace(l), " "); strings.Contains(args, world.drydock) {
			if err := exec.Command("kill", "-"+name, pid).Run(); err != nil {
				term.t.Fatal(err)
			}
			return
		}
	}
	term.t.Fatalf("no drydock among the children of %s:\n%s", shell, out)
}

// Colours are the terminal's sixteen; NO_COLOR takes them away and leaves the marks; a
// terminal that can't be drawn on is told what to use.
func TestReviewColours(t *testing.T) {
	term := review(t, 80, 24, "", "web")
	term.until("1 file to write")
	term.until("copy-not-add")
	colour := regexp.MustCompile(`\x1b\[[0-9;]*3[1-7]`)
	if screen := term.screen("-e"); !colour.MatchString(screen) {
		t.Errorf("no colour: %q", screen)
	}
	term = review(t, 80, 24, "NO_COLOR=1", "web")
	term.until("1 file to write")
	term.until("copy-not-add")
	if screen := term.screen("-e"); colour.MatchString(screen) {
		t.Errorf("colour all the same: %q", screen)
	}
	term.compare("no-colour")
	term = review(t, 80, 24, "TERM=dumb", "web")
	if screen := term.ended(64); !strings.Contains(screen, "review needs a terminal: drydock diff prints the changes, drydock fix -") {
		t.Error(screen)
	}
}
