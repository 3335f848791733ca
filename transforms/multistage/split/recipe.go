package split

import (
	"slices"
	"strings"

	"drydock/images"
	"drydock/rewrite"
	"drydock/transforms/multistage/distro"
)

// Recipe knows one ecosystem: which stages it takes, and how to split them.
// Adding one is adding a file, and a line to the driver's list (package multistage).
type Recipe struct {
	Name string // "python"
	Doc  string // one item of the transform's documentation
	// Bases are the repositories (images.Ref.Repository) that it takes.
	Bases map[string]bool
	// Words are programs and subcommands of which a RUN must name one; without
	// one there is nothing to split, and nothing to say.
	Words map[string]bool
	// Starts are programs that CMD or ENTRYPOINT may name instead of a RUN: they
	// compile when the container starts.
	Starts map[string]bool
	// AnySize: its slim and alpine variants hold the toolchain too, so they are
	// worth a split. Else only full images are.
	AnySize bool
	// Also tells of a stage on a small image that it is worth a split all the
	// same; nil for never.
	Also func(*rewrite.Stage) bool
	// Tools tells of images that hold package managers, from which a COPY belongs
	// to the build alone; nil for none.
	Tools func(ref string) bool
	// Reads tells of a RUN under a SHELL that isn't a plain shell, which the recipe reads
	// itself; nil for none.
	Reads func(*rewrite.Instruction) bool
	// Refetch: its runtime stage has apt and a shell, so that it can repeat RUNs that name
	// further sources of packages or fetch programs.
	Refetch bool
	// Quiet tells of a stage that a split which can't be is nothing to report.
	Quiet func(*rewrite.Stage) bool
	// Fits tells more exactly whether a stage is one of the recipe's; nil for all that
	// words find. Where it says no, the recipes behind are asked.
	Fits func(*rewrite.Stage) bool
	// Split decides where each instruction goes and fills in the plan. Having
	// declined, or where there is nothing to split, it returns false.
	Split func(*Split) bool
}

// Takes reports whether a recipe is for a stage on ref.
func (r Recipe) Takes(s *rewrite.Stage, ref images.Ref) bool {
	return r.Bases[ref.Repository()] && (r.AnySize || !distro.Small(s.BaseName()) || r.Also != nil && r.Also(s)) && (Names(s, r.Words, "run") || Names(s, r.Starts, "cmd", "entrypoint")) && (r.Fits == nil || r.Fits(s))
}

// Names reports whether an instruction of one of the kinds holds one of the words.
func Names(s *rewrite.Stage, words map[string]bool, kind string, more ...string) bool {
	for _, in := range s.Instructions {
		if len(words) == 0 || in.Keyword != kind && !slices.Contains(more, in.Keyword) {
			continue
		}
		for _, w := range strings.FieldsFunc(in.Args.Text, func(r rune) bool { return strings.ContainsRune(" \t;&|()\"'[],", r) }) {
			if words[w[strings.LastIndexByte(w, '/')+1:]] {
				return true
			}
		}
	}
	return false
}
