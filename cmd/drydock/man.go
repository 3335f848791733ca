package main

// drydock man: the manual page, made from the command line as it is, in roff with the
// man macros (man(7)), which groff and mandoc read.

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

func manCommand(s streams, app *cli.App) *cli.Command {
	return &cli.Command{
		Name:        "man",
		Usage:       "print the manual page",
		Description: "In roff: drydock man | man -l - shows it, drydock man >FOLDER/man1/drydock.1 installs it.",
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("man takes no argument")
			}
			day, err := today()
			if err != nil {
				return err
			}
			return writeMan(s.out, app, day)
		},
	}
}

// writeMan writes the page of app; day is its date.
func writeMan(w io.Writer, app *cli.App, day string) error {
	p := &page{}
	fmt.Fprintf(&p.text, ".TH DRYDOCK 1 %s \"drydock %s\" \"User Commands\"\n", day, roff(app.Version))
	p.section("NAME")
	p.line("drydock - " + app.Usage)
	p.section("SYNOPSIS")
	for _, c := range app.Commands {
		if !c.Hidden {
			p.macro("B", "drydock "+c.Name)
			p.line(arguments(c))
			p.macro("br")
		}
	}
	p.raw(`\fBdrydock \-\-help\fP | \fB\-\-version\fP`)
	p.section("DESCRIPTION")
	p.prose(withoutExitCodes(app.Description))
	p.prose("drydock VERB --help prints the part of a verb.")
	p.section("VERBS")
	for _, c := range app.Commands {
		p.verb("drydock", c)
	}
	p.section("EXIT STATUS")
	p.prose(strings.TrimPrefix(exitCodes, "Exit codes:\n"))
	p.prose("Verbs that use them otherwise say so above.")
	p.section("FILES")
	p.entries(manFiles)
	p.section("ENVIRONMENT")
	p.entries(append(flagVariables(app.Commands), manVariables...))
	p.section("EXAMPLES")
	p.entries(manExamples)
	p.section("SEE ALSO")
	p.raw(`\fBdocker\fP(1), \fBgit\fP(1), \fBbuildctl\fP(1), \fBDockerfile\fP(5), \fBdockerignore\fP(5)`)
	_, err := io.WriteString(w, p.text.String())
	return err
}

// arguments are what stands behind a verb's name, in the synopsis.
func arguments(c *cli.Command) string {
	switch {
	case len(c.Subcommands) > 0:
		var names []string
		for _, s := range c.Subcommands {
			names = append(names, s.Name)
		}
		return strings.Join(names, " | ")
	case len(c.VisibleFlags()) > 0:
		return strings.TrimSpace("[flags] " + c.ArgsUsage)
	}
	return c.ArgsUsage
}

func withoutExitCodes(text string) string {
	return strings.TrimSpace(strings.ReplaceAll(text, exitCodes, ""))
}

// flagVariables are the variables that stand for flags.
func flagVariables(commands []*cli.Command) []entry {
	var out []entry
	for _, c := range commands {
		for _, f := range c.Flags {
			d, ok := f.(cli.DocGenerationFlag)
			if !ok {
				continue
			}
			for _, name := range d.GetEnvVars() {
				if !slices.ContainsFunc(out, func(e entry) bool { return e.name == name }) {
					out = append(out, entry{name, "The same as --" + f.Names()[0] + "."})
				}
			}
		}
		for _, e := range flagVariables(c.Subcommands) {
			if !slices.Contains(out, e) {
				out = append(out, e)
			}
		}
	}
	return out
}

// page is a manual page while it is written.
type page struct {
	text  strings.Builder
	fresh bool // a section begins here
}

func (p *page) macro(name string, args ...string) {
	p.text.WriteString("." + name)
	p.fresh = name == "SH" || name == "SS"
	for _, a := range args {
		p.text.WriteString(` "` + strings.ReplaceAll(roff(a), `"`, `\(dq`) + `"`)
	}
	p.text.WriteByte('\n')
}

func (p *page) section(title string) { p.macro("SH", title) }

// line writes a line of text.
func (p *page) line(text string) {
	if text != "" { // a blank line is a warning
		p.raw(guarded(roff(text)))
	}
}

// raw writes a line of roff.
func (p *page) raw(text string) {
	p.text.WriteString(text + "\n")
	p.fresh = false
}

// prose writes paragraphs that blank lines part; lines that begin with spaces are set as
// they are.
func (p *page) prose(text string) {
	for i, para := range strings.Split(strings.TrimRight(text, "\n"), "\n\n") {
		if i > 0 || !p.fresh {
			p.macro("PP")
		}
		fixed := false
		for _, l := range strings.Split(para, "\n") {
			if at := strings.HasPrefix(l, " "); at != fixed {
				p.macro(map[bool]string{true: "nf", false: "fi"}[at])
				fixed = at
			}
			p.line(l)
		}
		if fixed {
			p.macro("fi")
		}
	}
}

// verb writes a verb with its flags, and those below it.
func (p *page) verb(above string, c *cli.Command) {
	if c.Hidden {
		return
	}
	name := above + " " + c.Name
	p.macro("SS", strings.TrimSpace(name+" "+c.ArgsUsage))
	p.line(sentence(c.Usage))
	if text := withoutExitCodes(c.Description); text != "" {
		p.prose(text)
	}
	for _, f := range c.VisibleFlags() {
		p.flag(f)
	}
	for _, s := range c.Subcommands {
		p.verb(name, s)
	}
}

func (p *page) flag(f cli.Flag) {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return
	}
	var names []string
	for _, n := range f.Names() {
		names = append(names, `\fB`+roff(strings.Repeat("-", min(2, utf8.RuneCountInString(n)))+n)+`\fP`)
	}
	head := strings.Join(names, ", ")
	if what := placeholder(f); d.TakesValue() {
		if what == "" {
			what = "VALUE"
		}
		head += ` \fI` + roff(what) + `\fP`
	}
	p.macro("TP")
	p.raw(head)
	about := sentence(usage(f))
	if v := strings.Trim(d.GetDefaultText(), `"`); d.TakesValue() && v != "" {
		about += " Default: " + v + "."
	}
	p.line(about)
}

// entry is a term with what it means.
type entry struct{ name, about string }

func (p *page) entries(all []entry) {
	for _, e := range all {
		p.macro("TP")
		p.raw(`\fB` + roff(e.name) + `\fP`)
		p.line(e.about)
	}
}

func sentence(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if s == "" || !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz", first) {
		return strings.TrimSuffix(s, ".") + "."
	}
	return strings.ToUpper(s[:size]) + strings.TrimSuffix(s[size:], ".") + "."
}

// roff escapes text: a hyphen is a minus, since people copy flags from manual pages, and
// what isn't ASCII is written by its number, for groff without preconv.
func roff(s string) string {
	var out strings.Builder
	for _, r := range s {
		switch {
		case r == '\\':
			out.WriteString(`\e`)
		case r == '-':
			out.WriteString(`\-`)
		case r == '~':
			out.WriteString(`\(ti`)
		case r == '^':
			out.WriteString(`\(ha`)
		case r == '`':
			out.WriteString(`\(ga`)
		case r == '\'':
			out.WriteString(`\(aq`)
		case r > '~':
			fmt.Fprintf(&out, `\[u%04X]`, r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// guarded keeps a line of text from being a request.
func guarded(line string) string {
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		return `\&` + line
	}
	return line
}
