// Package artefacts is what a build leaves for the runtime stage: single paths (List), or
// the folder of an application (Folder).
package artefacts

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

var lazily = rewrite.Lazily

// List are the paths of the build stage that the program needs when it
// runs, for recipes whose builds leave one file or folder to start.
type List struct {
	*split.Split
	Needs []Path
}

// Path is an image path of the build stage, and why the program needs it.
type Path struct{ Path, Why string }

// Need notes a path to copy, once, and none that lies in another.
func (a *List) Need(p, why string) {
	for i, n := range a.Needs {
		if rewrite.Inside(p, n.Path) {
			return
		}
		if rewrite.Inside(n.Path, p) {
			a.Needs[i] = Path{p, why}
			return
		}
	}
	a.Needs = append(a.Needs, Path{p, why})
}

// Needed: the path, one above it or one below it is copied already.
func (a *List) Needed(p string) bool {
	return slices.ContainsFunc(a.Needs, func(n Path) bool { return rewrite.Inside(p, n.Path) || rewrite.Inside(n.Path, p) })
}

// FromContext reports whether a COPY or ADD from the context brings a path.
func (a *List) FromContext(p string) (ctx string, ok bool) {
	ctx, by := a.Stage.Origin(nil, p, a.Pass.Repo, a.Pass.Name)
	return ctx, by != nil
}

// Copies writes the COPY lines of the runtime stage in the place of the last
// build step, and says why. What changes least comes first: the context's files,
// then libraries, then the program (last).
func (a *List) Copies(in *rewrite.Instruction, last func(p string) bool) {
	owner := ""
	if u := a.Stage.At(in).User; u != "" && u != "root" && u != "0" {
		owner = " --chown=" + u
	}
	rank := func(n Path) int {
		switch _, ok := a.FromContext(n.Path); {
		case last(n.Path):
			return 2
		case ok:
			return 0
		}
		return 1
	}
	slices.SortStableFunc(a.Needs, func(m, n Path) int { return rank(m) - rank(n) })
	for _, n := range a.Needs {
		if a.BroughtBehind(n.Path) {
			continue
		}
		dest := n.Path
		if strings.ContainsAny(n.Path, "*?[") {
			dest = path.Dir(n.Path) + "/"
		}
		line := fmt.Sprintf("%s --from=%s%s %s %s", a.Keyword("COPY"), a.Builder, owner, n.Path, dest)
		a.Instead[in] = append(a.Instead[in], line)
		a.Explain("%s is copied: %s", n.Path, n.Why)
	}
}

// BroughtBehind: an instruction of the runtime stage brings the path itself.
func (a *List) BroughtBehind(p string) bool {
	for _, in := range a.Stage.Instructions {
		if in.Keyword != "copy" && in.Keyword != "add" || a.Roles[in] == split.InBuild {
			continue
		}
		e := a.Pass.Effects(in)
		if split.Brings(e.Trees, p) || slices.Contains(e.Writes, p) {
			return true
		}
	}
	return false
}

// Argument notes a file of the project that a word of a command names, alone or
// behind an option's =.
func (a *List) Argument(word string) {
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
		p, ok := a.Stage.At(nil).Abs(w)
		if !ok || w == "" || w == "." || w == "/" || strings.ContainsAny(w, "$*:") {
			continue
		}
		if _, ok := a.FromContext(p); ok {
			a.Need(p, "a file that the command line names")
		}
	}
}

// StringLiteral matches a string in double quotes on one line; group 1 is what is in it.
var StringLiteral = lazily(`"((?:[^"\\\n]|\\.)*)"`)

// Sources calls f with each file of the program's own source; skip tells those
// of tests and of the build. It returns false where f does, and after a decline.
func (a *List) Sources(exts []string, skip func(string) bool, f func(file, text string) bool) bool {
	if !a.Pass.Unsafe {
		return true
	}
	files, complete := a.Pass.Repo.Files()
	if !complete {
		return a.Decline(a.Stage.From, "the project is too big to be searched for files and programs that it uses")
	}
	ig := a.Pass.Repo.Ignore(a.Pass.Name)
	for _, name := range files {
		if !slices.Contains(exts, path.Ext(name)) || skip(name) || ig.Excluded(name) {
			continue
		}
		src, err := a.Pass.Repo.ReadFile(name)
		if err != nil || len(src) > repo.MaxScanBytes {
			continue
		}
		if !f(name, string(src)) {
			return false
		}
	}
	return true
}

// Named notes the files and folders of the project that a string of a source
// file names, as seen from the working directory. built are the names of folders
// that the build makes, on which it declines; own tells what is the build's.
func (a *List) Named(file, text string, built []string, own func(ctx, name string) bool) bool {
	wd := a.Stage.At(nil).Workdir
	for _, m := range StringLiteral().FindAllStringSubmatchIndex(text, -1) {
		v := text[m[2]:m[3]]
		if v == "" || len(v) > 200 || strings.ContainsAny(v, " \\$*?<>(){}\"';") {
			continue
		}
		v = strings.TrimPrefix(v, "file:")
		rel := strings.TrimPrefix(v, "./")
		first, more, _ := strings.Cut(rel, "/")
		p, ok := a.Stage.At(nil).Abs(v)
		if !ok || rel == "" || rel == "." || rel == "/" || rewrite.Inside(wd, p) || strings.HasPrefix(v, "/") && cmdline.SystemDir(p) {
			continue
		}
		if slices.Contains(built, first) && more != "" && !strings.HasPrefix(v, "/") {
			return a.Decline(a.Stage.From, "%s:%s names %s, which the build makes", file, cmdline.LineAt(text, m[0]), v)
		}
		ctx, ok := a.FromContext(p)
		if !ok || own(ctx, v) || !strings.ContainsAny(v, "/.") && !a.Pass.Repo.IsDir(ctx) {
			continue
		}
		a.Need(p, fmt.Sprintf("%s:%s names it", file, cmdline.LineAt(text, m[0])))
	}
	return true
}

// LeaveWorkdirs keeps a WORKDIR of the build out of the runtime stage where
// another follows before anything depends on it.
func (a *List) LeaveWorkdirs() {
	for _, in := range a.Stage.Instructions {
		if in.Keyword != "workdir" || a.Roles[in] != split.InBoth {
			continue
		}
		for next := in.Next(); next != nil; next = next.Next() {
			if next.Keyword == "workdir" {
				if strings.HasPrefix(next.Args.Text, "/") {
					a.Roles[in] = split.InBuild
				}
				break
			}
			depends := (next.Keyword == "copy" || next.Keyword == "add" || next.Keyword == "run") && a.Roles[next] != split.InBuild
			if depends || slices.ContainsFunc(a.Instead[next], func(l string) bool { return strings.HasPrefix(strings.ToUpper(l), "RUN") }) {
				break
			}
		}
	}
}

// SettingsBeside notes the files of the working directory that frameworks look for by
// names which depend on a profile or an environment.
func (a *List) SettingsBeside(own func(name string) bool) {
	wd := a.Stage.At(nil).Workdir
	ctx, ok := a.FromContext(wd)
	if !ok || !a.Pass.Repo.IsDir(ctx) {
		return
	}
	for _, e := range a.Pass.Repo.ReadDir(ctx) {
		if p := path.Join(wd, e.Name()); !e.IsDir() && own(e.Name()) {
			if _, sent := a.FromContext(p); sent {
				a.Need(p, "frameworks look there for settings")
			}
		}
	}
}
