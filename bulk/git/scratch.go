package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"drydock/leftover"
)

// scratch is a repository of ours that knows the objects of another one, and
// nothing of its configuration, hooks, index and refs.
type scratch struct {
	dir string // work tree, with .git in it
	of  *Repo
}

// alone keeps the user's and the system's configuration from a git process: no
// filter, no conversion of line ends but what .gitattributes asks for.
var alone = []string{"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_ATTR_NOSYSTEM=1"}

// scratch makes one in a temporary folder.
func (r *Repo) scratch() (*scratch, func(), error) {
	dir, remove, err := leftover.Folder(r.Temp, "drydock-git-")
	if err != nil {
		return nil, nil, err
	}
	s, err := r.scratchIn(dir)
	if err != nil {
		remove()
		return nil, nil, err
	}
	return s, remove, nil
}

// scratchIn makes dir one. It runs no git: the layout is gitrepository-layout(5)'s.
func (r *Repo) scratchIn(dir string) (*scratch, error) {
	at := filepath.Join(dir, ".git")
	for _, sub := range []string{"objects/info", "objects/pack", "refs/heads", "info"} {
		if err := os.MkdirAll(filepath.Join(at, filepath.FromSlash(sub)), 0o777); err != nil {
			return nil, err
		}
	}
	config := "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tattributesFile = " + os.DevNull + "\n"
	if sha256Format().MatchString(r.config) {
		config = strings.Replace(config, "= 0", "= 1", 1) + "[extensions]\n\tobjectFormat = sha256\n"
	}
	// Replaced by Checkout; a branch that isn't there yet otherwise.
	files := map[string]string{
		"HEAD":                    "ref: refs/heads/none\n",
		"config":                  config,
		"objects/info/alternates": quote(filepath.Join(r.Main, "objects")) + "\n",
	}
	for _, name := range []string{"shallow", "info/attributes"} {
		text, err := os.ReadFile(filepath.Join(r.Main, filepath.FromSlash(name)))
		if err == nil {
			files[name] = string(text)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(at, filepath.FromSlash(name)), []byte(text), 0o666); err != nil {
			return nil, err
		}
	}
	return &scratch{dir, r}, nil
}

// git is a run of git in the scratch repository, which stores objects in the other
// one. It reads no configuration but ours.
func (s *scratch) git(args ...string) call {
	c := s.user(args...)
	c.env = append(c.env, alone...)
	c.env = append(c.env, "GIT_NO_LAZY_FETCH=1")
	return c
}

// durable makes a git that writes objects wait until they are on the disk: a branch is, and
// must not name after a power cut what isn't there.
var durable = setting{"core.fsync", "committed"}

// user is git with the user's configuration, for what needs a login or a key.
func (s *scratch) user(args ...string) call {
	return call{dir: s.dir, at: s.of.Dir, args: args, env: []string{
		"GIT_DIR=" + filepath.Join(s.dir, ".git"), "GIT_WORK_TREE=" + s.dir,
		"GIT_OBJECT_DIRECTORY=" + filepath.Join(s.of.Main, "objects"),
	}}
}

// quote writes a path as git reads it in objects/info/alternates, where it may hold
// a line end.
func quote(name string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(name) {
		switch c := name[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\%03s`, strconv.FormatUint(uint64(c), 8))
		default:
			b.WriteByte(c)
		}
	}
	return b.String() + `"`
}
