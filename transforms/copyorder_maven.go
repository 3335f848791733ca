package transforms

import (
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

func init() {
	fetchers = append(fetchers, &fetcher{
		what:   "Maven dependencies",
		builds: func(c rewrite.Command) bool { return mavenTool(c) && mavenBuild(rewrite.ReadMaven(c.Args[1:])) },
		uses: func(c rewrite.Command) bool {
			return mavenTool(c) && len(rewrite.ReadMaven(c.Args[1:]).Goals) > 0
		},
		disturbs: []string{"settings.xml", ".m2", "mvnw"},
		plan:     mavenDependencies,
	})
}

func mavenTool(c rewrite.Command) bool {
	return len(c.Args) > 0 && (c.Name == "mvn" || path.Base(c.Args[0]) == "mvnw")
}

// mavenPhases are phases of the default lifecycle that need the dependencies
// (https://maven.apache.org/ref/3.9.9/maven-core/lifecycles.html).
var mavenPhases = map[string]bool{"compile": true, "test-compile": true, "test": true, "prepare-package": true, "package": true, "verify": true, "install": true, "deploy": true, "process-classes": true}

func mavenBuild(m rewrite.MavenCall) bool {
	return slices.ContainsFunc(m.Goals, func(g string) bool { return mavenPhases[g] })
}

// mavenDependencies fetches what the POMs ask for with dependency:go-offline
// (https://maven.apache.org/plugins/maven-dependency-plugin/go-offline-mojo.html).
// Plugins find out about some artefacts only when they run, so that the build
// still fetches a few.
func mavenDependencies(c fetchCall) fetchPlan {
	m := rewrite.ReadMaven(c.cmd.Args[1:])
	pom, ok := rewrite.State{Workdir: c.dir}.Abs(m.File)
	if ctx := c.origin(pom); ok && ctx != "" && c.p.Repo.IsDir(ctx) {
		pom = path.Join(pom, "pom.xml")
	}
	switch {
	case m.Offline:
		return fetchPlan{skip: true}
	case m.Unknown != "":
		return fetchPlan{decline: "what Maven's " + m.Unknown + " does isn't known"}
	case !ok:
		return fetchPlan{decline: "its POM is in a computed folder"}
	case c.origin(pom) == "":
		return fetchPlan{skip: true}
	}
	for _, o := range append(m.Options, c.st.Env["MAVEN_ARGS"], c.st.Env["MAVEN_OPTS"]) {
		if strings.Contains(o, "maven.repo.local") && !strings.Contains(o, "maven.repo.local=/") {
			return fetchPlan{decline: "its repository is in a folder of the project"}
		}
	}
	if len(c.cmd.Call.Assigns) > 0 {
		return fetchPlan{decline: "variables are set for Maven alone"}
	}
	plan := fetchPlan{
		inst:    rewrite.Install{Dir: path.Dir(pom), Ctx: path.Dir(c.origin(pom))},
		assumes: "all dependencies and plugins that the POMs name can be fetched, those that this build doesn't need included",
	}
	facts := c.p.Repo.Maven(c.origin(pom))
	switch {
	case facts == nil:
		return fetchPlan{decline: path.Base(pom) + " can't be read"}
	case facts.Unknown != "":
		return fetchPlan{decline: facts.Unknown}
	case facts.Unresolved != "":
		return fetchPlan{decline: facts.Unresolved}
	}
	for _, f := range facts.Files {
		switch {
		case path.Base(c.cmd.Args[0]) == "mvn" && strings.Contains(f, ".mvn/wrapper/"): // the wrapper's alone
		case c.origin(plan.inst.At(f)) == f:
			plan.inst.Files = append(plan.inst.Files, f)
		case !slices.Contains(facts.Parents, f):
			return fetchPlan{decline: f + " isn't copied to " + plan.inst.At(f)}
		}
	}
	if why := plan.named(c, m.Files); why != "" {
		return fetchPlan{decline: why}
	}
	tool := c.cmd.Args[0]
	if path.Base(tool) == "mvnw" {
		if why := plan.named(c, []string{tool}); why != "" {
			return fetchPlan{decline: why}
		}
		tool = executable(c, tool)
	}
	if plan.declares = list(plan.inst.Files, " or "); len(plan.inst.Files) > 3 {
		plan.declares = "the POMs"
	}
	plan.command = strings.Join(slices.Concat([]string{tool}, mavenOptions(c, m, facts), []string{"dependency:go-offline"}), " ")
	if strings.ContainsAny(plan.command, "$`*") {
		return fetchPlan{decline: "an option of Maven is computed"}
	}
	if c.dir != c.st.Workdir {
		plan.command = inFolder(c, c.dir, plan.command)
		if c.origin(c.dir) == "" || !slices.ContainsFunc(plan.inst.Files, func(f string) bool { return path.Dir(plan.inst.At(f)) == c.dir }) {
			return fetchPlan{decline: "no file of its own brings the folder that it builds in"}
		}
	}
	return plan
}

// named takes in files of the context that the command itself names.
func (plan *fetchPlan) named(c fetchCall, files []string) (why string) {
	for _, f := range files {
		abs, ok := rewrite.State{Workdir: c.dir}.Abs(f)
		if !ok {
			return f + " is computed"
		}
		ctx := c.origin(abs)
		if ctx == "" {
			if strings.HasPrefix(f, "/") && path.Base(f) != "mvnw" {
				continue // of the image
			}
			return f + " doesn't come from the build context"
		}
		if plan.inst.At(ctx) != abs {
			return f + " is copied from another folder than the POM"
		}
		if !slices.Contains(plan.inst.Files, ctx) {
			plan.inst.Files = append(plan.inst.Files, ctx)
		}
	}
	return ""
}

// executable puts a chmod in front of a wrapper script where the build has one:
// what the context brings isn't executable.
func executable(c fetchCall, tool string) string {
	name := path.Base(tool)
	for _, in := range c.run.Stage.Instructions {
		if in.Keyword == "run" && strings.Contains(in.Text, "chmod") && strings.Contains(in.Text, name) {
			return "chmod +x " + tool + " && " + tool
		}
		if in == c.run {
			break
		}
	}
	return tool
}

// mavenOptions are those of the build's options that the fetch needs too: all but
// threads, and switches for tests that no POM asks about.
func mavenOptions(c fetchCall, m rewrite.MavenCall, facts *repo.Maven) []string {
	var out []string
	batch := false
	if m.File != "pom.xml" {
		out = append(out, "-f", m.File)
	}
	for n := 0; n < len(m.Options); n++ {
		o := m.Options[n]
		switch {
		case o == "-T" || o == "--threads":
			n++
		case strings.HasPrefix(o, "-T") || o == "-V" || o == "-e" || o == "-X":
		case strings.HasPrefix(o, "-D") && o != "-D" && testSwitch(o) && !facts.Mentions(propertyName(o)):
		default:
			batch = batch || o == "-B" || o == "--batch-mode" || o == "-q"
			if strings.ContainsAny(o, " ;&|<>()'\"#!") {
				o = "'" + strings.ReplaceAll(o, "'", `'\''`) + "'"
			}
			out = append(out, o)
		}
	}
	if !batch {
		out = append([]string{"-B"}, out...)
	}
	return out
}

func propertyName(o string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(o, "-D"), "=")
	return name
}

// testSwitch: properties of the plugins for tests, documentation and checks.
func testSwitch(o string) bool {
	switch name := propertyName(o); name {
	case "skipTests", "maven.test.skip", "skipITs", "maven.javadoc.skip", "maven.test.failure.ignore", "maven.test.skip.exec", "checkstyle.skip", "maven.source.skip", "gpg.skip", "skip.unit.tests", "finalName":
		return true
	}
	return false
}
