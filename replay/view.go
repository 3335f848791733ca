package replay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strings"

	"drydock/history"
	"drydock/repo"
	"drydock/rewrite"
)

// view is the context of one commit as a build with one Dockerfile sees it: the
// tree, less what .dockerignore leaves out, plus files that a rewrite writes.
type view struct {
	tree    *tree
	blobs   *blobs
	name    string                  // the Dockerfile's path in the context, "" when it lies elsewhere
	written map[string]history.File // by the rewrite, the same at each commit
	sources map[string]*source
	git     bool // a checkout holds .git here

	ignore   *ignoring
	ignoreID string
	kept     map[string]int // folders that are left out: the number of files below that "!" takes back in
	head     history.File   // .git, as long as it belongs to the context
}

// ignoring is an ignore file with its answers so far.
type ignoring struct {
	*repo.Ignore
	memo    map[string]bool
	negates bool // it has patterns with "!"
}

func (i *ignoring) excluded(p string) bool {
	out, known := i.memo[p]
	if !known {
		out = i.Excluded(p)
		i.memo[p] = out
	}
	return out
}

// blobs reads files of the history, and keeps what it made of them.
type blobs struct {
	history *history.History
	texts   map[string]string // by blob id; also those of written files
	ignores map[string]*ignoring
}

func (b *blobs) text(ctx context.Context, id string) (string, error) {
	if t, ok := b.texts[id]; ok {
		return t, nil
	}
	t, err := b.history.Blob(ctx, id)
	if err == nil {
		b.texts[id] = string(t)
	}
	return string(t), err
}

// newView takes the texts of written files by their paths.
func newView(t *tree, b *blobs, name string, files map[string]string) *view {
	v := &view{tree: t, blobs: b, name: name, git: b.history.Root, written: map[string]history.File{}, sources: map[string]*source{}}
	for p, text := range files {
		h := sha256.Sum256([]byte(text))
		id := "written " + hex.EncodeToString(h[:])
		b.texts[id] = text
		v.written[p] = history.File{Mode: history.ModeFile, ID: id}
	}
	return v
}

// add gives the view's own source for one that says the same.
func (v *view) add(s *source) *source {
	k := s.key()
	if v.sources[k] == nil {
		v.sources[k] = s
	}
	return v.sources[k]
}

// file is what stands at a path.
func (v *view) file(p string) history.File {
	if f, ok := v.written[p]; ok {
		return f
	}
	return v.tree.files[p]
}

// ignoreFile finds the ignore file in force: NAME.dockerignore beside the
// Dockerfile wins (buildkit frontend/dockerui/config.go, ReadEntrypoint and
// dockerIgnorePatterns).
func (v *view) ignoreFile() (p string, f history.File) {
	if v.name != "" {
		p = v.name + ".dockerignore"
		if f = v.file(p); f.Mode != 0 {
			return p, f
		}
	}
	p = ".dockerignore"
	return p, v.file(p)
}

// refresh reads the ignore file again and counts everything anew.
func (v *view) refresh(ctx context.Context) error {
	p, f := v.ignoreFile()
	ig := v.blobs.ignores[f.ID]
	if ig == nil {
		var src []byte
		if f.Mode != 0 {
			text, err := v.blobs.text(ctx, f.ID)
			if err != nil {
				return err
			}
			src = []byte(text)
		}
		ig = &ignoring{Ignore: repo.ParseIgnore(p, src), memo: map[string]bool{}}
		ig.negates = slices.ContainsFunc(ig.Patterns, func(p string) bool { return strings.HasPrefix(p, "!") })
		v.blobs.ignores[f.ID] = ig
	}
	v.ignore, v.ignoreID, v.head, v.kept = ig, f.ID, history.File{}, map[string]int{}
	v.files(func(p string, f history.File) { v.keep(p, f.Mode, 1, nil) })
	for _, s := range v.sources {
		if err := v.fill(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// fill counts one source anew.
func (v *view) fill(ctx context.Context, s *source) error {
	if err := v.follow(ctx, s); err != nil {
		return err
	}
	s.total, s.n = sum{}, 0
	v.files(func(p string, f history.File) {
		if _, ok := s.scope(p); ok && (!v.ignore.excluded(p) || v.kept[p] > 0) {
			s.update(p, history.File{}, f)
		}
	})
	if v.head.Mode != 0 {
		s.update(".git", history.File{}, v.head)
	}
	return nil
}

// files calls f for all files and folders of the view, left out or not.
func (v *view) files(f func(p string, file history.File)) {
	v.tree.each(func(p string, file history.File) {
		if _, ours := v.written[p]; !ours {
			f(p, file)
		}
	})
	for p, file := range v.written {
		f(p, file)
	}
}

// keep counts a file that comes (step 1) or goes (-1) for the folders around it
// that .dockerignore leaves out: they are sent as long as a file in them is
// (fsutil's filterFS.Walk).
func (v *view) keep(p string, mode uint32, step int, events []event) []event {
	if !v.ignore.negates || mode == modeDir || v.ignore.excluded(p) {
		return events
	}
	folder := history.File{Mode: modeDir}
	for d := path.Dir(p); d != "."; d = path.Dir(d) {
		if !v.ignore.excluded(d) {
			continue
		}
		v.kept[d] += step
		switch {
		case v.kept[d] == 0:
			events = append(events, event{path: d, old: folder})
		case v.kept[d] == 1 && step == 1:
			events = append(events, event{path: d, now: folder})
		}
	}
	return events
}

// visible are the changes that a build sees.
func (v *view) visible(events []event) []event {
	var out []event
	for _, e := range events {
		if _, ours := v.written[e.path]; ours || v.ignore.excluded(e.path) {
			continue
		}
		out = append(out, e)
		switch {
		case e.old.Mode == 0:
			out = v.keep(e.path, e.now.Mode, 1, out)
		case e.now.Mode == 0:
			out = v.keep(e.path, e.old.Mode, -1, out)
		}
	}
	return out
}

// follow finds where the source's path leads: links are followed, also the last
// one, and an absolute target starts at the context's root (contenthash's
// getFollowLinks).
func (v *view) follow(ctx context.Context, s *source) error {
	s.root, s.outside, s.ways = s.spec, false, nil
	if s.wild {
		return nil
	}
	for range 255 {
		s.ways = append(s.ways, s.root)
		link := ""
		for end := 0; link == "" && end < len(s.root); {
			if i := strings.IndexByte(s.root[end+1:], '/'); i >= 0 {
				end += 1 + i
			} else {
				end = len(s.root)
			}
			if v.file(s.root[:end]).Mode == history.ModeLink {
				link = s.root[:end]
			}
		}
		if link == "" {
			return nil
		}
		target, err := v.blobs.text(ctx, v.file(link).ID)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(target, "/") {
			target = path.Join("/", path.Dir(link), target)
		}
		s.root = rewrite.ContextPath(target + s.root[len(link):])
	}
	s.outside = true
	return nil
}

// update takes a commit's changes.
func (v *view) update(ctx context.Context, commit string, events []event) error {
	_, f := v.ignoreFile()
	if v.ignore == nil || f.ID != v.ignoreID {
		if err := v.refresh(ctx); err != nil {
			return err
		}
	} else if err := v.take(ctx, events); err != nil {
		return err
	}
	if v.git && !v.ignore.ExcludesTree(".git") {
		now := history.File{Mode: modeDir, ID: commit}
		for _, s := range v.sources {
			s.update(".git", v.head, now)
		}
		v.head = now
	}
	return nil
}

// take counts changes, with the tree as it is after all of them.
func (v *view) take(ctx context.Context, events []event) error {
	seen := v.visible(events)
	for _, s := range v.sources {
		if v.moved(s, events) {
			if err := v.fill(ctx, s); err != nil {
				return err
			}
			continue
		}
		for _, e := range seen {
			s.update(e.path, e.old, e.now)
		}
	}
	return nil
}

// moved tells that a link on the way to the source came, went or leads elsewhere.
func (v *view) moved(s *source, events []event) bool {
	if s.wild {
		return false
	}
	for _, e := range events {
		if (e.old.Mode == history.ModeLink || e.now.Mode == history.ModeLink) && s.through(e.path) {
			return true
		}
	}
	return false
}
