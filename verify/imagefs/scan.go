package imagefs

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/verify/finding"
)

// Bounds of what is searched for names of files that are gone.
const (
	maxNames    = 3000      // single files; of more only whole folders are looked for
	maxSearched = 64 << 20  // bytes of one file
	maxAll      = 512 << 20 // bytes of all files
)

// A named is a file or folder that is gone, as a text may name it.
type named struct {
	path   string
	sample string // one of its files
	files  int    // of a folder
	strict bool   // a folder with any name, which what a build wrote doesn't count for
	by     string // who names it
}

// A scanner reads the application files that after still has once more, and looks for what they name.
type scanner struct {
	c       *comparison
	names   map[string][]named
	modules bool              // what JavaScript requires too
	python  map[string]string // module that is gone, and its path
	found   map[string]named
	auto    *automaton
	left    int64
	buffer  []byte
}

// run reads the layers that hold application files.
func (s *scanner) run() error {
	s.found, s.left = map[string]named{}, maxAll
	texts := make([]string, 0, len(s.names))
	for t := range s.names {
		texts = append(texts, t)
	}
	s.auto = newAutomaton(texts)
	i := s.c.after
	for _, l := range i.layers {
		here := map[string]*Node{}
		for _, e := range l.entries {
			if e.node != nil && i.Tree[e.path] == e.node && e.node.Type == tar.TypeReg && s.searched(e.path, e.node) {
				here[e.path] = e.node
			}
		}
		if len(here) == 0 {
			continue
		}
		err := i.reader.unpack(l.digest, nil, func(p string, h *tar.Header, content io.Reader, _ *keeper) error {
			n := here[p]
			if n == nil || n.Size != h.Size || s.left < n.Size {
				return nil
			}
			s.left -= n.Size
			if int64(cap(s.buffer)) < n.Size {
				s.buffer = make([]byte, n.Size)
			}
			text := s.buffer[:n.Size]
			if _, err := io.ReadFull(content, text); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			s.file(p, n, text)
			if delete(here, p); len(here) == 0 {
				return errEnough
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// unsearched are files that name others without opening them, or whose text can't be read.
var unsearched = rewrite.Lazily(`(?i)\.(map|md|rst|jar|war|zip|gz|tgz|xz|bz2|zst|whl|egg|png|jpe?g|gif|webp|ico|woff2?|ttf|eot|otf|pdf|mp[34]|csv|pyc|lock|d\.ts|txt|po|pot|mo|db|sqlite3?)$`)

// searched: an application file of before's that isn't a module's, or a program that no package brought and that only
// after has.
func (s *scanner) searched(p string, n *Node) bool {
	if !s.c.isApp[p] && (n.ELF == nil || n.Mode&0o111 == 0 || s.c.before.Tree[p] != nil || s.c.after.Owner(p) != "") {
		return false
	}
	if n.Size == 0 || n.Size > maxSearched || modulePath(p) != "" || noise(p) || unsearched().MatchString(p) || tests().MatchString(p) {
		return false
	}
	return !compiled().MatchString(p) || n.ELF != nil || script().MatchString(p)
}

// script are compiled's names that a runtime may still run as they are.
var script = rewrite.Lazily(`\.(ts|tsx|mts|cts|jsx)$`)

// code are sources that a bundler may have taken in.
var code = rewrite.Lazily(`\.(js|mjs|cjs|json)$`)

func (s *scanner) file(p string, n *Node, text []byte) {
	isText := n.ELF == nil && !bytes.HasPrefix(text, []byte("\x7fELF")) && bytes.IndexByte(text[:min(len(text), 8000)], 0) < 0
	s.auto.find(text, func(name string, end int) {
		start := end - len(name)
		if isText && !bounded(text, start, end, name) {
			return
		}
		for _, f := range s.names[name] {
			if _, ok := s.found[f.path]; ok || f.path == p || f.sample != "" && s.embedded(f.sample, text) {
				continue
			}
			if generated().MatchString(p) && (f.strict || code().MatchString(f.path)) && !generated().MatchString(f.path) {
				continue // what a build wrote names the source that it was written from
			}
			f.by = p
			s.found[f.path] = f
		}
	})
	if isText {
		s.calls(p, text)
		s.literals(p, text)
		s.written(p, text)
	}
	switch ext := path.Ext(p); {
	case ext == ".pl" || ext == ".pm" || ext == ".cgi" || strings.Contains(n.Script, "perl"):
		s.perlModules(p, text)
	case ext == ".py" || strings.Contains(n.Script, "python"):
		s.imports(p, text)
	case !s.modules:
	case ext == ".js" || ext == ".mjs" || ext == ".cjs" || script().MatchString(p) && s.runsTypeScript():
		s.requires(p, text)
		s.named(p, text)
	}
}

// runsTypeScript: what starts compiles as it goes.
func (s *scanner) runsTypeScript() bool {
	a := s.c.after.Config.Config
	for _, w := range slices.Concat(a.Entrypoint, a.Cmd) {
		if strings.Contains(w, ".ts") || slices.ContainsFunc(strings.Fields(w), func(f string) bool {
			return slices.Contains([]string{"tsx", "ts-node", "bun", "deno", "ts-node-dev"}, path.Base(f))
		}) {
			return true
		}
	}
	return false
}

// bounded: the name isn't the end or the beginning of a longer one.
func bounded(text []byte, start, end int, name string) bool {
	word := func(b byte) bool {
		return b == '_' || b == '-' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
	}
	first, last := name[0], name[len(name)-1]
	if start > 0 && (word(first) || first == '.') && (word(text[start-1]) || text[start-1] == '.' && (start < 2 || word(text[start-2]))) {
		return false
	}
	return end >= len(text) || !word(last) || !word(text[end])
}

// embedded: the file's own content is in text: go:embed, include_str! and their like.
func (s *scanner) embedded(p string, text []byte) bool {
	n := s.c.before.Tree[p]
	if n == nil {
		return false
	}
	content := n.Text
	if content == nil {
		content = n.head
	}
	content = bytes.TrimSpace(content[:min(len(content), 512)])
	return len(content) >= 8 && bytes.Contains(text, content)
}

// called are programs that Python, JavaScript, Ruby, PHP and their like start by a literal name:
// subprocess.run(["git", "log"]), execSync('tar xf -').
var called = rewrite.Lazily("\\b(?:subprocess\\.\\w+|Popen|check_output|check_call|os\\.system|spawn|spawnSync|exec|execSync|execFile|execFileSync|execa|system|shell_exec|passthru|popen|popen3|capture2e?|capture3)\\(\\s*\\[?\\s*[\"'`]([A-Za-z0-9_./+-]+)[\"'`\\s]")

// calls finds programs that a file starts, that before has on PATH and after hasn't.
func (s *scanner) calls(p string, text []byte) {
	for _, m := range called().FindAllSubmatch(text, -1) {
		name := string(m[1])
		if s.c.before.command(s.c.was, name) != "" && s.c.after.command(s.c.is, name) == "" {
			s.c.add(true, finding.Command, "/"+p, "/"+p+" starts "+name+", which the new image lacks", path.Base(name))
		}
	}
}

// required are modules that JavaScript loads by a literal name.
var required = rewrite.Lazily("(?:\\brequire\\(|\\bfrom|\\bimport\\(|\\bimport)\\s*[\"']([^\"'./\\s:][^\"'\\s:]*)[\"']")

// requires finds modules that a file requires, that before resolves and after doesn't.
func (s *scanner) requires(p string, text []byte) {
	for _, m := range required().FindAllSubmatchIndex(text, -1) {
		if line := bytes.TrimSpace(text[bytes.LastIndexByte(text[:m[0]], '\n')+1 : m[0]]); bytes.HasPrefix(line, []byte("//")) || bytes.HasPrefix(line, []byte("*")) || bytes.HasPrefix(line, []byte("import type")) {
			continue
		}
		name := packageName(string(text[m[2]:m[3]]))
		if was := s.c.before.resolve(p, name); was != "" && s.c.after.resolve(p, name) == "" {
			s.c.add(true, finding.Module, "/"+was, "the module "+name+" is gone, and /"+p+" requires it", name)
		}
	}
}

// imported are modules that Python imports: all names of "import a, b.c as d", and the first of "from a.b import c".
var imported = rewrite.Lazily(`(?m)^[ \t]*(?:import[ \t]+([\w.]+(?:[ \t]+as[ \t]+\w+)?(?:[ \t]*,[ \t]*[\w.]+(?:[ \t]+as[ \t]+\w+)?)*)|from[ \t]+(\w+)[\w.]*[ \t]+import\b)`)

// imports finds modules that a file imports, and that are gone from after's folders of packages.
func (s *scanner) imports(p string, text []byte) {
	for _, m := range imported().FindAllSubmatch(text, -1) {
		for _, name := range strings.Split(string(m[1])+string(m[2]), ",") {
			name, _, _ = strings.Cut(strings.TrimSpace(name), " ")
			name, _, _ = strings.Cut(name, ".")
			s.imported(p, name)
		}
	}
	for _, m := range importedByName().FindAllSubmatch(text, -1) {
		s.imported(p, string(m[1]))
	}
}

// importedByName are modules that Python imports by a text.
var importedByName = rewrite.Lazily(`\b(?:import_module|__import__|find_spec)\(\s*["'](\w+)[\w.]*["']`)

// imported tells of a module that is gone: an installed one, or the application's own beside the file or in the working
// directory.
func (s *scanner) imported(p, name string) {
	was := s.python[name]
	for _, dir := range []string{path.Dir(p), rooted(s.c.before.Config.Config.WorkingDir)} {
		if was != "" || name == "" {
			break
		}
		for _, at := range []string{path.Join(dir, name+".py"), path.Join(dir, name, "__init__.py")} {
			if s.c.isApp[at] && !s.c.after.has(path.Join(dir, name)) && s.c.after.pythonModule(name) == "" {
				was = at
			}
		}
	}
	if was != "" {
		s.c.add(true, finding.Module, "/"+was, "the module "+name+" is gone, and /"+p+" imports it", name)
	}
}

// has: a module of Python's is at p, in a file or a folder.
func (i *Image) has(p string) bool {
	return i.isDir(p) || slices.ContainsFunc([]string{".py", ".so", ".pyc"}, func(ext string) bool { return i.file(p+ext) != nil })
}
