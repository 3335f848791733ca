package distro

import (
	"testing"

	"drydock/images"
)

// A release is taken while it is maintained, then the next one.
func TestMaintained(t *testing.T) {
	for _, c := range []struct{ day, kind, release, want string }{
		{"2026-08-21", "cc", "12", "gcr.io/distroless/cc-debian12:nonroot"},
		{"2026-10-01", "cc", "12", "gcr.io/distroless/cc-debian13:nonroot"},
		{"2026-08-21", "base", "11", "gcr.io/distroless/base-debian12:nonroot"},
		{"2026-10-01", "static", "", "gcr.io/distroless/static-debian13:nonroot"},
		{"2026-10-01", "nodejs20", "12", "gcr.io/distroless/nodejs20-debian12:nonroot ended"},
		{"2026-10-01", "nodejs99", "12", "none"},
	} {
		ref, _, ended, ok := Maintained(images.CatalogueOn(c.day), c.kind, c.release)
		got := ref.String()
		if ended {
			got += " ended"
		}
		if !ok {
			got = "none"
		}
		if got != c.want {
			t.Errorf("%s on %s, Debian %s: %s, want %s", c.kind, c.day, c.release, got, c.want)
		}
	}
}
