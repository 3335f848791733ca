package checks

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drydock/rewrite"
)

// FuzzChecks: whatever Dockerfile drydock takes, checks don't fail on it, and
// point at lines that it has.
func FuzzChecks(f *testing.F) {
	seeds, err := filepath.Glob(filepath.Join(casesDir, "*", "*", "Dockerfile"))
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range seeds {
		src, err := os.ReadFile(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(src))
	}
	f.Fuzz(func(t *testing.T, src string) {
		in := rewrite.Input{Path: "Dockerfile", Src: src}
		if _, err := rewrite.Run(context.Background(), in, nil, rewrite.Options{}); err != nil {
			t.Skip()
		}
		res, err := rewrite.Run(context.Background(), in, nil, rewrite.Options{Checks: All()})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range res.Findings {
			if x.Line < 1 || x.Line > strings.Count(src, "\n")+1 || x.Message == "" {
				t.Errorf("%+v", x)
			}
		}
	})
}
