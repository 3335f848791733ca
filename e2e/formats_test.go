//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// What drydock writes for CI is read by programs that others wrote: SARIF by the published schema, with the fixes of all
// chains in it and hostile names, JUnit by a parser from PyPI.
func TestFormats(t *testing.T) {
	tools := browserTools(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(world.root, "fixtures", "chain"))); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "a \x1b[31m\n<script>&\"'`|]]>::error::", "Dockerfile"), "FROM alpine:3.24\nENV API_TOKEN='4f9d1c7be2a85036 ]]> \u202e'\nCMD a \x01 b && ```\n")
	write(t, filepath.Join(dir, "broken", "Dockerfile"), "NONSENSE ]]> \x02\n")
	out := t.TempDir()
	file := func(name string) string { return filepath.Join(out, name) }
	cmd := exec.CommandContext(t.Context(), world.drydock, "check", "--unsafe", "-q", "--format", "sarif="+file("a.sarif"), "--format", "junit="+file("a.xml"), "--format", "json="+file("a.json"), ".")
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 2 {
		t.Fatalf("%v\n%s", err, text)
	}
	runNode(t, tools, "sarif.mjs", file("a.sarif"))

	var all struct {
		Files []struct {
			Outcomes []struct{ Status string }
			Findings []any
			Error    any
		}
	}
	if err := json.Unmarshal([]byte(content(t, file("a.json"))), &all); err != nil {
		t.Fatal(err)
	}
	problems, failed := 0, 0
	for _, f := range all.Files {
		problems += len(f.Findings)
		for _, o := range f.Outcomes {
			if o.Status == "applied" {
				problems++
			}
		}
		if f.Error != nil {
			failed++
		}
	}
	if problems < 20 || failed != 1 {
		t.Fatalf("%d problems, %d failed", problems, failed)
	}
	venv := t.TempDir()
	output(t, venv, "python3", "-m", "venv", venv)
	output(t, venv, filepath.Join(venv, "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "junitparser==5.0.3")
	got := output(t, venv, filepath.Join(venv, "bin/python"), "-c", `
import json, sys
from junitparser import JUnitXml, Failure, Error
suites = list(JUnitXml.fromfile(sys.argv[1]))
results = [r for s in suites for c in s for r in c.result]
print(json.dumps([len(suites), sum(isinstance(r, Failure) for r in results), sum(isinstance(r, Error) for r in results), sum(s.failures for s in suites), sum(s.errors for s in suites)]))
`, file("a.xml"))
	var counts []int
	if err := json.Unmarshal([]byte(got), &counts); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{len(all.Files), problems, failed, problems, failed} {
		if counts[i] != want {
			t.Errorf("junitparser: %v; want %d files, %d problems, %d failed", counts, len(all.Files), problems, failed)
			break
		}
	}
}
