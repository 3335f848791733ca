package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drydock/rewrite"
	"drydock/verify/finding"
)

// upper is a rewriter that makes each LABEL line of a Dockerfile upper case, one
// change a line.
func upper(_ context.Context, src string, files map[string]string, refuse func(rewrite.Outcome) bool) (*rewrite.Result, error) {
	res := &rewrite.Result{Path: "Dockerfile", Before: src, After: src}
	lines := strings.SplitAfter(src, "\n")
	for i, l := range lines {
		if !strings.HasPrefix(l, "LABEL ") || strings.ToUpper(l) == l {
			continue
		}
		o := rewrite.Outcome{Status: rewrite.Applied, Transform: "upper", Title: "upper case", Before: strings.Join(lines, "")}
		lines[i] = strings.ToUpper(l)
		o.After = strings.Join(lines, "")
		if refuse(o) {
			lines[i] = l
			continue
		}
		res.Outcomes = append(res.Outcomes, o)
	}
	res.After = strings.Join(lines, "")
	return res, nil
}

// keepWith runs the search with a proof that fails for the texts that hold one of
// the bad words.
func keepWith(t interface{ Fatal(...any) }, src string, bad func(text string) string) (*Kept, int) {
	proofs := 0
	k := &keeper{
		p: &Prover{origin: Side{Dockerfile: src}}, rewrites: upper, refused: map[string]bool{}, tried: map[string]*attempt{},
		proves: func(_ context.Context, text string, files map[string]string, _ []rewrite.Outcome) (*attempt, error) {
			proofs++
			a := &attempt{text: text, files: files, proof: &Proof{Verdict: "same behaviour"}}
			if why := bad(text); why != "" {
				a.proof = &Proof{Breaks: []finding.Finding{{Class: finding.File, Break: true, Message: why}}}
			}
			return a, nil
		},
	}
	kept, err := k.keep(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return kept, proofs
}

func TestKeepDropsWhatBreaks(t *testing.T) {
	src := "FROM a\nLABEL one\nLABEL two\nLABEL three\nLABEL four\nLABEL five\nLABEL six\nLABEL seven\nLABEL eight\n"
	kept, proofs := keepWith(t, src, func(text string) string {
		for _, w := range []string{"THREE", "SEVEN"} {
			if strings.Contains(text, w) {
				return w + " breaks it"
			}
		}
		return ""
	})
	want := "FROM a" + strings.ToUpper(strings.TrimPrefix(src, "FROM a"))
	want = strings.Replace(want, "LABEL THREE", "LABEL three", 1)
	want = strings.Replace(want, "LABEL SEVEN", "LABEL seven", 1)
	if kept.Result.After != want {
		t.Errorf("kept\n%s\nwant\n%s", kept.Result.After, want)
	}
	var dropped []string
	for _, o := range kept.Result.Outcomes {
		if o.Status == rewrite.Unproven {
			dropped = append(dropped, o.Gate)
		}
	}
	if fmt.Sprint(dropped) != "[THREE breaks it SEVEN breaks it]" {
		t.Errorf("dropped %q", dropped)
	}
	if proofs > 11 { // three for the whole, three and three for the halves, and a few more
		t.Errorf("%d proofs for eight changes, two of them bad", proofs)
	}
	if kept.Proof == nil || !kept.Proof.Holds() {
		t.Errorf("proof %+v", kept.Proof)
	}
}

func TestKeepNothing(t *testing.T) {
	src := "FROM a\nLABEL one\nLABEL two\n"
	kept, _ := keepWith(t, src, func(text string) string {
		if text != src {
			return "anything breaks it"
		}
		return ""
	})
	if kept.Result.After != src || kept.Proof != nil || kept.Result.Count(rewrite.Unproven) != 2 || kept.Result.Count(rewrite.Applied) != 0 {
		t.Errorf("kept %+v", kept.Result)
	}
}

// Whatever breaks, the text that is kept holds, and each change that is left out
// can't be added to it.
func TestKeepIsLargest(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(1, 10).Draw(r, "changes")
		src := "FROM a\n"
		for i := range n {
			src += fmt.Sprintf("LABEL x%dx\n", i)
		}
		bad := rapid.SliceOfN(rapid.IntRange(0, n-1), 0, 3).Draw(r, "bad")
		breaks := func(text string) string {
			for _, b := range bad {
				if strings.Contains(text, fmt.Sprintf("X%dX", b)) {
					return "broken"
				}
			}
			return ""
		}
		kept, _ := keepWith(r, src, breaks)
		if breaks(kept.Result.After) != "" {
			r.Fatalf("what is kept breaks:\n%s", kept.Result.After)
		}
		for i := range n {
			if strings.Contains(kept.Result.After, fmt.Sprintf("x%dx", i)) != slices.Contains(bad, i) {
				r.Fatalf("change %d of %d, bad %v:\n%s", i, n, bad, kept.Result.After)
			}
		}
	})
}
