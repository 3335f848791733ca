package rewrite

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"drydock/images"
	"drydock/repo"
)

// Shipping lists the stages whose layers end in an image that someone runs:
// the final one, those that compose, bake or CI files name as target, and the
// stages they are built from.
func (p *Pass) Shipping() []*Stage {
	ship := map[*Stage]bool{}
	mark := func(s *Stage) {
		for ; s != nil; s = s.Parent() {
			ship[s] = true
		}
	}
	mark(p.Doc.Final())
	if len(p.Doc.Stages) > 1 {
		for _, t := range p.Targets() {
			mark(p.Doc.StageByRef(t, -1))
		}
	}
	var out []*Stage
	for _, s := range p.Doc.Stages {
		if ship[s] {
			out = append(out, s)
		}
	}
	return out
}

// Descends reports whether the stage is from, or is built from it.
func (s *Stage) Descends(from *Stage) bool {
	for ; s != nil; s = s.Parent() {
		if s == from {
			return true
		}
	}
	return false
}

// Services are the compose services and bake targets that run the image of a stage
// which the file builds.
func (p *Pass) Services(s *Stage) (out []repo.Build) {
	for _, b := range p.Repo.Builds() {
		switch {
		case b.Err != "", p.Name != "" && b.Dockerfile != "" && b.Dockerfile != p.Name:
		case b.Target == "" && s != p.Doc.Final():
		case b.Target != "" && !strings.Contains(b.Target, "$") && !strings.EqualFold(b.Target, s.Name) && b.Target != strconv.Itoa(s.Index):
		default:
			out = append(out, b)
		}
	}
	return out
}

// Containers are those of the Kubernetes manifests that may run an image of the
// file: a repository whose only Dockerfile this is runs it under a name that nobody
// can know, so all but the images of others count; where there are several, those
// that carry the name of the Dockerfile's folder.
func (p *Pass) Containers() []repo.Container {
	return slices.DeleteFunc(slices.Clone(p.Repo.Containers()), func(c repo.Container) bool { return !p.mayBe(c.Image) })
}

// Commands are the commands that CI files, Makefiles and scripts may run in a
// container of the file's image: those in an image that the project builds by that
// name, or whose name is computed or has no owner; in a compose service that is
// built from the file; in containers, where there is no other Dockerfile or the name
// is that of the Dockerfile's folder.
func (p *Pass) Commands() (out []repo.ContainerCommand) {
	names, folder := p.Repo.ImageNames(), path.Base(path.Dir(p.Name))
	for _, c := range p.Repo.ContainerCommands() {
		computed, ours := strings.Contains(c.In, "$"), len(p.Siblings) == 0 || strings.Contains(c.In, folder)
		switch {
		case computed:
			ours = len(p.Siblings) == 0
		case c.Image:
			name := c.In
			if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
				name = name[:at]
			}
			ours = ours && p.mayBe(c.In) && (names[name] || !strings.Contains(name, "/"))
		case c.Compose:
			builds := p.Repo.Builds()
			ours = len(builds) == 0 && ours || slices.ContainsFunc(builds, func(b repo.Build) bool {
				return b.Service == c.In && (p.Name == "" || b.Dockerfile == "" || b.Dockerfile == p.Name)
			})
		}
		if ours {
			out = append(out, c)
		}
	}
	return out
}

// Workplace is the first file of a kind that makes an image which holds the stage a
// place to work in (repo.WorkplaceShell and so on).
func (p *Pass) Workplace(s *Stage, kinds ...string) (w repo.Workplace, found bool) {
	for _, w := range p.Repo.Workplaces() {
		built := p.Doc.Final()
		if w.Target != "" {
			built = p.Doc.StageByRef(w.Target, -1)
		}
		switch {
		case !slices.Contains(kinds, w.Kind), built == nil, !built.Descends(s):
		case w.Dockerfile == "" && len(p.Siblings) > 0, w.Dockerfile != "" && p.Name != "" && w.Dockerfile != p.Name:
		default:
			return w, true
		}
	}
	return w, false
}

// mayBe: an image may be the one that the file builds.
func (p *Pass) mayBe(image string) bool {
	ref, err := images.ParseRef(image)
	if err != nil {
		return len(p.Siblings) == 0
	}
	if _, known := p.Images.Image(ref); known {
		return false
	}
	return len(p.Siblings) == 0 || path.Base(ref.Repository()) == path.Base(path.Dir(p.Name))
}

// Targets are the stage names that files of the project build.
func (p *Pass) Targets() []string {
	var out []string
	for _, b := range p.Repo.Builds() {
		if b.Target != "" {
			out = append(out, b.Target)
		}
	}
	for _, m := range p.Repo.Mentions() {
		if m.Kind == repo.MentionTarget {
			out = append(out, m.Name)
		}
	}
	return out
}
