package reviewpage

import (
	"fmt"
	"path"
	"slices"

	"drydock/report"
	"drydock/rewrite"
)

// item is a line of the checklist.
type item struct {
	Kind string `json:"kind"` // checked: done by drydock; assumed or verify: for a person to tick off
	Name string `json:"name,omitempty"`
	Text string `json:"text"`
	// Files are the numbers of the files that it is about; none: all of them.
	Files []int `json:"files,omitempty"`
}

// checklist gathers what a reviewer should know and do, over all files: the same
// assumption in forty files is one line.
type checklist struct {
	assumed, verify []*item
	seen            map[string]*item
	built           []int
}

// itemsMax bounds the lines of a kind; what is beyond it is counted in the last one.
const itemsMax = 200

func (c *checklist) add(number int, f *report.File) {
	if f.Error != nil {
		c.note(&c.verify, "failed", "read the error: the file was left alone", number)
		return
	}
	for _, o := range f.With(rewrite.Applied) {
		if o.Assumes != "" {
			text := o.Assumes
			if verdict(f.Proof) == "proven" {
				text += " (the proof tried it)"
			}
			c.note(&c.assumed, o.Transform, text, number)
		}
		if o.Image != nil {
			c.note(&c.verify, o.Transform, fmt.Sprintf("%s becomes %s: it is the one that you want", o.Image.From, o.Image.To), number)
		}
	}
	for _, p := range f.Patches {
		if p.Created {
			c.note(&c.verify, "new file", path.Base(p.Path)+" is new, and goes into the repository", number)
		}
	}
	for _, o := range f.With(rewrite.Unproven) {
		c.note(&c.verify, o.Transform, "left out, since the image didn't do the same with it", number)
	}
	for _, x := range f.Findings {
		c.note(&c.verify, x.Check, "what it found is settled, or meant to be so", number)
	}
	switch v := verdict(f.Proof); {
	case v == "broken":
		c.note(&c.verify, "proof", "the image doesn't do what it did: see what breaks", number)
	case v == "unseen":
		c.note(&c.verify, "proof", "built and compared, but not seen at work: try the image", number)
	case v == "proven":
		c.built = append(c.built, number)
	case len(f.Patches) > 0:
		c.note(&c.verify, "build", "nothing was built: build the image and try it, or let drydock fix --verify or drydock verify do it", number)
	}
}

func (c *checklist) note(list *[]*item, name, text string, number int) {
	key := name + "\x00" + text
	if i := c.seen[key]; i != nil {
		if !slices.Contains(i.Files[max(0, len(i.Files)-1):], number) {
			i.Files = append(i.Files, number)
		}
		return
	}
	if c.seen == nil {
		c.seen = map[string]*item{}
	}
	i := &item{Name: name, Text: text, Files: []int{number}}
	c.seen[key] = i
	*list = append(*list, i)
}

// items are the lines: what was checked, what is assumed, what is to be verified.
func (c *checklist) items(t Total) []item {
	out := []item{}
	if t.Safe+t.Assumes > 0 {
		out = append(out, item{Kind: "checked", Name: "gates", Text: "BuildKit's own parser takes each result; configuration, commands, packages, copied files, stage and argument names are as they were, except where a change says so; no newer syntax than the file allows"})
		out = append(out, item{Kind: "checked", Name: "stable", Text: "a second run changes nothing; comments and line ends outside of a change are the same bytes"})
	}
	if len(c.built) > 0 {
		out = append(out, item{Kind: "checked", Name: "proof", Text: "both images were built, compared file by file and run: the program does the same", Files: c.built})
	}
	for _, l := range []struct {
		kind string
		list []*item
	}{{"assumed", c.assumed}, {"verify", c.verify}} {
		for k, i := range l.list {
			if k == itemsMax {
				out = append(out, item{Kind: l.kind, Name: "more", Text: fmt.Sprintf("%d more of this kind are with the files", len(l.list)-k)})
				break
			}
			out = append(out, item{Kind: l.kind, Name: i.Name, Text: i.Text, Files: i.Files})
		}
	}
	return out
}
