//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The manual page is one that groff sets and mandoc reads without a warning, and that man shows.
func TestManPage(t *testing.T) {
	page, err := exec.CommandContext(t.Context(), world.drydock, "man").Output()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "drydock.1")
	if err := os.WriteFile(name, page, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, words := range [][]string{
		{"groff", "-ww", "-man", "-Tutf8", "-z", name},
		{"mandoc", "-Tlint", "-Wwarning", name},
	} {
		text, err := exec.CommandContext(t.Context(), insist(t, words[0], "apt-get install -y "+words[0]), words[1:]...).CombinedOutput()
		if err != nil || len(text) > 0 {
			t.Errorf("%s: %v\n%s", strings.Join(words, " "), err, text)
		}
	}
	show := exec.CommandContext(t.Context(), insist(t, "man", "apt-get install -y man-db"), "-l", name)
	show.Env = append(os.Environ(), "MANWIDTH=100", "LC_ALL=C.UTF-8", "MAN_KEEP_FORMATTING=")
	text, err := show.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"DRYDOCK(1)", "EXIT STATUS", "drydock fix [PATH…]", "--unsafe", "ENVIRONMENT", "DRYDOCK_CACHE"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("man doesn't show %q", want)
		}
	}
}
