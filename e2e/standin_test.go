//go:build e2e

package e2e

import (
	"maps"
	"path/filepath"
	"testing"
)

// standIns are the images that stand in for bases which the lab hasn't, by the folder of testdata that makes them.
var standIns = map[string]struct {
	refs  []string // of what it stands in for
	needs []string // the folders of what it stands on or goes with, where those are stand-ins too
}{
	"bun":              {refs: []string{"oven/bun:1", "oven/bun:1.2", "oven/bun:1-slim", "oven/bun:1.2-slim"}},
	"conda/miniconda3": {refs: []string{"continuumio/miniconda3:24.5.0-0"}},
	"conda/miniforge3": {refs: []string{"condaforge/miniforge3"}, needs: []string{"conda/miniconda3"}},
	"deno":             {refs: []string{"denoland/deno:2.1.4"}},
	"elixir":           {refs: []string{"elixir:1.17-slim", "hexpm/elixir:1.16.2-erlang-26.2.3-debian-bookworm-20240130-slim"}},
	"elixir-full":      {refs: []string{"elixir:1.17"}, needs: []string{"elixir"}},
	"gradle":           {refs: []string{"gradle:7.6-jdk17", "gradle:7.6.6-jdk17", "gradle:8-jdk17"}},
	"poetry":           {refs: []string{"python:3.12", "python:3.12-trixie"}},
	"ruby":             {refs: []string{"ruby:3.1", "ruby:3.1-bookworm"}},
	"uv":               {refs: []string{"ghcr.io/astral-sh/uv:0.9.5"}},
}

// standInFor builds a folder of testdata into world.layout, and what it stands on; it gives the named contexts of a build.
func standInFor(t *testing.T, folder string) map[string]string {
	t.Helper()
	images, s := map[string]string{}, standIns[folder]
	for _, needed := range s.needs {
		maps.Copy(images, standInFor(t, needed))
	}
	b, err := world.builder.build(t.Context(), request{dir: filepath.Join(world.root, "e2e", "testdata", folder), images: images, export: true})
	if err != nil {
		t.Fatalf("the stand-in: %v", err)
	}
	for _, ref := range s.refs {
		images[ref] = b.digest
	}
	return images
}
