package forge

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestFit(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		most int
		want string
	}{
		"short":      {"a\n\nb\n", 100, "a\n\nb\n"},
		"paragraphs": {strings.Repeat("0123456789\n\n", 40) + "the end", 300, strings.Repeat("0123456789\n\n", 13) + "0123456789\n\n" + cutNote + "\n\nthe end"},
		"code": {"intro\n\n```diff\n" + strings.Repeat("+a\n\n", 100) + "```\n\nthe end", 250,
			"intro\n\n```diff\n" + strings.TrimRight(strings.Repeat("+a\n\n", 29), "\n") + "\n```\n\n" + cutNote + "\n\nthe end"},
	} {
		got := fit(c.text, c.most)
		if len(got) > c.most || got != c.want {
			t.Errorf("%s: %d bytes:\n%s\nwant\n%s", name, len(got), got, c.want)
		}
	}
	folded := "<details>\n<summary>x</summary>\n\n" + strings.Repeat("line\n\n", 100) + "</details>\n\nthe end"
	if got := fit(folded, 300); strings.Count(got, "<details>") != strings.Count(got, "</details>") || !strings.HasSuffix(got, "the end") {
		t.Errorf("%s", got)
	}
}

// Whatever the text, it fits, is whole characters, and fitting again changes nothing.
func TestFitProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{"a", "é", "🚢", "\n", "\n\n", "```", "~~~~", "<details>", "</details>", "0123456789"})).Draw(t, "text")
		most := rapid.IntRange(0, 400).Draw(t, "most")
		text := strings.Repeat(strings.Join(parts, ""), rapid.IntRange(1, 20).Draw(t, "times"))
		got := fit(text, most)
		if len(got) > most || !utf8.ValidString(got) || fit(got, most) != got {
			t.Fatalf("%d bytes of %d: %q", len(got), most, got)
		}
	})
}

func TestTitle(t *testing.T) {
	for in, want := range map[string]string{"a\nb  c": "a b c", "0123456789x": "0123456…", "éééééé": "ééé…"} {
		if got := title(in, 10); got != want || len(got) > 10 {
			t.Errorf("%q gives %q", in, got)
		}
	}
}
