package split

import (
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/distro"
)

// What the runtime stage installs by apt: in the places where the build did, and packages
// that no instruction names.

// Installed is an apt-get install of the runtime stage.
type Installed struct {
	in    *rewrite.Instruction // in its place it stands
	at    int                  // which line of Split.Instead it is there
	names []string
	keep  map[string]string // why each is there: the package that the build installs
	flags []string
}

// commands are those of its RUN.
func (l *Installed) commands() []string {
	var fl []string
	for _, f := range l.flags {
		if !slices.Contains(fl, f) {
			fl = append(fl, f)
		}
	}
	if !distro.AssumesYes(fl) {
		fl = append([]string{"-y"}, fl...)
	}
	if l.unnamed() && !slices.Contains(fl, "--no-install-recommends") {
		fl = append(fl, "--no-install-recommends")
	}
	return []string{"apt-get update", strings.Join(slices.Concat([]string{"apt-get", "install"}, fl, l.names), " "), "rm -rf /var/lib/apt/lists/*"}
}

// unnamed: the build names none of them: libraries stand for its headers.
func (l *Installed) unnamed() bool {
	return !slices.ContainsFunc(l.names, func(name string) bool { return l.keep[name] == name })
}

func (s *Split) runOf(commands []string) string {
	return s.Keyword("RUN") + " " + s.Doc.Chained(commands)
}

// InstallLine is a RUN that installs packages, and notes its commands as added.
func (s *Split) InstallLine(names []string) string {
	l := Installed{names: names}
	s.Adds = append(s.Adds, l.commands()...)
	return s.runOf(l.commands())
}

// Require notes a Debian package that the runtime stage must install although no
// instruction names it, such as the library behind a language's package. why
// stands in the plan: "psycopg2 (requirements.txt:2)". It reports false where
// the base has no apt.
func (s *Split) Require(pkg, why string) bool {
	if s.Image.PackageManager != "apt" {
		return false
	}
	if s.Apt.Reason == nil {
		s.Apt.Reason = map[string]string{}
	}
	if !s.Apt.Runtime[pkg] && s.Apt.Reason[pkg] == "" {
		s.Apt.Required = append(s.Apt.Required, pkg)
		s.Apt.Reason[pkg] = why
	}
	return true
}

// installRequired writes the required packages into the first RUN of the runtime stage that
// installs some, or into one on top of it, and notes what all of them run.
func (s *Split) installRequired(cut int) {
	names := slices.DeleteFunc(slices.Clone(s.Apt.Required), s.ComesAlong)
	slices.Sort(names)
	for _, n := range names {
		s.Explain("%s is installed in the runtime stage for %s", n, s.Apt.Reason[n])
	}
	switch {
	case len(names) == 0:
	case len(s.Apt.lines) == 0 && s.joinRepeated(names, cut):
	case len(s.Apt.lines) == 0:
		s.First = append([]string{s.InstallLine(names)}, s.First...)
	default:
		l := s.Apt.lines[0]
		l.names = append(names, l.names...)
		s.Instead[l.in][l.at] = s.runOf(l.commands())
	}
	for _, l := range s.Apt.lines {
		s.Adds = append(s.Adds, l.commands()...)
	}
}
