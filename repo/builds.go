package repo

import (
	"path"
	"slices"
	"strings"
)

// Build is one service or target that builds an image, as a compose or bake
// file describes it.
type Build struct {
	File       string // context-relative
	Line       int    // 1-based line of the service or target
	Service    string
	Context    string // relative to this context's root ("../x" is outside); absolute paths and URLs as written
	Dockerfile string // relative to this context's root, like Context; "" for an inline Dockerfile
	Target     string // "" when the last stage is built; "${X}" stays when X has no default
	Args       []string
	Values     map[string]string // of those Args whose value stands in the file
	Contexts   []string          // names of additional build contexts; one with "${" is computed
	User       string
	WorkingDir string
	Ports      []string // as in the short syntax
	Volumes    []string // as in the short syntax; "source:target"
	Command    []string
	Entrypoint []string
	// Healthcheck is the test: "NONE", "CMD" or "CMD-SHELL" and its words.
	Healthcheck []string
	ReadOnly    bool
	Privileged  bool
	CapAdd      []string
	NetworkMode string
	Devices     []string
	Watch       []string // paths of develop.watch, relative to this context's root
	Err         string   // why the file could not be read in full; then the rest may be empty

	image string
	built bool // it has a build section of its own
}

var (
	composeName = lazy(`^(docker-)?compose[\w.-]*\.ya?ml$`)
	bakeName    = lazy(`^docker-bake[\w.-]*\.(json|hcl)$`)
)

// Builds returns what the compose files (compose*.y*ml, docker-compose*.y*ml)
// and bake files (docker-bake*.json, docker-bake*.hcl) down to three folders
// deep build, sorted by file and line. A service without a build section is
// among them when another compose file of the same folder builds a service of
// the same name, or a service of the same image: its command and user then
// apply to the image too. A file that cannot be read gives one Build with Err.
//
// Paths are resolved against the folder of the file, as compose does; bake
// resolves against the folder it is called in, which is taken to be the same.
// Variables take their default ("${X:-y}" is "y"); without one they stay.
//
// Sources: https://docs.docker.com/reference/compose-file/build/ and
// https://docs.docker.com/build/bake/reference/
func (r *Repo) Builds() []Build {
	return r.facts.builds.get(struct{}{}, func() []Build {
		var out []Build
		composed := map[string][]Build{} // by folder
		for _, file := range r.shallowFiles() {
			name := path.Base(file)
			compose := composeName.MatchString(name)
			if !compose && !bakeName.MatchString(name) {
				continue
			}
			src, err := r.ReadFile(file)
			switch {
			case err != nil:
				out = append(out, Build{File: file, Err: "it cannot be read"})
			case compose:
				dir := path.Dir(file)
				composed[dir] = append(composed[dir], readCompose(file, src)...)
			case path.Ext(name) == ".json":
				out = append(out, readBakeJSON(file, src)...)
			default:
				out = append(out, readBakeHCL(file, src)...)
			}
		}
		for _, builds := range composed {
			out = append(out, shareBuilds(builds)...)
		}
		slices.SortFunc(out, func(a, b Build) int {
			if c := strings.Compare(a.File, b.File); c != 0 {
				return c
			}
			if a.Line != b.Line {
				return a.Line - b.Line
			}
			return strings.Compare(a.Service, b.Service)
		})
		return out
	})
}

// shareBuilds keeps the services of one folder's compose files that run an
// image which one of them builds.
func shareBuilds(in []Build) (out []Build) {
	byName, byImage := map[string]Build{}, map[string]Build{}
	for _, b := range in {
		if !b.built {
			continue
		}
		if _, ok := byName[b.Service]; !ok {
			byName[b.Service] = b
		}
		if _, ok := byImage[b.image]; !ok && b.image != "" {
			byImage[b.image] = b
		}
	}
	for _, b := range in {
		if !b.built && b.Err == "" {
			from, ok := byName[b.Service]
			if !ok {
				from, ok = byImage[b.image]
			}
			if !ok {
				continue
			}
			b.Context, b.Dockerfile, b.Target, b.Args, b.Contexts = from.Context, from.Dockerfile, from.Target, from.Args, from.Contexts
		}
		out = append(out, b)
	}
	return out
}

// resolveBuild sets Context and Dockerfile as seen from the context's root.
func (b *Build) resolveBuild(context, dockerfile string, inline bool) {
	b.built = true
	if context == "" {
		context = "."
	}
	if remote(context) || path.IsAbs(context) {
		b.Context = context
	} else {
		b.Context = join(path.Dir(b.File), context)
	}
	if inline {
		return
	}
	if dockerfile == "" {
		dockerfile = "Dockerfile"
	}
	if path.IsAbs(dockerfile) || remote(b.Context) {
		b.Dockerfile = dockerfile
	} else {
		b.Dockerfile = join(b.Context, dockerfile)
	}
}

// remote: what docker build takes for a URL or a context of another target.
func remote(context string) bool {
	for _, p := range []string{"http://", "https://", "git://", "git@", "ssh://", "github.com/", "target:", "docker-image://", "oci-layout://", "service:"} {
		if strings.HasPrefix(context, p) {
			return true
		}
	}
	return false
}

var (
	withDefault = lazy(`\$\{[A-Za-z_]\w*:?-([^${}]*)\}`)
	withAlt     = lazy(`\$\{[A-Za-z_]\w*:?\+[^${}]*\}`)
)

// defaults replaces variables by their defaults, inner ones first, and "$$" by
// "$" (https://docs.docker.com/reference/compose-file/interpolation/).
func defaults(s string) string {
	if !strings.Contains(s, "$") {
		return s
	}
	parts := strings.Split(s, "$$")
	for i, p := range parts {
		for range 10 {
			next := withAlt.ReplaceAllString(withDefault.ReplaceAllString(p, "$1"), "")
			if next == p {
				break
			}
			p = next
		}
		parts[i] = p
	}
	return strings.Join(parts, "$")
}
