package said

import "testing"

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"org/a b-ü":        "org/a b-ü",
		"a\nb\tc":          `a\nb\tc`,
		"\x1b[2Jx":         `\x1b[2Jx`,
		"a\u202eb\u200bc":  `a\u202eb\u200bc`,
		"\xff":             "\ufffd", // what isn't UTF-8
		"\u00a0":           `\u00a0`,
		"it's \"quoted\" ": `it's "quoted" `,
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"a\n  b\tc ":        "a b c",
		"\x1b[31mred\u0085": "[31mred",
		"a\u2028b\xff":      "a b?",
		"":                  "",
	} {
		if got := Line(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
