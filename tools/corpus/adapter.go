package main

import (
	"context"
	"os"
	"path/filepath"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
	"drydock/tools/corpus/judge"
	"drydock/transforms"
)

// This file is the only one that knows drydock.

// engine is the Fixer the runner judges: every transform, as `drydock fix` runs them.
var engine Fixer = drydock

// engineName goes into the heading of the report.
const engineName = "drydock"

func drydock(ctx context.Context, path string, src []byte, ctxDir string, unsafe bool) (map[string][]byte, judge.Declared, []string, error) {
	in := rewrite.Input{Path: path, Src: string(src), Images: images.Catalogue()}
	if ctxDir != "" {
		in.Repo = load(ctxDir)
		if rel, err := filepath.Rel(ctxDir, path); err == nil && filepath.IsLocal(rel) {
			in.Name = filepath.ToSlash(rel)
		}
	}
	res, err := rewrite.Run(ctx, in, transforms.All(), rewrite.Options{Unsafe: unsafe})
	if err != nil {
		return nil, judge.Declared{}, nil, err
	}
	d := judge.Declared{Applied: map[string]int{}}
	var drops []string
	for _, o := range res.Outcomes {
		switch o.Status {
		case rewrite.Dropped:
			drops = append(drops, o.Transform+": "+o.Title+": "+o.Gate)
		case rewrite.Applied:
			d.Applied[o.Transform]++
			d.Added = append(d.Added, o.Adds...)
			d.Dropped = append(d.Dropped, o.Drops...)
			for f, name := range fieldNames {
				if o.Config&f != 0 {
					d.Fields = append(d.Fields, name)
				}
			}
			d.Fields = append(d.Fields, means[o.Transform]...)
		}
	}
	after := map[string][]byte{}
	if res.After != res.Before {
		after[""] = []byte(res.After)
	}
	for name, text := range res.Files {
		after[filepath.Join(ctxDir, name)] = []byte(text)
	}
	return after, d, drops, nil
}

// fieldNames maps what a change declares to the judge's names. A base that
// changes is named by the change's own title, so it is declared as a whole.
var fieldNames = map[rewrite.ConfigFields]string{
	rewrite.FieldBase: judge.Bases, rewrite.FieldEnv: judge.Env, rewrite.FieldUser: judge.User, rewrite.FieldWorkdir: judge.Workdir,
	rewrite.FieldCmd: judge.Cmd, rewrite.FieldEntrypoint: judge.Entrypoint, rewrite.FieldShell: judge.Shell, rewrite.FieldExpose: judge.Ports,
	rewrite.FieldVolumes: judge.Volumes, rewrite.FieldLabels: judge.Labels, rewrite.FieldHealthcheck: judge.Healthcheck,
	rewrite.FieldStopSignal: judge.StopSignal, rewrite.FieldOnBuild: judge.OnBuild, rewrite.FieldMaintainer: judge.Author,
}

// means is what a transform exists to alter outside the image config: the
// copies that it adds, and for multi-stage the variables that send an install
// elsewhere.
var means = map[string][]string{
	"bind-not-copy": {judge.CopyLost, judge.Mounts},
	"cache-mounts":  {judge.Mounts},
	"copy-order":    {judge.CopyAdded},
	"multi-stage":   {judge.CopyAdded, judge.CopyLost, judge.ExecEnv + ":PIP_PREFIX", judge.ExecEnv + ":PIP_IGNORE_INSTALLED", judge.ExecEnv + ":PYTHONPATH", judge.ExecEnv + ":PATH"},
}

// load opens the context so that links can't lead out of it, as Docker does.
func load(dir string) *repo.Repo {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return repo.Load(nil)
	}
	return repo.Load(root.FS())
}
