package multistage

import (
	"maps"
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/rewrite"
)

// Python's own interpreter on distroless cc, for --base smallest. A distroless
// python3 has the minor version of its Debian release alone; the C library is all
// that the official image's Python needs of a system, beside the libraries that its
// modules are linked with. A stage of its own gathers both: it depends on
// nothing of the project, so that its layer is built once and pushed once.
//
// The interpreter keeps its path, so scripts of pip, virtual environments and packages
// work as they do on the slim image. There is no shell, no pip and no tkinter.
//
// It declines where a shell or the system's programs are needed and where libraries are
// looked for by name (python_cc_facts.go), and where the Debian release isn't known or
// has another OpenSSL than distroless.

// own turns to distroless cc with the image's own Python, or tells why not. other is what
// speaks against distroless python3.
func (py *pythonSplit) own(other string) string {
	minor, release := pythonMinor().FindString(py.ref.Tag), py.img.Release
	ref, img, ended, ok := maintained(py.p.Images, "cc", release)
	switch {
	case minor == "" || versionLess(minor, "3.8"):
		return "the tag of " + py.stage.BaseName() + " names no minor version from 3.8 on"
	case debianNumber(release) == "" || !ok:
		return "on which Debian release " + py.stage.BaseName() + " stands isn't known"
	case release == "bullseye":
		return "its Python is linked with OpenSSL 1.1, which no maintained distroless image has"
	}
	behind, why := py.releaseBehind()
	if why != "" {
		return why
	}
	stage := ""
	for _, n := range []string{"python", "interpreter"} {
		if stage == "" && n != py.builder && py.doc.StageByRef(n, len(py.doc.Stages)) == nil {
			stage = n
		}
	}
	if stage == "" {
		return "there are stages python and interpreter already"
	}
	libs, restore, why := py.notInstalled()
	if why == "" {
		why = py.unowned()
	}
	if why != "" {
		restore()
		return why
	}
	py.base, py.owns = py.asUser(ref), true
	py.explain("the base is %s, to which the stage %s brings Python %s and the libraries that it is linked with; not distroless python3: %s", py.base, stage, minor, other)
	py.explain("a scanner of packages doesn't see Python and those libraries in the image; they are as new as %s whenever the stage is built", py.stage.BaseName()+behind)
	if behind != "" {
		py.exact = behind
		py.explain("%s%s is the same image today: what is gathered must not be of a newer Debian release than the base, to which %[1]s moves some day", py.stage.BaseName(), behind)
	}
	switch {
	case ended:
		py.explain("no distroless cc is maintained any more")
	case debianNumber(release) != debianNumber(img.Release):
		py.explain("Debian %s's distroless is no longer maintained; what was linked there runs with the newer C library of %s", release, path.Base(ref.Path))
	}
	py.gather(stage, py.stage.BaseName()+behind, minor)
	py.first = append(py.first, py.keyword("COPY")+" --from="+stage+" /runtime /")
	py.besidePackages(libs)
	if !py.beginsInWorkdir() {
		py.first = append(py.first, py.keyword("WORKDIR")+" /")
	}
	if lang := py.img.Env["LANG"]; lang != "" && py.stage.At(nil).Env["LANG"] == "" {
		py.baseEnv = py.keyword("ENV") + " LANG=" + lang // as in Python's images, also for what embeds it
	}
	py.assumes = append(py.assumes, "no package starts a program of the system or looks for a library by its name")
	return ""
}

// asUser is the distroless image that runs as nonroot, unless something keeps the program root.
func (py *pythonSplit) asUser(ref images.Ref) string {
	if py.stage.At(nil).User != "" {
		if py.stage.At(nil).Root() {
			return ref.WithTag("latest").String()
		}
		return ref.String()
	}
	if why := (&bare{split: py.split}).staysRoot(); why != "" {
		py.explain("it stays root: %s", why)
		return ref.WithTag("latest").String()
	}
	py.assumesNonroot()
	return ref.String()
}

// releaseBehind is what the tag of the base needs behind it to name its Debian release,
// "" when it does: a tag without one moves to the next release some day, whose
// Python needs a newer C library than that of the distroless image which is named here.
func (py *pythonSplit) releaseBehind() (behind, why string) {
	base, written, release := py.stage.BaseName(), py.stage.From.Fields()[0].Text, py.img.Release
	if strings.Contains(written, "$") {
		return "", "the base is computed from a build argument"
	}
	if strings.Contains(py.ref.Tag, release) {
		return "", ""
	}
	got, known := py.p.Images.Image(py.ref.WithTag(py.ref.Tag + "-" + release))
	if written != base || !strings.HasSuffix(written, ":"+py.ref.Tag) || !known || got.Release != release || got.Version != py.img.Version {
		return "", "the tag of " + base + " doesn't name its Debian release, and distroless' must not be an older one"
	}
	return "-" + release, ""
}

// gather writes the stage that puts Python, without symbols and what no program needs,
// the libraries that it is linked with and its locale below /runtime, at the paths that they have in
// the image. The official slim images are made the same way: without symbols, and with what ldd
// finds below /usr/local (https://github.com/docker-library/python, Dockerfile-linux.template).
func (py *pythonSplit) gather(stage, base, minor string) {
	from := []string{py.keyword("FROM")}
	for _, f := range py.stage.From.Flags {
		from = append(from, f.Text)
	}
	python, lib := "/usr/local/bin/python"+minor, "/usr/local/lib/python"+minor
	files := linkedFiles("$3 ~ /^\\// && !seen[$3]++", "/tmp/libraries")
	unneeded := "ensurepip idlelib tkinter turtle* config-* site-packages/pip* lib-dynload/_tkinter.*"
	if versionLess(minor, "3.13") {
		unneeded += " lib-dynload/nis.*" // brings Kerberos' libraries
	}
	commands := []string{
		"rm -rf " + unneeded,
		"ldd " + python + " lib-dynload/*.so >/tmp/libraries",
		"mkdir -p /runtime/usr/lib/locale /runtime/usr/local/bin /runtime/usr/local/lib",
		"cp -L $(" + files + ") /runtime/usr/lib/",
	}
	if !small(base) { // the slim image's are stripped, and it has no strip
		commands = append(commands, "strip --strip-unneeded "+python+" lib-dynload/*.so /runtime/usr/lib/libpython*")
	}
	commands = append(commands, "cp -a /usr/local/bin/python /usr/local/bin/python3 "+python+" /runtime/usr/local/bin/", "cp -a "+lib+" /runtime/usr/local/lib/",
		"cp -a /usr/lib/locale/C.utf8 /runtime/usr/lib/locale/") // the only locale of the image
	py.between = []string{
		strings.Join(append(from, base, rewrite.AsKeyword(py.stage), stage), " ") + "\n",
		py.keyword("WORKDIR") + " " + lib + "\n",
		"# Python, the libraries that it is linked with and its locale, none of which distroless cc has\n" + py.keyword("RUN") + " " + py.doc.Chained(commands) + "\n",
	}
	py.adds = append(py.adds, append(commands, files)...)
}

// notInstalled takes the libraries that the runtime stage installs out of it, to be copied
// instead, or tells which package can't be; restore takes that back.
func (py *pythonSplit) notInstalled() (libs []string, restore func(), why string) {
	apt, instead, plan := py.apt, maps.Clone(py.instead), slices.Clone(py.plan)
	restore = func() { py.apt, py.instead, py.plan = apt, instead, plan }
	libs = slices.Clone(apt.required)
	for _, l := range apt.lines {
		if l.unnamed() {
			libs = append(libs, l.names...)
		}
	}
	slices.Sort(libs)
	libs = slices.Compact(libs)
	for _, pkg := range libs {
		if name, _, _ := strings.Cut(pkg, "="); !closedLibraries().MatchString(name) {
			return nil, restore, "the runtime stage installs " + pkg
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(apt.runtime)) { // the same reason in each run
		if !slices.ContainsFunc(libs, func(lib string) bool { name, _, _ := strings.Cut(lib, "="); return name == pkg }) {
			return nil, restore, "the runtime stage installs " + pkg
		}
	}
	py.apt.required, py.apt.runtime = nil, map[string]bool{}
	for _, l := range apt.lines { // all of them: another kind of package has declined
		if py.instead[l.in] = slices.Delete(slices.Clone(py.instead[l.in]), l.at, l.at+1); len(py.instead[l.in]) == 0 {
			delete(py.instead, l.in)
		}
	}
	py.apt.lines = nil
	py.plan = slices.DeleteFunc(py.plan, func(l string) bool {
		return strings.Contains(l, " is installed in the runtime stage, the library behind ")
	})
	return libs, restore, ""
}

// besidePackages copies the libraries that packages were compiled with, by Debian's names.
func (py *pythonSplit) besidePackages(libs []string) {
	if len(libs) == 0 {
		return
	}
	dir := py.venv
	if dir == "" {
		dir = py.prefixDir()
	}
	find := "find " + dir + " -name '*.so' -exec ldd {} ';' >/tmp/libraries"
	// neither Python's own nor what wheels bring along
	files := linkedFiles("$3 ~ /^\\// && !seen[$3]++ && $3 !~ /^\\/usr\\/local\\// && $3 !~ /^"+strings.ReplaceAll(dir, "/", "\\/")+"\\//", "/tmp/libraries")
	commands := []string{find, "mkdir /libraries", "cp -L $(" + files + ") /libraries/"}
	py.tail = append(py.tail, "# the libraries that packages were compiled with\n"+py.keyword("RUN")+" "+py.doc.Chained(commands)+"\n")
	py.adds = append(py.adds, append(commands, files)...)
	py.first = append(py.first, py.copyFrom("/libraries/", "/usr/lib/"))
	py.explain("the files of %s, and of what they are linked with, are copied to /usr/lib: packages are compiled with them", strings.Join(libs, ", "))
	py.assumes = append(py.assumes, "those libraries load no plug-ins and read no files that the program needs")
}
