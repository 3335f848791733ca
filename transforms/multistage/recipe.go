package multistage

import (
	"slices"
	"strings"

	"drydock/images"
	"drydock/rewrite"
)

// A recipe knows one ecosystem: which stages it takes, and how to split them.
// Adding one is adding a file that registers it; nothing else is to be edited.
type recipe struct {
	name string // "python"; recipes are asked in the order of their names
	doc  string // one item of the transform's documentation
	// bases are the repositories (images.Ref.Repository) that it takes.
	bases map[string]bool
	// words are programs and subcommands of which a RUN must name one; without
	// one there is nothing to split, and nothing to say.
	words map[string]bool
	// starts are programs that CMD or ENTRYPOINT may name instead of a RUN: they
	// compile when the container starts.
	starts map[string]bool
	// anySize: its slim and alpine variants hold the toolchain too, so they are
	// worth a split. Else only full images are.
	anySize bool
	// also tells of a stage on a small image that it is worth a split all the
	// same; nil for never.
	also func(*rewrite.Stage) bool
	// tools tells of images that hold package managers, from which a COPY belongs
	// to the build alone; nil for none.
	tools func(ref string) bool
	// reads tells of a RUN under a SHELL that isn't a plain shell, which the recipe reads
	// itself; nil for none.
	reads func(*rewrite.Instruction) bool
	// quiet tells of a stage that a split which can't be is nothing to report.
	quiet func(*rewrite.Stage) bool
	// fits tells more exactly whether a stage is one of the recipe's; nil for all that
	// words find. Where it says no, the recipes behind are asked.
	fits func(*rewrite.Stage) bool
	// early recipes are asked before the others: what they make is served by another
	// program than the language's.
	early bool
	// split decides where each instruction goes and fills in the plan. Having
	// declined, or where there is nothing to split, it returns false.
	split func(*split) bool
}

var recipes []recipe

// register adds a recipe; files call it in a package variable.
func register(r recipe) recipe {
	recipes = append(recipes, r)
	slices.SortFunc(recipes, func(a, b recipe) int {
		if a.early != b.early {
			if a.early {
				return -1
			}
			return 1
		}
		return strings.Compare(a.name, b.name)
	})
	return r
}

// takes reports whether a recipe is for a stage on ref.
func (r recipe) takes(s *rewrite.Stage, ref images.Ref) bool {
	return r.bases[ref.Repository()] && (r.anySize || !small(s.BaseName()) || r.also != nil && r.also(s)) && (names(s, r.words, "run") || names(s, r.starts, "cmd", "entrypoint")) && (r.fits == nil || r.fits(s))
}

// Ecosystem names the recipe that takes a document's last stage, "" for none.
func Ecosystem(d *rewrite.Document) string {
	ref, err := images.ParseRef(d.Final().BaseName())
	if err != nil {
		return ""
	}
	r, _ := recipeFor(d.Final(), ref, nil)
	return r.name
}

// recipeFor is the first recipe that takes a stage on ref, of those with the given
// names; nil for all.
func recipeFor(s *rewrite.Stage, ref images.Ref, among map[string]bool) (recipe, bool) {
	for _, r := range recipes {
		if (among == nil || among[r.name]) && r.takes(s, ref) {
			return r, true
		}
	}
	return recipe{}, false
}

// small: the base is a runtime image already, or one without Debian's
// libraries.
func small(ref string) bool {
	for _, w := range []string{"slim", "alpine", "distroless", "windows", "nanoserver", "onbuild", "pypy"} {
		if strings.Contains(ref, w) {
			return true
		}
	}
	return false
}

// names reports whether an instruction of one of the kinds holds one of the words.
func names(s *rewrite.Stage, words map[string]bool, kind string, more ...string) bool {
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
