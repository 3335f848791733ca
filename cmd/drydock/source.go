package main

// Who answers questions about images: the catalogue, and the registries where
// they may be asked.

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"drydock/images"
	"drydock/images/layout"
	"drydock/images/registry"
)

// sourceFlags say who is asked.
func sourceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "offline", EnvVars: []string{"DRYDOCK_OFFLINE"}, Usage: "ask no registry: the built-in catalogue of images answers"},
		&cli.StringFlag{Name: "layout", EnvVars: []string{"DRYDOCK_LAYOUT"}, Usage: "OCI layout (folder or .tar, `PATH`) whose images are asked before any registry"},
		&cli.BoolFlag{Name: "registry", Usage: "ask registries for the configuration of base images too, which counts as a pull (docs/registries.md)"},
	}
}

// source makes the source of a run by its settings. Nothing is dialled or read
// yet. The error is a mistake in the environment.
func (s settings) source(ctx context.Context) (*images.LiveSource, error) {
	opt, err := registry.FromEnvironment()
	if err != nil {
		return nil, usageError{err.Error()}
	}
	opt.Offline = s.offline
	if s.fresh {
		opt.Fresh = -1
	}
	var store images.Store = registry.New(ctx, opt)
	if s.layout != "" {
		l, err := layout.Open(s.layout)
		if err != nil {
			return nil, err
		}
		store = images.First(l, store)
	}
	day, err := today()
	if err != nil {
		return nil, err
	}
	src := images.Live(store, day)
	if s.facts && (!s.offline || s.layout != "") {
		src.WithFacts()
	}
	return src, nil
}

// today is the day on which it is judged whether an image is supported:
// SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/)
// where it is set, else the clock's. The error is a mistake in it.
func today() (string, error) {
	at := time.Now()
	if text := os.Getenv("SOURCE_DATE_EPOCH"); text != "" {
		s, err := strconv.ParseInt(text, 10, 64)
		if err != nil || s < 0 || s >= lastSecond {
			return "", usagef("SOURCE_DATE_EPOCH=%s: write the seconds since 1970 as a number, or unset it", text)
		}
		at = time.Unix(s, 0)
	}
	return at.UTC().Format(time.DateOnly), nil
}

// lastSecond is the end of the year 9999: days are compared as text.
const lastSecond = 253402300800

// tellNotes says who answered in place of whom.
func (j *job) tellNotes() {
	if j.quiet || j.images == nil {
		return
	}
	for _, n := range j.images.Notes() {
		fmt.Fprintf(j.err, "drydock: %s\n", n)
	}
}
