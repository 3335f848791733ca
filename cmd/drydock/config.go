package main

// drydock config: what holds for a Dockerfile, a file to begin with, and the schema.

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"drydock/checks"
	"drydock/config"
	"drydock/report"
	"drydock/said"
	"drydock/transforms"
)

func configCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "config",
		Usage:     "show what .drydock.yaml says for a Dockerfile, write one to begin with, print its schema",
		ArgsUsage: "show [PATH] | init [FOLDER] | schema",
		Description: `show prints all settings for the Dockerfile (of a folder: for one in it), each with
the file and line that it is from. init writes .drydock.yaml with every default in a
comment, and .drydock.schema.json beside it, by which editors complete and check it;
it overwrites nothing. schema prints that schema (JSON Schema, draft 2020-12).
docs/config.md tells what a configuration may say.

` + exitCodes,
		Flags:  append(configFlags(), formatFlag("config")),
		Action: func(c *cli.Context) error { return runConfig(c, s) },
	}
}

func runConfig(c *cli.Context, s streams) error {
	args := c.Args().Slice()
	if len(args) == 0 || !slices.Contains([]string{"show", "init", "schema"}, args[0]) {
		return usagef("config needs to know what: show [PATH], init [FOLDER] or schema")
	}
	asJSON, err := wantsJSON(c)
	if err != nil {
		return err
	}
	if args[0] != "show" {
		for _, name := range []string{"config", "no-config", "format"} {
			if c.IsSet(name) {
				return usagef("--%s is for config show", name)
			}
		}
	}
	path := "."
	switch {
	case len(args) > 2 || args[0] == "schema" && len(args) > 1:
		return usagef("config %s takes %s", args[0], map[string]string{"show": "one path", "init": "one folder", "schema": "nothing more"}[args[0]])
	case len(args) == 2:
		path = args[1]
	}
	switch args[0] {
	case "schema":
		_, err := s.out.Write(config.Schema())
		return err
	case "init":
		return initConfig(path, s)
	}
	var set settings
	if err := set.readConfig(c); err != nil {
		return err
	}
	return showConfig(set, path, asJSON, s.out)
}

// initConfig writes a configuration into a folder.
func initConfig(dir string, s streams) error {
	if info, err := os.Stat(dir); err != nil {
		return explainIO(dir, err)
	} else if !info.IsDir() {
		return &report.Error{Path: dir, Message: "not a folder", Hint: "name the folder that the settings are for"}
	}
	for _, name := range config.Names {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return &report.Error{Path: path, Message: "it is there already", Hint: "nothing was written; drydock config show tells what it says"}
		}
	}
	path := filepath.Join(dir, config.Names[0])
	schema := filepath.Join(dir, config.SchemaName)
	changes := []fileChange{{path: path, show: path, after: string(config.Template(config.SchemaName)), created: true}}
	told := path
	if _, err := os.Lstat(schema); errors.Is(err, fs.ErrNotExist) {
		changes = append(changes, fileChange{path: schema, show: schema, after: string(config.Schema()), created: true})
		told += " and " + schema + " (for editors)"
	}
	if err := writeAll(changes); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.out, "wrote %s\n", said.Printable(told))
	return err
}

// showConfig tells what holds for a Dockerfile.
func showConfig(set settings, path string, asJSON bool, w io.Writer) error {
	p, err := newPlaces("")
	if err != nil {
		return err
	}
	day, err := today()
	if err != nil {
		return err
	}
	abs := p.abs(path)
	info, err := os.Stat(abs)
	if err != nil {
		return explainIO(path, err)
	}
	if info.IsDir() {
		path, abs = filepath.Join(path, "Dockerfile"), filepath.Join(abs, "Dockerfile")
	}
	e := &config.Effective{}
	if f := set.finder(p, ""); f != nil {
		found, mistakes := f.For(abs)
		if len(mistakes) > 0 {
			return mistakes
		}
		if found != nil {
			e = found
		}
	}
	out := newShown(path, e, day, p)
	if asJSON {
		text, err := report.Encode(out)
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	}
	_, err = io.WriteString(w, out.text())
	return err
}

// shown is what config show prints.
type shown struct {
	Version    int                  `json:"version"`
	Path       string               `json:"path"`
	Files      []string             `json:"files"`    // from the top down
	Excluded   *shownValue          `json:"excluded"` // by which pattern; null when it isn't
	Safety     shownValue           `json:"safety"`
	Base       shownValue           `json:"base"`
	Context    *shownValue          `json:"context"` // null: as compose, bake and CI files say
	Transforms map[string]shownRule `json:"transforms"`
	Checks     map[string]shownRule `json:"checks"` // CHECK/RULE too
	Ignores    []shownIgnore        `json:"ignores"`
}

// shownValue is a setting with its place; file is "" and line 0 for a default.
type shownValue struct {
	Value string `json:"value"`
	File  string `json:"file"`
	Line  int    `json:"line"`
}

type shownRule struct {
	Run      shownValue  `json:"run"` // on or off
	Policy   *shownValue `json:"policy,omitempty"`
	Safety   *shownValue `json:"safety,omitempty"` // only where it is set
	Severity shownValue  `json:"severity"`
}

type shownIgnore struct {
	Rule        string `json:"rule"`
	Path        string `json:"path"`
	Instruction string `json:"instruction"`
	Reason      string `json:"reason"`
	Until       string `json:"until"`
	Ended       bool   `json:"ended"`
	File        string `json:"file"`
	Line        int    `json:"line"`
}

// newShown fills defaults in.
func newShown(path string, e *config.Effective, day string, p *places) *shown {
	value := func(v config.Value, standard string) shownValue {
		if !v.Set() {
			return shownValue{Value: standard}
		}
		return shownValue{v.Text, v.File, v.Line}
	}
	some := func(v config.Value) *shownValue {
		if !v.Set() {
			return nil
		}
		return &shownValue{v.Text, v.File, v.Line}
	}
	run := func(optIn bool) string {
		if optIn {
			return "off"
		}
		return "on"
	}
	out := &shown{Version: 1, Path: path, Files: []string{}, Excluded: some(e.Excluded), Safety: value(e.Safety, config.Safe), Base: value(e.Base, config.BaseKinds()[0]),
		Transforms: map[string]shownRule{}, Checks: map[string]shownRule{}, Ignores: []shownIgnore{}}
	if e.Context.Set() {
		out.Context = &shownValue{p.show(e.Context.Text), e.Context.File, e.Context.Line}
	}
	for _, f := range e.Files {
		out.Files = append(out.Files, f.Path)
	}
	for _, t := range transforms.All() {
		r := e.Rules[t.Name]
		s := shownRule{Run: value(r.Run, run(t.OptIn)), Safety: some(r.Safety), Severity: value(r.Severity, report.SeverityOf(t.Name))}
		if len(t.Policies) > 0 {
			v := value(r.Policy, t.Policies[0].Name)
			s.Policy = &v
		}
		out.Transforms[t.Name] = s
	}
	for _, c := range checks.All() {
		r := e.Rules[c.Name]
		out.Checks[c.Name] = shownRule{Run: value(r.Run, run(c.OptIn)), Severity: value(r.Severity, report.SeverityOf(c.Name))}
	}
	for name, r := range e.Rules {
		if strings.Contains(name, "/") {
			out.Checks[name] = shownRule{Run: value(r.Run, "on"), Severity: value(r.Severity, report.SeverityOf(name))}
		}
	}
	for _, i := range e.Ignores {
		out.Ignores = append(out.Ignores, shownIgnore{i.Rule, i.Path, i.Instruction, i.Reason, i.Until, i.Ended(day), i.From.File, i.From.Line})
	}
	return out
}
