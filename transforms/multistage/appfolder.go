package multistage

import (
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

// appFolder is the plan of interpreted languages: the application's folder, and
// the folders that its packages are installed in, are copied from the build
// stage to the same paths.
type appFolder struct {
	*split
	app    string               // folder of the application in the image
	others []string             // folders of packages
	last   *rewrite.Instruction // the last RUN that builds
	owner  string               // whom a chown gives the folder to
}

// inside: a path below the application's folder or one of the others.
func (a *appFolder) inside(p string) bool {
	if rewrite.Inside(p, a.app) {
		return true
	}
	for _, o := range a.others {
		if rewrite.Inside(p, o) {
			return true
		}
	}
	return false
}

// place decides where COPY, ADD and file commands up to the last build step
// go: what lands in a folder that is copied comes with it, the rest is repeated.
// skip tells RUNs that have their role already.
func (a *appFolder) place(skip func(*rewrite.Instruction) bool) bool {
	for _, in := range a.stage.Instructions {
		if in.Index > a.last.Index {
			break
		}
		isCopy := in.Keyword == "copy" || in.Keyword == "add"
		if in.Keyword == "run" && a.roles[in] == inBuild && !a.chowns(in) {
			return false
		}
		if !isCopy && (in.Keyword != "run" || a.roles[in] != inBoth || skip(in)) {
			continue
		}
		trees, writes, why := a.touched(in)
		if why != "" {
			return a.decline(in, "whether it changes %s isn't known: %s", a.app, why)
		}
		for _, t := range trees {
			writes = append(writes, t.Dest)
		}
		within, beside := 0, 0
		for _, w := range writes {
			switch {
			case a.inside(w):
				within++
			case isCopy && rewrite.Inside(a.app, w):
				return a.decline(in, "it copies to %s, above %s", w, a.app)
			default:
				beside++
			}
		}
		switch {
		case within > 0 && a.ownsFolder(in):
		case within > 0 && beside > 0:
			return a.decline(in, "it changes %s and folders beside it", a.app)
		case within > 0:
			a.roles[in] = inBuild
			if !a.chowns(in) {
				return false
			}
		}
	}
	return true
}

// ownsFolder: a RUN that makes the folder for a user before anything lies in it.
// The runtime stage repeats it, since COPY would make the folder root's.
func (a *appFolder) ownsFolder(in *rewrite.Instruction) bool {
	if in.Keyword != "run" {
		return false
	}
	sh, _ := in.Shell()
	for _, c := range sh.Commands() {
		if !accounts[c.Name] {
			return false
		}
	}
	for _, before := range a.stage.Instructions {
		if before.Index < in.Index && (before.Keyword == "copy" || before.Keyword == "add" || before.Keyword == "run" && a.roles[before] == inBuild) {
			return false
		}
	}
	return true
}

// chowns notes the owner that a RUN gives to the folder itself: COPY --from
// keeps the owners of what lies in it, not of the folder.
func (a *appFolder) chowns(in *rewrite.Instruction) bool { return a.takesOwner(in, recursive) }

// takesOwner is chowns for the calls of chown that whole accepts: those that
// give away all that lies in the folder too.
func (a *appFolder) takesOwner(in *rewrite.Instruction, whole func(rewrite.Step) bool) bool {
	if in.Keyword != "run" {
		return true
	}
	all, _ := in.Steps()
	for _, st := range all {
		words := operands(st)
		if st.Name != "chown" && st.Name != "chmod" && st.Name != "chgrp" || len(words) < 2 {
			continue
		}
		for _, w := range words[1:] {
			if abs(st.Dir, w) != a.app {
				continue
			}
			if st.Name != "chown" || !whole(st) || a.owner != "" && a.owner != words[0] || strings.ContainsAny(words[0], "$`") {
				return a.decline(in, "it changes owner or mode of %s itself, which COPY --from doesn't keep", a.app)
			}
			a.owner = words[0]
		}
	}
	return true
}

func recursive(st rewrite.Step) bool {
	for _, w := range st.Args[1:] {
		if w == "--recursive" || strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") && strings.Contains(w, "R") {
			return true
		}
	}
	return false
}

// copyFolder puts the COPY of the application's folder where the last build
// step stood. With an owner it goes above the WORKDIR that would make the
// folder root's.
func (a *appFolder) copyFolder() {
	line := a.copyFrom(a.app, a.app)
	if a.owner != "" {
		line = strings.Replace(line, " "+a.app, " --chown="+a.owner+" "+a.app, 1)
		for _, in := range a.stage.Instructions {
			if in.Keyword == "workdir" && in.Index < a.last.Index {
				if next := in.Next(); next != nil && rewrite.Inside(a.stage.At(next).Workdir, a.app) {
					a.ahead[in] = append(a.ahead[in], line)
					return
				}
			}
		}
	}
	a.instead[a.last] = append(a.instead[a.last], line)
}

// again repeats commands of a RUN that else stays in the build stage. It declines
// for those behind a cd.
func (s *split) again(in *rewrite.Instruction, steps []rewrite.Step) bool {
	if len(steps) == 0 {
		return true
	}
	sh, _ := in.Shell()
	var texts []string
	for _, st := range steps {
		if st.Dir != s.stage.At(in).Workdir {
			return s.decline(in, "%s would have to run again in %s", st.Name, st.Dir)
		}
		text := sh.Source(st.Stmt)
		texts = append(texts, strings.TrimRight(strings.TrimSpace(text), "; "))
		s.adds = append(s.adds, st.Key)
	}
	indent, leading := s.doc.RunStyle(nil)
	sep := " && \\\n" + indent
	if leading {
		sep = " \\\n" + indent + "&& "
	}
	s.instead[in] = append(s.instead[in], s.keyword("RUN")+" "+strings.Join(texts, sep))
	return true
}

// within: every path that file commands name lies in one of the folders.
func (a *appFolder) within(st rewrite.Step) bool {
	named := false
	for _, w := range st.Args[1:] {
		if strings.HasPrefix(w, "-") || !named && (st.Name == "chown" || st.Name == "chmod" || st.Name == "chgrp") {
			named = named || !strings.HasPrefix(w, "-")
			continue
		}
		if strings.ContainsAny(w, "$`~") || !a.inside(path.Clean(abs(st.Dir, w))) {
			return false
		}
	}
	return true
}

// notRun are files without an extension that don't run in the container.
var notRun = words(`Gemfile Rakefile Guardfile Capfile Makefile Vagrantfile Brewfile Jenkinsfile CODEOWNERS LICENSE COPYING AUTHORS README CHANGELOG setup update dev yarn webpack webpack-dev-server vite importmap ci rubocop brakeman`)

// calls reports whether something that runs in the container names a program:
// a start command, a shell script or another text file of the project that
// starts programs, or a call in the source, whose files end in ext.
func (s *split) calls(program, ext string) bool {
	if s.called == nil {
		s.called = map[string]bool{}
		s.collectCalls(ext)
	}
	return s.called[program] || s.called[anyProgram]
}

// anyProgram stands for all: the project is too big to be searched.
const anyProgram = "/"

// collectCalls notes the words of everything that starts programs.
func (s *split) collectCalls(ext string) {
	note := func(text string) {
		for _, w := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n;&|()\"'`[],=", r) }) {
			s.called[w[strings.LastIndexByte(w, '/')+1:]] = true
		}
	}
	for _, in := range s.stage.Instructions {
		line, _ := startLine(in)
		note(strings.Join(line, " "))
	}
	for _, b := range s.runs() {
		note(strings.Join(slices.Concat(b.Command, b.Entrypoint, b.Healthcheck), " "))
	}
	if !s.p.Unsafe {
		return
	}
	files, complete := s.p.Repo.Files()
	if !complete {
		s.called[anyProgram] = true
		return
	}
	ig := s.p.Repo.Ignore(s.p.Name)
	for _, f := range files {
		e := path.Ext(f)
		if e != ext && e != ".sh" && e != ".conf" && e != "" || notRun[path.Base(f)] || repo.TestFile(f) || strings.Contains(f, "Dockerfile") || strings.HasPrefix(f, ".git/") || ig.Excluded(f) {
			continue
		}
		src, err := s.p.Repo.ReadFile(f)
		if err != nil || len(src) > repo.MaxScanBytes {
			continue
		}
		if e != ext {
			note(string(src))
			continue
		}
		for _, m := range spawn[ext]().FindAllStringSubmatch(string(src), -1) {
			s.called[path.Base(m[1])] = true
		}
	}
}
