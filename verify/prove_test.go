package verify

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"drydock/verify/builder"
	"drydock/verify/probe"
	"drydock/verify/probe/wire"
)

// A twin builds images in memory: a Dockerfile's text is the author of its image. What a program does is asked of does,
// by its Dockerfile's text and how often it ran before.
type twin struct {
	t    *testing.T
	does func(text string, times int) probe.Result
	err  func(name string) error // of a build; may be nil

	mu    sync.Mutex
	log   []string
	texts map[string]string // Dockerfile, by digest
	runs  map[string]int
}

func (*twin) String() string { return "twin" }

func (m *twin) Build(ctx context.Context, r builder.Request, _ builder.Observer) (*builder.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log = append(m.log, r.Name)
	if m.err != nil {
		if err := m.err(r.Name); err != nil {
			return &builder.Result{}, err
		}
	}
	if !r.Export {
		text := m.texts[r.Images["drydock-subject"]]
		word, err := wire.Fit(m.does(text, m.runs[text]))
		m.runs[text]++
		return &builder.Result{Steps: []builder.Step{{Name: "RUN", Output: wire.Marker + word + "\n"}}}, err
	}
	digest, err := m.image(r)
	if err != nil {
		m.t.Error(err)
	}
	if m.texts == nil {
		m.texts, m.runs = map[string]string{}, map[string]int{}
	}
	m.texts[digest] = r.Dockerfile
	return &builder.Result{Digest: digest}, err
}

func (m *twin) image(r builder.Request) (string, error) {
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "bin/serve", Mode: 0o755, Size: 2}); err != nil {
		return "", err
	}
	if _, err := tw.Write([]byte("ok")); err != nil {
		return "", err
	}
	if err := tw.Close(); err != nil {
		return "", err
	}
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "amd64", Author: r.Dockerfile, Config: v1.Config{Cmd: []string{"/bin/serve"}}})
	if err != nil {
		return "", err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		return "", err
	}
	if img, err = mutate.AppendLayers(img, layer); err != nil {
		return "", err
	}
	into, err := layout.FromPath(r.Layout)
	if errors.Is(err, os.ErrNotExist) {
		into, err = layout.Write(r.Layout, empty.Index)
	}
	if err != nil {
		return "", err
	}
	digest, err := img.Digest()
	if err != nil {
		return "", err
	}
	return digest.String(), into.WriteImage(img)
}

const (
	wasText = "FROM scratch\nCMD [\"/bin/serve\"]\n"
	isText  = "FROM scratch AS run\nCMD [\"/bin/serve\"]\n"
)

func serves(ports ...int) probe.Result {
	r := probe.Result{ReadyMS: 1}
	for _, p := range ports {
		r.Listen = append(r.Listen, probe.Listener{Proto: "tcp", Port: p})
	}
	return r
}

func proveTwins(t *testing.T, m *twin, opt Options) (*Proof, error) {
	t.Helper()
	m.t = t
	opt.Build.Platform = "linux/amd64"
	dir := t.TempDir()
	p, err := New(m, "Dockerfile", Side{Dockerfile: wasText, Context: dir}, opt)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	return p.Prove(t.Context(), Side{Dockerfile: isText, Context: dir}, nil)
}

// What only breaks while both run at once is the machine's doing.
func TestBreaksAreSeenAlone(t *testing.T) {
	for _, c := range []struct {
		name   string
		does   func(text string, times int) probe.Result
		breaks bool
		probes int
	}{
		{"alike", func(string, int) probe.Result { return serves(80) }, false, 2},
		{"late once", func(text string, times int) probe.Result {
			if text == isText && times == 0 {
				return serves()
			}
			return serves(80)
		}, false, 4},
		{"never listens", func(text string, _ int) probe.Result {
			if text == isText {
				return serves()
			}
			return serves(80)
		}, true, 4},
		{"the original does so by itself", func(text string, times int) probe.Result {
			if text == isText || times == 1 {
				return serves(80)
			}
			return serves(80, 81)
		}, false, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &twin{does: c.does}
			proof, err := proveTwins(t, m, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if proof.Holds() == c.breaks {
				t.Errorf("breaks: %+v", proof.Breaks)
			}
			if got := strings.Count(strings.Join(m.log, " "), "probe"); got != c.probes {
				t.Errorf("%d probes, want %d: %v", got, c.probes, m.log)
			}
			if m.log[0] != "before" || m.log[1] != "after" {
				t.Errorf("the order is %v: the original comes first", m.log)
			}
		})
	}
}

func TestProveWhatDoesntBuild(t *testing.T) {
	same := func(string, int) probe.Result { return serves(80) }
	fails := func(name string, err error) *twin {
		return &twin{does: same, err: func(n string) error {
			if n == name {
				return err
			}
			return nil
		}}
	}
	proof, err := proveTwins(t, fails("after", &builder.Error{Build: "after", Output: "no"}), Options{})
	if err != nil || proof.Holds() || proof.Before.Layers != 1 || proof.Before.Did == "was not run" {
		t.Errorf("%v, %+v", err, proof)
	}
	var before *BeforeError
	if _, err := proveTwins(t, fails("before", &builder.Error{Build: "before"}), Options{}); !errors.As(err, &before) {
		t.Errorf("the original doesn't build: %v", err)
	}
	for _, name := range []string{"before", "after", "probe"} {
		if _, err := proveTwins(t, fails(name, &builder.Error{Build: name, Cause: builder.ErrGone}), Options{}); !errors.Is(err, builder.ErrGone) {
			t.Errorf("the builder is gone at %s: %v", name, err)
		}
	}
}

// What was built already isn't built again, stays in the caller's layout, and its proof is its own.
func TestProveWhatIsBuilt(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "layout")
	m := &twin{t: t, does: func(string, int) probe.Result { return serves(80) }}
	opt := Options{Layout: folder, Cache: &Cache{Dir: t.TempDir()}}
	opt.Build.Platform = "linux/amd64"
	dir := t.TempDir()
	side := func(text, label string) Side {
		res, err := m.Build(t.Context(), builder.Request{Name: "ship", Dockerfile: text + label, Layout: folder, Export: true}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return Side{Dockerfile: text, Context: dir, Built: res}
	}
	was := side(wasText, "")
	for k, label := range []string{"", "# built on another base\n", ""} {
		now := side(isText, label)
		m.log = nil
		p, err := New(m, "Dockerfile", was, opt)
		if err != nil {
			t.Fatal(err)
		}
		proof, err := p.Prove(t.Context(), now, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		if !proof.Holds() || proof.After.Digest != now.Built.Digest || proof.Before.Digest != was.Built.Digest || p.Builds != 0 {
			t.Errorf("%d: %+v, %d builds", k, proof, p.Builds)
		}
		if want := map[bool]string{true: "[]", false: "[probe probe]"}[k == 2]; fmt.Sprint(m.log) != want || proof.Cached != (k == 2) {
			t.Errorf("%d: built %v, want %s; from the cache: %v", k, m.log, want, proof.Cached)
		}
	}
	if _, err := os.Stat(folder); err != nil {
		t.Error("the caller's layout is gone")
	}
}

// What a proof is in JSON, whatever came of it, holds to the published schema of reports.
func TestProofHoldsToItsSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../docs/schema/report.json#/$defs/verifyProof")
	if err != nil {
		t.Fatal(err)
	}
	if schema.Validate(map[string]any{"verdict": "same"}) == nil {
		t.Error("the schema takes everything")
	}
	answers := func(ports ...int) func(string, int) probe.Result {
		return func(string, int) probe.Result { return serves(ports...) }
	}
	for name, m := range map[string]*twin{
		"holds": {does: answers(80)},
		"breaks": {does: func(text string, _ int) probe.Result {
			if text == isText {
				return serves()
			}
			return serves(80)
		}},
		"isn't built": {does: answers(80), err: func(n string) error {
			if n == "after" {
				return &builder.Error{Build: n, Output: "no \x1b[31m\xff"}
			}
			return nil
		}},
	} {
		proof, err := proveTwins(t, m, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if proof.Holds() != (name == "holds") || proof.Before.Compressed == 0 || proof.Before.Run == nil {
			t.Errorf("%s: %+v", name, proof)
		}
		text, err := json.Marshal(proof)
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}
