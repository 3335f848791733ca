package builder

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"drydock/leftover"
)

// grace is how long an interrupted program has to tell its builder and to tidy up.
// Tests wait less.
var grace = 10 * time.Second

// writeFiles writes the request's Dockerfile and, where it has some, its ignore
// rules. BuildKit takes NAME.dockerignore from the Dockerfile's folder before
// .dockerignore from the context; an empty one is rules that ignore nothing.
// Source: https://docs.docker.com/build/concepts/context/#filename-and-location
func writeFiles(dir string, r Request) error {
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(r.Dockerfile), 0o600); err != nil {
		return err
	}
	if r.Ignore == nil {
		return nil
	}
	return os.WriteFile(filepath.Join(dir, "Dockerfile.dockerignore"), []byte(*r.Ignore), 0o600)
}

// command prepares a program in a process group of its own, so that a terminal's
// Ctrl-C reaches it once, by us. When ctx ends the group is interrupted, and after
// WaitDelay killed.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = environment()
	cmd.WaitDelay = grace
	ownGroup(cmd)
	cmd.Cancel = func() error { return interrupt(cmd) }
	return cmd
}

// run is cmd.Run, after which nothing of the program's group is left.
func run(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	defer leftover.Until(func() { killGroup(cmd) })()
	err := cmd.Wait()
	killGroup(cmd)
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it ended well; only a child of its held the output open
	}
	return err
}

// environment is ours without what would change the image: SOURCE_DATE_EPOCH is
// drydock's own, and buildx hands it on as a build argument.
func environment() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "SOURCE_DATE_EPOCH=") && !strings.HasPrefix(e, "BUILDX_METADATA_PROVENANCE=") {
			env = append(env, e)
		}
	}
	// The metadata file is read for its digest; provenance would be asked for after each build.
	return append(env, "BUILDX_METADATA_PROVENANCE=disabled")
}

// maxLine bounds a line of a program's output; BuildKit tells a whole graph in one.
const maxLine = 16 << 20

// lines calls each with every line written to it, without its end. Close gives the
// last one. What is over maxLine of a line is dropped.
type lines struct {
	each func([]byte)
	part []byte
}

var _ io.Writer = (*lines)(nil)

func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	for {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			l.part = append(l.part, p[:min(len(p), maxLine-len(l.part))]...)
			return n, nil
		}
		if len(l.part) == 0 {
			l.each(bytes.TrimSuffix(p[:end], []byte("\r")))
		} else {
			l.part = append(l.part, p[:min(end, maxLine-len(l.part))]...)
			l.each(bytes.TrimSuffix(l.part, []byte("\r")))
			l.part = l.part[:0]
		}
		p = p[end+1:]
	}
}

func (l *lines) Close() {
	if len(l.part) > 0 {
		l.each(l.part)
		l.part = nil
	}
}
