//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"drydock/verify/builder"
)

// small is a base image with a shell that the lab has.
const small = "debian:bookworm-slim"

// bothBuilders runs a test with buildctl and with buildx; each has to be there.
func bothBuilders(t *testing.T, test func(t *testing.T, b *builder.Builder)) {
	for _, kind := range []string{"buildctl", "buildx"} {
		t.Run(kind, func(t *testing.T) {
			b, err := builder.Find(t.Context(), kind)
			if err != nil {
				t.Fatal(err)
			}
			noLeftovers(t)
			test(t, b)
		})
	}
}

// noLeftovers fails the test when a build of it leaves a temporary folder, or a
// program that reads from one.
func noLeftovers(t *testing.T) {
	t.Helper()
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Cleanup(func() {
		if left, _ := filepath.Glob(filepath.Join(tmp, "drydock-build-*")); len(left) > 0 {
			t.Errorf("temporary folders stay: %v", left)
		}
		if left := pids(t, tmp); len(left) > 0 {
			t.Errorf("programs stay: %v", left)
		}
	})
}

// pids are the processes on this machine whose command line holds text.
func pids(t *testing.T, text string) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var out []int
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil && strings.Contains(string(raw), text) {
			out = append(out, pid)
		}
	}
	return out
}

// folder writes files below a new folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// outputs joins what all steps printed, in the order in which they began: BuildKit
// tells of a graph's last vertex first.
func outputs(res *builder.Result) string {
	steps := slices.SortedStableFunc(slices.Values(res.Steps), func(a, b builder.Step) int { return a.Started.Compare(b.Started) })
	var b strings.Builder
	for _, s := range steps {
		b.WriteString(s.Output)
	}
	return b.String()
}

// nonce makes a step that no cache holds.
func nonce() string { return fmt.Sprintf("n%d", time.Now().UnixNano()) }

func mustBuild(t *testing.T, b *builder.Builder, r builder.Request) *builder.Result {
	t.Helper()
	res, err := b.Build(t.Context(), r, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, outputs(res))
	}
	return res
}

func TestBuilderPassesThrough(t *testing.T) {
	bothBuilders(t, func(t *testing.T, b *builder.Builder) {
		t.Setenv("DRYDOCK_E2E_ARG", "from the environment")
		t.Setenv("SOURCE_DATE_EPOCH", "1")
		secret := filepath.Join(folder(t, map[string]string{"s": "a secret"}), "s")
		res := mustBuild(t, b, builder.Request{
			Name: "before", Context: folder(t, map[string]string{"a": ""}), NoCache: true,
			Dockerfile: "FROM " + small + " AS base\nARG A\nARG DRYDOCK_E2E_ARG\nARG DRYDOCK_E2E_NONE=default\nARG SOURCE_DATE_EPOCH=none\n" +
				"RUN echo \"<$A> <$DRYDOCK_E2E_ARG> <$DRYDOCK_E2E_NONE> <$SOURCE_DATE_EPOCH>\"\n" +
				"RUN --mount=type=secret,id=word wc -c </run/secrets/word\nFROM base AS wanted\nRUN echo reached\nFROM base\nRUN echo never; exit 1\n",
			Options: builder.Options{
				Target: "wanted", BuildArgs: []string{`A=x,y=z "q"`, "DRYDOCK_E2E_ARG", "DRYDOCK_E2E_NONE"}, Secrets: []string{"id=word,src=" + secret},
			},
		})
		if got, want := outputs(res), "<x,y=z \"q\"> <from the environment> <default> <none>\n8\nreached\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestBuilderContexts(t *testing.T) {
	bothBuilders(t, func(t *testing.T, b *builder.Builder) {
		layout := filepath.Join(t.TempDir(), "oci")
		base := mustBuild(t, b, builder.Request{Context: t.TempDir(), Layout: layout, Export: true, Dockerfile: "FROM " + small + "\nRUN echo exported >/word\n"})
		if _, err := os.Stat(filepath.Join(layout, "blobs", "sha256", strings.TrimPrefix(base.Digest, "sha256:"))); err != nil {
			t.Fatalf("the image isn't in the layout: %v", err)
		}
		res := mustBuild(t, b, builder.Request{
			Context: folder(t, map[string]string{"a": ""}), Layout: layout, NoCache: true,
			Dockerfile: "FROM subject AS one\nCOPY --from=data f /f\nCOPY --from=more g /g\nCOPY --from=again:latest /word /again\nRUN cat /word /f /g /again\nFROM other\nCOPY --from=one /word /\n",
			Images:     map[string]string{"subject": base.Digest},
			Folders:    map[string]string{"data": folder(t, map[string]string{"f": "of a folder\n"})},
			Options: builder.Options{Contexts: []string{
				"more=" + folder(t, map[string]string{"g": "of an option\n"}), "other=docker-image://" + small, "again=oci-layout://" + layout + "@" + base.Digest,
			}},
		})
		if got, want := outputs(res), "exported\nof a folder\nof an option\nexported\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// The request's ignore rules replace those of the context; an empty text is no rules.
func TestBuilderIgnore(t *testing.T) {
	bothBuilders(t, func(t *testing.T, b *builder.Builder) {
		context := folder(t, map[string]string{"a": "", "b": "", "c": "", ".dockerignore": "a\n"})
		for _, c := range []struct {
			ignore *string
			want   string
		}{{nil, "b c"}, {new("b\n"), "a c"}, {new(""), "a b c"}} {
			res := mustBuild(t, b, builder.Request{Context: context, Ignore: c.ignore, NoCache: true, Dockerfile: "FROM " + small + "\nCOPY . /x\nRUN ls /x\n"})
			if got := strings.Join(strings.Fields(outputs(res)), " "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		}
	})
}

// A second build finds its steps in the cache; two at once share a layout.
func TestBuilderCacheAndLayout(t *testing.T) {
	bothBuilders(t, func(t *testing.T, b *builder.Builder) {
		layout := filepath.Join(t.TempDir(), "oci")
		request := func(word string) builder.Request {
			return builder.Request{Name: word, Context: t.TempDir(), Layout: layout, Export: true, Dockerfile: "FROM " + small + "\nRUN echo " + word + " >/word\n"}
		}
		type done struct {
			res *builder.Result
			err error
		}
		ends := make(chan done)
		words := []string{nonce() + "a", nonce() + "b"}
		for _, w := range words {
			r := request(w)
			go func() { res, err := b.Build(t.Context(), r, nil); ends <- done{res, err} }()
		}
		digests := map[string]bool{}
		for range words {
			d := <-ends
			if d.err != nil {
				t.Fatal(d.err)
			}
			digests[d.res.Digest] = true
			if _, err := os.Stat(filepath.Join(layout, "blobs", "sha256", strings.TrimPrefix(d.res.Digest, "sha256:"))); err != nil {
				t.Error(err)
			}
		}
		if len(digests) != 2 {
			t.Errorf("got %v: want two images", slices.Collect(maps.Keys(digests)))
		}
		var heard []builder.Event
		res, err := b.Build(t.Context(), request(words[0]), func(e builder.Event) { heard = append(heard, e) })
		if err != nil || !digests[res.Digest] {
			t.Errorf("built again: %v, %s", err, res.Digest)
		}
		cached := slices.ContainsFunc(res.Steps, func(s builder.Step) bool {
			return strings.Contains(s.Name, "RUN echo") && s.Cached && !s.Completed.IsZero()
		})
		if !cached {
			t.Errorf("not cached: %+v", res.Steps)
		}
		if len(heard) < 3 || heard[len(heard)-1].Step.Name != "" || heard[len(heard)-1].Total != len(res.Steps) {
			t.Errorf("heard %+v", heard)
		}
	})
}

// failed is a build that must fail.
func failed(t *testing.T, b *builder.Builder, r builder.Request) *builder.Error {
	t.Helper()
	res, err := b.Build(t.Context(), r, nil)
	var e *builder.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, %+v", err, res)
	}
	return e
}

func TestBuilderFailures(t *testing.T) {
	bothBuilders(t, func(t *testing.T, b *builder.Builder) {
		registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var code int
			if _, err := fmt.Sscanf(r.URL.Path, "/v2/c%d/", &code); err != nil {
				code = http.StatusOK
			}
			w.WriteHeader(code)
		}))
		t.Cleanup(registry.Close)
		host := strings.TrimPrefix(registry.URL, "http://")
		for _, c := range []struct {
			name, file string
			cause      error
			step       string
			line       int
			message    string // its beginning; "…" and its end
		}{
			{"a step", "FROM " + small + "\n\nRUN echo well\nRUN echo first; \\\n  echo what went wrong >&2; exit 3\n", nil, "RUN echo first;", 4,
				"before: RUN echo first; echo what went wrong >&2; exit 3 (Dockerfile:4) failed: what went wrong"},
			{"a step that prints words of a builder", "FROM " + small + "\nRUN echo 'rpc error: code = Unavailable: 401 Unauthorized'; false\n", nil, "RUN echo", 2, ""},
			{"a file", "FROM " + small + "\nCOPY nothing /\n", nil, "COPY nothing /", 2, "before: COPY nothing / (Dockerfile:2) failed: "},
			{"grammar", "FROM " + small + "\nFOO bar\n", nil, "FOO bar", 2,
				"before: FOO bar (Dockerfile:2) failed: dockerfile parse error on line 2: unknown instruction: FOO"},
			{"no image", "FROM drydock-e2e/nothing:1\n", nil, "FROM drydock-e2e/nothing:1", 1,
				"before: FROM drydock-e2e/nothing:1 (Dockerfile:1) failed: there is no image docker.io/drydock-e2e/nothing:1"},
			{"401", "FROM " + host + "/c401/x\n", builder.ErrRegistry, "FROM " + host, 1, "before: a registry refused at FROM " + host + "/c401/x (Dockerfile:1): "},
			{"403", "FROM " + host + "/c403/x\n", builder.ErrRegistry, "FROM " + host, 1, ""},
			{"429", "FROM " + host + "/c429/x\n", builder.ErrRegistry, "FROM " + host, 1, ""},
			{"500", "FROM " + small + "\nCOPY --from=" + host + "/c500/x / /\n", builder.ErrRegistry, "", 0, "before: a registry refused"},
			{"503", "FROM " + host + "/c503/x\n", builder.ErrRegistry, "FROM " + host, 1, ""},
		} {
			e := failed(t, b, builder.Request{Name: "before", Context: folder(t, map[string]string{"a": ""}), Dockerfile: c.file, NoCache: true})
			t.Logf("%s: %v", c.name, e)
			if !errors.Is(e, c.cause) && !(c.cause == nil && e.Cause == nil) {
				t.Errorf("%s: the cause is %v, want %v", c.name, e.Cause, c.cause)
			}
			if !strings.Contains(e.Step, c.step) || c.line > 0 && e.Line != c.line {
				t.Errorf("%s: step %q, line %d; want %q, %d", c.name, e.Step, e.Line, c.step, c.line)
			}
			if !strings.HasPrefix(e.Error(), c.message) {
				t.Errorf("%s: got %q, want %q", c.name, e, c.message)
			}
		}
	})
}

// Cancelling a build ends it soon, with the context's error, wherever it is.
func TestBuilderCancel(t *testing.T) {
	big := t.TempDir()
	f, err := os.Create(filepath.Join(big, "big"))
	if err != nil {
		t.Fatal(err)
	}
	// Sparse here, but sent and stored in full: cancelled long before.
	if err := errors.Join(f.Truncate(8<<30), f.Close()); err != nil {
		t.Fatal(err)
	}
	none := t.TempDir()
	bothBuilders(t, func(t *testing.T, b *builder.Builder) {
		word := nonce()
		for _, c := range []struct {
			name, file, context, until string
			export                     bool
		}{
			{"upload", "FROM " + small + "\nCOPY big /\n", big, "load build context", false},
			{"run", "FROM " + small + "\nRUN sleep 97; echo " + word + "\n", none, "RUN sleep 97", false},
			{"export", "FROM " + small + "\nRUN head -c 300000000 /dev/urandom >/" + word + "\n", none, "exporting", true},
		} {
			t.Run(c.name, func(t *testing.T) {
				noLeftovers(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				res, err := b.Build(ctx, builder.Request{
					Name: "before", Dockerfile: c.file, Context: c.context, Export: c.export, Layout: filepath.Join(t.TempDir(), "oci"),
				}, func(e builder.Event) {
					if strings.Contains(e.Step.Name, c.until) && !e.Step.Started.IsZero() {
						cancel()
					}
				})
				t.Logf("%v after %v", err, res.Took)
				var e *builder.Error
				if !errors.As(err, &e) || !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
				// The builder stops the step too, though a little later.
				for i := 0; len(pids(t, word)) > 0; i++ {
					if i == 100 {
						t.Fatalf("the step goes on: %v", pids(t, word))
					}
					time.Sleep(100 * time.Millisecond)
				}
			})
		}
	})
}
