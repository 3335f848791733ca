package repo

import (
	"path"
	"strings"
)

// Mix is what "mix deps.get" reads: mix.exs, mix.lock, the configuration, and of
// an umbrella the applications' mix.exs.
//
// Source: https://hexdocs.pm/mix/Mix.Tasks.Deps.Get.html; the command line loads
// config/config.exs before every task (lib/mix/lib/mix/cli.ex).
type Mix struct {
	Dir     string
	Files   []string
	Lock    bool
	Unknown string // a reason why more may be read
}

// Mix returns the facts about the project in folder dir (a path as in Exists);
// nil when there is no mix.exs.
func (r *Repo) Mix(dir string) *Mix {
	dir, ok := clean(dir)
	if !ok || !r.isFile(path.Join(dir, "mix.exs")) {
		return nil
	}
	return r.facts.mix.get(dir, func() *Mix {
		m := &Mix{Dir: dir}
		m.project(r, path.Join(dir, "mix.exs"))
		if f := path.Join(dir, "mix.lock"); r.isFile(f) {
			m.Lock, m.Files = true, append(m.Files, f)
		}
		for _, e := range r.ReadDir(path.Join(dir, "config")) {
			f := path.Join(dir, "config", e.Name())
			if path.Ext(f) != ".exs" || !r.isFile(f) || e.Name() == "runtime.exs" {
				continue // runtime.exs is read when the release starts
			}
			m.Files = append(m.Files, f)
			m.script(r, f)
		}
		return m
	})
}

// project reads a mix.exs and, of an umbrella, those of its applications.
func (m *Mix) project(r *Repo, file string) {
	m.Files = append(m.Files, file)
	src := m.script(r, file)
	if umbrella := appsPath.FindStringSubmatch(src); umbrella != nil {
		for _, f := range r.Glob(path.Join(m.Dir, umbrella[1], "*/mix.exs")) {
			m.Files = append(m.Files, f)
			m.script(r, f)
		}
	}
}

var (
	appsPath = lazy(`\bapps_path:\s*"([^"]+)"`)
	pathDep  = lazy(`\bpath:\s*"([^"]+)"`)
	// mixReads are calls that read files or run programs while a script is loaded.
	mixReads = lazy(`\b(File\.[a-z_]+[!?]?|System\.cmd|System\.shell|Code\.(require_file|eval_file|compile_file|load_file)|Path\.wildcard|:file\.[a-z_]+|:os\.cmd|import_config\s+"\.\.)`)
)

// script notes what else a script reads. What stands in functions that the
// task doesn't call counts too.
func (m *Mix) script(r *Repo, file string) string {
	b, err := r.ReadFile(file)
	if err != nil {
		m.Unknown = file + " can't be read"
		return ""
	}
	src := withoutComments(text(b), "#")
	if call := mixReads.FindStringSubmatch(src); call != nil {
		m.Unknown = file + " calls " + short(call[1])
	}
	if dep := pathDep.FindStringSubmatch(src); dep != nil && path.Base(file) == "mix.exs" && strings.Contains(dep[1], "/") {
		m.Unknown = file + " names the local path " + short(dep[1])
	}
	return src
}

// withoutComments drops lines that are nothing but a comment.
func withoutComments(src, mark string) string {
	var b strings.Builder
	for l := range strings.SplitSeq(src, "\n") {
		if !strings.HasPrefix(strings.TrimSpace(l), mark) {
			b.WriteString(l + "\n")
		}
	}
	return b.String()
}
