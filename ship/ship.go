// Package ship brings a built image to its registry: it looks at every platform,
// scans each, holds them against the gates, writes a bill of materials, pushes
// what was scanned, and asks the registry whether it has that. What came out is a
// checklist.
package ship

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"drydock/scan"
	"drydock/verify/finding"
)

// A Proof is whether the image does what the one before does.
type Proof struct {
	Verdict string // one of the verdicts below
	Why     string // in one line; for NotProven why nobody looked
	Breaks  []finding.Finding
}

// The verdicts.
const (
	Same        = "same behaviour"
	SameFailure = "same failure" // both end alike, so that nothing is known of what they would do
	Broken      = "broken"
	NotProven   = "not proven"
)

// A Request is an image to ship.
type Request struct {
	Layout string // folder of the OCI layout that holds it
	Digest string // of its manifest or index there
	Before string // digest of the image of the Dockerfile before, "" for none
	// NoBefore is why there is none, and what to do, for the checklist.
	NoBefore string
	Stages   []string // of the Dockerfile, by name or number, the last one the image's own
	Proof    Proof
	Tags     []Tag
	Work     string // an empty folder, best on the file system of Layout; the caller removes it

	Scanner *scan.Scanner // nil: none is there
	NoScan  bool          // nobody wants a scan; the gate of it is off
	// MaxCritical is the most distinct critical vulnerabilities that any one
	// platform may have.
	MaxCritical int
	SBOM        string // file to write it to, "" for none
	Push        bool
	Pusher      Pusher

	// Say hears which phase begins, in a few words; nil hears nothing.
	Say func(string)
}

func newChecklist(r Request) *Checklist {
	list := &Checklist{Version: 1, Digest: r.Digest, Items: []Item{}, Platforms: []*Platform{}}
	for _, t := range r.Tags {
		list.Images = append(list.Images, t.Shown)
	}
	return list
}

// NotBuilt is the checklist of a run that ended with err before there was an image.
func NotBuilt(r Request, err error) *Checklist {
	list := newChecklist(r)
	list.finish(err)
	return list
}

// Run does it. The checklist is as far as it got, also with an error, which says
// what could not be done. Nothing is pushed with an error of an earlier phase, or
// when a gate fails: see Checklist.Passed. A context's error is given as such.
func Run(ctx context.Context, r Request) (*Checklist, error) {
	s := &shipping{Request: r, list: newChecklist(r)}
	if s.Say == nil {
		s.Say = func(string) {}
	}
	err := s.run(ctx)
	if ctx.Err() != nil {
		err = ctx.Err() // whatever it broke
	}
	s.list.finish(err)
	return s.list, err
}

type shipping struct {
	Request
	list  *Checklist
	whole string        // layout that holds root alone
	root  v1.Descriptor // what is shipped
}

func (s *shipping) run(ctx context.Context) error {
	if err := s.look(); err != nil {
		return err
	}
	s.list.stages(s.Stages)
	s.list.sizes(s.NoBefore)
	s.list.users()
	s.list.proof(s.Proof)
	if err := s.scanAll(ctx); err != nil {
		return err
	}
	if err := s.materials(ctx); err != nil {
		return err
	}
	return s.push(ctx)
}

// look reads the images of both digests.
func (s *shipping) look() error {
	after, root, whole, err := imagesOf(s.Layout, s.Digest, filepath.Join(s.Work, "after"))
	if err != nil {
		return err
	}
	s.root, s.whole = root, whole
	var before []*Image
	if s.Before != "" {
		if before, _, _, err = imagesOf(s.Layout, s.Before, filepath.Join(s.Work, "before")); err != nil {
			return fmt.Errorf("the image of the Dockerfile before: %w", err)
		}
	}
	for _, a := range after {
		p := &Platform{Name: a.Platform, After: a}
		for _, b := range before {
			if b.Platform == a.Platform {
				p.Before = b
			}
		}
		s.list.Platforms = append(s.list.Platforms, p)
	}
	return nil
}

// scanAll scans every platform, and what was before where there is that.
func (s *shipping) scanAll(ctx context.Context) error {
	if s.NoScan || s.Scanner == nil {
		s.list.unscanned(s.NoScan, s.MaxCritical)
		return nil
	}
	for _, p := range s.list.Platforms {
		s.Say(fmt.Sprintf("scanning %s with %s", p.Name, s.Scanner.Name))
		var err error
		if p.Scan, err = scanOne(ctx, *s.Scanner, p.After, s.named(p)); err != nil {
			s.list.add(gateName(s.MaxCritical), No, true, "could not be scanned")
			return err
		}
		if p.Before == nil {
			continue
		}
		s.Say(fmt.Sprintf("scanning what was before for %s", p.Name))
		if p.ScanBefore, err = scanOne(ctx, *s.Scanner, p.Before, "the image before"); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			s.list.Notes = append(s.list.Notes, firstLine(err.Error()))
		}
	}
	s.list.critical(s.MaxCritical)
	return nil
}

// named is what messages call the image of a platform.
func (s *shipping) named(p *Platform) string {
	name := "the image"
	if len(s.Tags) > 0 {
		name = s.Tags[0].Shown
	}
	return name + " for " + p.Name
}

// scanOne scans one image. A scanner that saw no packages in an image whose own
// files list some didn't scan it.
func scanOne(ctx context.Context, by scan.Scanner, im *Image, what string) (*scan.Report, error) {
	r, err := by.Layout(ctx, im.dir, what)
	if err != nil {
		return nil, err
	}
	if r.Packages > 0 || len(r.Vulnerabilities) > 0 || r.Packages < 0 && r.System != "" {
		return r, nil
	}
	found, err := im.database()
	if err != nil {
		return nil, err
	}
	if found != "" {
		return nil, fmt.Errorf("%s could not scan %s: it saw no packages, but %s lists some: update the scanner, or use another one", by.Name, what, found)
	}
	return r, nil
}

// materials writes the bills of materials; with several platforms each has its
// name in the file's.
func (s *shipping) materials(ctx context.Context) error {
	if s.SBOM == "" {
		s.list.add("SBOM", No, false, "not asked for: --sbom FILE")
		return nil
	}
	var files []string
	by := ""
	for _, p := range s.list.Platforms {
		s.Say("writing the bill of materials of " + p.Name)
		text, made, err := scan.SBOM(ctx, p.After.dir, s.named(p))
		if err == nil {
			by = made
			file := s.SBOM
			if len(s.list.Platforms) > 1 {
				ext := filepath.Ext(file)
				file = strings.TrimSuffix(file, ext) + "-" + strings.ReplaceAll(p.Name, "/", "-") + ext
			}
			files = append(files, file)
			err = os.WriteFile(file, text, 0o644)
		}
		if err != nil {
			s.list.add("SBOM", No, false, "could not be written")
			return fmt.Errorf("no bill of materials: %w", err)
		}
	}
	s.list.SBOM = files
	s.list.add("SBOM", Yes, false, strings.Join(files, ", ")+": "+by)
	return nil
}

// push is last: no gate may have failed.
func (s *shipping) push(ctx context.Context) error {
	failed := s.list.failed()
	switch {
	case failed != "":
		s.list.add("pushed", No, false, "nothing: "+failed+" doesn't hold")
		return nil
	case !s.Push:
		s.list.add("pushed", No, false, "not asked for: --push")
		return nil
	}
	s.Say("pushing " + strings.Join(s.list.Images, ", "))
	done, err := s.Pusher.push(ctx, s.whole, s.root, s.Tags)
	s.list.Pushed = done
	if err == nil {
		s.list.add("pushed", Yes, false, s.list.pushed())
		return nil
	}
	text := "no tag"
	if len(done) > 0 {
		text = "only " + s.list.pushed()
	}
	s.list.add("pushed", No, false, text)
	if len(done) > 0 && !errors.Is(err, context.Canceled) {
		err = fmt.Errorf("%w; done: %s", err, s.list.pushed())
	}
	return err
}
