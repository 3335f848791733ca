package main

// Which Dockerfile ship builds, and which one it compares with.

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"drydock/history"
	"drydock/report"
	"drydock/verify"
)

// find reads the Dockerfile and finds its build context.
func (j *shipJob) find(file, dir, stage string) error {
	var err error
	if j.places, err = newPlaces(""); err != nil {
		return err
	}
	if dir != "" {
		if err := needFolder(dir); err != nil {
			return err
		}
	}
	if file == "" {
		for _, name := range []string{"Dockerfile", "dockerfile", "Containerfile"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				file = filepath.Join(dir, name)
				break
			}
		}
		if file == "" {
			return fmt.Errorf("there is no Dockerfile in %s: name it with --file DOCKERFILE", j.places.show(j.places.abs(dir)))
		}
	}
	j.target = &target{path: file, abs: j.places.abs(file)}
	if j.doc, err = j.target.load(); err != nil {
		return err
	}
	chosen, err := j.context(dir)
	if err != nil {
		return err
	}
	if chosen.dir == "" {
		return &report.Error{Path: j.target.path, Message: chosen.why, Hint: "name the build context's folder with --context DIR"}
	}
	j.target.context = chosen.dir
	if rel, ok := below(j.target.context, j.target.abs); ok {
		j.target.name = filepath.ToSlash(rel)
	}
	if stage != "" && j.doc.StageByRef(stage, -1) == nil {
		return usagef("--target %s: %s has no such stage", stage, j.target.path)
	}
	return nil
}

// context is the folder that --context gives, else the configuration, else what the
// repository tells.
func (j *shipJob) context(dir string) (chosen, error) {
	if dir != "" {
		return j.places.given(j.target, j.doc, j.places.abs(dir), "--context")
	}
	if configs := j.config.finder(j.places, ""); configs != nil {
		e, mistakes := configs.For(j.target.abs)
		switch {
		case len(mistakes) > 0:
			return chosen{}, mistakes
		case e != nil && e.Context.Set():
			if err := contextFolder(configs, j.places, j.target, e.Context); err != nil {
				return chosen{}, err
			}
			return j.places.given(j.target, j.doc, e.Context.Text, e.Context.From())
		}
	}
	return j.places.context(j.target, j.doc), nil
}

// now is what lies there.
func (j *shipJob) now() verify.Side {
	return verify.Side{Dockerfile: j.target.src, Context: j.target.context, Ignore: ignoreText(j.target, filesOf(j.target.context))}
}

// earlier is what to compare with: the Dockerfile that --before names, else that
// of git's HEAD where it or the context's rules differ from what lies there. nil
// with the reason when there is none.
func (j *shipJob) earlier(ctx context.Context, before string) (side *verify.Side, none string, err error) {
	const hint = "no earlier Dockerfile to compare with: --before REV"
	now := j.now()
	if before != "" && isFile(before) {
		t := &target{path: before, abs: j.places.abs(before)}
		if _, err := t.load(); err != nil {
			return nil, "", err
		}
		return &verify.Side{Dockerfile: t.src, Ignore: now.Ignore, Context: now.Context}, "", nil
	}
	rev := before
	if rev == "" {
		rev = "HEAD"
	}
	dir, name := filepath.Split(j.target.abs)
	src, exists, err := history.Show(ctx, dir, rev, name)
	switch {
	case ctx.Err() != nil:
		return nil, "", ctx.Err()
	case before == "" && (err != nil || !exists): // no repository, no commit yet, no git
		return nil, hint, nil
	case err != nil:
		return nil, "", fmt.Errorf("--before %s: no such file, and %w", before, err)
	case !exists:
		return nil, "", fmt.Errorf("--before %s: %s is not in that revision: name another one, or a file", before, j.target.path)
	}
	rules := ignoreText(j.target, filesAt(ctx, j.target.context, rev))
	if before == "" && string(src) == j.target.src && *rules == *now.Ignore {
		return nil, hint, nil
	}
	if _, err := (&target{path: rev + ":" + j.target.path, src: string(src)}).parse(); err != nil {
		if before == "" {
			return nil, "the Dockerfile of HEAD can't be read: --before REV", nil
		}
		return nil, "", err
	}
	return &verify.Side{Dockerfile: string(src), Ignore: rules, Context: now.Context}, "", nil
}
