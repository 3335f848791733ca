package main

// Ignores of configurations that do nothing. A comment is judged by the engine, which sees
// its file; an entry may be for many Dockerfiles, so it is judged when all were seen.

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"drydock/config"
	"drydock/report"
	"drydock/rewrite"
)

// idleRule is the check that tells of them.
const idleRule = "unused-ignore"

// given is an entry of a configuration that is for a Dockerfile.
type given struct {
	config.Ignore
	at int // its place among the engine's ignores; -1 for one that has ended
}

// entryKey tells an entry from all others that a run sees.
type entryKey struct {
	file                    string
	line                    int
	rule, path, instruction string
}

func keyOf(i config.Ignore) entryKey {
	return entryKey{i.From.File, i.From.Line, i.Rule, i.Path, i.Instruction}
}

// entryUse is what the Dockerfiles of a run say of an entry.
type entryUse struct {
	taken         int // Dockerfiles that it is for
	judged        int // of these, those in which its rule ran
	served, ended bool
}

// idleEntries collects what becomes of the entries of a run's configurations. It is safe
// for concurrent use.
type idleEntries struct {
	mu    sync.Mutex
	files []*config.File
	rules map[*config.File]*rules // of a Dockerfile below it, by which unused-ignore weighs
	uses  map[entryKey]*entryUse
}

// expect notes a Dockerfile that the run will see; those that are excluded are not for it.
func (x *idleEntries) expect(e *config.Effective, r *rules) {
	if x == nil {
		return
	}
	if x.uses == nil {
		x.uses, x.rules = map[entryKey]*entryUse{}, map[*config.File]*rules{}
	}
	for _, f := range e.Files {
		if x.rules[f] == nil || !x.rules[f].tellsIdle() {
			x.rules[f] = r
		}
		if !slices.Contains(x.files, f) {
			x.files = append(x.files, f)
		}
	}
	if e.Excluded.Set() {
		return
	}
	for _, g := range r.given {
		u := x.uses[keyOf(g.Ignore)]
		if u == nil {
			u = &entryUse{}
			x.uses[keyOf(g.Ignore)] = u
		}
		u.taken++
		u.ended = u.ended || g.at < 0
	}
}

// saw notes what a Dockerfile made of its entries.
func (x *idleEntries) saw(r *rules, res *rewrite.Result) {
	if x == nil || len(res.Ignores) == 0 {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, g := range r.given {
		if g.at < 0 {
			continue
		}
		u := x.uses[keyOf(g.Ignore)]
		switch res.Ignores[g.at] {
		case rewrite.Served:
			u.served = true
		case rewrite.Idle:
			u.judged++
		}
	}
}

// findings are those about each configuration, as a file of the report. seen tells
// whether the run looked at every Dockerfile below a folder.
func (x *idleEntries) findings(seen func(dir string) bool) []*report.File {
	if x == nil {
		return nil
	}
	slices.SortFunc(x.files, func(a, b *config.File) int { return cmp.Compare(a.Path, b.Path) })
	var out []*report.File
	for _, f := range x.files {
		r := x.rules[f]
		if !r.tellsIdle() {
			continue
		}
		about := report.Found(f.Path)
		for _, i := range f.Ignores {
			what, do := x.judge(f, i, seen(f.Dir()))
			if what != "" {
				about.Findings = append(about.Findings, report.Finding{Check: idleRule, Line: i.From.Line, Message: what, Hint: do, Severity: report.SeverityOf(idleRule)})
			}
		}
		if about.Regrade(r.severity); len(about.Findings) > 0 {
			out = append(out, about)
		}
	}
	return out
}

// judge tells what is wrong with an entry and what to do, "" when nothing is, or nobody
// can know.
func (x *idleEntries) judge(f *config.File, i config.Ignore, seen bool) (what, do string) {
	u := x.uses[keyOf(i)]
	of := i.Rule
	if i.Instruction != "" {
		of += fmt.Sprintf(" at %q", i.Instruction)
	}
	switch {
	case u == nil:
		// A pattern may be for files that only their name on the command line makes Dockerfiles.
		path := strings.TrimPrefix(i.Path, "/")
		if path == "" || strings.ContainsAny(path, `*?[\!`) || !seen {
			return "", ""
		}
		if _, err := os.Lstat(filepath.Join(f.Dir(), filepath.FromSlash(path))); err == nil || !strings.Contains(strings.TrimSuffix(i.Path, "/"), "/") {
			return "", ""
		}
		return fmt.Sprintf("%s, for which %s is ignored, isn't there", i.Path, of), "delete the entry, or mend its path"
	case u.ended:
		return fmt.Sprintf("the ignore of %s ended on %s", of, i.Until), "see to the matter, or give it another day"
	case u.served || u.judged < u.taken || !seen:
		return "", ""
	}
	return "nothing is there for the ignore of " + of, "delete the entry"
}

// tellsIdle tells that unused-ignore is among the checks.
func (r *rules) tellsIdle() bool {
	return slices.ContainsFunc(r.checks, func(k *rewrite.Check) bool { return k.Idle })
}

// sawAll tells that the run was given a folder at or above dir, so that it saw every
// Dockerfile below.
func (j *job) sawAll(dir string) bool {
	return slices.ContainsFunc(j.paths, func(p string) bool {
		_, within := below(j.places.abs(p), dir)
		return within && isFolder(j.places.abs(p))
	})
}
