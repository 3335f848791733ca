package replay

import (
	"path"

	"drydock/history"
)

// modeDir marks a folder, which git doesn't keep but a checkout has.
const modeDir = 0o040000

// tree is the context as a checkout of one commit holds it: files, and the
// folders that files make.
type tree struct {
	files map[string]history.File
	dirs  map[string]int // the number of files below
}

// event is what a commit made of one file or folder; the zero File stands for
// none.
type event struct {
	path     string
	old, now history.File
}

// newTree is a tree without files.
func newTree() *tree { return &tree{files: map[string]history.File{}, dirs: map[string]int{}} }

// set puts a file in the place of what is there and tells what that changed.
func (t *tree) set(p string, now history.File, events []event) []event {
	old := t.files[p]
	if old == now {
		return events
	}
	events = append(events, event{p, old, now})
	step := 0
	switch {
	case now.Mode == 0:
		delete(t.files, p)
		step = -1
	case old.Mode == 0:
		step = 1
		fallthrough
	default:
		t.files[p] = now
	}
	if step == 0 {
		return events
	}
	for d := path.Dir(p); d != "."; d = path.Dir(d) {
		n := t.dirs[d] + step
		if t.dirs[d] = n; n == 0 {
			delete(t.dirs, d)
			events = append(events, event{path: d, old: history.File{Mode: modeDir}})
		} else if n == 1 && step == 1 {
			events = append(events, event{path: d, now: history.File{Mode: modeDir}})
		}
	}
	return events
}

// each calls f for every file and folder.
func (t *tree) each(f func(p string, file history.File)) {
	for p, file := range t.files {
		f(p, file)
	}
	for d := range t.dirs {
		f(d, history.File{Mode: modeDir})
	}
}
