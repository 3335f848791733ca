// Command corpus judges drydock on a folder of real Dockerfiles: it prints the table
// of docs/benchmarks.md and fails when a row that must be zero isn't.
//
//	go run . [-peers] [-json FILE] [-j N] [-context auto|none] [-sample N] DIR
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
	"sync"

	"drydock/tools/corpus/walk"
)

type options struct {
	dir        string
	peers      bool
	json       string
	workers    int
	useContext string
	sample     int
	limit      int
}

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
	rep, err := judgeAll(ctx, o, fix, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "corpus:", err)
		return 2
	}
	rep.markdown(stdout)
	if o.json != "" {
		dt, err := json.MarshalIndent(rep, "", "  ")
		if err == nil {
			err = os.WriteFile(o.json, append(dt, '\n'), 0o644)
		}
		if err != nil {
			fmt.Fprintln(stderr, "corpus:", err)
			return 2
		}
	}
	if rep.failed() {
		return 1
	}
	return 0
}

func parseFlags(args []string, stderr io.Writer) (options, error) {
	o := options{}
	fs := flag.NewFlagSet("corpus", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.BoolVar(&o.peers, "peers", false, "also run hadolint and tally, where they are on PATH")
	fs.StringVar(&o.json, "json", "", "write the whole result, with all problems, to `FILE`")
	fs.IntVar(&o.workers, "j", runtime.NumCPU(), "`N` files at once")
	fs.StringVar(&o.useContext, "context", "auto", "build context: `auto` finds it from what the file copies, none")
	fs.IntVar(&o.sample, "sample", 1000, "`N` files for the timing, 0 for none")
	fs.IntVar(&o.limit, "limit", 0, "judge only `N` files, spread evenly")
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

func judgeAll(ctx context.Context, o options, fix Fixer, stderr io.Writer) (*report, error) {
	paths, err := walk.Dockerfiles(o.dir)
	if err != nil {
		return nil, err
	}
	if o.limit > 0 && o.limit < len(paths) {
		step := len(paths) / o.limit
		for i := range o.limit {
			paths[i] = paths[i*step]
		}
		paths = paths[:o.limit]
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no Dockerfile below %s", o.dir)
	}
	c := &checker{root: o.dir, fix: fix, useContext: o.useContext == "auto"}
	rep := newReport(o.dir)
	// Only verdicts cross the channel, so memory holds one file per worker.
	in, out := make(chan string), make(chan *verdict)
	var wg sync.WaitGroup
	for range o.workers {
		wg.Go(func() {
			for p := range in {
				out <- c.file(ctx, p)
			}
		})
	}
	go func() {
		defer close(in)
		for _, p := range paths {
			select {
			case in <- p:
			case <-ctx.Done():
				return
			}
		}
	}()
	go func() { wg.Wait(); close(out) }()
	for v := range out {
		rep.add(v)
		if rep.Files%1000 == 0 {
			fmt.Fprintf(stderr, "%d of %d\n", rep.Files, len(paths))
		}
	}
	if err := ctx.Err(); err != nil {
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
