package transforms

// What dockerignore knows of a context: who takes which folder, what lies
// where, and what may not be left out.

import (
	"path"
	"slices"
	"strings"
	"sync"

	"drydock/repo"
	"drydock/rewrite"
)

// ignoreFacts are the facts for one ignore file.
type ignoreFacts struct {
	p      *rewrite.Pass
	ignore *repo.Ignore
	// docs are the Dockerfiles for which the ignore file is in force.
	docs  []*rewrite.Document
	takes map[*rewrite.Document][]string // what they take from the context
	files []string                       // sorted, as repo.Files has them
	watch []string                       // what compose watches and syncs
}

// newEntry is an entry that the ignore file lacks.
type newEntry struct {
	entry   *ignoreEntry
	pattern string
	exists  bool // something that it leaves out lies in the context now
	likely  bool // it will: git leaves it out, or it is a cache and nothing says what git leaves out
}

// extends reports whether the entry is worth a line in a file that somebody wrote
// without it.
func (n newEntry) extends() bool {
	if n.entry.major {
		return n.exists || n.likely || n.entry.name == "node_modules"
	}
	return n.exists && n.entry.name != ".dockerignore"
}

func newIgnoreFacts(p *rewrite.Pass, ig *repo.Ignore) *ignoreFacts {
	f := &ignoreFacts{p: p, ignore: ig, docs: []*rewrite.Document{p.Doc}, takes: map[*rewrite.Document][]string{}}
	if ig.Path != p.Name+".dockerignore" {
		f.docs = append(f.docs, p.Siblings...)
	}
	for _, d := range f.docs {
		for _, in := range d.Instructions {
			for _, s := range in.ContextSources() {
				if strings.Contains(s, "$") && in.Stage != nil {
					s = in.State().Expand(s)
				}
				f.takes[d] = append(f.takes[d], s)
			}
		}
	}
	for _, b := range p.Repo.Builds() {
		f.watch = append(f.watch, b.Watch...)
	}
	f.files, _ = p.Repo.Files()
	return f
}

// where is the context's root if there is something.
func (f *ignoreFacts) where(there bool) []string {
	if there {
		return root
	}
	return nil
}

// beside lists the folders that hold a file of one of these names, the root
// first; not what skipped folders hold.
func (f *ignoreFacts) beside(names ...string) []string {
	var out []string
	for _, file := range f.files {
		dir := path.Dir(file)
		if slices.Contains(out, dir) || !slices.ContainsFunc(names, func(n string) bool {
			ok, _ := path.Match(n, path.Base(file))
			return ok
		}) {
			continue
		}
		if out = append(out, dir); len(out) == 200 {
			break
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		if a == "." || b == "." {
			return strings.Compare(strings.TrimPrefix(a, "."), strings.TrimPrefix(b, "."))
		}
		return strings.Compare(a, b)
	})
	return out
}

// namedInRun reports whether a RUN of the Dockerfile names the folder.
func (f *ignoreFacts) namedInRun(dir string) bool {
	return slices.ContainsFunc(f.p.Doc.Instructions, func(in *rewrite.Instruction) bool {
		k := in.Inner().Keyword
		return (k == "run" || k == "workdir") && slices.ContainsFunc(scriptWords(in), func(w string) bool {
			return path.Clean(w) == dir || strings.HasSuffix(path.Clean(w), "/"+dir)
		})
	})
}

// tops keeps of these folders the context's root, those that a COPY names, and
// those in which the thing lies now: tools make it where they are called.
func (f *ignoreFacts) tops(dirs []string, name string) []string {
	return slices.DeleteFunc(dirs, func(dir string) bool {
		return dir != "." && !slices.Contains(f.takes[f.p.Doc], dir) && !f.p.Repo.Exists(path.Join(dir, name))
	})
}

// below lists the files in a folder.
func (f *ignoreFacts) below(dir string) []string {
	from, _ := slices.BinarySearch(f.files, dir+"/")
	to := from
	for to < len(f.files) && strings.HasPrefix(f.files[to], dir+"/") {
		to++
	}
	return f.files[from:to]
}

// unversioned: git leaves the file or folder out, and no file in it is there
// in spite of that.
func (f *ignoreFacts) unversioned(name string, folder bool) bool {
	probe := name
	if folder {
		probe += "/x"
	}
	return f.p.Repo.GitIgnored(probe) && !slices.ContainsFunc(f.below(name), func(file string) bool { return !f.p.Repo.GitIgnored(file) })
}

// says reports whether a file of the context holds one of the words.
func (f *ignoreFacts) says(file string, words ...string) bool {
	src, err := f.p.Repo.ReadFile(file)
	return err == nil && slices.ContainsFunc(words, func(w string) bool { return strings.Contains(string(src), w) })
}

// taken reports whether the Dockerfile copies or mounts the path, or a part of it.
func (f *ignoreFacts) taken(d *rewrite.Document, name string) bool {
	return slices.ContainsFunc(f.takes[d], func(s string) bool {
		return s == "." || s == "*" || s == name || strings.HasPrefix(name, s+"/") || strings.HasPrefix(s, name+"/")
	})
}

// everyTaker reports whether there are Dockerfiles that take the path, and all
// of them are as is says.
func (f *ignoreFacts) everyTaker(name string, is func(*rewrite.Document) bool) bool {
	some := false
	for _, d := range f.docs {
		if f.taken(d, name) {
			if !is(d) {
				return false
			}
			some = true
		}
	}
	return some
}

func (f *ignoreFacts) anyTaker(name string, is func(*rewrite.Document) bool) bool {
	return slices.ContainsFunc(f.docs, func(d *rewrite.Document) bool { return f.taken(d, name) && is(d) })
}

// missing lists what the ignore file lacks; kept says of what is there and has
// to stay why it does.
func (f *ignoreFacts) missing() (out []newEntry, kept []string) {
	for i := range ignoreEntries {
		e := &ignoreEntries[i]
		places := slices.DeleteFunc(slices.Clone(e.places(f)), func(dir string) bool {
			name := path.Join(dir, e.sample())
			return f.covered(e, name) || !f.taken(f.p.Doc, name)
		})
		if len(places) == 0 {
			continue
		}
		if e.needed != nil {
			if why := e.needed(f); why != "" {
				if slices.ContainsFunc(places, func(dir string) bool {
					return e.major && (e.name == "node_modules" || f.p.Repo.Exists(path.Join(dir, e.name)))
				}) {
					kept = append(kept, e.name+" stays in the build context: "+why)
				}
				continue
			}
		}
		for _, pattern := range f.patterns(e, places) {
			known := slices.ContainsFunc(out, func(n newEntry) bool { return n.pattern == pattern })
			if known {
				continue
			}
			if f.hides(e, pattern) {
				if e.major {
					kept = append(kept, e.name+" stays in the build context: a COPY, a mount or compose takes it or a part of it by name")
				}
				continue
			}
			if bang := f.meant(e, pattern); bang != "" {
				if e.major {
					kept = append(kept, e.name+` stays in the build context: "`+bang+`" of `+f.ignore.Path+" may mean a part of it")
				}
				continue
			}
			there := slices.ContainsFunc(places, func(dir string) bool { return len(f.p.Repo.Glob(path.Join(dir, e.name))) > 0 })
			likely := e.group == ofCaches && !f.p.Repo.Exists(".gitignore") || slices.ContainsFunc(places, func(dir string) bool {
				return f.p.Repo.GitIgnored(path.Join(dir, e.sample())) || f.p.Repo.GitIgnored(path.Join(dir, e.sample(), "x"))
			})
			out = append(out, newEntry{e, pattern, there, likely})
		}
	}
	return out, kept
}

// sample is a name that the entry's pattern matches.
func (e *ignoreEntry) sample() string {
	if rest, ok := strings.CutPrefix(e.name, "*"); ok {
		return "x" + strings.ReplaceAll(rest, "*", "")
	}
	return strings.ReplaceAll(e.name, "*", "")
}

func (f *ignoreFacts) covered(e *ignoreEntry, name string) bool {
	return f.ignore.Excluded(name) || !e.file && f.ignore.ExcludesTree(name)
}

// patterns are the lines that leave the thing out in these places and hide no
// other thing of that name.
func (f *ignoreFacts) patterns(e *ignoreEntry, places []string) []string {
	const few = 4
	if (e.deep || len(places) > few) && !f.elsewhere(e, places) {
		return []string{"**/" + e.name}
	}
	var out []string
	for _, dir := range places[:min(len(places), few)] {
		out = append(out, path.Join(dir, e.name))
	}
	return out
}

// elsewhere reports whether the project has a folder of that name in another
// place that git doesn't leave out: somebody means it.
func (f *ignoreFacts) elsewhere(e *ignoreEntry, places []string) bool {
	if e.file {
		return false
	}
	dirs, complete := f.p.Repo.Dirs()
	return !complete || slices.ContainsFunc(dirs, func(d string) bool {
		return path.Base(d) == path.Base(e.name) && !slices.Contains(places, path.Dir(d)) && !f.p.Repo.GitIgnored(d)
	})
}

// hides reports whether a Dockerfile takes by name what the pattern leaves out,
// or compose watches it.
func (f *ignoreFacts) hides(e *ignoreEntry, pattern string) bool {
	alone := matcher(pattern)
	for _, d := range f.docs {
		for _, s := range f.takes[d] {
			if s == "." || s == "*" {
				continue
			}
			first, _, _ := strings.Cut(s, "/")
			wild, _ := path.Match(s, e.sample())
			if wild || alone.Excluded(s) || alone.Excluded(first) || strings.Contains(s, "$") && f.couldName(e, s) {
				return true
			}
		}
	}
	return slices.ContainsFunc(f.watch, func(w string) bool { return w != "." && alone.Excluded(w) })
}

// couldName: the source has a variable that isn't known, so that it may be any
// result of a build, or it names the thing behind one.
func (f *ignoreFacts) couldName(e *ignoreEntry, source string) bool {
	return e.group == ofBuild || slices.Contains(strings.Split(source, "/"), e.name)
}

// meant gives the "!" line of the ignore file that may bring back what the
// pattern would leave out, the thing itself or a part of it; "" for none. Behind
// one that brings back a folder around it the pattern is right.
func (f *ignoreFacts) meant(e *ignoreEntry, pattern string) string {
	alone := matcher(pattern)
	for _, line := range f.ignore.Patterns {
		n, negated := strings.CutPrefix(line, "!")
		if !negated {
			continue
		}
		if strings.Contains(n, "**") && path.Base(n) != "**" || alone.Excluded(n) {
			return line
		}
		for _, part := range strings.Split(n, "/") {
			if part == "**" {
				continue
			}
			ok, err := path.Match(part, path.Base(e.sample()))
			if ok || err != nil || repo.Wild(part) && repo.Wild(e.name) {
				return line
			}
		}
	}
	return ""
}

var matchers sync.Map // pattern -> *repo.Ignore

// matcher is an ignore file that holds one of our patterns.
func matcher(pattern string) *repo.Ignore {
	if m, ok := matchers.Load(pattern); ok {
		return m.(*repo.Ignore)
	}
	m, _ := matchers.LoadOrStore(pattern, repo.ParseIgnore(".dockerignore", []byte(pattern+"\n")))
	return m.(*repo.Ignore)
}
