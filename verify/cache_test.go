package verify

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// key is a key as the cache has them.
func key(n int) string { return fmt.Sprintf("%064x", n) }

func TestCacheTakesOnlyItsOwn(t *testing.T) {
	c := &Cache{Dir: t.TempDir()}
	c.put(key(1), &Proof{Verdict: "same behaviour"})
	r := c.get(key(1))
	if r == nil || r.Verdict != "same behaviour" || !r.Cached {
		t.Fatalf("got %+v", r)
	}
	good, err := os.ReadFile(c.file(key(1)))
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{
		nil, good[:len(good)/2], []byte("{}"), []byte("\n{}"),
		bytes.Replace(good, []byte("same behaviour"), []byte("same failure  "), 1),
		append([]byte(strings.Repeat("0", 64)+"\n"), good[65:]...),
	} {
		if err := os.WriteFile(c.file(key(1)), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if r := c.get(key(1)); r != nil {
			t.Errorf("took %q: %+v", bad, r)
		}
	}
	// Another one's record in its place.
	if err := os.WriteFile(c.file(key(2)), good, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := c.get(key(2)); r != nil {
		t.Errorf("took the record of another key: %+v", r)
	}
	c.put(key(1), &Proof{})
	if c.get(key(1)) == nil {
		t.Error("a damaged record isn't replaced")
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := &Cache{Dir: t.TempDir()}
	if err := os.MkdirAll(filepath.Dir(c.file(key(0))), 0o700); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	write := func(name string, age time.Duration) {
		t.Helper()
		if err := errors.Join(os.WriteFile(name, nil, 0o600), os.Chtimes(name, now, now.Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	for i := range maxRecords + 10 {
		write(c.file(key(i)), time.Duration(i)*time.Second)
	}
	old, left, fresh := c.file(key(5000)), filepath.Join(c.Dir, "00", ".new-1"), filepath.Join(c.Dir, "00", ".new-2")
	write(old, (CacheDays+1)*24*time.Hour)
	write(left, 2*time.Hour)
	write(fresh, 0)
	other := filepath.Join(c.Dir, "README")
	write(other, 365*24*time.Hour)
	c.put(key(9999), &Proof{})
	exists := func(name string) bool { _, err := os.Lstat(name); return err == nil }
	if exists(old) || exists(left) || !exists(fresh) || !exists(other) {
		t.Errorf("past its days %v, of a killed process %v, of one that writes %v, not ours %v", exists(old), exists(left), exists(fresh), exists(other))
	}
	all, _ := filepath.Glob(filepath.Join(c.Dir, "00", "*"))
	if len(all) > maxRecords || len(all) < maxRecords/2 || !exists(c.file(key(1))) || exists(c.file(key(maxRecords))) || c.get(key(9999)) == nil {
		t.Errorf("%d records stay; the newest %v, the oldest %v", len(all), exists(c.file(key(1))), exists(c.file(key(maxRecords))))
	}
}

// A cache that can't be written, or is no folder, is none.
func TestCacheUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*Cache{nil, {Dir: file}, {Dir: filepath.Join(file, "below")}} {
		c.put(key(1), &Proof{})
		if c.get(key(1)) != nil {
			t.Errorf("%+v has a record", c)
		}
	}
}

// Processes that prove the same at once each find a whole record.
func TestCacheSharedKey(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for i := range 8 {
		c := &Cache{Dir: dir}
		wg.Go(func() {
			for range 20 {
				c.put(key(1), &Proof{Verdict: strings.Repeat(fmt.Sprint(i), 5000)})
				if c.get(key(1)) == nil {
					t.Error("a record in parts")
				}
			}
		})
	}
	wg.Wait()
}

func TestUnchanged(t *testing.T) {
	write := func(dir, name, text string) {
		t.Helper()
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		do   func(dir string)
		want string // the file that is named; "" for none
	}{
		{"nothing", func(string) {}, ""},
		{"a file", func(dir string) { write(dir, "app/a.py", "other") }, "app/a.py"},
		{"a new file", func(dir string) { write(dir, "app/c.py", "") }, "app/c.py"},
		{"a file less", func(dir string) { os.Remove(filepath.Join(dir, "app", "a.py")) }, "app/a.py"},
		{"the mode", func(dir string) { os.Chmod(filepath.Join(dir, "app", "a.py"), 0o755) }, "app/a.py"},
		{"the ignore file", func(dir string) { write(dir, ".dockerignore", "") }, ".dockerignore"},
		{"an ignored file", func(dir string) { write(dir, "x.log", "more") }, ""},
		{"git's own", func(dir string) { write(dir, ".git/index", "more") }, ""},
		{"drydock's cache", func(dir string) { write(dir, ".cache/proofs/00/x", "") }, ""},
		{"what drydock read of layers", func(dir string) { write(dir, ".layers/x", "") }, ""},
		{"what registries said to drydock", func(dir string) { write(dir, ".own/registry/x", "") }, ""},
	} {
		dir := t.TempDir()
		write(dir, "app/a.py", "")
		write(dir, ".git/index", "")
		write(dir, "x.log", "")
		write(dir, ".dockerignore", "*.log\n")
		rules := "*.log\n"
		p := &Prover{origin: Side{Context: dir, Ignore: &rules}, opt: Options{Cache: &Cache{Dir: filepath.Join(dir, ".cache", "proofs")}, Layers: filepath.Join(dir, ".layers"), Own: filepath.Join(dir, ".own")}}
		p.watch()
		c.do(dir)
		got := ""
		var changed *ChangedError
		if err := p.unchanged(); errors.As(err, &changed) {
			got = changed.Path
		} else if err != nil {
			t.Fatal(err)
		}
		if got != c.want {
			t.Errorf("%s: %q changed, want %q", c.name, got, c.want)
		}
	}
}
