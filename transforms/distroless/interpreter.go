package distroless

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/artefacts"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/java"
	"drydock/transforms/multistage/javascript"
	"drydock/transforms/multistage/python"
	"drydock/transforms/multistage/split"
	"drydock/transforms/slimbase"
)

// A stage that starts Node, Python or Java: whether distroless' own does the same,
// and what its entry point makes of CMD.

// handedOver is the newest Debian release of the stages that the files come from;
// it declines where one stands on another C library.
func (b *bare) handedOver() (release string, ok bool) {
	release = b.Image.Release
	for _, in := range b.Stage.Instructions {
		_, _, from, isCopy := in.Copy()
		if !isCopy || from == "" {
			continue
		}
		o := b.Doc.StageByRef(from, b.Stage.Index)
		if o == nil {
			return "", b.Decline(in, "it copies from %s; what that needs of a system isn't known", from)
		}
		img, known := o.Image()
		switch {
		case o.BaseName() == "scratch":
		case !known || img.Libc == "musl" || distro.DebianNumber(img.Release) == "":
			return "", b.Decline(in, "which C library what comes from %s was made for isn't known, or it is another", from)
		case distro.DebianNumber(img.Release) > distro.DebianNumber(release):
			release = img.Release
		}
	}
	return release, true
}

// ownLibc: the old image stands on a Debian whose C library distroless has too.
func (b *bare) ownLibc() bool {
	if b.Image.Libc == "musl" {
		return b.Decline(b.Stage.From, "packages may be built for the C library of Alpine")
	}
	return distro.DebianNumber(b.Image.Release) != "" || b.Decline(b.Stage.From, "the Debian release of %s isn't known", b.Stage.BaseName())
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
	major, _, _ := strings.Cut(cmp.Or(b.Image.Version, b.Image.Line), ".")
	b.kinds = []kindOf{{"nodejs" + major, release, "it has node as its entry point and nothing but it: no shell is needed, no other program is started"}}
	for _, in := range b.Stage.Instructions {
		line, shell := cmdline.StartLine(in)
		if len(line) == 0 || in.Keyword == "cmd" && b.HasEntrypoint() {
			continue
		}
		if why := b.startsNode(in, line, shell); why != "" {
			return b.Decline(in, "%s", why)
		}
	}
	if !b.startsSomething() {
		return false
	}
	if why := b.saysItself(); why != "" {
		return b.Decline(b.Stage.From, "%s", why)
	}
	why := strings.NewReplacer("node's slim image", "distroless", "the slim image", "distroless").Replace(slimbase.NodePackages(b.Split))
	if len(b.Apt.Required) > 0 && why == "" {
		why = b.Apt.Reason[b.Apt.Required[0]] + " needs " + b.Apt.Required[0] + ", which distroless hasn't"
	}
	exts := slimbase.SourceOf["node"]
	if why == "" {
		why = slimbase.SystemFonts(b.Split, exts)
	}
	if b.Pass.Unsafe && why == "" {
		why = b.SourceSays(nodeSpawns(), " starts other programs", exts)
	}
	if why == "" {
		why = b.NeedsShell(func(words []string) bool { return nodeProgram(words[0]) }, exts...)
	}
	if why != "" {
		return b.Decline(b.Stage.From, "%s", why)
	}
	b.Assumes = append(b.Assumes, "no package starts a shell or another program")
	b.beginAtRoot()
	return true
}

// saysItself names the compose file that starts something in the container, where
// the image's entry point is another program than before.
func (b *bare) saysItself() string {
	for _, s := range b.Runs() {
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
	for _, in := range b.Stage.Instructions {
		if line, _ := cmdline.StartLine(in); in.Keyword != "healthcheck" && len(line) > 0 {
			return true
		}
	}
	return b.Decline(b.Stage.From, "no CMD or ENTRYPOINT says what runs")
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
		b.lines[in] = strings.Replace(raw, `"`+line[0]+`"`, `"`+javascript.DistrolessNode+`"`, 1)
		b.Config |= rewrite.FieldHealthcheck
	case "entrypoint":
		b.lines[in] = rewrite.KeywordLike(in, "ENTRYPOINT") + " " + cmdline.LikeList(in.Args.Text, slices.Concat([]string{javascript.DistrolessNode}, line[1:]))
		b.Config |= rewrite.FieldEntrypoint
	default:
		b.lines[in] = rewrite.KeywordLike(in, "CMD") + " " + cmdline.LikeList(in.Args.Text, line[1:])
		b.Config |= rewrite.FieldCmd
		b.Explain("node is the image's entry point, so CMD holds its arguments alone")
	}
	return ""
}

// npmCalls is the call of node that an npm script is.
func (b *bare) npmCalls(line []string) ([]string, string) {
	name := split.ScriptOf(line)
	dir := b.Stage.At(nil).Workdir
	ctx, ok := b.Stage.Trace(path.Join(dir, "package.json"), b.Pass.Repo, b.Pass.Name)
	if name == "" || !ok {
		return nil, "CMD runs " + strings.Join(line, " ") + ", and which script that is isn't known"
	}
	pkg := b.Pass.Repo.Node(path.Dir(ctx))
	if pkg == nil || pkg.Err != nil {
		return nil, ctx + " can't be read"
	}
	n := javascript.NewNode(b.Split)
	n.AppDir, n.Installs = dir, []javascript.NodeInstall{{Step: rewrite.Step{Dir: dir}, Node: pkg}}
	args, why := n.Direct(pkg, name)
	if why == "" && args[0] != "node" {
		why = "the script " + name + " of " + ctx + " sets variables, which needs a shell"
	}
	if why == "" {
		b.Assumes = append(b.Assumes, "the program doesn't read what npm sets in its environment (npm_package_version and the like)")
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
	py := &python.App{Split: b.Split, Files: map[string]bool{}, Manifests: map[string]bool{}}
	ref, img, why := py.DebianPython()
	if why != "" {
		return b.Decline(b.Stage.From, "%s", strings.Replace(why, "none has", "no distroless image has", 1))
	}
	b.kinds = []kindOf{{strings.TrimPrefix(ref.Repository(), "gcr.io/distroless/"), "", "its Python is " + img.Version + " too, CMD starts without a shell and no source starts other programs"}}
	for _, in := range b.Stage.Instructions {
		if line, _ := cmdline.StartLine(in); in.Keyword == "healthcheck" && len(line) > 0 {
			return b.Decline(in, "HEALTHCHECK starts %s", line[0])
		}
		if why := b.packagesFrom(in, py.Minor()); why != "" {
			return b.Decline(in, "%s", why)
		}
	}
	if !b.startsSomething() {
		return false
	}
	why = slimbase.PythonPackages(b.Split)
	if len(b.Apt.Required) > 0 && why == "" {
		why = b.Apt.Reason[b.Apt.Required[0]] + " needs " + b.Apt.Required[0] + ", which distroless hasn't"
	}
	if why == "" {
		why = b.NeedsShell(func(words []string) bool { _, ok := python.Args(words); return ok }, ".py")
	}
	if why == "" {
		why = cmp.Or(py.BareSource(), slimbase.SystemFonts(b.Split, []string{".py"}))
	}
	if why == "" {
		why = b.saysItself()
	}
	if why != "" {
		return b.Decline(b.Stage.From, "%s", strings.ReplaceAll(why, "the slim image", "distroless"))
	}
	py.RewriteStart(img)
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
	if o := b.Doc.StageByRef(from, b.Stage.Index); from != "" && o != nil {
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
	b.Explain("the packages go to dist-packages, where Debian's Python looks")
	return ""
}

var environmentTool = lazily(`\b(uv\s+(sync|venv|run)|poetry\s+install|pipenv\s+(install|sync)|conda|mamba|pdm)\b`)

// java: the same version of Java.
func (b *bare) java() bool {
	vm, why := java.In(b.Ref)
	if why != "" {
		return b.Decline(b.Stage.From, "%s", why)
	}
	b.kinds = []kindOf{{"java" + vm.Version, "", "nothing that starts needs a shell; it is a JRE of the same version and little else"}}
	j := &java.App{List: artefacts.List{Split: b.Split}, Vm: vm, Users: map[string]bool{}}
	for _, in := range b.Stage.Instructions {
		line, shell := cmdline.StartLine(in)
		switch {
		case in.Keyword == "healthcheck" && len(line) > 0:
			return b.Decline(in, "HEALTHCHECK runs %s", line[0])
		case len(line) == 0 || in.Keyword == "cmd" && b.HasEntrypoint():
		case shell:
			return b.Decline(in, "%s is in shell form", strings.ToUpper(in.Keyword))
		case split.JDKAtStart(line) != "":
			return b.Decline(in, "%s", strings.ReplaceAll(split.JDKAtStart(line), "a JRE", "distroless"))
		case line[0] != "java" && line[0] != "/usr/bin/java" || len(line) < 2:
			return b.Decline(in, "%s runs %s", strings.ToUpper(in.Keyword), line[0])
		case in.Keyword == "cmd":
			b.javaCmd(in, line)
		}
	}
	b.Assumes = append(b.Assumes, "Debian's Java "+vm.Version+" runs what "+b.Stage.BaseName()+" ran, as both pass the same compatibility tests")
	if !b.startsSomething() || !environment0(j) {
		return false
	}
	if why := b.oldJava(); why != "" {
		return b.Decline(b.Stage.From, "%s", why)
	}
	if why = slimbase.JdkInSource(b.Split); why == "" && b.Pass.Unsafe {
		why = b.SourceSays(java.Spawn(), " starts other programs", java.Exts)
		if at := j.Draws(); at != "" && why == "" {
			why = at + " draws or lays out text, and distroless' Java is the headless one"
		}
	}
	if why == "" && !b.HasEntrypoint() {
		why = b.saysItself()
	}
	if why == "" {
		why = b.NeedsShell(func(words []string) bool { return words[0] == "java" || words[0] == "/usr/bin/java" })
	}
	if why != "" {
		return b.Decline(b.Stage.From, "%s", why)
	}
	b.beginAtRoot()
	return true
}

// oldJava tells what counts on the files of the old image: the entry point script of
// Temurin, which adds certificates, and the folder of its Java.
func (b *bare) oldJava() string {
	for _, in := range b.Stage.Instructions {
		if k := in.Keyword; k == "run" {
			continue
		}
		if m := oldJavaFolder().FindString(in.Text); m != "" {
			return "line " + cmdline.LineOf(in) + " names " + m + ", and Java lies elsewhere in distroless"
		}
	}
	if b.Stage.At(nil).Env["USE_SYSTEM_CA_CERTS"] != "" {
		return "USE_SYSTEM_CA_CERTS is read by Temurin's entry point script"
	}
	files, _ := b.Pass.Repo.Files()
	for _, f := range files {
		if ext := path.Ext(f); ext != ".yml" && ext != ".yaml" && !strings.HasPrefix(path.Base(f), ".env") {
			continue
		}
		src, err := b.Pass.Repo.ReadFile(f)
		if err != nil || len(src) > 1<<20 {
			continue
		}
		if at := oldJavaSetting().FindIndex(src); at != nil {
			return f + ":" + cmdline.LineAt(string(src), at[0]) + " names " + string(src[at[0]:at[1]]) + ", which distroless has not (Temurin's entry point script reads it, or it is a folder of its Java)"
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
	b.Config |= rewrite.FieldCmd
	if line[1] == "-jar" && len(line) > 2 {
		b.lines[in] = rewrite.KeywordLike(in, "CMD") + " " + cmdline.LikeList(in.Args.Text, line[2:])
		b.Explain("java -jar is the image's entry point, so CMD holds the jar alone")
		return
	}
	b.lines[in] = rewrite.KeywordLike(in, "ENTRYPOINT") + " " + cmdline.LikeList(in.Args.Text, append([]string{"/usr/bin/java"}, line[1:]...))
	b.Config |= rewrite.FieldEntrypoint
	b.Explain("the image's entry point is java -jar, which leaves no room for options of java, so CMD becomes the entry point")
}

// environment0 declines for variables that name the old Java.
func environment0(j *java.App) bool {
	for _, in := range j.Stage.Instructions {
		if in.Keyword != "env" {
			continue
		}
		for _, w := range in.Assignments() {
			name, v, _ := strings.Cut(w.Text, "=")
			if name == "JAVA_HOME" || name == "PATH" && (strings.Contains(v, "jdk") || strings.Contains(v, "jvm") || strings.Contains(v, "JAVA_HOME")) {
				return j.Decline(in, "it sets %s for the Java of the old image", name)
			}
		}
	}
	return true
}
