package narrowcopy

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// What the recipes do for narrow-copy, where the runtime stage is there already: they find
// what goes over, and leave out whatever is about its base, packages and accounts.

// scriptFiles are files of the folder that the words of what starts name, and those of the
// scripts of the project that it starts.
func (n *narrow) scriptFiles() (out []string) {
	s := n.model
	seen := map[string]bool{}
	var look func(words []string, depth int)
	look = func(words []string, depth int) {
		for _, w := range words {
			if _, v, joined := strings.Cut(w, "="); joined {
				w = v
			}
			if i := strings.LastIndexByte(w, '$'); i >= 0 { // $HERE/seed.sql: by what stands behind
				_, behind, below := strings.Cut(w[i:], "/")
				if w = "./" + behind; !below {
					continue
				}
			}
			if i := strings.IndexAny(w, "*?["); i >= 0 { // hooks/*.sh: the folder
				w = w[:strings.LastIndexByte(w[:i], '/')+1]
			}
			p, ok := s.Stage.At(nil).Abs(w)
			if !ok || w == "" || seen[p] {
				continue
			}
			ctx, by := s.Stage.Origin(nil, p, s.Pass.Repo, s.Pass.Name)
			if by == nil && !strings.Contains(w, "/") {
				ctx, by = s.Stage.Origin(nil, path.Join("/usr/local/bin", w), s.Pass.Repo, s.Pass.Name)
			}
			if by == nil || ctx == "" || ctx == "." {
				continue
			}
			seen[p] = true
			if rewrite.Inside(p, n.from) && p != n.from {
				out = append(out, p)
			}
			if src, err := s.Pass.Repo.ReadFile(ctx); err == nil && depth < 4 && (strings.HasPrefix(string(src), "#!") || path.Ext(ctx) == ".sh") {
				look(scriptWords(string(src)), depth+1)
			}
		}
	}
	for _, in := range s.Stage.Instructions {
		if line, _ := cmdline.StartLine(in); len(line) > 0 {
			for _, l := range line {
				look(scriptWords(l), 0)
			}
		}
	}
	for _, b := range s.Runs() {
		for _, l := range slices.Concat(b.Command, b.Entrypoint, b.Healthcheck) {
			look(scriptWords(l), 0)
		}
	}
	return out
}

// scriptWords are the words of a text for a shell, quotes taken off.
func scriptWords(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n;&|()<>\"'`,", r) })
}
