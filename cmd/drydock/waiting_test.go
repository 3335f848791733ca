package main

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// A report of any kind takes the place of an older one whole, with its mode, or leaves it.
func TestWaiting(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "out.sarif")
	put := func(text string) error { return (&reportFile{name: name}).put([]byte(text)) }
	if err := put("new"); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" {
		if err := os.Chmod(name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w, err := newWaiting(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteString("half of"); err != nil {
		t.Fatal(err)
	}
	w.drop()
	w.drop()
	if text, err := os.ReadFile(name); err != nil || string(text) != "new" {
		t.Errorf("a report that came to no end: %q, %v", text, err)
	}
	if err := put("newer"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if text, _ := os.ReadFile(name); string(text) != "newer" {
		t.Errorf("%q", text)
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
		t.Errorf("left: %v, %v", all, err)
	}
	if err := (&reportFile{name: filepath.Join(dir, "nowhere", "x")}).put(nil); err == nil {
		t.Error("a folder that isn't there")
	}
}
