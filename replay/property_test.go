package replay

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drydock/history"
)

// The hash that is kept up to date commit by commit equals the one that is
// computed from the whole tree, whatever commits, ignore files and links do.
func TestIncremental(t *testing.T) {
	paths := []string{"a", "b.txt", "d/a", "d/b.txt", "d/e/a", "d/e/b.txt", "l", "x/l", ".dockerignore", "D.dockerignore"}
	contents := rapid.SampledFrom([]string{"", "1", "2", "x:1", "l:d", "l:../d/e", "l:/x", "l:gone", "s:1"})
	ignores := rapid.SampledFrom([]string{"", "b.txt\n", "**/b.txt\n", "d\n!d/e/a\n", "*\n!d\n", "d/e\n", "[\n", "d/*\n!d/b.txt\n"})
	specs := []string{".", "a", "d", "d/e", "*.txt", "d/*", "l", "l/a", "x/l/b.txt", "d/*/a", "*"}
	rapid.Check(t, func(t *rapid.T) {
		var commits []files
		for range rapid.IntRange(2, 8).Draw(t, "commits") {
			c := files{}
			for range rapid.IntRange(0, 4).Draw(t, "changes") {
				p := rapid.SampledFrom(paths).Draw(t, "path")
				if strings.HasSuffix(p, "ignore") {
					c[p] = ignores.Draw(t, "patterns")
				} else {
					c[p] = contents.Draw(t, "content")
				}
			}
			commits = append(commits, c)
		}
		h := past(commits...)
		h.Root = rapid.Bool().Draw(t, "root")
		written := map[string]string{}
		if rapid.Bool().Draw(t, "written") {
			written[".dockerignore"] = ignores.Draw(t, "written patterns")
		}
		tree := newTree()
		for p, f := range h.Base {
			if f.Mode != 0 {
				tree.set(p, f, nil)
			}
		}
		b := &blobs{history: h, texts: map[string]string{}, ignores: map[string]*ignoring{}}
		kept := newView(tree, b, "D", written)
		for _, s := range specs {
			kept.add(newSource(s))
		}
		for _, c := range h.Commits {
			var events []event
			for _, ch := range c.Changes {
				events = tree.set(ch.Path, ch.File, events)
			}
			if err := kept.update(t.Context(), c.ID, events); err != nil {
				t.Fatal(err)
			}
			anew := newView(copied(tree), b, "D", written)
			anew.git = kept.git
			for _, s := range specs {
				anew.add(newSource(s))
			}
			if err := anew.update(t.Context(), c.ID, nil); err != nil {
				t.Fatal(err)
			}
			for k, s := range kept.sources {
				if o := anew.sources[k]; s.total != o.total || s.n != o.n || s.missing() != o.missing() {
					t.Fatalf("%s: COPY %s: %d entries kept, %d counted anew", c.ID, s.spec, s.n, o.n)
				}
			}
		}
	})
}

// copied is a tree of the same files, its folders counted again.
func copied(t *tree) *tree {
	out := newTree()
	for p, f := range t.files {
		out.set(p, f, nil)
	}
	return out
}

// Equal contexts have equal hashes in whichever order files came, and another
// file, mode or path gives another.
func TestSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfNDistinct(rapid.IntRange(0, 50), 1, 10, rapid.ID[int]).Draw(t, "files")
		var a, b, c sum
		for _, n := range all {
			a.add(fmt.Sprint("p", n), history.File{Mode: history.ModeFile, ID: "1"})
		}
		for _, n := range slices.Backward(all) {
			b.add(fmt.Sprint("p", n), history.File{Mode: history.ModeFile, ID: "2"})
			b.remove(fmt.Sprint("p", n), history.File{Mode: history.ModeFile, ID: "2"})
			b.add(fmt.Sprint("p", n), history.File{Mode: history.ModeFile, ID: "1"})
			c.add(fmt.Sprint("p", n), history.File{Mode: history.ModeExecutable, ID: "1"})
		}
		if a != b || a == c {
			t.Fatalf("%v %v %v", a, b, c)
		}
	})
}
