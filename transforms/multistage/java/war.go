package java

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/artefacts"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// Archives of the web (.war, .ear) that a servlet container's image builds itself and
// deploys. The runtime stage stands on the same image: the container, its Java and its
// settings are what they were, and Maven or Gradle, their repository and the source stay
// in the build stage. Steps that change the container itself (rm of its examples, its
// settings) are repeated there.
//
// It declines where the archive isn't known by its project, where a folder is deployed in the
// place of an archive, and for a build in the container's own folders.

// War is the recipe for what is deployed to Tomcat and its like.
var War = split.Recipe{
	Name:    "java-war",
	Bases:   words("tomcat tomee jetty jboss/wildfly quay.io/wildfly/wildfly payara/server-full payara/server-web payara/micro"),
	Words:   words("mvn mvnw gradle gradlew"),
	AnySize: true,
	Doc: `- Java for a servlet container (Tomcat, TomEE, Jetty, WildFly, Payara): the deployed .war on the
  same image, without the build tool and the source.`,
	Split: splitWar,
}

// deploymentDirs are where the containers look for archives (the images' descriptions).
var deploymentDirs = []string{"/usr/local/tomcat/webapps", "/usr/local/tomee/webapps", "/var/lib/jetty/webapps", "/opt/jboss/wildfly/standalone/deployments", "/opt/payara/deployments"}

// containerHomes are variables that the images set, whatever the Dockerfile says.
var containerHomes = []string{"CATALINA_HOME", "JETTY_BASE", "JBOSS_HOME", "DEPLOY_DIR"}

// home replaces those variables in a word.
func (w *warSplit) home(word string) string {
	at := map[string]string{"CATALINA_HOME": "/usr/local/tomcat", "JETTY_BASE": "/var/lib/jetty", "JBOSS_HOME": "/opt/jboss/wildfly", "DEPLOY_DIR": "/opt/payara/deployments"}
	if w.Ref.Repository() == "tomee" {
		at["CATALINA_HOME"] = "/usr/local/tomee"
	}
	for _, v := range containerHomes {
		word = strings.NewReplacer("${"+v+"}", at[v], "$"+v+"/", at[v]+"/").Replace(word)
		if word == "$"+v {
			word = at[v]
		}
	}
	return word
}

// containerStarts are the containers' own programs.
var containerStarts = words(`catalina.sh startup.sh jetty.sh standalone.sh domain.sh asadmin docker-entrypoint.sh entrypoint.sh startInForeground.sh add-user.sh jboss-cli.sh`)

// warPackages are javaPackages, save the programs that scripts and checks like to call.
func warPackages() map[string]bool {
	out := map[string]bool{}
	for p := range javaPackages {
		out[p] = p != "curl" && p != "wget" && p != "git" && p != "unzip" && p != "zip"
	}
	return out
}

type warSplit struct {
	App
	project  []string // folders that a build tool runs in
	deployed []artefacts.Path
}

func splitWar(s *split.Split) bool {
	if strings.Contains(s.Ref.Tag, "windows") || strings.Contains(s.Ref.Tag, "nanoserver") {
		return false
	}
	w := &warSplit{App: App{List: artefacts.List{Split: s}, Users: map[string]bool{}, copied: map[string]string{}, seen: map[string]bool{}}}
	s.BuildTools = warPackages()
	if !w.buildsAnything() {
		return false
	}
	s.Base, s.SameBase = s.Stage.From.Fields()[0].Text, true
	w.folders()
	for _, in := range s.Stage.Instructions {
		if in.Keyword == "run" && !w.run(in) {
			return false
		}
	}
	s.SettleUpdates()
	if len(w.builds) == 0 {
		return s.Decline(s.Stage.From, "where the build tool runs isn't known")
	}
	for _, b := range w.builds {
		if home := w.Image.Workdir; home != "" && (rewrite.Inside(home, b.dir) || rewrite.Inside(b.dir, home)) {
			return s.Decline(b.in, "it builds in %s, the container's own folder", b.dir)
		}
	}
	if len(w.deployed) == 0 {
		return s.Decline(w.last, "no RUN puts what it builds into a folder that %s deploys from", s.Stage.BaseName())
	}
	if !w.containerStarts() || !w.archives() || !w.programs() || !w.dataFiles() || !w.place() || !w.settings() {
		return false
	}
	for _, d := range w.deployed {
		w.Need(d.Path, d.Why)
	}
	w.LeaveWorkdirs()
	w.Copies(w.last, func(p string) bool { return strings.HasSuffix(p, "ar") })
	s.Why = "the build tool, the downloaded dependencies and the source are of no use to the deployed archive"
	s.Gain = "the build tool, its repository and the source stay behind: about 100 to 300 MB (compressed)"
	s.Explain("%s is the same image, so the container, its Java and its settings are what they were", s.Base)
	s.Assumes = append(s.Assumes, "the application reads no files of the build but those of its archive and those that its source names, and starts no program that only the build installed")
	return true
}

// folders finds where build tools run.
func (w *warSplit) folders() {
	for _, in := range w.Stage.Instructions {
		if in.Keyword != "run" {
			continue
		}
		all, _ := in.Steps()
		for _, st := range all {
			if tool, _ := buildCall(st.Args); tool != "" && st.Dir != "" {
				w.project = append(w.project, st.Dir)
			}
		}
	}
}

// own: a path of the project, or of the build tool.
func (w *warSplit) own(p string) bool {
	return cacheFolder(p) || slices.ContainsFunc(w.project, func(d string) bool { return rewrite.Inside(p, d) })
}

// run sorts one RUN.
func (w *warSplit) run(in *rewrite.Instruction) bool {
	all, ok := w.Steps(in)
	if !ok {
		return false
	}
	if all = w.otherManagers(in, all); all == nil {
		return false
	}
	rest, ok := w.System(in, all)
	if !ok {
		return false
	}
	var again []rewrite.Step // run in the runtime stage too
	deploys := false
	for _, st := range rest {
		tool, args := buildCall(st.Args)
		if tool != "" {
			if st.Dir == "" {
				return w.Decline(in, "where %s runs isn't known", tool)
			}
			w.builds = append(w.builds, javaBuild{tool, st.Dir, args, in})
			w.last = in
			continue
		}
		if rewrite.Harmless(st.Name) && len(st.Stmt.Redirs) == 0 || cmdline.Tidy(st) || (st.Name == "java" || st.Name == "git") && len(st.Args) == 2 && strings.Contains(st.Args[1], "version") {
			continue
		}
		if !cmdline.Replayed[st.Name] || len(st.Stmt.Redirs) > 0 {
			return w.Decline(in, "the effects of %s aren't known", strings.Join(st.Args[:min(3, len(st.Args))], " "))
		}
		if cmdline.Accounted(st.Name) {
			again = append(again, st)
			continue
		}
		paths, inside, why := w.paths(st)
		switch {
		case why != "":
			return w.Decline(in, "%s", why)
		case (st.Name == "cp" || st.Name == "mv" || st.Name == "install") && inside == len(paths)-1 && inside > 0:
			if !w.deploys(in, st, paths) {
				return false
			}
			w.last, deploys = in, true
		case inside == len(paths): // of the build alone
		case inside > 0:
			return w.Decline(in, "%s changes folders of the container and of the build alike", st.Name)
		case deploys:
			return w.Decline(in, "%s changes the container behind the deployment, in the same RUN", strings.Join(st.Args, " "))
		default:
			again = append(again, st)
		}
	}
	return w.again(in, again, len(rest) == len(again) && len(rest) == len(all))
}

// paths are those that a file command names, in the image; inside counts those of the project.
func (w *warSplit) paths(st rewrite.Step) (paths []string, inside int, why string) {
	skip := st.Name == "chmod" || st.Name == "chown" || st.Name == "chgrp" || st.Name == "sed" // their first word is no path
	for _, a := range st.Args[1:] {
		if strings.HasPrefix(a, "-") {
			continue
		}
		if skip {
			skip = false
			continue
		}
		p := w.home(a)
		if strings.ContainsAny(p, "$`~") || st.Dir == "" && !strings.HasPrefix(p, "/") {
			return nil, 0, st.Name + " changes the computed path " + a
		}
		p = cmdline.Abs(st.Dir, p)
		if strings.HasSuffix(a, "/") {
			p += "/"
		}
		if paths = append(paths, p); w.own(p) {
			inside++
		}
	}
	return paths, inside, ""
}

// deploys notes what cp, mv or install puts where the container looks for it.
func (w *warSplit) deploys(in *rewrite.Instruction, st rewrite.Step, paths []string) bool {
	dest := paths[len(paths)-1]
	dir := slices.ContainsFunc(deploymentDirs, func(d string) bool { return strings.TrimSuffix(dest, "/") == d })
	archive := func(p string) bool { return strings.HasSuffix(p, ".war") || strings.HasSuffix(p, ".ear") }
	for _, from := range paths[:len(paths)-1] {
		to := dest
		if dir {
			to = path.Join(dest, path.Base(from))
		}
		switch {
		case slices.ContainsFunc(st.Args, func(a string) bool { return a == "-t" || strings.HasPrefix(a, "--target") || a == "-d" }):
			return w.Decline(in, "the effects of %s aren't known", strings.Join(st.Args, " "))
		case !archive(from):
			return w.Decline(in, "%s puts %s into the container, which is no archive whose content is known", st.Name, from)
		case !archive(to) || !slices.ContainsFunc(deploymentDirs, func(d string) bool { return path.Dir(to) == d }):
			return w.Decline(in, "%s puts %s to %s, from which nothing is known to be deployed", st.Name, path.Base(from), dest)
		case !dir && strings.ContainsAny(to, "*?["):
			return w.Decline(in, "where %s puts %s isn't known", st.Name, from)
		}
		w.copied[to] = from
		w.deployed = append(w.deployed, artefacts.Path{Path: to, Why: "line " + cmdline.LineOf(in) + " deploys it"})
	}
	return true
}

// containerStarts: what starts is the container itself, or a script of the project that starts it.
func (w *warSplit) containerStarts() bool {
	all, ok := w.Started()
	if !ok {
		return false
	}
	for _, b := range w.Runs() {
		for _, list := range [][]string{b.Command, b.Entrypoint, b.Healthcheck} {
			if len(list) > 0 && list[0] != "NONE" {
				all = append(all, split.Command{Args: list, From: w.Stage.From, Where: b.File})
			}
		}
	}
	for _, c := range all {
		if !w.there(c, 0) {
			return false
		}
	}
	return true
}

// there: the runtime image has what a command starts.
func (w *warSplit) there(c split.Command, depth int) bool {
	args := cmdline.Unwrap(c.Args)
	if len(args) == 0 || depth > 3 {
		return true
	}
	name := path.Base(args[0])
	if tool, _ := buildCall(args); tool != "" {
		return w.Decline(c.From, "%s runs %s, which builds when the container starts", c.Where, name)
	}
	if rewrite.PosixShell(args[0]) && len(args) > 1 && !strings.HasPrefix(args[1], "-") {
		args = args[1:]
		name = path.Base(args[0])
	}
	at, _ := w.Stage.At(nil).Abs(args[0])
	if !strings.Contains(args[0], "/") {
		at = "/usr/local/bin/" + args[0]
	}
	if ctx := w.script(at); ctx != "" {
		src, err := w.Pass.Repo.ReadFile(ctx)
		if err != nil {
			return w.Decline(c.From, "%s can't be read", ctx)
		}
		cmds, err := cmdline.ScriptCommands(strings.ReplaceAll(string(src), "\r\n", "\n"))
		if err != nil {
			return w.Decline(c.From, "%s can't be read as a shell script", ctx)
		}
		if w.own(at) {
			w.Need(at, "the script that "+c.Where+" starts")
		}
		for _, a := range cmds {
			if !w.there(split.Command{Args: a, From: c.From, Where: ctx}, depth+1) {
				return false
			}
		}
		return true
	}
	if containerStarts[name] || cmdline.BothHave[name] || cmdline.Builtins[name] || w.Apt.Runtime[name] || w.Apt.Runtime[distro.FullOnly[name]] {
		return true
	}
	return w.Decline(c.From, "%s runs %s, which the runtime image may lack", c.Where, name)
}

// archives declines where a deployed archive isn't one that a project of the context packages.
func (w *warSplit) archives() bool {
	for _, d := range w.deployed {
		from := w.copied[d.Path]
		b, module, ok := w.module(from)
		if !ok {
			return w.Decline(w.last, "which build writes %s isn't known", from)
		}
		if b.tool == "gradle" {
			if !w.gradleWar(b, module) {
				return false
			}
			continue
		}
		ctx, by := w.Stage.Origin(w.last, path.Join(module, "pom.xml"), w.Pass.Repo, w.Pass.Name)
		root, rootBy := w.Stage.Origin(w.last, path.Join(b.dir, mavenFile(b.args)), w.Pass.Repo, w.Pass.Name)
		if by == nil {
			return w.Decline(b.in, "%s isn't in the build context, so what %s is isn't known", path.Join(module, "pom.xml"), path.Base(from))
		}
		if rootBy == nil || !w.Pass.Repo.Exists(root) {
			root = ctx
		}
		a, ok := w.Pass.Repo.Maven(root).Artifact(ctx)
		if !ok {
			a, ok = w.Pass.Repo.Maven(ctx).Artifact(ctx)
		}
		name := strings.TrimSuffix(path.Base(from), path.Ext(from))
		switch {
		case !ok:
			return w.Decline(b.in, "%s can't be read", ctx)
		case a.Packaging != path.Ext(from)[1:]:
			return w.Decline(b.in, "%s packages a %s, not %s", ctx, a.Packaging, path.Base(from))
		case !strings.ContainsAny(name, "*?[") && a.Name != "" && name != a.Name:
			return w.Decline(b.in, "%s makes %s.%s, not %s", ctx, a.Name, a.Packaging, path.Base(from))
		}
		w.Explain("%s holds the libraries that it needs, as %ss do (%s)", path.Base(from), a.Packaging, ctx)
	}
	return true
}

var gradleWar = lazily(`(?m)(?:\bid\s*\(?\s*['"](?:war|ear)['"]|apply\s+plugin:\s*['"](?:war|ear)['"]|apply\(plugin\s*=\s*"(?:war|ear)"|^\s*` + "`?" + `(?:war|ear)` + "`?" + `\s*$)`)

// gradleWar: the module's build script has the plugin that packages archives.
func (w *warSplit) gradleWar(b javaBuild, module string) bool {
	for _, n := range []string{"build.gradle", "build.gradle.kts"} {
		ctx, by := w.Stage.Origin(w.last, path.Join(module, n), w.Pass.Repo, w.Pass.Name)
		if by == nil {
			continue
		}
		if src, err := w.Pass.Repo.ReadFile(ctx); err == nil && gradleWar().Match(src) {
			w.Explain("the archive holds the libraries that it needs (%s)", ctx)
			return true
		}
		return w.Decline(b.in, "%s doesn't have the plugin that packages a .war", ctx)
	}
	return w.Decline(b.in, "no build script of Gradle for %s is in the build context", module)
}

// programs declines for programs that the source starts and only the build installed.
func (w *warSplit) programs() bool {
	return w.Sources(Exts, javaTest, func(file, text string) bool {
		for _, m := range Spawn().FindAllStringSubmatchIndex(text, -1) {
			at := file + ":" + cmdline.LineAt(text, m[0])
			if m[2] < 0 {
				return w.Decline(w.Stage.From, "%s starts a computed program, which only the build stage may have", at)
			}
			if name := path.Base(strings.Trim(text[m[2]:m[3]], "\" \t\n")); !cmdline.BothHave[name] && !w.Apt.Runtime[name] && !w.Apt.Runtime[distro.FullOnly[name]] {
				return w.Decline(w.Stage.From, "%s starts %s, which only the build stage may have", at, name)
			}
		}
		return true
	})
}

// settings: variables that point to what the build installed.
func (w *warSplit) settings() bool {
	for _, in := range w.Stage.Instructions {
		if in.Keyword != "env" {
			continue
		}
		for _, a := range in.Assignments() {
			name, v, _ := strings.Cut(a.Text, "=")
			if slices.Contains(containerHomes, name) {
				return w.Decline(in, "it sets %s, so where the container looks for archives isn't known", name)
			}
			if name == "JAVA_HOME" || name == "JRE_HOME" || name == "PATH" && (strings.Contains(v, "jvm") || strings.Contains(v, "JAVA_HOME")) {
				return w.Decline(in, "it sets %s for a JDK that the build installs", name)
			}
		}
	}
	return true
}
