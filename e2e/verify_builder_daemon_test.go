//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"drydock/verify/builder"
)

// A daemon is a buildkitd of the test's own.
type daemon struct {
	cmd  *exec.Cmd
	host string
}

// ownDaemon starts a buildkitd as the lab does, with its root in dir, and ends it and
// what it left mounted with the test.
func ownDaemon(t *testing.T, dir string) *daemon {
	t.Helper()
	sock := filepath.Join(t.TempDir(), "s") // short: a socket's path has 108 bytes
	var config strings.Builder
	fmt.Fprintf(&config, "root = %q\n[grpc]\n  address = [%q]\n[worker.oci]\n  enabled = true\n  networkMode = \"host\"\n  snapshotter = \"overlayfs\"\n  gc = false\n[worker.containerd]\n  enabled = false\n", dir, "unix://"+sock)
	fmt.Fprintf(&config, "[registry.\"docker.io\"]\n  mirrors = [%q]\n[registry.%q]\n  http = true\n", registryAddress(t), registryAddress(t))
	file := filepath.Join(folder(t, map[string]string{"buildkitd.toml": config.String()}), "buildkitd.toml")
	var log bytes.Buffer
	d := &daemon{cmd: exec.Command("buildkitd", "--config", file), host: "unix://" + sock}
	d.cmd.Stdout, d.cmd.Stderr = &log, &log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := d.cmd.Start(); err != nil {
		t.Fatalf("this test needs a buildkitd on PATH, and root: %v", err)
	}
	t.Cleanup(func() {
		_ = d.cmd.Process.Signal(syscall.SIGTERM)
		_ = d.cmd.Wait()
		unmountBelow(t, dir)
		if t.Failed() {
			t.Logf("buildkitd:\n%s", tail(log.String(), 20))
		}
	})
	for i := 0; exec.Command("buildctl", "--addr", d.host, "debug", "workers").Run() != nil; i++ {
		if i == 100 {
			t.Fatalf("buildkitd doesn't answer:\n%s", log.String())
		}
		time.Sleep(100 * time.Millisecond)
	}
	return d
}

// unmountBelow takes away what a killed buildkitd left mounted.
func unmountBelow(t *testing.T, dir string) {
	raw, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var points []string
	for line := range strings.Lines(string(raw)) {
		if f := strings.Fields(line); len(f) > 4 && strings.HasPrefix(f[4], dir+"/") {
			points = append(points, f[4])
		}
	}
	for _, p := range slices.Backward(points) {
		if err := syscall.Unmount(p, syscall.MNT_DETACH); err != nil {
			t.Errorf("umount %s: %v", p, err)
		}
	}
}

// with finds that daemon by buildctl, or by a buildx builder made for it.
func (d *daemon) with(t *testing.T, kind string) *builder.Builder {
	t.Helper()
	want := kind
	switch kind {
	case "buildctl":
		t.Setenv("BUILDKIT_HOST", d.host)
	case "buildx":
		name := "drydock-e2e-" + nonce()
		if out, err := exec.Command("docker", "buildx", "create", "--name", name, "--driver", "remote", d.host).CombinedOutput(); err != nil {
			t.Fatalf("docker buildx create: %v: %s", err, out)
		}
		t.Cleanup(func() {
			if out, err := exec.Command("docker", "buildx", "rm", name).CombinedOutput(); err != nil {
				t.Errorf("docker buildx rm: %v: %s", err, out)
			}
		})
		want = "buildx:" + name
	}
	b, err := builder.Find(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != want {
		t.Errorf("found %s, want %s", b, want)
	}
	return b
}

func TestBuilderDies(t *testing.T) {
	for _, kind := range []string{"buildctl", "buildx"} {
		t.Run(kind, func(t *testing.T) {
			word := nonce()
			// The step outlives its buildkitd.
			t.Cleanup(func() {
				for _, pid := range pids(t, word) {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
			})
			d := ownDaemon(t, t.TempDir())
			b := d.with(t, kind)
			noLeftovers(t)
			_, err := b.Build(t.Context(), builder.Request{Name: "before", Context: t.TempDir(), Dockerfile: "FROM " + small + "\nRUN sleep 96; echo " + word + "\n"}, func(e builder.Event) {
				if strings.Contains(e.Step.Name, "sleep 96") && !e.Step.Started.IsZero() {
					_ = d.cmd.Process.Kill()
				}
			})
			t.Log(err)
			if !errors.Is(err, builder.ErrGone) || !strings.HasPrefix(fmt.Sprint(err), "before: the builder went away") {
				t.Errorf("got %v", err)
			}
			if kind == "buildx" {
				return // it waits 20 s for one that is gone already
			}
			if _, err = b.Build(t.Context(), builder.Request{Name: "after", Context: t.TempDir(), Dockerfile: "FROM " + small + "\n"}, nil); !errors.Is(err, builder.ErrGone) {
				t.Errorf("got %v", err)
			}
			t.Log(err)
			_, err = builder.Find(t.Context(), b.String())
			t.Log(err)
			if !errors.Is(err, builder.ErrNone) {
				t.Errorf("found again: %v", err)
			}
		})
	}
}

// smallDisk makes a disk of that size of a folder, for the time of the test.
func smallDisk(t *testing.T, dir, size string) string {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf("this test needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("umount: %v", err)
		}
	})
	return dir
}

func TestBuilderDiskFull(t *testing.T) {
	big := t.TempDir()
	f, err := os.Create(filepath.Join(big, "big"))
	if err == nil {
		err = errors.Join(f.Truncate(400<<20), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"buildctl", "buildx"} {
		t.Run(kind, func(t *testing.T) {
			root := smallDisk(t, t.TempDir(), "240m")
			b := ownDaemon(t, root).with(t, kind)
			noLeftovers(t)
			for _, c := range []struct{ name, file string }{
				{"a step", "RUN dd if=/dev/zero of=/big bs=1M count=400"},
				{"the context", "COPY big /"},
			} {
				e := failed(t, b, builder.Request{Name: "before", Context: big, Dockerfile: "FROM " + small + "\n" + c.file + "\n"})
				t.Logf("%s: %v", c.name, e)
				if !errors.Is(e, builder.ErrSpace) || !strings.HasPrefix(e.Error(), "before: the builder's disk is full") {
					t.Errorf("%s: got %v", c.name, e)
				}
			}
		})
	}
}

// podman isn't in the lab: where it is installed, it is tried too, with a store of
// its own and without the kernel's namespaces.
func TestBuilderPodman(t *testing.T) {
	if _, err := exec.LookPath("podman"); err != nil {
		t.Skip("no podman on PATH")
	}
	store := t.TempDir()
	t.Cleanup(func() { unmountBelow(t, store) })
	conf := folder(t, map[string]string{
		"registries.conf": fmt.Sprintf("unqualified-search-registries = [\"docker.io\"]\nshort-name-mode = \"disabled\"\n[[registry]]\nlocation = \"docker.io\"\n[[registry.mirror]]\nlocation = %q\ninsecure = true\n", registryAddress(t)),
		"storage.conf":    fmt.Sprintf("[storage]\ndriver = \"overlay\"\ngraphroot = %q\nrunroot = %q\n", filepath.Join(store, "graph"), filepath.Join(store, "run")),
	})
	t.Setenv("CONTAINERS_REGISTRIES_CONF", filepath.Join(conf, "registries.conf"))
	t.Setenv("CONTAINERS_STORAGE_CONF", filepath.Join(conf, "storage.conf"))
	t.Setenv("BUILDAH_ISOLATION", "chroot")
	t.Setenv("DRYDOCK_E2E_ARG", "from the environment")
	noLeftovers(t)
	b, err := builder.Find(t.Context(), "podman")
	if err != nil {
		t.Fatal(err)
	}
	context := folder(t, map[string]string{"a": "", "b": "", ".dockerignore": "a\n"})
	request := builder.Request{
		Name: "before", Context: context, Ignore: new("b\n"), Layout: world.layout, Export: true,
		Dockerfile: "FROM " + small + " AS base\nARG DRYDOCK_E2E_ARG\nCOPY . /x\nRUN ls /x && echo \"<$DRYDOCK_E2E_ARG>\"\nFROM base AS wanted\nRUN echo built >/word\nHEALTHCHECK CMD true\nFROM base\nRUN exit 1\n",
		Options:    builder.Options{Target: "wanted", BuildArgs: []string{"DRYDOCK_E2E_ARG"}},
	}
	res := mustBuild(t, b, request)
	if got := outputs(res); !strings.Contains(got, "a\n<from the environment>\n") {
		t.Errorf("got %q", got)
	}
	img, err := readImage(res.Digest)
	if err != nil || img.raw["Healthcheck"] == nil {
		t.Fatalf("the image in the layout: %v: %+v", err, img)
	}
	files, err := world.files.Tree(img.layers)
	if err != nil || files["/word"] == nil && files["word"] == nil {
		t.Errorf("the image's files: %v: %d", err, len(files))
	}
	again := mustBuild(t, b, request)
	if !slices.ContainsFunc(again.Steps, func(s builder.Step) bool { return s.Cached && strings.Contains(s.Name, "RUN ls /x") }) || again.Digest != res.Digest {
		t.Errorf("built again: %s, want %s: %+v", again.Digest, res.Digest, again.Steps)
	}
	used := mustBuild(t, b, builder.Request{
		Name: "probe", Context: t.TempDir(), Layout: world.layout, Images: map[string]string{"subject": res.Digest},
		Folders:    map[string]string{"data": folder(t, map[string]string{"f": "of a folder\n"})},
		Dockerfile: "FROM subject\nRUN --mount=type=bind,from=data,target=/.data cat /word /.data/f\n",
	})
	if got := outputs(used); !strings.Contains(got, "built\nof a folder\n") {
		t.Errorf("got %q", got)
	}
	for _, c := range []struct {
		file  string
		cause error
	}{
		{"FROM " + small + "\nRUN echo what went wrong; exit 3\n", nil},
		{"FROM " + small + "\nCOPY nothing /\n", nil},
		{"FROM drydock-e2e/nothing:1\n", nil},
	} {
		e := failed(t, b, builder.Request{Name: "before", Context: context, Dockerfile: c.file})
		t.Logf("%v (cause %v, step %q)\n%s", e, e.Cause, e.Step, e.Output)
		if e.Cause != c.cause {
			t.Errorf("got %v, want %v", e.Cause, c.cause)
		}
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	out, err := exec.Command("podman", "images", "--noheading", "--format", "{{.Repository}}").CombinedOutput()
	if err != nil || strings.Contains(string(out), "localhost/drydock") {
		t.Errorf("names stay: %s (%v)", out, err)
	}
}
