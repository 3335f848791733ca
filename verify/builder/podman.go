package builder

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"drydock/rewrite"
)

// podman builds with podman into res. What it tells is less than BuildKit's: which
// instruction it is at, and that one came from the cache.
func (b *Builder) podman(ctx context.Context, r Request, tmp string, res *Result, see Observer) error {
	tag := ""
	if r.Export {
		tag = newTag()
	}
	args, err := b.podmanArguments(r, tmp, tag)
	if err != nil {
		return err
	}
	p := &podmanStatus{status: newStatus(r.Name, see), now: time.Now}
	in := &lines{each: p.line}
	cmd := command(ctx, "podman", args...)
	cmd.Stdout, cmd.Stderr = in, in // one writer: exec then calls it from one goroutine
	err = run(cmd)
	in.Close()
	p.end(err != nil)
	res.Steps = p.result()
	if err != nil {
		e := p.failure(err, b.Kind, r)
		if strings.Contains(e.said, "RUN only supports the --mount flag") {
			// Seen with 4.3: no RUN --network, which the probe needs.
			e.todo = "podman is too old for RUN --network: update it, or use docker buildx or buildctl"
		}
		// An interrupted podman may have named the image just before.
		if tag != "" && ctx.Err() != nil {
			_ = b.remove(tag) // mostly there is none
		}
		return e
	}
	if tag == "" {
		return nil
	}
	res.Digest, err = b.save(ctx, tag, tmp, r.Layout)
	return err
}

// podmanArguments are podman's words. The format is docker's, since OCI's has no
// place for SHELL and HEALTHCHECK and podman would drop them.
// Source: https://docs.podman.io/en/latest/markdown/podman-build.1.html
func (b *Builder) podmanArguments(r Request, tmp, tag string) ([]string, error) {
	a := []string{"build", "--format", "docker", "--file", filepath.Join(tmp, "Dockerfile")}
	if r.Ignore != nil {
		a = append(a, "--ignorefile", filepath.Join(tmp, "Dockerfile.dockerignore"))
	}
	if tag != "" {
		a = append(a, "--tag", tag)
	}
	if r.Target != "" {
		a = append(a, "--target", r.Target)
	}
	if r.Platform != "" {
		a = append(a, "--platform", r.Platform)
	}
	for _, arg := range r.BuildArgs {
		a = append(a, "--build-arg", arg)
	}
	for _, s := range r.Secrets {
		a = append(a, "--secret", s)
	}
	for _, s := range r.SSH {
		a = append(a, "--ssh", s)
	}
	for _, c := range r.Contexts {
		if _, value, _ := strings.Cut(c, "="); strings.HasPrefix(value, "oci-layout://") || strings.HasPrefix(value, "git@") ||
			strings.HasPrefix(value, "git://") || strings.HasPrefix(value, "ssh://") || strings.HasSuffix(value, ".git") {
			return nil, &Error{said: fmt.Sprintf("podman takes no named context %s: use docker buildx or buildctl for it", value)}
		}
	}
	contexts, err := b.contexts(r)
	if err != nil {
		return nil, err
	}
	a = append(a, contexts...)
	if r.NoCache {
		a = append(a, "--no-cache")
	}
	context, err := filepath.Abs(r.Context)
	if err != nil {
		return nil, err
	}
	return append(a, context), nil
}

// podmanStatus makes steps of podman's lines.
type podmanStatus struct {
	*status
	now   func() time.Time
	open  *vertex        // the instruction under way
	total map[string]int // of the stages seen so far
}

// "STEP 3/5: RUN make", in a file of several stages "[2/2] STEP 3/5: RUN make".
var podmanStep = rewrite.Lazily(`^(?:(\[\d+/\d+\]) )?STEP \d+/(\d+): (.*)$`)

func (p *podmanStatus) line(text []byte) {
	line := string(text)
	if m := podmanStep().FindStringSubmatch(line); m != nil {
		p.close("")
		if p.total == nil {
			p.total = map[string]int{}
		}
		p.total[m[1]], _ = strconv.Atoi(m[2])
		p.open = p.steps[p.add(strings.TrimSpace(m[1]+" "+m[3]))]
		p.open.start(p.now())
		p.count(p.open)
		return
	}
	switch {
	case p.open != nil && strings.HasPrefix(line, "--> Using cache "):
		p.open.Cached = true
	case strings.HasPrefix(line, "subprocess exited with status "): // podman's own, after the command's last words
	case strings.HasPrefix(line, "Error: "):
		p.rest.Write(append(text, '\n'))
	case p.open != nil:
		p.log(p.open, append(text, '\n'))
	default:
		p.rest.Write(append(text, '\n'))
	}
}

// close ends the instruction under way.
func (p *podmanStatus) close(failed string) {
	if p.open == nil {
		return
	}
	p.open.complete(p.now())
	p.open.Error = failed
	p.count(p.open)
	p.open = nil
}

// end takes the end of podman. The instruction that it was at is the one that failed.
func (p *podmanStatus) end(failed bool) {
	why := ""
	if failed {
		why = cmp.Or(complaintLine(p.rest.String()), "podman failed")
	}
	p.close(why)
}

// count counts instructions, of which podman says beforehand how many there are.
func (p *podmanStatus) count(v *vertex) {
	if p.see == nil {
		return
	}
	sum := 0
	for _, n := range p.total {
		sum += n
	}
	p.see(Event{Build: p.build, Step: v.Step, Done: p.done(), Total: max(sum, len(p.steps))})
}
