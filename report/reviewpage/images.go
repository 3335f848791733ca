package reviewpage

import (
	"slices"
	"strings"

	"drydock/images"
	"drydock/report"
	"drydock/rewrite"
	"drydock/verify"
)

// pair is what the image is made of, before and after.
type pair struct {
	// Measured: the images were built, and the layers are theirs. Otherwise they are
	// those that the instructions will make, and nobody knows their sizes.
	Measured bool  `json:"measured"`
	Before   image `json:"before"`
	After    image `json:"after"`
}

type image struct {
	Size int64 `json:"size,omitempty"` // bytes, compressed; 0: not measured
	// Base is the image that it stands on, BaseSize what the catalogue says of it, in
	// bytes, compressed; 0: not known.
	Base     string  `json:"base,omitempty"`
	BaseSize int64   `json:"baseSize,omitempty"`
	Layers   []layer `json:"layers"`
	Left     int     `json:"left,omitempty"` // layers of stages that don't ship
	User     string  `json:"user,omitempty"`
}

type layer struct {
	Kind string `json:"kind"` // base, run, copy, add, workdir or other
	Text string `json:"text"`
	Line int    `json:"line,omitempty"`
	Size int64  `json:"size,omitempty"` // bytes, compressed
	Same bool   `json:"same,omitempty"` // the other image has the very same
}

// textMax is how much of an instruction a layer tells, in bytes.
const textMax = 200

// imagesOf tells both images of a file: as they were built, or as the text says where
// it changes; nil when there is nothing to compare.
func imagesOf(f *report.File) *pair {
	if p := f.Proof; p != nil && len(p.Before.PerLayer) > 0 && len(p.After.PerLayer) > 0 {
		return &pair{Measured: true, Before: measured(p.Before, p.After), After: measured(p.After, p.Before)}
	}
	if len(f.Patches) == 0 || strings.HasSuffix(f.Patches[0].Path, ".dockerignore") {
		return nil
	}
	before, ok := written(f.Path, f.Patches[0].Before)
	after, too := written(f.Path, f.Patches[0].After)
	if !ok || !too {
		return nil
	}
	return &pair{Before: before, After: after}
}

// measured are the layers of an image that was built.
func measured(x, other verify.Facts) image {
	out := image{Size: x.Compressed, User: x.User}
	for _, l := range x.PerLayer {
		same := slices.ContainsFunc(other.PerLayer, func(o verify.LayerFacts) bool { return o.Digest == l.Digest })
		kind, text := created(l.CreatedBy)
		out.Layers = append(out.Layers, layer{Kind: kind, Text: text, Size: l.Compressed, Same: same})
	}
	return out
}

// created reads a layer's history: "RUN /bin/sh -c make # buildkit", or as the old
// builder wrote it "/bin/sh -c #(nop) COPY dir:… in /app".
func created(by string) (kind, text string) {
	text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(by), "# buildkit"))
	if _, rest, old := strings.Cut(text, "#(nop)"); old {
		text = strings.TrimSpace(rest)
	} else if rest, run := strings.CutPrefix(text, "/bin/sh -c "); run {
		text = "RUN " + rest
	}
	text = strings.Replace(text, "RUN /bin/sh -c ", "RUN ", 1)
	word, _, _ := strings.Cut(text, " ")
	switch kind = strings.ToLower(word); kind {
	case "run", "copy", "add", "workdir":
	default:
		kind = "other"
	}
	return kind, clip(text)
}

// written are the layers that a Dockerfile's text will make: those of its last stage,
// and of the stages that it is FROM.
func written(path, text string) (out image, ok bool) {
	doc, err := rewrite.Parse(path, text, images.Catalogue())
	if err != nil || doc.Final() == nil {
		return out, false
	}
	var chain []*rewrite.Stage
	for s := doc.Final(); s != nil; s = s.Parent() {
		chain = append(chain, s)
	}
	slices.Reverse(chain)
	out.Base, out.User = chain[0].BaseName(), doc.Final().Config().Field(rewrite.FieldUser)
	if img, known := chain[0].Image(); known {
		out.BaseSize = img.Size
	}
	if out.Base != "scratch" {
		out.Layers = append(out.Layers, layer{Kind: "base", Text: "FROM " + clip(out.Base), Line: chain[0].From.Line})
	}
	for _, s := range doc.Stages {
		ships := slices.Contains(chain, s)
		for _, in := range s.Instructions {
			switch {
			case !slices.Contains([]string{"run", "copy", "add", "workdir"}, in.Keyword):
			case ships:
				out.Layers = append(out.Layers, layer{Kind: in.Keyword, Text: clip(in.Text), Line: in.Line})
			default:
				out.Left++
			}
		}
	}
	return out, true
}

// clip keeps the beginning of an instruction, in one line.
func clip(s string) string {
	if len(s) > 4*textMax {
		s = s[:4*textMax]
	}
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if r := []rune(s); len(r) > textMax {
		s = string(r[:textMax-1]) + "…"
	}
	return s
}
