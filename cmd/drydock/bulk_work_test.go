package main

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"drydock/bulk/result"
	"drydock/images"
	"drydock/report"
	"drydock/transforms"
)

// TestBulkWork works on a folder that isn't the current one: paths are relative to
// it, nothing is written, and the steps lead from the files as they are to what the
// patches say.
func TestBulkWork(t *testing.T) {
	store, err := settings{offline: true}.source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := &bulkWork{settings: settings{own: rules{unsafe: true, transforms: transforms.All()}, offline: true, color: "never"}, images: store}
	cases, err := filepath.Glob("../../fixtures/*/*")
	if err != nil || len(cases) == 0 {
		t.Fatal(err, cases)
	}
	steps := 0
	for i, dir := range cases {
		if i%8 != 0 {
			continue // the others are no different
		}
		if dir, err = filepath.Abs(dir); err != nil {
			t.Fatal(err)
		}
		files, facts, err := w.do(t.Context(), dir)
		if err != nil || len(files) != len(facts) {
			t.Fatalf("%s: %v, %d files with %d facts", dir, err, len(files), len(facts))
		}
		texts := map[string]string{}
		for i, f := range files {
			if filepath.IsAbs(f.Path) || f.Error == nil && facts[i].Before.Stages == 0 {
				t.Errorf("%s: path %s, facts %+v", dir, f.Path, facts[i])
			}
			for _, s := range f.Steps {
				steps++
				for name, text := range s.Files {
					texts[name] = text
				}
			}
			if len(f.With("applied")) > 0 && len(f.Steps) == 0 {
				t.Errorf("%s: %s has changes and no steps", dir, f.Path)
			}
		}
		for _, p := range patchesOf(files) {
			if now, _ := os.ReadFile(filepath.Join(dir, p.Path)); string(now) != p.Before {
				t.Errorf("%s: %s is no longer what it was", dir, p.Path)
			}
			if texts[p.Path] != p.After {
				t.Errorf("%s: the steps make %q of %s, want %q", dir, texts[p.Path], p.Path, p.After)
			}
		}
	}
	if steps < len(cases)/8 {
		t.Errorf("%d steps", steps)
	}
}

func patchesOf(files []*report.File) (out []*report.Patch) {
	for _, f := range files {
		out = append(out, f.Patches...)
	}
	return out
}

func TestShapeOf(t *testing.T) {
	got := shapeOf("Dockerfile", "FROM golang:1.22 AS build\nRUN a\nFROM build AS more\nFROM debian:12-slim AS run\nCOPY --from=build /a /a\nFROM run\nRUN b\nUSER app\n")
	size := int64(0)
	if ref, err := images.ParseRef("debian:12-slim"); err == nil {
		if img, ok := images.Catalogue().Image(ref); ok {
			size = img.Size
		}
	}
	want := result.Shape{Stages: 4, Bases: []string{"golang:1.22", "debian:12-slim"}, Final: "debian:12-slim", User: "app", Layers: 2, Size: size}
	if size == 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
