//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drydock/verify/imagefs"
)

// TestHygiene is shown rewrites that look right and aren't, and some that are.
func TestHygieneBreaksAreSeen(t *testing.T) {
	const (
		head   = "FROM debian:bookworm-slim\nRUN useradd -r -u 900 -U keeper\n"
		copied = "COPY book /srv/book\nRUN chown -R keeper /srv/book\n"
		run    = "RUN chmod +x /srv/book/read.sh && rm -rf /var/lib/apt/lists/*\n"
		cmd    = "CMD /srv/book/read.sh /srv/book/page\n"
	)
	build := func(t *testing.T, dockerfile string) *side {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "book"), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{
			"Dockerfile": dockerfile, "book/page": "calm\n", "book/read.sh": "#!/bin/sh\ncat \"$1\"\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return hygieneBuild(t, dir)
	}
	before := build(t, head+copied+run+cmd)
	for _, c := range []struct{ name, dockerfile, want string }{
		{"the owner comes with the COPY", head + "COPY --chown=900:0 book /srv/book\n" + run + cmd, ""},
		{"exec form", head + copied + run + "CMD [\"/srv/book/read.sh\", \"/srv/book/page\"]\n", ""},
		{"one RUN", head + "COPY book /srv/book\nRUN chown -R keeper /srv/book && chmod +x /srv/book/read.sh\n" + cmd, ""},
		{"a label more", head + "LABEL maintainer=keeper\n" + copied + run + cmd, "config's Labels: <nil> before, map[maintainer:keeper] after"},
		{"the group comes along", head + "COPY --chown=keeper book /srv/book\n" + run + cmd,
			"/srv/book: d0755 900:0 before, d0755 900:900 after"},
		{"a mode for all", head + "COPY --chown=900:0 --chmod=755 book /srv/book\n" + cmd,
			"/srv/book/page: -0644 900:0 before, -0755 900:0 after"},
		{"too much is cleaned", head + copied + strings.Replace(run, "/var/lib/apt/lists/*", "/var/lib/apt", 1) + cmd,
			"/var/lib/apt: gone: d0755 0:0"},
		{"a variable in exec form", head + copied + run + "CMD [\"/srv/book/read.sh\", \"$HOME/page\"]\n", "config's Cmd: "},
		{"an environment for good", head + "ENV DEBIAN_FRONTEND=noninteractive\n" + copied + run + cmd, "DEBIAN_FRONTEND=noninteractive] after"},
		{"a file less", head + copied + "RUN chmod +x /srv/book/read.sh && rm /srv/book/page\nCMD cat /etc/hostname\n", "/srv/book/page: gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			after := build(t, c.dockerfile)
			got := strings.Join(hygieneDifferences(before, after), "\n")
			switch {
			case c.want == "" && got != "":
				t.Errorf("differences where there are none:\n%s", got)
			case !strings.Contains(got, c.want):
				t.Errorf("the break wasn't seen; differences: %q", got)
			}
		})
	}
}

func TestLostPackages(t *testing.T) {
	tree := func(auto string, packages ...string) imagefs.Tree {
		var status, states strings.Builder
		for _, p := range packages {
			status.WriteString("Package: " + p + "\nStatus: install ok installed\n\n")
			if strings.Contains(auto, p) {
				states.WriteString("Package: " + p + "\nAuto-Installed: 1\n\n")
			}
		}
		return imagefs.Tree{
			"var/lib/dpkg/status":         {Text: []byte(status.String())},
			"var/lib/apt/extended_states": {Text: []byte(states.String())},
		}
	}
	before := tree("less", "git", "less")
	for _, c := range []struct {
		name  string
		after imagefs.Tree
		lost  int
		want  string
	}{
		{"nothing", tree("less", "git", "less"), 0, ""},
		{"a recommended one", tree("", "git"), 1, ""},
		{"one that was asked for", tree("less", "less"), 0, "package git, which was asked for, is gone"},
		{"one more", tree("less", "git", "less", "nano"), 0, "package nano is new"},
		{"one that nobody asks for now", tree("less git", "git", "less"), 0, "package git: asked for true before, false after"},
	} {
		lost, wrong := lostPackages(before, c.after)
		if got := strings.Join(wrong, "\n"); len(lost) != c.lost || got != c.want {
			t.Errorf("%s: %d lost, %q; want %d, %q", c.name, len(lost), got, c.lost, c.want)
		}
	}
}
