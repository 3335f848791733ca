package oci

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"drydock/images"
)

// Which platforms an image serves, by github.com/containerd/platforms.
func TestMatches(t *testing.T) {
	for _, c := range []struct {
		want, have string
		ok         bool
	}{
		{"linux/amd64", "linux/amd64", true}, {"linux/amd64", "linux/amd64/v1", true}, {"linux/amd64/v3", "linux/amd64", true}, {"linux/amd64/v3", "linux/amd64/v2", true},
		{"linux/amd64", "linux/amd64/v2", false}, {"linux/arm64", "linux/arm64/v8", true}, {"linux/arm64/v8", "linux/arm64", true}, {"linux/arm64/8", "linux/arm64", true},
		{"linux/arm64", "linux/arm64/v9", false}, {"linux/arm", "linux/arm/v7", true}, {"linux/arm/v6", "linux/arm/v7", false}, {"linux/arm/v7", "linux/arm/v6", true}, {"linux/arm/v7", "linux/arm/v5", true},
		{"linux/armhf", "linux/arm/v7", true}, {"linux/armel", "linux/arm/v6", true}, {"linux/i686", "linux/386", true}, {"linux/x86_64", "linux/amd64", true}, {"linux/aarch64", "linux/arm64/v8", true},
		{"macos/arm64", "darwin/arm64", true}, {"windows/amd64", "linux/amd64", false}, {"linux/arm64", "linux/arm/v7", false}, {"linux", "linux/amd64", false}, {"", "linux/amd64", false},
		{"linux/riscv64", "linux/riscv64", true}, {"linux/arm/v999999999999999999999", "linux/arm/v7", false}, {"LINUX/AMD64", "linux/amd64", true},
	} {
		if got := Matches(c.want, c.have); got != c.ok {
			t.Errorf("an image for %s serves %s: %v", c.have, c.want, got)
		}
	}
}

func TestPick(t *testing.T) {
	all := []leaf{{"linux/s390x", "s"}, {"linux/arm/v6", "6"}, {"linux/arm/v7", "7"}, {"linux/amd64", "a"}}
	for platform, want := range map[string]string{"linux/arm/v7": "7", "linux/arm": "7", "linux/arm/v6": "6", "linux/amd64/v2": "a", "linux/s390x": "s", "linux/ppc64le": ""} {
		if got, _ := pick(all, platform); got.digest != want {
			t.Errorf("for %s it takes %q", platform, got.digest)
		}
	}
	if got, _ := pick(all[:1], ""); got.digest != "s" {
		t.Errorf("for nobody it takes %q", got.digest)
	}
}

func TestKind(t *testing.T) {
	const ociIndex, ociManifest = "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json"
	const list, docker = "application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json"
	for _, c := range []struct {
		declared, body, want string
		index                bool
	}{
		{"", `{"schemaVersion":2,"manifests":[]}`, ociIndex, true}, {list, `{"schemaVersion":2,"manifests":[]}`, list, true},
		{"text/plain", `{"mediaType":"` + list + `","manifests":[]}`, list, true}, {"", `{"config":{},"layers":[]}`, ociManifest, false},
		{docker + "; charset=utf-8", `{"config":{}}`, docker, false}, {strings.ToUpper(docker), `{"config":{}}`, docker, false},
		{"", `{"mediaType":"` + docker + `","config":{}}`, docker, false},
	} {
		if got, index, err := Kind(c.declared, []byte(c.body)); err != nil || got != c.want || index != c.index {
			t.Errorf("%q %s is %q, %v, %v", c.declared, c.body, got, index, err)
		}
	}
	for _, body := range []string{"", "null", "[]", "{}", `{"manifests":[],"config":{}}`, `{"schemaVersion":1,"config":{}}`, `{"mediaType":"` + list + `","config":{}}`} {
		if got, _, err := Kind("", []byte(body)); !errors.Is(err, images.ErrInvalid) {
			t.Errorf("%s is %q, %v", body, got, err)
		}
	}
}

func TestVerify(t *testing.T) {
	const empty256 = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if err := Verify(empty256, nil); err != nil {
		t.Error(err)
	}
	d, err := Digest("sha512:"+strings.Repeat("0", 128), []byte("x"))
	if err != nil || Verify(d, []byte("x")) != nil || Verify(d, []byte("y")) == nil {
		t.Errorf("%s, %v", d, err)
	}
	for _, bad := range []string{"", "sha256:", "sha256:E3B0C44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "md5:d41d8cd98f00b204e9800998ecf8427e", "sha256:../../x", empty256 + "0"} {
		if IsDigest(bad) || Verify(bad, nil) == nil {
			t.Errorf("%q is a digest", bad)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\x1b[31m\nb\u202e\xff")
	f.Add(strings.Repeat("ü", 300))
	f.Fuzz(func(t *testing.T, s string) {
		c := Clean(s)
		if len(c) > 200 || !utf8.ValidString(c) || strings.ContainsAny(c, "\n\r\t\x00\x1b\u202e\u2028") || Clean(c) != c {
			t.Errorf("%q becomes %q", s, c)
		}
	})
}

// pile gives the same index, manifest and configuration for every digest.
type pile struct{ index, manifest, config []byte }

func (p *pile) Manifest(digest string) ([]byte, string, error) {
	body := p.manifest
	if p.index != nil {
		body, p.index = p.index, nil
	}
	mediaType, _, err := Kind("", body)
	return body, mediaType, err
}

func (p *pile) Config(string, int64) ([]byte, error) { return p.config, nil }

// Whatever is in an image, reading it ends with an answer that is one, or an
// error of ours.
func FuzzDescribe(f *testing.F) {
	const zeros = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"`+zeros+`","size":1,"platform":{"os":"linux","architecture":"arm","variant":"v7"}},{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"`+zeros+`","size":1}]}`),
		[]byte(`{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"`+zeros+`","size":2},"layers":[{"size":9223372036854775807}]}`),
		[]byte(`{"os":"linux","architecture":"amd64","created":"2026-08-01T00:00:00Z","config":{"User":"x","ExposedPorts":{"80":{}}}}`), "linux/arm")
	f.Fuzz(func(t *testing.T, index, manifest, config []byte, platform string) {
		for _, b := range []*pile{{index, manifest, config}, {nil, manifest, config}} {
			d, err := Describe(images.Descriptor{Digest: zeros}, b, platform)
			if err != nil && !errors.Is(err, images.ErrInvalid) && !errors.Is(err, images.ErrPlatform) {
				t.Errorf("error %v", err)
			}
			if err == nil && (d.Size < 0 || !strings.Contains(d.Platform, "/") || Clean(d.Platform) != d.Platform || d.Created != "" && len(d.Created) != 10) {
				t.Errorf("%+v", d)
			}
		}
	})
}
