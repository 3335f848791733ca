package multistage

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
)

// Distroless for Python. Its interpreter is Debian's own, so that the minor
// version must be the one that the packages were installed for; it looks for
// packages in dist-packages. The scripts that pip writes name an interpreter that
// isn't there, so that a program starts as a module. There is no shell, no pip and
// no setuptools.

// modules are programs that start as a module of that name as well
// (python -m NAME): each has a __main__ that does what its script does.
var modules = map[string]string{
	"gunicorn": "gunicorn", "flask": "flask", "uvicorn": "uvicorn", "hypercorn": "hypercorn", "celery": "celery", "django-admin": "django", "waitress-serve": "waitress", "daphne": "daphne", "streamlit": "streamlit",
}

// distroless turns to a distroless base where the policy asks for one and the
// facts allow it; else it explains which fact doesn't.
func (py *pythonSplit) distroless() {
	if py.p.Policy != Distroless && py.p.Policy != Smallest {
		return
	}
	ref, img, why := py.debianPython()
	if why == "" {
		why = py.bare(img)
	}
	if why != "" && py.p.Policy == Smallest {
		own := py.own(why)
		if own == "" {
			return
		}
		if own != why {
			why += "; nor with a Python of its own: " + own
		}
	}
	if why != "" {
		py.explain("the runtime stage isn't distroless: %s", why)
		return
	}
	py.base, py.bareMinor = py.nonroot(ref), img.Version
	if !py.beginsInWorkdir() {
		py.first = append(py.first, py.keyword("WORKDIR")+" /")
	}
	py.rewriteStart(img)
	py.explain("the base is %s: its Python is %s too, CMD starts without a shell and no source starts other programs", py.base, img.Version)
	if img.EndOfLife != "" {
		py.explain("%s is supported until %s only", path.Base(ref.Repository()), img.EndOfLife)
	}
}

// nonroot is a distroless image that runs as nonroot where nothing keeps the program
// root; else it is the one that runs as root.
func (py *pythonSplit) nonroot(ref images.Ref) string {
	keepsRoot := py.stage.At(nil).User != "" && py.stage.At(nil).Root()
	for _, in := range py.stage.Instructions {
		keepsRoot = keepsRoot || in.Keyword == "volume"
	}
	if keepsRoot || rewrite.Inside(py.stage.At(nil).Workdir, "/root") || py.p.Unsafe && py.p.Repo.Writes(py.p.Name, false) != "" {
		return ref.WithTag("latest").String()
	}
	if py.stage.At(nil).User == "" {
		py.assumes = append(py.assumes, "the program may run as uid 65532 (nonroot) and writes only to /tmp")
	}
	return ref.String()
}

// debianPython is the distroless image whose Python is of the same minor and whose
// C library isn't older than the one that packages were compiled with.
func (py *pythonSplit) debianPython() (ref images.Ref, img images.Image, why string) {
	have, minor := debianNumber(py.img.Release), py.minor()
	if have == "" || minor == "" {
		return ref, img, "the Python version or the Debian release of " + py.stage.BaseName() + " isn't known"
	}
	for _, kind := range []string{"python3-debian11", "python3-debian12", "python3-debian13"} {
		r, ok := images.Distroless(kind)
		if !ok {
			continue
		}
		i, ok := py.p.Images.Image(r)
		if !ok || i.Version != minor {
			continue
		}
		if debianNumber(i.Release) < have {
			return ref, img, "packages compiled on Debian " + py.img.Release + " may need a newer C library than that of " + kind + ", the one with Python " + minor
		}
		return r, i, ""
	}
	return ref, img, "none has Python " + minor
}

var startsPrograms = lazily(`\bsubprocess\b|\bos\.(system|popen|exec\w+|spawn\w+|posix_spawn\w*)\(|\bpty\.|\bpexpect\b|shutil\.which|create_subprocess`)

// missingModules are what Debian's stdlib packages leave out and what the official
// images have beside it.
var missingModules = lazily(`(?m)^\s*(?:import|from)\s+(distutils|setuptools|pkg_resources|pip|ensurepip|venv|tkinter|idlelib|lib2to3)\b`)

// lacksUser: USER, or --chown, names somebody whom distroless images don't know.
func lacksUser(in *rewrite.Instruction) string {
	user, group := "", ""
	switch in.Keyword {
	case "user":
		user = in.Stage.At(in).Expand(in.Args.Text)
	case "copy", "add":
		user, _ = in.Flag("chown")
		user = in.State().Expand(user)
	}
	user, group, _ = strings.Cut(user, ":")
	known := func(name string) bool {
		return strings.Trim(name, "0123456789") == "" || name == "root" || name == "nonroot" || name == "nobody"
	}
	switch {
	case !known(user):
		return "it has no user " + user
	case !known(group):
		return "it has no group " + group
	}
	return ""
}

// bare tells why the program needs more than a distroless image.
func (py *pythonSplit) bare(img images.Image) string {
	switch {
	case py.venv != "":
		return "the virtual environment " + py.venv + " links to /usr/local/bin/python, which it hasn't"
	case py.whole != "":
		return py.whole
	}
	for _, b := range py.runs() {
		if len(b.Command)+len(b.Entrypoint)+len(b.Healthcheck) > 0 {
			return b.File + " says itself what runs in the container"
		}
	}
	for _, in := range py.stage.Instructions {
		line, _ := startLine(in)
		if in.Keyword == "healthcheck" && len(line) > 0 {
			return "HEALTHCHECK starts " + line[0]
		}
		if why := lacksUser(in); why != "" && py.roles[in] != inBuild {
			return why
		}
	}
	if why := py.needsShell(func(words []string) bool { _, ok := pythonArgs(words); return ok }, ".py"); why != "" {
		return why
	}
	for _, pkg := range slices.Sorted(maps.Keys(py.apt.runtime)) { // the same reason in each run
		return "the runtime stage installs " + pkg
	}
	for _, p := range py.asked {
		if p.Name == "setuptools" {
			return "setuptools is a package of the application"
		}
	}
	return py.bareSource()
}

// bareSource reads the source for what a distroless image hasn't.
func (py *pythonSplit) bareSource() string {
	return py.readSource(func(f, src string) string {
		if m := missingModules().FindStringSubmatchIndex(src); m != nil {
			return f + ":" + lineAt(src, m[2]) + " imports " + src[m[2]:m[3]] + ", which it hasn't"
		}
		if at := strings.Index(src, "/usr/local/"); at >= 0 {
			return f + ":" + lineAt(src, at) + " names a path below /usr/local"
		}
		return ""
	})
}

// readSource asks about each file of the source that doesn't start other programs, until
// one gives an answer.
func (py *pythonSplit) readSource(ask func(file, src string) string) string {
	if !py.p.Unsafe {
		return ""
	}
	files, complete := py.p.Repo.Files()
	if !complete {
		return "the project is too big to be searched for programs that it runs"
	}
	ig := py.p.Repo.Ignore(py.p.Name)
	for _, f := range files {
		if path.Ext(f) != ".py" || repo.TestFile(f) || ig.Excluded(f) || path.Base(f) == "setup.py" {
			continue
		}
		src, err := py.p.Repo.ReadFile(f)
		if err != nil || len(src) > repo.MaxScanBytes {
			return f + " can't be read"
		}
		if at := startsPrograms().FindIndex(src); at != nil {
			return f + ":" + lineAt(string(src), at[0]) + " may start other programs"
		}
		if why := ask(f, string(src)); why != "" {
			return why
		}
	}
	return ""
}

// pythonArgs are the arguments with which Python does what a command does; ok is
// false for what isn't Python's.
func pythonArgs(words []string) (args []string, ok bool) {
	if len(words) == 0 {
		return nil, false
	}
	name := words[0]
	switch {
	case pythonProgram().MatchString(name):
		return words[1:], len(words) > 1
	case modules[path.Base(name)] != "" && (!strings.Contains(name, "/") || path.Dir(name) == "/usr/local/bin"):
		return append([]string{"-m", modules[path.Base(name)]}, words[1:]...), true
	}
	return nil, false
}

var pythonProgram = lazily(`^(/usr/local/bin/)?python[0-9.]*$`)

// rewriteStart lets the image's own interpreter start what CMD or ENTRYPOINT says.
func (py *pythonSplit) rewriteStart(img images.Image) {
	entry := py.hasEntrypoint()
	for _, in := range py.stage.Instructions {
		line, _ := startLine(in)
		if len(line) == 0 || in.Keyword == "cmd" && entry {
			continue
		}
		args, _ := pythonArgs(line)
		if in.Keyword == "entrypoint" {
			args = append(append([]string{}, img.Entrypoint...), args...)
		}
		var quoted []string
		for _, a := range args {
			b, _ := json.Marshal(a)
			quoted = append(quoted, string(b))
		}
		word, _, _ := strings.Cut(py.doc.Src[in.Span.Start:in.Span.End], " ")
		py.say(in, word+" ["+strings.Join(quoted, ", ")+"]")
		py.config |= rewrite.FieldCmd | rewrite.FieldEntrypoint
		py.explain("the image starts %s itself; %s are its arguments", img.Entrypoint[0], strings.ToUpper(in.Keyword))
	}
}
