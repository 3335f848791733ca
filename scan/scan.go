// Package scan finds the known vulnerabilities of an image with the scanner that
// the user has: grype, trivy or docker scout. "Could not scan" is an error, never
// zero.
package scan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"drydock/leftover"
)

// Severities, the worst first.
var Severities = []string{"critical", "high", "medium", "low", "negligible", "unknown"}

// Names are the scanners that scan an image of a registry, in the order in which
// they are looked for.
var Names = []string{"grype", "trivy"}

// LayoutNames are those that scan an OCI layout.
var LayoutNames = []string{"grype", "trivy", "scout"}

// ErrNone: there is no scanner.
var ErrNone = errors.New("no scanner on PATH: install grype or trivy")

// Wait is how long a scanner may take for one image: its database and the image
// are loaded within it.
var Wait = 10 * time.Minute

// maxReport bounds what is read of a scanner's report, in bytes.
const maxReport = 512 << 20

// Scanner is a program that scans.
type Scanner struct {
	Name string // one of Names or LayoutNames
	Path string // of the program; of docker for scout
}

// Find looks for a scanner on PATH: the named one of Names, or any for "auto" and
// "".
func Find(name string) (Scanner, error) { return find(name, Names, answers) }

// FindForLayout is Find over LayoutNames. docker scout counts when its plugin
// answers.
func FindForLayout(name string) (Scanner, error) { return find(name, LayoutNames, answers) }

func find(name string, names []string, there func(string) (string, error)) (Scanner, error) {
	for _, n := range names {
		if name != n && name != "auto" && name != "" {
			continue
		}
		p, err := there(n)
		if err == nil {
			return Scanner{n, p}, nil
		}
		if name == n {
			return Scanner{}, err
		}
	}
	return Scanner{}, ErrNone
}

// answers looks for one scanner.
func answers(name string) (path string, err error) {
	if name != "scout" {
		if path, err = exec.LookPath(name); err != nil {
			return "", fmt.Errorf("%s is not on PATH: install it, or choose another scanner", name)
		}
		return path, nil
	}
	if path, err = exec.LookPath("docker"); err != nil {
		return "", errors.New("scout is a plugin of docker, which is not on PATH: install both, or choose another scanner")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "scout", "version")
	cmd.WaitDelay = time.Second
	if cmd.Run() != nil {
		return "", errors.New("docker has no plugin scout that answers (docker scout version): install it, or choose another scanner")
	}
	return path, nil
}

// ErrSlow: the scanner didn't answer within Wait.
var ErrSlow = errors.New("no answer in time")

// Counts are distinct vulnerabilities by severity: one that hits five packages
// counts once, at its worst.
type Counts map[string]int

func (c Counts) String() string {
	var out []string
	for _, s := range Severities {
		if c[s] > 0 {
			out = append(out, fmt.Sprintf("%d %s", c[s], s))
		}
	}
	if out == nil {
		return "none"
	}
	return strings.Join(out, ", ")
}

// Image scans an image of a registry. plainHTTP is for registries on loopback.
// The scanner runs in an empty folder, with an empty configuration and without
// the variables that could silence it; those that tell where its database is stay.
func (s Scanner) Image(ctx context.Context, ref, platform string, plainHTTP bool) (Counts, error) {
	var args []string
	var env []string
	switch s.Name {
	case "grype":
		args = []string{"registry:" + ref, "-o", "json", "-c", emptyFile}
		if plainHTTP {
			env = append(env, "GRYPE_REGISTRY_INSECURE_USE_HTTP=true")
		}
	case "trivy":
		args = append(slices.Clone(trivyArgs), "--image-src", "remote")
		if plainHTTP {
			args = append(args, "--insecure")
		}
	default:
		return nil, fmt.Errorf("%s is no scanner that is known: use %s", s.Name, strings.Join(Names, " or "))
	}
	if platform != "" {
		args = append(args, "--platform", platform)
	}
	if s.Name == "trivy" {
		args = append(args, ref)
	}
	var counts Counts
	err := s.run(ctx, ref, args, env, func(out []byte, _ string) error {
		r, err := Read(out)
		if err == nil {
			counts = r.Counts
		}
		return err
	})
	return counts, err
}

// trivyArgs ask for all that trivy finds, whatever its configuration says.
var trivyArgs = []string{"image", "--format", "json", "--quiet", "--scanners", "vuln", "--severity", "UNKNOWN,LOW,MEDIUM,HIGH,CRITICAL", "--ignore-unfixed=false", "--list-all-pkgs",
	"--config", emptyFile, "--ignorefile", emptyFile}

// emptyFile is an empty configuration in the folder in which the scanner runs.
const emptyFile = "empty.yaml"

// run runs the scanner and hands on what it printed and the folder in which it
// ran. what is scanned is for messages.
func (s Scanner) run(ctx context.Context, what string, args, env []string, use func(out []byte, dir string) error) error {
	dir, remove, err := leftover.Folder("", "drydock-scan-")
	if err != nil {
		return err
	}
	defer remove()
	if err := os.WriteFile(filepath.Join(dir, emptyFile), []byte("{}\n"), 0o600); err != nil {
		return err
	}
	timed, cancel := context.WithTimeout(ctx, Wait)
	defer cancel()
	cmd := exec.CommandContext(timed, s.Path, args...)
	cmd.Dir, cmd.Env = dir, append(heard(os.Environ()), env...)
	cmd.WaitDelay = time.Second // what it started may hold its output open
	var errOut bytes.Buffer
	out := bounded{stop: cancel}
	cmd.Stdout, cmd.Stderr = &out, &lastBytes{to: &errOut}
	if err := cmd.Run(); err != nil || out.full {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case out.full:
			return fmt.Errorf("%s could not scan %s: its report is longer than %d MB", s.Name, what, maxReport>>20)
		case timed.Err() != nil:
			return fmt.Errorf("%s could not scan %s: %w (%v): run it by hand to see what it waits for", s.Name, what, ErrSlow, Wait)
		}
		return fmt.Errorf("%s could not scan %s: %w: %s", s.Name, what, err, lastLine(errOut.String()))
	}
	if err := use(out.Bytes(), dir); err != nil {
		return fmt.Errorf("%s on %s: %w", s.Name, what, err)
	}
	return nil
}

// bounded keeps a report up to maxReport and stops what writes more.
type bounded struct {
	bytes.Buffer
	full bool
	stop func()
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxReport {
		b.full = true
		b.stop()
		return len(p), nil
	}
	return b.Buffer.Write(p)
}

// lastBytes keeps the end of what is written.
type lastBytes struct{ to *bytes.Buffer }

func (l *lastBytes) Write(p []byte) (int, error) {
	l.to.Write(p)
	if over := l.to.Len() - 1<<16; over > 0 {
		l.to.Next(over)
	}
	return len(p), nil
}

// lastLine is the last line of a program's complaint that says something.
func lastLine(s string) string {
	s = regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(s, "") // colours, which scanners print to a pipe too
	lines := strings.Split(strings.TrimSpace(s), "\n")
	line := strings.Map(func(r rune) rune {
		if r < ' ' {
			return -1
		}
		return r
	}, lines[len(lines)-1])
	return line[:min(len(line), 300)]
}
