package images

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The files of the catalogue hold one repository each, a statement a line:
//
//	repository NAME
//	source NAME DATE          who lists the tags
//	dates NAME DATE           who gives the dates of the lines
//	sizes NAME DATE           who gives the sizes that follow
//	depth N                   parts of a version that name a line (3.12: 2)
//	base DISTRO [RELEASE]     of tags that don't say; with "unsure" only while they are listed
//	from VERSION              of older ones only the lines are known, not what they hold
//	words W…                  further words of its tags
//	neutral W…                of these, the ones that change nothing about the release
//	pin alias                 lines are named by code name when pinned
//	slim none "WHY"           -slim isn't a smaller equal
//	retired DATE REPLACEMENT
//	follow TAG LINE           a moving tag whose image is built apart from the line's
//	FIELD VALUE [when COND…]  image configuration, see rules.go; the last that holds wins
//	line NAME RELEASED EOL [ALIAS…]   newest first; "-" unknown, "past" ended on an unknown day
//	lts LINE DATE             another team keeps the line up until then, free of charge
//	now VERSION… : SUFFIX[=SUFFIX]…   one image per item, tagged VERSION-SUFFIX for each
//	                          version; "." is no suffix, "latest" no version
//	tags TAG…                 one image, where the tags aren't such a product
//	gone DATE TAG…            one image whose tags were last listed on DATE
//	was VERSION SEEN KIND=RELEASE[,RELEASE@FROM]… [+SUFFIX[@FROM]…]
//	                          a line's past: which release its bare ("."), slim and alpine tags
//	                          had since which version ("?" not known), and suffixes once listed
//
// They were written from docker-library/official-images with its history, and
// from endoflife.date; the image configuration from the Dockerfiles that build
// the images.

func parseFamily(repository, text string) (*family, error) {
	f := &family{repository: repository, words: map[string]bool{}, neutral: map[string]bool{}, versions: map[string]bool{}, follow: map[string]string{},
		byLine: map[string]int{}, byTag: map[string]int{}, past: map[string]*past{}}
	n := 0
	for l := range strings.Lines(text) {
		n++
		l = strings.TrimSpace(l)
		if l == "" || l[0] == '#' {
			continue
		}
		if err := f.statement(l); err != nil {
			return nil, fmt.Errorf("%s:%d:1: %w", fileOf(repository), n, err)
		}
	}
	return f, nil
}

func (f *family) statement(l string) error {
	key, rest, _ := strings.Cut(l, " ")
	w := strings.Fields(rest)
	need := func(n int) error {
		if len(w) < n {
			return fmt.Errorf("%s: needs %d words: add them", key, n)
		}
		return nil
	}
	var err error
	switch key {
	case "repository":
		if rest != f.repository {
			err = fmt.Errorf("repository %s stands in the file of %s: rename one", rest, f.repository)
		}
	case "source":
		if err = need(2); err == nil {
			f.source, f.date = w[0], w[1]
		}
	case "dates":
		if err = need(2); err == nil {
			f.datesSource, f.datesDate = w[0], w[1]
		}
	case "sizes":
		if err = need(2); err == nil {
			f.sizes = w[0] + ", " + w[1]
		}
	case "lts":
		if err = need(2); err == nil {
			if f.lts == nil {
				f.lts = map[string]string{}
			}
			f.lts[w[0]] = w[1]
		}
	case "depth":
		_, err = fmt.Sscan(rest, &f.depth)
	case "base":
		f.base, f.baseRelease, _ = strings.Cut(rest, " ")
	case "from":
		f.from = rest
	case "unsure":
		f.unsure = true
	case "words":
		for _, x := range w {
			f.words[x] = true
		}
	case "neutral":
		for _, x := range w {
			f.neutral[x] = true
		}
	case "pin":
		f.pinAlias = rest == "alias"
	case "slim":
		_, why, _ := strings.Cut(rest, " ")
		f.noSlim = strings.Trim(why, `"`)
	case "retired":
		f.retired, f.replacedBy, _ = strings.Cut(rest, " ")
	case "follow":
		if err = need(2); err == nil {
			f.follow[w[0]] = w[1]
			f.versions[w[0]] = true
		}
	case "line":
		if err = need(3); err == nil {
			f.addLine(w)
		}
	case "now":
		err = f.addProduct(rest)
	case "tags":
		f.addRow(row{}, w)
	case "gone":
		if err = need(2); err == nil {
			f.addRow(row{gone: w[0]}, w[1:])
		}
	case "was":
		if err = need(2); err == nil {
			f.addPast(w)
		}
	default:
		var r rule
		if r, err = parseRule(key, rest); err == nil {
			if key == "size" {
				r.name = f.sizes
			}
			f.rules = append(f.rules, r)
		}
	}
	return err
}

func (f *family) addLine(w []string) {
	l := line{name: w[0], released: dash(w[1]), eol: dash(w[2]), aliases: w[3:]}
	if l.ended = l.eol == "past"; l.ended {
		l.eol = ""
	}
	for _, n := range append([]string{l.name}, l.aliases...) {
		f.byLine[n] = len(f.lines)
	}
	for _, n := range l.aliases {
		f.versions[n] = true
	}
	f.lines = append(f.lines, l)
}

// addProduct reads "3.14.7 3.14 3 latest : .=trixie slim=slim-trixie …".
func (f *family) addProduct(s string) error {
	vs, ss, ok := strings.Cut(s, " : ")
	if !ok {
		return fmt.Errorf("now %s: no \" : \": write VERSION… : SUFFIX…", s)
	}
	versions := strings.Fields(vs)
	for _, v := range versions {
		if v != "latest" && !numeric(v) {
			f.versions[v] = true
		}
	}
	for item := range strings.FieldsSeq(ss) {
		var tags []string
		for suffix := range strings.SplitSeq(item, "=") {
			for _, v := range versions {
				tags = append(tags, join(v, suffix))
			}
		}
		f.addRow(row{}, tags)
	}
	return nil
}

// join is the tag of a version ("latest" is none) and a suffix ("." or "" is none).
func join(version, suffix string) string {
	switch {
	case suffix == "." || suffix == "":
		return version
	case version == "latest" || version == "":
		return suffix
	}
	return version + "-" + suffix
}

func (f *family) addRow(r row, tags []string) {
	dev := false
	for _, t := range tags {
		p := f.lex(t)
		if l := f.lineOf(p.version); l != "" && r.line == "" {
			r.line = l
		}
		if numeric(p.version) && parts(p.version) > parts(r.version) {
			r.version = p.version
		}
		if p.release != "" && r.release == "" {
			r.release = p.release
		}
		dev = dev || p.pre
	}
	r.pre = dev
	r.version = strings.TrimPrefix(r.version, "v")
	for _, t := range tags {
		if r.gone != "" {
			if _, ok := f.byTag[t]; ok {
				continue
			}
		}
		f.byTag[t] = len(f.rows)
	}
	f.rows = append(f.rows, r)
}

func (f *family) addPast(w []string) {
	p := &past{version: w[0], seen: dash(w[1]), steps: map[string][]step{}, explicit: map[string]string{}}
	for _, item := range w[2:] {
		if s, ok := strings.CutPrefix(item, "+"); ok {
			suffix, from, _ := strings.Cut(s, "@")
			p.explicit[suffix] = from
			continue
		}
		kind, list, _ := strings.Cut(item, "=")
		for x := range strings.SplitSeq(list, ",") {
			release, from, _ := strings.Cut(x, "@")
			if release == "?" {
				release = ""
			} else if kind == "alpine" {
				release = "alpine" + release
			}
			p.steps[kind] = append(p.steps[kind], step{from, release})
		}
	}
	f.past[f.lineOf(p.version)] = p
}

func dash(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

// parseRule reads FIELD VALUE [when COND…].
func parseRule(key, rest string) (r rule, err error) {
	value, cond, _ := strings.Cut(rest, "when ")
	value = strings.TrimSpace(value)
	r = rule{field: key, value: value, template: strings.Contains(value, "{")}
	for c := range strings.FieldsSeq(cond) {
		r.when = append(r.when, parseCond(c))
	}
	switch key {
	case "entrypoint", "cmd":
		err = json.Unmarshal([]byte(value), &r.list)
	case "expose", "volume":
		r.list = strings.Fields(value)
	case "env":
		var ok bool
		if r.name, r.value, ok = strings.Cut(value, "="); !ok {
			err = fmt.Errorf("env %s: no =: write NAME=VALUE", value)
		}
	case "nonroot":
		r.account = &Account{}
		_, err = fmt.Sscan(value, &r.account.Name, &r.account.UID, &r.account.GID, &r.account.Home)
	case "size":
		var mb float64
		if mb, err = strconv.ParseFloat(value, 64); err == nil {
			r.size = int64(math.Round(mb * 1e6))
		}
	case "user", "workdir", "path", "stop", "onbuild", "noshell", "distro", "manager":
	default:
		err = fmt.Errorf("unknown statement %q: see parse.go for the format", key)
	}
	return r, err
}
