package transforms

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/rewrite"
)

// apt's index: fetched in the RUN that installs from it, and removed there.

// relies finds who installs from the index that a stage holds behind
// instruction number from: line is the first that certainly does, script one
// that may. Whoever fetches an index of its own ends the search.
func (pp *packagePass) relies(s *rewrite.Stage, from int) (line int, script string) {
	for _, in := range s.Instructions[from:] {
		switch in.Inner().Keyword {
		case "run":
			r := readRun(in)
			u := pp.aptUse(&r)
			if u.needs {
				return in.Line, script
			}
			if u.opaque != "" && script == "" {
				script = fmt.Sprintf("%s (line %d)", u.opaque, in.Line)
			}
			if u.certain && !in.Inner().Trigger() {
				return 0, script
			}
		case "cmd", "entrypoint", "healthcheck":
			if installsAtStart(in.Inner().Args.Text) || in.Keyword != "onbuild" && pp.startScript(s, in) {
				return in.Line, script
			}
		}
	}
	for _, child := range pp.Doc.Stages[s.Index+1:] {
		if child.Parent() == s {
			l, more := pp.relies(child, 0)
			if script == "" {
				script = more
			}
			if l > 0 {
				return l, script
			}
		}
	}
	return 0, script
}

// installsAtStart: a text that installs without an update of its own.
func installsAtStart(text string) bool {
	return (strings.Contains(text, "apt-get ") || strings.Contains(text, "apt install")) && !strings.Contains(text, "update")
}

// startScript reports whether a script of the build context that the container
// starts with installs from the index.
func (pp *packagePass) startScript(s *rewrite.Stage, in *rewrite.Instruction) bool {
	if !pp.Repo.Known() {
		return false
	}
	st := s.At(nil)
	for _, w := range strings.FieldsFunc(in.Args.Text, func(c rune) bool { return strings.ContainsRune(" \t[]\",'", c) }) {
		if !strings.Contains(w, "/") && !strings.HasSuffix(w, ".sh") {
			continue
		}
		for _, dir := range []string{"", "/usr/local/bin/"} {
			if dir != "" && strings.Contains(w, "/") {
				break
			}
			abs, ok := st.Abs(dir + w)
			if !ok {
				continue
			}
			if ctx, found := s.Trace(abs, pp.Repo, pp.Name); found {
				if b, err := pp.Repo.ReadFile(ctx); err == nil && installsAtStart(string(b)) {
					return true
				}
			}
		}
	}
	return false
}

// holder is the RUN whose index a step finds.
type holder struct {
	r       *packageRun
	use     aptUse
	sources bool // the repositories have changed since
	removed bool // the index was removed since
}

// held finds the RUN that fetched the index which a step finds; r is nil when
// none in this file did.
func (pp *packagePass) held(r *packageRun) (h holder) {
	s, until := r.in.Stage, len(r.in.Stage.Instructions)
	if !r.in.Trigger() {
		until = r.at.Index - s.From.Index - 1
	}
	for s != nil {
		for i := until - 1; i >= 0; i-- {
			in := s.Instructions[i]
			raw := in.Raw()
			if in.Keyword != "run" {
				h.sources = h.sources || (in.Keyword == "copy" || in.Keyword == "add") && changesSources(raw)
				continue
			}
			if !strings.Contains(raw, "apt") && !strings.Contains(raw, "clean") && !strings.Contains(raw, "nodesource") && !strings.Contains(raw, "packagecloud") {
				continue
			}
			before := readRun(in)
			switch u := pp.aptUse(&before); {
			case u.removed:
				h.removed = true
				return h
			case u.certain:
				h.r, h.use = &before, u
				h.sources = h.sources || u.sources
				return h
			}
			h.sources = h.sources || changesSources(raw)
		}
		if s = s.Parent(); s != nil {
			until = len(s.Instructions)
		}
	}
	return h
}

// aptWhy is Docker's own rule about the index.
const aptWhy = "Docker: combine apt-get update with apt-get install in one RUN and remove /var/lib/apt/lists there (best practices, apt-get; hadolint DL3009)"

func (pp *packagePass) apt(r *packageRun) {
	u := pp.aptUse(r)
	if u.needs {
		pp.aptUpdate(r, u)
	}
	if !u.fetches || u.removed || r.s == nil {
		return
	}
	from := len(r.in.Stage.Instructions)
	if !r.in.Trigger() {
		from = r.at.Index - r.in.Stage.From.Index
	}
	if !u.installs {
		pp.aptLone(r, from)
		return
	}
	if !slices.Contains(pp.ships, r.in.Stage) {
		return
	}
	if why := r.s.Appendable(); why != "" {
		pp.Decline(r.at, "the index of apt stays: nothing can be put behind the script: %s", why)
		return
	}
	line, script := 0, ""
	if !r.in.Trigger() {
		line, script = pp.relies(r.in.Stage, from)
	}
	if line > 0 {
		pp.Decline(r.at, "the index of apt stays: line %d installs from it and has no apt-get update of its own", line)
		return
	}
	c := rewrite.Change{Title: "remove the index of apt in the RUN that fetched it", Why: aptWhy, Gain: "20 to 50 MB less"}
	if script != "" {
		c.Assumes = script + " doesn't install from the index of this step"
	}
	e := r.s.Edit()
	e.Append(u.last.as() + "rm -rf /var/lib/apt/lists/*")
	pp.propose(r, e, c)
}

// aptUpdate gives a step that installs from an earlier index its own.
func (pp *packagePass) aptUpdate(r *packageRun, u aptUse) {
	h := pp.held(r)
	if h.r == nil {
		if h.removed && u.first != nil && !u.maybe && !u.first.fixes() {
			pp.Decline(r.at, "it installs without apt-get update, and the index was removed before")
		}
		return // the base image brings the index, or the build fails today
	}
	line := h.r.at.Line
	command := "apt-get update"
	if k := h.use.fetch; k != nil {
		command = "apt-get"
		for _, w := range k.Words[k.at+1:] {
			command += " " + h.r.s.Text[w.Start:w.End]
		}
	}
	switch {
	case r.s == nil:
		return
	case u.first == nil || !r.s.Link(u.first.Command):
		pp.Decline(r.at, "it installs from the index that line %d fetched, at a place where no apt-get update can be put in front", line)
		return
	case u.maybe:
		pp.Decline(r.at, "it installs from the index that line %d fetched, or from its own: whether that is fetched can't be told", line)
		return
	case h.sources || u.early:
		pp.Decline(r.at, "it installs from the index that line %d fetched; repositories are added in between, and apt-get update may ask for a key that isn't there yet", line)
		return
	case h.use.fetch != nil && !mustSucceed(h.r.s, h.use.fetch.Command):
		pp.Decline(r.at, "it installs from the index that line %d fetched, and the apt-get update there may fail without stopping the build", line)
		return
	case strings.ContainsAny(command, "$`"):
		pp.Decline(r.at, "it installs from the index that line %d fetched with computed options", line)
		return
	}
	e := r.s.Edit()
	e.Before(u.first.Command, u.first.as()+command)
	pp.propose(r, e, rewrite.Change{
		Title: "apt-get update in the RUN that installs",
		Why:   fmt.Sprintf("the index of line %d comes from the build cache when it is long out of date, and names packages that are gone then (Docker's best practices, apt-get)", line),
	})
}

// aptLone takes out an apt-get update alone in its RUN when every step behind
// it has one of its own.
func (pp *packagePass) aptLone(r *packageRun, from int) {
	if len(r.cmds) != 1 || len(r.calls) != 1 || r.calls[0].verb != "update" || r.in.Trigger() || len(r.in.Flags) > 0 {
		return
	}
	if line, script := pp.relies(r.in.Stage, from); line > 0 || script != "" {
		return
	}
	again := slices.ContainsFunc(r.in.Stage.Instructions[from:], func(in *rewrite.Instruction) bool {
		if _, ok := in.Cmd.(*instructions.RunCommand); !ok || !strings.Contains(in.Raw(), "apt") {
			return false
		}
		next := readRun(in)
		return pp.aptUse(&next).fetches
	})
	if !again {
		return
	}
	gone := pp.Doc.Delete(r.at)
	if r.at.Lead() < r.at.Span.Start { // the comment above speaks of the install, too
		if next := r.at.Next(); next == nil || next.Keyword != "run" || !strings.Contains(next.Raw(), "apt") {
			return
		}
		gone = rewrite.Edit{Span: r.at.Span}
	}
	pp.out = append(pp.out, rewrite.Change{
		Title: "drop the apt-get update that nothing uses",
		Why:   aptWhy,
		Gain:  "20 to 50 MB less",
		At:    r.at,
		Edits: []rewrite.Edit{gone},
		Drops: []string{r.cmds[0].Key},
	})
}
