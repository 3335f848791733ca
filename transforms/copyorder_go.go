package transforms

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"drydock/images"
	"drydock/rewrite"
)

func init() {
	fetchers = append(fetchers, &fetcher{
		what: "Go modules",
		builds: func(c rewrite.Command) bool {
			if c.Name != "go" {
				return false
			}
			args, _ := rewrite.GoArgs(c.Args)
			return len(args) > 0 && (args[0] == "build" || args[0] == "install" || args[0] == "test" || args[0] == "vet") &&
				!slices.ContainsFunc(args, func(a string) bool { return strings.Contains(a, "@") }) // go install tool@version
		},
		uses: func(c rewrite.Command) bool {
			if c.Name != "go" {
				return false
			}
			args, _ := rewrite.GoArgs(c.Args)
			return len(args) > 0 && args[0] != "env" && args[0] != "version" &&
				!slices.ContainsFunc(args, func(a string) bool { return strings.Contains(a, "@") })
		},
		disturbs: []string{"netrc", "go get", "go mod tidy", "go mod edit", "go mod init", "go mod vendor", "go work", "go env -w", "replace", ".ssh"},
		plan:     goModules,
	})
}

// carriedGo are variables in front of the build that decide where modules come
// from: the download needs them too.
var carriedGo = map[string]bool{"GOPROXY": true, "GOSUMDB": true, "GONOSUMDB": true, "GONOSUMCHECK": true, "GOPRIVATE": true, "GONOPROXY": true, "GOINSECURE": true, "GO111MODULE": true, "GOTOOLCHAIN": true, "GOMODCACHE": true, "GOPATH": true, "GOWORK": true, "GOFLAGS": true}

// goModules fetches what go.mod, and those of local replacements and of a
// workspace, ask for.
func goModules(c fetchCall) fetchPlan {
	args, in := rewrite.GoArgs(c.cmd.Args)
	dir := c.dir
	if in != "" {
		abs, ok := rewrite.State{Workdir: dir}.Abs(in)
		if !ok {
			return fetchPlan{decline: "it builds in a computed folder"}
		}
		dir = abs
	}
	root, mod := c.above(dir, "go.mod")
	if mod == "" {
		return fetchPlan{skip: true}
	}
	plan := fetchPlan{inst: rewrite.Install{Dir: root, Ctx: path.Dir(mod)}}
	g := c.p.Repo.Go(plan.inst.Ctx)
	env := goSettings(c)
	switch flags := env["GOFLAGS"] + " " + strings.Join(args, " "); {
	case g == nil || g.Err != nil:
		return fetchPlan{decline: path.Join(plan.inst.Ctx, "go.mod") + " can't be read"}
	case g.Vendor || strings.Contains(flags, "-mod=vendor") || strings.Contains(flags, "-mod vendor"):
		return fetchPlan{skip: true} // nothing is downloaded
	case !g.Downloads() && g.WorkFile() == "":
		return fetchPlan{skip: true} // there is nothing to download
	case strings.Contains(flags, "-modfile"):
		return fetchPlan{decline: "-modfile names another go.mod"}
	case oldGo(c.st.Base):
		return fetchPlan{decline: "Go before 1.13 knows modules in some folders only"}
	case env["GO111MODULE"] == "off":
		return fetchPlan{decline: "GO111MODULE is off"}
	}
	work := g.WorkFile()
	switch at := plan.inst.At(work); {
	case work == "":
	case env["GOWORK"] != "" && env["GOWORK"] != "off":
		return fetchPlan{decline: "GOWORK names the workspace"}
	case env["GOWORK"] == "off" || c.origin(at) == "":
		work = "" // the image doesn't hold it
	case c.origin(path.Join(path.Dir(at), "vendor/modules.txt")) != "":
		return fetchPlan{skip: true}
	case c.origin(at+".sum") == "":
		// Seen with Go 1.22: the file would stay in the image.
		return fetchPlan{inst: plan.inst, decline: "go mod download writes " + work + ".sum, which isn't in the image otherwise"}
	}
	if plan.inst.Files, plan.decline = g.DownloadReads(work); plan.decline != "" {
		return plan
	}
	plan.decline = c.misplaced(plan.inst, plan.inst.Files)
	plan.command = goDownload(c, root, in)
	if plan.command == "" {
		plan.decline = "its Go settings are computed"
	}
	plan.assumes = "all modules of go.mod can be fetched, those that this build doesn't need included"
	return plan
}

// oldGo: images of Go that take GO111MODULE=auto for off in GOPATH
// (https://go.dev/doc/go1.13#modules).
func oldGo(base *images.Image) bool {
	if path.Base(base.Repository) != "golang" {
		return false
	}
	minor, ok := strings.CutPrefix(base.Line, "1.")
	n, err := strconv.Atoi(minor)
	return ok && err == nil && n < 13
}

// goSettings are Go's variables as the build sees them.
func goSettings(c fetchCall) map[string]string {
	env := map[string]string{}
	for k := range carriedGo {
		env[k] = c.st.Env[k]
		if v, ok := c.st.Args[k]; ok && env[k] == "" {
			env[k] = v
		}
	}
	for k, v := range assigned(c) {
		env[k] = v
	}
	return env
}

// assigned are the assignments in front of a command, as written.
func assigned(c fetchCall) map[string]string {
	out := map[string]string{}
	sh, _ := c.run.Shell()
	for _, a := range c.cmd.Call.Assigns {
		k, v, _ := strings.Cut(sh.Source(a), "=")
		out[k] = strings.Trim(v, `"'`)
	}
	return out
}

// goDownload is the command, with the folder and the settings of the build; ""
// when a setting is computed.
func goDownload(c fetchCall, root, in string) string {
	command := "go mod download"
	if in != "" && rel(c.st.Workdir, root) != "" {
		command, root = "go -C "+rel(c.st.Workdir, root)+" mod download", c.st.Workdir
	}
	sh, _ := c.run.Shell()
	for _, a := range slices.Backward(c.cmd.Call.Assigns) {
		src := sh.Source(a)
		k, v, _ := strings.Cut(src, "=")
		if !carriedGo[k] {
			continue
		}
		if strings.ContainsAny(v, "$`\n") {
			return ""
		}
		command = src + " " + command
	}
	if rel(root, c.st.Workdir) != "" {
		return command // Go looks upwards
	}
	return inFolder(c, root, command)
}

// inFolder puts a cd in front of a command that runs elsewhere.
func inFolder(c fetchCall, dir, command string) string {
	if dir == c.st.Workdir {
		return command
	}
	if r := rel(c.st.Workdir, dir); r != "" {
		dir = r
	}
	return "cd " + dir + " && " + command
}

// rel is a path relative to a folder that holds it, "." for the folder itself,
// "" for a path elsewhere.
func rel(dir, p string) string {
	switch {
	case !rewrite.Inside(p, dir):
		return ""
	case p == dir:
		return "."
	}
	return strings.TrimPrefix(p[len(dir):], "/")
}
