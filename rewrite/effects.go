package rewrite

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/repo"
)

// Effects are what an instruction reads and changes, as far as it can be known
// without running it. Transforms that move or merge instructions ask Commute
// instead of carrying rules of their own.
type Effects struct {
	// Unknown tells in words why the effects can't be known; "" when they are.
	// Such an instruction changes places with pure metadata only.
	Unknown string
	// Reads and Writes are absolute paths of the image; each stands for itself
	// and everything below it.
	Reads, Writes []string
	// Trees are exact writes: what the build context holds lands in the image.
	Trees []Tree
	// Context lists what is read from the build context, Stages what is read
	// from other stages or images.
	Context, Stages []string
	// Sets are variables that the instruction defines; Uses those it reads.
	// UsesAll stands for a RUN, which sees the whole environment.
	Sets, Uses []string
	UsesAll    bool
	// State holds the fields it changes for later build steps (WORKDIR, USER,
	// SHELL); Config those that only the finished image shows.
	State, Config ConfigFields
	// Network: it may fetch something.
	Network bool
	// Scripts: language packages are installed, whose own scripts run then.
	Scripts bool
	// Installs are the dependency installs among its commands.
	Installs []Install

	text      string   // of a RUN, heredocs included
	relative  bool     // a COPY destination that depends on WORKDIR
	shellForm bool     // a CMD or ENTRYPOINT that SHELL becomes part of
	programs  []string // where the programs of a RUN lie
	makes     []string // paths whose missing folders it makes, for owner
	owner     string
	workdir   string
	target    string // a COPY destination without a slash at its end
	folder    string // what a WORKDIR makes
}

// Effects works out the effects of an instruction of a stage. name is the
// Dockerfile's path in the context (for its own .dockerignore).
func (in *Instruction) Effects(rp *repo.Repo, name string) *Effects {
	e := &Effects{Context: in.ContextSources()}
	if in.Stage == nil || in.Keyword == "from" {
		e.Unknown = "it begins a stage"
		return e
	}
	st := in.Stage.At(in)
	defer func() { e.ground(st) }()
	e.owner = in.owner(st)
	switch cmd := in.Cmd.(type) {
	case *instructions.EnvCommand:
		for _, kv := range cmd.Env {
			e.Sets = append(e.Sets, kv.Key)
			if strings.Contains(kv.Key, "$") {
				e.Unknown = "the name of a variable is computed"
			}
		}
		e.Uses = variables(in.Args.Text)
		e.Config = FieldEnv
	case *instructions.ArgCommand:
		for _, a := range cmd.Args {
			e.Sets = append(e.Sets, a.Key)
		}
		e.Uses = variables(in.Args.Text)
	case *instructions.WorkdirCommand:
		e.State, e.Uses = FieldWorkdir, variables(in.Args.Text)
		p, ok := st.Abs(st.Expand(cmd.Path))
		if !ok {
			e.Unknown = "its path isn't known"
		}
		e.folder, e.makes = p, []string{p}
	case *instructions.UserCommand:
		e.State, e.Uses = FieldUser, variables(in.Args.Text)
	case *instructions.ShellCommand:
		e.State = FieldShell
	case *instructions.VolumeCommand:
		e.Unknown = "a VOLUME changes what later steps may write"
	case *instructions.CmdCommand, *instructions.EntrypointCommand:
		e.Config, e.shellForm = FieldCmd|FieldEntrypoint, !in.JSON
	case *instructions.ExposeCommand:
		e.Config, e.Uses = FieldExpose, variables(in.Args.Text)
	case *instructions.LabelCommand:
		e.Config, e.Uses = FieldLabels, variables(in.Args.Text)
	case *instructions.HealthCheckCommand:
		e.Config = FieldHealthcheck
	case *instructions.StopSignalCommand:
		e.Config, e.Uses = FieldStopSignal, variables(in.Args.Text)
	case *instructions.MaintainerCommand:
		e.Config = FieldMaintainer
	case *instructions.OnbuildCommand:
		e.Config = FieldOnBuild
	case *instructions.CopyCommand, *instructions.AddCommand:
		in.copyEffects(e, st, rp, name)
	case *instructions.RunCommand:
		in.runEffects(e, st, rp, name)
	default:
		e.Unknown = "drydock doesn't know " + strings.ToUpper(in.Keyword)
	}
	return e
}

func (in *Instruction) copyEffects(e *Effects, st State, rp *repo.Repo, name string) {
	e.Uses = variables(in.Text)
	for _, h := range in.Heredocs {
		e.Uses = append(e.Uses, variables(in.doc.Src[h.Body.Start:h.Body.End])...)
	}
	sources, dest, from, _ := in.Copy()
	e.relative = !strings.HasPrefix(st.Expand(dest), "/")
	if own, _ := in.Flag("chown"); !numeric(own) {
		e.Reads = append(e.Reads, accounts...)
	}
	if p, ok := st.Abs(st.Expand(dest)); ok {
		e.makes = []string{p}
		if !strings.HasSuffix(st.Expand(dest), "/") && len(sources)+len(in.Heredocs) < 2 {
			e.target = p
		}
	}
	if from != "" {
		e.Stages = []string{from}
		if p, ok := st.Abs(st.Expand(dest)); ok {
			e.Writes = []string{p}
			return
		}
		e.Unknown = "its destination isn't known"
		return
	}
	if len(in.Heredocs) > 0 {
		if p, ok := st.Abs(st.Expand(dest)); ok {
			e.Writes = []string{p}
			return
		}
	}
	trees, why := in.trees(st, rp, name)
	if why != "" {
		e.Unknown = why
		return
	}
	e.Trees = trees
	if !slices.ContainsFunc(trees, func(t Tree) bool { return !t.Dir || t.Unknown }) {
		e.target = "" // a folder's contents land in the destination, whether it is there or not
	}
}

// variables lists the names used as $NAME or ${NAME…} in a text.
func variables(s string) []string {
	var out []string
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 || i+1 >= len(s) {
			return out
		}
		s = strings.TrimPrefix(s[i+1:], "{")
		n := 0
		for n < len(s) && (s[n] == '_' || s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z' || n > 0 && s[n] >= '0' && s[n] <= '9') {
			n++
		}
		if n > 0 {
			out = append(out, s[:n])
		}
		s = s[n:]
	}
}

// Commuter answers whether two instructions may change places, over one build
// context.
type Commuter struct {
	Repo *repo.Repo
	Name string // the Dockerfile's path in the context
	// Settled are image paths that hold the same bytes whichever of the two
	// comes first, because another instruction before both brings them.
	Settled []string
	// Unseen are variables that a RUN doesn't see unless it names them: what it
	// runs reads no such thing from its environment.
	Unseen []string
}

// Commute reports whether a and b, neighbours in a stage, give the same image
// in either order; reason tells why not.
func (c Commuter) Commute(a, b *Effects) (ok bool, reason string) {
	pure := func(e *Effects) bool {
		return e.Unknown == "" && e.State == 0 && len(e.Sets) == 0 && !e.UsesAll && len(e.Writes) == 0 && len(e.Trees) == 0 && len(e.Reads) == 0 &&
			len(e.Context) == 0 && len(e.Stages) == 0
	}
	if x := shared(a.Sets, b.Sets); x != "" {
		return false, "both set " + x
	}
	for _, p := range [][2]*Effects{{a, b}, {b, a}} {
		if x := shared(p[0].Sets, p[1].Uses); x != "" {
			return false, "one uses " + x + ", which the other sets"
		}
		if p[1].UsesAll {
			for _, x := range p[0].Sets {
				if !slices.Contains(c.Unseen, x) || strings.Contains(p[1].text, x) {
					return false, "a RUN sees " + x
				}
			}
		}
	}
	if a.State&FieldShell != 0 && b.shellForm || b.State&FieldShell != 0 && a.shellForm {
		return false, "SHELL becomes part of the shell form of CMD and ENTRYPOINT"
	}
	if pure(a) || pure(b) {
		if pure(a) && pure(b) && a.Config&b.Config != 0 {
			return false, "both set " + (a.Config & b.Config).String()
		}
		return true, ""
	}
	for _, e := range []*Effects{a, b} {
		if e.Unknown != "" {
			return false, e.Unknown
		}
	}
	for _, p := range [][2]*Effects{{a, b}, {b, a}} {
		s, o := p[0], p[1]
		if s.State&(FieldUser|FieldShell|FieldWorkdir) != 0 && o.UsesAll {
			return false, "a RUN depends on " + s.State.String()
		}
		if s.State&FieldWorkdir != 0 && (o.relative || o.State&FieldWorkdir != 0) {
			return false, "a relative path depends on WORKDIR"
		}
		if s.State&FieldUser != 0 && o.folder != "" {
			return false, "the folder that WORKDIR makes belongs to the user"
		}
		if o.target != "" && slices.ContainsFunc(append([]string{s.folder}, s.Writes...), func(w string) bool { return w != "" && Inside(w, o.target) }) {
			return false, "where the copy lands depends on whether " + o.target + " is a folder already"
		}
	}
	if a.owner != b.owner {
		for _, x := range a.makes {
			for _, y := range b.makes {
				if d := together(x, y); !Stands(d, a.workdir) || !Stands(d, b.workdir) {
					return false, "who makes " + d + " first decides whom it belongs to"
				}
			}
		}
	}
	if a.State&b.State != 0 {
		return false, "both set " + (a.State & b.State).String()
	}
	for _, p := range [][2]*Effects{{a, b}, {b, a}} {
		if ok, why := c.apart(p[0], p[1]); !ok {
			return false, why
		}
	}
	return true, ""
}

// apart: nothing that w writes is read or written by o.
func (c Commuter) apart(w, o *Effects) (bool, string) {
	used := append(append([]string{}, o.Writes...), o.Reads...)
	if !w.UsesAll {
		used = append(used, o.programs...)
	}
	for _, x := range w.Writes {
		for i, y := range used {
			// Settled excuses reading only: what o writes there, w would write over.
			if (Inside(x, y) || Inside(y, x)) && (i < len(o.Writes) || !c.settled(y)) {
				return false, fmt.Sprintf("one writes %s, which the other uses", x)
			}
		}
	}
	for _, t := range w.Trees {
		for i, y := range used {
			if why := c.treeTouches(t, y); why != "" && (i < len(o.Writes) || !c.settled(y)) {
				return false, why
			}
		}
		for _, u := range o.Trees {
			if Inside(t.Dest, u.Dest) || Inside(u.Dest, t.Dest) {
				if !c.sameBytes(t, u) {
					return false, "both copy to " + t.Dest
				}
			}
		}
	}
	return true, ""
}

func (c Commuter) settled(p string) bool {
	for _, s := range c.Settled {
		if s == p {
			return true
		}
	}
	return false
}

// sameBytes: both trees bring the same context path to the same place, or one
// is a single file that the other doesn't hold.
func (c Commuter) sameBytes(t, u Tree) bool {
	if t.Dir {
		t, u = u, t
	}
	if t.Dir || t.Unknown || t.Dest != u.Dest && Inside(u.Dest, t.Dest) {
		return false // in the last case t.Dest may be a folder, and t lands in it
	}
	ctx, ok := u.ctxPath(t.Dest)
	return !ok || ctx == t.Ctx || !c.Repo.Exists(ctx) && !u.Unknown
}

// treeTouches tells why a copied tree may hold something at or below p.
func (c Commuter) treeTouches(t Tree, p string) string {
	for _, name := range links(p) {
		if why := c.treeTouchesName(t, name); why != "" {
			return why
		}
	}
	return ""
}

func (c Commuter) treeTouchesName(t Tree, p string) string {
	if t.Unknown && (Inside(p, t.Dest) || Inside(t.Dest, p)) {
		return t.Ctx + " isn't in the build context as it stands"
	}
	ctx, ok := t.ctxPath(p)
	if !ok {
		if Inside(t.Dest, p) || !t.Dir && Inside(p, t.Dest) { // a file may land in t.Dest, if that is a folder
			return fmt.Sprintf("the copy lands in %s", p)
		}
		return ""
	}
	if ctx == "." {
		return fmt.Sprintf("the copy lands in %s", p)
	}
	ig := c.Repo.Ignore(c.Name)
	if ig.ExcludesTree(ctx) || c.Repo.Exists(ctx) && !c.Repo.IsDir(ctx) && ig.Excluded(ctx) {
		return ""
	}
	switch {
	case !c.Repo.Known():
		return "the build context isn't known"
	case c.Repo.Exists(ctx):
		return fmt.Sprintf("the copy brings %s", ctx)
	case path.Dir(ctx) != "." && !c.Repo.Exists(path.Dir(ctx)):
		return "" // a folder that isn't there has nothing that git ignores
	case c.Repo.GitIgnored(ctx) || madeByTools(ctx):
		return fmt.Sprintf("the build context may hold %s, which .dockerignore doesn't leave out", ctx)
	}
	return ""
}

// volatile are directories that tools make in a work tree, so that a context
// which has none today may have one tomorrow.
var volatile = map[string]bool{"node_modules": true, "vendor": true, ".venv": true, "venv": true, "__pycache__": true, "target": true, ".yarn": true, ".pnpm-store": true,
	".pnp.cjs": true, ".pnp.loader.mjs": true, ".dart_tool": true, ".git": true, ".bundle": true, "obj": true, "deps": true, "_build": true, ".gradle": true, ".m2": true}

func madeByTools(ctx string) bool {
	for _, part := range strings.Split(ctx, "/") {
		if volatile[part] {
			return true
		}
	}
	return false
}

func shared(a, b []string) string {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return x
			}
		}
	}
	return ""
}
