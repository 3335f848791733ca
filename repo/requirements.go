package repo

import (
	"fmt"
	"path"
	"strings"
)

// Requirements is what pip reads for "pip install -r FILE".
type Requirements struct {
	Files    []string  // every file pip reads, FILE first, in reading order, context-relative
	Packages []Package // what is asked for by name or URL; constraint files (-c) ask for nothing
	Local    []string  // local paths as written: ".", "./lib", "file:...", -e targets, --find-links folders. pip resolves them against its working directory, not against the file
	VCS      []string  // git+https://... and the like, as written
	Hashed   bool      // hash-checking mode: --hash or --require-hashes occurs
	Unknown  string    // why the set of files or packages cannot be known; "" when it is
}

// Package is one requirement.
type Package struct {
	Name   string   // normalised as PEP 503 says; "" for a VCS URL that names none
	Extras []string // normalised: "binary" for psycopg[binary]
	Spec   string   // as written, without pip's options
	File   string   // context-relative
	Line   int      // 1-based
}

// Has reports whether one of the names (PEP 503) is asked for.
func (q *Requirements) Has(names ...string) bool {
	for _, p := range q.Packages {
		for _, n := range names {
			if p.Name == n {
				return true
			}
		}
	}
	return false
}

const maxRequirementFiles = 200

// Requirements reads the requirements file (a path as in Exists) as pip does,
// following -r and -c relative to the file they stand in. Never nil: a file
// that is missing, out of the context, remote, cyclic or not understood gives
// what was read so far, and the first reason in Unknown.
//
// Source: https://pip.pypa.io/en/stable/reference/requirements-file-format/ and
// pip's _internal/req/req_file.py.
func (r *Repo) Requirements(file string) *Requirements {
	name, ok := clean(file)
	if !ok {
		return &Requirements{Unknown: file + " is not in the build context"}
	}
	return r.facts.requirements.get(name, func() *Requirements {
		q := &reqReader{repo: r, out: &Requirements{}, done: map[string]bool{}, open: map[string]bool{}}
		q.read(name, false)
		return q.out
	})
}

type reqReader struct {
	repo *Repo
	out  *Requirements
	done map[string]bool
	open map[string]bool // files being read: pip refuses a cycle
}

func (q *reqReader) unknown(format string, args ...any) {
	if q.out.Unknown == "" {
		q.out.Unknown = fmt.Sprintf(format, args...)
	}
}

func (q *reqReader) read(file string, constraint bool) {
	key := file
	if constraint {
		key = "-c " + file
	}
	switch {
	case q.open[file]:
		q.unknown("%s includes itself", file)
		return
	case q.done[key]:
		return
	case len(q.out.Files) >= maxRequirementFiles:
		q.unknown("more than %d requirements files include each other", maxRequirementFiles)
		return
	}
	q.done[key], q.open[file] = true, true
	defer delete(q.open, file)

	src, err := q.repo.ReadFile(file)
	if err != nil {
		q.unknown("%s cannot be read from the build context", file)
		return
	}
	if !q.done["-c "+file] || !q.done[file] {
		q.out.Files = append(q.out.Files, file)
	}
	for _, l := range joinRequirementLines(lines(src)) {
		if len(l.s) > 64<<10 {
			q.unknown("%s: the line is too long", place(file, l.n))
			return
		}
		q.line(file, l.n, l.s, constraint)
	}
}

type numbered struct {
	n int
	s string
}

var reqComment = lazy(`(^|\s+)#.*$`)

// joinRequirementLines is pip's join_lines and ignore_comments: a backslash
// continues a line, save after a comment line; the first line's number counts.
func joinRequirementLines(in []string) (out []numbered) {
	var held strings.Builder
	first := 0
	flush := func() {
		s := held.String()
		if strings.Contains(s, "#") {
			s = reqComment.ReplaceAllString(s, "")
		}
		s = strings.TrimSpace(s)
		if s != "" {
			out = append(out, numbered{first, s})
		}
		held.Reset()
		first = 0
	}
	for i, l := range in {
		if first == 0 {
			first = i + 1
		}
		t := strings.TrimLeft(l, " \t")
		comment := strings.HasPrefix(t, "#")
		if strings.HasSuffix(l, `\`) && !comment {
			held.WriteString(strings.Trim(l, `\`))
			continue
		}
		if comment {
			held.WriteByte(' ')
		}
		held.WriteString(l)
		flush()
	}
	flush()
	return out
}

func (q *reqReader) line(file string, n int, s string, constraint bool) {
	spec, rest := splitRequirementOptions(s)
	words, ok := shellWords(rest)
	if !ok {
		q.unknown("%s: the options cannot be split", place(file, n))
		return
	}
	opts, bad := parseRequirementOptions(words)
	if bad != "" {
		q.unknown("%s: pip option %s is not known", place(file, n), bad)
		return
	}
	if opts.hashed {
		q.out.Hashed = true
	}
	for _, l := range opts.links {
		if !strings.Contains(l, "://") || strings.HasPrefix(strings.ToLower(l), "file:") {
			q.out.Local = append(q.out.Local, l)
		}
	}
	switch {
	case spec != "":
		q.requirement(file, n, spec, constraint)
	case opts.editable != "":
		q.editable(file, n, opts.editable)
	case opts.requirement != "":
		q.include(file, n, opts.requirement, false)
	case opts.constraint != "":
		q.include(file, n, opts.constraint, true)
	}
}

func (q *reqReader) include(file string, n int, target string, constraint bool) {
	switch {
	case strings.Contains(target, "${"):
		q.unknown("%s: the name of the included file depends on the environment", place(file, n))
	case urlScheme.MatchString(target):
		q.unknown("%s: includes %s, which is not in the build context", place(file, n), target)
	default:
		name, ok := clean(join(path.Dir(file), target))
		if !ok || path.IsAbs(target) {
			q.unknown("%s: includes %s, which is outside the build context", place(file, n), target)
			return
		}
		q.read(name, constraint)
	}
}
