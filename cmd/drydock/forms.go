package main

// The forms of the output: --format and --output, by the table in package report.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"drydock/report"
)

// formatFlag is --format of the verbs that write one form.
func formatFlag(verb string) cli.Flag {
	return &cli.StringFlag{Name: "format", Value: "text", Usage: "`FORM` of the output: " + either(report.FormNames(verb))}
}

// formsFlag is --format of fix, diff and check.
func formsFlag() cli.Flag {
	return &cli.GenericFlag{Name: "format", Value: &list{}, Usage: "`FORM` of the output: " + either(report.FormNames("check")) +
		"; FORM=FILE writes it into a file beside what is printed, and may stand several times (docs/formats.md)"}
}

func outputFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the output into `FILE` in place of printing it"}
}

// oneForm gives a verb that writes one form --format in place of formsFlag and outputFlag.
func oneForm(verb string, flags []cli.Flag) []cli.Flag {
	for i, f := range flags {
		if f.Names()[0] == "format" {
			flags[i] = formatFlag(verb)
		}
	}
	return without(flags, "output")
}

// without leaves flags out, by their first names.
func without(flags []cli.Flag, names ...string) []cli.Flag {
	return slices.DeleteFunc(flags, func(f cli.Flag) bool { return slices.Contains(names, f.Names()[0]) })
}

// either joins names: "text, json or markdown".
func either(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// knownForm insists on a form of the verb.
func knownForm(c *cli.Context, form string) error {
	names := report.FormNames(c.Command.Name)
	if !slices.Contains(names, form) {
		return usagef("--format %s: choose %s", form, either(names))
	}
	return nil
}

// wantsJSON is for verbs with text and JSON alone.
func wantsJSON(c *cli.Context) (bool, error) {
	form := c.String("format")
	if form == "" && !c.IsSet("format") { // a verb without it
		return false, nil
	}
	return form == "json", knownForm(c, form)
}

// outputs are the forms that a run writes and where to.
type outputs struct {
	stdout string // form of standard output, "" where --output takes it
	files  []*formFile
}

// formFile is a form in a file. The text waits in memory until the run ends well, so that
// nobody reads half of it, and no build sees it lie about.
type formFile struct {
	form string
	to   *reportFile
	text bytes.Buffer
}

// readOutputs reads --format and --output, and tries that the files can be written: a
// mistake in a name is told before the work.
func readOutputs(c *cli.Context) (outputs, error) {
	var out outputs
	add := func(flag, form, name string) error {
		if name == "" {
			return usagef("%s needs a file", flag)
		}
		for _, f := range out.files {
			if place(f.to.name) == place(name) {
				return usagef("%s: another form goes there: give another file", flag)
			}
		}
		if isDockerfile(filepath.Base(name)) || slices.ContainsFunc(c.Args().Slice(), func(arg string) bool { return place(arg) == place(name) && !isFolder(arg) }) {
			return usagef("%s: that is a Dockerfile's name: give the report one of its own", flag)
		}
		to, err := newReportFile(name)
		if err != nil {
			return fmt.Errorf("%s: %w", flag, explainIO(name, err))
		}
		out.files = append(out.files, &formFile{form: form, to: to})
		return nil
	}
	for _, word := range values(c, "format") {
		form, name, file := strings.Cut(word, "=")
		if err := knownForm(c, form); err != nil {
			return out, err
		}
		switch {
		case file && name != "-":
			if err := add("--format "+word, form, name); err != nil {
				return out, err
			}
		case out.stdout != "":
			return out, usagef("--format %s and --format %s: one form goes to standard output: give the others a file, as in --format %s=FILE", out.stdout, form, form)
		default:
			out.stdout = form
		}
	}
	if out.stdout == "" {
		out.stdout = "text"
	}
	if name := c.String("output"); c.IsSet("output") && name != "-" {
		if err := add("--output "+name, out.stdout, name); err != nil {
			return out, err
		}
		out.stdout = ""
	}
	return out, nil
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// has tells that a form is written, somewhere.
func (o outputs) has(form string) bool {
	return o.stdout == form || slices.ContainsFunc(o.files, func(f *formFile) bool { return f.form == form })
}

// program tells that standard output is for a program, not for people.
func (o outputs) program() bool { return o.stdout != "text" && o.stdout != "" }

// renderer makes the renderer of all forms. text makes the verb's own one; quiet keeps
// it from standard output.
func (s settings) renderer(stdout io.Writer, text func(io.Writer) report.Renderer) report.Renderer {
	of := func(form string, w io.Writer) report.Renderer {
		if f, _ := report.FormByName(form); f.New != nil {
			return f.New(w, report.FormOptions{Version: version(), Place: s.placer()})
		}
		return text(w)
	}
	var all report.Both
	switch {
	case s.forms.stdout == "text" && s.quiet:
		all = append(all, text(io.Discard))
	case s.forms.stdout != "":
		all = append(all, of(s.forms.stdout, stdout))
	}
	for _, f := range s.forms.files {
		all = append(all, of(f.form, &f.text))
	}
	if len(all) == 1 {
		return all[0]
	}
	return all
}

// placer names files relative to the top of the git repository that drydock runs in,
// as forges do; where there is none it leaves them relative to the current folder.
func (s settings) placer() func(string) string {
	plain := func(name string) string { return filepath.ToSlash(filepath.Clean(name)) }
	p, err := newPlaces("")
	if err != nil {
		return plain
	}
	return func(name string) string {
		if name == "" || name == "<stdin>" {
			return name
		}
		if top := p.gitRoot(p.cwd); top != "" {
			if rel, ok := below(top, p.abs(name)); ok {
				return filepath.ToSlash(rel)
			}
		}
		return plain(name)
	}
}

// finish writes the files, when the run came to its end. err is the run's own: of one that
// failed as a whole JSON alone has something to say, and the other files stay as they were.
func (o outputs) finish(err error) error {
	failed := err
	for _, f := range o.files {
		if failed != nil {
			var usage usageError
			if f.form != "json" || errors.As(failed, &usage) {
				continue
			}
			f.text.Reset()
			if e := (&report.JSON{W: &f.text}).Fail(failed); e != nil {
				err = errors.Join(err, e)
			}
		}
		if e := f.to.put(f.text.Bytes()); e != nil {
			err = errors.Join(err, fmt.Errorf("--format %s=%s: %w", f.form, f.to.name, explainIO(f.to.name, e)))
		}
	}
	return err
}
