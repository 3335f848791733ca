package main

import (
	"slices"
	"strings"
	"testing"
)

func TestIsPlugin(t *testing.T) {
	for program, want := range map[string]bool{
		"docker-drydock": true, "/root/.docker/cli-plugins/docker-drydock": true, "docker-drydock.exe": true,
		"drydock": false, "/usr/bin/drydock": false, "docker": false, "docker-drydock-old": false, "": false,
	} {
		if got := isPlugin(program); got != want {
			t.Errorf("isPlugin(%q) is %v", program, got)
		}
	}
}

func TestAsPlugin(t *testing.T) {
	for _, c := range []struct{ in, want, environment string }{
		{"drydock fix a", "fix a", ""},
		{"drydock", "", ""},
		{"--context prod drydock diff -- -x", "diff -- -x", "DOCKER_CONTEXT=prod"},
		{"--context drydock drydock diff", "diff", "DOCKER_CONTEXT=drydock"},
		{"-c=prod --config /c -D -l debug drydock fix", "fix", "DOCKER_CONTEXT=prod DOCKER_CONFIG=/c"},
		{"-Htcp://h:1 --tlsverify --tls=false drydock fix", "fix", "DOCKER_HOST=tcp://h:1 DOCKER_TLS_VERIFY=1"},
		{"drydock fix --context drydock", "fix --context drydock", ""},
		{"help drydock fix", "fix --help", ""},
		{"__complete drydock fix --", "__complete fix --", ""},
		{"__complete fix --", "__complete fix --", ""},
		// by hand, without docker
		{"diff a", "diff a", ""},
		{"--version", "--version", ""},
		{"--context", "--context", ""},
		{"docker-cli-plugin-metadata", "docker-cli-plugin-metadata", ""},
	} {
		in := append([]string{"docker-drydock"}, strings.Fields(c.in)...)
		before := slices.Clone(in)
		got, environment := asPlugin(in)
		if strings.Join(got, " ") != strings.TrimSpace("docker-drydock "+c.want) || strings.Join(environment, " ") != c.environment {
			t.Errorf("%s: got %q with %q, want %s with %s", c.in, got, environment, c.want, c.environment)
		}
		if !slices.Equal(in, before) {
			t.Errorf("%s: the arguments were changed to %q", c.in, in)
		}
	}
}
