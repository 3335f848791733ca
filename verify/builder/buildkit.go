package builder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"drydock/rewrite"
)

// buildkit builds with buildctl or buildx into res; tmp holds the Dockerfile.
func (b *Builder) buildkit(ctx context.Context, r Request, tmp string, res *Result, see Observer) error {
	meta := filepath.Join(tmp, "metadata.json")
	if r.Export && b.loads() {
		return b.buildAndSave(ctx, r, tmp, res, see)
	}
	args, err := b.arguments(r, tmp, output(b.Kind, r, meta))
	if err != nil {
		return err
	}
	err = b.start(ctx, r, args, res, see)
	for tries := 0; err != nil && tries < 8 && lostRace(err, r) && ctx.Err() == nil; tries++ {
		time.Sleep(time.Duration(50+rand.IntN(200*(tries+1))) * time.Millisecond) // not in step with the other
		*res = Result{}                                                           // all its steps are in the cache
		err = b.start(ctx, r, args, res, see)
	}
	if err != nil {
		var e *Error
		if r.Export && errors.As(err, &e) && strings.Contains(e.Output, refusesOCI) {
			b.mu.Lock()
			b.load = true
			b.mu.Unlock()
			*res = Result{}
			return b.buildAndSave(ctx, r, tmp, res, see)
		}
		return err
	}
	if r.Export {
		res.Digest, err = readDigest(meta)
	}
	return err
}

// lostRace tells that another build wrote into the layout at that moment. Both programs keep
// what they receive under the layer's name until it is whole, and the first one to end takes it
// away from the other; and neither waits for the lock on the index.
//
// Or that a program of a folder which was sent could not start, since a process that the builder
// began while it wrote the file still had it open (https://github.com/golang/go/issues/22315).
func lostRace(err error, r Request) bool {
	var e *Error
	if !errors.As(err, &e) || e.Cause != nil {
		return false
	}
	said := e.said + "\n" + e.Output
	if len(r.Folders) > 0 && busy().MatchString(said) {
		return true
	}
	if !r.Export || r.Layout == "" {
		return false
	}
	return strings.Contains(said, "failed commit on ref") && strings.Contains(said, filepath.Join(r.Layout, "ingest")) ||
		strings.Contains(said, "could not lock "+filepath.Join(r.Layout, "index.json.lock"))
}

// busy is what runc says then.
var busy = rewrite.Lazily(`(?m)^exec /\S+: text file busy$`)

// start runs the program with args and reads its progress.
func (b *Builder) start(ctx context.Context, r Request, args []string, res *Result, see Observer) error {
	s := newStatus(r.Name, see)
	in := &lines{each: s.line}
	cmd := command(ctx, b.program(), args...)
	cmd.Stderr = in // standard output has nothing: no exporter writes there
	err := run(cmd)
	in.Close()
	res.Steps = s.result()
	if err != nil {
		return s.failure(err, b.Kind, r)
	}
	return nil
}

func (b *Builder) program() string {
	switch b.Kind {
	case "buildx":
		return "docker"
	default:
		return b.Kind
	}
}

// output are the words for where the image goes.
func output(kind string, r Request, meta string) []string {
	switch {
	case r.Export:
		// Builds that run at once share the folder: blobs are named by content, and
		// index.json, which the last one wins, is read by nobody.
		return []string{"--output", "type=oci,tar=false," + csvField("dest="+r.Layout), "--metadata-file", meta}
	case kind == "buildx":
		return []string{"--output", "type=cacheonly"}
	}
	return nil // buildctl builds and keeps nothing but its cache
}

// csvField quotes a value of a list that both programs read as CSV.
func csvField(v string) string {
	if !strings.ContainsAny(v, ",\"\n") {
		return v
	}
	return `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
}

// arguments are the two programs' words for the same request. Attestations would
// turn the image into an index; the image is what counts here.
func (b *Builder) arguments(r Request, tmp string, out []string) ([]string, error) {
	contexts, err := b.contexts(r)
	if err != nil {
		return nil, err
	}
	var a []string
	option := func(flag, opt, value string) {
		switch {
		case value == "":
		case b.Kind == "buildctl":
			a = append(a, "--opt", opt+"="+value)
		default:
			a = append(a, "--"+flag, value)
		}
	}
	if b.Kind == "buildctl" {
		a = b.words("build", "--progress=rawjson", "--frontend=dockerfile.v0", "--local", "context="+r.Context, "--local", "dockerfile="+tmp)
	} else {
		a = []string{"buildx", "build", "--progress=rawjson", "--provenance=false", "--sbom=false", "--file", filepath.Join(tmp, "Dockerfile")}
		if b.Name != "" {
			a = append(a, "--builder", b.Name)
		}
	}
	option("target", "target", r.Target)
	option("platform", "platform", r.Platform)
	for _, arg := range r.BuildArgs {
		if b.Kind == "buildctl" {
			// buildx takes a bare name's value from the environment, and drops one that isn't set.
			name, value, given := strings.Cut(arg, "=")
			if !given {
				if value, given = os.LookupEnv(name); !given {
					continue
				}
			}
			a = append(a, "--opt", "build-arg:"+name+"="+value)
			continue
		}
		a = append(a, "--build-arg", arg)
	}
	for _, s := range r.Secrets {
		a = append(a, "--secret", s)
	}
	for _, s := range r.SSH {
		a = append(a, "--ssh", s)
	}
	a = append(a, contexts...)
	if r.NoCache {
		a = append(a, "--no-cache")
	}
	a = append(a, out...)
	if b.Kind == "buildx" {
		context, err := filepath.Abs(r.Context) // "-" and words like a URL mean something else to buildx
		if err != nil {
			return nil, err
		}
		a = append(a, context)
	}
	return a, nil
}

// contexts are the words for the request's named contexts.
func (b *Builder) contexts(r Request) ([]string, error) {
	var a []string
	add := func(name, value string) error {
		if b.Kind == "buildctl" {
			words, err := buildctlContext(len(a), name, value)
			a = append(a, words...)
			return err
		}
		a = append(a, "--build-context", name+"="+value)
		return nil
	}
	for _, c := range r.Contexts {
		name, value, ok := strings.Cut(c, "=")
		if !ok || name == "" || value == "" {
			return nil, &Error{said: fmt.Sprintf("%q is no named context: write NAME=FOLDER or NAME=docker-image://IMAGE", c)}
		}
		if err := add(name, value); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Folders)) {
		if err := add(name, r.Folders[name]); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Images)) {
		value := "oci-layout://" + r.Layout + "@" + r.Images[name]
		if b.loads() {
			tag, err := b.tagOf(r.Images[name])
			if err != nil {
				return nil, err
			}
			value = "docker-image://" + tag
		}
		if err := add(name, value); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func readDigest(meta string) (string, error) {
	raw, err := os.ReadFile(meta)
	if err != nil {
		return "", &Error{said: "the builder wrote no metadata: " + err.Error(), todo: "update it"}
	}
	var m struct {
		Digest string `json:"containerimage.digest"`
	}
	if err := json.Unmarshal(raw, &m); err != nil || m.Digest == "" {
		return "", &Error{said: "the builder's metadata have no containerimage.digest", Output: string(raw), todo: "update it"}
	}
	return m.Digest, nil
}
