package transforms

import (
	"path"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/rewrite"
)

// What the transforms about working directories ask.

// inForce is the working directory at one place.
type inForce struct {
	dir  string // absolute
	text string // as the last WORKDIR writes it, "" for the base image's
	base bool   // it goes on from the base image's directory, and that isn't /
}

// workdirBefore is the directory that is in force before an instruction; why
// tells why it can't be known.
func workdirBefore(in *rewrite.Instruction) (w inForce, why string) {
	st := in.State()
	w.dir = st.Workdir
	stop := in
	for s := in.Stage; s != nil; s = s.Parent() {
		if windowsBase(s) {
			return w, "the base is a Windows image"
		}
		for i := len(s.Instructions) - 1; i >= 0; i-- {
			above := s.Instructions[i]
			if stop != nil && above.Index >= stop.Index || above.Keyword != "workdir" {
				continue
			}
			text := above.Cmd.(*instructions.WorkdirCommand).Path
			if w.text == "" {
				w.text = text
			}
			if strings.ContainsAny(text, `\:`) {
				return w, "a WORKDIR above it is a Windows path"
			}
			full := above.State().Expand(text)
			if strings.ContainsAny(full, `"'`) {
				return w, "a WORKDIR above it has quotes that BuildKit can't read"
			}
			if name := argIn(text, above.State()); name != "" {
				return w, "the WORKDIR above it depends on the build argument " + name
			}
			if strings.HasPrefix(full, "/") {
				return w, unknownWorkdir(st)
			}
		}
		stop = nil
	}
	w.base = st.Base.Workdir != "" && st.Base.Workdir != "/"
	if st.Known && st.Base.OnBuild {
		return w, "the base has ONBUILD triggers, which may change the directory"
	}
	return w, unknownWorkdir(st)
}

func unknownWorkdir(st rewrite.State) string {
	if st.Workdir == "" {
		return "the directory that it starts from isn't known: the base image or a variable decides"
	}
	return ""
}

// argIn names a build argument among the variables of a text, "" when there is none.
func argIn(text string, st rewrite.State) string {
	if !strings.Contains(text, "$") {
		return ""
	}
	for name := range st.Args {
		if strings.Contains(text, "$"+name) || strings.Contains(text, "${"+name) {
			return name
		}
	}
	return ""
}

// windowsBase reports whether the stage is built on a Windows image.
func windowsBase(s *rewrite.Stage) bool {
	if s.Doc().Escape != '\\' {
		return true
	}
	base := strings.ToLower(s.BaseName())
	return strings.Contains(base, "windows") || strings.Contains(base, "nanoserver") || strings.Contains(base, "servercore")
}

// fixedWorkdir is the absolute path of a WORKDIR that says it without variables
// and without a slash at the end, which would stay in the image's config.
func fixedWorkdir(in *rewrite.Instruction) (string, bool) {
	w, ok := in.Cmd.(*instructions.WorkdirCommand)
	if !ok || !strings.HasPrefix(w.Path, "/") || path.Clean(w.Path) != w.Path || strings.ContainsAny(w.Path, "$\\\"'") {
		return "", false
	}
	return w.Path, true
}
