//go:build linux

package watch

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"drydock/verify/probe/wire"
)

// The test's own executable plays both the probe and what it watches: a program below a probe of its own, as in an image.
const (
	asProbe   = "DRYDOCK_TEST_PROBE"
	asSubject = "DRYDOCK_TEST_SUBJECT"
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(asSubject) != "":
		role := subjects[os.Getenv(asSubject)]
		role()
		os.Exit(0)
	case os.Getenv(asProbe) != "":
		root = os.Getenv(asProbe) // walking the whole machine takes long
		var spec wire.Spec
		if err := json.NewDecoder(os.Stdin).Decode(&spec); err != nil {
			panic(err)
		}
		word, err := wire.Encode(spec)
		if err != nil {
			panic(err)
		}
		if err := Main([]string{word}, os.Stdout); err != nil {
			panic(err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// watched runs the subject named role, or spec.Argv when role is "", below a probe.
func watched(t *testing.T, role string, spec wire.Spec) *wire.Result {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if role != "" {
		if subjects[role] == nil {
			t.Fatalf("no subject %q", role)
		}
		spec.Argv = append([]string{self}, spec.Argv...)
		spec.Env = append(spec.Env, asSubject+"="+role)
	}
	if spec.Wait == 0 {
		spec.Wait = 30
	}
	raw, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	dir := t.TempDir()
	if len(spec.Argv) == 2 && filepath.IsAbs(spec.Argv[1]) {
		dir = spec.Argv[1]
	}
	cmd.Env = append(os.Environ(), asProbe+"="+dir)
	cmd.Stdin = bytes.NewReader(raw)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the probe failed: %v\n%s", err, errs.String())
	}
	res, err := wire.Find(string(out))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// first is the reply to path, nil when there is none.
func first(r *wire.Result, path string) *wire.Reply {
	for i := range r.Replies {
		if r.Replies[i].Path == path {
			return &r.Replies[i]
		}
	}
	return nil
}

// script writes an executable file.
func script(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return file
}

func holds(all []string, part string) bool {
	return strings.Contains(strings.Join(all, "\n"), part)
}
