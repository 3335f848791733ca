package transforms

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"

	"drydock/rewrite"
)

// storeKeepers keep downloads where later steps read them. Their directory is
// mounted into all steps of a family of stages (a base and what is built from
// it) that may read it, or into none.
var storeKeepers = []*keeper{
	{
		name: "pnpm", tools: []string{"pnpm"}, names: byName("pnpm"), store: true, offline: []string{"--offline"},
		fetch: verbIs("install", "i", "add", "fetch"),
		reads: verbIs("install", "i", "add", "fetch", "deploy", "prune", "update", "up", "rebuild", "remove", "dlx"),
		vars:  []string{"PNPM_HOME", "npm_config_store_dir", "NPM_CONFIG_STORE_DIR", "XDG_DATA_HOME"}, movers: []string{"--store-dir"},
		cleans: func(a []string) bool { return verbPair(a, "store", "prune") },
		where: func(p *rewrite.Pass, _ *cacheStep, st rewrite.State, _ string) ([]string, string) {
			if strings.Contains(p.Doc.Src, "store-dir") {
				return nil, "the file says itself where pnpm's store is"
			}
			if dir, why := envFolder(st, "npm_config_store_dir", "NPM_CONFIG_STORE_DIR"); dir != "" || why != "" {
				return []string{dir}, why
			}
			dir, why := envFolder(st, "PNPM_HOME")
			if dir == "" {
				return nil, cmp.Or(why, "where pnpm's store is isn't known; set PNPM_HOME")
			}
			return []string{path.Join(dir, "store")}, ""
		},
	},
	{
		name: "go", tools: []string{"go ", "golangci-lint", "goreleaser", "gotestsum", "ginkgo"}, names: byName("go", "golangci-lint", "goreleaser", "gotestsum", "ginkgo"),
		store: true, reads: subcommand, offline: []string{"GOPROXY=off"}, runtime: []string{`"go"`, `"go `, " go "},
		fetch: func(a []string) bool {
			return among(firstVerb(a), "build", "install", "get", "test", "run", "generate", "vet") || verbPair(a, "mod", "download", "tidy", "vendor", "verify")
		},
		cleans: func(a []string) bool {
			return firstVerb(a) == "clean" && (among("-modcache", a...) || among("-cache", a...))
		},
		vars: []string{"GOMODCACHE", "GOCACHE", "GOPATH"},
		where: func(_ *rewrite.Pass, r *cacheStep, st rewrite.State, home string) ([]string, string) {
			if v, _ := envOf(st, "GO111MODULE"); v == "off" || strings.Contains(r.script.Text, "GO111MODULE=off") {
				return nil, "GO111MODULE=off downloads to the workspace itself"
			}
			mod, why := envFolder(st, "GOMODCACHE")
			if mod == "" && why == "" {
				var gopath string
				gopath, why = envFolder(st, "GOPATH")
				mod = belowHome(cmp.Or(gopath, belowHome(home, "go")), "pkg/mod")
			}
			build, why2 := envFolder(st, "GOCACHE")
			if build == "" && why2 == "" {
				build, why2 = xdgCache(st, home)
				build = belowHome(build, "go-build")
			}
			if v, _ := envOf(st, "GOFLAGS"); strings.Contains(v, "-mod=vendor") {
				return []string{build}, why2
			}
			if !r.carrier && !slices.ContainsFunc(r.uses, func(u cacheUse) bool {
				return u.Name != "go" || among(firstVerb(u.args), "build", "install", "get", "test", "run", "generate", "vet")
			}) {
				return []string{mod}, why // it only downloads
			}
			return []string{mod, build}, cmp.Or(why, why2)
		},
	},
	{
		name: "cargo", tools: []string{"cargo"}, names: byName("cargo", "cargo-chef", "cross"), store: true, reads: subcommand, offline: []string{"--offline", "--frozen", "CARGO_NET_OFFLINE"}, runtime: []string{`"cargo`, " cargo "},
		fetch: verbIs("build", "b", "install", "fetch", "test", "run", "check", "clippy", "update", "chef", "vendor", "rustc", "doc"),
		vars:  []string{"CARGO_HOME"},
		where: func(_ *rewrite.Pass, _ *cacheStep, st rewrite.State, home string) ([]string, string) {
			dir, why := envFolder(st, "CARGO_HOME")
			dir = cmp.Or(dir, belowHome(home, ".cargo"))
			return []string{belowHome(dir, "registry"), belowHome(dir, "git/db")}, why
		},
	},
	{
		name: "maven", tools: []string{"mvn"}, names: byWrapper("mvn", "mvnw"), store: true, reads: subcommand, offline: []string{"-o", "--offline"}, runtime: []string{"mvn"},
		fetch:  func(a []string) bool { return len(a) > 0 && !among(a[0], "-v", "--version", "-version") },
		vars:   []string{"MAVEN_OPTS", "MAVEN_ARGS", "MAVEN_CONFIG"},
		movers: []string{"-Dmaven.repo.local", "-s", "--settings", "-gs", "-Duser.home"},
		where: func(p *rewrite.Pass, r *cacheStep, st rewrite.State, home string) ([]string, string) {
			for _, v := range []string{"MAVEN_OPTS", "MAVEN_ARGS"} {
				if s, _ := envOf(st, v); strings.Contains(s, "repo.local") || strings.Contains(s, "user.home") || strings.Contains(s, "$") {
					return nil, v + " may move the repository"
				}
			}
			for _, f := range []string{".mvn/maven.config", ".mvn/jvm.config"} {
				if b, _ := p.Repo.ReadFile(f); strings.Contains(string(b), "repo.local") || strings.Contains(string(b), "user.home") || strings.Contains(string(b), "-s") {
					return nil, f + " may move the repository"
				}
			}
			if strings.Contains(p.Doc.Src, "settings.xml") || strings.Contains(p.Doc.Src, "settings-docker") {
				return nil, "Maven's settings may move the repository"
			}
			return []string{belowHome(home, ".m2/repository")}, ""
		},
	},
	{
		name: "gradle", tools: []string{"gradle"}, names: byWrapper("gradle", "gradlew"), store: true, reads: subcommand, locked: true, offline: []string{"--offline"}, runtime: []string{"gradle"},
		fetch: func(a []string) bool { return len(a) > 0 && !among(a[0], "-v", "--version", "-version", "wrapper") },
		vars:  []string{"GRADLE_USER_HOME"}, movers: []string{"-g", "--gradle-user-home", "--project-cache-dir"},
		where: func(_ *rewrite.Pass, _ *cacheStep, st rewrite.State, home string) ([]string, string) {
			dir, why := envFolder(st, "GRADLE_USER_HOME")
			dir = cmp.Or(dir, belowHome(home, ".gradle"))
			return []string{belowHome(dir, "caches"), belowHome(dir, "wrapper")}, why
		},
	},
	{
		name: "nuget", tools: []string{"dotnet"}, names: byName("dotnet"), store: true, reads: subcommand, offline: []string{"--no-restore", "--no-build"}, runtime: []string{`"run"`, `"watch"`, `"test"`, `"build"`, "dotnet run", "dotnet watch", "dotnet test", "dotnet build"},
		fetch: verbIs("restore", "build", "publish", "test", "run", "pack"),
		vars:  []string{"NUGET_PACKAGES"}, movers: []string{"--packages"},
		cleans: func(a []string) bool { return verbPair(a, "nuget", "locals") },
		where: func(p *rewrite.Pass, _ *cacheStep, st rewrite.State, home string) ([]string, string) {
			for _, f := range []string{"nuget.config", "NuGet.config", "NuGet.Config"} {
				if b, _ := p.Repo.ReadFile(f); strings.Contains(string(b), "globalPackagesFolder") {
					return nil, f + " says where the packages are"
				}
			}
			dir, why := envFolder(st, "NUGET_PACKAGES")
			return []string{cmp.Or(dir, belowHome(home, ".nuget/packages"))}, why
		},
	},
}

// subcommand: it does something but say what it is or clean the project's folder.
func subcommand(args []string) bool {
	return !(len(args) == 1 && args[0] == "clean") && !among(firstVerb(args), "", "version", "env", "help", "init", "new", "wrapper")
}

// runsProject: the command runs a program of the project, which may use any manager.
func runsProject(c rewrite.Command) bool {
	switch {
	case among(c.Name, "make", "just", "task", "mage"):
		return true
	case among(c.Name, "bash", "sh"):
		return len(c.Args) > 1 && !strings.HasPrefix(c.Args[1], "-")
	}
	return len(c.Args) > 0 && (strings.HasPrefix(c.Args[0], "./") || strings.HasSuffix(c.Args[0], ".sh"))
}

func hasCarrier(text string) bool {
	if mentionsAny(text, []string{"configure", "cmake", "wget", "curl ", "git clone"}) {
		return false // it builds something else, or what it downloads itself
	}
	return mentionsAny(text, []string{"make", "just", "task", "mage", "sh ", "./", ".sh"})
}

// storeChange is the one change for all steps of a family of stages.
func storeChange(p *rewrite.Pass, k *keeper, root *rewrite.Stage) []rewrite.Change {
	var steps []*cacheStep
	var opaque *rewrite.Instruction
	fetched, fetches := false, false
	for _, s := range p.Doc.Stages {
		if !s.Descends(root) {
			continue
		}
		for _, in := range s.Instructions {
			r := runOf(in, k)
			if r == nil {
				if i := in.Inner(); i.Keyword == "run" && mentionsAny(scriptText(i), k.tools) && opaque == nil {
					if _, why := i.Shell(); why != "" {
						opaque = in
					}
				}
				continue
			}
			fetches = fetches || r.fetches
			if len(r.uses) > 0 || fetched {
				steps = append(steps, r)
			}
			fetched = fetched || r.fetches
		}
	}
	if !fetches {
		return nil
	}
	first := steps[slices.IndexFunc(steps, func(r *cacheStep) bool { return r.fetches })]
	places, why := make([]cachePlace, len(steps)), ""
	all := cachePlace{}
	for i, r := range steps {
		pl, w := k.place(p, r)
		why = cmp.Or(why, w)
		for _, m := range pl.mounts {
			if !slices.Contains(all.mounts, m) {
				all.mounts = append(all.mounts, m)
			}
		}
		places[i] = pl
	}
	if why == "" && !slices.ContainsFunc(steps, func(r *cacheStep) bool { return !r.mounted(places[slices.Index(steps, r)]) }) {
		return nil
	}
	if why == "" && opaque != nil {
		why = "line " + strconv.Itoa(opaque.Line) + " uses it in a way that drydock doesn't read"
	}
	if why == "" {
		why = k.needed(p, root, steps, places, all)
	}
	c := newChange(k, first, all)
	if len(steps) > 1 {
		c.Title = "keep what " + k.name + " downloads in a cache mount of " + plural(len(steps), "step")
	}
	if why == "" {
		why = syntaxFor(p.Doc, &c)
	}
	for i, r := range steps {
		if why == "" {
			why = mountInto(p, k, r, places[i], &c)
		}
	}
	if why != "" {
		p.Decline(first.outer, "no cache mount for %s: %s", k.name, why)
		return nil
	}
	return []rewrite.Change{c}
}

func mentionsAny(text string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

// needed tells why the store must stay in the image, or why its steps can't
// share one mount.
func (k *keeper) needed(p *rewrite.Pass, root *rewrite.Stage, steps []*cacheStep, places []cachePlace, all cachePlace) string {
	users := 0
	for i, r := range steps {
		if r.in.Trigger() {
			return "a step for images built from this one uses it"
		}
		if len(r.uses) > 0 {
			users++
		}
		if places[i].mounts[0] != places[0].mounts[0] {
			return "its steps run as different users or with different directories"
		}
		for _, m := range places[i].mounts {
			for _, f := range r.in.Flags {
				if (strings.Contains(f.Text, "target="+m.dir) || strings.Contains(f.Text, "dst="+m.dir)) && f.Text != m.flag() {
					return "a step mounts a cache there by rules of its own"
				}
			}
		}
	}
	if len(steps) > 1 {
		for _, w := range k.offline {
			name, value, _ := strings.Cut(w, "=")
			if v, _ := envOf(steps[0].in.State(), name); v != "" && (value == "" || v == value) {
				return w + " forbids a download"
			}
			for _, r := range steps {
				if r.says(w) {
					return "a step with " + w + " needs what an earlier one downloaded, and a cache can be lost in between"
				}
			}
		}
	}
	if k.name == "maven" && users > 1 && slices.ContainsFunc(steps, func(r *cacheStep) bool { return r.says("install") }) {
		return "a step installs the project's own artifacts into the repository for another one"
	}
	if why := reachedInto(p.Doc, root, all.mounts, true); why != "" {
		return why
	}
	for _, s := range p.Shipping() {
		if !s.Descends(root) || s != p.Doc.Final() && slices.ContainsFunc(p.Doc.Stages, func(c *rewrite.Stage) bool { return c.Parent() == s }) {
			continue
		}
		c := s.Config()
		start := c.Field(rewrite.FieldCmd) + " " + c.Field(rewrite.FieldEntrypoint) + " " + c.Field(rewrite.FieldHealthcheck)
		if len(k.runtime) > 0 && strings.TrimSpace(strings.ReplaceAll(start, "none", "")) == "" {
			return "the stage ships without a start command of its own; those who use it may need what " + k.name + " downloaded"
		}
		if len(k.runtime) > 0 && (mentionsAny(start, k.runtime) || hasWord(start, "make") || hasWord(start, "sh") || hasWord(start, "bash") || strings.Contains(start, ".sh")) {
			return "the start command may need what " + k.name + " downloaded"
		}
	}
	return ""
}

// says: a command of the manager has the word, or the script sets it.
func (r *cacheStep) says(w string) bool {
	return slices.ContainsFunc(r.uses, func(u cacheUse) bool { return among(w, u.Args...) }) ||
		!strings.HasPrefix(w, "-") && strings.ToUpper(w) == w && strings.Contains(scriptText(r.in), w)
}

// hasWord: w stands in the text between characters that are no part of a word.
func hasWord(text, w string) bool {
	part := func(b byte) bool {
		return b == '-' || b == '_' || b == '.' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
	}
	for at := 0; ; {
		i := strings.Index(text[at:], w)
		if i < 0 {
			return false
		}
		i += at
		end := i + len(w)
		if (i == 0 || !part(text[i-1])) && (end == len(text) || !part(text[end])) {
			return true
		}
		at = i + 1
	}
}
