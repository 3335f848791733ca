package multistage

import (
	"path"
	"sort"
	"strings"

	"drydock/images"
	"drydock/rewrite"
)

// role says in which stage an instruction ends up.
type role int

const (
	inBuild   role = iota // stays where it is
	inBoth                // stays, and the runtime stage repeats it
	inRuntime             // moves to the runtime stage
)

// split is a single-stage file on its way to two stages. A recipe fills in the
// roles and what stands in the place of build steps; finish writes the edits.
type split struct {
	p        *rewrite.Pass
	doc      *rewrite.Document
	stage    *rewrite.Stage
	ref      images.Ref
	img      images.Image
	builder  string // name of the build stage
	keepName bool   // the runtime stage takes over the stage's name

	tools    func(ref string) bool // images whose programs the build alone needs (recipe.tools)
	base     string                // reference of the runtime stage's base
	sameBase bool                  // the runtime stage stands on the image that the build stage stands on
	quiet    bool                  // a decline isn't reported
	roles    map[*rewrite.Instruction]role
	instead  map[*rewrite.Instruction][]string // lines of the runtime stage in an instruction's place
	ahead    map[*rewrite.Instruction][]string // lines of the runtime stage above a repeated instruction
	text     map[*rewrite.Instruction]string   // what the runtime stage says in an instruction's place
	first    []string                          // lines directly below the second FROM
	tail     []string                          // lines at the end of the build stage
	between  []string                          // lines of a stage between the two; none for no stage
	edits    []rewrite.Edit                    // changes within the build stage
	adds     []string
	drops    []string

	config     rewrite.ConfigFields          // fields of the image's configuration that change besides the base
	gone       map[string]bool               // programs that the build stage alone has
	launch     func(words []string) []string // what a command starts in the end, where a recipe rewrites it; may be nil
	buildTools map[string]bool               // packages that build in this ecosystem and don't run
	why, gain  string
	plan       []string // what goes where, and why: one sentence each
	assumes    []string
	apt        systemPackages

	called  map[string]bool // programs that something in the container may start; nil until asked
	baseEnv string          // an ENV that the runtime stage needs and its base hasn't
	behind  string          // what the build stage's tag is given behind it, where FROM has no name
	variant *variant        // of slim-base: what takes the place of the full image
	reason  string          // of the last decline, said or not
	stays   string          // what a reason for a decline begins with, "" for "one stage"
}

// say replaces the text of an instruction that the runtime stage has alone. The
// comments above it stay.
func (s *split) say(in *rewrite.Instruction, text string) {
	s.roles[in], s.text[in] = inRuntime, text
}

// finish lays out the two stages. The instructions behind the last build step
// stay where they are; the second FROM is put above them.
func (s *split) finish() (c rewrite.Change, ok bool) {
	ins := s.stage.Instructions
	cut := -1
	for i, in := range ins {
		if s.roles[in] == inBuild && in.Keyword != "arg" || s.instead[in] != nil {
			cut = i
		}
	}
	if cut < 0 {
		return c, false
	}
	s.args(cut)
	var lines []string
	var gone []rewrite.Span
	for _, in := range ins[:cut+1] {
		for _, l := range s.ahead[in] {
			lines = append(lines, l+"\n")
		}
		switch s.roles[in] {
		case inBoth:
			lines = append(lines, s.doc.Lines(in.Span))
			s.adds = append(s.adds, runKeys(in)...)
		case inRuntime:
			lines = append(lines, s.attached(in))
			gone = append(gone, in.Attached())
		}
		for _, l := range s.instead[in] {
			lines = append(lines, l+"\n")
		}
	}
	for _, in := range ins[cut+1:] {
		if text, ok := s.text[in]; ok {
			if strings.HasSuffix(s.doc.Src[:in.Span.End], "\n") {
				text += "\n"
			}
			s.edits = append(s.edits, rewrite.Edit{Span: in.Span, New: text})
		}
	}
	s.installRequired()
	s.explainRest(cut)
	runtime := []string{s.from() + "\n"}
	if s.baseEnv != "" {
		runtime = append(runtime, s.baseEnv+"\n")
		s.config |= rewrite.FieldEnv
	}
	for _, l := range s.first {
		runtime = append(runtime, l+"\n")
	}
	text := s.blocks(append([]string{s.doc.Lines(ins[cut].Span)}, s.tail...))[len(s.doc.Lines(ins[cut].Span)):] + "\n" + s.third() + s.blocks(append(runtime, lines...))
	c = rewrite.Change{
		Title:   "build in one stage, run on " + s.base,
		Why:     s.why,
		Gain:    s.gain,
		Plan:    s.plan,
		Assumes: strings.Join(s.assumes, "; "),
		Safety:  rewrite.Assumes,
		At:      s.stage.From,
		Config:  rewrite.FieldBase | s.config,
		Adds:    s.adds,
		Drops:   s.drops,
	}
	if !s.keepName {
		c.Demoted = s.stage.Name
	}
	name, ok := s.nameEdit()
	if !ok {
		return c, s.decline(s.stage.From, "the FROM line is broken over several lines")
	}
	c.Edits = append(c.Edits, name)
	c.Edits = append(c.Edits, s.edits...)
	c.Edits = append(c.Edits, s.doc.InsertAfter(ins[cut], text))
	c.Edits = append(c.Edits, s.deletions(gone)...)
	return c, true
}

// third is the text of the stage between the two, "" without one.
func (s *split) third() string {
	if len(s.between) == 0 {
		return ""
	}
	return s.blocks(s.between) + "\n"
}

// attached is the text of an instruction with the comments above it.
func (s *split) attached(in *rewrite.Instruction) string {
	text, ok := s.text[in]
	if !ok {
		return s.doc.Lines(in.Attached())
	}
	return s.doc.Lines(rewrite.Span{Start: in.Attached().Start, End: in.Span.Start}) + text + "\n"
}

// args repeats the ARGs that the runtime stage's instructions use.
func (s *split) args(cut int) {
	used := map[string]bool{}
	note := func(text string) {
		for _, n := range variableNames(text) {
			used[n] = true
		}
	}
	ins := s.stage.Instructions
	for i := len(ins) - 1; i >= 0; i-- {
		in := ins[i]
		if in.Keyword == "arg" {
			if i > cut {
				s.roles[in] = inRuntime
				note(in.Args.Text)
				continue
			}
			for _, w := range in.Assignments() {
				n, _, _ := strings.Cut(w.Text, "=")
				if used[n] {
					s.roles[in] = inBoth
					note(in.Args.Text)
				}
			}
			continue
		}
		if s.roles[in] != inBuild {
			note(in.Args.Text)
			for _, f := range in.Flags {
				note(f.Text)
			}
			used["DEBIAN_FRONTEND"] = used["DEBIAN_FRONTEND"] || in.Keyword == "run"
		}
	}
}

// variableNames lists the names used as $NAME or ${NAME…}.
func variableNames(text string) []string {
	var out []string
	for _, part := range strings.Split(text, "$")[1:] {
		part = strings.TrimPrefix(part, "{")
		end := strings.IndexFunc(part, func(r rune) bool {
			return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		})
		if end < 0 {
			end = len(part)
		}
		out = append(out, part[:end])
	}
	return out
}

// from is the FROM line of the runtime stage, flags as in the first one.
func (s *split) from() string {
	words := []string{s.keyword("FROM")}
	for _, f := range s.stage.From.Flags {
		words = append(words, f.Text)
	}
	words = append(words, s.base)
	if f := s.stage.From.Fields(); s.keepName && len(f) == 3 {
		words = append(words, f[1].Text, f[2].Text)
	}
	return strings.Join(words, " ")
}

// nameEdit names the build stage.
func (s *split) nameEdit() (rewrite.Edit, bool) {
	f := s.stage.From.Fields()
	switch {
	case len(f) == 1:
		sp, ok := s.stage.From.WordSpan(f[0])
		return rewrite.Edit{Span: rewrite.Span{Start: sp.End, End: sp.End}, New: s.behind + " " + rewrite.AsKeyword(s.stage) + " " + s.builder}, ok
	case s.keepName:
		sp, ok := s.stage.From.WordSpan(f[2])
		return rewrite.Edit{Span: sp, New: s.builder}, ok
	}
	sp, ok := s.stage.From.WordSpan(f[2])
	return rewrite.Edit{Span: sp, New: f[2].Text}, ok
}

// workdir is the working directory in front of an instruction (nil: at the end),
// as the file writes it: /src/ is not /src to everything.
func (s *split) workdir(before *rewrite.Instruction) string {
	dir := s.stage.At(before).Workdir
	for _, in := range s.stage.Instructions {
		if before != nil && in.Index >= before.Index {
			break
		}
		if in.Keyword == "workdir" && path.Clean(in.Args.Text) == dir {
			dir = in.Args.Text
		}
	}
	return dir
}

// keyword writes a keyword in the case that the file uses for FROM.
func (s *split) keyword(word string) string { return rewrite.KeywordLike(s.stage.From, word) }

// copyFrom is a COPY line from the build stage.
func (s *split) copyFrom(src, dest string) string {
	return s.keyword("COPY") + " --from=" + s.builder + " " + src + " " + dest
}

// deletions removes moved instructions; where a blank line stood above and
// below them one of the two goes too.
func (s *split) deletions(gone []rewrite.Span) []rewrite.Edit {
	sort.Slice(gone, func(i, j int) bool { return gone[i].Start < gone[j].Start })
	var out []rewrite.Edit
	for i := 0; i < len(gone); i++ {
		sp := gone[i]
		for i+1 < len(gone) && strings.TrimSpace(s.doc.Src[sp.End:gone[i+1].Start]) == "" {
			i++
			sp.End = gone[i].End
		}
		src := s.doc.Src
		above := strings.TrimRight(src[:sp.Start], " \t\r")
		above = strings.TrimSuffix(above, "\n")
		above = strings.TrimRight(above, " \t\r")
		if above == "" || strings.HasSuffix(above, "\n") {
			if next := strings.IndexByte(src[sp.End:], '\n'); next >= 0 && strings.TrimSpace(src[sp.End:sp.End+next]) == "" {
				sp.End += next + 1
			}
		}
		out = append(out, rewrite.Edit{Span: sp})
	}
	return out
}

// runKeys are the commands of a RUN, as the gates count them.
func runKeys(in *rewrite.Instruction) []string {
	if in.Keyword != "run" {
		return nil
	}
	var out []string
	if sh, why := in.Shell(); why == "" {
		for _, c := range sh.Commands() {
			out = append(out, c.Key)
		}
	}
	return out
}

// slimBase chooses the slim variant of the same image for the runtime stage.
func (s *split) slimBase() bool {
	slim, why, ok := s.p.Images.Slim(s.ref)
	if !ok {
		return s.decline(s.stage.From, "there is no slim variant of %s: %s", s.stage.BaseName(), why)
	}
	f := s.stage.From.Fields()
	s.base = slim.String()
	if written := f[0].Text; strings.Contains(written, "$") {
		if s.stage.BaseName()+"-slim" != slim.String() {
			return s.decline(s.stage.From, "the base is computed from a build argument")
		}
		s.base = written + "-slim"
		s.assumes = append(s.assumes, "whatever the build arguments say, there is a "+s.base)
	}
	return true
}

// brings reports whether a COPY or ADD from the context puts something at the
// image path, exact about files and directories that it copies whole.
func brings(trees []rewrite.Tree, abs string) bool {
	for _, t := range trees {
		if abs == t.Dest || t.Dir && rewrite.Inside(abs, t.Dest) {
			return true
		}
	}
	return false
}

// covered reports whether a later COPY or ADD brings everything that trees
// bring, to the same places.
func (s *split) covered(in *rewrite.Instruction, trees []rewrite.Tree) bool {
	for _, t := range trees {
		found := false
		for later := in.Next(); later != nil && !found; later = later.Next() {
			if later.Keyword != "copy" && later.Keyword != "add" || s.flags(later) != s.flags(in) {
				continue
			}
			for _, u := range s.p.Effects(later).Trees {
				if u.Dir && rewrite.Inside(t.Dest, u.Dest) && path.Join(u.Ctx, strings.TrimPrefix(t.Dest[len(u.Dest):], "/")) == t.Ctx {
					found = true
				}
			}
		}
		if !found {
			return false
		}
	}
	return len(trees) > 0
}

func (s *split) flags(in *rewrite.Instruction) string {
	var out []string
	for _, f := range in.Flags {
		out = append(out, f.Text)
	}
	return strings.Join(out, " ")
}
