package rewrite

// Our view of what is sent to the builder, and of what COPY and ADD put where,
// against BuildKit's own code (decisions/0008).

import (
	"bytes"
	"context"
	"fmt"
	"io"
	gofs "io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"
	fscopy "github.com/tonistiigi/fsutil/copy"
	"pgregory.net/rapid"

	"drydock/repo"
)

// In a generated case WORKDIR is /w in a stage from scratch.
const caseWorkdir = "/w"

var (
	caseNames = []string{"a", "b", "c", "a b", ".env", "x.md", "y.md", "x[1]", "node_modules"}
	caseParts = []string{"a", "b", "*", "**", "?", "*.md", "x.*", "[ab]", "[^a]", "a*", ".*", "a b", ".env", ".", "..", "node_modules", ""}
	caseDests = []string{".", "./", "/d", "/d/", "d", "d/e/", "/", "/d/a", "..", "/w/."}
)

// generatedContext fills dir with files (whose bytes are their own path),
// folders and links.
func generatedContext(t *rapid.T, dir string) {
	var fill func(at string, depth int)
	fill = func(at string, depth int) {
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(caseNames), 2-min(depth, 2), 6, rapid.ID[string]).Draw(t, "names in "+at) {
			p := path.Join(at, name)
			abs := filepath.Join(dir, p)
			var err error
			switch kind := rapid.SampledFrom([]string{"file", "file", "folder", "folder", "link"}).Draw(t, p); {
			case kind == "folder" && depth < 3:
				err = os.Mkdir(abs, 0o755)
				fill(p, depth+1)
			case kind == "link":
				err = os.Symlink(rapid.SampledFrom([]string{"a", "b", "../a", "../b/a", "../../c", "./a/../b", "missing", "."}).Draw(t, "target of "+p), abs)
			default:
				err = os.WriteFile(abs, []byte(p), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	fill("", 0)
}

func generatedPattern(t *rapid.T, label string) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(caseParts), 1, 3).Draw(t, label), "/")
}

// generatedIgnore is a .dockerignore with all that people and editors put there.
func generatedIgnore(t *rapid.T) string {
	eol := rapid.SampledFrom([]string{"\n", "\n", "\r\n"}).Draw(t, "line break")
	var b strings.Builder
	b.WriteString(rapid.SampledFrom([]string{"", "", "\xef\xbb\xbf"}).Draw(t, "byte order mark"))
	for i := range rapid.SampledFrom([]int{0, 1, 1, 2, 2, 3, 4, 5}).Draw(t, "lines") {
		label := fmt.Sprint("line ", i)
		around := rapid.SampledFrom([]string{"%s", "%s", "%s", "!%s", "!%s", "/%s", "%s/", "%s/**", "**/%s", " %s ", "! %s", "#%s", "# %s", "./%s"}).Draw(t, label)
		b.WriteString(fmt.Sprintf(around, generatedPattern(t, label)) + eol)
	}
	return b.String()
}

// sources are words that exist in the context more often than not.
func generatedSource(t *rapid.T, files []string, label string) string {
	s := generatedPattern(t, label)
	if len(files) > 0 && rapid.IntRange(0, 7).Draw(t, label) > 0 {
		s = rapid.SampledFrom(files).Draw(t, label)
		if up := path.Dir(s); rapid.Bool().Draw(t, label) {
			s = up
		}
		if rapid.IntRange(0, 3).Draw(t, label) == 0 {
			s = path.Join(path.Dir(s), rapid.SampledFrom([]string{"*", "*.md", "?"}).Draw(t, label))
		}
	}
	return fmt.Sprintf(rapid.SampledFrom([]string{"%s", "%s", "/%s", "./%s", "%s/", "../%s"}).Draw(t, label), s)
}

// allFiles lists the files and links of a folder.
func allFiles(t testing.TB, dir string) []string {
	var out []string
	err := filepath.WalkDir(dir, func(p string, e gofs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(dir, p)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// bytesAt lists what a folder holds: paths with contents or link targets.
func bytesAt(t testing.TB, dir string) map[string]string {
	out := map[string]string{}
	for _, f := range allFiles(t, dir) {
		out["/"+f] = entry(t, filepath.Join(dir, f))
	}
	return out
}

func entry(t testing.TB, abs string) string {
	if target, err := os.Readlink(abs); err == nil {
		return "-> " + target
	}
	b, err := os.ReadFile(abs)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// buildkitSends makes in to what a client sends of dir: the ignore file is read
// as in dockerui.Client.DockerIgnorePatterns, follow is what
// dockerfile2llb's filterPaths asks for, nil for all.
func buildkitSends(t testing.TB, dir, ignore string, follow []string, to string) {
	patterns, err := ignorefile.ReadAll(bytes.NewBufferString(ignore))
	if err != nil {
		t.Fatal(err)
	}
	files, err := fsutil.NewFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	sent, err := fsutil.NewFilterFS(files, &fsutil.FilterOpt{ExcludePatterns: patterns, FollowPaths: follow})
	if err != nil {
		t.Fatal(err)
	}
	err = sent.Walk(t.Context(), "", func(p string, e gofs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		from, abs := filepath.Join(dir, p), filepath.Join(to, p)
		switch {
		case e.IsDir():
			return os.MkdirAll(abs, 0o755)
		case e.Type()&gofs.ModeSymlink != 0:
			target, err := os.Readlink(from)
			if err != nil {
				return err
			}
			return os.Symlink(target, abs)
		}
		var b []byte
		if f, err := sent.Open(p); err == nil { // as sender.sendFile, which sends nothing where this fails
			defer f.Close()
			if b, err = io.ReadAll(f); err != nil {
				return err
			}
		}
		return os.WriteFile(abs, b, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// buildkitCopies is docopy of solver/llbsolver/file/backend.go with the options
// that dispatchCopy of dockerfile2llb gives a COPY from the context.
func buildkitCopies(sent, root, src, dest string) error {
	full := path.Join(caseWorkdir, dest)
	if path.IsAbs(dest) {
		full = path.Clean(dest)
	}
	if dest == "." || strings.HasSuffix(dest, "/") || strings.HasSuffix(dest, "/.") {
		full = strings.TrimSuffix(full, "/") + "/" // system.NormalizePath with keepSlash
	}
	found, err := fscopy.ResolveWildcards(sent, path.Join("/", src), true)
	if err != nil {
		return err
	}
	for _, s := range found {
		err := fscopy.Copy(context.Background(), sent, s, root, full, func(ci *fscopy.CopyInfo) {
			ci.CopyDirContents, ci.FollowLinks = true, true
		}, fscopy.AllowXAttrErrors)
		if err != nil {
			return err
		}
	}
	return nil
}

// What .dockerignore lets through, without a COPY that asks for less.
func TestSentAsBuildKitSendsIt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, to := emptyDir(t), emptyDir(t)
		generatedContext(rt, dir)
		ignore := generatedIgnore(rt)
		ig := repo.ParseIgnore(".dockerignore", []byte(ignore))
		if ig.Err != nil {
			return // BuildKit refuses it too, see below
		}
		rp := repo.Load(os.DirFS(dir))
		buildkitSends(t, dir, ignore, nil, to)
		want := slices.Sorted(maps.Keys(bytesAt(t, to)))
		files, complete := rp.Sent(ig)
		var got, known []string
		for _, f := range files {
			got = append(got, "/"+f.Path)
		}
		slices.Sort(got)
		for _, f := range allFiles(t, dir) {
			if !ig.Excluded(f) {
				known = append(known, "/"+f)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || !complete {
			rt.Fatalf("Sent with %q: %s", ignore, diff)
		}
		slices.Sort(known)
		if diff := cmp.Diff(want, known); diff != "" {
			rt.Fatalf("Excluded with %q: %s", ignore, diff)
		}
	})
}

// Where COPY puts the files, and which file Origin names for a path.
func TestCopyAsBuildKitCopies(t *testing.T) {
	ran, known, landed := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		dir, to, root := emptyDir(t), emptyDir(t), emptyDir(t)
		generatedContext(rt, dir)
		ignore := generatedIgnore(rt)
		if repo.ParseIgnore("", []byte(ignore)).Err != nil {
			return
		}
		// As in a project, patterns match it and it is sent; an empty one would look like none.
		if ignore != "" {
			if err := os.WriteFile(filepath.Join(dir, ".dockerignore"), []byte(ignore), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		files := allFiles(t, dir)
		var text strings.Builder
		text.WriteString("FROM scratch\nWORKDIR " + caseWorkdir + "\n")
		type copied struct {
			sources []string
			dest    string
		}
		var copies []copied
		var follow []string
		for i := range rapid.IntRange(1, 2).Draw(rt, "copies") {
			c := copied{dest: rapid.SampledFrom(caseDests).Draw(rt, "destination")}
			for k := range rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(rt, "sources") {
				s := generatedSource(rt, files, fmt.Sprint("source ", i, k))
				c.sources = append(c.sources, s)
				follow = append(follow, path.Join("/", s))
			}
			copies = append(copies, c)
			fmt.Fprintf(&text, "COPY [%q", c.sources[0])
			for _, s := range append(c.sources[1:], c.dest) {
				fmt.Fprintf(&text, ", %q", s)
			}
			text.WriteString("]\n")
		}
		if err := os.Mkdir(filepath.Join(root, caseWorkdir), 0o755); err != nil {
			t.Fatal(err)
		}
		buildkitSends(t, dir, ignore, follow, to)
		for _, c := range copies {
			for _, s := range c.sources {
				if leadsAway(root, c.dest) {
					return // the destination is a link of the image, which drydock doesn't follow
				}
				if buildkitCopies(to, root, s, c.dest) != nil {
					return // the build fails
				}
			}
		}
		ran++
		rp := repo.Load(os.DirFS(dir))
		doc := parse(t, text.String())
		want := bytesAt(t, root)
		got, all := map[string]string{}, true
		for _, in := range doc.Instructions[2:] {
			brought, why := in.Brings(files, rp, "Dockerfile")
			all = all && why == ""
			for _, b := range brought {
				got[b.Dest] = entry(t, filepath.Join(dir, b.Ctx))
			}
		}
		if all {
			known++
			landed += len(got)
			if diff := cmp.Diff(want, got); diff != "" {
				rt.Fatalf("Brings for\n%swith %q: %s", &text, ignore, diff)
			}
		}
		stage := doc.Final()
		for p, bytes := range want {
			ctx, by := stage.Origin(nil, p, rp, "Dockerfile")
			switch isLink := strings.HasPrefix(bytes, "->"); {
			case by == nil && all && !slices.ContainsFunc(files, func(f string) bool { return strings.HasPrefix(entry(t, filepath.Join(dir, f)), "->") }):
				rt.Fatalf("Origin doesn't know %s of\n%swith %q", p, &text, ignore)
			case by == nil:
			case isLink && !rp.IsDir(ctx):
				bytes = through(root, p)
				fallthrough
			default:
				if got := through(dir, ctx); !rp.IsDir(ctx) && got != bytes {
					rt.Fatalf("Origin(%s) = %s (%s), BuildKit: %s\n%swith %q", p, ctx, got, bytes, &text, ignore)
				}
			}
		}
		for _, f := range files { // what isn't there has no origin
			for _, p := range []string{path.Join("/d", f), path.Join(caseWorkdir, f), path.Join("/", f), path.Join("/d", path.Base(f))} {
				if ctx, by := stage.Origin(nil, p, rp, "Dockerfile"); by != nil && all && !rp.IsDir(ctx) && through(root, p) == "" {
					rt.Fatalf("Origin(%s) = %s, which isn't there\n%swith %q", p, ctx, &text, ignore)
				}
			}
		}
	})
	if known < ran/3 || landed < ran {
		t.Errorf("of %d builds %d are known, with %d files: that proves little", ran, known, landed)
	}
	t.Logf("%d builds, %d known in full, %d files", ran, known, landed)
}

// through reads a file as a program with that root folder sees it, "" where
// there is none.
func through(root, p string) string {
	r, err := os.OpenRoot(root)
	if err != nil {
		return ""
	}
	defer r.Close()
	b, _ := r.ReadFile(strings.TrimPrefix(p, "/"))
	return string(b)
}

// leadsAway reports whether a destination goes through a link of the image.
func leadsAway(root, dest string) bool {
	full := filepath.Join(caseWorkdir, dest)
	if path.IsAbs(dest) {
		full = filepath.Clean(dest)
	}
	for ; full != "/"; full = filepath.Dir(full) {
		if info, err := os.Lstat(filepath.Join(root, full)); err == nil && info.Mode()&gofs.ModeSymlink != 0 {
			return true
		}
	}
	return false
}

func emptyDir(t testing.TB) string {
	dir, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// BuildKit follows no link a second time: what COPY a/a takes isn't all of the context.
func TestLinkOnceMore(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(".", filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "b"), []byte("b"), 0o644); err != nil {
		t.Fatal(err)
	}
	rp := repo.Load(os.DirFS(dir))
	for src, want := range map[string]bool{"a": true, "a/a": false} {
		in := parse(t, "FROM scratch\nWORKDIR /w\nCOPY "+src+" .\n").Instructions[2]
		if got, why := in.Brings([]string{"a", "b"}, rp, "Dockerfile"); (why == "") != want {
			t.Errorf("COPY %s . brings %v, %q", src, got, why)
		}
	}
}
