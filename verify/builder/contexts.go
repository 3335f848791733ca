package builder

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// buildctlContext are buildctl's words for a named context as buildx takes it: a
// folder, or a URL such as docker-image://IMAGE, oci-layout://FOLDER[:TAG][@DIGEST],
// https://…git. n makes the name of its source unique.
// Source: https://docs.docker.com/reference/cli/docker/buildx/build/#build-context
func buildctlContext(n int, name, value string) ([]string, error) {
	name = contextName(name)
	id := "drydock-" + strconv.Itoa(n)
	if ref, ok := strings.CutPrefix(value, "oci-layout://"); ok {
		folder, digest, err := layoutDigest(ref)
		if err != nil {
			return nil, &Error{said: fmt.Sprintf("named context %s: %v", name, err)}
		}
		return []string{"--oci-layout", id + "=" + folder, "--opt", "context:" + name + "=oci-layout://" + id + "@" + digest}, nil
	}
	for _, remote := range []string{"docker-image://", "https://", "http://", "git://", "ssh://", "git@", "target:", "input:"} {
		if strings.HasPrefix(value, remote) {
			return []string{"--opt", "context:" + name + "=" + value}, nil
		}
	}
	info, err := os.Stat(value)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no folder", value)
	}
	if err != nil {
		return nil, &Error{said: fmt.Sprintf("named context %s: %v", name, err)}
	}
	return []string{"--local", id + "=" + value, "--opt", "context:" + name + "=local:" + id}, nil
}

// contextName is a name as BuildKit's frontend looks it up: an image's familiar
// one, without ":latest". buildx does the same before it asks.
func contextName(name string) string {
	ref, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name // a stage's name may be none of an image
	}
	return strings.TrimSuffix(reference.FamiliarString(ref), ":latest")
}

// layoutDigest splits FOLDER[:TAG][@DIGEST] and looks the tag ("latest" for none)
// up in the folder's index when there is no digest: buildctl takes digests only.
func layoutDigest(ref string) (folder, digest string, err error) {
	if folder, digest, ok := strings.Cut(ref, "@"); ok {
		if i := strings.LastIndex(folder, ":"); i > strings.LastIndexAny(folder, `/\`) {
			folder = folder[:i]
		}
		return folder, digest, nil
	}
	folder, tag := ref, "latest"
	if i := strings.LastIndex(ref, ":"); i > strings.LastIndexAny(ref, `/\`) {
		folder, tag = ref[:i], ref[i+1:]
	}
	path, err := layout.FromPath(folder)
	if err != nil {
		return "", "", fmt.Errorf("%s is no OCI layout: %w", folder, err)
	}
	index, err := path.ImageIndex()
	if err != nil {
		return "", "", err
	}
	m, err := index.IndexManifest()
	if err != nil {
		return "", "", err
	}
	for _, d := range m.Manifests {
		if d.Annotations["org.opencontainers.image.ref.name"] == tag {
			return folder, d.Digest.String(), nil
		}
	}
	return "", "", fmt.Errorf("the OCI layout %s has no image %q: name one with @DIGEST", folder, tag)
}
