package rewrite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/repo"
)

// once is a transform that makes one change of a text wherever it finds old.
func once(name, old, new string, c Change) *Transform {
	return &Transform{Name: name, Run: func(_ context.Context, p *Pass) ([]Change, error) {
		at := strings.Index(p.Doc.Src, old)
		if at < 0 {
			return nil, nil
		}
		c := c
		if c.Title == "" {
			c.Title = "replace " + old
		}
		for _, in := range p.Doc.Instructions {
			if in.Span.Start <= at && at < in.Span.End {
				c.At = in
			}
		}
		c.Edits = append([]Edit{{Span: Span{at, at + len(old)}, New: new}}, c.Edits...)
		return []Change{c}, nil
	}}
}

func runOn(t *testing.T, src string, rp *repo.Repo, o Options, ts ...*Transform) *Result {
	t.Helper()
	res, err := Run(context.Background(), Input{Path: "Dockerfile", Src: src, Name: "Dockerfile", Repo: rp}, ts, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// For each gate a change that must be dropped, with what it says, and a twin
// that passes.
func TestGates(t *testing.T) {
	ctx := func() *repo.Repo { return contextOf("app.py=", "a.txt=", "src/") }
	for _, c := range []struct {
		name, src, old, new string
		change              Change
		gate                string // "" when the change is kept
	}{
		{"parse: broken instruction", "FROM a\nRUN b\n", "RUN b\n", "RUN <<E\nb\n", Change{}, "the result does not parse"},
		{"parse: unknown instruction", "FROM a\nRUN b\n", "RUN b", "RAN b", Change{}, "the result does not parse"},
		{"parse: eats the next", "FROM a\nRUN b\nRUN c\n", "RUN b\n", "RUN b \\\n", Change{}, "command lost"},
		{"parse: no stage left", "FROM a\n", "FROM a\n", "ARG a\n", Change{}, "the result does not parse"},

		{"config: ENV changed", "FROM a\nENV A=1\n", "A=1", "A=2", Change{}, "the final image's ENV would change"},
		{"config: ENV lost", "FROM a\nENV A=1\nRUN b\n", "ENV A=1\n", "", Change{}, "the final image's ENV would change"},
		{"config: ENV moved below its use", "FROM a\nENV A=1\nENV B=$A\n", "ENV A=1\nENV B=$A\n", "ENV B=$A\nENV A=1\n", Change{}, "the final image's ENV would change"},
		{"config: ENV reordered", "FROM a\nENV A=1\nENV B=2\n", "ENV A=1\nENV B=2\n", "ENV B=2\nENV A=1\n", Change{}, ""},
		{"config: CMD in other words", "FROM a\nCMD [\"b\"]\n", `["b"]`, `[ "b" ]`, Change{}, ""},
		{"config: CMD into shell form", "FROM a\nCMD [\"b\"]\n", `["b"]`, `b`, Change{}, "the final image's CMD would change"},
		{"config: SHELL below CMD", "FROM a\nSHELL [\"bash\",\"-c\"]\nCMD b\n", "SHELL [\"bash\",\"-c\"]\nCMD b\n", "CMD b\nSHELL [\"bash\",\"-c\"]\n", Change{}, "the final image's CMD would change"},
		{"config: USER undeclared", "FROM a\nCMD b\n", "CMD b\n", "USER app\nCMD b\n", Change{}, "the final image's USER would change"},
		{"config: USER declared", "FROM a\nCMD b\n", "CMD b\n", "USER app\nCMD b\n", Change{Config: FieldUser}, ""},
		{"config: base declared", "FROM a\n", "FROM a", "FROM a:1", Change{Config: FieldBase}, ""},
		{"config: base undeclared", "FROM a\n", "FROM a", "FROM a:1", Change{}, "the final image's base would change"},
		{"config: base newer than the catalogue", "FROM node\nRUN b\n", "FROM node", "FROM node:99.1.2", Change{Config: FieldBase}, ""},
		{"config: base newer than the catalogue, relative WORKDIR", "FROM node\nWORKDIR a\n", "FROM node", "FROM node:99.1.2", Change{Config: FieldBase}, ""},
		{"config: base newer than the catalogue, other WORKDIR", "FROM node\nWORKDIR a\n", "FROM node\nWORKDIR a", "FROM node:99.1.2\nWORKDIR b", Change{Config: FieldBase}, "the final image's WORKDIR would change"},
		{"config: base with another WORKDIR", "FROM node\nRUN b\n", "FROM node", "FROM php:8.4-apache", Change{Config: FieldBase}, "the final image's WORKDIR would change"},
		{"config: base by an ARG's default", "ARG T=1\nFROM a:$T\n", "T=1", "T=2", Change{Config: FieldBase}, ""},
		{"config: base by an ARG's default, undeclared", "ARG T=1\nFROM a:$T\n", "T=1", "T=2", Change{}, "the final image's base would change"},
		{"config: the ARG's default is in ENV too", "ARG T=1\nFROM a:$T\nARG T\nENV V=$T\n", "T=1", "T=2", Change{Config: FieldBase}, "the final image's ENV would change"},
		{"config: the image in a trigger", "FROM a\nONBUILD COPY --from=b:1 c d\n", "b:1", "b:2", Change{Config: FieldOnBuild}, ""},
		{"config: of a named stage", "FROM a AS b\nENV A=1\nFROM c\nCOPY --from=b x y\n", "ENV A=1\n", "", Change{}, "stage b's ENV would change"},
		{"config: of a stage without a name", "FROM a\nENV A=1\nFROM c\nCOPY --from=0 x y\n", "ENV A=1\n", "", Change{}, "stage 0's ENV would change"},

		{"commands: one lost", "FROM a\nRUN b && c\n", "b && c", "b", Change{}, `command lost: "c"`},
		{"commands: one added", "FROM a\nRUN b\n", "b", "b && c", Change{}, `command added: "c"`},
		{"commands: one changed", "FROM a\nRUN b >x\n", ">x", ">y", Change{}, `command added: "b >y"; command lost: "b >x"`},
		{"commands: joined", "FROM a\nRUN b\nRUN c\n", "b\nRUN c", "b && c", Change{}, ""},
		{"commands: declared", "FROM a\nRUN b\nRUN c\n", "RUN b\n", "RUN d\n", Change{Adds: []string{"d"}, Drops: []string{"b"}}, ""},
		{"commands: an install whose package is lost", "FROM a\nRUN apk add c\n", "RUN apk add c\n", "", Change{Drops: []string{"apk add c"}}, "package lost: c"},
		{"commands: an install whose package the base brings", "FROM a\nRUN apk add c\n", "RUN apk add c\n", "", Change{Drops: []string{"apk add c"}, Brings: []string{"c"}}, ""},
		{"commands: the same script in another place", "FROM a\nRUN b\nRUN c\n", "RUN b\nRUN c\n", "RUN c\nRUN b\n", Change{}, ""},
		{"commands: one of two equal ones", "FROM a\nRUN b\nRUN b\n", "RUN b\nRUN b\n", "RUN b\n", Change{}, `command lost: "b"`},
		{"commands: an opaque one", "FROM a\nRUN [\"b\", \"c\"]\n", `, "c"`, "", Change{}, "command added"},
		{"commands: a heredoc line", "FROM a\nRUN <<E\nb\nc\nE\n", "c\n", "", Change{}, `command lost: "c"`},
		{"commands: text fed to a command", "FROM a\nRUN <<E\ncat <<F >x\n1\nF\nE\n", "\n1\n", "\n2\n", Change{}, `here-document`},
		{"commands: ; into &&", "FROM a\nRUN b; c\n", "b; c", "b && c", Change{}, `";"`},
		{"commands: && into ;", "FROM a\nRUN b && c\n", "b && c", "b; c", Change{}, `";"`},
		{"commands: || lost", "FROM a\nRUN b || c\n", "b || c", "b && c", Change{}, `"||"`},
		{"commands: ! lost", "FROM a\nRUN ! b\n", "! b", "b", Change{}, `"!"`},
		{"commands: background lost", "FROM a\nRUN b & c\n", "b & c", "b; c", Change{}, `"&"`},
		{"commands: a loop over less", "FROM a\nRUN for x in b c; do d $x; done\n", "b c;", "b;", Change{}, `"for x in b c"`},

		{"packages: lost on the way", "FROM a\nRUN apt-get install -y curl git\n", "curl git", "curl", Change{Drops: []string{"apt-get install -y curl git"}, Adds: []string{"apt-get install -y curl"}}, "package lost: git"},
		{"packages: kept", "FROM a\nRUN apt-get install -y curl git\n", "-y", "-y --no-install-recommends", Change{Drops: []string{"apt-get install -y curl git"}, Adds: []string{"apt-get install -y --no-install-recommends curl git"}}, ""},

		{"stages: name removed", "FROM a AS b\nRUN x\n", " AS b", "", Change{}, "stage name b would vanish"},
		{"stages: name in other case", "FROM a AS b\nRUN x\n", "AS b", "as B", Change{}, ""},
		{"stages: the final stage's name on another", "FROM a AS b\nRUN x\n", "RUN x\n", "RUN x\nFROM a\n", Change{}, "stage name b would mean another stage"},
		{"stages: ARG removed", "FROM a\nARG B\nRUN x\n", "ARG B\n", "", Change{}, "build arg B would vanish"},
		{"stages: ARG kept in another stage only", "ARG B\nFROM a\nARG B\nRUN x $B\n", "FROM a\nARG B\n", "FROM a\n", Change{}, "build arg B would vanish"},
		{"stages: ARG moved", "FROM a\nARG B\nRUN x\n", "ARG B\nRUN x\n", "RUN x\nARG B\n", Change{}, ""},
		{"stages: a stage in front shifts --from=0", "FROM a:1\nRUN x\nFROM b\nCOPY --from=0 c d\n", "FROM a:1\n", "FROM a:1 AS new\nFROM a:1\n", Change{}, "--from=0 would mean another stage"},
		{"stages: shifted and mended", "FROM a\nRUN x\nFROM b\nCOPY --from=0 c d\n", "FROM a\nRUN x\nFROM b\nCOPY --from=0", "FROM z\nFROM a\nRUN x\nFROM b\nCOPY --from=1", Change{}, ""},
		{"stages: a stage behind shifts nothing", "FROM a\nRUN x\nFROM b\nCOPY --from=0 c d\n", "FROM b\n", "FROM z AS z\nFROM b\n", Change{}, ""},
		{"stages: number into name", "FROM a\nRUN x\nFROM b\nCOPY --from=0 c d\n", "FROM a\nRUN x\nFROM b\nCOPY --from=0", "FROM a AS n\nRUN x\nFROM b\nCOPY --from=n", Change{}, ""},
		{"stages: base of a numbered one pinned", "FROM a\nRUN x\nFROM b\nCOPY --from=0 c d\n", "FROM a\n", "FROM a:1\n", Change{Config: FieldBase}, ""},
		{"stages: a name taken over", "FROM a AS n\nRUN x\nFROM b\nCOPY --from=n c d\n", "FROM b\n", "FROM z AS n\nFROM b\n", Change{Config: FieldBase}, "--from=n would mean another stage"},
		{"stages: a mount shifted", "FROM a\nRUN x\nFROM b\nRUN --mount=from=0,target=/m y\n", "FROM a\n", "FROM z\nFROM a\n", Change{}, "--from=0 would mean another stage"},

		{"stages: the image of COPY --from and of a mount", "FROM a\nCOPY --from=b c d\nRUN --mount=from=b,target=/m x\n", "--from=b c d\nRUN --mount=from=b", "--from=b:1 c d\nRUN --mount=from=b:1", Change{}, ""},

		{"narrowed: a part to its place", "FROM a AS b\nRUN x\nFROM c\nWORKDIR /d\nCOPY --from=b --chown=1 /s .\n", "/s .", "/s/x ./x", Change{Narrows: []Narrowed{{"/s", "/d", []string{"x"}}}}, ""},
		{"narrowed: a part to another place", "FROM a AS b\nRUN x\nFROM c\nCOPY --from=b /s /d\n", "/s /d", "/s/x /d/y", Change{Narrows: []Narrowed{{"/s", "/d", []string{"x"}}}}, "/s/x would not be copied to /d/x"},
		{"narrowed: an owner lost", "FROM a AS b\nRUN x\nFROM c\nCOPY --from=b --chown=1 /s /d\n", "--chown=1 /s /d", "/s/x /d/x", Change{Narrows: []Narrowed{{"/s", "/d", []string{"x"}}}}, "/s/x would not be copied to /d/x"},
		{"narrowed: from another stage", "FROM a AS b\nRUN x\nFROM a AS z\nFROM c\nCOPY --from=b /s /d\n", "--from=b /s /d", "--from=z /s/x /d/x", Change{Narrows: []Narrowed{{"/s", "/d", []string{"x"}}}}, "/s/x would not be copied to /d/x"},
		{"narrowed: another copy lost", "FROM a AS b\nRUN x\nFROM c\nCOPY --from=b /s /d\nCOPY --from=b /t /t\n", "/s /d\nCOPY --from=b /t /t", "/s/x /d/x", Change{Narrows: []Narrowed{{"/s", "/d", []string{"x"}}}}, "the COPY of /t to /t would be lost"},
		{"narrowed: a part that isn't declared", "FROM a AS b\nRUN x\nFROM c\nCOPY --from=b /s /d\n", "/s /d", "/s/x /d/x\nCOPY --from=b /s/y /d/y", Change{Narrows: []Narrowed{{"/s", "/d", []string{"x"}}}}, "a COPY of /s/y to /d/y would be added"},
		{"narrowed: the whole stays", "FROM a AS b\nRUN x\nFROM c\nCOPY --from=b /s /d\n", "/s /d\n", "/s /d\nCOPY --from=b /s/x /d/x\n", Change{Narrows: []Narrowed{{"/s", "/d", []string{"x"}}}}, "the COPY of /s to /d would stay"},

		{"syntax: the directive itself", "# syntax=docker/dockerfile:latest\nFROM a\nRUN <<E\nb\nE\n", "latest", "1", Change{}, ""},
		{"syntax: the directive with a digest", "# syntax=docker/dockerfile:1\nFROM a\nRUN <<E\nb\nE\n", ":1", ":1@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Change{}, ""},
		{"syntax: behind a shebang", "#!/bin/x\n# syntax=docker/dockerfile:1.0\nFROM a\nRUN b\n", "RUN b", "RUN --mount=type=cache,target=/x b", Change{}, "--mount needs Dockerfile syntax 1.2, the file says 1.0"},
		{"syntax: --mount under 1.0", "# syntax=docker/dockerfile:1.0\nFROM a\nRUN b\n", "RUN b", "RUN --mount=type=cache,target=/x b", Change{}, "--mount needs Dockerfile syntax 1.2, the file says 1.0"},
		{"syntax: --mount under 1", "# syntax=docker/dockerfile:1\nFROM a\nRUN b\n", "RUN b", "RUN --mount=type=cache,target=/x b", Change{}, ""},
		{"syntax: --mount without a line", "FROM a\nRUN b\n", "RUN b", "RUN --mount=type=cache,target=/x b", Change{}, ""},
		{"syntax: no tag means the newest", "# syntax=docker/dockerfile\nFROM a\nRUN b\n", "RUN b", "RUN --mount=type=cache,target=/x b", Change{}, ""},
		{"syntax: heredoc under 1.3", "# syntax=docker/dockerfile:1.3\nFROM a\nRUN b\n", "RUN b", "RUN <<E\nb\nE", Change{}, "heredoc needs Dockerfile syntax 1.4"},
		{"syntax: 1.3-labs is 1.3", "# syntax=docker/dockerfile:1.3-labs\nFROM a\nCOPY a.txt c\n", "COPY", "COPY --link", Change{}, "--link needs Dockerfile syntax 1.4"},
		{"syntax: experimental is old", "# syntax=docker/dockerfile:experimental\nFROM a\nCOPY a.txt c\n", "COPY", "COPY --link", Change{}, "--link needs"},
		{"syntax: someone else's frontend", "# syntax=example/frontend:3\nFROM a\nCOPY a.txt c\n", "COPY", "COPY --link", Change{}, "--link needs"},
		{"syntax: in use already", "# syntax=docker/dockerfile:1.0\nFROM a\nRUN --mount=type=cache,target=/x b\nRUN c\n", "RUN c", "RUN --mount=type=cache,target=/x c", Change{}, ""},

		{"sources: hidden by .dockerignore", "FROM a\nCOPY app.py /\n", "", "", Change{Edits: []Edit{{File: ".dockerignore", New: "*.py\n"}}}, "COPY source app.py would fall under .dockerignore"},
		{"sources: not hidden", "FROM a\nCOPY app.py /\n", "", "", Change{Edits: []Edit{{File: ".dockerignore", New: "*.txt\n"}}}, ""},
		{"sources: all of a pattern hidden", "FROM a\nCOPY *.py /\n", "", "", Change{Edits: []Edit{{File: ".dockerignore", New: "app.*\n"}}}, "all that COPY source *.py matches would fall under .dockerignore"},
		{"sources: a mount's source hidden", "FROM a\nRUN --mount=source=a.txt,target=/x b\n", "", "", Change{Edits: []Edit{{File: ".dockerignore", New: "*.txt\n"}}}, "COPY source a.txt would fall under .dockerignore"},
		{"sources: not there", "FROM a\nCOPY app.py /\n", "COPY", "COPY b.py", Change{}, "COPY source b.py is not in the build context"},
		{"sources: there", "FROM a\nCOPY app.py /\n", "COPY", "COPY a.txt", Change{}, ""},

		{"an edit that changes nothing", "FROM a\n", "FROM a", "FROM a", Change{}, "it changes nothing"},
		{"edits that overlap", "FROM a\nRUN b\n", "RUN b", "RUN  b", Change{Edits: []Edit{{Span: Span{9, 10}}}}, "overlaps"},
	} {
		t.Run(c.name, func(t *testing.T) {
			done := false
			tr := once("fake", c.old, c.new, c.change)
			inner := tr.Run
			tr.Run = func(ctx context.Context, p *Pass) ([]Change, error) {
				if done && len(p.Doc.Src) > 0 && p.Doc.Src != c.src || done && len(c.change.Edits) > 0 && c.gate == "" {
					return nil, nil // it was applied
				}
				done = true
				return inner(ctx, p)
			}
			if c.old == "" { // only another file
				inner = func(_ context.Context, p *Pass) ([]Change, error) {
					c := c.change
					c.Title = "write " + c.Edits[0].File
					return []Change{c}, nil
				}
			}
			res := runOn(t, c.src, ctx(), Options{}, tr)
			if len(res.Outcomes) != 1 {
				t.Fatalf("%+v", res.Outcomes)
			}
			out := res.Outcomes[0]
			if c.gate == "" {
				if out.Status != Applied || !res.Changed() {
					t.Fatalf("%s: %s", out.Status, out.Gate)
				}
				return
			}
			if out.Status != Dropped || res.Changed() || !strings.Contains(out.Gate, c.gate) {
				t.Fatalf("%s: %q, want %q\n%s", out.Status, out.Gate, c.gate, res.After)
			}
		})
	}
}

// Other Dockerfiles of the same context keep their sources too.
func TestGateSiblings(t *testing.T) {
	other, err := Parse("other.Dockerfile", "FROM a\nCOPY app.py /\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	in := Input{Path: "Dockerfile", Name: "Dockerfile", Src: "FROM a\n", Repo: contextOf("app.py="), Siblings: []*Document{other}}
	hide := &Transform{Name: "hide", Run: func(_ context.Context, p *Pass) ([]Change, error) {
		return []Change{{Title: "hide", Edits: []Edit{{File: ".dockerignore", New: "*.py\n"}}}}, nil
	}}
	res, err := Run(context.Background(), in, []*Transform{hide}, Options{})
	if err != nil || res.Changed() || res.Outcomes[0].Gate != "COPY source app.py would fall under .dockerignore" {
		t.Errorf("%+v %v", res, err)
	}
}

func TestOscillation(t *testing.T) {
	res := runOn(t, "FROM a\nRUN b  c\n", nil, Options{}, once("to-one", "b  c", "b c", Change{}), once("to-two", "b c", "b  c", Change{}))
	if res.Changed() {
		t.Errorf("changed: %q", res.After)
	}
	for _, o := range res.Outcomes {
		if o.Status != Dropped || o.Gate != "these transforms undo each other: to-one, to-two" {
			t.Errorf("%+v", o)
		}
	}
}

// A transform that never comes to an end is stopped.
func TestGrowth(t *testing.T) {
	res := runOn(t, "FROM a\n", nil, Options{}, &Transform{Name: "grow", Run: func(_ context.Context, p *Pass) ([]Change, error) {
		return []Change{{Title: "grow", Edits: []Edit{p.Doc.InsertAfter(p.Doc.Instructions[0], "# more\n")}}}, nil
	}})
	if res.Changed() || res.Count(Applied) > 0 {
		t.Errorf("%d applied", res.Count(Applied))
	}
}

func TestPanicBecomesAnError(t *testing.T) {
	boom := &Transform{Name: "boom", Run: func(_ context.Context, p *Pass) ([]Change, error) { panic("at the disco") }}
	_, err := Run(context.Background(), Input{Path: "x/Dockerfile", Src: "FROM a\n"}, []*Transform{boom}, Options{})
	if err == nil || !strings.HasPrefix(err.Error(), "x/Dockerfile: boom: a defect of drydock: panic: at the disco") {
		t.Error(err)
	}
	fail := &Transform{Name: "fail", Run: func(_ context.Context, p *Pass) ([]Change, error) { return nil, context.Canceled }}
	if _, err := Run(context.Background(), Input{Path: "x", Src: "FROM a\n"}, []*Transform{fail}, Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, Input{Path: "x", Src: "FROM a\n"}, []*Transform{boom}, Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestIgnores(t *testing.T) {
	for _, c := range []struct {
		src  string
		want bool // whether "fake" may change RUN b
	}{
		{"FROM a\nRUN b\n", true},
		{"FROM a\n# drydock:ignore=fake\nRUN b\n", false},
		{"FROM a\n#drydock:ignore=other,fake because\nRUN b\n", false},
		{"FROM a\n# drydock:ignore\nRUN b\n", false},
		{"FROM a\n# drydock:ignore because\nRUN b\n", false},
		{"FROM a\n# drydock:ignore=fake\n# more words\nRUN b\n", false},
		{"FROM a\n# drydock:ignore=other\nRUN b\n", true},
		{"FROM a\n# drydock:ignored\nRUN b\n", true},
		{"FROM a\n# drydock:ignore=fake\n\nRUN b\n", true}, // not attached
		{"FROM a\n# drydock:ignore=fake\nRUN c\nRUN b\n", true},
		{"FROM a\nRUN c \\\n# drydock:ignore=fake\n d && b\n", false},
		{"# drydock:ignore-file\nFROM a\nRUN b\n", false},
		{"FROM a\nRUN b\n# drydock:ignore-file=fake", false},
		{"FROM a\nRUN b\n# drydock:ignore-file=other\n", true},
		{"# drydock:ignore=fake\r\nFROM a\r\n# drydock:ignore=fake\r\nRUN b\r\n", false},
	} {
		res := runOn(t, c.src, nil, Options{}, once("fake", "b\n", "b \n", Change{}), once("fake", "b\r", "b \r", Change{}))
		if got := res.Changed(); got != c.want {
			t.Errorf("%q: changed %v", c.src, got)
		}
		if !c.want && (len(res.Declined) == 0 || !strings.HasPrefix(res.Declined[0].Reason, "ignored by the comment on line ")) {
			t.Errorf("%q: declined %+v", c.src, res.Declined)
		}
	}
}

func TestSafetyOfferAndSelect(t *testing.T) {
	src := "FROM a\nRUN b\nRUN c\n"
	safe := once("safe", "RUN b\n", "RUN  b\n", Change{Title: "safe"})
	bold := once("bold", "RUN c\n", "RUN  c\n", Change{Title: "bold", Safety: Assumes, Assumes: "luck"})
	summary := func(o Options) string {
		res := runOn(t, src, nil, o, safe, bold)
		var out []string
		for _, o := range res.Outcomes {
			out = append(out, fmt.Sprint(o.Status, " ", o.Safety, " ", o.Transform, ": ", o.Title, " line ", o.Line))
		}
		return strings.Join(append(out, res.After), "\n")
	}
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"safe only", Options{}, "applied safe safe: safe line 2\nFROM a\nRUN  b\nRUN c\n"},
		{"unsafe", Options{Unsafe: true}, "applied assumes bold: bold line 3\napplied safe safe: safe line 2\nFROM a\nRUN  b\nRUN  c\n"},
		{"offered", Options{Offer: true}, "applied safe safe: safe line 2\noffered assumes bold: bold line 3\nFROM a\nRUN  b\nRUN c\n"},
		{"nothing to offer under unsafe", Options{Offer: true, Unsafe: true}, "applied assumes bold: bold line 3\napplied safe safe: safe line 2\nFROM a\nRUN  b\nRUN  c\n"},
		{"selected", Options{Unsafe: true, Select: func(o Outcome) bool { return o.Transform == "bold" }}, "applied assumes bold: bold line 3\nFROM a\nRUN b\nRUN  c\n"},
	} {
		if diff := cmp.Diff(c.want, summary(c.o)); diff != "" {
			t.Error(c.name, diff)
		}
	}
}

// Select is asked once for each change, and not again for one turned down.
func TestSelectAsksOnce(t *testing.T) {
	asked := 0
	runOn(t, "FROM a\nRUN b\n", nil, Options{Select: func(Outcome) bool { asked++; return false }}, once("x", "RUN b", "RUN  b", Change{}))
	if asked != 1 {
		t.Error(asked)
	}
}

// Transforms run by phase, then by name; each sees what the ones before left.
func TestOrder(t *testing.T) {
	var got []string
	note := func(name string, ph Phase) *Transform {
		return &Transform{Name: name, Phase: ph, Run: func(_ context.Context, p *Pass) ([]Change, error) {
			got = append(got, name)
			if p.Repo == nil || p.Images == nil {
				t.Error("no repo or images in the pass")
			}
			return nil, nil
		}}
	}
	runOn(t, "FROM a\n", nil, Options{}, note("d", PhaseUser), note("b", PhaseBase), note("c", PhaseOrder), note("a", PhaseBase))
	if diff := cmp.Diff([]string{"a", "b", "c", "d"}, got); diff != "" {
		t.Error(diff)
	}
}

// What one outcome says suffices to show and to redo it.
func TestOutcome(t *testing.T) {
	res := runOn(t, "FROM a\nRUN b\n", contextOf("x="), Options{}, once("one", "RUN b", "RUN  b", Change{Title: "t", Why: "w", Gain: "g", Edits: []Edit{{File: ".dockerignore", New: ".git\n"}}}))
	o := res.Outcomes[0]
	if o.Before != "FROM a\nRUN b\n" || o.After != "FROM a\nRUN  b\n" || o.Other[".dockerignore"] != ".git\n" || o.Why != "w" || o.Gain != "g" || o.Line != 2 {
		t.Errorf("%+v", o)
	}
	if res.Files[".dockerignore"] != ".git\n" || !res.Changed() {
		t.Errorf("%+v", res)
	}
}

// Lines added to a .dockerignore in CRLF are in CRLF.
func TestOtherFilesKeepTheirLineEnds(t *testing.T) {
	add := &Transform{Name: "add", Run: func(_ context.Context, p *Pass) ([]Change, error) {
		ig := p.Repo.Ignore("")
		if strings.Contains(string(ig.Src), ".git") {
			return nil, nil
		}
		return []Change{{Title: "add", Edits: []Edit{{File: ".dockerignore", Span: Span{len(ig.Src), len(ig.Src)}, New: ".git\n"}}}}, nil
	}}
	res := runOn(t, "FROM a\n", contextOf(".dockerignore=*.md\r\n"), Options{}, add)
	if got := res.Files[".dockerignore"]; got != "*.md\r\n.git\r\n" {
		t.Errorf("%q %+v", got, res.Outcomes)
	}
}

// A transform sees which others take part in the run, and can ask one quietly.
func TestBeside(t *testing.T) {
	loud := &Transform{Name: "loud", Run: func(_ context.Context, p *Pass) ([]Change, error) {
		p.Decline(nil, "said %s", p.Policy)
		return nil, nil
	}}
	seen := ""
	asks := &Transform{Name: "asks", Run: func(ctx context.Context, p *Pass) ([]Change, error) {
		seen = fmt.Sprint(p.Beside("loud"), p.Beside("asks"), p.Beside("other"))
		_, err := loud.Run(ctx, p.Quietly("any"))
		return nil, err
	}}
	if res := runOn(t, "FROM a\n", nil, Options{}, asks, loud); seen != "true true false" || len(res.Declined) != 1 || res.Declined[0].Reason != "said " {
		t.Error(seen, res.Declined)
	}
	if runOn(t, "FROM a\n", nil, Options{}, asks); seen != "false true false" {
		t.Error(seen)
	}
}
