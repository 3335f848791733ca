//go:build e2e

package e2e

import (
	"maps"
	"path/filepath"
	"testing"
)

// The lab has no image of conda and reaches no channel. testdata/conda holds stand-ins: rattler (pixi's resolver and installer)
// behind a program named conda, and a channel of two packages, Python and one whose files hold the path of the environment. What
// they prove: an environment that a real installer made works at the same path of Debian's slim image, alone, started without
// conda. What they don't: that packages of real channels need nothing else of the system, and what conda's own images hold.
func init() {
	// through conda run; TestChain runs it, and the next one with E2E_ALL
	cases["multi-stage/python-conda-run"] = chainCase{paths: []string{"/nowhere"}, factor: 1.5, standIn: "conda/miniconda3", ci: true}
	// a login shell and an activation, under miniforge's entry point
	cases["multi-stage/python-conda-login"] = chainCase{paths: []string{"/nowhere"}, factor: 1.5, standIn: "conda/miniforge3"}
	for _, name := range []string{"apt-release", "geo-on-path", "micromamba-compiler", "path-pip", "prefix-lock", "shell"} {
		cases["multi-stage/python-conda-"+name] = chainCase{unbuilt: "the lab reaches no channel of conda"}
	}
}

// standsFor are the images that folders of testdata stand in for.
var standsFor = map[string][]string{
	"conda/miniconda3": {"continuumio/miniconda3:24.5.0-0"}, "conda/miniforge3": {"condaforge/miniforge3"},
	"ruby": {"ruby:3.1", "ruby:3.1-bookworm"},
}

// standInImages builds a folder of testdata into world.layout, and what it stands on; it gives the named contexts of a build.
func standInImages(t *testing.T, folder string) map[string]string {
	t.Helper()
	images := map[string]string{}
	if folder == "conda/miniforge3" {
		maps.Copy(images, standInImages(t, "conda/miniconda3"))
	}
	b, err := world.builder.build(t.Context(), request{dir: filepath.Join(world.root, "e2e", "testdata", folder), images: images, export: true})
	if err != nil {
		t.Fatalf("the stand-in: %v", err)
	}
	for _, ref := range standsFor[folder] {
		images[ref] = b.digest
	}
	return images
}
