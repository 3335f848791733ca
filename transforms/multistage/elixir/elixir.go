// Package elixir has the recipe for Elixir's releases.
package elixir

import (
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/rewrite"
	"drydock/transforms/multistage/artefacts"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

var words, lazily = rewrite.Words, rewrite.Lazily

// Elixir with a release. A release holds Erlang's runtime, all applications and
// their priv folders (https://hexdocs.pm/mix/Mix.Tasks.Release.html), so it is
// all that the runtime stage takes, at the same path.
//
// The runtime base has the builder's Debian or Alpine release, since the
// release links its OpenSSL, ncurses and C++ library: of hexpm/elixir the tag
// names it; of the official image it isn't recorded, so there the -slim tag of
// the same version is taken, which stands on the same one.
//
// It declines without a release (mix phx.server needs Elixir and the source),
// for a release without Erlang's runtime, and for RUNs that it doesn't know.

// Recipe is the recipe for Elixir.
var Recipe = split.Recipe{
	Name:    "elixir",
	Bases:   words("elixir hexpm/elixir"),
	Words:   words("mix"),
	AnySize: true,
	Doc: `- Elixir: what mix release writes, on the Debian or Alpine release of the builder, with
  OpenSSL, ncurses and the C++ library.`,
	Split: splitElixir,
}

type elixirSplit struct{ *artefacts.Folder }

func splitElixir(s *split.Split) bool {
	e := &elixirSplit{&artefacts.Folder{Split: s}}
	if !mixRelease().MatchString(s.StageText()) {
		return e.noRelease()
	}
	if !e.runtimeBase() {
		return false
	}
	e.BuildTools = words("git nodejs npm yarn yarnpkg inotify-tools")
	for _, in := range s.Stage.Instructions {
		if in.Keyword == "run" && !e.run(in) {
			return false
		}
	}
	if e.Last == nil {
		return e.noRelease()
	}
	s.SettleUpdates()
	if why := e.project(); why != "" {
		return s.Decline(e.Last, "%s", why)
	}
	if why := s.SourceLacks(".ex"); why != "" {
		return s.Decline(e.Last, "%s", why)
	}
	if cmdline.SystemDir(e.AppDir) {
		return s.Decline(e.Last, "the release lies in %s, which holds more than it", e.AppDir)
	}
	if !e.starts() || !e.placeRelease() {
		return false
	}
	e.CopyFolder()
	s.Explain("the release in %s comes from the build stage; it holds Erlang's runtime and needs neither Elixir nor the source", e.AppDir)
	if s.Pass.Policy != split.Slim && s.Pass.Policy != "" {
		s.Explain("a release starts by a shell script, so distroless won't do: it runs on %s", s.Base)
	}
	s.Why = "a release needs neither Elixir nor the compilers and headers of its image"
	s.Gain = "Elixir, compilers, headers and the dependencies' source stay behind: 300 MB and more of a full image (compressed)"
	s.Assumes = append(s.Assumes, "the program reads no file but those of the release, and no application links a library that only the builder has")
	return true
}

var (
	mixRelease  = lazily(`\bmix\b[^&|;\n]*\brelease\b`)
	hexpmDebian = lazily(`-debian-(buster|bullseye|bookworm|trixie)-(\d{8}(?:\.\d+)?)(?:-slim)?$`)
	hexpmAlpine = lazily(`-alpine-(\d+\.\d+(?:\.\d+)?)$`)
)

// runtimeBase chooses the base of the runtime stage.
func (e *elixirSplit) runtimeBase() bool {
	written := e.Stage.From.Fields()[0].Text
	if e.Ref.Repository() == "hexpm/elixir" {
		if strings.Contains(written, "$") || e.Ref.Digest != "" {
			return e.Decline(e.Stage.From, "the base's tag, which names the release of Debian or Alpine, is computed")
		}
		if m := hexpmDebian().FindStringSubmatch(e.Ref.Tag); m != nil {
			e.Base = "debian:" + m[1] + "-" + m[2] + "-slim"
			e.Image = images.Image{Distro: "debian", Release: m[1], PackageManager: "apt"}
			for _, p := range []string{"libstdc++6", "libncurses6", "openssl", "ca-certificates"} {
				e.Require(p, "Erlang's runtime in the release")
			}
			e.locale()
			return true
		}
		if m := hexpmAlpine().FindStringSubmatch(e.Ref.Tag); m != nil {
			e.Base = "alpine:" + m[1]
			e.Image = images.Image{Distro: "alpine", Release: m[1], PackageManager: "apk"}
			install := "apk add --no-cache libstdc++ ncurses openssl"
			e.First = append(e.First, e.Keyword("RUN")+" "+install)
			e.Adds = append(e.Adds, install)
			e.Explain("libstdc++, ncurses and openssl are installed in the runtime stage for Erlang's runtime in the release")
			return true
		}
		return e.Decline(e.Stage.From, "the release of Debian or Alpine isn't known of %s", e.Stage.BaseName())
	}
	if e.Base = written; distro.Small(e.Stage.BaseName()) {
		return true // the same image without what the build installs
	}
	if strings.Contains(written, "$") || e.Ref.Digest != "" || e.Ref.Tag == "" {
		return e.Decline(e.Stage.From, "which -slim tag stands on the same release as %s isn't known", e.Stage.BaseName())
	}
	ref := e.Ref.WithTag(e.Ref.Tag + "-slim")
	slim, ok := e.Pass.Images.Image(ref)
	if full, had := e.Pass.Images.Image(e.Ref); !ok || !had || full.Version == "" || full.Version != slim.Version {
		return e.Decline(e.Stage.From, "there is no slim variant of %s", e.Stage.BaseName())
	}
	e.Base = ref.String()
	e.Explain("the Debian release of %s isn't recorded, so it runs on %s, which stands on the same one", e.Stage.BaseName(), e.Base)
	return true
}

// locale: the images of Elixir set it, and Elixir warns without UTF-8.
func (e *elixirSplit) locale() {
	st := e.Stage.At(nil)
	if st.Env["LANG"] == "" && st.Env["LC_ALL"] == "" {
		e.BaseEnv = e.Keyword("ENV") + " LANG=C.UTF-8"
	}
}

// run sorts one RUN.
func (e *elixirSplit) run(in *rewrite.Instruction) bool {
	all, ok := e.Steps(in)
	if !ok {
		return false
	}
	rest, ok := e.System(in, all)
	if !ok {
		return false
	}
	builds := 0
	var files []rewrite.Step
	for _, st := range rest {
		if a, ok := distro.ReadApk(st); ok {
			for _, w := range a.Words {
				if a.Verb == "install" && !elixirApk[w] {
					return e.Decline(in, "%s may be needed at run time", w)
				}
			}
			builds++
			continue
		}
		switch st.Name {
		case "mix":
			builds++
			for _, task := range mixTasks(st.Args[1:]) {
				if task[0] == "release" && !e.release(in, st, task[1:]) {
					return false
				}
			}
		case "npm", "yarn", "npx", "pnpm", "node":
			builds++
		case "cp", "mv":
			if e.moved(in, st) {
				builds++
				continue
			}
			files = append(files, st)
		default:
			if !cmdline.Replayed[st.Name] && !rewrite.Harmless(st.Name) {
				return e.Decline(in, "the effects of %s aren't known", strings.Join(st.Args[:min(3, len(st.Args))], " "))
			}
			if len(st.Stmt.Redirs) > 0 || cmdline.Replayed[st.Name] {
				files = append(files, st)
			}
		}
	}
	switch {
	case builds == 0 && len(files) > 0 && e.Instead[in] == nil:
		e.Roles[in] = split.InBoth
	case len(files) > 0:
		var again []rewrite.Step
		for _, st := range files {
			if strings.HasPrefix(st.Name, "user") || strings.HasPrefix(st.Name, "group") || strings.HasPrefix(st.Name, "add") {
				again = append(again, st)
			}
		}
		return e.Again(in, again)
	}
	return true
}

// elixirApk are packages of Alpine that only builds use, or that come anyway.
var elixirApk = words(`build-base git nodejs npm yarn make gcc g++ musl-dev libc-dev linux-headers python3 openssh-client inotify-tools libstdc++ openssl ncurses ncurses-libs ca-certificates`)

// noRelease: an image that runs the project by Mix.
func (e *elixirSplit) noRelease() bool {
	for _, in := range e.Stage.Instructions {
		if line, _ := cmdline.StartLine(in); in.Keyword != "healthcheck" && mixStarts().MatchString(strings.Join(line, " ")) {
			return e.Decline(in, "it runs the source by Mix, which needs Elixir; build a release (mix release) in a RUN")
		}
	}
	return false
}

var mixStarts = lazily(`\b(mix|iex)\b`)

// starts: every command starts from the release, and none needs Mix.
func (e *elixirSplit) starts() bool {
	cmds, ok := e.CanStart()
	if !ok {
		return false
	}
	for _, b := range e.Runs() {
		for _, list := range [][]string{b.Command, b.Entrypoint, b.Healthcheck} {
			if mixStarts().MatchString(strings.Join(list, " ")) || slices.Contains(list, "elixir") {
				return e.Decline(e.Stage.From, "%s runs %s in the container, which the runtime image hasn't", b.File, strings.Join(list[:min(3, len(list))], " "))
			}
		}
	}
	wd := e.Stage.At(nil).Workdir
	for _, c := range cmds {
		args := cmdline.Unwrap(c.Args)
		if len(args) == 0 {
			continue
		}
		switch name := path.Base(args[0]); {
		case name == "mix" || name == "iex" || name == "elixir" || name == "erl":
			return e.Decline(c.From, "%s runs %s, which the runtime image hasn't", c.Where, name)
		case !strings.Contains(args[0], "/"):
			continue
		}
		p := cmdline.Abs(wd, args[0])
		if rewrite.Inside(p, e.AppDir) {
			continue
		}
		ctx, by := e.Stage.Origin(nil, p, e.Pass.Repo, e.Pass.Name)
		if by == nil || by.Index < e.Last.Index && (by.Keyword != "copy" || e.brought(by, p)) {
			return e.Decline(c.From, "%s runs %s, which isn't part of the release", c.Where, args[0])
		}
		src, err := e.Pass.Repo.ReadFile(ctx)
		if err != nil || mixStarts().Match(src) {
			return e.Decline(c.From, "%s runs %s, which calls Mix", c.Where, args[0])
		}
	}
	return true
}

// brought: a COPY brings a path with the source, which stays behind.
func (e *elixirSplit) brought(in *rewrite.Instruction, p string) bool {
	return rewrite.Inside(p, e.source())
}

// source is the folder of the project.
func (e *elixirSplit) source() string { return e.Stage.At(e.Last).Workdir }

// placeRelease: the project's source stays behind; what else a COPY brings, and
// files that RUNs make elsewhere, are repeated.
func (e *elixirSplit) placeRelease() bool {
	src := e.source()
	for _, in := range e.Stage.Instructions {
		if in.Index > e.Last.Index {
			break
		}
		isCopy := in.Keyword == "copy" || in.Keyword == "add"
		if !isCopy && (in.Keyword != "run" || e.Roles[in] != split.InBoth || e.InstallsSystem(in)) {
			continue
		}
		trees, writes, why := e.Touched(in)
		if why != "" {
			return e.Decline(in, "whether it changes %s isn't known: %s", e.AppDir, why)
		}
		for _, t := range trees {
			writes = append(writes, t.Dest)
		}
		within := 0
		for _, w := range writes {
			if rewrite.Inside(w, src) || rewrite.Inside(w, e.AppDir) {
				within++
			}
		}
		switch {
		case within == len(writes) && !e.OwnsFolder(in):
			e.Roles[in] = split.InBuild
			if !e.Chowns(in) {
				return false
			}
		case within > 0 && !e.OwnsFolder(in):
			return e.Decline(in, "it changes %s and folders beside it", src)
		}
	}
	return true
}
