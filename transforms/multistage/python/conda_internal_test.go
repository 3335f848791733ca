package python

import (
	"testing"

	"drydock/images"
)

// The runtime stage's glibc must not be older than the base's: Debian's stable release
// is newer than those that conda's images stand on, and lives on.
func TestCondaDebian(t *testing.T) {
	ref, err := images.ParseRef("debian:" + condaDebian + "-slim")
	if err != nil {
		t.Fatal(err)
	}
	img, ok := images.Catalogue().Image(ref)
	if !ok || img.PackageManager != "apt" || img.Release == "" {
		t.Fatalf("the catalogue says %+v of %s", img, ref)
	}
	for _, c := range [][4]string{
		{"continuumio/miniconda3", "", "debian", "13"}, {"continuumio/miniconda3", "24.5.0-0", "debian", "12"}, {"continuumio/miniconda3", "23.5.2-0", "debian", "11"},
		{"continuumio/miniconda3", "24.3.0-0", "", ""}, {"continuumio/miniconda3", "4.9.2", "", ""}, {"continuumio/anaconda3", "2024.06-1", "debian", "12"}, {"continuumio/anaconda3", "2024.10-1", "", ""},
		{"condaforge/miniforge3", "24.9.2-0", "ubuntu", "20.04"}, {"condaforge/miniforge3", "26.3.2-3", "ubuntu", "24.04"}, {"condaforge/mambaforge", "latest", "ubuntu", "20.04"}, {"mambaorg/micromamba", "1.5.8-bookworm-slim", "debian", "12"}, {"mambaorg/micromamba", "2.6.1", "", ""},
	} {
		if distro, release := condaRelease(c[0], c[1]); distro != c[2] || release != c[3] {
			t.Errorf("%s:%s stands on %s %s, want %s %s", c[0], c[1], distro, release, c[2], c[3])
		}
	}
}
