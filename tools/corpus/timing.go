package main

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// timing is user CPU per file, of one thread over a sample of the files.
type timing struct {
	Files      int                `json:"files"`
	ParseMS    float64            `json:"buildkit_parse_ms"`
	FixMS      map[string]float64 `json:"fix_ms"`       // by mode
	FixByParse map[string]float64 `json:"fix_by_parse"` // by mode: FixMS / ParseMS
}

type sample struct {
	path, ctxDir string
	src          []byte
}

// takeSample reads at most n parseable files, spread evenly.
func (c *checker) takeSample(paths []string, n int) []sample {
	step := max(1, len(paths)/max(1, n))
	var out []sample
	for i := 0; i < len(paths) && len(out) < n; i += step {
		src, err := os.ReadFile(paths[i])
		if err != nil {
			continue
		}
		stages, err := parse(src)
		if err != nil {
			continue
		}
		s := sample{path: paths[i], src: src}
		if c.useContext {
			s.ctxDir = contextOf(c.root, paths[i], stages)
		}
		out = append(out, s)
	}
	return out
}

func (c *checker) time(ctx context.Context, paths []string, n int) timing {
	files := c.takeSample(paths, n)
	t := timing{Files: len(files), FixMS: map[string]float64{}, FixByParse: map[string]float64{}}
	if len(files) == 0 {
		return t
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	t.ParseMS = perFile(files, func(s sample) {
		_, _ = parser.Parse(bytes.NewReader(s.src))
	})
	for _, mode := range modes {
		t.FixMS[mode.name] = perFile(files, func(s sample) {
			defer func() { _ = recover() }() // counted in the other pass
			_, _ = c.fix(ctx, s.path, bytes.Clone(s.src), s.ctxDir, mode)
		})
		t.FixByParse[mode.name] = t.FixMS[mode.name] / t.ParseMS
	}
	return t
}

// perFile repeats the batch until the clock of getrusage is fine enough, at most
// five times, after one batch to warm up.
func perFile(files []sample, do func(sample)) float64 {
	batch := func() {
		for _, s := range files {
			do(s)
		}
	}
	batch()
	runtime.GC()
	start, runs := userTime(), 0
	for runs == 0 || (runs < 5 && userTime()-start < time.Second) {
		batch()
		runs++
	}
	spent := userTime() - start
	return float64(spent.Microseconds()) / 1000 / float64(runs*len(files))
}

func userTime() time.Duration {
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err != nil {
		return 0
	}
	return time.Duration(ru.Utime.Nano())
}
