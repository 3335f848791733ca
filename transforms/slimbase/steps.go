package slimbase

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// The RUNs of a stage that gets a small base, and what other stages hand to it.

// onlyCopies checks that the stage's RUNs build nothing, and call nothing that
// the small image lacks.
func onlyCopies(s *split.Split) bool {
	for _, in := range s.Stage.Instructions {
		if in.Keyword == "onbuild" {
			return s.Decline(in, "ONBUILD steps run in images that are built from this one")
		}
		if why := cmp.Or(encryptedSources(s, in), foreignProgram(s, in), bringsConfig(s, in)); why != "" && !s.Variant.Alpine {
			return s.Decline(in, "%s", why)
		}
		if in.Keyword != "run" {
			continue
		}
		all, ok := s.Steps(in)
		if !ok {
			return false
		}
		for _, st := range all {
			if !runsOn(s, in, st) {
				return false
			}
		}
	}
	return true
}

// runsOn: the command does the same on the small image.
func runsOn(s *split.Split, in *rewrite.Instruction, st rewrite.Step) bool {
	a, isApt := distro.ReadPackages(st)
	name := path.Base(st.Args[0])
	switch {
	case isApt && s.Variant.Other:
		return s.Decline(in, "%s is another system, whose packages may have other names", s.Variant.Base)
	case isApt:
		return installsOn(s, in, a)
	case s.Variant.Other && (BusyboxAccount().MatchString(name) || s.Variant.Alpine && ShadowAccount().MatchString(name)):
		return s.Decline(in, "%s takes other options on %s", name, s.Variant.Base)
	case ShadowAccount().MatchString(name) && takenNumber(s, st) != "":
		return s.Decline(in, "%s", takenNumber(s, st))
	case !cmdline.Tidy(st) && ofFullImage(s, in, st) != "":
		return s.Decline(in, "it uses %s, which the slim image may lack", ofFullImage(s, in, st))
	case cmdline.Tidy(st), rewrite.Harmless(st.Name), cmdline.Replayed[st.Name], name == "update-ca-certificates" && s.Apt.Runtime["ca-certificates"]:
		return true
	case s.Lacks(st.Args[0]) != "":
		return s.Decline(in, "it runs %s, which the slim image hasn't", name)
	case distro.FullOnly[name] != "": // installed above
		return true
	case strings.HasPrefix(st.Args[0], "/") && s.Stage.Index > 0 && copied(s, st.Args[0]):
		return true
	}
	if why, known := installsPackages(s, in, st); known {
		return why == "" || s.Decline(in, "%s", why)
	}
	return s.Decline(in, "the effects of %s aren't known", strings.Join(st.Args[:min(3, len(st.Args))], " "))
}

// adduser is Debian's own script in Debian and another program elsewhere; useradd
// is the same wherever it is, which isn't in Alpine.
var (
	BusyboxAccount = lazily(`^(add|del)(user|group)`)
	ShadowAccount  = lazily(`^(user|group)(add|mod|del)`)
)

// installsOn: packages of the system are the same on the same release.
func installsOn(s *split.Split, in *rewrite.Instruction, a distro.Apt) bool {
	switch a.Verb {
	case "install", "satisfy":
		if a.Bad != "" {
			return s.Decline(in, "%s is no plain name of a package", a.Bad)
		}
	case "remove", "purge", "del":
		for _, w := range a.Words {
			if !s.Apt.Runtime[w] && !strings.HasPrefix(w, ".") {
				return s.Decline(in, "it removes %s, which the slim image hasn't", w)
			}
		}
		return true
	case "update", "upgrade", "dist-upgrade", "full-upgrade", "clean", "autoclean", "autoremove", "cache", "":
		return true
	default:
		return s.Decline(in, "the effects of %s aren't known", a.Verb)
	}
	for _, w := range a.Words {
		w, _, _ = strings.Cut(w, "=")
		if distro.BuildOnly(w) {
			return s.Decline(in, "it installs %s, so it builds here", w)
		}
		if manPages().MatchString(w) && manless[s.Image.Release] {
			return s.Decline(in, "%s can't be installed on the slim image of Debian %s, which lacks the folders of manual pages", w, s.Image.Release)
		}
		s.Apt.Runtime[w] = true
	}
	return true
}

// copied: a COPY of the stage brings the path.
func copied(s *split.Split, abs string) bool {
	return slices.ContainsFunc(s.Lineage(), func(in *rewrite.Instruction) bool {
		_, dest, _, ok := in.Copy()
		dest, known := in.State().Abs(strings.TrimSuffix(dest, "/"))
		return ok && known && rewrite.Inside(abs, dest)
	})
}

// variantSource looks for what the program itself needs of the full image.
func variantSource(s *split.Split) bool {
	var why string
	repository := s.Ref.Repository()
	if slimmed[repository] && repository != "debian" {
		why = compiledElsewhere(s)
	}
	if why == "" {
		why = absentManifest(s)
	}
	switch {
	case why != "":
	case jdkRepositories[repository]:
		why = JdkInSource(s)
	case repository == "python":
		why = PythonPackages(s)
	case repository == "node":
		why = NodePackages(s)
	case repository == "ruby":
		if !gemsOnSlim(s) {
			return false
		}
	}
	if why == "" {
		why = filesLack(s)
	}
	if exts := SourceOf[repository]; why == "" && len(exts) > 0 {
		why = s.SourceLacks(exts...)
	}
	return why == "" || s.Decline(s.Stage.From, "%s", why)
}

// compiledElsewhere: a stage compiles against a library which only the full
// image has by itself.
func compiledElsewhere(s *split.Split) string {
	for _, o := range s.Doc.Stages[:s.Stage.Index] {
		if !handsOver(s, o) {
			continue
		}
		for _, in := range o.Instructions {
			if in.Keyword != "run" {
				continue
			}
			for _, w := range strings.FieldsFunc(in.Text, func(r rune) bool { return strings.ContainsRune(" \t;&|()\"'", r) }) {
				switch {
				case w == "--no-binary" || strings.HasPrefix(w, "--no-binary="):
					return "line " + cmdline.LineOf(in) + " compiles packages that have wheels, against libraries that the slim image may lack"
				case compilers[w], cpanClients[path.Base(w)] && s.Ref.Repository() == "perl":
					return "line " + cmdline.LineOf(in) + " runs " + w + ", and which libraries of the full image the result needs isn't known"
				case !strings.HasSuffix(w, "-dev") || strings.HasPrefix(w, "-") || distro.InSlim[s.Ref.Repository()][w]:
				default:
					if why := linksWith(s, in, w); why != "" {
						return why
					}
				}
			}
		}
	}
	return ""
}

// linksWith installs the libraries behind a -dev package of another stage.
func linksWith(s *split.Split, in *rewrite.Instruction, dev string) string {
	libs, unknown := s.Libraries(dev)
	what := fmt.Sprintf("line %d installs %s; what is compiled with it needs ", in.Line, dev)
	switch {
	case unknown != "":
		return what + unknown + " at run time, and what Debian " + s.Image.Release + " calls that isn't known"
	case len(libs) == 0:
		return what + "its library at run time, and which package that is isn't known"
	case s.Variant.Other:
		return what + libs[0] + " at run time, which " + s.Variant.Base + " hasn't"
	}
	if o, ok := in.Stage.Image(); !ok || o.Release != s.Image.Release {
		return what + libs[0] + " at run time, and it stands on another release"
	}
	for _, lib := range libs {
		if !s.Apt.Runtime[lib] && !s.Require(lib, "what is compiled with "+dev+" (line "+cmdline.LineOf(in)+")") {
			return what + lib + " at run time, which the last stage doesn't install"
		}
	}
	return ""
}

var compilers = words(`make cmake ninja cargo rustc ./configure meson gfortran`)

// cpanClients build modules of Perl, of which nothing tells whether they hold C code.
var cpanClients = words(`cpan cpanm cpm carton`)

// handsOver: the last stage gets something of stage o, be it by way of others.
func handsOver(s *split.Split, o *rewrite.Stage) bool {
	todo, seen := []*rewrite.Stage{s.Stage}, map[*rewrite.Stage]bool{}
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
				todo = append(todo, s.Doc.StageByRef(from, t.Index))
			}
			for _, m := range in.Mounts() {
				if m["from"] != "" {
					todo = append(todo, s.Doc.StageByRef(m["from"], t.Index))
				}
			}
		}
	}
	return false
}

// outsideLacks names a program that the small image lacks among those that
// Kubernetes manifests and CI files start in the container.
func outsideLacks(s *split.Split) string {
	for _, c := range s.Pass.Containers() {
		for _, list := range append(slices.Clone(c.Exec), c.Command) {
			if why := listLacks(s, list, fmt.Sprintf("%s:%d", c.File, c.Line)); why != "" {
				return why
			}
		}
	}
	for _, c := range s.Pass.Commands() {
		if why := listLacks(s, c.Words, fmt.Sprintf("%s:%d", c.File, c.Line)); why != "" {
			return why
		}
	}
	return ""
}

func listLacks(s *split.Split, list []string, at string) string {
	for _, args := range cmdline.ListCommands(list) {
		if args = cmdline.Unwrap(args); len(args) > 0 && s.LacksCommand(args[0], at) {
			return at + " runs " + path.Base(args[0]) + " in the container, which the slim image hasn't"
		}
		if why := cmp.Or(s.WordsLack(args), s.StartScriptLacks(args), s.ConfigsLack(args)); why != "" {
			return at + ": " + why
		}
	}
	return ""
}

// installBeside writes the install of what the small image lacks and something in
// the container needs: into the stage's own apt-get install, else below FROM.
func installBeside(s *split.Split) bool {
	names := slices.DeleteFunc(slices.Clone(s.Apt.Required), s.ComesAlong)
	if len(names) == 0 {
		return true
	}
	if s.Image.User != "" || s.Variant.Other {
		return s.Decline(s.Stage.From, "%s needs %s, which can't be installed there", s.Apt.Reason[names[0]], names[0])
	}
	slices.Sort(names)
	for _, n := range names {
		s.Explain("%s is installed beside, for %s", n, s.Apt.Reason[n])
	}
	for _, in := range s.Stage.Instructions {
		if st := s.Stage.At(in); in.Keyword != "run" || st.User != "" && !st.Root() {
			continue
		}
		all, _ := in.Steps()
		for _, step := range all {
			if a, ok := distro.ReadApt(step); ok && a.Verb == "install" && len(a.Words) > 0 && len(step.Stmt.Redirs) == 0 && !slices.ContainsFunc(a.Flags, otherSource) {
				return addPackages(s, in, step, names)
			}
		}
	}
	after := s.Stage.From
	for _, in := range s.Stage.Instructions {
		if aptSettings().MatchString(in.Text) && in.Keyword != "label" && in.Keyword != "healthcheck" {
			after = in
		}
	}
	if st := s.Stage.At(after.Next()); after != s.Stage.From && after.Next() != nil && st.User != "" && !st.Root() {
		return s.Decline(after, "%s needs %s, and the stage is no longer root where apt is set up", s.Apt.Reason[names[0]], names[0])
	}
	s.Edits = append(s.Edits, s.Doc.InsertAfter(after, s.InstallLine(names)+"\n"))
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
func addPackages(s *split.Split, in *rewrite.Instruction, st rewrite.Step, names []string) bool {
	sh, _ := in.Shell()
	last := len(st.Words) - 1
	sp, ok := sh.Span(st.Words[last].Start, st.Words[last].End)
	if !ok {
		return s.Decline(in, "a word of %s is broken over lines", st.Name)
	}
	assigns, args, redirs := cmdline.KeyWords(sh, st.Command)
	sep, line := " ", strings.LastIndexByte(s.Doc.Src[:sp.Start], '\n')+1
	if indent := s.Doc.Src[line:sp.Start]; strings.TrimSpace(indent) == "" && len(in.Heredocs) == 0 {
		sep = " \\\n" + indent
	}
	s.Edits = append(s.Edits, rewrite.Edit{Span: rewrite.Span{Start: sp.End, End: sp.End}, New: sep + strings.Join(names, sep)})
	s.Drops = append(s.Drops, cmdline.JoinKey(assigns, args, redirs))
	s.Adds = append(s.Adds, cmdline.JoinKey(assigns, append(args, names...), redirs))
	return true
}

// InstallsPackages tells why a step that installs the packages of a language doesn't
// do the same on the small image; known is false for other steps.
func installsPackages(s *split.Split, in *rewrite.Instruction, st rewrite.Step) (why string, known bool) {
	switch s.Ref.Repository() {
	case "python":
		return pipOn(s, in, st)
	case "node":
		return npmOn(s, in, st)
	}
	return "", false
}
