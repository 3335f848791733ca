package verify

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"drydock/repo"
)

// ChangedError: a file of the build context is no longer what it was when the proof
// began, so that the images were made of different things.
type ChangedError struct{ Path string }

func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s changed while drydock was at work, so nothing is proven", e.Path)
}

// rules are the ignore rules of a side.
func rules(s Side) *repo.Ignore {
	if s.Ignore != nil {
		return repo.ParseIgnore(".dockerignore", []byte(*s.Ignore))
	}
	return repo.Load(os.DirFS(s.Context)).Ignore("")
}

// sent lists the files of a side's context that go to the builder, drydock's own
// caches left out. complete is false when a folder can't be read or holds too much.
func (p *Prover) sent(s Side, ig *repo.Ignore) (files []repo.File, complete bool) {
	files, complete = repo.Load(os.DirFS(s.Context)).Sent(ig)
	var own []string
	for _, dir := range p.opt.caches() {
		if abs, err := filepath.Abs(dir); err == nil {
			if rel, err := filepath.Rel(s.Context, abs); err == nil {
				own = append(own, filepath.ToSlash(rel)+"/")
			}
		}
	}
	files = slices.DeleteFunc(slices.Clone(files), func(f repo.File) bool {
		return slices.ContainsFunc(own, func(dir string) bool { return strings.HasPrefix(f.Path, dir) })
	})
	return files, complete && ig.Err == nil
}

// caches are the folders that drydock itself writes while a proof runs.
func (o Options) caches() []string {
	var out []string
	if o.Cache != nil {
		out = append(out, o.Cache.Dir)
	}
	if o.Layers != "" {
		out = append(out, o.Layers)
	}
	if o.Own != "" {
		out = append(out, o.Own)
	}
	return out
}

// stamp is what tells without reading that a file was written.
type stamp struct {
	mode fs.FileMode
	size int64
	at   int64 // when it was written last, in ns
}

// stamps are those of the files that are sent; git's own say nothing: an editor
// fetches and stages at any time.
func (p *Prover) stamps(s Side) map[string]stamp {
	files, _ := p.sent(s, rules(s))
	out := make(map[string]stamp, len(files))
	for _, f := range files {
		if f.Path == ".git" || strings.HasPrefix(f.Path, ".git/") || strings.Contains(f.Path, "/.git/") {
			continue
		}
		st := stamp{}
		if info, err := os.Lstat(filepath.Join(s.Context, filepath.FromSlash(f.Path))); err == nil {
			st = stamp{info.Mode(), info.Size(), info.ModTime().UnixNano()}
		}
		out[f.Path] = st
	}
	return out
}

// watch notes what the original's context holds before the first build; unchanged
// is nil as long as it holds just that.
func (p *Prover) watch() {
	if p.began == nil {
		p.began = p.stamps(p.origin)
	}
}

func (p *Prover) unchanged() error {
	now := p.stamps(p.origin)
	var changed []string
	for name, st := range now {
		if old, had := p.began[name]; !had || old != st {
			changed = append(changed, name)
		}
	}
	for name := range p.began {
		if _, has := now[name]; !has {
			changed = append(changed, name)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return &ChangedError{slices.Min(changed)}
}
