// Package split is a stage on its way to two: a Split takes from a Recipe where each
// instruction goes, and lays out the build stage and the runtime stage. What all recipes ask
// is here too: what starts in the container and whether the runtime image can start it,
// which system packages it needs, whether it must be root.
package split

import (
	"path"
	"sort"
	"strings"

	"drydock/images"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

var words, lazily = rewrite.Words, rewrite.Lazily

// Role says in which stage an instruction ends up.
type Role int

const (
	InBuild   Role = iota // stays where it is
	InBoth                // stays, and the runtime stage repeats it
	InRuntime             // moves to the runtime stage
)

// Split is a single-stage file on its way to two stages. A recipe fills in the
// roles and what stands in the place of build steps; Finish writes the edits.
type Split struct {
	Pass     *rewrite.Pass
	Doc      *rewrite.Document
	Stage    *rewrite.Stage
	Ref      images.Ref
	Image    images.Image
	Builder  string                        // name of the build stage
	fetched  map[string]bool               // files that RUNs fetch for the system (sources.go)
	repeated map[*rewrite.Instruction]bool // RUNs that the runtime stage repeats whole
	keepName bool                          // the runtime stage takes over the stage's name
	exact    string                        // what the build stage's tag says more than now: "-trixie"

	Tools    func(ref string) bool           // images whose programs the build alone needs (Recipe.Tools)
	Reads    func(*rewrite.Instruction) bool // RUNs whose shell the recipe knows (Recipe.Reads)
	Refetch  bool                            // the runtime stage may repeat RUNs that fetch for the system (Recipe.Refetch)
	Base     string                          // reference of the runtime stage's base
	SameBase bool                            // the runtime stage stands on the image that the build stage stands on
	Quiet    bool                            // a decline isn't reported
	Roles    map[*rewrite.Instruction]Role
	Instead  map[*rewrite.Instruction][]string // lines of the runtime stage in an instruction's place
	Ahead    map[*rewrite.Instruction][]string // lines of the runtime stage above a repeated instruction
	Text     map[*rewrite.Instruction]string   // what the runtime stage says in an instruction's place
	First    []string                          // lines directly below the second FROM
	Tail     []string                          // lines at the end of the build stage
	Between  []string                          // lines of a stage between the two; none for no stage
	Edits    []rewrite.Edit                    // changes within the build stage
	Adds     []string
	Drops    []string

	Config     rewrite.ConfigFields          // fields of the image's configuration that change besides the base
	Gone       map[string]bool               // programs that the build stage alone has
	Launch     func(words []string) []string // what a command starts in the end, where a recipe rewrites it; may be nil
	BuildTools map[string]bool               // packages that build in this ecosystem and don't run
	Why, Gain  string
	Plan       []string // what goes where, and why: one sentence each
	Assumes    []string
	Apt        Packages

	again   map[*rewrite.Instruction]string // what the runtime stage repeats in other words
	called  map[string]bool                 // programs that something in the container may start; nil until asked
	BaseEnv string                          // an ENV that the runtime stage needs and its base hasn't
	Variant *Variant                        // of slim-base: what takes the place of the full image
	Kept    *Kept                           // of narrow-copy: the runtime stage is there already; nil else
	Reason  string                          // of the last decline, said or not
	Stays   string                          // what a reason for a decline begins with, "" for "one stage"
}

// Say replaces the text of an instruction that the runtime stage has alone. The
// comments above it stay.
func (s *Split) Say(in *rewrite.Instruction, text string) {
	s.Roles[in], s.Text[in] = InRuntime, text
}

// Finish lays out the two stages. The instructions behind the last build step
// stay where they are; the second FROM is put above them.
func (s *Split) Finish() (c rewrite.Change, ok bool) {
	s.leaveAgain()
	ins := s.Stage.Instructions
	cut := -1
	for i, in := range ins {
		if s.Roles[in] == InBuild && in.Keyword != "arg" || s.Instead[in] != nil {
			cut = i
		}
	}
	if cut < 0 {
		return c, false
	}
	s.spareFolders(cut)
	s.args(cut)
	s.equip()
	s.installRequired(cut)
	var lines []string
	var gone []rewrite.Span
	for _, in := range ins[:cut+1] {
		for _, l := range s.Ahead[in] {
			lines = append(lines, l+"\n")
		}
		switch s.Roles[in] {
		case InBoth:
			if text, ok := s.again[in]; ok {
				lines = append(lines, text)
				break
			}
			lines = append(lines, s.Doc.Lines(in.Span))
			s.Adds = append(s.Adds, cmdline.RunKeys(in)...)
		case InRuntime:
			lines = append(lines, s.attached(in))
			gone = append(gone, in.Attached())
		}
		for _, l := range s.Instead[in] {
			lines = append(lines, l+"\n")
		}
	}
	for _, in := range ins[cut+1:] {
		if text, ok := s.Text[in]; ok {
			if strings.HasSuffix(s.Doc.Src[:in.Span.End], "\n") {
				text += "\n"
			}
			s.Edits = append(s.Edits, rewrite.Edit{Span: in.Span, New: text})
		}
	}
	s.explainRest(cut)
	runtime := []string{s.from() + "\n"}
	if s.BaseEnv != "" {
		runtime = append(runtime, s.BaseEnv+"\n")
		s.Config |= rewrite.FieldEnv
	}
	for _, l := range s.First {
		runtime = append(runtime, l+"\n")
	}
	text := s.blocks(append([]string{s.Doc.Lines(ins[cut].Span)}, s.Tail...))[len(s.Doc.Lines(ins[cut].Span)):] + "\n" + s.third() + s.blocks(append(runtime, lines...))
	c = rewrite.Change{
		Title:   "build in one stage, run on " + s.Base,
		Why:     s.Why,
		Gain:    s.Gain,
		Plan:    s.Plan,
		Assumes: strings.Join(s.Assumes, "; "),
		Safety:  rewrite.Assumes,
		At:      s.Stage.From,
		Config:  rewrite.FieldBase | s.Config,
		Adds:    s.Adds,
		Drops:   s.Drops,
	}
	if !s.keepName {
		c.Demoted = s.Stage.Name
	}
	name, ok := s.nameEdit()
	if !ok {
		return c, s.Decline(s.Stage.From, "the FROM line is broken over several lines")
	}
	c.Edits = append(c.Edits, name)
	if f := s.Stage.From.Fields(); s.exact != "" && len(f) > 1 {
		sp, _ := s.Stage.From.WordSpan(f[0])
		c.Edits = append(c.Edits, rewrite.Edit{Span: rewrite.Span{Start: sp.End, End: sp.End}, New: s.exact})
	}
	c.Edits = append(c.Edits, s.Edits...)
	c.Edits = append(c.Edits, s.Doc.InsertAfter(ins[cut], text))
	c.Edits = append(c.Edits, s.Deletions(gone)...)
	return c, true
}

// third is the text of the stage between the two, "" without one.
func (s *Split) third() string {
	if len(s.Between) == 0 {
		return ""
	}
	return s.blocks(s.Between) + "\n"
}

// attached is the text of an instruction with the comments above it.
func (s *Split) attached(in *rewrite.Instruction) string {
	text, ok := s.Text[in]
	if !ok {
		return s.Doc.Lines(in.Attached())
	}
	return s.Doc.Lines(rewrite.Span{Start: in.Attached().Start, End: in.Span.Start}) + text + "\n"
}

// args repeats the ARGs that the runtime stage's instructions use.
func (s *Split) args(cut int) {
	used := map[string]bool{}
	note := func(text string) {
		for _, n := range cmdline.VariableNames(text) {
			used[n] = true
		}
	}
	ins := s.Stage.Instructions
	for i := len(ins) - 1; i >= 0; i-- {
		in := ins[i]
		if in.Keyword == "arg" {
			if i > cut {
				s.Roles[in] = InRuntime
				note(in.Args.Text)
				continue
			}
			for _, w := range in.Assignments() {
				n, _, _ := strings.Cut(w.Text, "=")
				if used[n] {
					s.Roles[in] = InBoth
					note(in.Args.Text)
				}
			}
			continue
		}
		if s.Roles[in] != InBuild {
			note(in.Args.Text)
			for _, f := range in.Flags {
				note(f.Text)
			}
			used["DEBIAN_FRONTEND"] = used["DEBIAN_FRONTEND"] || in.Keyword == "run"
		}
	}
}

// from is the FROM line of the runtime stage, flags as in the first one.
func (s *Split) from() string {
	words := []string{s.Keyword("FROM")}
	for _, f := range s.Stage.From.Flags {
		words = append(words, f.Text)
	}
	words = append(words, s.Base)
	if f := s.Stage.From.Fields(); s.keepName && len(f) == 3 {
		words = append(words, f[1].Text, f[2].Text)
	}
	return strings.Join(words, " ")
}

// nameEdit names the build stage.
func (s *Split) nameEdit() (rewrite.Edit, bool) {
	f := s.Stage.From.Fields()
	switch {
	case len(f) == 1:
		sp, ok := s.Stage.From.WordSpan(f[0])
		return rewrite.Edit{Span: rewrite.Span{Start: sp.End, End: sp.End}, New: s.exact + " " + rewrite.AsKeyword(s.Stage) + " " + s.Builder}, ok
	case s.keepName:
		sp, ok := s.Stage.From.WordSpan(f[2])
		return rewrite.Edit{Span: sp, New: s.Builder}, ok
	}
	sp, ok := s.Stage.From.WordSpan(f[2])
	return rewrite.Edit{Span: sp, New: f[2].Text}, ok
}

// Spelled chooses a tag for the build stage that names the same image and tells
// what a moving tag doesn't: the runtime stage must not be of another release or
// version when that tag moves on. says tells whether a tag does.
func (s *Split) Spelled(says func(images.Ref) bool) bool {
	if f := s.Stage.From.Fields(); strings.ContainsAny(f[0].Text, "$@") {
		return false
	}
	for _, ref := range images.Aliases(s.Ref) {
		if !says(ref) {
			continue
		}
		s.exact = strings.TrimPrefix(ref.Tag, s.Ref.Tag)
		s.Explain("the build stage says %s, which %s names today, so that both stages stay alike when that tag moves on", ref.String(), s.Stage.BaseName())
		s.Assumes = append(s.Assumes, ref.String()+" is the image that "+s.Stage.BaseName()+" names (docker-library/official-images, "+images.Date+")")
		s.Ref = ref
		return true
	}
	return false
}

// Workdir is the working directory in front of an instruction (nil: at the end),
// as the file writes it: /src/ is not /src to everything.
func (s *Split) Workdir(before *rewrite.Instruction) string {
	dir := s.Stage.At(before).Workdir
	for _, in := range s.Stage.Instructions {
		if before != nil && in.Index >= before.Index {
			break
		}
		if in.Keyword == "workdir" && path.Clean(in.Args.Text) == dir {
			dir = in.Args.Text
		}
	}
	return dir
}

// Keyword writes a keyword in the case that the file uses for FROM.
func (s *Split) Keyword(word string) string { return rewrite.KeywordLike(s.Stage.From, word) }

// CopyFrom is a COPY line from the build stage.
func (s *Split) CopyFrom(src, dest string) string {
	return s.Keyword("COPY") + " --from=" + s.Builder + " " + src + " " + dest
}

// Deletions removes moved instructions; where a blank line stood above and
// below them one of the two goes too.
func (s *Split) Deletions(gone []rewrite.Span) []rewrite.Edit {
	sort.Slice(gone, func(i, j int) bool { return gone[i].Start < gone[j].Start })
	var out []rewrite.Edit
	for i := 0; i < len(gone); i++ {
		sp := gone[i]
		for i+1 < len(gone) && strings.TrimSpace(s.Doc.Src[sp.End:gone[i+1].Start]) == "" {
			i++
			sp.End = gone[i].End
		}
		src := s.Doc.Src
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

// Transform chooses the slim variant of the same image for the runtime stage.
func (s *Split) SlimBase() bool {
	slim, why, ok := s.Pass.Images.Slim(s.Ref)
	if !ok {
		return s.Decline(s.Stage.From, "there is no slim variant of %s: %s", s.Stage.BaseName(), why)
	}
	f := s.Stage.From.Fields()
	s.Base = slim.String()
	if written := f[0].Text; strings.Contains(written, "$") {
		if s.Stage.BaseName()+"-slim" != slim.String() {
			return s.Decline(s.Stage.From, "the base is computed from a build argument")
		}
		s.Base = written + "-slim"
		s.Assumes = append(s.Assumes, "whatever the build arguments say, there is a "+s.Base)
	}
	return true
}

// Brings reports whether a COPY or ADD from the context puts something at the
// image path, exact about files and directories that it copies whole.
func Brings(trees []rewrite.Tree, abs string) bool {
	for _, t := range trees {
		if abs == t.Dest || t.Dir && rewrite.Inside(abs, t.Dest) {
			return true
		}
	}
	return false
}

// Covered reports whether a later COPY or ADD brings everything that trees
// bring, to the same places.
func (s *Split) Covered(in *rewrite.Instruction, trees []rewrite.Tree) bool {
	for _, t := range trees {
		found := false
		for later := in.Next(); later != nil && !found; later = later.Next() {
			if later.Keyword != "copy" && later.Keyword != "add" || s.flags(later) != s.flags(in) {
				continue
			}
			for _, u := range s.Pass.Effects(later).Trees {
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

func (s *Split) flags(in *rewrite.Instruction) string {
	var out []string
	for _, f := range in.Flags {
		out = append(out, f.Text)
	}
	return strings.Join(out, " ")
}
