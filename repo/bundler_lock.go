package repo

import (
	"path"
	"slices"
	"strings"
)

// BundlerLock is what a Gemfile.lock says: the gems that "bundle install" may
// bring, of every group.
type BundlerLock struct {
	File      string
	Gems      map[string]Gem
	Platforms []string
	Paths     []string // folders of gems that the project holds, relative to the lock file
}

// Gem is a locked gem; of several entries, one per platform, the first.
type Gem struct {
	Version string // without the platform
	Line    int
	Needs   []string // names of the gems that it depends on
}

// BundlerLock reads the Gemfile.lock in folder dir (a path as in Exists); nil
// when there is none or it can't be read.
//
// Source: Bundler's lib/bundler/lockfile_parser.rb.
func (r *Repo) BundlerLock(dir string) *BundlerLock {
	dir, ok := clean(dir)
	file := path.Join(dir, "Gemfile.lock")
	if !ok || !r.isFile(file) {
		return nil
	}
	src, err := r.ReadFile(file)
	if err != nil {
		return nil
	}
	b := &BundlerLock{File: file, Gems: map[string]Gem{}}
	section, name := "", ""
	for n, l := range lines(src) {
		word := strings.TrimSpace(l)
		switch indent := len(l) - len(strings.TrimLeft(l, " ")); {
		case word == "":
		case indent == 0:
			section = word
		case indent == 2 && section == "PLATFORMS":
			b.Platforms = append(b.Platforms, word)
		case indent == 2 && section == "PATH":
			if p, ok := strings.CutPrefix(word, "remote: "); ok {
				b.Paths = append(b.Paths, p)
			}
		case indent == 4 && slices.Contains([]string{"GEM", "GIT", "PATH", "PLUGIN SOURCE"}, section):
			gem, version, ok := strings.Cut(word, " (")
			name = ""
			if _, twice := b.Gems[gem]; ok && !twice {
				version, _, _ = strings.Cut(strings.TrimSuffix(version, ")"), "-")
				name, b.Gems[gem] = gem, Gem{Version: version, Line: n + 1}
			}
		case indent == 6 && name != "":
			need, _, _ := strings.Cut(word, " ")
			g := b.Gems[name]
			g.Needs = append(g.Needs, strings.TrimSuffix(need, "!"))
			b.Gems[name] = g
		}
	}
	return b
}

// Linux reports whether the lock file has a platform of a Linux image, so that
// an install there doesn't rewrite it.
func (b *BundlerLock) Linux() bool {
	return slices.ContainsFunc(b.Platforms, func(p string) bool { return p == "ruby" || strings.Contains(p, "linux") })
}
