package rewrite

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/repo"
)

// Copy gives sources, destination and --from of a COPY or ADD; ok is false for
// other instructions.
func (in *Instruction) Copy() (sources []string, dest, from string, ok bool) {
	switch c := in.Cmd.(type) {
	case *instructions.CopyCommand:
		return c.SourcePaths, c.DestPath, c.From, true
	case *instructions.AddCommand:
		return c.SourcePaths, c.DestPath, "", true
	}
	return nil, "", "", false
}

// ContextSources lists what the instruction takes from the build context, as
// clean context-relative paths ("." for all of it): COPY and ADD without
// --from, and bind mounts of the context. URLs, git sources and heredocs are
// not in it.
func (in *Instruction) ContextSources() []string {
	var out []string
	sources, _, from, ok := in.Copy()
	if ok && from == "" {
		for _, s := range sources {
			if !remote(s) || in.Keyword == "copy" {
				out = append(out, ContextPath(s))
			}
		}
	}
	for _, m := range in.Mounts() {
		if m["type"] == "bind" && m["from"] == "" {
			out = append(out, ContextPath(m["source"]))
		}
	}
	return out
}

// Mounts gives the key=value pairs of each --mount of a RUN; `src` is read as
// source and `dst` as target, and the type defaults to bind.
func (in *Instruction) Mounts() []map[string]string {
	var out []map[string]string
	for _, f := range in.Flags {
		v, ok := strings.CutPrefix(f.Text, "--mount=")
		if !ok {
			continue
		}
		m := map[string]string{"type": "bind"}
		for _, kv := range strings.Split(strings.Trim(v, `"'`), ",") {
			k, val, _ := strings.Cut(kv, "=")
			switch k = strings.ToLower(k); k {
			case "src":
				k = "source"
			case "dst", "destination":
				k = "target"
			}
			m[k] = val
		}
		out = append(out, m)
	}
	return out
}

func remote(s string) bool {
	return strings.Contains(s, "://") || strings.HasPrefix(s, "git@")
}

// ContextPath is a COPY source as a clean path of the build context, "." for all
// of it; it never leads out of the context (dispatchCopy of dockerfile2llb).
func ContextPath(s string) string {
	p := path.Clean("/" + s)[1:]
	if p == "" {
		return "."
	}
	return p
}

// Tree says that below (or at) Dest in the image stands what the build context
// holds below (or at) Ctx.
type Tree struct {
	Dest, Ctx string
	Dir       bool // Ctx is a directory whose contents land in Dest
	Unknown   bool // Ctx isn't in the context as far as we see, or doesn't surely land in Dest
}

// trees resolves a COPY or ADD from the context; why is set when its
// destination or sources can't be known.
func (in *Instruction) trees(st State, rp *repo.Repo, name string) (out []Tree, why string) {
	sources, dest, from, ok := in.Copy()
	if !ok || from != "" {
		return nil, "it doesn't copy from the build context"
	}
	full := st.Expand(dest)
	abs, ok := st.Abs(full)
	if !ok {
		return nil, "its destination isn't known"
	}
	if in.picks() {
		return nil, "--parents or --exclude changes what it copies"
	}
	intoDir := strings.HasSuffix(full, "/") || strings.HasSuffix(full, "/.") || full == "." || full == "" || Inside(st.Workdir, abs) || in.findsFolder(abs, rp, name)
	for _, s := range sources {
		s = st.Expand(s)
		if strings.Contains(s, "$") {
			return nil, "a source holds a variable"
		}
		if strings.Contains(s, `\`) {
			return nil, "a source holds a backslash"
		}
		if in.Keyword == "add" && (remote(s) || isArchive(s)) {
			return nil, "ADD fetches or unpacks its source"
		}
		names := []string{ContextPath(s)}
		if repo.Wild(s) {
			names = matched(s, rp, name)
			// What it may match tomorrow: nothing is known of a pattern without a
			// match, and folders that tools make come and go.
			if len(names) == 0 || matchesVolatile(ContextPath(s)) {
				out = append(out, Tree{Dest: abs, Ctx: ContextPath(s), Unknown: true, Dir: true})
			}
		}
		for _, n := range names {
			t := Tree{Dest: abs, Ctx: n}
			switch {
			case astray(s, n, rp):
				t.Unknown, t.Dir = true, true
			case n == "." || rp.IsDir(n):
				t.Dir = true
			case !rp.Exists(n):
				t.Unknown, t.Dir = true, true
			case intoDir:
				t.Dest = path.Join(abs, path.Base(n))
			case len(sources) > 1 || len(names) > 1:
				// One after the other they land in the folder abs, or overwrite the file abs.
				t.Unknown, t.Dir = true, true
			}
			intoDir = intoDir || t.Dir && !t.Unknown // a folder's contents make abs a folder
			out = append(out, t)
		}
	}
	return out, ""
}

// matched are the paths of the build context that a pattern takes.
func matched(s string, rp *repo.Repo, name string) []string {
	ignore := rp.Ignore(name)
	return slices.DeleteFunc(rp.Glob(ContextPath(s)), func(n string) bool { return !rp.SendsEntry(ignore, n) })
}

// astray: what this match leads to isn't sent because of it. BuildKit follows links
// behind "*" in the last part of a pattern only, and none a second time, as "a/a" where a
// leads to "." (FollowLinks of fsutil).
func astray(s, n string, rp *repo.Repo) bool {
	_, links, ok := rp.Real(n)
	if ok && len(links) == 0 {
		return false
	}
	seen := slices.Sorted(slices.Values(links))
	return repo.Wild(path.Dir(ContextPath(s))) || len(slices.Compact(seen)) < len(links)
}

// picks: --parents or --exclude changes what a COPY takes, and where it lands.
func (in *Instruction) picks() bool {
	cp, _ := in.Cmd.(*instructions.CopyCommand)
	return cp != nil && (cp.Parents || len(cp.ExcludePatterns) > 0)
}

func matchesVolatile(pattern string) bool {
	for v := range volatile {
		if ok, err := path.Match(path.Base(pattern), v); ok || err != nil {
			return true
		}
	}
	return false
}

func isArchive(s string) bool {
	for _, e := range []string{".tar", ".tgz", ".tar.gz", ".tbz", ".tbz2", ".bz2", ".txz", ".xz", ".gz", ".zst", ".tzst"} {
		if strings.HasSuffix(strings.ToLower(s), e) {
			return true
		}
	}
	return false
}

// Inside reports whether p is dir or lies below it; both clean and absolute.
func Inside(p, dir string) bool {
	return dir == "/" || p == dir || strings.HasPrefix(p, dir+"/")
}

// ctxPath is the context path that lands at abs through the tree.
func (t Tree) ctxPath(abs string) (string, bool) {
	switch {
	case t.Dir && Inside(abs, t.Dest):
		return ContextPath(t.Ctx + "/" + strings.TrimPrefix(abs[len(t.Dest):], "/")), true
	case !t.Dir && abs == t.Dest:
		return t.Ctx, true
	}
	return "", false
}

// stands reports whether the context path c, which lies in the tree, is sent
// to the builder and found in the image too: links within the tree lead on.
func (t Tree) stands(c string, rp *repo.Repo, ignore *repo.Ignore) bool {
	if c == "." {
		return true
	}
	real, links, ok := rp.Real(c)
	if !ok || !rp.Sends(ignore, c) || ignore.SentEmpty(real) {
		return false
	}
	return len(links) == 0 || rp.Exists(c) && rp.KeepsLinks(".", c) && (c == t.Ctx || rp.KeepsLinks(t.Ctx, c))
}

// lands reports whether the tree puts something at abs of which it isn't known
// what it is, or a file where a folder around abs was.
func (t Tree) lands(abs string, rp *repo.Repo, ignore *repo.Ignore) bool {
	if t.Unknown {
		if real, _, ok := rp.Real(t.Ctx); ok && rp.IsFolder(real) {
			return Inside(abs, t.Dest) // a link out of the context, which BuildKit takes for one within
		}
		return rp.SendsEntry(ignore, t.Ctx) && (abs == t.Dest || abs == path.Join(t.Dest, path.Base(t.Ctx)))
	}
	for dir := abs; dir != "/"; dir = path.Dir(dir) {
		if c, ok := t.ctxPath(dir); ok && rp.SendsEntry(ignore, c) && (dir == abs || !rp.IsFolder(c)) {
			return true
		}
	}
	return false
}

// Brought is a file or link of the build context with its place in the image.
type Brought struct{ Ctx, Dest string }

// Brings tells which of these files and links of the context (paths as in
// repo.Files) a COPY or ADD puts into the image, in the order in which it does,
// and where; links of the image on the way there are not followed. name is the
// Dockerfile's path in the context. What a source that is a link leads to counts
// under its real path. why tells in words what isn't
// known of it: the instruction then brings more than this, or none of it.
func (in *Instruction) Brings(files []string, rp *repo.Repo, name string) (out []Brought, why string) {
	trees, why := in.trees(in.State(), rp, name)
	if why != "" {
		return nil, why
	}
	ignore := rp.Ignore(name)
	for _, t := range trees {
		if t.Unknown {
			why = t.Ctx + " isn't in the build context as it stands, or lands in a folder that isn't known"
			continue
		}
		root, links, ok := rp.Real(t.Ctx)
		if !ok || slices.ContainsFunc(links, ignore.Excluded) {
			continue
		}
		for _, f := range files {
			switch {
			case ignore.Excluded(f):
			case ignore.SentEmpty(f):
				why = ignore.Path + " leaves " + f + " out, brings it back and leaves it out again"
			case f == root:
				out = append(out, Brought{f, t.Dest})
			case root == ".":
				out = append(out, Brought{f, path.Join(t.Dest, f)})
			case strings.HasPrefix(f, root+"/"):
				out = append(out, Brought{f, path.Join(t.Dest, f[len(root):])})
			}
		}
	}
	return out, why
}

// Origin finds the context path whose bytes stand at abs just before in (nil:
// at the stage's end), as far as COPY and ADD of this stage and the stages it
// is built from tell; by is the last instruction that put them there.
func (s *Stage) Origin(in *Instruction, abs string, rp *repo.Repo, name string) (ctx string, by *Instruction) {
	ignore := rp.Ignore(name)
	var from Tree
	for _, i := range s.Instructions {
		if i == in {
			break
		}
		if _, _, from, ok := i.Copy(); !ok || from != "" {
			continue
		}
		trees, why := i.trees(s.At(i), rp, name)
		if why != "" {
			continue
		}
		for _, t := range trees {
			if c, ok := t.ctxPath(abs); ok && !t.Unknown && t.stands(c, rp, ignore) {
				ctx, by, from = c, i, t
			} else if by != nil && t.lands(abs, rp, ignore) {
				ctx, by = "", nil
			}
		}
	}
	if by == nil {
		if p := s.Parent(); p != nil {
			return p.Origin(nil, abs, rp, name)
		}
		return "", nil
	}
	if target := from.linked(ctx, rp); target != "" && target != abs {
		// The copy is a link: what it leads to must be what the context holds there.
		if end, put := s.Origin(in, target, rp, name); put == nil || !rp.SameFile(end, ctx) {
			return "", nil
		}
	}
	return ctx, by
}

// linked is the image path to which links of the tree lead from the context
// path c, "" when there are none on the way.
func (t Tree) linked(c string, rp *repo.Repo) string {
	if c == t.Ctx {
		return ""
	}
	real, links, ok := rp.Real(c)
	root, _, rooted := rp.Real(t.Ctx)
	if len(links) == 0 || !ok || !rooted {
		return ""
	}
	if root == "." {
		return path.Join(t.Dest, real)
	}
	return path.Join(t.Dest, strings.TrimPrefix(real, root))
}

// Trace is Origin for readers of the finished image: it also follows COPY
// --from an earlier stage. What a RUN made of the file on the way isn't seen.
func (s *Stage) Trace(abs string, rp *repo.Repo, name string) (ctx string, ok bool) {
	if ctx, by := s.Origin(nil, abs, rp, name); by != nil {
		return ctx, true
	}
	for _, in := range s.Instructions {
		sources, dest, from, isCopy := in.Copy()
		if !isCopy || from == "" || len(sources) != 1 {
			continue
		}
		st := s.At(in)
		to, ok := st.Abs(st.Expand(dest))
		earlier := s.doc.StageByRef(from, s.Index)
		if !ok || earlier == nil || !Inside(abs, to) || !strings.HasPrefix(sources[0], "/") {
			continue
		}
		for _, p := range []string{path.Join(sources[0], abs[len(strings.TrimSuffix(to, "/")):]), sources[0]} {
			if ctx, ok = earlier.Trace(p, rp, name); ok && path.Base(p) == path.Base(abs) {
				return ctx, true
			}
		}
	}
	return "", false
}
