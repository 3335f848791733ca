package python

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

// place decides where COPY, ADD and plain file commands go.
func (py *App) place() bool {
	if py.writer != nil {
		return py.placeWritten()
	}
	kept := map[*rewrite.Instruction]bool{} // COPYs that bring requirements
	chown := false
	for _, in := range py.Stage.Instructions {
		if (in.Keyword == "copy" || in.Keyword == "add") && in.Index < py.last.Index {
			eff := py.Pass.Effects(in)
			kept[in] = eff.Unknown != "" || len(eff.Trees) == 0 && len(in.Heredocs) == 0 || py.bringsRequirements(eff.Trees)
			_, owner := in.Flag("chown")
			chown = chown || kept[in] && owner
		}
	}
	stay := py.mixed || py.Local // a file command that the build stage needs too, or source that is installed
	for _, in := range py.moves {
		if in.Index > py.last.Index {
			continue
		}
		if chown || py.touchesRequirements(in) {
			stay = true
			continue
		}
		py.Roles[in] = split.InRuntime
	}
	for _, in := range py.Stage.Instructions {
		if in.Keyword != "copy" && in.Keyword != "add" || in.Index > py.last.Index {
			continue
		}
		trees := py.Pass.Effects(in).Trees
		switch {
		case !kept[in] && !stay:
			py.Roles[in] = split.InRuntime
		case !kept[in]:
		case py.Covered(in, trees):
			py.Roles[in] = split.InBuild
		case py.onlyRequirements(trees) && py.unread(trees):
			py.Roles[in] = split.InBuild
		}
	}
	return true
}

func (py *App) bringsRequirements(trees []rewrite.Tree) bool {
	for f := range py.Files {
		if split.Brings(trees, f) {
			return true
		}
	}
	return false
}

// touchesRequirements: the file commands of a RUN may change a requirements
// file, or it isn't known what they touch.
func (py *App) touchesRequirements(in *rewrite.Instruction) bool {
	_, writes, why := py.Touched(in)
	if why != "" {
		return true
	}
	sh, _ := in.Shell()
	named := true
	for _, c := range sh.Commands() {
		named = named && (cmdline.Accounts[c.Name] || rewrite.Harmless(c.Name))
	}
	if named {
		return false
	}
	for f := range py.Files {
		for _, w := range writes {
			if rewrite.Inside(f, w) {
				return true
			}
		}
	}
	return false
}

func (py *App) onlyRequirements(trees []rewrite.Tree) bool {
	for _, t := range trees {
		if t.Dir || !py.Files[t.Dest] || py.Manifests[t.Dest] {
			return false
		}
	}
	return len(trees) > 0
}

// unread: no source of the project names the requirements file, so the program
// doesn't read it.
func (py *App) unread(trees []rewrite.Tree) bool {
	if !py.Pass.Unsafe {
		return true
	}
	files, complete := py.Pass.Repo.Files()
	if !complete {
		return false
	}
	for _, f := range files {
		if e := path.Ext(f); e != ".py" && e != ".sh" || path.Base(f) == "setup.py" || repo.TestFile(f) {
			continue
		}
		src, err := py.Pass.Repo.ReadFile(f)
		if err != nil {
			return false
		}
		for _, t := range trees {
			if strings.Contains(string(src), path.Base(t.Ctx)) {
				return false
			}
		}
	}
	return true
}

// placeWritten: RUNs write into the application's folder, so it is copied from
// the build stage as they leave it.
func (py *App) placeWritten() bool {
	if py.mixed {
		return py.Decline(py.writer, "another RUN installs packages and changes other files")
	}
	dir := py.writers[0].Dir
	for _, w := range py.writers {
		if w.Dir != dir {
			return py.Decline(py.writer, "it writes into several folders")
		}
	}
	if p := py.writers[0].Args[1]; strings.Contains(p, "/") {
		if dir = path.Dir(path.Join(dir, p)); strings.HasPrefix(p, "/") {
			dir = path.Dir(p)
		}
	}
	if wd := py.Stage.At(nil).Workdir; rewrite.Inside(dir, wd) {
		dir = wd
	}
	if cmdline.SystemDir(dir) {
		return py.Decline(py.writer, "it writes into %s, which holds more than the application", cmp.Or(dir, "an unknown folder"))
	}
	if why := cmp.Or(py.staticRoot(dir), py.databaseElsewhere(dir)); why != "" {
		return py.Decline(py.writer, "%s", why)
	}
	for _, in := range py.Stage.Instructions {
		if in.Index > py.writer.Index {
			if (in.Keyword == "copy" || in.Keyword == "add") && in.Index < py.last.Index && py.onlyRequirements(py.Pass.Effects(in).Trees) {
				py.Roles[in] = split.InBuild // the folder is copied as the whole build leaves it
			}
			continue
		}
		if in.Keyword != "copy" && in.Keyword != "add" && (in.Keyword != "run" || py.Roles[in] != split.InBoth || py.InstallsSystem(in)) {
			continue
		}
		trees, dests, why := py.Touched(in)
		if why != "" {
			return py.Decline(in, "whether it writes into %s isn't known: %s", dir, why)
		}
		for _, t := range trees {
			dests = append(dests, t.Dest)
		}
		in1, out := 0, 0
		for _, d := range dests {
			if rewrite.Inside(d, dir) {
				in1++
			} else if rewrite.Inside(dir, d) && in.Keyword != "run" {
				return py.Decline(in, "it writes into %s and beside it", dir)
			} else {
				out++
			}
		}
		switch {
		case in1 > 0 && out > 0:
			return py.Decline(in, "it writes into %s and beside it", dir)
		case in1 > 0, py.onlyRequirements(trees):
			py.Roles[in] = split.InBuild
		}
	}
	py.written = dir
	py.Instead[py.writer] = append(py.Instead[py.writer], py.CopyFrom(dir, dir))
	return true
}

var staticRoot = lazily(`(?m)^\s*(?:STATIC_ROOT|COMPRESS_ROOT)\s*=\s*(?:Path\()?["'](/[^"']*)["']`)

// staticRoot declines where collectstatic writes outside the folder.
func (py *App) staticRoot(dir string) string {
	files, _ := py.Pass.Repo.Files()
	for _, f := range files {
		if !strings.HasSuffix(f, ".py") || !strings.Contains(f, "settings") && !strings.Contains(f, "config") {
			continue
		}
		src, err := py.Pass.Repo.ReadFile(f)
		if err != nil {
			continue
		}
		for _, m := range staticRoot().FindAllStringSubmatch(string(src), -1) {
			if !rewrite.Inside(path.Clean(m[1]), dir) {
				return fmt.Sprintf("%s sets %s, outside %s", f, strings.TrimSpace(m[0]), dir)
			}
		}
	}
	return ""
}

var databaseFile = lazily(`["'](?:sqlite:///)?(/[^"'\s]+\.(?:db|sqlite3?))["']`)

// databaseElsewhere declines where the migrations of a RUN may make a database outside the
// folder: settings.py or a variable of the image names it.
func (py *App) databaseElsewhere(dir string) string {
	if !slices.ContainsFunc(py.writers, func(w rewrite.Step) bool {
		return len(w.Args) > 2 && (w.Args[2] == "migrate" || w.Args[2] == "loaddata")
	}) {
		return ""
	}
	for name, v := range py.Stage.At(py.writer).Env {
		if _, file, ok := strings.Cut(v, "sqlite:///"); ok && strings.HasPrefix(file, "/") && !rewrite.Inside(path.Clean(file), dir) {
			return fmt.Sprintf("%s names a database outside %s, in which a RUN makes tables", name, dir)
		}
	}
	files, _ := py.Pass.Repo.Files()
	for _, f := range files {
		src, err := py.Pass.Repo.ReadFile(f)
		if err != nil || !strings.HasSuffix(f, ".py") || !strings.Contains(string(src), "DATABASES") {
			continue
		}
		for _, m := range databaseFile().FindAllStringSubmatch(string(src), -1) {
			if !rewrite.Inside(path.Clean(m[1]), dir) {
				return fmt.Sprintf("%s names the database %s, outside %s", f, m[1], dir)
			}
		}
	}
	return ""
}

// removesRequirements notes an rm of requirements files in a RUN that installs them: the
// runtime stage needs it only where it holds them.
func (py *App) removesRequirements(in *rewrite.Instruction, st rewrite.Step) bool {
	files := slices.DeleteFunc(slices.Clone(st.Args[1:]), func(a string) bool { return strings.HasPrefix(a, "-") })
	if st.Name != "rm" || len(files) == 0 || slices.ContainsFunc(files, func(f string) bool { p, ok := abs2(st.Dir, f); return !ok || !py.Files[p] }) {
		return false
	}
	py.removals = append(py.removals, pipInstall{in: in, step: st})
	return true
}

// remove repeats such an rm where a COPY brings the files to the runtime stage, too. A
// RUN of its own that only removes them stays in the build stage; for one that does more
// with them the COPY goes to both stages.
func (py *App) remove() bool {
	for _, in := range py.Stage.Instructions {
		if in.Keyword != "run" || py.Roles[in] == split.InBuild {
			continue
		}
		for _, file := range slices.Sorted(maps.Keys(py.Files)) {
			if !strings.Contains(in.Args.Text, path.Base(file)) {
				continue
			}
			_, by := py.Stage.Origin(in, file, py.Pass.Repo, py.Pass.Name)
			if by != nil && py.Roles[by] != split.InBuild {
				continue
			}
			all, why := in.Steps()
			removes := func(st rewrite.Step) bool { return py.removesRequirements(in, st) }
			n := len(py.removals)
			only := why == "" && !slices.ContainsFunc(all, func(st rewrite.Step) bool { return !removes(st) })
			py.removals = py.removals[:n]
			switch {
			case only:
				py.Roles[in] = split.InBuild
			case by == nil:
				if _, written := py.exports[file]; written {
					return py.Decline(in, "it changes %s, which only the build stage has", path.Base(file))
				}
			default:
				py.Roles[by] = split.InBoth
			}
		}
	}
	for _, r := range py.removals {
		sh, _ := r.in.Shell()
		for _, a := range r.step.Args[1:] {
			p, _ := abs2(r.step.Dir, a)
			_, by := py.Stage.Origin(r.in, p, py.Pass.Repo, py.Pass.Name)
			if strings.HasPrefix(a, "-") || by == nil || py.Roles[by] == split.InBuild {
				continue
			}
			src := sh.Source(r.step.Stmt)
			if r.step.Dir != py.Stage.At(r.in).Workdir || strings.Contains(src, "\n") {
				return py.Decline(r.in, "it removes %s in another folder", a)
			}
			py.Instead[r.in] = append(py.Instead[r.in], py.Keyword("RUN")+" "+src)
			py.Adds = append(py.Adds, r.step.Key)
			break
		}
	}
	return true
}
