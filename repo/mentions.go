package repo

import (
	"path"
	"slices"
	"strings"
)

// The kinds of Mention.
const (
	MentionTarget  = "target"  // a stage that is built
	MentionArg     = "arg"     // a build argument that is given
	MentionContext = "context" // a build context that is given a name
)

// Mention is a place outside the Dockerfile that names one of its stages or
// build arguments, or gives the build a context by name.
type Mention struct {
	File string // context-relative
	Line int    // 1-based
	Kind string
	Name string // as written; one that starts with "$" is computed and may be any
}

var (
	ciRoot = lazy(`(?i)^(\.gitlab-ci.*\.ya?ml|(gnu)?makefile.*|.*\.mk|.*\.(sh|bash)|jenkinsfile.*|azure-pipelines.*\.ya?ml|` +
		`skaffold.*\.ya?ml|cloudbuild.*\.ya?ml|buildspec.*\.ya?ml|bitbucket-pipelines\.yml|\.travis\.yml|\.drone\.ya?ml|\.woodpecker.*\.ya?ml|` +
		`\.?appveyor\.yml|\.cirrus\.yml|taskfile.*\.ya?ml|\.?justfile|tiltfile|fly.*\.toml|heroku\.yml|package\.json|garden\.ya?ml|` +
		`devcontainer\.json|\.goreleaser\.ya?ml|tasks\.py|noxfile\.py|rakefile|werf\.yaml|copilot.*\.yml|task-?def[\w.-]*\.json|ecs[\w.-]*\.json|render\.yaml|railway\.(json|toml))$`)
	ciAny = lazy(`(?i)(\.(sh|bash|ya?ml|mk|json|py|groovy)|^(makefile|jenkinsfile)[^/]*)$`)
)

// ciDirs are folders whose files (one level) are looked through.
var ciDirs = []string{
	".github/workflows", ".gitlab", ".gitlab/ci", ".circleci", ".azure-pipelines", ".azuredevops", ".buildkite", ".woodpecker",
	".devcontainer", "scripts", "script", "ci", ".ci", "hack", "build", "bin", "tools", "docker", "deploy", "dev", "make", "jenkins",
}

const maxMentions = 10_000

// Mentions returns the stage names, build arguments and named contexts that CI
// files, Makefiles, scripts and the like pass to a build, in the order of files
// and lines. It looks for the spellings --target NAME, target: NAME, --build-arg
// NAME, build-args:, --build-context NAME= and build-contexts: in the files CI keeps in the context's root and in the
// usual folders below it, and it errs towards seeing too many. Compose and
// bake files are in Builds. CI files above the context are not seen.
func (r *Repo) Mentions() []Mention {
	return r.facts.mentions.get(struct{}{}, func() []Mention {
		var out []Mention
		r.ciFiles(func(file string, src []byte) bool {
			out = append(out, mentions(file, lines(src))...)
			return len(out) <= maxMentions
		})
		slices.SortStableFunc(out, func(a, b Mention) int { return strings.Compare(a.File, b.File) })
		return out
	})
}

// ciFiles calls f with the CI files, Makefiles, scripts and the like that lie in
// the context's root and in the usual folders, until it returns false; compose
// and bake files are not among them.
func (r *Repo) ciFiles(f func(file string, src []byte) (more bool)) {
	more := true
	scan := func(dir string, want *lazyRegexp) {
		for _, e := range r.ReadDir(dir) {
			file := path.Join(dir, e.Name())
			if !more || e.IsDir() || !want.MatchString(e.Name()) || composeName.MatchString(e.Name()) || bakeName.MatchString(e.Name()) {
				continue
			}
			if src, err := r.ReadFile(file); err == nil {
				more = f(file, src)
			}
		}
	}
	scan(".", ciRoot)
	for _, dir := range ciDirs {
		scan(dir, ciAny)
	}
	for _, e := range r.ReadDir(".github/actions") {
		scan(path.Join(".github/actions", e.Name()), ciAny)
	}
}

const mentionName = `(\$\{\{.*?\}\}|\$\([^)]*\)|\$\{[^}]*\}|[^\s"'` + "`" + `,;|&)\]}\\]+)`

var (
	// The separators allow for arrays of words: ["--target", "dev"].
	targetFlag = lazy(`--target(?:=|["']?\s*,\s*|\s+)["']?` + mentionName)
	argFlag    = lazy(`(?:--build-arg(?:=|["']?\s*,\s*|\s+)|--opt(?:=|\s+)["']?build-arg:)["']?(\$?[A-Za-z_{(][^\s"'=,\\]*)`)
	optTarget  = lazy(`--opt(?:=|\s+)["']?target=` + mentionName)
	targetKey  = lazy(`^\s*(?:-\s+)?["']?(?:build-|build_)?target["']?\s*[:=]\s*(.*)$`)
	argsKey    = lazy(`^(\s*)(?:-\s+)?["']?(?:build[-_]?args|buildArgs|args|docker_build_args)["']?\s*[:=]\s*(.*)$|^(\s*)\[build\.args\]`)
	argItem    = lazy(`^\s*(?:-\s+)?["']?([A-Za-z_]\w*)["']?\s*(?:[:=]|$)`)
	argInline  = lazy(`["']?([A-Za-z_]\w*)["']?\s*[:=]`)
	listItem   = lazy(`^\s*-\s+["']?` + mentionName)
	wordItem   = lazy(mentionName)
	// docker buildx build --build-context NAME=…; docker/build-push-action build-contexts.
	contextFlag = lazy(`--build-context(?:=|["']?\s*,\s*|\s+)["']?(\$\{\{.*?\}\}|[^\s"'=,\\]+)`)
	contextsKey = lazy(`^(\s*)(?:-\s+)?["']?build-contexts["']?\s*:\s*(.*)$`)
	contextItem = lazy(`^\s*(?:-\s+)?["']?([^\s"'=]+)=`)
	jsonTarget  = lazy(`[{,]\s*"target"\s*:\s*"([^"]+)"`)
	jsonArgs    = lazy(`[{,]\s*"args"\s*:\s*\{([^{}]*)\}`)
	tomlTable   = lazy(`^\s*\[`)
)

// mentions scans the lines of one file.
func mentions(file string, ls []string) (out []Mention) {
	add := func(line int, kind, name string) {
		if name != "" && len(out) < maxMentions {
			out = append(out, Mention{file, line + 1, kind, name})
		}
	}
	for i, l := range ls {
		if len(l) > 10_000 {
			l = l[:10_000]
		}
		if strings.HasPrefix(strings.TrimSpace(l), "#") {
			continue
		}
		for _, re := range []*lazyRegexp{targetFlag, optTarget} {
			for _, m := range re.FindAllStringSubmatch(l, -1) {
				add(i, MentionTarget, m[1])
			}
		}
		for _, m := range argFlag.FindAllStringSubmatch(l, -1) {
			add(i, MentionArg, m[1])
		}
		if strings.Contains(l, "build-context") {
			for _, m := range contextFlag.FindAllStringSubmatch(l, -1) {
				add(i, MentionContext, m[1])
			}
			if m := contextsKey.FindStringSubmatch(l); m != nil {
				out = append(out, contextBlock(file, ls, i, m)...)
			}
		}
		if strings.HasSuffix(file, ".json") {
			for _, m := range jsonTarget.FindAllStringSubmatch(l, -1) {
				add(i, MentionTarget, m[1])
			}
			for _, m := range jsonArgs.FindAllStringSubmatch(l, -1) {
				for _, name := range argInline.FindAllStringSubmatch(m[1], -1) {
					add(i, MentionArg, name[1])
				}
			}
		}
		if m := targetKey.FindStringSubmatch(l); m != nil {
			value, _, _ := strings.Cut(m[1], " #")
			value = strings.TrimSpace(value)
			switch {
			case value == "":
				for j := i + 1; j < len(ls); j++ {
					item := listItem.FindStringSubmatch(ls[j])
					if item == nil {
						break
					}
					add(j, MentionTarget, item[1])
				}
			case strings.HasPrefix(value, "["):
				for _, w := range wordItem.FindAllStringSubmatch(strings.Trim(value, "[]"), -1) {
					add(i, MentionTarget, w[1])
				}
			default:
				if w := wordItem.FindStringSubmatch(value); w != nil {
					add(i, MentionTarget, w[1])
				}
			}
		}
		if m := argsKey.FindStringSubmatch(l); m != nil {
			out = append(out, argBlock(file, ls, i, m)...)
		}
	}
	return out
}

// argBlock reads what follows build-args: on its own line, or indented below,
// as "NAME=value" lines, "NAME: value" pairs or list items.
func argBlock(file string, ls []string, at int, m []string) (out []Mention) {
	value := strings.TrimSpace(m[2])
	if value != "" && !strings.HasPrefix(value, "|") && !strings.HasPrefix(value, ">") && value != "{" && value != "[" {
		for _, name := range argInline.FindAllStringSubmatch(value, -1) {
			out = append(out, Mention{file, at + 1, MentionArg, name[1]})
		}
		return out
	}
	indent := len(m[1]) + len(m[3])
	table := strings.Contains(ls[at], "[build.args]")
	for j := at + 1; j < len(ls) && len(out) < maxMentions; j++ {
		l := ls[j]
		t := strings.TrimSpace(l)
		if t == "" || strings.HasPrefix(t, "#") {
			continue
		}
		deep := len(l) - len(strings.TrimLeft(l, " \t"))
		if (!table && deep < indent) || (!table && deep == indent && !strings.HasPrefix(t, "- ")) || (table && tomlTable.MatchString(l)) {
			break
		}
		if item := argItem.FindStringSubmatch(l); item != nil {
			out = append(out, Mention{file, j + 1, MentionArg, item[1]})
		}
	}
	return out
}

// contextBlock reads what follows build-contexts: on its own line, or indented
// below, as NAME=… lines.
func contextBlock(file string, ls []string, at int, m []string) (out []Mention) {
	if value := strings.TrimSpace(m[2]); value != "" && !strings.HasPrefix(value, "|") && !strings.HasPrefix(value, ">") {
		if item := contextItem.FindStringSubmatch(value); item != nil {
			out = append(out, Mention{file, at + 1, MentionContext, item[1]})
		}
		return out
	}
	indent := len(m[1])
	for j := at + 1; j < len(ls) && len(out) < maxMentions; j++ {
		if strings.TrimSpace(ls[j]) == "" {
			continue
		}
		if len(ls[j])-len(strings.TrimLeft(ls[j], " \t")) <= indent {
			break
		}
		if item := contextItem.FindStringSubmatch(ls[j]); item != nil {
			out = append(out, Mention{file, j + 1, MentionContext, item[1]})
		}
	}
	return out
}
