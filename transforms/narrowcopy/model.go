package narrowcopy

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/rewrite"
	"drydock/transforms/multistage"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

// modelled writes the build stage and the last one as a stage of one file, and finds the
// recipe for it. Every line stays at its number. Paths of the last stage below the folder
// stand there as the build stage has them.
func (n *narrow) modelled() (r split.Recipe, ok bool) {
	ref, err := images.ParseRef(n.build.BaseName())
	if err != nil {
		return r, false
	}
	if r, ok = multistage.RecipeFor(n.build, ref, narrows); !ok {
		return r, false
	}
	if n.final.Parent() != nil {
		return r, n.stays("the last stage stands on another one of the file")
	}
	text, ok := n.modelText()
	if !ok {
		return r, false
	}
	d, err := rewrite.Parse(n.p.Doc.Path, text, n.p.Images)
	if err != nil {
		return r, n.stays("what starts can't be read together with the build: %v", err)
	}
	p := n.p.Quietly(split.Slim)
	p.Doc = d
	stage := d.Final()
	if len(p.Services(stage)) != len(n.p.Services(n.final)) {
		return r, n.stays("a compose file builds %s as a target of its own", split.StageName(n.build))
	}
	s := split.New(p, stage, ref)
	s.Tools, s.Quiet = r.Tools, true
	s.Builder = cmp.Or(stage.Name, "build")
	s.Kept = &split.Kept{Folder: n.from}
	n.model = s
	return r, true
}

// narrows are the recipes whose programs need little of their folder.
var narrows = words(`go rust cpp java dotnet`)

// modelText is the text of the model.
func (n *narrow) modelText() (string, bool) {
	src := n.p.Doc.Src
	var b strings.Builder
	blank := func(sp rewrite.Span, text string) { // text in the place of what stands there
		b.WriteString(text)
		for i := sp.Start; i < sp.End; i++ {
			if src[i] == '\n' {
				if i > 0 && src[i-1] == '\r' {
					b.WriteByte('\r')
				}
				b.WriteByte('\n')
			}
		}
	}
	from := n.build.From
	b.WriteString(src[:from.Span.Start])
	f := from.Fields()
	if len(f) == 0 || from.Line != from.EndLine {
		return "", n.stays("the FROM line of the build is broken over several lines")
	}
	words := []string{"FROM", f[0].Text}
	if name := cmp.Or(n.final.Name, n.build.Name); name != "" {
		words = append(words, "AS", name)
	}
	blank(from.Span, strings.Join(words, " "))
	end := n.build.Instructions[len(n.build.Instructions)-1].Span.End
	b.WriteString(src[from.Span.End:end])
	blank(rewrite.Span{Start: end, End: n.final.From.Span.Start}, "")
	entry := n.baseEntrypoint()
	at := n.final.From.Span
	blank(at, "WORKDIR "+n.workdir(n.final.Instructions[0]))
	for _, in := range n.final.Instructions {
		blank(rewrite.Span{Start: at.End, End: in.Span.Start}, "")
		at = in.Span
		_, _, copied, _ := in.Copy()
		line, shellForm := cmdline.StartLine(in)
		switch k := in.Keyword; {
		case k == "onbuild":
			return "", n.stays("ONBUILD steps run in images that are built from this one")
		case k == "workdir":
			blank(in.Span, "WORKDIR "+n.workdir(in.Next()))
		case k == "cmd" && len(entry) > 0 && !shellForm:
			blank(in.Span, n.moved("CMD "+cmdline.LikeList("", slices.Concat(entry, line))))
		case k == "env", k == "arg", k == "cmd", k == "entrypoint", k == "healthcheck", k == "shell", (k == "copy" || k == "add") && copied == "" && len(in.Heredocs) == 0:
			b.WriteString(n.moved(src[in.Span.Start:in.Span.End]))
		default:
			blank(in.Span, "")
		}
	}
	return b.String(), true
}

// baseEntrypoint is the program that the image of the last stage starts with CMD as its
// arguments, as distroless java does; the scripts of others start CMD itself.
func (n *narrow) baseEntrypoint() []string {
	if slices.ContainsFunc(n.final.Instructions, func(in *rewrite.Instruction) bool { return in.Keyword == "entrypoint" }) {
		return nil
	}
	ref, err := images.ParseRef(n.final.BaseName())
	if err != nil {
		return nil
	}
	img, _ := n.p.Images.Image(ref)
	if len(img.Entrypoint) == 0 || path.Ext(img.Entrypoint[0]) == ".sh" {
		return nil
	}
	return img.Entrypoint
}

// workdir is the working directory of the last stage in front of an instruction, as the
// model has it.
func (n *narrow) workdir(before *rewrite.Instruction) string {
	wd := n.final.At(before).Workdir
	switch {
	case wd == "":
		return "/.of-the-base"
	case rewrite.Inside(wd, n.to):
		return n.from + strings.TrimPrefix(wd, n.to)
	}
	return wd
}

// moved is a text with the paths of the folder as the build stage has them.
func (n *narrow) moved(text string) string {
	if n.from == n.to {
		return text
	}
	var b strings.Builder
	for {
		i := pathIn(text, n.to)
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:i] + n.from)
		text = text[i+len(n.to):]
	}
}

// pathIn is where a text names a path or something below it, -1 for nowhere.
func pathIn(text, p string) int {
	part := func(c byte) bool {
		return c == '_' || c == '-' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	for from := 0; ; {
		i := strings.Index(text[from:], p)
		if i < 0 {
			return -1
		}
		i += from
		end := i + len(p)
		if (i == 0 || !part(text[i-1]) && text[i-1] != '/' && text[i-1] != '}') && (end == len(text) || !part(text[end])) {
			return i
		}
		from = i + 1
	}
}
