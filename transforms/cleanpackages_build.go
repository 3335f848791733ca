package transforms

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/rewrite"
)

// Caches of compilers: they go when nothing in the stage, and not the container
// either, builds again.

// goFills and cargoFills are the subcommands that fill the caches.
var (
	goFills    = words(`build install test get run vet generate`)
	cargoFills = words(`build b install test t run r bench chef clippy doc leptos nextest`)
)

// buildStarters start a build, or may.
var buildStarters = words(`go cargo make task mage air reflex gin fresh realize dlv CompileDaemon ginkgo revel buffalo watchexec rustup rustc sh bash ash zsh tail sleep nodemon modd godo bee wgo`)

func (pp *packagePass) buildCaches(r *packageRun) {
	n := slices.IndexFunc(r.calls, func(k call) bool { return k.tool == "go" && goFills[k.verb] || k.tool == "cargo" && cargoFills[k.verb] })
	if n < 0 || r.in.Trigger() || len(r.in.Mounts()) > 0 || !runsProgram(r.in.Stage) {
		return
	}
	k := r.calls[n]
	for _, l := range r.calls[n:] {
		if l.tool == k.tool && (goFills[l.verb] || cargoFills[l.verb]) {
			k = l
		}
	}
	before, after := pp.usedAround(r, k.tool)
	if after {
		return
	}
	if r.deletedAfter(k.n, ".cache", "go-build", "/go", "GOPATH", "registry", ".cargo", "CARGO_HOME", "cargo") || slices.ContainsFunc(r.calls, func(c call) bool { return c.n > k.n && c.verb == "clean" && c.tool == "go" }) {
		return
	}
	m := manager{family: k.tool}
	if why := pp.uncleanable(r, &m, k); why != "" {
		pp.Decline(r.at, "the cache of %s stays: %s", k.tool, why)
		return
	}
	if k.tool == "go" && !cleansModules(r) {
		return
	}
	e := r.s.Edit()
	why, gain := "the build cache of go is of no use in an image that builds nothing (go clean)", "50 to 500 MB less"
	if k.tool == "go" {
		flags := " clean -cache -modcache"
		if before {
			flags = " clean -cache" // the modules lie in an earlier layer
		}
		e.Append(k.as() + r.s.Text[k.Words[k.at].Start:k.Words[k.at].End] + flags)
	} else {
		if before { // what was fetched there stays there
			return
		}
		dirs := `"$CARGO_HOME/registry" "$CARGO_HOME/git"`
		if _, ok := r.env("CARGO_HOME"); !ok {
			if !r.in.State().Root() || r.sets("HOME") {
				pp.Decline(r.at, "the registry of cargo stays: its home isn't known")
				return
			}
			dirs = "/root/.cargo/registry /root/.cargo/git"
		}
		e.Append(k.as() + "rm -rf " + dirs)
		why, gain = "the sources of the crates are of no use in an image that builds nothing (Cargo's book, Cargo home)", "the crates' sources"
	}
	pp.propose(r, e, rewrite.Change{Title: "empty the cache of " + k.tool + " behind the stage's last build", Why: why, Gain: gain, Assumes: "nothing is built with " + k.tool + " in the container"})
}

// cleansModules: go clean knows -cache and -modcache since Go 1.11.
func cleansModules(r *packageRun) bool {
	st := r.in.State()
	minor, ok := strings.CutPrefix(st.Base.Line, "1.")
	n, err := strconv.Atoi(minor)
	return st.Known && st.Base.Repository == "golang" && ok && err == nil && n >= 11
}

// usedAround reports whether other RUNs of the stage and its relatives use a
// tool, or run what may.
func (pp *packagePass) usedAround(r *packageRun, tool string) (before, after bool) {
	for _, s := range pp.Doc.Stages {
		if s == r.in.Stage || !r.in.Stage.Descends(s) && !s.Descends(r.in.Stage) {
			continue
		}
		if s.Index > r.in.Stage.Index {
			return false, true // a child stage
		}
		for _, in := range s.Instructions {
			before = before || in.Keyword == "run" && strings.Contains(in.Raw(), tool+" ")
		}
	}
	for _, in := range r.in.Stage.Instructions {
		switch {
		case in == r.at:
		case in.Keyword == "onbuild":
			after = true
		case in.Keyword != "run":
		case in.Index < r.at.Index:
			before = before || strings.Contains(in.Raw(), tool+" ")
		default:
			raw := in.Raw()
			if strings.Contains(raw, tool+" ") || strings.Contains(raw, "make") || strings.Contains(raw, ".sh") || strings.Contains(raw, "build") {
				after = true
			}
		}
	}
	return before, after
}

// runsProgram reports whether the stage says what its container runs, and that
// is a program which builds nothing.
func runsProgram(s *rewrite.Stage) bool {
	var words []string
	for _, in := range s.Instructions {
		switch cmd := in.Cmd.(type) {
		case *instructions.CmdCommand:
			words = append(words, cmd.CmdLine...)
		case *instructions.EntrypointCommand:
			words = append(words, cmd.CmdLine...)
		}
	}
	if len(words) == 0 {
		return false
	}
	for _, w := range strings.Fields(strings.Join(words, " ")) {
		if b := path.Base(strings.Trim(w, `"';&`)); buildStarters[b] || strings.HasSuffix(b, ".sh") || strings.HasSuffix(b, "entrypoint") || strings.HasPrefix(b, "$") {
			return false
		}
	}
	return true
}

// yarnOne says why yarn isn't known to be version 1, "" when it is: later ones
// have no global, and another lock file.
func (pp *packagePass) yarnOne(r *packageRun) string {
	for _, k := range r.calls {
		if k.tool == "yarn" && strings.HasPrefix(k.verb, "global ") {
			return ""
		}
	}
	const why = "it isn't known to be yarn 1; in later ones the cache may be what runs (Plug'n'Play)"
	st := r.in.State()
	dir, ok := st.Abs(".")
	if !ok || !pp.Repo.Known() {
		return why
	}
	ctx, by := r.in.Stage.Origin(r.in, path.Join(dir, "package.json"), pp.Repo, pp.Name)
	if by == nil {
		return why
	}
	n := pp.Repo.Node(path.Dir(ctx))
	lock, err := pp.Repo.ReadFile(path.Join(path.Dir(ctx), "yarn.lock"))
	if n == nil || err != nil || !strings.Contains(string(lock[:min(len(lock), 400)]), "yarn lockfile v1") || pp.Repo.Exists(path.Join(path.Dir(ctx), ".yarnrc.yml")) {
		return why
	}
	if pm := n.PackageManager; pm != "" && !strings.HasPrefix(pm, "yarn@1.") {
		return why
	}
	return ""
}
