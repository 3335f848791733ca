package slimbase

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/artefacts"
	"drydock/transforms/multistage/ruby"
	"drydock/transforms/multistage/split"
)

// gemsOnSlim installs the libraries behind the gems that another stage hands to a
// stage of Ruby, by each Gemfile.lock of the project (ruby/gems.go).
func gemsOnSlim(s *split.Split) bool {
	installs := false
	for _, o := range s.Doc.Stages[:s.Stage.Index] {
		installs = installs || handsOver(s, o) && slices.ContainsFunc(o.Instructions, func(in *rewrite.Instruction) bool {
			return in.Keyword == "run" && (strings.Contains(in.Text, "bundle") || strings.Contains(in.Text, "gem install"))
		})
	}
	files, complete := s.Pass.Repo.Files()
	if !installs || !s.Pass.Unsafe {
		return true
	}
	if !complete {
		return s.Decline(s.Stage.From, "the project is too big to be searched for its gems")
	}
	r, locked := &ruby.App{Folder: &artefacts.Folder{Split: s}, SystemGems: strings.Contains(s.Doc.Src, "use-system-libraries") || strings.Contains(s.Doc.Src, "NOKOGIRI_USE_SYSTEM_LIBRARIES") || strings.Contains(s.Doc.Src, "force_ruby_platform")}, false
	for _, f := range files {
		if path.Base(f) != "Gemfile.lock" {
			continue
		}
		lock := s.Pass.Repo.BundlerLock(path.Dir(f))
		if lock == nil {
			return s.Decline(s.Stage.From, "%s can't be read", f)
		}
		locked = true
		for _, name := range slices.Sorted(maps.Keys(lock.Gems)) {
			if !r.Need(s.Stage.From, name, lock.Gems[name].Version, lock.File+":"+strconv.Itoa(lock.Gems[name].Line)) {
				return false
			}
		}
	}
	return locked || s.Decline(s.Stage.From, "without a Gemfile.lock it isn't known which gems come in, and what libraries they need")
}
