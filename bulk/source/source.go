// Package source finds the repositories to work on: in folders, in lists and at
// forges. They are handed on as they are found; what is kept of one is a sum of
// its name and of its place.
package source

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"drydock/bulk/forge"
	"drydock/bulk/git"
	"drydock/said"
)

// Repo is one repository to work on.
type Repo struct {
	Name string   // unique in a run and stable: OWNER/NAME at a forge, HOST/PATH of an address, the path below the folder that was given; valid UTF-8
	Dir  string   // absolute: work tree, bare repository, or a folder outside of git; "" for a remote one
	URL  string   // to clone, without credentials; "" for a local one
	Auth git.Auth // the login that stood in the address; Forge's is another one

	Owner, Slug string // at the forge: owner and name
	Forge       forge.Forge
	Branch      string // to start from, "" for HEAD
	Language    string
	Topics      []string

	Skip string // why it is left alone, in words
	Err  error  // why it can't be worked on
}

// Options say how repositories are found.
type Options struct {
	// Forges gives the forge called github, gitlab or gitea.
	Forges func(name string) (forge.Forge, error)
	Filter forge.Filter
	Shard  Shard
	// IsDockerfile tells by a file's name, without its folder, whether it is one.
	IsDockerfile func(name string) bool
	In           io.Reader // what the source "-" reads a list from
}

// Discover finds the repositories of sources, in their order:
//
//   - a folder: every work tree and bare repository in it, and outside of git the
//     top-most folders that hold a Dockerfile (see folder.go);
//   - a file, or "-": a list of folders, addresses and OWNER/NAME at GitHub, a line each (see list.go);
//   - github:OWNER, gitlab:GROUP and gitea:OWNER, each also with /NAME;
//   - the address of a repository.
//
// What is found twice is given once. A repository that can't be worked on has Err, one that is
// rightly left alone Skip. An error ends the list: a source that isn't there, a
// forge that can't be asked.
func Discover(ctx context.Context, sources []string, o Options) iter.Seq2[Repo, error] {
	return func(yield func(Repo, error) bool) {
		f := &finder{ctx: ctx, Options: o, yield: yield, names: map[sum]bool{}, places: map[sum]bool{}}
		for _, s := range sources {
			if info, err := os.Stat(s); err == nil && info.IsDir() {
				if abs, err := real(s); err == nil {
					f.tops = append(f.tops, abs)
				}
			}
		}
		for _, s := range sources {
			if err := f.source(s); err != nil {
				if !errors.Is(err, errStopped) {
					yield(Repo{}, err)
				}
				return
			}
		}
	}
}

// MayAskForge tells whether a source of Discover leads to a forge, or is a list, which may.
func MayAskForge(s string) bool {
	if _, _, ok := forgeName(s); ok || s == "-" {
		return true
	}
	info, err := os.Stat(s)
	return err == nil && !info.IsDir()
}

// errStopped: who ranges over the repositories wants no more.
var errStopped = errors.New("stopped")

type sum [16]byte

func sumOf(s string) sum {
	full := sha256.Sum256([]byte(s))
	return sum(full[:16])
}

// finder is one Discover.
type finder struct {
	ctx context.Context
	Options
	yield  func(Repo, error) bool
	tops   []string // folders that are sources
	names  map[sum]bool
	places map[sum]bool
	mains  map[string]bool // repositories of which a linked work tree was given
}

// source finds what one source names.
func (f *finder) source(s string) error {
	if s == "-" {
		if f.In == nil {
			return errors.New("a list on standard input: there is none")
		}
		return f.list(f.In, "standard input", ".")
	}
	if kind, owner, ok := forgeName(s); ok {
		return f.forge(kind, owner)
	}
	info, err := os.Stat(s)
	switch {
	case err == nil && info.IsDir():
		return f.folder(s, "")
	case err == nil:
		file, err := os.Open(s)
		if err != nil {
			return err
		}
		defer file.Close()
		return f.list(file, s, filepath.Dir(s))
	case git.Remote(s):
		return f.address(s)
	}
	return fmt.Errorf("%s: no such folder or list: a repository at a forge is written github:OWNER/NAME", said.Printable(s))
}

// give hands a repository on. place is what tells whether it was found before: its
// folder or its address. other is its name where the first one is taken.
func (f *finder) give(r Repo, place, other string) error {
	if err := f.ctx.Err(); err != nil {
		return context.Cause(f.ctx)
	}
	if s := sumOf(place); f.places[s] {
		return nil
	} else {
		f.places[s] = true
	}
	r.Name = readable(r.Name)
	for n := 1; f.names[sumOf(r.Name)]; n++ {
		if r.Name = readable(other); n > 1 {
			r.Name += fmt.Sprintf("#%d", n)
		}
	}
	f.names[sumOf(r.Name)] = true
	if f.Shard.Takes(r.Name) && !f.yield(r, nil) {
		return errStopped
	}
	return nil
}

// readable is a name as JSON can hold it: bytes that aren't UTF-8 are written \xNN.
func readable(name string) string {
	if utf8.ValidString(name) {
		return name
	}
	var b strings.Builder
	for len(name) > 0 {
		r, n := utf8.DecodeRuneInString(name)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, `\x%02x`, name[0])
		} else {
			b.WriteString(name[:n])
		}
		name = name[n:]
	}
	return b.String()
}

// real is the absolute path of a folder, links followed.
func real(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}
