package rewrite

import (
	"path"
	"slices"
	"strings"

	"drydock/repo"
)

var _ = registerManager(&manager{tools: []string{"pip", "pip3"}, install: pipInstall})

// pipFlags are those of pip install, wheel and download, and of uv pip install and sync, that
// read and write nothing of the project.
const pipFlags flags = `-i= --index-url= --extra-index-url= --trusted-host= --timeout= --retries= --default-timeout= --progress-bar= --no-binary= --only-binary= --proxy= --python-version= --platform= --abi= --implementation=
	--root-user-action= --upgrade-strategy= --use-feature= --use-deprecated= --global-option= --install-option= --config-settings= --python= -p= --index-strategy= --prerelease= --resolution= --link-mode= --index= --default-index= --exists-action= --use-pep517
	-r= --requirement= -c= --constraint= -e= --editable= -t= --target= --prefix= --root= --src= --cache-dir= -f= --find-links= -w= --wheel-dir= -d= --dest= --build-constraint= -b= --requirements= --constraints= --extra= --group= --override= --overrides=`

// pipPlaces are flags whose value is a folder that pip writes to.
var pipPlaces = []string{"-t", "--target", "--prefix", "--root", "--src", "--cache-dir", "-w", "--wheel-dir", "-d", "--dest"}

func pipInstall(i *Install, c installCall) bool {
	if len(c.args) < 2 || c.args[1] != "install" && c.args[1] != "wheel" && c.args[1] != "download" {
		return false
	}
	i.Name = "pip " + c.args[1]
	line := pipFlags.read(c.args[2:])
	if c.args[1] != "install" && !line.has("-w", "--wheel-dir", "-d", "--dest") {
		i.Writes = append(i.Writes, i.Dir)
	}
	return i.requirements(c, line)
}

// requirements fills in an install by pip or uv pip of requirements files and
// projects; false when the command names neither.
func (i *Install) requirements(c installCall, line commandLine) bool {
	i.Writes = append(append(i.Writes, languages...), pathFolders(c.st)...)
	found := false
	for _, p := range line.values(pipPlaces...) {
		if abs, ok := c.st.Abs(p); ok {
			i.Writes = append(i.Writes, abs)
		} else {
			i.unknown("%s writes to the computed path %s", i.Name, p)
		}
	}
	for _, l := range line.values("-f", "--find-links", "-i", "--index-url", "--extra-index-url", "--index", "--default-index") {
		if !strings.Contains(l, "://") && !strings.HasPrefix(l, "$") || strings.HasPrefix(l, "file:") {
			i.unknown("%s takes packages from %s", i.Name, l)
		}
	}
	for _, n := range []string{"-b", "--build-constraint", "--group", "--override", "--overrides"} {
		if line.has(n) {
			i.unknown("%s %s reads other files", i.Name, n)
		}
	}
	for _, e := range line.values("-e", "--editable") {
		found = true
		if url, _, vcs := strings.Cut(e, "+"); vcs && strings.Contains(e, "://") && len(url) < 4 {
			i.Writes = append(i.Writes, path.Join(c.st.Workdir, "src"))
			continue
		}
		i.project(c, i.Name+" -e "+e, e)
	}
	for _, w := range line.words {
		switch {
		case strings.Contains(w, "://") && !strings.Contains(w, "file:"):
		case strings.HasPrefix(w, "."), strings.Contains(w, "/"), repoArchive(w):
			found = true
			i.project(c, i.Name+" "+w, w)
		case strings.HasPrefix(w, "$") || strings.Contains(w, "$("):
			i.unknown("%s %s is computed", i.Name, w)
		}
	}
	for _, f := range line.values("-r", "--requirement", "-c", "--constraint", "--requirements", "--constraints") {
		found = true
		i.requirementsFile(c, f)
	}
	return found
}

func repoArchive(w string) bool {
	return isArchive(w) || strings.HasSuffix(w, ".whl") || strings.HasSuffix(w, ".zip")
}

// project: a folder whose package is built and installed, which takes its code.
func (i *Install) project(c installCall, what, target string) {
	dir, _, _ := strings.Cut(target, "[")
	abs, ok := c.st.Abs(dir)
	if !ok {
		i.unknown("%s reads a computed path", what)
		return
	}
	for _, f := range []string{"pyproject.toml", "setup.py", "setup.cfg"} {
		ctx, ok := c.origin(path.Join(abs, f))
		if !ok || !c.repo.Exists(ctx) {
			continue
		}
		i.place(path.Join(abs, f), ctx)
		b := c.repo.PythonBuild(path.Dir(ctx))
		i.Files = append(i.Files, ctx)
		i.unknown("%s builds the project, which reads %s", what, buildReads(b))
		return
	}
	i.unknown("%s reads %s itself", what, dir)
}

// buildReads says what a build reads besides pyproject.toml and the like.
func buildReads(b *repo.PythonBuild) string {
	var names []string
	for _, f := range b.Files {
		switch path.Base(f) {
		case "pyproject.toml", "setup.py", "setup.cfg":
		default:
			names = append(names, f)
		}
	}
	return strings.Join(append(names[:min(len(names), 3)], b.Code), ", ")
}

func (i *Install) requirementsFile(c installCall, f string) {
	if strings.ContainsAny(f, "$*`") || strings.Contains(f, "://") || f == "-" {
		i.unknown("%s reads %s", i.Name, f)
		return
	}
	abs := f
	if !strings.HasPrefix(f, "/") {
		abs = path.Join(c.st.Workdir, f)
	}
	ctx, ok := c.origin(abs)
	if !ok {
		i.unknown("%s doesn't come from the build context", f)
		return
	}
	if !i.place(abs, ctx) {
		i.unknown("%s is copied from another folder than the file before it", f)
	}
	switch path.Base(ctx) {
	case "pyproject.toml", "setup.py", "setup.cfg": // uv
		i.declared(c, ctx)
		return
	}
	req := c.repo.Requirements(ctx)
	for _, f := range req.Files {
		if !slices.Contains(i.Files, f) {
			i.Files = append(i.Files, f)
		}
	}
	if req.EditableVCS() != "" { // checked out into the folder src of a virtual environment, else of the working directory
		i.Writes = append(i.Writes, path.Join(c.st.Workdir, "src"))
	}
	switch {
	case req.Unknown != "":
		i.unknown("%s", req.Unknown)
	case len(req.Local) > 0:
		i.unknown("%s names the local path %s", ctx, req.Local[0])
	}
}
