package transforms

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

// dockerignore creates or extends the .dockerignore of a context from which
// whole folders are copied.
var _ = register(&rewrite.Transform{
	Name:      "dockerignore",
	Summary:   "Keep what the image doesn't need out of the build context",
	Phase:     rewrite.PhaseContext,
	AllAssume: true,
	Doc: `COPY . . takes what lies in the folder: .git, node_modules and virtual
environments of the developer's machine, caches, files with secrets. They make
the image bigger, overwrite what the build installed, and change the cache key
of the COPY with every commit
(https://docs.docker.com/build/concepts/context/#dockerignore-files).

Each entry is written only where this project holds such a thing or its tools
will make it, and where no Dockerfile of the context copies it and nothing in
the build asks for it: .git stays when a version comes from git
(setuptools-scm, git describe, vcs.revision of Go), a committed .env and one
that a JavaScript build reads stay, node_modules and build results stay where
no RUN makes them again, and so on. READMEs, licences and sources are never
left out. Patterns are anchored at the context's root, as Docker reads them;
an entry goes behind what is there, and there is none that a "!" of the file
could mean. The Dockerfile's own NAME.dockerignore is extended where there is
one. Compose reads env_file and mounts volumes from the host, so these don't
hold an entry back; what develop.watch names does.

Only what a COPY, an ADD or a bind mount would take is left out: BuildKit sends
nothing else, so an entry for more would bring nothing. That is why each entry
rests on the assumption.`,
	Assumes: `Nothing in the image reads the left-out files when it runs.`,
	Declines: `Where the ignore file can't be read or is a link to another one (.gitignore), where a compose file builds from the
same context with a Dockerfile of its own lines, and for a single entry (with
the reason) where the build reads what it would leave out. Where Dockerfiles
copy single files only, nothing of this reaches an image.`,
	Run: runDockerignore,
})

func runDockerignore(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	if !p.Repo.Known() || p.Name == "" {
		return nil, nil
	}
	at := takesFolder(p)
	if at == nil {
		return nil, nil
	}
	ig := p.Repo.Ignore(p.Name)
	if ig.Err != nil {
		p.Decline(at, "%s can't be read: %v", ig.Path, ig.Err)
		return nil, nil
	}
	if real, links, ok := p.Repo.Real(ig.Path); ok && len(links) > 0 && !strings.HasSuffix(real, ".dockerignore") {
		p.Decline(at, "%s is a link to %s, which isn't Docker's alone: an entry there would hold for what else reads it", ig.Path, real)
		return nil, nil
	}
	for _, b := range p.Repo.Builds() {
		if b.Err == "" && b.Dockerfile == "" && b.Context == "." {
			p.Decline(at, "%s builds %s from this context with a Dockerfile of its own lines; what they copy isn't known", b.File, b.Service)
			return nil, nil
		}
	}
	f := newIgnoreFacts(p, ig)
	missing, kept := f.missing()
	for _, k := range kept {
		p.Decline(at, "%s", k)
	}
	if ig.Exists {
		missing = slices.DeleteFunc(missing, func(n newEntry) bool { return !n.extends() })
	}
	if !slices.ContainsFunc(missing, f.worth) {
		return nil, nil
	}
	return []rewrite.Change{f.change(at, missing)}, nil
}

// worth reports whether the entry is worth a change by itself. Caches that aren't
// there don't ask for a new file where only a folder of sources is copied.
func (f *ignoreFacts) worth(n newEntry) bool {
	cache := n.entry.group == ofCaches && !n.exists && !f.ignore.Exists
	return n.entry.major && (!cache || f.taken(f.p.Doc, "."))
}

// change writes the entries behind what the ignore file holds.
func (f *ignoreFacts) change(at *rewrite.Instruction, missing []newEntry) rewrite.Change {
	var patterns, reasons []string
	seen := map[string]bool{}
	for _, n := range missing {
		patterns = append(patterns, n.pattern)
		if !seen[n.entry.what] {
			seen[n.entry.what] = true
			reasons = append(reasons, n.pattern+" ("+n.entry.what+")")
		}
	}
	verb := "create "
	if f.ignore.Exists {
		verb = "extend "
	}
	old := string(f.ignore.Src)
	added := ignoreLines(old, missing)
	c := rewrite.Change{
		Title:   verb + f.ignore.Path + ": " + strings.Join(patterns, ", "),
		Why:     "a COPY of the folder brings them into the image: " + strings.Join(reasons, "; "),
		Gain:    "a smaller context, a smaller image, fewer cache misses",
		Safety:  rewrite.Assumes,
		Assumes: "nothing in the image reads these files",
		At:      at,
		Edits:   []rewrite.Edit{{File: f.ignore.Path, Span: rewrite.Span{Start: len(old), End: len(old)}, New: added}},
	}
	c.Context = weigh(f.p, f.ignore, repo.ParseIgnore(f.ignore.Path, []byte(old+added)))
	if c.Context != nil {
		c.Gain = c.Context.String() + "; fewer cache misses"
	}
	return c
}

// ignoreLines is the text to put behind an ignore file: with a comment for each
// group where the file is new or has comments of its own.
func ignoreLines(old string, missing []newEntry) string {
	eol := "\n"
	if strings.Contains(old, "\r\n") {
		eol = "\r\n"
	}
	comments := old == "" && len(missing) > 6 || strings.HasPrefix(old, "#") || strings.Contains(old, "\n#")
	var b strings.Builder
	group := lastComment(old)
	blank := strings.HasSuffix(old, eol+eol)
	for _, n := range missing {
		if comments && n.entry.group != group {
			if (old != "" || b.Len() > 0) && !(blank && b.Len() == 0) {
				b.WriteString(eol)
			}
			fmt.Fprintf(&b, "# %s%s", n.entry.group, eol)
		}
		group = n.entry.group
		b.WriteString(n.pattern + eol)
	}
	if old != "" && !strings.HasSuffix(old, "\n") {
		return eol + strings.TrimSuffix(b.String(), eol) // no final line break before, none after
	}
	return b.String()
}

// lastComment is the text of the last comment line: the group at the end of the
// file, if we wrote it.
func lastComment(old string) string {
	lines := strings.Split(strings.TrimRight(old, "\r\n"), "\n")
	for _, l := range slices.Backward(lines) {
		if text, ok := strings.CutPrefix(l, "# "); ok {
			return strings.TrimRight(text, "\r")
		}
		if strings.TrimSpace(l) == "" {
			break
		}
	}
	return ""
}

// takesFolder is the first instruction that takes a folder from the context.
func takesFolder(p *rewrite.Pass) *rewrite.Instruction {
	for _, in := range p.Doc.Instructions {
		for _, s := range in.ContextSources() {
			if s == "." || s == "*" || !repo.Wild(s) && p.Repo.IsDir(s) {
				return in
			}
		}
	}
	return nil
}
