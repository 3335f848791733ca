package transforms

// Who besides the file decides which image a build takes: build arguments and
// named contexts of compose and bake files, CI and scripts.

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"drydock/images"
	"drydock/repo"
)

// Replaced tells why the place may not decide which image is taken: a build
// outside the file gives one of its arguments, or a context of the name that
// stands there, or that ref would put there. "" when nothing of the kind is seen.
func (pl *imagePlace) Replaced(ref images.Ref) string {
	args, which := pl.Args, "the default isn't what is built there"
	if pl.Kind == placeSyntax {
		// https://docs.docker.com/build/buildkit/frontend/
		args, which = []string{"BUILDKIT_SYNTAX"}, "the directive isn't what reads the file there"
	}
	names := []string{contextName(pl.Ref), contextName(ref)}
	hit := func(given []string) string {
		for _, n := range given {
			if contextIs(n, names) && pl.Kind != placeSyntax {
				return n
			}
		}
		return ""
	}
	for _, b := range pl.pass.Repo.Builds() {
		if b.Dockerfile != "" && pl.pass.Name != "" && b.Dockerfile != pl.pass.Name {
			continue // another file's
		}
		at := fmt.Sprintf("%s:%d", b.File, b.Line)
		for _, a := range b.Args {
			if slices.Contains(args, a) {
				return fmt.Sprintf("%s gives %s: %s", at, a, which)
			}
		}
		if n := hit(b.Contexts); n != "" {
			return fmt.Sprintf("%s gives a build context named %s in the place of the image", at, n)
		}
	}
	for _, m := range pl.pass.Repo.Mentions() {
		at := fmt.Sprintf("%s:%d", m.File, m.Line)
		switch {
		case m.Kind == repo.MentionArg && len(args) > 0 && pl.Kind != placeSyntax && computed(m.Name):
			return fmt.Sprintf("%s passes a build argument whose name is computed (%s)", at, m.Name)
		case m.Kind == repo.MentionArg && slices.Contains(args, m.Name):
			return fmt.Sprintf("%s gives %s: %s", at, m.Name, which)
		case m.Kind == repo.MentionContext && hit([]string{m.Name}) != "":
			return fmt.Sprintf("%s gives a build context named %s in the place of the image", at, m.Name)
		}
	}
	return ""
}

func computed(name string) bool { return strings.ContainsAny(name, "$({<%") }

// contextIs: a context's name is, or may be, one of names.
func contextIs(name string, names []string) bool {
	if computed(name) {
		return true
	}
	ref, err := images.ParseRef(strings.TrimSpace(name))
	return err == nil && slices.Contains(names, contextName(ref))
}

// contextName is the name that BuildKit looks a context up by: short, without
// :latest (dockerui.Client.NamedContext).
func contextName(r images.Ref) string {
	name := strings.ToLower(r.Repository())
	if tag := cmp.Or(r.Tag, "latest"); tag != "latest" {
		name += ":" + tag
	}
	if r.Digest != "" {
		name += "@" + r.Digest
	}
	return name
}
