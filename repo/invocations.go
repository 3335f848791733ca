package repo

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Invocations returns the builds that CI files, Makefiles and scripts start:
// `docker build`, `docker buildx build`, podman, nerdctl and buildah on a
// command line, and the action docker/build-push-action of GitHub. They are
// looked for in the same files as Mentions, in the order of files and lines.
// Only what is written out counts: a build whose context or Dockerfile holds a
// variable, is a URL or standard input is left out, and so is one whose
// Dockerfile isn't in the context. File, Line, Context and Dockerfile are set.
//
// Paths are resolved against the context's root, where CI starts, else against
// the folder of the file: the first in which the Dockerfile exists.
//
// Sources: https://docs.docker.com/reference/cli/docker/buildx/build/ and
// https://github.com/docker/build-push-action#inputs
func (r *Repo) Invocations() []Build {
	return r.facts.invocations.get(struct{}{}, func() []Build {
		var out []Build
		r.ciFiles(func(file string, src []byte) bool {
			if path.Ext(file) == ".yml" || path.Ext(file) == ".yaml" {
				out = append(out, r.buildActions(file, src)...)
			}
			out = append(out, r.buildCommands(file, lines(src))...)
			return len(out) < maxMentions
		})
		slices.SortStableFunc(out, func(a, b Build) int {
			if c := strings.Compare(a.File, b.File); c != 0 {
				return c
			}
			return a.Line - b.Line
		})
		return out
	})
}

// buildActions finds the steps of workflows that use docker/build-push-action.
func (r *Repo) buildActions(file string, src []byte) (out []Build) {
	if !strings.Contains(string(src), "build-push-action") {
		return nil
	}
	var doc yaml.Node
	if guard(func() error { return yaml.Unmarshal([]byte(text(src)), &doc) }) != nil {
		return nil
	}
	left := 20_000
	var visit func(n *yaml.Node, depth int)
	visit = func(n *yaml.Node, depth int) {
		if left--; n == nil || left < 0 || depth > 2*maxYAMLDepth {
			return
		}
		if n.Kind == yaml.MappingNode {
			if uses, _, _ := strings.Cut(scalar(get(n, "uses")), "@"); uses == "docker/build-push-action" {
				with := get(n, "with")
				context, dockerfile := scalar(get(with, "context")), scalar(get(with, "file"))
				// Without a context the action sends the repository, from the commit itself.
				if b, ok := r.invocation(file, n.Line, []string{"."}, context, dockerfile); ok {
					out = append(out, b)
				}
			}
		}
		for _, c := range n.Content {
			visit(c, depth+1)
		}
	}
	visit(&doc, 0)
	return out
}

// buildCommands finds build commands in the lines of a file, those continued
// with a backslash joined.
func (r *Repo) buildCommands(file string, ls []string) (out []Build) {
	for i := 0; i < len(ls); i++ {
		at, l := i, ls[i]
		for strings.HasSuffix(l, `\`) && i+1 < len(ls) && len(l) < 4096 {
			i++
			l = strings.TrimSuffix(l, `\`) + " " + strings.TrimSpace(ls[i])
		}
		if len(l) > 4096 || !strings.Contains(l, "build") || strings.HasPrefix(strings.TrimSpace(l), "#") {
			continue
		}
		out = append(out, r.commandsIn(file, at+1, l)...)
	}
	return out
}

// buildValues are the flags of docker build that stand apart from their value.
var buildValues = map[string]bool{
	"-f": true, "--file": true, "-t": true, "--tag": true, "--build-arg": true, "--target": true, "--platform": true, "--label": true,
	"--cache-from": true, "--cache-to": true, "-o": true, "--output": true, "--progress": true, "--secret": true, "--ssh": true, "--network": true,
	"--iidfile": true, "--metadata-file": true, "--build-context": true, "--builder": true, "--attest": true, "--annotation": true, "--allow": true,
	"-m": true, "--memory": true, "--shm-size": true, "--ulimit": true, "--add-host": true, "--isolation": true, "--cpuset-cpus": true, "--format": true,
	"--memory-swap": true, "-c": true, "--cpu-shares": true, "--cgroup-parent": true, "--no-cache-filter": true, "--sbom": true, "--provenance": true,
}

// commandsIn reads the build commands of one line.
func (r *Repo) commandsIn(file string, line int, l string) (out []Build) {
	words := strings.Fields(strings.NewReplacer("&&", " ; ", "||", " ; ", ";", " ; ", "|", " ; ", "(", " ; ", ")", " ; ").Replace(l))
	dir := "" // of a `cd` in front
	for i := 0; i < len(words); i++ {
		word := func(k int) string {
			if k < len(words) {
				return strings.Trim(words[k], `"'@`)
			}
			return ""
		}
		if word(i) == "cd" {
			dir = word(i + 1)
		}
		if w := path.Base(word(i)); w != "docker" && w != "podman" && w != "nerdctl" && w != "buildah" {
			continue
		}
		k := i + 1
		for word(k) == "buildx" || word(k) == "image" {
			k++
		}
		if word(k) != "build" && word(k) != "bud" {
			continue
		}
		var dockerfile, context string
		contexts := 0
		for k++; k < len(words) && words[k] != ";" && !strings.HasPrefix(words[k], ">") && words[k] != "#"; k++ {
			flag, value, joined := strings.Cut(word(k), "=")
			switch {
			case !strings.HasPrefix(flag, "-"):
				context = word(k)
				contexts++
			case flag == "-f" || flag == "--file":
				if !joined {
					k++
					value = word(k)
				}
				dockerfile = strings.Trim(value, `"'`)
			case buildValues[flag] && !joined:
				k++
			}
		}
		i = k - 1
		bases := []string{".", path.Dir(file)}
		if dir != "" {
			bases = []string{dir, path.Join(path.Dir(file), dir)}
		}
		if contexts != 1 {
			continue
		}
		if b, ok := r.invocation(file, line, bases, context, dockerfile); ok {
			out = append(out, b)
		}
	}
	return out
}

// invocation resolves context and Dockerfile, both as written and relative to
// the folder in which the command runs: the first of bases that fits.
func (r *Repo) invocation(file string, line int, bases []string, context, dockerfile string) (Build, bool) {
	if context == "" {
		context = "."
	}
	if strings.ContainsAny(context+dockerfile, "$`{}*?<%") || context == "-" || dockerfile == "-" || remote(context) || path.IsAbs(context) || path.IsAbs(dockerfile) {
		return Build{}, false
	}
	if dockerfile == "" {
		dockerfile = path.Join(context, "Dockerfile")
	}
	for _, base := range bases {
		if strings.ContainsAny(base, "$`") {
			continue
		}
		b := Build{File: file, Line: line, Context: path.Join(base, context), Dockerfile: path.Join(base, dockerfile)}
		if r.isFile(b.Dockerfile) && r.IsDir(b.Context) {
			return b, true
		}
	}
	return Build{}, false
}
