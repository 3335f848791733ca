package repo

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// Which development dependencies the program itself needs when it runs.

type devUse struct {
	used    []string
	unknown string
}

var sourceExt = map[string]bool{
	".js": true, ".cjs": true, ".mjs": true, ".ts": true, ".cts": true, ".mts": true, ".tsx": true, ".jsx": true,
	".vue": true, ".svelte": true, ".astro": true, ".coffee": true,
}

// Folders and files that only tests and tools load. Configuration that a server
// reads when it starts (next.config, nuxt.config, ecosystem.config, knexfile)
// is not among them.
var (
	toolDirs  = lazy(`(?i)^(tests?|__tests__|__mocks__|__fixtures__|specs?|e2e|cypress|playwright|coverage|benchmarks?|\.storybook|stories|\.next|\.nuxt|\.output|\.svelte-kit|\.turbo|\.yarn|\.husky|\.vscode)$`)
	toolFiles = lazy(`(?i)(\.(test|spec|stories|e2e|cy|d)\.[cm]?[jt]sx?$)|` +
		`(^(webpack|vite|vitest|rollup|babel|jest|karma|protractor|eslint|prettier|tailwind|postcss|tsup|tsdown|esbuild|playwright|cypress|commitlint|lint-staged|stylelint|svelte|metro|vue|craco|mocha|nyc|ava|release|typedoc|windi|uno|quasar|rspack|snowpack|lerna|wallaby)([.-][\w.-]*)?\.(config|conf|setup|workspace|shims)(\.[\w-]+)*\.[cm]?[jt]s$)|` +
		`(^webpack[\w.-]*\.[cm]?[jt]s$)|(^(gulpfile|gruntfile|jakefile|wallaby|setuptests|jest\.setup|test)(\.babel|\.esm)?\.[cm]?[jt]sx?$)|` +
		`(^\.(eslintrc|prettierrc|babelrc|mocharc|stylelintrc|lintstagedrc|commitlintrc|huskyrc)\.[cm]?js$)`)
)

// NodeUsesDev returns the packages that are only in devDependencies and that
// the package's own source names: in an import, a require, or any other string
// that is just the name ("view engine", "pug"). Comments and "import type" are
// left aside. Without entries all source under dir is read, but for tests,
// configuration of build tools and what git ignores; with entries (paths
// relative to dir), those files and what they import, as long as every
// relative import can be followed, else all source.
//
// unknown is the reason why packages beyond used may be needed: a require of a
// computed name, a walk that did not finish, a package.json not understood.
// A package that is used only by a program of its own (npx, npm scripts) is not
// seen here; see Node.ScriptDev.
func (r *Repo) NodeUsesDev(dir string, entries ...string) (used []string, unknown string) {
	dir, ok := clean(dir)
	if !ok {
		return nil, "the folder is not in the build context"
	}
	key := dir + "\x00" + strings.Join(entries, "\x00")
	u := r.facts.usesDev.get(key, func() devUse {
		n := r.Node(dir)
		if n == nil {
			return devUse{unknown: "there is no package.json in " + dir}
		}
		if n.Err != nil {
			return devUse{unknown: n.Err.Error()}
		}
		return n.usesDev(r, entries)
	})
	return u.used, u.unknown
}

// DevOnly returns the sorted names that are in devDependencies and nowhere else.
func (n *Node) DevOnly() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(n.DevDependencies)) {
		_, dep := n.Dependencies[name]
		_, opt := n.Optional[name]
		if !dep && !opt {
			out = append(out, name)
		}
	}
	return out
}

func (n *Node) usesDev(r *Repo, entries []string) devUse {
	if len(entries) > 0 {
		files := make([]string, len(entries))
		for i, e := range entries {
			files[i] = join(n.Dir, e)
		}
		if u, followed := n.scan(r, files, true); followed {
			return u
		}
	}
	files, complete := r.Files()
	var sources []string
	for _, f := range files {
		if n.ownSource(f) && !r.GitIgnored(f) {
			sources = append(sources, f)
		}
	}
	u, _ := n.scan(r, sources, false)
	if !complete && u.unknown == "" {
		u.unknown = "the build context is too large to be searched"
	}
	return u
}

func (n *Node) ownSource(file string) bool {
	rel := file
	if n.Dir != "." {
		var ok bool
		if rel, ok = strings.CutPrefix(file, n.Dir+"/"); !ok {
			return false
		}
	}
	if !sourceExt[strings.ToLower(path.Ext(rel))] || toolFiles.MatchString(path.Base(rel)) {
		return false
	}
	for d := path.Dir(rel); d != "."; d = path.Dir(d) {
		if toolDirs.MatchString(path.Base(d)) || path.Base(d) == "node_modules" {
			return false
		}
	}
	return true
}

// scan reads files and whatever they import by a relative path. followed is
// false when strict is set and such a path leads to no file.
func (n *Node) scan(r *Repo, files []string, strict bool) (u devUse, followed bool) {
	names := n.DevOnly()
	hit := map[string]bool{}
	seen := map[string]bool{}
	for queue := files; len(queue) > 0; queue = queue[1:] {
		f := queue[0]
		if seen[f] {
			continue
		}
		seen[f] = true
		src, err := r.ReadFile(f)
		if err != nil {
			if strict {
				return u, false
			}
			setOnce(&u.unknown, f+" cannot be read")
			continue
		}
		s := text(src)
		for _, name := range names {
			if !hit[name] && namesPackage(s, name) {
				hit[name] = true
			}
		}
		im := scanImports(s)
		if im.computed > 0 {
			setOnce(&u.unknown, place(f, im.computed)+" requires a package by a computed name")
		}
		if strict && (im.disk || spawns.MatchString(s) || slices.ContainsFunc(im.bare, n.notDeclared)) {
			return u, false
		}
		for _, i := range im.relative {
			target := resolveImport(r, f, i)
			if target != "" {
				queue = append(queue[:len(queue):len(queue)], target)
			} else if strict {
				return u, false
			}
		}
	}
	u.used = slices.Sorted(maps.Keys(hit))
	return u, true
}
