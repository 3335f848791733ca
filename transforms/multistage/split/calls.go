package split

import (
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// Again repeats commands of a RUN that else stays in the build stage. It declines
// for those behind a cd.
func (s *Split) Again(in *rewrite.Instruction, steps []rewrite.Step) bool {
	if len(steps) == 0 {
		return true
	}
	sh, _ := in.Shell()
	var texts []string
	for _, st := range steps {
		if st.Dir != s.Stage.At(in).Workdir {
			return s.Decline(in, "%s would have to run again in %s", st.Name, st.Dir)
		}
		text := sh.Source(st.Stmt)
		texts = append(texts, strings.TrimRight(strings.TrimSpace(text), "; "))
		s.Adds = append(s.Adds, st.Key)
	}
	indent, leading := s.Doc.RunStyle(nil)
	sep := " && \\\n" + indent
	if leading {
		sep = " \\\n" + indent + "&& "
	}
	s.Instead[in] = append(s.Instead[in], s.Keyword("RUN")+" "+strings.Join(texts, sep))
	return true
}

// notRun are files without an extension that don't run in the container.
var notRun = words(`Gemfile Rakefile Guardfile Capfile Makefile Vagrantfile Brewfile Jenkinsfile CODEOWNERS LICENSE COPYING AUTHORS README CHANGELOG setup update dev yarn webpack webpack-dev-server vite importmap ci rubocop brakeman`)

// Calls reports whether something that runs in the container names a program:
// a start command, a shell script or another text file of the project that
// starts programs, or a call in the source, whose files end in ext.
func (s *Split) Calls(program, ext string) bool {
	if s.called == nil {
		s.called = map[string]bool{}
		s.collectCalls(ext)
	}
	return s.called[program] || s.called[anyProgram]
}

// anyProgram stands for all: the project is too big to be searched.
const anyProgram = "/"

// collectCalls notes the words of everything that starts programs.
func (s *Split) collectCalls(ext string) {
	note := func(text string) {
		for _, w := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n;&|()\"'`[],=", r) }) {
			s.called[w[strings.LastIndexByte(w, '/')+1:]] = true
		}
	}
	for _, in := range s.Stage.Instructions {
		line, _ := cmdline.StartLine(in)
		note(strings.Join(line, " "))
	}
	for _, b := range s.Runs() {
		note(strings.Join(slices.Concat(b.Command, b.Entrypoint, b.Healthcheck), " "))
	}
	if !s.Pass.Unsafe {
		return
	}
	files, complete := s.Pass.Repo.Files()
	if !complete {
		s.called[anyProgram] = true
		return
	}
	ig := s.Pass.Repo.Ignore(s.Pass.Name)
	for _, f := range files {
		e := path.Ext(f)
		if e != ext && e != ".sh" && e != ".conf" && e != "" || notRun[path.Base(f)] || repo.TestFile(f) || strings.Contains(f, "Dockerfile") || strings.HasPrefix(f, ".git/") || ig.Excluded(f) {
			continue
		}
		src, err := s.Pass.Repo.ReadFile(f)
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

// InstallsSystem: a RUN for the system that the runtime stage repeats.
func (s *Split) InstallsSystem(in *rewrite.Instruction) bool {
	return s.repeated[in] || strings.Contains(in.Text, "apt")
}

// StageText is the text of the stage's RUNs.
func (s *Split) StageText() string {
	var b strings.Builder
	for _, in := range s.Stage.Instructions {
		if in.Keyword == "run" {
			b.WriteString(in.Text + "\n")
		}
	}
	return b.String()
}

// NginxImage is what serves static files: the stable line on Alpine; with --base smallest
// the variant without the modules that are loaded on demand (XSLT, GeoIP, images, njs), of
// which files need none (https://github.com/nginx/docker-nginx, stable/alpine-slim).
func (s *Split) NginxImage() string {
	stable := "nginx:stable-alpine"
	if s.Pass.Policy == Smallest {
		stable += "-slim"
	}
	ref, err := images.ParseRef(stable)
	if err != nil {
		return stable
	}
	if pinned, ok := s.Pass.Images.Pin(ref, images.Want{}, images.ReleaseLine); ok {
		ref = pinned.Ref
	}
	return ref.String()
}
