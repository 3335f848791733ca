package transforms

import (
	"context"
	"strings"
	"testing"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"pgregory.net/rapid"

	"drydock/rewrite"
)

// Whatever the text, BuildKit reads the label as it reads MAINTAINER.
func TestLabelKeepsTheText(t *testing.T) {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{`"`, `'`, `\`, "`", "$", "${X}", "$X", "=", "<", "<<EOF", "#", " ", "\t", "é", "\\\n", "[", "]"}),
		rapid.StringMatching(`[ -~]{0,6}`),
	)
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 1, 8).Draw(t, "text"), "")
		escape := rapid.SampledFrom([]string{"", "# escape=`\n"}).Draw(t, "escape")
		src := escape + "FROM alpine:3.20\nENV X=other\nMAINTAINER " + text + "\nCMD [\"true\"]\n"
		before, err := rewrite.Parse("Dockerfile", src, nil)
		if err != nil {
			t.Skip(err)
		}
		var want string
		n := 0
		for _, in := range before.Instructions {
			if in.Keyword == "maintainer" {
				want, _ = maintainerOf(in)
				n++
			}
		}
		res, err := rewrite.Run(context.Background(), rewrite.Input{Path: "Dockerfile", Src: src}, []*rewrite.Transform{ByName("label-not-maintainer")}, rewrite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range res.Outcomes {
			if o.Status == rewrite.Dropped {
				t.Fatalf("%q: %s", src, o.Gate)
			}
		}
		if n != 1 || strings.TrimFunc(want, unicode.IsSpace) == "" {
			t.Skip("nobody")
		}
		after, err := rewrite.Parse("Dockerfile", res.After, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range after.Instructions {
			l, ok := in.Cmd.(*instructions.LabelCommand)
			if !ok {
				continue
			}
			if got, err := unquoted(l.Labels[0].Value, after.Escape); err != nil || got != want || len(l.Labels) != 1 || l.Labels[0].Key != authorsLabel {
				t.Fatalf("%q became %q (%v), want %q:\n%s", text, got, err, want, res.After)
			}
			return
		}
		if len(res.Declined) == 0 {
			t.Fatalf("left alone without a reason: %q", text)
		}
	})
}
