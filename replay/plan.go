package replay

import (
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/patternmatcher"

	"drydock/repo"
	"drydock/rewrite"
)

type digest [sha256.Size]byte

// plan is a Dockerfile as BuildKit builds it: the steps of the stages that the
// target needs, in the file's order.
type plan struct {
	stages []*stagePlan // by stage index; nil where the target doesn't need it
	steps  []*step
}

// stagePlan is the chain of one stage.
type stagePlan struct {
	stage  *rewrite.Stage
	parent *stagePlan // the stage it starts from; nil for an image
	base   digest     // of that image
	steps  []*step
}

// name is the stage's name, or its index.
func (sp *stagePlan) name() string {
	if sp.stage.Name != "" {
		return sp.stage.Name
	}
	return fmt.Sprint(sp.stage.Index)
}

// root is the stage at the start of the chain.
func (sp *stagePlan) root() *stagePlan {
	for sp.parent != nil {
		sp = sp.parent
	}
	return sp
}

// last is the step behind which the stage stands finished; nil when there is
// none but its image.
func (sp *stagePlan) last() *step {
	for ; sp != nil; sp = sp.parent {
		if n := len(sp.steps); n > 0 {
			return sp.steps[n-1]
		}
	}
	return nil
}

// step is an instruction that makes a layer.
type step struct {
	in      *rewrite.Instruction
	trigger bool // it runs because the stage's base has it behind ONBUILD
	at      *stagePlan
	fixed   digest // what is the same at each commit: text, flags, destination, environment
	inputs  []input
	linked  bool   // COPY --link: it doesn't build on the layers below
	changes string // why it counts as changed with each commit, "" when it doesn't

	chain digest // at the commit at hand: the key of the layers up to this one
}

// input is what a step reads besides the layers below it: files of the context,
// or what stands in another stage behind one of its steps.
type input struct {
	sources []*source
	direct  bool  // the step itself takes the sources: they must be there
	oneOf   bool  // one of them must be there, for another stage to have what the step takes
	after   *step // nil when sources tell
}

// planner compiles a Dockerfile over the context as it is today.
type planner struct {
	doc    *rewrite.Document
	repo   *repo.Repo
	name   string
	varies []string
	view   *view

	stages []*stagePlan // so far
}

// plan compiles the stages that target needs, "" for the last one.
func (c *planner) plan(target string) (*plan, error) {
	final := c.doc.Final()
	if target != "" {
		if final = c.doc.StageByRef(target, -1); final == nil {
			return nil, fmt.Errorf("no stage is called %q", target)
		}
	}
	need := map[*rewrite.Stage]bool{}
	c.needs(final, need)
	p := &plan{stages: make([]*stagePlan, len(c.doc.Stages))}
	c.stages = p.stages
	for i, s := range c.doc.Stages {
		if !need[s] {
			continue
		}
		// Two stages of one image share their first steps.
		sp := &stagePlan{stage: s, base: hash("image", s.BaseName(), s.From.Cmd.(*instructions.Stage).Platform)}
		if parent := s.Parent(); parent != nil {
			sp.parent = p.stages[parent.Index]
		}
		p.stages[i] = sp
		for _, in := range triggers(s) {
			sp.steps = append(sp.steps, c.step(sp, in, true)...)
		}
		for _, in := range s.Instructions {
			sp.steps = append(sp.steps, c.step(sp, in, false)...)
		}
		p.steps = append(p.steps, sp.steps...)
	}
	return p, nil
}

// needs marks a stage and all that it is made from (dockerfile2llb builds those
// alone).
func (c *planner) needs(s *rewrite.Stage, need map[*rewrite.Stage]bool) {
	if s == nil || need[s] {
		return
	}
	need[s] = true
	c.needs(s.Parent(), need)
	for _, in := range slices.Concat(triggers(s), s.Instructions) {
		if _, _, from, ok := in.Copy(); ok && from != "" {
			c.needs(c.doc.StageByRef(c.expand(in, from), s.Index), need)
		}
		if in.Keyword == "run" {
			for _, m := range in.Mounts() {
				c.needs(c.doc.StageByRef(c.expand(in, m["from"]), s.Index), need)
			}
		}
	}
}

// triggers are the instructions that the stage's base, an earlier stage, has
// behind ONBUILD.
func triggers(s *rewrite.Stage) []*rewrite.Instruction {
	var out []*rewrite.Instruction
	if p := s.Parent(); p != nil {
		for _, in := range p.Instructions {
			if in.Keyword == "onbuild" && in.Inner() != in {
				out = append(out, in.Inner())
			}
		}
	}
	return out
}

func (c *planner) expand(in *rewrite.Instruction, word string) string {
	if !strings.ContainsAny(word, "$\"'\\") {
		return word
	}
	return in.State().Expand(word)
}

// step compiles an instruction; nil where it makes no layer.
func (c *planner) step(sp *stagePlan, in *rewrite.Instruction, trigger bool) []*step {
	s, st := sp.stage, &step{in: in, trigger: trigger, at: sp}
	switch in.Keyword {
	case "workdir":
		dir := in.State().Expand(in.Cmd.(*instructions.WorkdirCommand).Path)
		if path.Join("/", in.State().Workdir, dir) == "/" || path.Clean(dir) == "/" {
			return nil // dispatchWorkdir: no layer
		}
		if path.IsAbs(dir) {
			st.fixed = hash("workdir", path.Clean(dir), in.State().User)
		} else {
			st.fixed = hash("workdir", in.State().Workdir, dir, in.State().User)
		}
	case "copy", "add":
		c.copied(s, in, st)
	case "run":
		c.ran(s, in, st)
	default:
		return nil
	}
	if v := c.varying(s, in); v != "" {
		st.changes = "the build argument " + v + " has another value at each commit"
	}
	return []*step{st}
}

// copied compiles a COPY or ADD (dispatchCopy, and ops/file.go CacheMap: what
// counts is the action with its destination, owner and mode, the layers below,
// and the contents of what is copied).
func (c *planner) copied(s *rewrite.Stage, in *rewrite.Instruction, st *step) {
	sources, dest, from, _ := in.Copy()
	state := in.State()
	dest = state.Expand(dest)
	parts := []string{in.Keyword, dest}
	if !strings.HasPrefix(dest, "/") {
		parts = append(parts, state.Workdir)
	}
	for _, f := range in.Flags {
		parts = append(parts, state.Expand(f.Text))
	}
	for _, h := range in.Heredocs {
		parts = append(parts, h.Name, in.Doc().Src[h.Body.Start:h.Body.End])
	}
	cmd, _ := in.Cmd.(*instructions.CopyCommand)
	var exclude []string
	parents := false
	if cmd != nil {
		st.linked, parents, exclude = cmd.Link && cmd.Chmod == "", cmd.Parents, cmd.ExcludePatterns
	} else if add, ok := in.Cmd.(*instructions.AddCommand); ok {
		st.linked, exclude = add.Link && add.Chmod == "", add.ExcludePatterns
	}
	var taken []*source
	for _, w := range sources {
		w = c.expand(in, w)
		parts = append(parts, w)
		if strings.Contains(w, "$") {
			st.changes = "its source " + w + " holds a variable without a value"
			continue
		}
		if in.Keyword == "add" && (strings.Contains(w, "://") || strings.HasPrefix(w, "git@")) {
			continue // what a URL gives is taken to stay the same
		}
		src := newSource(w)
		if parents {
			if err := src.withParents(w); err != nil {
				st.changes = "--parents: " + err.Error()
			}
		}
		if len(exclude) > 0 {
			m, err := patternmatcher.New(slices.Clone(exclude))
			if err != nil {
				st.changes = "--exclude: " + err.Error()
			}
			src.exclude = m
		}
		taken = append(taken, src)
	}
	st.fixed = hash(parts...)
	if from == "" {
		st.inputs = c.context(taken, true)
		return
	}
	st.inputs = c.stage(c.earlier(s, in, from), taken)
}

// ran compiles a RUN (dispatchRun, dispatchRunMounts, and ops/exec.go CacheMap:
// the arguments with the shell, the whole environment, the user and the folder;
// of a bind mount the contents of its source).
func (c *planner) ran(s *rewrite.Stage, in *rewrite.Instruction, st *step) {
	state := in.State()
	parts := []string{"run", in.Args.Text, fmt.Sprint(in.JSON), state.Workdir, state.User, fmt.Sprintf("%q", state.Shell)}
	for _, f := range in.Flags {
		parts = append(parts, state.Expand(f.Text))
	}
	for _, h := range in.Heredocs {
		parts = append(parts, h.Name, in.Doc().Src[h.Body.Start:h.Body.End])
	}
	for _, env := range []map[string]string{state.Env, state.Args} {
		for _, k := range slices.Sorted(maps.Keys(env)) {
			parts = append(parts, k+"="+env[k])
		}
		parts = append(parts, "")
	}
	st.fixed = hash(parts...)
	for _, m := range in.Mounts() {
		from := m["from"]
		src := []*source{newSource(c.expand(in, m["source"]))}
		switch {
		case m["type"] != "bind" && m["type"] != "cache", m["type"] == "cache" && from == "":
		case from == "":
			st.inputs = append(st.inputs, c.context(src, true)...)
		default:
			st.inputs = append(st.inputs, c.stage(c.earlier(s, in, from), src)...)
		}
	}
}

// context is the input that sources of the build context are.
func (c *planner) context(sources []*source, direct bool) []input {
	if len(sources) == 0 {
		return nil
	}
	for i, s := range sources {
		sources[i] = c.view.add(s)
	}
	return []input{{sources: sources, direct: direct}}
}

// earlier is the stage that a --from names; nil for an image.
func (c *planner) earlier(s *rewrite.Stage, in *rewrite.Instruction, from string) *stagePlan {
	if x := c.doc.StageByRef(c.expand(in, from), s.Index); x != nil {
		return c.stages[x.Index]
	}
	return nil
}

// stage is the input that paths of another stage are.
func (c *planner) stage(x *stagePlan, sources []*source) []input {
	if x == nil {
		return nil // an image, always the same
	}
	var out []input
	for _, s := range sources {
		p := s.spec
		for repo.Wild(p) { // its folder holds all that it may match
			p = path.Dir(p)
		}
		in := c.contents(x, path.Join("/", p))
		if len(in) > 0 && !slices.ContainsFunc(in, func(i input) bool { return i.after != nil }) {
			all := input{oneOf: !s.optional}
			for _, i := range in {
				all.sources = append(all.sources, i.sources...)
			}
			in = []input{all}
		}
		out = append(out, in...)
	}
	return out
}

// varying names an ARG in force that the caller says has another value at each
// commit, as far as the instruction sees it: a RUN sees all, the others what
// they name.
func (c *planner) varying(s *rewrite.Stage, in *rewrite.Instruction) string {
	for _, name := range c.varies {
		named := strings.Contains(in.Text, "$"+name) || strings.Contains(in.Text, "${"+name)
		if (in.Keyword == "run" || named) && declared(s, in, name) {
			return name
		}
	}
	return ""
}

// declared tells whether an ARG stands before the instruction, in its stage or
// one it is built from.
func declared(s *rewrite.Stage, until *rewrite.Instruction, name string) bool {
	for ; s != nil; s, until = s.Parent(), nil {
		for _, in := range s.Instructions {
			if in == until {
				break
			}
			if cmd, ok := in.Cmd.(*instructions.ArgCommand); ok {
				for _, a := range cmd.Args {
					if a.Key == name {
						return true
					}
				}
			}
		}
	}
	return false
}

func hash(parts ...string) digest {
	h := sha256.New()
	for _, p := range parts {
		_, _ = io.WriteString(h, p)
		_, _ = h.Write([]byte{0})
	}
	return digest(h.Sum(nil))
}
