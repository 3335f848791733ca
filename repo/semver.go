package repo

import (
	"strconv"
	"strings"

	"golang.org/x/mod/semver"
)

// satisfies reports whether version lies in an npm range. known is false when
// either is written in a way this does not decide: tags, URLs, pre-releases,
// workspace and alias specs.
//
// Source: https://github.com/npm/node-semver#ranges
func satisfies(version, spec string) (ok, known bool) {
	if !fullVersion.MatchString(version) {
		return false, false
	}
	v := "v" + version
	decided := true
	for alt := range strings.SplitSeq(spec, "||") {
		in, k := inRange(v, strings.TrimSpace(alt))
		if in && k {
			return true, true
		}
		decided = decided && k
	}
	return false, decided
}

var (
	fullVersion = lazy(`^\d{1,9}\.\d{1,9}\.\d{1,9}$`)
	opSpace     = lazy(`([<>=~^])\s+`)
	comparator  = lazy(`^(\^|~>?|>=|<=|>|<|=)?v?(\d{1,9}|[xX*])(?:\.(\d{1,9}|[xX*]))?(?:\.(\d{1,9}|[xX*]))?$`)
)

func inRange(v, alt string) (ok, known bool) {
	if alt == "" {
		return true, true
	}
	if from, to, ok := strings.Cut(alt, " - "); ok {
		alt = ">=" + strings.TrimSpace(from) + " <=" + strings.TrimSpace(to)
	}
	all := true
	for _, c := range strings.Fields(opSpace.ReplaceAllString(alt, "$1")) {
		lo, hi, ok := bounds(c)
		if !ok {
			return false, false
		}
		if (lo != "" && semver.Compare(v, lo) < 0) || (hi != "" && semver.Compare(v, hi) >= 0) {
			all = false
		}
	}
	return all, true
}

// bounds gives the half-open interval [lo, hi) of one comparator; "" is open.
func bounds(c string) (lo, hi string, ok bool) {
	m := comparator.FindStringSubmatch(c)
	if m == nil {
		return "", "", false
	}
	var n [3]int
	given := 0
	for ; given < 3; given++ {
		d, err := strconv.Atoi(m[2+given])
		if err != nil { // missing, x or *
			break
		}
		n[given] = d
	}
	at := func(a, b, c int) string {
		return "v" + strconv.Itoa(a) + "." + strconv.Itoa(b) + "." + strconv.Itoa(c)
	}
	next := func(part int) string { // the smallest version with a greater part
		switch part {
		case 0:
			return at(n[0]+1, 0, 0)
		case 1:
			return at(n[0], n[1]+1, 0)
		}
		return at(n[0], n[1], n[2]+1)
	}
	low := at(n[0], n[1], n[2])
	if given == 0 {
		if m[1] == "<" || m[1] == ">" {
			return "", "v0.0.0", true // nothing
		}
		return "", "", true
	}
	switch m[1] {
	case "", "=":
		return low, next(given - 1), true
	case ">=":
		return low, "", true
	case ">":
		return next(given - 1), "", true
	case "<":
		return "", low, true
	case "<=":
		return "", next(given - 1), true
	case "^":
		for part := range given {
			if n[part] != 0 || part == given-1 {
				return low, next(part), true
			}
		}
	}
	return low, next(min(given-1, 1)), true // ~ and ~>
}
