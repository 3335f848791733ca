package transforms

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// bind-not-copy lends a file to the one step that needs it, where the file is
// copied, used and deleted today.
var _ = register(&rewrite.Transform{
	Name:    "bind-not-copy",
	Summary: "Lend a file to the step that uses and deletes it, instead of copying it",
	Phase:   rewrite.PhaseMounts,
	OptIn:   true,
	Doc: `A file that is copied in, used by the next RUN and deleted there stays in the
layer of the COPY and ships all the same. RUN --mount=type=bind shows it to that
step alone and leaves nothing behind
(https://docs.docker.com/build/building/best-practices/#add-or-copy,
https://docs.docker.com/reference/dockerfile/#run---mounttypebind). The rm goes
too: a mount point can't be deleted. Folders and files whose mode the step changes
are mounted rw; what is written there is thrown away, as it was by the rm.

Measured with BuildKit 0.34: the mount point and the folders that had to be made
for it are gone after the step. A file without a ` + "`# syntax=`" + ` line gets one, since
builders before Docker 23 know mounts only by it.`,
	Declines: `Where the step does more with the file than read or run it
(mv, sed -i, gunzip), where the rm is a pattern or names a folder around it, or
can't be taken out of the script; where something else may stand at the path
too; COPY with --chown, --chmod, wildcards, variables or heredocs. A path whose
folder only the COPY makes stays too, since that folder would be missing.`,
	Assumes: `BuildKit builds the image, not the legacy builder or kaniko (a file that
uses mounts or heredocs says so already), and a program that
drydock doesn't know only reads the file that it is given.`,
	Run: runBindNotCopy,
})

func runBindNotCopy(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	if !strings.Contains(p.Doc.Src, "rm ") {
		return nil, nil
	}
	var out []rewrite.Change
	for _, in := range p.Doc.Instructions {
		if in.Keyword != "copy" {
			continue
		}
		b := loanOf(p, in)
		if b == nil {
			continue
		}
		c, why := b.change(p)
		if why != "" {
			p.Decline(in, "not turned into a bind mount: %s", why)
			continue
		}
		out = append(out, c)
	}
	return out, nil
}

// loan is a COPY with the RUN that uses and deletes what it brings.
type loan struct {
	copy, run *rewrite.Instruction
	script    *rewrite.Script
	from      string
	files     []lent
}

// lent is one source with the path that it lands at.
type lent struct {
	source, path string
	dir          bool
	vague        bool // it may be a file in the folder that the rm names
}

// loanOf finds the RUN below a COPY that deletes all that the COPY brings; nil
// where there is none.
func loanOf(p *rewrite.Pass, in *rewrite.Instruction) *loan {
	run := in.Next()
	for run != nil && run.Keyword != "run" {
		run = run.Next()
	}
	if run == nil || !strings.Contains(scriptText(run), "rm ") {
		return nil
	}
	sources, dest, from, _ := in.Copy()
	st := in.State()
	to, ok := st.Abs(st.Expand(dest))
	if !ok || len(sources) == 0 {
		return nil
	}
	s, why := run.Shell()
	if why != "" {
		return nil
	}
	b := &loan{copy: in, run: run, script: s, from: from}
	slash := strings.HasSuffix(dest, "/")
	into := slash || len(sources) > 1 || to == st.Workdir || standing(to)
	for _, src := range sources {
		f := lent{source: strings.TrimPrefix(path.Clean("/"+src), "/"), path: path.Join(to, path.Base(src))}
		if from != "" {
			f.source = src
		}
		switch known := from == "" && p.Repo.Exists(f.source); {
		case into && b.deletes(f.path): // a file: what a folder holds lands in dest itself
		case standing(to), !b.deletes(to):
			return nil
		default:
			f.path = to
			f.dir = known && p.Repo.IsDir(f.source) || strings.HasSuffix(src, "/") || !known && path.Ext(f.source) == ""
			f.vague = len(sources) > 1 || slash && !known && !strings.HasSuffix(src, "/") || slash && !f.dir
		}
		b.files = append(b.files, f)
	}
	return b
}

// standing: a folder of practically every image.
func standing(dir string) bool {
	switch dir {
	case "/", "/tmp", "/var/tmp", "/root", "/opt", "/srv", "/mnt", "/usr/src", "/home", "/etc", "/usr", "/var", "/usr/local":
		return true
	}
	return false
}

// operand resolves an operand of rm.
func (b *loan) operand(a string) (string, bool) {
	st := b.run.State()
	a = st.Expand(a)
	if strings.HasPrefix(a, "/") {
		return a, !strings.Contains(a, "$")
	}
	if strings.HasPrefix(a, "~") || strings.HasPrefix(a, "$") || st.Workdir == "" || strings.Contains(b.script.Text, "cd ") {
		return "", false
	}
	return strings.TrimSuffix(st.Workdir, "/") + "/" + strings.TrimPrefix(a, "./"), true
}

// deletes: an rm names the path as it is.
func (b *loan) deletes(p string) bool {
	for _, c := range b.script.Commands() {
		if c.Name != "rm" {
			continue
		}
		for _, a := range c.Args[1:] {
			if o, ok := b.operand(a); ok && path.Clean(o) == p && !strings.ContainsAny(o, "*?[{") {
				return true
			}
		}
	}
	return false
}

// change makes the change, or tells why not.
func (b *loan) change(p *rewrite.Pass) (rewrite.Change, string) {
	names := make([]string, len(b.files))
	for i, f := range b.files {
		names[i] = f.path
	}
	c := rewrite.Change{
		Title: "lend " + strings.Join(names, ", ") + " to the step that uses it",
		Why:   "what a later RUN deletes stays in the layer of the COPY (Docker's best practices, ADD or COPY)",
		Gain:  "1 layer less, and the copied files don't ship",
		At:    b.copy,
	}
	if why := b.plain(); why != "" {
		return c, why
	}
	if why := b.elsewhere(); why != "" {
		return c, why
	}
	var flags []string
	var trust []string
	for _, f := range b.files {
		rw, unknown, why := b.usage(f)
		if why != "" {
			return c, why
		}
		if unknown != "" {
			trust = append(trust, unknown+" only reads "+f.path)
		}
		flags = append(flags, b.flag(f, rw))
	}
	e := b.script.Edit()
	for _, cmd := range b.script.Commands() {
		if cmd.Name == "rm" {
			b.dropFrom(e, cmd)
		}
	}
	if !usesBuildKit(p.Doc) {
		trust = append(trust, "BuildKit builds the image")
	}
	c.Assumes = strings.Join(trust, ", and ")
	if c.Assumes != "" {
		c.Safety = rewrite.Assumes
	}
	if why := syntaxFor(p.Doc, &c); why != "" {
		return c, why
	}
	if !e.Into(&c) {
		return c, "the rm can't be taken out of this script"
	}
	if b.copy.Lead() == b.copy.Span.Start {
		c.Edits = append(c.Edits, p.Doc.Delete(b.copy))
	} else { // the comment above speaks about the step as well
		c.Edits = append(c.Edits, rewrite.Edit{Span: b.copy.Span})
	}
	c.Edits = append(c.Edits, flagEdit(p.Doc, b.run, flags))
	return c, ""
}

func (b *loan) flag(f lent, rw bool) string {
	out := "--mount=type=bind"
	if b.from != "" {
		out += ",from=" + b.from
	}
	if f.source != "" {
		out += ",source=" + f.source
	}
	out += ",target=" + f.path
	if rw {
		out += ",rw"
	}
	return out
}

// usesBuildKit: the file needs a builder that knows mounts as it stands. A
// # syntax= line doesn't say so: kaniko passes over it.
func usesBuildKit(d *rewrite.Document) bool {
	return slices.ContainsFunc(d.Instructions, func(in *rewrite.Instruction) bool {
		return len(in.Heredocs) > 0 || len(in.Inner().Mounts()) > 0
	})
}

// plain tells why the COPY does more than bring files as they are.
func (b *loan) plain() string {
	for _, f := range b.copy.Flags {
		if name, _, _ := strings.Cut(f.Text, "="); name != "--link" && name != "--from" {
			return "COPY has " + name
		}
	}
	if _, number := b.copy.Flag("from"); number && strings.Trim(b.from, "0123456789") == "" || strings.Contains(b.from, "$") {
		return "it copies from a stage by number or variable"
	}
	if len(b.copy.Heredocs) > 0 {
		return "COPY writes a heredoc"
	}
	if strings.Contains(b.copy.Doc().Src[b.copy.Lead():b.copy.Span.Start], "hadolint") {
		return "the comment above speaks to a tool about it"
	}
	for _, f := range b.files {
		if f.vague {
			return "the rm deletes a folder that may hold more than " + f.source
		}
		if strings.ContainsAny(f.source, "$*?[\\ ,\"'") || strings.ContainsAny(f.path, " ,\"'") {
			return f.source + " is no plain path"
		}
	}
	return ""
}

// elsewhere tells why the paths mean something beside these two steps.
func (b *loan) elsewhere() string {
	st := b.run.State()
	for _, f := range b.files {
		for _, sys := range []string{"/etc", "/usr", "/var", "/bin", "/lib", "/sbin"} {
			if rewrite.Inside(f.path, sys) && !rewrite.Inside(f.path, "/var/tmp") && !rewrite.Inside(f.path, "/usr/src") {
				return f.path + " may be a file of the base image, which the step would leave in place"
			}
		}
		if dir := path.Dir(f.path); dir != "/tmp" && dir != "/var/tmp" && !standing(dir) && !rewrite.Inside(b.copy.State().Workdir, dir) {
			return "the folder " + dir + " may be made by this COPY alone, and later steps may need it"
		}
		for s := b.copy.Stage; s != nil; s = s.Parent() {
			for _, in := range s.Instructions {
				if s == b.copy.Stage && in.Index >= b.run.Index {
					break
				}
				if in == b.copy {
					continue
				}
				if _, dest, _, ok := in.Copy(); ok {
					to, known := in.State().Abs(in.State().Expand(dest))
					if !known || rewrite.Inside(to, f.path) || rewrite.Inside(f.path, to) && !b.misses(in, to, f) {
						return fmt.Sprintf("line %d may put something at %s too", in.Line, f.path)
					}
				}
				name := path.Base(f.path)
				if f.dir {
					name = f.path
				}
				if in.Keyword == "run" && strings.Contains(scriptText(in), name) {
					return fmt.Sprintf("line %d names %s too", in.Line, name)
				}
			}
		}
		for _, m := range b.run.Mounts() {
			if t, ok := st.Abs(st.Expand(m["target"])); m["target"] != "" && (!ok || rewrite.Inside(t, f.path) || rewrite.Inside(f.path, t)) {
				return "the step mounts something at " + m["target"] + " already"
			}
		}
	}
	return ""
}

// misses: another COPY brings files of other names only to the folder.
func (b *loan) misses(in *rewrite.Instruction, to string, f lent) bool {
	sources, _, _, _ := in.Copy()
	return path.Dir(f.path) == to && !slices.ContainsFunc(sources, func(s string) bool {
		return path.Ext(s) == "" || strings.HasSuffix(s, "/") || strings.ContainsAny(s, "*?[$") || path.Base(s) == path.Base(f.path) || path.Base(s) == "."
	})
}
