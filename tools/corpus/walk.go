package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"drydock/tools/corpus/walk"
)

// parse is BuildKit's judgement: the parser and the typed instructions.
func parse(src []byte) ([]instructions.Stage, error) {
	res, err := parser.Parse(bytes.NewReader(src))
	if err != nil {
		return nil, err
	}
	stages, _, err := instructions.Parse(res.AST, nil)
	return stages, err
}

// contextOf finds the build context: the nearest folder, from the file's own up to
// root, that has everything the file copies from it. "" where there is none, as in
// a collection of bare Dockerfiles.
func contextOf(root, path string, stages []instructions.Stage) string {
	sources := contextSources(stages)
	own := filepath.Dir(path)
	if len(sources) == 0 {
		if alone(own) {
			return ""
		}
		return own
	}
	for dir := own; ; dir = filepath.Dir(dir) {
		if hasAll(dir, sources) {
			return dir
		}
		if dir == root || dir == filepath.Dir(dir) || !strings.HasPrefix(dir, root) {
			return ""
		}
	}
}

func contextSources(stages []instructions.Stage) []string {
	var out []string
	add := func(from string, paths []string) {
		for _, p := range paths {
			if from == "" && p != "." && p != "./" && p != "/" && !strings.Contains(p, "$") && !strings.Contains(p, "://") && !strings.HasPrefix(p, "git@") {
				out = append(out, p)
			}
		}
	}
	for _, st := range stages {
		for _, cmd := range st.Commands {
			switch c := cmd.(type) {
			case *instructions.CopyCommand:
				add(c.From, c.SourcePaths)
			case *instructions.AddCommand:
				add("", c.SourcePaths)
			}
		}
	}
	return out
}

func hasAll(dir string, sources []string) bool {
	for _, s := range sources {
		// Cleaned as an absolute path, as BuildKit does: ../x stays inside the context.
		p := filepath.Join(dir, filepath.Clean("/"+s))
		if m, err := filepath.Glob(p); err != nil || len(m) == 0 {
			if _, err := os.Lstat(p); err != nil {
				return false
			}
		}
	}
	return true
}

func alone(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return true
	}
	for _, e := range entries {
		if e.Type().IsRegular() && !walk.IsDockerfile(e.Name()) {
			return false
		}
	}
	return true
}
