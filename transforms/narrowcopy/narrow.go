package narrowcopy

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

// NarrowCopy is narrow-copy, which package transforms registers: a last stage that
// copies the whole folder of the build, of which the program needs a few files.
//
// What it needs the recipes of multi-stage know. They are asked about the file as if it
// had one stage (narrowModel): the build's instructions, then those of the last stage that
// say what starts. Whatever they would copy to a runtime stage, and nothing else, is
// copied in the place of the folder.
func NarrowCopy() *rewrite.Transform {
	return &rewrite.Transform{
		Name:      "narrow-copy",
		Summary:   "Copy from the build stage what the program needs, not its whole folder",
		Phase:     rewrite.PhaseStages,
		AllAssume: true,
		Doc: `A last stage that takes the whole folder of the build has the source in it, and what
the compiler wrote on the way: for Rust's target or Maven's target often hundreds of
megabytes. The program, and the files that it reads, are enough
(https://docs.docker.com/build/building/multi-stage/).

What a program needs is what multi-stage would copy for it: what the build writes and the
start command names, the files that its source, its arguments, ENV and the scripts that
start it name. It knows Go, Rust, C and C++, Java and .NET. The files go to the places where they
were.`,
		Assumes: `The program reads no files but those that its source, its command line and its settings
name, and nobody uses the source in the container.`,
		Declines: `Where what starts isn't known, or reads computed paths in a tree of generated files; where a
later step, a compose file, a Kubernetes manifest or a script uses another file of the
folder; where people work in the container; where the folder is laid over files that are there
already; for folders of the system, and for languages whose programs are their source.`,
		Run: runNarrowCopy,
	}
}

func runNarrowCopy(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	d := p.Doc
	if len(d.Stages) < 2 || d.Escape != '\\' || !p.Repo.Known() {
		return nil, nil
	}
	var out []rewrite.Change
	final := d.Final()
	for _, in := range final.Instructions {
		n := &narrow{p: p, final: final, copy: in}
		if !n.candidate() {
			continue
		}
		if c, ok := n.change(); ok {
			out = append(out, c)
		} else if n.reason != "" {
			p.Decline(in, "%s", n.reason)
		}
	}
	return out, nil
}

// narrow is a COPY of a folder of the build stage.
type narrow struct {
	p      *rewrite.Pass
	final  *rewrite.Stage
	build  *rewrite.Stage
	copy   *rewrite.Instruction
	from   string // the folder in the build stage
	to     string // and in the last one
	whole  bool   // it holds whole folders of the build context
	reason string // why it stays

	model  *split.Split // the two stages as one
	keep   []string     // paths of the build stage below from, in the order of their COPYs
	whys   map[string]string
	left   int      // files of the build context that stay behind
	tops   []string // the entries of the folder that they lie in
	litter string   // a folder of what the build wrote on the way
}

// stays says why the folder is copied whole; it returns false.
func (n *narrow) stays(format string, args ...any) bool {
	n.reason = "the whole of " + n.from + " stays: " + fmt.Sprintf(format, args...)
	return false
}

// candidate: a COPY of one folder of a stage that builds.
func (n *narrow) candidate() bool {
	sources, dest, from, _ := n.copy.Copy()
	if n.copy.Keyword != "copy" || from == "" || len(sources) != 1 || len(n.copy.Heredocs) > 0 {
		return false
	}
	if n.build = n.p.Doc.StageByRef(from, n.final.Index); n.build == nil || len(n.build.Instructions) == 0 {
		return false
	}
	for _, f := range n.copy.Flags {
		if name, _, _ := strings.Cut(f.Text, "="); name != "--from" && name != "--chown" && name != "--chmod" && name != "--link" {
			return false
		}
	}
	st := n.copy.State()
	src := st.Expand(sources[0])
	to, known := st.Abs(st.Expand(dest))
	if !known || strings.ContainsAny(src+dest, "$*?[\\\"' ") {
		return false
	}
	n.from, n.to = path.Join("/", src), to
	return !cmdline.SystemDir(n.from) && !cmdline.SystemDir(n.to) && n.holdsSource()
}

// change lays out the narrower copies.
func (n *narrow) change() (c rewrite.Change, ok bool) {
	recipe, ok := n.modelled()
	if !ok {
		return c, false
	}
	s := n.model
	if !s.Prepare() || !recipe.Split(s) {
		if s.Reason != "" && (n.whole || builtFolders[path.Base(n.from)]) {
			n.stays("%s", s.Reason)
		}
		return c, false
	}
	if !n.needs() || !n.leaves() || !n.owners() || !n.overlaid() || !n.steps() || !n.outside() {
		return c, false
	}
	if len(n.keep) > 8 {
		return c, n.stays("the program may read %d files and folders of it, too many to list", len(n.keep)-1)
	}
	if _, known := n.final.Image(); !known && n.final.BaseName() != "scratch" {
		s.Assumes = append(s.Assumes, n.final.BaseName()+" holds nothing at "+n.to)
	}
	lines, narrowed := n.lines()
	end := "\n"
	if !strings.HasSuffix(n.p.Doc.Src[:n.copy.Span.End], "\n") {
		end = ""
	}
	var plan []string
	for _, k := range n.keep {
		plan = append(plan, k+" is copied: "+cmp.Or(n.whys[k], "the program, its arguments or ENV name it, or may"))
	}
	plan = append(plan, n.behind())
	return rewrite.Change{
		Title:   "copy what the program needs of " + n.from,
		Why:     "the last stage takes the folder of the build as a whole: the source, and what the compiler wrote on the way",
		Gain:    n.gain(),
		Plan:    plan,
		Safety:  rewrite.Assumes,
		Assumes: strings.Join(append(slices.Clone(s.Assumes), "nobody uses the source in the container"), "; "),
		At:      n.copy,
		Narrows: []rewrite.Narrowed{narrowed},
		Edits:   []rewrite.Edit{{Span: n.copy.Span, New: strings.Join(lines, "\n") + end}},
	}, true
}

// lines are the COPYs in the place of the one, with its flags, and the destination
// written as it is there.
func (n *narrow) lines() (lines []string, narrowed rewrite.Narrowed) {
	_, dest, _, _ := n.copy.Copy()
	var flags string
	for _, f := range n.copy.Flags {
		flags += " " + f.Text
	}
	base := strings.TrimSuffix(dest, "/")
	narrowed = rewrite.Narrowed{Src: n.from, Dest: n.to}
	for _, k := range n.keep {
		rel := strings.TrimPrefix(k[len(n.from):], "/")
		narrowed.Kept = append(narrowed.Kept, rel)
		lines = append(lines, rewrite.KeywordLike(n.copy, "COPY")+flags+" "+k+" "+base+"/"+rel)
	}
	return lines, narrowed
}

// holdsSource: the build stage copies folders of the context into it (whole), or it is one of
// those, or one that a compiler fills.
func (n *narrow) holdsSource() bool {
	for _, in := range n.build.Instructions {
		n.whole = n.whole || slices.ContainsFunc(n.p.Effects(in).Trees, func(t rewrite.Tree) bool { return t.Dir && rewrite.Inside(t.Dest, n.from) })
	}
	if base := path.Base(n.from); n.whole || builtFolders[base] || base == "release" || base == "debug" {
		return true
	}
	ctx, by := n.build.Origin(nil, n.from, n.p.Repo, n.p.Name)
	return by != nil && n.p.Repo.IsDir(ctx)
}

// needs collects what the recipe would copy out of the folder.
func (n *narrow) needs() bool {
	s := n.model
	if s.Config != 0 && len(s.Text) > 0 {
		return n.stays("what starts builds when the container starts")
	}
	cut := n.build.Instructions[len(n.build.Instructions)-1].EndLine
	var paths []string
	take := func(lines []string) bool {
		for _, l := range lines {
			f := strings.Fields(l)
			switch {
			case len(f) > 3 && strings.EqualFold(f[0], "COPY") && f[1] == "--from="+s.Builder:
				if f = slices.DeleteFunc(f[2:], func(w string) bool { return strings.HasPrefix(w, "--") }); len(f) != 2 {
					return n.stays("the name of a file that the program needs holds blanks")
				}
				paths = append(paths, f[0])
			case len(f) > 0 && strings.EqualFold(f[0], "RUN"):
				return n.stays("the build makes folders or accounts that the program may use")
			}
		}
		return true
	}
	for _, in := range s.Stage.Instructions {
		if in.Line <= cut && (in.Keyword == "copy" || in.Keyword == "add") && s.Roles[in] == split.InBoth {
			e := s.Pass.Effects(in)
			for _, t := range e.Trees {
				paths = append(paths, t.Dest)
			}
			if len(e.Trees) == 0 {
				paths = append(paths, e.Writes...)
			}
		}
		if !take(s.Ahead[in]) || !take(s.Instead[in]) {
			return false
		}
	}
	paths = append(paths, s.Kept.Made...)
	n.whys = map[string]string{}
	for _, l := range s.Plan {
		if p, why, ok := strings.Cut(l, " is copied: "); ok {
			n.whys[p] = why
		}
	}
	paths = append(paths, n.scriptFiles()...)
	program := false
	for _, p := range paths {
		if strings.ContainsAny(p, " \t\"'`$\\*?[;&|()<>#") && rewrite.Inside(p, n.from) {
			return n.stays("the name of %s, which the program needs, would need quotes", p)
		}
		if rewrite.Inside(n.from, p) {
			return false // all of it
		}
		if !rewrite.Inside(p, n.from) || n.kept(p) {
			continue
		}
		n.keep = append(slices.DeleteFunc(n.keep, func(k string) bool { return rewrite.Inside(k, p) }), p)
		_, by := s.Stage.Origin(nil, p, s.Pass.Repo, s.Pass.Name)
		program = program || by == nil
	}
	if !program && n.whole {
		return n.stays("none of the programs lies in it, so it is there for its files")
	}
	return program
}

// kept: a path is copied.
func (n *narrow) kept(p string) bool {
	return slices.ContainsFunc(n.keep, func(k string) bool { return rewrite.Inside(p, k) })
}

// builtFolders are where compilers write, and much more than what is started.
var builtFolders = words(`target build obj`)

// leaves counts what stays behind. Where that is nothing the folder is right as it is.
func (n *narrow) leaves() bool {
	s := n.model
	files, _ := s.Pass.Repo.Files()
	seen := map[string]bool{}
	for _, in := range s.Stage.Instructions {
		if in.Line > n.build.Instructions[len(n.build.Instructions)-1].EndLine || in.Keyword != "copy" && in.Keyword != "add" {
			continue
		}
		brought, _ := in.Brings(files, s.Pass.Repo, s.Pass.Name)
		for _, b := range brought {
			if !rewrite.Inside(b.Dest, n.from) || n.kept(b.Dest) || seen[b.Dest] {
				continue
			}
			seen[b.Dest] = true
			top, _, _ := strings.Cut(strings.TrimPrefix(b.Dest[len(n.from):], "/"), "/")
			if !slices.Contains(n.tops, top) {
				n.tops = append(n.tops, top)
			}
		}
	}
	n.left = len(seen)
	slices.Sort(n.tops)
	for _, k := range n.keep {
		if _, by := s.Stage.Origin(nil, k, s.Pass.Repo, s.Pass.Name); by != nil {
			continue
		}
		for dir := path.Dir(k); dir != "/" && n.litter == ""; dir = path.Dir(dir) {
			cargo := path.Base(n.from) == "release" || path.Base(n.from) == "debug" // whose folders hold libraries, too
			if s.Kept.Writes && builtFolders[path.Base(dir)] && (rewrite.Inside(dir, n.from) || cargo && n.from == path.Join(dir, path.Base(n.from))) {
				n.litter = dir
			}
		}
	}
	return n.left > 0 || n.litter != ""
}

// behind tells what stays behind.
func (n *narrow) behind() string {
	var what []string
	if n.left > 0 {
		word := "files"
		if n.left == 1 {
			word = "file"
		}
		names := n.tops
		more := ""
		if len(names) > 6 {
			more = fmt.Sprintf(" and %d more", len(names)-5)
			names = names[:5]
		}
		what = append(what, fmt.Sprintf("%d %s of the build context (%s%s), which the program doesn't read", n.left, word, strings.Join(names, ", "), more))
	}
	if n.litter != "" {
		what = append(what, "what the build wrote to "+n.litter+" on the way")
	}
	return "of " + n.from + " the build stage keeps " + strings.Join(what, ", and ")
}

// gain is what the image loses.
func (n *narrow) gain() string {
	if n.litter != "" {
		return "what the compiler wrote on the way stays behind, often more than the program itself"
	}
	return "the source stays behind"
}
