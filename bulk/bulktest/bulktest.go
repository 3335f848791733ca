// Package bulktest makes repositories for tests: of every kind that bulk meets, each
// with what must become of it, and a snapshot that shows whether anything in one was
// touched.
package bulktest

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"drydock/bulk/result"
)

// Changeable is a Dockerfile that drydock changes by default, Settled one that it
// leaves as it is, also with --unsafe.
const (
	Changeable = "FROM debian:12\nRUN apt-get update && apt-get install -y curl\nCMD [\"curl\", \"--version\"]\n"
	Settled    = "FROM debian:12-slim\nCMD [\"date\"]\n"
)

// World is what Generate made.
type World struct {
	Tree  string // the folder to give as a source
	Home  string // for HOME: git's configuration there has a user
	Ran   string // a file that every hook and filter makes: it must never be there
	Repos []Repository
}

// Repository is one of them, and what must become of it.
type Repository struct {
	Kind, Name, Dir string
	Status          result.Status
	Reason          string   // part of it
	Changed         []string // files that are changed, sorted
	NoGit           bool     // there can be no branch and no commit
}

// kind makes one repository at m.dir, whose expectations start as: changed, Dockerfile.
type kind struct {
	name string
	make func(m *maker, want *Repository)
}

// Generate makes n repositories in dir, of all kinds in turn; kinds with more than
// one (linked work trees) count as one. The same seed makes the same. 200 take a few seconds.
func Generate(dir string, n int, seed uint64) (*World, error) {
	w := &World{Tree: filepath.Join(dir, "tree"), Home: filepath.Join(dir, "home"), Ran: filepath.Join(dir, "ran")}
	for _, d := range []string{w.Tree, w.Home, filepath.Join(dir, "elsewhere")} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			return nil, err
		}
	}
	config := "[user]\n\tname = Ann\n\temail = ann@example.com\n[init]\n\tdefaultBranch = main\n"
	if err := os.WriteFile(filepath.Join(w.Home, ".gitconfig"), []byte(config), 0o666); err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(seed, seed))
	makers := make([]*maker, n)
	for i := range makers {
		k := kinds[i%len(kinds)]
		name := fmt.Sprintf("%s/%03d%s", groups[random.IntN(len(groups))], i, k.name)
		if k.name == "hostile name" {
			name = fmt.Sprintf("%s%d", hostile[i/len(kinds)%len(hostile)], i)
		}
		makers[i] = &maker{world: w, kind: k, dir: filepath.Join(w.Tree, name), name: name,
			elsewhere: filepath.Join(dir, "elsewhere", fmt.Sprint(i)), random: random.Uint64()}
	}
	// As many as there are processors, or so: git waits for the disk.
	var all sync.WaitGroup
	next := make(chan *maker)
	for range 4 {
		all.Go(func() {
			for m := range next {
				m.run()
			}
		})
	}
	for _, m := range makers {
		next <- m
	}
	close(next)
	all.Wait()
	for _, m := range makers {
		if m.err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, m.err)
		}
		w.Repos = append(w.Repos, m.repos...)
	}
	slices.SortFunc(w.Repos, func(a, b Repository) int { return cmp.Compare(a.Name, b.Name) })
	return w, nil
}

// groups are folders in the tree.
var groups = []string{"apps", "infra/base", "libs", "team a", "team-ü/deep/er"}

// hostile are beginnings of names.
var hostile = []string{
	"spa ce ", "new\nline", "semi; touch x;", "-dash", "ünïcode-日本-", "quote'\"`", "$(touch x)", "esc\x1b[31m\x07", "tab\there", "back\\slash", "#comment", "a:b", "~home", "*glob?[x]",
}

// maker makes one repository. After an error it does nothing more.
type maker struct {
	world     *World
	kind      kind
	dir, name string
	elsewhere string // a folder outside of the tree, not made yet
	random    uint64
	repos     []Repository
	err       error
}

func (m *maker) run() {
	want := m.expect(m.dir, m.name)
	m.kind.make(m, want)
	m.repos = append(m.repos, *want)
}

func (m *maker) expect(dir, name string) *Repository {
	return &Repository{Kind: m.kind.name, Name: name, Dir: dir, Status: result.Changed, Changed: []string{"Dockerfile"}}
}

// git runs git in the repository.
func (m *maker) git(args ...string) { m.gitIn(m.dir, args...) }

func (m *maker) gitIn(dir string, args ...string) {
	if m.err != nil {
		return
	}
	if out, err := m.try(dir, args...); err != nil {
		m.err = fmt.Errorf("git %s: %w\n%s", strings.Join(args, " "), err, out)
	}
}

func (m *maker) try(dir string, args ...string) ([]byte, error) {
	// The disk isn't waited for, and nothing goes on in the background.
	cmd := exec.Command("git", append([]string{
		"-c", "protocol.file.allow=always", "-c", "core.hooksPath=" + os.DevNull, "-c", "core.fsync=none", "-c", "maintenance.auto=false", "-c", "gc.auto=0",
	}, args...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+m.world.Home, "XDG_CONFIG_HOME="+m.world.Home, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL="+filepath.Join(m.world.Home, ".gitconfig"), "GIT_AUTHOR_DATE=1700000000 +0000", "GIT_COMMITTER_DATE=1700000000 +0000", "GIT_EDITOR=true", "LC_ALL=C")
	cmd.Env = slices.DeleteFunc(cmd.Env, func(v string) bool {
		return strings.HasPrefix(v, "GIT_DIR=") || strings.HasPrefix(v, "GIT_INDEX_FILE=")
	})
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	return said.Bytes(), err
}

// write makes a file in the repository.
func (m *maker) write(name, text string) { m.writeAt(filepath.Join(m.dir, name), text, 0o666) }

func (m *maker) writeAt(name, text string, mode os.FileMode) {
	if m.err != nil {
		return
	}
	if m.err = os.MkdirAll(filepath.Dir(name), 0o777); m.err == nil {
		m.err = os.WriteFile(name, []byte(text), mode)
	}
}

func (m *maker) do(err error) {
	if m.err == nil {
		m.err = err
	}
}

// init makes a repository without a commit.
func (m *maker) init(args ...string) {
	m.do(os.MkdirAll(m.dir, 0o777))
	m.git(append([]string{"init", "-q", "--template="}, args...)...)
}

// commit makes a commit of all that is there.
func (m *maker) commit() {
	m.git("add", "-A")
	m.git("commit", "-q", "--allow-empty", "-m", "work")
}

// project makes a repository with one commit of files, at least a Dockerfile.
func (m *maker) project(dockerfile string, files ...string) {
	m.init()
	m.write("Dockerfile", dockerfile)
	m.write("main.py", fmt.Sprintf("print(%d)\n", m.random))
	for i := 0; i+1 < len(files); i += 2 {
		m.write(files[i], files[i+1])
	}
	m.commit()
}

// trap is a shell command that shows that it ran.
func (m *maker) trap() string { return "echo " + m.kind.name + " >> '" + m.world.Ran + "'; cat" }
