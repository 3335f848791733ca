package imagefs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// An Image is one in an OCI layout, with the files that a container of it sees. Goroutines may share it.
type Image struct {
	Digest string // of its manifest
	Config v1.ConfigFile
	Layers []Layer // the lowest first
	Tree   Tree
	Wasted int64 // bytes of files that a later layer overwrites or deletes

	reader *Reader
	layers []*layer

	pathsOnce sync.Once
	paths     []string // sorted

	ownersOnce sync.Once
	owners     map[string]string // package by path

	loaderOnce sync.Once
	loader     *loader
}

// A Layer is one of an image.
type Layer struct {
	Digest     string
	Compressed int64  // bytes
	Size       int64  // bytes of its archive
	CreatedBy  string // of its history, "" when unknown
	Wasted     int64  // bytes of its files that a later layer overwrites or deletes
}

// Compressed is the size in bytes of all layers, as a registry stores them.
func (i *Image) Compressed() int64 {
	var n int64
	for _, l := range i.Layers {
		n += l.Compressed
	}
	return n
}

// Image reads the image with that digest; of an index the one for the platform
// ("linux/amd64"; "" for this machine's architecture).
func (r *Reader) Image(digest, platform string) (*Image, error) {
	i, m, err := r.bare(digest, platform)
	if err != nil {
		return nil, err
	}
	var digests []string
	for _, l := range m.Layers {
		digests = append(digests, l.Digest.String())
	}
	if i.layers, err = r.read(digests); err != nil {
		return nil, fmt.Errorf("image %s: %w", i.Digest, err)
	}
	if i.Tree, err = stack(i.layers); err != nil {
		return nil, fmt.Errorf("image %s: %w", i.Digest, err)
	}
	i.describe()
	return i, nil
}

// Bare is Image without its layers and files: its manifest's digest and its configuration, which take no time to read.
func (r *Reader) Bare(digest, platform string) (*Image, error) {
	i, _, err := r.bare(digest, platform)
	return i, err
}

func (r *Reader) bare(digest, platform string) (*Image, *v1.Manifest, error) {
	digest, m, err := r.manifest(digest, platform)
	if err != nil {
		return nil, nil, fmt.Errorf("image %s in %s: %w", digest, r.layout, err)
	}
	raw, err := layout.Path(r.layout).Bytes(m.Config.Digest)
	if err != nil {
		return nil, nil, fmt.Errorf("image %s: the layout lacks its configuration: build again: %w", digest, err)
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(raw))
	if err != nil {
		return nil, nil, fmt.Errorf("image %s: its configuration %s is corrupt: build again: %w", digest, m.Config.Digest, err)
	}
	return &Image{Digest: digest, Config: *config, reader: r}, m, nil
}

// manifest finds the image's manifest, in an index too, and gives its digest.
func (r *Reader) manifest(digest, platform string) (string, *v1.Manifest, error) {
	h, err := v1.NewHash(digest)
	if err != nil {
		return digest, nil, err
	}
	// The layout's own index isn't asked: builders that share a layout each write theirs over it.
	raw, err := layout.Path(r.layout).Bytes(h)
	if err != nil {
		return digest, nil, fmt.Errorf("the layout lacks it: build again: %w", err)
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(raw, &index); err != nil {
		return digest, nil, fmt.Errorf("it is no manifest: %w", err)
	}
	if index.Manifests == nil {
		m, err := v1.ParseManifest(bytes.NewReader(raw))
		return digest, m, err
	}
	want := &v1.Platform{OS: "linux", Architecture: runtime.GOARCH}
	if platform != "" {
		if want, err = v1.ParsePlatform(platform); err != nil {
			return digest, nil, fmt.Errorf("platform %q: write it like linux/amd64: %w", platform, err)
		}
	}
	var have []string
	for _, d := range index.Manifests {
		if d.Platform == nil || d.Platform.Satisfies(*want) {
			return r.manifest(d.Digest.String(), platform)
		}
		if d.Platform.OS != "unknown" { // an attestation's
			have = append(have, d.Platform.String())
		}
	}
	return digest, nil, fmt.Errorf("it has no image for %s, only for %s: choose one of these", want, strings.Join(have, ", "))
}

// describe fills in Layers and Wasted.
func (i *Image) describe() {
	seen := make(map[*Node]bool, len(i.Tree))
	for _, n := range i.Tree {
		seen[n] = true
	}
	history := slices.DeleteFunc(slices.Clone(i.Config.History), func(h v1.History) bool { return h.EmptyLayer })
	for k, l := range i.layers {
		d := Layer{Digest: l.digest, Compressed: l.compressed, Size: l.size}
		if len(history) == len(i.layers) {
			d.CreatedBy = history[k].CreatedBy
		}
		for _, e := range l.entries {
			if e.node != nil && !seen[e.node] {
				d.Wasted += e.node.Size
			}
		}
		i.Layers = append(i.Layers, d)
		i.Wasted += d.Wasted
	}
}

// sorted are all paths, sorted.
func (i *Image) sorted() []string {
	i.pathsOnce.Do(func() {
		i.paths = make([]string, 0, len(i.Tree))
		for p := range i.Tree {
			i.paths = append(i.paths, p)
		}
		slices.Sort(i.paths)
	})
	return i.paths
}

// below are the paths below a real folder, sorted; nil for none.
func (i *Image) below(dir string) []string {
	all := i.sorted()
	if dir == "." {
		return all
	}
	from, _ := slices.BinarySearch(all, dir+"/")
	to, _ := slices.BinarySearch(all, dir+"0") // the character after "/"
	if from == to {
		return nil
	}
	return all[from:to]
}

// entries are the names right in a folder, links followed.
func (i *Image) entries(dir string) []string {
	real, _ := i.Tree.follow(dir)
	var out []string
	last := ""
	for _, p := range i.below(real) {
		if real != "." {
			p = p[len(real)+1:]
		}
		if name, _, _ := strings.Cut(p, "/"); name != last && name != "." {
			last = name
			out = append(out, name)
		}
	}
	return out
}

// env is the value of a variable of the image's configuration.
func (i *Image) env(name string) (string, bool) {
	for _, kv := range slices.Backward(i.Config.Config.Env) {
		if k, v, _ := strings.Cut(kv, "="); k == name {
			return v, true
		}
	}
	return "", false
}
