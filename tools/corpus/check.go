package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"

	"drydock/tools/corpus/judge"
)

// row is one line of the report; the names are what -json has.
type row string

const (
	changedFiles  row = "changed files"
	changes       row = "changes"
	otherFiles    row = "other files changed"
	unparseable   row = "unparseable after"
	unevaluable   row = "no longer evaluated by BuildKit"
	unstable      row = "second run changes again"
	configDrift   row = "config drifted"
	commandsLost  row = "commands lost or added"
	packagesLost  row = "packages lost"
	runDifferent  row = "commands run differently"
	copiesDrift   row = "copies lost or added"
	basesDrift    row = "bases or stages drifted"
	lineEndings   row = "line endings changed"
	finalNewline  row = "final newline changed"
	byteOrderMark row = "byte order mark changed"
	panics        row = "panics or hangs"
	engineErrors  row = "errors of the engine"
	gateDrops     row = "changes dropped by a gate"
)

// counted may be anything, mustBeZero may not: each counts files, except changes and drops.
var (
	counted    = []row{changedFiles, changes, otherFiles, gateDrops}
	mustBeZero = []row{
		unparseable, unevaluable, unstable, configDrift, commandsLost, packagesLost, runDifferent,
		copiesDrift, basesDrift, lineEndings, finalNewline, byteOrderMark, panics, engineErrors,
	}
)

// problem is one thing that must not be, or a drop.
type problem struct {
	File   string `json:"file"`
	Mode   string `json:"mode"`
	Row    row    `json:"row"`
	Detail string `json:"detail"`
}

// verdict is all about one file.
type verdict struct {
	skipped   string // does not parse before, or cannot be read
	unjudged  string // BuildKit parses but doesn't evaluate it before
	context   bool
	counts    map[string]map[row]int    // by mode
	transform map[string]map[string]int // by mode: changes by transform
	problems  []problem
}

func newVerdict() *verdict {
	v := &verdict{counts: map[string]map[row]int{}, transform: map[string]map[string]int{}}
	for _, m := range modes {
		v.counts[m.name], v.transform[m.name] = map[row]int{}, map[string]int{}
	}
	return v
}

// checker judges files.
type checker struct {
	root       string
	fix        Fixer
	useContext bool
}

func (c *checker) file(ctx context.Context, path string) *verdict {
	v := newVerdict()
	src, err := os.ReadFile(path)
	if err != nil {
		v.skipped = err.Error()
		return v
	}
	stages, err := parse(src)
	if err != nil {
		v.skipped = err.Error()
		return v
	}
	ctxDir := ""
	if c.useContext {
		ctxDir = contextOf(c.root, path, stages)
	}
	v.context = ctxDir != ""
	before, err := judge.Evaluate(ctx, src)
	if err != nil {
		v.unjudged = err.Error()
	}
	for _, mode := range modes {
		r := run{checker: c, v: v, path: path, src: src, ctxDir: ctxDir, mode: mode, before: before}
		r.check(ctx)
	}
	return v
}

// run is one file in one mode.
type run struct {
	*checker
	v      *verdict
	path   string
	mode   mode
	src    []byte
	ctxDir string
	before *judge.Image
}

// count adds a file to a row once, and a problem each time.
func (r *run) count(to row, format string, args ...any) {
	if to == gateDrops {
		r.v.counts[r.mode.name][to]++
	} else {
		r.v.counts[r.mode.name][to] = 1
	}
	r.v.problems = append(r.v.problems, problem{r.path, r.mode.name, to, fmt.Sprintf(format, args...)})
}

func (r *run) check(ctx context.Context) {
	f := call(ctx, r.fix, r.path, r.src, r.ctxDir, r.mode)
	if f.panicked != "" {
		r.count(panics, "%s", f.panicked)
		return
	}
	for _, d := range f.drops {
		r.count(gateDrops, "%s", d)
	}
	if f.err != nil {
		r.count(engineErrors, "%v", f.err)
		return
	}
	for name, n := range f.declared.Applied {
		r.v.transform[r.mode.name][name] += n
		r.v.counts[r.mode.name][changes] += n
	}
	if len(f.others) > 0 {
		r.v.counts[r.mode.name][otherFiles] = 1
	}
	if bytes.Equal(f.src, r.src) {
		r.again(ctx, f)
		return
	}
	r.v.counts[r.mode.name][changedFiles] = 1
	r.bytes(f.src)
	if _, err := parse(f.src); err != nil {
		r.count(unparseable, "%v", err)
		return
	}
	r.again(ctx, f)
	r.drift(ctx, f)
}

// again: a second run must change nothing.
func (r *run) again(ctx context.Context, f fixed) {
	g := call(ctx, r.fix, r.path, f.src, r.ctxDir, r.mode)
	switch {
	case g.panicked != "":
		r.count(panics, "in the second run: %s", g.panicked)
	case g.err != nil:
		r.count(engineErrors, "in the second run: %v", g.err)
	case !bytes.Equal(g.src, f.src):
		names := slices.Sorted(maps.Keys(g.declared.Applied))
		r.count(unstable, "by %v: %s", names, firstDifference(f.src, g.src))
	}
	// The second run still sees the old context on disk, so it may give the same
	// other files again, but not different ones.
	for name, b := range g.others {
		if was, ok := f.others[name]; ok && !bytes.Equal(was, b) {
			r.count(unstable, "%s: %s", name, firstDifference(was, b))
		}
	}
}

func (r *run) drift(ctx context.Context, f fixed) {
	if r.before == nil {
		return
	}
	after, err := judge.Evaluate(ctx, f.src)
	if err != nil {
		r.count(unevaluable, "%v", err)
		return
	}
	by := slices.Sorted(maps.Keys(f.declared.Applied))
	for _, d := range f.declared.Undeclared(judge.Compare(r.before, after)) {
		r.count(rowOf(d.Field), "%s (applied: %v)", d, by)
	}
}

func rowOf(field string) row {
	switch field {
	case judge.CommandLost, judge.CommandAdded:
		return commandsLost
	case judge.PackageLost:
		return packagesLost
	case judge.ExecEnv, judge.ExecUser, judge.ExecCwd, judge.ExecShell, judge.ExecOpts, judge.Flow, judge.Mounts:
		return runDifferent
	case judge.CopyLost, judge.CopyAdded:
		return copiesDrift
	case judge.Bases, judge.Stages:
		return basesDrift
	}
	return configDrift
}

var bom = []byte("\xef\xbb\xbf")

func (r *run) bytes(after []byte) {
	if a, b := eol(r.src), eol(after); a != "mixed" && a != "none" && a != b {
		r.count(lineEndings, "%s became %s", a, b)
	}
	if a, b := bytes.HasSuffix(r.src, []byte("\n")), bytes.HasSuffix(after, []byte("\n")); a != b {
		r.count(finalNewline, "present before: %v, after: %v", a, b)
	}
	if bytes.HasPrefix(r.src, bom) != bytes.HasPrefix(after, bom) {
		r.count(byteOrderMark, "added or lost")
	}
}

// eol is "crlf" or "lf" when all lines end so.
func eol(src []byte) string {
	lf, crlf := bytes.Count(src, []byte("\n")), bytes.Count(src, []byte("\r\n"))
	switch {
	case lf == 0:
		return "none"
	case crlf == lf:
		return "crlf"
	case crlf == 0:
		return "lf"
	}
	return "mixed"
}

func firstDifference(a, b []byte) string {
	x, y := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(x), len(y)) {
		if !bytes.Equal(x[i], y[i]) {
			return fmt.Sprintf("line %d: %.100q, then %.100q", i+1, x[i], y[i])
		}
	}
	return fmt.Sprintf("%d lines, then %d", len(x), len(y))
}
