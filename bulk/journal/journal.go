// Package journal keeps what a run over many repositories has done, so that one that
// was killed goes on where it was. It is a file that only grows: records that are
// written can be lost at its end only, in a power cut or by damage, and that is found
// and cut off when it is opened. Nothing rests on the journal alone: what a lost record
// told is found again by asking the repository, its remote and the forge.
package journal

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"time"

	"drydock/bulk/lock"
	"drydock/bulk/result"
)

// Journal is the journal of a run at work. Its methods may be called by several
// goroutines.
type Journal struct {
	Header  Header
	Resumed bool  // it goes on with a run that was begun before
	Cut     int64 // bytes that were damaged at the end and are cut off

	path string
	f    *os.File

	mu       sync.Mutex
	size     int64
	done     map[key]int64 // where the result is
	steps    map[string][]Step
	lastSync time.Time
	err      error // of a write: what follows it can't be trusted

	syncing sync.Mutex // held by who syncs for all that wait
	synced  int64
}

// key stands for a name: of a million names only these are held.
type key [16]byte

func keyOf(name string) (k key) {
	sum := sha256.Sum256([]byte(name))
	copy(k[:], sum[:])
	return k
}

// every is how old a record may become before it is forced to disk, when nobody waits
// for it: what a power cut may take from a run that changes nothing elsewhere.
const every = 2 * time.Second

// patience is how long Open waits for another process to let go. One that was killed while it started git
// holds the lock until git's program is loaded.
const patience = time.Second

// Open opens the journal at path for this process alone. A new or empty one, and one
// whose run came to its end, begins a new run: Run, Start and Version of h are filled
// in. One whose run didn't goes on, provided that key, shard and program are
// the same.
func Open(path string, h Header) (*Journal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, fmt.Errorf("%s: the folder can't be made: %w: give another file for the journal", path, err)
	}
	f, err := lock.Open(path, os.O_RDWR|os.O_CREATE)
	for began := time.Now(); errors.Is(err, lock.ErrHeld) && time.Since(began) < patience; f, err = lock.Open(path, os.O_RDWR|os.O_CREATE) {
		time.Sleep(patience / 20)
	}
	if errors.Is(err, lock.ErrHeld) {
		return nil, fmt.Errorf("%s: another drydock works with this journal: wait for it, or give another file", path)
	} else if err != nil {
		return nil, fmt.Errorf("the journal can't be opened: %w: give another file", err)
	}
	j := &Journal{path: path, f: f, done: map[key]int64{}, steps: map[string][]Step{}, lastSync: time.Now()}
	if err := j.open(h); err != nil {
		f.Close()
		return nil, err
	}
	return j, nil
}

// Forget empties the journal at path, whichever run and program it is of, so that Open begins
// a new run. A file that isn't there is none to forget; one that is no journal, or that
// another process works with, stays as it is and is an error.
func Forget(path string) error {
	f, err := lock.Open(path, os.O_RDWR)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case errors.Is(err, lock.ErrHeld):
		return fmt.Errorf("%s: another drydock works with this journal: wait for it, or give another file", path)
	case err != nil:
		return fmt.Errorf("the journal can't be opened: %w: give another file", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return err
	} else if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a file: give another file for the journal", path)
	}
	first := make([]byte, 64)
	n, err := io.ReadFull(f, first)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return fmt.Errorf("%s: the journal can't be read: %w", path, err)
	}
	if !begins(first[:n]) {
		return fmt.Errorf("%s: not a journal of drydock, and not overwritten: give another file", path)
	}
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("%s: the journal can't be written: %w", path, err)
	}
	return nil
}

func (j *Journal) open(h Header) error {
	info, err := j.f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a file: give another file for the journal", j.path)
	}
	s := &scan{path: j.path}
	if err := s.file(j.f, j.note); err != nil {
		return err
	}
	if s.header == nil && !s.ours {
		return fmt.Errorf("%s: not a journal of drydock, and not overwritten: give another file", j.path)
	}
	if s.header == nil || s.ended {
		return j.begin(h)
	}
	old := s.header
	switch {
	case old.Key != h.Key:
		return fmt.Errorf("%s holds a run of %s that isn't finished and had other flags or sources: finish it with the command that began it, or remove the file", j.path, old.Start.Format(time.RFC3339))
	case old.Shard != h.Shard || old.Shards != h.Shards:
		return fmt.Errorf("%s is the journal of shard %d/%d: each shard needs a file of its own", j.path, old.Shard, old.Shards)
	case old.Drydock != h.Drydock:
		return fmt.Errorf("%s was begun by drydock %s, and this is %s: finish it with that one, or remove the file", j.path, old.Drydock, h.Drydock)
	}
	j.Header, j.Resumed, j.Cut, j.size = *old, true, info.Size()-s.size, s.size
	if j.Cut > 0 {
		if err := j.f.Truncate(s.size); err != nil {
			return fmt.Errorf("%s: its damaged end can't be cut off: %w", j.path, err)
		}
	}
	_, err = j.f.Seek(s.size, io.SeekStart)
	return err
}

// begin makes it the journal of a new run.
func (j *Journal) begin(h Header) error {
	j.done, j.steps = map[key]int64{}, map[string][]Step{}
	var id [8]byte
	_, _ = rand.Read(id[:])
	h.Version, h.Run, h.Start = Version, hex.EncodeToString(id[:]), time.Now().UTC().Truncate(time.Second)
	j.Header = h
	err := j.f.Truncate(0)
	if err == nil {
		_, err = j.f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("%s: the journal can't be written: %w", j.path, err)
	}
	if err := j.append(&record{Journal: &h}, true); err != nil {
		return err
	}
	if d, err := os.Open(filepath.Dir(j.path)); err == nil {
		_ = d.Sync() // not every system can; the file is there once its folder is written
		d.Close()
	}
	return nil
}

// note takes a record into the index.
func (j *Journal) note(g *glance, at int64) {
	switch {
	case g.Begun != "":
		if j.steps[g.Begun] == nil {
			j.steps[g.Begun] = []Step{}
		}
	case g.Step != nil:
		j.steps[g.Step.Name] = append(j.steps[g.Step.Name], *g.Step)
	case g.Done != nil:
		j.done[keyOf(g.Done.Name)] = at
		delete(j.steps, g.Done.Name)
	}
}

// append writes a record; sure waits until it is on disk. Waiting callers share a
// sync.
func (j *Journal) append(r *record, sure bool) error {
	text, err := line(r)
	if err != nil {
		return err
	}
	j.mu.Lock()
	if j.err == nil {
		if _, err := j.f.Write(text); err != nil {
			j.err = fmt.Errorf("%s: the journal can't be written: %w: make room and run the command again", j.path, err)
		}
	}
	if j.err != nil {
		defer j.mu.Unlock()
		return j.err
	}
	g := &glance{Begun: r.Begun, Step: r.Step}
	if r.Done != nil {
		g.Done = &struct {
			Name string `json:"name"`
		}{r.Done.Name}
	}
	j.note(g, j.size)
	j.size += int64(len(text))
	upTo := j.size
	if !sure && time.Since(j.lastSync) > every {
		sure = true
	}
	if sure {
		j.lastSync = time.Now()
	}
	j.mu.Unlock()
	if !sure {
		return nil
	}
	return j.sync(upTo)
}

// sync forces the file to disk, up to a place at least.
func (j *Journal) sync(upTo int64) error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	if j.synced >= upTo {
		return nil // another one's sync did it
	}
	j.mu.Lock()
	size, err := j.size, j.err
	j.mu.Unlock()
	if err != nil {
		return err
	}
	if err := j.f.Sync(); err != nil {
		err = fmt.Errorf("%s: the journal can't be forced to disk: %w", j.path, err)
		j.mu.Lock()
		j.err = err // after a failed sync nobody knows what is on the disk
		j.mu.Unlock()
		return err
	}
	j.synced = size
	return nil
}

// Begin tells that work on a repository begins.
func (j *Journal) Begin(name string) error { return j.append(&record{Begun: name}, false) }

// Step keeps a step, on disk when it returns.
func (j *Journal) Step(s Step) error { return j.append(&record{Step: &s}, true) }

// Done keeps a result. sure waits for the disk: it is for one that changed something
// elsewhere.
func (j *Journal) Done(r *result.Result, sure bool) error {
	return j.append(&record{Done: r}, sure)
}

// End tells that the run came to its end: the next one begins anew.
func (j *Journal) End() error { return j.append(&record{End: &end{time.Now().UTC()}}, true) }

// Has tells whether a repository is done.
func (j *Journal) Has(name string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, ok := j.done[keyOf(name)]
	return ok
}

// Steps are the steps of a repository that isn't done.
func (j *Journal) Steps(name string) []Step {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]Step(nil), j.steps[name]...)
}

// Results gives the results that it holds, in the order in which they came.
func (j *Journal) Results() iter.Seq2[*result.Result, error] {
	return func(yield func(*result.Result, error) bool) {
		j.mu.Lock()
		size := j.size
		j.mu.Unlock()
		for r, err := range results(j.f, size) {
			if !yield(r, err) {
				return
			}
		}
	}
}

// Close forces it to disk and lets go of it.
func (j *Journal) Close() error {
	j.mu.Lock()
	size := j.size
	j.mu.Unlock()
	err := j.sync(size)
	return errors.Join(err, j.f.Close())
}

// scan reads a journal up to where its whole records end.
type scan struct {
	path   string
	header *Header
	ended  bool
	ours   bool  // it is empty, or how a journal begins
	size   int64 // of the whole records
}

func (s *scan) file(f *os.File, note func(*glance, int64)) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	total := info.Size()
	r := bufio.NewReaderSize(io.NewSectionReader(f, 0, total), 1<<16)
	first, err := r.Peek(64)
	if err != nil && err != io.EOF {
		return fmt.Errorf("%s: the journal can't be read: %w", s.path, err)
	}
	s.ours = begins(first)
	var body []byte
	for {
		var size int64
		body, size, err = next(r, body[:0], total-s.size)
		if err == io.EOF || err == errTorn {
			return nil
		} else if err != nil {
			return fmt.Errorf("%s: the journal can't be read: %w", s.path, err)
		}
		g, err := look(body)
		if err != nil {
			return fmt.Errorf("%s: %w", s.path, err)
		}
		switch {
		case s.header == nil && g.Journal == nil:
			return fmt.Errorf("%s: not a journal of drydock: it doesn't begin like one", s.path)
		case g.Journal != nil:
			s.header = g.Journal
		case g.End != nil:
			s.ended = true
		default:
			note(g, s.size)
		}
		s.size += size
	}
}
