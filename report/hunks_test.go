package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHunks(t *testing.T) {
	const path = "Dockerfile"
	step := func(text string) Step { return Step{Files: map[string]string{path: text}} }
	steps := []Step{
		step("FROM a:1\nRUN x\nRUN y\nCMD z\n"),                        // 0: pins the base
		{Files: map[string]string{".dockerignore": "z"}},               // 1: is about another file
		step("FROM a:1\nRUN x && y\nCMD z\n"),                          // 2: merges
		step("FROM a:1\nRUN x && y && clean\nCMD z\n"),                 // 3: rewrites what 2 made
		step("FROM a:1\nRUN x && y && clean\nUSER u\nCMD z\n"),         // 4: puts a line above CMD
		step("FROM a:1\nRUN x && y && clean\nUSER u\nCMD [\"z\"]\n"),   // 5: and rewrites that
		step("FROM a:1\nRUN x && y && clean\n\nUSER u\nCMD [\"z\"]\n"), // 6: a blank line
	}
	f := &File{Steps: steps}
	for _, c := range []struct {
		name          string
		before, after string
		want          []Hunk
	}{
		{"all of it touches", "FROM a\nRUN x\nRUN y\nCMD z\n", steps[6].Files[path], []Hunk{
			{Line: 1, NewLine: 1, Old: []string{"FROM a\n", "RUN x\n", "RUN y\n", "CMD z\n"},
				New: []string{"FROM a:1\n", "RUN x && y && clean\n", "\n", "USER u\n", "CMD [\"z\"]\n"}, Steps: []int{0, 2, 3, 4, 5, 6}},
		}},
		{"what the steps don't lead to has all that touch the file", "FROM a\nCMD z\n", "FROM a\nEXPOSE 1\nCMD z\n", []Hunk{
			{Line: 2, NewLine: 2, New: []string{"EXPOSE 1\n"}, Steps: []int{0, 2, 3, 4, 5, 6}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, f.Hunks(&Patch{Path: path, Before: c.before, After: c.after})); d != "" {
				t.Error(d)
			}
		})
	}
}

// Places apart have the changes that touched them, and no others.
func TestHunksApart(t *testing.T) {
	const path = "sub/Dockerfile"
	texts := []string{
		"FROM a\n# keep\nRUN x\nWORKDIR /w\nCMD z",
		"FROM a:1\n# keep\nRUN x\nWORKDIR /w\nCMD z",
		"FROM a:1\n# keep\nRUN x -q\nWORKDIR /w\nCMD z",
		"FROM a:1\n# keep\nRUN x -q -y\nWORKDIR /w\nCMD [\"z\"]",
		"FROM a:1\n# keep\nRUN x -q -y\nWORKDIR /w\nUSER u\nCMD [\"z\"]",
	}
	f := &File{}
	for _, text := range texts[1:] {
		f.Steps = append(f.Steps, Step{Files: map[string]string{path: text}})
	}
	want := []Hunk{
		{Line: 1, NewLine: 1, Old: []string{"FROM a\n"}, New: []string{"FROM a:1\n"}, Steps: []int{0}},
		{Line: 3, NewLine: 3, Old: []string{"RUN x\n"}, New: []string{"RUN x -q -y\n"}, Steps: []int{1, 2}},
		{Line: 5, NewLine: 5, Old: []string{"CMD z"}, New: []string{"USER u\n", "CMD [\"z\"]"}, Steps: []int{2, 3}},
	}
	if d := cmp.Diff(want, f.Hunks(&Patch{Path: path, Before: texts[0], After: texts[len(texts)-1]})); d != "" {
		t.Error(d)
	}
}
