//go:build unix

package builder

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFind(t *testing.T) {
	for _, c := range []struct {
		how, want, programs, host, driver, found string // found: its name and driver, or words of the error
	}{
		{"ok", "", "buildctl docker podman", "unix:///x", "remote", "buildctl  linux/amd64,linux/386"},
		{"ok", "auto", "buildctl docker podman", "", "remote", "buildx remote linux/amd64,linux/arm64"},
		{"ok", "auto", "podman", "", "", "podman  "},
		{"ok", "buildx:lab", "buildctl docker podman", "unix:///x", "docker-container", "buildx:lab docker-container linux/amd64,linux/arm64"},
		{"ok", "podman", "docker podman", "", "", "podman  "},
		{"ok", "buildctl:tcp://b:1234", "buildctl docker", "", "", "buildctl:tcp://b:1234  linux/amd64,linux/386"},
		{"ok", "buildctl:", "buildctl", "", "", "is no builder that is known"},
		{"ok", "buildctl", "docker buildctl", "", "", "no builder answers: buildctl: BUILDKIT_HOST is not set: set it to"},
		{"ok", "auto", "", "", "", "buildctl: BUILDKIT_HOST is not set: set it to a BuildKit's address, such as unix:///run/buildkit/buildkitd.sock; " +
			"buildx: docker isn't on PATH: install Docker with its buildx plugin; podman: podman isn't on PATH: install podman"},
		{"unreachable", "buildx", "docker", "", "", "buildx: failed to connect to the docker API at unix:///var/run/docker.sock: see that Docker runs, or make a builder with docker buildx create"},
		{"plain", "buildx", "docker", "", "", "buildx: docker has no buildx: install the plugin docker-buildx"},
		{"ok", "buildctl", "docker", "unix:///x", "", "buildctl: buildctl isn't on PATH: BuildKit's address is given: install buildctl"},
		{"none", "auto", "buildctl docker podman", "unix:///x", "", "podman: Cannot connect to the Docker daemon at"},
		{"ok", "kaniko", "", "", "", `"kaniko" is no builder that is known: use auto, buildctl, buildctl:ADDRESS, buildx, buildx:NAME or podman`},
		{"ok", "buildx:", "", "", "", "is no builder that is known"},
		{"ok", "podman:x", "", "", "", "is no builder that is known"},
	} {
		fakes(t, c.how, strings.Fields(c.programs)...)
		t.Setenv("BUILDKIT_HOST", c.host)
		t.Setenv("FAKE_DRIVER", c.driver)
		b, err := Find(t.Context(), c.want)
		if err != nil {
			if !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), c.found) {
				t.Errorf("%s of %q: %v, want %s", c.want, c.programs, err, c.found)
			}
			continue
		}
		if got := b.String() + " " + b.Driver + " " + strings.Join(b.Platforms, ","); got != c.found {
			t.Errorf("%s of %q: %s, want %s", c.want, c.programs, got, c.found)
		}
	}
	old := patience
	t.Cleanup(func() { patience = old })
	patience = 50 * time.Millisecond
	fakes(t, "hangs", "docker")
	if _, err := Find(t.Context(), "buildx"); !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "buildx: no answer within 50ms") {
		t.Errorf("one that hangs: %v", err)
	}
	patience = old
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	fakes(t, "ok", "docker")
	if _, err := Find(ctx, "auto"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// full is a request that uses everything.
func full(t *testing.T) Request {
	t.Setenv("SET", "of the environment")
	t.Setenv("SOURCE_DATE_EPOCH", "1")
	return Request{
		Name: "before", Dockerfile: "FROM debian:12\n", Ignore: new(""), Context: t.TempDir(), Layout: "/layout", Export: true, NoCache: true,
		Images: map[string]string{"subject": "sha256:1"}, Folders: map[string]string{"data": t.TempDir()},
		Options: Options{
			Target: "last", Platform: "linux/arm64", BuildArgs: []string{"A=x,y=z", "SET", "UNSET_BY_ALL"}, Secrets: []string{"id=a,src=/s"}, SSH: []string{"default"},
			Contexts: []string{"docker.io/library/Alpine:latest=docker-image://alpine:3", "golang:latest=oci-layout:///l:1@sha256:2", "src=https://example.com/x.git#v1"},
		},
	}
}

func TestArguments(t *testing.T) {
	for kind, want := range map[string]string{
		"buildctl": "build --progress=rawjson --frontend=dockerfile.v0 --local context=CONTEXT --local dockerfile=TMP --opt target=last --opt platform=linux/arm64 " +
			"--opt build-arg:A=x,y=z --opt build-arg:SET=of the environment --secret id=a,src=/s --ssh default " +
			"--opt context:docker.io/library/Alpine:latest=docker-image://alpine:3 --oci-layout drydock-2=/l --opt context:golang=oci-layout://drydock-2@sha256:2 " +
			"--opt context:src=https://example.com/x.git#v1 --local drydock-8=DATA --opt context:data=local:drydock-8 " +
			"--oci-layout drydock-12=/layout --opt context:subject=oci-layout://drydock-12@sha256:1 " +
			"--no-cache --output type=oci,tar=false,dest=/layout --metadata-file TMP/metadata.json",
		"buildx": "buildx build --progress=rawjson --provenance=false --sbom=false --file TMP/Dockerfile --builder lab --target last --platform linux/arm64 " +
			"--build-arg A=x,y=z --build-arg SET --build-arg UNSET_BY_ALL --secret id=a,src=/s --ssh default " +
			"--build-context docker.io/library/Alpine:latest=docker-image://alpine:3 --build-context golang:latest=oci-layout:///l:1@sha256:2 " +
			"--build-context src=https://example.com/x.git#v1 --build-context data=DATA --build-context subject=oci-layout:///layout@sha256:1 " +
			"--no-cache --output type=oci,tar=false,dest=/layout --metadata-file TMP/metadata.json CONTEXT",
	} {
		r := full(t)
		calls := fakes(t, "ok", "buildctl", "docker")
		b := &Builder{Kind: kind}
		if kind == "buildx" {
			b.Name = "lab"
		}
		var heard []Event
		res, err := b.Build(t.Context(), r, func(e Event) { heard = append(heard, e) })
		if err != nil || res.Digest != "sha256:abc" {
			t.Fatalf("%s: %v, %+v", kind, err, res)
		}
		c := calls()[0]
		tmp := filepath.Dir(c.after("--metadata-file"))
		got := strings.NewReplacer(tmp, "TMP", r.Context, "CONTEXT", r.Folders["data"], "DATA").Replace(strings.Join(c.Args, " "))
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", kind, got, want)
		}
		if kind == "buildctl" {
			b.Name = "tcp://b:1234"
			if _, err := b.Build(t.Context(), r, nil); err != nil {
				t.Fatal(err)
			}
			if all := calls(); !strings.HasPrefix(strings.Join(all[len(all)-1].Args, " "), "--addr tcp://b:1234 build --progress") {
				t.Errorf("an address of its own: %q", all[len(all)-1].Args)
			}
		}
		if ignore, ok := c.Files["Dockerfile.dockerignore"]; c.Epoch || c.Files["Dockerfile"] != r.Dockerfile || !ok || ignore != "" {
			t.Errorf("%s: epoch %v, files %q", kind, c.Epoch, c.Files)
		}
		if len(res.Steps) != 2 || res.Steps[1].Name != "[2/2] RUN make" || res.Steps[1].Completed.Sub(res.Steps[1].Started) != 3*time.Second {
			t.Errorf("%s: %+v", kind, res.Steps)
		}
		if want := (Event{Build: "before", Done: 2, Total: 2}); len(heard) != 3 || heard[2] != want || heard[0].Step.Name == "" {
			t.Errorf("%s: heard %+v", kind, heard)
		}
		nothingLeft(t)
	}
}

// Without Export nothing is kept; without rules of its own a request writes none.
func TestArgumentsPlain(t *testing.T) {
	for kind, want := range map[string]string{"buildctl": "", "buildx": "--output type=cacheonly"} {
		calls := fakes(t, "ok", "buildctl", "docker")
		heard := 0
		if _, err := (&Builder{Kind: kind}).Build(t.Context(), Request{Context: t.TempDir(), Quiet: true}, func(Event) { heard++ }); err != nil {
			t.Fatal(err)
		}
		c := calls()[0]
		if _, ok := c.Files["Dockerfile.dockerignore"]; ok || heard > 0 || !strings.Contains(strings.Join(c.Args, " "), want) || slices.Contains(c.Args, "--metadata-file") {
			t.Errorf("%s: %+v, heard %d", kind, c, heard)
		}
	}
}

// A named context that can't be is refused before anything runs.
func TestContextsRefused(t *testing.T) {
	for _, c := range []struct{ kind, context, want string }{
		{"buildctl", "x", `"x" is no named context`},
		{"buildx", "x=", `"x=" is no named context`},
		{"buildctl", "x=/nowhere/at/all", "named context x: stat /nowhere/at/all"},
		{"buildctl", "x=oci-layout:///nowhere/at/all", "/nowhere/at/all is no OCI layout"},
		{"podman", "x=oci-layout:///l@sha256:1", "podman takes no named context oci-layout:///l@sha256:1: use docker buildx or buildctl"},
		{"podman", "x=https://example.com/x.git", "podman takes no named context"},
	} {
		calls := fakes(t, "ok", "buildctl", "docker", "podman")
		_, err := (&Builder{Kind: c.kind}).Build(t.Context(), Request{Name: "before", Options: Options{Contexts: []string{c.context}}}, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "before: ") || !strings.Contains(err.Error(), c.want) || len(calls()) > 0 {
			t.Errorf("%s %s: %v, %d calls", c.kind, c.context, err, len(calls()))
		}
	}
}

// A docker driver that can't export: the image goes by a name in Docker's store.
func TestDockerDriver(t *testing.T) {
	calls := fakes(t, "docker driver", "docker")
	b := &Builder{Kind: "buildx", Driver: "docker"}
	layout := filepath.Join(t.TempDir(), "oci")
	r := Request{Name: "before", Context: t.TempDir(), Layout: layout, Export: true}
	first, err := b.Build(t.Context(), r, nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.Build(t.Context(), r, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, res := range []*Result{first, second} {
		if _, err := os.Stat(filepath.Join(layout, "blobs", "sha256", strings.TrimPrefix(res.Digest, "sha256:"))); err != nil || len(res.Steps) != 2 {
			t.Errorf("%v: %+v", err, res)
		}
	}
	if _, err := b.Build(t.Context(), Request{Context: t.TempDir(), Layout: layout, Images: map[string]string{"subject": second.Digest}}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Build(t.Context(), Request{Name: "probe", Context: t.TempDir(), Images: map[string]string{"subject": "sha256:0"}}, nil); err == nil || !strings.Contains(err.Error(), "docker has no image sha256:0") {
		t.Errorf("an image of another builder: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	all := calls()
	var did []string
	for _, c := range all {
		did = append(did, strings.Join(c.Args[:min(2, len(c.Args))], " "))
	}
	tags := []string{all[1].after("--tag"), all[3].after("--tag")}
	// The second build knows that there is no use in asking for an OCI layout.
	want := []string{"buildx build", "buildx build", "save --output", "buildx build", "save --output", "buildx build"}
	if !slices.Equal(did[:6], want) || !slices.Contains(all[1].Args, "--load") || tags[0] == tags[1] || !strings.HasPrefix(tags[0], "localhost/drydock-") {
		t.Errorf("did %q with %q", did, tags)
	}
	if got := all[5].after("--build-context"); got != "subject=docker-image://"+tags[1] {
		t.Errorf("the probe takes %s, want %s", got, tags[1])
	}
	removed := []string{all[6].after("rmi"), all[7].after("rmi")}
	slices.Sort(removed)
	slices.Sort(tags)
	if !slices.Equal(removed, tags) || len(all) != 8 {
		t.Errorf("removed %q, want %q", removed, tags)
	}
	nothingLeft(t)
}

func TestPodman(t *testing.T) {
	calls := fakes(t, "ok", "podman")
	b := &Builder{Kind: "podman"}
	layout := filepath.Join(t.TempDir(), "oci")
	r := Request{
		Name: "before", Context: t.TempDir(), Ignore: new("b\n"), Layout: layout, Export: true, NoCache: true, Folders: map[string]string{"data": "/data"},
		Options: Options{Target: "last", Platform: "linux/arm64", BuildArgs: []string{"A=1", "B"}, Secrets: []string{"id=a,src=/s"}, SSH: []string{"default"}},
	}
	var heard []Event
	res, err := b.Build(t.Context(), r, func(e Event) { heard = append(heard, e) })
	if err != nil {
		t.Fatal(err)
	}
	c := calls()[0]
	tag := c.after("--tag")
	got := strings.NewReplacer(filepath.Dir(c.after("--file")), "TMP", tag, "TAG", r.Context, "CONTEXT").Replace(strings.Join(c.Args, " "))
	want := "build --format docker --file TMP/Dockerfile --ignorefile TMP/Dockerfile.dockerignore --tag TAG --target last --platform linux/arm64 " +
		"--build-arg A=1 --build-arg B --secret id=a,src=/s --ssh default --build-context data=/data --no-cache CONTEXT"
	if got != want {
		t.Errorf(" got %s\nwant %s", got, want)
	}
	var steps []string
	for _, s := range res.Steps {
		steps = append(steps, s.Name+" "+strconv.FormatBool(s.Cached))
	}
	if want := []string{"[1/2] FROM docker.io/library/debian:12 AS base false", "[1/2] RUN make true", "[2/2] FROM base false", "[2/2] RUN echo hello false"}; !slices.Equal(steps, want) {
		t.Errorf("got %q, want %q", steps, want)
	}
	if !strings.HasPrefix(res.Steps[3].Output, "hello\n") {
		t.Errorf("got %q", res.Steps[3].Output)
	}
	if last := heard[len(heard)-2]; last.Done != 4 || last.Total != 4 || heard[0].Total != 2 {
		t.Errorf("heard %+v", heard)
	}
	if _, err := b.Build(t.Context(), Request{Context: t.TempDir(), Images: map[string]string{"subject": res.Digest}}, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	all := calls()
	if got := all[2].after("--build-context"); got != "subject=docker-image://"+tag {
		t.Errorf("got %s", got)
	}
	if got := strings.Join(all[3].Args, " "); got != "untag "+tag+" "+tag {
		t.Errorf("got %s", got)
	}
	nothingLeft(t)
}

// A program that takes the interrupt ends by itself; one that doesn't is killed, with
// its children.
func TestCancel(t *testing.T) {
	old := grace
	t.Cleanup(func() { grace = old })
	for _, how := range []string{"polite", "rude"} {
		grace = old
		if how == "rude" {
			grace = 100 * time.Millisecond
		}
		fakes(t, how, "buildctl")
		log := os.Getenv("FAKE_LOG")
		ctx, cancel := context.WithCancel(t.Context())
		res, err := (&Builder{Kind: "buildctl"}).Build(ctx, Request{Name: "before", Context: t.TempDir()}, func(Event) { cancel() })
		if !errors.Is(err, context.Canceled) || err.Error() != "before: context canceled" || len(res.Steps) != 1 {
			t.Errorf("%s: %v, %+v", how, err, res)
		}
		if how == "polite" {
			if _, err := os.Stat(log + ".interrupted"); err != nil {
				t.Errorf("no interrupt: %v", err)
			}
		} else if raw, err := os.ReadFile(log + ".child"); err != nil {
			t.Error(err)
		} else {
			pid, err := strconv.Atoi(string(raw))
			if err != nil {
				t.Fatal(err)
			}
			// The kill was sent; whoever adopted the child reaps it a little later.
			for i := 0; syscall.Kill(pid, 0) == nil && !zombie(pid); i++ {
				if i == 500 {
					t.Fatal("the child lives")
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
		nothingLeft(t)
	}
	fakes(t, "ok")
	if _, err := (&Builder{Kind: "buildctl"}).Build(t.Context(), Request{Name: "before"}, nil); !errors.Is(err, ErrGone) || !strings.Contains(err.Error(), "install it") {
		t.Errorf("without the program: %v", err)
	}
}

func zombie(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func nothingLeft(t *testing.T) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*")); len(left) > 0 {
		t.Errorf("stay: %v", left)
	}
}
