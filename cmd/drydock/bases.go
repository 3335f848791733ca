package main

// drydock bases: what may take the place of a base image, and what would come of it.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"drydock/images"
	"drydock/report"
	"drydock/rewrite"
	"drydock/scan"
)

func basesCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "bases",
		Usage:     "compare the images that may take the place of a base",
		ArgsUsage: "[PATH|IMAGE…]",
		Description: `For a Dockerfile it looks at the last stage: which images of the same kind there
are, what they weigh and hold, and which of them the program runs on: that is
asked of the transforms multi-stage, slim-base and distroless, whose reasons stand
in the last column. For an image it lists what there is. Sizes and dates come from
the registry, with --offline from the built-in catalogue.

--scan counts known vulnerabilities with the scanner on PATH (grype or trivy), which
pulls every candidate.

` + exitCodes,
		Flags: append(append(sourceFlags()[:2], configFlags()...),
			&cli.StringFlag{Name: "scan", Value: "none", Usage: "`SCANNER` that counts vulnerabilities: auto, " + strings.Join(scan.Names, ", ") + " or none"},
			&cli.StringFlag{Name: "context", Usage: "the build context's folder (`DIR`) of every Dockerfile"},
			formatFlag("bases"),
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print errors only"},
			&cli.StringFlag{Name: "color", Value: "auto", Usage: "`WHEN` to colour: auto, always or never (auto honours NO_COLOR)"},
		),
		Action: func(c *cli.Context) error { return runBases(c, s) },
	}
}

// basing is what bases was asked for.
type basing struct {
	scanner *scan.Scanner // nil for none
	mu      sync.Mutex
	scans   map[string]scanned // by reference: many stages share their candidates
	slow    bool               // the scanner hung, so it isn't asked again
}

type scanned struct {
	counts scan.Counts
	err    error
}

func runBases(c *cli.Context, s streams) error {
	set, err := readSettings(c)
	if err != nil {
		return err
	}
	b := &basing{scans: map[string]scanned{}}
	if name := c.String("scan"); name != "none" {
		if name != "auto" && !slices.Contains(scan.Names, name) {
			return usagef("--scan %s: choose auto, %s or none", name, strings.Join(scan.Names, ", "))
		}
		found, err := scan.Find(name)
		if err != nil {
			return err
		}
		b.scanner = &found
	}
	set.facts = true
	set.narrowed(func(r *rules) { r.checks, r.transforms, r.unsafe = nil, nil, true })
	if found, err := scan.Find("auto"); err == nil && !c.IsSet("scan") && !set.quiet && !set.offline {
		fmt.Fprintf(s.err, "drydock: %s is on PATH: --scan auto counts known vulnerabilities, and pulls every candidate for it\n", found.Name)
	}
	j := job{settings: set, streams: s, bases: b}
	out := s.out
	if set.quiet {
		out = io.Discard
	}
	j.render = &report.BasesTable{W: out, Style: set.style(out)}
	if set.json {
		j.render = &report.JSON{W: out}
	}
	var refs []images.Ref
	j.paths = slices.DeleteFunc(slices.Clone(set.paths), func(p string) bool {
		ref, ok := imageArgument(p)
		if ok {
			refs = append(refs, ref)
		}
		return ok
	})
	if j.images, err = j.source(c.Context); err != nil {
		return err
	}
	var total report.Total
	for _, ref := range refs {
		f := j.imageBases(c.Context, ref)
		if f.Error != nil {
			fmt.Fprintln(s.err, f.Error)
		}
		total.Add(f)
		if err := j.render.File(f); err != nil {
			return err
		}
	}
	if len(j.paths) == 0 {
		j.tellNotes()
		if err := j.render.Close(total); err != nil {
			return err
		}
		return failure(total)
	}
	more, err := j.run(c.Context)
	if err != nil {
		return err
	}
	total.Failed += more.Failed
	return failure(total)
}

// imageBases is the comparison for an image that was named.
func (j *job) imageBases(ctx context.Context, ref images.Ref) *report.File {
	x := j.compare(ctx, &report.Bases{Image: ref.String()}, ref, nil)
	if len(x.Rows) == 1 && x.Rows[0].Source == "" {
		return report.Failed(ref.String(), "", &report.Error{Path: ref.String(), Message: "no file of that name, and nothing is known of such an image",
			Hint: "name a Dockerfile, a folder, or an image of a registry that can be asked"})
	}
	return report.Looked(ref.String(), "", []*report.Bases{x})
}

// imageArgument tells an image from a path: what lies on the disk is a path, and
// so is what looks like one.
func imageArgument(arg string) (images.Ref, bool) {
	if _, err := os.Lstat(arg); err == nil || arg == "-" || strings.HasPrefix(arg, ".") || strings.HasPrefix(arg, "/") || isDockerfile(arg) {
		return images.Ref{}, false
	}
	ref, err := images.ParseRef(arg)
	return ref, err == nil
}

// based is target number i of the site with the candidates for its last stage.
func (s *site) based(ctx context.Context, i int, t *target) *report.File {
	j, shown := s.job, ""
	if s.dir != "" {
		shown = j.places.show(s.dir)
	}
	doc, err := t.parse()
	if err != nil {
		return report.Failed(t.path, shown, err)
	}
	stage := doc.Final()
	base := stage
	for base.Parent() != nil {
		base = base.Parent()
	}
	x := &report.Bases{Stage: stage.Name, Line: stage.From.Line, Image: base.BaseName()}
	if x.Stage == "" {
		x.Stage = fmt.Sprint(stage.Index)
	}
	ref, err := images.ParseRef(base.BaseName())
	if err != nil {
		return report.Failed(t.path, shown, &report.Error{Path: t.path, Line: base.From.Line, Message: err.Error(), Hint: "bases needs the name of an image"})
	}
	x.Needs = needs(stage)
	verdicts, err := s.verdicts(ctx, i, t)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return report.Failed(t.path, shown, err)
	}
	j.compare(ctx, x, ref, verdicts)
	if x.How == updateMajor {
		if why := s.stuck(ctx, i, t, x.Image, base.From.Line); why != "" {
			x.Why, x.How = x.Why+"; drydock update doesn't do that: "+why, ""
		}
	}
	return report.Looked(t.path, shown, []*report.Bases{x})
}

// needs are what a stage asks of its base, in words.
func needs(stage *rewrite.Stage) []string {
	var out []string
	for _, in := range stage.Instructions {
		switch in.Keyword {
		case "cmd", "entrypoint", "healthcheck":
			form := "in shell form"
			if in.JSON {
				form = "in exec form"
			}
			if in.Keyword == "healthcheck" {
				form = ""
			}
			out = append(out, strings.TrimSpace(fmt.Sprintf("line %d: %s %s %s", in.Line, strings.ToUpper(in.Keyword), in.Args.Text, form)))
		}
	}
	return out
}

// compare fills in the candidates for ref; verdicts are nil when no Dockerfile
// was looked at.
func (j *job) compare(ctx context.Context, x *report.Bases, ref images.Ref, verdicts []verdict) *report.Bases {
	candidates := images.Candidates(j.images, ref)
	for _, v := range verdicts {
		r, err := images.ParseRef(v.base)
		if err == nil && !slices.ContainsFunc(candidates, func(c images.Candidate) bool { return c.Ref == r }) {
			candidates = append(candidates, images.Candidate{Ref: r, Kind: kindOf(r)})
		}
	}
	for _, c := range candidates {
		row := j.fact(ctx, c)
		if row.Source == "" && c.Kind != "now" {
			continue // the registry doesn't have it
		}
		judge(&row, c, verdicts)
		x.Rows = append(x.Rows, row)
	}
	recommend(x, verdicts)
	return x
}

func kindOf(ref images.Ref) string {
	for _, k := range []string{"distroless", "alpine", "slim", "jre"} {
		if strings.Contains(ref.String(), k) {
			return k
		}
	}
	if ref.Path == "scratch" {
		return "scratch"
	}
	return "other"
}

// fact is a row without a verdict.
func (j *job) fact(ctx context.Context, c images.Candidate) report.Base {
	row := report.Base{Image: c.Ref.String(), Kind: c.Kind}
	img, ok := j.images.Image(c.Ref)
	if !ok {
		row.Verdict = "nothing is known of it, or there is no such image"
		return row
	}
	row.Size, row.Libc, row.Packages, row.User, row.Updated, row.EndOfLife, row.Source = img.Size, img.Libc, img.PackageManager, img.User, img.Created, "", img.Source
	row.EndOfLife, row.Ended = images.KeptUntil(c.Ref, j.images.Day())
	if img.Libc != "" { // else the configuration is known, and nothing of the files
		row.Shell = &img.Shell
	}
	if img.NonRoot != nil {
		row.NonRoot = img.NonRoot.Name
	}
	if j.bases.scanner != nil && c.Ref.Path != "scratch" {
		s := j.bases.scan(ctx, j.images, c.Ref, img.Platform)
		if s.err != nil {
			row.ScanError = s.err.Error()
			fmt.Fprintf(j.err, "drydock: %v\n", s.err)
		} else {
			row.Vulns, row.VulnsShort = s.counts, s.counts.String()
		}
	}
	return row
}

// scan asks the scanner once for each image.
func (b *basing) scan(ctx context.Context, src *images.LiveSource, ref images.Ref, platform string) scanned {
	b.mu.Lock()
	defer b.mu.Unlock()
	name, plain := src.Where(ref)
	key := name + " " + platform
	if s, ok := b.scans[key]; ok {
		return s
	}
	var s scanned
	if b.slow {
		s.err = fmt.Errorf("%s isn't asked about %s: it gave no answer before", b.scanner.Name, name)
		b.scans[key] = s
		return s
	}
	s.counts, s.err = b.scanner.Image(ctx, name, platform, plain)
	b.slow = errors.Is(s.err, scan.ErrSlow)
	b.scans[key] = s
	return s
}
