package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"drydock/report"
)

// offered are the words that are offered for the last of args, and the hints.
func offered(t *testing.T, args ...string) (words []string, hints string) {
	t.Helper()
	var out strings.Builder
	if err := complete(newApp(streams{}), args, &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	for _, l := range lines[:len(lines)-1] {
		word, _, _ := strings.Cut(l, "\t")
		words = append(words, word)
	}
	return words, lines[len(lines)-1]
}

func TestComplete(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("HOME", dir)
	for _, name := range []string{"Dockerfile", "Dockerfile.dev", "Dockerfile.md", "README.md", "do it.Dockerfile", "bad\nname.Dockerfile", "services/api/Containerfile", "node_modules/x/Dockerfile", ".hidden/Dockerfile", "empty/x"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		file(t, dir, name, "FROM scratch\n")
	}
	for _, c := range []struct {
		args, want string
		hints      string
	}{
		{"di", "diff", ":4"},
		{"--ve", "--version", ":4"},
		{"diff|--form", "--format", ":4"},
		{"diff|Dockerfile|--unsafe|--form", "--format", ":4"}, // flags may stand behind paths
		{"diff|--format|", strings.Join(report.FormNames("diff"), " "), ":4"},
		{"diff|Dockerfile|--format|j", "json junit", ":4"},
		{"diff|--format=t", "--format=text", ":4"},
		{"diff|--nope=", "", ":4"},
		{"diff|--color|", "auto always never", ":4"},
		{"diff|--base|", "slim alpine distroless smallest", ":4"},
		{"ship|--scan|", "auto grype trivy scout none", ":4"},
		{"ship|--format|", "text json markdown", ":4"},
		{"fix|--builder|build", "buildctl buildx", ":4"},
		{"update|--level|m", "minor major", ":4"},
		{"fix|--policy|pin-base=d", "pin-base=digest", ":6"},
		{"fix|--policy|pin-base=tag,slim", "pin-base=tag,slim-base=alpine pin-base=tag,slim-base=slim pin-base=tag,slim-base=smallest", ":6"},
		{"fix|--only|merge-run,merge", "", ":6"}, // held already
		{"fix|--only=no-sudo,merge", "--only=no-sudo,merge-run", ":6"},
		{"fix|--quiet|--qui", "", ":4"}, // given already
		{"fix|-q|--qui", "", ":4"},
		{"fix|--only|a|--onl", "--only", ":4"}, // may stand several times
		{"fix|-", "-p", ""},
		{"explain|merge-run|merge", "", ":4"},
		{"explain|world", "world-writable", ":4"},
		{"completion|", "bash zsh fish", ":4"},
		{"man|", "", ":4"},
		{"list|", "", ":4"},
		{"fix|", "Dockerfile Dockerfile.dev do it.Dockerfile empty/ services/", ":64"},
		{"fix|--|D", "Dockerfile Dockerfile.dev", ":64"},
		{"fix|--context|x|--|--form", "", ":0"}, // behind -- nothing is a flag
		{"fix|s", "services/", ":66"},
		{"fix|services/api/", "services/api/Containerfile", ":64"},
		{"fix|~/services/a", "~/services/api/", ":66"},
		{"fix|.h", ".hidden/", ":66"},
		{"fix|REA", "", ":0"}, // the shell offers files: any may be named
		{"fix|nowhere/", "", ":0"},
		{"fix|--context|", "", ":16"},
		{"ship|--file|", "", ":0"},
		{"ship|--max-critical|", "", ":4"},
		{"bulk|git", "github: gitlab: gitea:", ":6"},
		{"bulk|me", "merge", ":4"},
		{"config|", "init schema show", ":4"},
		{"config|s", "schema show", ":4"},
		{"config|show|D", "Dockerfile Dockerfile.dev", ":64"},
		{"bulk|merge|", "", ":0"},
		{"nothing|", "", ""},
	} {
		words, hints := offered(t, strings.Split(c.args, "|")...)
		if c.args == "fix|-" || c.args == "nothing|" {
			if c.want != "" && !slices.Contains(words, c.want) {
				t.Errorf("%s: %q lacks %s", c.args, words, c.want)
			}
			continue
		}
		slices.Sort(words)
		want := strings.Split(c.want, " ")
		if strings.Contains(c.want, "do it") {
			want = []string{"Dockerfile", "Dockerfile.dev", "do it.Dockerfile", "empty/", "services/"}
		}
		slices.Sort(want)
		if strings.Join(words, "|") != strings.Join(want, "|") || hints != c.hints {
			t.Errorf("%s: got %q %s, want %q %s", c.args, words, hints, want, c.hints)
		}
	}
}

// Whatever verb and flag is there is offered, and nothing that is hidden.
func TestCompleteWhole(t *testing.T) {
	app := newApp(streams{})
	verbs, _ := offered(t, "")
	var check func(words []string, c *cli.Command)
	check = func(words []string, c *cli.Command) {
		flags, _ := offered(t, append(slices.Clone(words), "--")...)
		for _, f := range c.VisibleFlags() {
			for _, n := range f.Names() {
				if len(n) > 1 && !slices.Contains(flags, "--"+n) {
					t.Errorf("%v: --%s isn't offered", words, n)
				}
			}
		}
		if !slices.Contains(flags, "--help") {
			t.Errorf("%v: --help isn't offered", words)
		}
		for _, s := range c.Subcommands {
			check(append(slices.Clone(words), s.Name), s)
		}
	}
	for _, c := range app.Commands {
		if slices.Contains(verbs, c.Name) == c.Hidden {
			t.Errorf("%s: hidden is %v, and %q are offered", c.Name, c.Hidden, verbs)
		}
		check([]string{c.Name}, c)
	}
}

// What the help of a flag lists is what the verb takes: completion reads it there.
func TestCompleteChoices(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("DRYDOCK_OFFLINE", "1")
	t.Setenv("DRYDOCK_CACHE", "off")
	file(t, ".", "Dockerfile", "FROM scratch\n")
	tried := 0
	for _, verb := range []string{"fix", "diff", "check", "update", "replay", "list", "verify", "bases"} {
		for _, f := range newApp(streams{}).Command(verb).Flags {
			name := f.Names()[0]
			if !slices.Contains([]string{"format", "color", "base", "level"}, name) {
				continue
			}
			values := choices(f)
			if len(values) < 2 {
				t.Errorf("%s --%s: the choices aren't found in %q", verb, name, usage(f))
			}
			for _, v := range values {
				var out strings.Builder
				code := run(t.Context(), []string{"drydock", verb, "--" + name, v.word}, streams{strings.NewReader(""), &out, &out})
				tried++
				if code == exitUsage {
					t.Errorf("%s --%s %s: %s", verb, name, v.word, out.String())
				}
			}
		}
	}
	if tried < 20 {
		t.Errorf("only %d values were tried", tried)
	}
}

func BenchmarkComplete(b *testing.B) {
	app := newApp(streams{})
	for b.Loop() {
		var out strings.Builder
		if err := complete(app, []string{"fix", "--only", ""}, &out); err != nil {
			b.Fatal(err)
		}
	}
}
