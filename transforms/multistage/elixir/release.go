package elixir

import (
	"path"
	"regexp"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
)

// Where a release lies, and what it lacks.

// mixTasks are the tasks that one call of Mix runs: mix do takes several, parted by a comma or by +
// (https://hexdocs.pm/mix/Mix.Tasks.Do.html).
func mixTasks(args []string) (tasks [][]string) {
	if len(args) == 0 || args[0] != "do" {
		args = append([]string{"do"}, args...)
	}
	var task []string
	for i, a := range args[1:] {
		word := strings.TrimSuffix(a, ",")
		if word != "" && word != "+" {
			task = append(task, word)
		}
		if len(task) > 0 && (word != a || word == "+" || i+2 == len(args)) {
			tasks, task = append(tasks, task), nil
		}
	}
	return tasks
}

// release notes where mix release writes
// (https://hexdocs.pm/mix/Mix.Tasks.Release.html).
func (e *elixirSplit) release(in *rewrite.Instruction, st rewrite.Step, args []string) bool {
	environment, ok := e.Env(in, st.Command, "MIX_ENV")
	if !ok {
		environment = "dev"
	}
	for _, v := range []string{"MIX_BUILD_PATH", "MIX_BUILD_ROOT", "MIX_TARGET", "MIX_DEPS_PATH"} {
		if _, ok := e.Env(in, st.Command, v); ok && v != "MIX_DEPS_PATH" {
			return e.Decline(in, "%s moves the release", v)
		}
	}
	dest := path.Join("_build", environment, "rel")
	for k, a := range args {
		if a == "--path" && k+1 < len(args) {
			dest = args[k+1]
		} else if v, ok := strings.CutPrefix(a, "--path="); ok {
			dest = v
		}
	}
	if strings.ContainsAny(dest, "$`~") || st.Dir == "" {
		return e.Decline(in, "the release goes to the computed path %s", dest)
	}
	dest = cmdline.Abs(st.Dir, dest)
	if e.Last != nil && e.AppDir != dest {
		return e.Decline(in, "it makes releases in %s and in %s", e.AppDir, dest)
	}
	e.AppDir, e.Last = dest, in
	return true
}

// moved follows a release that is copied or renamed.
func (e *elixirSplit) moved(in *rewrite.Instruction, st rewrite.Step) bool {
	words := cmdline.Operands(st)
	if e.Last == nil || len(words) != 2 || strings.ContainsAny(words[1], "$`~*") || !rewrite.Inside(cmdline.Abs(st.Dir, strings.TrimRight(words[0], "*")), e.AppDir) {
		return false
	}
	e.AppDir, e.Last = cmdline.Abs(st.Dir, words[1]), in
	return true
}

// project reads mix.exs for what a release would lack.
func (e *elixirSplit) project() string {
	dir := path.Clean(strings.Split(e.AppDir+"/_build/", "/_build/")[0])
	ctx, by := e.Stage.Origin(e.Last, path.Join(e.Stage.At(e.Last).Workdir, "mix.exs"), e.Pass.Repo, e.Pass.Name)
	if by == nil {
		if ctx, by = e.Stage.Origin(e.Last, path.Join(dir, "mix.exs"), e.Pass.Repo, e.Pass.Name); by == nil {
			return "mix.exs doesn't come from the build context"
		}
	}
	src, err := e.Pass.Repo.ReadFile(ctx)
	switch {
	case err != nil:
		return ctx + " can't be read"
	case noErts().Match(src):
		return ctx + " leaves Erlang's runtime out of the release (include_erts)"
	case e.distillery(path.Dir(ctx)) != "":
		return e.distillery(path.Dir(ctx)) + " leaves Erlang's runtime out of the release (include_erts)"
	case regexp.MustCompile(`:(odbc|wx)\b`).Match(src):
		return ctx + " uses an application of Erlang that needs libraries beside the release"
	}
	if m := imageDeps().FindString(string(src)); m != "" && e.Ref.Repository() == "elixir" && !distro.Small(e.Stage.BaseName()) {
		return ctx + " depends on " + m + ", which runs ImageMagick, and the slim image hasn't it"
	}
	return ""
}

// distillery is the file that has Distillery, whose task mix release was before Elixir 1.9, leave
// Erlang's runtime out; "" for none (https://hexdocs.pm/distillery/config/distillery.html).
func (e *elixirSplit) distillery(dir string) string {
	file := path.Join(dir, "rel/config.exs")
	if src, err := e.Pass.Repo.ReadFile(file); err == nil && noErts().Match(src) {
		return file
	}
	return ""
}

var imageDeps = lazily(`:(mogrify|waffle|arc|thumbnex)\b`)

var noErts = lazily(`include_erts:\s*[^t\s]`)
