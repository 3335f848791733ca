package bulk

// One repository, from its folder or address to what became of it.

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"drydock/bulk/git"
	"drydock/bulk/journal"
	"drydock/bulk/result"
	"drydock/bulk/source"
	"drydock/report"
	"drydock/said"
)

// job is work on one repository. One goroutine at a time has it.
type job struct {
	*run
	repo  source.Repo
	steps []journal.Step // what an earlier process did
	res   *result.Result
	err   error

	git  *git.Repo // nil outside of git
	head git.Head

	edits  []git.Edit // all of them; none when nothing changes
	change string     // what names the change, wherever the base is
	made   string     // the commit that has them
	url    string     // where it is pushed to

	opens   bool // a pull request is to be opened
	reached bool // something was changed outside of this machine
}

// skip is a reason to leave a repository alone, as an error.
type skip string

func (s skip) Error() string { return string(s) }

func skipf(format string, args ...any) error { return skip(fmt.Sprintf(format, args...)) }

const noDockerfile = "no Dockerfile"

func newJob(r *run, repo source.Repo, steps []journal.Step) *job {
	res := &result.Result{
		Name: repo.Name, Source: cmp.Or(repo.Dir, repo.URL), Language: repo.Language, Topics: repo.Topics,
		Files: []*report.File{}, Facts: []result.Facts{},
	}
	if repo.Forge != nil && strings.HasPrefix(repo.URL, "http") {
		res.Web = strings.TrimSuffix(repo.URL, ".git")
	}
	return &job{run: r, repo: repo, steps: steps, res: res}
}

// finish gives the result.
func (j *job) finish() *result.Result {
	res := j.res
	var left skip
	switch {
	case errors.As(j.err, &left):
		res.Status, res.Reason = result.Skipped, left.Error()
	case j.err != nil:
		res.Status, res.Reason = result.Failed, said.Line(j.err.Error())
	case res.Status != "":
	case len(j.edits) > 0 || slices.ContainsFunc(res.Files, func(f *report.File) bool { return f.Changed }):
		res.Status = result.Changed
	default:
		res.Status = result.Unchanged
	}
	return res
}

// stage tells what is done now.
func (j *job) stage(ctx context.Context, text string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	j.tell(Event{Kind: Stage, Name: j.repo.Name, Text: text})
	return nil
}

// step keeps a step before what it announces is done. One whose time is over does nothing
// any more.
func (j *job) step(ctx context.Context, s journal.Step) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.Name = j.repo.Name
	j.reached = true
	if err := j.journal.Step(s); err != nil {
		j.stop(err)
		return err
	}
	return nil
}

// past finds the last step of a kind that an earlier process kept.
func (j *job) past(k journal.Kind) (journal.Step, bool) {
	for _, s := range slices.Backward(j.steps) {
		if s.Kind == k {
			return s, true
		}
	}
	return journal.Step{}, false
}

// do is the work up to the branch; with pull requests, pull goes on from there.
func (j *job) do(ctx context.Context) error {
	if j.repo.Err != nil {
		return j.repo.Err
	}
	if j.repo.Skip != "" {
		return skip(j.repo.Skip)
	}
	if err := j.open(ctx); err != nil {
		return err
	}
	if err := j.examine(ctx); err != nil {
		if err == skip(noDockerfile) && j.Pulls != nil && j.Pulls.CloseEmpty && j.git != nil {
			j.res.Status, j.res.Reason = result.Skipped, noDockerfile
			return nil // a pull request of when there was one may be open
		}
		return err
	}
	if len(j.edits) == 0 || j.PatchDir == "" && j.Branch == "" {
		return nil
	}
	if err := j.commit(ctx); err != nil {
		return err
	}
	if j.Branch == "" || len(j.edits) == 0 {
		return nil
	}
	if j.git == nil {
		return skipf("not a git repository: no branch is made")
	}
	if err := j.target(ctx); err != nil {
		return err
	}
	if j.Pulls != nil && !j.atForge() {
		return skipf("not at a forge: no pull request is opened")
	}
	if j.repo.Dir != "" || !j.Push {
		if err := j.branch(ctx); err != nil {
			return err
		}
	}
	if j.Push && j.Pulls == nil {
		return j.push(ctx)
	}
	return nil
}

// open finds or brings the repository and reads what it stands at.
func (j *job) open(ctx context.Context) (err error) {
	if j.repo.Dir == "" {
		if err := j.stage(ctx, "clone"); err != nil {
			return err
		}
		o := git.CloneOptions{Auth: j.repo.Auth, Branch: j.repo.Branch, Depth: j.Depth}
		if j.repo.Forge != nil {
			o.Auth = j.repo.Forge.Auth()
		}
		if j.Cache == "" {
			return fmt.Errorf("a remote repository needs a folder for its clone: name one with --cache")
		}
		j.git, err = git.Clone(ctx, j.repo.URL, filepath.Join(j.Cache, cloneName(j.repo.URL)), o)
	} else if j.git, err = git.Open(ctx, j.repo.Dir); errors.Is(err, git.ErrNotGit) {
		j.git = nil
		return nil
	}
	if errors.Is(err, git.ErrEmpty) {
		return skip("no commit yet")
	} else if err != nil {
		return err
	}
	j.git.Temp = j.temp.dir
	j.head, err = j.git.Head(ctx)
	if errors.Is(err, git.ErrEmpty) {
		return skip("no commit yet")
	} else if err != nil {
		return err
	}
	j.res.Commit, j.res.Base = j.head.Commit, j.head.Branch
	return nil
}

// cloneName is the folder of a clone in the cache: readable, and as different as addresses are.
func cloneName(url string) string {
	sum := sha256.Sum256([]byte(url))
	return cleaned(strings.TrimSuffix(path.Base(url), ".git"), 40) + "-" + hex.EncodeToString(sum[:10]) + ".git"
}

// examine reads the Dockerfiles and works out the changes. A clean work tree is read where it
// is.
func (j *job) examine(ctx context.Context) error {
	if err := j.stage(ctx, "read"); err != nil {
		return err
	}
	dir := j.repo.Dir
	place := j.git == nil || j.head.Clean && !j.git.Bare
	if !place {
		if has, err := j.hasDockerfile(ctx); err != nil {
			return err
		} else if !has {
			return skip(noDockerfile)
		}
		temp, remove, err := j.temp.folder()
		if err != nil {
			return err
		}
		defer remove()
		if err := j.git.Checkout(ctx, j.head.Commit, temp); err != nil {
			return err
		}
		dir = temp
	} else if j.git != nil {
		dir = j.git.Dir
	}
	if err := j.stage(ctx, "check"); err != nil {
		return err
	}
	files, facts, err := j.Work(ctx, dir)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return errors.New(strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), ""))
	}
	if len(facts) != len(files) {
		return fmt.Errorf("%d Dockerfiles with %d facts: a defect of drydock, please report it", len(files), len(facts))
	}
	if len(files) == 0 {
		return skip(noDockerfile)
	}
	if err := j.take(files, facts); err != nil {
		return err
	}
	if place && j.git != nil && len(j.edits) > 0 && (j.PatchDir != "" || j.Branch != "") {
		now, err := j.git.Head(ctx)
		if err != nil {
			return err
		}
		if now.Commit != j.head.Commit || !now.Clean {
			// Somebody worked in it meanwhile: the commit that was there counts.
			j.head.Clean, j.edits, j.res.Notes = false, nil, nil
			return j.examine(ctx)
		}
	}
	return nil
}

// hasDockerfile asks the commit, so that nothing is brought or written for a repository without.
func (j *job) hasDockerfile(ctx context.Context) (bool, error) {
	names, err := j.git.Files(ctx, j.head.Commit)
	return slices.ContainsFunc(names, func(n string) bool { return j.IsDockerfile == nil || j.IsDockerfile(path.Base(n)) }), err
}

// slashed is a path as git has it.
func slashed(p string) string { return path.Clean(filepath.ToSlash(p)) }

// take puts files into the result, and their patches together. A file beside Dockerfiles,
// such as .dockerignore, may be changed for several of them, one after another.
func (j *job) take(files []*report.File, facts []result.Facts) error {
	j.res.Files, j.res.Facts = files, facts
	bad := 0
	now, first := map[string]*report.Patch{}, []string{}
	for _, f := range files {
		for _, n := range f.Notes {
			j.res.Notes = append(j.res.Notes, f.Path+": "+said.Line(n))
		}
		if f.Error != nil {
			bad++
			j.res.Notes = append(j.res.Notes, said.Line(f.Error.Error()))
			continue
		}
		var diff strings.Builder
		for _, p := range f.Patches {
			diff.WriteString(p.Unified())
			name := slashed(p.Path)
			if !filepath.IsLocal(filepath.FromSlash(name)) {
				return fmt.Errorf("%s: %s lies outside of the repository: a defect of drydock, please report it", f.Path, p.Path)
			}
			old := now[name]
			switch {
			case old == nil:
				c := *p
				c.Path = name
				now[name], first = &c, append(first, name)
			case p.Before == old.After:
				old.After = p.After
			case p.After != old.After:
				return fmt.Errorf("%s: %s would be changed in two ways: a defect of drydock, please report it", f.Path, p.Path)
			}
		}
		f.Diff = diff.String()
	}
	if bad == len(files) {
		return files[0].Error
	}
	sum := sha256.New()
	slices.Sort(first)
	for _, name := range first {
		p := now[name]
		if p.Before == p.After && !p.Created {
			continue
		}
		j.edits = append(j.edits, git.Edit{Path: name, Text: p.After})
		fmt.Fprintf(sum, "%q\n", name)
		for line := range strings.Lines(p.Unified()) {
			if line[0] == '+' || line[0] == '-' {
				sum.Write([]byte(line))
			}
		}
	}
	j.change = hex.EncodeToString(sum.Sum(nil)[:8])
	return nil
}
