package rewrite

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Narrowed is a COPY of a folder of another stage in the last one, in whose place a change
// copies parts of that folder.
type Narrowed struct {
	Src, Dest string   // the folder in the stage that it comes from, and in the last one
	Kept      []string // paths below it that are copied, each to its old place
}

// fromStage is a COPY --from of the last stage.
type fromStage struct{ from, src, dest, flags string }

// gateNarrowed: where a change narrows a COPY, the last stage gets the parts that it
// names, from the same stage, to the same places and with the same flags, and every other
// COPY --from of it is as it was.
func gateNarrowed(before, after *Document, c Change) error {
	if len(c.Narrows) == 0 {
		return nil
	}
	lost, added := copiesFrom(before.Final()), copiesFrom(after.Final())
	for i := len(lost) - 1; i >= 0; i-- {
		if k := slices.Index(added, lost[i]); k >= 0 {
			lost, added = slices.Delete(lost, i, i+1), slices.Delete(added, k, k+1)
		}
	}
	for _, n := range c.Narrows {
		i := slices.IndexFunc(lost, func(f fromStage) bool { return f.src == n.Src && f.dest == n.Dest })
		if i < 0 {
			return fmt.Errorf("the COPY of %s to %s would stay", n.Src, n.Dest)
		}
		whole := lost[i]
		lost = slices.Delete(lost, i, i+1)
		for _, k := range n.Kept {
			part := fromStage{whole.from, path.Join(n.Src, k), path.Join(n.Dest, k), whole.flags}
			k := slices.Index(added, part)
			if k < 0 || !Inside(part.src, n.Src) || !Inside(part.dest, n.Dest) {
				return fmt.Errorf("%s would not be copied to %s", part.src, part.dest)
			}
			added = slices.Delete(added, k, k+1)
		}
	}
	for _, f := range lost {
		return fmt.Errorf("the COPY of %s to %s would be lost", f.src, f.dest)
	}
	for _, f := range added {
		return fmt.Errorf("a COPY of %s to %s would be added", f.src, f.dest)
	}
	return nil
}

// copiesFrom lists what a stage copies from others, a source each.
func copiesFrom(s *Stage) (out []fromStage) {
	for _, in := range s.Instructions {
		sources, dest, from, _ := in.Copy()
		if from == "" {
			continue
		}
		var flags []string
		for _, f := range in.Flags {
			if !strings.HasPrefix(f.Text, "--from=") {
				flags = append(flags, f.Text)
			}
		}
		if o := s.doc.StageByRef(from, s.Index); o != nil {
			from = fmt.Sprint(o.Index)
		}
		st := s.At(in)
		to, _ := st.Abs(st.Expand(dest))
		for _, src := range sources {
			out = append(out, fromStage{from, path.Join("/", st.Expand(src)), to, strings.Join(flags, " ")})
		}
	}
	return out
}
