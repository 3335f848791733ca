package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"drydock/checks"
	"drydock/images"
	"drydock/rewrite"
)

// TestBuildChecks holds drydock's check buildkit against BuildKit's own
// conversion, which docker build --check runs: over the fixtures, and over the
// folder that DRYDOCK_CORPUS names. Rules, lines and messages must be the same,
// and both must take or refuse a file.
func TestBuildChecks(t *testing.T) {
	dirs := []string{"../../fixtures", "../../checks/testdata"}
	if dir := os.Getenv("DRYDOCK_CORPUS"); dir != "" {
		dirs = append(dirs, dir)
	}
	files, found := 0, 0
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || !strings.Contains(strings.ToLower(d.Name()), "dockerfile") || strings.HasSuffix(d.Name(), ".dockerignore") {
				return err
			}
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			// Comments of ours have no say in BuildKit.
			src = []byte(strings.ReplaceAll(string(src), "drydock:ignore", "drydock-ignore"))
			ours, refused, err := ownBuildChecks(path, string(src))
			if err != nil {
				return nil // not a Dockerfile that drydock takes
			}
			theirs, failure := buildkitBuildChecks(src)
			files++
			found += len(theirs)
			unfilled := failure != nil && (strings.Contains(failure.Error(), "should not be blank") || strings.Contains(failure.Error(), "invalid reference format"))
			if refused != (failure != nil) && !unfilled { // what a build arg is to fill in drydock doesn't hold against a file
				t.Errorf("%s: refused by drydock: %v; by BuildKit: %v", path, refused, failure)
			}
			if !slices.Equal(ours, theirs) {
				t.Errorf("%s:\ndrydock\n  %s\nBuildKit\n  %s", path, strings.Join(ours, "\n  "), strings.Join(theirs, "\n  "))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d files, %d warnings", files, found)
}

// bareImages knows every image and nothing about it.
type bareImages struct{ images.Source }

func (bareImages) Image(images.Ref) (images.Image, bool) { return images.Image{}, true }

func ownBuildChecks(path, src string) (out []string, refused bool, err error) {
	in := rewrite.Input{Path: path, Src: src, Images: bareImages{images.Catalogue()}}
	res, err := rewrite.Run(context.Background(), in, nil, rewrite.Options{Checks: []*rewrite.Check{checks.ByName("buildkit")}})
	if err != nil {
		return nil, false, err
	}
	for _, f := range res.Findings {
		if rule := strings.TrimPrefix(f.Check, "buildkit/"); rule != "BuildError" {
			out = append(out, fmt.Sprintf("%d %s %s %s", f.Line, rule, f.Message, strings.TrimPrefix(f.Hint, "see ")))
		} else {
			refused = true
		}
	}
	slices.Sort(out)
	return out, refused, nil
}

type bareResolver struct{}

func (bareResolver) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	var img dockerspec.DockerOCIImage
	img.OS, img.Architecture = "linux", "amd64"
	if opt.ImageOpt != nil && opt.ImageOpt.Platform != nil {
		img.Platform = *opt.ImageOpt.Platform
	}
	img.RootFS.Type, img.RootFS.DiffIDs = "layers", []digest.Digest{digest.FromString("bare")}
	dt, err := json.Marshal(img)
	return ref, "", dt, err
}

// buildkitBuildChecks is DockerfileLint of dockerfile2llb. As drydock does, it
// gives a second try with a value for each ARG that has no default.
func buildkitBuildChecks(src []byte) (out []string, failure error) {
	run := func(args map[string]string) {
		out = nil
		os := "linux"
		if windowsFile(string(src)) {
			os = "windows"
		}
		caps := pb.Caps.CapSet(pb.Caps.All())
		opt := dockerfile2llb.ConvertOpt{MetaResolver: bareResolver{}, LLBCaps: &caps, AllStages: true}
		opt.BuildArgs, opt.BuildPlatforms = args, []ocispecs.Platform{{OS: os, Architecture: "amd64"}}
		opt.Warn = func(rule, _, url, message string, at []parser.Range) {
			out = append(out, fmt.Sprintf("%d %s %s %s", at[0].Start.Line, rule, message, url))
		}
		_, failure = dockerfile2llb.Dockerfile2LLB(context.Background(), src, opt)
	}
	run(nil)
	if given := noDefault(string(src)); failure != nil && len(given) > 0 {
		run(given)
	}
	slices.Sort(out)
	return out, failure
}

var windowsBase = regexp.MustCompile(`(?m)^\s*from\s+(--\S+\s+)?\S*(windows|nanoserver)`)

var driveLetter = regexp.MustCompile(`(?im)^\s*workdir\s+[a-z]:[\\/]`)

func windowsFile(src string) bool {
	lower := strings.ToLower(src)
	return strings.Contains(lower, "escape=`") || driveLetter.MatchString(src) || windowsBase.MatchString(lower)
}

// noDefault gives a value to the ARGs in front of the first FROM without one.
func noDefault(src string) map[string]string {
	out := map[string]string{}
	doc, err := rewrite.Parse("", src, nil)
	if err != nil {
		return nil
	}
	for _, in := range doc.Instructions {
		if c, ok := in.Cmd.(*instructions.ArgCommand); ok && in.Stage == nil {
			for _, a := range c.Args {
				if a.Value == nil {
					out[a.Key] = "unset"
				}
			}
		}
	}
	return out
}
