package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func manPage(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	if err := writeMan(&out, newApp(streams{}), "2026-11-28"); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Each verb and each of its flags stands in the part of the verb.
func TestManWhole(t *testing.T) {
	page := manPage(t)
	var check func(above string, c *cli.Command)
	check = func(above string, c *cli.Command) {
		name := above + " " + c.Name
		_, part, found := strings.Cut(page, `.SS "`+roff(strings.TrimSpace(name+" "+c.ArgsUsage))+"\"\n")
		if found == c.Hidden {
			t.Errorf("%s: hidden is %v, in the page is %v", name, c.Hidden, found)
		}
		part, _, _ = strings.Cut(part, "\n.S")
		for _, f := range c.VisibleFlags() {
			for _, n := range f.Names() {
				if !strings.Contains(part, `\fB`+roff(strings.Repeat("-", min(2, len(n)))+n)+`\fP`) {
					t.Errorf("%s: --%s isn't in the page", name, n)
				}
			}
		}
		for _, s := range c.Subcommands {
			check(name, s)
		}
	}
	for _, c := range newApp(streams{}).Commands {
		check("drydock", c)
	}
	for _, line := range strings.Split(page, "\n") {
		if strings.HasPrefix(line, ".") && !slices.Contains([]string{".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".br", ".nf", ".fi"}, strings.Fields(line)[0]) {
			t.Errorf("a line of text is taken for a request: %q", line)
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r > '~' }) {
			t.Errorf("not ASCII: %q", line)
		}
	}
}

func TestRoff(t *testing.T) {
	p := &page{}
	p.prose(".so /etc/passwd\n'br\n\\fB a-b … \"x\"\n\n  one\n  two")
	want := ".PP\n\\&.so /etc/passwd\n\\(aqbr\n\\efB a\\-b \\[u2026] \"x\"\n.PP\n.nf\n  one\n  two\n.fi\n"
	if got := p.text.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// The variables that the program reads stand in the page: names in quotes behind the calls
// that read them, and the forges' in quotes anywhere in their files.
func TestManVariables(t *testing.T) {
	text := strings.NewReplacer(`\-`, "-", `\fB`, "", `\fP`, "").Replace(manPage(t))
	_, environment, _ := strings.Cut(text, `.SH "ENVIRONMENT"`)
	reads := regexp.MustCompile(`(?:Getenv|LookupEnv|\.get|getenv|EnvVars: \[\]string)[({]"([A-Z][A-Za-z_]+)"`)
	forges := regexp.MustCompile(`"((?:GH|GITHUB|GITLAB|GLAB|GITEA|CI|OAUTH|JOB|DRYDOCK)_[A-Z_]+)"`)
	found := 0
	for _, dir := range []string{"bulk", "cmd", "history", "images", "leftover", "scan", "ship", "verify"} {
		err := filepath.WalkDir(filepath.Join("..", "..", dir), func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || e.Name() == "man_text.go" || strings.Contains(name, "test"+string(filepath.Separator)) {
				return err
			}
			src, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			for _, m := range append(reads.FindAllStringSubmatch(string(src), -1), forges.FindAllStringSubmatch(string(src), -1)...) {
				found++
				if !regexp.MustCompile(`\b` + m[1] + `\b`).MatchString(environment) {
					t.Errorf("%s reads %s, which the manual page doesn't name", name, m[1])
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 30 {
		t.Errorf("only %d variables were found: the search is wrong", found)
	}
}

// The examples' verbs and flags exist.
func TestManExamples(t *testing.T) {
	for _, e := range manExamples {
		words := strings.Fields(e.name)
		c := completing{app: newApp(streams{})}
		c.read(words[1:])
		if words[0] != "drydock" || c.verb == nil {
			t.Fatalf("%s: no verb", e.name)
		}
		for _, w := range words[2:] {
			if w != "-" && strings.HasPrefix(w, "-") && c.flag(strings.TrimLeft(w, "-")) == nil {
				t.Errorf("%s: no flag %s", e.name, w)
			}
		}
	}
}
