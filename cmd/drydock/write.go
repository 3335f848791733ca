package main

// The one place that writes files: each atomically, several all or none.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"drydock/leftover"
	"drydock/report"
)

// fileChange is one file to be written.
type fileChange struct {
	path          string
	show          string // path in messages
	before, after string
	created       bool
}

// writeAll writes the files in order, all or none. Everything that can fail
// early is done first: the new texts lie complete beside the files before the
// first is put in its place, and if a later one fails the earlier are undone.
//
// A file keeps its mode and, where possible, its owner; a symbolic link stays
// and its target is written; a file that is no longer what drydock read is
// left alone.
func writeAll(changes []fileChange) (err error) {
	staged := make([]*staging, 0, len(changes))
	defer func() {
		for _, s := range staged {
			os.Remove(s.temp) // gone already when all went well
			s.done()
		}
	}()
	for _, c := range changes {
		s, err := stage(c)
		if err != nil {
			return writeError(c, err)
		}
		staged = append(staged, s)
	}
	defer leftover.Whole()()
	for i, s := range staged {
		if err := os.Rename(s.temp, s.path); err != nil {
			err = writeError(changes[i], err)
			for k := i - 1; k >= 0; k-- {
				err = errors.Join(err, undo(changes[k], staged[k]))
			}
			return err
		}
	}
	for _, s := range staged {
		syncFolder(filepath.Dir(s.path))
	}
	return nil
}

// canWrite tells what would keep a file from being written, as far as it shows now.
func canWrite(c fileChange) error {
	c.after = c.before
	s, err := stage(c)
	if err != nil {
		return writeError(c, err)
	}
	defer s.done()
	return os.Remove(s.temp)
}

// staging is a new text that waits beside the file it will replace.
type staging struct {
	path, temp string
	done       func() // it needs no taking away any more
}

func newStaging(path, text string, like fs.FileInfo) (*staging, error) {
	temp := tempBeside(path)
	done := leftover.Until(func() { os.Remove(temp) })
	if err := writeTemp(temp, text, like); err != nil {
		done()
		return nil, err
	}
	return &staging{path, temp, done}, nil
}

func stage(c fileChange) (*staging, error) {
	if c.created {
		if _, err := os.Lstat(c.path); err == nil {
			return nil, errors.New("something drydock can't read stands there")
		}
		return newStaging(c.path, c.after, nil)
	}
	path, err := filepath.EvalSymlinks(c.path)
	if err != nil {
		return nil, err
	}
	now, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if string(now) != c.before {
		return nil, errors.New("it changed while drydock was at work")
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o222 == 0 {
		return nil, fmt.Errorf("the file is read-only: %w", fs.ErrPermission)
	}
	return newStaging(path, c.after, info)
}

// writeTemp writes text to a new file, with mode and owner of like, or 0644 less
// the umask without it, and waits for the disk.
func writeTemp(temp, text string, like fs.FileInfo) (err error) {
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(temp)
		}
	}()
	if _, err = f.WriteString(text); err != nil {
		return err
	}
	if like != nil {
		keepOwner(f, like) // before the mode: chown drops set-user-id bits
		if err = f.Chmod(like.Mode()); err != nil {
			return err
		}
	}
	if err = f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// undo brings back what stood there before.
func undo(c fileChange, s *staging) error {
	if c.created {
		return os.Remove(s.path)
	}
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	before, err := newStaging(s.path, c.before, info)
	if err != nil {
		return err
	}
	defer before.done()
	return os.Rename(before.temp, s.path)
}

// syncFolder makes a rename last through a power cut, where the system can.
func syncFolder(dir string) {
	if d, err := os.Open(dir); err == nil {
		d.Sync()
		d.Close()
	}
}

func writeError(c fileChange, err error) error {
	e := &report.Error{Path: c.show, Message: "cannot be written: " + err.Error(), Hint: "run drydock again"}
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.Is(err, fs.ErrPermission):
		e.Message, e.Hint = "cannot be written: permission denied", "make the file and its folder writable, or run drydock as their owner"
	case errors.As(err, &pe):
		e.Message = fmt.Sprintf("cannot be written: %v", pe.Err)
	case errors.As(err, &le):
		e.Message = fmt.Sprintf("cannot be written: %v", le.Err)
	}
	return e
}
