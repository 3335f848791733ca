//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A builder is one of the two programs that speak to BuildKit.
type builder string

const (
	buildctl builder = "buildctl"
	buildx   builder = "buildx"
)

// findBuilder takes the first builder that answers, buildctl before buildx; E2E_BUILDER names the only one to try.
func findBuilder(ctx context.Context) (builder, error) {
	ask := map[builder]func() error{
		buildctl: func() error {
			if os.Getenv("BUILDKIT_HOST") == "" {
				return errors.New("BUILDKIT_HOST is not set")
			}
			return answer(ctx, "buildctl", "debug", "workers")
		},
		buildx: func() error { return answer(ctx, "docker", "buildx", "inspect", "--bootstrap") },
	}
	try := []builder{buildctl, buildx}
	if only := builder(os.Getenv("E2E_BUILDER")); only != "" {
		if ask[only] == nil {
			return "", fmt.Errorf("E2E_BUILDER=%s: want buildctl or buildx", only)
		}
		try = []builder{only}
	}
	var why []string
	for _, b := range try {
		err := ask[b]()
		if err == nil {
			return b, nil
		}
		why = append(why, fmt.Sprintf("%s: %v", b, err))
	}
	return "", fmt.Errorf("no builder answers (%s): set BUILDKIT_HOST and have buildctl on PATH, or have a docker buildx builder",
		strings.Join(why, "; "))
}

func answer(ctx context.Context, name string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil && len(bytes.TrimSpace(out)) > 0 {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("%w: %s", err, lines[len(lines)-1])
	}
	return err
}

// A request is one build of dir/Dockerfile with dir as context.
type request struct {
	dir     string
	file    string            // another folder that holds the Dockerfile, "" for dir
	dirs    map[string]string // further named contexts: folders
	images  map[string]string // further named contexts: digests in world.layout
	noCache bool
	export  bool // the image into world.layout
}

// A built is what came out.
type built struct {
	digest string // of the manifest or index in world.layout, when exported
	took   time.Duration
	steps  []*step
}

// A step is one vertex of BuildKit's graph, such as "[builder 3/5] RUN pip install …".
type step struct {
	name   string
	cached bool
	failed string
	output bytes.Buffer
}

// build runs one build. Its error carries the output of the step that failed.
func (b builder) build(ctx context.Context, r request) (*built, error) {
	tmp, err := os.MkdirTemp("", "drydock-e2e-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	meta := filepath.Join(tmp, "metadata.json")

	cmd := exec.CommandContext(ctx, "buildctl")
	if b == buildx {
		cmd = exec.CommandContext(ctx, "docker")
	}
	cmd.Args = append(cmd.Args, b.args(r, meta)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "SOURCE_DATE_EPOCH=") }) // it is drydock's; buildx hands it on
	cmd.Stdout = io.Discard
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	steps, rest := readProgress(stderr)
	err = cmd.Wait()
	res := &built{took: time.Since(begin), steps: steps}
	if err != nil {
		return res, fmt.Errorf("%s: %w\n%s", b, err, failure(steps, rest))
	}
	if r.export {
		res.digest, err = readDigest(meta)
	}
	return res, err
}

// args are the two programs' words for the same request.
func (b builder) args(r request, meta string) []string {
	const progress = "--progress=rawjson"
	output := "type=oci,tar=false,dest=" + world.layout
	var a []string
	file := cmp.Or(r.file, r.dir)
	switch b {
	case buildctl:
		a = []string{"build", progress, "--frontend=dockerfile.v0", "--local", "context=" + r.dir, "--local", "dockerfile=" + file}
		for _, name := range slices.Sorted(maps.Keys(r.dirs)) {
			a = append(a, "--local", name+"="+r.dirs[name], "--opt", "context:"+name+"=local:"+name)
		}
		for _, name := range slices.Sorted(maps.Keys(r.images)) {
			a = append(a, "--oci-layout", "layout="+world.layout, "--opt", "context:"+name+"=oci-layout://layout@"+r.images[name])
		}
	case buildx:
		// Attestations would turn the image into an index; the layers are what counts here.
		a = []string{"buildx", "build", progress, "--provenance=false", "--sbom=false", "--file", filepath.Join(file, "Dockerfile")}
		for _, name := range slices.Sorted(maps.Keys(r.dirs)) {
			a = append(a, "--build-context", name+"="+r.dirs[name])
		}
		for _, name := range slices.Sorted(maps.Keys(r.images)) {
			a = append(a, "--build-context", name+"=oci-layout://"+world.layout+"@"+r.images[name])
		}
	}
	if r.noCache {
		a = append(a, "--no-cache")
	}
	if r.export {
		a = append(a, "--output", output, "--metadata-file", meta)
	} else if b == buildx {
		a = append(a, "--output", "type=cacheonly")
	}
	if b == buildx {
		a = append(a, r.dir)
	}
	return a
}

// readProgress reads BuildKit's status, one JSON object per line, to its end. rest is what was not JSON.
func readProgress(r io.Reader) (steps []*step, rest string) {
	byDigest := map[string]*step{}
	at := func(digest string) *step {
		if byDigest[digest] == nil {
			byDigest[digest] = &step{}
			steps = append(steps, byDigest[digest])
		}
		return byDigest[digest]
	}
	var other strings.Builder
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		var status struct {
			Vertexes []struct {
				Digest, Name, Error string
				Cached              bool
			}
			Logs []struct {
				Vertex string
				Data   []byte
			}
		}
		if json.Unmarshal(line, &status) == nil {
			for _, v := range status.Vertexes {
				s := at(v.Digest)
				s.name, s.cached, s.failed = v.Name, s.cached || v.Cached, v.Error
			}
			for _, l := range status.Logs {
				at(l.Vertex).output.Write(l.Data)
			}
		} else {
			other.Write(line)
		}
		if err != nil {
			return steps, other.String()
		}
	}
}

// failure is what a reader wants of a failed build: the step, the end of its output, the program's last words.
func failure(steps []*step, rest string) string {
	var b strings.Builder
	for _, s := range steps {
		if s.failed != "" {
			fmt.Fprintf(&b, "%s\n%s\n%s\n", s.name, tail(s.output.String(), 30), s.failed)
		}
	}
	return b.String() + tail(rest, 20)
}

func tail(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func readDigest(meta string) (string, error) {
	raw, err := os.ReadFile(meta)
	if err != nil {
		return "", err
	}
	var m struct {
		Digest string `json:"containerimage.digest"`
	}
	if err := json.Unmarshal(raw, &m); err != nil || m.Digest == "" {
		return "", fmt.Errorf("no containerimage.digest in the build's metadata (%v): %s", err, raw)
	}
	return m.Digest, nil
}
