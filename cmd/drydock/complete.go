package main

// What a shell offers after Tab: verbs, flags and their values, read from the
// command line as it is, so that a new flag needs no second list.

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"

	"drydock/bulk/forge"
	"drydock/checks"
	"drydock/transforms"
)

// completeWord is the hidden verb that the scripts of drydock completion call, and docker
// for its plugins: the words behind the program's name follow, the last one as far as it
// is typed. The answer is that of github.com/spf13/cobra, which docker's scripts read: a line
// "CANDIDATE\tDESCRIPTION" for each, then ":" and the sum of hints.
const completeWord = "__complete"

// The hints to the shell. All but hintPaths are cobra's, whose scripts pass over it.
const (
	hintNoSpace = 2  // what is offered goes on: a list, a folder
	hintNoFiles = 4  // without candidates no files are offered either
	hintFolders = 16 // offer folders
	hintPaths   = 64 // the candidates are paths
)

// candidate is one word to offer.
type candidate struct{ word, about string }

// completion is what is offered for one word.
type completion struct {
	candidates []candidate
	hints      int
}

// complete answers for args, the words behind the program's name.
func complete(app *cli.App, args []string, w io.Writer) error {
	if len(args) == 0 {
		args = []string{""}
	}
	c := completing{app: app}
	got := c.word(args[:len(args)-1], args[len(args)-1])
	var out strings.Builder
	for _, k := range got.candidates {
		if strings.ContainsFunc(k.word, unicode.IsControl) {
			continue // a file's name with a line break would be two candidates
		}
		out.WriteString(k.word)
		if k.about != "" {
			out.WriteString("\t" + k.about)
		}
		out.WriteByte('\n')
	}
	fmt.Fprintf(&out, ":%d\n", got.hints)
	_, err := io.WriteString(w, out.String())
	return err
}

// completing is the command line up to the word.
type completing struct {
	app   *cli.App
	verb  *cli.Command // nil before it
	paths []string     // words of the verb that are no flags
	given []string     // names of the flags, with what they are called too
}

func (c *completing) word(before []string, typed string) completion {
	flag, onlyPaths := c.read(before)
	switch {
	case flag != nil:
		return c.value(flag, "", typed)
	case onlyPaths:
		return c.argument(typed)
	case strings.HasPrefix(typed, "-") && typed != "-":
		if name, value, ok := strings.Cut(typed, "="); ok {
			if f := c.flag(strings.TrimLeft(name, "-")); f != nil && takesValue(f) {
				return c.value(f, name+"=", value)
			}
			return completion{hints: hintNoFiles}
		}
		return matching(c.flags(), typed, hintNoFiles)
	case typed == "-":
		return matching(c.flags(), typed, hintNoFiles)
	case c.verb == nil:
		return matching(describe(c.app.Commands), typed, hintNoFiles)
	case len(c.verb.Subcommands) > 0 && len(c.paths) == 0:
		return matching(describe(c.verb.Subcommands), typed, hintNoFiles)
	}
	return c.argument(typed)
}

// read goes through the words before the one at the cursor. flag is the flag whose value
// that one is, nil for none; onlyPaths tells that "--" came.
func (c *completing) read(words []string) (flag cli.Flag, onlyPaths bool) {
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case onlyPaths || w == "-":
			c.paths = append(c.paths, w)
		case w == "--":
			onlyPaths = c.verb != nil
		case strings.HasPrefix(w, "-"):
			name, _, valued := strings.Cut(strings.TrimLeft(w, "-"), "=")
			f := c.flag(name)
			if f == nil {
				continue
			}
			c.given = append(c.given, f.Names()...)
			if !takesValue(f) || valued {
				continue
			}
			if i+1 == len(words) {
				return f, false
			}
			i++
		case c.verb == nil && c.app.Command(w) != nil:
			c.verb = c.app.Command(w)
		case c.verb != nil && len(c.paths) == 0 && sub(c.verb, w) != nil:
			c.verb = sub(c.verb, w)
		default:
			c.paths = append(c.paths, w)
		}
	}
	return nil, onlyPaths
}

func sub(c *cli.Command, name string) *cli.Command {
	i := slices.IndexFunc(c.Subcommands, func(s *cli.Command) bool { return s.HasName(name) })
	if i < 0 {
		return nil
	}
	return c.Subcommands[i]
}

// all are the flags that may stand here, --help among them.
func (c *completing) all() []cli.Flag {
	if c.verb == nil {
		return append(slices.Clone(c.app.Flags), cli.HelpFlag, cli.VersionFlag)
	}
	return append(slices.Clone(c.verb.Flags), cli.HelpFlag)
}

func (c *completing) flag(name string) cli.Flag {
	for _, f := range c.all() {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// flags are offered by their long names, and by the only one where that is short; those
// that were given already only where they may stand several times.
func (c *completing) flags() []candidate {
	var out []candidate
	for _, f := range c.all() {
		if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() || slices.Contains(c.given, f.Names()[0]) && !repeats(f) {
			continue
		}
		for i, n := range f.Names() {
			switch {
			case len(n) > 1:
				out = append(out, candidate{"--" + n, usage(f)})
			case i == 0:
				out = append(out, candidate{"-" + n, usage(f)})
			}
		}
	}
	return out
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

func repeats(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationSliceFlag)
	if ok && d.IsSliceFlag() {
		return true
	}
	_, generic := f.(*cli.GenericFlag)
	return generic
}

// usage is what the help says about a flag, without the marks of its placeholder.
func usage(f cli.Flag) string {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return ""
	}
	return strings.ReplaceAll(d.GetUsage(), "`", "")
}

// placeholder is what the help calls a flag's value: FILE, `NAME,…`, "" for none.
func placeholder(f cli.Flag) string {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return ""
	}
	_, rest, _ := strings.Cut(d.GetUsage(), "`")
	name, _, _ := strings.Cut(rest, "`")
	return name
}

// value offers values of a flag; lead stands in front of each ("--format=").
func (c *completing) value(f cli.Flag, lead, typed string) completion {
	var out completion
	switch name, what := f.Names()[0], placeholder(f); {
	case slices.Contains([]string{"only", "skip", "with"}, name):
		out = among(candidateRules(), typed)
	case name == "policy":
		out = among(policyWords(), typed)
	case len(choices(f)) > 0:
		out = matching(choices(f), typed, hintNoFiles)
	case what == "DIR":
		return completion{hints: hintFolders}
	case slices.Contains([]string{"FILE", "DOCKERFILE", "PATH", "REV|FILE"}, what):
		return completion{}
	default:
		return completion{hints: hintNoFiles}
	}
	for i := range out.candidates {
		out.candidates[i].word = lead + out.candidates[i].word
	}
	return out
}

// choices are the values of a flag that has a closed set of them: those that its help
// names, "WHAT: a, b (why) or c; more". What isn't one plain word is no choice.
func choices(f cli.Flag) []candidate {
	_, text, _ := strings.Cut(usage(f), ": ")
	text, _, _ = strings.Cut(text, ";")
	var out []candidate
	for _, part := range strings.Split(strings.NewReplacer(", or ", ", ", " or ", ", ").Replace(text), ", ") {
		word, about, _ := strings.Cut(part, " (")
		plain := word != "" && !strings.ContainsFunc(word, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' })
		if plain {
			if about = strings.TrimSuffix(about, ")"); about == placeholder(f) {
				about = "" // "how far to go: patch, … (LEVEL)"
			}
			out = append(out, candidate{word, about})
		}
	}
	return out
}

// argument offers what stands in the verb's usage: PATH, NAME, SHELL, SOURCE.
func (c *completing) argument(typed string) completion {
	if c.verb == nil {
		return completion{hints: hintNoFiles}
	}
	uses := func(word string) bool {
		return slices.Contains(strings.FieldsFunc(c.verb.ArgsUsage, func(r rune) bool { return !unicode.IsUpper(r) }), word)
	}
	if words := matching(verbWords(c.verb.ArgsUsage), typed, hintNoFiles); len(c.paths) == 0 && len(words.candidates) > 0 && (typed != "" || !uses("SOURCE")) {
		return words
	}
	switch {
	case uses("SHELL"):
		return matching(shells(), typed, hintNoFiles)
	case uses("NAME"):
		return matching(slices.DeleteFunc(candidateRules(), func(k candidate) bool { return slices.Contains(c.paths, k.word) }), typed, hintNoFiles)
	case uses("SOURCE") && slices.Contains(c.paths, "merge"):
		return completion{}
	case uses("SOURCE"):
		return bulkSources(typed)
	case uses("PATH"):
		return dockerfiles(typed)
	}
	return completion{hints: hintNoFiles}
}

// dockerfiles offers the Dockerfiles and folders of the folder that is typed so far. Where
// there are none the shell offers all files: any file may be named.
func dockerfiles(typed string) completion {
	dir, base := filepath.Split(typed)
	at := dir
	if home, err := os.UserHomeDir(); err == nil && strings.HasPrefix(dir, "~"+string(filepath.Separator)) {
		at = home + dir[1:]
	}
	entries, err := os.ReadDir(cmp.Or(at, "."))
	if err != nil {
		return completion{}
	}
	out := completion{hints: hintPaths}
	folders := 0
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, base) || name[0] == '.' && !strings.HasPrefix(base, ".") {
			continue
		}
		info, err := os.Stat(filepath.Join(at, name)) // a link counts as what it leads to
		switch {
		case err != nil:
		case info.IsDir() && !skipFolder(name):
			out.candidates = append(out.candidates, candidate{word: dir + name + string(filepath.Separator)})
			folders++
		case !info.IsDir() && isDockerfile(name):
			out.candidates = append(out.candidates, candidate{word: dir + name})
		}
	}
	switch {
	case len(out.candidates) == 0:
		return completion{}
	case folders == len(out.candidates):
		out.hints |= hintNoSpace
	}
	return out
}

// verbWords are the words that a verb takes first, as its usage has them: "show [PATH…] | init".
func verbWords(usage string) []candidate {
	var out []candidate
	for _, way := range strings.Split(usage, " | ") {
		word, _, _ := strings.Cut(way, " ")
		if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return r < 'a' || r > 'z' }) {
			out = append(out, candidate{word: word})
		}
	}
	return out
}

// bulkSources offers what bulk takes beside files and folders.
func bulkSources(typed string) completion {
	var all []candidate
	for _, kind := range forge.Kinds() {
		all = append(all, candidate{kind + ":", "the repositories of an owner there"})
	}
	if out := matching(all, typed, hintNoSpace|hintNoFiles); typed != "" && len(out.candidates) > 0 {
		return out
	}
	return completion{} // folders and lists are files
}

// candidateRules are the transforms and checks.
func candidateRules() []candidate {
	var out []candidate
	for _, t := range transforms.All() {
		out = append(out, candidate{t.Name, t.Summary})
	}
	for _, k := range checks.All() {
		out = append(out, candidate{k.Name, k.Summary})
	}
	return out
}

// policyWords are what --policy takes.
func policyWords() []candidate {
	var out []candidate
	for _, t := range transforms.All() {
		for _, p := range t.Policies {
			out = append(out, candidate{t.Name + "=" + p.Name, p.Summary})
		}
	}
	return out
}

func describe(cs []*cli.Command) []candidate {
	var out []candidate
	for _, c := range cs {
		if !c.Hidden {
			out = append(out, candidate{c.Name, c.Usage})
		}
	}
	return out
}

func matching(all []candidate, typed string, hints int) completion {
	return completion{slices.DeleteFunc(all, func(k candidate) bool { return !strings.HasPrefix(k.word, typed) }), hints}
}

// among offers the next of a list with commas; what it holds already isn't offered again.
func among(all []candidate, typed string) completion {
	lead := typed[:strings.LastIndexByte(typed, ',')+1]
	held := strings.Split(lead, ",")
	out := matching(all, typed[len(lead):], hintNoFiles|hintNoSpace)
	out.candidates = slices.DeleteFunc(out.candidates, func(k candidate) bool { return slices.Contains(held, k.word) })
	for i := range out.candidates {
		out.candidates[i].word = lead + out.candidates[i].word
	}
	return out
}
