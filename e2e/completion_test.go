//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// shellOnTerminal is an interactive shell on a terminal of its own, which script(1) gives it.
type shellOnTerminal struct {
	t    *testing.T
	in   io.Writer
	more chan []byte
	seen []byte
}

// insist looks for a program that a test can't do without.
func insist(t *testing.T, name, what string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: %s", name, what)
	}
	return path
}

const shellPrompt = "READY>"

// startShell starts a shell in dir, with drydock on PATH, has it read rc, and waits for its prompt.
func startShell(t *testing.T, dir, command, rc string) *shellOnTerminal {
	t.Helper()
	insist(t, "script", "apt-get install -y bsdutils")
	cmd := exec.CommandContext(t.Context(), "script", "-qefc", command, "/dev/null")
	home := t.TempDir()
	for _, name := range []string{".bashrc", ".zshrc"} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(rc+"\nPS1='"+shellPrompt+"'\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(world.drydock)+":"+os.Getenv("PATH"), "HOME="+home, "ZDOTDIR="+home, "XDG_DATA_HOME="+filepath.Join(home, "share"),
		"TERM=xterm", "HISTFILE=", "INPUTRC=/dev/null", "LC_ALL=C.UTF-8", "COLUMNS=200")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	term := &shellOnTerminal{t: t, in: in, more: make(chan []byte, 64)}
	go func() {
		defer close(term.more)
		for {
			b := make([]byte, 4096)
			n, err := out.Read(b)
			term.more <- b[:n]
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_, _ = io.WriteString(in, "\x15exit\r") // so that the shell is gone before its folder
		late := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		for range term.more {
		}
		late.Stop()
		in.Close()
		_ = cmd.Wait()
	})
	term.until(shellPrompt)
	return term
}

var escapes = regexp.MustCompile(`\x1b(\[[0-9;?]*[a-zA-Z]|[=>]|\][^\x07]*\x07)|[\r\x00\x07]`)

// until reads until all of the words are on the screen. What stands behind them is left for the next call.
func (term *shellOnTerminal) until(words ...string) string {
	term.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		screen, end := escapes.ReplaceAll(term.seen, nil), 0
		for _, w := range words {
			at := bytes.Index(screen, []byte(w))
			if at < 0 {
				end = -1
				break
			}
			end = max(end, at+len(w))
		}
		if end > 0 {
			term.seen = screen[end:]
			return string(screen[:end])
		}
		select {
		case b, ok := <-term.more:
			if !ok {
				term.t.Fatalf("the shell ended before %q; it wrote:\n%s", words, screen)
			}
			term.seen = append(term.seen, b...)
		case <-deadline:
			term.t.Fatalf("the shell doesn't write %q; it wrote:\n%q", words, screen)
		}
	}
}

func (term *shellOnTerminal) types(text string) {
	term.t.Helper()
	if _, err := io.WriteString(term.in, text); err != nil {
		term.t.Fatal(err)
	}
}

// words are those of the line after Tab, as the shell reads it.
func (term *shellOnTerminal) words(line string) []string {
	term.t.Helper()
	// Ctrl-E and Ctrl-A go to the end and the beginning. The echo of the command isn't its output: \105 is E.
	term.types(line + "\t\x05 'end'\x01printf 'R\\105AD<%s>\\n' \r")
	var out []string
	for _, m := range regexp.MustCompile(`READ<(.*)>`).FindAllStringSubmatch(term.until("READ<end>"), -1) {
		out = append(out, m[1])
	}
	term.until(shellPrompt)
	return out[:len(out)-1]
}

// completionFiles is a folder with paths that are hard to quote.
func completionFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"Dockerfile", "my app.Dockerfile", "it's $HOME.Dockerfile", "notes.txt", "services/api/Containerfile", "old ships/Dockerfile"} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("FROM scratch\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// completed are lines, and their words after Tab. All shells complete them alike.
var completed = []struct {
	line string
	want []string
}{
	{"drydock dif", []string{"drydock", "diff"}},
	{"drydock diff --form", []string{"drydock", "diff", "--format"}},
	{"drydock diff Dockerfile --form", []string{"drydock", "diff", "Dockerfile", "--format"}},
	{"drydock diff --format js", []string{"drydock", "diff", "--format", "json"}},
	{"drydock diff --format=js", []string{"drydock", "diff", "--format=json"}},
	{"drydock fix --policy pin-base=d", []string{"drydock", "fix", "--policy", "pin-base=digest"}},
	{"drydock fix --only merge-run,world", []string{"drydock", "fix", "--only", "merge-run,world-writable"}},
	{"drydock fix --base smalle", []string{"drydock", "fix", "--base", "smallest"}},
	{"drydock fix my", []string{"drydock", "fix", "my app.Dockerfile"}},
	{"drydock fix it", []string{"drydock", "fix", "it's $HOME.Dockerfile"}},
	{"drydock fix -q my\\ app.Dockerfile --base distro", []string{"drydock", "fix", "-q", "my app.Dockerfile", "--base", "distroless"}},
	{"drydock fix serv", []string{"drydock", "fix", "services/"}},
	{"drydock fix old\\ ships/D", []string{"drydock", "fix", "old ships/Dockerfile"}},
	{"drydock fix not", []string{"drydock", "fix", "notes.txt"}},
	{"drydock fix --context old", []string{"drydock", "fix", "--context", "old ships/"}},
	{"drydock explain copy-ord", []string{"drydock", "explain", "copy-order"}},
	{"drydock completion fi", []string{"drydock", "completion", "fish"}},
	{"drydock man --he", []string{"drydock", "man", "--help"}},
}

func (term *shellOnTerminal) completes(t *testing.T) {
	t.Helper()
	for _, c := range completed {
		got := strings.Join(term.words(c.line), "|")
		if want := strings.Join(c.want, "|"); got != want && got+"/" != want { // zsh takes a slash back at the next space
			t.Errorf("%s: got %s, want %s", c.line, got, want)
		}
	}
	term.types("drydock diff --color \t\t")
	term.until("auto", "always", "never")
	term.types("\x15")
}

func TestCompletionBash(t *testing.T) {
	insist(t, "bash", "apt-get install -y bash")
	dir := completionFiles(t)
	const shell = `bash --noprofile --rcfile "$HOME/.bashrc" -i`
	t.Run("sourced", func(t *testing.T) {
		startShell(t, dir, shell, "source <(drydock completion bash)").completes(t)
	})
	t.Run("package", func(t *testing.T) {
		const loader = "/usr/share/bash-completion/bash_completion"
		if _, err := os.Stat(loader); err != nil {
			t.Fatal("bash-completion is missing: apt-get install -y bash-completion")
		}
		startShell(t, dir, shell, `mkdir -p "$XDG_DATA_HOME/bash-completion/completions"
drydock completion bash >"$XDG_DATA_HOME/bash-completion/completions/drydock"
source `+loader).completes(t)
	})
}

func TestCompletionZsh(t *testing.T) {
	insist(t, "zsh", "apt-get install -y zsh")
	dir := completionFiles(t)
	const shell = "zsh -d -i" // without the settings of the machine
	t.Run("sourced", func(t *testing.T) {
		startShell(t, dir, shell, "autoload -U compinit && compinit -u -D\nsource <(drydock completion zsh)").completes(t)
	})
	t.Run("fpath", func(t *testing.T) {
		startShell(t, dir, shell, `mkdir $ZDOTDIR/functions && drydock completion zsh >$ZDOTDIR/functions/_drydock && fpath=($ZDOTDIR/functions $fpath)
autoload -U compinit && compinit -u -D`).completes(t)
	})
}

func TestCompletionFish(t *testing.T) {
	fish := insist(t, "fish", "apt-get install -y fish")
	dir := completionFiles(t)
	candidates := func(line string) []string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), fish, "--no-config", "-c", `drydock completion fish | source; complete -C "$argv[1]"`, line)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(world.drydock)+":"+os.Getenv("PATH"), "HOME="+t.TempDir())
		text, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, text)
		}
		var out []string
		for _, l := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
			word, _, _ := strings.Cut(l, "\t")
			out = append(out, word)
		}
		return out
	}
	for _, c := range completed {
		last := c.want[len(c.want)-1]
		if got := candidates(c.line); !slices.Equal(got, []string{last}) {
			t.Errorf("%s: got %q, want %q", c.line, got, last)
		}
	}
	if got := fmt.Sprint(candidates("drydock diff --color ")); got != "[auto always never]" {
		t.Errorf("--color: %s", got)
	}
}
