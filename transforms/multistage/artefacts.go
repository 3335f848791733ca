package multistage

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

// artefacts are the paths of the build stage that the program needs when it
// runs, for recipes whose builds leave one file or folder to start.
type artefacts struct {
	*split
	needs []artefact
}

type artefact struct{ path, why string }

// need notes a path to copy, once, and none that lies in another.
func (a *artefacts) need(p, why string) {
	for i, n := range a.needs {
		if rewrite.Inside(p, n.path) {
			return
		}
		if rewrite.Inside(n.path, p) {
			a.needs[i] = artefact{p, why}
			return
		}
	}
	a.needs = append(a.needs, artefact{p, why})
}

func (a *artefacts) needed(p string) bool {
	return slices.ContainsFunc(a.needs, func(n artefact) bool { return rewrite.Inside(p, n.path) || rewrite.Inside(n.path, p) })
}

// fromContext reports whether a COPY or ADD from the context brings a path.
func (a *artefacts) fromContext(p string) (ctx string, ok bool) {
	ctx, by := a.stage.Origin(nil, p, a.p.Repo, a.p.Name)
	return ctx, by != nil
}

// copies writes the COPY lines of the runtime stage in the place of the last
// build step, and says why. What changes least comes first: the context's files,
// then libraries, then the program (last).
func (a *artefacts) copies(in *rewrite.Instruction, last func(p string) bool) {
	owner := ""
	if u := a.stage.At(in).User; u != "" && u != "root" && u != "0" {
		owner = " --chown=" + u
	}
	rank := func(n artefact) int {
		switch _, ok := a.fromContext(n.path); {
		case last(n.path):
			return 2
		case ok:
			return 0
		}
		return 1
	}
	slices.SortStableFunc(a.needs, func(m, n artefact) int { return rank(m) - rank(n) })
	for _, n := range a.needs {
		if a.broughtBehind(n.path) {
			continue
		}
		dest := n.path
		if strings.ContainsAny(n.path, "*?[") {
			dest = path.Dir(n.path) + "/"
		}
		line := fmt.Sprintf("%s --from=%s%s %s %s", a.keyword("COPY"), a.builder, owner, n.path, dest)
		a.instead[in] = append(a.instead[in], line)
		a.explain("%s is copied: %s", n.path, n.why)
	}
}

// broughtBehind: an instruction of the runtime stage brings the path itself.
func (a *artefacts) broughtBehind(p string) bool {
	for _, in := range a.stage.Instructions {
		if in.Keyword != "copy" && in.Keyword != "add" || a.roles[in] == inBuild {
			continue
		}
		e := a.p.Effects(in)
		if brings(e.Trees, p) || slices.Contains(e.Writes, p) {
			return true
		}
	}
	return false
}

// argument notes a file of the project that a word of a command names, alone or
// behind an option's =.
func (a *artefacts) argument(word string) {
	if strings.HasPrefix(word, "-") {
		_, v, ok := strings.Cut(word, "=")
		if !ok {
			return
		}
		word = v
	}
	for _, w := range strings.Split(word, ",") {
		for _, p := range []string{"optional:", "file:", "classpath:"} {
			w = strings.TrimPrefix(w, p)
		}
		p, ok := a.stage.At(nil).Abs(w)
		if !ok || w == "" || w == "." || w == "/" || strings.ContainsAny(w, "$*:") {
			continue
		}
		if _, ok := a.fromContext(p); ok {
			a.need(p, "a file that the command line names")
		}
	}
}

var stringLiteral = lazily(`"((?:[^"\\\n]|\\.)*)"`)

// sources calls f with each file of the program's own source; skip tells those
// of tests and of the build. It returns false where f does, and after a decline.
func (a *artefacts) sources(exts []string, skip func(string) bool, f func(file, text string) bool) bool {
	if !a.p.Unsafe {
		return true
	}
	files, complete := a.p.Repo.Files()
	if !complete {
		return a.decline(a.stage.From, "the project is too big to be searched for files and programs that it uses")
	}
	ig := a.p.Repo.Ignore(a.p.Name)
	for _, name := range files {
		if !slices.Contains(exts, path.Ext(name)) || skip(name) || ig.Excluded(name) {
			continue
		}
		src, err := a.p.Repo.ReadFile(name)
		if err != nil || len(src) > repo.MaxScanBytes {
			continue
		}
		if !f(name, string(src)) {
			return false
		}
	}
	return true
}

// named notes the files and folders of the project that a string of a source
// file names, as seen from the working directory. built are the names of folders
// that the build makes, on which it declines; own tells what is the build's.
func (a *artefacts) named(file, text string, built []string, own func(ctx, name string) bool) bool {
	wd := a.stage.At(nil).Workdir
	for _, m := range stringLiteral().FindAllStringSubmatchIndex(text, -1) {
		v := text[m[2]:m[3]]
		if v == "" || len(v) > 200 || strings.ContainsAny(v, " \\$*?<>(){}\"';") {
			continue
		}
		v = strings.TrimPrefix(v, "file:")
		rel := strings.TrimPrefix(v, "./")
		first, more, _ := strings.Cut(rel, "/")
		p, ok := a.stage.At(nil).Abs(v)
		if !ok || rel == "" || rel == "." || rel == "/" || rewrite.Inside(wd, p) || strings.HasPrefix(v, "/") && systemDir(p) {
			continue
		}
		if slices.Contains(built, first) && more != "" && !strings.HasPrefix(v, "/") {
			return a.decline(a.stage.From, "%s:%s names %s, which the build makes", file, lineAt(text, m[0]), v)
		}
		ctx, ok := a.fromContext(p)
		if !ok || own(ctx, v) || !strings.ContainsAny(v, "/.") && !a.p.Repo.IsDir(ctx) {
			continue
		}
		a.need(p, fmt.Sprintf("%s:%s names it", file, lineAt(text, m[0])))
	}
	return true
}

// leaveWorkdirs keeps a WORKDIR of the build out of the runtime stage where
// another follows before anything depends on it.
func (a *artefacts) leaveWorkdirs() {
	for _, in := range a.stage.Instructions {
		if in.Keyword != "workdir" || a.roles[in] != inBoth {
			continue
		}
		for next := in.Next(); next != nil; next = next.Next() {
			if next.Keyword == "workdir" {
				if strings.HasPrefix(next.Args.Text, "/") {
					a.roles[in] = inBuild
				}
				break
			}
			depends := (next.Keyword == "copy" || next.Keyword == "add" || next.Keyword == "run") && a.roles[next] != inBuild
			if depends || slices.ContainsFunc(a.instead[next], func(l string) bool { return strings.HasPrefix(strings.ToUpper(l), "RUN") }) {
				break
			}
		}
	}
}
