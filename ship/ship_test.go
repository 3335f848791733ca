package ship

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drydock/images/registry/registrytest"
	"drydock/report"
	"drydock/scan"
	"drydock/verify/finding"
)

var files = map[string]string{"app": strings.Repeat("a line that packs well\n", 40), "etc/passwd": "root:x:0:0::/:\napp:x:1000:1000::/:\ntoor:x:0:0::/:\n"}

// A smaller image with a fixed vulnerability goes out, to two tags, and the
// registry has what was scanned.
func TestShips(t *testing.T) {
	before := image(t, "linux/amd64", "", files, map[string]string{"big": "\x00\x01 this is more than there is afterwards"})
	after := image(t, "linux/amd64", "app", files)
	dir, d := stored(t, before, after)
	reg := registrytest.Start(t, nil)
	r := request(t, dir, d[1], reg, "team/app:1", "team/app")
	r.Before, r.Scanner, r.Proof = d[0], scanner(t, map[string][]string{d[0]: {"Critical", "High"}, d[1]: {"High"}}), Proof{Verdict: Same}
	c, err := Run(t.Context(), r)
	if err != nil || !c.Passed {
		t.Fatal(err, c)
	}
	for name, want := range map[string]string{
		"multi-stage": "yes false 2 stages: build, 1", "non-root": "yes false runs as app", "same behaviour": "yes false built and run before and after",
		"0 critical": "yes false 1 critical, 1 high -> 1 high: grype 0.1",
		"pushed":     "yes false " + reg.Addr + "/team/app:1@" + d[1] + ", " + reg.Addr + "/team/app:latest@" + d[1],
	} {
		if got := item(t, c, name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got := item(t, c, "smaller"); !strings.HasPrefix(got, "yes false 0.") || !strings.Contains(got, "kB in 2 layers -> 0.") || !strings.HasSuffix(got, "times smaller") {
		t.Error(got)
	}
	for _, tag := range []string{"1", "latest"} {
		if got := reg.Digest("team/app", tag); got != d[1] {
			t.Errorf("%s is %s in the registry, %s was scanned", tag, got, d[1])
		}
	}
	if n := reg.Count("PUT /v2/team/app/blobs/") + reg.Count("POST /v2/team/app/blobs/uploads"); n > 2*2*2 { // two blobs, at most two requests that write each
		t.Errorf("%d requests write blobs: they go out once\n%s", n, strings.Join(reg.Requests(), "\n"))
	}
}

// What keeps an image at home: nothing is asked of the registry, and the list
// says which gate doesn't hold.
func TestStays(t *testing.T) {
	img := image(t, "linux/amd64", "", files)
	dir, d := stored(t, img)
	bad := scanner(t, map[string][]string{d[0]: {"Critical", "Critical"}})
	for _, c := range []struct {
		name   string
		alter  func(*Request)
		passed bool
		item   string
		want   string
	}{
		{"critical", func(r *Request) { r.Scanner = bad }, false, "0 critical", "no true 2 critical: grype 0.1"},
		{"one too many", func(r *Request) { r.Scanner, r.MaxCritical = bad, 1 }, false, "at most 1 critical", "no true 2 critical: grype 0.1"},
		{"no scanner", func(*Request) {}, false, "0 critical", "no true not scanned, for there is no scanner on PATH: " + GetScanner + ", or say --scan none"},
		{"broken", func(r *Request) {
			r.NoScan, r.Proof = true, Proof{Verdict: Broken, Breaks: []finding.Finding{{Message: "uwsgi needs libxml2.so.2"}}}
		}, false, "same behaviour", "no true uwsgi needs libxml2.so.2"},
		{"no push", func(r *Request) { r.NoScan, r.Push = true, false }, true, "pushed", "no false not asked for: --push"},
	} {
		reg := registrytest.Start(t, nil)
		r := request(t, dir, d[0], reg, "app")
		r.NoBefore, r.Stages = "no earlier Dockerfile", []string{"0"}
		c.alter(&r)
		list, err := Run(t.Context(), r)
		if err != nil || list.Passed != c.passed {
			t.Errorf("%s: %v %+v", c.name, err, list)
		}
		if got := item(t, list, c.item); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if !c.passed && (!strings.Contains(item(t, list, "pushed"), c.item+" doesn't hold") || list.Failed() != c.item) {
			t.Errorf("%s: %s", c.name, item(t, list, "pushed"))
		}
		if len(reg.Requests()) > 0 {
			t.Errorf("%s: the registry was asked %q", c.name, reg.Requests())
		}
		if item(t, list, "multi-stage") != "no false one stage: drydock fix --unsafe parts the build from what runs, where it can" || item(t, list, "non-root") != "no false runs as root: no USER" ||
			!strings.HasSuffix(item(t, list, "smaller"), "in 1 layer: no earlier Dockerfile") {
			t.Errorf("%s: %+v", c.name, list.Items)
		}
	}
}

// A gate passes at its limit, and --scan none is told.
func TestPasses(t *testing.T) {
	dir, d := stored(t, image(t, "linux/amd64", "1000", files))
	for _, c := range []struct {
		alter func(*Request)
		item  string
		want  string
	}{
		{func(r *Request) { r.Scanner, r.MaxCritical = scanner(t, map[string][]string{d[0]: {"Critical"}}), 1 }, "at most 1 critical", "yes false 1 critical: grype 0.1"},
		{func(r *Request) { r.NoScan = true }, "0 critical", "no false not scanned: --scan none"},
	} {
		reg := registrytest.Start(t, nil)
		r := request(t, dir, d[0], reg, "app:2")
		c.alter(&r)
		list, err := Run(t.Context(), r)
		if err != nil || !list.Passed || item(t, list, c.item) != c.want || reg.Digest("app", "2") != d[0] {
			t.Errorf("%v %+v", err, list)
		}
	}
}

// Every platform is scanned, and the index goes out as it is.
func TestPlatforms(t *testing.T) {
	amd, arm := image(t, "linux/amd64", "app", files), image(t, "linux/arm64/v8", "toor", files)
	dir, d := stored(t, index(t, amd, arm))
	a, b := digest(t, amd), digest(t, arm)
	for _, c := range []struct {
		found  map[string][]string
		passed bool
		want   string
		err    string
	}{
		{map[string][]string{a: {"Low"}, b: {}}, true, "yes false linux/amd64: 1 low; linux/arm64/v8: none known: grype 0.1", ""},
		{map[string][]string{a: {"Low"}, b: {"Critical"}}, false, "no true linux/amd64: 1 low; linux/arm64/v8: 1 critical: grype 0.1", ""},
		{map[string][]string{a: {"Low"}}, false, "no true could not be scanned", "grype could not scan"},
	} {
		reg := registrytest.Start(t, nil)
		r := request(t, dir, d[0], reg, "app:1")
		r.Scanner = scanner(t, c.found)
		list, err := Run(t.Context(), r)
		if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err+" "+reg.Addr+"/app:1 for linux/arm64/v8") {
			t.Errorf("%v: %v", c.found, err)
		}
		if list.Passed != c.passed || item(t, list, "0 critical") != c.want {
			t.Errorf("%v: %+v", c.found, list)
		}
		if c.passed && reg.Digest("app", "1") != d[0] || !c.passed && len(reg.Requests()) > 0 {
			t.Errorf("%v: the registry was asked %q", c.found, reg.Requests())
		}
		if got := item(t, list, "non-root"); got != "no false linux/amd64: runs as app; linux/arm64/v8: runs as toor, which is root" {
			t.Error(got)
		}
	}
}

// Who is root is in the image's own /etc/passwd, that of the highest layer.
func TestRoot(t *testing.T) {
	mine := map[string]string{"etc/passwd": "app:x:0:0::/:\n"}
	for _, c := range []struct {
		user   string
		layers []map[string]string
		root   bool
	}{
		{"", nil, true}, {"0", nil, true}, {"00:5", nil, true}, {"root:app", nil, true}, {"10001", nil, false}, {"app", nil, false},
		{"app", []map[string]string{files}, false}, {"toor", []map[string]string{files}, true}, {"app:app", []map[string]string{files, mine}, true}, {"app", []map[string]string{mine, files}, false},
		{"app", []map[string]string{mine, {"etc/.wh.passwd": ""}}, false}, {"app", []map[string]string{mine, {".wh.etc": ""}}, false}, {"app", []map[string]string{files, {"etc/.wh..wh..opq": "", "etc/passwd": mine["etc/passwd"]}}, true},
	} {
		dir, d := stored(t, image(t, "linux/amd64", c.user, c.layers...))
		all, _, _, err := imagesOf(dir, d[0], t.TempDir())
		if err != nil || all[0].Root != c.root {
			t.Errorf("%q %v: %v %v", c.user, c.layers, all, err)
		}
	}
}

// A scanner that saw nothing in an image that lists packages didn't scan it; of
// one that holds a program alone a note tells.
func TestNoPackages(t *testing.T) {
	for name, fails := range map[string]bool{"app": false, "var/lib/dpkg/status": true, "lib/apk/db/installed": true, "var/lib/dpkg/status.d/base": true} {
		dir, d := stored(t, image(t, "linux/amd64", "1", map[string]string{name: "x"}))
		s := scanner(t, nil)
		write(t, s.Path, "#!/bin/sh\necho '{\"components\":[]}' >packages.json\necho '{\"descriptor\":{\"name\":\"grype\"},\"matches\":[]}'\n")
		r := request(t, dir, d[0], registrytest.Start(t, nil), "app")
		r.Scanner = s
		list, err := Run(t.Context(), r)
		if fails != (err != nil && strings.Contains(err.Error(), "it saw no packages, but /"+name+" lists some")) || fails == (len(list.Notes) == 1) || list.Passed == fails {
			t.Errorf("%s: %v %+v", name, err, list)
		}
	}
}

// An image that isn't whole or isn't what its digest says is neither scanned nor
// pushed.
func TestDamaged(t *testing.T) {
	for _, how := range []string{"is damaged", "lacks the blob"} {
		img := image(t, "linux/amd64", "", files)
		dir, d := stored(t, img)
		layers, err := img.Layers()
		if err != nil {
			t.Fatal(err)
		}
		h, err := layers[0].Digest()
		if err != nil {
			t.Fatal(err)
		}
		blob := blobPath(dir, h)
		if how == "is damaged" {
			write(t, blob, "something else")
		} else if err := os.Remove(blob); err != nil {
			t.Fatal(err)
		}
		reg := registrytest.Start(t, nil)
		r := request(t, dir, d[0], reg, "app")
		r.NoScan = true
		if list, err := Run(t.Context(), r); err == nil || !strings.Contains(err.Error(), how) || list.Passed || len(reg.Requests()) > 0 {
			t.Errorf("%s: %v %+v", how, err, list)
		}
	}
}

// A bill of materials for each platform; none at all is an error, and nothing is
// pushed.
func TestMaterials(t *testing.T) {
	dir, d := stored(t, index(t, image(t, "linux/amd64", "1", files), image(t, "linux/arm64", "1", files)))
	bin := t.TempDir()
	write(t, filepath.Join(bin, "syft"), "#!/bin/sh\necho '{\"spdxVersion\":\"SPDX-2.3\"}'\n")
	if err := os.Chmod(filepath.Join(bin, "syft"), 0o755); err != nil {
		t.Fatal(err)
	}
	reg := registrytest.Start(t, nil)
	r := request(t, dir, d[0], reg, "app")
	r.NoScan, r.SBOM = true, filepath.Join(t.TempDir(), "app.spdx.json")
	t.Setenv("PATH", t.TempDir())
	if list, err := Run(t.Context(), r); !errors.Is(err, scan.ErrNoMaterials) || list.Passed || len(reg.Requests()) > 0 {
		t.Errorf("%v %+v", err, list)
	}
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	r.Work = t.TempDir()
	list, err := Run(t.Context(), r)
	if err != nil || len(list.SBOM) != 2 || !strings.HasSuffix(list.SBOM[1], "app.spdx-linux-arm64.json") || !strings.HasSuffix(item(t, list, "SBOM"), ": SPDX JSON by syft") {
		t.Fatalf("%v %+v", err, list)
	}
	for _, f := range list.SBOM {
		if text, err := os.ReadFile(f); err != nil || !strings.Contains(string(text), "SPDX-2.3") {
			t.Errorf("%s: %s %v", f, text, err)
		}
	}
}

// A few bytes less are not smaller; of a platform that has no image before that is said.
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		before, after int64
		want          string
	}{
		{100e6, 20e6, "yes false 100 MB in 1 layer -> 20 MB in 2 layers, 5.0 times smaller"},
		{100e6, 99e6, "no false 100 MB in 1 layer -> 99 MB in 2 layers, about as large as before"},
		{100e6, 101e6, "no false 100 MB in 1 layer -> 101 MB in 2 layers, about as large as before"},
		{100e6, 120e6, "no false 100 MB in 1 layer -> 120 MB in 2 layers, larger than before"},
		{5e6, 0, "yes false 5.0 MB in 1 layer -> 0 MB in 2 layers"},
		{0, 0, "no false 0 MB in 1 layer -> 0 MB in 2 layers, about as large as before"},
	} {
		list := &Checklist{Platforms: []*Platform{{Name: "linux/amd64", Before: &Image{Compressed: c.before, Layers: 1}, After: &Image{Compressed: c.after, Layers: 2}}}}
		list.sizes("")
		if got := item(t, list, "smaller"); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	list := &Checklist{Platforms: []*Platform{{After: &Image{Compressed: 5e6, Layers: 1}}}}
	if list.sizes(""); item(t, list, "smaller") != "no false 5.0 MB in 1 layer: the Dockerfile before gives no image for this platform" {
		t.Error(item(t, list, "smaller"))
	}
}

// The forms of the list, with what a scanner's report can't do to them.
func TestRender(t *testing.T) {
	dir, d := stored(t, image(t, "linux/amd64", "", files))
	r := request(t, dir, d[0], registrytest.Start(t, nil), "app:1")
	r.Tags[0].Shown, r.NoBefore = "example.com/app:1", "no earlier Dockerfile to compare with: --before REV"
	r.Scanner = scanner(t, map[string][]string{d[0]: {"Critical", "High", "Low", "Low", "Low", "Low", "Low", "Low", "Low", "Low", "Low"}})
	r.Proof = Proof{Verdict: NotProven, Why: "--no-verify"}
	c, err := Run(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	var text, markdown, encoded strings.Builder
	if err := errors.Join(c.Text(&text, report.Style{}), c.Markdown(&markdown), c.JSON(&encoded)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"☑ multi-stage     2 stages: build, 1\n", "☐ same behaviour  not proven: --no-verify\n", "☐ 0 critical      1 critical, 1 high, 9 low: grype 0.1\n",
		"☐ pushed          nothing: 0 critical doesn't hold\n", "\nThe worst 10 of 11 known vulnerabilities of linux/amd64:\n  severity  id           package  version  fixed in\n  critical  INVENTED-0   lib|0    1        2.0\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	for _, want := range []string{"### example.com/app:1: not shipped\n", "- [x] **multi-stage**: 2 stages: build, 1\n", "| severity | id | package | version | fixed in |\n| --- | --- | --- | --- | --- |\n",
		`| critical | [INVENTED-0](https://example.com/0) | lib\|0 | 1 | 2.0 |`} {
		if !strings.Contains(markdown.String(), want) {
			t.Errorf("no %q in\n%s", want, markdown.String())
		}
	}
	var back struct {
		Version   int
		Passed    bool
		Digest    string
		Items     []struct{ Name, State string }
		Platforms []struct {
			After struct{ Digest string }
			Scan  struct{ Counts map[string]int }
		}
	}
	if err := json.Unmarshal([]byte(encoded.String()), &back); err != nil || back.Version != 1 || back.Passed || back.Digest != d[0] || len(back.Items) != 7 ||
		back.Platforms[0].After.Digest != d[0] || back.Platforms[0].Scan.Counts["critical"] != 1 {
		t.Errorf("%v %s", err, encoded.String())
	}
}

// An interrupt ends a scan and the writing of a bill of materials; nothing is
// pushed.
func TestInterrupted(t *testing.T) {
	dir, d := stored(t, image(t, "linux/amd64", "", files))
	for _, during := range []string{"scanning", "writing"} {
		reg := registrytest.Start(t, nil)
		r := request(t, dir, d[0], reg, "app")
		r.Scanner, r.NoScan, r.SBOM = scanner(t, nil), during == "writing", filepath.Join(t.TempDir(), "sbom.json")
		write(t, r.Scanner.Path, "#!/bin/sh\nexec sleep 60\n")
		t.Setenv("PATH", filepath.Dir(r.Scanner.Path)+":/usr/bin:/bin")
		ctx, cancel := context.WithCancel(t.Context())
		r.Say = func(phase string) {
			if strings.HasPrefix(phase, during) {
				cancel()
			}
		}
		if list, err := Run(ctx, r); err != context.Canceled || list.Passed || len(reg.Requests()) > 0 {
			t.Errorf("%s: %v %+v", during, err, list)
		}
		if _, err := os.Stat(r.SBOM); err == nil {
			t.Error("a bill of materials was written")
		}
	}
}
