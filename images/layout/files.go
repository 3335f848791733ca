package layout

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// open tells a folder from an archive. Errors are without the name.
func open(name string) (source, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, invalid(reason(err), "name a folder or a .tar archive")
	case info.IsDir():
		return folder{name}, nil
	case !info.Mode().IsRegular():
		return nil, invalid("it is neither a folder nor a file", "name a folder or a .tar archive")
	}
	return openTar(name)
}

// folder reads below a folder; os.Root refuses what leads out of it.
type folder struct{ name string }

func (f folder) read(name string, most int64) ([]byte, error) {
	r, err := os.OpenRoot(f.name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	info, err := r.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it isn't a file")
	case info.Size() > most:
		return nil, tooLong(most)
	}
	file, err := r.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return all(file, most)
}

// archive reads from a tar: where the files of a layout stand in it is noted
// when it is opened, their bytes are read when they are asked for.
type archive struct {
	name  string
	files map[string]span
}

type span struct{ at, size int64 }

// maxFiles bounds the entries of an archive: an image has some dozens.
const maxFiles = 200_000

func openTar(name string) (source, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, invalid(reason(err), "name a folder or a .tar archive")
	}
	defer f.Close()
	var magic [2]byte
	if _, err := io.ReadFull(f, magic[:]); err == nil && magic == [2]byte{0x1f, 0x8b} {
		return nil, invalid("it is compressed", "gunzip it")
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, invalid(reason(err), "name a folder or a .tar archive")
	}
	a := archive{name, map[string]span{}}
	t := tar.NewReader(f) // it seeks over contents, and reads nothing ahead
	for n := 0; ; n++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) && n > 0 {
			return a, nil
		}
		if err != nil || n == maxFiles {
			return nil, invalid("it isn't a whole tar archive", "name a folder or a .tar archive")
		}
		at, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, invalid(reason(err), "name a folder or a .tar archive")
		}
		entry := path.Clean(strings.TrimPrefix(h.Name, "./"))
		if h.Typeflag == tar.TypeReg && (entry == "oci-layout" || entry == "index.json" || strings.HasPrefix(entry, "blobs/")) {
			a.files[entry] = span{at, h.Size}
		} else {
			delete(a.files, entry) // a later entry stands in the place of an earlier one
		}
	}
}

func (a archive) read(name string, most int64) ([]byte, error) {
	s, ok := a.files[name]
	switch {
	case !ok:
		return nil, fs.ErrNotExist
	case s.size > most:
		return nil, tooLong(most)
	}
	f, err := os.Open(a.name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return all(io.NewSectionReader(f, s.at, s.size), s.size)
}

// all reads r, which must end within most bytes.
func all(r io.Reader, most int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(body)) > most {
		err = tooLong(most)
	}
	return body, err
}

func tooLong(most int64) error { return fmt.Errorf("it is longer than %d KiB", most>>10) }
