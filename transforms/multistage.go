package transforms

import (
	"context"
	"strings"

	"drydock/images"
	"drydock/rewrite"
)

// multi-stage keeps what builds an application apart from what runs it.
var _ = register(&rewrite.Transform{
	Name:      "multi-stage",
	Summary:   "Build in one stage, run in a small one",
	Phase:     rewrite.PhaseStages,
	AllAssume: true,
	Doc: `A full python, node or golang image carries compilers, headers and version
control for the build; the program needs none of that when it runs
(https://docs.docker.com/build/building/multi-stage/).

The instructions of a single-stage file become the build stage; a runtime stage
on a small base is added, with the same ENV, WORKDIR, EXPOSE, ENTRYPOINT and CMD
and with everything at the same paths.

- Python with pip: packages go to a prefix of their own, which is copied over
  /usr/local of the -slim image of the same version.
- Node with npm (or Yarn 1): the installed and built folder, less the development
  dependencies where nothing needs them, on the -slim image.
- Go: a static binary, and the files that its source names, on distroless static.

System packages are installed again in the runtime stage, save compilers and
headers.`,
	Assumes: `The program needs nothing of the full image but what the recipe carries over.
Nothing but a trial build and run proves a split, so every change writes down
what it rests on.`,
	Declines: `Where a fact speaks against it: packages that need libraries or
programs of the full image (psycopg2, uwsgi, canvas, GitPython, …), start
commands and health checks that use curl, git or a compiler, cgo that links
system libraries, Go programs that start others, workspaces, other package
managers, and every RUN whose effects aren't known. Where a Go program computes
the names of files that it reads, the project's data files go along.`,
	Run: runMultiStage,
})

// recipe decides for one language where each instruction goes. It reports
// whether there is a split to make; having declined it returns false.
type recipe func(*split) bool

var recipes = map[string]recipe{"python": splitPython, "node": splitNode, "golang": splitGo}

func runMultiStage(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	d := p.Doc
	if len(d.Stages) != 1 || d.Escape != '\\' {
		return nil, nil
	}
	stage := d.Stages[0]
	ref, err := images.ParseRef(stage.BaseName())
	if err != nil {
		return nil, nil
	}
	make := recipes[ref.Repository()]
	toolchain := ref.Repository() == "golang" && !strings.Contains(ref.Tag, "onbuild") && !strings.Contains(ref.Tag, "windows") && !strings.Contains(ref.Tag, "nanoserver")
	if make == nil || small(stage.BaseName()) && !toolchain {
		return nil, nil
	}
	img, _ := stage.Image()
	s := &split{p: p, doc: d, stage: stage, ref: ref, img: img, roles: map[*rewrite.Instruction]role{}, instead: map[*rewrite.Instruction][]string{}, ahead: map[*rewrite.Instruction][]string{}}
	s.apt.runtime = map[string]bool{}
	if !builds(stage) || !s.prepare() || !make(s) {
		return nil, nil
	}
	if c, ok := s.finish(); ok {
		return []rewrite.Change{c}, nil
	}
	return nil, nil
}

// small: the base is a runtime image already, or one without Debian's
// libraries. Go's images are never small, since they hold the toolchain.
func small(ref string) bool {
	for _, w := range []string{"slim", "alpine", "distroless", "windows", "nanoserver", "onbuild", "pypy"} {
		if strings.Contains(ref, w) {
			return true
		}
	}
	return false
}

// builds reports whether a RUN does anything that a package manager or a
// compiler of the three languages does; without one there is nothing to split.
func builds(s *rewrite.Stage) bool {
	for _, in := range s.Instructions {
		if in.Keyword != "run" {
			continue
		}
		for _, w := range strings.FieldsFunc(in.Args.Text, func(r rune) bool { return strings.ContainsRune(" \t;&|()\"'[],", r) }) {
			if buildWords[w[strings.LastIndexByte(w, '/')+1:]] {
				return true
			}
		}
	}
	return false
}

var buildWords = words(`pip pip2 pip3 pipenv poetry uv conda mamba setup.py npm npx yarn pnpm bun go`)

// prepare looks at what all languages share and gives the instructions that
// need no thought their role.
func (s *split) prepare() bool {
	if !s.p.Repo.Known() {
		return s.decline(s.stage.From, "without the build context it isn't known what the image holds")
	}
	if !s.name() {
		return false
	}
	for _, in := range s.stage.Instructions {
		switch in.Keyword {
		case "onbuild":
			return s.decline(in, "ONBUILD steps run in images that are built from this one")
		case "env", "shell", "workdir", "user":
			s.roles[in] = inBoth
		case "arg":
			s.roles[in] = inBuild
		case "run":
			if _, why := in.Shell(); why != "" {
				return s.decline(in, "the effects of this RUN aren't known: %s", why)
			}
			for _, m := range in.Mounts() {
				if m["type"] == "bind" && m["from"] != "" {
					return s.decline(in, "it mounts another stage")
				}
			}
			s.roles[in] = inBuild
		case "copy", "add":
			if _, _, from, _ := in.Copy(); from != "" {
				return s.decline(in, "it copies from %s; what of that is needed at run time isn't known", from)
			}
			s.roles[in] = inBoth
		default:
			s.roles[in] = inRuntime
		}
	}
	return true
}

// name chooses the name of the build stage. A name that the only stage has is
// kept by the stage whose image its users mean: the last one.
func (s *split) name() bool {
	s.builder = "builder"
	if s.ref.Repository() == "golang" {
		s.builder = "build"
	}
	own := s.stage.Name
	if own == "" {
		return true
	}
	if !strings.HasPrefix(own, "build") {
		s.keepName = true
		return true
	}
	for _, t := range s.p.Targets() {
		if strings.EqualFold(t, own) {
			return s.decline(s.stage.From, "other files build the stage %s, which would no longer be the whole image", own)
		}
	}
	s.builder = own
	return true
}

func (s *split) decline(in *rewrite.Instruction, format string, args ...any) bool {
	s.p.Decline(in, "one stage: "+format, args...)
	return false
}
