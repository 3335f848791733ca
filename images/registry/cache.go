package registry

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"drydock/images"
	"drydock/images/internal/oci"
)

// cache is a folder of what registries answered, for many processes at once. A
// file is a line of JSON and the bytes that it is about; it is written whole
// under another name first. What can't be read, or isn't what it says, is as if
// it weren't there; what can't be written is left out. What was got with a login
// lies in a folder of that account's own.
type cache struct {
	dir string // "" none
	max int64

	check    sync.Once
	usable   bool
	accounts bool // there are entries got with a login
	pruned   sync.Once
	written  atomic.Int64
}

// entry is an answer.
type entry struct {
	Time           time.Time // when the registry gave it, or said that it still holds
	Type           string    // media type
	ETag, Modified string
	Body           []byte `json:"-"`
}

type header struct {
	Key, Sum string // of the body
	entry
}

const (
	public  = "public"         // entries that everybody gets
	downFor = 10 * time.Minute // how long a host that can't be reached is left alone
	maxFile = maxTags + 1<<20
)

// key tells entries of all registries, repositories and kinds apart.
func (p *repo) key(kind, name string) string {
	return kind + " " + p.e.host + "/" + p.e.path + " " + name
}

// cached looks among the entries for everybody, then among those of the login.
// It gives the area where the entry is.
func (p *repo) cached(kind, name string) (area string, e entry, ok bool) {
	c, key := p.r.cache, p.key(kind, name)
	if !c.ready() {
		return "", entry{}, false
	}
	area = public
	if e, ok = c.get(area, key); !ok && c.accounts {
		if area = p.who().area(p.e.host); area != "" && area != public {
			e, ok = c.get(area, key)
		}
	}
	switch {
	case !ok:
	case kind == "manifest", kind == "config":
		ok = oci.Verify(name, e.Body) == nil
	case kind == "tag":
		ok = oci.IsDigest(string(e.Body))
	}
	return area, e, ok
}

// keep writes an entry down.
func (p *repo) keep(kind, name string, e entry) {
	c, area := p.r.cache, public
	if c.dir == "" {
		return
	}
	if p.sent() {
		area = p.who().area(p.e.host)
	}
	e.Time = time.Now()
	c.put(area, p.key(kind, name), e)
}

func (r *Registry) fresh(e entry) bool {
	age := time.Since(e.Time)
	return age >= 0 && age < r.o.Fresh
}

// markDown remembers a host that made us wait in vain.
func (c *cache) markDown(e endpoint, f *failure, took time.Duration) {
	if took >= 250*time.Millisecond {
		c.put("down", e.host, entry{Time: time.Now(), Body: []byte(f.why)})
	}
}

// isDown gives the failure of a host that lately couldn't be reached.
func (c *cache) isDown(e endpoint, what string) error {
	if !c.ready() {
		return nil
	}
	d, ok := c.get("down", e.host)
	age := time.Since(d.Time)
	if !ok || age < 0 || age >= downFor {
		return nil
	}
	f := fail(images.ErrUnreachable, nil, e.shown, what,
		fmt.Sprintf("%s, at %s; it isn't asked before %s", oci.Clean(string(d.Body)), d.Time.Format("15:04"), d.Time.Add(downFor).Format("15:04")),
		"to ask now, remove "+c.file("down", e.host))
	f.down = true
	return f
}

// ready tells whether the folder is there and nobody else's. It makes nothing.
func (c *cache) ready() bool {
	c.check.Do(func() {
		if c.dir == "" {
			return
		}
		info, err := os.Stat(c.dir)
		c.usable = err != nil || info.IsDir() && (runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 || os.Chmod(c.dir, 0o700) == nil)
		found, _ := filepath.Glob(filepath.Join(c.dir, "login-*"))
		c.accounts = len(found) > 0
	})
	return c.usable
}

func (c *cache) file(area, key string) string {
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(key)))
	return filepath.Join(c.dir, area, sum[:2], sum[2:40])
}

func (c *cache) get(area, key string) (entry, bool) {
	name := c.file(area, key)
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
		return entry{}, false
	}
	all, err := os.ReadFile(name)
	if err != nil {
		return entry{}, false
	}
	line, body, ok := bytes.Cut(all, []byte("\n"))
	var h header
	if !ok || json.Unmarshal(line, &h) != nil || h.Key != key || h.Sum != fmt.Sprintf("%x", sha256.Sum256(body)) {
		return entry{}, false
	}
	if now := time.Now(); now.Sub(info.ModTime()) > 24*time.Hour {
		os.Chtimes(name, now, now) // it is used: the oldest go first
	}
	h.entry.Body = body
	return h.entry, true
}

func (c *cache) put(area, key string, e entry) {
	if area == "" || !c.ready() {
		return
	}
	line, err := json.Marshal(header{Key: key, Sum: fmt.Sprintf("%x", sha256.Sum256(e.Body)), entry: e})
	if err != nil {
		return
	}
	name := c.file(area, key)
	if os.MkdirAll(filepath.Dir(name), 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-")
	if err != nil {
		return
	}
	_, err = f.Write(slices.Concat(line, []byte("\n"), e.Body))
	if end := f.Close(); err != nil || end != nil || os.Rename(f.Name(), name) != nil {
		os.Remove(f.Name())
		return
	}
	c.pruned.Do(func() { c.prune(time.Hour) })
	if c.written.Add(max(int64(len(line)+len(e.Body)), 4096)) > c.max/4 {
		c.written.Store(0)
		c.prune(0)
	}
}

// prune removes the entries that weren't used for longest until three quarters
// of the bound are left; not when it was done within every.
func (c *cache) prune(every time.Duration) {
	mark := filepath.Join(c.dir, "pruned")
	if info, err := os.Stat(mark); err == nil && time.Since(info.ModTime()) < every {
		return
	}
	if os.WriteFile(mark, nil, 0o600) != nil {
		return
	}
	os.Chtimes(mark, time.Now(), time.Now())
	type file struct {
		name string
		size int64
		time time.Time
	}
	var files []file
	var total int64
	filepath.WalkDir(c.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || name == mark {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		if strings.HasPrefix(d.Name(), ".new-") {
			if time.Since(info.ModTime()) > time.Hour { // of a process that was ended
				os.Remove(name)
			}
			return nil
		}
		size := max(info.Size(), 4096) // what it takes on a disk
		files, total = append(files, file{name, size, info.ModTime()}), total+size
		return nil
	})
	if total <= c.max {
		return
	}
	slices.SortFunc(files, func(a, b file) int {
		if n := a.time.Compare(b.time); n != 0 {
			return n
		}
		return cmp.Compare(a.name, b.name)
	})
	for _, f := range files {
		if total <= c.max/4*3 {
			return
		}
		if os.Remove(f.name) == nil {
			total -= f.size
		}
	}
}
