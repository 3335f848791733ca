package distroless

import (
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/compiled"
	"drydock/transforms/multistage/split"
)

// A stage that starts programs which other stages compile: what they link, and
// what they start and read.

// compiled settles which image the programs need that the stage starts.
func (b *bare) compiled() bool {
	known := map[string]bool{}
	any := false
	for _, in := range b.Stage.Instructions {
		line, shell := cmdline.StartLine(in)
		switch {
		case len(line) == 0:
			continue
		case shell:
			return b.Decline(in, "%s is in shell form", strings.ToUpper(in.Keyword))
		case in.Keyword == "cmd" && b.HasEntrypoint():
			continue // arguments
		}
		any = any || in.Keyword != "healthcheck"
		if known[line[0]] {
			continue
		}
		known[line[0]] = true
		if why := b.compiledProgram(in, line[0]); why != "" {
			return b.Decline(in, "%s", why)
		}
	}
	if !any {
		return b.Decline(b.Stage.From, "no CMD or ENTRYPOINT says what runs")
	}
	if why := b.NeedsShell(b.starts); why != "" {
		return b.Decline(b.Stage.From, "%s", why)
	}
	b.beginAtRoot()
	return true
}

// starts: a command begins with one of the programs.
func (b *bare) starts(words []string) bool {
	return slices.ContainsFunc(b.program, func(c split.Command) bool { return c.Args[0] == words[0] })
}

// beginAtRoot sets the working directory of the old image where the stage
// depends on it: distroless' nonroot images begin in /home/nonroot.
func (b *bare) beginAtRoot() {
	for _, in := range b.Stage.Instructions {
		if in.Keyword == "workdir" && strings.HasPrefix(in.Stage.At(in).Expand(in.Args.Text), "/") {
			return
		}
		if _, dest, _, isCopy := in.Copy(); in.Keyword == "workdir" || isCopy && !strings.HasPrefix(dest, "/") {
			break
		}
	}
	dir := b.Image.Workdir
	if dir == "" {
		dir = "/"
	}
	if dir != "/" {
		b.Config |= rewrite.FieldWorkdir // the file says what the old base's configuration did
	}
	b.First = append(b.First, b.Keyword("WORKDIR")+" "+dir)
}

// compiledProgram finds the build of a program and tells why it needs more than
// a distroless image.
func (b *bare) compiledProgram(in *rewrite.Instruction, word string) string {
	what := strings.ToUpper(in.Keyword) + " starts " + word
	var stage *rewrite.Stage
	var src string
	for _, p := range b.places(word) {
		if s, at, _ := b.traced(b.Stage, p, nil); s != nil {
			stage, src = s, at
			break
		}
	}
	if stage == nil {
		for _, p := range b.places(word) {
			if ctx, by := b.Stage.Origin(nil, p, b.Pass.Repo, b.Pass.Name); by != nil && ctx != "" {
				if src, err := b.Pass.Repo.ReadFile(ctx); err == nil && strings.HasPrefix(string(src), "#!") {
					return what + ", a script (" + ctx + ")"
				}
				return what + ", which the context holds; what that links isn't known"
			}
		}
		return what + ", and no stage is known to build that"
	}
	build, why := b.buildOf(stage)
	if why != "" {
		return why
	}
	i := slices.IndexFunc(build.Outputs, func(o compiled.Output) bool { return o.Path == src })
	if i < 0 {
		if build.why != "" {
			return build.why
		}
		return what + ", which no build step of " + split.StageName(stage) + " is known to write"
	}
	b.program = append(b.program, split.Command{Args: []string{word}, From: in, Where: what})
	b.bins = &build.Binaries
	kind, why := build.judge(b, build.Outputs[i])
	if why != "" {
		return why
	}
	b.kinds = append(b.kinds, kind)
	if slices.Contains(b.brings, "ca-certificates") {
		b.needsCerts(stage)
	}
	return ""
}

// places are the paths at which a program may lie.
func (b *bare) places(word string) []string {
	st := b.Stage.At(nil)
	if strings.Contains(word, "/") {
		if p, ok := st.Abs(word); ok {
			return []string{p}
		}
		return nil
	}
	var out []string
	for _, dir := range strings.Split(strings.ReplaceAll(st.Env["PATH"], "$PATH", "")+":"+compiled.RuntimePath, ":") {
		if strings.HasPrefix(dir, "/") && !strings.Contains(dir, "$") {
			out = append(out, path.Join(dir, word))
		}
	}
	return out
}

// traced follows a path of the image through COPY --from to the stage that makes
// it, and to its path there; before is an instruction of the stage that comes later
// (nil: its end). The stage is nil where the path isn't known to come from one.
func (b *bare) traced(s *rewrite.Stage, at string, before *rewrite.Instruction) (stage *rewrite.Stage, src string, by *rewrite.Instruction) {
	for _, in := range s.Instructions {
		if in == before {
			break
		}
		sources, dest, from, ok := in.Copy()
		if !ok {
			continue
		}
		st := in.State()
		to, known := st.Abs(st.Expand(dest))
		if !known || !rewrite.Inside(at, to) {
			continue
		}
		o := s.Doc().StageByRef(from, s.Index)
		if from == "" || o == nil {
			if at == to {
				stage, by = nil, in // another file takes the place
			}
			continue
		}
		into := len(sources) > 1 || strings.HasSuffix(dest, "/")
		named := slices.IndexFunc(sources, func(w string) bool { return path.Base(st.Expand(w)) == path.Base(at) })
		switch {
		case at == to && !into:
			stage, src, by = o, path.Join("/", st.Expand(sources[0])), in
		case named >= 0 && path.Dir(at) == to: // a file into a folder
			stage, src, by = o, path.Join("/", st.Expand(sources[named])), in
		case at != to && len(sources) == 1: // what a folder holds
			stage, src, by = o, path.Join("/", st.Expand(sources[0]), strings.TrimPrefix(at, to)), in
		}
	}
	if stage == nil {
		return nil, "", nil
	}
	if o, deeper, _ := b.traced(stage, src, nil); o != nil {
		return o, deeper, by
	}
	return stage, src, by
}

// programBuild is what the RUNs of a stage compile.
type programBuild struct {
	compiled.Binaries
	why   string // of a build that isn't understood
	judge func(*bare, compiled.Output) (kindOf, string)
}

// buildOf reads the builds of a stage.
func (b *bare) buildOf(st *rewrite.Stage) (*programBuild, string) {
	root := st
	for root.Parent() != nil {
		root = root.Parent()
	}
	ref, err := images.ParseRef(root.BaseName())
	if err != nil {
		return nil, "what " + split.StageName(st) + " stands on isn't known"
	}
	s := split.New(b.Pass, st, ref)
	s.Quiet = true
	switch ref.Repository() {
	case "golang":
		return b.goBuild(s), ""
	case "rust", "rustlang/rust":
		return b.rustBuild(s)
	}
	return nil, "how " + split.StageName(st) + " builds its program isn't known, and so what that links"
}
