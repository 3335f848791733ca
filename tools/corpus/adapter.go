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

// engine is the Fixer the runner judges: the mode's transforms, as `drydock fix` runs them.
var engine Fixer = drydock

// engineName goes into the heading of the report.
const engineName = "drydock"

// engineTransforms are all transforms that there are: name -> runs unasked.
func engineTransforms() map[string]bool {
	names := map[string]bool{}
	for _, t := range transforms.All() {
		names[t.Name] = !t.OptIn
	}
	return names
}

func drydock(ctx context.Context, path string, src []byte, ctxDir string, m mode) (answer, error) {
	in := rewrite.Input{Path: path, Src: string(src), Images: images.Catalogue()}
	if ctxDir != "" {
		in.Repo = load(ctxDir)
		if rel, err := filepath.Rel(ctxDir, path); err == nil && filepath.IsLocal(rel) {
			in.Name = filepath.ToSlash(rel)
		}
	}
	ts := transforms.Default()
	if m.optIn {
		ts = transforms.All()
	}
	res, err := rewrite.Run(ctx, in, ts, rewrite.Options{Unsafe: m.unsafe, Policies: m.policies})
	if err != nil {
		return answer{}, err
	}
	a := answer{after: map[string][]byte{}, declared: judge.Declared{Applied: map[string]int{}}}
	d := &a.declared
	for _, o := range res.Outcomes {
		switch o.Status {
		case rewrite.Dropped:
			a.drops = append(a.drops, o.Transform+": "+o.Title+": "+o.Gate)
		case rewrite.Applied:
			d.Applied[o.Transform]++
			d.Added = append(d.Added, o.Adds...)
			d.Dropped = append(d.Dropped, o.Drops...)
			for f, name := range fieldNames {
				if o.Config&f != 0 {
					d.Fields = append(d.Fields, name)
				}
			}
			for _, name := range o.Hides {
				d.Fields = append(d.Fields, judge.ExecEnv+":"+name)
			}
			for _, n := range o.Narrows {
				d.Narrowed = append(d.Narrowed, judge.Narrowed(n))
			}
			for _, p := range o.Brings { // the new base has it
				d.Fields = append(d.Fields, judge.PackageLost+":apt-get "+p, judge.PackageLost+":apt "+p, judge.PackageLost+":apk "+p)
			}
			d.Fields = append(d.Fields, means[o.Transform]...)
			d.Fields = append(d.Fields, means[o.Transform+" "+o.Safety.String()]...)
		}
	}
	for _, x := range res.Declined {
		a.declined = append(a.declined, decline{x.Transform, x.Line, x.Reason})
	}
	if res.After != res.Before {
		a.after[""] = []byte(res.After)
	}
	for name, text := range res.Files {
		a.after[filepath.Join(ctxDir, name)] = []byte(text)
	}
	return a, nil
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
// copies that it adds, for multi-stage the variables that send an install
// elsewhere, for pipefail what a failure does. A name with "assumes" stands for
// such changes only: what a pattern matches is no archive.
var means = map[string][]string{
	"absolute-workdir assumes": {judge.Workdir, judge.ExecCwd, judge.CopyAdded, judge.CopyLost}, // the judge takes every base to start in /
	"add-user":                 {judge.CopyAdded, judge.CopyLost},                               // a COPY that brings what the user writes, with the owner
	"copy-chown":               {judge.CopyAdded, judge.CopyLost},                               // the same copies with an owner or a mode
	"copy-not-add assumes":     {judge.CopyAdded, judge.CopyLost},
	"copy-order":               {judge.CopyAdded},
	"pipefail":                 {judge.ExecOpts, judge.Flow}, // a left side that fails is no longer tolerated
	"multi-stage":              {judge.CopyAdded, judge.CopyLost, judge.ExecEnv + ":PIP_PREFIX", judge.ExecEnv + ":PIP_IGNORE_INSTALLED", judge.ExecEnv + ":PYTHONPATH", judge.ExecEnv + ":PATH"},
	"spring-layers":            {judge.CopyAdded, judge.CopyLost},
	"bind-not-copy":            {judge.CopyLost, judge.Mounts},
	"cache-mounts":             {judge.Mounts},
	"distroless":               {judge.CopyAdded, judge.CopyLost, judge.Mounts}, // the same copies for nonroot, or to dist-packages
}

// load opens the context so that links can't lead out of it, as Docker does.
func load(dir string) *repo.Repo {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return repo.Load(nil)
	}
	return repo.Load(root.FS())
}
