package repo

import (
	"path"
	"strings"
)

// What a single line of a requirements file means.

var (
	urlScheme  = lazy(`(?i)^[a-z][a-z0-9+.-]*:`)
	vcsScheme  = lazy(`(?i)^(git|hg|svn|bzr)\+`)
	webScheme  = lazy(`(?i)^(https?|ftp):`)
	directRef  = lazy(`(?i)^([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)\s*(?:\[([^\]]*)\])?\s*@\s*([a-z][a-z0-9+.-]*:\S.*|[./].*)$`)
	namedReq   = lazy(`(?i)^([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)\s*(?:\[([^\]]*)\])?\s*(?:$|[(<>=!~;])`)
	eggName    = lazy(`(?i)[#&]egg=([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)(?:\[([^\]]*)\])?`)
	wheelName  = lazy(`(?i)^([a-z0-9][a-z0-9._]*)-[0-9][^-]*(?:-[^-]+){3,4}\.whl$`)
	archiveExt = lazy(`(?i)\.(whl|zip|tar|tgz|tbz|txz|tlz|tar\.(gz|bz2|xz|lz|lzma))$`)
	nameRuns   = lazy(`[-_.]+`)
)

// normalName is PEP 503's normalisation.
func normalName(s string) string { return nameRuns.ReplaceAllString(strings.ToLower(s), "-") }

func extras(s string) (out []string) {
	for e := range strings.SplitSeq(s, ",") {
		if e = strings.TrimSpace(e); e != "" {
			out = append(out, normalName(e))
		}
	}
	return out
}

// requirement sorts the part of a line that is not options into Packages,
// Local and VCS. Constraints ask for nothing, but a path in one may be read.
func (q *reqReader) requirement(file string, n int, spec string, constraint bool) {
	p := Package{Spec: spec, File: file, Line: n}
	target := spec
	if m := directRef.FindStringSubmatch(spec); m != nil {
		p.Name, p.Extras, target = normalName(m[1]), extras(m[2]), m[3]
	}
	bare, _, _ := strings.Cut(target, ";")
	bare = strings.TrimSpace(bare)
	unbraced, _, _ := strings.Cut(bare, "[")
	switch {
	case vcsScheme.MatchString(target):
		q.out.VCS = append(q.out.VCS, target)
		p.fromURL(target)
	case webScheme.MatchString(target):
		p.fromURL(target)
		if p.Name == "" && !constraint {
			q.unknown("%s: the package behind %s has no name", place(file, n), target)
		}
	case strings.Contains(spec, "${"):
		q.unknown("%s: the requirement depends on the environment", place(file, n))
		return
	case strings.HasPrefix(strings.ToLower(target), "file:"), target != spec,
		strings.Contains(unbraced, "/"), strings.HasPrefix(bare, "."), archiveExt.MatchString(unbraced):
		q.out.Local = append(q.out.Local, bare)
		if p.Name == "" {
			return
		}
	default:
		m := namedReq.FindStringSubmatch(spec)
		if m == nil {
			q.unknown("%s: %q is not a requirement pip understands", place(file, n), spec)
			return
		}
		p.Name, p.Extras = normalName(m[1]), extras(m[2])
	}
	if !constraint {
		q.out.Packages = append(q.out.Packages, p)
	}
}

func (q *reqReader) editable(file string, n int, target string) {
	if vcsScheme.MatchString(target) {
		q.out.VCS = append(q.out.VCS, target)
		p := Package{Spec: "-e " + target, File: file, Line: n}
		p.fromURL(target)
		q.out.Packages = append(q.out.Packages, p)
		return
	}
	if strings.Contains(target, "${") {
		q.unknown("%s: the requirement depends on the environment", place(file, n))
	}
	q.out.Local = append(q.out.Local, target)
}

// fromURL takes the name from "#egg=" or from a wheel's file name.
func (p *Package) fromURL(url string) {
	if p.Name != "" {
		return
	}
	if m := eggName.FindStringSubmatch(url); m != nil {
		p.Name, p.Extras = normalName(m[1]), extras(m[2])
		return
	}
	base, _, _ := strings.Cut(url, "#")
	base, _, _ = strings.Cut(base, "?")
	base, _, _ = strings.Cut(strings.TrimSpace(base), " ")
	if m := wheelName.FindStringSubmatch(path.Base(base)); m != nil {
		p.Name = normalName(m[1])
	}
}

// splitRequirementOptions is pip's break_args_options: the options begin at
// the first word that starts with a dash.
func splitRequirementOptions(s string) (spec, options string) {
	if strings.HasPrefix(s, "-") {
		return "", s
	}
	if i := strings.Index(s, " -"); i >= 0 {
		return strings.TrimSpace(s[:i]), s[i+1:]
	}
	return strings.TrimSpace(s), ""
}

type requirementOptions struct {
	requirement, constraint, editable string
	links                             []string
	hashed                            bool
}

// requirementOption lists pip's options in requirements files, past and present;
// the value tells whether it takes an argument.
var requirementOption = map[string]bool{
	"--requirement": true, "--constraint": true, "--editable": true, "--find-links": true,
	"--index-url": true, "--pypi-url": true, "--extra-index-url": true, "--no-index": false,
	"--no-binary": true, "--only-binary": true, "--prefer-binary": false, "--pre": false,
	"--require-hashes": false, "--hash": true, "--trusted-host": true, "--use-feature": true,
	"--global-option": true, "--install-option": true, "--config-setting": true, "--config-settings": true,
	"--no-use-wheel": false, "--use-wheel": false, "--process-dependency-links": false,
	"--always-unzip": false, "--allow-external": true, "--allow-unverified": true, "--allow-all-external": false,
}

var shortRequirementOption = map[byte]string{
	'r': "--requirement", 'c': "--constraint", 'e': "--editable", 'f': "--find-links",
	'i': "--index-url", 'C': "--config-settings", 'Z': "--always-unzip",
}

// parseRequirementOptions reads the words as Python's optparse does; bad is an
// option it does not know. pip follows the first -r, -c or -e of a line alone.
func parseRequirementOptions(words []string) (o requirementOptions, bad string) {
	for len(words) > 0 {
		w := words[0]
		words = words[1:]
		if !strings.HasPrefix(w, "-") || w == "-" {
			continue
		}
		name, value, hasValue := strings.Cut(w, "=")
		if !strings.HasPrefix(w, "--") {
			name, value, hasValue = shortRequirementOption[w[1]], w[2:], len(w) > 2
		} else if _, ok := requirementOption[name]; !ok {
			name = uniquePrefix(name)
		}
		takes, ok := requirementOption[name]
		if !ok {
			return o, w
		}
		if takes && !hasValue {
			if len(words) == 0 {
				return o, w
			}
			value, words = words[0], words[1:]
		}
		switch name {
		case "--requirement":
			setOnce(&o.requirement, value)
		case "--constraint":
			setOnce(&o.constraint, value)
		case "--editable":
			setOnce(&o.editable, value)
		case "--find-links":
			o.links = append(o.links, value)
		case "--hash", "--require-hashes":
			o.hashed = true
		}
	}
	return o, ""
}

func setOnce(dst *string, v string) {
	if *dst == "" {
		*dst = v
	}
}

func uniquePrefix(name string) string {
	found := ""
	for long := range requirementOption {
		if strings.HasPrefix(long, name) {
			if found != "" {
				return ""
			}
			found = long
		}
	}
	return found
}
