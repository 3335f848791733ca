package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// hook is an entry of .pre-commit-hooks.yaml (https://pre-commit.com/#creating-new-hooks).
type hook struct {
	ID       string
	Entry    string
	Language string
	Files    string
	Exclude  string
	Serial   bool `yaml:"require_serial"`
}

// takes tells whether pre-commit hands the file to the hook.
func (h hook) takes(name string) bool {
	return regexp.MustCompile(h.Files).MatchString(name) && !regexp.MustCompile(h.Exclude).MatchString(name)
}

func readHooks(t *testing.T) []hook {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", ".pre-commit-hooks.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var out []hook
	if err := yaml.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// The hooks of pre-commit take the files that a search takes.
func TestHookFiles(t *testing.T) {
	hooks := readHooks(t)
	var ids []string
	for _, h := range hooks {
		ids = append(ids, h.ID)
		if !strings.HasPrefix(h.Entry, "drydock ") || newApp(streams{}).Command(strings.TrimPrefix(h.Entry, "drydock ")) == nil || h.Language != "golang" || !h.Serial {
			t.Errorf("%s: %+v", h.ID, h)
		}
	}
	if want := "[drydock-check drydock-fix drydock-diff]"; fmt.Sprint(ids) != want {
		t.Errorf("hooks %v, want %s", ids, want)
	}
	names := []string{"Dockerfile", "dockerfile", "Containerfile", "containerfile", "Dockerfile.dev", "dockerfile.dev", "Containerfile.x.y", "api.Dockerfile", "api.dockerfile", "api.DOCKERFILE", "api.Containerfile",
		"Dockerfile-dev", "MyDockerfile", "Dockerfile.", ".Dockerfile", ".dockerfile", "Dockerfile~", "Dockerfile.dev~", "README.md", "docker-compose.yml"}
	for _, end := range notDockerfiles {
		names = append(names, "Dockerfile"+end, "api.Dockerfile"+end, "x"+end)
	}
	for _, h := range hooks {
		for _, name := range names {
			for _, folder := range []string{"", "a/b/", "a/Dockerfile/"} {
				if got := h.takes(folder + name); got != isDockerfile(name) {
					t.Errorf("%s takes %q: %v, a search: %v", h.ID, folder+name, got, isDockerfile(name))
				}
			}
			for _, folder := range []string{"node_modules/", "a/vendor/b/"} {
				if h.takes(folder + name) {
					t.Errorf("%s takes %q", h.ID, folder+name)
				}
			}
		}
	}
}

// The pattern that docs/integrations.md gives Visual Studio Code fits what check writes.
func TestProblemMatcher(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "integrations.md"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`"regexp": ("[^"]+")`).FindSubmatch(text)
	if m == nil {
		t.Fatal("no pattern in docs/integrations.md")
	}
	var pattern string
	if err := yaml.Unmarshal(m[1], &pattern); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("DRYDOCK_OFFLINE", "1")
	file(t, ".", "Dockerfile", "FROM debian:12\nMAINTAINER x\nRUN chmod 777 /x\n")
	var out strings.Builder
	if code := run(t.Context(), []string{"drydock", "check", "--color", "never"}, streams{strings.NewReader(""), &out, &out}); code != exitFound {
		t.Fatalf("exit code %d: %s", code, out.String())
	}
	var got []string
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		f := regexp.MustCompile(pattern).FindStringSubmatch(line)
		if f == nil {
			t.Fatalf("the pattern doesn't fit %q", line)
		}
		got = append(got, f[1]+" "+f[2]+" "+f[3])
	}
	if want := "Dockerfile 3 world-writable"; !slices.Contains(got, want) {
		t.Errorf("got %q, want %q among them", got, want)
	}
}
