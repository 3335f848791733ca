package main

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"drydock/history"
	"drydock/repo"
	"drydock/report"
	"drydock/rewrite"
	"drydock/verify"
)

// site is one build context while its Dockerfiles are worked on.
type site struct {
	job  *job
	dir  string     // absolute, "" for none
	repo *repo.Repo // with the changes made so far
	// docs are the parsed Dockerfiles of the context: those asked for first, in
	// their order (nil when one can't be read), then their neighbours.
	docs []*rewrite.Document
	// patches are the changed files besides Dockerfiles, by context path.
	patches map[string]*report.Patch

	history    *history.History // once read
	historyErr error
}

// gather parses the Dockerfiles of the context.
func (s *site) gather(targets []*target) {
	asked := map[string]bool{}
	for _, t := range targets {
		asked[t.abs] = true
	}
	more := s.job.places.neighbours(s.dir, asked)
	if len(targets)+len(more) < 2 {
		return // nobody to be considerate of
	}
	for _, t := range targets {
		var doc *rewrite.Document
		if t.err == nil {
			doc, _ = t.parse()
		}
		s.docs = append(s.docs, doc)
	}
	s.docs = append(s.docs, more...)
}

// siblings are the other documents of the context.
func (s *site) siblings(i int) []*rewrite.Document {
	var out []*rewrite.Document
	for k, d := range s.docs {
		if k != i && d != nil {
			out = append(out, d)
		}
	}
	return out
}

// file works on target number i of the site; nil when it was interrupted.
func (s *site) file(ctx context.Context, i int, t *target) *report.File {
	j, shown := s.job, ""
	if s.dir != "" {
		shown = j.places.show(s.dir)
	}
	if t.err != nil {
		return report.Failed(t.path, shown, t.err)
	}
	switch {
	case j.replay != nil:
		return s.replayed(ctx, i, t)
	case j.bases != nil:
		return s.based(ctx, i, t)
	case j.verify != nil:
		return s.verified(ctx, t)
	}
	res, proof, err := s.result(ctx, i, t)
	if ctx.Err() != nil {
		return nil // interrupted, which is told once at the end
	}
	if err != nil {
		return report.Failed(t.path, shown, err)
	}
	j.idle.saw(t.rules, res)
	f := report.New(t.path, shown, res, j.write && !j.stdin())
	f.ContextWhy, f.Proof = t.contextWhy, proof
	f.Notes = append(slices.Clone(t.rules.notes), res.Notes...)
	f.Regrade(t.rules.severity)
	f.Steps = s.steps(t, res, f)
	if j.seen != nil {
		j.seen(f, res)
	}
	if len(f.Patches) > 0 && !j.stdin() {
		f.Patches[0].Path, f.Patches[0].File = j.places.patchPath(t.abs), j.places.filePath(t.abs)
	}
	if j.write && j.stdin() {
		if _, err := j.streams.out.Write([]byte(res.After)); err != nil {
			return report.Failed(t.path, shown, err)
		}
		for _, name := range names(res.Files) {
			f.Notes = append(f.Notes, name+" is not written when the Dockerfile comes from standard input")
		}
		return f
	}
	s.quote(ctx, t, res, f)
	others := s.others(res)
	remembered, err := j.ask.remembered(j, t)
	if err != nil {
		return report.Failed(t.path, shown, err)
	}
	if j.write && (res.Changed() || len(remembered) > 0) {
		changes := append(slices.Clone(others), remembered...)
		if res.Before != res.After {
			changes = append(changes, fileChange{path: t.abs, show: t.path, before: res.Before, after: res.After})
		}
		if err := writeAll(changes); err != nil {
			return report.Failed(t.path, shown, err)
		}
		for _, c := range remembered {
			f.Notes = append(f.Notes, c.show+" says what is left out for good")
		}
	}
	s.keep(f, i, t, res, others)
	return f
}

// result is what the transforms make of the target; under --verify as much of it
// as is proven, with the proof.
func (s *site) result(ctx context.Context, i int, t *target) (*rewrite.Result, *verify.Proof, error) {
	j, opt := s.job, s.options(t)
	switch {
	case j.prove != nil:
		return s.proven(ctx, i, t)
	case j.ask != nil:
		res, err := s.asked(ctx, i, t, opt)
		return res, nil, err
	}
	res, err := s.engine(ctx, i, t, opt)
	return res, nil, err
}

func (s *site) options(t *target) rewrite.Options {
	return t.rules.options(s.job.offer, s.job.day)
}

// engine runs the transforms that were asked for.
func (s *site) engine(ctx context.Context, i int, t *target, opt rewrite.Options) (*rewrite.Result, error) {
	return s.run(ctx, i, t, t.rules.transforms, opt)
}

// run runs transforms; a panic in one of them is an error about this file.
func (s *site) run(ctx context.Context, i int, t *target, ts []*rewrite.Transform, opt rewrite.Options) (res *rewrite.Result, err error) {
	defer recovered(t.path, &err)
	return rewrite.Run(ctx, rewrite.Input{
		Path: t.path, Src: t.src, Name: t.name, Repo: s.repo, Images: s.job.images, Siblings: s.siblings(i), History: s.changes(ctx),
	}, ts, opt)
}

// read gives a file of the context as it stands.
func (s *site) read(name string) (text string, exists bool) {
	b, err := s.repo.ReadFile(name)
	return string(b), err == nil
}

// show names a file of the context as the user would.
func (s *site) show(name string) string { return s.job.places.show(s.abs(name)) }

func (s *site) abs(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// others are the files besides the Dockerfile that the result changes.
func (s *site) others(res *rewrite.Result) []fileChange {
	var out []fileChange
	for _, name := range names(res.Files) {
		old, exists := s.read(name)
		out = append(out, fileChange{path: s.abs(name), show: s.show(name), before: old, after: res.Files[name], created: !exists})
	}
	return out
}

// keep hands the result on to the Dockerfiles that follow, and puts each
// changed file into one patch, also when several Dockerfiles change it.
func (s *site) keep(f *report.File, i int, t *target, res *rewrite.Result, others []fileChange) {
	for k, name := range names(res.Files) {
		s.repo = s.repo.With(name, []byte(res.Files[name]))
		if p := s.patches[name]; p != nil && !s.job.write {
			p.After = res.Files[name]
			continue
		}
		c := others[k]
		p := &report.Patch{Path: s.job.places.patchPath(c.path), File: s.job.places.filePath(c.path), Before: c.before, After: c.after, Created: c.created}
		f.Patches = append(f.Patches, p)
		if s.patches == nil {
			s.patches = map[string]*report.Patch{}
		}
		s.patches[name] = p
	}
	if i < len(s.docs) && res.Before != res.After {
		after := *t
		after.src = res.After
		if doc, err := after.parse(); err == nil {
			s.docs[i] = doc
		}
	}
}

// names are the sorted keys.
func names(files map[string]string) []string {
	out := make([]string, 0, len(files))
	for n := range files {
		out = append(out, n)
	}
	slices.SortFunc(out, strings.Compare)
	return out
}
