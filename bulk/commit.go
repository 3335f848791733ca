package bulk

// Commits and patches: what a change becomes before anybody else sees it.

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"drydock/bulk/git"
	"drydock/bulk/result"
)

// commit makes the commits, which no branch names yet, and the patch.
func (j *job) commit(ctx context.Context) error {
	if err := j.stage(ctx, "commit"); err != nil {
		return err
	}
	var patch []byte
	if j.git == nil {
		for _, f := range j.res.Files {
			patch = append(patch, f.Diff...)
		}
	} else {
		parts, note := j.parts()
		if note != "" {
			j.res.Notes = append(j.res.Notes, note)
		}
		parent, made := j.head.Commit, 0
		for i, p := range parts {
			message, err := j.words.message(j, p, i+1, len(parts))
			if err != nil {
				return err
			}
			id, err := j.git.Make(ctx, git.Commit{
				Parent: parent, Message: message, Author: j.Author, Committer: j.Committer,
				When: j.journal.Header.Start, Edits: p.edits, Sign: j.Sign, SignOff: j.SignOff,
			})
			if errors.Is(err, git.ErrSame) {
				continue
			} else if err != nil {
				return err
			}
			parent, made = id, made+1
		}
		if made == 0 {
			j.edits, j.res.Status = nil, result.Unchanged
			j.res.Notes = append(j.res.Notes, "the changes are of line ends, which git doesn't keep here")
			return nil
		}
		j.made, j.res.Split = parent, made
		if j.PatchDir != "" {
			var err error
			if patch, err = j.git.Patch(ctx, j.head.Commit, j.made); err != nil {
				return err
			}
		}
	}
	if j.PatchDir == "" {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	name := filepath.Join(j.PatchDir, patchName(j.repo.Name))
	if err := writeWhole(name, patch); err != nil {
		return fmt.Errorf("the patch can't be written: %w: name another folder with --patch", err)
	}
	j.res.Patch = name
	return nil
}

// writeWhole writes a file in full or not at all.
func writeWhole(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".drydock-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	err = cmp.Or(err, f.Chmod(0o644), f.Sync())
	if err = cmp.Or(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// patchName is the name of a repository's patch: its own, as far as every system takes that
// in a file's name; what had to be changed is told apart by a sum.
func patchName(repo string) string {
	name := cleaned(strings.ReplaceAll(repo, "/", "__"), 100)
	if strings.Contains(repo, "__") || name != strings.ReplaceAll(repo, "/", "__") {
		sum := sha256.Sum256([]byte(repo))
		name += "-" + hex.EncodeToString(sum[:4])
	}
	return name + ".patch"
}

// cleaned keeps what is a letter, a digit or one of ._- and n bytes at most; no dot or dash
// comes first.
func cleaned(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r)) {
			return r
		}
		return '_'
	}, s)
	s = s[:min(len(s), n)]
	if s == "" || s[0] == '.' || s[0] == '-' {
		s = "_" + s
	}
	return s
}
