package imagefs

import (
	"archive/tar"
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Difference is one path at which two trees differ.
type Difference struct {
	Path string
	Kind Kind
	What string // in words
}

// A Kind tells whether only a file's bytes differ.
type Kind int

// Kinds of difference.
const (
	Missing Kind = iota // in the second tree
	Added
	Changed // type, mode, owner, link, device or extended attributes
	Content // the bytes of a regular file, and nothing else
)

func (d Difference) String() string { return "/" + d.Path + ": " + d.What }

// Compare lists where after differs from before, sorted by path.
func Compare(before, after Tree) []Difference {
	var out []Difference
	for p, b := range before {
		a := after[p]
		switch {
		case a == nil:
			out = append(out, Difference{p, Missing, "gone: " + b.String()})
		case b.String() != a.String():
			out = append(out, Difference{p, Changed, b.String() + " before, " + a.String() + " after"})
		case b.SHA256 != a.SHA256:
			out = append(out, Difference{p, Content, contents(b, a)})
		}
	}
	for p, a := range after {
		if before[p] == nil {
			out = append(out, Difference{p, Added, "new: " + a.String()})
		}
	}
	slices.SortFunc(out, func(x, y Difference) int { return strings.Compare(x.Path, y.Path) })
	return out
}

// String tells everything about n but its content: "-rwxr-xr-x 0:0".
func (n *Node) String() string {
	kinds := map[byte]string{tar.TypeReg: "-", tar.TypeDir: "d", tar.TypeSymlink: "l", tar.TypeChar: "c", tar.TypeBlock: "b", tar.TypeFifo: "p"}
	var b strings.Builder
	fmt.Fprintf(&b, "%s%04o %d:%d", kinds[n.Type], n.Mode, n.UID, n.GID)
	if n.Link != "" {
		fmt.Fprintf(&b, " -> %s", n.Link)
	}
	if n.Type == tar.TypeChar || n.Type == tar.TypeBlock {
		fmt.Fprintf(&b, " device %d,%d", n.Major, n.Minor)
	}
	for _, k := range slices.Sorted(maps.Keys(n.Xattrs)) {
		fmt.Fprintf(&b, " %s=%x", k, n.Xattrs[k])
	}
	return b.String()
}

// contents shows the first lines in which two files differ, where they are text and known.
func contents(b, a *Node) string {
	if b.Text == nil || a.Text == nil || !utf8.Valid(b.Text) || !utf8.Valid(a.Text) {
		return fmt.Sprintf("other content: sha256 %.12s before, %.12s after", b.SHA256, a.SHA256)
	}
	was, is := bytes.Split(b.Text, []byte("\n")), bytes.Split(a.Text, []byte("\n"))
	i := 0
	for i < len(was) && i < len(is) && bytes.Equal(was[i], is[i]) {
		i++
	}
	line := func(lines [][]byte) string {
		if i < len(lines) {
			return fmt.Sprintf("%.200q", lines[i])
		}
		return "no more"
	}
	return fmt.Sprintf("other content: line %d is %s before, %s after", i+1, line(was), line(is))
}
