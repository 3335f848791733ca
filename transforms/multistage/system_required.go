package multistage

import (
	"slices"
	"strings"

	"drydock/rewrite"
)

// Packages that no instruction names and the runtime stage needs.

// installed is an apt-get install of the runtime stage that stands in the place of an
// instruction of the build stage.
type installed struct {
	in    *rewrite.Instruction
	at    int // in split.instead
	names []string
	keep  map[string]string
	flags []string
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

// installRequired writes the RUN that installs the required packages, on top of
// the runtime stage.
func (s *split) installRequired() {
	names := slices.DeleteFunc(slices.Clone(s.apt.required), s.comesAlong)
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	for _, n := range names {
		s.explain("%s is installed in the runtime stage for %s", n, s.apt.reason[n])
	}
	l := s.apt.line
	if l == nil {
		s.first = append([]string{s.installLine(names, nil, nil)}, s.first...)
		return
	}
	for _, c := range s.adds { // the line is written again, with these packages
		if install, ok := strings.CutSuffix(c, " "+strings.Join(l.names, " ")); ok && strings.HasPrefix(install, "apt-get install") {
			s.adds = slices.Delete(s.adds, slices.Index(s.adds, c)-1, slices.Index(s.adds, c)+2)
			break
		}
	}
	s.instead[l.in][l.at] = s.installLine(append(names, l.names...), l.keep, l.flags)
}
