package git

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path"
)

// The index's flags (gitformat-index(5)).
const (
	assumeValid  = 1 << 15
	extended     = 1 << 14
	skipWorktree = 1 << 14 // of the extended ones
	intentToAdd  = 1 << 13
	gitlink      = 0o160000
	symlink      = 0o120000
	typeBits     = 0o170000
)

// plainIndex reads an index as far as git status doesn't tell it: ok is false where
// files may differ from the commit unseen (assume-unchanged, sparse checkouts),
// where there are submodules or links, which may lead out of the work tree, and where the index
// is of a form that isn't read here. attributes are the paths of .gitattributes.
// Source: https://git-scm.com/docs/index-format
func plainIndex(name string, hash int) (attributes []string, ok bool, err error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, true, nil // an empty commit
	} else if err != nil {
		return nil, false, err
	}
	if len(b) < 12+hash || string(b[:4]) != "DIRC" {
		return nil, false, nil
	}
	version, n := binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
	if version != 2 && version != 3 {
		return nil, false, nil // 4 has compressed names
	}
	b = b[12 : len(b)-hash]
	fixed := 40 + hash + 2
	for ; n > 0; n-- {
		if len(b) < fixed+2 {
			return nil, false, nil
		}
		flags, at := binary.BigEndian.Uint16(b[fixed-2:]), fixed
		if kind := binary.BigEndian.Uint32(b[24:]) & typeBits; flags&assumeValid != 0 || kind == gitlink || kind == symlink {
			return nil, false, nil
		}
		if flags&extended != 0 {
			if more := binary.BigEndian.Uint16(b[fixed:]); more&(skipWorktree|intentToAdd) != 0 {
				return nil, false, nil
			}
			at += 2
		}
		end := bytes.IndexByte(b[at:], 0)
		if end < 0 {
			return nil, false, nil
		}
		if p := string(b[at : at+end]); path.Base(p) == ".gitattributes" {
			attributes = append(attributes, p)
		}
		next := (at + end + 8) &^ 7 // one to eight NULs
		if next > len(b) {
			return nil, false, nil
		}
		b = b[next:]
	}
	for len(b) >= 8 {
		size := binary.BigEndian.Uint32(b[4:])
		if sig := string(b[:4]); sig == "link" || sig == "sdir" || uint64(size) > uint64(len(b)-8) {
			return nil, false, nil // a split or a sparse index
		}
		b = b[8+size:]
	}
	return attributes, true, nil
}
