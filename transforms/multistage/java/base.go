package java

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

// javaImage is what the tag of a JDK image says.
type javaImage struct {
	Version string // the feature version: "17"
	temurin bool   // its JDK lies where eclipse-temurin has it
	alpine  bool
	release string // "jammy", when the tag names Ubuntu's release
	vendor  string // "openjdk", "amazoncorretto"; "" for Temurin
}

// Where the version of Java stands in the tags of build images.
var (
	mavenJava  = lazily(`(?:^|-)(jdk|openjdk|eclipse-temurin|adoptopenjdk|amazoncorretto|temurin|azulzulu)-(\d+)`)
	gradleJava = lazily(`(?:^|-)(jdk)-?(\d+)`)
	sbtJava    = lazily(`^(eclipse-temurin|openjdk|graalvm|amazoncorretto)?-?[a-z-]*(\d+)`)
	plainJava  = lazily(`^()(\d+)`)
)

// In reads the Java of an image from its tag; why tells what isn't known.
func In(ref images.Ref) (vm javaImage, why string) {
	repository, tag := ref.Repository(), ref.Tag
	re := plainJava
	switch {
	case strings.Contains(tag, "graal") || strings.Contains(tag, "openj9") || strings.Contains(tag, "semeru") || strings.Contains(tag, "ibmjava"):
		return vm, fmt.Sprintf("%s:%s isn't HotSpot, and a JRE of another kind may run the program differently", repository, tag)
	case strings.Contains(tag, "ubi") || strings.Contains(tag, "centos"):
		return vm, fmt.Sprintf("%s:%s is a Red Hat system; which JRE image stands for it isn't settled", repository, tag)
	case repository == "maven" || repository == "clojure":
		re = mavenJava
	case repository == "gradle":
		re = gradleJava
	case strings.HasSuffix(repository, "/scala-sbt"):
		re = sbtJava
	case strings.HasPrefix(repository, "azul/"):
		re = plainJava
	}
	m := re().FindStringSubmatch(tag)
	if m == nil {
		return vm, fmt.Sprintf("which Java %s holds isn't said by its tag", ref.String())
	}
	vm.Version, vm.alpine = m[2], strings.Contains(tag, "alpine")
	switch {
	case m[1] == "graalvm":
		return vm, ref.String() + " isn't HotSpot, and a JRE of another kind may run the program differently"
	case repository == "openjdk":
		vm.vendor = "openjdk"
	case repository == "amazoncorretto" || m[1] == "amazoncorretto" || strings.Contains(tag, "corretto"):
		vm.vendor = "amazoncorretto"
	}
	vm.temurin = repository == "eclipse-temurin" || m[1] == "eclipse-temurin" || m[1] == "temurin" || repository == "gradle" && vm.vendor == ""
	for _, r := range []string{"focal", "jammy", "noble", "resolute"} {
		if strings.Contains(tag, r) {
			vm.release = r
		}
	}
	return vm, ""
}

// runtimes are the JRE images that may stand for the JDK, the best first: of
// the same vendor where it has one and the program draws no fonts, which the
// smaller ones have no libraries for.
func (vm javaImage) runtimes(ref images.Ref, draws bool) (out []string) {
	v, repository := vm.Version, ref.Repository()
	exact, rest, _ := strings.Cut(ref.Tag, "-") // 17.0.9_9
	switch {
	case repository == "eclipse-temurin":
		tag := exact + "-jre"
		if rest = strings.TrimPrefix("-"+rest, "-jdk"); rest != "-" {
			tag += rest
		}
		out = append(out, "eclipse-temurin:"+tag)
	case vm.vendor == "openjdk" && repository == "openjdk" && !vm.alpine:
		if draws {
			out = append(out, "openjdk:"+exact+"-jre")
		} else {
			out = append(out, "openjdk:"+exact+"-jre-slim", "openjdk:"+exact+"-jre")
		}
		if n := cmdline.Number(v); n > 11 { // from 12 on the image has no JRE: its README says to use jlink
			out = nil
		}
	case vm.vendor == "amazoncorretto" && repository == "amazoncorretto" && !vm.alpine && !draws:
		out = append(out, "amazoncorretto:"+v+"-headless")
	}
	switch {
	case vm.alpine:
		out = append(out, "eclipse-temurin:"+v+"-jre-alpine")
	case vm.release != "":
		out = append(out, "eclipse-temurin:"+v+"-jre-"+vm.release, "eclipse-temurin:"+v+"-jre")
	default:
		out = append(out, "eclipse-temurin:"+v+"-jre")
	}
	return out
}

// chooseBase picks the runtime image.
func (j *App) chooseBase() bool {
	if f := j.Stage.From.Fields(); strings.Contains(f[0].Text, "$") {
		return j.Decline(j.Stage.From, "the base is computed from a build argument")
	}
	if j.Pass.Policy == split.Smallest {
		why := j.linked()
		if why == "" {
			return true
		}
		j.Explain("no Java runtime of its own: %s", why)
	}
	if j.Pass.Policy == split.Distroless || j.Pass.Policy == split.Smallest {
		why := j.distroless()
		if why == "" {
			return true
		}
		j.Explain("distroless won't do, so it runs on a JRE image: %s", why)
	}
	return j.jre()
}

// jre picks the image with a JRE that takes the place of the JDK's.
func (j *App) jre() bool {
	draws := j.Pass.Unsafe && j.Draws() != ""
	for _, name := range j.Vm.runtimes(j.Ref, draws) {
		ref, err := images.ParseRef(name)
		if err != nil {
			continue
		}
		img, ok := j.Pass.Images.Image(ref)
		if !ok || img.EndOfLife != "" && img.Line == "16" { // Temurin had no JRE before 17, save 8 and 11
			continue
		}
		j.Base = name
		if v := map[string]string{"openjdk": "OpenJDK", "amazoncorretto": "Corretto", "": "Temurin"}[j.Vm.vendor]; !strings.HasPrefix(name, "eclipse-temurin") {
			j.Explain("%s is the JRE of the same vendor (%s)", name, v)
		} else if j.Vm.temurin {
			j.Explain("%s is the JRE of the same version and vendor", name)
		} else {
			j.Explain("%s is a JRE of the same version; %s has none of its own", name, j.Ref.Repository())
			j.Assumes = append(j.Assumes, "Temurin's Java "+j.Vm.Version+" runs what "+j.Stage.BaseName()+" ran, as both pass the same compatibility tests")
		}
		return j.workdir(img)
	}
	return j.Decline(j.Stage.From, "no JRE image of Java %s is known", j.Vm.Version)
}

// workdir keeps the working directory that the build image sets itself.
func (j *App) workdir(runtime images.Image) bool {
	for _, in := range j.Stage.Instructions {
		if in.Keyword == "workdir" {
			if strings.HasPrefix(in.Stage.At(in).Expand(in.Args.Text), "/") {
				return true
			}
			break
		}
	}
	was, is := j.Image.Workdir, runtime.Workdir
	if was == "" {
		was = "/"
	}
	if is == "" {
		is = "/"
	}
	if was != is {
		j.Config |= rewrite.FieldWorkdir // the file says what the old base's configuration did
		j.First = append([]string{j.Keyword("WORKDIR") + " " + was}, j.First...)
	}
	return true
}

// environment: variables and accounts that only the build image has.
func (j *App) environment() bool {
	for _, in := range j.Stage.Instructions {
		switch in.Keyword {
		case "env":
			for _, w := range in.Assignments() {
				name, v, _ := strings.Cut(w.Text, "=")
				if name == "JAVA_HOME" || name == "PATH" && (strings.Contains(v, "jdk") || strings.Contains(v, "jvm") || strings.Contains(v, "JAVA_HOME")) {
					return j.Decline(in, "it sets %s for the JDK of the build image", name)
				}
			}
		case "user":
			name, group, _ := strings.Cut(in.Stage.At(in).Expand(in.Args.Text), ":")
			known := func(n string) bool {
				return n == "" || n == "root" || n == "nobody" || strings.Trim(n, "0123456789") == "" || j.Users[n]
			}
			final := j.Stage.At(nil).User
			later := in.Index > j.last.Index
			if known(name) && known(group) {
				continue
			}
			if later || in.Stage.At(in.Next()).User == final || j.Stage.At(j.last).User == final {
				return j.Decline(in, "the runtime image has no user %s", name)
			}
			j.Roles[in] = split.InBuild
		}
	}
	if u := j.Stage.At(j.last).User; u != "" && strings.Trim(strings.ReplaceAll(u, ":", ""), "0123456789") != "" && u != "root" {
		name, _, _ := strings.Cut(u, ":")
		if !j.Users[name] {
			return j.Decline(j.last, "it builds as %s, whom the runtime image lacks, so the owner of the files would change", u)
		}
	}
	return true
}

// onUbuntu are packages that Debian and Ubuntu name alike.
var onUbuntu = words(`bash ca-certificates curl wget git tzdata locales fontconfig fonts-dejavu fonts-dejavu-core fonts-liberation imagemagick graphviz ffmpeg procps netcat-openbsd dumb-init tini unzip zip gnupg postgresql-client redis-tools
	default-mysql-client mysql-client dnsutils iputils-ping iproute2 net-tools jq less vim nano openssl openssh-client socat telnet tesseract-ocr poppler-utils ghostscript wkhtmltopdf libreoffice python3 xvfb tmux rsync gettext-base gosu sudo xz-utils bzip2`)

// packagesThere declines for packages that the runtime image's system may not
// have under that name.
func (j *App) packagesThere() bool {
	if len(j.Apt.Runtime) == 0 {
		return true
	}
	ref, _ := images.ParseRef(j.Base)
	to, ok := j.Pass.Images.Image(ref)
	if !ok || to.PackageManager != "apt" {
		return j.Decline(j.Stage.From, "it installs packages with apt, which %s hasn't", j.Base)
	}
	if to.Distro == j.Image.Distro {
		return true
	}
	var names []string
	for n := range j.Apt.Runtime {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		if !onUbuntu[n] {
			return j.Decline(j.Stage.From, "it installs %s, which may have another name on the runtime image's system (%s)", n, to.Distro)
		}
	}
	return true
}

// distroless plans the runtime stage on distroless java, or tells why not.
func (j *App) distroless() string {
	ref, ok := images.Distroless("java" + j.Vm.Version)
	if !ok {
		return "there is no distroless image of Java " + j.Vm.Version
	}
	for _, b := range j.Runs() {
		if len(b.Command) > 0 && !j.HasEntrypoint() {
			return b.File + " sets the command, and the entry point of the image is java already"
		}
	}
	if why := j.bare(); why != "" {
		return why
	}
	if !j.nonroot() {
		ref = ref.WithTag("latest")
	}
	j.Base = ref.String()
	img, _ := j.Pass.Images.Image(ref)
	j.workdir(img)
	j.country()
	for _, in := range j.Stage.Instructions {
		if in.Keyword == "cmd" && !j.HasEntrypoint() {
			line, _ := cmdline.StartLine(in)
			if line = cmdline.Unwrap(line); j.boot != nil {
				line = j.boot
			}
			if line[1] == "-jar" {
				j.Say(in, j.Keyword("CMD")+" "+cmdline.LikeList(in.Args.Text, line[2:]))
				j.Config |= rewrite.FieldCmd
				j.Explain("java -jar is the entry point of %s, so CMD holds the jar alone", ref.Repository())
			} else {
				j.Say(in, j.Keyword("ENTRYPOINT")+" "+cmdline.LikeList(in.Args.Text, append([]string{"/usr/bin/java"}, line[1:]...)))
				j.Config |= rewrite.FieldCmd | rewrite.FieldEntrypoint
				j.Explain("the entry point of %s is java -jar, which leaves no room for options of java, so CMD becomes the entry point", ref.Repository())
			}
		}
	}
	j.Explain("nothing that starts needs a shell, so it runs on distroless java, which is a JRE of the same version and little else")
	return ""
}

// bare tells why the program can't run on an image without a shell, "" where it can.
func (j *App) bare() string {
	if n := len(j.starts); n != 1 {
		return fmt.Sprintf("%d commands start Java, and it has no shell to choose", n)
	}
	java := func(line []string) bool { return path.Base(line[0]) == "java" || j.boot != nil }
	if why := j.NeedsShell(java); why != "" {
		return why
	}
	for _, in := range j.Stage.Instructions {
		if line, _ := cmdline.StartLine(in); in.Keyword == "healthcheck" && len(line) > 0 {
			return "HEALTHCHECK runs " + line[0]
		}
	}
	if j.Pass.Unsafe {
		if at := j.Draws(); at != "" {
			return at + " draws or lays out text, and its Java is the headless one"
		}
	}
	if v := j.Stage.At(nil).Env["USE_SYSTEM_CA_CERTS"]; v != "" {
		return "USE_SYSTEM_CA_CERTS is read by Temurin's entry point script"
	}
	if u, _, _ := strings.Cut(j.Stage.At(nil).User, ":"); strings.Trim(u, "0123456789") != "" && u != "root" && u != "nobody" && u != "nonroot" {
		return "it has no user " + u
	}
	return ""
}

// nonroot: the program may run as the image's own user.
func (j *App) nonroot() bool {
	st := j.Stage.At(nil)
	if st.User != "" {
		return true
	}
	for _, in := range j.Stage.Instructions {
		if in.Keyword == "volume" && strings.Trim(in.Args.Text, `[]"`) != "/tmp" { // /tmp is everybody's
			return false // keeps root's folders
		}
		if split.JavaLog(in) != "" {
			return false
		}
	}
	if rewrite.Inside(st.Workdir, "/root") || j.Pass.Unsafe && j.Pass.Repo.Writes(j.Pass.Name, false) != "" {
		return false
	}
	j.AssumesNonroot()
	return true
}

// country notes what distroless says of the world otherwise than Temurin's images do:
// LANG=C.UTF-8 names no country (currencies lose their sign), LC_ALL=en_US.UTF-8 does
// (https://github.com/adoptium/containers/blob/main/21/jre/ubuntu/noble/Dockerfile).
func (j *App) country() {
	if j.Vm.temurin {
		j.Assumes = append(j.Assumes, "the program asks nothing of the country of the default locale (en_US in "+j.Stage.BaseName()+", en on distroless)")
	}
}
