package imagefs

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/verify/finding"
)

// files finds application files that after lacks or has with other content. Without a split each one that is gone is a
// break. After a split sources and tools rightly stay behind, and a break is what a file that stayed names.
func (c *comparison) files() {
	var gone []string
	for _, p := range c.app {
		a := c.after.Tree[p]
		if a == nil {
			// Another way may lead there: a link of a folder that is one no more, or is one now.
			if _, a = c.after.Tree.follow(p); a == nil {
				gone = append(gone, p)
				continue
			}
		}
		c.altered(p, c.before.Tree[p], a)
	}
	if !c.want.Split {
		c.allGone(gone)
		gone = nil
		if len(c.dead) == 0 && !c.lost() && (c.is.uid == 0 || c.is.uid == c.was.uid && slices.Equal(c.is.groups, c.was.groups)) {
			return // whatever a file names is as it was
		}
	}
	c.namedGone(gone)
	if c.want.Split {
		c.dependencies()
	}
}

// lost: some file of before that a text may name is gone, a package's for example.
func (c *comparison) lost() bool {
	for p, n := range c.before.Tree {
		if n.Type == '0' && c.after.Tree[p] == nil && !transient(p) {
			return true
		}
	}
	return false
}

// altered compares one file that both have. Two builds of the same source may differ: archives and binaries are
// remarks at most.
func (c *comparison) altered(p string, b, a *Node) {
	switch {
	case b.Type == '2' && c.gone(p):
		// After a split a link of a tool (node_modules/.bin) may dangle; one that is a module may not.
		where := or(a.Link, b.Link)
		tool := modulePath(p) != "" || toolFolder().MatchString(p)
		c.add(!c.want.Split || modulePath(p) == p || !tool, finding.File, "/"+p, fmt.Sprintf("/%s leads to %s, which isn't there in the new image", p, where))
		return
	case b.Type == '2' && a.Type == '2' && a.Link != b.Link:
		c.add(false, finding.File, "/"+p, fmt.Sprintf("/%s leads to %s, it led to %s", p, a.Link, b.Link))
		return
	case b.Type != '0' || a.Type != '0' || b.SHA256 == a.SHA256:
		return
	}
	anew := b.ELF != nil || strings.HasPrefix(string(b.head), "\x7fELF") || builtAnew().MatchString(p) || modulePath(p) != "" || generated().MatchString(p)
	anew = anew || b.Text == nil && bytes.IndexByte(b.head, 0) >= 0 && c.madeByRun(p)
	f := finding.Finding{Class: finding.File, Break: !anew && !c.stamped(b, a) && (!c.want.Split && !c.want.Base || settings().MatchString(p)), Path: "/" + p, Message: fmt.Sprintf("/%s has other content", p)}
	if !anew && b.Text != nil && a.Text != nil {
		f.Detail = strings.TrimPrefix(contents(b, a), "other content: ")
	}
	c.out = append(c.out, f)
}

// madeByRun: a RUN instruction of before's made the file, so another build may write it otherwise.
func (c *comparison) madeByRun(p string) bool {
	for k := len(c.before.layers) - 1; k >= 0; k-- {
		if slices.ContainsFunc(c.before.layers[k].entries, func(e entry) bool { return e.path == p }) {
			return strings.HasPrefix(c.before.Layers[k].CreatedBy, "RUN ")
		}
	}
	return false
}

// settings are files that say how a program behaves; another base and a split don't alter them.
var settings = rewrite.Lazily(`(?i)^(app|srv|code|opt|usr/src|home|data|site|work|workspace|etc/nginx|etc/supervisor|config|conf)/(.*/)?[^/]*\.(ini|cfg|conf|ya?ml|toml|properties|env|xml)$|^(app|srv|code|usr/src)/(.*/)?(settings|config|configuration|appsettings|application)[^/]*\.(json|py)$`)

// stamped: two files are the same but for times, ids and the like, which a build writes anew.
func (c *comparison) stamped(b, a *Node) bool {
	return b.Text != nil && a.Text != nil && stamps().ReplaceAllString(string(b.Text), "*") == stamps().ReplaceAllString(string(a.Text), "*")
}

// toolFolder holds links to tools.
var toolFolder = rewrite.Lazily(`(^|/)(\.?bin|sbin|lib|lib64|include|share/man)/[^/]+$|^usr/`)

// gone: what before finds at p, links followed, after doesn't.
func (c *comparison) gone(p string) bool {
	there := func(i *Image) bool {
		_, n := i.Tree.follow(p)
		return n != nil || i.isDir(p)
	}
	return there(c.before) && !there(c.after)
}

// generated are files that a build step writes with times or hashes in them.
var generated = rewrite.Lazily(`(^|/)(dist|build|target|out|\.next|\.nuxt|\.output|public/build|staticfiles|bootstrap/cache|var/cache|obj|bin)/|\.(egg-info|dist-info)/|(^|/)[^/]*-lock\.[a-z]+$|(^|/)yarn\.lock$`)

// A loss is a module, a folder or a file that is gone.
type loss struct {
	path  string
	files int // of a folder; 0 for a file
}

// losses groups files that are gone: by module, and by the topmost folder of which nothing is left.
func (c *comparison) losses(gone []string) []loss {
	count := map[string]int{}
	left := map[string]bool{} // folders of before's that have something in after
	var order []string
	note := func(at string) {
		if count[at]++; count[at] == 1 {
			order = append(order, at)
		}
	}
	stays := func(dir string) bool {
		is, ok := left[dir]
		if !ok {
			real, n := c.after.Tree.follow(dir)
			is = n != nil && n.Type != '5' || len(c.after.below(real)) > 0
			left[dir] = is
		}
		return is
	}
	single := map[string]bool{}
	for _, p := range gone {
		at := p
		if m := modulePath(p); m != "" && m != p && !stays(m) {
			at = m
		} else {
			for d := path.Dir(p); d != "." && !stays(d); d = path.Dir(d) {
				at = d
			}
		}
		single[at] = single[at] || at == p
		note(at)
	}
	var out []loss
	for _, at := range order {
		l := loss{path: at, files: count[at]}
		if single[at] {
			l.files = 0
		}
		out = append(out, l)
	}
	return out
}

// allGone tells each loss as a break.
func (c *comparison) allGone(gone []string) {
	for _, l := range c.losses(gone) {
		switch {
		case modulePath(l.path) == l.path:
			c.add(true, finding.Module, "/"+l.path, fmt.Sprintf("the module /%s is gone", l.path), moduleName(l.path))
		case l.files > 0:
			c.add(true, finding.File, "/"+l.path, fmt.Sprintf("/%s is gone, with %d %s", l.path, l.files, verb(l.files, "file", "files")), "/"+l.path)
		default:
			c.add(true, finding.File, "/"+l.path, fmt.Sprintf("/%s is gone", l.path), "/"+l.path)
		}
	}
}

// dataFolders are names of folders whose files programs open by a name that they put together.
var dataFolders = rewrite.Lazily(`(?i)^(templates?|views?|static|public|assets|migrations?|locales?|i18n|lang|translations|schemas?|fixtures|data|config|conf|configs|resources|partials|layouts|emails?|fonts|images|img|seeds?|sql|certs)$`)

// bookkeeping are files of a framework's build that its own code names, there or not.
var bookkeeping = rewrite.Lazily(`(^|/)\.(next|nuxt|output|svelte-kit)/`)

// generic are names that many files have.
var generic = rewrite.Lazily(`(?i)^(index|main|app|server|config|settings|setup|utils?|types?|constants?|base|default|common|helpers?|models?|views?|routes?|style|styles|data|test|__init__|manage|run|start|build|version|schema|client|api|lib|core|package|manifest)\.`)

// namedGone finds what files that stayed name: files that are gone, whole folders of data, and modules.
func (c *comparison) namedGone(gone []string) {
	work := rooted(c.before.Config.Config.WorkingDir)
	times := map[string]int{}
	for _, p := range c.app {
		times[path.Base(p)]++
	}
	names := map[string][]named{}
	want := func(text string, n named) {
		if len(text) >= 4 {
			names[text] = append(names[text], n)
		}
	}
	relative := func(p string) string {
		if r, ok := strings.CutPrefix(p, work+"/"); ok && work != "." {
			return r
		}
		return p
	}
	var candidates []string
	for _, p := range gone {
		n := c.before.Tree[p]
		if compiled().MatchString(p) || tests().MatchString(relative(p)) || modulePath(p) != "" || strings.HasPrefix(p, "usr/lib/") || strings.HasPrefix(p, "usr/include/") ||
			n.Type == '0' && (n.Size == 0 || c.content[n.SHA256]) {
			continue // it went on under another name, or there is nothing in it
		}
		candidates = append(candidates, p)
	}
	for _, l := range c.losses(candidates) {
		if l.files > 0 {
			r := relative(l.path)
			sample := ""
			for _, p := range candidates {
				if strings.HasPrefix(p, l.path+"/") {
					sample = p
					break
				}
			}
			n := named{path: l.path, sample: sample, files: l.files}
			if !dataFolders().MatchString(path.Base(l.path)) {
				// Any other word may mean something else: it counts where a path is put together.
				n.path, n.strict = l.path, true
				base := path.Base(l.path)
				for _, q := range []string{`"`, `'`, "`"} {
					want(q+r+"/", n)
					want(q+"./"+r+"/", n)
					for _, before := range []string{", ", ",", "/ ", "listdir(", "scandir(", "readdirSync(", "readdir(", "glob("} {
						want(before+q+base+q, n)
					}
				}
				want("/"+l.path+"/", n)
				want("url("+r+"/", n)
				continue
			}
			want(r+"/", n)
			want("/"+l.path, n)
			for _, q := range []string{`"`, `'`, "`"} {
				want(q+r+q, n)
				want(q+"./"+r+q, n)
				want(q+path.Base(r)+q, n)
			}
		}
	}
	if len(candidates) <= maxNames {
		for _, p := range candidates {
			if bookkeeping().MatchString(p) {
				continue
			}
			r, n := relative(p), named{path: p, sample: p}
			if strings.Contains(r, "/") || path.Ext(r) != "" && r != p {
				want(r, n)
			}
			want("/"+p, n)
			base := path.Base(p)
			if path.Ext(base) != "" && len(base) >= 6 && times[base] == 1 && !generic().MatchString(base) {
				want(base, n)
			}
		}
	}
	for p := range c.dead {
		want(path.Base(p), named{path: p})
	}
	scan := &scanner{c: c, names: names}
	scan.modules, scan.python = c.want.Split, c.pythonGone()
	if err := scan.run(); err != nil {
		c.add(false, finding.File, "", fmt.Sprintf("what the new image's files name isn't known: %s", err))
	}
	for _, p := range slices.Sorted(maps.Keys(scan.found)) {
		f := scan.found[p]
		switch in := c.dead[p]; {
		case in != "":
			c.add(true, finding.Interpreter, "/"+p, fmt.Sprintf("/%s is a script for %s, which the new image lacks, and /%s names it", p, in, f.by), in)
		case f.files > 0:
			c.add(true, finding.File, "/"+p, fmt.Sprintf("/%s is gone, with %d %s, and /%s names it", p, f.files, verb(f.files, "file", "files"), f.by), "/"+p)
		default:
			c.add(true, finding.File, "/"+p, fmt.Sprintf("/%s is gone, and /%s names it", p, f.by), "/"+p)
		}
	}
}
