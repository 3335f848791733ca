package rewrite

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"drydock/repo"
)

// parse reads a Dockerfile that must be right and holds it to the promises
// that every document keeps.
func parse(t testing.TB, text string) *Document {
	t.Helper()
	d, err := Parse("Dockerfile", text, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	checkDocument(t, d)
	return d
}

// context makes a build context of files; a name ending in "/" is a folder.
func contextOf(files ...string) *repo.Repo {
	fs := fstest.MapFS{}
	for _, f := range files {
		name, text, _ := strings.Cut(f, "=")
		if strings.HasSuffix(name, "/") {
			name += ".keep"
		}
		fs[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return repo.Load(fs)
}

// checkDocument: each byte belongs to exactly one of byte order mark,
// directives, comments and blanks, instructions; each byte of an instruction's
// logical text stands in the source; a reparse of the same text is the same.
func checkDocument(t testing.TB, d *Document) {
	t.Helper()
	at := 0
	if strings.HasPrefix(d.Src, bom) {
		at = len(bom)
	}
	directives := map[int]bool{}
	for _, dir := range d.Directives {
		directives[strings.LastIndexByte(d.Src[:dir.Span.Start], '\n')+1] = true
		if line := d.Src[dir.Span.Start:dir.Span.End]; !strings.HasPrefix(line, "#") {
			t.Fatalf("directive %q", line)
		}
	}
	gap := func(from, to int) {
		for _, l := range strings.SplitAfter(d.Src[from:to], "\n") {
			if s := strings.TrimFunc(l, unicode.IsSpace); s != "" && s[0] != '#' {
				t.Fatalf("%q lies outside every instruction", l)
			}
		}
	}
	for _, in := range d.Instructions {
		if in.Span.Start < at || in.Span.End < in.Span.Start {
			t.Fatalf("%v overlaps what is before it", in)
		}
		gap(at, in.Span.Start)
		at = in.Span.End
		if !in.Span.Contains(in.Head) {
			t.Fatalf("%v: head %v outside of %v", in, in.Head, in.Span)
		}
		for off := range len(in.Text) {
			if p := in.SrcPos(off); d.Src[p] != in.Text[off] {
				t.Fatalf("%v: byte %d of the text is %q, in the source %q", in, off, in.Text[off], d.Src[p])
			}
		}
		for _, c := range in.Comments {
			if !in.Span.Contains(c) || !strings.HasPrefix(strings.TrimLeftFunc(d.Src[c.Start:c.End], unicode.IsSpace), "#") {
				t.Fatalf("%v: comment %q", in, d.Src[c.Start:c.End])
			}
		}
		prev := in.Head.End
		for i, h := range in.Heredocs {
			if h.Body.Start < prev || h.End.Start != h.Body.End || !in.Span.Contains(h.Body) || !in.Span.Contains(h.End) {
				t.Fatalf("%v: heredoc %v", in, h)
			}
			if want := in.node.Heredocs[i].Content; d.Src[h.Body.Start:h.Body.End] != want {
				t.Fatalf("%v: heredoc %q, BuildKit has %q", in, d.Src[h.Body.Start:h.Body.End], want)
			}
			prev = h.End.End
		}
		if l := in.Lead(); l > in.Span.Start || in.Index > 0 && l < d.Instructions[in.Index-1].Span.End {
			t.Fatalf("%v: lead %d", in, l)
		}
		for _, w := range append(append(in.Fields(), in.Flags...), in.Args) {
			if in.Text[w.Start:w.End] != w.Text {
				t.Fatalf("%v: word %+v", in, w)
			}
		}
	}
	gap(at, len(d.Src))
	for start := range directives {
		if len(d.Instructions) > 0 && start >= d.Instructions[0].Span.Start {
			t.Fatalf("a directive behind the first instruction")
		}
	}
	re, err := Reparse(d, d.Src)
	if err != nil {
		t.Fatalf("reparse: %v", err)
	}
	if diff := cmp.Diff(outline(d), outline(re)); diff != "" {
		t.Fatalf("reparse differs: %s", diff)
	}
	// And once more without anything to reuse.
	re, err = Reparse(&Document{Path: d.Path, Escape: d.Escape}, d.Src)
	if err != nil {
		t.Fatalf("reparse of all: %v", err)
	}
	if diff := cmp.Diff(outline(d), outline(re)); diff != "" {
		t.Fatalf("reparse of all differs: %s", diff)
	}
	for i, in := range d.Instructions {
		if !sameNode(re.Instructions[i].node, in.node) {
			t.Fatalf("%v: our node says %s", in, re.Instructions[i].node.Dump())
		}
	}
	checkEdited(t, d)
}

// checkEdited holds what Reparse takes over from a document against a fresh
// Parse, with a line above and below some instructions and without them.
func checkEdited(t testing.TB, d *Document) {
	t.Helper()
	n := len(d.Instructions)
	for i := 0; i < n; i += 1 + n/6 {
		in := d.Instructions[i]
		for _, text := range []string{
			d.Src[:in.Span.Start] + "USER u\n" + d.Src[in.Span.Start:],
			d.Src[:in.Span.Start] + "# x\nRUN u\n" + d.Src[in.Span.Start:],
			d.Src[:in.Span.Start] + d.Src[in.Span.End:],
			"# check=skip=none\n" + d.Src,
			d.Src + "\nRUN --network=none u\n",
		} {
			want, err := Parse(d.Path, text, d.images)
			if err != nil {
				continue
			}
			got, err := Reparse(d, text)
			if err != nil {
				t.Fatalf("reparse of %q: %v", text, err)
			}
			if diff := cmp.Diff(outline(want), outline(got)); diff != "" {
				t.Fatalf("reparse of %q differs: %s", text, diff)
			}
			for i, s := range want.Stages {
				if s.Config() != got.Stages[i].Config() || s.BaseName() != got.Stages[i].BaseName() {
					t.Fatalf("reparse of %q: another config", text)
				}
			}
			for i, in := range want.Instructions {
				if g := got.Instructions[i]; !sameNode(in.node, g.node) || in.Stage != nil && !reflect.DeepEqual(in.State(), g.State()) {
					t.Fatalf("reparse of %q: %v has another node or state", text, in)
				}
			}
		}
	}
}

// outline is all of a document that a user of the package sees.
func outline(d *Document) any {
	type instruction struct {
		Keyword, Text, Type         string
		Span, Head                  Span
		Line, EndLine, Stage, Index int
		Flags                       []Word
		Args                        Word
		Heredocs                    []Heredoc
		Comments                    []Span
		JSON                        bool
	}
	var out []instruction
	for _, in := range d.Instructions {
		stage := -1
		if in.Stage != nil {
			stage = in.Stage.Index
		}
		out = append(out, instruction{in.Keyword, in.Text, reflect.TypeOf(in.Cmd).String(), in.Span, in.Head, in.Line, in.EndLine, stage, in.Index, in.Flags, in.Args, in.Heredocs, in.Comments, in.JSON})
	}
	var stages []string
	for _, s := range d.Stages {
		stages = append(stages, s.Name)
	}
	return []any{d.Directives, d.Escape, d.EOL, stages, out}
}

// buildkitFiles lists BuildKit's own test files from the module cache.
func buildkitFiles(t testing.TB, negative bool) []string {
	t.Helper()
	dir := "testfiles"
	if negative {
		dir += "-negative"
	}
	files, _ := filepath.Glob(filepath.Join(packageDir(parser.Parse), dir, "*", "Dockerfile"))
	if len(files) == 0 {
		t.Skip("BuildKit's test files are not in the module cache")
	}
	return files
}

// packageDir is where the source of a function lies.
func packageDir(fn any) string {
	file, _ := runtime.FuncForPC(reflect.ValueOf(fn).Pointer()).FileLine(reflect.ValueOf(fn).Pointer())
	return filepath.Dir(file)
}

func read(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
