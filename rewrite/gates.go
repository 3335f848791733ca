package rewrite

import (
	"cmp"
	"fmt"
	"sort"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/repo"
)

// gate holds a change against the promises that every edit must keep. That the
// result parses is checked before (Reparse, and Parse at the end of a run).
func gate(r *run, after *Document, rp *repo.Repo, files map[string]string, c Change) error {
	before := r.doc
	if after != before {
		for _, g := range []func(before, after *Document, c Change) error{gateConfig, gateCommands, gateStages, gateSyntax, gateNarrowed} {
			if err := g(before, after, c); err != nil {
				return err
			}
		}
	}
	return gateSources(r, after, rp, files)
}

// gateConfig: the image config of the final stage, and of every stage that
// keeps its name, differs in the declared fields at most.
func gateConfig(before, after *Document, c Change) error {
	if before.Final().facts == after.Final().facts {
		return nil // see sameConfigLines
	}
	if f := differs(before.Final(), after.Final(), c); f != 0 {
		return fmt.Errorf("the final image's %s would change", f)
	}
	for i, s := range before.Stages {
		if s == before.Final() {
			continue
		}
		var t *Stage
		if s.Name != "" {
			t = after.StageByRef(s.Name, -1)
		} else if len(after.Stages) == len(before.Stages) {
			t = after.Stages[i]
		}
		if t != nil {
			if f := differs(s, t, c); f != 0 {
				return fmt.Errorf("stage %s's %s would change", cmp.Or(s.Name, fmt.Sprint(i)), f)
			}
		}
	}
	return nil
}

// differs are the fields in which two stages differ and that a change doesn't
// declare. Where it puts another base in, and nothing is known of one of the two
// (a tag that is newer than the catalogue), the working directory that comes from
// there can't be compared: what the file itself says of it is.
func differs(before, after *Stage, c Change) ConfigFields {
	f := before.Config().Diff(after.Config()) &^ c.Config
	if f&FieldWorkdir != 0 && c.Config&FieldBase != 0 && !(before.At(nil).Known && after.At(nil).Known) {
		was, now := newConfigBuilder(), newConfigBuilder()
		before.apply(was)
		after.apply(now)
		if was.workdir == now.workdir {
			f &^= FieldWorkdir
		}
	}
	return f
}

// sameConfigLines reports whether all that makes the config stands there as
// before, in the same order: everything but RUN, COPY and ADD.
func sameConfigLines(before, after *Document) bool {
	next := func(d *Document, i int) int {
		for i < len(d.Instructions) {
			switch d.Instructions[i].Keyword {
			case "run", "copy", "add":
				i++
				continue
			}
			break
		}
		return i
	}
	i, j := next(before, 0), next(after, 0)
	for i < len(before.Instructions) && j < len(after.Instructions) {
		if before.Instructions[i].Text != after.Instructions[j].Text {
			return false
		}
		i, j = next(before, i+1), next(after, j+1)
	}
	return before.Escape == after.Escape && i == len(before.Instructions) && j == len(after.Instructions)
}

// Commands are the simple commands that an instruction runs, as keys. An
// instruction that can't be read as a script counts as one command.
func (in *Instruction) commandKeys() []string {
	in = in.Inner()
	if in.Keyword != "run" {
		return nil
	}
	s, why := in.Shell()
	if why != "" {
		text := in.Args.Text
		for _, h := range in.Heredocs {
			text += "\n" + in.doc.Src[h.Body.Start:h.Body.End]
		}
		return []string{text}
	}
	return s.Memo(keysOf{}, func() any {
		out := make([]string, 0, 8)
		for _, cmd := range s.Commands() {
			out = append(out, cmd.Key)
		}
		return append(out, s.structure()...)
	}).([]string)
}

type keysOf struct{} // of the memo

// runs reports whether the instruction is a RUN or ONBUILD RUN.
func (in *Instruction) runs() bool { return in.Inner().Keyword == "run" }

// structureMark begins the keys that stand for the shape of a script.
const structureMark = "\x00"

// structure lists what a script holds besides simple commands and && lists: a
// loss of these goes unseen when only commands are counted. They can't be
// declared, so gateCommands asks for them only where a change drops nothing.
func (s *Script) structure() []string {
	var out []string
	add := func(k string) { out = append(out, structureMark+k) }
	list := func(stmts []*syntax.Stmt) {
		for range stmts[min(1, len(stmts)):] {
			add(";")
		}
	}
	syntax.Walk(s.File, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.File:
			list(n.Stmts)
		case *syntax.Subshell:
			list(n.Stmts)
		case *syntax.Block:
			list(n.Stmts)
		case *syntax.CmdSubst:
			list(n.Stmts)
		case *syntax.Stmt:
			if n.Negated {
				add("!")
			}
			if n.Background {
				add("&")
			}
		case *syntax.BinaryCmd:
			if n.Op != syntax.AndStmt {
				add(n.Op.String())
			}
		case *syntax.IfClause:
			add("if")
		case *syntax.WhileClause:
			add("while")
		case *syntax.ForClause:
			add("for " + s.Source(n.Loop))
		case *syntax.CaseClause:
			add("case " + s.Source(n.Word))
			for _, i := range n.Items {
				for _, p := range i.Patterns {
					add("case " + s.Source(p))
				}
			}
		case *syntax.FuncDecl:
			add("function " + n.Name.Value)
		case *syntax.TestClause, *syntax.ArithmCmd, *syntax.LetClause:
			add(s.Source(n))
		case *syntax.Redirect:
			if n.Hdoc != nil {
				add("here-document " + s.Source(n.Hdoc))
			}
		}
		return true
	})
	return out
}

// gateCommands: the multiset of commands in RUN is the same, declared ones
// apart, and no package that was installed is lost.
func gateCommands(before, after *Document, c Change) error {
	count := map[string]int{}
	shared := map[string]int{} // unchanged instructions need no look
	for _, in := range after.Instructions {
		if in.runs() {
			shared[in.Raw()]++
		}
	}
	for _, in := range before.Instructions {
		if !in.runs() {
			continue
		}
		if raw := in.Raw(); shared[raw] > 0 {
			shared[raw]--
			continue
		}
		for _, k := range in.commandKeys() {
			count[k]--
		}
	}
	for _, in := range after.Instructions {
		if !in.runs() {
			continue
		}
		if raw := in.Raw(); shared[raw] > 0 {
			shared[raw]--
			for _, k := range in.commandKeys() {
				count[k]++
			}
		}
	}
	for _, k := range c.Adds {
		count[k]--
	}
	for _, k := range c.Drops {
		count[k]++
	}
	var bad []string
	for k, n := range count {
		what, shape := strings.CutPrefix(k, structureMark)
		switch {
		case shape:
			if n < 0 && len(c.Drops) == 0 || n > 0 && what == ";" && len(c.Adds) == 0 {
				bad = append(bad, fmt.Sprintf("a script would change its meaning: %q comes or goes", what))
			}
		case n < 0:
			bad = append(bad, fmt.Sprintf("command lost: %q", k))
		case n > 0:
			bad = append(bad, fmt.Sprintf("command added: %q", k))
		}
	}
	if len(bad) > 0 {
		sort.Strings(bad)
		return fmt.Errorf("%s", strings.Join(bad, "; "))
	}
	lost := packageSet(c.Drops)
	for p := range packageSet(c.Adds) {
		delete(lost, p)
	}
	for _, p := range c.Brings {
		delete(lost, p)
	}
	for p := range lost {
		return fmt.Errorf("package lost: %s", p)
	}
	return nil
}

// packageSet is what the install commands among keys install.
func packageSet(keys []string) map[string]bool {
	out := map[string]bool{}
	for _, k := range keys {
		f := strings.Fields(k)
		if len(f) > 0 && f[0] == "sudo" { // sudo install copies files, as install does
			f = f[1:]
			for len(f) > 0 && strings.HasPrefix(f[0], "-") {
				f = f[1:]
			}
		}
		for i, w := range f {
			if (w == "install" || w == "add" || w == "i") && i > 0 {
				for _, p := range f[i+1:] {
					if !strings.HasPrefix(p, "-") && !strings.ContainsAny(p, ">|&;") {
						out[p] = true
					}
				}
				break
			}
		}
	}
	return out
}

// gateSources: no COPY source falls under .dockerignore that did not before,
// and no new COPY source is missing from the context.
func gateSources(r *run, after *Document, rp *repo.Repo, files map[string]string) error {
	if !rp.Known() || r.in.Name == "" && len(files) == 0 {
		return nil
	}
	docs := []*Document{after}
	if len(files) > 0 {
		docs = append(docs, r.in.Siblings...)
	}
	old := map[string]bool{}
	for _, src := range contextSources(r.doc) {
		old[src] = true
	}
	was, now := r.repo.Ignore(r.in.Name), rp.Ignore(r.in.Name)
	for i, d := range docs {
		if i == 1 { // a sibling without an ignore file of its own
			was, now = r.repo.Ignore(""), rp.Ignore("")
		}
		for _, src := range contextSources(d) {
			if strings.Contains(src, "$") {
				continue
			}
			if strings.ContainsAny(src, "*?[") {
				if all := rp.Glob(src); allExcluded(now, all) && !allExcluded(was, all) {
					return fmt.Errorf("all that COPY source %s matches would fall under %s", src, now.Path)
				}
				continue
			}
			if now.Excluded(src) && (!was.Excluded(src) || i == 0 && !old[src]) {
				return fmt.Errorf("COPY source %s would fall under %s", src, now.Path)
			}
			if i == 0 && !old[src] && src != "." && !rp.Exists(src) {
				return fmt.Errorf("COPY source %s is not in the build context", src)
			}
		}
	}
	return nil
}

func allExcluded(ig *repo.Ignore, files []string) bool {
	for _, f := range files {
		if !ig.Excluded(f) {
			return false
		}
	}
	return len(files) > 0
}

// contextSources lists what COPY and ADD take from the build context, cleaned.
func contextSources(d *Document) []string {
	var out []string
	for _, in := range d.Instructions {
		out = append(out, in.ContextSources()...)
	}
	return out
}
