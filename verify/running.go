package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"drydock/rewrite"
	"drydock/verify/builder"
	"drydock/verify/finding"
	"drydock/verify/imagefs"
	"drydock/verify/probe"
)

// probeFile runs an image's program inside the builder: as the image's user, with
// its environment and in its working directory, without a shell, and with a network
// of its own.
const probeFile = `FROM drydock-subject
RUN --network=none --mount=type=bind,from=drydock-probe,target=/.drydock-probe ["/.drydock-probe/probe"]
`

// defaultSeconds is how long a program may take until it listens or ends.
const defaultSeconds = 60

// run starts the image's program and tells what it did; nil when it has none, or
// can't be run this way.
func (p *Prover) run(ctx context.Context, img *imagefs.Image) (*probe.Result, error) {
	cfg := img.Config.Config
	argv := slices.Clone(cfg.Entrypoint)
	if p.opt.Probe.Cmd != nil {
		argv = append(argv, p.opt.Probe.Cmd...)
	} else {
		argv = append(argv, cfg.Cmd...)
	}
	if len(argv) == 0 || len(cfg.OnBuild) > 0 { // triggers would run in the probe's build
		return nil, nil
	}
	dir, err := os.MkdirTemp(p.dir, "probe-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	program, err := probe.Program(img.Config.Architecture)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "probe"), program, 0o755); err != nil {
		return nil, err
	}
	spec, err := p.spec(cfg, argv)
	if err != nil {
		return nil, err
	}
	text, err := probe.File(spec)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, probe.SpecFile), text, 0o644); err != nil {
		return nil, err
	}
	opt := builder.Options{Platform: p.opt.Build.Platform}
	b, err := p.maker.Build(ctx, builder.Request{
		Name: "probe", Dockerfile: probeFile, Context: p.empty(), Options: opt, Layout: p.layout(), Quiet: true,
		Images: map[string]string{"drydock-subject": img.Digest}, Folders: map[string]string{"drydock-probe": dir},
	}, nil)
	if err != nil {
		var failed *builder.Error
		if errors.As(err, &failed) && failed.Cause == nil {
			return nil, fmt.Errorf("the image was built and can't be run in the builder: %w", err)
		}
		return nil, err
	}
	for _, s := range b.Steps {
		if strings.Contains(s.Output, probe.Marker) {
			return probe.Find(s.Output)
		}
	}
	return nil, errors.New("the image was run in the builder, and the probe printed nothing")
}

// spec says what to run and what to ask.
func (p *Prover) spec(cfg v1.Config, argv []string) (probe.Spec, error) {
	s := probe.Spec{
		Argv: argv, Env: p.opt.Probe.Env, Wait: p.opt.Probe.Seconds, Stop: cfg.StopSignal,
		Nonce: strconv.FormatInt(time.Now().UnixNano(), 36), // a cached step tells nothing
	}
	if s.Wait == 0 {
		s.Wait = defaultSeconds
	}
	if asksForPort(argv, slices.Concat(cfg.Env, s.Env)) {
		s.Env = append(slices.Clone(s.Env), "PORT=8080")
	}
	for _, g := range p.opt.Probe.Gets {
		get, err := probe.ParseGet(g)
		if err != nil {
			return s, err
		}
		s.Gets = append(s.Gets, get)
	}
	listens := func(text string) {
		number, proto, _ := strings.Cut(text, "/")
		if n, err := strconv.Atoi(number); err == nil && proto != "udp" && n > 0 && !slices.Contains(s.Ports, n) {
			s.Ports = append(s.Ports, n)
		}
	}
	for e := range cfg.ExposedPorts {
		listens(e)
	}
	for _, e := range slices.Concat(cfg.Env, s.Env) {
		if v, ok := strings.CutPrefix(e, "PORT="); ok {
			listens(v)
		}
	}
	slices.Sort(s.Ports)
	if h := cfg.Healthcheck; h != nil && len(h.Test) > 1 {
		s.Health = &probe.Health{Test: h.Test, StartPeriod: int64(h.StartPeriod), Interval: int64(h.Interval), Timeout: int64(h.Timeout), Retries: h.Retries, Shell: cfg.Shell}
	}
	return s, nil
}

// asksForPort: the command has $PORT in it, and nothing sets that. Platforms such as
// Cloud Run, Knative and Heroku do: https://cloud.google.com/run/docs/container-contract
func asksForPort(argv, env []string) bool {
	return slices.ContainsFunc(argv, func(a string) bool { return port().MatchString(a) }) &&
		!slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, "PORT=") })
}

// port is the variable without a default of its own, as ${PORT:-80} has one.
var port = rewrite.Lazily(`\$PORT\b|\$\{PORT\}`)

// compareRuns compares what the two programs did. When they differ the original
// runs once more, so that what it does differently by itself isn't held against
// the candidate; and the candidate too if it ran beside the original, so that what
// a busy machine did isn't either.
func (p *Prover) compareRuns(ctx context.Context, after *subject) ([]finding.Finding, error) {
	before := p.before
	if before.saw == nil || after.saw == nil {
		if (before.saw == nil) != (after.saw == nil) {
			return []finding.Finding{{Class: finding.Config, Break: true, Message: "one of the two images has a command and the other has none"}}, nil
		}
		return nil, nil
	}
	found := probe.Compare(before.saw, p.again, after.saw)
	if len(finding.Breaks(found)) == 0 || p.again != nil && !after.beside {
		return found, nil
	}
	var err error
	if p.again == nil {
		if p.again, err = p.run(ctx, before.img); err != nil {
			return nil, err
		}
		found = probe.Compare(before.saw, p.again, after.saw)
	}
	if len(finding.Breaks(found)) == 0 || !after.beside {
		return found, nil
	}
	if after.saw, err = p.run(ctx, after.img); err != nil {
		return nil, err
	}
	after.beside = false
	return probe.Compare(before.saw, p.again, after.saw), nil
}

// below tells whether a folder, or one that it lies in, is among dirs.
func below(dir string, dirs map[string]bool) bool {
	for ; dir != "/" && dir != "."; dir = path.Dir(dir) {
		if dirs[dir] {
			return true
		}
	}
	return false
}

// inNewHome tells whether a folder lies in the home of the user before, and the new
// user may write at the same place in its own: programs look for their home, so that
// is where it goes now. What is kept in a volume must stay where it is.
func inNewHome(before, after *imagefs.Image, dir string) bool {
	was, is := before.Home(), after.Home()
	rest, ok := strings.CutPrefix(dir+"/", was+"/")
	if !ok || was == "/" || is == "/" || was == is {
		return false
	}
	for v := range before.Config.Config.Volumes {
		if strings.HasPrefix(dir+"/", path.Clean(v)+"/") {
			return false
		}
	}
	return after.Writable(path.Join(is, rest))
}

// unwritable finds the folders in which the original program wrote, the new one
// didn't, and its user may not. A folder that the program made itself is one of them.
func unwritable(before, after *subject) []finding.Finding {
	if before.saw == nil || after.saw == nil {
		return nil
	}
	wrote := map[string]bool{}
	for _, w := range after.saw.Writes {
		wrote[path.Dir(w.Path)], wrote[w.Path] = true, true
	}
	var out []finding.Finding
	told, made := map[string]bool{}, map[string]bool{}
	for _, w := range before.saw.Writes {
		dir := path.Dir(w.Path)
		if w.Cache || told[dir] || below(dir, made) || wrote[w.Path] || inNewHome(before.img, after.img, dir) || wrote[dir] || after.img.Writable(dir) {
			continue
		}
		own, what := dir, "wrote "+w.Path
		if w.Folder && w.New {
			own, what = w.Path, "made the folder "+w.Path
			made[own] = true
		}
		told[dir], told[own] = true, true
		out = append(out, finding.Finding{
			Class: finding.Permission, Break: true, Path: w.Path, Names: []string{own},
			Message: fmt.Sprintf("the program %s, and the new image's user %q may not", what, after.img.Config.Config.User),
		})
	}
	return out
}
