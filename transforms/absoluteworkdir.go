package transforms

import (
	"context"
	"path"
	"strings"

	"drydock/rewrite"
)

// absolute-workdir writes a relative WORKDIR as the absolute path that it is.
var _ = register(&rewrite.Transform{
	Name:    "absolute-workdir",
	Summary: "Write relative WORKDIR paths as the absolute paths that they are",
	Phase:   rewrite.PhaseSpelling,
	Rules:   []string{"DL3000", "WorkdirRelativePath"},
	Doc: `A relative WORKDIR goes on from the one before it, and the first one from whatever the
base image left: who moves a line, or updates the base, moves the application. Docker's
reference recommends to set it explicitly, BuildKit warns of it
(https://docs.docker.com/reference/build-checks/workdir-relative-path/, hadolint
DL3000).

The directory is the same; only what is written changes.`,
	Assumes: `Where the first relative path goes on from a base image with a directory of its own
(golang: /go), that the image still has the one that drydock's catalogue names.`,
	Declines: `Where the directory before it isn't known, because the base image isn't in the catalogue
or a build argument decides; where a variable decides whether the path is relative;
where a ~ stands in it, which WORKDIR takes as a name. ONBUILD WORKDIR goes on from
another image's directory, and Windows paths are left alone.`,
	Run: runAbsoluteWorkdir,
})

func runAbsoluteWorkdir(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	var out []rewrite.Change
	for _, s := range p.Doc.Stages {
		for _, in := range s.Instructions {
			if in.Keyword != "workdir" {
				continue
			}
			text := in.Args.Text
			quote := ""
			if len(text) > 1 && (text[0] == '"' || text[0] == '\'') && text[len(text)-1] == text[0] {
				quote, text = text[:1], text[1:len(text)-1]
			}
			if text == "" || text[0] == '/' || strings.ContainsAny(text, "\\:\"'") || windowsBase(s) {
				continue
			}
			if why := absoluteWorkdir(p, in, text, quote, &out); why != "" {
				p.Decline(in, "%s", why)
			}
		}
	}
	return out, nil
}

func absoluteWorkdir(p *rewrite.Pass, in *rewrite.Instruction, text, quote string, out *[]rewrite.Change) (why string) {
	switch st := in.State(); {
	case strings.HasPrefix(text, "~"):
		return "WORKDIR doesn't expand ~: the directory is called that"
	case strings.Contains(text, "$"):
		full := st.Expand(text)
		if strings.HasPrefix(full, "/") || strings.HasPrefix(text, "$") && strings.HasPrefix(full, "$") {
			return "" // as absolute as it looks, or as the base image has it
		}
		return "it is relative, and a variable is part of it"
	}
	if why := p.Silenced(in); why != "" {
		return why
	}
	before, why := workdirBefore(in)
	if why != "" {
		return why
	}
	sp, ok := in.WordSpan(in.Args)
	if !ok {
		return "the path is broken over lines"
	}
	full := path.Join(before.dir, text)
	if full != strings.TrimSpace(full) {
		return "its name ends in a blank, which WORKDIR would drop"
	}
	// A variable that named the directory before goes on naming it.
	if named := path.Join(before.text, text); strings.HasPrefix(named, "$") && !strings.ContainsAny(before.text, `"'\ `) && in.State().Expand(named) == full {
		full = named
	}
	c := rewrite.Change{
		Title: "write WORKDIR " + text + " as " + full,
		Why:   "a relative path goes on from whatever is above it or in the base image (hadolint DL3000)",
		At:    in,
		Edits: []rewrite.Edit{{Span: sp, New: quote + full + quote}},
	}
	if before.base {
		c.Safety, c.Assumes = rewrite.Assumes, "the base image starts in "+in.State().Base.Workdir
	}
	*out = append(*out, c)
	return ""
}
