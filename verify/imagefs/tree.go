// Package imagefs reads the file system that a container of an image sees, from the layers in an OCI layout, and compares
// two of them: path by path (Compare), or for what a program would miss (CompareImages). Nothing of an image is executed.
//
// Times and hard links don't count: no two builds give the same times, and a hard link is compared as the file it is.
package imagefs

import (
	"archive/tar"
	"errors"
	"fmt"
	"path"
	"sync"
	"sync/atomic"
)

// A Node is what is at one path. It is shared between trees: never change one that a Reader gave.
type Node struct {
	Type     byte // as in archive/tar; a hard link has the type of its target
	Mode     int64
	UID, GID int
	Link     string // of a symbolic link
	Major    int64  // of a device
	Minor    int64
	Xattrs   map[string]string // by name: "security.capability"
	Size     int64             // bytes of a regular file
	SHA256   string            // of a regular file, without what normalFor's functions take out
	Text     []byte            // of a small file, a script and the package database, else nil
	Script   string            // what follows "#!" in the first line of a script
	ELF      *ELF              // of a dynamic executable or library

	head []byte // the first bytes of a file whose Text isn't kept
}

// A Tree maps paths such as "etc/passwd" to what is there; "." is the root.
type Tree map[string]*Node

// A Reader reads layers from one layout and remembers them by digest, since images share their base's. Goroutines may
// share it.
type Reader struct {
	layout string
	index  *index // nil: none is kept
	free   chan struct{}
	mu     sync.Mutex
	layers map[string]*slot

	stopped atomic.Bool
}

// A slot holds a layer that is read once, whoever asks first.
type slot struct {
	once  sync.Once
	layer *layer
	err   error
}

var errStopped = errors.New("reading was stopped")

// Stop ends what goroutines still read, with an error; nothing can be read afterwards.
func (r *Reader) Stop() { r.stopped.Store(true) }

// NewReader reads from the OCI layout in folder layout.
func NewReader(layout string) *Reader {
	return &Reader{layout: layout, free: make(chan struct{}, atOnce), layers: map[string]*slot{}}
}

// Tree stacks the layers with these digests, the lowest first.
func (r *Reader) Tree(digests []string) (Tree, error) {
	layers, err := r.read(digests)
	if err != nil {
		return nil, err
	}
	return stack(layers)
}

// atOnce is how many layers a Reader unpacks at the same time: each may hold an ELF file in memory.
const atOnce = 2

// read gives the layers with these digests.
func (r *Reader) read(digests []string) ([]*layer, error) {
	out, errs := make([]*layer, len(digests)), make([]error, len(digests))
	var wg sync.WaitGroup
	for k, d := range digests {
		wg.Go(func() { out[k], errs[k] = r.layer(d) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// layer reads one, unless that was done already. A failure isn't remembered: a build may still be writing.
func (r *Reader) layer(digest string) (*layer, error) {
	r.mu.Lock()
	s := r.layers[digest]
	if s == nil {
		s = &slot{}
		r.layers[digest] = s
	}
	r.mu.Unlock()
	s.once.Do(func() {
		r.free <- struct{}{}
		defer func() { <-r.free }()
		s.layer, s.err = r.readBlob(digest)
	})
	if s.err != nil {
		r.mu.Lock()
		if r.layers[digest] == s {
			delete(r.layers, digest)
		}
		r.mu.Unlock()
		return nil, fmt.Errorf("layer %s: %w", digest, s.err)
	}
	return s.layer, nil
}

// stack lays the layers over each other, the lowest first.
func stack(layers []*layer) (Tree, error) {
	t := Tree{}
	for _, l := range layers {
		if err := t.apply(l); err != nil {
			return nil, fmt.Errorf("layer %s: %w", l.digest, err)
		}
	}
	return t, nil
}

// apply lays l over t.
func (t Tree) apply(l *layer) error {
	t.remove(l.gone, l.emptied)
	for _, e := range l.entries {
		if e.hardLink != "" {
			if e.node = t[e.hardLink]; e.node == nil {
				return fmt.Errorf("%s is a hard link to %s, which isn't there", e.path, e.hardLink)
			}
		}
		if old := t[e.path]; old != nil && old.Type == tar.TypeDir && e.node.Type != tar.TypeDir {
			t.remove(nil, []string{e.path})
		}
		t[e.path] = e.node
	}
	return nil
}

// remove takes out the paths gone with all below them, and all below emptied; one pass, since a layer may remove
// thousands.
func (t Tree) remove(gone, emptied []string) {
	if len(gone)+len(emptied) == 0 {
		return
	}
	above := map[string]bool{}
	for _, p := range gone {
		delete(t, p)
		above[p] = true
	}
	for _, p := range emptied {
		above[p] = true
	}
	for p := range t {
		for d := p; d != "."; {
			if d = path.Dir(d); above[d] {
				delete(t, p)
				break
			}
		}
	}
}
