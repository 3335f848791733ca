//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"drydock/history"
	"drydock/images"
	"drydock/replay"
	"drydock/repo"
	"drydock/rewrite"
)

// TestReplay holds what replay predicts against the truth: it builds the commits of a repository one after another and
// compares, step by step, what BuildKit took from its cache.
//
//	REPLAY_REPO=DIR REPLAY_FILE=Dockerfile REPLAY_COMMITS=30 go test -tags e2e -count=1 -run Replay ./e2e
//
// does so with a repository of your own (a clone; its top is the context), before and after fix --unsafe. With
// REPLAY_STUB=1 bases are debian:bookworm-slim and each RUN is a quick one that never makes the same bytes twice: it is
// the cache that is looked at, and most projects can't be built here.
func TestReplay(t *testing.T) {
	if dir := os.Getenv("REPLAY_REPO"); dir != "" {
		n, err := strconv.Atoi(os.Getenv("REPLAY_COMMITS"))
		if err != nil {
			t.Fatalf("REPLAY_COMMITS: %v", err)
		}
		replayTruth(t, dir, os.Getenv("REPLAY_FILE"), n, "--unsafe")
		return
	}
	for _, r := range replayRepos {
		t.Run(r.name, func(t *testing.T) {
			commits := len(r.commits) + 1
			if os.Getenv("E2E_ALL") == "" {
				commits = min(commits, r.few)
			}
			dir := r.make(t, commits)
			replayTruth(t, dir, "Dockerfile", commits, r.flags...)
		})
	}
}

// replayTruth builds the last n commits with the Dockerfile as it is, and again as fix with these flags leaves it.
func replayTruth(t *testing.T, dir, file string, n int, flags ...string) {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	h, err := history.Read(t.Context(), dir, n)
	if err != nil {
		t.Fatal(err)
	}
	fixed := checkout(t, dir)
	cmd := exec.CommandContext(t.Context(), world.drydock, slices.Concat([]string{"fix", "--no-replay"}, flags, []string{filepath.Join(fixed, file)})...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	before := replaySide(t, h, dir, file, checkout(t, dir))
	after := replaySide(t, h, fixed, file, checkout(t, dir))
	out, err := exec.Command("git", "-C", fixed, "status", "--porcelain", "-uall").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		if name := strings.TrimSpace(line[min(len(line), 3):]); strings.HasSuffix(name, ".dockerignore") {
			text, err := os.ReadFile(filepath.Join(fixed, name))
			if err != nil {
				t.Fatal(err)
			}
			after.in.Files[name] = string(text)
		}
	}
	for _, side := range []*truth{before, after} {
		if side == after && after.source == before.source && len(after.in.Files) == 0 {
			continue // fix changes nothing
		}
		name := "before"
		if side == after {
			name = "after"
		}
		t.Run(name, func(t *testing.T) { side.check(t) })
	}
}

// truth is one version of a Dockerfile over a history.
type truth struct {
	history *history.History
	in      replay.Input
	dir     string // a clone to check commits out in
	file    string // folder of the Dockerfile
	source  string // its text as it was found
}

// replaySide reads the Dockerfile from one folder; commits are checked out in another.
func replaySide(t *testing.T, h *history.History, from, file, clone string) *truth {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(from, file))
	if err != nil {
		t.Fatal(err)
	}
	text := string(src)
	if os.Getenv("REPLAY_STUB") != "" {
		text = stubbed(t, text)
	}
	text = fresh(t, text)
	doc, err := rewrite.Parse(file, text, images.Catalogue())
	if err != nil {
		t.Fatal(err)
	}
	s := &truth{history: h, source: string(src), dir: clone, file: t.TempDir(), in: replay.Input{Doc: doc, Name: file, Repo: repo.Load(os.DirFS(from)), Files: map[string]string{}}}
	write(t, filepath.Join(s.file, "Dockerfile"), text)
	t.Logf("the Dockerfile:\n%s", text)
	return s
}

// fresh puts a file that no build before had behind each base image, so that nothing is in the cache yet.
func fresh(t *testing.T, text string) string {
	t.Helper()
	doc, err := rewrite.Parse("Dockerfile", text, images.Catalogue())
	if err != nil {
		t.Fatal(err)
	}
	nonce := fmt.Sprintf("COPY <<END /.nonce\n%d\nEND\n", time.Now().UnixNano())
	for _, s := range slices.Backward(doc.Stages) {
		if s.Parent() == nil {
			text = text[:s.From.Span.End] + nonce + text[s.From.Span.End:]
		}
	}
	return text
}

// stubbed gives each stage a base that is there and each RUN another script, which writes where later stages copy from,
// unless the context gave them that. Users, which that base may not have, go.
func stubbed(t *testing.T, text string) string {
	t.Helper()
	doc, err := rewrite.Parse("Dockerfile", text, images.Catalogue())
	if err != nil {
		t.Fatal(err)
	}
	made := map[*rewrite.Stage][]string{}
	wants := func(in *rewrite.Instruction, from string, paths ...string) {
		if s := doc.StageByRef(from, in.Stage.Index); s != nil {
			for _, p := range paths {
				made[s] = append(made[s], filepath.Join("/", in.State().Expand(p)))
			}
		}
	}
	for _, in := range doc.Instructions {
		if sources, _, from, ok := in.Copy(); ok && from != "" {
			wants(in, from, sources...)
		}
		if in.Keyword == "run" {
			for _, m := range in.Mounts() {
				wants(in, m["from"], m["source"])
			}
		}
	}
	for i, in := range slices.Backward(doc.Instructions) {
		put := func(new string) { text = text[:in.Span.Start] + new + text[in.Span.End:] }
		switch in.Keyword {
		case "from":
			if s := in.Stage; s.Parent() == nil && s.BaseName() != "scratch" {
				name := ""
				if s.Name != "" {
					name = " AS " + s.Name
				}
				put("FROM debian:bookworm-slim" + name + "\n")
			}
			continue
		case "user":
			put("")
			continue
		case "copy", "add":
			for _, f := range slices.Backward(in.Flags) {
				if sp, ok := in.WordSpan(f); ok && strings.HasPrefix(f.Text, "--chown=") {
					text = text[:sp.Start] + text[sp.End:]
				}
			}
			continue
		case "run":
		default:
			continue
		}
		var flags string
		for _, f := range in.Flags {
			flags += f.Text + " "
		}
		script := fmt.Sprintf("RUN %s: %d; cat /proc/sys/kernel/random/uuid >> /tmp/ran || true", flags, i)
		for _, p := range made[in.Stage] {
			script += fmt.Sprintf("; if [ ! -e %[1]s ] || [ -e %[1]s/made ]; then mkdir -p %[1]s; cat /proc/sys/kernel/random/uuid > %[1]s/made; fi", p)
		}
		put(script + "\n")
	}
	return text
}

// check builds the commits and compares.
func (s *truth) check(t *testing.T) {
	res, err := replay.Run(t.Context(), s.history, s.in)
	if err != nil {
		t.Fatal(err)
	}
	version := res.Versions[0]
	t.Logf("%d commits, %d skipped (%s)", res.Commits, res.Skipped, version.Missing)
	if _, err := s.build(t, res.First); err != nil {
		t.Fatalf("commit %s: %v", res.First, err)
	}
	builds := map[string]bool{res.First: true}
	compared, hits := 0, 0
	for i, c := range res.Replayed {
		builds[c.ID] = true
		steps, err := s.build(t, c.ID)
		if err != nil {
			t.Errorf("commit %s: %v", c.ID, err)
			return // what follows rests on it
		}
		cached := cachedSteps(steps)
		for k, place := range places(s.in.Doc, version.Steps) {
			hit, seen := cached[place]
			if !seen {
				if !slices.ContainsFunc(version.Steps[:k], func(o replay.Step) bool { return o.Text == version.Steps[k].Text }) {
					t.Errorf("commit %s: no step %s in the log (%s)", c.ID, place, version.Steps[k].Text)
				}
				continue // the same step as one of another stage
			}
			compared++
			if hit {
				hits++
			}
			if missed := slices.Contains(version.Missed[i], k); missed == hit {
				t.Errorf("commit %d, %s (%s):\n%s %s: BuildKit took it from its cache: %v; replay says it missed: %v",
					i+1, c.ID[:12], s.subject(t, c.ID), place, version.Steps[k].Text, hit, missed)
			}
		}
	}
	t.Logf("%d steps of %d commits compared; %d from the cache", compared, res.Commits, hits)
	for _, c := range s.history.Commits { // last, since half a build fills the cache too
		if !builds[c.ID] {
			if _, err := s.build(t, c.ID); err == nil {
				t.Errorf("commit %s builds; replay says that it can't, without %s", c.ID, version.Missing)
			}
		}
	}
}

// build checks a commit out and builds it.
func (s *truth) build(t *testing.T, commit string) ([]*step, error) {
	git(t, s.dir, "checkout", "--quiet", "--force", "--detach", commit)
	git(t, s.dir, "clean", "-fdxq")
	for name, text := range s.in.Files {
		write(t, filepath.Join(s.dir, name), text)
	}
	own := filepath.Join(s.file, "Dockerfile.dockerignore")
	if text, err := os.ReadFile(filepath.Join(s.dir, s.in.Name+".dockerignore")); err == nil {
		write(t, own, string(text))
	} else {
		_ = os.Remove(own)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	b, err := world.builder.build(ctx, request{dir: s.dir, file: s.file})
	if err != nil {
		return nil, err
	}
	return b.steps, nil
}

func (s *truth) subject(t *testing.T, commit string) string {
	out, err := exec.Command("git", "-C", s.dir, "log", "-1", "--format=%s", commit).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// stepName is "[stage 2/5] RUN …" as BuildKit numbers instructions; FROM is the first.
var stepName = regexp.MustCompile(`^\[(?:([^ ]+) )? *(\d+)/\d+\] (.*)`)

// cachedSteps tells by place, "stage #n" with BuildKit's number, what came from the cache.
func cachedSteps(steps []*step) map[string]bool {
	out := map[string]bool{}
	for _, s := range steps {
		if m := stepName.FindStringSubmatch(s.name); m != nil && !strings.HasPrefix(m[3], "LINK ") {
			out[m[1]+" #"+m[2]] = s.cached
		}
	}
	return out
}

// places are the steps' places as in cachedSteps.
func places(doc *rewrite.Document, steps []replay.Step) []string {
	count := map[string]int{}
	var out []string
	for _, s := range steps {
		stage := doc.StageByRef(s.Stage, -1)
		if count[s.Stage] == 0 && stage.Parent() == nil && stage.BaseName() != "scratch" {
			count[s.Stage]++ // FROM
		}
		count[s.Stage]++
		name := s.Stage
		if stage.Name == "" {
			if name = "stage-" + s.Stage; len(doc.Stages) == 1 {
				name = ""
			}
		}
		out = append(out, fmt.Sprintf("%s #%d", name, count[s.Stage]))
	}
	return out
}

// checkout clones a repository.
func checkout(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "clone")
	git(t, ".", "clone", "--quiet", "--shared", dir, to)
	return to
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=drydock", "GIT_AUTHOR_EMAIL=drydock@example.invalid",
		"GIT_COMMITTER_NAME=drydock", "GIT_COMMITTER_EMAIL=drydock@example.invalid")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
