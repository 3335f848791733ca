package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"drydock/rewrite"
)

// emptiedFiles finds files that BuildKit sends without their bytes.
var _ = register(&rewrite.Check{
	Name:    "emptied-files",
	Summary: "The ignore file makes a copied file arrive empty",
	Doc: "An ignore file that leaves a folder out, brings a part of it back and names the folder once more\n" +
		"(`data`, `!data/keep`, `data`) doesn't leave that part out. BuildKit lists the file and then refuses to open it, and what arrives\n" +
		"in the image is a file of that name with no bytes in it, without a word\n" +
		"(seen with BuildKit 0.34; filterFS.Walk, filterFS.Open and sender.sendFile of\n" +
		"https://github.com/tonistiigi/fsutil). Take the second line out, or the `!`.",
	Passes: "Files that are empty anyway don't matter and aren't looked at; ignore files in which each line acts as it reads;\n" +
		"files that no COPY, ADD or bind mount takes.",
	Run: func(_ context.Context, p *rewrite.Pass) error {
		ignore := p.Repo.Ignore(p.Name)
		if !slices.ContainsFunc(ignore.Patterns, func(l string) bool { return strings.HasPrefix(l, "!") }) {
			return nil
		}
		files, _ := p.Repo.Files()
		files = slices.DeleteFunc(slices.Clone(files), func(f string) bool {
			if !ignore.SentEmpty(f) {
				return true
			}
			src, err := p.Repo.ReadFile(f)
			return err == nil && len(src) == 0
		})
		for _, in := range p.Doc.Instructions {
			in = in.Inner()
			var empty []string
			for _, s := range in.ContextSources() {
				for _, f := range files {
					if (s == "." || s == f || strings.HasPrefix(f, s+"/")) && !slices.Contains(empty, f) {
						empty = append(empty, f)
					}
				}
			}
			if len(empty) == 0 {
				continue
			}
			p.Find(in, fmt.Sprintf("%s gets %s without a byte: %s leaves it out, brings it back and leaves it out again", strings.ToUpper(in.Keyword), several(empty, 3), ignore.Path),
				"take the last line out that names its folder, or the ! line")
		}
		return nil
	},
})
