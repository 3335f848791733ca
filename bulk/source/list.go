package source

// Lists, addresses and forges.

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"drydock/bulk/forge"
	"drydock/bulk/git"
	"drydock/said"
)

// maxLine bounds a line of a list, in bytes: no path and no address is longer.
const maxLine = 64 << 10

// list reads a list: a folder, an address, OWNER/NAME (at GitHub), or github:…, gitlab:…, gitea:…
// a line; lines that begin with # are comments. Folders are relative to base: the list's own folder,
// for standard input the current one. A list with a NUL in it has one at the end of each
// entry instead (find -print0), and no comments. A line that leads nowhere is a repository with Err.
func (f *finder) list(in io.Reader, from, base string) error {
	r := bufio.NewReaderSize(in, maxLine)
	end := byte('\n')
	if start, err := r.Peek(maxLine); bytes.IndexByte(start, 0) >= 0 {
		end = 0
	} else if err != nil && err != io.EOF {
		return fmt.Errorf("%s: %w", said.Printable(from), err)
	}
	for n := 1; ; n++ {
		if f.ctx.Err() != nil {
			return context.Cause(f.ctx)
		}
		text, err := r.ReadSlice(end)
		if err == bufio.ErrBufferFull {
			return fmt.Errorf("%s:%d: longer than any path or address: is this a list?", said.Printable(from), n)
		} else if err != nil && err != io.EOF {
			return fmt.Errorf("%s:%d: %w", said.Printable(from), n, err)
		}
		line := strings.TrimSuffix(string(text), string(end))
		if end == '\n' {
			line = strings.TrimPrefix(strings.TrimSpace(line), "\ufeff")
		}
		if line != "" && (end == 0 || line[0] != '#') {
			if wrong := f.line(line, base); wrong != nil {
				return wrong
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

// ownerName is a repository at a forge, as OWNER/NAME.
var ownerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9_.][A-Za-z0-9_.-]*$`)

// line finds what one line of a list names.
func (f *finder) line(line, base string) error {
	bad := func(err error) error {
		name := git.Redact(line)
		return f.give(Repo{Name: name, Err: err}, "line:"+line, name)
	}
	if kind, owner, ok := forgeName(line); ok {
		err := f.forge(kind, owner)
		if err != nil && f.ctx.Err() == nil && !errors.Is(err, errStopped) && strings.Contains(owner, "/") {
			return bad(err)
		}
		return err
	}
	dir := line
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(base, dir)
	}
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return f.folder(dir, strings.Trim(filepath.ToSlash(filepath.Clean(line)), "/."))
	} else if err == nil {
		return bad(fmt.Errorf("%s: a file: a line of a list names a folder or an address", said.Printable(line)))
	}
	switch {
	case git.Remote(line):
		return f.address(line)
	case ownerName.MatchString(line):
		if err := f.forge("github", line); err != nil && (f.ctx.Err() != nil || errors.Is(err, errStopped)) {
			return err
		} else if err != nil {
			return bad(err)
		}
		return nil
	}
	return bad(fmt.Errorf("%s: no such folder", said.Printable(line)))
}

// address gives a repository by its address.
func (f *finder) address(text string) error {
	url, login, err := git.Address(text)
	if err != nil {
		name := git.Redact(text)
		return f.give(Repo{Name: name, Err: err}, "line:"+text, name)
	}
	return f.give(Repo{Name: Name(url), URL: url, Auth: login}, "url:"+url, url)
}

// Name is what a repository is called by its address: HOST/PATH, without a user and without .git.
func Name(url string) string {
	name := url
	if _, rest, ok := strings.Cut(url, "://"); ok {
		name = rest
	} else if host, rest, ok := strings.Cut(url, ":"); ok && !strings.Contains(host, "/") {
		name = host + "/" + strings.TrimLeft(rest, "/")
	}
	host, rest, _ := strings.Cut(name, "/")
	name = host[strings.LastIndexByte(host, '@')+1:] + "/" + rest
	return strings.TrimSuffix(strings.Trim(name, "/"), ".git")
}

// forgeName understands github:OWNER, gitlab:GROUP/NAME and the like.
func forgeName(s string) (kind, owner string, ok bool) {
	kind, owner, ok = strings.Cut(s, ":")
	if !ok || kind != "github" && kind != "gitlab" && kind != "gitea" || strings.HasPrefix(owner, "//") {
		return "", "", false
	}
	return kind, strings.Trim(owner, "/"), true
}

// forge finds the repositories of an owner, or the one that is named.
func (f *finder) forge(kind, owner string) error {
	if owner == "" {
		return fmt.Errorf("%s: whose repositories? write %s:OWNER", kind, kind)
	}
	if f.Forges == nil {
		return fmt.Errorf("%s: forges can't be asked here", kind)
	}
	at, err := f.Forges(kind)
	if err != nil {
		return err
	}
	if i := strings.LastIndexByte(owner, '/'); i > 0 {
		one, err := at.Get(f.ctx, owner[:i], owner[i+1:])
		if err == nil {
			return f.at(at, one, true)
		}
		// At GitLab it may be a group in a group.
		if kind != "gitlab" || f.ctx.Err() != nil {
			return err
		}
		listed, err2 := f.all(at, owner)
		if err2 != nil && !listed && f.ctx.Err() == nil && !errors.Is(err2, errStopped) {
			return fmt.Errorf("%w; and as a group: %w", err, err2)
		}
		return err2
	}
	_, err = f.all(at, owner)
	return err
}

// all gives an owner's repositories; any tells whether there was one.
func (f *finder) all(at forge.Forge, owner string) (any bool, err error) {
	for one, err := range at.List(f.ctx, owner, f.Filter) {
		if err != nil {
			return any, err
		}
		any = true
		if err := f.at(at, one, false); err != nil {
			return any, err
		}
	}
	return any, context.Cause(f.ctx)
}

// at gives a repository of a forge. One that was named is left alone with a reason where a list
// leaves it out.
func (f *finder) at(at forge.Forge, one forge.Repository, named bool) error {
	name := one.Owner + "/" + one.Name
	r := Repo{
		Name: name, Owner: one.Owner, Slug: one.Name, Forge: at, URL: one.CloneURL, Branch: one.Branch,
		Language: one.Language, Topics: one.Topics,
	}
	url, _, err := git.Address(one.CloneURL)
	switch {
	case err != nil:
		r.URL, r.Err = "", err
	case !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://"):
		r.URL, r.Err = "", fmt.Errorf("%s: the forge gives an address that isn't the web's: %s", said.Printable(name), said.Printable(git.Redact(url)))
	case one.Empty:
		r.URL, r.Skip = url, "no commit yet"
	case named && one.Archived && !f.Filter.Archived:
		r.URL, r.Skip = url, "archived: --archived takes it too"
	default:
		r.URL = url
	}
	return f.give(r, "url:"+at.Name()+":"+name, at.Name()+":"+name)
}
