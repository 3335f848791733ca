//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"drydock/verify/probe"
)

// An image is a built one as the OCI layout describes it.
type image struct {
	digest string
	bytes  int64    // of all layers, compressed
	layers []string // their digests, the lowest first
	config imageConfig
	raw    map[string]any // the config as it stands, and the author beside it
}

// imageConfig holds the fields of the OCI image configuration that a container can feel.
type imageConfig struct {
	User, WorkingDir, StopSignal string
	Entrypoint, Cmd, Env         []string
	ExposedPorts, Volumes        map[string]struct{}
	Labels                       map[string]string
}

// readImage reads what a build left in world.layout.
func readImage(digest string) (*image, error) {
	var m struct {
		Config struct{ Digest string }
		Layers []struct {
			Digest string
			Size   int64
		}
		Manifests []struct { // of an index
			Digest   string
			Platform struct{ Architecture string }
		}
	}
	if err := readBlob(digest, &m); err != nil {
		return nil, err
	}
	for _, sub := range m.Manifests {
		if sub.Platform.Architecture == runtime.GOARCH {
			return readImage(sub.Digest)
		}
	}
	img := &image{digest: digest}
	for _, l := range m.Layers {
		img.layers = append(img.layers, l.Digest)
		img.bytes += l.Size
	}
	var c struct{ Config imageConfig }
	if err := readBlob(m.Config.Digest, &c); err != nil {
		return nil, err
	}
	img.config = c.Config
	var raw struct {
		Author string
		Config map[string]any
	}
	if err := readBlob(m.Config.Digest, &raw); err != nil {
		return nil, err
	}
	img.raw = raw.Config
	img.raw["Author"] = raw.Author
	return img, nil
}

func readBlob(digest string, v any) error {
	raw, err := os.ReadFile(filepath.Join(world.layout, "blobs", filepath.FromSlash(strings.Replace(digest, ":", "/", 1))))
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}

// observed runs the image's ENTRYPOINT and CMD as its own user, without network, and tells what it did.
func (i *image) observed(ctx context.Context, spec probe.Spec) (*probe.Result, error) {
	dir, err := os.MkdirTemp("", "drydock-e2e-probe-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)

	spec.Argv = slices.Concat(i.config.Entrypoint, i.config.Cmd)
	spec.Nonce = strconv.FormatInt(time.Now().UnixNano(), 36) // a cached step tells nothing
	word, err := probe.Encode(spec)
	if err != nil {
		return nil, err
	}
	file := "FROM subject\nRUN --network=none --mount=type=bind,from=probe,target=/.probe [\"/.probe/probe\",\"" + word + "\"]\n"
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(file), 0o644); err != nil {
		return nil, err
	}
	b, err := world.builder.build(ctx, request{
		dir: dir, dirs: map[string]string{"probe": world.probe}, images: map[string]string{"subject": i.digest},
	})
	if err != nil {
		return nil, fmt.Errorf("running the image: %w", err)
	}
	for _, s := range b.steps {
		if strings.Contains(s.output.String(), probe.Marker) {
			return probe.Find(s.output.String())
		}
	}
	return nil, fmt.Errorf("running the image: the probe printed nothing")
}
