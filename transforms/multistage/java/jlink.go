package java

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"drydock/images"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// A Java runtime of the program's own, for --base smallest: jlink puts the modules
// that it uses beside the virtual machine, on distroless java-base, which is what
// a Java of one's own needs of a system
// (https://docs.oracle.com/en/java/javase/21/docs/specs/man/jlink.html,
// https://github.com/GoogleContainerTools/distroless/tree/main/java).
//
// It is made in a stage of its own, which depends on nothing of the project: its
// layer is built once and pushed once, however often the program changes. So the
// modules are named, not asked of jdeps: those of the packages that the source
// names where the program is its source alone, else those of a JRE.
//
// It declines where a shell is needed, for agents of debuggers, on musl, and
// outside of Java 17 and 21: 11 can't strip so, and from 24 on jlink may have no
// jmods to link from (https://openjdk.org/jeps/493).

// jreModules are what a program with dependencies gets: those of the boot and of the
// platform class loader, as a JRE has them, save what is for desktops, for
// browsers and in incubation (the JDK's make/conf/module-loader-map.conf). None of them may be
// missing for its size: monitoring, random generators and JNDI find theirs at run time, or do with less and don't say so.
const jreModules = "java.se,java.smartcardio,jdk.charsets,jdk.crypto.cryptoki,jdk.crypto.ec,jdk.dynalink,jdk.httpserver,jdk.jfr,jdk.localedata,jdk.management,jdk.management.agent,jdk.management.jfr,jdk.naming.dns,jdk.naming.rmi,jdk.net,jdk.nio.mapmode,jdk.random,jdk.sctp,jdk.security.auth,jdk.security.jgss,jdk.unsupported,jdk.xml.dom,jdk.zipfs"

// moduleOf tells the module of a package, by its longest name here
// (https://docs.oracle.com/en/java/javase/21/docs/api/: each module's packages).
var moduleOf = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	for module, packages := range map[string]string{
		"java.base":          "java.io java.lang java.math java.net java.nio java.security java.text java.time java.util javax.crypto javax.net javax.security.auth javax.security.cert",
		"java.desktop":       "java.beans",
		"java.instrument":    "java.lang.instrument",
		"java.logging":       "java.util.logging",
		"java.management":    "java.lang.management javax.management",
		"java.naming":        "javax.naming",
		"java.net.http":      "java.net.http",
		"java.prefs":         "java.util.prefs",
		"java.rmi":           "java.rmi javax.rmi.ssl",
		"java.security.jgss": "org.ietf.jgss javax.security.auth.kerberos",
		"java.security.sasl": "javax.security.sasl",
		"java.sql":           "java.sql javax.sql",
		"java.sql.rowset":    "javax.sql.rowset",
		"java.xml":           "javax.xml org.w3c.dom org.xml.sax",
		"java.xml.crypto":    "javax.xml.crypto",
		"jdk.httpserver":     "com.sun.net.httpserver",
		"jdk.jfr":            "jdk.jfr",
		"jdk.management":     "com.sun.management",
		"jdk.unsupported":    "sun.misc sun.reflect",
	} {
		for _, p := range strings.Fields(packages) {
			m[p] = module
		}
	}
	return m
})

var (
	javaPackage = lazily(`\b(?:java|javax|jdk|sun|com\.sun|org\.w3c|org\.xml|org\.ietf)(?:\.[a-z][a-z0-9_]*)+`)
	// What finds classes by name, at run time.
	javaDynamic = lazily(`\bClass\.forName\b|\bServiceLoader\b|\bloadClass\s*\(|\bURLClassLoader\b|\bScriptEngine|\bRandomGenerator\b|\bLoginContext\b|"PKCS11`)
	// Providers that no import names: modules which java.base looks for by itself.
	javaCharsets = lazily(`\bCharset\.(?:forName|availableCharsets|isSupported)\b|\bgetBytes\s*\(\s*"|Reader\s*\([^;]*,\s*"|Writer\s*\([^;]*,\s*"`)
	javaLocales  = lazily(`\bLocale\.(?:of|forLanguageTag|setDefault|getAvailableLocales|Builder|[A-Z_]+)\b|\bLocale\s*\(|\bLocale::new\b`)
	javaZipFiles = lazily(`\bnewFileSystem\b|\bFileSystems\.getFileSystem\b`)
	// Options that ask for no module: the sizes and switches of the virtual machine, and properties that are the
	// program's own, or harmless although Java's.
	javaPlain    = lazily(`^(?:-Xm[snx]\w+|-Xss\w+|-server|-ea|-XX:\S+|-D\S+)$`)
	javaAsking   = lazily(`^(?:-XX:\S*(?:Flight|ManagementServer)|-D(?:java|javax|sun|com\.sun|jdk|user|file)\.)`)
	javaHarmless = lazily(`^-D(?:java\.security\.egd|java\.awt\.headless|java\.net\.|java\.io\.tmpdir|file\.encoding=UTF-?8$|user\.timezone)`)
)

// linked plans the runtime stage with a runtime of the program's own, or tells why not.
func (j *App) linked() string {
	ref, ok := images.Distroless("java-base")
	switch {
	case !ok:
		return "there is no distroless image for one"
	case j.Vm.Version != "17" && j.Vm.Version != "21":
		return "jlink of Java " + j.Vm.Version + " may not have what it takes"
	case j.Vm.alpine:
		return "Alpine's Java needs musl, which distroless hasn't"
	case !j.Vm.temurin:
		return "where " + j.Stage.BaseName() + " has jlink isn't known"
	}
	if why := j.debugged(); why != "" {
		return why
	}
	if why := j.bare(); why != "" {
		return why
	}
	if j.Doc.StageByRef("jre", len(j.Doc.Stages)) != nil {
		return "there is a stage jre already"
	}
	modules, from := j.modules()
	if !j.nonroot() {
		ref = ref.WithTag("latest")
	}
	j.Base = ref.String()
	img, _ := j.Pass.Images.Image(ref)
	j.workdir(img)

	// as they are in Temurin's images, so that what names them finds them
	j.First = append([]string{j.Keyword("ENV") + " JAVA_HOME=/opt/java/openjdk PATH=/opt/java/openjdk/bin:$PATH"}, j.First...)
	j.First = append(j.First, j.Keyword("COPY")+" --from=jre /opt/jre /opt/java/openjdk")
	j.Config |= rewrite.FieldEnv

	stage := []string{j.Keyword("FROM")}
	for _, f := range j.Stage.From.Flags {
		stage = append(stage, f.Text)
	}
	// Without --compress: a layer is compressed as a whole, and 15.6 MB of java.base are 18.2 with it.
	const options = "--strip-java-debug-attributes --no-header-files --no-man-pages --output /opt/jre"
	j.Between = []string{
		strings.Join(append(stage, j.Stage.From.Fields()[0].Text, rewrite.AsKeyword(j.Stage), "jre"), " ") + "\n",
		j.Keyword("RUN") + " jlink --add-modules " + modules + " \\\n    " + options + "\n",
	}
	j.Adds = append(j.Adds, "jlink --add-modules "+modules+" "+options)
	j.Explain("%s: it has no Java; jlink makes one in the stage jre, which is built again only when the base or the modules change", ref.Repository())
	j.Explain("its modules: %s", from)
	j.Explain("linked runtimes have no archive of class data, so that starting takes a little longer (0.49 s of CPU in place of 0.42 where it was measured)")
	j.country()
	j.Assumes = append(j.Assumes, "the program uses no module of Java but those that jlink is told")
	return ""
}

// debugged tells of options that load a debugger's or a monitor's agent, or modules by name.
func (j *App) debugged() string {
	look := func(text string) string {
		for _, w := range []string{"-agentlib:", "-agentpath:", "-Xrunjdwp", "-Xdebug"} {
			if strings.Contains(text, w) {
				return w + " loads an agent of the JDK's"
			}
		}
		for _, w := range []string{"--add-modules", "--limit-modules"} {
			if strings.Contains(text, w) {
				return w + " names modules of its own"
			}
		}
		return ""
	}
	for _, in := range j.Stage.Instructions {
		if in.Keyword == "env" || in.Keyword == "cmd" || in.Keyword == "entrypoint" {
			if why := look(in.Text); why != "" {
				return why
			}
		}
	}
	why := ""
	j.Sources([]string{".yml", ".yaml", ".env"}, func(string) bool { return false }, func(file, text string) bool {
		if why = look(text); why != "" {
			why = file + ": " + why
		}
		return why == ""
	})
	return why
}

// modules are what jlink is told, and in words where they come from.
func (j *App) modules() (list, why string) {
	found := map[string]bool{"java.base": true, "java.logging": true, "jdk.crypto.ec": true} // System.Logger writes by java.logging, TLS needs the curves
	if why = j.moduleList(found); why != "" {
		return jreModules, "those of a JRE without windows, compilers and tools, since " + why
	}
	var out []string
	for m := range found {
		out = append(out, m)
	}
	slices.Sort(out)
	return strings.Join(out, ","), "those of the packages that the source names; it has no dependencies"
}

// moduleList notes the modules of a program that is its source alone; why tells of a
// program that isn't.
func (j *App) moduleList(found map[string]bool) (why string) {
	st := j.starts[0]
	switch {
	case !j.Pass.Unsafe:
		return "the source isn't read"
	case st.jar == "" || !j.alone:
		return "it has dependencies, which use more than the source tells"
	}
	for _, o := range st.options {
		if !javaPlain().MatchString(o) || javaAsking().MatchString(o) && !javaHarmless().MatchString(o) {
			return o + " may ask for more"
		}
	}
	for name := range j.Stage.At(nil).Env {
		if name == "JAVA_TOOL_OPTIONS" || name == "JDK_JAVA_OPTIONS" || name == "LANG" && j.setsEnv(name) || name == "LC_ALL" && j.setsEnv(name) {
			return name + " may ask for more"
		}
	}
	j.Sources(Exts, javaTest, func(file, text string) bool {
		if path.Ext(file) != ".java" {
			why = file + " isn't Java"
			return false
		}
		if at := javaDynamic().FindStringIndex(text); at != nil {
			why = fmt.Sprintf("%s:%s finds classes by name", file, cmdline.LineAt(text, at[0]))
			return false
		}
		for module, re := range map[string]*regexp.Regexp{"jdk.charsets": javaCharsets(), "jdk.localedata": javaLocales(), "jdk.zipfs": javaZipFiles()} {
			if re.MatchString(text) {
				found[module] = true
			}
		}
		for _, at := range javaPackage().FindAllStringIndex(text, -1) {
			name := text[at[0]:at[1]]
			module := ""
			for p := name; module == "" && p != ""; p = p[:max(0, strings.LastIndexByte(p, '.'))] {
				module = moduleOf()[p]
			}
			if module == "" {
				why = fmt.Sprintf("%s:%s names %s", file, cmdline.LineAt(text, at[0]), name)
				return false
			}
			found[module] = true
			if module == "java.management" || module == "java.naming" { // providers of theirs
				found[map[string]string{"java.management": "jdk.management", "java.naming": "jdk.naming.dns"}[module]] = true
			}
		}
		return true
	})
	return why
}

// setsEnv: an ENV of the stage sets a variable.
func (j *App) setsEnv(name string) bool {
	return slices.ContainsFunc(j.Stage.Instructions, func(in *rewrite.Instruction) bool {
		return in.Keyword == "env" && slices.ContainsFunc(in.Assignments(), func(w rewrite.Word) bool { return strings.HasPrefix(w.Text, name+"=") })
	})
}
