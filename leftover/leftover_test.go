package leftover

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestClear is the only test: after Clear the program is ending.
func TestClear(t *testing.T) {
	tmp := t.TempDir()
	gone, remove, err := Folder(tmp, "gone-")
	if err != nil {
		t.Fatal(err)
	}
	remove()
	stays, _, err := Folder(tmp, "stays-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(stays, "f"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var order []string
	Until(func() { order = append(order, "folder") })
	done := Until(func() { order = append(order, "never") })
	Until(func() { order = append(order, "program in it") })
	done()
	held, cleared := Whole(), make(chan struct{})
	go func() { Clear(); close(cleared) }()
	select {
	case <-cleared:
		t.Fatal("Clear didn't wait for what is done in full")
	default:
	}
	held()
	<-cleared
	if want := []string{"program in it", "folder"}; !slices.Equal(order, want) {
		t.Errorf("got %q, want %q", order, want)
	}
	if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) > 0 {
		t.Errorf("%s, %s: stay: %q", gone, stays, left)
	}
	late := make(chan struct{})
	go Until(func() { close(late) })
	<-late
}
