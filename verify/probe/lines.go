package probe

import (
	"slices"
	"strings"

	"drydock/rewrite"
)

// lines are the normalised lines of s, blank ones at its end left out.
func lines(s string) []string {
	s = strings.TrimRight(Normalise(s), "\n\t ")
	if s == "" {
		return nil
	}
	out := strings.Split(s, "\n")
	for i := range out {
		out[i] = strings.TrimRight(out[i], " \t\r")
	}
	return out
}

// differ gives how a differs from b as a diff, "" when it doesn't. g is a second b: where the two differ, a may differ too, and as much.
// anyOrder: the lines come from several writers, their order says nothing.
func differ(b, g, a []string, anyOrder bool) string {
	if slices.Equal(a, b) || slices.Equal(a, g) {
		return ""
	}
	if len(a) == 0 || len(b) == 0 { // emptiness counts, whatever the rest does
		if len(b) == len(g) || len(a) == 0 && len(g) > 0 {
			return diff(b, a)
		}
		return ""
	}
	if slices.Equal(b, g) {
		if anyOrder && slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))) {
			return ""
		}
		return diff(b, a)
	}
	if within(b, g, a) || within(tokens(b), tokens(g), tokens(a)) {
		return ""
	}
	return diff(b, a)
}

// within tells whether a has all that b and g share, and of anything else no more than they differ in.
func within(b, g, a []string) bool {
	inB, inG, inA := count(b), count(g), count(a)
	spread, strange := 0, 0
	for w, n := range inB {
		both := min(n, inG[w])
		spread += n - both
		if inA[w] < both {
			return false
		}
	}
	other := 0
	for w, n := range inG {
		other += n - min(n, inB[w])
	}
	for w, n := range inA {
		strange += n - min(n, max(inB[w], inG[w]))
	}
	return strange <= max(spread, other)
}

func count(words []string) map[string]int {
	out := map[string]int{}
	for _, w := range words {
		out[w]++
	}
	return out
}

// tokens cuts lines into words, for a body that stands on one line.
func tokens(lines []string) []string {
	return strings.FieldsFunc(strings.Join(lines, "\n"), func(r rune) bool { return strings.ContainsRune(" \n\t,;:{}[]<>\"'=&", r) })
}

// news are the lines of text that none of before has, as they stand.
func news(text string, before ...string) []string {
	old := map[string]bool{}
	for _, b := range before {
		for _, l := range lines(b) {
			old[l] = true
		}
	}
	var out []string
	for _, l := range strings.Split(text, "\n") {
		if n := strings.TrimRight(Normalise(l), " \t\r"); n != "" && !old[n] {
			out = append(out, l)
		}
	}
	return out
}

const mostDiff = 60 // lines

// diff shows what changed, each line with -, + or a blank before it; unchanged ones only beside the changes.
func diff(before, after []string) string {
	all := rewrite.DiffLines(text(before), text(after))
	var out []string
	for i, l := range all {
		near := false
		for _, o := range all[max(0, i-2):min(len(all), i+3)] {
			near = near || o.Op != ' '
		}
		if !near {
			continue
		}
		if len(out) == mostDiff {
			out = append(out, "…")
			break
		}
		out = append(out, string(l.Op)+short(strings.TrimRight(l.Text, "\n")))
	}
	return strings.Join(out, "\n")
}

func text(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// firstChange puts the first lines that changed into one.
func firstChange(diff string) string {
	var gone, come string
	for l := range strings.SplitSeq(diff, "\n") {
		switch {
		case strings.HasPrefix(l, "-") && gone == "":
			gone = strings.TrimSpace(l[1:])
		case strings.HasPrefix(l, "+") && come == "":
			come = strings.TrimSpace(l[1:])
		}
	}
	switch {
	case gone == "":
		return "\"" + short(come) + "\" is new"
	case come == "":
		return "\"" + short(gone) + "\" is gone"
	}
	return "\"" + short(gone) + "\" became \"" + short(come) + "\""
}

// tail keeps the end of an output, where errors stand.
func tail(s string) string {
	all := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-20):], "\n")
}
