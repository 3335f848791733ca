package multistage

import (
	"path"
	"strings"

	"drydock/repo"
)

// What the packages that another stage installs need of the full image. Which
// manifests that stage reads is not asked: one that names a package with such
// needs speaks against the small image wherever it lies.

var (
	pythonManifest = lazily(`^(.*requirements.*\.(txt|in)|constraints.*\.txt|pyproject\.toml|poetry\.lock|uv\.lock|pdm\.lock|Pipfile(\.lock)?|setup\.(py|cfg)|environment\.ya?ml)$`)
	packageToken   = lazily(`(?i)[a-z][a-z0-9]*([-_.]+[a-z0-9]+)*`)
)

// pythonPackages names a package that needs what the slim image hasn't.
func (s *split) pythonPackages() string {
	if !s.p.Unsafe {
		return ""
	}
	py := &pythonSplit{split: s, files: map[string]bool{}, manifests: map[string]bool{}}
	files, complete := s.p.Repo.Files()
	if !complete {
		return "the project is too big to be searched for its packages"
	}
	look := func(file, text string) string {
		for n, l := range strings.Split(text, "\n") {
			l, _, _ = strings.Cut(l, "#")
			for _, at := range packageToken().FindAllStringIndex(l, -1) {
				p := repo.Package{Name: strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(l[at[0]:at[1]])), Spec: l[at[1]:], File: file, Line: n + 1}
				if extras, ok := strings.CutPrefix(p.Spec, "["); ok {
					list, _, _ := strings.Cut(extras, "]")
					p.Extras = strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
				}
				if why := py.needs(p); why != "" {
					return why
				}
			}
		}
		return ""
	}
	for _, f := range files {
		if pythonManifest().MatchString(path.Base(f)) {
			src, err := s.p.Repo.ReadFile(f)
			if err != nil || len(src) > repo.MaxScanBytes {
				return f + ", which names the packages, can't be read"
			}
			if why := look(f, string(src)); why != "" {
				return why
			}
		}
	}
	for _, o := range s.doc.Stages[:s.stage.Index] {
		for _, in := range o.Instructions {
			if in.Keyword != "run" || !names(o, words("pip pip3 uv poetry pipenv"), "run") {
				continue
			}
			for _, l := range strings.Split(in.Text, "&&") {
				if !strings.Contains(l, "pip") && !strings.Contains(l, "uv ") && !strings.Contains(l, "poetry") {
					continue
				}
				if why := look("", l); why != "" {
					return "line " + lineOf(in) + ": " + why
				}
			}
		}
	}
	return ""
}

// nodePackages names a dependency that needs what the slim image hasn't.
func (s *split) nodePackages() string {
	if s.variant != nil && strings.Contains(s.doc.Src, "/etc/ssl") || s.variant != nil && strings.Contains(s.doc.Src, "use-openssl-ca") {
		return "the file names the system's CA certificates, which node's slim image hasn't"
	}
	if !s.p.Unsafe {
		return ""
	}
	files, complete := s.p.Repo.Files()
	if !complete {
		return "the project is too big to be searched for its packages"
	}
	for _, f := range files {
		if path.Base(f) != "package.json" {
			continue
		}
		n := s.p.Repo.Node(path.Dir(f))
		if n == nil || n.Err != nil {
			return f + " can't be read"
		}
		if why := s.nodeNeeds(n); why != "" {
			return f + ": " + why
		}
	}
	return ""
}

// absentManifest names a list of packages that a COPY brings and the build context here
// hasn't, as where it lies in a Git submodule: then nothing tells what the image holds.
func (s *split) absentManifest() string {
	for _, o := range s.doc.Stages[:s.stage.Index+1] {
		for _, in := range o.Instructions {
			for _, src := range in.ContextSources() {
				name := path.Base(src)
				if (name == "package.json" || name == "Gemfile" || pythonManifest().MatchString(name)) && !strings.ContainsAny(src, "$*?[") && !s.p.Repo.Exists(src) {
					return "line " + lineOf(in) + " copies " + src + ", which the build context here doesn't hold, so which packages the image has isn't known"
				}
			}
		}
	}
	return ""
}
