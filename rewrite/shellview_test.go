package rewrite

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"mvdan.cc/sh/v3/syntax"
)

// script is the shell view of the first RUN, CMD, ENTRYPOINT or HEALTHCHECK.
func script(t *testing.T, src string) (*Script, string) {
	t.Helper()
	for _, in := range parse(t, src).Instructions {
		switch in.Keyword {
		case "run", "cmd", "entrypoint", "healthcheck":
			return in.Shell()
		}
	}
	t.Fatal("no instruction with a script")
	return nil, ""
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		name, src string
		want      []string // Key of each command
	}{
		{"list", "FROM a\nRUN apt-get update && apt-get install -y curl; true\n", []string{"apt-get update", "apt-get install -y curl", "true"}},
		{"continuations and comments", "FROM a\nRUN a  b \\\n# note\n\n  && c\n", []string{"a b", "c"}},
		{"nested", "FROM a\nRUN if x; then (y $(z)) | w; fi\n", []string{"x", "y $(z)", "z", "w"}},
		{"assignments and redirections", "FROM a\nRUN A=1 b >c 2>&1\n", []string{"A=1 b >c 2>&1"}},
		{"only an assignment", "FROM a\nRUN A=1\n", []string{"A=1"}},
		{"a declaration", "FROM a\nRUN export A=1\n", []string{"export A=1"}},
		{"heredoc body", "FROM a\nRUN <<E\na b\nc\nE\n", []string{"a b", "c"}},
		{"redirected group", "FROM a\nRUN { a; b; } >c\n", []string{">c", "a", "b"}},
		{"shell-form CMD", "FROM a\nCMD exec a\n", []string{"exec a"}},
		{"HEALTHCHECK", "FROM a\nHEALTHCHECK --interval=5s CMD curl -f localhost || exit 1\n", []string{"curl -f localhost", "exit 1"}},
		{"not bash but POSIX", "FROM a\nRUN ((cd a; b) || c)\n", []string{"cd a", "b", "c"}},
		{"bash", "FROM a\nSHELL [\"/bin/bash\",\"-c\"]\nRUN a < <(b)\n", []string{"a < <(b)", "b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, why := script(t, c.src)
			if why != "" {
				t.Fatal(why)
			}
			var got []string
			for _, c := range s.Commands() {
				got = append(got, c.Key)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Every word of every command is found in the source bytes, whatever the line
// ends and whatever stands between its lines.
func TestScriptPositions(t *testing.T) {
	src := "FROM a\nRUN one 'two  2' \\\n  # comment\n\n   && th\"re\"e \\\n\t--four=5 && \\\n six\n"
	for name, text := range map[string]string{"LF": src, "CRLF": strings.ReplaceAll(src, "\n", "\r\n"), "BOM": bom + src, "no final newline": strings.TrimSuffix(src, "\n")} {
		s, why := script(t, text)
		if why != "" {
			t.Fatal(name, why)
		}
		var got []string
		for _, c := range s.Commands() {
			for _, w := range c.Words {
				sp, ok := s.Span(w.Start, w.End)
				if !ok {
					t.Errorf("%s: %q is cut", name, s.Text[w.Start:w.End])
				}
				got = append(got, text[sp.Start:sp.End])
			}
		}
		if diff := cmp.Diff([]string{"one", "'two  2'", "th\"re\"e", "--four=5", "six"}, got); diff != "" {
			t.Error(name, diff)
		}
	}
	s, _ := script(t, "FROM a\nRUN <<E\nfoo \\\n bar\nE\n")
	w := s.Commands()[0].Words[1]
	if sp, ok := s.Span(w.Start, w.End); !ok || s.in.doc.Src[sp.Start:sp.End] != "bar" || !s.Heredoc() {
		t.Error(sp, ok)
	}
}

func TestOpaque(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"FROM a\nRUN [\"a\"]\n", "it is in exec form"},
		{"FROM a\nSHELL [\"pwsh\",\"-c\"]\nRUN a\n", "SHELL is pwsh"},
		{"FROM a AS b\nSHELL [\"cmd\",\"/S\"]\nFROM b\nRUN a\n", "SHELL is cmd"},
		{"# escape=`\nFROM a\nRUN a\n", "the file's escape token is `, as on Windows"},
		{"FROM mcr.example/windows/nanoserver\nRUN a\n", "the base is a Windows image"},
		{"FROM a\nRUN cat <<E\nx\nE\n", "it combines a command with heredocs"},
		{"FROM a\nRUN <<E\n#!/usr/bin/python3\nE\n", "it is a heredoc with a shebang, <<- or CRLF"},
		{"FROM a\nRUN <<-E\n\tx\n\tE\n", "it is a heredoc with a shebang, <<- or CRLF"},
		{"FROM a\r\nRUN <<E\r\nx\r\nE\r\n", "it is a heredoc with a shebang, <<- or CRLF"},
		{"FROM a\nHEALTHCHECK NONE\n", "it runs nothing"},
		{"FROM a\nRUN if\n", "its script does not parse: "},
	} {
		if _, why := script(t, c.src); !strings.HasPrefix(why, c.want) {
			t.Errorf("%q: %q, want %q", c.src, why, c.want)
		}
	}
}

func TestLiteral(t *testing.T) {
	for word, want := range map[string]string{
		`abc`: "abc", `'a b'`: "a b", `"a b"`: "a b", `a'b'"c"`: "abc", `a\ b`: "a b", `$a`: "", `"$a"`: "", "`a`": "", `$(a)`: "", `a$b`: "", `$'a'`: "", `""`: "",
		`"a\"b"`: `a"b`, `"a\nb"`: `a\nb`, `"a\\b"`: `a\b`, `"\$x"`: "$x",
	} {
		f, err := syntax.NewParser().Parse(strings.NewReader("x "+word), "")
		if err != nil {
			t.Fatal(err)
		}
		if got := literal(f.Stmts[0].Cmd.(*syntax.CallExpr).Args[1]); got != want {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
}
