package transforms

import (
	"context"
	"fmt"
	"path"
	"strings"

	"drydock/rewrite"
)

// copy-not-add writes COPY where ADD brings plain files and folders.
var _ = register(&rewrite.Transform{
	Name:    "copy-not-add",
	Summary: "Copy plain files with COPY, leave ADD for archives and URLs",
	Phase:   rewrite.PhaseSpelling,
	Rules:   []string{"DL3020"},
	Apart:   true,
	Doc: `ADD fetches URLs and git repositories and unpacks local tar archives, which it knows by
their content and not by their name. COPY does none of that: what stands there is what
lands in the image (https://docs.docker.com/build/building/best-practices/#add-or-copy,
hadolint DL3020).

The two do the same with folders, heredocs and files that aren't tar archives, plain or
compressed with gzip, bzip2, xz or zstd (BuildKit's solver/llbsolver/file/unpack.go). A
source is known to be one of these by its bytes, where it is in the build context; else
by a name that no tar archive has: a known extension, a well-known file, a slash at the
end. One word changes; flags, spacing and comments stay. ONBUILD ADD is rewritten too.`,
	Assumes: `A file whose name doesn't tell (bin/app, app.img), or what a pattern without an
extension matches, is no tar archive; a build argument in a source isn't set to a URL or
an archive.`,
	Declines: `It leaves ADD alone for URLs, git repositories and archives, and with --checksum,
--keep-git-dir or --unpack: that is what ADD is for. It declines where a variable
without a known value decides what is added, where hadolint is told to ignore DL3020,
and where a pattern for everything in a folder may match archives that aren't in view.`,
	Run: runCopyNotAdd,
})

func runCopyNotAdd(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	var out []rewrite.Change
	for _, in := range p.Doc.Instructions {
		if in.Inner().Keyword != "add" || !plainFlags(in.Inner()) {
			continue
		}
		a := adds{p: p, in: in.Inner()}
		a.look()
		switch {
		case a.leave:
			continue
		case a.unknown != "":
			p.Decline(in, "%s", a.unknown)
			continue
		}
		sp, ok := keywordSpan(in)
		if !ok {
			p.Decline(in, "the keyword is broken over lines")
			continue
		}
		c := rewrite.Change{
			Title:   "COPY instead of ADD for " + a.what(),
			Why:     "ADD is for archives and URLs; COPY does nothing but copy (hadolint DL3020)",
			Assumes: a.assumes,
			At:      in,
			Edits:   []rewrite.Edit{{Span: sp, New: likeCase(p.Doc.Src[sp.Start:sp.End], "copy")}},
		}
		if a.assumes != "" {
			c.Safety = rewrite.Assumes
		}
		if in.Inner().Trigger() {
			c.Config = rewrite.FieldOnBuild
		}
		out = append(out, c)
	}
	return out, nil
}

// plainFlags reports whether COPY has the instruction's flags too.
func plainFlags(in *rewrite.Instruction) bool {
	for _, f := range in.Flags {
		switch n, _, _ := strings.Cut(strings.ToLower(f.Text), "="); n {
		case "--chown", "--chmod", "--link", "--exclude":
		default:
			return false
		}
	}
	return true
}

// keywordSpan is where the keyword that acts stands: the one behind ONBUILD, or
// the first. Where more than one blank follows, the arguments are aligned with
// others: one of the blanks goes with the word, so that they stay so. A blank in
// front of a line break isn't one of several, whatever the next line begins with.
func keywordSpan(in *rewrite.Instruction) (rewrite.Span, bool) {
	start := len(in.Text) - len(strings.TrimLeft(in.Text, " \t"))
	if in.Inner().Trigger() {
		start = in.Args.Start
	}
	end := start + len("add")
	if strings.HasPrefix(in.Text[end:], "  ") {
		if sp, ok := in.SrcSpan(start, end+1); ok && strings.HasPrefix(in.Doc().Src[sp.End:], " ") {
			return sp, true
		}
	}
	return in.SrcSpan(start, end)
}

// likeCase writes a lower-case word in the case of another.
func likeCase(like, word string) string {
	switch like = strings.TrimSpace(like); {
	case like == strings.ToUpper(like):
		return strings.ToUpper(word)
	case like == strings.ToLower(like):
		return word
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

// adds is what the sources of an ADD are found to be.
type adds struct {
	p       *rewrite.Pass
	in      *rewrite.Instruction
	leave   bool   // ADD is right
	unknown string // why it can't be known
	assumes string // what COPY rests on
}

// what names the sources, briefly.
func (a *adds) what() string {
	sources, _, _, _ := a.in.Copy()
	switch len(sources) {
	case 0:
		return "a heredoc"
	case 1:
		return sources[0]
	}
	return fmt.Sprintf("%s and %d more", sources[0], len(sources)-1)
}

func (a *adds) assume(format string, args ...any) {
	if a.assumes == "" {
		a.assumes = fmt.Sprintf(format, args...)
	}
}

func (a *adds) look() {
	sources, _, _, _ := a.in.Copy()
	for _, s := range sources {
		if strings.Contains(s, "$") {
			a.variable(s)
		} else {
			a.source(s)
		}
		if a.leave {
			return
		}
	}
}

// variable looks at a source with a variable: an ENV of this file has one value,
// a build argument can be set to another.
func (a *adds) variable(s string) {
	if a.in.Doc().Escape != '\\' {
		a.leave = true
		return
	}
	st := a.in.State()
	full := st.Expand(s)
	if fetched(s) || fetched(full) || tarName(s) || tarName(full) {
		a.leave = true
		return
	}
	// What stands around the variable may be enough: a path begins, an extension ends.
	first, last := strings.IndexByte(s, '$'), s[max(strings.LastIndexByte(s, '}'), strings.LastIndexByte(s, '$'))+1:]
	if localPrefix(s[:first]) && (strings.HasSuffix(s, "/") || path.Ext(last) != "" && plainName(last)) {
		return
	}
	if strings.Contains(full, "$") || a.in.Trigger() {
		a.unknown = "a variable without a known value decides what is added: " + s
		return
	}
	a.source(full)
	for name, v := range st.Args {
		if strings.Contains(s, "$"+name) || strings.Contains(s, "${"+name) {
			a.assume("the build argument %s names a plain file or folder, as its default %s does", name, v)
			return
		}
	}
}

// localPrefix reports whether a source that begins so is a path of the context.
func localPrefix(s string) bool {
	if s == "" || strings.ContainsAny(s, ":@") {
		return false
	}
	for _, scheme := range []string{"https:", "http:", "git:", "git@", "ssh:"} {
		if strings.HasPrefix(scheme, s) {
			return false
		}
	}
	return true
}

func (a *adds) source(s string) {
	s = strings.Trim(s, `"'`)
	switch {
	case fetched(s) || tarName(s):
		a.leave = true
	case strings.ContainsAny(s, "*?["):
		a.pattern(s)
	case s == "" || strings.HasSuffix(s, "/") || strings.HasSuffix(s, "/.") || s == "." || s == "..":
	case a.in.Trigger() && plainName(s): // the context is another build's
	case a.in.Trigger():
		a.assume("%s is no tar archive", s)
	case a.p.Repo.IsDir(s):
	case a.p.Repo.Exists(s):
		if mayBeTar(a.p.Repo, s) {
			a.leave = true
		}
	case plainName(s):
	default:
		a.assume("%s is no tar archive", s)
	}
}

// pattern looks at a source with wildcards: at what it matches now, and at what
// its extension says about later.
func (a *adds) pattern(s string) {
	var matches []string
	if !a.in.Trigger() {
		matches = a.p.Repo.Glob(s)
	}
	for _, m := range matches {
		if !a.p.Repo.IsDir(m) && mayBeTar(a.p.Repo, m) {
			a.leave = true
			return
		}
	}
	base := path.Base(s)
	switch {
	case plainName(base) && !strings.ContainsAny(path.Ext(base), "*?["):
	case strings.Trim(base, "*") == "" && len(matches) == 0:
		a.unknown = s + " may match tar archives, which ADD unpacks"
	default:
		a.assume("nothing that %s matches is a tar archive", s)
	}
}

// fetched reports whether ADD gets the source from elsewhere: a URL, or git in
// the form user@host:path (BuildKit's dfgitutil.ParseGitRef).
func fetched(s string) bool {
	at, colon := strings.IndexByte(s, '@'), strings.IndexByte(s, ':')
	return strings.Contains(s, "://") || colon > at && at >= 0
}
