package split

import (
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/distro"
)

// What the RUNs that the runtime stage repeats need there, and those that it does without.

// versionFlag are programs whose -v tells their version; others of theirs make them talk.
var versionFlag = words(`node nodejs npm npx yarn pnpm php ruby gem bundle bundler composer python python3 pip pip3 uv`)

// OnlyTells: the command prints a version and does nothing else.
func OnlyTells(c rewrite.Command) bool {
	if len(c.Args) != 2 || len(c.Stmt.Redirs) > 0 || strings.ContainsAny(c.Args[0], "$`") {
		return false
	}
	switch c.Args[1] {
	case "--version", "-V", "-version":
		return true
	case "-v":
		return versionFlag[c.Name]
	}
	return false
}

// callers maps programs of such RUNs to the package that a slim image lacks.
var callers = map[string]string{"curl": "curl", "wget": "wget", "gpg": "gnupg", "apt-key": "gnupg", "unzip": "unzip"}

// leaveAgain leaves such RUNs to the build stage that bring nothing but what the recipe knows
// to be for the build: Node.js and Yarn where they only build assets.
func (s *Split) leaveAgain() {
	for in := range s.repeated {
		sh, _ := in.Shell()
		var names []string
		for _, c := range sh.Commands() {
			if a, ok := distro.ReadApt(rewrite.Step{Command: c}); ok && a.Verb == "install" {
				names = append(names, a.Words...)
			}
		}
		if len(names) == 0 && strings.Contains(in.Text, "nodesource.com/") {
			names = append(names, "nodejs")
		}
		if len(names) == 0 && strings.Contains(in.Text, "dl.yarnpkg.com/") {
			names = append(names, "yarn")
		}
		if len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool { return !s.BuildTools[n] }) {
			delete(s.repeated, in)
			s.Roles[in] = InBuild
		}
	}
}

// equip installs, in front of the first RUN that is repeated, what those RUNs call and neither
// the slim image has nor an install above.
func (s *Split) equip() {
	var first *rewrite.Instruction
	var lack []string
	have := map[string]bool{}
	for _, in := range s.Stage.Instructions {
		if in.Keyword != "run" {
			continue
		}
		sh, why := in.Shell()
		if why != "" {
			continue
		}
		if first == nil && s.repeated[in] {
			first = in
		}
		for _, c := range sh.Commands() {
			if a, ok := distro.ReadApt(rewrite.Step{Command: c}); ok && a.Verb == "install" {
				for _, w := range a.Words {
					have[w] = true
				}
			}
			if pkg := callers[c.Name]; s.repeated[in] && pkg != "" && !have[pkg] && !(s.SameBase && pkg == "curl") {
				have[pkg] = true
				lack = append(lack, pkg)
			}
		}
	}
	if len(lack) > 0 {
		slices.Sort(lack)
		above := slices.IndexFunc(s.Apt.lines, func(l *Installed) bool { return l.in.Index < first.Index })
		if above >= 0 {
			l := s.Apt.lines[above]
			l.names = append(l.names, lack...)
			s.Instead[l.in][l.at] = s.runOf(l.commands())
		} else {
			s.Ahead[first] = append(s.Ahead[first], s.InstallLine(lack))
		}
		s.Explain("%s installed in the runtime stage for RUNs that it repeats, from line %d on", strings.Join(lack, ", "), first.Line)
	}
}
