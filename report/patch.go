package report

import (
	"io"
	"path/filepath"
	"strings"

	"drydock/rewrite"
)

// Patch is the change of one file.
type Patch struct {
	Path          string // as in File.Path
	Before, After string
	Created       bool
	// File names the file where Path, which is relative for patch tools, doesn't: an
	// absolute path for what lies outside the current folder; "" for Path itself.
	File string
}

// file is the name of the file.
func (p *Patch) file() string {
	if p.File != "" {
		return p.File
	}
	return p.Path
}

// Unified is the patch as unified diff, in the form that `git apply` and
// `patch -p1` both take in the folder that Path is relative to.
//
// The header is the classic one, without `diff --git`: with that line git takes
// paths as relative to the top of the repository and, run in a folder below,
// skips the file without a word (git apply.c, is_toplevel_relative).
func (p Patch) Unified() string {
	d := rewrite.UnifiedDiff(filepath.ToSlash(p.Path), p.Before, p.After, p.Created)
	head, body, found := strings.Cut(d, "\n@@ ")
	if !found {
		return d
	}
	return head[strings.Index(head, "--- "):] + "\n@@ " + body
}

// unified is the diff of all patches of a file.
func (f *File) unified() string {
	var b strings.Builder
	for _, p := range f.Patches {
		b.WriteString(p.Unified())
	}
	return b.String()
}

// Diff renders patches: pure in a pipe; with Style colours and, above each
// file, the reason of each change in lines that patch tools skip.
type Diff struct {
	W     io.Writer
	Style Style
	Why   bool // tell the reasons
}

// File writes the patch of one file.
func (d *Diff) File(f *File) error {
	if len(f.Patches) == 0 {
		return nil
	}
	var b strings.Builder
	if d.Why {
		for _, o := range f.With(rewrite.Applied) {
			b.WriteString(d.Style.Cyan("# "+o.Transform+": "+plain(o.Title)) + "\n")
			if o.Why != "" {
				b.WriteString(d.Style.Dim("#   "+plain(o.Why)) + "\n")
			}
			if o.Assumes != "" {
				b.WriteString(d.Style.Yellow("#   assumes: "+plain(o.Assumes)) + "\n")
			}
		}
		if f.Replay != nil {
			b.WriteString(d.Style.Dim("# replay: "+f.Replay.Summary) + "\n")
		}
	}
	b.WriteString(d.Style.Patch(f.unified()))
	_, err := io.WriteString(d.W, b.String())
	return err
}

// Close writes nothing.
func (d *Diff) Close(Total) error { return nil }
