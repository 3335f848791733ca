package compiled

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

// The runtime stage of a compiled program: where it stands, and which files it
// gets.

// RuntimePath is the PATH of an image that sets none.
const RuntimePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// binary finds the output that a program name means, by PATH for a bare name.
// A folder that isn't in the runtime image's PATH gives way to /usr/local/bin.
func (b *Binaries) binary(name string) (Output, bool) {
	st := b.Stage.At(nil)
	if strings.Contains(name, "/") {
		p, ok := st.Abs(name)
		for _, o := range b.Outputs {
			if ok && o.Path == p {
				return o, true
			}
		}
		return Output{}, false
	}
	search, own := st.Env["PATH"], true
	if search == "" {
		search, own = b.Image.EnvPath, false
	}
	if strings.Contains(search, "$") {
		search += ":/go/bin:/usr/local/go/bin:" + RuntimePath
	}
	for _, dir := range strings.Split(search, ":") {
		for _, o := range b.Outputs {
			if o.Path != path.Join(dir, name) {
				continue
			}
			if !slices.Contains(strings.Split(RuntimePath, ":"), dir) && !(own && strings.Contains(st.Env["PATH"], dir)) {
				b.binDirs[o.Path] = "/usr/local/bin/" + name
			}
			return o, true
		}
	}
	return Output{}, false
}

// place decides where COPY and ADD go: what lands in the module stays in the
// build stage, the rest is repeated.
func (b *Binaries) place() bool {
	root := b.Outputs[0].root
	for _, in := range b.Stage.Instructions {
		switch in.Keyword {
		case "workdir":
			b.Roles[in] = split.InBuild
		case "run":
			if in.Index > b.Last.Index && !slices.Contains(b.repeats, in) {
				b.Last = in
			}
		}
	}
	for _, in := range b.Stage.Instructions {
		if in.Keyword != "copy" && in.Keyword != "add" || in.Index > b.Last.Index {
			continue
		}
		eff := b.Pass.Effects(in)
		if eff.Unknown != "" {
			return b.Decline(in, "what it brings isn't known: %s", eff.Unknown)
		}
		inside := len(eff.Trees) > 0
		for _, t := range eff.Trees {
			secret := strings.Contains(t.Dest, ".netrc") || strings.Contains(t.Dest, ".ssh") || strings.Contains(t.Dest, ".gitconfig")
			inside = inside && (rewrite.Inside(t.Dest, root) || rewrite.Inside(root, t.Dest) || secret || b.onlySource(t))
			for _, o := range b.Outputs {
				inside = inside || rewrite.Inside(t.Dest, o.root)
			}
		}
		b.Roles[in] = split.InBoth
		if inside {
			b.Roles[in] = split.InBuild
		}
	}
	return true
}

// onlySource: what a COPY brings is source alone, such as a module that another
// one takes by its path.
func (b *Binaries) onlySource(t rewrite.Tree) bool {
	if t.Unknown {
		return false
	}
	if b.Pass.Repo.IsDir(t.Ctx) {
		return !b.holdsData(t.Ctx, 0)
	}
	switch base := path.Base(t.Ctx); base {
	case "go.mod", "go.sum", "go.work", "go.work.sum", "Cargo.toml", "Cargo.lock", "rust-toolchain", "rust-toolchain.toml":
		return true
	default:
		return strings.HasSuffix(base, ".go") || strings.HasSuffix(base, ".rs")
	}
}

// imagePaths are the places of the image where a path of the context stands
// when the last build step is done.
func (b *Binaries) imagePaths(ctx string) (out []string) {
	for _, in := range b.Stage.Instructions {
		if in.Index > b.Last.Index || b.Roles[in] != split.InBuild || in.Keyword != "copy" && in.Keyword != "add" {
			continue
		}
		for _, t := range b.Pass.Effects(in).Trees {
			switch {
			case t.Dir && (t.Ctx == "." || rewrite.Inside(ctx, t.Ctx)):
				rel := ctx
				if t.Ctx != "." {
					rel = strings.TrimPrefix(ctx[len(t.Ctx):], "/")
				}
				out = append(out, path.Join(t.Dest, rel))
			case t.Ctx == ctx:
				out = append(out, t.Dest)
			case rewrite.Inside(t.Ctx, ctx): // a part of the folder
				out = append(out, t.Dest)
			}
		}
	}
	return out
}

// named takes a word that may be the path of a file of the project.
func (b *Binaries) named(word string) {
	st := b.Stage.At(nil)
	for _, w := range strings.FieldsFunc(word, func(r rune) bool { return r == '=' || r == ',' || r == ':' }) {
		p, ok := st.Abs(w)
		if !ok || w == "" || w == "." || w == "/" || p == st.Workdir {
			continue
		}
		ctx, by := b.Stage.Origin(nil, p, b.Pass.Repo, b.Pass.Name)
		if by != nil && ctx != "." && !(b.Pass.Repo.IsDir(ctx) && !b.holdsData(ctx, 0)) && by.Index <= b.Last.Index && b.Roles[by] == split.InBuild && !strings.HasSuffix(ctx, ".go") && p != b.Outputs[0].root {
			b.need(p)
		}
	}
}

func (b *Binaries) need(p string) {
	for _, o := range b.Outputs {
		if o.Path == p {
			return
		}
	}
	if !slices.Contains(b.copies, p) {
		b.copies = append(b.copies, p)
	}
}

// runtime writes the lines that only the runtime stage has.
func (b *Binaries) runtime() {
	var later *rewrite.Instruction
	relative, between := false, false
	for _, in := range b.Stage.Instructions {
		if in.Keyword == "workdir" && in.Index > b.Last.Index {
			if later == nil {
				between = between || !strings.HasPrefix(in.Args.Text, "/")
			}
			later = in
			b.Roles[in] = split.InRuntime
		}
		if later == nil && in.Index > b.Last.Index {
			_, dest, _, copies := in.Copy()
			between = between || copies && !strings.HasPrefix(dest, "/")
		}
		if (in.Keyword == "copy" || in.Keyword == "add") && b.Roles[in] == split.InBoth {
			_, dest, _, _ := in.Copy()
			relative = relative || !strings.HasPrefix(dest, "/")
		}
	}
	switch {
	case relative:
		for _, in := range b.Stage.Instructions {
			if in.Keyword == "workdir" && in.Index <= b.Last.Index {
				b.Roles[in] = split.InBoth
			}
		}
	case later != nil && !between:
	case later != nil:
		b.enter(b.Workdir(b.Last))
	default:
		b.enter(b.Workdir(nil))
	}
	slices.Sort(b.copies)
	var done []string
	for _, p := range b.copies {
		if !slices.ContainsFunc(done, func(d string) bool { return rewrite.Inside(p, d) }) {
			done = append(done, p)
			b.Explain("%s is copied: the program, its arguments or ENV name it, or may", p)
			b.Instead[b.Last] = append(b.Instead[b.Last], b.CopyFrom(p, p))
		}
	}
	seen := map[string]bool{}
	for _, o := range b.Outputs {
		to := cmp.Or(b.binDirs[o.Path], o.Path)
		if !seen[o.Path] {
			seen[o.Path] = true
			b.Explain("%s is copied: %s", o.Path, b.origin(o))
			b.Instead[b.Last] = append(b.Instead[b.Last], b.CopyFrom(o.Path, to))
		}
	}
	if b.runAs != "" {
		b.Instead[b.Last] = append(b.Instead[b.Last], b.Keyword("USER")+" "+b.runAs)
	}
}

// enter puts WORKDIR on top of the runtime stage. A repeated RUN that makes the
// same folder would fail behind it: mkdir without -p refuses what is there.
func (b *Binaries) enter(dir string) {
	line := b.Keyword("WORKDIR") + " " + dir
	if !slices.ContainsFunc(b.Stage.Instructions, func(in *rewrite.Instruction) bool { return in.Keyword == "workdir" }) {
		b.Config |= rewrite.FieldWorkdir // the file says what the old base's configuration did
	}
	var below *rewrite.Instruction
	for _, in := range b.repeats {
		if b.Roles[in] != split.InBoth || in.Index > b.Last.Index {
			continue
		}
		all, _ := in.Steps()
		other, makes := false, false
		for _, st := range all {
			other = other || st.Name != "mkdir" && !rewrite.Harmless(st.Name)
			for _, a := range st.Args[1:] {
				switch {
				case st.Name != "mkdir":
				case a == "-p" || a == "--parents":
				case strings.HasPrefix(a, "-"):
					other = true
				case rewrite.Inside(path.Clean(dir), cmdline.Abs(st.Dir, a)):
					makes = true
				default:
					other = other || !b.copiesBelow(cmdline.Abs(st.Dir, a))
				}
			}
		}
		st := in.Stage.At(in)
		switch {
		case makes && !other && (st.User == "" || st.User == "root"):
			b.Roles[in] = split.InBuild // WORKDIR and the COPYs make all of it
		case makes:
			below = in
		}
	}
	if below == nil {
		b.First = append(b.First, line)
		return
	}
	for in := below.Next(); in != nil; in = in.Next() {
		if b.Roles[in] == split.InBoth || in == b.Last {
			b.Ahead[in] = append([]string{line}, b.Ahead[in]...)
			return
		}
	}
}

// copiesBelow: the runtime stage copies something to a folder or below it.
func (b *Binaries) copiesBelow(dir string) bool {
	return slices.ContainsFunc(b.copies, func(p string) bool { return rewrite.Inside(path.Dir(p), dir) || p == dir && b.isDir(b.Last, p) }) ||
		slices.ContainsFunc(b.Outputs, func(o Output) bool { return rewrite.Inside(path.Dir(cmp.Or(b.binDirs[o.Path], o.Path)), dir) })
}

// allData takes every entry of a project's folder which holds something else
// than source and papers.
func (b *Binaries) allData(dir string) {
	ig := b.Pass.Repo.Ignore(b.Pass.Name)
	for _, e := range b.Pass.Repo.ReadDir(dir) {
		name := path.Join(dir, e.Name())
		if b.NoData().MatchString(e.Name()) || ig.Excluded(name) || ig.ExcludesTree(name) || e.IsDir() && !b.holdsData(name, 0) {
			continue
		}
		for _, p := range b.imagePaths(name) {
			b.need(p)
		}
	}
}

// holdsData: a file in the folder isn't source.
func (b *Binaries) holdsData(dir string, depth int) bool {
	for _, e := range b.Pass.Repo.ReadDir(dir) {
		switch {
		case b.NoData().MatchString(e.Name()):
		case !e.IsDir():
			return true
		case depth > 8 || b.holdsData(path.Join(dir, e.Name()), depth+1):
			return true
		}
	}
	return false
}

// namedInConfig takes what CMD, ENTRYPOINT, ENV and compose files name.
func (b *Binaries) namedInConfig() {
	for _, in := range b.Stage.Instructions {
		switch c := in.Cmd.(type) {
		case *instructions.CmdCommand:
			for _, w := range c.CmdLine {
				b.named(w)
			}
		case *instructions.EntrypointCommand:
			for _, w := range c.CmdLine {
				b.named(w)
			}
		case *instructions.EnvCommand:
			for _, kv := range c.Env {
				b.named(b.Stage.At(in.Next()).Expand(kv.Value))
			}
		}
	}
	for _, s := range b.Runs() {
		for _, w := range append(append([]string{}, s.Command...), s.Entrypoint...) {
			b.named(w)
		}
	}
}

// origin tells which line writes a program.
func (b *Binaries) origin(o Output) string {
	if o.In == b.ran {
		return "the build stage's last line writes it"
	}
	return "line " + cmdline.LineOf(o.In) + " builds it"
}

// keepers are files that keep an empty folder in a repository.
var keepers = words(`.gitkeep .keep .gitignore .placeholder`)

// emptyFolders copies folders that the project holds for what the program writes: they hold
// nothing but a file that keeps them in the repository.
func (b *Binaries) emptyFolders() {
	files, complete := b.Pass.Repo.Files()
	if !complete || b.KeepsRoot() == "" {
		return
	}
	ig := b.Pass.Repo.Ignore(b.Pass.Name)
	empty, full := map[string]bool{}, map[string]bool{}
	for _, f := range files {
		d := path.Dir(f)
		if keepers[path.Base(f)] && !ig.Excluded(f) {
			empty[d] = true
			continue
		}
		for ; d != "." && !full[d]; d = path.Dir(d) {
			full[d] = true
		}
	}
	for _, d := range slices.Sorted(maps.Keys(empty)) {
		if full[d] || d == "." {
			continue
		}
		for _, p := range b.imagePaths(d) {
			if !slices.ContainsFunc(b.Outputs, func(o Output) bool { return rewrite.Inside(o.Path, p) }) {
				b.need(p)
			}
		}
	}
}
