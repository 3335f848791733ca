package checks

import (
	"context"
	"encoding/json"
	"errors"
	"sort"
	"strings"

	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"drydock/images"
	"drydock/rewrite"
)

// buildkit tells what `docker build --check` tells.
var _ = register(&rewrite.Check{
	Name:    "buildkit",
	Summary: "BuildKit's own build checks, as docker build --check has them",
	Slow:    true,
	Doc: "The checks are BuildKit's code, run on the file without a builder and without\n" +
		"the network (https://docs.docker.com/reference/build-checks/ lists the rules), so that drydock\n" +
		"and `docker build --check` agree. Findings carry BuildKit's rule name, as in\n" +
		"buildkit/JSONArgsRecommended, and a link to the rule's page. `# check=skip=…` at\n" +
		"the top of the file and above an instruction silences rules as in Docker, and so does\n" +
		"`# drydock:ignore=buildkit/RULE`. `# check=error=true` changes nothing: drydock check\n" +
		"exits with 1 either way. A file that BuildKit would refuse to build gets\n" +
		"the finding buildkit/BuildError.\n\n" +
		"Runs in drydock check only, since it costs more than everything else that drydock does.",
	Passes: "Rules that need to know more than the file: UndefinedVar where the base image isn't in drydock's catalogue, since\n" +
		"the image may set the variable, and the platform of the base image. CopyIgnoredFile needs the build context. Experimental rules speak when\n" +
		"`# check=experimental=…` asks for them. SecretsUsedInArgOrEnv is left to the check secrets where that\n" +
		"speaks of the same variable.",
	Run: func(ctx context.Context, p *rewrite.Pass) error {
		warnings, err := lint(ctx, p, nil)
		if err != nil {
			// A build passes at least the arguments that have no default.
			if given := unsetArgs(p.Doc); len(given) > 0 {
				warnings, err = lint(ctx, p, given)
			}
		}
		for _, w := range warnings {
			in := p.Doc.InstructionAt(w.line)
			if w.rule == linter.RuleUndefinedVar.Name && !baseKnown(in) {
				continue
			}
			f := rewrite.Finding{Check: "buildkit/" + w.rule, Message: w.message, Hint: "see " + w.url, Line: w.line}
			if w.rule == linter.RuleSecretsUsedInArgOrEnv.Name {
				_, about, _ := strings.Cut(w.message, "(")
				f.About = strings.TrimSuffix(about, ")")
			}
			p.Report(in, f)
		}
		findIgnoredCopies(p)
		if err != nil {
			findRefusal(p, err)
		}
		return ctx.Err()
	},
})

// findRefusal reports what a build would fail with.
func findRefusal(p *rewrite.Pass, err error) {
	line := 1
	var at *parser.LocationError
	if errors.As(err, &at) && len(at.Locations) > 0 && len(at.Locations[0]) > 0 {
		line = at.Locations[0][0].Start.Line
	}
	in := p.Doc.InstructionAt(line)
	unfilled := strings.Contains(err.Error(), "should not be blank") || strings.Contains(err.Error(), "invalid reference format")
	if unfilled && in.Keyword == "from" && strings.Contains(in.Args.Text, "$") {
		return // a build arg is to fill it in: that is InvalidDefaultArgInFrom
	}
	p.Report(in, rewrite.Finding{
		Check: "buildkit/BuildError", Line: line, Hint: "see https://docs.docker.com/reference/dockerfile/",
		Message: "BuildKit refuses to build this: " + strings.Join(strings.Fields(err.Error()), " "),
	})
}

// warning is what a rule says.
type warning struct {
	rule, message, url string
	line               int
}

// lint runs BuildKit's conversion for its warnings. The error is what a build
// would fail with.
func lint(ctx context.Context, p *rewrite.Pass, buildArgs map[string]string) (out []warning, err error) {
	caps := pb.Caps.CapSet(pb.Caps.All())
	platform := ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	opt := dockerfile2llb.ConvertOpt{
		MetaResolver: catalogue{p.Images},
		LLBCaps:      &caps,
		AllStages:    true, // as DockerfileLint
		Warn: func(rule, _, url, message string, at []parser.Range) {
			line := 1
			if len(at) > 0 {
				line = max(at[0].Start.Line, 1)
			}
			out = append(out, warning{rule, message, url, line})
		},
	}
	if windows(p.Doc) {
		platform.OS = "windows"
	}
	opt.BuildArgs = buildArgs
	opt.BuildPlatforms = []ocispecs.Platform{platform}
	_, err = dockerfile2llb.Dockerfile2LLB(ctx, []byte(p.Doc.Src), opt)
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i], out[j]
		return a.line < b.line || a.line == b.line && (a.rule < b.rule || a.rule == b.rule && a.message < b.message)
	})
	return out, err
}

// catalogue answers for base images what drydock knows of them: no network.
type catalogue struct{ source images.Source }

func (c catalogue) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	var img dockerspec.DockerOCIImage
	img.OS, img.Architecture = "linux", "amd64"
	if opt.ImageOpt != nil && opt.ImageOpt.Platform != nil {
		img.Platform = *opt.ImageOpt.Platform
	}
	// One layer: dockerfile2llb takes an image without layers for scratch.
	img.RootFS.Type = "layers"
	img.RootFS.DiffIDs = []digest.Digest{digest.FromString("drydock")}
	if r, err := images.ParseRef(ref); err == nil {
		if known, ok := c.source.Image(r); ok {
			if known.EnvPath != "" {
				img.Config.Env = append(img.Config.Env, "PATH="+known.EnvPath)
			}
			for k, v := range known.Env {
				img.Config.Env = append(img.Config.Env, k+"="+v)
			}
			img.Config.WorkingDir, img.Config.User = known.Workdir, known.User
		}
	}
	dt, err := json.Marshal(img)
	return ref, "", dt, err
}

// windows tells a file for Windows images, where C:\ is absolute.
func windows(d *rewrite.Document) bool {
	if d.Escape == '`' {
		return true
	}
	for _, s := range d.Stages {
		base := strings.ToLower(s.BaseName())
		if strings.Contains(base, "windows") || strings.Contains(base, "nanoserver") {
			return true
		}
		for _, in := range s.Instructions {
			if a := in.Args.Text; in.Keyword == "workdir" && len(a) > 2 && a[1] == ':' && (a[2] == '\\' || a[2] == '/') {
				return true
			}
		}
	}
	return false
}

// baseKnown tells that every variable of the base image is known.
func baseKnown(in *rewrite.Instruction) bool {
	return in.Stage == nil || in.Stage.At(nil).Known
}

// unsetArgs gives a value to each ARG in front of the first FROM without a default.
func unsetArgs(d *rewrite.Document) map[string]string {
	out := map[string]string{}
	for _, in := range d.Instructions {
		if in.Stage != nil {
			break
		}
		if c, ok := in.Cmd.(*instructions.ArgCommand); ok {
			for _, a := range c.Args {
				if a.Value == nil {
					out[a.Key] = "unset"
				}
			}
		}
	}
	return out
}
