//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"drydock/report"
	"drydock/verify"
	"drydock/verify/probe"
)

// standIn pushes an image that the catalogue knows, where the registry hasn't got it: what another one of the
// registry holds, with a command. Debian's images have a perl of their own.
func standIn(t *testing.T, registry, from, to string) {
	t.Helper()
	ref := func(s string) name.Reference {
		r, err := name.ParseReference(registry+"/library/"+s, name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if _, err := remote.Head(ref(to), remote.WithContext(t.Context())); err == nil {
		return
	}
	img, err := remote.Image(ref(from), remote.WithContext(t.Context()))
	if err != nil {
		t.Skipf("the registry has no %s to make %s of: %v", from, to, err)
	}
	if img, err = mutate.Config(img, v1.Config{Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "PERL_VERSION=5.40"}, Cmd: []string{"perl", "-de0"}}); err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref(to), img, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// TestFixVerifyFallback: no recipe knows Perl, and the slim image has no compiler; so the file becomes the build
// stage, what it made goes onto the slim image, and the library behind the compiled helper is installed there.
func TestFixVerifyFallback(t *testing.T) {
	registry := registryAddress(t)
	standIn(t, registry, "buildpack-deps:bookworm", "perl:5.40")
	standIn(t, registry, "debian:bookworm-slim", "perl:5.40-slim")
	r, text := fixVerified(t, filepath.Join("e2e", "testdata", "verify", "perl"))
	if r.Proof.Verdict != probe.Same {
		t.Fatalf("proof %+v", r.Proof)
	}
	made := func(transform, title string) bool {
		return slices.ContainsFunc(r.Outcomes, func(o report.Outcome) bool {
			return o.Transform == transform && o.Status == "applied" && strings.Contains(o.Title, title)
		})
	}
	if !made(verify.Fallback, "run on perl:5.40-slim") || !made(verify.Repair, "libsqlite3-0") {
		t.Errorf("the fallback or its repair isn't among %+v", r.Outcomes)
	}
	for _, line := range []string{"FROM perl:5.40 AS builder", "FROM perl:5.40-slim", "jq libsqlite3-0", "COPY --from=builder /app /app", "COPY --from=builder /usr/local/bin/berths /usr/local/bin/berths"} {
		if strings.Count(text, line) != 1 {
			t.Errorf("it has %q %d times", line, strings.Count(text, line))
		}
	}
	if n := strings.Count(text, "CMD "); n != 1 {
		t.Errorf("%d times CMD", n)
	}
	b, a := r.Proof.Before, r.Proof.After
	if a.Compressed*3 > b.Compressed {
		t.Errorf("%.1f MB before, %.1f MB after", float64(b.Compressed)/1e6, float64(a.Compressed)/1e6)
	}
	keepTable(t, fmt.Sprintf("| fallback | %.1f | %.1f | %.1f | %s |\n", float64(b.Compressed)/1e6, float64(a.Compressed)/1e6, float64(b.Compressed)/float64(a.Compressed), a.Did))
}
