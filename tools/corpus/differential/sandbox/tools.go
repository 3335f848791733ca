//go:build linux

package sandbox

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Tools is what a sandbox needs from the machine.
type Tools struct {
	Recorder string            // a static binary
	Shells   map[string]string // name in the sandbox to path on the machine
	Libs     []string          // what the shells load
}

// Build compiles the recorder into dir and finds dash and bash. It needs the go
// command and a working directory within this module.
func Build(ctx context.Context, dir string) (*Tools, error) {
	t := &Tools{Recorder: filepath.Join(dir, "recorder"), Shells: map[string]string{}}
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", t.Recorder, "drydock/tools/corpus/differential/recorder")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the recorder (from within tools/corpus): %w: %s", err, out)
	}
	libs := map[string]bool{}
	for _, name := range []string{"dash", "bash"} {
		path, err := exec.LookPath(name)
		if err != nil {
			return nil, fmt.Errorf("the check runs real shells: install %s: %w", name, err)
		}
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
		t.Shells[name] = path
		needs, err := libraries(ctx, path)
		if err != nil {
			return nil, err
		}
		for _, l := range needs {
			if !libs[l] {
				libs[l] = true
				t.Libs = append(t.Libs, l)
			}
		}
	}
	return t, nil
}

var libraryPath = regexp.MustCompile(`(?m)(?:=> |^\s*)(/\S+) \(0x`)

// libraries asks ldd what a program loads, the loader itself included.
func libraries(ctx context.Context, program string) ([]string, error) {
	out, err := exec.CommandContext(ctx, "ldd", program).CombinedOutput()
	if err != nil {
		if strings.Contains(string(out), "not a dynamic executable") {
			return nil, nil
		}
		return nil, fmt.Errorf("ldd %s: %w: %s", program, err, out)
	}
	var libs []string
	for _, m := range libraryPath.FindAllStringSubmatch(string(out), -1) {
		libs = append(libs, m[1])
	}
	return libs, nil
}
