package transforms

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// What the image starts: add-user judges the project's own programs, whose
// source it can read, and nobody else's.

// runners start code of the project: interpreters and the servers of their
// ecosystems. Ruby and PHP aren't among them: their frameworks write logs and
// caches next to the code.
var runners = words(`sh bash ash dash env node npm npx yarn pnpm bun deno gunicorn uvicorn hypercorn daphne flask waitress-serve granian fastapi streamlit uwsgi
	java dotnet serve http-server pm2-runtime tini dumb-init`)

var pythonName = lazily(`^python[0-9.]*$`)

// scriptRunners start scripts of package.json.
var scriptRunners = []string{"npm", "yarn"}

// strange tells why drydock can't know what the started program does; "" when
// it is the project's own.
func strange(p *rewrite.Pass, s *rewrite.Stage, start *rewrite.Instruction) string {
	name := program(start)
	if name == "" {
		return "what it starts is computed"
	}
	base := path.Base(name)
	if script := ranByShell(start); script != "" {
		name, base = script, path.Base(script)
	}
	words := startWords(start)
	if s.At(nil).Base.Repository == "denoland/deno" && name == base && slices.Contains(denoVerbs, base) {
		words, base = append([]string{"deno"}, words...), "deno" // docker-entrypoint.sh of denoland/deno_docker starts deno with it
	}
	if why := buildsAtStart(base, words); why != "" {
		return why
	}
	if runners[base] || pythonName().MatchString(base) {
		return notOurs(p, s, base, words)
	}
	abs, ok := s.At(nil).Abs(name)
	if !ok {
		return "what it starts is computed"
	}
	if _, ok := s.Trace(abs, p.Repo, p.Name); ok {
		return "" // a script of the project, read by scriptSigns
	}
	if py := p.Repo.Pyproject("."); py != nil && slices.Contains(py.Scripts, base) {
		return "" // a console script of the project
	}
	for t := s; t != nil; t = t.Parent() {
		if builtAs(p, t, base, strings.Contains(name, "/")) {
			return ""
		}
	}
	return "drydock can't see what " + name + " does"
}

// denoVerbs are commands of deno that run a project.
var denoVerbs = []string{"run", "serve", "task"}

// startBuilders compile or fetch when they start, into the project's folder or their
// own caches, which belong to root after a RUN of theirs.
var startBuilders = words(`mvn mvnw gradle gradlew sbt lein clj clojure cargo go make cmake stack cabal swift bazel ant`)

// buildsAtStart tells that what starts is a build tool, which writes; "" when it isn't.
func buildsAtStart(base string, words []string) string {
	at := slices.IndexFunc(words, func(w string) bool { return path.Base(w) == base })
	if startBuilders[base] || base == "dotnet" && at >= 0 && at+1 < len(words) && (words[at+1] == "run" || words[at+1] == "watch") {
		return base + " builds when the container starts, into folders that root has made"
	}
	return ""
}

// notOurs tells why what an interpreter or a server is started with isn't the project's:
// no COPY brings it, so a RUN has fetched it. "" when it is, or may be.
func notOurs(p *rewrite.Pass, s *rewrite.Stage, base string, words []string) string {
	at := slices.IndexFunc(words, func(w string) bool { return path.Base(w) == base })
	if !bringsCode(p, s) {
		return "nothing of the project's code is copied to the image; drydock can't see what " + base + " does there"
	}
	file, jar := "", false
	for i := at + 1; at >= 0 && i < len(words) && file == ""; i++ {
		switch w := words[i]; {
		case w == "-jar" && base == "java":
			jar = true // options may stand behind it too
		case jar && !strings.HasPrefix(w, "-"):
			file = w
		case w == "-m", w == "-c", w == "-e", w == "-p":
			return ""
		case strings.HasPrefix(w, "-"):
		case base == "node" && path.Ext(w) != "" || pythonName().MatchString(base) && strings.HasSuffix(w, ".py") || base == "dotnet" && strings.HasSuffix(w, ".dll"):
			file = w
		case base == "java":
		default:
			return ""
		}
	}
	abs, ok := s.At(nil).Abs(file)
	if file == "" || !ok {
		return ""
	}
	for t := s; t != nil; t = t.Parent() {
		for _, in := range t.Instructions {
			_, dest, _, copies := in.Copy()
			to, ok := t.At(in).Abs(t.At(in).Expand(dest))
			if copies && (!ok || rewrite.Inside(abs, to)) || in.Keyword == "run" && compiles().MatchString(in.Text) {
				return ""
			}
		}
	}
	return "drydock can't see what " + file + " does: no COPY brings it"
}

// manifest: files that tell what to install, and hold no code.
var manifest = lazily(`^(requirements\S*\.(txt|in)|constraints\S*\.txt|Pipfile(\.lock)?|poetry\.lock|uv\.lock|package(-lock)?\*?\.json|yarn\.lock\*?|pnpm-lock\.yaml|bun\.lockb?|Gemfile(\.lock|\*)?|go\.(mod|sum|\*)|environment\.ya?ml)$`)

// bringsCode reports whether the stage, or one that it copies from, takes more of the
// build context than manifests.
func bringsCode(p *rewrite.Pass, s *rewrite.Stage) bool {
	for t := s; t != nil; t = t.Parent() {
		for _, in := range t.Instructions {
			context := in.ContextSources()
			_, _, from, copies := in.Copy()
			switch {
			case slices.ContainsFunc(context, func(c string) bool { return !manifest().MatchString(path.Base(c)) }):
				return true
			case !copies || len(context) > 0:
			case from == "": // a text in the file, or an address
				return true
			default:
				if other := p.Doc.StageByRef(from, t.Index); other == nil || bringsCode(p, other) {
					return true
				}
			}
		}
	}
	return false
}

// startsShell reports whether ENTRYPOINT or CMD is a shell that waits for input.
func startsShell(s *rewrite.Stage) bool {
	if entry := startsBy(s); entry.Keyword == "entrypoint" && bareShell(entry) {
		return true
	}
	for ; s != nil; s = s.Parent() {
		for _, in := range slices.Backward(s.Instructions) {
			if in.Keyword == "cmd" {
				return bareShell(in)
			}
		}
	}
	return false
}

func startWords(in *rewrite.Instruction) []string {
	return strings.FieldsFunc(in.Args.Text, func(r rune) bool { return strings.ContainsRune(` ",[]`, r) })
}

func bareShell(in *rewrite.Instruction) bool {
	words := startWords(in)
	if len(words) > 0 && words[0] == "exec" && !in.JSON {
		words = words[1:]
	}
	return len(words) > 0 && rewrite.PosixShell(words[0]) &&
		!slices.ContainsFunc(words[1:], func(w string) bool { return w != "-l" && w != "-i" && w != "--login" })
}

// ranByShell is the absolute path of the script that a shell is started with:
// it may be no script of the project.
func ranByShell(in *rewrite.Instruction) string {
	words := startWords(in)
	if len(words) == 0 || !rewrite.PosixShell(words[0]) {
		return ""
	}
	for _, w := range words[1:] {
		switch {
		case strings.HasPrefix(w, "/"):
			return w
		case !strings.HasPrefix(w, "-") || strings.Contains(w, "c"):
			return ""
		}
	}
	return ""
}

// program is the first word of what an ENTRYPOINT or CMD starts.
func program(start *rewrite.Instruction) string {
	if start.JSON {
		var list []string
		if json.Unmarshal([]byte(start.Args.Text), &list) != nil || len(list) == 0 {
			return ""
		}
		return list[0]
	}
	sh, why := start.Shell()
	if why != "" {
		return ""
	}
	for _, c := range sh.Commands() {
		if len(c.Args) > 1 && c.Name == "exec" {
			return c.Args[1]
		}
		if len(c.Args) > 0 && !builtins[c.Name] {
			return c.Args[0]
		}
	}
	return ""
}

var compiles = lazily(`\b(go (build|install)|cargo (build|install)|mvn|mvnw|gradle|gradlew|dotnet publish|npm run|yarn build|gcc|make|cmake|stack build|swift build|mix (do [^&|;]*)?release|tsc|pnpm( run)? build|npx|webpack|esbuild)\b|\bg\+\+ `)

// builtAs reports whether the stage, or one that it copies programs from,
// compiles source of the project: behind the COPY that brings it, and for a program
// that is found by PATH (named is false) with an install.
func builtAs(p *rewrite.Pass, s *rewrite.Stage, base string, named bool) bool {
	source, build := false, false
	for _, in := range s.Instructions {
		if in.Keyword == "run" && strings.Contains(in.Text, "git clone") {
			return false // what is built may be another's
		}
		source = source || len(in.ContextSources()) > 0
		build = build || source && in.Keyword == "run" && compiles().MatchString(in.Text) && (named || strings.Contains(in.Text, "install"))
		sources, dest, from, ok := in.Copy()
		if !ok || from == "" {
			continue
		}
		holds := path.Base(dest) == base || strings.HasSuffix(dest, "/") || slices.ContainsFunc(sources, func(x string) bool { return path.Base(x) == base }) || !strings.Contains(path.Base(dest), ".")
		if t := p.Doc.StageByRef(from, s.Index); t != nil && holds && builtAs(p, t, base, true) {
			return true
		}
	}
	return build
}
