package transforms

// The registry of a fixture: the file REGISTRY in a case's folder. A line is
//
//	REF DIGEST [PLATFORM…]
//
// DIGEST is a word that stands for a digest (tags with the same word have the
// same one), or "!" and the kind of error that asking for REF gives. A # begins a
// comment.

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"drydock/images"
)

// fakeStore answers from the lines of REGISTRY.
type fakeStore map[string]map[string]fakeTag // repository, tag

type fakeTag struct {
	digest    string
	platforms []string
	err       error
}

// digestOf is the digest that a word stands for.
func digestOf(word string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(word))) }

// readRegistry is the source of a case: over its REGISTRY, else the catalogue.
func readRegistry(t testing.TB, dir string) images.Source {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "REGISTRY"))
	if errors.Is(err, fs.ErrNotExist) {
		return images.Catalogue()
	}
	if err != nil {
		t.Fatal(err)
	}
	store, err := parseRegistry(string(b))
	if err != nil {
		t.Fatalf("%s/REGISTRY: %v", dir, err)
	}
	return images.Live(store, images.Date)
}

func parseRegistry(text string) (fakeStore, error) {
	store := fakeStore{}
	for l := range strings.Lines(text) {
		l, _, _ = strings.Cut(l, "#")
		f := strings.Fields(l)
		if len(f) == 0 {
			continue
		}
		if len(f) < 2 {
			return nil, fmt.Errorf("%q: a line is REF DIGEST [PLATFORM…]", l)
		}
		ref, err := images.ParseRef(f[0])
		if err != nil {
			return nil, err
		}
		tag := fakeTag{digest: digestOf(f[1]), platforms: f[2:]}
		switch f[1] {
		case "!unauthorized":
			tag.err = images.ErrUnauthorized
		case "!unreachable":
			tag.err = images.ErrUnreachable
		case "!ratelimited":
			tag.err = images.ErrRateLimited
		default:
			if f[1][0] == '!' {
				return nil, fmt.Errorf("%s is no kind of error", f[1])
			}
		}
		if store[ref.Repository()] == nil {
			store[ref.Repository()] = map[string]fakeTag{}
		}
		store[ref.Repository()][tagOf(ref)] = tag
	}
	return store, nil
}

func tagOf(ref images.Ref) string {
	if ref.Tag == "" {
		return "latest"
	}
	return ref.Tag
}

func (s fakeStore) Name() string { return "registry" }

func (s fakeStore) find(ref images.Ref) (fakeTag, error) {
	tag, ok := s[ref.Repository()][tagOf(ref)]
	if !ok {
		tag.err = images.ErrNotFound
	}
	if tag.err != nil {
		return tag, fmt.Errorf("%s: %w", ref, tag.err)
	}
	return tag, nil
}

func (s fakeStore) Resolve(ref images.Ref) (images.Descriptor, error) {
	tag, err := s.find(ref)
	if err != nil {
		return images.Descriptor{}, err
	}
	return images.Descriptor{Digest: tag.digest, MediaType: "application/vnd.oci.image.index.v1+json", Index: true}, nil
}

func (s fakeStore) Tags(ref images.Ref) ([]string, error) {
	var out []string
	for tag := range s[ref.Repository()] {
		out = append(out, tag)
	}
	if out == nil {
		return nil, fmt.Errorf("%s: %w", ref.Repository(), images.ErrNotFound)
	}
	return out, nil
}

func (s fakeStore) Platforms(ref images.Ref) ([]string, error) {
	tag, err := s.find(ref)
	return slices.Clone(tag.platforms), err
}

func (s fakeStore) Describe(ref images.Ref, _ string) (images.Description, error) {
	_, err := s.find(ref)
	return images.Description{}, errors.Join(err, errors.ErrUnsupported)
}

// caseFS is a case's folder as its build context: without the files that speak to
// the harness.
type caseFS struct{ fs.FS }

func harnessFile(name string) bool { return name == "REGISTRY" || name == "POLICY" }

func (c caseFS) Open(name string) (fs.File, error) {
	if harnessFile(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	f, err := c.FS.Open(name)
	if d, ok := f.(fs.ReadDirFile); ok && name == "." && err == nil {
		return caseRoot{d}, nil
	}
	return f, err
}

type caseRoot struct{ fs.ReadDirFile }

func (c caseRoot) ReadDir(n int) ([]fs.DirEntry, error) {
	out, err := c.ReadDirFile.ReadDir(n)
	return slices.DeleteFunc(out, func(e fs.DirEntry) bool { return harnessFile(e.Name()) }), err
}

func (c caseFS) Lstat(name string) (fs.FileInfo, error) {
	if harnessFile(name) {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist}
	}
	return fs.Lstat(c.FS, name)
}

func (c caseFS) ReadLink(name string) (string, error) { return fs.ReadLink(c.FS, name) }

// What speaks to the harness is no part of the build context.
func TestCaseContext(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"REGISTRY", "POLICY", "Dockerfile", "app.py"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("FROM scratch\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "REGISTRY"), []byte("python a linux/amd64\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	rp := repoOf(dir)
	if files, _ := rp.Files(); !slices.Equal(files, []string{"Dockerfile", "app.py"}) || rp.Exists("REGISTRY") || rp.Exists("POLICY") || !rp.Exists("app.py") {
		t.Errorf("the context holds %q", files)
	}
	src := readRegistry(t, dir)
	if d, err := src.Digest(images.Ref{Path: "python"}, []string{"linux/amd64"}); err != nil || d != digestOf("a") {
		t.Errorf("%s, %v", d, err)
	}
	if _, err := src.Digest(images.Ref{Path: "python"}, []string{"linux/arm64"}); !errors.Is(err, images.ErrPlatform) {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{"python", "UPPER a", "python !no"} {
		if _, err := parseRegistry(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
