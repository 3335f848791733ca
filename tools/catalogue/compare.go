package main

// What the catalogue says of an image against what its configuration is.

import (
	"fmt"
	"slices"
	"strings"

	"drydock/images"
)

// tolerated is how far a size may be from the catalogue's, which is typical of
// such images and no one image's.
const tolerated = 0.30

func differences(said images.Image, is images.Description) (out []string) {
	differ := func(what, said, is string) {
		if said != is {
			out = append(out, fmt.Sprintf("%s is %s, not %s", what, quote(is), quote(said)))
		}
	}
	env := map[string]string{}
	for _, kv := range is.Env {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	differ("user", user(said.User), user(is.User))
	differ("entry point", words(said.Entrypoint), words(is.Entrypoint))
	differ("command", words(said.Cmd), words(is.Cmd))
	differ("working directory", root(said.Workdir), root(is.Workdir))
	differ("stop signal", said.StopSignal, is.StopSignal)
	differ("ports", ports(said.Expose), ports(is.Expose))
	differ("volumes", sorted(said.Volumes), sorted(is.Volumes))
	if path, ok := env["PATH"]; ok || said.EnvPath != "" {
		differ("PATH", said.EnvPath, path)
	}
	for k, v := range said.Env {
		differ(k, v, env[k])
	}
	if said.OnBuild != (len(is.OnBuild) > 0) {
		out = append(out, fmt.Sprintf("ONBUILD is %q", is.OnBuild))
	}
	if is.Platform != "linux/amd64" && !strings.HasPrefix(is.Platform, "linux/amd64/") {
		out = append(out, "it is for "+is.Platform)
	}
	if s := said.Size; s > 0 && is.Size > 0 && (float64(is.Size) > float64(s)*(1+tolerated) || float64(is.Size) < float64(s)*(1-tolerated)) {
		out = append(out, fmt.Sprintf("compressed size is %.1f MB, not about %.1f MB", float64(is.Size)/1e6, float64(s)/1e6))
	}
	slices.Sort(out)
	return out
}

func quote(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func user(s string) string {
	if s == "root" || s == "0" || s == "0:0" || s == "root:root" {
		return ""
	}
	return s
}

func root(s string) string {
	if s == "/" {
		return ""
	}
	return s
}

func words(w []string) string {
	if len(w) == 0 {
		return ""
	}
	return fmt.Sprintf("%q", w)
}

func sorted(s []string) string {
	s = slices.Clone(s)
	slices.Sort(s)
	return strings.Join(s, " ")
}

// ports drops the protocol that is meant without one.
func ports(s []string) string {
	s = slices.Clone(s)
	for i := range s {
		s[i] = strings.TrimSuffix(s[i], "/tcp")
	}
	return sorted(s)
}
