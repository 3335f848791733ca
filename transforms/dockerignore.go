package transforms

import (
	"context"
	"path"
	"slices"
	"strings"
	"sync"

	"drydock/repo"
	"drydock/rewrite"
)

// dockerignore creates or extends the .dockerignore of a context that is
// copied as a whole.
var _ = register(&rewrite.Transform{
	Name:      "dockerignore",
	Summary:   "Keep what the image doesn't need out of the build context",
	Phase:     rewrite.PhaseContext,
	AllAssume: true,
	Doc: `COPY . . takes what lies in the folder: .git, node_modules and virtual
environments of the developer's machine, caches, files with secrets. They make
the image bigger, overwrite what the build installed, and change the cache key
of the COPY with every commit
(https://docs.docker.com/build/concepts/context/#dockerignore-files).

Each entry is written only where this project holds such a thing or its tools
will make it, and where no Dockerfile of the context copies it and nothing in
the build asks for it: .git stays when a version comes from git
(setuptools-scm, git describe), a committed .env stays, node_modules stay where
no RUN installs them, and so on. Patterns
are anchored at the context's root, as Docker reads them.`,
	Assumes: `Nothing in the image reads the left-out files when it runs.`,
	Declines: `Where the existing file has negations ("!") or leaves everything out
first, and where a Dockerfile copies single files only, since then nothing of
this reaches the image.`,
	Run: runDockerignore,
})

// ignoreEntry is a pattern with its reason.
type ignoreEntry struct {
	pattern string
	probe   string // a path that the pattern must cover to be there already
	tree    bool   // probe is a directory
	reason  string
	when    func(p *rewrite.Pass) bool
}

var ignoreEntries = []ignoreEntry{
	{".git", ".git", true, "the history; it changes with every commit", func(p *rewrite.Pass) bool { return p.Repo.Exists(".git") && gitNeeded(p) == "" }},
	{"**/node_modules", "node_modules", true, "installed in the image; the host's copy would overwrite it", func(p *rewrite.Pass) bool { return p.Repo.Exists("package.json") && installsNode(p) }},
	{"**/npm-debug.log*", "npm-debug.log", false, "logs", func(p *rewrite.Pass) bool { return p.Repo.Exists("package.json") }},
	{"**/__pycache__", "__pycache__", true, "byte code of the host's Python", isPython},
	{"**/*.pyc", "x.pyc", false, "byte code of the host's Python", isPython},
	{".venv", ".venv", true, "a virtual environment of the host", func(p *rewrite.Pass) bool { return isPython(p) && !wantsVenv(p) }},
	{"venv", "venv", true, "a virtual environment of the host", func(p *rewrite.Pass) bool {
		return isPython(p) && !wantsVenv(p) && (p.Repo.Exists("venv/pyvenv.cfg") || !p.Repo.Exists("venv"))
	}},
	{".pytest_cache", ".pytest_cache", true, "test cache", isPython},
	{".env", ".env", false, "secrets of a developer's machine; git leaves it out too", func(p *rewrite.Pass) bool { return p.Repo.GitIgnored(".env") }},
	{"**/.DS_Store", ".DS_Store", false, "desktop files", func(p *rewrite.Pass) bool { return p.Repo.GitIgnored(".DS_Store") }},
	{".idea", ".idea", true, "editor settings", func(p *rewrite.Pass) bool { return p.Repo.GitIgnored(".idea") || p.Repo.Exists(".idea") }},
	{".vscode", ".vscode", true, "editor settings", func(p *rewrite.Pass) bool { return p.Repo.GitIgnored(".vscode") || p.Repo.Exists(".vscode") }},
	{"Dockerfile*", "Dockerfile", false, "the builder reads it by itself", func(p *rewrite.Pass) bool { return p.Name == "Dockerfile" }},
	{".dockerignore", ".dockerignore", false, "the builder reads it by itself", func(p *rewrite.Pass) bool { return true }},
}

// installsNode: every Dockerfile that copies the whole context installs the
// packages itself; one that doesn't ships the host's node_modules.
func installsNode(p *rewrite.Pass) bool {
	for _, d := range append([]*rewrite.Document{p.Doc}, p.Siblings...) {
		if copiesAll(d) != nil && !anyRun(d, "npm", "yarn", "pnpm", "bun", "lerna", "nx") {
			return false
		}
	}
	return true
}

// wantsVenv: a Dockerfile speaks of a virtual environment that none of its RUNs
// makes, so it means the host's.
func wantsVenv(p *rewrite.Pass) bool {
	for _, d := range append([]*rewrite.Document{p.Doc}, p.Siblings...) {
		if strings.Contains(d.Src, "venv") && !anyRun(d, "venv", "virtualenv", "uv", "poetry", "pipenv", "pdm") {
			return true
		}
	}
	return false
}

// anyRun reports whether a RUN has one of the words.
func anyRun(d *rewrite.Document, names ...string) bool {
	for _, in := range d.Instructions {
		if in.Keyword != "run" {
			continue
		}
		text := in.Args.Text
		for _, h := range in.Heredocs {
			text += d.Src[h.Body.Start:h.Body.End]
		}
		for _, w := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n\r;&|()\"'[],", r) }) {
			if slices.Contains(names, path.Base(w)) {
				return true
			}
		}
	}
	return false
}

func isPython(p *rewrite.Pass) bool {
	for _, f := range []string{"requirements.txt", "setup.py", "pyproject.toml", "Pipfile", "app.py", "main.py", "manage.py"} {
		if p.Repo.Exists(f) {
			return true
		}
	}
	return false
}

func runDockerignore(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	at := wholeCopy(p)
	if at == nil || !p.Repo.Known() || p.Name == "" {
		return nil, nil
	}
	ig := p.Repo.Ignore(p.Name)
	if ig.Err != nil {
		p.Decline(at, "%s can't be read: %v", ig.Path, ig.Err)
		return nil, nil
	}
	for _, pat := range ig.Patterns {
		if strings.HasPrefix(pat, "!") || pat == "*" || pat == "**" {
			p.Decline(at, "%s leaves out everything or brings parts back (%s); it is left as it is", ig.Path, pat)
			return nil, nil
		}
	}
	if p.Repo.Exists("package.json") && !installsNode(p) && !ig.ExcludesTree("node_modules") {
		p.Decline(at, "node_modules stays in the build context: no RUN installs the packages")
	}
	missing, reasons := missingEntries(p, ig)
	if onlyMinor(missing) {
		return nil, nil
	}
	if why := gitNeeded(p); why != "" && p.Repo.Exists(".git") {
		p.Decline(at, ".git stays in the build context: %s", why)
	}
	text := string(ig.Src)
	eol := "\n"
	if strings.Contains(text, "\r\n") {
		eol = "\r\n"
	}
	add := strings.Join(missing, eol) + eol
	if text != "" && !strings.HasSuffix(text, "\n") {
		add = eol + strings.TrimSuffix(add, eol)
	}
	verb := "create "
	if ig.Exists {
		verb = "extend "
	}
	return []rewrite.Change{{
		Title:   verb + ig.Path + ": " + strings.Join(missing, ", "),
		Why:     "COPY of the whole context brings them into the image: " + strings.Join(reasons, "; "),
		Gain:    "a smaller context, a smaller image, fewer cache misses",
		Safety:  rewrite.Assumes,
		Assumes: "nothing in the image reads these files",
		At:      at,
		Edits:   []rewrite.Edit{{File: ig.Path, Span: rewrite.Span{Start: len(text), End: len(text)}, New: add}},
	}}, nil
}

// onlyMinor: entries that alone aren't worth a file or a change.
func onlyMinor(missing []string) bool {
	for _, m := range missing {
		switch m {
		case "Dockerfile*", ".dockerignore", ".idea", ".vscode", "**/.DS_Store", ".pytest_cache", "**/npm-debug.log*", "venv", ".venv", "**/*.pyc":
		default:
			return false
		}
	}
	return true
}

// missingEntries are the patterns that apply here, aren't there yet, and hide
// nothing that a Dockerfile copies by name.
func missingEntries(p *rewrite.Pass, ig *repo.Ignore) (patterns, reasons []string) {
	var sources []string
	for _, d := range append([]*rewrite.Document{p.Doc}, p.Siblings...) {
		for _, in := range d.Instructions {
			sources = append(sources, in.ContextSources()...)
		}
	}
	seen := map[string]bool{}
	for _, e := range ignoreEntries {
		if !e.when(p) || ig.Excluded(e.probe) || e.tree && ig.ExcludesTree(e.probe) {
			continue
		}
		alone := matcher(e.pattern)
		hides := false
		for _, s := range sources {
			first, _, _ := strings.Cut(s, "/")
			wild, _ := path.Match(s, e.probe)
			hides = hides || s != "." && (alone.Excluded(s) || alone.Excluded(first) || wild && s != "*")
		}
		if hides {
			continue
		}
		patterns = append(patterns, e.pattern)
		if !seen[e.reason] {
			seen[e.reason] = true
			reasons = append(reasons, e.pattern+" ("+e.reason+")")
		}
	}
	return patterns, reasons
}

var matchers sync.Map // pattern -> *repo.Ignore

// matcher is an ignore file that holds one of our patterns.
func matcher(pattern string) *repo.Ignore {
	if m, ok := matchers.Load(pattern); ok {
		return m.(*repo.Ignore)
	}
	m, _ := matchers.LoadOrStore(pattern, repo.ParseIgnore(".dockerignore", []byte(pattern+"\n")))
	return m.(*repo.Ignore)
}

// wholeCopy is the first instruction that copies the context's root.
func wholeCopy(p *rewrite.Pass) *rewrite.Instruction { return copiesAll(p.Doc) }

func copiesAll(d *rewrite.Document) *rewrite.Instruction {
	for _, in := range d.Instructions {
		if in.Keyword != "copy" && in.Keyword != "add" {
			continue
		}
		for _, s := range in.ContextSources() {
			if s == "." || s == "*" {
				return in
			}
		}
	}
	return nil
}

// gitNeeded tells what in the build asks git about the work tree, "" for
// nothing.
func gitNeeded(p *rewrite.Pass) string {
	for _, d := range append([]*rewrite.Document{p.Doc}, p.Siblings...) {
		for _, in := range d.Instructions {
			if in.Keyword == "run" && strings.Contains(in.Text, "git ") && !strings.Contains(in.Text, "git clone") && !strings.Contains(in.Text, "install") {
				return "a RUN uses git"
			}
			for _, s := range in.ContextSources() {
				if s == ".git" || strings.HasPrefix(s, ".git/") {
					return "a COPY names it"
				}
			}
		}
	}
	for _, f := range gitReaders {
		src, err := p.Repo.ReadFile(f.file)
		if err != nil {
			continue
		}
		for _, m := range f.marks {
			if strings.Contains(string(src), m) {
				return f.file + " mentions " + strings.TrimSpace(m)
			}
		}
	}
	return ""
}

// gitReaders are project files with the words by which they show that a build
// asks git for a version.
var gitReaders = []struct {
	file  string
	marks []string
}{
	{"pyproject.toml", []string{"setuptools_scm", "setuptools-scm", "hatch-vcs", "versioneer", "versioningit", "pdm-backend", "poetry-dynamic-versioning", "dunamai", "flit_scm", "miniver"}},
	{"setup.py", []string{"setuptools_scm", "versioneer", "pbr", "git"}},
	{"setup.cfg", []string{"setuptools_scm", "versioneer", "pbr"}},
	{"package.json", []string{"git ", "git-rev", "husky", "lint-staged", "simple-git", "semantic-release", "git-describe"}},
	{"Makefile", []string{"git describe", "git rev-parse", "git log", "git tag"}},
	{"build.gradle", []string{"git"}},
	{"build.rs", []string{"git", "vergen"}},
	{"Cargo.toml", []string{"vergen", "git-version", "built"}},
	{".goreleaser.yml", []string{"goreleaser"}},
	{"pom.xml", []string{"git-commit-id", "buildnumber-maven"}},
}
