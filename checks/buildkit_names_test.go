package checks

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// BuildKitRules are all that BuildKit's source has.
func TestBuildKitRules(t *testing.T) {
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/moby/buildkit/frontend/dockerfile/linter").Output()
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "ruleset.go"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{buildError}
	for _, m := range regexp.MustCompile(`(?m)^\t\tName: +"(\w+)"`).FindAllStringSubmatch(string(src), -1) {
		want = append(want, m[1])
	}
	slices.Sort(want)
	if got := BuildKitRules(); !slices.Equal(got, want) || len(want) < 20 {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
