//go:build linux

package main

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
	"drydock/tools/corpus/differential/record"
	"drydock/tools/corpus/differential/sandbox"
)

// A script that stops at its first missing file shows little. So the
// originals run until they miss nothing that a prepared root can give: commands,
// directories to change to or to write in, files to read. Before and after then
// start from the same root.

const (
	rounds   = 12 // of preparation
	maxPlace = 16 // directories in which a relative path is tried
)

// prelude makes every directory that a script changes to.
const prelude = `cd() { command cd "$@" 2>/dev/null || { ` + record.MakeDir + ` "$@"; command cd "$@"; }; }` + "\n"

const preludeBash = prelude + `pushd() { builtin pushd "$@" >/dev/null 2>&1 || { ` + record.MakeDir + ` "$@"; builtin pushd "$@"; }; }` + "\n"

// prepare finds a root in which the steps get as far as they can.
func (c *checker) prepare(g group, list []sandbox.Step) (sandbox.Root, error) {
	p := preparer{bash: list[0].Shell == "bash", words: literals(g.before)}
	learn := slices.Clone(list)
	for i, st := range learn {
		p.places = add(p.places, st.Dir)
		if st.Shell == "" {
			p.command(st.Args[0])
			continue
		}
		st.Args = slices.Clone(st.Args)
		last := &st.Args[len(st.Args)-1]
		if p.bash {
			*last = preludeBash + *last
		} else {
			*last = prelude + *last
		}
		learn[i] = st
	}
	for _, name := range p.words.commands {
		p.command(name)
	}
	for range rounds {
		r, err := c.run(sandbox.Job{Root: p.root, Steps: learn})
		if err != nil {
			return p.root, err
		}
		known := p.size()
		for _, d := range r.Made {
			p.root.Dirs = add(p.root.Dirs, d)
			if len(p.places) < maxPlace {
				p.places = add(p.places, d)
			}
		}
		for _, line := range strings.Split(r.Errors, "\n") {
			p.complaint(line)
		}
		if p.size() == known {
			break
		}
	}
	return p.root, nil
}

type preparer struct {
	bash   bool
	words  words
	root   sandbox.Root
	places []string // where relative paths may lie
}

func (p *preparer) size() int {
	return len(p.root.Dirs) + len(p.root.Files) + len(p.root.Commands) + len(p.root.Scripts) + len(p.places)
}

// What shells say of something missing; dash's wording, then bash's.
var (
	prefix    = regexp.MustCompile(`^[^ :]+: (?:(?:line )?\d+: )?`)
	notFound  = regexp.MustCompile(`^(?:exec: )?(.+): (?:command )?not found$`)
	cannotPut = regexp.MustCompile(`^cannot create (.+): Directory nonexistent$`)
	cannotGet = regexp.MustCompile(`^(?:\.: )?cannot open (.+): No such file$`)
	noSuch    = regexp.MustCompile(`^(?:exec: )?(.+): No such file or directory$`)
	writable  = regexp.MustCompile(`^(?:cannot create )?(.+): (?:Read-only file system|Text file busy|Permission denied)$`)
	sourced   = regexp.MustCompile(`^\.: (.+): (?:not found|file not found)$`)
)

// complaint gives the next run what this line of errors misses.
func (p *preparer) complaint(line string) {
	loc := prefix.FindStringIndex(line)
	if loc == nil {
		return
	}
	line = line[loc[1]:]
	switch {
	case writable.MatchString(line):
		// A command that the script writes, perhaps without the right to execute it.
		p.each(writable.FindStringSubmatch(line)[1], func(f string) { p.root.Scripts = add(p.root.Scripts, f) })
	case sourced.MatchString(line):
		p.file(sourced.FindStringSubmatch(line)[1])
	case notFound.MatchString(line):
		p.command(notFound.FindStringSubmatch(line)[1])
	case cannotPut.MatchString(line):
		p.parent(cannotPut.FindStringSubmatch(line)[1])
	case cannotGet.MatchString(line):
		p.file(cannotGet.FindStringSubmatch(line)[1])
	case noSuch.MatchString(line):
		// bash says no more: first the directory, then what is read as a file,
		// everything else as a command.
		name := noSuch.FindStringSubmatch(line)[1]
		known := p.size()
		p.parent(name)
		switch {
		case p.size() > known:
		case slices.Contains(p.words.inputs, path.Base(name)):
			p.file(name)
		default:
			p.command(name)
		}
	}
}

// each calls f with the absolute paths that name may mean.
func (p *preparer) each(name string, f func(string)) {
	switch {
	case name == "" || len(name) > 255 || strings.ContainsAny(name, "\n\x00"):
	case strings.HasPrefix(name, "/"):
		f(path.Clean(name))
	default:
		for _, d := range p.places {
			f(path.Join(d, name))
		}
	}
}

func (p *preparer) command(name string) {
	if !strings.Contains(name, "/") {
		name = "/usr/bin/" + name
	}
	p.each(name, func(f string) { p.root.Commands = add(p.root.Commands, f) })
}

func (p *preparer) parent(name string) {
	p.each(name, func(f string) {
		if d := path.Dir(f); d != "/" {
			p.root.Dirs = add(p.root.Dirs, d)
		}
	})
}

func (p *preparer) file(name string) {
	p.each(name, func(f string) { p.root.Files = add(p.root.Files, f) })
}

func add(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// words are what a script says about the commands and files that it uses.
type words struct {
	commands []string
	inputs   []string // base names of what is redirected from or sourced
}

// literals reads the scripts; what it misses comes out of complaints.
func literals(ins []*rewrite.Instruction) words {
	var w words
	for _, in := range ins {
		s, why := in.Shell()
		if why != "" {
			continue
		}
		for _, c := range s.Commands() {
			if c.Name != "" && len(c.Args) > 0 && c.Args[0] != "" {
				w.commands = add(w.commands, c.Args[0])
			}
			if (c.Name == "." || c.Name == "source") && len(c.Args) > 1 {
				w.inputs = add(w.inputs, path.Base(strings.Trim(c.Args[1], `"'`)))
			}
			for _, r := range c.Stmt.Redirs {
				if r.Op == syntax.RdrIn && r.Word != nil {
					w.inputs = add(w.inputs, path.Base(strings.Trim(s.Source(r.Word), `"'`)))
				}
			}
		}
	}
	return w
}
