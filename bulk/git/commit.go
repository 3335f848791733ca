package git

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"drydock/said"
)

// Make writes a commit, which no branch names yet, and gives its id. The same
// description gives the same id. Text passes what .gitattributes of the parent
// ask for (line ends), as with git add, but no filter that is a program. An edit of what
// is no ordinary file in the parent (a link, a submodule, a folder) is an error; so
// is a commit that changes nothing: ErrSame.
func (r *Repo) Make(ctx context.Context, c Commit) (id string, err error) {
	who, err := r.people(ctx, c)
	if err != nil {
		return "", err
	}
	s, remove, err := r.scratch()
	if err != nil {
		return "", err
	}
	defer remove()
	// Without file modes a file keeps the mode that it has in the index.
	modes := setting{"core.fileMode", "false"}
	if _, err := s.git("read-tree", c.Parent).run(ctx); err != nil {
		return "", err
	}
	var names strings.Builder
	for _, e := range c.Edits {
		if err := s.write(e); err != nil {
			return "", err
		}
		names.WriteString(e.Path + "\x00")
	}
	add := s.git("update-index", "--add", "-z", "--stdin")
	add.config, add.in = []setting{modes, durable}, strings.NewReader(names.String())
	if _, err := add.run(ctx); err != nil {
		return "", fmt.Errorf("%w: an edit lies below a link, a submodule or a file of the commit", err)
	}
	if err := s.changed(ctx, c); err != nil {
		return "", err
	}
	// The other files of a partial clone need not be here.
	write := s.git("write-tree", "--missing-ok")
	write.config = []setting{durable}
	tree, err := write.line(ctx)
	if err != nil {
		return "", err
	}
	return s.commit(ctx, c, tree, who)
}

// write puts an edit into the scratch work tree, for git to read.
func (s *scratch) write(e Edit) error {
	for part := range strings.SplitSeq(e.Path, "/") {
		if strings.EqualFold(part, ".git") || !fs.ValidPath(e.Path) || e.Path == "." || strings.ContainsRune(e.Path, 0) {
			return fmt.Errorf("%s: %s: not a path that a commit can hold", said.Printable(s.of.Dir), said.Printable(e.Path))
		}
	}
	name := filepath.Join(s.dir, filepath.FromSlash(e.Path))
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(e.Text), 0o666)
}

// changed makes sure that the index differs from the parent in ordinary files only.
func (s *scratch) changed(ctx context.Context, c Commit) error {
	out, err := s.git("diff-index", "--cached", "--raw", "-z", "--no-renames", "--ignore-submodules=none", c.Parent).run(ctx)
	if err != nil {
		return err
	}
	fields := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	if len(fields) < 2 {
		return fmt.Errorf("%s: %w", said.Printable(s.of.Dir), ErrSame)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		w := strings.Fields(strings.TrimPrefix(fields[i], ":"))
		if len(w) == 5 && (w[4] == "A" || w[4] == "M" && w[0] == w[1] && strings.HasPrefix(w[0], "100")) {
			continue
		}
		return fmt.Errorf("%s: %s is not an ordinary file in the commit, but a link or a submodule: edit what it points to",
			said.Printable(s.of.Dir), said.Printable(fields[i+1]))
	}
	return nil
}

// commit writes the commit object.
func (s *scratch) commit(ctx context.Context, c Commit, tree string, who [2]Person) (string, error) {
	message := strings.TrimRight(strings.ReplaceAll(strings.ToValidUTF8(c.Message, "\ufffd"), "\r\n", "\n"), "\n") + "\n"
	if c.SignOff {
		message += "Signed-off-by: " + who[1].Name + " <" + who[1].Email + ">\n"
	}
	args := []string{"commit-tree", tree, "-p", c.Parent}
	run := s.git
	config := []setting{durable}
	if c.Sign {
		args, run = append(args, "-S"), s.user
		// The repository may say with which key, not with which program.
		for _, key := range []string{"user.signingKey", "gpg.format"} {
			value, err := s.of.git("config", "--get", key).line(ctx)
			if err == nil {
				config = append(config, setting{key, value})
			} else if !exited(err, 1) {
				return "", err
			}
		}
	}
	call := run(append(args, "-F", "-")...)
	call.config, call.in = config, strings.NewReader(message)
	date := fmt.Sprintf("@%d %s", c.When.Unix(), c.When.Format("-0700"))
	for i, role := range []string{"AUTHOR", "COMMITTER"} {
		call.env = append(call.env, "GIT_"+role+"_NAME="+who[i].Name, "GIT_"+role+"_EMAIL="+who[i].Email, "GIT_"+role+"_DATE="+date)
	}
	return call.line(ctx)
}

// people are author and committer.
func (r *Repo) people(ctx context.Context, c Commit) (who [2]Person, err error) {
	who = [2]Person{c.Author, c.Committer}
	for i, role := range []string{"GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"} {
		if who[i] != (Person{}) {
			continue
		}
		ask := r.git("var", role)
		ask.config = []setting{{"user.useConfigOnly", "true"}} // no guess from the host's name
		line, err := ask.line(ctx)
		if err != nil && i == 1 && ctx.Err() == nil {
			who[i] = who[0]
			continue
		} else if err != nil {
			return who, err
		}
		name, rest, _ := strings.Cut(line, " <")
		email, _, _ := strings.Cut(rest, ">")
		who[i] = Person{name, email}
	}
	return who, nil
}

// Patch is what `git am` takes to make the commits after from up to to. A file with
// CRLF needs git am --keep-cr: mail has no other line ends.
func (r *Repo) Patch(ctx context.Context, from, to string) ([]byte, error) {
	s, remove, err := r.scratch()
	if err != nil {
		return nil, err
	}
	defer remove()
	return s.git("format-patch", "--stdout", "--no-signature", "--binary", "--no-renames", "--end-of-options", from+".."+to).run(ctx)
}
