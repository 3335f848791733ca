package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"drydock/images"
	"drydock/rewrite"
	"drydock/verify/builder"
	"drydock/verify/imagefs"
	"drydock/verify/probe"
)

// A subject is one side, built, and then read and run.
type subject struct {
	side   Side
	doc    *rewrite.Document
	built  *builder.Result
	bare   *imagefs.Image // its configuration
	read   func() error   // reads img; whoever comes later waits
	img    *imagefs.Image
	saw    *probe.Result // nil when it wasn't run
	beside bool          // it ran beside the original
	ran    time.Duration // how long the run took, the builder's work around it included
}

// start builds the original, once, and begins to read it.
func (p *Prover) start(ctx context.Context) error {
	if p.first != nil {
		return nil
	}
	s, err := p.build(ctx, "before", p.origin)
	var failed *builder.Error
	switch {
	case errors.As(err, &failed) && failed.Cause == nil:
		return &BeforeError{err, p.origin.Context}
	case err != nil:
		return err
	}
	p.first = s
	p.reads.Go(func() { _ = s.read() }) // look hears of the error
	return nil
}

// ready builds, reads and runs the original, once.
func (p *Prover) ready(ctx context.Context) error {
	if p.before != nil {
		return nil
	}
	if err := p.start(ctx); err != nil {
		return err
	}
	return p.look(ctx, nil)
}

// build builds a side.
func (p *Prover) build(ctx context.Context, name string, side Side) (*subject, error) {
	doc, err := rewrite.Parse(p.path, side.Dockerfile, images.Catalogue())
	if err != nil {
		return nil, err
	}
	b := side.Built
	if b == nil {
		p.Builds++
		if b, err = p.maker.Build(ctx, builder.Request{
			Name: name, Dockerfile: side.Dockerfile, Ignore: side.Ignore, Context: side.Context, Options: p.opt.Build, Layout: p.layout(), Export: true,
		}, p.opt.See); err != nil {
			return nil, err
		}
	}
	s := &subject{side: side, doc: doc, built: b}
	unread := func(err error) error { return fmt.Errorf("reading the built image: %w", err) }
	if s.bare, err = p.files.Bare(b.Digest, p.opt.Build.Platform); err != nil {
		return nil, unread(err)
	}
	s.read = sync.OnceValue(func() error {
		img, err := p.files.Image(b.Digest, p.opt.Build.Platform)
		if err != nil {
			return unread(err)
		}
		s.img = img
		return nil
	})
	return s, nil
}

// look reads and runs a candidate (nil for none), and the original unless that was
// done. All of it goes on at once: programs that are run mostly wait.
func (p *Prover) look(ctx context.Context, after *subject) error {
	defer context.AfterFunc(ctx, p.files.Stop)() // who interrupts doesn't want to wait for it
	group, ctx := errgroup.WithContext(ctx)
	see := func(s *subject) {
		group.Go(s.read)
		group.Go(func() (err error) {
			begin := time.Now()
			s.saw, err = p.run(ctx, s.bare)
			s.ran = time.Since(begin)
			return err
		})
	}
	var base *imagefs.Image
	if p.before == nil {
		see(p.first)
		group.Go(func() (err error) {
			base, err = p.ground(ctx, p.first)
			return err
		})
	}
	if after != nil {
		after.beside = p.before == nil
		see(after)
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if p.before == nil {
		p.before, p.base = p.first, base
		if base != nil {
			was, is := p.before.img.Layers, base.Layers
			for p.bottom < min(len(was), len(is)) && was[p.bottom].Digest == is[p.bottom].Digest {
				p.bottom++
			}
		}
	}
	return nil
}

// ground is the base of a subject's last stage as an image of its own.
func (p *Prover) ground(ctx context.Context, s *subject) (*imagefs.Image, error) {
	stage := root(p.final(s.doc))
	if strings.EqualFold(stage.BaseName(), "scratch") {
		return nil, nil
	}
	text := s.doc.Src[:s.doc.Stages[0].From.Span.Start] + s.doc.Lines(stage.From.Span)
	opt := p.opt.Build
	opt.Target = ""
	b, err := p.maker.Build(ctx, builder.Request{Name: "base", Dockerfile: text, Context: p.empty(), Options: opt, Layout: p.layout(), Export: true, Quiet: true}, nil)
	var failed *builder.Error
	if errors.As(err, &failed) && failed.Cause == nil {
		return nil, nil // its platform, say, needs a stage's argument: then all layers count as the application's
	}
	if err != nil {
		return nil, err
	}
	img, err := p.files.Image(b.Digest, p.opt.Build.Platform)
	if err != nil {
		return nil, fmt.Errorf("reading the base image: %w", err)
	}
	return img, nil
}

// empty is an empty folder.
func (p *Prover) empty() string {
	dir := filepath.Join(p.dir, "empty")
	_ = os.MkdirAll(dir, 0o755) // the build says it
	return dir
}
