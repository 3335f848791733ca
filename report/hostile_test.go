package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
	"pgregory.net/rapid"

	"drydock/rewrite"
)

// hostile are pieces of what strangers write: into a Dockerfile, or as a file's name.
var hostile = []string{
	"a", " ", "Dockerfile", "FROM x", "\n", "\r\n", "\r", "\t", "\x00", "\x1b[31m", "\x7f", "\u0085", "\u2028", "\u202e", "\ufeff", "\ufffe", "\xff", "\xed\xa0\x80", "\U0001f600",
	"::error file=x::", "::set-output name=a::b", "%0A", "%", ":", ",", "]]>", "<![CDATA[", "<!--", "-->", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "&lt;", "&", "\"", "'",
	"```", "````", "~~~", "`", "|", "*x*", "__x__", "[a](http://x)", "![a](http://x)", "http://x.example", "www.x.example", "@somebody", "#1", "GH-1", "- ", "1. ", "# ", "> ", "---", "===", "</details>", "<details>", "$x$", "\\",
	"suggestion", "/", "..", "${{ github.token }}", "$(id)",
}

func hostileText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(hostile), 0, 6).Draw(t, "pieces"), "")
	})
}

func hostileFile() *rapid.Generator[*File] {
	return rapid.Custom(func(t *rapid.T) *File {
		s := func(name string) string { return hostileText().Draw(t, name) }
		f := &File{Path: "d/" + s("path"), Context: s("context"), Outcomes: []Outcome{}, Declined: []Decline{}, Findings: []Finding{}}
		if rapid.IntRange(0, 5).Draw(t, "fails") == 0 {
			f.Error = &Error{Path: f.Path, Line: rapid.IntRange(-1, 3).Draw(t, "line"), Message: s("message"), Hint: s("hint")}
			return f
		}
		before, after := s("before"), s("after")
		for range rapid.IntRange(0, 3).Draw(t, "outcomes") {
			status := rapid.SampledFrom([]string{"applied", "offered", "unproven", "dropped"}).Draw(t, "status")
			f.Outcomes = append(f.Outcomes, Outcome{Status: status, Transform: "pin-base", Title: s("title"), Why: s("why"), Assumes: s("assumes"), Gain: s("gain"), Gate: s("gate"),
				Plan: []string{s("plan")}, Line: rapid.IntRange(0, 4).Draw(t, "line"), File: rapid.SampledFrom([]string{"", s("file")}).Draw(t, "file"), Severity: SeverityNote})
			if status == "applied" && before != after && len(f.Patches) == 0 {
				f.Changed, f.Patches = true, []*Patch{{Path: f.Path, Before: before, After: after}}
				f.Steps = []Step{{Outcome: f.Outcomes[len(f.Outcomes)-1], Files: map[string]string{f.Path: after}}}
			}
		}
		if len(f.Steps) > 0 && len(f.applied()) > 1 { // one step for all, as where they don't lead from text to text
			f.Steps[0].Outcome = Outcome{Transform: "fix"}
		}
		for range rapid.IntRange(0, 2).Draw(t, "findings") {
			f.Findings = append(f.Findings, Finding{Check: "buildkit/" + s("rule"), Line: rapid.IntRange(1, 4).Draw(t, "line"), Message: s("message"), Hint: s("hint"), Severity: SeverityWarning})
		}
		for range rapid.IntRange(0, 2).Draw(t, "declined") {
			f.Declined = append(f.Declined, Decline{"add-user", rapid.IntRange(0, 4).Draw(t, "line"), s("reason")})
		}
		f.Notes = []string{s("note")}
		return f
	})
}

// Whatever strangers write, each form is one that its reader can read, and holds what
// it should and no more.
func TestFormsHoldHostileText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := rapid.SliceOfN(hostileFile(), 0, 3).Draw(t, "files")
		problems, failed := 0, 0
		for _, f := range files {
			problems += len(f.problems(""))
			if f.Error != nil {
				failed++
			}
		}
		for _, form := range Forms() {
			if form.New == nil {
				continue
			}
			var b bytes.Buffer
			r := form.New(&b, FormOptions{Version: "1"})
			var total Total
			for _, f := range files {
				total.Add(f)
				if err := r.File(f); err != nil {
					t.Fatalf("%s: %v", form.Name, err)
				}
			}
			if err := r.Close(total); err != nil {
				t.Fatalf("%s: %v", form.Name, err)
			}
			if !utf8.Valid(b.Bytes()) {
				t.Fatalf("%s: not UTF-8: %q", form.Name, b.String())
			}
			switch form.Name {
			case "json":
				var v struct{ Files []File }
				decode(t, b.Bytes(), &v)
				if len(v.Files) != len(files) {
					t.Fatalf("%d files", len(v.Files))
				}
			case "sarif":
				var v struct{ Runs []struct{ Results []any } }
				decode(t, b.Bytes(), &v)
				if len(v.Runs[0].Results) != problems {
					t.Fatalf("%d results, not %d", len(v.Runs[0].Results), problems)
				}
			case "gitlab":
				checkGitLab(t, b.Bytes(), problems+failed)
			case "github-review":
				var v githubReview
				decode(t, b.Bytes(), &v)
			case "gitlab-discussions":
				var v []gitlabDiscussion
				decode(t, b.Bytes(), &v)
			case "github":
				checkGitHub(t, b.String(), problems+failed)
			case "junit":
				checkJUnit(t, b.Bytes(), files)
			case "checkstyle":
				checkCheckstyle(t, b.Bytes(), len(files), problems+failed)
			case "markdown":
				checkMarkdown(t, b.String())
			default:
				t.Fatalf("no test of %s", form.Name)
			}
		}
	})
}

type failing interface{ Fatalf(string, ...any) }

func decode(t failing, text []byte, v any) {
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// checkGitLab holds a report against the fields that GitLab documents.
func checkGitLab(t failing, b []byte, want int) {
	var v []map[string]any
	decode(t, b, &v)
	if len(v) != want {
		t.Fatalf("gitlab: %d, not %d", len(v), want)
	}
	for _, p := range v {
		location := p["location"].(map[string]any)
		begin := location["lines"].(map[string]any)["begin"].(float64)
		if strings.HasPrefix(location["path"].(string), "./") || begin < 1 || p["check_name"] == "" || p["fingerprint"] == "" || len(p) != 5 {
			t.Fatalf("gitlab: %v", p)
		}
		switch p["severity"] {
		case "info", "minor", "major", "critical", "blocker":
		default:
			t.Fatalf("gitlab: %v", p)
		}
	}
}

var githubLine = regexp.MustCompile(`^::(error|warning|notice) (?:file=([^:,]*),line=[1-9][0-9]*,(?:endLine=[0-9]+,)?(?:col=[0-9]+,)?)?title=([^:,]*)::(.*)$`)

// checkGitHub reads lines as the runner does: a command up to "::", properties between commas.
func checkGitHub(t failing, out string, want int) {
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if out == "" {
		lines = nil
	}
	if len(lines) != want {
		t.Fatalf("github: %d lines, not %d: %q", len(lines), want, out)
	}
	for _, l := range lines {
		if !githubLine.MatchString(l) || strings.ContainsAny(l, "\r\x1b\x00") {
			t.Fatalf("github: %q", l)
		}
	}
}

func checkJUnit(t failing, b []byte, files []*File) {
	var v struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Errors   int `xml:"errors,attr"`
			Skipped  int `xml:"skipped,attr"`
			Cases    []struct {
				Name    string    `xml:"name,attr"`
				Class   string    `xml:"classname,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	parseXML(t, b, &v)
	if len(v.Suites) != len(files) {
		t.Fatalf("junit: %d suites, not %d", len(v.Suites), len(files))
	}
	for _, s := range v.Suites {
		failures, errors, skipped := 0, 0, 0
		for _, c := range s.Cases {
			if c.Failure != nil {
				failures++
			}
			if c.Error != nil {
				errors++
			}
			if c.Skipped != nil {
				skipped++
			}
		}
		if s.Tests != len(s.Cases) || s.Tests == 0 || s.Failures != failures || s.Errors != errors || s.Skipped != skipped {
			t.Fatalf("junit: counts of %s", b)
		}
	}
}

func checkCheckstyle(t failing, b []byte, files, problems int) {
	var v struct {
		XMLName xml.Name `xml:"checkstyle"`
		Files   []struct {
			Errors []struct {
				Line     int    `xml:"line,attr"`
				Severity string `xml:"severity,attr"`
				Source   string `xml:"source,attr"`
			} `xml:"error"`
		} `xml:"file"`
	}
	parseXML(t, b, &v)
	n := 0
	for _, f := range v.Files {
		n += len(f.Errors)
		for _, e := range f.Errors {
			if e.Line < 1 || e.Source == "" || !strings.Contains("info warning error", e.Severity) {
				t.Fatalf("checkstyle: %+v", e)
			}
		}
	}
	if len(v.Files) != files || n != problems {
		t.Fatalf("checkstyle: %d files with %d problems, not %d with %d", len(v.Files), n, files, problems)
	}
}

// parseXML reads to the end: Unmarshal alone stops behind the first element.
func parseXML(t failing, b []byte, v any) {
	if err := xml.Unmarshal(b, v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	for d := xml.NewDecoder(bytes.NewReader(b)); ; {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("%v in %s", err, b)
		}
	}
}

// ourTags are all tags that a comment of drydock has.
var ourTags = regexp.MustCompile(`</?(details|summary|code)>`)

// checkMarkdown reads a comment as forges do (GitHub's dialect) and finds nothing that
// is not drydock's own: no link, no picture, no other tag, no fold left open.
func checkMarkdown(t failing, out string) {
	if n := utf8.RuneCountInString(out); n > maxBody {
		t.Fatalf("markdown: %d characters", n)
	}
	source := []byte(out)
	doc := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	var html strings.Builder
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link, *ast.Image, *ast.AutoLink:
			return ast.WalkStop, fmt.Errorf("a %s", n.Kind())
		case *ast.RawHTML:
			html.Write(n.Segments.Value(source))
		case *ast.HTMLBlock:
			html.Write(n.Lines().Value(source))
		case *ast.Heading:
			if n.Level != 3 {
				return ast.WalkStop, fmt.Errorf("a heading of level %d", n.Level)
			}
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatalf("markdown: %v in\n%s", err, out)
	}
	rest := ourTags.ReplaceAllString(html.String(), "")
	if strings.ContainsAny(rest, "<>") || strings.Count(html.String(), "<details>") != strings.Count(html.String(), "</details>") {
		t.Fatalf("markdown: tags %q in\n%s", html.String(), out)
	}
}

// The text of fix and check has a line for each thing, whatever a file or a step is called,
// and nothing in it speaks to the terminal.
func TestTextHoldsHostileText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := hostileFile().Draw(t, "file")
		var sum, list, defects bytes.Buffer
		for _, err := range []error{(&Summary{W: &sum}).File(f), (&List{W: &list, Declined: true}).File(f), Defects(&defects, f)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, text := range []string{sum.String(), list.String(), defects.String()} {
			if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
				t.Fatalf("%q in %q", text[i:min(i+10, len(text))], text)
			}
		}
		dropped := len(f.With(rewrite.Dropped))
		if got, want := strings.Count(list.String(), "\n"), len(f.Outcomes)-dropped+len(f.Findings)+len(f.Declined); got != want {
			t.Fatalf("%d lines for %d things:\n%q", got, want, list.String())
		}
		if got := strings.Count(defects.String(), "\n"); got != dropped {
			t.Fatalf("%d lines for %d defects:\n%q", got, dropped, defects.String())
		}
	})
}
