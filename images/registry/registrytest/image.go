package registrytest

import (
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Image is what a tag names. The layers hold a few bytes, no files.
type Image struct {
	Content   string    // tells images apart: "3.12.14"; "" is the name of repository and tag
	Platforms []string  // "linux/amd64", "linux/arm64/v8"; more than one make an index; nil is linux/amd64 alone
	Index     bool      // an index even for one platform
	Attested  bool      // the index lists attestations (unknown/unknown) too, as buildx makes them
	Docker    bool      // Docker's media types in place of OCI's
	Config    v1.Config // what a container starts with
	Created   time.Time // zero is 2026-08-01
	Layers    int       // 0 is 2
}

// Build makes the image: a v1.Image or a v1.ImageIndex.
func (i Image) Build() (mutate.Appendable, error) {
	platforms := i.Platforms
	if len(platforms) == 0 {
		platforms = []string{"linux/amd64"}
	}
	if len(platforms) == 1 && !i.Index {
		return i.platform(platforms[0])
	}
	kind := types.OCIImageIndex
	if i.Docker {
		kind = types.DockerManifestList
	}
	index := mutate.IndexMediaType(empty.Index, kind)
	for _, name := range platforms {
		img, err := i.platform(name)
		if err != nil {
			return nil, err
		}
		p, err := v1.ParsePlatform(name)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: p}})
		if !i.Attested {
			continue
		}
		of, err := img.Digest()
		if err != nil {
			return nil, err
		}
		// Source of the form: https://docs.docker.com/build/metadata/attestations/attestation-storage/
		statement, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1),
			static.NewLayer([]byte(`{"of":"`+of.String()+`"}`), "application/vnd.in-toto+json"))
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: statement, Descriptor: v1.Descriptor{
			Platform:    &v1.Platform{OS: "unknown", Architecture: "unknown"},
			Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": of.String()},
		}})
	}
	return index, nil
}

func (i Image) platform(name string) (v1.Image, error) {
	p, err := v1.ParsePlatform(name)
	if err != nil {
		return nil, err
	}
	manifest, config, layer := types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer
	if i.Docker {
		manifest, config, layer = types.DockerManifestSchema2, types.DockerConfigJSON, types.DockerLayer
	}
	created := i.Created
	if created.IsZero() {
		created = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, manifest), config)
	if img, err = mutate.ConfigFile(img, &v1.ConfigFile{
		OS: p.OS, Architecture: p.Architecture, Variant: p.Variant, OSVersion: p.OSVersion,
		Created: v1.Time{Time: created}, Config: i.Config, RootFS: v1.RootFS{Type: "layers"},
	}); err != nil {
		return nil, err
	}
	for n := range max(i.Layers, 2*btoi(i.Layers == 0)) {
		text := fmt.Sprintf("%s, %s, layer %d", i.Content, name, n)
		if img, err = mutate.AppendLayers(img, static.NewLayer([]byte(text), layer)); err != nil {
			return nil, err
		}
	}
	return img, nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
