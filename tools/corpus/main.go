// Command corpus judges drydock on a folder of real Dockerfiles: it prints the table
// of docs/benchmarks.md and fails when a row that must be zero isn't.
//
//	go run . [-peers] [-json FILE] [-j N] [-context auto|none] [-sample N] DIR
//
// With -plans it prints which files multi-stage splits, by ecosystem, and why it leaves the others.
//
// With -hadolint it prints instead what hadolint says before and after, rule by rule.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"

	"drydock/tools/corpus/walk"
)

type options struct {
	dir        string
	peers      bool
	hadolint   bool
	plans      bool
	json       string
	workers    int
	useContext string
	sample     int
	limit      int
	examples   int
}

// result is a report in either form.
type result interface{ markdown(io.Writer) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := command(ctx, os.Args[1:], engine, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command returns the exit code: 1 where a row that must be zero isn't, 2 for misuse.
func command(ctx context.Context, args []string, fix Fixer, stdout, stderr io.Writer) int {
	o, err := parseFlags(args, stderr)
	if err != nil {
		return 2
	}
	var res result
	failed := false
	if o.plans {
		res, err = planned(ctx, o)
	} else if o.hadolint {
		res, err = lintedBy(ctx, o, fix, stderr)
	} else if rep, e := judgeAll(ctx, o, fix, stderr); e != nil {
		err = e
	} else {
		res, failed = rep, rep.failed()
	}
	if err == nil {
		res.markdown(stdout)
		err = writeJSON(o.json, res)
	}
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "corpus:", err)
		return 2
	case failed:
		return 1
	}
	return 0
}

// lintedBy is the table by the hadolint on PATH.
func lintedBy(ctx context.Context, o options, fix Fixer, stderr io.Writer) (result, error) {
	run, version, err := hadolint(ctx)
	if err != nil {
		return nil, err
	}
	t, err := compareHadolint(ctx, o, fix, run, stderr)
	if err != nil {
		return nil, err
	}
	t.Hadolint = version
	return t, nil
}

func writeJSON(path string, v any) error {
	if path == "" {
		return nil
	}
	dt, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(dt, '\n'), 0o644)
}

func parseFlags(args []string, stderr io.Writer) (options, error) {
	o := options{}
	fs := flag.NewFlagSet("corpus", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.BoolVar(&o.peers, "peers", false, "also run hadolint and tally, where they are on PATH")
	fs.BoolVar(&o.hadolint, "hadolint", false, "the table of what hadolint says before and after, instead of the judge's")
	fs.BoolVar(&o.plans, "plans", false, "the table of what multi-stage makes of the files, instead of the judge's")
	fs.StringVar(&o.json, "json", "", "write the whole result, with all problems, to `FILE`")
	fs.IntVar(&o.workers, "j", runtime.NumCPU(), "`N` files at once")
	fs.StringVar(&o.useContext, "context", "auto", "build context: `auto` finds it from what the file copies, none")
	fs.IntVar(&o.sample, "sample", 1000, "`N` files for the timing, 0 for none")
	fs.IntVar(&o.limit, "limit", 0, "judge only `N` files, spread evenly")
	fs.IntVar(&o.examples, "examples", 20, "with -hadolint: `N` files a rule, new or still flagged, in -json")
	var dirs []string
	for len(args) > 0 { // flags may follow the folder
		if err := fs.Parse(args); err != nil {
			return o, err
		}
		if args = fs.Args(); len(args) > 0 {
			dirs, args = append(dirs, args[0]), args[1:]
		}
	}
	if len(dirs) != 1 || o.workers < 1 || (o.useContext != "auto" && o.useContext != "none") {
		fmt.Fprintln(stderr, "usage: corpus [flags] DIR")
		fs.PrintDefaults()
		return o, flag.ErrHelp
	}
	dir, err := filepath.Abs(dirs[0])
	if err != nil {
		fmt.Fprintln(stderr, "corpus:", err)
	}
	o.dir = dir
	return o, err
}

// dockerfiles are the files to look at.
func (o options) dockerfiles() ([]string, error) {
	paths, err := walk.Dockerfiles(o.dir)
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no Dockerfile below %s", o.dir)
	}
	return spread(paths, o.limit), nil
}

func judgeAll(ctx context.Context, o options, fix Fixer, stderr io.Writer) (*report, error) {
	paths, err := o.dockerfiles()
	if err != nil {
		return nil, err
	}
	c := &checker{root: o.dir, fix: fix, useContext: o.useContext == "auto"}
	rep := newReport(o.dir)
	err = parallel(ctx, o.workers, paths, func(p string) *verdict { return c.file(ctx, p) }, func(v *verdict) {
		rep.add(v)
		if rep.Files%1000 == 0 {
			fmt.Fprintf(stderr, "%d of %d\n", rep.Files, len(paths))
		}
	})
	if err != nil {
		return nil, err
	}
	rep.sort()
	if o.sample > 0 {
		rep.Timing = c.time(ctx, paths, o.sample)
	}
	if o.peers {
		rep.Peers = runPeers(ctx, c.takeSample(paths, peerSample))
	}
	return rep, nil
}
