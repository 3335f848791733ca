package main

// Ignores that a reader of `review` or `fix -p` wants in a configuration file.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"drydock/config"
	"drydock/review"
	"drydock/rewrite"
	"drydock/said"
)

// configFile is a configuration file that takes an ignore.
type configFile struct {
	path, show string
	dir        string // what its patterns are relative to
}

// configFile is the one for a Dockerfile: the nearest that holds for it, else a new one at
// the top of where they are looked for.
func (j *job) configFile(t *target) (configFile, error) {
	if j.configs == nil {
		return configFile{}, errors.New("no configuration is read with --no-config: leave it out")
	}
	own := filepath.Dir(t.abs)
	e, mistakes := j.configs.For(t.abs)
	switch {
	case len(mistakes) > 0:
		return configFile{}, mistakes[0]
	case e == nil:
		dir := own
		if top := j.configs.Top(own); top != "" {
			dir = top
		}
		path := filepath.Join(dir, config.Names[0])
		return configFile{path, j.places.show(path), dir}, nil
	}
	path := j.places.abs(e.Files[len(e.Files)-1].Path)
	c := configFile{path, j.places.show(path), filepath.Dir(path)}
	if j.configs.Named() {
		c.dir = j.places.cwd
	}
	return c, nil
}

// ignore is an entry as the file at c writes it.
func (c configFile) ignore(t *target, e review.Entry) (config.Ignore, error) {
	rel, within := below(c.dir, t.abs)
	if !within {
		return config.Ignore{}, fmt.Errorf("%s lies outside of %s, where the patterns of %s end", said.Printable(t.path), said.Printable(c.dir), said.Printable(c.show))
	}
	return config.Ignore{Rule: e.Transform, Path: gitPattern(filepath.ToSlash(rel)), Instruction: e.Words, Reason: e.Reason}, nil
}

// gitPattern is the pattern that takes a file and no other.
func gitPattern(rel string) string {
	out := strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(rel)
	if body := strings.TrimRight(out, " "); body != out { // at the end of a pattern they don't count
		out = body + strings.Repeat(`\ `, len(out)-len(body))
	}
	return "/" + out
}

// entry completes an entry for a Dockerfile; see review.Engine.
func (j *job) entry(t *target, e review.Entry, earlier []review.Entry, of func(review.Entry) *target) (review.Entry, error) {
	c, err := j.configFile(t)
	if err != nil {
		return e, err
	}
	e.Config = c.show
	text, exists, err := c.read()
	if err != nil {
		return e, err
	}
	e.New = !exists
	before := text
	for _, o := range earlier {
		if o.Config == c.show {
			if before, err = c.add(before, of(o), o); err != nil {
				return e, err
			}
		}
	}
	after, err := c.add(before, t, e)
	if err != nil {
		return e, err
	}
	for _, l := range rewrite.DiffLines(before, after) {
		if l.Op == '+' {
			e.Lines = append(e.Lines, strings.TrimRight(l.Text, "\r\n"))
		}
	}
	return e, nil
}

func (c configFile) read() (text string, exists bool, err error) {
	b, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, explainIO(c.show, err)
	}
	return string(b), true, nil
}

// add puts an entry into the text of the file.
func (c configFile) add(text string, t *target, e review.Entry) (string, error) {
	ig, err := c.ignore(t, e)
	if err != nil {
		return "", err
	}
	out, err := config.AddIgnore([]byte(text), ig)
	if err != nil {
		return "", fmt.Errorf("%s: %w", said.Printable(c.show), err)
	}
	return string(out), nil
}

// configChanges are the configuration files with the entries in them, as they stand now.
func (j *job) configChanges(entries []review.Entry, of func(review.Entry) *target) ([]fileChange, error) {
	var out []fileChange
	at := map[string]int{}
	for _, e := range entries {
		t := of(e)
		c, err := j.configFile(t)
		if err != nil {
			return nil, err
		}
		k, known := at[c.path]
		if !known {
			text, exists, err := c.read()
			if err != nil {
				return nil, err
			}
			k = len(out)
			at[c.path] = k
			out = append(out, fileChange{path: c.path, show: c.show, before: text, after: text, created: !exists})
		}
		if out[k].after, err = c.add(out[k].after, t, e); err != nil {
			return nil, err
		}
	}
	return out, nil
}
