package multistage

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// The RUNs of a stage that gets a small base, and what other stages hand to it.

// lineage are the instructions of the stage and of those that it is built from,
// in the order in which they take effect.
func (s *split) lineage() []*rewrite.Instruction {
	if s.stage.Parent() == nil {
		return s.stage.Instructions
	}
	var out []*rewrite.Instruction
	for st := s.stage; st != nil; st = st.Parent() {
		out = append(slices.Clone(st.Instructions), out...)
	}
	return out
}

// onlyCopies checks that the stage's RUNs build nothing, and call nothing that
// the small image lacks.
func (s *split) onlyCopies() bool {
	for _, in := range s.stage.Instructions {
		if in.Keyword == "onbuild" {
			return s.decline(in, "ONBUILD steps run in images that are built from this one")
		}
		if why := cmp.Or(s.encryptedSources(in), s.foreignProgram(in), s.bringsConfig(in)); why != "" && !s.variant.alpine {
			return s.decline(in, "%s", why)
		}
		if in.Keyword != "run" {
			continue
		}
		all, why := in.Steps()
		if why != "" {
			return s.decline(in, "the effects of this RUN aren't known: %s", why)
		}
		for _, st := range all {
			if !s.runsOn(in, st) {
				return false
			}
		}
	}
	return true
}

// runsOn: the command does the same on the small image.
func (s *split) runsOn(in *rewrite.Instruction, st rewrite.Step) bool {
	a, isApt := readPackages(st)
	name := path.Base(st.Args[0])
	switch {
	case isApt && s.variant.other:
		return s.decline(in, "%s is another system, whose packages may have other names", s.variant.base)
	case isApt:
		return s.installsOn(in, a)
	case s.variant.other && (busyboxAccount().MatchString(name) || s.variant.alpine && shadowAccount().MatchString(name)):
		return s.decline(in, "%s takes other options on %s", name, s.variant.base)
	case shadowAccount().MatchString(name) && s.takenNumber(st) != "":
		return s.decline(in, "%s", s.takenNumber(st))
	case !tidy(st) && s.ofFullImage(in, st) != "":
		return s.decline(in, "it uses %s, which the slim image may lack", s.ofFullImage(in, st))
	case tidy(st), rewrite.Harmless(st.Name), replayed[st.Name], name == "update-ca-certificates" && s.apt.runtime["ca-certificates"]:
		return true
	case s.lacks(st.Args[0]) != "":
		return s.decline(in, "it runs %s, which the slim image hasn't", name)
	case fullOnly[name] != "": // installed above
		return true
	case strings.HasPrefix(st.Args[0], "/") && s.stage.Index > 0 && s.copied(st.Args[0]):
		return true
	}
	if why, known := s.installsPackages(in, st); known {
		return why == "" || s.decline(in, "%s", why)
	}
	return s.decline(in, "the effects of %s aren't known", strings.Join(st.Args[:min(3, len(st.Args))], " "))
}

// adduser is Debian's own script in Debian and another program elsewhere; useradd
// is the same wherever it is, which isn't in Alpine.
var (
	busyboxAccount = lazily(`^(add|del)(user|group)`)
	shadowAccount  = lazily(`^(user|group)(add|mod|del)`)
)

// installsOn: packages of the system are the same on the same release.
func (s *split) installsOn(in *rewrite.Instruction, a apt) bool {
	switch a.verb {
	case "install", "satisfy":
		if a.bad != "" {
			return s.decline(in, "%s is no plain name of a package", a.bad)
		}
	case "remove", "purge", "del":
		for _, w := range a.words {
			if !s.apt.runtime[w] && !strings.HasPrefix(w, ".") {
				return s.decline(in, "it removes %s, which the slim image hasn't", w)
			}
		}
		return true
	case "update", "upgrade", "dist-upgrade", "full-upgrade", "clean", "autoclean", "autoremove", "cache", "":
		return true
	default:
		return s.decline(in, "the effects of %s aren't known", a.verb)
	}
	for _, w := range a.words {
		w, _, _ = strings.Cut(w, "=")
		if BuildOnly(w) {
			return s.decline(in, "it installs %s, so it builds here", w)
		}
		if manPages().MatchString(w) && manless[s.img.Release] {
			return s.decline(in, "%s can't be installed on the slim image of Debian %s, which lacks the folders of manual pages", w, s.img.Release)
		}
		s.apt.runtime[w] = true
	}
	return true
}

// copied: a COPY of the stage brings the path.
func (s *split) copied(abs string) bool {
	return slices.ContainsFunc(s.lineage(), func(in *rewrite.Instruction) bool {
		_, dest, _, ok := in.Copy()
		dest, known := in.State().Abs(strings.TrimSuffix(dest, "/"))
		return ok && known && rewrite.Inside(abs, dest)
	})
}

// variantSource looks for what the program itself needs of the full image.
func (s *split) variantSource() bool {
	var why string
	repository := s.ref.Repository()
	if slimmed[repository] && repository != "debian" {
		why = s.compiledElsewhere()
	}
	if why == "" {
		why = s.absentManifest()
	}
	switch {
	case why != "":
	case jdkRepositories[repository]:
		why = s.jdkInSource()
	case repository == "python":
		why = s.pythonPackages()
	case repository == "node":
		why = s.nodePackages()
	case repository == "ruby":
		if !s.gemsOnSlim() {
			return false
		}
	}
	if why == "" {
		why = s.filesLack()
	}
	if exts := sourceOf[repository]; why == "" && len(exts) > 0 {
		why = s.sourceLacks(exts...)
	}
	return why == "" || s.decline(s.stage.From, "%s", why)
}

// compiledElsewhere: a stage compiles against a library which only the full
// image has by itself.
func (s *split) compiledElsewhere() string {
	for _, o := range s.doc.Stages[:s.stage.Index] {
		if !s.handsOver(o) {
			continue
		}
		for _, in := range o.Instructions {
			if in.Keyword != "run" {
				continue
			}
			for _, w := range strings.FieldsFunc(in.Text, func(r rune) bool { return strings.ContainsRune(" \t;&|()\"'", r) }) {
				switch {
				case w == "--no-binary" || strings.HasPrefix(w, "--no-binary="):
					return "line " + lineOf(in) + " compiles packages that have wheels, against libraries that the slim image may lack"
				case compilers[w], cpanClients[path.Base(w)] && s.ref.Repository() == "perl":
					return "line " + lineOf(in) + " runs " + w + ", and which libraries of the full image the result needs isn't known"
				case !strings.HasSuffix(w, "-dev") || strings.HasPrefix(w, "-") || inSlim[s.ref.Repository()][w]:
				default:
					if why := s.linksWith(in, w); why != "" {
						return why
					}
				}
			}
		}
	}
	return ""
}

// linksWith installs the libraries behind a -dev package of another stage.
func (s *split) linksWith(in *rewrite.Instruction, dev string) string {
	libs, unknown := s.libraries(dev)
	what := fmt.Sprintf("line %d installs %s; what is compiled with it needs ", in.Line, dev)
	switch {
	case unknown != "":
		return what + unknown + " at run time, and what Debian " + s.img.Release + " calls that isn't known"
	case len(libs) == 0:
		return what + "its library at run time, and which package that is isn't known"
	case s.variant.other:
		return what + libs[0] + " at run time, which " + s.variant.base + " hasn't"
	}
	if o, ok := in.Stage.Image(); !ok || o.Release != s.img.Release {
		return what + libs[0] + " at run time, and it stands on another release"
	}
	for _, lib := range libs {
		if !s.apt.runtime[lib] && !s.require(lib, "what is compiled with "+dev+" (line "+lineOf(in)+")") {
			return what + lib + " at run time, which the last stage doesn't install"
		}
	}
	return ""
}

var compilers = words(`make cmake ninja cargo rustc ./configure meson gfortran`)

// cpanClients build modules of Perl, of which nothing tells whether they hold C code.
var cpanClients = words(`cpan cpanm cpm carton`)

// handsOver: the last stage gets something of stage o, be it by way of others.
func (s *split) handsOver(o *rewrite.Stage) bool {
	todo, seen := []*rewrite.Stage{s.stage}, map[*rewrite.Stage]bool{}
	for len(todo) > 0 {
		t := todo[0]
		todo = todo[1:]
		if t == nil || seen[t] {
			continue
		}
		if seen[t] = true; t == o {
			return true
		}
		todo = append(todo, t.Parent())
		for _, in := range t.Instructions {
			if _, _, from, _ := in.Copy(); from != "" {
				todo = append(todo, s.doc.StageByRef(from, t.Index))
			}
			for _, m := range in.Mounts() {
				if m["from"] != "" {
					todo = append(todo, s.doc.StageByRef(m["from"], t.Index))
				}
			}
		}
	}
	return false
}

// outsideLacks names a program that the small image lacks among those that
// Kubernetes manifests and CI files start in the container.
func (s *split) outsideLacks() string {
	for _, c := range s.p.Containers() {
		for _, list := range append(slices.Clone(c.Exec), c.Command) {
			if why := s.listLacks(list, fmt.Sprintf("%s:%d", c.File, c.Line)); why != "" {
				return why
			}
		}
	}
	for _, c := range s.p.Commands() {
		if why := s.listLacks(c.Words, fmt.Sprintf("%s:%d", c.File, c.Line)); why != "" {
			return why
		}
	}
	return ""
}

func (s *split) listLacks(list []string, at string) string {
	for _, args := range listCommands(list) {
		if args = unwrap(args); len(args) > 0 && s.lacksCommand(args[0], at) {
			return at + " runs " + path.Base(args[0]) + " in the container, which the slim image hasn't"
		}
		if why := cmp.Or(s.wordsLack(args), s.startScriptLacks(args), s.configsLack(args)); why != "" {
			return at + ": " + why
		}
	}
	return ""
}

// listCommands are the commands of an exec form: of sh -c those of its script.
func listCommands(list []string) [][]string {
	if len(list) >= 3 && rewrite.PosixShell(list[0]) && strings.HasPrefix(list[1], "-") && strings.HasSuffix(list[1], "c") {
		if cmds, err := scriptCommands(list[2]); err == nil {
			return append(cmds, list[:1])
		}
	}
	if len(list) == 0 {
		return nil
	}
	return [][]string{list}
}

// installBeside writes the install of what the small image lacks and something in
// the container needs: into the stage's own apt-get install, else below FROM.
func (s *split) installBeside() bool {
	names := slices.DeleteFunc(slices.Clone(s.apt.required), s.comesAlong)
	if len(names) == 0 {
		return true
	}
	if s.img.User != "" || s.variant.other {
		return s.decline(s.stage.From, "%s needs %s, which can't be installed there", s.apt.reason[names[0]], names[0])
	}
	slices.Sort(names)
	for _, n := range names {
		s.explain("%s is installed beside, for %s", n, s.apt.reason[n])
	}
	for _, in := range s.stage.Instructions {
		if st := s.stage.At(in); in.Keyword != "run" || st.User != "" && !st.Root() {
			continue
		}
		all, _ := in.Steps()
		for _, step := range all {
			if a, ok := readApt(step); ok && a.verb == "install" && len(a.words) > 0 && len(step.Stmt.Redirs) == 0 && !slices.ContainsFunc(a.flags, otherSource) {
				return s.addPackages(in, step, names)
			}
		}
	}
	after := s.stage.From
	for _, in := range s.stage.Instructions {
		if aptSettings().MatchString(in.Text) && in.Keyword != "label" && in.Keyword != "healthcheck" {
			after = in
		}
	}
	if st := s.stage.At(after.Next()); after != s.stage.From && after.Next() != nil && st.User != "" && !st.Root() {
		return s.decline(after, "%s needs %s, and the stage is no longer root where apt is set up", s.apt.reason[names[0]], names[0])
	}
	s.edits = append(s.edits, s.doc.InsertAfter(after, s.installLine(names)+"\n"))
	return true
}

// aptSettings are what apt needs before it can install: proxies and sources.
var aptSettings = lazily(`(?i)^(ENV|ARG)\b[^\n]*\bhttps?_proxy\b|/etc/apt\b`)

// otherSource: the flag of an install that takes packages from elsewhere.
func otherSource(flag string) bool {
	return flag == "-t" || flag == "-o" || flag == "-c" || strings.HasPrefix(flag, "--target-release") || strings.HasPrefix(flag, "--default-release")
}

// addPackages puts packages at the end of an install: in lines of their own where
// the last one has a line of its own.
func (s *split) addPackages(in *rewrite.Instruction, st rewrite.Step, names []string) bool {
	sh, _ := in.Shell()
	last := len(st.Words) - 1
	sp, ok := sh.Span(st.Words[last].Start, st.Words[last].End)
	if !ok {
		return s.decline(in, "a word of %s is broken over lines", st.Name)
	}
	assigns, args, redirs := keyWords(sh, st.Command)
	sep, line := " ", strings.LastIndexByte(s.doc.Src[:sp.Start], '\n')+1
	if indent := s.doc.Src[line:sp.Start]; strings.TrimSpace(indent) == "" && len(in.Heredocs) == 0 {
		sep = " \\\n" + indent
	}
	s.edits = append(s.edits, rewrite.Edit{Span: rewrite.Span{Start: sp.End, End: sp.End}, New: sep + strings.Join(names, sep)})
	s.drops = append(s.drops, joinKey(assigns, args, redirs))
	s.adds = append(s.adds, joinKey(assigns, append(args, names...), redirs))
	return true
}

// installsPackages tells why a step that installs the packages of a language doesn't
// do the same on the small image; known is false for other steps.
func (s *split) installsPackages(in *rewrite.Instruction, st rewrite.Step) (why string, known bool) {
	switch s.ref.Repository() {
	case "python":
		return s.pipOn(in, st)
	case "node":
		return s.npmOn(in, st)
	}
	return "", false
}
