package transforms

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/rewrite"
)

// apt's index: fetched in the RUN that installs from it, and removed there.

// aptUse is what a RUN does with the index below /var/lib/apt/lists.
type aptUse struct {
	needs    bool  // it rests on the index of an earlier layer
	first    *call // the call that does, nil when it can't be given an update
	fetches  bool
	certain  bool // whatever the conditions in the script
	maybe    bool // it fetches one itself before, under a condition
	removed  bool // what it fetched last
	installs bool
	last     call   // the last call of apt
	fetch    *call  // the last apt-get update, nil where something else fetched
	sources  bool   // the list of repositories changes behind the last fetch
	early    bool   // or in front of the first use
	opaque   string // a program that may do any of these, by name
}

// fixes: the call only completes what dpkg left, perhaps without the index.
func (k *call) fixes() bool {
	return k.flag("--fix-broken") || k.short('f')
}

// short reports whether a letter stands among apt's short options: -qqUy.
func (k *call) short(letter byte) bool {
	return slices.ContainsFunc(k.Args[k.at+1:], func(a string) bool {
		return strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.IndexByte("octaP", a[min(1, len(a)-1)]) < 0 && strings.IndexByte(a, letter) > 0
	})
}

// aptReaders read the index, whatever their arguments.
var aptReaders = words(`apt-cache aptitude rosdep mk-build-deps gdebi tasksel apt-file apt-show-versions`)

// aptFetching are words of set-up scripts that fetch the index themselves.
var aptFetching = []string{"nodesource.com/setup", "packagecloud.io/install", "packagecloud.com/install"}

func (pp *packagePass) aptUse(r *packageRun) aptUse {
	var u aptUse
	raw := r.at.Raw()
	if r.mounted("/var/lib/apt") {
		return u
	}
	if r.s == nil {
		if strings.Contains(raw, "apt-get") || strings.Contains(raw, "apt ") || strings.Contains(raw, "aptitude") {
			u.fetches = strings.Contains(raw, "update")
			u.needs = !u.fetches
			u.certain = u.fetches
		}
		return u
	}
	have, sure := false, false // an index; and not just under a condition
	reads := func(c rewrite.Command, k *call) {
		u.installs = true
		if u.needs || sure || have && !r.s.Link(c) {
			return
		}
		u.needs, u.first, u.maybe = true, k, have
	}
	fetched := func(c rewrite.Command, k *call) {
		u.fetches, u.removed, u.sources, u.fetch = true, false, false, k
		have = true
		if r.s.Link(c) {
			sure, u.certain = true, true
		}
	}
	gone := func() { u.removed, have, sure = true, false, false }
	next := 0
	for n, c := range r.cmds {
		if next < len(r.calls) && r.calls[next].n == n {
			k := r.calls[next]
			next++
			if toolOf(k.tool) != "apt-get" {
				continue
			}
			u.last = k
			if k.verb != "update" && (k.flag("--update") || k.short('U')) { // apt 2.7: fetches first
				fetched(c, nil)
			}
			switch k.verb {
			case "update":
				fetched(c, &k)
			case "dist-clean", "distclean":
				gone()
			case "install", "reinstall", "satisfy", "build-dep", "upgrade", "dist-upgrade", "full-upgrade", "source", "download", "changelog", "dselect-upgrade":
				reads(c, &k)
			case "list", "search", "show", "showsrc", "policy", "depends", "rdepends":
				reads(c, nil)
			case "":
				if strings.Contains(k.Key, "$") || slices.Contains(k.Args, "--fix-broken") {
					reads(c, nil)
				}
			}
			continue
		}
		text := strings.Join(c.Args, " ")
		if changesSources(c.Key) {
			u.sources = true
			if !have && !u.needs {
				u.early = true
			}
		}
		switch {
		case aptReaders[c.Name] || c.Name == "sudo" && len(c.Args) > 1 && aptReaders[path.Base(c.Args[1])]:
			if slices.Contains(c.Args, "update") && strings.Contains(text, "aptitude") {
				fetched(c, nil)
			} else if c.Name != "rosdep" || slices.Contains(c.Args, "install") {
				reads(c, nil)
			}
		case strings.Contains(text, "add-apt-repository") && !slices.Contains(c.Args, "-n") && !slices.Contains(c.Args, "--no-update"),
			slices.ContainsFunc(aptFetching, func(w string) bool { return strings.Contains(text, w) }):
			fetched(c, nil)
		case deletesFiles(c) && strings.Contains(text, "apt") && (strings.Contains(text, "lists") || strings.Contains(text, "/var/lib")) && !strings.HasSuffix(text, "partial"):
			if !strings.Contains(text, "/{") || bash(r) || strings.Contains(text, "/lists") { // sh takes braces as they stand
				gone()
			}
		case cleaner(c):
			gone()
		case deletesFiles(c) && c.Name == "rm" && strings.Contains(text, "$") && removesApt(r, text):
			gone()
		case strings.Contains(text, "apt-get ") || strings.Contains(text, "apt install") || strings.Contains(text, "apt update"): // bash -c "…"
			if c.Name == "echo" || c.Name == "printf" || c.Name == "grep" || c.Name == "sed" {
				continue
			}
			if strings.Contains(text, " update") {
				fetched(c, nil)
			} else {
				reads(c, nil)
			}
		default:
			if name, verdict := pp.script(r, c); verdict == scriptReads {
				reads(c, nil)
			} else if verdict == scriptUnknown && !have {
				u.opaque = name
			}
		}
	}
	return u
}

// changesSources: repositories are added, or their keys and settings.
func changesSources(text string) bool {
	return strings.Contains(text, "sources.list") || strings.Contains(text, "/etc/apt") || strings.Contains(text, "apt.conf") || strings.Contains(text, "apt-add-repository") || strings.Contains(text, "add-apt-repository")
}

// bash reports whether the script is run by bash, which knows {a,b}.
func bash(r *packageRun) bool {
	sh := r.in.State().Shell
	return len(sh) > 0 && path.Base(sh[0]) == "bash"
}

// removesApt: the paths of an rm are variables that hold the index's, or say so
// by their name.
func removesApt(r *packageRun, text string) bool {
	text = strings.ToLower(r.in.State().Expand(text))
	return strings.Contains(text, "apt") || strings.Contains(text, "lists") || strings.Contains(text, "clean") || strings.Contains(text, "cache")
}

// verdict is what a script does with the index.
type verdict int

const (
	scriptIdle verdict = iota
	scriptReads
	scriptUnknown
)

// script judges a command that runs a script: by its text where the build
// context has it, else by its name.
func (pp *packagePass) script(r *packageRun, c rewrite.Command) (name string, v verdict) {
	args := c.Args
	for len(args) > 0 && (callers[path.Base(args[0])] || strings.HasPrefix(args[0], "-") || strings.Contains(args[0], "=")) {
		args = args[1:]
	}
	if len(args) == 0 {
		return "", scriptIdle
	}
	file := args[0]
	switch path.Base(file) {
	case "sh", "bash", "source", ".", "ash", "dash", "zsh":
		file = ""
		for _, a := range args[1:] {
			if !strings.HasPrefix(a, "-") {
				file = a
				break
			}
		}
		if file == "" || strings.HasPrefix(file, "<(") {
			return "a script from elsewhere", scriptUnknown // curl … | sh
		}
		if strings.Contains(file, " ") {
			return "", scriptIdle // -c "…", read as text before
		}
	case "make":
		for _, a := range args[1:] {
			if guessed(a) && a != "install" {
				return strings.Join(args, " "), scriptUnknown
			}
		}
		return "", scriptIdle
	case "ansible-playbook", "puppet", "chef-client", "chef-solo", "salt-call", "invoke":
		return path.Base(file), scriptUnknown
	default:
		if !strings.Contains(file, "/") || !strings.HasSuffix(file, ".sh") && !guessed(path.Base(file)) {
			return "", scriptIdle
		}
	}
	if strings.HasSuffix(file, "nvm.sh") || strings.HasSuffix(file, "/activate") || strings.HasSuffix(file, "rustup.sh") || strings.HasSuffix(file, "env") || strings.HasPrefix(file, "/etc/") || strings.HasSuffix(file, ".bashrc") || strings.HasSuffix(file, "conda.sh") || strings.HasPrefix(file, "/opt/ros/") || strings.HasSuffix(file, ".profile") {
		return "", scriptIdle
	}
	st := r.in.State()
	if abs, ok := st.Abs(st.Expand(file)); ok && pp.Repo.Known() {
		if ctx, by := r.in.Stage.Origin(r.in, abs, pp.Repo, pp.Name); by != nil {
			if b, err := pp.Repo.ReadFile(ctx); err == nil {
				text := string(b)
				switch {
				case !strings.Contains(text, "apt"):
					return "", scriptIdle
				case strings.Contains(text, "apt-get update"), strings.Contains(text, "apt update"), strings.Contains(text, "aptitude update"):
					return "", scriptIdle
				}
				return file, scriptReads
			}
		}
	}
	return file, scriptUnknown
}

// guessed: a name that speaks of installing.
func guessed(name string) bool {
	for _, w := range []string{"install", "setup", "bootstrap", "deps", "depend", "provision", "prereq", "require"} {
		if strings.Contains(strings.ToLower(name), w) {
			return true
		}
	}
	return false
}

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
			text := in.Inner().Args.Text
			if (strings.Contains(text, "apt-get") || strings.Contains(text, "apt install")) && !strings.Contains(text, "update") {
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
		if h.removed && u.first != nil && !u.first.fixes() {
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
