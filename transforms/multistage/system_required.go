package multistage

import (
	"slices"
	"strings"

	"drydock/rewrite"
)

// What the runtime stage installs by apt: in the places where the build did, and packages
// that no instruction names.

// installed is an apt-get install of the runtime stage.
type installed struct {
	in    *rewrite.Instruction // in its place it stands
	at    int                  // which line of split.instead it is there
	names []string
	keep  map[string]string // why each is there: the package that the build installs
	flags []string
}

// commands are those of its RUN.
func (l *installed) commands() []string {
	var fl []string
	for _, f := range l.flags {
		if !slices.Contains(fl, f) {
			fl = append(fl, f)
		}
	}
	if !assumesYes(fl) {
		fl = append([]string{"-y"}, fl...)
	}
	if l.unnamed() && !slices.Contains(fl, "--no-install-recommends") {
		fl = append(fl, "--no-install-recommends")
	}
	return []string{"apt-get update", strings.Join(slices.Concat([]string{"apt-get", "install"}, fl, l.names), " "), "rm -rf /var/lib/apt/lists/*"}
}

// unnamed: the build names none of them: libraries stand for its headers.
func (l *installed) unnamed() bool {
	return !slices.ContainsFunc(l.names, func(name string) bool { return l.keep[name] == name })
}

func (s *split) runOf(commands []string) string {
	return s.keyword("RUN") + " " + s.doc.Chained(commands)
}

// installLine is a RUN that installs packages, and notes its commands as added.
func (s *split) installLine(names []string) string {
	l := installed{names: names}
	s.adds = append(s.adds, l.commands()...)
	return s.runOf(l.commands())
}

// require notes a Debian package that the runtime stage must install although no
// instruction names it, such as the library behind a language's package. why
// stands in the plan: "psycopg2 (requirements.txt:2)". It reports false where
// the base has no apt.
func (s *split) require(pkg, why string) bool {
	if s.img.PackageManager != "apt" {
		return false
	}
	if s.apt.reason == nil {
		s.apt.reason = map[string]string{}
	}
	if !s.apt.runtime[pkg] && s.apt.reason[pkg] == "" {
		s.apt.required = append(s.apt.required, pkg)
		s.apt.reason[pkg] = why
	}
	return true
}

// installRequired writes the required packages into the first RUN of the runtime stage that
// installs some, or into one on top of it, and notes what all of them run.
func (s *split) installRequired() {
	names := slices.DeleteFunc(slices.Clone(s.apt.required), s.comesAlong)
	slices.Sort(names)
	for _, n := range names {
		s.explain("%s is installed in the runtime stage for %s", n, s.apt.reason[n])
	}
	switch {
	case len(names) == 0:
	case len(s.apt.lines) == 0:
		s.first = append([]string{s.installLine(names)}, s.first...)
	default:
		l := s.apt.lines[0]
		l.names = append(names, l.names...)
		s.instead[l.in][l.at] = s.runOf(l.commands())
	}
	for _, l := range s.apt.lines {
		s.adds = append(s.adds, l.commands()...)
	}
}
