package rewrite

import (
	"path"
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
				out = append(out, contextPath(s))
			}
		}
	}
	for _, m := range in.Mounts() {
		if m["type"] == "bind" && m["from"] == "" {
			out = append(out, contextPath(m["source"]))
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

func contextPath(s string) string {
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
	Unknown   bool // Ctx isn't in the context as far as we see
}

// trees resolves a COPY or ADD from the context; why is set when its
// destination or sources can't be known.
func (in *Instruction) trees(st State, rp *repo.Repo) (out []Tree, why string) {
	sources, dest, from, ok := in.Copy()
	if !ok || from != "" {
		return nil, "it doesn't copy from the build context"
	}
	full := st.Expand(dest)
	abs, ok := st.Abs(full)
	if !ok {
		return nil, "its destination isn't known"
	}
	cp, _ := in.Cmd.(*instructions.CopyCommand)
	if cp != nil && (cp.Parents || len(cp.ExcludePatterns) > 0) {
		return nil, "--parents or --exclude changes what it copies"
	}
	intoDir := strings.HasSuffix(full, "/") || strings.HasSuffix(full, "/.") || full == "." || abs == st.Workdir || abs == "/" || len(sources) > 1
	for _, s := range sources {
		s = st.Expand(s)
		if strings.Contains(s, "$") {
			return nil, "a source holds a variable"
		}
		if in.Keyword == "add" && (remote(s) || isArchive(s)) {
			return nil, "ADD fetches or unpacks its source"
		}
		names := []string{contextPath(s)}
		if strings.ContainsAny(s, "*?[") {
			names = rp.Glob(contextPath(s))
			intoDir = intoDir || len(names) > 1
			// What it may match tomorrow: nothing is known of a pattern without a
			// match, and folders that tools make come and go.
			if len(names) == 0 || matchesVolatile(contextPath(s)) {
				out = append(out, Tree{Dest: abs, Ctx: contextPath(s), Unknown: true, Dir: true})
			}
		}
		for _, n := range names {
			t := Tree{Dest: abs, Ctx: n}
			switch {
			case n == "." || rp.IsDir(n):
				t.Dir = true
			case !rp.Exists(n):
				t.Unknown, t.Dir = true, true
			case intoDir:
				t.Dest = path.Join(abs, path.Base(n))
			}
			out = append(out, t)
		}
	}
	return out, ""
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
		return contextPath(t.Ctx + "/" + strings.TrimPrefix(abs[len(t.Dest):], "/")), true
	case !t.Dir && abs == t.Dest:
		return t.Ctx, true
	}
	return "", false
}

// Origin finds the context path whose bytes stand at abs just before in (nil:
// at the stage's end), as far as COPY and ADD of this stage and the stages it
// is built from tell; by is the last instruction that put them there.
func (s *Stage) Origin(in *Instruction, abs string, rp *repo.Repo, name string) (ctx string, by *Instruction) {
	ignore := rp.Ignore(name)
	for _, i := range s.Instructions {
		if i == in {
			break
		}
		if _, _, from, ok := i.Copy(); !ok || from != "" {
			continue
		}
		trees, why := i.trees(s.At(i), rp)
		if why != "" {
			continue
		}
		for _, t := range trees {
			if c, ok := t.ctxPath(abs); ok && (c == "." || rp.Exists(c) && !ignore.Excluded(c)) {
				ctx, by = c, i
			}
		}
	}
	if by == nil {
		if p := s.Parent(); p != nil {
			return p.Origin(nil, abs, rp, name)
		}
	}
	return ctx, by
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
