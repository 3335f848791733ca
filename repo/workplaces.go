package repo

import (
	"path"
	"strings"
)

// The kinds of Workplace.
const (
	WorkplaceShell  = "shell"  // people or jobs work in the container: they use whatever it holds
	WorkplaceSync   = "sync"   // files are sent into the running container, and commands run there
	WorkplaceAction = "action" // GitHub runs the image as an action, as root and in its own folder
)

// Workplace is a file that makes an image a place to work in, so that more of it is
// used than its start command tells.
type Workplace struct {
	File       string // context-relative
	Line       int    // 1-based
	Kind       string
	Dockerfile string // context-relative; "" where the file doesn't name one
	Target     string // the stage that is built; "" the last
}

var (
	devDockerfile    = lazy(`"docker[fF]ile"\s*:\s*"([^"]+)"`)
	devTarget        = lazy(`"build"\s*:\s*\{(?:[^{}]|\{[^{}]*\})*?"target"\s*:\s*"([^"]+)"`) // mounts have a target too
	gitpodFile       = lazy(`(?m)^\s+file:\s*["']?([^\s"']+)`)
	jenkinsAgent     = lazy(`agent\s*\{\s*dockerfile\b(?:\s*\{([^}]*)\})?`)
	jenkinsFile      = lazy(`\bfilename\s+["']([^"']+)`)
	tiltUpdate       = lazy(`\blive_update\s*=`)
	skaffoldSync     = lazy(`(?m)^\s+sync:`)
	gitlabJob        = lazy(`(?m)^\s+(?:image|name):\s*["']?\$\{?CI_REGISTRY_IMAGE\b`)
	githubJob        = lazy(`(?m)^\s+container:(?:\s*\n\s+image:)?\s*["']?\S*\$\{\{\s*github\.repository\b`)
	actionDockerfile = lazy(`(?m)^\s+image:\s*["']?([^\s"']*Dockerfile[\w.-]*)`)
)

// Workplaces returns the files in the context that make an image built from it a place
// to work in: dev containers, Gitpod, Jenkins' dockerfile agents, jobs of GitLab and GitHub in the project's own image, live updates of Tilt,
// file sync of Skaffold, and Docker actions of GitHub.
//
// Source: https://containers.dev/implementors/json_reference/,
// https://www.jenkins.io/doc/book/pipeline/syntax/#agent,
// https://docs.tilt.dev/live_update_reference.html,
// https://docs.github.com/en/actions/reference/workflows-and-actions/dockerfile-support
func (r *Repo) Workplaces() []Workplace {
	return r.facts.workplaces.get(struct{}{}, func() (out []Workplace) {
		look := func(file string, f func(src string) []Workplace) {
			if src, err := r.ReadFile(file); err == nil && len(src) < MaxScanBytes {
				for _, w := range f(string(src)) {
					w.File = file
					out = append(out, w)
				}
			}
		}
		dev := []string{".devcontainer.json", ".devcontainer/devcontainer.json"}
		for _, e := range r.ReadDir(".devcontainer") {
			if e.IsDir() {
				dev = append(dev, path.Join(".devcontainer", e.Name(), "devcontainer.json"))
			}
		}
		for _, file := range dev {
			look(file, func(src string) []Workplace {
				m := devDockerfile.FindAllStringSubmatchIndex(src, 1)
				if m == nil {
					return nil
				}
				w := Workplace{Line: strings.Count(src[:m[0][0]], "\n") + 1, Kind: WorkplaceShell, Dockerfile: path.Join(path.Dir(file), src[m[0][2]:m[0][3]])}
				if t := devTarget.FindStringSubmatch(src); t != nil {
					w.Target = t[1]
				}
				return []Workplace{w}
			})
		}
		one := func(kind, src string, re *lazyRegexp, dockerfile func(string) string) []Workplace {
			m := re.FindAllStringSubmatchIndex(src, 1)
			if m == nil {
				return nil
			}
			group := ""
			if len(m[0]) > 3 && m[0][2] >= 0 {
				group = src[m[0][2]:m[0][3]]
			}
			return []Workplace{{Line: strings.Count(src[:m[0][0]], "\n") + 1, Kind: kind, Dockerfile: dockerfile(group)}}
		}
		none := func(string) string { return "" }
		look(".gitpod.yml", func(src string) []Workplace { return one(WorkplaceShell, src, gitpodFile, path.Clean) })
		look("Jenkinsfile", func(src string) []Workplace {
			return one(WorkplaceShell, src, jenkinsAgent, func(body string) string {
				if m := jenkinsFile.FindStringSubmatch(body); m != nil {
					return m[1]
				}
				return "Dockerfile"
			})
		})
		look(".gitlab-ci.yml", func(src string) []Workplace { return one(WorkplaceShell, src, gitlabJob, none) })
		for _, e := range r.ReadDir(".github/workflows") {
			look(path.Join(".github/workflows", e.Name()), func(src string) []Workplace { return one(WorkplaceShell, src, githubJob, none) })
		}
		look("Tiltfile", func(src string) []Workplace { return one(WorkplaceSync, src, tiltUpdate, none) })
		look("skaffold.yaml", func(src string) []Workplace { return one(WorkplaceSync, src, skaffoldSync, none) })
		for _, file := range []string{"action.yml", "action.yaml"} {
			look(file, func(src string) []Workplace { return one(WorkplaceAction, src, actionDockerfile, path.Clean) })
		}
		return out
	})
}
