//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"

	"drydock/verify/probe"
	"drydock/verify/probe/wire"
)

// A subject is one side of a comparison: an image and what it was seen to do.
type subject struct {
	*image
	saw   *probe.Result
	built *built
}

// launch builds dir and runs what comes out.
func launch(ctx context.Context, dir string, c chainCase) (*subject, error) {
	b, err := world.builder.build(ctx, request{dir: dir, images: c.images, noCache: true, export: true})
	if err != nil {
		return nil, err
	}
	img, err := readImage(b.digest)
	if err != nil {
		return nil, err
	}
	spec := probe.Spec{Also: c.also, Wait: 60}
	for e := range img.config.ExposedPorts { // what a runtime opens first isn't the application: Erlang's name server is there before it
		if n, err := strconv.Atoi(strings.TrimSuffix(e, "/tcp")); err == nil {
			spec.Ports = append(spec.Ports, n)
		}
	}
	for _, p := range c.paths {
		spec.Gets = append(spec.Gets, probe.Get{Method: "GET", Path: p})
	}
	saw, err := img.observed(ctx, spec)
	if err != nil {
		return nil, err
	}
	return &subject{img, saw, b}, nil
}

// alike are replies without what may differ: the day of a build, names of one and the same type, of which each server
// has its own (RFC 9239 for scripts), and what it says of a page beyond its type.
func alike(replies []wire.Reply) []wire.Reply {
	out := slices.Clone(replies)
	for i, r := range out {
		switch kind, rest, _ := strings.Cut(r.Type, ";"); kind {
		case "application/javascript":
			out[i].Type = strings.TrimSuffix("text/javascript;"+rest, ";")
		case "image/vnd.microsoft.icon":
			out[i].Type = "image/x-icon"
		}
		out[i].Head = told.ReplaceAllString(r.Head, "")
		if body := buildDate.ReplaceAllString(r.Body, ""); body != r.Body && r.Size == int64(len(r.Body)) {
			out[i].Body, out[i].SHA256 = body, "" // of what is compared as a whole
		}
	}
	return out
}

// told is what a server says of a page beyond its type.
var told = regexp.MustCompile(`vary: Accept-Encoding\n|content-disposition: inline; filename="[^"\n]*"\n`)

// buildDate is what MkDocs writes below its home page.
var buildDate = regexp.MustCompile(`Build Date UTC : \S+ \S+`)

// differences tells in words what a user of before would miss in after. None: they are equal as far as one can see.
// Bodies count, not only statuses; a server's log does not, the output of a command that ends does.
func differences(before, after *subject) []string {
	var out []string
	b, a := before.saw, after.saw
	switch {
	case b.Exited != a.Exited:
		out = append(out, fmt.Sprintf("before %s, after %s:\n%s", manner(b), probe.Manner(a), tail(b.Output+a.Output, 30)))
	case b.Exited:
		if b.Exit != a.Exit {
			out = append(out, fmt.Sprintf("exit code %d before, %d after: %s", b.Exit, a.Exit, a.Output))
		}
		if d := cmp.Diff(b.Output, a.Output); d != "" {
			out = append(out, "output (-before +after):\n"+d)
		}
	}
	if b.Exited == a.Exited {
		if d := cmp.Diff(alike(lasting(b.Replies)), alike(lasting(a.Replies))); d != "" {
			out = append(out, "replies (-before +after):\n"+d)
		}
	}
	if d := cmp.Diff(b.Also, a.Also); d != "" {
		out = append(out, "further commands (-before +after):\n"+d)
	}
	out = append(out, missing("EXPOSE", before.config.ExposedPorts, after.config.ExposedPorts)...)
	out = append(out, missing("VOLUME", before.config.Volumes, after.config.Volumes)...)
	out = append(out, missing("LABEL", before.config.Labels, after.config.Labels)...)
	if before.config.StopSignal != after.config.StopSignal {
		out = append(out, fmt.Sprintf("STOPSIGNAL %q before, %q after", before.config.StopSignal, after.config.StopSignal))
	}
	return out
}

// lasting leaves out the replies of ports that the kernel chose, which are others in each run.
func lasting(all []probe.Reply) []probe.Reply {
	return slices.DeleteFunc(slices.Clone(all), func(r probe.Reply) bool { return r.Port >= 32768 })
}

// answers tells whether a run was seen to serve.
func answers(r *probe.Result) bool {
	return slices.ContainsFunc(r.Replies, func(r probe.Reply) bool { return r.Status > 0 })
}

// missing names the keys of before that after lacks; the base images may bring more of them.
func missing[V any](what string, before, after map[string]V) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(before)) {
		if _, ok := after[k]; !ok {
			out = append(out, fmt.Sprintf("%s %s is gone", what, k))
		}
	}
	return out
}

func manner(r *probe.Result) string { return probe.Manner(r) }
