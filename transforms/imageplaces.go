package transforms

// Where a Dockerfile names an image: FROM, COPY --from, RUN --mount=from,
// the same behind ONBUILD, and the syntax directive. pin-base and the transforms
// that choose another base write there through imagePlace.Write.

import (
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/images"
	"drydock/rewrite"
)

// placeKind says which instruction names the image.
type placeKind string

const (
	placeFrom   placeKind = "from"
	placeCopy   placeKind = "copy"
	placeMount  placeKind = "mount"
	placeSyntax placeKind = "syntax"
)

// An imagePlace is where the file names an image. Stages and scratch are no images.
type imagePlace struct {
	At        *rewrite.Instruction // FROM, COPY, RUN or ONBUILD; nil for # syntax=
	Stage     *rewrite.Stage       // that it belongs to; nil for # syntax=
	Kind      placeKind
	Raw       string     // the reference as written, quotes and variables included
	Text      string     // the reference after variables are replaced by their defaults
	Ref       images.Ref // of Text; zero when Why is set
	Platforms []string   // those that the place is for, when known: a literal --platform; nil: any
	Args      []string   // the build arguments that the reference is made of, in order
	// Why tells why no reference can be told or written; "" for a place that can
	// be read. Write gives it as its reason.
	Why string

	pass *rewrite.Pass
	in   *rewrite.Instruction // that holds the word: At, or what stands behind its ONBUILD
	word template
	span rewrite.Span // of a place that is no template: # syntax, COPY, RUN
}

// imagePlaces lists the places in the order of the file, # syntax= first.
func imagePlaces(p *rewrite.Pass) []*imagePlace { return placesOf(p, p.Doc) }

// placesOf is imagePlaces for another text of the pass's file.
func placesOf(p *rewrite.Pass, doc *rewrite.Document) []*imagePlace {
	var out []*imagePlace
	if pl := syntaxPlace(doc); pl != nil {
		out = append(out, pl)
	}
	for _, in := range doc.Instructions {
		if in.Stage == nil {
			continue // ARG
		}
		switch inner := in.Inner(); inner.Keyword {
		case "from":
			if pl := fromPlace(in.Stage); pl != nil {
				out = append(out, pl)
			}
		case "copy", "run":
			if len(inner.Flags) > 0 {
				out = append(out, flagPlaces(in, inner)...)
			}
		}
	}
	for _, pl := range out {
		pl.pass = p
		if pl.Why != "" {
			continue
		}
		ref, err := images.ParseRef(pl.Text)
		if err != nil {
			pl.Why = err.Error()
			continue
		}
		pl.Ref = ref
	}
	return out
}

// fromPlace is the place after FROM; nil for a stage and for scratch.
func fromPlace(s *rewrite.Stage) *imagePlace {
	words := s.From.Fields()
	if len(words) == 0 || s.Parent() != nil {
		return nil
	}
	pl := &imagePlace{At: s.From, in: s.From, Stage: s, Kind: placeFrom, Raw: words[0].Text, Text: s.BaseName()}
	if pl.Text == "scratch" {
		return nil
	}
	if from := s.From.Cmd.(*instructions.Stage).Platform; from != "" && !strings.Contains(from, "$") {
		pl.Platforms = []string{from}
	}
	doc := s.Doc()
	t, ok := readTemplate(words[0].Text, words[0].Start, doc.Escape)
	if !ok {
		pl.Why = "the reference " + words[0].Text + " is written in a form that drydock doesn't read"
		return pl
	}
	pl.word = t
	if !t.variable() {
		return pl
	}
	env := argsOf(doc)
	pl.Args = t.names(env)
	for _, name := range pl.Args {
		if a := env[name]; a != nil && a.times > 1 {
			pl.Why = name + " is declared more than once before the first FROM"
			return pl
		}
	}
	text, unset := t.expand(env)
	switch {
	case platformArgs[unset]:
		pl.Why = unset + " comes from the builder"
	case unset != "" && env[unset] != nil && env[unset].bad:
		pl.Why = "the default of " + unset + " is written in a form that drydock doesn't read"
	case unset != "" && env[unset] == nil:
		pl.Why = unset + " is declared by no ARG before the first FROM, so it is empty"
	case unset != "":
		pl.Why = "ARG " + unset + " has no default: the image comes from outside"
	case text != pl.Text:
		pl.Why = "the reference " + words[0].Text + " is written in a form that drydock doesn't read"
	}
	return pl
}

// platformArgs are set by the builder for every build
// (https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope).
var platformArgs = words("TARGETPLATFORM TARGETOS TARGETARCH TARGETVARIANT BUILDPLATFORM BUILDOS BUILDARCH BUILDVARIANT TARGETSTAGE")

// flagPlaces are the images that COPY --from and RUN --mount=from name. BuildKit
// finds a stage by name or, in COPY, by number anywhere in the file
// (dockerfile2llb toCommand and detectRunMount); what is no stage is an image.
func flagPlaces(at, in *rewrite.Instruction) (out []*imagePlace) {
	add := func(kind placeKind, name string, start int) {
		if name == "" || name == "scratch" {
			return
		}
		doc := at.Doc()
		switch {
		case strings.Trim(name, "0123456789") == "":
			return // COPY: a stage; a mount of an image called 0 is nobody's wish
		case !in.Trigger() && doc.StageByRef(name, -1) != nil:
			return
		}
		pl := &imagePlace{At: at, in: in, Stage: at.Stage, Kind: kind, Raw: name, Text: name}
		sp, whole := in.SrcSpan(start, start+len(name))
		switch {
		case strings.Contains(name, "$"):
			pl.Why = "BuildKit replaces no variables in --from"
		case doc.Src[sp.Start:sp.End] != name || !whole:
			pl.Why = "the reference is broken over lines or quoted in a form that drydock doesn't read"
		case in.Trigger() && !strings.ContainsAny(name, ":/@"):
			pl.Why = "the file that is built on this image may have a stage named " + name
		}
		pl.span = sp
		out = append(out, pl)
	}
	for _, f := range in.Flags {
		if v, ok := strings.CutPrefix(f.Text, "--from="); ok && in.Keyword == "copy" {
			name := strings.Trim(v, `"'`)
			add(placeCopy, name, f.Start+len("--from=")+strings.Index(v, name))
		}
		if v, ok := strings.CutPrefix(f.Text, "--mount="); ok && in.Keyword == "run" {
			start := f.Start + len("--mount=")
			for field := range strings.SplitSeq(v, ",") {
				if key, name, ok := strings.Cut(field, "="); ok && strings.EqualFold(strings.Trim(key, `"'`), "from") {
					add(placeMount, strings.TrimRight(name, `"'`), start+len(key)+1)
				}
				start += len(field) + 1
			}
		}
	}
	return out
}

// syntaxPlace is the image of the syntax directive; nil without one.
func syntaxPlace(doc *rewrite.Document) *imagePlace {
	dir, ok := doc.SyntaxDirective()
	if !ok {
		return nil
	}
	ref, _, _ := strings.Cut(dir.Value, " ")
	line := doc.Src[dir.Span.Start:dir.Span.End]
	// The value ends the line but for blanks; the name has no = in it.
	value := strings.LastIndex(line, dir.Value)
	start := dir.Span.Start + value
	return &imagePlace{Kind: placeSyntax, Raw: ref, Text: ref, span: rewrite.Span{Start: start, End: start + len(ref)}}
}

// Config is what writing another image there means to alter. (An image that files
// come from counts as a base: what the build takes in is another one.)
func (pl *imagePlace) Config() rewrite.ConfigFields {
	switch {
	case pl.Kind == placeSyntax:
		return 0
	case pl.in.Trigger():
		return rewrite.FieldOnBuild
	}
	return rewrite.FieldBase
}

// Write gives the edits that put ref there, or the reason why not. Where the
// reference is made of build arguments it changes the default of one, if all
// other uses of it stay what they are or come to the same reference.
func (pl *imagePlace) Write(ref images.Ref) ([]rewrite.Edit, string) {
	return pl.write(ref, func(other *imagePlace, now string) bool {
		return other.Text == pl.Text && now == ref.String()
	})
}

// write is Write; right tells whether another place that would change with it
// may name the image now.
func (pl *imagePlace) write(ref images.Ref, right func(other *imagePlace, now string) bool) ([]rewrite.Edit, string) {
	if pl.Why != "" {
		return nil, pl.Why
	}
	if why := pl.Replaced(ref); why != "" {
		return nil, why
	}
	if pl.Kind != placeFrom {
		return []rewrite.Edit{{Span: pl.span, New: ref.String()}}, ""
	}
	if !pl.word.variable() {
		sp, whole := pl.in.SrcSpan(pl.word.start, pl.word.end)
		if !whole {
			return nil, "the reference is broken over lines"
		}
		return []rewrite.Edit{{Span: sp, New: ref.String()}}, ""
	}
	return pl.writeArg(ref, right)
}
