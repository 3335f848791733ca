//go:build e2e

package e2e

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"drydock/verify/builder"
)

// worldBuilder builds folders into world.layout.
type worldBuilder struct{ *builder.Builder }

// findBuilder takes the first builder that answers, buildctl before buildx; E2E_BUILDER names the only one to try.
func findBuilder(ctx context.Context) (worldBuilder, error) {
	b, err := builder.Find(ctx, os.Getenv("E2E_BUILDER"))
	return worldBuilder{b}, err
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
	output bytes.Buffer
}

// build runs one build. Its error carries the output of the step that failed.
func (b worldBuilder) build(ctx context.Context, r request) (*built, error) {
	file := filepath.Join(cmp.Or(r.file, r.dir), "Dockerfile")
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	req := builder.Request{
		Name: filepath.Base(r.dir), Dockerfile: string(text), Context: r.dir, Images: r.images, Folders: r.dirs,
		Layout: world.layout, Export: r.export, NoCache: r.noCache,
	}
	ignore, err := os.ReadFile(file + ".dockerignore")
	switch {
	case err == nil:
		req.Ignore = new(string(ignore))
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	res, err := b.Build(ctx, req, nil)
	out := &built{digest: res.Digest, took: res.Took}
	for _, s := range res.Steps {
		o := &step{name: s.Name, cached: s.Cached}
		o.output.WriteString(s.Output)
		out.steps = append(out.steps, o)
	}
	var e *builder.Error
	if errors.As(err, &e) {
		err = fmt.Errorf("%w\n%s", e, strings.TrimSpace(e.Output))
	}
	return out, err
}

func tail(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
