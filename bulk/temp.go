package bulk

// Temporary folders. A process that is killed can't take its own away: the next one
// does. A lock beside each folder tells whether its process is alive.

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"drydock/bulk/lock"
	"drydock/leftover"
)

const (
	tempName = "drydock-bulk-"
	tempLock = ".lock"
)

// temp is the folder of this process; every repository has one in it.
type temp struct {
	dir    string
	lock   *os.File
	remove func()
}

// newTemp makes a folder in dir, "" for the system's, and clears away those of
// processes that ended without doing so.
func newTemp(dir string) (*temp, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("the folder for temporary files can't be made: %w: name another", err)
	}
	clearDead(dir)
	var id [6]byte
	_, _ = rand.Read(id[:])
	name := filepath.Join(dir, tempName+hex.EncodeToString(id[:]))
	// The lock comes first: a folder without a lock that is held is a dead one's.
	held, err := lock.Open(name+tempLock, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return nil, fmt.Errorf("the folder for temporary files can't be used: %w: name another", err)
	}
	t := &temp{dir: name, lock: held}
	undo := func() {
		_ = os.RemoveAll(name)
		held.Close()
		_ = os.Remove(name + tempLock)
	}
	done := leftover.Until(undo)
	t.remove = func() {
		undo()
		done()
		clearDead(dir) // what a program that a dead process had started was still writing to
	}
	if err := os.Mkdir(name, 0o700); err != nil {
		t.remove()
		return nil, fmt.Errorf("the folder for temporary files can't be used: %w: name another", err)
	}
	return t, nil
}

// folder makes a folder for one repository.
func (t *temp) folder() (dir string, remove func(), err error) {
	if dir, err = os.MkdirTemp(t.dir, ""); err != nil {
		return "", nil, fmt.Errorf("a temporary folder can't be made: %w", err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}

// clearDead takes away the folders of processes that are dead.
func clearDead(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), tempLock)
		if !ok || !strings.HasPrefix(name, tempName) || !e.Type().IsRegular() {
			continue
		}
		held, err := lock.Open(filepath.Join(dir, e.Name()), os.O_RDWR)
		if err != nil {
			continue // alive, or another user's
		}
		err = os.RemoveAll(filepath.Join(dir, name))
		held.Close()
		if err == nil { // else the next one tries again: nobody clears a folder without a lock
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
