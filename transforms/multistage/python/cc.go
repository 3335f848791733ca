package python

import (
	"cmp"

	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
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
// looked for by name (cc_facts.go), and where the Debian release isn't known or
// has another OpenSSL than distroless.

// own turns to distroless cc with the image's own Python, or tells why not. other is what
// speaks against distroless python3.
func (py *App) own(other string) string {
	minor := pythonMinor().FindString(py.Ref.Tag)
	if minor == "" || cmdline.VersionLess(minor, "3.8") {
		return "the tag of " + py.Stage.BaseName() + " names no minor version from 3.8 on"
	}
	o, why := py.OwnRuntime("Python", "python", "interpreter")
	if why != "" {
		return why
	}
	libs, restore, why := py.NotInstalled()
	if why == "" {
		why = py.unowned()
	}
	if why != "" {
		restore()
		return why
	}
	py.Base, py.owns = py.AsUser(o.Ref), true
	py.Explain("the base is %s, to which the stage %s brings Python %s and the libraries that it is linked with; not distroless python3: %s", py.Base, o.Stage, minor, other)
	py.ExplainOwn(o)
	py.gather(o, minor)
	py.besidePackages(libs)
	if !py.BeginsInWorkdir() {
		py.First = append(py.First, py.Keyword("WORKDIR")+" /")
	}
	if lang := py.Image.Env["LANG"]; lang != "" && py.Stage.At(nil).Env["LANG"] == "" {
		py.BaseEnv = py.Keyword("ENV") + " LANG=" + lang // as in Python's images, also for what embeds it
	}
	py.Assumes = append(py.Assumes, "no package starts a program of the system or looks for a library by its name")
	return ""
}

// gather writes the stage that puts Python, without symbols and what no program needs,
// the libraries that it is linked with and its locale below /runtime. The official slim images are made
// the same way: without symbols, and with what ldd
// finds below /usr/local (https://github.com/docker-library/python, Dockerfile-linux.template).
func (py *App) gather(o split.OwnRuntime, minor string) {
	python, lib := "/usr/local/bin/python"+minor, "/usr/local/lib/python"+minor
	files := distro.LinkedFiles("$3 ~ /^\\// && !seen[$3]++", "/tmp/libraries")
	unneeded := "ensurepip idlelib tkinter turtle* config-* site-packages/pip* lib-dynload/_tkinter.*"
	if cmdline.VersionLess(minor, "3.13") {
		unneeded += " lib-dynload/nis.*" // brings Kerberos' libraries
	}
	commands := []string{
		"rm -rf " + unneeded,
		"ldd " + python + " lib-dynload/*.so >/tmp/libraries",
		"mkdir -p /runtime/usr/lib/locale /runtime/usr/local/bin /runtime/usr/local/lib",
		"cp -L $(" + files + ") /runtime/usr/lib/",
	}
	if !distro.Small(o.Image) { // the slim image's are stripped, and it has no strip
		commands = append(commands, "strip --strip-unneeded "+python+" lib-dynload/*.so /runtime/usr/lib/libpython*")
	}
	commands = append(commands, "cp -a /usr/local/bin/python /usr/local/bin/python3 "+python+" /runtime/usr/local/bin/", "cp -a "+lib+" /runtime/usr/local/lib/",
		"cp -a /usr/lib/locale/C.utf8 /runtime/usr/lib/locale/") // the only locale of the image
	py.Gathered(o, lib, "Python, the libraries that it is linked with and its locale, none of which distroless cc has", commands, files)
}

// besidePackages copies the libraries that packages were compiled with, by Debian's names.
func (py *App) besidePackages(libs []string) {
	if len(libs) > 0 {
		py.BesideLibraries("packages", libs, []string{cmp.Or(py.venv, py.prefixDir())}, "")
	}
}
