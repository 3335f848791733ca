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
