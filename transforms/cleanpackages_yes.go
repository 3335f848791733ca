package transforms

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
)

// Package managers that run without questions, and apt by its stable name.

// asking are the subcommands that ask before they act; where nobody answers
// they fail (apt-get(8), dnf(8), zypper(8)).
var asking = map[string]map[string]bool{
	"apt-get": words(`install upgrade dist-upgrade full-upgrade remove purge autoremove auto-remove build-dep`),
	"dnf":     words(`install update upgrade downgrade remove erase autoremove reinstall localinstall groupinstall groupupdate distro-sync swap builddep`),
	"zypper":  words(`install in remove rm update up dist-upgrade dup patch`),
}

func (pp *packagePass) yes(r *packageRun) {
	e := r.s.Edit()
	var name string
	assumes := ""
	for _, k := range r.calls {
		family := toolOf(k.tool)
		if !asking[family][k.verb] || namesNothing(k) || k.tool == "microdnf" || k.tool == "tdnf" || answered(k, family) || pp.fed(r, k) || pp.configured(family) {
			continue
		}
		switch {
		case family == "zypper":
			e.Insert(k.Command, k.at+1, "--non-interactive")
			name = "--non-interactive"
		default:
			e.Insert(k.Command, k.verbAt+1, "-y")
			name = "-y"
		}
		if !mustSucceed(r.s, k.Command) {
			assumes = "the command is meant to succeed, where today it may fail without stopping the build"
		}
	}
	pp.propose(r, e, rewrite.Change{
		Title:   "answer the package manager with " + name,
		Why:     "nobody is there to confirm: the build fails as soon as the package manager asks (hadolint DL3014, DL3030, DL3034, DL3038)",
		Assumes: assumes,
	})
}

// namesNothing: apt-get purge alone removes nothing and asks nothing.
func namesNothing(k call) bool {
	switch k.verb {
	case "remove", "purge", "erase", "rm":
		return !slices.ContainsFunc(k.Args[k.verbAt+1:], func(a string) bool { return !strings.HasPrefix(a, "-") })
	}
	return false
}

// answered: an option says yes already, or nothing will be asked.
func answered(k call, family string) bool {
	quiet := 0
	for i := k.at + 1; i < len(k.Args); i++ {
		a := k.Args[i]
		switch {
		case strings.HasPrefix(a, "$") || strings.HasPrefix(a, `"$`):
			if i < k.verbAt || options(a) {
				return true
			}
		case a == "--yes" || a == "--assume-yes" || a == "--assumeyes" || a == "--non-interactive" || a == "--noconfirm" || a == "--no-confirm" || a == "--assume-no" || a == "--assumeno" || a == "--trivial-only",
			a == "--simulate" || a == "--just-print" || a == "--dry-run" || a == "--recon" || a == "--no-act" || a == "--print-uris" || a == "--download-only" || a == "--downloadonly" || a == "--help" || a == "--version":
			return true
		case strings.HasPrefix(a, "--quiet="):
			quiet = 2
		case strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--"):
			for j := 1; j < len(a); j++ {
				c := a[j]
				if c == 'y' || c == 's' && family == "apt-get" || c == 'd' && family == "apt-get" || c == 'n' && family == "zypper" && i < k.verbAt || c == 'D' && family == "zypper" {
					return true
				}
				if c == 'q' {
					quiet++
				}
				if c == '=' && family == "apt-get" && quiet > 0 { // -q=2
					quiet = 2
				}
				if strings.IndexByte("ocaPt", c) >= 0 && family == "apt-get" || strings.IndexByte("cxdR", c) >= 0 && family == "dnf" || strings.IndexByte("tpr", c) >= 0 && family == "zypper" {
					break // the rest is its value
				}
			}
		}
	}
	return family == "apt-get" && quiet > 1 || k.says("assume-yes") || k.says("assumeyes")
}

// options: a variable that holds options, by its name.
func options(word string) bool {
	w := strings.ToLower(word)
	for _, n := range []string{"opt", "flag", "arg", "yes"} {
		if strings.Contains(w, n) {
			return true
		}
	}
	return false
}

// fed reports whether the command's input comes from elsewhere: yes | apt-get.
func (pp *packagePass) fed(r *packageRun, k call) bool {
	for _, rd := range k.Stmt.Redirs {
		if rd.Op == syntax.RdrIn || rd.Op == syntax.Hdoc || rd.Op == syntax.WordHdoc || rd.Op == syntax.DashHdoc {
			return true
		}
	}
	fed := false
	syntax.Walk(r.s.File, func(n syntax.Node) bool {
		if b, ok := n.(*syntax.BinaryCmd); ok && (b.Op == syntax.Pipe || b.Op == syntax.PipeAll) {
			at := k.Stmt.Pos().Offset()
			fed = fed || k.Args[0] != "xargs" && b.Y.Pos().Offset() <= at && at < b.Y.End().Offset()
		}
		return !fed
	})
	return fed
}

// configured: the file itself writes a configuration that answers.
func (pp *packagePass) configured(family string) bool {
	text := map[string]string{"apt-get": "Assume-Yes", "dnf": "assumeyes="}[family]
	return text != "" && strings.Contains(pp.Doc.Src, text)
}

// mustSucceed reports whether the failure of a command ends the script.
func mustSucceed(s *rewrite.Script, c rewrite.Command) bool {
	if !s.Link(c) {
		return false
	}
	n := len(s.File.Stmts)
	if n == 1 || s.FailsFast() {
		return true
	}
	at := c.Stmt.Pos().Offset()
	return at >= s.File.Stmts[n-1].Pos().Offset()
}

// aptVerbs are the subcommands that apt-get shares with apt, by apt's name
// (apt(8), apt-get(8)); upgrade takes new packages in apt alone.
var aptVerbs = map[string]string{
	"update": "update", "install": "install", "remove": "remove", "purge": "purge", "autoremove": "autoremove", "clean": "clean", "autoclean": "autoclean",
	"build-dep": "build-dep", "source": "source", "download": "download", "dist-upgrade": "dist-upgrade", "full-upgrade": "dist-upgrade", "upgrade": "upgrade",
}

func (pp *packagePass) aptNames(r *packageRun) {
	e := r.s.Edit()
	for _, k := range r.calls {
		verb, ok := aptVerbs[k.verb]
		if k.tool != "apt" || !ok || k.Args[k.at] != "apt" && k.Args[k.at] != "/usr/bin/apt" || k.flag("--update", "--color", "--no-color") || k.short('U') {
			continue
		}
		if slices.ContainsFunc(k.Args[k.verbAt+1:], func(a string) bool { return strings.ContainsAny(a, "*?~^") }) {
			pp.Decline(r.at, "apt and apt-get read patterns in package names differently")
			continue
		}
		e.Replace(k.Command, k.at, strings.TrimSuffix(k.Args[k.at], "apt")+"apt-get")
		if verb != k.verb {
			e.Replace(k.Command, k.verbAt, verb)
		}
		if verb == "upgrade" && !k.flag("--with-new-pkgs", "--without-new-pkgs") {
			e.Insert(k.Command, k.verbAt+1, "--with-new-pkgs")
		}
	}
	pp.propose(r, e, rewrite.Change{
		Title: "apt-get in place of apt",
		Why:   "apt is for people at a terminal: its command line may change between versions, apt-get's doesn't (hadolint DL3027, apt(8))",
	})
}
