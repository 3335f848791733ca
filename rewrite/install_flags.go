package rewrite

import (
	"slices"
	"strings"
)

// flags lists the flags of a command that change neither what an install reads
// nor where it writes; "--only=" has a value. Any other is refused.
type flags string

// table tells of each flag whether it has a value.
func (fs flags) table() map[string]bool {
	out := map[string]bool{}
	for f := range strings.FieldsSeq(string(fs)) {
		name, valued := strings.CutSuffix(f, "=")
		out[name] = valued
	}
	return out
}

// commandLine is what stands behind a command's name.
type commandLine struct {
	words   []string
	flags   map[string][]string // given flags with their values, "" for those that take none
	unknown string              // the first flag that the table doesn't know
}

func (c commandLine) has(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return c.flags[n] != nil })
}

// values of the flags, in the order of names.
func (c commandLine) values(names ...string) (out []string) {
	for _, n := range names {
		out = append(out, c.flags[n]...)
	}
	return out
}

// read splits arguments. A single letter's value may be joined to it: -j4, -rX.
func (fs flags) read(args []string) commandLine {
	known := fs.table()
	c := commandLine{flags: map[string][]string{}}
	for n := 0; n < len(args); n++ {
		a := args[n]
		if len(a) < 2 || a[0] != '-' {
			c.words = append(c.words, a)
			continue
		}
		name, value, joined := strings.Cut(a, "=")
		if len(a) > 2 && a[1] != '-' && known[a[:2]] {
			name, value, joined = a[:2], strings.TrimPrefix(a[2:], "="), true
		}
		if last := "-" + a[len(a)-1:]; !joined && len(a) > 2 && a[1] != '-' && known[last] && strings.Trim(a[1:len(a)-1], "Uqvn") == "" {
			name = last // -Ur is -U -r
		}
		valued, ok := known[name]
		if !ok && c.unknown == "" {
			c.unknown = a
		}
		if valued && !joined && n+1 < len(args) {
			n++
			value = args[n]
		}
		c.flags[name] = append(c.flags[name], value)
	}
	return c
}
