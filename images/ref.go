package images

import (
	// go-digest knows the algorithms that are linked in: without these a reference
	// with a digest doesn't parse. (In tests they always are.)
	_ "crypto/sha256"
	_ "crypto/sha512"
	"fmt"
	"strings"

	"github.com/distribution/reference"
)

// Ref is an image reference as written after FROM. What is not written stays
// unwritten, so String gives back exactly the text that was parsed.
type Ref struct {
	Domain string // "docker.io", "registry.example.com:5000"; "" when not written
	Path   string // "python", "library/python", "distroless/static-debian13"
	Tag    string // "3.12-slim"; "" when not written
	Digest string // "sha256:…"; "" when not written
}

// ParseRef reads an image reference. References that hold variables ($X,
// ${X:-y}) are cut into parts and not checked. Errors say what is wrong and
// what to do; the grammar is github.com/distribution/reference's.
func ParseRef(s string) (Ref, error) {
	if s == "" {
		return Ref{}, fmt.Errorf("image reference is empty: name an image")
	}
	r := cut(s)
	if r.Path == "" || r.String() != s {
		return Ref{}, fmt.Errorf("image reference %q: invalid reference format: a name, tag or digest is empty: write it as [REGISTRY/]NAME[:TAG][@DIGEST]", s)
	}
	if r.hasVariable() {
		return r, nil
	}
	if r.Path != strings.ToLower(r.Path) {
		return Ref{}, fmt.Errorf("image reference %q: the repository must be lower case: write %q", s, strings.ToLower(r.Path))
	}
	if r.plain() {
		return r, nil
	}
	if _, err := reference.ParseNormalizedNamed(s); err != nil {
		return Ref{}, fmt.Errorf("image reference %q: %w: write it as [REGISTRY/]NAME[:TAG][@DIGEST]", s, err)
	}
	return r, nil
}

// plain tells that r is of the common form, which needs no further check:
// lower-case names with single separators, a short tag, no digest. (The full
// grammar takes 7 µs, and most references are plain; a test compares the two.)
func (r Ref) plain() bool {
	if r.Digest != "" || len(r.Path) > 60 || len(r.Tag) > 120 || r.Domain != "" && r.Domain != "docker.io" {
		return false
	}
	word := false // the last byte was a letter or digit
	for i := 0; i < len(r.Path); i++ {
		switch c := r.Path[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			word = true
		case word && (c == '-' || c == '_' || c == '.' || c == '/'):
			word = false
		default:
			return false
		}
	}
	for i := 0; i < len(r.Tag); i++ {
		switch c := r.Tag[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_':
		case i > 0 && (c == '-' || c == '.'):
		default:
			return false
		}
	}
	return word
}

// cut splits s at the separators that stand outside of ${…}.
func cut(s string) (r Ref) {
	at, colon, slash, depth := -1, -1, -1, 0
	for i := 0; i < len(s) && at < 0; i++ {
		switch c := s[i]; {
		case c == '{' && i > 0 && s[i-1] == '$', c == '{' && depth > 0:
			depth++
		case c == '}' && depth > 0:
			depth--
		case depth > 0:
		case c == '@':
			at = i
		case c == ':':
			colon = i
		case c == '/':
			if slash < 0 {
				slash = i
			}
			colon = -1
		}
	}
	rest := s
	if at >= 0 {
		r.Digest, rest = s[at+1:], s[:at]
	}
	if colon >= 0 {
		r.Tag, rest = rest[colon+1:], rest[:colon]
	}
	// The first part is a registry when it looks like a host (the rule of
	// reference.ParseNormalizedNamed).
	if slash > 0 {
		if d := rest[:slash]; d == "localhost" || strings.ContainsAny(d, ".:") || strings.ToLower(d) != d && !strings.Contains(d, "$") {
			r.Domain, rest = d, rest[slash+1:]
		}
	}
	r.Path = rest
	return r
}

// String is the reference as it was written.
func (r Ref) String() string {
	var b strings.Builder
	b.Grow(len(r.Domain) + len(r.Path) + len(r.Tag) + len(r.Digest) + 3)
	if r.Domain != "" {
		b.WriteString(r.Domain)
		b.WriteByte('/')
	}
	b.WriteString(r.Path)
	if r.Tag != "" {
		b.WriteByte(':')
		b.WriteString(r.Tag)
	}
	if r.Digest != "" {
		b.WriteByte('@')
		b.WriteString(r.Digest)
	}
	return b.String()
}

// WithTag is r with another tag and without a digest: a digest would still
// name the old image.
func (r Ref) WithTag(tag string) Ref {
	r.Tag, r.Digest = tag, ""
	return r
}

// Host is the registry that r names, "docker.io" when it names none.
func (r Ref) Host() string { return orElse(r.Domain, "docker.io") }

// Repository is the normalised name: "python" for python, library/python,
// docker.io/library/python and index.docker.io/library/python; "user/app" for
// an image of a user on Docker Hub; "ghcr.io/o/app" for other registries.
func (r Ref) Repository() string {
	switch r.Domain {
	case "", "docker.io", "index.docker.io", "registry-1.docker.io":
		return strings.TrimPrefix(r.Path, "library/")
	}
	return r.Domain + "/" + r.Path
}

// mirrored is the repository under which the catalogue has what r names: the
// official image that a well-known public mirror of Docker Hub's official images
// serves, one name for those of Red Hat's base images, else r's own repository.
// Sources: https://gallery.ecr.aws/docker (public.ecr.aws/docker/library),
// https://cloud.google.com/artifact-registry/docs/pull-cached-dockerhub-images,
// https://catalog.redhat.com/software/base-images (ubi9, ubi9/ubi, ubi9-minimal,
// ubi9/ubi-minimal; docker.io has them as redhat/ubi9 and redhat/ubi9-minimal).
func (r Ref) mirrored() string {
	switch {
	case r.Domain == "public.ecr.aws" && strings.HasPrefix(r.Path, "docker/library/"):
		return r.Path[len("docker/library/"):]
	case r.Domain == "mirror.gcr.io" && strings.HasPrefix(r.Path, "library/"):
		return r.Path[len("library/"):]
	case r.Domain == "registry.access.redhat.com" || r.Domain == "registry.redhat.io":
		if release, kind, ok := strings.Cut(r.Path, "/ubi"); ok && strings.HasPrefix(release, "ubi") {
			return "redhat/" + release + kind
		}
		if strings.HasPrefix(r.Path, "ubi") {
			return "redhat/" + r.Path
		}
	case r.Domain == "ghcr.io" && r.Path == "denoland/deno":
		return r.Path
	}
	return r.Repository()
}

// Official is Repository, where a well-known public mirror of Docker Hub's
// official images is named the official image's: "python" for
// public.ecr.aws/docker/library/python.
func (r Ref) Official() string { return r.mirrored() }

func (r Ref) hasVariable() bool {
	return strings.Contains(r.Domain, "$") || strings.Contains(r.Path, "$") || strings.Contains(r.Tag, "$") || strings.Contains(r.Digest, "$")
}
