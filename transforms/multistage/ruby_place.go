package multistage

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// folder finds the application's folder: Bundler and all build steps work in
// it or below.
func (r *rubySplit) folder() bool {
	r.app = r.gemfileDir(r.installs[0])
	dirs := []string{}
	for _, i := range r.installs {
		dirs = append(dirs, r.gemfileDir(i))
	}
	for _, b := range r.builds {
		dirs = append(dirs, b.step.Dir)
	}
	for _, d := range dirs {
		if d == "" {
			return r.decline(r.last, "the working directory isn't known")
		}
		if rewrite.Inside(r.app, d) && !systemDir(d) {
			r.app = d
		}
	}
	return true
}

// gemfileDir is where an install finds its Gemfile.
func (r *rubySplit) gemfileDir(i rubyStep) string {
	for _, a := range i.step.Args {
		if g, ok := strings.CutPrefix(a, "--gemfile="); ok {
			return path.Dir(abs(i.step.Dir, g))
		}
	}
	if g, ok := r.env(i.in, i.step.Command, "BUNDLE_GEMFILE"); ok {
		return path.Dir(abs(i.step.Dir, g))
	}
	return i.step.Dir
}

// folders finds where the gems go: GEM_HOME, and what BUNDLE_PATH, --path and
// deployment say (https://bundler.io/man/bundle-config.1.html).
func (r *rubySplit) folders() bool {
	in := r.installs[0].in
	st := r.stage.At(in)
	home := st.Env["GEM_HOME"]
	if home == "" {
		home = r.img.Env["GEM_HOME"]
	}
	bundle, set := r.env(in, r.installs[0].step.Command, "BUNDLE_PATH")
	for _, v := range []string{"GEM_PATH", "BUNDLE_APP_CONFIG", "BUNDLE_USER_HOME", "BUNDLE_BIN", "BUNDLE_PATH__SYSTEM"} {
		if d, ok := st.Env[v]; ok && d != home && d != cmp.Or(bundle, home) && !(v == "BUNDLE_APP_CONFIG" && rewrite.Inside(abs(r.app, d), r.app)) && !(v == "BUNDLE_BIN" && rewrite.Inside(d, cmp.Or(bundle, home))) {
			return r.decline(in, "%s puts a part of Bundler in %s", v, d)
		}
	}
	if home != "" && (!set || rewrite.Inside(bundle, home) || len(r.gems) > 0 || len(r.configs()) > 0) {
		r.others = append(r.others, home)
	}
	given := set
	add := func(p string) bool {
		given = true
		if strings.ContainsAny(p, "$`~") || p == "" {
			return r.decline(in, "the folder %s for gems is computed", p)
		}
		p = abs(r.app, p)
		if systemDir(p) {
			return r.decline(in, "the gems lie in %s, which holds more than them", p)
		}
		if rewrite.Inside(p, r.app) {
			r.writes, r.vendored = cmp.Or(r.writes, "the gems lie in "+p), p
		} else if !slices.ContainsFunc(r.others, func(o string) bool { return rewrite.Inside(p, o) }) {
			r.others = append(r.others, p)
		}
		return true
	}
	if set && !add(bundle) {
		return false
	}
	if !set {
		deploys := st.Env["BUNDLE_DEPLOYMENT"] != "" && st.Env["BUNDLE_DEPLOYMENT"] != "false" && st.Env["BUNDLE_DEPLOYMENT"] != "0"
		for _, i := range r.installs {
			for k, a := range i.step.Args {
				deploys = deploys || a == "--deployment"
				p, ok := strings.CutPrefix(a, "--path=")
				if a == "--path" && k+1 < len(i.step.Args) {
					p, ok = i.step.Args[k+1], true
				}
				if ok && !add(p) {
					return false
				}
			}
		}
		for _, c := range r.configs() {
			key, value := c[0], c[1]
			deploys = deploys || key == "deployment" && value != "false"
			if key == "path" && !add(value) {
				return false
			}
		}
		if deploys {
			r.writes = cmp.Or(r.writes, "Bundler's deployment puts the gems in vendor/bundle")
		}
		if deploys && !given {
			r.vendored = path.Join(r.app, "vendor/bundle")
		}
	}
	return true
}

// configs are the settings that RUNs make with "bundle config".
func (r *rubySplit) configs() (out [][2]string) {
	for _, in := range r.stage.Instructions {
		all, why := in.Steps()
		if in.Keyword != "run" || why != "" {
			continue
		}
		for _, st := range all {
			var words []string
			for _, a := range st.Args[1:] {
				if !strings.HasPrefix(a, "-") && a != "set" {
					words = append(words, a)
				}
			}
			if (st.Name == "bundle" || st.Name == "bundler") && len(words) > 2 && words[0] == "config" {
				out = append(out, [2]string{words[1], words[2]})
			}
		}
	}
	return out
}

// layout decides what the runtime stage takes from where.
func (r *rubySplit) layout() bool {
	if r.homeConfig != nil && r.roles[r.homeConfig] == inBuild {
		return r.decline(r.homeConfig, "bundle config --global writes to the home directory, in one RUN with other commands")
	}
	r.builds = slices.DeleteFunc(r.builds, func(b rubyStep) bool {
		return replayed[b.step.Name] && r.within(b.step) && !(&appFolder{app: r.app}).within(b.step)
	})
	for _, b := range r.builds {
		r.writes = cmp.Or(r.writes, strings.Join(b.step.Args[:min(3, len(b.step.Args))], " ")+" writes into it")
	}
	if r.writes == "" {
		r.writes = r.copiedBefore()
	}
	if r.writes == "" {
		return r.gemsOnly()
	}
	if systemDir(r.app) {
		return r.decline(r.last, "the application lies in %s, which holds more than it: give it a WORKDIR of its own", r.app)
	}
	for _, b := range r.builds {
		if replayed[b.step.Name] && !r.within(b.step) || !replayed[b.step.Name] && !rewrite.Inside(b.step.Dir, r.app) {
			return r.decline(b.in, "%s works outside %s", strings.Join(b.step.Args[:min(3, len(b.step.Args))], " "), r.app)
		}
	}
	if !r.place(r.placed) {
		return false
	}
	r.copyGems(r.last)
	r.copyFolder()
	r.explain("%s comes from the build stage: %s", r.app, r.writes)
	return true
}

// placed: RUNs that install packages, or set Bundler up.
func (r *rubySplit) placed(in *rewrite.Instruction) bool {
	return r.installsSystem(in) || strings.Contains(in.Text, "bundle config")
}

func (r *rubySplit) copyGems(at *rewrite.Instruction) {
	for _, o := range r.others {
		if !rewrite.Inside(o, r.app) {
			r.instead[at] = append(r.instead[at], r.copyFrom(o, o))
			r.explain("the gems in %s come from the build stage", o)
		}
	}
}

// bundlerFiles are what Bundler reads before the code is there.
var bundlerFiles = words(`Gemfile Gemfile.lock .ruby-version .tool-versions`)

// copiedBefore: code lies in the folder before the gems are installed, so that
// the install may change it (Gemfile.lock).
func (r *rubySplit) copiedBefore() string {
	lock := r.p.Repo.BundlerLock(r.context())
	for _, in := range r.stage.Instructions {
		if in.Index > r.last.Index || in.Keyword != "copy" && in.Keyword != "add" {
			continue
		}
		eff := r.p.Effects(in)
		if eff.Unknown != "" || len(eff.Trees) == 0 {
			return "what line " + lineOf(in) + " brings isn't known"
		}
		if r.covered(in, eff.Trees) {
			continue
		}
		for _, t := range eff.Trees {
			if t.Dir || !bundlerFiles[path.Base(t.Dest)] {
				return "the code is there before bundle install, which may write there"
			}
		}
		if !lock.Linux() {
			return "bundle install adds the platform to Gemfile.lock"
		}
	}
	return ""
}

// gemsOnly: the code comes from the context as before, the gems from the build
// stage.
func (r *rubySplit) gemsOnly() bool {
	for _, in := range r.stage.Instructions {
		if in.Index > r.last.Index {
			break
		}
		switch {
		case in.Keyword == "copy" || in.Keyword == "add":
			if r.covered(in, r.p.Effects(in).Trees) {
				r.roles[in] = inBuild
			}
		case in.Keyword == "run" && r.roles[in] == inBoth && !r.placed(in):
			_, writes, why := r.touched(in)
			if why == "" && len(writes) > 0 && !slices.ContainsFunc(writes, func(w string) bool { return !r.inGems(w) }) {
				r.roles[in] = inBuild
			}
		}
	}
	r.copyGems(r.last)
	r.explain("the code comes from the build context, as before")
	return true
}

func (r *rubySplit) inGems(p string) bool {
	return slices.ContainsFunc(r.others, func(o string) bool { return rewrite.Inside(p, o) })
}
