package java

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/artefacts"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

// SpringLayers is spring-layers, which package transforms registers: a stage that
// copies a Spring Boot jar from the stage that builds it gets the jar's layers.
func SpringLayers() *rewrite.Transform {
	return &rewrite.Transform{
		Name:      "spring-layers",
		Summary:   "Copy a Spring Boot jar in layers, its dependencies first",
		Phase:     rewrite.PhaseLayers,
		AllAssume: true,
		Doc: `An executable jar of Spring Boot is one file, of which a change to one class makes a new
one: every build pushes, and every host pulls, all dependencies again. The jar knows its
layers: extracted in the build stage and copied one by one, what changes seldom stays in
the cache (https://docs.spring.io/spring-boot/reference/packaging/container-images/dockerfiles.html).

From Spring Boot 3.3 on the extracted jar starts as the whole one did, java -jar; before,
it starts by JarLauncher, whose package is another one from 3.2 on. The image doesn't
shrink.`,
		Assumes: `The program doesn't read its own jar, and nothing outside of the file does.`,
		Declines: `Where the build file doesn't tell Spring Boot's version, or one before 2.3; where it has
settings for layers, launchers or the jar's layout; a war; where something else names the
jar; where the start command would have to change and isn't in exec form; where the source
asks where its classes come from.`,
		Run: runSpringLayers,
	}
}

func runSpringLayers(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	d := p.Doc
	if len(d.Stages) < 2 || d.Escape != '\\' || !p.Repo.Known() {
		return nil, nil
	}
	var out []rewrite.Change
	for _, st := range p.Shipping() {
		for _, in := range st.Instructions {
			sources, _, from, _ := in.Copy()
			if in.Keyword != "copy" || from == "" || len(sources) != 1 || path.Ext(sources[0]) != ".jar" {
				continue
			}
			l := &springJar{Split: split.New(p, st, images.Ref{}), copy: in}
			l.Stays = "one jar"
			if l.build = d.StageByRef(from, st.Index); l.build == nil || !l.isSpring() {
				continue
			}
			if c, ok := l.layers(); ok {
				out = append(out, c)
			}
		}
	}
	return out, nil
}

// springJar is a COPY of a Spring Boot jar from the stage that builds it.
type springJar struct {
	*split.Split
	copy     *rewrite.Instruction
	build    *rewrite.Stage
	src      string // in the build stage
	dest     string // in this one
	to       string // the folder of the extracted jar
	tools    bool   // from 3.3 on: started as before
	launcher string // the launcher's class, before
}

// isSpring: the jar is made by Spring Boot's plugin, and can be had in layers. A jar of
// another kind is nothing to report.
func (l *springJar) isSpring() bool {
	ref, err := images.ParseRef(l.build.BaseName())
	if err != nil {
		return false
	}
	b := &App{List: artefacts.List{Split: split.New(l.Pass, l.build, ref)}, Users: map[string]bool{}, copied: map[string]string{}, seen: map[string]bool{}}
	b.Split.Quiet = true
	unknown := ""
	for _, in := range l.build.Instructions {
		if in.Keyword == "run" && !b.run(in) && unknown == "" {
			unknown = "line " + cmdline.LineOf(in) + ": " + b.Reason
		}
	}
	sources, dest, _, _ := l.copy.Copy()
	l.src = path.Join("/", l.copy.State().Expand(sources[0]))
	from := l.src
	for range 5 {
		if src := b.copied[from]; src != "" {
			from = src
		}
	}
	made, module, ok := b.module(from)
	if !ok || b.last == nil {
		return false
	}
	s := b.springBoot(made, module)
	if s == nil || strings.HasSuffix(from, "-plain.jar") {
		return false
	}
	major, minor, known := s.Release()
	switch {
	case unknown != "":
		return l.Decline(l.copy, "%s", unknown)
	case !known:
		return l.Decline(l.copy, "which version of Spring Boot %s has isn't written there", s.File)
	case major < 2 || major == 2 && minor < 3:
		return l.Decline(l.copy, "Spring Boot %s has no layers; they came with 2.3 (%s)", s.Version, s.File)
	case s.Unlayered != "":
		return l.Decline(l.copy, "%s sets %s", s.File, s.Unlayered)
	}
	l.tools = major > 3 || major == 3 && minor >= 3
	l.launcher = "org.springframework.boot.loader.JarLauncher"
	if major > 3 || major == 3 && minor >= 2 {
		l.launcher = "org.springframework.boot.loader.launch.JarLauncher"
	}
	at, known := l.copy.State().Abs(l.copy.State().Expand(dest))
	switch {
	case !known:
		return l.Decline(l.copy, "where it copies to isn't known")
	case path.Ext(at) != ".jar" && strings.ContainsAny(l.src, "*?["):
		return l.Decline(l.copy, "the name of the jar isn't known")
	case path.Ext(at) != ".jar":
		at = path.Join(at, path.Base(l.src))
	}
	l.dest = at
	l.Explain("%s makes the jar by Spring Boot %s", s.File, s.Version)
	return true
}

// springBoot are the facts of the project whose folder in the build stage is module.
func (j *App) springBoot(b javaBuild, module string) *repo.SpringBoot {
	switch b.tool {
	case "mvn":
		ctx, by := j.Stage.Origin(j.last, path.Join(module, "pom.xml"), j.Pass.Repo, j.Pass.Name)
		root, rootBy := j.Stage.Origin(j.last, path.Join(b.dir, mavenFile(b.args)), j.Pass.Repo, j.Pass.Name)
		if by == nil || !j.Pass.Repo.Exists(ctx) {
			return nil
		}
		if rootBy != nil && j.Pass.Repo.Exists(root) {
			if s := j.Pass.Repo.Maven(root).SpringBoot(ctx); s != nil {
				return s
			}
		}
		return j.Pass.Repo.Maven(ctx).SpringBoot(ctx)
	case "gradle":
		ctx, by := j.Stage.Origin(j.last, module, j.Pass.Repo, j.Pass.Name)
		root, rootBy := j.Stage.Origin(j.last, b.dir, j.Pass.Repo, j.Pass.Name)
		if by == nil || rootBy == nil {
			return nil
		}
		return j.Pass.Repo.SpringBootOf(root, ctx)
	}
	return nil
}

// layers lays out the change.
func (l *springJar) layers() (c rewrite.Change, ok bool) {
	l.to = path.Dir(l.dest)
	if l.to == "/" || cmdline.SystemDir(l.to) { // lib would be the system's
		if l.to = "/application"; strings.Contains(l.Doc.Src, l.to) {
			return c, l.Decline(l.copy, "it would go to %s, which the file names already", l.to)
		}
	}
	for _, f := range l.copy.Flags {
		if name, _, _ := strings.Cut(f.Text, "="); name != "--from" && name != "--chown" && name != "--link" {
			return c, l.Decline(l.copy, "%s is meant for one file", name)
		}
	}
	if strings.ContainsAny(l.src+l.dest, " \t\"'`$\\;&|()<>#") {
		return c, l.Decline(l.copy, "the name of the jar needs quotes")
	}
	for _, o := range l.Doc.Stages[l.build.Index+1:] {
		if o.Parent() == l.build {
			return c, l.Decline(l.copy, "another stage is built from %s, and would get the layers too", split.StageName(l.build))
		}
	}
	if !l.unread() || !l.starts() {
		return c, false
	}
	folder := path.Join(path.Dir(l.src), "extracted")
	extract := "java -Djarmode=layertools -jar " + l.src + " extract --destination " + folder
	names := []string{"dependencies", "spring-boot-loader", "snapshot-dependencies", "application"}
	if l.tools {
		extract = "java -Djarmode=tools -jar " + l.src + " extract --layers --destination " + folder
		if path.Base(l.src) != path.Base(l.dest) {
			extract += " --application-filename " + path.Base(l.dest)
		}
		names = slices.Delete(names, 1, 2) // empty without --launcher
	}
	var flags string
	for _, f := range l.copy.Flags {
		flags += " " + f.Text
	}
	_, dest, _, _ := l.copy.Copy()
	into := l.to + "/"
	if !strings.HasPrefix(dest, "/") && l.to == l.Stage.At(l.copy).Workdir {
		into = "./"
	}
	var lines strings.Builder
	for _, n := range names {
		fmt.Fprintf(&lines, "%s%s %s/%s/ %s\n", rewrite.KeywordLike(l.copy, "COPY"), flags, folder, n, into)
	}
	end := "\n"
	if !strings.HasSuffix(l.Doc.Src[:l.copy.Span.End], "\n") {
		end = ""
	}
	last := l.build.Instructions[len(l.build.Instructions)-1]
	l.Edits = append(l.Edits,
		l.Doc.InsertAfter(last, rewrite.KeywordLike(l.build.From, "RUN")+" "+extract+"\n"),
		rewrite.Edit{Span: l.copy.Span, New: strings.TrimSuffix(lines.String(), "\n") + end})
	return rewrite.Change{
		Title:   "copy the layers of " + path.Base(l.dest) + ", what changes least first",
		Why:     "a change to one class makes a new jar with all dependencies in it (Spring Boot's documentation of container images)",
		Gain:    "a new version pushes and pulls its own classes, often under 1 MB, in place of the whole jar",
		Plan:    l.Plan,
		Safety:  rewrite.Assumes,
		Assumes: strings.Join(append([]string{"the program doesn't read its own jar"}, l.Assumes...), "; "),
		At:      l.copy,
		Config:  l.Config,
		Adds:    []string{extract},
		Edits:   l.Edits,
	}, true
}

// unread declines where something besides the start command names the jar.
func (l *springJar) unread() bool {
	name := path.Base(l.dest)
	for _, st := range l.Doc.Stages[l.Stage.Index:] {
		for _, in := range st.Instructions {
			switch {
			case in == l.copy || st == l.Stage && (in.Keyword == "cmd" || in.Keyword == "entrypoint"):
			case st == l.Stage && (strings.Contains(in.Text, name) || in.Keyword == "env" && strings.Contains(in.Text, ".jar")):
				return l.Decline(in, "it names the jar")
			case st == l.Stage && in.Keyword == "volume" && strings.Contains(in.Text, l.to):
				return l.Decline(in, "it is for the folder of the jar")
			case st.Descends(l.Stage) && st != l.Stage && strings.Contains(in.Text, name):
				return l.Decline(in, "it names the jar")
			case st != l.Stage:
				if _, _, from, _ := in.Copy(); from != "" && l.Doc.StageByRef(from, st.Index) == l.Stage {
					return l.Decline(in, "it copies from the stage, and may mean the jar")
				}
			}
			if st == l.Stage && in != l.copy && (in.Keyword == "copy" || in.Keyword == "add") {
				e := l.Pass.Effects(in)
				for _, w := range e.Writes {
					if sub := path.Join(l.to, "lib"); w == sub || rewrite.Inside(w, sub) || w == l.to {
						return l.Decline(in, "it writes where the layers go")
					}
				}
			}
		}
	}
	for _, b := range l.Runs() {
		for _, v := range b.Volumes {
			if _, target, ok := strings.Cut(v, ":"); ok {
				target, _, _ = strings.Cut(target, ":")
				if rewrite.Inside(l.dest, target) {
					return l.Decline(l.copy, "%s mounts %s over the jar", b.File, v)
				}
			}
		}
	}
	j := artefacts.List{Split: l.Split}
	return j.Sources(Exts, javaTest, func(file, text string) bool {
		if at := springOwn().FindStringIndex(text); at != nil {
			return l.Decline(l.copy, "%s:%s asks where the classes come from: %s", file, cmdline.LineAt(text, at[0]), text[at[0]:at[1]])
		}
		return true
	})
}

// springOwn is how a program finds its own jar.
var springOwn = lazily(`\bgetCodeSource\b|\bApplicationHome\b|\bBOOT-INF\b|"java\.class\.path"|\bnew\s+JarFile\b|\bJarFileArchive\b`)

// starts finds the command that starts the jar, and changes it where it must.
func (l *springJar) starts() bool {
	j := &App{List: artefacts.List{Split: split.New(l.Pass, l.Stage, images.Ref{})}, Users: map[string]bool{}, copied: map[string]string{}, seen: map[string]bool{}}
	j.Vm.temurin = true
	j.Split.Quiet = true
	var line []string
	var starter *rewrite.Instruction
	shell, distroless := false, false
	for _, in := range l.Stage.Instructions {
		if words, sh := cmdline.StartLine(in); (in.Keyword == "cmd" && !l.HasEntrypoint() || in.Keyword == "entrypoint") && len(words) > 0 {
			line, shell, starter = words, sh, in
		}
	}
	if starter == nil {
		return l.Decline(l.copy, "neither CMD nor ENTRYPOINT of its stage says what starts")
	}
	if ref, err := images.ParseRef(l.Stage.BaseName()); err == nil {
		distroless = strings.HasPrefix(ref.Repository(), "gcr.io/distroless/java") && !strings.Contains(ref.Repository(), "java-base")
	}
	for _, w := range line {
		if strings.Contains(w, "loader.") || strings.Contains(w, "ArchiveClasses") || strings.Contains(w, "SharedArchiveFile") {
			return l.Decline(starter, "%s is about the jar as a whole", w)
		}
	}
	if distroless && starter.Keyword == "cmd" { // java -jar is the image's own entry point
		if at, ok := l.Stage.At(nil).Abs(line[0]); !ok || at != l.dest {
			return l.Decline(starter, "it doesn't start %s", l.dest)
		}
		if !l.tools || l.to != path.Dir(l.dest) {
			return l.Decline(starter, "java -jar is the entry point of the base, and the layers start in another way")
		}
		return l.startsElsewhere()
	}
	if !j.whatStarts() {
		return l.Decline(starter, "%s", j.Reason)
	}
	for _, st := range j.starts {
		if st.jar != l.dest {
			return l.Decline(starter, "it starts %s, and not %s alone", st.jar, l.dest)
		}
	}
	if len(j.starts) == 0 {
		return l.Decline(starter, "it doesn't start %s by java -jar", l.dest)
	}
	if l.tools && l.to == path.Dir(l.dest) {
		l.Explain("%s starts it as before: the extracted jar names the libraries beside it", strings.ToUpper(starter.Keyword))
		return true
	}
	return l.startsElsewhere() && l.rewriteStart(starter, line, shell)
}

// startsElsewhere declines where another file starts the container in its own way.
func (l *springJar) startsElsewhere() bool {
	const why = "%s:%d starts the container by a command of its own"
	for _, b := range l.Runs() {
		if len(b.Command) > 0 || len(b.Entrypoint) > 0 {
			return l.Decline(l.copy, why, b.File, b.Line)
		}
	}
	for _, c := range l.Pass.Containers() {
		if len(c.Command) > 0 {
			return l.Decline(l.copy, why, c.File, c.Line)
		}
	}
	for _, c := range l.Pass.Commands() {
		if slices.ContainsFunc(c.Words, func(w string) bool { return strings.Contains(w, path.Base(l.dest)) }) {
			return l.Decline(l.copy, why, c.File, c.Line)
		}
	}
	return true
}

// RewriteStart puts the launcher, or the jar's new place, into the start command.
func (l *springJar) rewriteStart(in *rewrite.Instruction, line []string, shell bool) bool {
	i := slices.Index(line, "-jar")
	jar := cmdline.JarWord(line, i)
	if shell || path.Base(line[0]) != "java" || jar < 0 {
		return l.Decline(in, "the layers start in another way, and %s isn't java in exec form", strings.ToUpper(in.Keyword))
	}
	words := slices.Clone(line)
	if l.tools {
		words[jar] = path.Join(l.to, path.Base(l.dest))
		l.Explain("it goes to %s, since its libraries lie beside it", l.to)
	} else {
		words = slices.Concat(words[:i], words[i+1:jar], []string{"-cp", l.to, l.launcher}, words[jar+1:])
		l.Explain("%s starts Spring Boot's launcher, as the jar's manifest did", strings.ToUpper(in.Keyword))
	}
	text := rewrite.KeywordLike(in, strings.ToUpper(in.Keyword)) + " " + cmdline.LikeList(in.Args.Text, words)
	if strings.HasSuffix(l.Doc.Src[:in.Span.End], "\n") {
		text += "\n"
	}
	l.Edits = append(l.Edits, rewrite.Edit{Span: in.Span, New: text})
	if in.Keyword == "cmd" {
		l.Config |= rewrite.FieldCmd
	} else {
		l.Config |= rewrite.FieldEntrypoint
	}
	return true
}
