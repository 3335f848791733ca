package oci

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"drydock/images"
)

// Blobs gives bytes that are verified against their digest.
type Blobs interface {
	// Manifest gives an index or a manifest, and its media type.
	Manifest(digest string) (body []byte, mediaType string, err error)
	// Config gives the configuration of an image; size is what the manifest says.
	Config(digest string, size int64) ([]byte, error)
}

const (
	maxDepth   = 3   // an index in an index in an index
	maxEntries = 512 // of all indexes of one image
)

// leaf is the image of one platform.
type leaf struct{ platform, digest string }

// Platforms lists what the image is for, sorted.
func Platforms(root images.Descriptor, b Blobs) ([]string, error) {
	all, err := leaves(root, b)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, l := range all {
		out = append(out, l.platform)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// leaves finds the images below root, attestations left out.
func leaves(root images.Descriptor, b Blobs) ([]leaf, error) {
	w := walk{blobs: b, seen: map[string]bool{}}
	if err := w.add(root.Digest, nil, 0); err != nil {
		return nil, err
	}
	if len(w.out) == 0 {
		return nil, invalid("the index names no image", "name another image")
	}
	return w.out, nil
}

type walk struct {
	blobs   Blobs
	seen    map[string]bool
	entries int
	out     []leaf
}

func (w *walk) add(digest string, platform *v1.Platform, depth int) error {
	if name := platformName(platform); name != "" {
		w.out = append(w.out, leaf{name, digest})
		return nil
	}
	if w.seen[digest] {
		return nil
	}
	w.seen[digest] = true
	body, mediaType, err := w.blobs.Manifest(digest)
	if err != nil {
		return err
	}
	if !types.MediaType(mediaType).IsIndex() {
		_, config, err := image(w.blobs, digest)
		if err != nil {
			return err
		}
		name := platformName(config.Platform())
		if name == "" {
			return invalid("the configuration of an image names no platform", "build it anew")
		}
		w.out = append(w.out, leaf{name, digest})
		return nil
	}
	if depth == maxDepth {
		return invalid("indexes are nested too deeply", "name another image")
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(body, &index); err != nil {
		return invalid("an index can't be read: "+Clean(err.Error()), "check the registry")
	}
	if w.entries += len(index.Manifests); w.entries > maxEntries {
		return invalid(fmt.Sprintf("there are more than %d entries in the index", maxEntries), "name another image")
	}
	for _, d := range index.Manifests {
		switch {
		case attestation(d), !d.MediaType.IsIndex() && !d.MediaType.IsImage():
		case d.MediaType.IsIndex():
			err = w.add(d.Digest.String(), nil, depth+1)
		default:
			err = w.add(d.Digest.String(), d.Platform, depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// attestation tells of an index's entry that it is about another entry:
// https://docs.docker.com/build/metadata/attestations/attestation-storage/.
func attestation(d v1.Descriptor) bool {
	if p := d.Platform; p != nil && p.OS == "unknown" && p.Architecture == "unknown" {
		return true
	}
	return d.Annotations["vnd.docker.reference.type"] != ""
}

// image reads manifest and configuration of one platform.
func image(b Blobs, digest string) (*v1.Manifest, *v1.ConfigFile, error) {
	body, mediaType, err := b.Manifest(digest)
	if err != nil {
		return nil, nil, err
	}
	var m v1.Manifest
	if !types.MediaType(mediaType).IsImage() {
		return nil, nil, invalid("an index stands where an image's manifest should", "check the registry")
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, nil, invalid("a manifest can't be read: "+Clean(err.Error()), "check the registry")
	}
	switch {
	case !m.Config.MediaType.IsConfig():
		return nil, nil, invalid(fmt.Sprintf("it holds %s, which isn't a container image", Clean(string(m.Config.MediaType))), "name an image")
	case m.Config.Size < 0 || m.Config.Size > MaxConfig:
		return nil, nil, invalid(fmt.Sprintf("the configuration of the image has %d bytes", m.Config.Size), "name another image")
	}
	raw, err := b.Config(m.Config.Digest.String(), m.Config.Size)
	if err != nil {
		return nil, nil, err
	}
	var c v1.ConfigFile
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, nil, invalid("the configuration of the image can't be read: "+Clean(err.Error()), "check the registry")
	}
	return &m, &c, nil
}

// Describe reads what is known of one platform's image; the platform "" is the
// machine's own, else linux/amd64, else the first. When the image isn't there
// for the platform the error is images.ErrPlatform.
func Describe(root images.Descriptor, b Blobs, platform string) (images.Description, error) {
	all, err := leaves(root, b)
	if err != nil {
		return images.Description{}, err
	}
	l, ok := pick(all, platform)
	if !ok {
		var names []string
		for _, l := range all {
			names = append(names, l.platform)
		}
		slices.Sort(names)
		return images.Description{}, fmt.Errorf("%w: it isn't for %s, but for %s: name one of these", images.ErrPlatform, Clean(platform), Clean(strings.Join(slices.Compact(names), ", ")))
	}
	m, config, err := image(b, l.digest)
	if err != nil {
		return images.Description{}, err
	}
	d := images.Description{
		Descriptor: root, Platform: l.platform, Manifest: l.digest,
		Size: m.Config.Size, Layers: len(m.Layers), Created: day(config),
		User: config.Config.User, Workdir: config.Config.WorkingDir,
		Entrypoint: config.Config.Entrypoint, Cmd: config.Config.Cmd, Env: config.Config.Env,
		StopSignal: config.Config.StopSignal, OnBuild: config.Config.OnBuild, Labels: config.Config.Labels,
		Expose:  slices.Sorted(maps.Keys(config.Config.ExposedPorts)),
		Volumes: slices.Sorted(maps.Keys(config.Config.Volumes)),
	}
	for _, layer := range m.Layers {
		if layer.Size < 0 || d.Size+layer.Size < d.Size {
			return images.Description{}, invalid("the sizes of the layers aren't true", "check the registry")
		}
		d.Size += layer.Size
	}
	return d, nil
}

func pick(all []leaf, platform string) (leaf, bool) {
	wants := []string{platform}
	if platform == "" {
		wants = own()
	}
	for _, want := range wants {
		for _, p := range runs(want) {
			for _, l := range all {
				if normal(l.platform) == p {
					return l, true
				}
			}
		}
	}
	if platform == "" {
		return all[0], true
	}
	return leaf{}, false
}

// day is when the image was made. Reproducible builds write a day of their own:
// 1970-01-01 (jib, Bazel), 1980-01-01 (buildpacks); no image is older than
// Docker, March 2013.
func day(c *v1.ConfigFile) string {
	t := c.Created.UTC()
	if t.Year() < 2013 || t.Year() > 9999 {
		return ""
	}
	return t.Format("2006-01-02")
}
