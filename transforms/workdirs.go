package transforms

import (
	"path"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/rewrite"
)

// What the transforms about working directories ask.

// workdirBefore is the directory that is in force before an instruction; why
// tells why it can't be known.
func workdirBefore(in *rewrite.Instruction) (dir, why string) {
	st := in.State()
	stop := in
	for s := in.Stage; s != nil; s = s.Parent() {
		if windowsBase(s) {
			return "", "the base is a Windows image"
		}
		for i := len(s.Instructions) - 1; i >= 0; i-- {
			w := s.Instructions[i]
			if stop != nil && w.Index >= stop.Index || w.Keyword != "workdir" {
				continue
			}
			text := w.Cmd.(*instructions.WorkdirCommand).Path
			if strings.ContainsAny(text, `\:`) {
				return "", "a WORKDIR above it is a Windows path"
			}
			if name := argIn(text, w.State()); name != "" {
				return "", "the WORKDIR above it depends on the build argument " + name
			}
			if strings.HasPrefix(text, "/") {
				return st.Workdir, unknownWorkdir(st)
			}
		}
		stop = nil
	}
	if st.Known && st.Base.OnBuild {
		return "", "the base has ONBUILD triggers, which may change the directory"
	}
	return st.Workdir, unknownWorkdir(st)
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

// fixedWorkdir is the absolute path of a WORKDIR that says it without variables.
func fixedWorkdir(in *rewrite.Instruction) (string, bool) {
	w, ok := in.Cmd.(*instructions.WorkdirCommand)
	if !ok || !strings.HasPrefix(w.Path, "/") || strings.ContainsAny(w.Path, "$\\\"'") {
		return "", false
	}
	return path.Clean(w.Path), true
}
