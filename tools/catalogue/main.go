// Command catalogue holds drydock's embedded catalogue of images against the
// registries that have them: make catalogue [SAMPLE=n] [REPOSITORIES="python node"].
//
// It exits 0 where the catalogue holds, 1 where it is wrong, 3 where nothing
// could be asked, 64 on a mistake in the command line. What has only moved on since
// the catalogue's date (a newer patch, a new line) is told and isn't wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"

	"drydock/images"
	"drydock/images/registry"
)

const (
	exitWrong   = 1
	exitNothing = 3
	exitUsage   = 64
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("catalogue", flag.ContinueOnError)
	fs.SetOutput(stderr)
	sample := fs.Int("sample", 1, "`N` images of each repository whose digests and configuration are compared; each counts as a pull; 0 is all")
	fs.Usage = func() {
		fmt.Fprintln(stderr, "usage: catalogue [-sample N] [REPOSITORY…]")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil || *sample < 0 {
		return exitUsage
	}
	names := images.Repositories()
	if fs.NArg() > 0 {
		for _, n := range fs.Args() {
			if !slices.Contains(names, n) {
				fmt.Fprintf(stderr, "catalogue: %s: the catalogue doesn't hold it: name one of its repositories\n", n)
				return exitUsage
			}
		}
		names = fs.Args()
	}
	opt, err := registry.FromEnvironment()
	if err != nil {
		fmt.Fprintln(stderr, "catalogue:", err)
		return exitUsage
	}
	return check(registry.New(ctx, opt), names, *sample, stdout)
}

// check audits the repositories and prints what it found.
func check(store images.Store, names []string, sample int, w io.Writer) int {
	audits := auditAll(store, names, sample)
	printTable(w, audits)
	wrong, asked := 0, 0
	for _, a := range audits {
		wrong += len(a.wrong)
		if a.asked {
			asked++
		}
	}
	switch {
	case asked == 0:
		fmt.Fprintf(w, "\nnothing could be asked: %v\n", audits[0].failed)
		return exitNothing
	case wrong > 0:
		fmt.Fprintf(w, "\nthe catalogue of %s is wrong in %d places; %d of %d repositories could be asked\n", images.Date, wrong, asked, len(audits))
		return exitWrong
	}
	fmt.Fprintf(w, "\nthe catalogue of %s holds; %d of %d repositories could be asked\n", images.Date, asked, len(audits))
	return 0
}
