package split

import (
	"slices"
	"strings"

	"drydock/rewrite"
)

// OfFolder: a program that a command names by its path lies in the folder that is copied.
func (s *Split) OfFolder(program string) bool {
	p, ok := s.Stage.At(nil).Abs(program)
	return strings.Contains(program, "/") && (!ok || rewrite.Inside(p, s.Kept.Folder))
}

// Makes notes a path of the folder that a file command of the build makes: the program may
// expect it.
func (s *Split) Makes(p string) {
	if rewrite.Inside(p, s.Kept.Folder) && p != s.Kept.Folder && !slices.Contains(s.Kept.Made, p) {
		s.Kept.Made = append(s.Kept.Made, p)
	}
}

// Kept is a split whose runtime stage is there already: only what goes over from the
// build stage is asked, and which image it stands on, what that installs and who runs it
// aren't.
type Kept struct {
	Folder  string   // of the build stage, copied whole
	Made    []string // paths of it that file commands of the build make
	Writes  bool     // the build leaves more in its folders than what is copied
	Folders bool     // what the build writes for the program is a folder
}
