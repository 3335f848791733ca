package rewrite

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// describe writes a document as one line per piece, the form of the examples
// below: the words and flags are read back through their source spans.
func describe(d *Document) string {
	var b strings.Builder
	line := func(kind, text string) { b.WriteString(kind + " " + text + "\n") }
	for _, dir := range d.Directives {
		line("directive", dir.Name+" "+dir.Value)
	}
	for _, in := range d.Instructions {
		line(in.Keyword, in.Args.Text)
		for _, f := range in.Flags {
			sp, ok := in.WordSpan(f)
			if !ok {
				line("  flag, cut by a line break", f.Text)
				continue
			}
			line("  flag", d.Src[sp.Start:sp.End])
		}
		for _, c := range in.Comments {
			line("  comment", strings.TrimSpace(d.Src[c.Start:c.End]))
		}
		for _, h := range in.Heredocs {
			line("  heredoc", h.Name+" "+strings.ReplaceAll(d.Src[h.Body.Start:h.Body.End], "\n", "⏎"))
		}
	}
	return b.String()
}

func TestParse(t *testing.T) {
	const from = "FROM alpine\n"
	for _, c := range []struct{ name, src, want string }{
		{"plain", "FROM alpine\nRUN echo hi\n", "from alpine\nrun echo hi\n"},
		{"no final newline", "FROM alpine\nRUN echo hi", "from alpine\nrun echo hi\n"},
		{"CRLF", "FROM alpine\r\nRUN echo \\\r\n  hi\r\n", "from alpine\nrun echo   hi\n"},
		{"byte order mark", bom + "# syntax=docker/dockerfile:1\nFROM alpine\n", "directive syntax docker/dockerfile:1\nfrom alpine\n"},
		{"byte order mark before FROM", bom + "FROM alpine\n", "from alpine\n"},
		{"directives count at the top only", "# escape=`\n\n# syntax=x\nFROM alpine\n", "directive escape `\nfrom alpine\n"},
		{"backtick escape", "# escape=`\nFROM alpine\nRUN dir `\n C:\\\nRUN x\n", "directive escape `\nfrom alpine\nrun dir  C:\\\nrun x\n"},
		{"continuation", from + "RUN a \\\n  && b\n", "from alpine\nrun a   && b\n"},
		{"comments and blanks inside", from + "RUN a \\\n# why\n\n  # why not\n  && b # no comment\n", "from alpine\nrun a   && b # no comment\n  comment # why\n  comment # why not\n"},
		{"escape at the very end", from + "RUN a \\", "from alpine\nrun a\n"},
		{"a double escape continues nothing", from + "RUN a \\\\\nRUN b\n", "from alpine\nrun a \\\\\nrun b\n"},
		{"blanks behind the escape", from + "RUN a \\ \t\n b\n", "from alpine\nrun a  b\n"},
		{"indented and lower case", "from alpine\n  run  echo\n", "from alpine\nrun echo\n"},
		{"flags", from + "COPY --from=a --chown=\"x y\":z b c\n", "from alpine\ncopy b c\n  flag --from=a\n  flag --chown=\"x y\":z\n"},
		{"flags over lines", from + "RUN --mount=type=cache,\\\ntarget=/x --network=none \\\n  a\n", "from alpine\nrun a\n  flag, cut by a line break --mount=type=cache,target=/x\n  flag --network=none\n"},
		{"-- ends the flags", from + "RUN --network=none -- --x\n", "from alpine\nrun --x\n  flag --network=none\n"},
		{"heredoc", from + "RUN <<EOF\na\n# data\n\nFROM x\nEOF\nRUN b\n", "from alpine\nrun <<EOF\n  heredoc EOF a⏎# data⏎⏎FROM x⏎\nrun b\n"},
		{"several heredocs", from + "COPY <<a <<\"b c\" /x/\n1\na\n2\nb c\n", "from alpine\ncopy <<a <<\"b c\" /x/\n  heredoc a 1⏎\n  heredoc b c 2⏎\n"},
		{"<<- and an empty heredoc", from + "RUN <<-'E' cat <<F\n\tx\n\tE\nF\n", "from alpine\nrun <<-'E' cat <<F\n  heredoc E \tx⏎\n  heredoc F \n"},
		{"heredoc without final newline", from + "RUN <<E\nx\nE", "from alpine\nrun <<E\n  heredoc E x⏎\n"},
		{"heredoc behind a continuation", from + "RUN a \\\n  <<E\nx\nE\n", "from alpine\nrun a   <<E\n  heredoc E x⏎\n"},
		{"ONBUILD with heredoc", from + "ONBUILD RUN --network=none <<E\nx\nE\n", "from alpine\nonbuild RUN --network=none <<E\n  heredoc E x⏎\n"},
		{"ONBUILD in exec form", from + "ONBUILD RUN --network=none [\"a\",\"<<E\"]\n", "from alpine\nonbuild RUN --network=none [\"a\",\"<<E\"]\n"},
		{"<< in exec form", from + "RUN [\"cat\", \"<<E\"]\n", "from alpine\nrun [\"cat\", \"<<E\"]\n"},
		{"<<< is no heredoc", from + "RUN cat <<<x\n", "from alpine\nrun cat <<<x\n"},
		{"ARG before FROM", "ARG A=1\nFROM $A\n", "arg A=1\nfrom $A\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := parse(t, c.src)
			if diff := cmp.Diff(c.want, describe(d)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Every text is either read or refused with one line that says where and what
// to do.
func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"empty", "", "Dockerfile:1:1: the file is empty: write a FROM line, or delete the file"},
		{"blank", "\n \t\r\n", "Dockerfile:1:1: the file is empty: write a FROM line, or delete the file"},
		{"comments", "# a\n# b\n", "Dockerfile:1:1: only comments, no instruction: write a FROM line, or delete the file"},
		{"NUL", "FROM a\nRUN \x00\n", "Dockerfile:2:5: binary data (a NUL byte): this is not a Dockerfile; name the Dockerfiles that you mean instead"},
		{"UTF-8", "FROM a\nRUN \xff\n", "Dockerfile:2:5: invalid UTF-8: save the file as UTF-8"},
		{"long line", "FROM a\nRUN " + strings.Repeat("x", 65536) + "\n", "Dockerfile:2:1: a line of 65541 bytes; BuildKit takes at most 65535: break the line with a continuation"},
		{"unknown", "FROM a\n  FETCH b\n", "Dockerfile:2:3: unknown instruction FETCH: see the Dockerfile reference for the instructions there are"},
		{"heredoc", "FROM a\nRUN <<E\nx\n", "Dockerfile:2:1: a heredoc has no end: close it with a line that holds its delimiter alone"},
		{"no FROM", "ARG a\n", "Dockerfile:1:1: no FROM instruction: a Dockerfile needs at least one build stage"},
		{"before FROM", "ARG a\nRUN b\nFROM c\n", "Dockerfile:2:1: RUN before the first FROM: only ARG may stand there"},
		{"escape", "# escape=x\nFROM a\n", "Dockerfile:1:1: invalid escape token 'x' does not match ` or \\: use \\ or `"},
		{"mustache", "FROM {{ image }}\nRUN a\n", "Dockerfile:1:1: FROM requires either one or three arguments: this looks like a template ({{): render it first, then run drydock on the result"},
		{"ERB", "FROM a\n<% if b %>\n", "Dockerfile:2:1: unknown instruction <%: this looks like a template (<%): render it first, then run drydock on the result"},
		{"flag", "FROM a\nCOPY --nope b c\n", "Dockerfile:2:1: unknown flag: --nope: correct this instruction"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("Dockerfile", c.src, nil)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The longest line that BuildKit takes.
func TestLongLine(t *testing.T) {
	parse(t, "FROM a\nRUN "+strings.Repeat("x", 65530)+"\n")
}

// BuildKit's own test files parse here as they do there.
func TestBuildKitFiles(t *testing.T) {
	for _, negative := range []bool{false, true} {
		for _, file := range buildkitFiles(t, negative) {
			src := read(t, file)
			for _, text := range []string{src, strings.ReplaceAll(src, "\n", "\r\n"), strings.TrimSuffix(src, "\n"), bom + src} {
				d, err := Parse(file, text, nil)
				if ok := buildkitAccepts(text); ok != (err == nil) {
					t.Errorf("%s: BuildKit accepts: %v, drydock: %v", file, ok, err)
				}
				if err == nil {
					checkDocument(t, d)
				}
			}
		}
	}
}

// buildkitAccepts is the judgement of `docker build` before it starts.
func buildkitAccepts(text string) bool {
	res, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return false
	}
	stages, _, err := instructions.Parse(res.AST, nil)
	return err == nil && len(stages) > 0
}

func TestStages(t *testing.T) {
	d := parse(t, `ARG V=1
FROM golang:$V AS Build
RUN a
FROM build
FROM build AS build
FROM build
COPY --from=0 a b
`)
	var got []string
	for _, s := range d.Stages {
		parent := "-"
		if p := s.Parent(); p != nil {
			parent = string(rune('0' + p.Index))
		}
		got = append(got, s.Name+":"+s.BaseName()+":"+parent)
	}
	want := []string{"build:golang:1:-", ":build:0", "build:build:0", ":build:2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for ref, index := range map[string]int{"BUILD": 2, "build": 2, "0": 0, "3": 3} {
		if s := d.StageByRef(ref, -1); s == nil || s.Index != index {
			t.Errorf("%s is %v", ref, s)
		}
	}
	if s := d.StageByRef("build", 2); s.Index != 0 {
		t.Errorf("build before stage 2 is %d", s.Index)
	}
	for _, ref := range []string{"4", "-1", "nope", "", "99999999999"} {
		if s := d.StageByRef(ref, -1); s != nil {
			t.Errorf("%q is %d", ref, s.Index)
		}
	}
}

// What FROM names, its quotes and the defaults of what nobody sets apart.
func TestBaseName(t *testing.T) {
	for src, want := range map[string]string{
		"FROM \"a:1\"":                       "a:1",
		"FROM ${X:-a}":                       "a",
		"FROM ${X-a:1}":                      "a:1",
		"ARG X=\nFROM ${X:-a}":               "a",
		"ARG X=b\nFROM ${X:-a}":              "b",
		"ARG X\nFROM ${X:-a}":                "a",
		"ARG Y=c\nFROM r/${X:-${Y}}:${Z:-1}": "r/c:1",
		"ARG Y=${X:-c}\nFROM $Y":             "c",
		"FROM ${X:+a}":                       "${X:+a}",
		"FROM $X/a":                          "$X/a",
		"FROM a${X:-":                        "a${X:-",
		"ARG X=python\nARG Y=${X:-c}:3\nFROM \"${Y}\"": "python:3",
	} {
		doc, err := Parse("Dockerfile", src+"\n", nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := doc.Stages[0].BaseName(); got != want {
			t.Errorf("%q is %q, want %q", src, got, want)
		}
	}
}

func TestSyntaxDirective(t *testing.T) {
	for src, want := range map[string]string{
		"# syntax=a/b\nFROM x\n":                         "a/b # syntax=a/b",
		"\ufeff#SYNTAX = a/b:1  \r\nFROM x\r\n":          "a/b:1 #SYNTAX = a/b:1  ",
		"#!/bin/x\n# escape=`\n# syntax=a/b y\nFROM x\n": "a/b y # syntax=a/b y",
		"\ufeff#!/bin/x\n# syntax=a/b\nFROM x\n":         "a/b # syntax=a/b",
		"# c\n# syntax=a/b\nFROM x\n":                    " ",
		"#!/bin/x\n\n# syntax=a/b\nFROM x\n":             " ",
		"FROM x\n":                                       " ",
	} {
		d := parse(t, src)
		dir, ok := d.SyntaxDirective()
		if got := dir.Value + " " + src[dir.Span.Start:dir.Span.End]; got != want || ok != (dir.Value != "") {
			t.Errorf("%q: %q, want %q", src, got, want)
		}
	}
}

// Comments belong to the instruction right below them.
func TestLead(t *testing.T) {
	src := "# syntax=docker/dockerfile:1\n# a\nFROM x\n# b\n\n# c\n  # d\nRUN y\nRUN z # no comment\n# e"
	d := parse(t, src)
	var got []string
	for _, in := range d.Instructions {
		got = append(got, src[in.Attached().Start:in.Attached().End])
	}
	want := []string{"# a\nFROM x\n", "# c\n  # d\nRUN y\n", "RUN z # no comment\n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWords(t *testing.T) {
	d := parse(t, "FROM x\nENV A=1 B=\"2 3\" \\\n # comment\n C=4\\ 5\nEXPOSE 80  443/tcp\nVOLUME [\"/a\"]\n")
	texts := func(words []Word) (out []string) {
		for _, w := range words {
			out = append(out, w.Text)
		}
		return out
	}
	if diff := cmp.Diff([]string{"A=1", "B=\"2 3\"", "C=4\\ 5"}, texts(d.Instructions[1].Assignments())); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"80", "443/tcp"}, texts(d.Instructions[2].Fields())); diff != "" {
		t.Error(diff)
	}
	if f := d.Instructions[3].Fields(); f != nil {
		t.Error("a JSON list has no fields, got", f)
	}
	// A word that a continuation cuts can't be replaced in place.
	d = parse(t, "FROM x\nRUN abc\\\ndef ghi\n")
	in := d.Instructions[1]
	if _, ok := in.SrcSpan(in.Args.Start, in.Args.Start+6); ok {
		t.Error("abcdef is in one piece")
	}
	if sp, ok := in.SrcSpan(in.Args.Start+7, in.Args.Start+10); !ok || d.Src[sp.Start:sp.End] != "ghi" {
		t.Error("ghi", sp, ok)
	}
}

func TestPos(t *testing.T) {
	d := parse(t, "FROM x\n  RUN y\n")
	in := d.Instructions[1]
	if line, col := d.Pos(in.Head.Start); line != 2 || col != 3 {
		t.Error(line, col)
	}
	if line, col := d.Pos(1 << 20); line != 3 || col != 1 {
		t.Error(line, col)
	}
	if got := in.String(); got != "Dockerfile:2: RUN y" {
		t.Error(got)
	}
}

// A comment that speaks to BuildKit's checks of one instruction is read like
// any other.
func TestCheckComment(t *testing.T) {
	d, err := Parse("Dockerfile", "FROM scratch\n# check=skip=JSONArgsRecommended\nCMD a\n# check=skip=all\nONBUILD CMD b\n", nil)
	if err != nil || len(d.Instructions) != 3 || !d.Instructions[2].Inner().Trigger() {
		t.Errorf("%v %v", d, err)
	}
}
