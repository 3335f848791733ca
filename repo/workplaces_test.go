package repo

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestWorkplaces(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	r := Load(fstest.MapFS{
		".devcontainer/devcontainer.json":     file("{\n  // comment\n  \"build\": {\"dockerfile\": \"../Dockerfile\", \"target\": \"dev\"}\n}"),
		".devcontainer/db/devcontainer.json":  file("{\"build\": {\"dockerfile\": \"../Dockerfile\"},\n \"mounts\": [{\"source\": \"gh\", \"target\": \"/home/dev/.config/gh\"}]}"),
		".devcontainer/gpu/devcontainer.json": file(`{"dockerFile": "Dockerfile"}`),
		".gitpod.yml":                         file("image:\n  file: .gitpod.Dockerfile\n"),
		"Jenkinsfile":                         file("pipeline {\n  agent { dockerfile { filename 'Dockerfile.ci' } }\n}\n"),
		"Tiltfile":                            file("docker_build('x', '.', live_update=[])\n"),
		"skaffold.yaml":                       file("build:\n  artifacts:\n  - image: x\n    sync:\n      infer: ['*']\n"),
		"action.yml":                          file("runs:\n  using: docker\n  image: Dockerfile\n"),
		".gitlab-ci.yml":                      file("test:\n  image: $CI_REGISTRY_IMAGE:latest\n"),
		".github/workflows/a.yml":             file("jobs:\n  a:\n    container:\n      image: ghcr.io/${{ github.repository }}:x\n"),
		".github/workflows/b.yml":             file("jobs:\n  a:\n    steps:\n    - with:\n        image: ghcr.io/${{ github.repository }}:x\n"),
	})
	want := []Workplace{
		{File: ".devcontainer/devcontainer.json", Line: 3, Kind: WorkplaceShell, Dockerfile: "Dockerfile", Target: "dev"},
		{File: ".devcontainer/db/devcontainer.json", Line: 1, Kind: WorkplaceShell, Dockerfile: ".devcontainer/Dockerfile"},
		{File: ".devcontainer/gpu/devcontainer.json", Line: 1, Kind: WorkplaceShell, Dockerfile: ".devcontainer/gpu/Dockerfile"},
		{File: ".gitpod.yml", Line: 2, Kind: WorkplaceShell, Dockerfile: ".gitpod.Dockerfile"},
		{File: "Jenkinsfile", Line: 2, Kind: WorkplaceShell, Dockerfile: "Dockerfile.ci"},
		{File: ".gitlab-ci.yml", Line: 2, Kind: WorkplaceShell},
		{File: ".github/workflows/a.yml", Line: 3, Kind: WorkplaceShell},
		{File: "Tiltfile", Line: 1, Kind: WorkplaceSync},
		{File: "skaffold.yaml", Line: 4, Kind: WorkplaceSync},
		{File: "action.yml", Line: 3, Kind: WorkplaceAction, Dockerfile: "Dockerfile"},
	}
	if d := cmp.Diff(want, r.Workplaces()); d != "" {
		t.Error(d)
	}
}

func TestPlatformCommands(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	r := Load(fstest.MapFS{
		"fly.toml":             file("app = \"x\"\n[deploy]\n  release_command = \"python m.py\"\n[processes]\n  web = \"gunicorn a\"\n  job = \"a && b\"\n[env]\n  A = \"b\"\n"),
		"heroku.yml":           file("build:\n  docker:\n    web: Dockerfile\nrun:\n  web: gunicorn a\n"),
		"render.yaml":          file("services:\n- type: web\n  dockerCommand: ./run x\n"),
		"task-definition.json": file(`{"containerDefinitions": [{"command": ["a"], "healthCheck": {"command": ["CMD-SHELL", "curl x"]}}]}`),
	})
	want := [][]string{{"python", "m.py"}, {"gunicorn", "a"}, {"sh", "-c", "a && b"}, {"sh", "-c", "gunicorn a"}, {"./run", "x"}, {"a"}, {"sh", "-c", "curl x"}}
	var got [][]string
	for _, c := range r.ContainerCommands() {
		got = append(got, c.Words)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
