package transforms

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"drydock/rewrite"
)

// merge-run joins RUN instructions that follow each other, where that makes
// the image smaller or the layers fewer and changes nothing else.
var _ = register(&rewrite.Transform{
	Name:    "merge-run",
	Summary: "Join RUN instructions in a row into one layer",
	Phase:   rewrite.PhaseLayers,
	Rules:   []string{"DL3059"},
	Apart:   true,
	Policies: []rewrite.Policy{
		{Name: "worthwhile", Summary: "join where a later RUN deletes or changes what an earlier one wrote, an index update with its install, and set-up steps of one kind"},
		{Name: "all", Summary: "join every RUN in a row, save a build behind a dependency install"},
	},
	Doc: `Each RUN makes a layer. A file that a later RUN deletes stays in the earlier
layer and is shipped all the same; a package index fetched in a RUN of its own
is reused from the cache when it is long out of date
(https://docs.docker.com/build/building/best-practices/#run).

Joined are set-up steps in a row (system packages, downloads, accounts,
directories), an index update with its install, and any step with the clean-up
that follows it. The commands, their order and their failures stay the same;
comments between them stay as comment lines inside the instruction. What would
leak from one step into the next (cd, export, set, umask, a function, exit) and
lists with ";" or "||" are put into parentheses: a subshell keeps them apart as
two RUNs did (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_09_04).`,
	Declines: `Where joining could change what happens: different --mount,
--network or --security; exec form, heredocs and shells that aren't POSIX; background jobs, which
end with their RUN; scripts that rely on set -e, which doesn't act on the left
of &&; comments behind a command, or between the steps where they speak to a
tool. Dependency installs and builds keep their own RUN, so that a change of one doesn't run
the other again; so do installs of system packages that fetch the index themselves or have
removed it again; and stages that don't ship keep theirs for the cache.`,
	Run: runMergeRun,
})

func runMergeRun(ctx context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	var out []rewrite.Change
	m := merger{Pass: p}
	for _, s := range p.Shipping() {
		m.bare = 0
		for i := 0; i < len(s.Instructions); {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			group, next := m.group(s.Instructions, i)
			if len(group) > 1 {
				out = append(out, m.change(group))
			}
			i = next
		}
	}
	return out, nil
}

// merger is one pass of merge-run.
type merger struct {
	*rewrite.Pass
	bare int // before this index of the stage no clean-up follows
}

// group collects the RUNs from index i that belong into one; next is where to
// go on.
func (m *merger) group(ins []*rewrite.Instruction, i int) (group []*rewrite.Instruction, next int) {
	follows := func(k int) bool {
		return k < len(ins) && ins[k].Inner().Keyword == "run" && ins[k].Keyword == ins[i].Keyword
	}
	if !follows(i) || !follows(i+1) {
		return nil, i + 1
	}
	until := i
	if m.Policy != "all" {
		until = m.cleanedUp(ins, i)
	}
	if until > i {
		way := newChain(ins[i].Inner())
		for k := i + 1; k <= until; k++ { // what comes before is of no use without the clean-up
			if b := ins[k].Inner(); way.cannotJoin(b) != "" {
				until = i
			} else {
				way.add(b)
			}
		}
	}
	c := newChain(ins[i].Inner())
	for next = i + 1; follows(next); next++ {
		b := ins[next].Inner()
		if m.Policy == "all" {
			if kindOf(c.last()) == kindInstall && kindOf(b) == kindOther {
				break // a build keeps its own RUN
			}
		} else if next > until && !c.worthwhile(b) {
			break
		}
		if why := c.cannotJoin(b); why != "" {
			m.Decline(b, "not joined with the RUN above: %s", why)
			break
		}
		c.add(b)
	}
	return c.steps, next
}

// cannotJoin tells why b can't run in the same shell after the chain; "" when it can.
func (c *runChain) cannotJoin(b *rewrite.Instruction) string {
	a := c.last()
	flags := func(in *rewrite.Instruction) string {
		var f []string
		for _, w := range in.Flags {
			f = append(f, w.Text)
		}
		slices.Sort(f)
		return strings.Join(f, " ")
	}
	if flags(a) != flags(b) {
		return "their flags differ"
	}
	sa, why := a.Shell()
	if why != "" {
		return why
	}
	sb, why := b.Shell()
	if why != "" {
		return why
	}
	if sa.Heredoc() || sb.Heredoc() {
		return "it is a heredoc"
	}
	if _, why := sb.Joined(""); why != "" {
		return "it " + why
	}
	if _, why := sa.Joined(sb.Text); why != "" { // those before it were asked when it came
		return "the one above " + why
	}
	// A shell remembers where it found a command; a fresh one looks again.
	for _, x := range sb.Commands() {
		if c.replaced[x.Name] {
			return "an earlier one runs " + x.Name + " and may put another in its place"
		}
	}
	if strings.Contains(sb.Text, "$?") || strings.Contains(sb.Text, "$!") || strings.Contains(sb.Text, "$_") {
		return "it reads the status of the shell"
	}
	gap := a.Doc().Src[a.Span.End:b.Span.Start]
	for _, line := range strings.Split(gap, "\n") {
		l := strings.ToLower(strings.Trim(strings.TrimSpace(line), "# "))
		if strings.Contains(l, "[start") || strings.Contains(l, "[end") || strings.HasPrefix(l, "region") || strings.HasPrefix(l, "endregion") {
			return "a marker of a region stands between them"
		}
		if word, _, _ := strings.Cut(l, " "); commentedOut[word] && strings.HasPrefix(strings.TrimSpace(line), "#") {
			return "a commented-out instruction stands between them"
		}
		if strings.HasPrefix(l, "hadolint") || strings.HasPrefix(l, "drydock:") || strings.HasPrefix(l, "check=") {
			return "the comment between them speaks to a tool about one of them"
		}
	}
	return ""
}

// commentedOut are words that begin a comment which was an instruction once, or
// is meant to become one.
var commentedOut = words(`run copy add env arg from workdir user cmd entrypoint expose volume label`)

// change joins the group at its junctions and leaves every other byte.
func (m *merger) change(group []*rewrite.Instruction) rewrite.Change {
	first, d := group[0], m.Doc
	c := rewrite.Change{
		Title: fmt.Sprintf("join %d RUN instructions", len(group)),
		Why:   "each RUN is a layer of its own",
		Gain:  plural(len(group)-1, "layer") + " less",
		At:    first,
	}
	for _, in := range group[1:] {
		if kindOf(in) == kindClean {
			c.Why = "what a later RUN deletes or changes stays in the layer of the earlier one and ships all the same"
		}
	}
	if updatesIndex(first) {
		c.Why = "a package index fetched in a RUN of its own comes from the cache when it is long out of date"
	}
	if first.Trigger() {
		c.Config = rewrite.FieldOnBuild
	}
	style := joints{doc: d}
	lines := slices.IndexFunc(group, func(in *rewrite.Instruction) bool { return in.EndLine > in.Line })
	style.model = group[max(lines, 0)]
	style.indent, style.leading = d.RunStyle(style.model)
	subshell := make([]bool, len(group))
	for i := len(group) - 1; i >= 0; i-- {
		s, _ := group[i].Shell()
		var reads func(string) bool
		if below := group[i+1:]; len(below) > 0 {
			reads = func(variable string) bool {
				return slices.ContainsFunc(below, func(in *rewrite.Instruction) bool { return readsVariable(in, variable) })
			}
		}
		subshell[i], _ = s.Tied(reads)
	}
	if subshell[0] {
		at := first.SrcPos(first.Args.Start)
		c.Edits = append(c.Edits, rewrite.Edit{Span: rewrite.Span{Start: at, End: at}, New: opening(first)})
	}
	for i, b := range group[1:] {
		c.Edits = append(c.Edits, style.between(group[i], b, subshell[i], subshell[i+1]))
	}
	if n := len(group) - 1; subshell[n] {
		end := group[n].SrcPos(group[n].Args.End-1) + 1
		c.Edits = append(c.Edits, rewrite.Edit{Span: rewrite.Span{Start: end, End: end}, New: ")"})
	}
	return c
}

// readsVariable tells whether a RUN's script may read a variable of the shell.
func readsVariable(in *rewrite.Instruction, name string) bool {
	return strings.Contains(in.Args.Text, "$"+name) || strings.Contains(in.Args.Text, "${"+name)
}

// opening is the parenthesis in front of a script; "((" would be arithmetic.
func opening(in *rewrite.Instruction) string {
	if strings.HasPrefix(in.Args.Text, "(") {
		return "( "
	}
	return "("
}

// joints are how links of a chain are tied in a file.
type joints struct {
	doc     *rewrite.Document
	model   *rewrite.Instruction // whose way to write them it is
	indent  string
	leading bool // && stands at the beginning of a line
}

// between replaces everything between the script of a and the script of b; a
// or b may stand in a subshell.
func (j joints) between(a, b *rewrite.Instruction, closes, opens bool) rewrite.Edit {
	from, to := a.SrcPos(a.Args.End-1)+1, b.SrcPos(b.Args.Start)
	esc := string(j.doc.Escape)
	var text strings.Builder
	if closes {
		text.WriteString(")")
	}
	if j.leading {
		text.WriteString(" " + esc + "\n")
	} else {
		text.WriteString(" " + j.model.AndBreak())
	}
	gap := strings.ReplaceAll(j.doc.Src[from:to], "\r\n", "\n")
	for _, l := range strings.Split(gap, "\n") {
		if t := strings.TrimSpace(l); strings.HasPrefix(t, "#") {
			text.WriteString(j.indent + t + "\n")
		}
	}
	text.WriteString(j.indent)
	if j.leading {
		text.WriteString("&& ")
	}
	if opens {
		text.WriteString(opening(b))
	}
	return rewrite.Edit{Span: rewrite.Span{Start: from, End: to}, New: text.String()}
}

func updatesIndex(in *rewrite.Instruction) bool {
	s, why := in.Shell()
	if why != "" {
		return false
	}
	cmds := s.Commands()
	for _, c := range cmds {
		if !slices.Contains(c.Args, "update") {
			return false
		}
	}
	return len(cmds) > 0
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
