package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// A comment fits into what a forge takes, and what has no room is counted.
func TestMarkdownFits(t *testing.T) {
	long := strings.Repeat("FROM x # salt water\n", 4_000)
	for name, c := range map[string]struct {
		files int
		after string
		want  []string
	}{
		"one long diff":   {1, long, []string{"| `000/Dockerfile` | 1 | 1 | 0 |", "The diff is too long for this place", "**secrets** (error): ENV KEY"}},
		"a thousand":      {1000, "FROM x:1\n", []string{"### drydock: 1000 changes and 1000 findings in 1000 Dockerfiles", "more Dockerfiles* |", "more Dockerfiles are not shown here"}},
		"those that fit":  {3, "FROM x:1\n", []string{"| `002/Dockerfile` | 1 | 1 | 0 |", "-FROM x\n+FROM x:1\n"}},
		"some long diffs": {40, strings.Repeat("FROM x # a\n", 300), []string{"+FROM x # a\n", "The diff is too long for this place"}},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			m := &Markdown{W: &b}
			var total Total
			for i := range c.files {
				path := fmt.Sprintf("%03d/Dockerfile", i)
				f := &File{Path: path, Changed: true, Patches: []*Patch{{Path: path, Before: "FROM x\n", After: c.after}},
					Outcomes: []Outcome{{Status: "applied", Transform: "pin-base", Title: "pin x", Line: 1}},
					Findings: []Finding{{Check: "secrets", Line: 1, Message: "ENV KEY"}}}
				total.Add(f)
				if err := m.File(f); err != nil {
					t.Fatal(err)
				}
			}
			if err := m.Close(total); err != nil {
				t.Fatal(err)
			}
			if b.Len() > maxBody {
				t.Errorf("%d bytes", b.Len())
			}
			for _, want := range c.want {
				if !strings.Contains(b.String(), want) {
					t.Errorf("no %q in\n%.3000s", want, b.String())
				}
			}
			shown := strings.Count(b.String(), "<summary><code>")
			if left := 0; strings.Contains(b.String(), "not shown here") {
				at := strings.LastIndex(b.String()[:strings.Index(b.String(), "more Dockerfiles are")], "\n")
				fmt.Sscan(b.String()[at+1:], &left)
				if shown+left != c.files {
					t.Errorf("%d shown, %d not, of %d", shown, left, c.files)
				}
			} else if shown != c.files {
				t.Errorf("%d shown of %d", shown, c.files)
			}
			checkMarkdown(t, b.String())
		})
	}
}

func TestMarkdownPlain(t *testing.T) {
	for in, want := range map[string]string{
		"RUN a && b":      `RUN a \&\& b`,
		"- a":             "\u200b- a",
		"12. a":           "\u200b12. a",
		"1.2.3":           "1.2.3",
		"--no-cache":      "--no-cache",
		"@me #1 !2":       "@\u200bme \\#\u200b1 \\!\u200b2",
		"https://x/y":     `https:` + "\u200b" + `//x/y`,
		"www.x a.www":     "www\u200b.x a.www",
		"a\x1b[2J\nb":     `a\\x1b\[2J b`,
		"<b>|`x`_*~$[]\\": "\\<b\\>\\|\\`x\\`\\_\\*\\~\\$\\[\\]\\\\",
	} {
		if got := MarkdownPlain(in); got != want {
			t.Errorf("%q: %q, not %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"a": "`a`", "`": "`` ` ``", "a``b`c": "```a``b`c```", "": "`  `"} {
		if got := MarkdownCode(in); got != want {
			t.Errorf("%q: %q, not %q", in, got, want)
		}
	}
}
