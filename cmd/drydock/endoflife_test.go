package main

// What end-of-life says to do works: where it names `drydock update --level
// major`, a run of it takes the finding away.

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drydock/images"
)

func TestEndOfLifeHints(t *testing.T) {
	t.Setenv("DRYDOCK_OFFLINE", "1")
	t.Setenv("GIT_CEILING_DIRECTORIES", os.TempDir())
	for day, epoch := range map[string]string{"2026-08-22": "1787356800", "2026-11-28": "1795824000", "2027-11-05": "1825372800"} {
		t.Setenv("SOURCE_DATE_EPOCH", epoch)
		dir := t.TempDir()
		n, files, lines := 0, 0, 0
		var b strings.Builder
		flush := func() {
			if lines == 0 {
				return
			}
			file := filepath.Join(dir, fmt.Sprintf("Dockerfile.%d", files))
			if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			b.Reset()
			files, lines = files+1, 0
		}
		for _, name := range images.Repositories() {
			for _, version := range someVersions() {
				for _, suffix := range []string{"", "-slim", "-alpine", "-bookworm", "-slim-buster", "-bullseye", "-alpine3.12", "-jre", "-jdk", "-jammy", "-fpm-alpine", "-eclipse-temurin-11"} {
					if n++; n%131 != 0 { // a sample
						continue
					}
					ref, err := images.ParseRef(name + ":" + version + suffix)
					if err != nil {
						t.Fatal(err)
					}
					if lt, ok := images.LifetimeOf(ref, day); ok && lt.Ended {
						fmt.Fprintf(&b, "FROM %s\n", ref)
						if lines++; lines == 12 {
							flush()
						}
					}
				}
			}
		}
		flush()
		drydock := func(args ...string) string {
			var out, errs bytes.Buffer
			if code := run(context.Background(), append([]string{"drydock"}, args...), streams{in: strings.NewReader(""), out: &out, err: &errs}); code > exitFound {
				t.Fatalf("%v: %d: %s", args, code, errs.String())
			}
			return out.String()
		}
		promised := map[string]string{} // by place
		for line := range strings.Lines(drydock("check", "--only", "end-of-life", dir)) {
			place, said, _ := strings.Cut(line, ": ")
			if strings.Contains(said, "drydock update --level major") {
				promised[place] = said
			}
		}
		if len(promised) < 60 {
			t.Fatalf("on %s only %d findings name update", day, len(promised))
		}
		drydock("update", "--level", "major", dir)
		bad := 0
		for line := range strings.Lines(drydock("check", "--only", "end-of-life", dir)) {
			place, said, _ := strings.Cut(line, ": ")
			if promised[place] != "" {
				if bad++; bad < 20 {
					t.Errorf("on %s: promised:\n  %safter it:\n  %s", day, promised[place], said)
				}
			}
		}
		t.Logf("%s: %d findings, %d wrong", day, len(promised), bad)
	}
}

// someVersions are written as in tags.
func someVersions() (out []string) {
	for major := range 32 {
		out = append(out, fmt.Sprint(major))
		for minor := range 22 {
			out = append(out, fmt.Sprintf("%d.%d", major, minor), fmt.Sprintf("%d.%d.1", major, minor))
		}
		out = append(out, fmt.Sprintf("%d.04", major))
	}
	return append(out, "buster", "bullseye", "stretch", "focal", "bionic", "v2.10", "8u212-b03")
}
