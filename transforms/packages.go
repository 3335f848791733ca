package transforms

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// How RUNs use package managers: what clean-packages and no-recommends read.

// packageRun is a RUN, or one behind ONBUILD, that names a package manager.
type packageRun struct {
	at    *rewrite.Instruction // as it stands in the file
	in    *rewrite.Instruction // the RUN itself
	s     *rewrite.Script      // nil where it can't be read
	cmds  []rewrite.Command
	calls []call
}

// call is one use of a package manager.
type call struct {
	rewrite.Command
	n      int    // place among the script's commands
	tool   string // the program behind sudo, env and the like; "pip" for python -m pip and pip3.12
	at     int    // its word
	verb   string // its subcommand, "" when none is known
	verbAt int    // the word of it
}

// managerNames are what a RUN must hold to be looked at.
var managerNames = []string{"apt", "apk", "pip", "yum", "dnf", "zypper", "npm", "yarn", "gem ", "conda", "mamba", "composer", "cargo", "go ", "uv "}

// packageRuns lists the RUNs of a document that name a package manager.
func packageRuns(d *rewrite.Document, names []string) []packageRun {
	var out []packageRun
	for _, at := range d.Instructions {
		in := at.Inner()
		if in.Keyword != "run" || in.Stage == nil {
			continue
		}
		if !holdsAny(in, names) {
			continue
		}
		out = append(out, readRun(at))
	}
	return out
}

// holdsAny: an instruction holds one of the names, which are a list that stays.
func holdsAny(in *rewrite.Instruction, names []string) bool {
	return in.Memo(&names[0], func() any {
		raw := in.Raw()
		return slices.ContainsFunc(names, func(n string) bool { return strings.Contains(raw, n) })
	}).(bool)
}

func readRun(at *rewrite.Instruction) packageRun {
	r := packageRun{at: at, in: at.Inner()}
	r.s, _ = r.in.Shell()
	if r.s == nil {
		return r
	}
	r.cmds = r.s.Commands()
	r.calls = r.s.Memo(callsKey{}, func() any { return callsOf(r.cmds) }).([]call)
	return r
}

type callsKey struct{}

// callsOf are the uses of package managers among commands.
func callsOf(cmds []rewrite.Command) (out []call) {
	for i, c := range cmds {
		if k, ok := callOf(c); ok {
			k.n = i
			out = append(out, k)
		}
	}
	return out
}

// callers run the program that they are given.
var callers = words(`sudo env eatmydata time nice ionice command xargs timeout retry gosu su-exec stdbuf`)

// verbs are the subcommands by which a call is told from its options' values.
var verbs = map[string]map[string]bool{
	"apt-get": words(`update upgrade dist-upgrade full-upgrade install reinstall remove purge autoremove autopurge auto-remove clean autoclean auto-clean dist-clean distclean build-dep source download check changelog indextargets satisfy
		list search show showsrc policy depends rdepends edit-sources help moo markauto unmarkauto dselect-upgrade`),
	"apk":      words(`add del update upgrade fix info search fetch cache index policy stats version audit verify list dot manifest`),
	"pip":      words(`install download wheel uninstall freeze list show check config search cache index inspect debug hash completion help`),
	"uv":       words(`pip install sync add remove lock run tool python venv init build publish cache self export tree version help`),
	"dnf":      words(`install reinstall update upgrade upgrade-minimal update-minimal downgrade remove erase autoremove groupinstall group groupupdate groupremove localinstall module swap distro-sync builddep build-dep makecache clean list info search provides repolist repoquery config-manager copr download history mark check check-update updateinfo shell versionlock needs-restarting repo help`),
	"zypper":   words(`install in remove rm update up dist-upgrade dup patch verify ve install-new-recommends inr source-install si refresh ref addrepo ar removerepo rr modifyrepo mr lr repos clean cc search se info if list-updates lu patterns products pt packages download licenses addlock al services ls rl targetos tos versioncmp vcmp`),
	"npm":      words(`install i in ins inst insta instal isnt add ci clean-install install-clean update up upgrade install-test it install-ci-test cit link ln run run-script exec x test t start stop restart config set get c cache ls list ll view info v show uninstall un remove rm r unlink rebuild rb dedupe ddp audit pack publish prune init create version root bin prefix explore explain why fund help login logout whoami adduser doctor outdated ping query star search shrinkwrap tag dist-tag token team owner org pkg`),
	"yarn":     words(`install add global upgrade up remove run cache config set build start test create dlx workspace workspaces info init link list node npm pack plugin prune rebuild stage unlink version versions why policies audit autoclean bin check generate-lock-entry import licenses login logout outdated owner publish tag team unplug exec`),
	"gem":      words(`install i update uninstall list search sources source specification env environment build push cleanup pristine query server setup stale unpack which owner cert check contents dependency fetch help info lock mirror outdated rdoc signin signout yank open`),
	"conda":    words(`install create update upgrade env clean config init run list info remove uninstall search activate deactivate shell build index package compare doctor notices rename export self`),
	"composer": words(`install i update u upgrade require r create-project global dump-autoload dumpautoload remove clear-cache clearcache cc config self-update selfupdate run run-script exec validate show init diagnose archive browse check-platform-reqs depends outdated prohibits search status suggests`),
	"cargo":    words(`build b check c clean doc new init add remove run r test t bench update search publish install uninstall fetch vendor clippy fmt chef binstall nextest rustc metadata generate-lockfile tree version tarpaulin audit leptos component make zigbuild`),
	"go":       words(`build install get run test vet mod generate env version fmt clean list tool work doc fix bug telemetry`),
}

// toolOf names the family of a program, "" for other programs. The families
// apt-get and dnf keep their members' own names in call.tool.
func toolOf(name string) (family string) {
	switch name {
	case "apt-get", "apt":
		return "apt-get"
	case "dnf", "yum", "microdnf", "tdnf", "dnf5", "dnf-3":
		return "dnf"
	case "conda", "mamba", "micromamba":
		return "conda"
	case "npm", "yarn", "gem", "apk", "zypper", "uv", "composer", "cargo", "go":
		return name
	}
	if rest, ok := strings.CutPrefix(name, "pip"); ok && strings.Trim(rest, "0123456789.") == "" {
		return "pip"
	}
	return ""
}

// callOf reads a command as the use of a package manager.
func callOf(c rewrite.Command) (call, bool) {
	k := call{Command: c}
	family := ""
	for i, a := range c.Args {
		base := path.Base(a)
		if family = toolOf(base); family != "" {
			k.tool, k.at = base, i
			if family == "pip" {
				k.tool = "pip"
			}
			break
		}
		if strings.HasPrefix(base, "python") || strings.HasPrefix(base, "pypy") {
			j := i + 1
			for j < len(c.Args) && c.Args[j] != "-m" && strings.HasPrefix(c.Args[j], "-") {
				j++
			}
			if j+1 < len(c.Args) && c.Args[j] == "-m" && c.Args[j+1] == "pip" {
				family, k.tool, k.at = "pip", "pip", j+1
				break
			}
		}
		if i == 0 && !callers[base] {
			return k, false
		}
	}
	if family == "" {
		return k, false
	}
	known := verbs[family]
	for i := k.at + 1; i < len(c.Args); i++ {
		if a := c.Args[i]; known[a] {
			if (a == "global" || a == "env" && family == "conda" || a == "pip" && family == "uv" || a == "mod" && family == "go") && k.verb == "" {
				k.verb, k.verbAt = a, i
				continue
			}
			if k.verb != "" {
				a = k.verb + " " + a
			}
			k.verb, k.verbAt = a, i
			break
		}
		if k.verb != "" && !strings.HasPrefix(c.Args[i], "-") {
			break
		}
	}
	return k, true
}

// as is what another command of the same caller begins with: "sudo ".
func (k call) as() string {
	if len(k.Args) == 0 || path.Base(k.Args[0]) != "sudo" {
		return ""
	}
	out := "sudo "
	for _, a := range k.Args[1:k.at] {
		if a == "-E" || a == "-H" || a == "-n" || a == "--preserve-env" {
			out += a + " "
		}
	}
	return out
}

// flag reports whether one of the options stands there, also as --name=value.
func (k call) flag(names ...string) bool {
	for _, a := range k.Args[k.at+1:] {
		for _, n := range names {
			if a == n || strings.HasPrefix(a, n) && len(a) > len(n) && a[len(n)] == '=' {
				return true
			}
		}
	}
	return false
}

// says reports whether one of the call's words holds a text, in any case.
func (k call) says(text string) bool { return strings.Contains(strings.ToLower(k.Key), text) }

// assigned reports whether the call sets a variable for itself.
func (k call) assigned(name string) bool {
	for _, a := range k.Call.Assigns {
		if a.Name != nil && strings.EqualFold(a.Name.Value, name) {
			return true
		}
	}
	return slices.ContainsFunc(k.Args[:k.at], func(a string) bool { return strings.HasPrefix(a, name+"=") })
}

// env gives a variable as ENV, ARG or the base image set it.
func (r packageRun) env(name string) (string, bool) {
	st := r.in.State()
	for _, m := range []map[string]string{st.Env, st.Args, st.Base.Env} {
		if v, ok := m[name]; ok {
			return v, true
		}
	}
	return "", false
}

// from reports whether the base is one of these releases, or its name says so.
func (r packageRun) from(releases map[string]bool) bool {
	st := r.in.State()
	if st.Known && st.Base.Repository == "python" { // brings its own pip
		return false
	}
	if st.Known && releases[st.Base.Distro+":"+st.Base.Release] {
		return true
	}
	for s := r.in.Stage; ; s = s.Parent() {
		if s.Parent() == nil {
			name := strings.ToLower(s.BaseName())
			for w := range releases {
				_, release, _ := strings.Cut(w, ":")
				if len(release) > 3 && strings.Contains(name, release) {
					return true
				}
			}
			return false
		}
	}
}

// sets reports whether a variable is set for the RUN, in whatever way.
func (r packageRun) sets(name string) bool {
	_, ok := r.env(name)
	return ok || strings.Contains(r.at.Raw(), name)
}

// mounted reports whether something is mounted on one of the places, given by a
// part of their path: nothing that is written there stays in the layer.
func (r packageRun) mounted(places ...string) bool {
	for _, m := range r.in.Mounts() {
		t := strings.TrimRight(m["target"], "/")
		if m["type"] == "secret" || m["type"] == "ssh" {
			continue
		}
		if strings.Contains(t, "$") || t == "/root" || t == "/var" || t == "/var/cache" || t == "/var/lib" {
			return true
		}
		for _, p := range places {
			if strings.Contains(t, p) {
				return true
			}
		}
	}
	return false
}

// deletedAfter reports whether a command behind number n removes a path that
// holds one of the texts.
func (r packageRun) deletedAfter(n int, texts ...string) bool {
	for _, c := range r.cmds[n+1:] {
		if !deletesFiles(c) {
			continue
		}
		for _, t := range texts {
			if strings.Contains(strings.ReplaceAll(c.Key, ".npmrc", ""), t) {
				return true
			}
		}
	}
	return false
}

// deletesFiles: rm and what else takes files away, or goes where rm will.
func deletesFiles(c rewrite.Command) bool {
	name := c.Name
	if callers[name] {
		for _, a := range c.Args[1:] {
			if !strings.HasPrefix(a, "-") && !strings.Contains(a, "=") {
				name = path.Base(a)
				break
			}
		}
	}
	switch name {
	case "rm", "find", "truncate", "cd", "unlink", "sh", "bash", "pushd", "rmdir", "mv":
		return true
	}
	return false
}

// cleaner: a script that says by its name that it cleans up.
func cleaner(c rewrite.Command) bool {
	if _, ok := callOf(c); ok || len(c.Args) == 0 {
		return false
	}
	name := path.Base(c.Args[0])
	return strings.Contains(name, "clean") || strings.Contains(name, "purge")
}
