package multistage

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// A stage that starts Node, Python or Java: whether distroless' own does the same,
// and what its entry point makes of CMD.

// handedOver is the newest Debian release of the stages that the files come from;
// it declines where one stands on another C library.
func (b *bare) handedOver() (release string, ok bool) {
	release = b.img.Release
	for _, in := range b.stage.Instructions {
		_, _, from, isCopy := in.Copy()
		if !isCopy || from == "" {
			continue
		}
		o := b.doc.StageByRef(from, b.stage.Index)
		if o == nil {
			return "", b.decline(in, "it copies from %s; what that needs of a system isn't known", from)
		}
		img, known := o.Image()
		switch {
		case o.BaseName() == "scratch":
		case !known || img.Libc == "musl" || debianNumber(img.Release) == "":
			return "", b.decline(in, "which C library what comes from %s was made for isn't known, or it is another", from)
		case debianNumber(img.Release) > debianNumber(release):
			release = img.Release
		}
	}
	return release, true
}

// ownLibc: the old image stands on a Debian whose C library distroless has too.
func (b *bare) ownLibc() bool {
	if b.img.Libc == "musl" {
		return b.decline(b.stage.From, "packages may be built for the C library of Alpine")
	}
	return debianNumber(b.img.Release) != "" || b.decline(b.stage.From, "the Debian release of %s isn't known", b.stage.BaseName())
}

var nodeSpawns = lazily(`\b(?:require\(\s*|from\s+|import\s+|import\(\s*)["'](?:node:)?(child_process|execa|cross-spawn|shelljs|zx|zx/globals|tinyexec|node-pty)["']`)

// node: nodejs of the same version.
func (b *bare) node() bool {
	if !b.ownLibc() {
		return false
	}
	release, ok := b.handedOver()
	if !ok {
		return false
	}
	major, _, _ := strings.Cut(cmp.Or(b.img.Version, b.img.Line), ".")
	b.kinds = []kindOf{{"nodejs" + major, release, "it has node as its entry point and nothing but it: no shell is needed, no other program is started"}}
	for _, in := range b.stage.Instructions {
		line, shell := startLine(in)
		if len(line) == 0 || in.Keyword == "cmd" && b.hasEntrypoint() {
			continue
		}
		if why := b.startsNode(in, line, shell); why != "" {
			return b.decline(in, "%s", why)
		}
	}
	if !b.startsSomething() {
		return false
	}
	if why := b.saysItself(); why != "" {
		return b.decline(b.stage.From, "%s", why)
	}
	why := strings.NewReplacer("node's slim image", "distroless", "the slim image", "distroless").Replace(b.nodePackages())
	if len(b.apt.required) > 0 && why == "" {
		why = b.apt.reason[b.apt.required[0]] + " needs " + b.apt.required[0] + ", which distroless hasn't"
	}
	exts := sourceOf["node"]
	if b.p.Unsafe && why == "" {
		why = b.sourceSays(nodeSpawns(), " starts other programs", exts)
	}
	if why == "" {
		why = b.needsShell(func(words []string) bool { return nodeProgram(words[0]) }, exts...)
	}
	if why != "" {
		return b.decline(b.stage.From, "%s", why)
	}
	b.assumes = append(b.assumes, "no package starts a shell or another program")
	b.beginAtRoot()
	return true
}

// saysItself names the compose file that starts something in the container, where
// the image's entry point is another program than before.
func (b *bare) saysItself() string {
	for _, s := range b.runs() {
		for _, l := range [][]string{s.Command, s.Entrypoint, s.Healthcheck} {
			if len(l) > 0 && l[0] != "NONE" {
				return fmt.Sprintf("%s:%d runs %s in the container", s.File, s.Line, strings.Join(l[:min(3, len(l))], " "))
			}
		}
	}
	return ""
}

func nodeProgram(name string) bool {
	return name == "node" || name == "nodejs" || name == "/usr/local/bin/node" || name == "npm"
}

// startsSomething: CMD or ENTRYPOINT of the file says what runs.
func (b *bare) startsSomething() bool {
	for _, in := range b.stage.Instructions {
		if line, _ := startLine(in); in.Keyword != "healthcheck" && len(line) > 0 {
			return true
		}
	}
	return b.decline(b.stage.From, "no CMD or ENTRYPOINT says what runs")
}

// startsNode notes what a command becomes where node is the entry point.
func (b *bare) startsNode(in *rewrite.Instruction, line []string, shell bool) string {
	what := strings.ToUpper(in.Keyword)
	switch {
	case shell:
		return what + " is in shell form"
	case in.Keyword == "cmd" && line[0] == "npm":
		args, why := b.npmCalls(line)
		if why != "" {
			return why
		}
		line = args
	}
	if line[0] != "npm" && !nodeProgram(line[0]) || len(line) < 2 {
		return what + " runs " + strings.Join(line[:min(2, len(line))], " ")
	}
	switch in.Keyword {
	case "healthcheck":
		raw := strings.TrimRight(in.Raw(), "\r\n")
		b.lines[in] = strings.Replace(raw, `"`+line[0]+`"`, `"`+distrolessNode+`"`, 1)
		b.config |= rewrite.FieldHealthcheck
	case "entrypoint":
		b.lines[in] = rewrite.KeywordLike(in, "ENTRYPOINT") + " " + likeList(in.Args.Text, slices.Concat([]string{distrolessNode}, line[1:]))
		b.config |= rewrite.FieldEntrypoint
	default:
		b.lines[in] = rewrite.KeywordLike(in, "CMD") + " " + likeList(in.Args.Text, line[1:])
		b.config |= rewrite.FieldCmd
		b.explain("node is the image's entry point, so CMD holds its arguments alone")
	}
	return ""
}

// npmCalls is the call of node that an npm script is.
func (b *bare) npmCalls(line []string) ([]string, string) {
	name := scriptOf(line)
	dir := b.stage.At(nil).Workdir
	ctx, ok := b.stage.Trace(path.Join(dir, "package.json"), b.p.Repo, b.p.Name)
	if name == "" || !ok {
		return nil, "CMD runs " + strings.Join(line, " ") + ", and which script that is isn't known"
	}
	pkg := b.p.Repo.Node(path.Dir(ctx))
	if pkg == nil || pkg.Err != nil {
		return nil, ctx + " can't be read"
	}
	n := newNodeSplit(b.split)
	n.app, n.installs = dir, []nodeInstall{{step: rewrite.Step{Dir: dir}, node: pkg}}
	args, why := n.direct(pkg, name)
	if why == "" && args[0] != "node" {
		why = "the script " + name + " of " + ctx + " sets variables, which needs a shell"
	}
	if why == "" {
		b.assumes = append(b.assumes, "the program doesn't read what npm sets in its environment (npm_package_version and the like)")
	}
	return args, why
}

// python: python3 of the same minor version.
func (b *bare) python() bool {
	if !b.ownLibc() {
		return false
	}
	if _, ok := b.handedOver(); !ok {
		return false
	}
	py := &pythonSplit{split: b.split, files: map[string]bool{}, manifests: map[string]bool{}}
	ref, img, why := py.debianPython()
	if why != "" {
		return b.decline(b.stage.From, "%s", strings.Replace(why, "none has", "no distroless image has", 1))
	}
	b.kinds = []kindOf{{strings.TrimPrefix(ref.Repository(), "gcr.io/distroless/"), "", "its Python is " + img.Version + " too, CMD starts without a shell and no source starts other programs"}}
	for _, in := range b.stage.Instructions {
		if line, _ := startLine(in); in.Keyword == "healthcheck" && len(line) > 0 {
			return b.decline(in, "HEALTHCHECK starts %s", line[0])
		}
		if why := b.packagesFrom(in, py.minor()); why != "" {
			return b.decline(in, "%s", why)
		}
	}
	if !b.startsSomething() {
		return false
	}
	why = b.pythonPackages()
	if len(b.apt.required) > 0 && why == "" {
		why = b.apt.reason[b.apt.required[0]] + " needs " + b.apt.required[0] + ", which distroless hasn't"
	}
	if why == "" {
		why = b.needsShell(func(words []string) bool { _, ok := pythonArgs(words); return ok }, ".py")
	}
	if why == "" {
		why = py.bareSource()
	}
	if why == "" {
		why = b.saysItself()
	}
	if why != "" {
		return b.decline(b.stage.From, "%s", strings.ReplaceAll(why, "the slim image", "distroless"))
	}
	py.rewriteStart(img)
	b.beginAtRoot()
	return true
}

// packagesFrom sends the packages that a COPY brings to where Debian's Python looks.
func (b *bare) packagesFrom(in *rewrite.Instruction, minor string) string {
	sources, dest, from, ok := in.Copy()
	if !ok {
		return ""
	}
	st := in.State()
	to, _ := st.Abs(st.Expand(dest))
	site := "/usr/local/lib/python" + minor + "/site-packages"
	if o := b.doc.StageByRef(from, b.stage.Index); from != "" && o != nil {
		for _, i := range o.Instructions {
			if strings.Contains(i.Text, "venv") || strings.Contains(i.Text, "virtualenv") || i.Keyword == "run" && environmentTool().MatchString(i.Text) {
				return "what comes from " + from + " may hold a virtual environment, which links to /usr/local/bin/python"
			}
		}
	}
	switch {
	case !rewrite.Inside(to, "/usr/local"):
		return ""
	case len(sources) != 1 || from == "":
		return "it copies into " + to + ", where another Python lies"
	case to == site:
	case to == "/usr/local":
		sources[0] = strings.TrimSuffix(sources[0], "/") + strings.TrimPrefix(site, "/usr/local")
	default:
		return "it copies into " + to + ", whose scripts name an interpreter that isn't there"
	}
	dist := strings.Replace(site, "site-packages", "dist-packages", 1)
	words := []string{rewrite.KeywordLike(in, strings.ToUpper(in.Keyword))}
	for _, f := range in.Flags {
		words = append(words, f.Text)
	}
	b.lines[in] = strings.Join(append(words, sources[0], dist), " ")
	b.explain("the packages go to dist-packages, where Debian's Python looks")
	return ""
}

var environmentTool = lazily(`\b(uv\s+(sync|venv|run)|poetry\s+install|pipenv\s+(install|sync)|conda|mamba|pdm)\b`)

// javaRuntimes are images whose Java is HotSpot, as distroless' is.
var javaRuntimes = words(`eclipse-temurin openjdk amazoncorretto`)

// java: the same version of Java.
func (b *bare) java() bool {
	vm, why := javaIn(b.ref)
	if why != "" {
		return b.decline(b.stage.From, "%s", why)
	}
	b.kinds = []kindOf{{"java" + vm.version, "", "nothing that starts needs a shell; it is a JRE of the same version and little else"}}
	j := &javaSplit{artefacts: artefacts{split: b.split}, vm: vm, users: map[string]bool{}}
	for _, in := range b.stage.Instructions {
		line, shell := startLine(in)
		switch {
		case in.Keyword == "healthcheck" && len(line) > 0:
			return b.decline(in, "HEALTHCHECK runs %s", line[0])
		case len(line) == 0 || in.Keyword == "cmd" && b.hasEntrypoint():
		case shell:
			return b.decline(in, "%s is in shell form", strings.ToUpper(in.Keyword))
		case jdkAtStart(line) != "":
			return b.decline(in, "%s", strings.ReplaceAll(jdkAtStart(line), "a JRE", "distroless"))
		case line[0] != "java" && line[0] != "/usr/bin/java" || len(line) < 2:
			return b.decline(in, "%s runs %s", strings.ToUpper(in.Keyword), line[0])
		case in.Keyword == "cmd":
			b.javaCmd(in, line)
		}
	}
	b.assumes = append(b.assumes, "Debian's Java "+vm.version+" runs what "+b.stage.BaseName()+" ran, as both pass the same compatibility tests")
	if !b.startsSomething() || !j.environment0() {
		return false
	}
	if why := b.oldJava(); why != "" {
		return b.decline(b.stage.From, "%s", why)
	}
	if why = b.jdkInSource(); why == "" && b.p.Unsafe {
		why = b.sourceSays(javaSpawn(), " starts other programs", javaExts)
		if at := j.draws(); at != "" && why == "" {
			why = at + " draws or lays out text, and distroless' Java is the headless one"
		}
	}
	if why == "" && !b.hasEntrypoint() {
		why = b.saysItself()
	}
	if why == "" {
		why = b.needsShell(func(words []string) bool { return words[0] == "java" || words[0] == "/usr/bin/java" })
	}
	if why != "" {
		return b.decline(b.stage.From, "%s", why)
	}
	b.beginAtRoot()
	return true
}

// oldJava tells what counts on the files of the old image: the entry point script of
// Temurin, which adds certificates, and the folder of its Java.
func (b *bare) oldJava() string {
	for _, in := range b.stage.Instructions {
		if k := in.Keyword; k == "run" {
			continue
		}
		if m := oldJavaFolder().FindString(in.Text); m != "" {
			return "line " + lineOf(in) + " names " + m + ", and Java lies elsewhere in distroless"
		}
	}
	if b.stage.At(nil).Env["USE_SYSTEM_CA_CERTS"] != "" {
		return "USE_SYSTEM_CA_CERTS is read by Temurin's entry point script"
	}
	files, _ := b.p.Repo.Files()
	for _, f := range files {
		if ext := path.Ext(f); ext != ".yml" && ext != ".yaml" && !strings.HasPrefix(path.Base(f), ".env") {
			continue
		}
		src, err := b.p.Repo.ReadFile(f)
		if err != nil || len(src) > 1<<20 {
			continue
		}
		if at := oldJavaSetting().FindIndex(src); at != nil {
			return f + ":" + lineAt(string(src), at[0]) + " names " + string(src[at[0]:at[1]]) + ", which distroless has not (Temurin's entry point script reads it, or it is a folder of its Java)"
		}
	}
	return ""
}

var (
	oldJavaFolder  = lazily(`/opt/java/|/usr/local/openjdk[\w-]*|/usr/lib/jvm/|\$\{?JAVA_HOME\b`)
	oldJavaSetting = lazily(`USE_SYSTEM_CA_CERTS|/opt/java/openjdk|/usr/local/openjdk[\w-]*`)
)

// javaCmd writes CMD for an image whose entry point is java -jar.
func (b *bare) javaCmd(in *rewrite.Instruction, line []string) {
	b.config |= rewrite.FieldCmd
	if line[1] == "-jar" && len(line) > 2 {
		b.lines[in] = rewrite.KeywordLike(in, "CMD") + " " + likeList(in.Args.Text, line[2:])
		b.explain("java -jar is the image's entry point, so CMD holds the jar alone")
		return
	}
	b.lines[in] = rewrite.KeywordLike(in, "ENTRYPOINT") + " " + likeList(in.Args.Text, append([]string{"/usr/bin/java"}, line[1:]...))
	b.config |= rewrite.FieldEntrypoint
	b.explain("the image's entry point is java -jar, which leaves no room for options of java, so CMD becomes the entry point")
}

// environment0 declines for variables that name the old Java.
func (j *javaSplit) environment0() bool {
	for _, in := range j.stage.Instructions {
		if in.Keyword != "env" {
			continue
		}
		for _, w := range in.Assignments() {
			name, v, _ := strings.Cut(w.Text, "=")
			if name == "JAVA_HOME" || name == "PATH" && (strings.Contains(v, "jdk") || strings.Contains(v, "jvm") || strings.Contains(v, "JAVA_HOME")) {
				return j.decline(in, "it sets %s for the Java of the old image", name)
			}
		}
	}
	return true
}
