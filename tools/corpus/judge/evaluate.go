package judge

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"runtime/debug"
	"strings"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Timeout bounds one Evaluate.
var Timeout = 20 * time.Second

// Image is what BuildKit makes of a Dockerfile.
type Image struct {
	Config   Config            // of the last stage
	Stages   map[string]Config // of the other stages that have a name, in lower case
	Execs    []Exec            // every RUN of every stage
	Commands []Command         // the simple commands of all Execs
	Copies   []string          // every COPY and ADD source of every stage
	Bases    []string          // of every stage that starts from an image, and images copied or mounted from
	Failed   []string          // stages BuildKit refuses as a target, while it accepts the last one
}

// Exec is one exec operation.
type Exec struct {
	Stage  string
	Args   []string
	Env    []string
	Cwd    string
	User   string
	Mounts []string // kind and destination, also network, security and secret variables
	Inline string   // the script of a heredoc with its own interpreter
}

// Command is one simple command with the state that it runs in.
type Command struct {
	Text  string
	Stage string
	State State
}

// State is what a command sees, and what becomes of its failure.
type State struct {
	Env    []string
	User   string
	Cwd    string
	Shell  string
	Mounts []string
	Opts   string // umask, set -u, sourced files …
	Flow   string
}

type emptyBases struct{}

func (emptyBases) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	var img dockerspec.DockerOCIImage
	img.OS, img.Architecture = "linux", "amd64"
	img.RootFS.Type = "layers"
	// One layer: dockerfile2llb takes an image without layers for scratch.
	img.RootFS.DiffIDs = []digest.Digest{digest.FromString("drydock judge")}
	dt, err := json.Marshal(img)
	return ref, "", dt, err
}

// Evaluate never panics and never takes much longer than Timeout.
func Evaluate(ctx context.Context, dockerfile []byte) (*Image, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	type answer struct {
		img *Image
		err error
	}
	done := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if r := recover(); r != nil {
				a = answer{nil, fmt.Errorf("panic in evaluation: %v\n%s", r, debug.Stack())}
			}
			done <- a
		}()
		a.img, a.err = evaluate(ctx, bytes.Clone(dockerfile))
	}()
	select {
	case a := <-done:
		return a.img, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("evaluation: %w", ctx.Err())
	}
}

func evaluate(ctx context.Context, src []byte) (*Image, error) {
	cut, buildArgs, err := cutStages(src)
	if err != nil {
		return nil, err
	}
	img := &Image{Stages: map[string]Config{}}
	lengths := make([]int, len(cut))
	for i, st := range cut {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		last := i == len(cut)-1
		res, err := convert(ctx, st.src, buildArgs)
		if err == nil {
			lengths[i], err = img.addStage(ctx, res, st, lengths)
		}
		if err != nil {
			if last {
				return nil, err
			}
			img.Failed = append(img.Failed, st.label)
			continue
		}
		config := configOf(res.Image)
		if last {
			img.Config = config
		} else if st.name != "" {
			img.Stages[strings.ToLower(st.name)] = config
		}
	}
	for _, e := range img.Execs {
		img.Commands = append(img.Commands, e.commands()...)
	}
	return img, nil
}

// convert sees the file as a build that passes no more build args than it must:
// those that stand before the first FROM and have no default.
func convert(ctx context.Context, src []byte, buildArgs map[string]string) (*dockerfile2llb.Result, error) {
	caps := pb.Caps.CapSet(pb.Caps.All())
	platform := ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	opt := dockerfile2llb.ConvertOpt{
		MetaResolver:   emptyBases{},
		TargetPlatform: &platform,
		LLBCaps:        &caps,
	}
	opt.BuildArgs = maps.Clone(buildArgs)
	opt.BuildPlatforms = []ocispecs.Platform{platform}
	return dockerfile2llb.Dockerfile2LLB(ctx, src, opt)
}

// addStage adds what the stage itself does, beyond the stage it starts from,
// and returns how many operations its chain has.
func (img *Image) addStage(ctx context.Context, res *dockerfile2llb.Result, st stage, lengths []int) (int, error) {
	def, err := res.State.Marshal(ctx, llb.LinuxAmd64)
	if err != nil {
		return 0, err
	}
	g, err := newGraph(def)
	if err != nil {
		return 0, err
	}
	chain, base := g.chain()
	own := chain
	if st.base >= 0 {
		own = chain[min(lengths[st.base], len(chain)):]
	} else {
		img.Bases = append(img.Bases, base)
	}
	for _, op := range own {
		g.add(img, st.label, op)
	}
	return len(chain), nil
}

type stage struct {
	name, label string
	base        int    // the stage it starts from, or -1
	src         []byte // the file up to the end of this stage
}

// cutStages gives, for every stage, a file in which it is the last one: unlike a
// target this also works for stages without a name.
func cutStages(src []byte) ([]stage, map[string]string, error) {
	res, err := parser.Parse(bytes.NewReader(src))
	if err != nil {
		return nil, nil, err
	}
	stages, args, err := instructions.Parse(res.AST, nil)
	if err != nil {
		return nil, nil, err
	}
	if len(stages) == 0 {
		return nil, nil, fmt.Errorf("no stage")
	}
	var starts []int // lines of FROM
	for _, n := range res.AST.Children {
		if strings.EqualFold(n.Value, "from") {
			starts = append(starts, n.StartLine)
		}
	}
	if len(starts) != len(stages) {
		return nil, nil, fmt.Errorf("%d FROM lines but %d stages", len(starts), len(stages))
	}
	lines := bytes.SplitAfter(src, []byte("\n"))
	globals, buildArgs := globalArgs(args, res.EscapeToken)
	out := make([]stage, len(stages))
	for i, st := range stages {
		s := stage{name: st.Name, label: st.Name, base: -1, src: src}
		if s.label == "" {
			s.label = fmt.Sprintf("#%d", i)
		}
		if i < len(stages)-1 {
			s.src = bytes.Join(lines[:starts[i+1]-1], nil)
		}
		base := st.BaseName
		if r, err := shell.NewLex(res.EscapeToken).ProcessWordWithMatches(base, globals); err == nil {
			base = r.Result
		}
		for j := range i {
			if stages[j].Name != "" && strings.EqualFold(stages[j].Name, base) {
				s.base = j
			}
		}
		out[i] = s
	}
	return out, buildArgs, nil
}

// unset is the value of a build arg that a build has to pass.
const unset = "unset"

type envs map[string]string

func (e envs) Get(k string) (string, bool) { v, ok := e[k]; return v, ok }

func (e envs) Keys() []string {
	var out []string
	for k := range e {
		out = append(out, k)
	}
	return out
}

func globalArgs(args []instructions.ArgCommand, escape rune) (envs, map[string]string) {
	e := envs{
		"TARGETSTAGE": "default", "TARGETPLATFORM": "linux/amd64", "BUILDPLATFORM": "linux/amd64",
		"TARGETOS": "linux", "TARGETARCH": "amd64", "BUILDOS": "linux", "BUILDARCH": "amd64",
		"TARGETVARIANT": "", "BUILDVARIANT": "", "TARGETOSVERSION": "", "BUILDOSVERSION": "",
	}
	buildArgs := map[string]string{}
	for _, cmd := range args {
		for _, a := range cmd.Args {
			if a.Value == nil {
				if _, ok := e[a.Key]; !ok {
					e[a.Key], buildArgs[a.Key] = unset, unset
				}
				continue
			}
			if v, _, err := shell.NewLex(escape).ProcessWord(*a.Value, e); err == nil {
				e[a.Key] = v
			}
		}
	}
	return e, buildArgs
}
