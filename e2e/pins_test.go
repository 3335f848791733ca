//go:build e2e

package e2e

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// registryAddress is a registry that takes pushes without a login, and that the builder resolves: E2E_REGISTRY, or the usual port. Where
// nobody named one and none is there, the test is skipped.
func registryAddress(t *testing.T) string {
	t.Helper()
	addr := cmp.Or(os.Getenv("E2E_REGISTRY"), "127.0.0.1:5000")
	reg, err := name.NewRegistry(addr, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := remote.Catalog(t.Context(), reg); err != nil {
		if os.Getenv("E2E_REGISTRY") == "" {
			t.Skipf("no registry at %s; E2E_REGISTRY names one: %v", addr, err)
		}
		t.Fatal(err)
	}
	return addr
}

// TestPins takes a base through its life in a real registry: pinned where two tags are proven to be one image, then to a digest, then moved
// forward when the registry has a newer one. What is built from a pinned file is the image that was built before.
func TestPins(t *testing.T) {
	if world.drydock == "" {
		t.Skip("E2E_AFTER brings the files")
	}
	addr := registryAddress(t)
	repo := fmt.Sprintf("%s/e2e/pins-%d", addr, time.Now().UnixNano()) // a registry that runs on has what another run pushed
	push := func(label string, tags ...string) string {
		t.Helper()
		slim, err := name.ParseReference(addr+"/library/python:3.12-slim", name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		base, err := remote.Image(slim)
		if err != nil {
			t.Fatal(err)
		}
		file, err := base.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		config := file.Config.DeepCopy()
		config.Labels = map[string]string{"edition": label}
		img, err := mutate.Config(base, *config)
		if err != nil {
			t.Fatal(err)
		}
		var index v1.ImageIndex = empty.Index
		for _, arch := range []string{"amd64", "arm64"} {
			index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
		}
		for _, tag := range tags {
			ref, err := name.ParseReference(repo+":"+tag, name.Insecure)
			if err != nil {
				t.Fatal(err)
			}
			if err := remote.WriteIndex(ref, index); err != nil {
				t.Fatal(err)
			}
		}
		digest, err := index.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return digest.String()
	}
	first := push("first", "latest", "1.0", "1.0.0")
	dir := t.TempDir()
	file := filepath.Join(dir, "Dockerfile")
	rest := "RUN sort /etc/passwd >/sorted\nCMD [\"cat\", \"/sorted\"]\n"
	write := func(from string) {
		t.Helper()
		if err := os.WriteFile(file, []byte("FROM "+from+"\n"+rest), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	drydock := func(code int, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), world.drydock, append(args, dir)...)
		cmd.Env = append(os.Environ(), "DRYDOCK_OFFLINE=", "DRYDOCK_CACHE="+filepath.Join(dir, "cache"))
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
		return string(out)
	}
	want := func(from string) {
		t.Helper()
		text, err := os.ReadFile(file)
		if got, _, _ := strings.Cut(string(text), "\n"); err != nil || got != "FROM "+from || !strings.HasSuffix(string(text), rest) {
			t.Fatalf("got %s, want FROM %s (%v)", text, from, err)
		}
	}
	build := func() string {
		t.Helper()
		b, err := world.builder.build(t.Context(), request{dir: dir, export: true})
		if err != nil {
			t.Fatal(err)
		}
		return b.digest
	}

	write(repo)
	before := build()
	drydock(0, "fix", "--only", "pin-base")
	want(repo + ":1.0.0")
	if after := build(); after != before {
		t.Errorf("pinned it is another image: %s before, %s after", before, after)
	}
	drydock(0, "fix", "--only", "pin-base", "--policy", "pin-base=digest")
	want(repo + ":1.0.0@" + first)
	if after := build(); after != before {
		t.Errorf("with a digest it is another image: %s before, %s after", before, after)
	}
	if out := drydock(0, "update", "--level", "minor"); !strings.Contains(out, "0 moved") {
		t.Errorf("nothing newer is there:\n%s", out)
	}

	second := push("second", "latest", "1.1", "1.1.0", "1.0.0")
	drydock(0, "update", "--level", "digest")
	want(repo + ":1.0.0@" + second)
	drydock(0, "update", "--level", "minor")
	want(repo + ":1.1.0@" + second)
	if after := build(); after == before {
		t.Error("the newer base makes the same image")
	}

	// Not for a platform that the image isn't there for.
	write("--platform=linux/s390x " + repo + ":1.1.0")
	if out := drydock(0, "fix", "--only", "pin-base", "--policy", "pin-base=digest"); !strings.Contains(out, "linux/s390x isn't among linux/amd64, linux/arm64") {
		t.Errorf("a digest without the platform:\n%s", out)
	}
	want("--platform=linux/s390x " + repo + ":1.1.0")

	if out := drydock(0, "bases", repo+":1.1.0"); !strings.Contains(out, " MB ") {
		t.Errorf("no size:\n%s", out)
	}
}
