package main

// drydock ship: build, scan, hold against the gates, push.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"drydock/leftover"
	"drydock/rewrite"
	"drydock/scan"
	"drydock/ship"
	"drydock/verify"
	"drydock/verify/builder"
	"drydock/verify/probe"
)

func shipCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "ship",
		Usage:     "build an image, scan every platform of it, push what was scanned",
		ArgsUsage: "IMAGE[:TAG]…",
		Description: `Builds the Dockerfile as it lies there, and for comparison the one before: that of
git HEAD where it differs, or what --before names. Every platform of the image is
scanned with the scanner on PATH, which no file and no variable of the repository
silences. When the gates hold, and with --push, the image goes to each IMAGE[:TAG]
by the logins that docker and podman have, and the registry is asked whether it
has what was scanned. docs/ship.md tells more.

The gates: no more critical vulnerabilities than --max-critical in any platform,
and no difference in behaviour that was found. An image that could not be
scanned, or for which there is no scanner, doesn't pass.

Exit codes:
   0   all gates hold; with --push every tag is in its registry
   1   a gate doesn't hold; nothing was pushed
   2   it could not be built, scanned or pushed
   64  the command line is wrong`,
		Flags: append(append(proofFlags(), configFlags()...),
			&cli.StringFlag{Name: "file", Aliases: []string{"f"}, Usage: "the `DOCKERFILE`; without it that of the context, or of the current folder"},
			&cli.StringFlag{Name: "context", Usage: "the build context's folder (`DIR`); without it compose, bake and CI files tell, then the COPY sources"},
			&cli.BoolFlag{Name: "push", Usage: "push the image when the gates hold"},
			&cli.StringFlag{Name: "scan", Value: "auto", Usage: "`SCANNER`: auto, " + strings.Join(scan.LayoutNames, ", ") + ", or none, which turns its gate off"},
			&cli.IntFlag{Name: "max-critical", Usage: "pass with up to `N` distinct critical vulnerabilities in a platform"},
			&cli.StringFlag{Name: "sbom", Usage: "write a bill of materials to `FILE` (syft, trivy or grype makes it)"},
			&cli.StringFlag{Name: "before", Usage: "compare with the Dockerfile of a git revision, or a file (`REV|FILE`)"},
			&cli.BoolFlag{Name: "no-verify", Usage: "don't prove that the image does what the one before does"},
			&cli.StringFlag{Name: "format", Value: "text", Usage: "`FORM` of the checklist: text, json or markdown"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print the checklist and errors only"},
			&cli.StringFlag{Name: "color", Value: "auto", Usage: "`WHEN` to colour: auto, always or never (auto honours NO_COLOR)"},
		),
		Action: func(c *cli.Context) error { return runShip(c, s) },
	}
}

// shipJob is one run of ship.
type shipJob struct {
	streams
	request  ship.Request
	options  builder.Options // of its builds
	prove    *proving
	noVerify bool
	quiet    bool
	phase    string // what goes on

	places *places
	config settings // which configuration is read
	target *target
	doc    *rewrite.Document
}

func runShip(c *cli.Context, s streams) error {
	j := &shipJob{streams: s, noVerify: c.Bool("no-verify"), quiet: c.Bool("quiet"), phase: "looking for a builder"}
	form, color := c.String("format"), c.String("color")
	switch {
	case c.NArg() == 0:
		return usagef("ship needs the name of an image: drydock ship [REGISTRY/]NAME[:TAG]")
	case knownForm(c, form) != nil:
		return knownForm(c, form)
	case knownColor(color) != nil:
		return knownColor(color)
	case c.Int("max-critical") < 0:
		return usagef("--max-critical %d: give 0 or more", c.Int("max-critical"))
	case c.IsSet("sbom") && c.String("sbom") == "":
		return usagef("--sbom needs a file")
	}
	if err := j.config.readConfig(c); err != nil {
		return err
	}
	for _, arg := range c.Args().Slice() {
		t, err := ship.ParseTag(arg)
		if err != nil {
			return usagef("%v", err)
		}
		if !slices.ContainsFunc(j.request.Tags, func(o ship.Tag) bool { return o.Shown == t.Shown }) {
			j.request.Tags = append(j.request.Tags, t)
		}
	}
	j.request.Push, j.request.MaxCritical, j.request.SBOM = c.Bool("push"), c.Int("max-critical"), c.String("sbom")
	if err := j.findScanner(c.String("scan")); err != nil {
		return err
	}
	if j.request.SBOM != "" {
		if err := scan.CanList(); err != nil { // before minutes of building
			return fmt.Errorf("--sbom: %w", err)
		}
	}
	list, err := j.run(c)
	if list == nil && form == "json" { // its readers hear of it too
		list = ship.NotBuilt(j.request, err)
	}
	pushed := list != nil && len(list.Pushed) > 0
	if list != nil && (c.Context.Err() == nil || pushed) {
		set := settings{color: color}
		write := map[string]func(io.Writer) error{"json": list.JSON, "markdown": list.Markdown, "text": func(w io.Writer) error { return list.Text(w, set.style(w)) }}[form]
		if werr := write(s.out); werr != nil {
			return werr
		}
	}
	switch {
	case c.Context.Err() != nil && pushed:
		return fmt.Errorf("interrupted while %s; the tags that the checklist names are in the registry", j.phase)
	case c.Context.Err() != nil:
		return fmt.Errorf("interrupted while %s; no tag was pushed", j.phase)
	case err != nil:
		return err
	case !list.Passed:
		j.say("not shipped: " + list.Failed() + " doesn't hold")
		return errFound
	}
	return nil
}

// findScanner takes the scanner that was asked for. That there is none is for the
// gate to say, unless one was named.
func (j *shipJob) findScanner(name string) error {
	if name == "none" {
		j.request.NoScan = true
		return nil
	}
	if name != "auto" && !slices.Contains(scan.LayoutNames, name) {
		return usagef("--scan %s: choose auto, %s or none", name, strings.Join(scan.LayoutNames, ", "))
	}
	found, err := scan.FindForLayout(name)
	switch {
	case err == nil:
		j.request.Scanner = &found
	case !errors.Is(err, scan.ErrNone):
		return err
	default:
		j.say("no scanner on PATH, so that the image will not pass: " + ship.GetScanner + ", or say --scan none")
	}
	return nil
}

// begin tells which phase begins.
func (j *shipJob) begin(phase string) {
	j.phase = phase
	j.say(phase)
}

func (j *shipJob) say(text string) {
	if !j.quiet {
		fmt.Fprintf(j.err, "drydock: %s\n", text)
	}
}

// run builds what was before and what is now, and ships it. Nothing stays in the
// folder for temporary files. The checklist is nil when it didn't come that far.
func (j *shipJob) run(c *cli.Context) (*ship.Checklist, error) {
	ctx := c.Context
	if err := j.find(c.String("file"), c.String("context"), c.String("target")); err != nil {
		return nil, err
	}
	was, why, err := j.earlier(ctx, c.String("before"))
	if err != nil {
		return nil, err
	}
	if j.prove, err = readProving(c, j.streams, j.quiet); err != nil {
		return nil, err
	}
	defer j.prove.close()
	j.options = j.prove.buildOptions(j.places, j.target, j.target.context)
	tmp, remove, err := leftover.Folder("", "drydock-ship-")
	if err != nil {
		return nil, fmt.Errorf("there is no place for temporary files: %w: let TMPDIR name a folder that can be written", err)
	}
	defer remove()
	r := &j.request
	r.Layout, r.Work, r.NoBefore, r.Say = filepath.Join(tmp, "oci"), filepath.Join(tmp, "work"), why, j.begin
	for _, d := range []string{r.Layout, r.Work} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return nil, err
		}
	}
	if was != nil {
		res, err := j.build(ctx, "before", *was)
		if err == nil {
			r.Before, was.Built = res.Digest, res
		} else if r.NoBefore, err = j.unbuilt(ctx, err); err != nil {
			return nil, err
		}
	}
	now := j.now()
	res, err := j.build(ctx, "after", now)
	if err != nil {
		return nil, err
	}
	now.Built = res
	r.Digest, r.Stages = res.Digest, stageNames(j.doc, j.options.Target)
	if r.Proof, err = j.proof(ctx, was, now); err != nil {
		return nil, err
	}
	list, err := ship.Run(ctx, *r)
	if list != nil {
		list.Dockerfile = j.target.path
	}
	return list, err
}

// unbuilt is why there is nothing to compare with when the Dockerfile before
// can't be built. A builder that is gone won't build the next one either.
func (j *shipJob) unbuilt(ctx context.Context, err error) (why string, fatal error) {
	if ctx.Err() != nil || errors.Is(err, builder.ErrGone) || errors.Is(err, builder.ErrSpace) || errors.Is(err, builder.ErrOwnSpace) || errors.Is(err, builder.ErrUse) {
		return "", err
	}
	why = "the Dockerfile before can't be built, so there is nothing to compare with"
	j.say(why + ": " + err.Error())
	return why, nil
}

// proof tells whether the image does what the one before does: the very images that
// were built into the layout. An index is proven on one platform: this machine's, if
// it is among them.
func (j *shipJob) proof(ctx context.Context, was *verify.Side, now verify.Side) (ship.Proof, error) {
	not := func(why string) (ship.Proof, error) { return ship.Proof{Verdict: ship.NotProven, Why: why}, nil }
	switch {
	case j.noVerify:
		return not("--no-verify")
	case was == nil || j.request.Before == "":
		return not(j.request.NoBefore)
	}
	opt := j.prove.opt
	opt.Build, opt.Layout = j.options, j.request.Layout
	platforms := strings.Split(opt.Build.Platform, ",")
	opt.Build.Platform = platforms[0]
	if own := "linux/" + runtime.GOARCH; slices.Contains(platforms, own) {
		opt.Build.Platform = own
	}
	j.begin("running before and after")
	v, err := verify.New(j.prove.builder, j.target.path, *was, opt)
	if err != nil {
		return ship.Proof{}, err
	}
	defer v.Close()
	p, err := v.Prove(ctx, now, nil)
	var before *verify.BeforeError
	switch {
	case err != nil && ctx.Err() == nil && errors.As(err, &before):
		return not("the image before can't be run: " + before.Err.Error())
	case err != nil:
		return ship.Proof{}, err
	}
	where := ""
	if len(platforms) > 1 {
		where = " on " + opt.Build.Platform
	}
	switch {
	case !p.Holds():
		return ship.Proof{Verdict: ship.Broken, Breaks: p.Breaks}, nil
	case p.Verdict == probe.Same:
		return ship.Proof{Verdict: ship.Same, Why: p.After.Did + where}, nil
	case p.Verdict == probe.SameFailure:
		return ship.Proof{Verdict: ship.SameFailure, Why: p.Manner() + where}, nil
	}
	return not(p.Manner() + where)
}

// build builds a side into the layout.
func (j *shipJob) build(ctx context.Context, name string, side verify.Side) (*builder.Result, error) {
	j.begin(fmt.Sprintf("building %s with %s", name, j.prove.builder))
	return j.prove.builder.Build(ctx, builder.Request{Name: name, Dockerfile: side.Dockerfile, Ignore: side.Ignore, Context: side.Context,
		Options: j.options, Layout: j.request.Layout, Export: true}, j.prove.opt.See)
}

// stageNames are the stages that are built for the target, by name or number, in
// the order of the file.
func stageNames(doc *rewrite.Document, target string) []string {
	last := doc.Final()
	if target != "" {
		if s := doc.StageByRef(target, -1); s != nil {
			last = s
		}
	}
	needed := map[*rewrite.Stage]bool{last: true}
	var out []string
	for i := last.Index; i >= 0; i-- {
		s := doc.Stages[i]
		if !needed[s] {
			continue
		}
		name := s.Name
		if name == "" {
			name = strconv.Itoa(i)
		}
		out = append([]string{name}, out...)
		needed[s.Parent()] = true
		for _, in := range s.Instructions {
			for _, from := range sources(in) {
				needed[doc.StageByRef(from, i)] = true
			}
		}
	}
	return out
}

// sources are what an instruction's --from and --mount flags name.
func sources(in *rewrite.Instruction) []string {
	var out []string
	for _, f := range in.Flags {
		name, value, _ := strings.Cut(strings.TrimPrefix(f.Text, "--"), "=")
		switch name {
		case "from":
			out = append(out, value)
		case "mount":
			for part := range strings.SplitSeq(value, ",") {
				if v, ok := strings.CutPrefix(part, "from="); ok {
					out = append(out, v)
				}
			}
		}
	}
	return out
}
