package transforms

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
)

// What a RUN does with apt's index, read from its commands and scripts.

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
		if u.needs || sure || have && !certainly(r.s, c) {
			return
		}
		u.needs, u.first, u.maybe = true, k, have
	}
	fetched := func(c rewrite.Command, k *call) {
		u.fetches, u.removed, u.sources, u.fetch = true, false, false, k
		have = true
		if certainly(r.s, c) {
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
		case (strings.Contains(text, "add-apt-repository") || strings.Contains(text, "apt-add-repository")) && !slices.Contains(c.Args, "-n") && !slices.Contains(c.Args, "--no-update"),
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

// certainly reports whether a command runs whatever the script finds: it stands
// at the top, in an && chain or in a pipe.
func certainly(s *rewrite.Script, c rewrite.Command) bool {
	var find func(st *syntax.Stmt) bool
	find = func(st *syntax.Stmt) bool {
		if st == c.Stmt {
			return true
		}
		b, ok := st.Cmd.(*syntax.BinaryCmd)
		return ok && b.Op != syntax.OrStmt && !st.Negated && !st.Background && (find(b.X) || find(b.Y))
	}
	return slices.ContainsFunc(s.File.Stmts, find)
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
	for _, a := range args[1:] {
		if strings.Contains(a, "install-deps") || strings.Contains(a, "with-deps") { // playwright, puppeteer
			return args[0] + " " + a, scriptUnknown
		}
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
