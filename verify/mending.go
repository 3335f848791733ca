package verify

// The edits that mend a candidate's final stage: a package more, files copied, a
// folder given to the user.

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/verify/finding"
)

// install adds packages to the stage's first RUN where that installs some already,
// else puts a RUN below FROM, before anything that changes often.
func (m *mender) install(packages map[string]string) mending {
	names, manager := slices.Sorted(maps.Keys(packages)), m.after.img.PackageManager()
	return mending{
		title: "install " + strings.Join(names, ", ") + " in the final stage",
		why:   joined(packages),
		edits: func(doc *rewrite.Document, final *rewrite.Stage) []rewrite.Edit {
			if e, ok := installMore(final, manager, names); ok {
				return []rewrite.Edit{e}
			}
			run := "RUN apk add --no-cache " + strings.Join(names, " ") + "\n"
			if manager == "apt" {
				run = aptInstall(doc, names)
			}
			return []rewrite.Edit{doc.InsertAfter(final.From, run)}
		},
	}
}

// installMore adds packages behind the last one that the first RUN of a stage
// installs, set as that one is: on a line of its own, or beside the others. False
// where that RUN installs nothing, or not as root.
func installMore(final *rewrite.Stage, manager string, names []string) (e rewrite.Edit, ok bool) {
	i := slices.IndexFunc(final.Instructions, func(in *rewrite.Instruction) bool { return in.Keyword == "run" })
	if i < 0 || !final.At(final.Instructions[i]).Root() {
		return e, false
	}
	script, why := final.Instructions[i].Shell()
	if why != "" || script.Heredoc() {
		return e, false
	}
	verbs := map[string][]string{"apt": {"apt-get install", "apt install"}, "apk": {"apk add"}}[manager]
	for _, c := range script.Commands() {
		last := len(c.Args) - 1
		verb := slices.IndexFunc(c.Args, func(a string) bool { return slices.Contains(verbs, c.Name+" "+a) })
		if verb < 1 || verb == last || strings.HasPrefix(c.Args[last], "-") || slices.ContainsFunc(c.Args, func(a string) bool { return a == "-t" || strings.HasPrefix(a, "--virtual") }) {
			continue
		}
		here, okay := script.Span(c.Words[last].Start, c.Words[last].End)
		before, fine := script.Span(c.Words[last-1].Start, c.Words[last-1].End)
		if !okay || !fine {
			continue
		}
		gap := final.Doc().Src[before.End:here.Start]
		if !strings.Contains(gap, "\n") || strings.Contains(gap, "#") {
			gap = " "
		}
		return rewrite.Edit{Span: rewrite.Span{Start: here.End, End: here.End}, New: gap + strings.Join(names, gap)}, true
	}
	return e, false
}

// joined are the reasons, each once.
func joined(why map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(why)) {
		if !slices.Contains(out, why[k]) {
			out = append(out, why[k])
		}
	}
	return strings.Join(out, "; ")
}

// copying takes files from a stage that stands on the old base, else from that base
// itself, to the same places: those of one folder in one instruction.
func (m *mender) copying(copies []copied) []mending {
	byDir, whole := map[string][]string{}, map[string]bool{}
	var what, why []string
	for _, c := range copies {
		if !slices.Contains(what, c.what) {
			what = append(what, c.what)
		}
		if !slices.Contains(why, c.why) {
			why = append(why, c.why)
		}
		for _, p := range c.paths {
			if strings.ContainsAny(p, " \t$\\\"'[]*?") {
				return nil
			}
			if n := m.before.img.Tree[strings.TrimPrefix(p, "/")]; n != nil && n.Type == '5' {
				whole[p] = true
			} else if dir := path.Dir(p); !slices.Contains(byDir[dir], p) {
				byDir[dir] = append(byDir[dir], p)
			}
		}
	}
	from := m.source(slices.Concat(slices.Sorted(maps.Keys(whole)), slices.Concat(slices.Collect(maps.Values(byDir))...)))
	if from == "" {
		return nil
	}
	var lines strings.Builder
	for _, dir := range slices.Sorted(maps.Keys(byDir)) {
		slices.Sort(byDir[dir])
		fmt.Fprintf(&lines, "COPY --from=%s %s %s/\n", from, strings.Join(byDir[dir], " "), strings.TrimSuffix(dir, "/"))
	}
	for _, dir := range slices.Sorted(maps.Keys(whole)) {
		fmt.Fprintf(&lines, "COPY --from=%s %s %s\n", from, dir, dir)
	}
	slices.Sort(what)
	return []mending{{
		title: fmt.Sprintf("copy %s from %s", some(what), from),
		why:   strings.Join(why, "; "),
		edits: func(doc *rewrite.Document, final *rewrite.Stage) []rewrite.Edit {
			return []rewrite.Edit{doc.InsertAfter(behindCopies(final), lines.String())}
		},
	}}
}

// behindCopies is the last COPY of a stage, else its first WORKDIR, else its FROM.
func behindCopies(final *rewrite.Stage) *rewrite.Instruction {
	at := final.From
	for _, in := range final.Instructions {
		if in.Keyword == "copy" || in.Keyword == "workdir" && at == final.From {
			at = in
		}
	}
	return at
}

func some(names []string) string {
	if len(names) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
	}
	return strings.Join(names, ", ")
}

// source is where files of the image before can be copied from: the last named stage on
// the same base other than the final one, else the base, where it holds all of them.
func (m *mender) source(paths []string) string {
	was := root(m.p.final(m.before.doc))
	for _, s := range slices.Backward(m.after.doc.Stages[:m.stage.Index]) {
		if s.Name != "" && root(s).BaseName() == was.BaseName() {
			return s.Name
		}
	}
	if m.p.base == nil || strings.Contains(was.From.Text, "$") {
		return ""
	}
	for _, p := range paths {
		if m.p.base.Tree[strings.TrimPrefix(p, "/")] == nil {
			return ""
		}
	}
	return was.BaseName()
}

// temp makes a folder that everybody may write in: COPY brings one. That of the base
// is empty, where a build stage's may hold what its commands left.
func (m *mender) temp(why string) []mending {
	was := root(m.p.final(m.before.doc))
	from := was.BaseName()
	if m.p.base == nil || m.p.base.Tree["tmp"] == nil || strings.Contains(was.From.Text, "$") {
		from = m.source([]string{"/tmp"})
	}
	if from == "" {
		return nil
	}
	return []mending{{
		title: "make /tmp",
		why:   why,
		edits: func(doc *rewrite.Document, final *rewrite.Stage) []rewrite.Edit {
			return []rewrite.Edit{doc.InsertAfter(behindCopies(final), "COPY --from="+from+" --chmod=1777 /tmp /tmp\n")}
		},
	}}
}

// owned gives a folder that the program writes to the new image's user: a COPY
// that brings it gets --chown, else a RUN makes it, before the user is set.
func (m *mender) owned(b finding.Finding) (mending, bool) {
	if len(b.Names) != 1 || !path.IsAbs(b.Names[0]) {
		return mending{}, false
	}
	dir := path.Clean(b.Names[0])
	user := m.after.img.Config.Config.User
	if user == "" || dir == "/" || slices.Contains(systemFolders, "/"+strings.SplitN(dir[1:], "/", 2)[0]) {
		return mending{}, false
	}
	shell := m.after.img.Tree["bin/sh"] != nil || m.after.img.Tree["usr/bin/sh"] != nil
	return mending{
		title: fmt.Sprintf("let %s write in %s", user, dir),
		why:   b.Message,
		edits: func(doc *rewrite.Document, final *rewrite.Stage) []rewrite.Edit {
			if e, ok := chownCopy(doc, final, dir, user); ok {
				return []rewrite.Edit{e}
			}
			for _, in := range slices.Backward(final.Instructions) {
				if in.Keyword == "user" && shell && final.At(in).Root() && !strings.ContainsAny(dir+user, " \t'\"$\\") {
					run := "chown " + user + " " + m.writtenIn(dir) + "\n"
					if n := m.after.img.Tree[strings.TrimPrefix(dir, "/")]; n == nil || n.Type != '5' {
						run = "mkdir -p " + dir + " && " + run
					}
					return []rewrite.Edit{doc.InsertBefore(in, "RUN "+run)}
				}
			}
			return nil
		},
	}, true
}

// systemFolders are never given to a program's user.
var systemFolders = []string{"/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/boot", "/dev", "/proc", "/sys", "/root"}

// writtenIn is the folder, and behind it the files in it that were there before the
// program wrote them.
func (m *mender) writtenIn(dir string) string {
	words := []string{dir}
	for _, w := range m.before.saw.Writes {
		if path.Dir(w.Path) == dir && m.after.img.Tree[strings.TrimPrefix(w.Path, "/")] != nil && !strings.ContainsAny(w.Path, " \t'\"$\\*?[;&|<>()") {
			words = append(words, w.Path)
		}
	}
	return strings.Join(words, " ")
}

// chownCopy adds --chown to the COPY that makes a folder, where it comes alone.
func chownCopy(doc *rewrite.Document, final *rewrite.Stage, dir, user string) (rewrite.Edit, bool) {
	for _, in := range slices.Backward(final.Instructions) {
		if in.Keyword != "copy" || in.JSON || len(in.Heredocs) > 0 {
			continue
		}
		words := strings.Fields(in.Args.Text)
		to, ok := final.At(in).Abs(words[len(words)-1])
		if !ok || path.Clean(to) != dir {
			continue
		}
		if slices.ContainsFunc(in.Flags, func(f rewrite.Word) bool { return strings.HasPrefix(f.Text, "--chown") }) {
			return rewrite.Edit{}, false
		}
		at := in.Head.Start + len("COPY")
		return rewrite.Edit{Span: rewrite.Span{Start: at, End: at}, New: " --chown=" + user}, true
	}
	return rewrite.Edit{}, false
}
