package builder

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// dockerfileFailed is what BuildKit prints at the end of a failed build.
func dockerfileFailed(line int, text, complaint string) string {
	return fmt.Sprintf("Dockerfile:%d\n--------------------\n %3d | >>> %s\n %3d |     \n--------------------\n%s\n", line, line, text, line+1, complaint)
}

// The complaints are those of BuildKit 0.34, buildx 0.38 and podman 4.3, seen when
// the things happened; docker hub's and a few of podman's are as they are reported.
func TestFailures(t *testing.T) {
	const head = "error: failed to solve: debian: failed to resolve source metadata for docker.io/library/debian:latest: "
	for _, c := range []struct {
		name      string
		told      []string // lines of progress
		complaint string
		cause     error
		line      int
		message   string
	}{
		{"a step",
			[]string{
				told("sha256:2", "[build 3/3] RUN make", "", noon, time.Time{}),
				printed("sha256:2", 1, "cc -c x.c\n", after(1)), printed("sha256:2", 2, "x.c:1:1: error: expected ';'\n", after(2)),
				printed("sha256:2", 2, "make: *** [x.o] Error 1\n", after(2)),
				told("sha256:2", "[build 3/3] RUN make", `process "/bin/sh -c make" did not complete successfully: exit code: 2`, noon, after(3)),
				told("sha256:3", "[other 1/1] RUN sleep 9", "context canceled", noon, after(3)),
			},
			dockerfileFailed(4, "RUN make", `error: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 2`),
			nil, 4, "before: RUN make (Dockerfile:4) failed: make: *** [x.o] Error 1"},
		{"a step whose outputs are told in another order",
			[]string{
				told("sha256:2", "[2/2] RUN x", "exit code: 2", noon, after(3)),
				printed("sha256:2", 2, "what went wrong\n", after(2)), printed("sha256:2", 1, "first\n", after(2.01)),
			}, "", nil, 0, "before: RUN x failed: what went wrong"},
		{"a step that goes on after a warning",
			[]string{
				told("sha256:2", "[2/2] RUN x", "exit code: 2", noon, after(3)),
				printed("sha256:2", 2, "a warning\n", after(1)), printed("sha256:2", 1, "1 test failed\n", after(2)),
			}, "", nil, 0, "before: RUN x failed: 1 test failed"},
		{"a step of pip",
			[]string{
				told("sha256:2", "[2/2] RUN pip", "exit code: 1", noon, after(3)),
				printed("sha256:2", 2, "ERROR: No matching distribution found for nothing==1\n\n[notice] A new release of pip is available: 24.0 -> 26.0\n[notice] To update, run: pip install --upgrade pip\n", after(2)),
			}, "", nil, 0, "before: RUN pip failed: ERROR: No matching distribution found for nothing==1"},
		{"a step of npm",
			[]string{
				told("sha256:2", "[2/2] RUN npm ci", "exit code: 1", noon, after(3)),
				printed("sha256:2", 2, "npm error 404  'nothing@1' is not in this registry.\nnpm notice\nnpm notice New major version of npm available!\nnpm error A complete log of this run can be found in: /root/.npm/_logs/1-debug-0.log\n", after(2)),
			}, "", nil, 0, "before: RUN npm ci failed: npm error 404 'nothing@1' is not in this registry."},
		{"a step without output",
			[]string{told("sha256:2", "[2/2] RUN false", `process "/bin/sh -c false" did not complete successfully: exit code: 1`, noon, after(1))},
			dockerfileFailed(2, "RUN false", `ERROR: failed to build: failed to solve: process "/bin/sh -c false" did not complete successfully: exit code: 1`),
			nil, 2, `before: RUN false (Dockerfile:2) failed: process "/bin/sh -c false" did not complete successfully: exit code: 1`},
		{"a step whose words are a registry's",
			[]string{
				told("sha256:2", "[2/2] RUN curl", `process "/bin/sh -c curl" did not complete successfully: exit code: 22`, noon, after(1)),
				printed("sha256:2", 2, "curl: (22) The requested URL returned error: 401 Unauthorized, pull access denied, connection refused, rpc error: code = Unavailable\n", after(1)),
			},
			dockerfileFailed(2, "RUN curl # unexpected status from", `error: failed to solve: process "/bin/sh -c curl # pull access denied: code = Unavailable: no space left on device" did not complete successfully: exit code: 22`),
			nil, 2, "before: RUN curl (Dockerfile:2) failed: curl: (22) The requested URL returned error: 401"},
		{"a step on a full disk",
			[]string{
				told("sha256:2", "[2/2] RUN dd", `process "/bin/sh -c dd" did not complete successfully: exit code: 1`, noon, after(1)),
				printed("sha256:2", 2, "dd: error writing '/big': No space left on device\n133+0 records in\n", after(1)),
			},
			dockerfileFailed(2, "RUN dd", `error: failed to solve: process "/bin/sh -c dd" did not complete successfully: exit code: 1`),
			ErrSpace, 2, "before: the builder's disk is full at RUN dd (Dockerfile:2): dd: error writing '/big': No space left on device: make room where the builder keeps its cache, for example with buildctl prune"},
		{"BuildKit on a full disk", nil, "error: failed to solve: ResourceExhausted: failed to read dockerfile: write /x/containerdmeta.db: no space left on device\n",
			ErrSpace, 0, "before: the builder's disk is full: ResourceExhausted: failed to read dockerfile: write /x/containerdmeta.db: no space left on device: make room"},
		{"the layout on a full disk", nil, "error: failed to solve: write /the/layout/ingest/1: no space left on device\n", ErrOwnSpace, 0, "before: the disk for temporary files is full: write /the/layout/ingest/1: no space left on device: make room at /the/layout"},
		{"the builder dies", []string{told("sha256:2", "[2/2] RUN make", "", noon, time.Time{})}, "error: failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF\n",
			ErrGone, 0, "before: the builder went away: failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF: see that it still runs, and try again"},
		{"buildx's builder dies", nil, "ERROR: failed to build: failed to receive status: rpc error: code = Unavailable desc = closing transport due to: connection error: desc = \"error reading from server: EOF\"\n", ErrGone, 0, "before: the builder went away: failed to receive status"},
		{"the builder is stopped", nil, "error: failed to solve: Canceled: context canceled\n", ErrGone, 0, "before: the builder went away: Canceled: context canceled"},
		{"nobody listens", nil, "error: listing workers for Build: failed to list workers: Unavailable: connection error: desc = \"transport: Error while dialing: dial unix /x.sock: connect: no such file or directory\"\n", ErrGone, 0, "before: the builder went away: listing workers"},
		{"no such builder", nil, "ERROR: no builder \"x\" found\n", ErrGone, 0, "before: the builder went away: no builder \"x\" found"},
		{"no Docker", nil, "ERROR: failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running\n", ErrGone, 0, "before: the builder went away: failed to connect"},
		{"a remote that is gone", nil, "ERROR: waiting for connection failed: context deadline exceeded\n", ErrGone, 0, "before: the builder went away: waiting"},

		{"no such image", nil, dockerfileFailed(1, "FROM debian", head+"docker.io/library/debian:latest: not found"), nil, 1, "before: FROM debian (Dockerfile:1) failed: there is no image docker.io/library/debian:latest"},
		{"401", nil, dockerfileFailed(1, "FROM debian", head+"unexpected status from HEAD request to http://x/v2/library/debian/manifests/latest: 401 Unauthorized"), ErrRegistry, 1,
			"before: a registry refused at FROM debian (Dockerfile:1): unexpected status from HEAD request to http://x/v2/library/debian/manifests/latest: 401 Unauthorized: log in to the registry, or correct the image's name"},
		{"429", nil, dockerfileFailed(1, "FROM debian", head+"unexpected status from HEAD request to http://x/v2/library/debian/manifests/latest: 429 Too Many Requests"), ErrRegistry, 1, "before: a registry refused at FROM debian"},
		{"503", nil, dockerfileFailed(1, "FROM debian", head+"unexpected status from HEAD request to http://x/v2/library/debian/manifests/latest: 503 Service Unavailable"), ErrRegistry, 1, "before: a registry refused at FROM debian"},
		{"no such host", nil, dockerfileFailed(1, "FROM debian", head+"failed to do request: Head \"http://x/v2/library/debian/manifests/latest\": dial tcp: lookup x: no such host"), ErrRegistry, 1, "before: a registry refused at FROM debian"},
		{"nobody at the registry", nil, dockerfileFailed(1, "FROM debian", head+"failed to do request: Head \"http://x/v2/\": dial tcp 127.0.0.1:1: connect: connection refused"), ErrRegistry, 1,
			"before: a registry refused at FROM debian (Dockerfile:1): failed to do request: Head \"http://x/v2/\": dial tcp 127.0.0.1:1: connect: connection refused: try again later, or see that the builder reaches the registry"},
		{"Docker Hub's denial", nil, dockerfileFailed(1, "FROM debian", head+"pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed"), ErrRegistry, 1, "before: a registry refused"},
		{"a layer's denial", nil, "error: failed to solve: failed to copy: httpReadSeeker: failed open: unexpected status code https://x/v2/a/blobs/sha256:1: 403 Forbidden\n", ErrRegistry, 0, "before: a registry refused: failed to copy"},

		{"no such file", []string{told("sha256:2", "[2/2] COPY nothing /", `failed to calculate checksum of ref a::b: "/nothing": not found`, noon, after(1))},
			dockerfileFailed(2, "COPY nothing /", `error: failed to solve: failed to compute cache key: failed to calculate checksum of ref a::b: "/nothing": not found`), nil, 2, `before: COPY nothing / (Dockerfile:2) failed: "/nothing": not found`},
		{"a URL that doesn't answer", nil, "error: failed to solve: failed to load cache key: Get \"http://127.0.0.1:1/x\": dial tcp 127.0.0.1:1: connect: connection refused\n", nil, 0, "before: the build failed: failed to load cache key: Get"},
		{"grammar", nil, dockerfileFailed(2, "FOO", "error: failed to solve: dockerfile parse error on line 2: unknown instruction: FOO"), nil, 2, "before: FOO (Dockerfile:2) failed: dockerfile parse error on line 2: unknown instruction: FOO"},
		{"no such stage", nil, "error: failed to solve: target stage \"x\" could not be found\n", nil, 0, `before: the build failed: target stage "x" could not be found`},
		{"nothing at all", nil, "", nil, 0, "before: the build failed: exit status 1"},

		{"podman: no such image", nil, "Error: creating build container: initializing source docker://x/y:latest: reading manifest latest in x/y: manifest unknown: manifest unknown\n", nil, 0, "before: the build failed: there is no image x/y:latest"},
		{"podman: denied", nil, "Error: creating build container: initializing source docker://x/y:latest: unable to retrieve auth token: invalid username/password: unauthorized: incorrect username or password\n", ErrRegistry, 0, "before: a registry refused"},
		{"podman: a step", nil, "Error: building at STEP \"RUN echo 'denied: initializing source docker://': no space left on device\": exit status 1\n", nil, 0, "before: the build failed: building at STEP"},
	} {
		s := newStatus("before", nil)
		in := &lines{each: s.line}
		fmt.Fprint(in, strings.Join(append(c.told, ""), "\n"), c.complaint)
		in.Close()
		e := s.failure(errors.New("exit status 1"), "buildctl", Request{Layout: "/the/layout"})
		e.Build = "before"
		if e.Cause != c.cause || e.Line != c.line || !strings.HasPrefix(e.Error(), c.message) || strings.Contains(e.Error(), "\n") {
			t.Errorf("%s: cause %v, line %d\n got %s\nwant %s", c.name, e.Cause, e.Line, e, c.message)
		}
	}
	e := &Error{Build: "before", Cause: context.DeadlineExceeded, said: "error: signal: interrupt"}
	if got := e.Error(); got != "before: context deadline exceeded" || !errors.Is(e, context.DeadlineExceeded) {
		t.Errorf("got %s", got)
	}
}

// Output is that of the step, its last 30 lines, as a terminal would show it.
func TestFailureOutput(t *testing.T) {
	s := newStatus("before", nil)
	s.line([]byte(told("sha256:2", "[2/2] RUN make", "exit code: 2", noon, after(1))))
	for i := range 50 {
		s.line([]byte(printed("sha256:2", 1, fmt.Sprintf("10%%\r100%%\r\x1b[31mline %d\x1b[0m\r\n", i), noon)))
	}
	got := s.failure(errors.New("exit status 1"), "buildx", Request{}).Output
	if lines := strings.Split(got, "\n"); len(lines) != 30 || lines[0] != "line 20" || lines[29] != "line 49" {
		t.Errorf("got %q", got)
	}
}

// Two builds that write one layer at once: the one that came second is tried again, as is a program that is still
// being written; a full disk isn't.
func TestLostRace(t *testing.T) {
	r := Request{Export: true, Layout: "/l/oci"}
	const said = `exporting to oci image format failed: failed commit on ref "layer-sha256:75aa": commit failed: rename /l/oci/ingest/cde1/data /l/oci/blobs/sha256/75aa: no such file or directory`
	for _, c := range []struct {
		err  error
		r    Request
		want bool
	}{
		{&Error{Output: said}, r, true},
		{&Error{said: said}, r, true},
		{&Error{said: said, Cause: ErrOwnSpace}, r, false},
		{&Error{said: said}, Request{Export: true, Layout: "/other"}, false},
		{&Error{said: said}, Request{Layout: "/l/oci"}, false},
		{&Error{Output: "make: failed commit on ref"}, r, false},
		{&Error{said: "could not lock /l/oci/index.json.lock"}, r, true},
		{errors.New(said), r, false},
		{&Error{said: "exec /.drydock-probe/probe: text file busy"}, Request{Folders: map[string]string{"drydock-probe": "/p"}}, true},
		{&Error{said: "exec /.drydock-probe/probe: text file busy"}, Request{}, false},
		{&Error{said: "cp: cannot create /app: text file busy"}, Request{Folders: map[string]string{"drydock-probe": "/p"}}, false},
	} {
		if got := lostRace(c.err, c.r); got != c.want {
			t.Errorf("%+v: %v", c.err, got)
		}
	}
}
