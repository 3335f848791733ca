package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
)

// Config is the part of an image config that a Dockerfile can set.
type Config struct {
	Cmd, Entrypoint, Shell, OnBuild []string
	User, Workdir, StopSignal       string
	Author, Healthcheck             string
	Env, Labels                     map[string]string
	Ports, Volumes                  []string
}

func configOf(img *dockerspec.DockerOCIImage) Config {
	c := img.Config
	out := Config{
		Cmd: c.Cmd, Entrypoint: c.Entrypoint, Shell: c.Shell, OnBuild: c.OnBuild,
		User: c.User, Workdir: c.WorkingDir, StopSignal: c.StopSignal, Author: img.Author,
		Env: map[string]string{}, Labels: maps.Clone(c.Labels),
		Ports: slices.Sorted(maps.Keys(c.ExposedPorts)), Volumes: slices.Sorted(maps.Keys(c.Volumes)),
	}
	for _, kv := range c.Env {
		k, v, _ := strings.Cut(kv, "=")
		out.Env[k] = v
	}
	if h := c.Healthcheck; h != nil {
		out.Healthcheck = fmt.Sprintf("%q interval=%s timeout=%s start=%s/%s retries=%d",
			h.Test, h.Interval, h.Timeout, h.StartPeriod, h.StartInterval, h.Retries)
	}
	return out
}

func compareConfig(stage string, a, b Config) []Drift {
	var out []Drift
	add := func(field, name, was, is string) {
		out = append(out, Drift{Field: field, Name: name, Stage: stage, Was: was, Is: is})
	}
	list := func(field string, x, y []string) {
		if !slices.Equal(x, y) {
			add(field, "", fmt.Sprintf("%q", x), fmt.Sprintf("%q", y))
		}
	}
	text := func(field, x, y string) {
		if x != y {
			add(field, "", x, y)
		}
	}
	table := func(field string, x, y map[string]string) {
		for _, k := range slices.Sorted(maps.Keys(union(x, y))) {
			was, before := x[k]
			is, after := y[k]
			if was != is || before != after {
				add(field, k, was, is)
			}
		}
	}
	list(Cmd, a.Cmd, b.Cmd)
	list(Entrypoint, a.Entrypoint, b.Entrypoint)
	list(Shell, a.Shell, b.Shell)
	list(OnBuild, a.OnBuild, b.OnBuild)
	list(Ports, a.Ports, b.Ports)
	list(Volumes, a.Volumes, b.Volumes)
	text(User, a.User, b.User)
	text(Workdir, orRoot(a.Workdir), orRoot(b.Workdir))
	text(StopSignal, a.StopSignal, b.StopSignal)
	text(Healthcheck, a.Healthcheck, b.Healthcheck)
	text(Author, a.Author, b.Author)
	table(Env, a.Env, b.Env)
	table(Labels, a.Labels, b.Labels)
	return out
}

func union(x, y map[string]string) map[string]string {
	out := maps.Clone(x)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, y)
	return out
}

// orRoot: without a working directory a container starts in /.
func orRoot(dir string) string {
	if dir == "" {
		return "/"
	}
	return dir
}
