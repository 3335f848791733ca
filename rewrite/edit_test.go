package rewrite

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// byteModel is Apply as a child would do it: mark what goes, note what comes.
func byteModel(src string, edits []Edit) string {
	gone := make([]bool, len(src))
	come := make([]string, len(src)+1)
	for _, e := range edits {
		for i := e.Span.Start; i < e.Span.End; i++ {
			gone[i] = true
		}
		come[e.Span.Start] += e.New
	}
	var b strings.Builder
	for i := range len(src) {
		b.WriteString(come[i])
		if !gone[i] {
			b.WriteByte(src[i])
		}
	}
	return b.String() + come[len(src)]
}

func TestApplyIsTheByteModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := rapid.StringOfN(rapid.RuneFrom([]rune("ab\r\n#é")), 0, 60, -1).Draw(t, "src")
		var edits []Edit
		for at := 0; at <= len(src) && len(edits) < 8; {
			start := rapid.IntRange(at, len(src)).Draw(t, "start")
			end := rapid.IntRange(start, len(src)).Draw(t, "end")
			edits = append(edits, Edit{Span: Span{start, end}, New: rapid.StringN(0, 4, -1).Draw(t, "new")})
			at = end + 1
		}
		want := byteModel(src, edits)
		got, err := Apply(src, rapid.Permutation(edits).Draw(t, "order"))
		if err != nil || got != want {
			t.Fatalf("%q %v, want %q", got, err, want)
		}
	})
}

func TestApplyRejectsOverlaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.IntRange(0, 8).Draw(t, "a")
		b := rapid.IntRange(a+2, 12).Draw(t, "b")
		c := rapid.IntRange(a+1, b-1).Draw(t, "c") // begins inside [a,b)
		d := rapid.IntRange(c, 14).Draw(t, "d")
		edits := rapid.Permutation([]Edit{{Span: Span{a, b}}, {Span: Span{c, d}}}).Draw(t, "order")
		if out, err := Apply("0123456789abcdef", edits); err == nil {
			t.Fatalf("%v gave %q", edits, out)
		}
	})
	for _, sp := range []Span{{-1, 0}, {0, 99}, {3, 2}} {
		if out, err := Apply("0123", []Edit{{Span: sp}}); err == nil {
			t.Errorf("%v gave %q", sp, out)
		}
	}
}

func TestInsertionsKeepTheirOrder(t *testing.T) {
	got, err := Apply("ab", []Edit{{Span: Span{1, 1}, New: "1"}, {Span: Span{1, 2}, New: "X"}, {Span: Span{1, 1}, New: "2"}})
	if err != nil || got != "a12X" {
		t.Error(got, err)
	}
}

// Edits on a document keep CRLF and a missing final line break, wherever they
// are made.
func TestDocumentEdits(t *testing.T) {
	const src = "FROM a\n# about b\nRUN b\n\nRUN c \\\n  d\nRUN e\n"
	for _, c := range []struct {
		name string
		edit func(d *Document, in []*Instruction) []Edit
		want string
	}{
		{"insert at the top", func(d *Document, in []*Instruction) []Edit { return []Edit{d.InsertBefore(in[0], "ARG x\n")} }, "ARG x\nFROM a\n# about b\nRUN b\n\nRUN c \\\n  d\nRUN e\n"},
		{"insert above a comment", func(d *Document, in []*Instruction) []Edit { return []Edit{d.InsertBefore(in[1], "RUN x\n")} }, "FROM a\nRUN x\n# about b\nRUN b\n\nRUN c \\\n  d\nRUN e\n"},
		{"insert at the end", func(d *Document, in []*Instruction) []Edit { return []Edit{d.InsertAfter(in[3], "RUN x\n")} }, "FROM a\n# about b\nRUN b\n\nRUN c \\\n  d\nRUN e\nRUN x\n"},
		{"insert two at the end", func(d *Document, in []*Instruction) []Edit {
			return []Edit{d.InsertAfter(in[3], "RUN x\nRUN y\n")}
		}, "FROM a\n# about b\nRUN b\n\nRUN c \\\n  d\nRUN e\nRUN x\nRUN y\n"},
		{"delete with its comment", func(d *Document, in []*Instruction) []Edit { return []Edit{d.Delete(in[1])} }, "FROM a\n\nRUN c \\\n  d\nRUN e\n"},
		{"delete the last", func(d *Document, in []*Instruction) []Edit { return []Edit{d.Delete(in[3])} }, "FROM a\n# about b\nRUN b\n\nRUN c \\\n  d\n"},
		{"replace the last", func(d *Document, in []*Instruction) []Edit { return []Edit{d.Replace(in[3], "RUN x\n")} }, "FROM a\n# about b\nRUN b\n\nRUN c \\\n  d\nRUN x\n"},
		{"move down to the end", func(d *Document, in []*Instruction) []Edit { return d.Move(in[1], in[3]) }, "FROM a\n\nRUN c \\\n  d\nRUN e\n# about b\nRUN b\n"},
		{"move the last up", func(d *Document, in []*Instruction) []Edit { return d.Move(in[3], in[0]) }, "FROM a\nRUN e\n# about b\nRUN b\n\nRUN c \\\n  d\n"},
		{"move a long one up", func(d *Document, in []*Instruction) []Edit { return d.Move(in[2], in[0]) }, "FROM a\nRUN c \\\n  d\n# about b\nRUN b\n\nRUN e\n"},
		{"move to where it is", func(d *Document, in []*Instruction) []Edit { return d.Move(in[1], in[0]) }, src},
		{"a replacement that forgets the line break", func(d *Document, in []*Instruction) []Edit { return []Edit{d.Replace(in[3], "RUN x")} }, "FROM a\n# about b\nRUN b\n\nRUN c \\\n  d\nRUN x\n"},
	} {
		for _, twin := range []struct {
			name string
			of   func(string) string
		}{
			{"LF", func(s string) string { return s }},
			{"CRLF", func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }},
			{"LF without the last", func(s string) string { return strings.TrimSuffix(s, "\n") }},
			{"CRLF without the last", func(s string) string { return strings.TrimSuffix(strings.ReplaceAll(s, "\n", "\r\n"), "\r\n") }},
		} {
			t.Run(c.name+" "+twin.name, func(t *testing.T) {
				d := parse(t, twin.of(src))
				got, err := d.apply(c.edit(d, d.Instructions))
				if err != nil {
					t.Fatal(err)
				}
				if want := twin.of(c.want); got != want {
					t.Errorf("%q, want %q", got, want)
				}
				re, err := Reparse(d, got)
				if err != nil {
					t.Fatal(err)
				}
				checkDocument(t, re)
			})
		}
	}
}

// In a file of mixed line ends they are data and move as they are.
func TestMixedLineEnds(t *testing.T) {
	d := parse(t, "FROM a\r\nCOPY <<E /x\nline\r\nE\nRUN b\n")
	got, err := d.apply(d.Move(d.Instructions[1], d.Instructions[2]))
	if want := "FROM a\r\nRUN b\nCOPY <<E /x\nline\r\nE\n"; err != nil || got != want {
		t.Errorf("%q %v", got, err)
	}
}

func TestTouches(t *testing.T) {
	at := Span{4, 8}
	for _, c := range []struct {
		e    Edit
		want bool
	}{
		{Edit{Span: Span{0, 4}}, false}, {Edit{Span: Span{0, 5}}, true}, {Edit{Span: Span{4, 4}}, true}, {Edit{Span: Span{7, 9}}, true},
		{Edit{Span: Span{8, 8}}, false}, {Edit{Span: Span{5, 6}, File: ".dockerignore"}, false},
	} {
		if got := c.e.Touches(at); got != c.want {
			t.Errorf("%v: %v", c.e, got)
		}
	}
}
