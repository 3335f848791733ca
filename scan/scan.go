// Package scan counts the known vulnerabilities of an image with the scanner
// that the user has: grype or trivy. "Could not scan" is an error, never zero.
package scan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Severities, the worst first.
var Severities = []string{"critical", "high", "medium", "low", "negligible", "unknown"}

// Names are the scanners that are known, in the order in which they are looked for.
var Names = []string{"grype", "trivy"}

// ErrNone: there is no scanner.
var ErrNone = errors.New("no scanner on PATH: install grype or trivy")

// Wait is how long a scanner may take for one image: its database and the image
// are loaded within it.
var Wait = 10 * time.Minute

// maxReport bounds what is read of a scanner's report, in bytes.
const maxReport = 512 << 20

// Scanner is a program that scans.
type Scanner struct {
	Name string // one of Names
	Path string
}

// Find looks for a scanner on PATH: the named one, or any for "auto" and "".
func Find(name string) (Scanner, error) {
	for _, n := range Names {
		if name != n && name != "auto" && name != "" {
			continue
		}
		if p, err := exec.LookPath(n); err == nil {
			return Scanner{n, p}, nil
		}
		if name == n {
			return Scanner{}, fmt.Errorf("%s is not on PATH: install it, or choose another scanner", n)
		}
	}
	return Scanner{}, ErrNone
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
// The scanner runs in an empty folder and with an empty configuration, so that
// no file of a repository silences it; variables of the environment, which tell
// where its database is, stay.
func (s Scanner) Image(ctx context.Context, ref, platform string, plainHTTP bool) (Counts, error) {
	dir, err := os.MkdirTemp("", "drydock-scan-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	empty := dir + "/empty.yaml"
	if err := os.WriteFile(empty, []byte("{}\n"), 0o600); err != nil {
		return nil, err
	}
	var args []string
	env := os.Environ()
	switch s.Name {
	case "grype":
		args = []string{"registry:" + ref, "-o", "json", "-c", empty}
		if plainHTTP {
			env = append(env, "GRYPE_REGISTRY_INSECURE_USE_HTTP=true")
		}
	case "trivy":
		args = []string{"image", "--image-src", "remote", "--format", "json", "--quiet", "--scanners", "vuln", "--config", empty, "--ignorefile", empty}
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
	timed, cancel := context.WithTimeout(ctx, Wait)
	defer cancel()
	cmd := exec.CommandContext(timed, s.Path, args...)
	cmd.Dir, cmd.Env = dir, env
	cmd.WaitDelay = time.Second // what it started may hold its output open
	var errOut bytes.Buffer
	out := bounded{stop: cancel}
	cmd.Stdout, cmd.Stderr = &out, &lastBytes{to: &errOut}
	if err := cmd.Run(); err != nil || out.full {
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case out.full:
			return nil, fmt.Errorf("%s could not scan %s: its report is longer than %d MB", s.Name, ref, maxReport>>20)
		case timed.Err() != nil:
			return nil, fmt.Errorf("%s could not scan %s: %w (%v): run it by hand to see what it waits for", s.Name, ref, ErrSlow, Wait)
		}
		return nil, fmt.Errorf("%s could not scan %s: %w: %s", s.Name, ref, err, lastLine(errOut.String()))
	}
	counts, err := read(s.Name, out.Bytes())
	if err != nil {
		return nil, fmt.Errorf("%s on %s: %w", s.Name, ref, err)
	}
	return counts, nil
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

// read counts what a scanner printed. Sources: grype's JSON
// (https://oss.anchore.com/docs/reference/grype/json/) and trivy's
// (https://trivy.dev/latest/docs/configuration/reporting/#json). What a scanner
// was told to ignore counts.
func read(name string, out []byte) (Counts, error) {
	worst := map[string]int{} // by id, the place in Severities
	note := func(id, severity string) {
		at := slices.Index(Severities, strings.ToLower(severity))
		if at < 0 {
			at = len(Severities) - 1
		}
		if old, ok := worst[id]; !ok || at < old {
			worst[id] = at
		}
	}
	switch name {
	case "grype":
		type match struct {
			Vulnerability struct{ ID, Severity string }
		}
		var doc struct {
			Matches, IgnoredMatches []match
			Descriptor              *struct{ Name string }
		}
		if err := json.Unmarshal(out, &doc); err != nil {
			return nil, fmt.Errorf("its answer can't be read: %w", err)
		}
		if doc.Descriptor == nil {
			return nil, errors.New("its answer isn't a report")
		}
		for _, m := range append(doc.Matches, doc.IgnoredMatches...) {
			note(m.Vulnerability.ID, m.Vulnerability.Severity)
		}
	case "trivy":
		var doc struct {
			SchemaVersion int
			Results       []struct {
				Vulnerabilities []struct{ VulnerabilityID, Severity string }
			}
		}
		if err := json.Unmarshal(out, &doc); err != nil {
			return nil, fmt.Errorf("its answer can't be read: %w", err)
		}
		if doc.SchemaVersion == 0 {
			return nil, errors.New("its answer isn't a report")
		}
		for _, r := range doc.Results {
			for _, v := range r.Vulnerabilities {
				note(v.VulnerabilityID, v.Severity)
			}
		}
	}
	counts := Counts{}
	for _, at := range worst {
		counts[Severities[at]]++
	}
	return counts, nil
}
