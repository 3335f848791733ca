package multistage

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// What the recipes do for narrow-copy, where the runtime stage is there already: they find
// what goes over, and leave out whatever is about its base, packages and accounts.

// ofFolder: a program that a command names by its path lies in the folder that is copied.
func (s *split) ofFolder(program string) bool {
	p, ok := s.stage.At(nil).Abs(program)
	return strings.Contains(program, "/") && (!ok || rewrite.Inside(p, s.kept.folder))
}

// makes notes a path of the folder that a file command of the build makes: the program may
// expect it.
func (s *split) makes(p string) {
	if rewrite.Inside(p, s.kept.folder) && p != s.kept.folder && !slices.Contains(s.kept.made, p) {
		s.kept.made = append(s.kept.made, p)
	}
}

// forKept lists the program and its files.
func (b *binaries) forKept() bool {
	b.kept.made = slices.DeleteFunc(b.kept.made, func(p string) bool {
		return slices.ContainsFunc(b.outputs, func(o output) bool { return rewrite.Inside(o.path, p) })
	})
	b.runtime()
	b.assumes = append(b.assumes, b.reads()+b.others())
	return true
}

// forKept lists the jar and its files.
func (j *javaSplit) forKept() bool {
	if !j.whatStarts() || !j.selfContained() || !j.dataFiles() || !j.source() || !j.place() {
		return false
	}
	j.kept.writes = true
	j.settingsBeside(func(name string) bool {
		return strings.HasPrefix(name, "application") || strings.HasPrefix(name, "logback") || strings.HasPrefix(name, "log4j") || name == "logging.properties" || name == ".env"
	})
	for _, p := range j.made {
		j.makes(p)
	}
	j.copies(j.last, func(p string) bool {
		return slices.ContainsFunc(j.starts, func(st javaStart) bool { return st.jar == p })
	})
	j.assumes = append(j.assumes, "the program reads no files but those that its command line and its source name")
	return true
}

// forKept lists the published folder and what the program finds in its working directory.
func (d *dotnetSplit) forKept() bool {
	if !d.starts() || !d.content() || !d.place() {
		return false
	}
	d.kept.writes, d.kept.folders = true, true
	d.settingsBeside(func(name string) bool { return strings.HasPrefix(name, "appsettings.") })
	d.copies(d.last, func(p string) bool { return p == d.start })
	d.assumes = append(d.assumes, "the program reads no files but those that are published and those that its command line and its source name")
	return true
}

// settingsBeside notes the files of the working directory that frameworks look for by
// names which depend on a profile or an environment.
func (a *artefacts) settingsBeside(own func(name string) bool) {
	wd := a.stage.At(nil).Workdir
	ctx, ok := a.fromContext(wd)
	if !ok || !a.p.Repo.IsDir(ctx) {
		return
	}
	for _, e := range a.p.Repo.ReadDir(ctx) {
		if p := path.Join(wd, e.Name()); !e.IsDir() && own(e.Name()) {
			if _, sent := a.fromContext(p); sent {
				a.need(p, "frameworks look there for settings")
			}
		}
	}
}

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
			p, ok := s.stage.At(nil).Abs(w)
			if !ok || w == "" || seen[p] {
				continue
			}
			ctx, by := s.stage.Origin(nil, p, s.p.Repo, s.p.Name)
			if by == nil && !strings.Contains(w, "/") {
				ctx, by = s.stage.Origin(nil, path.Join("/usr/local/bin", w), s.p.Repo, s.p.Name)
			}
			if by == nil || ctx == "" || ctx == "." {
				continue
			}
			seen[p] = true
			if rewrite.Inside(p, n.from) && p != n.from {
				out = append(out, p)
			}
			if src, err := s.p.Repo.ReadFile(ctx); err == nil && depth < 4 && (strings.HasPrefix(string(src), "#!") || path.Ext(ctx) == ".sh") {
				look(scriptWords(string(src)), depth+1)
			}
		}
	}
	for _, in := range s.stage.Instructions {
		if line, _ := startLine(in); len(line) > 0 {
			for _, l := range line {
				look(scriptWords(l), 0)
			}
		}
	}
	for _, b := range s.runs() {
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
