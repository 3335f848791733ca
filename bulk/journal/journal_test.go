package journal

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"drydock/bulk/result"
	"drydock/report"
)

var header = Header{Key: "k", Drydock: "1.0"}

func open(t testing.TB, path string, h Header) *Journal {
	t.Helper()
	j, err := Open(path, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.f.Close() })
	return j
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func sample(name string) *result.Result {
	return &result.Result{
		Name: name, Status: result.Changed, Facts: []result.Facts{},
		Files: []*report.File{{Path: "Dockerfile", Changed: true, Diff: "--- a\n+++ b\n<&>\x00\xff\u2028" + name}},
	}
}

// small makes a journal with all kinds of records.
func small(t testing.TB, path string) *Journal {
	j := open(t, path, header)
	for _, n := range []string{"b", "a\nnew \"line\"", "é;$(x)"} {
		must(t, j.Begin(n))
		must(t, j.Step(Step{Name: n, Kind: Pushing, Commit: "c0ffee"}))
		must(t, j.Step(Step{Name: n, Kind: Opened, Number: 7}))
		must(t, j.Done(sample(n), false))
	}
	must(t, j.Begin("open"))
	must(t, j.Step(Step{Name: "open", Kind: Opening}))
	return j
}

func names(t testing.TB, j *Journal) (out []string) {
	t.Helper()
	for r, err := range j.Results() {
		must(t, err)
		out = append(out, r.Name)
	}
	return out
}

func TestGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "j")
	first := small(t, path)
	if first.Resumed || first.Header.Run == "" || first.Header.Start.Nanosecond() != 0 {
		t.Errorf("%+v", first.Header)
	}
	if _, err := Open(path, header); err == nil || !strings.Contains(err.Error(), "another drydock works with this journal") {
		t.Errorf("opened twice: %v", err)
	}
	must(t, first.Close())

	again := open(t, path, header)
	if !again.Resumed || again.Cut != 0 || again.Header != first.Header {
		t.Errorf("got %+v, want %+v", again.Header, first.Header)
	}
	if !again.Has("b") || again.Has("open") || again.Has("") {
		t.Error("what is done isn't what was done")
	}
	if got := again.Steps("open"); len(got) != 1 || got[0].Kind != Opening {
		t.Errorf("steps %v", got)
	}
	if got := again.Steps("b"); got != nil {
		t.Errorf("steps of what is done: %v", got)
	}
	must(t, again.Done(sample("open"), true))
	if got := names(t, again); !slices.Equal(got, []string{"b", "a\nnew \"line\"", "é;$(x)", "open"}) {
		t.Errorf("results %q", got)
	}
	must(t, again.End())
	must(t, again.Close())

	anew := open(t, path, Header{Key: "other", Drydock: "2.0"})
	if anew.Resumed || anew.Has("b") || anew.Header.Run == first.Header.Run || len(names(t, anew)) != 0 {
		t.Errorf("a run that ended was gone on with: %+v", anew.Header)
	}
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "j")
	must(t, small(t, path).Close())
	for _, c := range []struct {
		h    Header
		want string
	}{
		{Header{Key: "x", Drydock: "1.0"}, "other flags or sources"},
		{Header{Key: "k", Drydock: "1.0", Shard: 1, Shards: 2}, "a file of its own"},
		{Header{Key: "k", Drydock: "1.1"}, "begun by drydock 1.0"},
	} {
		if _, err := Open(path, c.h); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.h, err, c.want)
		}
	}
	for name, text := range map[string]string{"notes.txt": "my notes\n", "list.json": `["a","b"]` + "\n", "x": "["} {
		p := filepath.Join(dir, name)
		must(t, os.WriteFile(p, []byte(text), 0o600))
		j, err := Open(p, header)
		if name == "x" { // all of it is how a journal begins
			must(t, err)
			must(t, j.Close())
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "not a journal") {
			t.Errorf("%s: %v", name, err)
		}
		if now, _ := os.ReadFile(p); string(now) != text {
			t.Errorf("%s was overwritten", name)
		}
	}
	if _, err := Open(dir, header); err == nil {
		t.Error("a folder was taken")
	}
}

// TestTruncated cuts a journal at every byte, and puts garbage behind every cut: what
// was whole stays, and the journal can be gone on with.
func TestForget(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	must(t, Forget(path))
	j := small(t, path)
	if err := Forget(path); err == nil || !strings.Contains(err.Error(), "another drydock") {
		t.Errorf("one that is in use: %v", err)
	}
	must(t, j.Close())
	must(t, Forget(path))
	other := header
	other.Key = "other"
	if j := open(t, path, other); j.Resumed || len(names(t, j)) > 0 {
		t.Error("it isn't forgotten")
	}

	letter := filepath.Join(t.TempDir(), "letter")
	must(t, os.WriteFile(letter, []byte("dear reader\n"), 0o666))
	for _, name := range []string{letter, t.TempDir()} {
		if err := Forget(name); err == nil {
			t.Errorf("%s is forgotten", name)
		}
	}
	if text, _ := os.ReadFile(letter); string(text) != "dear reader\n" {
		t.Errorf("somebody's file is now %q", text)
	}
}

func TestTruncated(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "j")
	j := small(t, path)
	must(t, j.Close())
	text, err := os.ReadFile(path)
	must(t, err)
	ends := []int{0}
	for i, c := range text {
		if c == '\n' {
			ends = append(ends, i+1)
		}
	}
	if len(ends) != 16 {
		t.Fatalf("%d records", len(ends)-1)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	garbage := [][]byte{nil, {0}, bytes.Repeat([]byte{0}, 5000), []byte("\n"), []byte(`["00000002","00000000",{}]` + "\n"), []byte(`["ffffffff","00000000",`), nil}
	for at := 0; at <= len(text); at++ {
		g := garbage[at%len(garbage)]
		if at%len(garbage) == 6 {
			g = make([]byte, 300)
			for i := range g {
				g[i] = byte(rnd.Uint32())
			}
		}
		whole := 0
		for ends[len(ends)-1] > at && ends[whole+1] <= at {
			whole++
		}
		if at == len(text) {
			whole = len(ends) - 1
		}
		if whole == 0 {
			g = nil // what doesn't begin like a journal isn't taken for one: TestRefuses
		}
		p := filepath.Join(dir, fmt.Sprint("cut", at))
		must(t, os.WriteFile(p, append(slices.Clone(text[:at]), g...), 0o600))
		j, err := Open(p, header)
		if err != nil {
			t.Fatalf("at %d: %v", at, err)
		}
		if whole > 0 && (j.Header.Run == "" || j.Cut != int64(at-ends[whole]+len(g))) {
			t.Fatalf("at %d: cut %d of %d", at, j.Cut, at-ends[whole]+len(g))
		}
		want := bytes.Count(text[:ends[whole]], []byte(`{"done"`))
		must(t, j.Done(sample("later"), false))
		must(t, j.f.Close()) // without the sync of Close, which takes time
		if j, err = Open(p, header); err != nil {
			t.Fatalf("at %d, again: %v", at, err)
		}
		if got := names(t, j); len(got) != want+1 || got[want] != "later" || j.Cut != 0 {
			t.Fatalf("at %d: %q, want %d and one more; cut %d", at, got, want, j.Cut)
		}
		must(t, j.f.Close())
	}
}

// TestDamaged changes each byte: the record that has it and those after it are cut off,
// never misread.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "j")
	must(t, small(t, path).Close())
	text, err := os.ReadFile(path)
	must(t, err)
	first := bytes.IndexByte(text, '\n') + 1
	for at := first; at < len(text); at++ {
		bad := slices.Clone(text)
		bad[at] ^= 1 << (at % 8)
		p := filepath.Join(dir, fmt.Sprint("bad", at))
		must(t, os.WriteFile(p, bad, 0o600))
		j, err := Open(p, header)
		if err != nil {
			t.Fatalf("at %d: %v", at, err)
		}
		if start := int64(bytes.LastIndexByte(text[:at], '\n') + 1); j.size != start {
			t.Fatalf("at %d: kept %d bytes, want %d", at, j.size, start)
		}
		must(t, j.f.Close())
	}
}

func TestMerge(t *testing.T) {
	dir := t.TempDir()
	path := func(i int) string { return filepath.Join(dir, fmt.Sprint(i)) }
	for i, list := range [][]string{{"d", "a"}, {"c", "both"}, {"both", "b"}} {
		j := open(t, path(i+1), Header{Key: "k", Shard: i + 1, Shards: 4})
		if i == 2 {
			j.Header.Start = j.Header.Start.Add(time.Hour)
			must(t, j.append(&record{Journal: &j.Header}, true))
		}
		for _, n := range list {
			must(t, j.Begin(n))
			r := sample(n)
			r.Reason = fmt.Sprint(i + 1)
			must(t, j.Done(r, false))
		}
		must(t, j.Begin("x"))
		if i < 2 {
			must(t, j.Done(sample("x"), false))
			must(t, j.End())
		} else {
			must(t, j.Begin("left"))
		}
		must(t, j.Close())
	}
	m, err := Merge([]string{path(3), path(1), path(2)})
	must(t, err)
	defer m.Close()
	for range 2 {
		var got []string
		for r, err := range m.Results() {
			must(t, err)
			if got = append(got, r.Name); r.Name == "both" && r.Reason != "3" {
				t.Errorf("both is of shard %s", r.Reason)
			}
		}
		if !slices.Equal(got, []string{"a", "b", "both", "c", "d", "x"}) || m.Len() != 6 {
			t.Errorf("results %q", got)
		}
	}
	if !slices.Equal(m.Missing, []int{4}) || !slices.Equal(m.Running, []string{path(3)}) || !slices.Equal(m.Begun, []string{"left"}) || !slices.Equal(m.Doubled, []string{"both", "x"}) {
		t.Errorf("missing %v, running %v, begun %v, doubled %v", m.Missing, m.Running, m.Begun, m.Doubled)
	}

	must(t, open(t, path(9), Header{Key: "other", Shard: 4, Shards: 4}).Close())
	must(t, open(t, path(8), Header{Key: "k"}).Close())
	must(t, os.WriteFile(path(7), nil, 0o600))
	for want, list := range map[string][]string{
		"other flags":                {path(1), path(9)},
		"4 shards":                   {path(1), path(8)},
		"both of shard":              {path(1), path(1)},
		"not a journal":              {path(1), path(7)},
		"no such file":               {path(6)},
		"name those of all shards":   {},
		"its first line is damaged:": {path(7)},
	} {
		if _, err := Merge(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", list, err, want)
		}
	}
}

// TestAtOnce writes from many goroutines: nothing is lost and nothing mixed.
func TestAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	j := open(t, path, header)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 50 {
				name := fmt.Sprint(w, "/", i)
				if err := errorsOf(j.Begin(name), j.Step(Step{Name: name, Kind: Pushing}), j.Done(sample(name), i%10 == 0)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	must(t, j.Close())
	j = open(t, path, header)
	if n := len(names(t, j)); n != 400 || j.Cut != 0 || len(j.steps) != 0 {
		t.Errorf("%d results, %d bytes cut, %d unfinished", n, j.Cut, len(j.steps))
	}
}

func errorsOf(errs ...error) error {
	for _, e := range errs {
		if e != nil {
			return e
		}
	}
	return nil
}

// BenchmarkJournal writes 10,000 results as a run over repositories that only looks does,
// and reads them.
func BenchmarkJournal(b *testing.B) {
	for b.Loop() {
		path := filepath.Join(b.TempDir(), "j")
		j := open(b, path, header)
		for i := range 10_000 {
			name := fmt.Sprint("team/", i)
			must(b, j.Begin(name))
			must(b, j.Done(sample(name), false))
		}
		must(b, j.End())
		must(b, j.Close())
		m, err := Read(path)
		must(b, err)
		n := 0
		for _, err := range m.Results() {
			must(b, err)
			n++
		}
		if m.Close(); n != 10_000 {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/repository")
}
