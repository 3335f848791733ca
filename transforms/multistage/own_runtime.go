package multistage

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/rewrite"
)

// An interpreter of the official image's own on distroless cc, for --base smallest:
// what Python (python_cc.go) and Ruby (ruby_cc.go) share. The C library is all that
// such an interpreter needs of a system, beside what it is linked with; a stage of its
// own gathers both below /runtime, at the paths that they have in the image. It depends on
// nothing of the project, so that its layer is built once and pushed once.

// ownRuntime says where an interpreter comes from and what it goes to.
type ownRuntime struct {
	language string     // "Ruby"
	ref      images.Ref // distroless cc
	release  string     // its Debian release
	ended    bool       // no distroless cc is maintained any more
	behind   string     // what the tag of the base needs behind it to name its Debian release
	stage    string     // name of the stage that gathers
	image    string     // on what that stands
}

// ownRuntime finds the base for an interpreter of the image's own, or tells why there
// is none. The stage gets the first of the names that is free.
func (s *split) ownRuntime(language string, names ...string) (o ownRuntime, why string) {
	release := s.img.Release
	ref, img, ended, ok := maintained(s.p.Images, "cc", release)
	switch {
	case debianNumber(release) == "" || !ok:
		return o, "on which Debian release " + s.stage.BaseName() + " stands isn't known"
	case release == "bullseye":
		return o, "its " + language + " is linked with OpenSSL 1.1, which no maintained distroless image has"
	}
	behind, why := s.releaseBehind()
	if why != "" {
		return o, why
	}
	o = ownRuntime{language: language, ref: ref, release: img.Release, ended: ended, behind: behind, image: s.stage.BaseName() + behind}
	for _, n := range names {
		if o.stage == "" && n != s.builder && s.doc.StageByRef(n, len(s.doc.Stages)) == nil {
			o.stage = n
		}
	}
	if o.stage == "" {
		return o, "there are stages " + strings.Join(names, " and ") + " already"
	}
	return o, ""
}

// explainOwn adds to the plan what such a base means.
func (s *split) explainOwn(o ownRuntime) {
	s.explain("a scanner of packages doesn't see %s and those libraries in the image; they are as new as %s whenever the stage is built", o.language, o.image)
	if o.behind != "" {
		s.exact = o.behind
		s.explain("%s%s is the same image today: what is gathered must not be of a newer Debian release than the base, to which %[1]s moves some day", s.stage.BaseName(), o.behind)
	}
	switch {
	case o.ended:
		s.explain("no distroless cc is maintained any more")
	case debianNumber(s.img.Release) != debianNumber(o.release):
		s.explain("Debian %s's distroless is no longer maintained; what was linked there runs with the newer C library of %s", s.img.Release, path.Base(o.ref.Path))
	}
}

// gathered writes the stage that the commands, in the folder dir, gather in.
func (s *split) gathered(o ownRuntime, dir, comment string, commands []string, inner ...string) {
	from := []string{s.keyword("FROM")}
	for _, f := range s.stage.From.Flags {
		from = append(from, f.Text)
	}
	s.between = []string{
		strings.Join(append(from, o.image, rewrite.AsKeyword(s.stage), o.stage), " ") + "\n",
		s.keyword("WORKDIR") + " " + dir + "\n",
		"# " + comment + "\n" + s.keyword("RUN") + " " + s.doc.Chained(commands) + "\n",
	}
	s.adds = append(s.adds, slices.Concat(commands, inner)...)
	s.first = append(s.first, s.keyword("COPY")+" --from="+o.stage+" /runtime /")
}

// asUser is the distroless image that runs as nonroot, unless something keeps the program root.
func (s *split) asUser(ref images.Ref) string {
	if s.stage.At(nil).User != "" {
		if s.stage.At(nil).Root() {
			return ref.WithTag("latest").String()
		}
		return ref.String()
	}
	if why := (&bare{split: s}).staysRoot(); why != "" {
		s.explain("it stays root: %s", why)
		return ref.WithTag("latest").String()
	}
	s.assumesNonroot()
	return ref.String()
}

// releaseBehind is what the tag of the base needs behind it to name its Debian release,
// "" when it does: a tag without one moves to the next release some day, whose
// interpreter needs a newer C library than that of the distroless image which is named here.
func (s *split) releaseBehind() (behind, why string) {
	base, written, release := s.stage.BaseName(), s.stage.From.Fields()[0].Text, s.img.Release
	if strings.Contains(written, "$") {
		return "", "the base is computed from a build argument"
	}
	if strings.Contains(s.ref.Tag, release) {
		return "", ""
	}
	got, known := s.p.Images.Image(s.ref.WithTag(s.ref.Tag + "-" + release))
	if written != base || !strings.HasSuffix(written, ":"+s.ref.Tag) || !known || got.Release != release || got.Version != s.img.Version {
		return "", "the tag of " + base + " doesn't name its Debian release, and distroless' must not be an older one"
	}
	return "-" + release, ""
}

// notInstalled takes the libraries that the runtime stage installs out of it, to be copied
// instead, or tells which package can't be; restore takes that back.
func (s *split) notInstalled() (libs []string, restore func(), why string) {
	apt, instead, plan := s.apt, maps.Clone(s.instead), slices.Clone(s.plan)
	restore = func() { s.apt, s.instead, s.plan = apt, instead, plan }
	libs = slices.Clone(apt.required)
	for _, l := range apt.lines {
		for _, n := range l.names {
			if l.keep[n] != n { // a library that stands for its headers
				libs = append(libs, n)
			}
		}
	}
	libs = slices.DeleteFunc(libs, func(lib string) bool { return distrolessHas[lib] })
	slices.Sort(libs)
	libs = slices.Compact(libs)
	for _, pkg := range libs {
		if name, _, _ := strings.Cut(pkg, "="); !closedLibraries().MatchString(name) {
			return nil, restore, "the runtime stage installs " + pkg
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(apt.runtime)) { // the same reason in each run
		if !distrolessHas[pkg] && !slices.ContainsFunc(libs, func(lib string) bool { name, _, _ := strings.Cut(lib, "="); return name == pkg }) {
			return nil, restore, "the runtime stage installs " + pkg
		}
	}
	s.apt.required, s.apt.runtime = nil, map[string]bool{}
	for _, l := range apt.lines { // all of them: another kind of package has declined
		if s.instead[l.in] = slices.Delete(slices.Clone(s.instead[l.in]), l.at, l.at+1); len(s.instead[l.in]) == 0 {
			delete(s.instead, l.in)
		}
	}
	s.apt.lines = nil
	s.plan = slices.DeleteFunc(s.plan, func(l string) bool {
		return strings.Contains(l, " is installed in the runtime stage, the library behind ")
	})
	return libs, restore, ""
}

// besideLibraries copies the libraries that what lies in the folders was compiled with, of
// which libs are some, by Debian's names. but is a further condition of awk on the files.
func (s *split) besideLibraries(what string, libs, folders []string, but string) {
	condition := `$3 ~ /^\// && !seen[$3]++ && $3 !~ /^\/usr\/local\//`
	for _, f := range folders { // neither the interpreter's own nor what packages bring along
		if !rewrite.Inside(f, "/usr/local") {
			condition += ` && $3 !~ /^` + strings.ReplaceAll(f, "/", `\/`) + `\//`
		}
	}
	find := "find " + strings.Join(folders, " ") + " -name '*.so' -exec ldd {} ';' >/tmp/libraries"
	files := linkedFiles(condition+but, "/tmp/libraries")
	simple := "cp -L $(" + files + ") /libraries/"
	copies := simple
	if len(libs) == 0 { // there may be none
		simple = "xargs -r cp -Lt /libraries"
		copies = files + " | " + simple
	}
	commands := []string{find, "mkdir /libraries", copies}
	s.tail = append(s.tail, "# the libraries that "+what+" were compiled with\n"+s.keyword("RUN")+" "+s.doc.Chained(commands)+"\n")
	s.adds = append(s.adds, find, "mkdir /libraries", simple, files)
	s.first = append(s.first, s.copyFrom("/libraries/", "/usr/lib/"))
	if len(libs) > 0 {
		s.explain("the files of %s, and of what they are linked with, are copied to /usr/lib: %s are compiled with them", strings.Join(libs, ", "), what)
	} else {
		s.explain("whatever libraries %s were compiled with is copied to /usr/lib", what)
	}
	s.assumes = append(s.assumes, "those libraries load no plug-ins and read no files that the program needs")
}

// startedOutside names what Kubernetes manifests and CI start in the container that the
// image can't, "" for nothing; compose files are needsShell's.
func (s *split) startedOutside(program func([]string) bool) string {
	entry := s.hasEntrypoint()
	lacks := func(file string, line int, words []string) string {
		return fmt.Sprintf("%s:%d runs %s in the container", file, line, strings.Join(words[:min(3, len(words))], " "))
	}
	for _, c := range s.p.Containers() {
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
	for _, c := range s.p.Commands() {
		if !(c.Image && entry) && len(c.Words) > 0 && !program(c.Words) {
			return lacks(c.File, c.Line, c.Words)
		}
	}
	return ""
}

// beginsInWorkdir: the runtime stage sets its working directory before anything
// depends on it; distroless' nonroot images begin in /home/nonroot.
func (s *split) beginsInWorkdir() bool {
	for _, in := range s.stage.Instructions {
		if s.roles[in] == inBuild {
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
