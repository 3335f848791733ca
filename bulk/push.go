package bulk

// What is done where others see it: branches, pushes, pull requests. Each is asked for before it is
// done, so that nothing is done twice, and nobody's commits are overwritten.

import (
	"context"
	"fmt"
	"time"

	"drydock/bulk/forge"
	"drydock/bulk/journal"
	"drydock/bulk/result"
	"drydock/said"
)

// What was done with a pull request (result.Pull.Did), and with a branch of a remote (result.Result.Push).
const (
	didOpen    = "opened"
	didUpdate  = "updated"
	didNothing = "unchanged"
	didClose   = "closed"
	didWait    = "waiting"  // --max-open
	didRefuse  = "declined" // somebody closed or merged it with the same change

	pushed = "pushed"
	there  = "unchanged" // the same change was there already
)

func (j *job) atForge() bool { return j.repo.Forge != nil && j.repo.Owner != "" && j.repo.Slug != "" }

// target finds where the branch goes.
func (j *job) target(ctx context.Context) (err error) {
	if j.Branch == j.head.Branch {
		return skipf("%s is the branch that the changes are for: name another with --branch", said.Line(j.Branch))
	}
	if j.url, err = j.git.Remote(ctx, j.remote()); err == nil && j.url == "" && j.Push {
		err = skipf("no remote %q to push to: name another with --remote", j.Remote)
	}
	return err
}

// remote names the remote to push to: "" is where a clone came from.
func (j *job) remote() string {
	if j.repo.Dir == "" {
		return ""
	}
	return j.Remote
}

// settle looks at what a branch stands at, here or at a remote, and tells whether it may stay: it
// has the same changes. The commit is then that one. One with commits of others is
// an error.
func (j *job) settle(ctx context.Context, url, tip string) (stays bool, err error) {
	if tip == "" || tip == j.made {
		return tip != "", nil
	}
	if ours, err := j.ours(ctx, url, tip); err != nil {
		return false, err
	} else if !ours {
		return false, j.notOurs()
	}
	paths := make([]string, len(j.edits))
	for i, e := range j.edits {
		paths[i] = e.Path
	}
	if stays, err = j.git.Same(ctx, url, j.made, tip, paths); stays && err == nil {
		j.made, j.res.Split = tip, 0
	}
	return stays, err
}

// ours tells whether a branch may be replaced: all that it has beyond the base is drydock's, and it isn't
// merely a branch of somebody's that is merged already.
func (j *job) ours(ctx context.Context, url, tip string) (bool, error) {
	if yes, err := j.git.Carries(ctx, url, tip, Trailer); err != nil || !yes {
		return false, err
	}
	return j.git.Ours(ctx, url, j.head.Commit, tip, Trailer)
}

func (j *job) notOurs() error {
	return skipf("the branch %s has commits that aren't drydock's, and is left as it is: name another with --branch", said.Line(j.Branch))
}

// branch makes the branch of the repository on this machine.
func (j *job) branch(ctx context.Context) error {
	if err := j.stage(ctx, "branch"); err != nil {
		return err
	}
	old, err := j.git.Branch(ctx, j.Branch)
	if err != nil {
		return err
	}
	stays, err := j.settle(ctx, j.url, old)
	if err != nil {
		return err
	}
	if !stays {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := j.git.SetBranch(ctx, j.Branch, j.made, old); err != nil {
			// A process that was killed may have left git at it.
			if now, e := j.git.Branch(ctx, j.Branch); e != nil || now != j.made {
				return err
			}
		}
	}
	j.res.Head, j.res.Made = j.Branch, j.made
	return nil
}

// push makes the branch of the remote.
func (j *job) push(ctx context.Context) error {
	ctx, cancel := bounded(ctx, j.Timeout)
	defer cancel()
	if err := j.stage(ctx, "push"); err != nil {
		return err
	}
	err := j.pushNow(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return err
}

func (j *job) pushNow(ctx context.Context) error {
	old, err := j.git.RemoteBranch(ctx, j.url, j.Branch)
	if err != nil {
		return err
	}
	stays, err := j.settle(ctx, j.url, old)
	if err != nil {
		return err
	}
	j.res.Push = there
	if past, ok := j.past(journal.Pushing); ok && past.Commit == j.made {
		j.res.Push = pushed // by a process before this one
	}
	if !stays {
		if err := j.step(ctx, journal.Step{Kind: journal.Pushing, Commit: j.made}); err != nil {
			return err
		}
		if err := j.git.Push(ctx, j.url, j.Branch, j.made, old); err != nil && !j.arrived(ctx) {
			j.res.Push = ""
			return err
		}
		j.res.Push = pushed
	}
	j.res.Head, j.res.Made = j.Branch, j.made
	return nil
}

// arrived tells whether a push that failed did so because the commit is there: the git process of a
// drydock that was killed may still be at it.
func (j *job) arrived(ctx context.Context) bool {
	tries := 1
	if _, ok := j.past(journal.Pushing); ok {
		tries = 10
	}
	for i := range tries {
		if i > 0 {
			select {
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
				return false
			}
		}
		if now, err := j.git.RemoteBranch(ctx, j.url, j.Branch); err == nil && now == j.made {
			return true
		}
	}
	return false
}

// pull looks for the pull request and brings one that is open up to date. Whether
// a new one may be opened now is for the run to say.
func (j *job) pull(ctx context.Context) error {
	changed := len(j.edits) > 0
	if !j.atForge() || !changed && !j.Pulls.CloseEmpty && j.Pulls.MaxOpen == 0 {
		return nil
	}
	if err := j.stage(ctx, "pull request"); err != nil {
		return err
	}
	pull, err := j.repo.Forge.Find(ctx, j.repo.Owner, j.repo.Slug, j.Branch)
	if err != nil {
		return err
	}
	if !changed {
		return j.empty(ctx, pull)
	}
	switch {
	case pull == nil:
		j.opens = true
	case pull.State == forge.Open:
		return j.refresh(ctx, pull)
	case changeOfBody(pull.Body) == j.change && !closedByUs(pull) && !j.Pulls.Reopen:
		j.did(pull, didRefuse)
		how := "closed"
		if pull.State == forge.Merged {
			how = "merged"
		}
		return skipf("a pull request with the same change (#%d) was %s by someone before: --reopen opens another", pull.Number, how)
	default:
		j.opens = true
	}
	return nil
}

func (j *job) did(p *forge.Pull, what string) {
	j.res.Pull = &result.Pull{Number: p.Number, URL: p.URL, Did: what}
	j.res.Notes = append(j.res.Notes, p.Notes...)
}

// refresh pushes for a pull request that is open, and says anew what it does when that is
// another thing. Words that people changed stay as long as it is the same.
func (j *job) refresh(ctx context.Context, pull *forge.Pull) error {
	if err := j.push(ctx); err != nil {
		return err
	}
	_, opening := j.past(journal.Opening)
	if !opening && changeOfBody(pull.Body) == j.change {
		j.did(pull, didNothing)
		return nil
	}
	p, err := j.proposal()
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	j.reached = true
	now, err := j.repo.Forge.Update(ctx, j.repo.Owner, j.repo.Slug, pull.Number, p)
	if err != nil {
		return err
	}
	j.did(now, didUpdate)
	if opening {
		j.res.Pull.Did = didOpen // by a process before this one, which may not have come to labels and reviewers
	}
	return nil
}

func (j *job) proposal() (forge.Proposal, error) {
	title, body, err := j.words.proposal(j)
	base := j.repo.Branch
	if base == "" {
		base = j.head.Branch
	}
	return forge.Proposal{
		Title: title, Body: body, Head: j.Branch, Base: base,
		Draft: j.Pulls.Draft, Labels: j.Pulls.Labels, Reviewers: j.Pulls.Reviewers,
	}, err
}

// propose pushes and opens a pull request.
func (j *job) propose(ctx context.Context) error {
	p, err := j.proposal()
	if err != nil {
		return err
	}
	if err := j.push(ctx); err != nil {
		return err
	}
	if err := j.stage(ctx, "pull request"); err != nil {
		return err
	}
	if err := j.step(ctx, journal.Step{Kind: journal.Opening}); err != nil {
		return err
	}
	pull, err := j.repo.Forge.Create(ctx, j.repo.Owner, j.repo.Slug, p)
	if err != nil {
		return err
	}
	j.did(pull, didOpen)
	return j.step(ctx, journal.Step{Kind: journal.Opened, Number: pull.Number})
}

// waits leaves a pull request for a later run.
func (j *job) waits(bound int) {
	j.opens = false
	j.res.Pull = &result.Pull{Did: didWait}
	j.res.Notes = append(j.res.Notes, fmt.Sprintf("its pull request waits: not more than %d may be open (--max-open)", bound))
}

// closedByUs tells that it was closed because nothing was left to change.
func closedByUs(p *forge.Pull) bool {
	return p.State == forge.Closed && len(p.Body) >= len(markClosed) && p.Body[:len(markClosed)] == markClosed
}

// empty closes the pull request of a repository that has nothing left to change.
func (j *job) empty(ctx context.Context, pull *forge.Pull) error {
	if pull == nil {
		return nil
	}
	if past, ok := j.past(journal.Closing); ok && past.Number == pull.Number && pull.State == forge.Closed {
		j.did(pull, didClose)
		return nil
	}
	if pull.State != forge.Open {
		return nil
	}
	j.did(pull, didNothing)
	if !j.Pulls.CloseEmpty {
		return nil
	}
	why := ""
	if changeOfBody(pull.Body) == "" {
		why = "drydock didn't open it"
	} else if mine, err := j.mine(ctx); err != nil {
		return err
	} else if !mine {
		why = "its branch has commits that aren't drydock's"
	}
	if why != "" {
		j.res.Notes = append(j.res.Notes, fmt.Sprintf("nothing is left to change, and pull request #%d stays open: %s", pull.Number, why))
		return nil
	}
	if err := j.step(ctx, journal.Step{Kind: journal.Closing, Number: pull.Number}); err != nil {
		return err
	}
	body := pull.Body
	if !closedByUs(&forge.Pull{State: forge.Closed, Body: body}) {
		body = markClosed + "\n" + body
	}
	p := forge.Proposal{Title: pull.Title, Body: body, Head: pull.Head, Base: pull.Base, Draft: pull.Draft}
	if _, err := j.repo.Forge.Update(ctx, j.repo.Owner, j.repo.Slug, pull.Number, p); err != nil {
		return err
	}
	if err := j.repo.Forge.Close(ctx, j.repo.Owner, j.repo.Slug, *pull, "Nothing is left to change here: drydock closes this."); err != nil {
		return err
	}
	j.did(pull, didClose)
	return nil
}

// mine tells whether all commits of the branch at the remote are drydock's.
func (j *job) mine(ctx context.Context) (bool, error) {
	ctx, cancel := bounded(ctx, j.Timeout)
	defer cancel()
	url, err := j.git.Remote(ctx, j.remote())
	if err != nil {
		return false, err
	}
	tip, err := j.git.RemoteBranch(ctx, url, j.Branch)
	if err != nil || tip == "" {
		return err == nil, err
	}
	return j.ours(ctx, url, tip)
}
