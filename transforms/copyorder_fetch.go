package transforms

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"drydock/rewrite"
)

// fetcher is a build tool that fetches the dependencies in the build itself, so
// that a layer of their own needs a command of its own in front of it.
type fetcher struct {
	what   string                     // what is fetched: "Go modules"
	builds func(rewrite.Command) bool // a command that fetches and builds
	// uses: a command that has to do with what is fetched; one in front of the
	// build means that a layer of their own is there, or isn't meant to be.
	uses func(rewrite.Command) bool
	// disturbs are words of a RUN between COPY and build that may decide what is
	// fetched; so may the name of a file that the fetch reads.
	disturbs []string
	plan     func(c fetchCall) fetchPlan
}

// fetchCall is a build that a fetcher plans for.
type fetchCall struct {
	p   *rewrite.Pass
	run *rewrite.Instruction
	cmd rewrite.Command
	dir string // the image directory it runs in
	st  rewrite.State
}

// origin is the context file that stands at a path of the image, "" for none.
func (c fetchCall) origin(abs string) string {
	ctx, by := c.run.Stage.Origin(c.run, abs, c.p.Repo, c.p.Name)
	if by == nil {
		return ""
	}
	return ctx
}

// above is the nearest folder, from where the build runs upwards, in which the
// image holds a file of a name; ctx is that file in the context, "" for none.
func (c fetchCall) above(dir, name string) (root, ctx string) {
	for root = dir; ; root = path.Dir(root) {
		if ctx = c.origin(path.Join(root, name)); ctx != "" || root == "/" {
			return root, ctx
		}
	}
}

// misplaced names the first of files that doesn't stand in the image where the
// tool looks for it, as a reason to decline; "" when all do.
func (c fetchCall) misplaced(inst rewrite.Install, files []string) string {
	for _, f := range files {
		if at := inst.At(f); c.origin(at) != f {
			return f + " isn't copied to " + at
		}
	}
	return ""
}

// fetchPlan is how a fetcher fetches what a build needs.
type fetchPlan struct {
	command  string          // "go mod download", as it runs in the working directory
	inst     rewrite.Install // Dir, Ctx and Files: all context files that it reads
	declares string          // those whose change runs it again, for people; "" for Files
	writes   []string        // image paths that it writes and that a COPY could write over
	assumes  string
	skip     bool   // there is nothing to fetch
	decline  string // why it can't be done; "" where it can
}

var fetchers []*fetcher

// fetchFirst plans, for a build behind a COPY of the code: COPY the files that
// declare the dependencies, RUN the fetch, COPY all.
func fetchFirst(p *rewrite.Pass, s *rewrite.Stage, run *rewrite.Instruction) (c rewrite.Change, ok bool) {
	sh, why := run.Shell()
	if why != "" || s.At(run).Workdir == "" || windowsBase(s) {
		return c, false
	}
	for _, f := range fetchers {
		if !slices.ContainsFunc(sh.Commands(), f.builds) || f.usedBefore(run) || len(run.Flags) > 0 { // or caches, secrets or a network of its own are in use
			continue
		}
		for _, b := range placed(run, sh) {
			if !f.builds(b.Command) {
				continue
			}
			if b.Dir == "" {
				p.Decline(run, "no layer of their own for the %s: where it builds isn't known", f.what)
			} else if c, ok := f.first(fetchCall{p, run, b.Command, b.Dir, s.At(run)}); ok {
				return c, true
			}
			break
		}
	}
	return c, false
}

// placed are the commands of a RUN with the directories that they run in.
func placed(run *rewrite.Instruction, sh *rewrite.Script) []rewrite.Step {
	if list, why := run.Steps(); why == "" {
		return list
	}
	var out []rewrite.Step
	dir := run.State().Workdir
	for _, c := range sh.Commands() {
		if c.Name == "cd" {
			dir = ""
		}
		out = append(out, rewrite.Step{Command: c, Dir: dir})
	}
	return out
}

func (f *fetcher) first(call fetchCall) (c rewrite.Change, ok bool) {
	p, run := call.p, call.run
	plan := f.plan(call)
	if plan.skip {
		return c, false
	}
	var at fetchPlace
	if plan.decline == "" {
		if at = f.place(call, plan); !at.gains {
			return c, false
		}
		plan.decline = at.decline
	}
	copies := ""
	if plan.decline == "" {
		inst := plan.inst
		inst.Files = at.missing
		copies, plan.decline = copyLines(p, run.Stage, at.first(), at.broad, inst)
	}
	if plan.decline != "" {
		if call.origin(call.dir) != "" || len(plan.inst.Files) > 0 {
			p.Decline(run, "no layer of their own for the %s: %s", f.what, plan.decline)
		}
		return c, false
	}
	if plan.declares == "" {
		plan.declares = list(plan.inst.Files, " or ")
	}
	c = rewrite.Change{
		Title: "download the " + f.what + " before the code is copied",
		Why:   "the build behind COPY fetches everything again after any change of the code",
		Gain:  "the " + f.what + " come from the cache until " + plan.declares + " change",
		At:    at.broad,
		Edits: at.edits(p, copies+rewrite.KeywordLike(run, "RUN")+" "+plan.command+"\n"),
	}
	if script, err := rewrite.ParseScript(plan.command); err == nil {
		for _, cmd := range script.Commands() {
			c.Adds = append(c.Adds, cmd.Key)
		}
	}
	if plan.assumes != "" {
		c.Safety, c.Assumes = rewrite.Assumes, plan.assumes
	}
	return c, true
}

// fetchedBefore reports whether what a RUN's build needs has a layer of its own already.
func fetchedBefore(run *rewrite.Instruction) bool {
	sh, why := run.Shell()
	return why == "" && slices.ContainsFunc(fetchers, func(f *fetcher) bool {
		return slices.ContainsFunc(sh.Commands(), f.builds) && f.usedBefore(run)
	})
}

// usedBefore: the tool has fetched or built something in front of the build.
func (f *fetcher) usedBefore(run *rewrite.Instruction) bool {
	for s := run.Stage; s != nil; s = s.Parent() {
		for _, in := range s.Instructions {
			if in == run {
				break
			}
			if sh, why := in.Shell(); in.Keyword == "run" && why == "" && slices.ContainsFunc(sh.Commands(), f.uses) {
				return true
			}
		}
	}
	return false
}

// harmlessBetween are commands that neither install a tool nor say where it
// fetches from.
var harmlessBetween = map[string]bool{"echo": true, "printf": true, "true": true, ":": true, "set": true, "cd": true, "mkdir": true, "chmod": true, "chown": true, "rm": true, "ls": true, "cp": true, "mv": true, "touch": true, "cat": true, "pwd": true, "ln": true,
	"go": true, "mvn": true, "mvnw": true, "gradle": true, "gradlew": true, "cargo": true, "dotnet": true, "npm": true, "npx": true, "yarn": true, "pnpm": true, "node": true}

// forTheBuild: variables by whose names one knows that they speak of what is
// built, not of where its dependencies come from.
func forTheBuild(name string) bool {
	switch name {
	case "CGO_ENABLED", "GOOS", "GOARCH", "GOARM", "TARGETOS", "TARGETARCH", "TARGETVARIANT", "TARGETPLATFORM", "BUILDPLATFORM", "VERSION", "APP_VERSION", "BUILD_VERSION", "REVISION", "COMMIT", "SHA",
		"GIT_SHA", "GIT_COMMIT", "GIT_TAG", "GIT_BRANCH", "GIT_HASH", "GIT_REF", "GIT_REVISION", "COMMIT_SHA", "COMMIT_HASH", "DATE", "BUILD_DATE", "BUILD_TIME", "BUILD_NUMBER", "BUILD_ID", "LDFLAGS", "PORT", "RUSTFLAGS":
		return true
	}
	return false
}

// disturbed tells how an instruction, or what stands in front of the build in
// its own RUN, may decide what is fetched or with which tools.
func (f *fetcher) disturbed(in *rewrite.Instruction, call fetchCall, plan fetchPlan) string {
	line := "line " + strconv.Itoa(in.Line)
	switch in.Keyword {
	case "env", "arg":
		if slices.ContainsFunc(call.p.Effects(in).Sets, func(k string) bool { return !forTheBuild(k) }) {
			return line + " may decide what is downloaded"
		}
		return ""
	case "user", "workdir":
		return line + " may decide what is downloaded"
	case "run":
	default:
		return ""
	}
	sh, why := in.Shell()
	if why != "" {
		return "what " + line + " does isn't known"
	}
	words := slices.Clone(f.disturbs)
	for _, file := range plan.inst.Files {
		words = append(words, path.Base(file))
	}
	for _, c := range sh.Commands() {
		if in == call.run && f.builds(c) {
			break
		}
		text := strings.Join(c.Args, " ")
		switch {
		case c.Name == "" || !harmlessBetween[path.Base(c.Args[0])]:
			return line + " may install or decide what the download needs"
		case c.Name != "chmod" && slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) }):
			return line + " may decide what is downloaded"
		}
	}
	if strings.Contains(sh.Text, "export ") {
		return line + " sets variables for the build"
	}
	return ""
}

// list names up to four files, and counts the others.
func list(files []string, last string) string {
	var names []string
	for n, f := range files {
		if n == 3 && len(files) > 4 {
			names = append(names, strconv.Itoa(len(files)-n)+" more files")
			break
		}
		names = append(names, f)
	}
	return strings.Join(names, last)
}
