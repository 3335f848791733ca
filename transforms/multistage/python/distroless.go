package python

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
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
func (py *App) distroless() {
	if py.Pass.Policy != split.Distroless && py.Pass.Policy != split.Smallest {
		return
	}
	if py.inHome {
		py.Explain("the runtime stage isn't distroless: NLTK's data lie in root's home")
		return
	}
	ref, img, why := py.DebianPython()
	if why == "" {
		why = py.bare(img)
	}
	if why != "" && py.Pass.Policy == split.Smallest {
		own := py.own(why)
		if own == "" {
			return
		}
		if own != why {
			why += "; nor with a Python of its own: " + own
		}
	}
	if why != "" {
		py.Explain("the runtime stage isn't distroless: %s", why)
		return
	}
	py.Base, py.bareMinor = py.nonroot(ref), img.Version
	if !py.BeginsInWorkdir() {
		py.First = append(py.First, py.Keyword("WORKDIR")+" /")
	}
	py.RewriteStart(img)
	py.Explain("the base is %s: its Python is %s too, CMD starts without a shell and no source starts other programs", py.Base, img.Version)
	if img.EndOfLife != "" {
		py.Explain("%s is supported until %s only", path.Base(ref.Repository()), img.EndOfLife)
	}
}

// nonroot is a distroless image that runs as nonroot where nothing keeps the program
// root; else it is the one that runs as root.
func (py *App) nonroot(ref images.Ref) string {
	keepsRoot := py.Stage.At(nil).User != "" && py.Stage.At(nil).Root()
	for _, in := range py.Stage.Instructions {
		keepsRoot = keepsRoot || in.Keyword == "volume"
	}
	if keepsRoot || py.KeepsFiles() != "" || rewrite.Inside(py.Stage.At(nil).Workdir, "/root") || py.Pass.Unsafe && py.Pass.Repo.Writes(py.Pass.Name, false) != "" {
		return ref.WithTag("latest").String()
	}
	if py.Stage.At(nil).User == "" {
		py.Assumes = append(py.Assumes, "the program may run as uid 65532 (nonroot) and writes only to /tmp")
	}
	return ref.String()
}

// DebianPython is the distroless image whose Python is of the same minor and whose
// C library isn't older than the one that packages were compiled with.
func (py *App) DebianPython() (ref images.Ref, img images.Image, why string) {
	have, minor := distro.DebianNumber(py.Image.Release), py.Minor()
	if have == "" || minor == "" {
		return ref, img, "the Python version or the Debian release of " + py.Stage.BaseName() + " isn't known"
	}
	for _, kind := range []string{"python3-debian11", "python3-debian12", "python3-debian13"} {
		r, ok := images.Distroless(kind)
		if !ok {
			continue
		}
		i, ok := py.Pass.Images.Image(r)
		if !ok || i.Version != minor {
			continue
		}
		if distro.DebianNumber(i.Release) < have {
			return ref, img, "packages compiled on Debian " + py.Image.Release + " may need a newer C library than that of " + kind + ", the one with Python " + minor
		}
		return r, i, ""
	}
	return ref, img, "none has Python " + minor
}

var startsPrograms = lazily(`\bsubprocess\b|\bos\.(system|popen|exec\w+|spawn\w+|posix_spawn\w*)\(|\bpty\.|\bpexpect\b|shutil\.which|create_subprocess`)

// missingModules are what Debian's stdlib packages leave out and what the official
// images have beside it.
var missingModules = lazily(`(?m)^\s*(?:import|from)\s+(distutils|setuptools|pkg_resources|pip|ensurepip|venv|tkinter|idlelib|lib2to3)\b`)

// bare tells why the program needs more than a distroless image.
func (py *App) bare(img images.Image) string {
	switch {
	case py.venv != "":
		return "the virtual environment " + py.venv + " links to /usr/local/bin/python, which it hasn't"
	case py.whole != "":
		return py.whole
	}
	for _, b := range py.Runs() {
		if len(b.Command)+len(b.Entrypoint)+len(b.Healthcheck) > 0 {
			return b.File + " says itself what runs in the container"
		}
	}
	for _, in := range py.Stage.Instructions {
		line, _ := cmdline.StartLine(in)
		if in.Keyword == "healthcheck" && len(line) > 0 {
			return "HEALTHCHECK starts " + line[0]
		}
		if why := distro.LacksUser(in); why != "" && py.Roles[in] != split.InBuild {
			return why
		}
	}
	if why := py.NeedsShell(func(words []string) bool { _, ok := Args(words); return ok }, ".py"); why != "" {
		return why
	}
	for _, pkg := range slices.Sorted(maps.Keys(py.Apt.Runtime)) { // the same reason in each run
		return "the runtime stage installs " + pkg
	}
	for _, p := range py.Asked {
		if p.Name == "setuptools" {
			return "setuptools is a package of the application"
		}
	}
	return py.BareSource()
}

// BareSource reads the source for what a distroless image hasn't.
func (py *App) BareSource() string {
	return py.readSource(func(f, src string) string {
		if m := missingModules().FindStringSubmatchIndex(src); m != nil {
			return f + ":" + cmdline.LineAt(src, m[2]) + " imports " + src[m[2]:m[3]] + ", which it hasn't"
		}
		if at := strings.Index(src, "/usr/local/"); at >= 0 {
			return f + ":" + cmdline.LineAt(src, at) + " names a path below /usr/local"
		}
		return ""
	})
}

// readSource asks about each file of the source that doesn't start other programs, until
// one gives an answer.
func (py *App) readSource(ask func(file, src string) string) string {
	if !py.Pass.Unsafe {
		return ""
	}
	files, complete := py.Pass.Repo.Files()
	if !complete {
		return "the project is too big to be searched for programs that it runs"
	}
	ig := py.Pass.Repo.Ignore(py.Pass.Name)
	for _, f := range files {
		if path.Ext(f) != ".py" || repo.TestFile(f) || ig.Excluded(f) || path.Base(f) == "setup.py" {
			continue
		}
		src, err := py.Pass.Repo.ReadFile(f)
		if err != nil || len(src) > repo.MaxScanBytes {
			return f + " can't be read"
		}
		if at := startsPrograms().FindIndex(src); at != nil {
			return f + ":" + cmdline.LineAt(string(src), at[0]) + " may start other programs"
		}
		if why := ask(f, string(src)); why != "" {
			return why
		}
	}
	return ""
}

// Args are the arguments with which Python does what a command does; ok is
// false for what isn't Python's.
func Args(words []string) (args []string, ok bool) {
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

// RewriteStart lets the image's own interpreter start what CMD or ENTRYPOINT says.
func (py *App) RewriteStart(img images.Image) {
	entry := py.HasEntrypoint()
	for _, in := range py.Stage.Instructions {
		line, _ := cmdline.StartLine(in)
		if len(line) == 0 || in.Keyword == "cmd" && entry {
			continue
		}
		args, _ := Args(line)
		if in.Keyword == "entrypoint" {
			args = append(append([]string{}, img.Entrypoint...), args...)
		}
		var quoted []string
		for _, a := range args {
			b, _ := json.Marshal(a)
			quoted = append(quoted, string(b))
		}
		word, _, _ := strings.Cut(py.Doc.Src[in.Span.Start:in.Span.End], " ")
		py.Say(in, word+" ["+strings.Join(quoted, ", ")+"]")
		py.Config |= rewrite.FieldCmd | rewrite.FieldEntrypoint
		py.Explain("the image starts %s itself; %s are its arguments", img.Entrypoint[0], strings.ToUpper(in.Keyword))
	}
}
