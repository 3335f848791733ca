package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"drydock/leftover"
	"drydock/said"
)

// setting is one line of git's configuration, given to one process in its
// environment: arguments can be read by everybody on the machine.
type setting struct{ key, value string }

// always holds for every git process of ours. A repository comes from anybody: its
// hooks and its file system monitor are programs that we don't run.
var always = []setting{
	{"core.hooksPath", os.DevNull},
	{"core.fsmonitor", "false"},
	{"core.pager", "cat"},
	{"gc.auto", "0"},
	{"maintenance.auto", "false"},
	{"advice.detachedHead", "false"},
	{"safe.bareRepository", "all"}, // which folders are looked at is our business; whose they are stays git's
	{"submodule.recurse", "false"},
	{"fetch.recurseSubmodules", "false"},
	{"push.recurseSubmodules", "no"},
	{"push.followTags", "false"},
	{"color.ui", "false"},
	{"i18n.commitEncoding", "UTF-8"},
	{"i18n.logOutputEncoding", "UTF-8"},
}

// protocols are what git may speak, whatever its configuration says: ext:: runs
// programs.
const protocols = "file:git:http:https:ssh"

// call is one run of git.
type call struct {
	dir    string    // folder to run in
	at     string    // the repository, for errors; dir where ""
	env    []string  // NAME=value, over what is inherited
	config []setting // over always
	in     io.Reader
	args   []string
}

// run gives what git wrote. The error of a git that failed is a *failure.
func (c call) run(ctx context.Context) ([]byte, error) {
	var out bytes.Buffer
	err := c.stream(ctx, &out)
	return out.Bytes(), err
}

// line is run for one line of output.
func (c call) line(ctx context.Context) (string, error) {
	out, err := c.run(ctx)
	return strings.TrimSuffix(string(out), "\n"), err
}

func (c call) stream(ctx context.Context, out io.Writer) error {
	if c.at == "" {
		c.at = c.dir
	}
	cmd := exec.CommandContext(ctx, "git", append([]string{"--no-pager", "--literal-pathspecs"}, c.args...)...)
	said := &said.Ending{Max: 16 << 10}
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.dir, c.environ(), c.in, out, said
	cmd.WaitDelay = time.Second // what it started may hold its output open
	ownGroup(cmd)
	cmd.Cancel = func() error { return killGroup(cmd) }
	err := cmd.Start()
	if err == nil {
		done := leftover.Until(func() { _ = killGroup(cmd) })
		err = cmd.Wait()
		done()
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: git %s: %w", c.at, c.args[0], context.Cause(ctx))
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("git is not installed: bulk can't read repositories without it: install git 2.38 or newer")
	}
	f := &failure{at: c.at, verb: c.args[0], said: said.String(), err: err}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		f.code = exit.ExitCode()
	}
	return f
}

// environ is the environment of a git process: without the variables by which a
// caller of ours (a hook, say) points git elsewhere, in English, and without anything that waits for a person.
func (c call) environ() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "GIT_") {
			return false
		}
		return !slices.ContainsFunc(inherited, func(p string) bool { return strings.HasPrefix(name, p) })
	})
	env = append(env, "LC_ALL=C", "LANGUAGE=C", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_NO_REPLACE_OBJECTS=1",
		"GIT_ALLOW_PROTOCOL="+protocols, "GIT_PROTOCOL_FROM_USER=0", "GIT_MERGE_AUTOEDIT=no", "GIT_EDITOR=false")
	if up := filepath.Dir(c.dir); !strings.ContainsRune(up, os.PathListSeparator) {
		env = append(env, "GIT_CEILING_DIRECTORIES="+up)
	}
	config := slices.Concat(always, c.config)
	env = append(env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(config)))
	for i, s := range config {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, s.key), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, s.value))
	}
	return append(env, c.env...)
}

// inherited are git's variables that a user sets for good reasons; all others are
// about one repository, or are ours.
var inherited = []string{
	"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME",
	"GIT_COMMITTER_EMAIL", "GIT_SSH", "GIT_ASKPASS", "GIT_SSL_", "GIT_PROXY_", "GIT_HTTP_", "GIT_EXEC_PATH", "GIT_TEMPLATE_DIR", "GIT_DEFAULT_HASH",
}

// exited tells whether err is git having ended with code, saying nothing: its
// answer "no".
func exited(err error, code int) bool {
	var f *failure
	return errors.As(err, &f) && f.code == code && strings.TrimSpace(f.said) == ""
}
