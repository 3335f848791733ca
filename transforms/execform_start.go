package transforms

import (
	"path"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/rewrite"
)

// What a CMD or ENTRYPOINT meets when the container starts.

// needsShell tells why a command of plain words keeps its shell; "" when it
// doesn't, then e.assumes holds what that rests on.
func (e *execForm) needsShell(words []string) string {
	st := e.in.State()
	if !plainShell(st.Shell) {
		return "SHELL is " + strings.Join(st.Shell, " ") + ", which does more than to split words"
	}
	if len(st.Shell) > 0 && path.Base(st.Shell[0]) == "bash" && st.Env["BASH_ENV"] != "" {
		return "bash reads $BASH_ENV first"
	}
	if base := baseName(e.s); !st.Known && st.Shell == nil {
		if strings.Contains(base, "micromamba") {
			return "the SHELL of " + base + " activates an environment"
		}
		e.assume("%s sets no SHELL", base)
	}
	if e.in.Keyword == "entrypoint" {
		if why := e.getsArguments(); why != "" {
			return why
		}
		e.assume("the container is started without arguments, which the shell form ignores")
	}
	return e.noScript(words[0])
}

// entrypointOf is the ENTRYPOINT in effect for a CMD of the stage; in is nil where
// the base image decides.
func entrypointOf(s *rewrite.Stage) (in *rewrite.Instruction, list []string) {
	for ; s != nil; s = s.Parent() {
		for i := len(s.Instructions) - 1; i >= 0; i-- {
			if c, ok := s.Instructions[i].Cmd.(*instructions.EntrypointCommand); ok {
				return s.Instructions[i], c.CmdLine
			}
		}
	}
	return nil, nil
}

// baseName is the image at the root of a stage.
func baseName(s *rewrite.Stage) string {
	for s.Parent() != nil {
		s = s.Parent()
	}
	return s.BaseName()
}

// unseen reports whether no ENTRYPOINT would see that the CMD is another one.
func (e *execForm) unseen(program string) bool {
	in, list := entrypointOf(e.s)
	if e.in.Trigger() {
		e.assume("an image built on this one sets no ENTRYPOINT that looks at its arguments")
	}
	if in != nil {
		switch {
		case !in.JSON: // it ignores it, as one-cmd says
			return false
		case !runsArguments(e.p, e.s, list):
			e.why = "ENTRYPOINT gets it as arguments: " + strings.Join(list, " ") + " would see the difference"
			return false
		}
		return true
	}
	st := e.in.State()
	if !st.Known {
		e.assume("%s sets no ENTRYPOINT, or one that runs its arguments", baseName(e.s))
		return true
	}
	if len(st.Base.Entrypoint) == 0 {
		return true
	}
	// The entrypoint scripts of these official images run their arguments, but
	// for those of nginx that set nginx up when it is the first of them.
	switch st.Base.Repository {
	case "node", "php", "drupal", "eclipse-temurin", "maven", "julia":
		return true
	case "nginx":
		if !strings.HasPrefix(path.Base(program), "nginx") {
			return true
		}
	}
	if !strings.Contains(path.Base(st.Base.Entrypoint[0]), "entrypoint") {
		e.why = "the ENTRYPOINT of " + st.Base.Repository + " gets it as arguments and would see the difference"
		return false
	}
	// The other scripts look at the first argument, which is /bin/sh as long as
	// the shell form stays.
	e.kept = "the ENTRYPOINT of " + st.Base.Repository + " does other things for a program than for a shell"
	return true
}

// runsArguments reports whether an ENTRYPOINT does nothing with its arguments
// but to run them.
func runsArguments(p *rewrite.Pass, s *rewrite.Stage, list []string) bool {
	if len(list) == 0 {
		return true
	}
	switch path.Base(list[0]) {
	case "tini", "tini-static", "dumb-init", "catatonit":
		for i, w := range list[1:] {
			if w == "--" {
				return runsArguments(p, s, list[i+2:])
			}
			if !strings.HasPrefix(w, "-") {
				return false
			}
		}
		return true
	}
	if len(list) > 1 {
		return false
	}
	text, ok := programSource(p, s, list[0])
	return ok && transparent(text)
}

// programSource reads the file of the build context that a program name means in the
// finished image.
func programSource(p *rewrite.Pass, s *rewrite.Stage, name string) (string, bool) {
	if !p.Repo.Known() {
		return "", false
	}
	st := s.At(nil)
	paths := []string{name}
	if !strings.Contains(name, "/") {
		dirs := st.Env["PATH"]
		if dirs == "" || strings.Contains(dirs, "$") {
			dirs += ":" + st.Base.EnvPath + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
		}
		paths = paths[:0]
		for _, d := range strings.Split(dirs, ":") {
			if strings.HasPrefix(d, "/") {
				paths = append(paths, d+"/"+name)
			}
		}
	}
	for _, f := range paths {
		abs, ok := st.Abs(f)
		if !ok {
			continue
		}
		if ctx, ok := s.Trace(abs, p.Repo, p.Name); ok {
			if text, err := p.Repo.ReadFile(ctx); err == nil {
				return string(text), true
			}
		}
	}
	return "", false
}

// transparent reports whether a shell script looks at its arguments only to
// run them with exec.
func transparent(text string) bool {
	if !strings.HasPrefix(text, "#!") {
		return false
	}
	runs := false
	for _, l := range strings.Split(text, "\n") {
		l = strings.TrimSpace(l)
		if strings.HasPrefix(l, "#") {
			continue
		}
		if how, ok := strings.CutSuffix(l, ` "$@"`); ok && execs(strings.Fields(how)) {
			runs = true
			continue
		}
		for i := range len(l) - 1 {
			rest := strings.TrimPrefix(l[i+1:], "{")
			if l[i] == '$' && rest != "" && strings.IndexByte("@*#123456789", rest[0]) >= 0 {
				return false
			}
		}
		if strings.HasPrefix(l, "shift") || strings.HasPrefix(l, "set --") || strings.Contains(l, "getopts") {
			return false
		}
	}
	return runs
}

// execs reports whether words in front of "$@" run it in the place of the script.
func execs(f []string) bool {
	if len(f) == 0 || f[0] != "exec" {
		return false
	}
	if len(f) == 1 {
		return true
	}
	switch path.Base(f[1]) {
	case "tini", "dumb-init":
		return len(f) == 2 || f[len(f)-1] == "--"
	case "gosu", "su-exec":
		return len(f) == 3
	}
	return false
}

// getsArguments tells what would become the arguments of an ENTRYPOINT that
// ignores them today.
func (e *execForm) getsArguments() string {
	if e.in.Trigger() {
		return "the CMD of the image built on this one would become its arguments"
	}
	for _, s := range e.p.Doc.Stages {
		if !s.Descends(e.s) {
			continue
		}
		if in, _ := entrypointOf(s); in != e.in {
			continue
		}
		for _, in := range s.Instructions {
			if c, ok := in.Cmd.(*instructions.CmdCommand); ok && len(c.CmdLine) > 0 {
				return "it ignores the CMD, which would become its arguments"
			}
		}
	}
	for _, b := range e.p.Repo.Builds() {
		if len(b.Command) > 0 && (b.Dockerfile == e.p.Name || e.p.Name == "") {
			return "it ignores the command in " + b.File + ", which would become its arguments"
		}
	}
	return ""
}

// noScript tells why only a shell can start a program: it is a script without
// #! line, which the kernel refuses and a shell runs itself. Where the file
// isn't seen, e.assumes says so.
func (e *execForm) noScript(name string) string {
	if base := path.Base(name); (base == name || strings.HasPrefix(name, "/usr/") || path.Dir(name) == "/bin") && (runners[base] || installedPrograms[base] || pythonName().MatchString(base)) {
		return ""
	}
	if text, ok := programSource(e.p, e.s, name); ok {
		if strings.HasPrefix(text, "#!") || strings.HasPrefix(text, "\x7fELF") {
			return ""
		}
		return name + " has no #! line, so that only a shell can run it"
	}
	dir, base := path.Split(name)
	written, bare := writesProgram(e.s, base)
	if bare {
		return name + ", which the build writes, may have no #! line"
	}
	switch strings.TrimSuffix(dir, "/") {
	case "", "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin":
		if !written && !strings.HasSuffix(base, ".sh") {
			return "" // what a package or a compiler put there
		}
	}
	if strings.Contains(dir, "/target/release/") || strings.Contains(dir, "/target/debug/") || compiledAs(e.p.Doc, base) {
		return ""
	}
	e.assume("%s is a program, or a script with a #! line", name)
	return ""
}

// writesProgram reports whether the stage may make a script of that name
// itself: by a copy that isn't seen, a redirection or a download; bare tells
// that a redirection writes it and no #! is to be seen.
func writesProgram(s *rewrite.Stage, base string) (written, bare bool) {
	for ; s != nil; s = s.Parent() {
		for _, in := range s.Instructions {
			switch in.Keyword {
			case "copy", "add":
				written = written || strings.Contains(in.Raw(), base)
			case "run":
				if !strings.Contains(in.Raw(), base) {
					continue
				}
				sh, _ := in.Shell()
				if sh == nil {
					written = true
					continue
				}
				for _, c := range sh.Commands() {
					if !strings.Contains(c.Key, base) {
						continue
					}
					for _, r := range c.Stmt.Redirs {
						if t := sh.Source(r); strings.Contains(t, ">") && strings.HasSuffix(t, base) {
							written, bare = true, bare || !strings.Contains(in.Raw(), "#!")
						}
					}
					written = written || c.Name == "tee" || c.Name == "curl" || c.Name == "wget"
				}
			}
		}
	}
	return written, bare
}

// compiledAs reports whether a compiler writes a file of that name.
func compiledAs(d *rewrite.Document, base string) bool {
	for _, in := range d.Instructions {
		if in.Keyword != "run" || !strings.Contains(in.Text, "-o") || !strings.Contains(in.Text, base) {
			continue
		}
		sh, _ := in.Shell()
		if sh == nil {
			continue
		}
		for _, c := range sh.Commands() {
			switch c.Name {
			case "go", "gcc", "g++", "cc", "c++", "clang", "clang++", "rustc", "ldc2", "dmd", "nim", "crystal", "ghc", "swiftc":
			default:
				continue
			}
			for i, w := range c.Args {
				if w == "-o" && i+1 < len(c.Args) && path.Base(c.Args[i+1]) == base || strings.HasPrefix(w, "-o=") && path.Base(w) == base {
					return true
				}
			}
		}
	}
	return false
}
