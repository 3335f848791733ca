package builder

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// patience is how long a builder has to answer. A builder in a container may have
// to be started first. Tests wait less.
var patience = 30 * time.Second

// Find takes the first builder that answers: of all kinds for "auto" and "", else
// the named one: buildctl, buildctl:ADDRESS, buildx, buildx:NAME or podman. The error wraps ErrNone
// and says for each one tried why not and what to do. A program that isn't on PATH
// costs nothing, one that doesn't answer 30 seconds.
func Find(ctx context.Context, want string) (*Builder, error) {
	kinds := Kinds
	kind, name, named := strings.Cut(want, ":")
	switch {
	case want == "" || want == "auto":
	case slices.Contains([]string{"buildctl", "buildx"}, kind) && (!named || name != ""), want == "podman":
		kinds = []string{kind}
	default:
		return nil, fmt.Errorf("%w: %q is no builder that is known: use auto, buildctl, buildctl:ADDRESS, buildx, buildx:NAME or podman", ErrNone, want)
	}
	var why []string
	for _, kind := range kinds {
		var b *Builder
		var err error
		switch kind {
		case "buildctl":
			b, err = findBuildctl(ctx, name)
		case "buildx":
			b, err = findBuildx(ctx, name)
		case "podman":
			b, err = findPodman(ctx)
		}
		if err == nil {
			return b, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		why = append(why, fmt.Sprintf("%s: %v", kind, err))
	}
	return nil, fmt.Errorf("%w: %s", ErrNone, strings.Join(why, "; "))
}

// String names the builder as --builder would.
func (b *Builder) String() string {
	if b.Name != "" {
		return b.Kind + ":" + b.Name
	}
	return b.Kind
}

// findBuildctl finds the BuildKit at an address, "" for that of BUILDKIT_HOST.
func findBuildctl(ctx context.Context, address string) (*Builder, error) {
	b := &Builder{Kind: "buildctl", Name: address}
	host := cmp.Or(address, os.Getenv("BUILDKIT_HOST"))
	if host == "" {
		return nil, errors.New("BUILDKIT_HOST is not set: set it to a BuildKit's address, such as unix:///run/buildkit/buildkitd.sock")
	}
	out, err := ask(ctx, "buildctl", b.words("debug", "workers")...)
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("%w: BuildKit's address is given: install buildctl", err)
	}
	if err != nil {
		return nil, fmt.Errorf("BuildKit at %s: %w: see that buildkitd runs there", host, err)
	}
	for line := range strings.Lines(out) {
		// "ID PLATFORMS", then one line for each worker.
		if f := strings.Fields(line); len(f) >= 2 && f[0] != "ID" && b.Platforms == nil {
			b.Platforms = strings.Split(f[1], ",")
		}
	}
	return b, nil
}

// words are buildctl's arguments, its BuildKit's address before them.
func (b *Builder) words(args ...string) []string {
	if b.Name == "" {
		return args
	}
	return append([]string{"--addr", b.Name}, args...)
}

func findBuildx(ctx context.Context, name string) (*Builder, error) {
	args := []string{"buildx", "inspect", "--bootstrap"}
	if name != "" {
		args = append(args, name)
	}
	out, err := ask(ctx, "docker", args...)
	b := &Builder{Kind: "buildx", Name: name}
	if err == nil {
		err = b.inspected(out)
	}
	switch {
	case err == nil:
		return b, nil
	case errors.Is(err, exec.ErrNotFound):
		return nil, fmt.Errorf("%w: install Docker with its buildx plugin", err)
	case strings.Contains(err.Error(), "is not a docker command"), strings.HasPrefix(err.Error(), "Run 'docker --help'"): // docker 25, 28
		return nil, errors.New("docker has no buildx: install the plugin docker-buildx")
	case strings.Contains(err.Error(), "no builder"):
		return nil, fmt.Errorf("%w: docker buildx ls lists them", err)
	}
	return nil, fmt.Errorf("%w: see that Docker runs, or make a builder with docker buildx create", err)
}

// inspected reads `docker buildx inspect`, which ends with 0 and an "Error:" when
// a builder can't be reached.
func (b *Builder) inspected(out string) error {
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case key == "Error" && value != "":
			return errors.New(value)
		case key == "Driver" && b.Driver == "":
			b.Driver = value
		case key == "Platforms" && b.Platforms == nil && value != "":
			for p := range strings.SplitSeq(value, ",") {
				b.Platforms = append(b.Platforms, strings.TrimSuffix(strings.TrimSpace(p), "*"))
			}
		}
	}
	if b.Driver == "" {
		return errors.New("docker buildx inspect names no driver")
	}
	return nil
}

func findPodman(ctx context.Context) (*Builder, error) {
	if _, err := ask(ctx, "podman", "version"); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, fmt.Errorf("%w: install podman", err)
		}
		return nil, fmt.Errorf("%w: podman info says more", err)
	}
	return &Builder{Kind: "podman"}, nil
}

// ask runs a program that must answer soon and gives what it prints. The error has
// the last line of its complaint.
func ask(ctx context.Context, name string, args ...string) (string, error) {
	if _, err := exec.LookPath(name); err != nil {
		return "", missing(name)
	}
	timed, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var out, complaint bytes.Buffer
	cmd := command(timed, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	cmd.WaitDelay = time.Second
	err := run(cmd)
	switch {
	case err == nil:
		return out.String(), nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	case timed.Err() != nil:
		return "", fmt.Errorf("no answer within %s", patience)
	}
	if said := complaintLine(cmp.Or(strings.TrimSpace(complaint.String()), strings.TrimSpace(out.String()))); said != "" {
		return "", errors.New(prefix().ReplaceAllString(said, ""))
	}
	return "", err
}

// missing is a program that isn't on PATH, in fewer words than exec's.
type missing string

func (m missing) Error() string { return string(m) + " isn't on PATH" }
func (m missing) Unwrap() error { return exec.ErrNotFound }
