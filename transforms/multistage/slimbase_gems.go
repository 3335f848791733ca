package multistage

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"drydock/rewrite"
)

// gemsOnSlim installs the libraries behind the gems that another stage hands to a
// stage of Ruby, by each Gemfile.lock of the project (ruby_gems.go).
func (s *split) gemsOnSlim() bool {
	installs := false
	for _, o := range s.doc.Stages[:s.stage.Index] {
		installs = installs || s.handsOver(o) && slices.ContainsFunc(o.Instructions, func(in *rewrite.Instruction) bool {
			return in.Keyword == "run" && (strings.Contains(in.Text, "bundle") || strings.Contains(in.Text, "gem install"))
		})
	}
	files, complete := s.p.Repo.Files()
	if !installs || !s.p.Unsafe {
		return true
	}
	if !complete {
		return s.decline(s.stage.From, "the project is too big to be searched for its gems")
	}
	r, locked := &rubySplit{appFolder: &appFolder{split: s}, systemGems: strings.Contains(s.doc.Src, "use-system-libraries") || strings.Contains(s.doc.Src, "NOKOGIRI_USE_SYSTEM_LIBRARIES") || strings.Contains(s.doc.Src, "force_ruby_platform")}, false
	for _, f := range files {
		if path.Base(f) != "Gemfile.lock" {
			continue
		}
		lock := s.p.Repo.BundlerLock(path.Dir(f))
		if lock == nil {
			return s.decline(s.stage.From, "%s can't be read", f)
		}
		locked = true
		for _, name := range slices.Sorted(keys(lock.Gems)) {
			if !r.need(s.stage.From, name, lock.Gems[name].Version, lock.File+":"+strconv.Itoa(lock.Gems[name].Line)) {
				return false
			}
		}
	}
	return locked || s.decline(s.stage.From, "without a Gemfile.lock it isn't known which gems come in, and what libraries they need")
}
