package git

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"drydock/said"
)

// oursDepths are how many commits of history Ours fetches, a step at a time; 0 is
// all of it.
var oursDepths = []int{50, 1000, 0}

var trailerKey = expression(`^[A-Za-z0-9-]+$`)

// Ours tells whether every commit that branch tip has beyond base carries the
// trailer key, so that nobody's work is lost when it is replaced. Missing commits
// are fetched, without trees and files, and thrown away again.
func (r *Repo) Ours(ctx context.Context, url, base, tip, trailer string) (bool, error) {
	if !objectID().MatchString(base) || !objectID().MatchString(tip) {
		return false, fmt.Errorf("%s: not the full name of a commit: %q, %q", said.Printable(r.Dir), base, tip)
	}
	if !trailerKey().MatchString(trailer) {
		return false, fmt.Errorf("%q can't be the key of a trailer", trailer)
	}
	s, remove, err := r.scratch()
	if err != nil {
		return false, err
	}
	defer remove()
	ours, sure, err := s.ours(ctx, base, tip, trailer)
	if err != nil || sure {
		return ours, err
	}
	wanted := []string{tip}
	if len(s.shallow()) > 0 {
		wanted = append(wanted, base) // else it is here with all of its history, perhaps only here
	}
	for _, depth := range oursDepths {
		for _, id := range wanted {
			if err := s.history(ctx, url, id, depth); err != nil {
				return false, err
			}
		}
		if ours, sure, err = s.ours(ctx, base, tip, trailer); err != nil || sure {
			return ours, err
		}
	}
	return false, nil
}

// history fetches commits into the scratch repository itself: the other one stays
// as it is.
func (s *scratch) history(ctx context.Context, url, id string, depth int) error {
	args := []string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--filter=tree:0"}
	if depth > 0 {
		args = append(args, fmt.Sprintf("--depth=%d", depth))
	} else if len(s.shallow()) > 0 {
		args = append(args, "--unshallow")
	}
	c, err := s.to(url, append(args, remote, id)...)
	if err != nil {
		return err
	}
	c.env = append(c.env, s.own())
	_, err = c.run(ctx)
	return err
}

// own makes git store objects here, and find the other repository's by alternates.
func (s *scratch) own() string {
	return "GIT_OBJECT_DIRECTORY=" + filepath.Join(s.dir, ".git", "objects")
}

// ours is Ours by what is here: sure is false where history ends too early to say.
func (s *scratch) ours(ctx context.Context, base, tip, trailer string) (ours, sure bool, err error) {
	check := s.git("cat-file", "--batch-check")
	check.env, check.in = append(check.env, s.own()), strings.NewReader(base+"\n"+tip+"\n")
	out, err := check.run(ctx)
	if err != nil || bytes.Contains(out, []byte(" missing\n")) {
		return false, false, err
	}
	log := s.git("log", "--no-show-signature", "-z", "--format=%H%n%(trailers:key="+trailer+",valueonly)", base+".."+tip)
	log.env = append(log.env, s.own())
	if out, err = log.run(ctx); err != nil {
		return false, false, err
	}
	cut := s.shallow()
	ours, sure = true, true
	for entry := range bytes.SplitSeq(out, []byte{0}) {
		id, value, _ := strings.Cut(string(entry), "\n")
		if id == "" {
			continue
		}
		if cut[id] {
			sure = false // who knows what lies behind it
		}
		if strings.TrimSpace(value) == "" {
			ours = false
		}
	}
	// A foreign commit may be one of base's own, beyond the end of its history here.
	return ours && sure, sure && (ours || len(cut) == 0), nil
}

// shallow are the commits at which history ends here.
func (s *scratch) shallow() map[string]bool {
	text, err := os.ReadFile(filepath.Join(s.dir, ".git", "shallow"))
	if err != nil {
		return nil
	}
	cut := map[string]bool{}
	for id := range strings.FieldsSeq(string(text)) {
		cut[id] = true
	}
	return cut
}
