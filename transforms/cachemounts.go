package transforms

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// cache-mounts keeps what package managers download in cache mounts.
var _ = register(&rewrite.Transform{
	Name:      "cache-mounts",
	Summary:   "Keep what package managers download in cache mounts",
	Phase:     rewrite.PhaseMounts,
	AllAssume: true,
	OptIn:     true,
	Apart:     true,
	Doc: `A step that installs packages downloads all of them again as soon as one of
them changes. With a cache mount the builder keeps the downloads between builds,
and they stay out of the layer
(https://docs.docker.com/build/cache/optimize/#use-cache-mounts,
https://docs.docker.com/reference/dockerfile/#run---mounttypecache). What would
empty the cache or keep the manager from using it goes from the step:
--no-cache-dir, rm -rf /var/lib/apt/lists/*, npm cache clean. A file without a
` + "`# syntax=`" + ` line gets one, since builders before Docker 23 know mounts only by it.

| manager | what is mounted, unless a variable moves it | source |
| --- | --- | --- |
| apt | /var/cache/apt, and /var/lib/apt/lists where the step deletes the lists; locked | https://docs.docker.com/reference/dockerfile/#example-cache-apt-packages |
| apk | /var/cache/apk with --cache-dir; locked | https://wiki.alpinelinux.org/wiki/Local_APK_cache |
| dnf, yum | /var/cache/dnf, /var/cache/libdnf5 or /var/cache/yum by release, with keepcache=1; locked | https://dnf.readthedocs.io/en/latest/conf_ref.html |
| pip | ~/.cache/pip | https://pip.pypa.io/en/stable/topics/caching/ |
| uv | ~/.cache/uv | https://docs.astral.sh/uv/guides/integration/docker/ |
| poetry | cache and artifacts in ~/.cache/pypoetry, not the virtualenvs beside them | https://python-poetry.org/docs/configuration/#cache-dir |
| npm | ~/.npm | https://docs.npmjs.com/cli/configuring-npm/folders |
| yarn 1 | /usr/local/share/.cache/yarn for root, else ~/.cache/yarn | https://classic.yarnpkg.com/lang/en/docs/cli/cache/ |
| pnpm | the store, where PNPM_HOME or store-dir names it | https://pnpm.io/docker |
| bun | ~/.bun/install/cache | https://bun.sh/docs/install/cache |
| bundler | cache in GEM_HOME, the .gem files that were unpacked | https://guides.rubygems.org/command-reference/ |
| composer | COMPOSER_CACHE_DIR, or cache in COMPOSER_HOME | https://getcomposer.org/doc/03-cli.md#composer-cache-dir |
| go | GOMODCACHE and GOCACHE | https://go.dev/ref/mod#module-cache |
| cargo | registry and git/db in CARGO_HOME; never target | https://doc.rust-lang.org/cargo/guide/cargo-home.html |
| maven | ~/.m2/repository | https://maven.apache.org/settings.html |
| gradle | caches and wrapper in GRADLE_USER_HOME; locked | https://docs.gradle.org/current/userguide/directory_layout.html |
| nuget | NUGET_PACKAGES, else ~/.nuget/packages | https://learn.microsoft.com/nuget/consume-packages/managing-the-global-packages-and-cache-folders |

Official Debian and Ubuntu images delete downloaded packages by a hook that names
/var/cache/apt/archives. Instead of taking the hook out of the image, apt is told
in that step to keep them beside it (-oDir::Cache::archives=…). Docker's example
mounts all of /var/lib/apt; that would take the record of what was installed
automatically (extended_states) out of the image, so only the lists are mounted.

microdnf is left out (no documented place for its cache), Yarn 2 and later too
(its cache can be the installation itself).`,
	Declines: `Where the cache may be more than a cache: a later stage
copies from it, a start command or an offline step needs it, a step uses the
directory by name. The stores of go, cargo, maven, gradle, nuget and pnpm are
mounted into all steps that may read them or into none. Where the directory
can't be known: an unknown user or home, a computed variable, a flag or file
that moves it. Where a clean-up in the step would hit the mount point.`,
	Assumes: `BuildKit builds the image, not the legacy builder or kaniko, and nothing
else needs the cache in the image. On CI runners that start empty the cache
helps only where it is kept between runs.`,
	Run: runCacheMounts,
})

func runCacheMounts(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	var out []rewrite.Change
	for _, k := range keepers {
		if k.store {
			if !slices.ContainsFunc(k.tools, func(t string) bool { return strings.Contains(p.Doc.Src, t) }) {
				continue
			}
			for _, root := range p.Doc.Stages {
				if root.Parent() == nil {
					out = append(out, storeChange(p, k, root)...)
				}
			}
			continue
		}
		for _, s := range p.Doc.Stages {
			for _, in := range s.Instructions {
				if r := runOf(in, k); r != nil && r.fetches {
					out = append(out, stepChange(p, k, r)...)
				}
			}
		}
	}
	return out, nil
}

// cacheStep is one RUN with what one package manager does in it.
type cacheStep struct {
	in      *rewrite.Instruction // the RUN itself, behind ONBUILD too
	outer   *rewrite.Instruction
	script  *rewrite.Script
	uses    []cacheUse
	fetches bool
	carrier bool // it may run the manager through a program that drydock can't look into
}

// cacheUse is a command of the manager.
type cacheUse struct {
	rewrite.Command
	first int      // the word behind the manager's name
	args  []string // from there on
}

// runOf reads a RUN for one manager; nil where it isn't one or doesn't use it.
func runOf(outer *rewrite.Instruction, k *keeper) *cacheStep {
	in := outer.Inner()
	if in.Keyword != "run" || in.JSON {
		return nil
	}
	if !holdsAny(in, k.tools) && !(k.store && hasCarrier(scriptText(in))) {
		return nil
	}
	s, why := in.Shell()
	if why != "" {
		return nil
	}
	r := &cacheStep{in: in, outer: outer, script: s}
	for _, c := range s.Commands() {
		first, ok := k.names(c)
		if ok && k.store && !k.reads(c.Args[first:]) && (k.cleans == nil || !k.cleans(c.Args[first:])) {
			continue
		}
		if !ok {
			r.carrier = r.carrier || k.store && k.name != "pnpm" && runsProject(c)
			continue
		}
		u := cacheUse{c, first, c.Args[first:]}
		r.uses = append(r.uses, u)
		r.fetches = r.fetches || k.fetch(u.args)
	}
	if len(r.uses) == 0 && !r.carrier {
		return nil
	}
	return r
}

// scriptText is the script as written, heredocs included.
func scriptText(in *rewrite.Instruction) string {
	if len(in.Heredocs) == 0 {
		return in.Args.Text
	}
	return in.Doc().Src[in.Head.Start:in.Span.End]
}

// stepChange is the change of one step for a manager whose cache nobody reads
// later on.
func stepChange(p *rewrite.Pass, k *keeper, r *cacheStep) []rewrite.Change {
	pl, why := k.place(p, r)
	if why == "" && len(pl.mounts) == 0 {
		return nil
	}
	if why == "" && r.mounted(pl) {
		return nil
	}
	if why == "" {
		why = reachedInto(p.Doc, r.outer.Stage, pl.mounts, false)
	}
	c := newChange(k, r, pl)
	if why == "" {
		why = syntaxFor(p.Doc, &c)
	}
	if why == "" {
		why = mountInto(p, k, r, pl, &c)
	}
	if why != "" {
		p.Decline(r.outer, "no cache mount for %s: %s", k.name, why)
		return nil
	}
	return []rewrite.Change{c}
}

func newChange(k *keeper, r *cacheStep, pl cachePlace) rewrite.Change {
	var dirs []string
	for _, m := range pl.mounts {
		dirs = append(dirs, m.dir)
	}
	c := rewrite.Change{
		Title:   "keep what " + k.name + " downloads in a cache mount",
		Why:     "a cache mount keeps downloads between builds and out of the layer (Docker's guide to the build cache)",
		Gain:    "after a change only what is new is downloaded",
		Safety:  rewrite.Assumes,
		Assumes: "BuildKit builds the image, and nothing else needs " + strings.Join(dirs, " and ") + " in it",
		At:      r.outer,
	}
	if r.in.Trigger() {
		c.Config |= rewrite.FieldOnBuild
	}
	return c
}

// syntaxFor sees to it that the file's frontend knows mounts (Dockerfile 1.2),
// and tells why that can't be.
func syntaxFor(d *rewrite.Document, c *rewrite.Change) string {
	if !slices.ContainsFunc(d.Directives, func(x rewrite.Directive) bool { return x.Name == "syntax" }) {
		if strings.HasPrefix(d.Src, "#!") {
			return "" // a directive has no place above it
		}
		at := 0
		if strings.HasPrefix(d.Src, "\uFEFF") {
			at = len("\uFEFF")
		}
		c.Edits = append(c.Edits, rewrite.Edit{Span: rewrite.Span{Start: at, End: at}, New: "# syntax=docker/dockerfile:1\n"})
		return ""
	}
	for _, in := range d.Instructions {
		if len(in.Inner().Mounts()) > 0 {
			return "" // it is in use already
		}
	}
	v, _ := d.Syntax()
	major, minor, two := strings.Cut(v, ".")
	minor, _, _ = strings.Cut(minor, ".")
	if v == "" || !two && major != "1" && v != "latest" && v != "labs" && v != "master" || two && (minor == "0" || minor == "1") {
		return "its # syntax= names a frontend that may not know mounts; make it docker/dockerfile:1"
	}
	return ""
}

// cacheMount is one cache directory.
type cacheMount struct {
	dir     string
	options string // ",sharing=locked" and the like
}

func (m cacheMount) flag() string { return "--mount=type=cache,target=" + m.dir + m.options }

// mounted: all of the mounts are there already.
func (r *cacheStep) mounted(pl cachePlace) bool {
	return !slices.ContainsFunc(pl.mounts, func(m cacheMount) bool { return !r.has(m.dir) })
}

// has: the step mounts a cache at dir or around it.
func (r *cacheStep) has(dir string) bool {
	st := r.in.State()
	return slices.ContainsFunc(r.in.Mounts(), func(m map[string]string) bool {
		t, ok := st.Abs(st.Expand(m["target"]))
		return m["type"] == "cache" && ok && rewrite.Inside(dir, t)
	})
}

// mountInto edits one step: mounts come in, what works against them goes.
func mountInto(p *rewrite.Pass, k *keeper, r *cacheStep, pl cachePlace, c *rewrite.Change) string {
	var flags []string
	st := r.in.State()
	for _, m := range pl.mounts {
		if r.has(m.dir) {
			continue
		}
		for _, have := range r.in.Mounts() {
			t, ok := st.Abs(st.Expand(have["target"]))
			if !ok && have["type"] != "secret" && have["type"] != "ssh" {
				return "it has a mount at a computed path"
			}
			if ok && (rewrite.Inside(t, m.dir) || rewrite.Inside(m.dir, t)) {
				return "it mounts something at " + t + " already"
			}
		}
		flags = append(flags, m.flag())
	}
	e := r.script.Edit()
	if why := dropCleanUps(e, k, r, pl); why != "" {
		return why
	}
	for _, u := range r.uses {
		k.adapt(e, r, u)
	}
	if !e.Into(c) {
		return "the clean-up in it can't be taken out of this script"
	}
	if len(flags) > 0 {
		c.Edits = append(c.Edits, flagEdit(p.Doc, r.in, flags))
	}
	return ""
}

// flagWidth is up to which length in bytes a RUN of one line with one mount
// stays one line.
const flagWidth = 100

// flagEdit puts flags in front of a RUN's arguments, as Docker's examples have
// them: each on a line of its own unless there is but one and the line short.
//
// Cache mounts stand in front of bind mounts, whichever came first.
func flagEdit(d *rewrite.Document, in *rewrite.Instruction, flags []string) rewrite.Edit {
	at, have := in.SrcPos(in.Args.Start), in.Flags
	if strings.HasPrefix(flags[0], "--mount=type=cache") {
		if i := slices.IndexFunc(have, func(w rewrite.Word) bool { return strings.HasPrefix(w.Text, "--mount=type=bind") }); i >= 0 {
			at, have = in.SrcPos(have[i].Start), have[:i]
		}
	}
	line := strings.LastIndexByte(d.Src[:at], '\n') + 1
	indent := flagIndent(d, in)
	if lead := d.Src[line:at]; line > in.Head.Start && strings.Trim(lead, " \t") == "" {
		indent = lead // it is on a line of its own
	}
	if n := len(have); n > 0 { // behind flags that have lines of their own
		last := in.SrcPos(have[n-1].Start)
		begin := strings.LastIndexByte(d.Src[:last], '\n') + 1
		if lead := d.Src[begin:last]; begin < line && begin > in.Head.Start && strings.Trim(lead, " \t") == "" && lead != indent {
			sep := " " + string(d.Escape) + "\n" + lead
			end := in.SrcPos(have[n-1].End-1) + 1
			return rewrite.Edit{Span: rewrite.Span{Start: end, End: end}, New: sep + strings.Join(flags, sep)}
		}
	}
	sep := " " + string(d.Escape) + "\n" + indent
	text := strings.Join(flags, sep) + sep
	if n := len(have); n > 0 && in.SrcPos(have[n-1].Start) > line {
		text = strings.TrimLeft(sep, " ") + text // behind the flags that are there
	}
	if len(in.Heredocs) > 0 && at == in.SrcPos(in.Args.Start) {
		text = strings.TrimSuffix(text, sep) + " "
	}
	if one := flags[0] + " "; len(flags) == 1 && len(in.Flags) == 0 && !strings.Contains(d.Src[in.Head.Start:in.Head.End], "\n") && len(one)+in.Head.Len() <= flagWidth {
		text = one
	}
	return rewrite.Edit{Span: rewrite.Span{Start: at, End: at}, New: text}
}

// flagIndent is the least indentation of the RUN's further lines, else the file's.
func flagIndent(d *rewrite.Document, in *rewrite.Instruction) string {
	best := ""
	for i, l := range strings.Split(d.Src[in.Head.Start:in.Head.End], "\n") {
		t := strings.TrimLeft(l, " \t")
		lead := l[:len(l)-len(t)]
		if i > 0 && strings.TrimSpace(t) != "" && t[0] != '#' && (best == "" || columns(lead) < columns(best)) && (len(lead) > 1 || lead == "\t") {
			best = lead // a single blank belongs to " && "
		}
	}
	if best == "" {
		best, _ = d.RunStyle(nil)
	}
	if len(best) < 2 && best != "\t" {
		return "    "
	}
	return best
}

// columns is how far blanks reach, with tabs of eight.
func columns(lead string) int { return len(lead) + 7*strings.Count(lead, "\t") }

// reachedInto tells why the directories must stay in the image: something
// copies from or to them. A store is needed as a whole, so there a copy of what
// lies around it counts too.
func reachedInto(d *rewrite.Document, s *rewrite.Stage, mounts []cacheMount, store bool) string {
	around := func(p, dir string) bool { return p == path.Dir(dir) && (store || strings.HasPrefix(path.Base(p), ".")) }
	for _, in := range d.Instructions {
		if in.Stage == nil {
			continue
		}
		st := in.Inner().State()
		sources, dest, from, ok := in.Inner().Copy()
		if ok && (in.Stage == s || in.Stage.Descends(s) || s.Descends(in.Stage)) {
			if to, ok := st.Abs(st.Expand(dest)); ok {
				for _, m := range mounts {
					if rewrite.Inside(to, m.dir) || around(to, m.dir) && slices.ContainsFunc(sources, maybeFolder) {
						return fmt.Sprintf("line %d may copy into %s", in.Line, m.dir)
					}
				}
			}
		}
		var reads []string
		if from != "" && d.StageByRef(from, in.Stage.Index).Descends(s) {
			reads = sources
		}
		for _, m := range in.Inner().Mounts() {
			if m["from"] != "" && d.StageByRef(m["from"], in.Stage.Index).Descends(s) {
				reads = append(reads, "/"+m["source"])
			}
		}
		for _, src := range reads {
			src = path.Clean("/" + st.Expand(src))
			for _, m := range mounts {
				if rewrite.Inside(src, m.dir) || around(src, m.dir) || store && rewrite.Inside(m.dir, src) {
					return fmt.Sprintf("line %d takes %s out of this stage", in.Line, src)
				}
			}
		}
	}
	return ""
}

// maybeFolder: a source whose name has no extension.
func maybeFolder(source string) bool {
	base := path.Base(source)
	return path.Ext(strings.TrimPrefix(base, ".")) == ""
}
