package config

// Which files hold for a Dockerfile.

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Finder finds and reads configuration files, each once. It is safe for concurrent use.
type Finder struct {
	// Show names an absolute path as the user would.
	Show func(string) string
	// Top is the folder at which the search upwards from a folder ends, itself included.
	Top func(dir string) string

	mu      sync.Mutex
	folders map[string]found
	chains  map[string]chain
	fixed   *chain // the only file, whatever lies around
}

// found is a folder's file; nil without one.
type found struct {
	file     *File
	mistakes Mistakes
}

// chain are the files for the Dockerfiles in a folder, from the top down.
type chain struct {
	files    []*File
	mistakes Mistakes
}

// Use makes the file at path, named show, the only one that holds, relative to dir. The
// error is Mistakes.
func (f *Finder) Use(path, show, dir string) error {
	got := load(path, show, dir)
	f.fixed = &chain{mistakes: got.mistakes}
	if got.file != nil {
		f.fixed.files = []*File{got.file}
	}
	if len(got.mistakes) > 0 {
		return got.mistakes
	}
	return nil
}

// Named tells that the only file is one that the user named.
func (f *Finder) Named() bool { return f.fixed != nil }

// For is what holds for the Dockerfile at an absolute path; nil when there is no
// configuration. The mistakes are those of all files for it.
func (f *Finder) For(abs string) (*Effective, Mistakes) {
	c := f.chain(filepath.Dir(abs))
	if len(c.files) == 0 || len(c.mistakes) > 0 {
		return nil, c.mistakes
	}
	return effective(c.files, abs), nil
}

func (f *Finder) chain(dir string) chain {
	if f.fixed != nil {
		return *f.fixed
	}
	top := f.Top(dir)
	f.mu.Lock()
	defer f.mu.Unlock()
	if c, ok := f.chains[dir]; ok {
		return c
	}
	var c chain
	for at := dir; ; at = filepath.Dir(at) {
		got := f.folder(at)
		c.mistakes = append(got.mistakes, c.mistakes...)
		if got.file != nil {
			c.files = append(c.files, got.file)
		}
		if got.file != nil && got.file.Root || at == top || at == filepath.Dir(at) {
			break
		}
	}
	slices.Reverse(c.files)
	if f.chains == nil {
		f.chains = map[string]chain{}
	}
	f.chains[dir] = c
	return c
}

// folder reads a folder's file.
func (f *Finder) folder(dir string) found {
	if got, ok := f.folders[dir]; ok {
		return got
	}
	var got found
	first := ""
	for _, name := range Names {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if first != "" {
			got = found{mistakes: Mistakes{{f.Show(path), 0, 0, "there is " + first + " too", "keep one of them"}}}
			break
		}
		first = name
		got = load(path, f.Show(path), dir)
	}
	if f.folders == nil {
		f.folders = map[string]found{}
	}
	f.folders[dir] = got
	return got
}

// load reads one file.
func load(path, show, dir string) found {
	bad := func(what, do string) found { return found{mistakes: Mistakes{{show, 0, 0, what, do}}} }
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return bad("a folder, not a file", "delete it, or put the settings into a file of that name")
	case err == nil && !info.Mode().IsRegular():
		return bad("not a regular file", "put the settings into a file")
	case err == nil && info.Size() > MaxSize:
		return bad(fmt.Sprintf("more than %d KiB", MaxSize>>10), "this is no configuration of drydock; drydock config init writes one")
	}
	var src []byte
	if err == nil {
		src, err = read(path)
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return bad("permission denied", "let drydock read it, or say --no-config")
	case errors.Is(err, fs.ErrNotExist):
		if _, lerr := os.Lstat(path); lerr == nil {
			return bad("a symbolic link to nothing", "mend or delete the link")
		}
		return bad("no such file", "name one that is there; drydock config init writes one")
	case err != nil:
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err
		}
		return bad("can't be read: "+err.Error(), "see to it, or say --no-config")
	}
	file, mistakes := Parse(show, dir, src)
	return found{file, mistakes}
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxSize+1))
}
