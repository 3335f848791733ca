package journal

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"

	"drydock/bulk/result"
)

// Merged is what the journals of a run hold together: one journal, or one of each
// shard. They may still be written.
type Merged struct {
	Header  Header
	Missing []int    // shards that no journal is of
	Running []string // journals whose run didn't come to its end
	Begun   []string // repositories that were begun and not finished, sorted
	Doubled []string // repositories that several journals have: the newest run's is taken; sorted
	Cut     int64    // bytes at the ends that hold no whole record

	files []*os.File
	at    []place
}

// place is where a result is.
type place struct {
	name   string
	file   int
	offset int64
}

// Read reads one journal.
func Read(path string) (*Merged, error) { return Merge([]string{path}) }

// Merge reads the journals of one run's shards. They must agree in key and in
// the number of shards.
func Merge(paths []string) (*Merged, error) {
	m := &Merged{}
	if err := m.open(paths); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// one is a journal on the way.
type one struct {
	scan
	file  *os.File
	at    []place
	begun map[string]bool
}

func (m *Merged) open(paths []string) error {
	if len(paths) == 0 {
		return fmt.Errorf("no journal: name those of all shards")
	}
	var all []*one
	for i, p := range paths {
		f, err := os.Open(p)
		if err != nil {
			return fmt.Errorf("the journal can't be opened: %w", err)
		}
		m.files = append(m.files, f)
		o := &one{scan: scan{path: p}, file: f, begun: map[string]bool{}}
		err = o.scan.file(f, func(g *glance, at int64) {
			switch {
			case g.Begun != "":
				o.begun[g.Begun] = true
			case g.Done != nil:
				delete(o.begun, g.Done.Name)
				o.at = append(o.at, place{g.Done.Name, i, at})
			}
		})
		if err != nil {
			return err
		}
		if o.header == nil {
			return fmt.Errorf("%s: not a journal of drydock, or its first line is damaged: run that part again", p)
		}
		if info, err := f.Stat(); err == nil {
			m.Cut += info.Size() - o.size
		}
		all = append(all, o)
	}
	if err := m.agree(all); err != nil {
		return err
	}
	m.join(all)
	return nil
}

// agree checks that journals are of one run.
func (m *Merged) agree(all []*one) error {
	first := all[0]
	m.Header = *first.header
	have := map[int]string{}
	for _, o := range all {
		h := o.header
		switch {
		case h.Key != first.header.Key:
			return fmt.Errorf("%s and %s are of runs with other flags or sources: merge what one command gave", first.path, o.path)
		case h.Shards != first.header.Shards:
			return fmt.Errorf("%s is of %d shards and %s of %d: merge what one command gave", first.path, first.header.Shards, o.path, h.Shards)
		case h.Drydock != first.header.Drydock:
			return fmt.Errorf("%s is of drydock %s and %s of %s: run one of them again", first.path, first.header.Drydock, o.path, h.Drydock)
		case have[h.Shard] != "":
			return fmt.Errorf("%s and %s are both of shard %d/%d: leave one out", have[h.Shard], o.path, h.Shard, h.Shards)
		}
		have[h.Shard] = o.path
		if h.Start.Before(m.Header.Start) {
			m.Header.Start = h.Start
		}
		if !o.ended {
			m.Running = append(m.Running, o.path)
		}
	}
	for i := range m.Header.Shards {
		if have[i+1] == "" {
			m.Missing = append(m.Missing, i+1)
		}
	}
	if len(all) > 1 {
		m.Header.Shard, m.Header.Run = 0, ""
	}
	return nil
}

// join puts the results of all in order, each name once.
func (m *Merged) join(all []*one) {
	begun, n := map[string]bool{}, 0
	for _, o := range all {
		n += len(o.at)
		maps.Copy(begun, o.begun)
	}
	places := make([]place, 0, n)
	for _, o := range all {
		places = append(places, o.at...)
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(strings.Compare(a.name, b.name), all[a.file].header.Start.Compare(all[b.file].header.Start), a.file-b.file, cmp.Compare(a.offset, b.offset))
	})
	for i, p := range places {
		delete(begun, p.name)
		if i+1 < len(places) && places[i+1].name == p.name {
			if places[i+1].file != p.file {
				m.Doubled = append(m.Doubled, p.name)
			}
			continue
		}
		m.at = append(m.at, p)
	}
	m.Doubled = slices.Compact(m.Doubled)
	m.Begun = slices.Sorted(maps.Keys(begun))
}

// Len is the number of results.
func (m *Merged) Len() int { return len(m.at) }

// Results gives them sorted by name, one after another from the files. It may be called
// again.
func (m *Merged) Results() iter.Seq2[*result.Result, error] {
	return func(yield func(*result.Result, error) bool) {
		for _, p := range m.at {
			r, err := read(m.files[p.file], p.offset)
			if err != nil {
				err = fmt.Errorf("%s: %w", m.files[p.file].Name(), err)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// Close closes the files.
func (m *Merged) Close() {
	for _, f := range m.files {
		f.Close()
	}
}

// read reads the result at a place.
func read(f *os.File, offset int64) (*result.Result, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	left := info.Size() - offset
	for r, err := range records(io.NewSectionReader(f, offset, left), left) {
		if err == nil && r.Done == nil {
			err = errTorn
		}
		if err != nil {
			return nil, fmt.Errorf("the journal changed while it was read: %w", err)
		}
		return r.Done, nil
	}
	return nil, fmt.Errorf("the journal changed while it was read: %w", errTorn)
}

// results gives the results in the first size bytes of a journal.
func results(f io.ReaderAt, size int64) iter.Seq2[*result.Result, error] {
	return func(yield func(*result.Result, error) bool) {
		for r, err := range records(io.NewSectionReader(f, 0, size), size) {
			if err != nil {
				yield(nil, fmt.Errorf("the journal can't be read: %w", err))
				return
			}
			if r.Done != nil && !yield(r.Done, nil) {
				return
			}
		}
	}
}

// records gives whole records.
func records(from io.Reader, size int64) iter.Seq2[*record, error] {
	return func(yield func(*record, error) bool) {
		r := bufio.NewReader(from)
		var body []byte
		for left := size; ; {
			var n int64
			var err error
			body, n, err = next(r, body[:0], left)
			if err == io.EOF {
				return
			}
			left -= n
			rec := &record{}
			if err == nil {
				err = json.Unmarshal(body, rec)
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}
