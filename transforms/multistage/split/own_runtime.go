package split

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/rewrite"
	"drydock/transforms/multistage/distro"
)

// An interpreter of the official image's own on distroless cc, for --base smallest:
// what Python (python/cc.go) and Ruby (ruby/cc.go) share. The C library is all that
// such an interpreter needs of a system, beside what it is linked with; a stage of its
// own gathers both below /runtime, at the paths that they have in the image. It depends on
// nothing of the project, so that its layer is built once and pushed once.

// OwnRuntime says where an interpreter comes from and what it goes to.
type OwnRuntime struct {
	language string     // "Ruby"
	Ref      images.Ref // distroless cc
	release  string     // its Debian release
	ended    bool       // no distroless cc is maintained any more
	behind   string     // what the tag of the base needs behind it to name its Debian release
	Stage    string     // name of the stage that gathers
	Image    string     // on what that stands
}

// OwnRuntime finds the base for an interpreter of the image's own, or tells why there
// is none. The stage gets the first of the names that is free.
func (s *Split) OwnRuntime(language string, names ...string) (o OwnRuntime, why string) {
	release := s.Image.Release
	ref, img, ended, ok := distro.Maintained(s.Pass.Images, "cc", release)
	switch {
	case distro.DebianNumber(release) == "" || !ok:
		return o, "on which Debian release " + s.Stage.BaseName() + " stands isn't known"
	case release == "bullseye":
		return o, "its " + language + " is linked with OpenSSL 1.1, which no maintained distroless image has"
	}
	behind, why := s.releaseBehind()
	if why != "" {
		return o, why
	}
	o = OwnRuntime{language: language, Ref: ref, release: img.Release, ended: ended, behind: behind, Image: s.Stage.BaseName() + behind}
	for _, n := range names {
		if o.Stage == "" && n != s.Builder && s.Doc.StageByRef(n, len(s.Doc.Stages)) == nil {
			o.Stage = n
		}
	}
	if o.Stage == "" {
		return o, "there are stages " + strings.Join(names, " and ") + " already"
	}
	return o, ""
}

// ExplainOwn adds to the plan what such a base means.
func (s *Split) ExplainOwn(o OwnRuntime) {
	s.Explain("a scanner of packages doesn't see %s and those libraries in the image; they are as new as %s whenever the stage is built", o.language, o.Image)
	if o.behind != "" {
		s.exact = o.behind
		s.Explain("%s%s is the same image today: what is gathered must not be of a newer Debian release than the base, to which %[1]s moves some day", s.Stage.BaseName(), o.behind)
	}
	switch {
	case o.ended:
		s.Explain("no distroless cc is maintained any more")
	case distro.DebianNumber(s.Image.Release) != distro.DebianNumber(o.release):
		s.Explain("Debian %s's distroless is no longer maintained; what was linked there runs with the newer C library of %s", s.Image.Release, path.Base(o.Ref.Path))
	}
}

// Gathered writes the stage that the commands, in the folder dir, gather in.
func (s *Split) Gathered(o OwnRuntime, dir, comment string, commands []string, inner ...string) {
	from := []string{s.Keyword("FROM")}
	for _, f := range s.Stage.From.Flags {
		from = append(from, f.Text)
	}
	s.Between = []string{
		strings.Join(append(from, o.Image, rewrite.AsKeyword(s.Stage), o.Stage), " ") + "\n",
		s.Keyword("WORKDIR") + " " + dir + "\n",
		"# " + comment + "\n" + s.Keyword("RUN") + " " + s.Doc.Chained(commands) + "\n",
	}
	s.Adds = append(s.Adds, slices.Concat(commands, inner)...)
	s.First = append(s.First, s.Keyword("COPY")+" --from="+o.Stage+" /runtime /")
}

// AsUser is the distroless image that runs as nonroot, unless something keeps the program root.
func (s *Split) AsUser(ref images.Ref) string {
	if s.Stage.At(nil).User != "" {
		if s.Stage.At(nil).Root() {
			return ref.WithTag("latest").String()
		}
		return ref.String()
	}
	if why := s.StaysRoot(); why != "" {
		s.Explain("it stays root: %s", why)
		return ref.WithTag("latest").String()
	}
	s.AssumesNonroot()
	return ref.String()
}

// releaseBehind is what the tag of the base needs behind it to name its Debian release,
// "" when it does: a tag without one moves to the next release some day, whose
// interpreter needs a newer C library than that of the distroless image which is named here.
func (s *Split) releaseBehind() (behind, why string) {
	base, written, release := s.Stage.BaseName(), s.Stage.From.Fields()[0].Text, s.Image.Release
	if strings.Contains(written, "$") {
		return "", "the base is computed from a build argument"
	}
	if strings.Contains(s.Ref.Tag, release) {
		return "", ""
	}
	got, known := s.Pass.Images.Image(s.Ref.WithTag(s.Ref.Tag + "-" + release))
	if written != base || !strings.HasSuffix(written, ":"+s.Ref.Tag) || !known || got.Release != release || got.Version != s.Image.Version {
		return "", "the tag of " + base + " doesn't name its Debian release, and distroless' must not be an older one"
	}
	return "-" + release, ""
}

// NotInstalled takes the libraries that the runtime stage installs out of it, to be copied
// instead, or tells which package can't be; restore takes that back.
func (s *Split) NotInstalled() (libs []string, restore func(), why string) {
	apt, instead, plan := s.Apt, maps.Clone(s.Instead), slices.Clone(s.Plan)
	restore = func() { s.Apt, s.Instead, s.Plan = apt, instead, plan }
	libs = slices.Clone(apt.Required)
	for _, l := range apt.lines {
		for _, n := range l.names {
			if l.keep[n] != n { // a library that stands for its headers
				libs = append(libs, n)
			}
		}
	}
	libs = slices.DeleteFunc(libs, func(lib string) bool { return distro.DistrolessHas[lib] })
	slices.Sort(libs)
	libs = slices.Compact(libs)
	for _, pkg := range libs {
		if name, _, _ := strings.Cut(pkg, "="); !distro.ClosedLibraries().MatchString(name) {
			return nil, restore, "the runtime stage installs " + pkg
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(apt.Runtime)) { // the same reason in each run
		if !distro.DistrolessHas[pkg] && !slices.ContainsFunc(libs, func(lib string) bool { name, _, _ := strings.Cut(lib, "="); return name == pkg }) {
			return nil, restore, "the runtime stage installs " + pkg
		}
	}
	s.Apt.Required, s.Apt.Runtime = nil, map[string]bool{}
	for _, l := range apt.lines { // all of them: another kind of package has declined
		if s.Instead[l.in] = slices.Delete(slices.Clone(s.Instead[l.in]), l.at, l.at+1); len(s.Instead[l.in]) == 0 {
			delete(s.Instead, l.in)
		}
	}
	s.Apt.lines = nil
	s.Plan = slices.DeleteFunc(s.Plan, func(l string) bool {
		return strings.Contains(l, " is installed in the runtime stage, the library behind ")
	})
	return libs, restore, ""
}

// BesideLibraries copies the libraries that what lies in the folders was compiled with, of
// which libs are some, by Debian's names. but is a further condition of awk on the files.
func (s *Split) BesideLibraries(what string, libs, folders []string, but string) {
	condition := `$3 ~ /^\// && !seen[$3]++ && $3 !~ /^\/usr\/local\//`
	for _, f := range folders { // neither the interpreter's own nor what packages bring along
		if !rewrite.Inside(f, "/usr/local") {
			condition += ` && $3 !~ /^` + strings.ReplaceAll(f, "/", `\/`) + `\//`
		}
	}
	find := "find " + strings.Join(folders, " ") + " -name '*.so' -exec ldd {} ';' >/tmp/libraries"
	files := distro.LinkedFiles(condition+but, "/tmp/libraries")
	simple := "cp -L $(" + files + ") /libraries/"
	copies := simple
	if len(libs) == 0 { // there may be none
		simple = "xargs -r cp -Lt /libraries"
		copies = files + " | " + simple
	}
	commands := []string{find, "mkdir /libraries", copies}
	s.Tail = append(s.Tail, "# the libraries that "+what+" were compiled with\n"+s.Keyword("RUN")+" "+s.Doc.Chained(commands)+"\n")
	s.Adds = append(s.Adds, find, "mkdir /libraries", simple, files)
	s.First = append(s.First, s.CopyFrom("/libraries/", "/usr/lib/"))
	if len(libs) > 0 {
		s.Explain("the files of %s, and of what they are linked with, are copied to /usr/lib: %s are compiled with them", strings.Join(libs, ", "), what)
	} else {
		s.Explain("whatever libraries %s were compiled with is copied to /usr/lib", what)
	}
	s.Assumes = append(s.Assumes, "those libraries load no plug-ins and read no files that the program needs")
}

// StartedOutside names what Kubernetes manifests and CI start in the container that the
// image can't, "" for nothing; compose files are NeedsShell's.
func (s *Split) StartedOutside(program func([]string) bool) string {
	entry := s.HasEntrypoint()
	lacks := func(file string, line int, words []string) string {
		return fmt.Sprintf("%s:%d runs %s in the container", file, line, strings.Join(words[:min(3, len(words))], " "))
	}
	for _, c := range s.Pass.Containers() {
		lists := append(slices.Clone(c.Exec), c.Command)
		if len(c.Command) == 0 && !entry {
			lists = append(lists, c.Args)
		}
		for _, l := range lists {
			if len(l) > 0 && !program(l) {
				return lacks(c.File, c.Line, l)
			}
		}
	}
	for _, c := range s.Pass.Commands() {
		if !(c.Image && entry) && len(c.Words) > 0 && !program(c.Words) {
			return lacks(c.File, c.Line, c.Words)
		}
	}
	return ""
}

// BeginsInWorkdir: the runtime stage sets its working directory before anything
// depends on it; distroless' nonroot images begin in /home/nonroot.
func (s *Split) BeginsInWorkdir() bool {
	for _, in := range s.Stage.Instructions {
		if s.Roles[in] == InBuild {
			continue
		}
		switch in.Keyword {
		case "workdir":
			return strings.HasPrefix(in.Args.Text, "/")
		case "copy", "add":
			if _, dest, _, _ := in.Copy(); !strings.HasPrefix(dest, "/") {
				return false
			}
		}
	}
	return false
}
