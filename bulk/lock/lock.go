// Package lock holds a file for one process. The system lets go of it when the
// process ends, however it ends, so that no stale lock can be left.
package lock

import (
	"errors"
	"fmt"
	"os"
)

// ErrHeld: another process holds the file.
var ErrHeld = errors.New("another process holds it")

// Try locks an open file for this process until it is closed; the error is ErrHeld
// when another one has it. On systems without such locks it does nothing.
func Try(f *os.File) error { return try(f) }

// Open opens a file, making it when there is none, and locks it. A file that was
// replaced or removed between the two is opened again.
func Open(path string, flag int) (*os.File, error) {
	for range 100 {
		f, err := os.OpenFile(path, flag, 0o600)
		if err != nil {
			return nil, err
		}
		if err := Try(f); err != nil {
			f.Close()
			return nil, err
		}
		mine, err := f.Stat()
		if now, gone := os.Lstat(path); err == nil && gone == nil && os.SameFile(mine, now) {
			return f, nil
		}
		f.Close()
		if flag&os.O_CREATE == 0 {
			return nil, fmt.Errorf("%s: %w", path, os.ErrNotExist)
		}
	}
	return nil, fmt.Errorf("%s is replaced all the time by another process, or is a symbolic link: give another place", path)
}
