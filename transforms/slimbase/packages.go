package slimbase

import (
	"path"
	"strings"

	"drydock/repo"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/javascript"
	"drydock/transforms/multistage/python"
	"drydock/transforms/multistage/split"
)

// What the packages that another stage installs need of the full image. Which
// manifests that stage reads is not asked: one that names a package with such
// needs speaks against the small image wherever it lies.

var (
	pythonManifest = lazily(`^(.*requirements.*\.(txt|in)|constraints.*\.txt|pyproject\.toml|poetry\.lock|uv\.lock|pdm\.lock|Pipfile(\.lock)?|setup\.(py|cfg)|environment\.ya?ml)$`)
	packageToken   = lazily(`(?i)[a-z][a-z0-9]*([-_.]+[a-z0-9]+)*`)
)

// PythonPackages names a package that needs what the slim image hasn't.
func PythonPackages(s *split.Split) string {
	if !s.Pass.Unsafe {
		return ""
	}
	py := &python.App{Split: s, Files: map[string]bool{}, Manifests: map[string]bool{}}
	files, complete := s.Pass.Repo.Files()
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
				if why := py.Needs(p); why != "" {
					return why
				}
			}
		}
		return ""
	}
	for _, f := range files {
		if pythonManifest().MatchString(path.Base(f)) {
			src, err := s.Pass.Repo.ReadFile(f)
			if err != nil || len(src) > repo.MaxScanBytes {
				return f + ", which names the packages, can't be read"
			}
			if why := look(f, string(src)); why != "" {
				return why
			}
		}
	}
	for _, o := range s.Doc.Stages[:s.Stage.Index] {
		for _, in := range o.Instructions {
			if in.Keyword != "run" || !split.Names(o, words("pip pip3 uv poetry pipenv"), "run") {
				continue
			}
			for _, l := range strings.Split(in.Text, "&&") {
				if !strings.Contains(l, "pip") && !strings.Contains(l, "uv ") && !strings.Contains(l, "poetry") {
					continue
				}
				if why := look("", l); why != "" {
					return "line " + cmdline.LineOf(in) + ": " + why
				}
			}
		}
	}
	return ""
}

// NodePackages names a dependency that needs what the slim image hasn't.
func NodePackages(s *split.Split) string {
	if s.Variant != nil && strings.Contains(s.Doc.Src, "/etc/ssl") || s.Variant != nil && strings.Contains(s.Doc.Src, "use-openssl-ca") {
		return "the file names the system's CA certificates, which node's slim image hasn't"
	}
	if !s.Pass.Unsafe {
		return ""
	}
	files, complete := s.Pass.Repo.Files()
	if !complete {
		return "the project is too big to be searched for its packages"
	}
	for _, f := range files {
		if path.Base(f) != "package.json" {
			continue
		}
		n := s.Pass.Repo.Node(path.Dir(f))
		if n == nil || n.Err != nil {
			return f + " can't be read"
		}
		if why := javascript.NodeNeeds(s, n); why != "" {
			return f + ": " + why
		}
	}
	return ""
}

// absentManifest names a list of packages that a COPY brings and the build context here
// hasn't, as where it lies in a Git submodule: then nothing tells what the image holds.
func absentManifest(s *split.Split) string {
	for _, o := range s.Doc.Stages[:s.Stage.Index+1] {
		for _, in := range o.Instructions {
			for _, src := range in.ContextSources() {
				name := path.Base(src)
				if (name == "package.json" || name == "Gemfile" || pythonManifest().MatchString(name)) && !strings.ContainsAny(src, "$*?[") && !s.Pass.Repo.Exists(src) {
					return "line " + cmdline.LineOf(in) + " copies " + src + ", which the build context here doesn't hold, so which packages the image has isn't known"
				}
			}
		}
	}
	return ""
}
