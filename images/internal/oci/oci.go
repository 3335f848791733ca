// Package oci reads image indexes, manifests and configurations, of OCI and of
// Docker: what the stores of images (packages registry and layout) share. It
// trusts nothing that it reads: sizes, depth and numbers are bounded.
//
// Sources: https://github.com/opencontainers/image-spec (image-index.md,
// manifest.md, config.md), https://distribution.github.io/distribution/spec/manifest-v2-2/.
package oci

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"drydock/images"
)

// Bounds of what is read, in bytes.
const (
	MaxManifest = 4 << 20 // the limit of registries: distribution-spec, "Pushing Manifests"
	MaxConfig   = 8 << 20
)

// Kind tells what the bytes of a manifest are: declared is the media type that
// the sender names, "" when none. The media type returned is declared's when it
// is one of an index or manifest, else the body's own, else what its fields make
// it. Bytes that could be read as both an index and a manifest are refused
// (CVE-2021-41190).
func Kind(declared string, body []byte) (mediaType string, index bool, err error) {
	var m struct {
		SchemaVersion int             `json:"schemaVersion"`
		MediaType     string          `json:"mediaType"`
		Manifests     json.RawMessage `json:"manifests"`
		Config        json.RawMessage `json:"config"`
		Layers        json.RawMessage `json:"layers"`
	}
	declared, _, _ = strings.Cut(declared, ";")
	declared = strings.ToLower(strings.TrimSpace(declared))
	if types.MediaType(declared).IsSchema1() {
		return "", false, invalid("the image has the manifest of before 2016 (schema 1)", "build or push it anew")
	}
	if err := json.Unmarshal(body, &m); err != nil {
		if declared == "text/html" || strings.HasPrefix(strings.TrimSpace(string(body[:min(len(body), 64)])), "<") {
			return "", false, invalid("it is a web page", "log in to the network or proxy that sent it, and check the name of the registry")
		}
		return "", false, invalid("a manifest isn't JSON: "+Clean(err.Error()), "try again, and check the name of the registry")
	}
	if m.SchemaVersion == 1 {
		return "", false, invalid("the image has the manifest of before 2016 (schema 1)", "build or push it anew")
	}
	isIndex, isImage := m.Manifests != nil, m.Config != nil || m.Layers != nil
	if isIndex == isImage {
		return "", false, invalid("a manifest is neither that of an index nor that of an image", "check the name of the registry")
	}
	for _, name := range []string{declared, m.MediaType} {
		t := types.MediaType(name)
		if (t.IsIndex() || t.IsImage()) && t.IsIndex() != isIndex {
			return "", false, invalid(fmt.Sprintf("a manifest says that it is %s and isn't", Clean(name)), "check the registry")
		}
	}
	for _, name := range []string{declared, m.MediaType} {
		if t := types.MediaType(name); t.IsIndex() || t.IsImage() {
			return name, isIndex, nil
		}
	}
	if isIndex {
		return string(types.OCIImageIndex), true, nil
	}
	return string(types.OCIManifestSchema1), false, nil
}

// Verify tells whether digest, of sha256 or sha512, is that of body.
func Verify(digest string, body []byte) error {
	got, err := Digest(digest, body)
	if err != nil {
		return err
	}
	if got != digest {
		return invalid(fmt.Sprintf("the bytes of %s have another digest, %s", digest, got), "don't use that registry before it is known why")
	}
	return nil
}

// Digest is that of body, by the algorithm of like ("sha256:…"; "" is sha256).
func Digest(like string, body []byte) (string, error) {
	algorithm := "sha256"
	if like != "" {
		h, err := v1.NewHash(like)
		if err != nil {
			return "", invalid(fmt.Sprintf("%q isn't a digest", Clean(like)), "check the registry")
		}
		algorithm = h.Algorithm
	}
	h, err := v1.Hasher(algorithm)
	if err != nil {
		return "", invalid(err.Error(), "check the registry")
	}
	h.Write(body)
	return fmt.Sprintf("%s:%x", algorithm, h.Sum(nil)), nil
}

// IsDigest tells whether s is a whole digest of sha256 or sha512.
func IsDigest(s string) bool { _, err := v1.NewHash(s); return err == nil }

// IsTag tells whether s can be a tag: distribution-spec, "Pulling manifests".
func IsTag(s string) bool {
	if s == "" || len(s) > 128 || s[0] == '.' || s[0] == '-' {
		return false
	}
	return strings.IndexFunc(s, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-')
	}) < 0
}

// Clean makes text of strangers fit for one line of a message: no control or
// format characters, at most 200 bytes.
func Clean(s string) string {
	s = strings.Map(func(c rune) rune {
		switch {
		case c == '\n', c == '\t', c == '\r':
			return ' '
		case c == utf8.RuneError, unicode.Is(unicode.C, c), unicode.Is(unicode.Zl, c), unicode.Is(unicode.Zp, c):
			return -1
		}
		return c
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 200 {
		cut := 197
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return s
}

func invalid(why, do string) error { return fmt.Errorf("%w: %s: %s", images.ErrInvalid, why, do) }
