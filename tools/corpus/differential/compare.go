//go:build linux

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"drydock/tools/corpus/differential/record"
	"drydock/tools/corpus/differential/sandbox"
)

const (
	// timeout bounds one run; a usual one takes some milliseconds, but the machine
	// may be busy.
	timeout = 30 * time.Second
	// maxFailing bounds the commands of a group that fail one by one.
	maxFailing = 60
)

// The two ways to fail the k-th command. Alone it shows what a script does
// with a failure; with all that follow, what comes after `||` fails too.
var failures = []record.Failure{{Code: 1}, {Code: 100, Onwards: true}}

// checker runs groups in one sandbox.
type checker struct {
	box  *sandbox.Sandbox
	runs int
}

func (c *checker) run(j sandbox.Job) (*sandbox.Result, error) {
	c.runs++
	j.Timeout = timeout
	r, err := c.box.Run(j)
	if err == nil && strings.Contains(r.Errors, "recorder: ") {
		err = fmt.Errorf("a command wasn't recorded: %s", r.Errors)
	}
	return r, err
}

// verdict is what one shell said about one group.
type verdict struct {
	shell    shell
	order    order
	commands int // that the originals ran
	failing  int // that failed one by one
	finished bool
	skipped  string
	mismatch []mismatch
}

// mismatch is one run of originals and merged that differ.
type mismatch struct {
	when string // which command failed
	what string // the first difference, several lines
}

// group compares the originals with the merged under one shell.
func (c *checker) group(ctx context.Context, g group, sh shell) (verdict, error) {
	v := verdict{shell: sh}
	before, err := steps(g.before, sh)
	if err != nil {
		v.skipped = err.Error()
		return v, nil
	}
	after, err := steps(g.after, sh)
	if err != nil {
		v.skipped = "after the merge: " + err.Error()
		return v, nil
	}
	root, err := c.prepare(g, before)
	if err != nil {
		return v, err
	}
	v.order = max(orderOf(g.before, sh), orderOf(g.after, sh))
	// compare says what differs, and gives the result of the originals.
	compare := func(f *record.Failure) (what string, x *sandbox.Result, err error) {
		for try := 0; try == 0 || what != "" && v.order != inOrder && try < attempts; try++ {
			x, err = c.run(sandbox.Job{Root: root, Steps: before, Fail: f})
			if err != nil {
				return "", nil, err
			}
			y, err := c.run(sandbox.Job{Root: root, Steps: after, Fail: f})
			if err != nil {
				return "", nil, err
			}
			what = difference(x, y, v.order)
		}
		return what, x, nil
	}
	what, base, err := compare(nil)
	if err != nil {
		return v, err
	}
	v.commands, v.finished = len(base.Records), base.OK()
	switch {
	case !base.OK() && strings.Contains(strings.ToLower(base.Errors), "syntax error"):
		// The image's sh is another one, or its build fails: read as a whole, the
		// merged fails before its first command.
		v.skipped = "the originals aren't its syntax"
		return v, nil
	case what != "":
		v.mismatch = append(v.mismatch, mismatch{"no command fails", what})
		return v, nil // every k would say the same
	case base.TimedOut:
		v.skipped = "the originals come to no end"
		return v, nil
	}
	seen := map[string]int{}
	for k, r := range base.Records {
		if k == maxFailing || ctx.Err() != nil {
			break
		}
		v.failing++
		key := r.Key()
		seen[key]++
		for _, f := range failures {
			if f.Onwards && v.order == anyOrder {
				break // the scheduler decides what comes after it
			}
			f.Key, f.Nth = key, seen[key]
			what, x, err := compare(&f)
			if err != nil {
				return v, err
			}
			if what != "" {
				when := fmt.Sprintf("command %d (%s) exits with %d", k+1, clip(strings.Join(r.Args, " "), 80), f.Code)
				if f.Onwards {
					when += ", and so does every command after it"
				}
				v.mismatch = append(v.mismatch, mismatch{when, what})
			}
			if v.order == inOrder && what == "" && endsWith(x.Records, f) {
				break // nothing follows that could fail too
			}
		}
	}
	return v, ctx.Err()
}

// endsWith reports whether the failing command is the last that ran.
func endsWith(list []record.Record, f record.Failure) bool {
	n := 0
	for _, r := range list {
		if r.Key() == f.Key {
			n++
		}
	}
	return n == f.Nth && list[len(list)-1].Key() == f.Key
}

// difference says in words what differs first between two runs, "" for nothing.
// What was printed is compared only where its order is the script's.
func difference(x, y *sandbox.Result, o order) string {
	if x.TimedOut != y.TimedOut {
		return fmt.Sprintf("the originals come to no end: %v, the merged: %v", x.TimedOut, y.TimedOut)
	}
	a, b := o.sorted(x.Records), o.sorted(y.Records)
	if x.TimedOut {
		if o != inOrder {
			return ""
		}
		n := min(len(a), len(b)) // where they were ended says nothing
		a, b = a[:n], b[:n]
	}
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(b):
			return fmt.Sprintf("the merged run %d commands, the originals go on with %s%s", len(b), show(a[i].Args), status(x, y))
		case i >= len(a):
			return fmt.Sprintf("the originals run %d commands, the merged go on with %s%s", len(a), show(b[i].Args), status(x, y))
		case string(a[i].Append(nil)) != string(b[i].Append(nil)):
			return fmt.Sprintf("record %d differs%s", i+1, differ(a[i], b[i]))
		}
	}
	if x.TimedOut {
		return ""
	}
	if x.OK() != y.OK() {
		return "the same commands, but another outcome" + status(x, y)
	}
	if o == inOrder && x.Output != y.Output {
		return fmt.Sprintf("the output differs:\n  originals: %q\n  merged:    %q", clip(x.Output, 300), clip(y.Output, 300))
	}
	for _, p := range slices.Sorted(maps.Keys(x.Tree)) {
		if x.Tree[p] != y.Tree[p] {
			return fmt.Sprintf("%s differs:\n  originals: %s\n  merged:    %s", p, x.Tree[p], y.Tree[p])
		}
	}
	for _, p := range slices.Sorted(maps.Keys(y.Tree)) {
		if x.Tree[p] == "" {
			return fmt.Sprintf("only the merged leave %s: %s", p, y.Tree[p])
		}
	}
	return ""
}

// status shows how both runs ended, with what the shells complained about.
func status(x, y *sandbox.Result) string {
	side := func(r *sandbox.Result) string {
		return fmt.Sprintf("exit codes %v %s", r.Status, clip(strings.TrimSpace(r.Errors), 300))
	}
	return "\n  originals: " + side(x) + "\n  merged:    " + side(y)
}

func show(args []string) string { return clip(fmt.Sprintf("%q", args), 300) }

// differ lists the fields in which two records differ.
func differ(x, y record.Record) string {
	var out strings.Builder
	field := func(name string, v, w any) {
		if p, q := fmt.Sprintf("%v", v), fmt.Sprintf("%v", w); p != q {
			fmt.Fprintf(&out, "\n  %s of the originals: %s\n  %s of the merged:    %s", name, clip(p, 300), name, clip(q, 300))
		}
	}
	if slices.Equal(x.Args, y.Args) {
		fmt.Fprintf(&out, ": %s", show(x.Args))
	}
	field("command", show(x.Args), show(y.Args))
	field("path", x.File, y.File)
	field("directory", x.Dir, y.Dir)
	field("umask", fmt.Sprintf("%04o", x.Umask), fmt.Sprintf("%04o", y.Umask))
	field("streams", x.Streams, y.Streams)
	field("background", x.Background, y.Background)
	field("input", x.Input, y.Input)
	field("environment only", without(x.Env, y.Env), without(y.Env, x.Env))
	return out.String()
}

func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

func clip(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}
