package registry_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"drydock/images"
	"drydock/images/registry"
	"drydock/images/registry/registrytest"
)

// files lists the cache's files.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			out = append(out, name)
		}
		return nil
	})
	return out
}

// The second run asks nothing while the answers are fresh, and then only
// whether they still hold.
func TestCache(t *testing.T) {
	registrytest.NoLogins(t)
	var held atomic.Int64
	reg := registrytest.Start(t, python(), registrytest.Paged(2), registrytest.ETags(), registrytest.Handle(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("If-None-Match") != "" {
			held.Add(1)
		}
		return false
	}))
	dir := t.TempDir() + "/drydock/registry"
	o := registry.Options{CacheDir: dir}
	works(t, reg, store(t, reg, o))
	if n := len(reg.Requests()); n != 7 { // HEAD; index, manifest, configuration; three pages of tags
		t.Errorf("the first run asks %q", reg.Requests())
	}
	reg.Reset()
	works(t, reg, store(t, reg, o))
	if got := reg.Requests(); len(got) != 0 {
		t.Errorf("the second run asks %q", got)
	}

	o.Fresh = time.Nanosecond
	works(t, reg, store(t, reg, o))
	if got := reg.Requests(); len(got) != 4 || reg.Count("HEAD ") != 1 || reg.Count("GET /v2/library/python/tags/list") != 3 || held.Load() != 4 {
		t.Errorf("the later run asks %q, %d times whether the answer still holds", got, held.Load())
	}
	// What has changed is seen: in the second of three pages, and in the tag.
	reg.Delete("library/python", "single-list")
	reg.Push("library/python", "new", registrytest.Image{})
	moved := reg.Push("library/python", "3.12", registrytest.Image{Content: "moved"})
	s := store(t, reg, o)
	if tags, err := s.Tags(ref(t, "python")); err != nil || !slices.Equal(tags, []string{"3.12", "3.12.14", "3.13", "new", "single"}) {
		t.Errorf("%q, %v", tags, err)
	}
	if d, err := s.Resolve(ref(t, "python:3.12")); err != nil || d.Digest != moved {
		t.Errorf("%+v, %v", d, err)
	}

	for _, name := range append(files(t, dir), dir, filepath.Join(dir, "public")) {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v for others, %v", name, info.Mode(), err)
		}
	}
}

// A digest is asked for once, for ever; the registry may be gone by then.
func TestCacheByDigest(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, python())
	o := registry.Options{CacheDir: t.TempDir(), Fresh: -1}
	name := "python@" + reg.Digest("library/python", "3.12")
	want, err := store(t, reg, o).Describe(ref(t, name), "linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	reg.Stop()
	if d, err := store(t, reg, o).Describe(ref(t, name), "linux/amd64"); err != nil || d.Manifest != want.Manifest {
		t.Errorf("%+v, %v", d, err)
	}
	_, err = store(t, reg, o).Resolve(ref(t, "node@"+want.Digest))
	wants(t, err, images.ErrUnreachable) // another repository isn't known to have it
}

// Entries that aren't what they say are as if they weren't there.
func TestCacheCorrupt(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, python())
	for name, spoil := range map[string]func([]byte) []byte{
		"empty":     func([]byte) []byte { return nil },
		"truncated": func(b []byte) []byte { return b[:len(b)/2] },
		"longer":    func(b []byte) []byte { return append(b, 'x') },
		"one byte":  func(b []byte) []byte { b[len(b)-2] ^= 1; return b },
		"not JSON":  func(b []byte) []byte { return append([]byte("x"), b...) },
		"no line":   func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), nil) },
		"other key": func(b []byte) []byte { return bytes.Replace(b, []byte("library/python"), []byte("library/pythno"), 1) },
	} {
		o := registry.Options{CacheDir: t.TempDir()}
		works(t, reg, store(t, reg, o))
		for _, f := range files(t, o.CacheDir) {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Base(f) != "pruned" {
				os.WriteFile(f, spoil(b), 0o600)
			}
		}
		reg.Reset()
		works(t, reg, store(t, reg, o))
		if n := len(reg.Requests()); n != 5 {
			t.Errorf("%s: asks %q", name, reg.Requests())
		}
		reg.Reset()
		works(t, reg, store(t, reg, o))
		if n := len(reg.Requests()); n != 0 {
			t.Errorf("%s: isn't mended", name)
		}
	}
}

// What was got with a login is for that login alone, and no secret is written.
func TestCacheOfAccounts(t *testing.T) {
	config := registrytest.NoLogins(t)
	k := &registrytest.Tokens{User: "alice", Password: "secret-word", Private: true}
	reg := registrytest.Start(t, python(), registrytest.Bearer(k))
	dir := t.TempDir()
	o := registry.Options{CacheDir: dir}
	writeLogin(t, config, reg.Addr, "alice", "secret-word")
	works(t, reg, store(t, reg, o))
	reg.Reset()
	works(t, reg, store(t, reg, o))
	if got := reg.Requests(); len(got) != 0 {
		t.Errorf("alice's second run asks %q", got)
	}
	for _, user := range []string{"bob", ""} {
		if user == "" {
			os.Remove(filepath.Join(config, "config.json"))
		} else {
			writeLogin(t, config, reg.Addr, user, "other-word")
		}
		for _, name := range []string{"python:3.12", "python@" + reg.Digest("library/python", "3.12")} {
			_, err := store(t, reg, o).Describe(ref(t, name), "linux/amd64")
			wants(t, err, images.ErrUnauthorized)
		}
		_, err := store(t, reg, o).Tags(ref(t, "python"))
		wants(t, err, images.ErrUnauthorized)
	}
	found := files(t, dir)
	if len(found) < 5 {
		t.Errorf("files %q", found)
	}
	for _, name := range found {
		b, _ := os.ReadFile(name)
		for _, secret := range []string{"word", "alice", "token-", "d29yZ", "c2Vjcm"} { // in base64 too
			if strings.Contains(name+string(b), secret) {
				t.Errorf("%s holds %q", name, secret)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "public")); err == nil {
		t.Error("what was got with a login is there for everybody")
	}

	// A user name that everybody has is no account: nothing is written.
	for header, login := range map[string]map[string]string{
		"Bearer given": {"registrytoken": "given"},
		"Basic " + base64.StdEncoding.EncodeToString([]byte("oauth2accesstoken:given")): {"username": "oauth2accesstoken", "password": "given"},
	} {
		reg := registrytest.Start(t, python(), registrytest.Handle(needs(header)))
		dir := t.TempDir() + "/cache"
		write(t, filepath.Join(config, "config.json"), map[string]any{"auths": map[string]any{reg.Addr: login}})
		works(t, reg, store(t, reg, registry.Options{CacheDir: dir}))
		absent(t, dir)
	}
}

// The cache stays below its bound, the oldest entries go.
func TestCacheBound(t *testing.T) {
	registrytest.NoLogins(t)
	many := map[string]registrytest.Image{}
	for i := range 60 {
		many[fmt.Sprint("v", i)] = registrytest.Image{}
	}
	reg := registrytest.Start(t, map[string]map[string]registrytest.Image{"library/many": many})
	o := registry.Options{CacheDir: t.TempDir(), CacheMax: 40 * 4096}
	s := store(t, reg, o)
	left := filepath.Join(o.CacheDir, "public", "00", ".new-left")
	os.MkdirAll(filepath.Dir(left), 0o700)
	os.WriteFile(left, []byte("of a process that was killed"), 0o600)
	old := time.Now().Add(-2 * time.Hour)
	os.Chtimes(left, old, old)
	for i := range 60 {
		if _, err := s.Describe(ref(t, fmt.Sprint("many:v", i)), ""); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(files(t, o.CacheDir)); n > 55 || n < 20 { // entries of less than 4 KiB, a quarter more than the bound at most
		t.Errorf("%d files", n)
	}
	absent(t, left)
	reg.Reset()
	if _, err := store(t, reg, o).Describe(ref(t, "many:v59"), ""); err != nil || len(reg.Requests()) != 0 {
		t.Errorf("the newest is gone: %q, %v", reg.Requests(), err)
	}
}

// A folder that can't be used is no cache, and no error.
func TestCacheUnusable(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, python())
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, []byte("mine"), 0o600)
	works(t, reg, store(t, reg, registry.Options{CacheDir: file}))
	works(t, reg, store(t, reg, registry.Options{CacheDir: file + "/below"}))
	if b, _ := os.ReadFile(file); string(b) != "mine" {
		t.Errorf("the file now holds %q", b)
	}
	wide := t.TempDir()
	os.Chmod(wide, 0o777)
	works(t, reg, store(t, reg, registry.Options{CacheDir: wide}))
	if info, _ := os.Stat(wide); info.Mode().Perm() != 0o700 {
		t.Errorf("others may write there: %v", info.Mode())
	}
}

// Many stores at once, as processes are: nobody reads half an entry.
func TestCacheShared(t *testing.T) {
	registrytest.NoLogins(t)
	reg := registrytest.Start(t, python())
	o := registry.Options{CacheDir: t.TempDir(), Fresh: time.Nanosecond}
	var wg sync.WaitGroup
	for range 8 {
		s := store(t, reg, o)
		wg.Go(func() {
			for range 5 {
				works(t, reg, s)
			}
		})
	}
	wg.Wait()
	for _, f := range files(t, o.CacheDir) {
		if strings.Contains(f, ".new-") {
			t.Errorf("%s is left", f)
		}
	}
}

func TestFromEnvironment(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", home)
	t.Setenv("DRYDOCK_MIRRORS", "docker.io=127.0.0.1:5000")
	os.Unsetenv("DRYDOCK_CACHE")
	o, err := registry.FromEnvironment()
	if base, _ := os.UserCacheDir(); err != nil || o.CacheDir != filepath.Join(base, "drydock", "registry") || len(o.Mirrors) != 1 {
		t.Errorf("%+v, %v", o, err)
	}
	for set, want := range map[string]string{"/x": "/x/registry", "off": "", "": ""} {
		t.Setenv("DRYDOCK_CACHE", set)
		if o, err := registry.FromEnvironment(); err != nil || filepath.ToSlash(o.CacheDir) != want {
			t.Errorf("%q gives %+v, %v", set, o, err)
		}
	}
	t.Setenv("DRYDOCK_MIRRORS", "docker.io")
	if _, err := registry.FromEnvironment(); err == nil || err.Error() != `DRYDOCK_MIRRORS: "docker.io" has no =: write HOST=TARGET, such as docker.io=127.0.0.1:5000` {
		t.Error(err)
	}
}
