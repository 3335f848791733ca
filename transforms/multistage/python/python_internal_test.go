package python

import (
	"strings"
	"testing"

	"drydock/transforms/multistage/distro"
)

// Every package that a table names has a name in bookworm, so that a typing
// mistake shows.
func TestDebianNames(t *testing.T) {
	var all []string
	for _, need := range nativeNeeds {
		all = append(all, strings.Fields(strings.Split(need, "|")[0])...)
	}
	for _, libs := range wheelLibs {
		all = append(all, strings.Fields(strings.Split(libs, "|")[0])...)
	}
	for _, libs := range distro.DevLibrary {
		all = append(all, strings.Fields(libs)...)
	}
	for pkg := range distro.Mendable {
		all = append(all, pkg)
	}
	for _, pkg := range all {
		if _, ok := distro.DebianName(pkg, "bookworm"); !ok && !distro.BuildTools[pkg] {
			t.Errorf("%s: no name in bookworm", pkg)
		}
	}
	for _, c := range [][3]string{
		{"libldap-2.5-0", "bullseye", "libldap-2.4-2"}, {"libldap-2.5-0", "trixie", "libldap2"}, {"libglib2.0-0", "trixie", "libglib2.0-0t64"},
		{"libpq5", "trixie", "libpq5"}, {"libpq5", "buster", ""}, {"libxmlsec1-openssl", "trixie", ""}, {"ffmpeg2", "bookworm", ""},
	} {
		if got, ok := distro.DebianName(c[0], c[1]); ok != (c[2] != "") || ok && got != c[2] {
			t.Errorf("%s in %s: %q, %v", c[0], c[1], got, ok)
		}
	}
}
