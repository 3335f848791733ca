package narrowcopy

import (
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/artefacts"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/java"
)

// Who else uses the folder that narrow-copy would not copy whole: other instructions of the
// last stage, and files of the project.

// overlaid declines where the folder is laid over files that are there already, which
// would come to light: a part of it must not bring another content.
func (n *narrow) overlaid() bool {
	for _, in := range n.final.Instructions {
		if in == n.copy {
			return true
		}
		if in.Keyword != "copy" && in.Keyword != "add" {
			continue
		}
		e := n.p.Effects(in)
		if e.Unknown != "" {
			return n.stays("what line %s brings before isn't known: %s", cmdline.LineOf(in), e.Unknown)
		}
		over := len(e.Trees) == 0 && slices.ContainsFunc(e.Writes, func(w string) bool { return rewrite.Inside(w, n.to) || rewrite.Inside(n.to, w) })
		for _, t := range e.Trees {
			rel, below := strings.CutPrefix(n.to, strings.TrimSuffix(t.Dest, "/")+"/")
			over = over || t.Unknown || rewrite.Inside(t.Dest, n.to) || t.Dir && below && n.p.Repo.Exists(path.Join(t.Ctx, rel))
		}
		if over {
			return n.stays("it is laid over what line %s copies there", cmdline.LineOf(in))
		}
	}
	return true
}

// readsNothing are programs that read no file of the folder unless their arguments name it.
var readsNothing = words(`update-ca-certificates ldconfig setcap locale-gen groupmod deluser delgroup passwd chpasswd ln mkdir touch rm chmod chown chgrp useradd adduser groupadd addgroup usermod`)

// steps looks at the instructions of the last stage.
func (n *narrow) steps() bool {
	behind := false
	for _, in := range n.final.Instructions {
		switch behind = behind || in == n.copy; {
		case in.Keyword == "volume" && !n.volume(in):
			return false
		case in.Keyword == "run" && behind && !n.run(in):
			return false
		}
	}
	return true
}

// volume: what a volume is filled with must be there.
func (n *narrow) volume(in *rewrite.Instruction) bool {
	for _, w := range strings.FieldsFunc(in.Args.Text, func(r rune) bool { return strings.ContainsRune(`[]", `, r) }) {
		p, ok := in.State().Abs(in.State().Expand(w))
		if !ok || n.dropped(p) {
			return n.stays("VOLUME of line %s takes a folder of it", cmdline.LineOf(in))
		}
	}
	return true
}

// dropped: a path of the last stage that the context puts into the folder, and that isn't
// copied any more.
func (n *narrow) dropped(p string) bool {
	if !rewrite.Inside(p, n.to) || p == n.to {
		return false
	}
	at := path.Join(n.from, strings.TrimPrefix(p, n.to))
	if n.kept(at) || slices.ContainsFunc(n.keep, func(k string) bool { return rewrite.Inside(k, at) }) {
		return false
	}
	s := n.model
	_, by := s.Stage.Origin(nil, at, s.Pass.Repo, s.Pass.Name)
	return by != nil || n.litter != "" && rewrite.Inside(at, n.litter)
}

// run looks at a RUN behind the COPY.
func (n *narrow) run(in *rewrite.Instruction) bool {
	wd := in.State().Workdir
	line := "line " + cmdline.LineOf(in)
	all, why := in.Steps()
	if why != "" {
		if wd == "" || rewrite.Inside(wd, n.to) || pathIn(in.Text, n.to) >= 0 {
			return n.stays("what %s does with it isn't known: %s", line, why)
		}
		return true
	}
	for _, st := range all {
		_, packages := distro.ReadPackages(st)
		if _, yum := java.ReadYum(st); yum && (st.Name == "yum" || st.Name == "dnf" || st.Name == "microdnf") {
			packages = true
		}
		switch {
		case packages, rewrite.Harmless(st.Name) && len(st.Stmt.Redirs) == 0, cmdline.Tidy(st):
		case readsNothing[st.Name]:
			for _, w := range cmdline.Operands(st) {
				if st.Dir == "" && !strings.HasPrefix(w, "/") || n.takes(cmdline.Abs(st.Dir, w)) {
					return n.stays("%s names %s", line, w)
				}
			}
		case st.Dir == "", rewrite.Inside(st.Dir, n.to), pathIn(strings.Join(st.Args, " "), n.to) >= 0:
			return n.stays("%s runs %s there, and what that reads isn't known", line, strings.Join(st.Args[:min(2, len(st.Args))], " "))
		}
	}
	return true
}

// takes: a path of the last stage, or what a pattern matches, is dropped.
func (n *narrow) takes(p string) bool {
	i := strings.IndexAny(p, "$`*?[")
	if i < 0 {
		return n.dropped(p)
	}
	dir := path.Clean(p[:strings.LastIndexByte(p[:i], '/')+1])
	return rewrite.Inside(n.to, dir) || rewrite.Inside(dir, n.to)
}

// namesPaths are the files of a project that say what a container reads.
var namesPaths = words(`.yml .yaml .toml .json .conf .ini .cfg .env .sh .service .properties .xml .mk`)

// sourceFiles are those of the languages.
var sourceFiles = words(`.go .rs .c .cc .cpp .cxx .h .hpp .java .kt .scala .clj .groovy .cs .fs .vb`)

// outside declines where another file of the project uses the folder.
func (n *narrow) outside() bool {
	p := n.p
	if w, found := p.Workplace(n.final, repo.WorkplaceShell, repo.WorkplaceSync); found {
		return n.stays("%s:%d says that people or jobs work in the container", w.File, w.Line)
	}
	for _, b := range p.Services(n.final) {
		if len(b.Watch) > 0 {
			return n.stays("%s:%d has files sent into the running container", b.File, b.Line)
		}
		if b.WorkingDir != "" && path.Clean(b.WorkingDir) != n.final.At(nil).Workdir {
			return n.stays("%s:%d starts it in another folder", b.File, b.Line)
		}
	}
	for _, c := range p.Containers() {
		if !n.words(c.File, c.Line, c.Command) {
			return false
		}
	}
	for _, c := range p.Commands() {
		if !n.words(c.File, c.Line, c.Words) {
			return false
		}
	}
	files, complete := p.Repo.Files()
	if !complete {
		return n.stays("the project is too big to be searched for who uses it")
	}
	for _, f := range files {
		source := sourceFiles[path.Ext(f)]
		if source && repo.TestFile(f) || !source && !namesPaths[path.Ext(f)] && !strings.HasPrefix(path.Base(f), ".env") && path.Base(f) != "Makefile" {
			continue
		}
		text, err := p.Repo.ReadFile(f)
		if err != nil || len(text) > repo.MaxScanBytes {
			continue
		}
		if !n.mentions(f, string(text), source) || source && !n.mentionsBuilt(f, string(text)) {
			return false
		}
	}
	return true
}

// words declines where a command that others run in the container names what it would lack.
func (n *narrow) words(file string, line int, words []string) bool {
	for _, w := range words {
		for _, w := range scriptWords(w) {
			if at, ok := n.final.At(nil).Abs(w); ok && n.dropped(at) {
				return n.stays("%s:%d names %s", file, line, w)
			}
		}
	}
	return true
}

// mentions declines where a file names a path of the folder that it would lack; the source
// can't name its place in the last stage without being understood.
func (n *narrow) mentions(file, text string, source bool) bool {
	rest, line := text, 1
	for {
		i := pathIn(rest, n.to)
		if i < 0 {
			return true
		}
		line += strings.Count(rest[:i], "\n")
		rest = rest[i:]
		word := rest[:max(len(n.to), strings.IndexFunc(rest+" ", func(r rune) bool { return strings.ContainsRune(" \t\r\n\"'`,;:)]}<>&|$*", r) }))]
		if p := path.Clean(word); n.dropped(p) || source && n.from != n.to && p != n.to && !n.kept(path.Join(n.from, strings.TrimPrefix(p, n.to))) {
			return n.stays("%s:%d names %s", file, line, word)
		}
		rest = rest[len(n.to):]
	}
}

// mentionsBuilt declines where the source names a file that the build writes on the way.
func (n *narrow) mentionsBuilt(file, text string) bool {
	rel, ok := strings.CutPrefix(n.litter, strings.TrimSuffix(n.model.Stage.At(nil).Workdir, "/")+"/")
	if n.litter == "" || !ok {
		return true
	}
	for _, m := range artefacts.StringLiteral().FindAllStringSubmatchIndex(text, -1) {
		v := path.Clean(text[m[2]:m[3]])
		if strings.HasPrefix(v, rel+"/") && !n.kept(path.Join(n.model.Stage.At(nil).Workdir, v)) {
			return n.stays("%s:%s names %s, which the build writes", file, cmdline.LineAt(text, m[0]), v)
		}
	}
	return true
}
