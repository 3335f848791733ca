//go:build linux

// Command differential proves merge-run on real Dockerfiles: for every group of
// RUN instructions that it joins, the originals and the merged run in a sandbox
// where each external command is a recorder. Both must run the same commands with
// the same arguments, in the same directories, with the same environment and umask,
// also when the k-th command fails, for each k.
//
//	go run ./differential [-policy P] [-j N] [-limit N] [-v] DIR
//
// It needs Linux, dash, bash, and either root or user namespaces for everyone.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"drydock/tools/corpus/differential/sandbox"
)

type settings struct {
	dir     string
	policy  string
	workers int
	limit   int
	verbose bool
}

func main() {
	sandbox.Init()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command returns the exit code: 1 for a mismatch, 2 for misuse and where the
// sandbox can't be had.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	s, err := parseFlags(args, stderr)
	if err != nil {
		return 2
	}
	rep, err := checkAll(ctx, s, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "differential:", err)
		return 2
	}
	rep.print(stdout)
	switch {
	case rep.failed():
		return 1
	case rep.interrupted:
		return 2
	}
	return 0
}

func parseFlags(args []string, stderr io.Writer) (settings, error) {
	s := settings{}
	fs := flag.NewFlagSet("differential", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&s.policy, "policy", "", "`policy` of merge-run, \"\" for its own")
	fs.IntVar(&s.workers, "j", 2, "`N` sandboxes at once")
	fs.IntVar(&s.limit, "limit", 0, "check only `N` files, spread evenly")
	fs.BoolVar(&s.verbose, "v", false, "a line for each group")
	if err := fs.Parse(args); err != nil {
		return s, err
	}
	if fs.NArg() != 1 || s.workers < 1 {
		fmt.Fprintln(stderr, "usage: differential [flags] DIR")
		fs.PrintDefaults()
		return s, flag.ErrHelp
	}
	dir, err := filepath.Abs(fs.Arg(0))
	if err != nil {
		fmt.Fprintln(stderr, "differential:", err)
	}
	s.dir = dir
	return s, err
}
