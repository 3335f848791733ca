package images

import (
	"sort"
	"strings"
)

// What tools/catalogue holds against a registry.

// Repositories are the names of everything that the catalogue holds, sorted, as
// Ref.Repository gives them; distroless images that are kept up on Date are among them.
func Repositories() []string {
	out := append([]string(nil), repositories()...)
	for kind, on := range distrolessKinds {
		for release, kept := range on {
			if end := distrolessEnd(kind, release); kept && (end == "" || end > Date) {
				out = append(out, distrolessPrefix+kind+"-debian"+release)
			}
		}
	}
	sort.Strings(out)
	return out
}

// Listed are the images that a repository lists on Date, each as the tags that
// name it, the fullest version first; nil for one that the catalogue doesn't
// hold or whose tags it doesn't list.
func Listed(repository string) [][]string {
	if _, ok := distroless(repository, "latest"); ok {
		return [][]string{{"latest"}, {"nonroot"}, {"debug"}, {"debug-nonroot"}}
	}
	f := familyOf(repository)
	if f == nil {
		return nil
	}
	rows := make([][]string, len(f.rows))
	for tag, i := range f.byTag {
		if f.rows[i].gone == "" {
			rows[i] = append(rows[i], tag)
		}
	}
	var out [][]string
	for _, tags := range rows {
		if len(tags) == 0 {
			continue
		}
		sort.Slice(tags, func(i, j int) bool {
			a, b := f.lex(tags[i]), f.lex(tags[j])
			if n, m := parts(a.version), parts(b.version); n != m {
				return n > m
			}
			if len(tags[i]) != len(tags[j]) {
				return len(tags[i]) < len(tags[j])
			}
			return tags[i] < tags[j]
		})
		out = append(out, tags)
	}
	return out
}

// Aliases are the tags that name the same image as ref on Date and say more:
// gcc:16-trixie of gcc:16. They begin with its tag, the shortest first; nil where
// ref has a digest or no tag, or the catalogue doesn't list it.
func Aliases(ref Ref) []Ref {
	f := familyOf(ref.mirrored())
	if f == nil || ref.Digest != "" || ref.hasVariable() || f.listed(ref.Tag) == nil {
		return nil
	}
	var out []Ref
	for tag, i := range f.byTag {
		if i == f.byTag[ref.Tag] && strings.HasPrefix(tag, ref.Tag+"-") {
			out = append(out, ref.WithTag(tag))
		}
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i].Tag, out[j].Tag
		return len(a) < len(b) || len(a) == len(b) && a < b
	})
	return out
}

// VersionOf is the part of a repository's tag that stands for its version:
// "3.12.14" of "3.12.14-slim", "lts" of "lts-alpine"; "" when there is none.
func VersionOf(repository, tag string) string {
	if f := familyOf(repository); f != nil {
		t := f.lex(tag)
		return t.version
	}
	return ""
}
