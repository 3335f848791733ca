package history

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// git runs the git program in a folder.
type git struct{ dir string }

// elsewhere are variables by which a caller of ours, such as a git hook, points git
// at a repository that isn't the folder's.
var elsewhere = []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"}

// command is a git process that changes nothing, takes nothing from the network
// and says things in English.
func (g git) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", append([]string{"--no-pager", "-C", g.dir}, args...)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(elsewhere, name)
	})
	cmd.Env = append(cmd.Env, "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0")
	return cmd
}

func (g git) output(ctx context.Context, args ...string) ([]byte, error) {
	cmd := g.command(ctx, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return nil, g.explain(ctx, args[0], err, errs.String())
	}
	return out, nil
}

// explain says what a failed git process means.
func (g git) explain(ctx context.Context, verb string, err error, said string) error {
	said, _, _ = strings.Cut(strings.TrimSpace(strings.TrimPrefix(said, "fatal: ")), "\n")
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: reading the git history: %w", g.dir, ctx.Err())
	case errors.Is(err, exec.ErrNotFound):
		return none("git is not installed: its history can't be read without it")
	case strings.HasPrefix(said, "not a git repository"):
		return none("%s: not in a git repository: there is no history to replay", g.dir)
	case said == "":
		return fmt.Errorf("%s: git %s: %w", g.dir, verb, err)
	}
	return fmt.Errorf("%s: git %s: %s", g.dir, verb, said)
}

// read runs git and hands its output to f.
func (g git) read(ctx context.Context, f func(*bufio.Reader) error, args ...string) error {
	cmd := g.command(ctx, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return g.explain(ctx, args[0], err, "")
	}
	broken := f(bufio.NewReaderSize(out, 1<<16))
	if broken != nil {
		_, _ = io.Copy(io.Discard, out) // so that git can end
	}
	if err := cmd.Wait(); err != nil {
		return g.explain(ctx, args[0], err, errs.String())
	}
	if broken != nil {
		return fmt.Errorf("%s: git %s: %w", g.dir, args[0], broken)
	}
	return nil
}

// headMark begins a commit's line; no raw line and no path stands where it does.
const headMark = "\x01" // %x01 in the format

// locate finds the folder's path in its repository ("" for the top).
func (g git) locate(ctx context.Context) (prefix string, shallow bool, err error) {
	out, err := g.output(ctx, "rev-parse", "--is-shallow-repository", "--show-prefix")
	if err != nil {
		return "", false, err
	}
	first, prefix, _ := strings.Cut(string(out), "\n")
	if _, err := g.output(ctx, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"); ctx.Err() != nil {
		return "", false, err
	} else if err != nil {
		return "", false, none("%s: the repository has no commit: commit first", g.dir)
	}
	return strings.TrimSuffix(prefix, "\n"), first == "true", nil
}

// log reads commits and their changes. -m with --first-parent compares a merge
// with its first parent; --relative leaves out what lies outside the context,
// but no commit (git-log(1), git-diff(1) "Raw output format").
func (g git) log(ctx context.Context, n int) (commits []Commit, err error) {
	err = g.read(ctx, func(r *bufio.Reader) error {
		commits, err = parseLog(r)
		return err
	}, "log", "--first-parent", "--reverse", "--max-count="+strconv.Itoa(n), "--relative",
		"--raw", "-z", "-m", "--no-renames", "--no-abbrev", "--no-ext-diff", "--ignore-submodules=none", "--no-show-signature",
		"--no-color", "--no-notes", "--format=%x01%H %ct", "HEAD")
	return commits, err
}

func parseLog(r *bufio.Reader) (commits []Commit, err error) {
	paths := map[string]string{} // one string per path, however many commits change it
	for {
		token, err := field(r)
		if err == io.EOF {
			return commits, nil
		} else if err != nil {
			return nil, err
		}
		if head, ok := strings.CutPrefix(token, headMark); ok {
			id, seconds, _ := strings.Cut(head, " ")
			when, err := strconv.ParseInt(seconds, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("a commit without time: %q", token)
			}
			commits = append(commits, Commit{ID: id, Time: when})
			continue
		}
		file, err := rawFile(strings.TrimPrefix(token, "\n"))
		if err != nil {
			return nil, err
		}
		name, err := field(r)
		if err != nil {
			return nil, err
		}
		if known, ok := paths[name]; ok {
			name = known
		} else {
			paths[name] = name
		}
		if len(commits) > 1 { // the oldest commit's files are in the tree
			c := &commits[len(commits)-1]
			c.Changes = append(c.Changes, Change{name, file})
		}
	}
}

// rawFile reads ":oldmode newmode oldid newid status".
func rawFile(line string) (File, error) {
	w := strings.Fields(strings.TrimPrefix(line, ":"))
	if len(w) != 5 || !strings.HasPrefix(line, ":") {
		return File{}, fmt.Errorf("unexpected output %q", line)
	}
	if w[4] == "D" {
		return File{}, nil
	}
	mode, err := strconv.ParseUint(w[1], 8, 32)
	return File{uint32(mode), strings.Clone(w[3])}, err
}

// tree reads the files of a commit.
func (g git) tree(ctx context.Context, commit string) (map[string]File, error) {
	files := map[string]File{}
	return files, g.read(ctx, func(r *bufio.Reader) error {
		for {
			line, err := field(r)
			if err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
			meta, name, _ := strings.Cut(line, "\t")
			w := strings.Fields(meta)
			if len(w) != 3 {
				return fmt.Errorf("unexpected output %q", line)
			}
			mode, err := strconv.ParseUint(w[0], 8, 32)
			if err != nil {
				return err
			}
			files[strings.Clone(name)] = File{uint32(mode), strings.Clone(w[2])}
		}
	}, "ls-tree", "-r", "-z", commit)
}

// field reads up to the next NUL.
func field(r *bufio.Reader) (string, error) {
	s, err := r.ReadString(0)
	if err == io.EOF && s != "" && strings.TrimSpace(s) != "" {
		return "", io.ErrUnexpectedEOF
	}
	if err != nil {
		return "", err
	}
	return s[:len(s)-1], nil
}
