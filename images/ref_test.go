package images

import (
	"strings"
	"testing"

	"github.com/distribution/reference"
	"pgregory.net/rapid"
)

const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestParseRef(t *testing.T) {
	for _, c := range []struct{ in, repository, tag string }{
		{"python", "python", ""},
		{"python:3.12-slim", "python", "3.12-slim"},
		{"library/python", "python", ""},
		{"library/python:3", "python", "3"},
		{"docker.io/python", "python", ""},
		{"docker.io/library/python:3.12", "python", "3.12"},
		{"index.docker.io/library/python", "python", ""},
		{"index.docker.io/python:latest", "python", "latest"},
		{"registry-1.docker.io/library/alpine:3.20", "alpine", "3.20"},
		{"python@" + digest, "python", ""},
		{"python:3.12@" + digest, "python", "3.12"},
		{"docker.io/library/python@" + digest, "python", ""},
		{"user/app", "user/app", ""},
		{"user/app:v1", "user/app", "v1"},
		{"docker.io/user/app", "user/app", ""},
		{"localhost/app", "localhost/app", ""},
		{"localhost:5000/app", "localhost:5000/app", ""},
		{"localhost:5000/app:1", "localhost:5000/app", "1"},
		{"reg:5000/x/y:z", "reg:5000/x/y", "z"},
		{"reg.example.com/x/y/z", "reg.example.com/x/y/z", ""},
		{"reg.example.com:443/x:1@" + digest, "reg.example.com:443/x", "1"},
		{"127.0.0.1:5000/library/python:3", "127.0.0.1:5000/library/python", "3"},
		{"[::1]:5000/app:1", "[::1]:5000/app", "1"},
		{"ghcr.io/owner/app", "ghcr.io/owner/app", ""},
		{"quay.io/centos/centos:stream9", "quay.io/centos/centos", "stream9"},
		{"gcr.io/distroless/static-debian12", "gcr.io/distroless/static-debian12", ""},
		{"gcr.io/distroless/static-debian13:nonroot", "gcr.io/distroless/static-debian13", "nonroot"},
		{"mcr.microsoft.com/dotnet/sdk:8.0", "mcr.microsoft.com/dotnet/sdk", "8.0"},
		{"public.ecr.aws/docker/library/python:3.12", "public.ecr.aws/docker/library/python", "3.12"},
		{"app__x/y-z.w", "app__x/y-z.w", ""},
		{"app:Tag_1.2-X", "app", "Tag_1.2-X"},
		{"$BASE", "$BASE", ""},
		{"${BASE}", "${BASE}", ""},
		{"${BASE:-python:3}", "${BASE:-python:3}", ""},
		{"python:$V", "python", "$V"},
		{"python:${V}", "python", "${V}"},
		{"python:${V:-3.12}-slim", "python", "${V:-3.12}-slim"},
		{"${REG}/python:3", "${REG}/python", "3"},
		{"${REG:-docker.io/}python:3", "${REG:-docker.io/}python", "3"},
		{"reg.io/$NAME:1", "reg.io/$NAME", "1"},
		{"python@$DIGEST", "python", ""},
		{"python:${A:-${B:-3}}", "python", "${A:-${B:-3}}"},
	} {
		r, err := ParseRef(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if r.String() != c.in {
			t.Errorf("%s: written back as %s", c.in, r)
		}
		if r.Repository() != c.repository || r.Tag != c.tag {
			t.Errorf("%s: repository %q tag %q, want %q %q", c.in, r.Repository(), r.Tag, c.repository, c.tag)
		}
	}
}

func TestParseRefErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                                   "empty",
		"Python":                             "lower case",
		"Python:3":                           "lower case",
		"library/Python":                     "lower case",
		"docker.io/User/app:1":               "lower case",
		"python:":                            "invalid reference",
		"python:-x":                          "invalid reference",
		"python:3 ":                          "invalid reference",
		"python::3":                          "invalid reference",
		"/python":                            "invalid reference",
		"python/":                            "invalid reference",
		"a//b":                               "invalid reference",
		"-python":                            "invalid reference",
		"python@":                            "invalid reference",
		"python@sha256:12":                   "invalid",
		"python:3@" + "x":                    "invalid",
		"http://reg/python":                  "invalid reference",
		"reg:port/x":                         "invalid reference",
		"python:" + strings.Repeat("a", 129): "invalid reference",
		strings.Repeat("a", 300):             "repository name",
		strings.Repeat("0a", 32):             "hex",
	} {
		_, err := ParseRef(in)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q in it", in, err, want)
		}
	}
}

func TestWithTag(t *testing.T) {
	for in, want := range map[string]string{
		"python": "python:X", "python:3": "python:X", "python:3@" + digest: "python:X",
		"docker.io/library/python": "docker.io/library/python:X", "reg:5000/a/b": "reg:5000/a/b:X",
	} {
		if r, err := ParseRef(in); err != nil || r.WithTag("X").String() != want {
			t.Errorf("%s: %v %v, want %s", in, r.WithTag("X"), err, want)
		}
	}
}

// What is accepted is written back byte for byte, and what is accepted is what
// the reference grammar accepts.
func TestRefRoundTrip(t *testing.T) {
	part := rapid.StringMatching(`[a-z0-9]{1,6}([._-]{1,2}[a-z0-9]{1,4})?`)
	rapid.Check(t, func(t *rapid.T) {
		var s string
		if rapid.Bool().Draw(t, "wild") {
			s = rapid.StringMatching(`[a-zA-Z0-9./:@_$-]{0,30}`).Draw(t, "s")
		} else {
			s = rapid.SampledFrom([]string{"", "docker.io/", "reg:5000/", "localhost/", "a.example.com/"}).Draw(t, "domain")
			s += strings.Join(rapid.SliceOfN(part, 1, 3).Draw(t, "path"), "/")
			s += rapid.SampledFrom([]string{"", ":latest", ":3.12-slim", ":$V", ":${V:-1}", ":_x"}).Draw(t, "tag")
			s += rapid.SampledFrom([]string{"", "", "@" + digest}).Draw(t, "digest")
		}
		r, err := ParseRef(s)
		if _, theirs := reference.ParseNormalizedNamed(s); !strings.Contains(s, "$") && (theirs == nil) != (err == nil) {
			t.Fatalf("%q: ours %v, theirs %v", s, err, theirs)
		}
		if err != nil {
			return
		}
		if r.String() != s {
			t.Fatalf("%q is written back as %q", s, r.String())
		}
		if n, err := reference.ParseNormalizedNamed(s); err == nil && !strings.Contains(s, "index.docker.io") {
			want := strings.TrimPrefix(strings.TrimPrefix(n.Name(), "docker.io/"), "library/")
			if got := r.Repository(); got != want {
				t.Fatalf("%q: repository %q, theirs %q", s, got, want)
			}
		}
	})
}

func TestAliases(t *testing.T) {
	for ref, want := range map[string]string{"gcc:14": "gcc:14-trixie", "gcc:14-trixie": "", "gcc": "", "gradle:8": "gradle:8-jdk", "nobody/nothing:1": "", "gcc:9": ""} {
		r, err := ParseRef(ref)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if a := Aliases(r); len(a) > 0 {
			got = a[0].String()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", ref, got, want)
		}
	}
}
