// Package transforms holds the rewrites, one file each. A file registers its
// transform itself, so adding one means adding a file here, a folder below
// fixtures/ and a golden.
package transforms

import (
	"slices"
	"sort"

	"drydock/rewrite"
)

var words, lazily = rewrite.Words, rewrite.Lazily

var registry []*rewrite.Transform

// register adds a transform to All; files call it in a package variable.
func register(t *rewrite.Transform) *rewrite.Transform {
	registry = append(registry, t)
	return t
}

// All lists the transforms in the order in which they run: by phase, then name.
func All() []*rewrite.Transform {
	out := append([]*rewrite.Transform(nil), registry...)
	sort.Slice(out, func(i, j int) bool {
		if out[i].Phase != out[j].Phase {
			return out[i].Phase < out[j].Phase
		}
		return out[i].Name < out[j].Name
	})
	return out
}

// Default lists those of All that run without being asked for.
func Default() []*rewrite.Transform {
	return slices.DeleteFunc(All(), func(t *rewrite.Transform) bool { return t.OptIn })
}

// ByName finds a transform, nil when there is none of that name.
func ByName(name string) *rewrite.Transform {
	for _, t := range registry {
		if t.Name == name {
			return t
		}
	}
	return nil
}
