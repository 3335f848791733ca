package ruby

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/artefacts"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

// folder finds the application's folder: Bundler and all build steps work in
// it or below.
func (r *App) folder() bool {
	r.AppDir = r.gemfileDir(r.installs[0])
	dirs := []string{}
	for _, i := range r.installs {
		dirs = append(dirs, r.gemfileDir(i))
	}
	for _, b := range r.builds {
		dirs = append(dirs, b.Step.Dir)
	}
	for _, d := range dirs {
		if d == "" {
			return r.Decline(r.Last, "the working directory isn't known")
		}
		if rewrite.Inside(r.AppDir, d) && !cmdline.SystemDir(d) {
			r.AppDir = d
		}
	}
	return true
}

// gemfileDir is where an install finds its Gemfile.
func (r *App) gemfileDir(i artefacts.Step) string {
	for _, a := range i.Step.Args {
		if g, ok := strings.CutPrefix(a, "--gemfile="); ok {
			return path.Dir(cmdline.Abs(i.Step.Dir, g))
		}
	}
	if g, ok := r.Env(i.In, i.Step.Command, "BUNDLE_GEMFILE"); ok {
		return path.Dir(cmdline.Abs(i.Step.Dir, g))
	}
	return i.Step.Dir
}

// folders finds where the gems go: GEM_HOME, and what BUNDLE_PATH, --path and
// deployment say (https://bundler.io/man/bundle-config.1.html).
func (r *App) folders() bool {
	in := r.installs[0].In
	st := r.Stage.At(in)
	home := st.Env["GEM_HOME"]
	if home == "" {
		home = r.Image.Env["GEM_HOME"]
	}
	bundle, set := r.Env(in, r.installs[0].Step.Command, "BUNDLE_PATH")
	for _, v := range []string{"GEM_PATH", "BUNDLE_APP_CONFIG", "BUNDLE_USER_HOME", "BUNDLE_BIN", "BUNDLE_PATH__SYSTEM"} {
		if d, ok := st.Env[v]; ok && d != home && d != cmp.Or(bundle, home) && !(v == "BUNDLE_APP_CONFIG" && rewrite.Inside(cmdline.Abs(r.AppDir, d), r.AppDir)) && !(v == "BUNDLE_BIN" && rewrite.Inside(d, cmp.Or(bundle, home))) {
			return r.Decline(in, "%s puts a part of Bundler in %s", v, d)
		}
	}
	if home != "" && (!set || rewrite.Inside(bundle, home) || len(r.gems) > 0 || len(r.configs()) > 0) {
		r.Others = append(r.Others, home)
	}
	given := set
	add := func(p string) bool {
		given = true
		if strings.ContainsAny(p, "$`~") || p == "" {
			return r.Decline(in, "the folder %s for gems is computed", p)
		}
		p = cmdline.Abs(r.AppDir, p)
		if cmdline.SystemDir(p) {
			return r.Decline(in, "the gems lie in %s, which holds more than them", p)
		}
		if rewrite.Inside(p, r.AppDir) {
			r.writes, r.vendored = cmp.Or(r.writes, "the gems lie in "+p), p
		} else if !slices.ContainsFunc(r.Others, func(o string) bool { return rewrite.Inside(p, o) }) {
			r.Others = append(r.Others, p)
		}
		return true
	}
	if set && !add(bundle) {
		return false
	}
	if !set {
		deploys := st.Env["BUNDLE_DEPLOYMENT"] != "" && st.Env["BUNDLE_DEPLOYMENT"] != "false" && st.Env["BUNDLE_DEPLOYMENT"] != "0"
		for _, i := range r.installs {
			for k, a := range i.Step.Args {
				deploys = deploys || a == "--deployment"
				p, ok := strings.CutPrefix(a, "--path=")
				if a == "--path" && k+1 < len(i.Step.Args) {
					p, ok = i.Step.Args[k+1], true
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
			r.vendored = path.Join(r.AppDir, "vendor/bundle")
		}
	}
	return true
}

// configs are the settings that RUNs make with "bundle config".
func (r *App) configs() (out [][2]string) {
	for _, in := range r.Stage.Instructions {
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
func (r *App) layout() bool {
	if r.homeConfig != nil && r.Roles[r.homeConfig] == split.InBuild {
		return r.Decline(r.homeConfig, "bundle config --global writes to the home directory, in one RUN with other commands")
	}
	r.builds = slices.DeleteFunc(r.builds, func(b artefacts.Step) bool {
		return cmdline.Replayed[b.Step.Name] && r.Within(b.Step) && !(&artefacts.Folder{AppDir: r.AppDir}).Within(b.Step)
	})
	for _, b := range r.builds {
		r.writes = cmp.Or(r.writes, strings.Join(b.Step.Args[:min(3, len(b.Step.Args))], " ")+" writes into it")
	}
	if r.writes == "" {
		r.writes = r.copiedBefore()
	}
	if r.writes == "" {
		return r.gemsOnly()
	}
	if cmdline.SystemDir(r.AppDir) {
		return r.Decline(r.Last, "the application lies in %s, which holds more than it: give it a WORKDIR of its own", r.AppDir)
	}
	for _, b := range r.builds {
		if cmdline.Replayed[b.Step.Name] && !r.Within(b.Step) || !cmdline.Replayed[b.Step.Name] && !rewrite.Inside(b.Step.Dir, r.AppDir) {
			return r.Decline(b.In, "%s works outside %s", strings.Join(b.Step.Args[:min(3, len(b.Step.Args))], " "), r.AppDir)
		}
	}
	if !r.Place(r.placed) {
		return false
	}
	r.copyGems(r.Last)
	r.CopyFolder()
	r.Explain("%s comes from the build stage: %s", r.AppDir, r.writes)
	return true
}

// placed: RUNs that install packages, or set Bundler up.
func (r *App) placed(in *rewrite.Instruction) bool {
	return r.InstallsSystem(in) || strings.Contains(in.Text, "bundle config")
}

func (r *App) copyGems(at *rewrite.Instruction) {
	for _, o := range r.Others {
		if !rewrite.Inside(o, r.AppDir) {
			r.Instead[at] = append(r.Instead[at], r.CopyFrom(o, o))
			r.Explain("the gems in %s come from the build stage", o)
		}
	}
}

// bundlerFiles are what Bundler reads before the code is there.
var bundlerFiles = words(`Gemfile Gemfile.lock .ruby-version .tool-versions`)

// copiedBefore: code lies in the folder before the gems are installed, so that
// the install may change it (Gemfile.lock).
func (r *App) copiedBefore() string {
	lock := r.Pass.Repo.BundlerLock(r.context())
	for _, in := range r.Stage.Instructions {
		if in.Index > r.Last.Index || in.Keyword != "copy" && in.Keyword != "add" {
			continue
		}
		eff := r.Pass.Effects(in)
		if eff.Unknown != "" || len(eff.Trees) == 0 {
			return "what line " + cmdline.LineOf(in) + " brings isn't known"
		}
		if r.Covered(in, eff.Trees) {
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
func (r *App) gemsOnly() bool {
	for _, in := range r.Stage.Instructions {
		if in.Index > r.Last.Index {
			break
		}
		switch {
		case in.Keyword == "copy" || in.Keyword == "add":
			if r.Covered(in, r.Pass.Effects(in).Trees) {
				r.Roles[in] = split.InBuild
			}
		case in.Keyword == "run" && r.Roles[in] == split.InBoth && !r.placed(in):
			_, writes, why := r.Touched(in)
			if why == "" && len(writes) > 0 && !slices.ContainsFunc(writes, func(w string) bool { return !r.inGems(w) }) {
				r.Roles[in] = split.InBuild
			}
		}
	}
	r.copyGems(r.Last)
	r.Explain("the code comes from the build context, as before")
	return true
}

func (r *App) inGems(p string) bool {
	return slices.ContainsFunc(r.Others, func(o string) bool { return rewrite.Inside(p, o) })
}
