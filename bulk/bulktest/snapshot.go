package bulktest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Snapshot is all that lies below a folder, by path: kinds and modes, and what files hold.
// HEAD, index, refs, configuration, stash, the list of work trees and states of
// merges are files. Objects are left out: new ones do no harm, and missing ones show
// in whatever names them.
type Snapshot map[string]string

// big is the size in bytes from which a file is known by its size and time.
const big = 1 << 20

// Take makes a Snapshot. It runs no git, which could refresh an index.
func Take(dir string) (Snapshot, error) {
	s := Snapshot{}
	return s, filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && e.Name() == "objects" && name != dir {
			if _, err := os.Lstat(filepath.Join(filepath.Dir(name), "HEAD")); err == nil {
				return fs.SkipDir
			}
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		what := info.Mode().String()
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			to, err := os.Readlink(name)
			if err != nil {
				return err
			}
			what += " " + to
		case info.Size() > big:
			what += fmt.Sprint(" ", info.Size(), info.ModTime().UnixNano())
		case info.Mode().IsRegular():
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			sum := sha256.Sum256(text)
			what += " " + hex.EncodeToString(sum[:])
		}
		s[filepath.ToSlash(rel)] = what
		return nil
	})
}

// Differs tells what is different in after, apart from branch and its reflog ("" for
// none), sorted.
func (s Snapshot) Differs(after Snapshot, branch string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if now, ok := after[name]; !ok {
			out = append(out, name+": gone")
		} else if now != s[name] {
			out = append(out, name+": changed from "+s[name]+" to "+now)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, ok := s[name]; !ok && !ofBranch(name, branch) {
			out = append(out, name+": new")
		}
	}
	return out
}

// ofBranch tells whether a file is a branch's, or a folder that leads to it.
func ofBranch(name, branch string) bool {
	if branch == "" {
		return false
	}
	for _, ref := range []string{path.Join("refs/heads", branch), path.Join("logs/refs/heads", branch)} {
		for ; ref != "refs/heads" && ref != "."; ref = path.Dir(ref) {
			if name == ref || strings.HasSuffix(name, "/"+ref) {
				return true
			}
		}
	}
	return false
}
