package transforms

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/rewrite"
)

const pagesDir = "../docs/transforms"

// TestPages holds docs/transforms/NAME.md to what the transform says of itself
// and to its first fixture; with -update it writes them.
func TestPages(t *testing.T) {
	pages := map[string]bool{}
	for _, tr := range All() {
		file := filepath.Join(pagesDir, tr.Name+".md")
		pages[tr.Name+".md"] = true
		want := page(t, tr)
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o666); err != nil {
				t.Error(err)
			}
			continue
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%v: run make golden", err)
			continue
		}
		if diff := cmp.Diff(strings.Split(string(got), "\n"), strings.Split(want, "\n")); diff != "" {
			t.Errorf("%s isn't what %s says; run make golden:\n%s", file, tr.Name, diff)
		}
	}
	entries, err := os.ReadDir(pagesDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !pages[e.Name()] {
			t.Errorf("%s/%s is about no transform", pagesDir, e.Name())
		}
	}
}

// page is the Markdown page about a transform.
func page(t *testing.T, tr *rewrite.Transform) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s.", tr.Name, tr.Summary)
	if tr.OptIn {
		fmt.Fprintf(&b, " It runs only when asked for: `--with %s`.", tr.Name)
	}
	fmt.Fprintf(&b, "\n\n%s\n\n", strings.TrimSpace(tr.Doc))
	if len(tr.Policies) > 0 {
		b.WriteString("## Policies\n\n")
		for i, p := range tr.Policies {
			standard := ""
			if i == 0 {
				standard = " (default)"
			}
			fmt.Fprintf(&b, "- `--policy %s=%s`%s: %s\n", tr.Name, p.Name, standard, p.Summary)
		}
		b.WriteString("\n")
	}
	for _, c := range cases(t, tr.Name) {
		res := c.run(t, c.src, c.repo, []*rewrite.Transform{tr}, rewrite.Options{Unsafe: true, Policies: c.policies})
		if !res.Changed() {
			continue
		}
		fmt.Fprintf(&b, "## Before and after\n\n")
		if res.Before != res.After {
			fmt.Fprintf(&b, "```dockerfile\n%s\n```\n\nbecomes\n\n```dockerfile\n%s\n```\n\n", strings.TrimRight(res.Before, "\n"), strings.TrimRight(res.After, "\n"))
		}
		for name, text := range res.Files {
			fmt.Fprintf(&b, "%s:\n\n```\n%s\n```\n\n", name, strings.TrimRight(text, "\n"))
		}
		fmt.Fprintf(&b, "(fixtures/%s/%s)\n\n", tr.Name, c.name)
		break
	}
	fmt.Fprintf(&b, "## When it declines\n\n%s\n\n", strings.TrimSpace(tr.Declines))
	if len(tr.Rules) > 0 {
		fmt.Fprintf(&b, "Where a comment tells hadolint or BuildKit's checks to pass over %s.\n\n", strings.Join(tr.Rules, ", "))
	}
	b.WriteString("## What it assumes\n\n")
	if tr.Assumes == "" {
		b.WriteString("Nothing: its changes are safe, and `drydock fix` makes them.\n")
	} else {
		fmt.Fprintf(&b, "%s\n\nChanges that rest on this wait for `--unsafe`.\n", strings.TrimSpace(tr.Assumes))
	}
	return b.String()
}
