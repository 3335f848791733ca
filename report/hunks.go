package report

import (
	"slices"
	"strings"

	"drydock/rewrite"
)

// Hunk is one place of a patch: lines of the file before that give way to lines of
// the file after. Line breaks are kept, where there are any.
type Hunk struct {
	// Line is the 1-based line of the first of Old in the file before; without Old
	// the line that New is put above, which is one behind the last for the end.
	Line int
	// NewLine is the same in the file after.
	NewLine  int
	Old, New []string
	// Steps are the indexes of those of File.Steps that made this place what it is,
	// in their order. It is empty when the file has no steps.
	Steps []int
}

// Hunks are the places that a patch of f changes, from the first line on, without
// unchanged lines around them, each with the changes that it comes from: what
// takes or gives one of its lines, or a line on the way to it. Two hunks have at
// least one unchanged line between them.
func (f *File) Hunks(p *Patch) []Hunk {
	var out []Hunk
	made, gone := f.blame(p)
	at, now := 0, 0 // lines seen of before and after
	var cur *Hunk
	for _, d := range rewrite.DiffLines(p.Before, p.After) {
		if d.Op == ' ' {
			cur = nil
			at, now = at+1, now+1
			continue
		}
		if cur == nil {
			out = append(out, Hunk{Line: at + 1, NewLine: now + 1})
			cur = &out[len(out)-1]
		}
		if d.Op == '-' {
			cur.Old = append(cur.Old, d.Text)
			cur.Steps = union(cur.Steps, gone[at])
			at++
		} else {
			cur.New = append(cur.New, d.Text)
			cur.Steps = union(cur.Steps, made[now])
			now++
		}
	}
	for i := range out {
		slices.Sort(out[i].Steps)
	}
	return out
}

// blame follows a patch's file through the steps: made are by line of the file
// after the steps that it comes from, gone by line of the file before those that
// took it. A line that a later step rewrites hands on whom it came from.
func (f *File) blame(p *Patch) (made, gone [][]int) {
	type line struct {
		from  int // line of the file before, -1 for none
		steps []int
	}
	lines := strings.SplitAfter(p.Before, "\n")
	now := make([]line, len(lines))
	for i := range now {
		now[i].from = i
	}
	gone = make([][]int, len(lines))
	text := p.Before
	var all []int
	for k, s := range f.Steps {
		after, changes := s.Files[p.Path]
		if !changes || after == text {
			continue
		}
		all = append(all, k)
		var next []line
		var taken []int // steps of the lines that the current place lost
		given := -1     // first line of next that belongs to the current place
		i := 0
		for _, d := range rewrite.DiffLines(text, after) {
			switch d.Op {
			case '-':
				l := now[i]
				if l.from >= 0 {
					gone[l.from] = union(gone[l.from], []int{k})
				}
				taken = union(taken, l.steps)
				for g := given; g >= 0 && g < len(next); g++ {
					next[g].steps = union(next[g].steps, l.steps)
				}
				i++
			case '+':
				if given < 0 {
					given = len(next)
				}
				next = append(next, line{-1, union(slices.Clone(taken), []int{k})})
			default:
				taken, given = nil, -1
				next = append(next, now[i])
				i++
			}
		}
		now, text = next, after
	}
	if text != p.After { // as when several Dockerfiles change one .dockerignore
		for i := range gone {
			gone[i] = all
		}
		return slices.Repeat([][]int{all}, strings.Count(p.After, "\n")+1), gone
	}
	for _, l := range now {
		made = append(made, l.steps)
	}
	return made, gone
}

func union(a, b []int) []int {
	for _, x := range b {
		if !slices.Contains(a, x) {
			a = append(a, x)
		}
	}
	return a
}
