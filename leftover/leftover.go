// Package leftover knows what must not stay behind when the program is told to end
// at once: temporary folders and files, programs that it started. Whoever makes one
// takes it away in the usual course; only a second Ctrl-C doesn't wait for that.
package leftover

import (
	"os"
	"slices"
	"sync"
)

var (
	mu     sync.Mutex
	next   int
	undos  = map[int]func(){}
	ending bool
	// whole is held while files are put in their places.
	whole sync.RWMutex
)

// Until keeps undo for the case that the program ends before done is called. In a
// program that is ending already undo is called right away, and Until doesn't return.
func Until(undo func()) (done func()) {
	mu.Lock()
	if ending {
		mu.Unlock()
		undo()
		select {} // nothing new begins
	}
	defer mu.Unlock()
	n := next
	next++
	undos[n] = undo
	return func() {
		mu.Lock()
		defer mu.Unlock()
		delete(undos, n)
	}
}

// Whole keeps Clear waiting until done is called: for what is done in full or not
// at all, and takes no time to speak of.
func Whole() (done func()) {
	whole.RLock()
	return whole.RUnlock
}

// Clear calls what Until was given, the latest first. The program must end after it.
func Clear() {
	whole.Lock() // for good
	mu.Lock()
	ending = true
	left := undos
	undos = map[int]func(){}
	mu.Unlock()
	keys := make([]int, 0, len(left))
	for n := range left {
		keys = append(keys, n)
	}
	slices.Sort(keys)
	for _, n := range slices.Backward(keys) {
		left[n]()
	}
}

// Folder makes a temporary folder as os.MkdirTemp does. remove takes it away with
// all that is in it.
func Folder(dir, pattern string) (name string, remove func(), err error) {
	if name, err = os.MkdirTemp(dir, pattern); err != nil {
		return "", nil, err
	}
	undo := func() { _ = os.RemoveAll(name) } // in the folder for temporary files, which the system empties too
	done := Until(undo)
	return name, func() { undo(); done() }, nil
}
