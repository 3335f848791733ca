package transforms

// What the project says about the version of an image.

import (
	"path"
	"slices"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
)

// wanted is what the project says about the version of a place's image: the
// manifests in the folders that the stage copies from the build context, where
// they agree, else those at the context's root.
func wanted(p *rewrite.Pass, at *imagePlace) images.Want {
	language := repo.LanguageOf(at.Ref.Official())
	if language == "" || !p.Repo.Known() {
		return images.Want{}
	}
	var said []repo.Version
	for _, dir := range foldersOf(p, at.Stage) {
		if v := p.Repo.Asked(language, dir); v.File != "" && !slices.ContainsFunc(said, func(o repo.Version) bool { return o.Value == v.Value && o.Constraint == v.Constraint }) {
			said = append(said, v)
		}
	}
	if len(said) != 1 {
		said = []repo.Version{p.Repo.Asked(language, ".")}
	}
	return images.Want{Version: said[0].Value, Constraint: said[0].Constraint, Source: said[0].File}
}

// foldersOf are the folders of the build context that a stage, or one built on
// it, copies; where they copy none, those of the stages that they copy from.
func foldersOf(p *rewrite.Pass, s *rewrite.Stage) []string {
	var out []string
	seen := map[*rewrite.Stage]bool{}
	next := []*rewrite.Stage{s}
	for len(next) > 0 && len(out) == 0 {
		now := next
		next = nil
		for _, from := range p.Doc.Stages {
			if seen[from] || !slices.ContainsFunc(now, from.Descends) {
				continue
			}
			seen[from] = true
			for _, in := range from.Instructions {
				for _, src := range in.ContextSources() {
					if !p.Repo.IsDir(src) {
						src = path.Dir(src)
					}
					if !slices.Contains(out, src) {
						out = append(out, src)
					}
				}
				if _, _, name, _ := in.Copy(); name != "" {
					if o := p.Doc.StageByRef(name, -1); o != nil {
						next = append(next, o)
					}
				}
			}
		}
	}
	return out
}
