package multistage

import (
	"cmp"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// The runtime stage of a compiled program: where it stands, and which files it
// gets.

const runtimePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// binary finds the output that a program name means, by PATH for a bare name.
// A folder that isn't in the runtime image's PATH gives way to /usr/local/bin.
func (b *binaries) binary(name string) (output, bool) {
	st := b.stage.At(nil)
	if strings.Contains(name, "/") {
		p, ok := st.Abs(name)
		for _, o := range b.outputs {
			if ok && o.path == p {
				return o, true
			}
		}
		return output{}, false
	}
	search, own := st.Env["PATH"], true
	if search == "" {
		search, own = b.img.EnvPath, false
	}
	if strings.Contains(search, "$") {
		search += ":/go/bin:/usr/local/go/bin:" + runtimePath
	}
	for _, dir := range strings.Split(search, ":") {
		for _, o := range b.outputs {
			if o.path != path.Join(dir, name) {
				continue
			}
			if !slices.Contains(strings.Split(runtimePath, ":"), dir) && !(own && strings.Contains(st.Env["PATH"], dir)) {
				b.binDirs[o.path] = "/usr/local/bin/" + name
			}
			return o, true
		}
	}
	return output{}, false
}

// place decides where COPY and ADD go: what lands in the module stays in the
// build stage, the rest is repeated.
func (b *binaries) place() bool {
	root := b.outputs[0].root
	for _, in := range b.stage.Instructions {
		switch in.Keyword {
		case "workdir":
			b.roles[in] = inBuild
		case "run":
			if in.Index > b.last.Index && !slices.Contains(b.repeats, in) {
				b.last = in
			}
		}
	}
	for _, in := range b.stage.Instructions {
		if in.Keyword != "copy" && in.Keyword != "add" || in.Index > b.last.Index {
			continue
		}
		eff := b.p.Effects(in)
		if eff.Unknown != "" {
			return b.decline(in, "what it brings isn't known: %s", eff.Unknown)
		}
		inside := len(eff.Trees) > 0
		for _, t := range eff.Trees {
			secret := strings.Contains(t.Dest, ".netrc") || strings.Contains(t.Dest, ".ssh") || strings.Contains(t.Dest, ".gitconfig")
			inside = inside && (rewrite.Inside(t.Dest, root) || rewrite.Inside(root, t.Dest) || secret || b.onlySource(t))
			for _, o := range b.outputs {
				inside = inside || rewrite.Inside(t.Dest, o.root)
			}
		}
		b.roles[in] = inBoth
		if inside {
			b.roles[in] = inBuild
		}
	}
	return true
}

// onlySource: what a COPY brings is source alone, such as a module that another
// one takes by its path.
func (b *binaries) onlySource(t rewrite.Tree) bool {
	if t.Unknown {
		return false
	}
	if b.p.Repo.IsDir(t.Ctx) {
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
func (b *binaries) imagePaths(ctx string) (out []string) {
	for _, in := range b.stage.Instructions {
		if in.Index > b.last.Index || b.roles[in] != inBuild || in.Keyword != "copy" && in.Keyword != "add" {
			continue
		}
		for _, t := range b.p.Effects(in).Trees {
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
func (b *binaries) named(word string) {
	st := b.stage.At(nil)
	for _, w := range strings.FieldsFunc(word, func(r rune) bool { return r == '=' || r == ',' || r == ':' }) {
		p, ok := st.Abs(w)
		if !ok || w == "" || w == "." || w == "/" || p == st.Workdir {
			continue
		}
		ctx, by := b.stage.Origin(nil, p, b.p.Repo, b.p.Name)
		if by != nil && ctx != "." && !(b.p.Repo.IsDir(ctx) && !b.holdsData(ctx, 0)) && by.Index <= b.last.Index && b.roles[by] == inBuild && !strings.HasSuffix(ctx, ".go") && p != b.outputs[0].root {
			b.need(p)
		}
	}
}

func (b *binaries) need(p string) {
	for _, o := range b.outputs {
		if o.path == p {
			return
		}
	}
	if !slices.Contains(b.copies, p) {
		b.copies = append(b.copies, p)
	}
}

// runtime writes the lines that only the runtime stage has.
func (b *binaries) runtime() {
	var later *rewrite.Instruction
	relative, between := false, false
	for _, in := range b.stage.Instructions {
		if in.Keyword == "workdir" && in.Index > b.last.Index {
			if later == nil {
				between = between || !strings.HasPrefix(in.Args.Text, "/")
			}
			later = in
			b.roles[in] = inRuntime
		}
		if later == nil && in.Index > b.last.Index {
			_, dest, _, copies := in.Copy()
			between = between || copies && !strings.HasPrefix(dest, "/")
		}
		if (in.Keyword == "copy" || in.Keyword == "add") && b.roles[in] == inBoth {
			_, dest, _, _ := in.Copy()
			relative = relative || !strings.HasPrefix(dest, "/")
		}
	}
	switch {
	case relative:
		for _, in := range b.stage.Instructions {
			if in.Keyword == "workdir" && in.Index <= b.last.Index {
				b.roles[in] = inBoth
			}
		}
	case later != nil && !between:
	case later != nil:
		b.enter(b.workdir(b.last))
	default:
		b.enter(b.workdir(nil))
	}
	slices.Sort(b.copies)
	var done []string
	for _, p := range b.copies {
		if !slices.ContainsFunc(done, func(d string) bool { return rewrite.Inside(p, d) }) {
			done = append(done, p)
			b.explain("%s is copied: the program, its arguments or ENV name it, or may", p)
			b.instead[b.last] = append(b.instead[b.last], b.copyFrom(p, p))
		}
	}
	seen := map[string]bool{}
	for _, o := range b.outputs {
		to := cmp.Or(b.binDirs[o.path], o.path)
		if !seen[o.path] {
			seen[o.path] = true
			b.explain("%s is copied: %s", o.path, b.origin(o))
			b.instead[b.last] = append(b.instead[b.last], b.copyFrom(o.path, to))
		}
	}
	if b.runAs != "" {
		b.instead[b.last] = append(b.instead[b.last], b.keyword("USER")+" "+b.runAs)
	}
}

// enter puts WORKDIR on top of the runtime stage. A repeated RUN that makes the
// same folder would fail behind it: mkdir without -p refuses what is there.
func (b *binaries) enter(dir string) {
	line := b.keyword("WORKDIR") + " " + dir
	var below *rewrite.Instruction
	for _, in := range b.repeats {
		if b.roles[in] != inBoth || in.Index > b.last.Index {
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
				case rewrite.Inside(path.Clean(dir), abs(st.Dir, a)):
					makes = true
				default:
					other = other || !b.copiesBelow(abs(st.Dir, a))
				}
			}
		}
		st := in.Stage.At(in)
		switch {
		case makes && !other && (st.User == "" || st.User == "root"):
			b.roles[in] = inBuild // WORKDIR and the COPYs make all of it
		case makes:
			below = in
		}
	}
	if below == nil {
		b.first = append(b.first, line)
		return
	}
	for in := below.Next(); in != nil; in = in.Next() {
		if b.roles[in] == inBoth || in == b.last {
			b.ahead[in] = append([]string{line}, b.ahead[in]...)
			return
		}
	}
}

// copiesBelow: the runtime stage copies something to a folder or below it.
func (b *binaries) copiesBelow(dir string) bool {
	return slices.ContainsFunc(b.copies, func(p string) bool { return rewrite.Inside(path.Dir(p), dir) || p == dir && b.isDir(b.last, p) }) ||
		slices.ContainsFunc(b.outputs, func(o output) bool { return rewrite.Inside(path.Dir(cmp.Or(b.binDirs[o.path], o.path)), dir) })
}

// allData takes every entry of a project's folder which holds something else
// than source and papers.
func (b *binaries) allData(dir string) {
	ig := b.p.Repo.Ignore(b.p.Name)
	for _, e := range b.p.Repo.ReadDir(dir) {
		name := path.Join(dir, e.Name())
		if b.noData().MatchString(e.Name()) || ig.Excluded(name) || ig.ExcludesTree(name) || e.IsDir() && !b.holdsData(name, 0) {
			continue
		}
		for _, p := range b.imagePaths(name) {
			b.need(p)
		}
	}
}

// holdsData: a file in the folder isn't source.
func (b *binaries) holdsData(dir string, depth int) bool {
	for _, e := range b.p.Repo.ReadDir(dir) {
		switch {
		case b.noData().MatchString(e.Name()):
		case !e.IsDir():
			return true
		case depth > 8 || b.holdsData(path.Join(dir, e.Name()), depth+1):
			return true
		}
	}
	return false
}

// namedInConfig takes what CMD, ENTRYPOINT, ENV and compose files name.
func (b *binaries) namedInConfig() {
	for _, in := range b.stage.Instructions {
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
				b.named(b.stage.At(in.Next()).Expand(kv.Value))
			}
		}
	}
	for _, s := range b.runs() {
		for _, w := range append(append([]string{}, s.Command...), s.Entrypoint...) {
			b.named(w)
		}
	}
}

// origin tells which line writes a program.
func (b *binaries) origin(o output) string {
	if o.in == b.ran {
		return "the build stage's last line writes it"
	}
	return "line " + lineOf(o.in) + " builds it"
}
