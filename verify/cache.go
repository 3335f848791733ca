package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"drydock/leftover"
	"drydock/repo"
)

// program identifies the program that proves: its version, of one without a version
// or with changes that no commit has its file.
var program = sync.OnceValue(func() string {
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" && b.Main.Version != "(devel)" && !strings.HasSuffix(b.Main.Version, "+dirty") {
		return b.Main.Version
	}
	name, err := os.Executable()
	if err != nil {
		return ""
	}
	info, err := os.Stat(name)
	if err != nil {
		return name
	}
	return fmt.Sprint(name, info.Size(), info.ModTime().UnixNano())
})

// CacheDays is how long a proof is taken from the cache: base images move.
const CacheDays = 7

// A Cache keeps proofs in files by the content of what was compared: both
// Dockerfiles, the build context as it is sent, and the options. It is only there
// to save time: whatever can't be read or written is built again.
type Cache struct {
	Dir  string
	tidy sync.Once
}

// A record is what is kept of a comparison. No text that could be written to a
// Dockerfile is among it: what is kept of a rewrite never comes out of a file that
// somebody else may have written.
type record struct {
	At    time.Time
	Proof *Proof
}

func (c *Cache) file(key string) string { return filepath.Join(c.Dir, key[:2], key+".json") }

// get reads a proof that isn't too old; nil without one.
func (c *Cache) get(key string) *Proof {
	if c == nil || key == "" {
		return nil
	}
	raw, err := os.ReadFile(c.file(key))
	if err != nil {
		return nil
	}
	sum, text, _ := bytes.Cut(raw, []byte("\n"))
	var r record
	if string(sum) != digest(key, text) || json.Unmarshal(text, &r) != nil || r.Proof == nil || time.Since(r.At) > CacheDays*24*time.Hour || time.Until(r.At) > time.Hour {
		return nil
	}
	r.Proof.Cached = true
	return r.Proof
}

// digest binds a record to its key: one that was cut short, altered or put in
// another's place isn't taken. It is no signature: see docs/verify.md.
func digest(key string, text []byte) string {
	sum := sha256.Sum256(append([]byte(key+"\n"), text...))
	return hex.EncodeToString(sum[:])
}

// put keeps a proof.
func (c *Cache) put(key string, p *Proof) {
	if c == nil || key == "" {
		return
	}
	text, err := json.Marshal(record{time.Now(), p})
	if err != nil {
		return
	}
	raw := append([]byte(digest(key, text)+"\n"), text...)
	c.tidy.Do(c.prune)
	name := c.file(key)
	if os.MkdirAll(filepath.Dir(name), 0o700) != nil {
		return
	}
	temp, err := os.CreateTemp(filepath.Dir(name), ".new-")
	if err != nil {
		return
	}
	defer leftover.Until(func() { os.Remove(temp.Name()) })()
	defer os.Remove(temp.Name()) // gone already when all went well
	_, err = temp.Write(raw)
	if closed := temp.Close(); err == nil && closed == nil {
		_ = os.Rename(temp.Name(), name)
	}
}

// The cache holds no more than this; a record has a few KB.
const (
	maxRecords     = 2000
	maxRecordBytes = 64 << 20
)

// prune makes room for what a run adds: records past their days go, what a killed
// process left behind, and beyond the bounds the oldest.
func (c *Cache) prune() {
	type kept struct {
		name string
		info fs.FileInfo
	}
	var all []kept
	names, _ := filepath.Glob(filepath.Join(c.Dir, "[0-9a-f][0-9a-f]", "*"))
	for _, name := range names {
		info, err := os.Lstat(name)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		all = append(all, kept{name, info})
	}
	slices.SortFunc(all, func(a, b kept) int { return b.info.ModTime().Compare(a.info.ModTime()) })
	var n int
	var size int64
	for _, k := range all {
		age := time.Since(k.info.ModTime())
		n, size = n+1, size+k.info.Size()
		if age > CacheDays*24*time.Hour || strings.HasPrefix(filepath.Base(k.name), ".new-") && age > time.Hour || n > maxRecords*9/10 || size > maxRecordBytes*9/10 {
			_ = os.Remove(k.name) // another process may have done it
		}
	}
}

// key identifies a comparison by everything that it depends on, the base images
// apart; "" when the context can't be read in full, or what is built depends on
// more than files (secrets, contexts elsewhere).
func (p *Prover) key(ctx context.Context, after Side, changes string) string {
	if p.opt.Cache == nil || len(p.opt.Build.Secrets)+len(p.opt.Build.SSH)+len(p.opt.Build.Contexts) > 0 {
		return ""
	}
	sum := sha256.New()
	args := make([]string, 0, len(p.opt.Build.BuildArgs))
	for _, a := range p.opt.Build.BuildArgs {
		args = append(args, withValue(a))
	}
	for _, part := range []any{
		program(), p.opt.Build.Target, p.opt.Build.Platform, args, p.opt.Probe, changes,
		p.origin.Dockerfile, after.Dockerfile,
	} {
		raw, err := json.Marshal(part)
		if err != nil {
			return ""
		}
		fmt.Fprintf(sum, "%d:%s", len(raw), raw)
	}
	for _, s := range []Side{p.origin, after} {
		h, ok := p.hash(ctx, s)
		if !ok {
			return ""
		}
		fmt.Fprintln(sum, h)
		if s.Built != nil {
			fmt.Fprintln(sum, s.Built.Digest) // what is asked for is a proof of that image
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// withValue is a build argument with the environment's value where it has none.
func withValue(arg string) string {
	if strings.Contains(arg, "=") {
		return arg
	}
	return arg + "=" + os.Getenv(arg)
}

// hash is over the files of a side's context that are sent, with names, modes and
// contents.
func (p *Prover) hash(ctx context.Context, s Side) (string, bool) {
	ig := rules(s)
	id := s.Context + "\x00" + string(ig.Src)
	if h, ok := p.hashes[id]; ok {
		return h, h != ""
	}
	files, complete := p.sent(s, ig)
	if !complete {
		p.hashes[id] = ""
		return "", false
	}
	sum := sha256.New()
	for _, f := range files {
		if err := hashFile(ctx, sum, s.Context, f); err != nil {
			p.hashes[id] = ""
			return "", false
		}
	}
	p.hashes[id] = hex.EncodeToString(sum.Sum(nil))
	return p.hashes[id], true
}

func hashFile(ctx context.Context, w io.Writer, dir string, f repo.File) error {
	name := filepath.Join(dir, filepath.FromSlash(f.Path))
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%q %v %d\n", f.Path, info.Mode(), info.Size())
	if f.Link {
		to, err := os.Readlink(name)
		fmt.Fprintf(w, "%q\n", to)
		return err
	}
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.Copy(w, until{ctx, in})
	return err
}

// until reads until the context ends: a large file takes longer than somebody waits
// after Ctrl-C.
type until struct {
	ctx context.Context
	r   io.Reader
}

func (u until) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
