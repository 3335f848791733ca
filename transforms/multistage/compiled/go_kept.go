package compiled

import (
	"slices"

	"drydock/rewrite"
)

// forKept lists the program and its files.
func (b *Binaries) forKept() bool {
	b.Kept.Made = slices.DeleteFunc(b.Kept.Made, func(p string) bool {
		return slices.ContainsFunc(b.Outputs, func(o Output) bool { return rewrite.Inside(o.Path, p) })
	})
	b.runtime()
	b.Assumes = append(b.Assumes, b.reads()+b.others())
	return true
}
