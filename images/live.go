package images

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// LiveSource answers from a Store, and from the catalogue where the store has no
// answer. It asks only when a question needs it: nothing is asked on making one.
type LiveSource struct {
	store Store
	catalogue
	facts bool

	mu     sync.Mutex
	notes  []string
	silent []string // registries that don't answer, which was noted
}

// Live is a source over store that judges on day (YYYY-MM-DD) whether a line is
// supported.
func Live(store Store, day string) *LiveSource {
	return &LiveSource{store: store, catalogue: catalogue{day: max(day, Date)}}
}

// WithFacts makes Image ask the store too: configuration, platforms, size. Of a
// registry that is a pull of the manifest, which Docker Hub counts.
func (s *LiveSource) WithFacts() *LiveSource {
	s.facts = true
	return s
}

// Notes tells which questions the store couldn't answer, each failure once, so
// that the user knows whose answers they got, and what the store itself has to tell.
func (s *LiveSource) Notes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.notes)
	if n, ok := s.store.(interface{ Notes() []string }); ok {
		out = append(out, n.Notes()...)
	}
	return out
}

// Proves is false over a store that answers nothing; see the function Proves.
func (s *LiveSource) Proves() bool {
	o, ok := s.store.(interface{ Offline() bool })
	return !ok || !o.Offline()
}

// failed notes that the catalogue answers in place of the store: of a registry
// that doesn't answer once, whatever it was asked.
func (s *LiveSource) failed(ref Ref, err error) {
	note := fmt.Sprintf("%v; the catalogue of %s answers", err, Date)
	if errors.Is(err, ErrOffline) {
		note = fmt.Sprintf("offline: the catalogue of %s answers", Date)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(err, ErrUnreachable) || errors.Is(err, ErrRateLimited) {
		host := ref.Host()
		if slices.Contains(s.silent, host) {
			return
		}
		s.silent = append(s.silent, host)
	}
	if !slices.Contains(s.notes, note) {
		s.notes = append(s.notes, note)
	}
}

// Digest asks the store.
func (s *LiveSource) Digest(ref Ref, platforms []string) (string, error) {
	ref.Digest = ""
	d, err := s.store.Resolve(ref)
	if err != nil {
		return "", err
	}
	// Read by its digest, which shows that the bytes have it, before it is written.
	have, err := s.store.Platforms(Ref{Domain: ref.Domain, Path: ref.Path, Digest: d.Digest})
	if err != nil {
		return "", err
	}
	for _, p := range platforms {
		if !slices.ContainsFunc(have, func(h string) bool { return serves(h, p) }) {
			return "", fmt.Errorf("%s: %w: %s isn't among %s", ref, ErrPlatform, p, strings.Join(have, ", "))
		}
	}
	return d.Digest, nil
}

// serves: an image for platform have runs where want is asked. The variants are
// those that containerd's platforms package takes as the default: arm64 is
// arm64/v8, arm is arm/v7, amd64 is amd64/v1.
func serves(have, want string) bool {
	plain := func(p string) string {
		switch p {
		case "linux/arm64/v8", "linux/aarch64":
			return "linux/arm64"
		case "linux/arm":
			return "linux/arm/v7"
		case "linux/amd64/v1", "linux/x86_64", "linux/x86-64":
			return "linux/amd64"
		}
		return p
	}
	have, want = plain(have), plain(want)
	return have == want || !strings.Contains(want, "/") && strings.HasPrefix(have, want+"/")
}

// Where is the reference under which other programs find the image, which is
// another one where a mirror is asked, and whether they have to speak plain HTTP.
func (s *LiveSource) Where(ref Ref) (name string, plainHTTP bool) {
	if w, ok := s.store.(interface{ Where(Ref) (string, bool) }); ok {
		return w.Where(ref)
	}
	return ref.String(), false
}

// Image lays what the store says over what the catalogue says, after WithFacts;
// then what the store doesn't have isn't known.
func (s *LiveSource) Image(ref Ref) (Image, bool) {
	img, ok := s.catalogue.Image(ref)
	if !s.facts || ref.hasVariable() || ref.mirrored() == "scratch" {
		return img, ok
	}
	d, err := s.store.Describe(ref, "")
	if errors.Is(err, ErrNotFound) {
		return Image{}, false
	}
	if err != nil {
		s.failed(ref, err)
		return img, ok
	}
	if !ok {
		img = Image{Repository: ref.Repository(), Tag: orElse(ref.Tag, "latest"), Shell: true}
	}
	img.Source, img.Date = s.store.Name(), s.day
	img.Digest, img.Platform, img.Size, img.SizeSource, img.Created = d.Digest, d.Platform, d.Size, "", d.Created
	if platforms, err := s.store.Platforms(ref); err == nil {
		img.Platforms = platforms
	}
	img.User, img.Workdir, img.Entrypoint, img.Cmd = d.User, d.Workdir, d.Entrypoint, d.Cmd
	img.StopSignal, img.Expose, img.Volumes, img.OnBuild = d.StopSignal, d.Expose, d.Volumes, len(d.OnBuild) > 0
	if img.User == "root" || img.User == "0" {
		img.User = ""
	}
	if img.Workdir == "/" {
		img.Workdir = ""
	}
	img.EnvPath, img.Env = "", nil
	for _, e := range d.Env {
		name, value, _ := strings.Cut(e, "=")
		if name == "PATH" {
			img.EnvPath = value
			continue
		}
		if img.Env == nil {
			img.Env = map[string]string{}
		}
		img.Env[name] = value
	}
	return img, true
}

// Slim is the catalogue's answer; for tags that are newer than it the store tells
// whether there is one.
func (s *LiveSource) Slim(ref Ref) (Ref, string, bool) {
	to, why, ok := s.catalogue.Slim(ref)
	f, tag, _ := pinnable(ref)
	if ok || f == nil || f.noSlim != "" || len(f.lines) == 0 {
		return to, why, ok
	}
	t := f.lex(tag)
	l := f.lineOf(t.version)
	if t.slim || t.alpine || !t.known || l == "" || f.line(l) != nil && f.past[l] == nil {
		return to, why, ok
	}
	for _, suffix := range slimSuffixes(&t) {
		slim := ref.WithTag(join(t.version, suffix))
		if c := f.lex(slim.Tag); c.release != t.release || t.release == "" {
			continue // which release it stands on has to be written in both
		}
		if _, err := s.store.Resolve(slim); err == nil {
			return slim, "", true
		} else if !errors.Is(err, ErrNotFound) {
			s.failed(ref, err)
			break
		}
	}
	return to, why, ok
}

// Next moves a pin forward: tags come from the store, dates from the catalogue.
func (s *LiveSource) Next(ref Ref, want Want, level Level) (Pinned, bool) {
	f, tag, why := movable(ref)
	if why != "" {
		return Pinned{Why: why}, false
	}
	to, reason := ref, ""
	switch {
	case level > LevelDigest && strings.HasPrefix(ref.mirrored(), distrolessPrefix):
		var next Ref
		if next, reason = nextDistroless(ref, level, s.day); next != (Ref{}) {
			to = next
		}
	case level > LevelDigest:
		reason = f.fixed(tag, level)
		if t := f.lex(tag); reason == "" && level == LevelPatch && !t.dated && f.mover(&t, level, s.day).wholeTag {
			_, reason = f.next(tag, want, level, nil, s.day) // no list of tags changes that
		}
	}
	if level > LevelDigest && reason == "" {
		tags, err := s.store.Tags(ref)
		listed := true
		if errors.Is(err, ErrNotFound) { // no such image, or a registry that lists no tags
			if _, err := s.store.Resolve(ref.WithTag(ref.Tag)); err != nil {
				return Pinned{Why: err.Error()}, false
			}
			listed, reason, err = false, "its registry lists no tags", nil
		}
		if err != nil {
			s.failed(ref, err)
			p, ok := s.catalogue.Next(ref.WithTag(ref.Tag), want, level)
			if !ok && f.anyWord {
				p.Why = err.Error()
			}
			if ref.Digest == "" || !ok {
				return p, ok
			}
			return Pinned{Why: p.Ref.Tag + " is newer, but its digest isn't known: " + err.Error()}, false
		}
		if listed {
			next, why := f.next(tag, want, level, tags, s.day)
			if next != "" {
				to = ref.WithTag(next)
			}
			reason = why
		}
	}
	if ref.Digest == "" {
		if to == ref {
			return Pinned{Why: orElse(reason, "it has no digest")}, false
		}
		return Pinned{Ref: to, Why: reason, Source: s.store.Name()}, true
	}
	old := ref.Digest
	d, err := s.store.Resolve(to.WithTag(to.Tag))
	if err != nil {
		if !errors.Is(err, ErrNotFound) {
			s.failed(ref, err)
		}
		return Pinned{Why: err.Error()}, false
	}
	moved := to.Tag != ref.Tag || to.Path != ref.Path
	if d.Digest == old && !moved {
		return Pinned{Why: orElse(reason, "the digest is the one that the tag has now")}, false
	}
	if _, err := s.store.Platforms(Ref{Domain: to.Domain, Path: to.Path, Digest: d.Digest}); err != nil {
		return Pinned{Why: err.Error()}, false // the bytes aren't those of the digest, or aren't there
	}
	to.Digest = d.Digest
	if !moved {
		reason = fmt.Sprintf("%s has moved from %s to %s", to.WithTag(to.Tag), ShortDigest(old), ShortDigest(d.Digest))
	}
	return Pinned{Ref: to, Why: reason, Source: s.store.Name()}, true
}

// ShortDigest is the beginning of a digest, for people to read.
func ShortDigest(digest string) string {
	return digest[:min(len(digest), len("sha256:")+12)]
}
