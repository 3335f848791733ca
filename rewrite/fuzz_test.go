package rewrite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// seeds adds the Dockerfiles of the fixtures and of BuildKit's parser.
func seeds(f *testing.F) {
	files := buildkitFiles(f, false)
	files = append(files, buildkitFiles(f, true)...)
	fixtures, _ := filepath.Glob("../fixtures/*/*/Dockerfile*")
	for _, file := range append(files, fixtures...) {
		if b, err := os.ReadFile(file); err == nil {
			f.Add(string(b))
		}
	}
	for _, s := range []string{"# escape=`\nFROM a\nRUN b `\n c\n", bom + "FROM a\r\nRUN b", "FROM a\nONBUILD COPY <<-E <<'F G' /x\n\tE\nF G\n", "FROM a\nRUN --mount=type=cache,target=/x --\"\" b \\\n\n# c\n d\n", "FROM a\nHEALTHCHECK --interval=5s CMD a || b\n"} {
		f.Add(s)
	}
}

// FuzzParse: whatever BuildKit takes we take, and nothing else; every byte has
// its place; the same text read again is the same document.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse("Dockerfile", text, nil)
		if err != nil {
			if e, ok := err.(*Error); !ok || e.Path != "Dockerfile" || e.Msg == "" || strings.ContainsAny(e.Error(), "\n") {
				t.Fatalf("%#v", err)
			}
		}
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) || len(text) >= 1<<16 {
			return // we refuse these whatever BuildKit says
		}
		if ok := buildkitAccepts(text); ok != (err == nil) {
			t.Fatalf("BuildKit accepts: %v, drydock: %v", ok, err)
		}
		if err != nil {
			return
		}
		checkDocument(t, d)
		for _, s := range d.Stages {
			s.Config()
		}
		for _, in := range d.Instructions {
			s, why := in.Shell()
			if why != "" {
				continue
			}
			for _, c := range s.Commands() {
				for _, w := range c.Words {
					if sp, ok := s.Span(w.Start, w.End); ok && d.Src[sp.Start:sp.End] != s.Text[w.Start:w.End] {
						t.Fatalf("%q stands at %q", s.Text[w.Start:w.End], d.Src[sp.Start:sp.End])
					}
				}
			}
		}
		readIgnores(d, "2026-11-28")
	})
}

// FuzzEffects: no text makes the effects panic, and what commutes commutes both
// ways round.
func FuzzEffects(f *testing.F) {
	seeds(f)
	rp := contextOf("package.json={}", "requirements.txt=x\n", "go.mod=module x\n", "src/a=", ".dockerignore=node_modules\n")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse("Dockerfile", text, nil)
		if err != nil || len(d.Instructions) > 60 {
			return
		}
		var last *Effects
		for _, in := range d.Instructions {
			e := in.Effects(rp, "Dockerfile")
			if c := (Commuter{Repo: rp, Name: "Dockerfile"}); last != nil {
				a, why := c.Commute(last, e)
				if b, _ := c.Commute(e, last); a != b || a == (why != "") {
					t.Fatalf("%v %v %q: %s", a, b, why, in)
				}
			}
			last = e
		}
	})
}
