package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"drydock/leftover"
)

// waiting is a report while it is written: beside the place where it will be, so that
// nobody reads half of it.
type waiting struct {
	*os.File
	path string
	done func() // it needs no taking away any more
}

// newWaiting begins a file that will be at path, with the mode of the one that is there, or
// 0644 less the umask.
func newWaiting(path string) (*waiting, error) {
	mode := fs.FileMode(0o644)
	info, err := os.Stat(path)
	if err == nil {
		mode = info.Mode().Perm()
	}
	temp := tempBeside(path)
	done := leftover.Until(func() { os.Remove(temp) })
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err == nil && info != nil {
		err = f.Chmod(mode) // whatever the umask is now
	}
	if err != nil {
		done()
		return nil, err
	}
	return &waiting{f, path, done}, nil
}

// tempBeside is a name beside a file that nobody has.
func tempBeside(path string) string {
	return filepath.Join(filepath.Dir(path), fmt.Sprintf(".drydock-%016x", rand.Uint64()))
}

// settle puts the file in its place, and waits for the disk; a nil one, and one that was
// settled or dropped, stay as they are.
func (w *waiting) settle() error {
	if w == nil || w.done == nil {
		return nil
	}
	if err := errors.Join(w.Sync(), w.Close()); err != nil {
		return err
	}
	if err := os.Rename(w.Name(), w.path); err != nil {
		return err
	}
	w.ended()
	syncFolder(filepath.Dir(w.path))
	return nil
}

// drop takes away what wasn't put in its place.
func (w *waiting) drop() {
	if w == nil || w.done == nil {
		return
	}
	w.Close()
	os.Remove(w.Name())
	w.ended()
}

func (w *waiting) ended() {
	w.done()
	w.done = nil
}
