package multistage

import (
	"slices"
	"strings"

	"drydock/rewrite"
)

// Node on an image that is small already, slim or Alpine: worth two stages where
// compilers are installed for node-gyp, or where a build leaves development
// dependencies behind. Both stages stand on the same image, so that modules
// find the libc that they were built for.

// nodeCompilers are packages that node-gyp wants, by apt's and apk's names.
var nodeCompilers = words(`g++ gcc build-essential build-base alpine-sdk make clang`)

// nodeOnSmall: a stage on a small image that may be worth it.
func nodeOnSmall(stage *rewrite.Stage) bool {
	base := stage.BaseName()
	for _, w := range []string{"windows", "nanoserver", "onbuild", "distroless"} {
		if strings.Contains(base, w) {
			return false
		}
	}
	return nodeToolchain(stage) || nodeBuildStep().MatchString(stageRuns(stage))
}

// nodeQuiet: on a small image without compilers only dev dependencies are to be
// gained, which is nothing to talk about where it can't be done.
func nodeQuiet(stage *rewrite.Stage) bool { return small(stage.BaseName()) && !nodeToolchain(stage) }

var nodeBuildStep = lazily(`\b(npm|yarn|pnpm|bun)\s+(-\S+\s+)*(run(-script)?\s+)?build|\b(tsc|vite build|next build|ng build|nest build|webpack)\b`)

func stageRuns(stage *rewrite.Stage) string {
	var b strings.Builder
	for _, in := range stage.Instructions {
		if in.Keyword == "run" {
			b.WriteString(in.Text + "\n")
		}
	}
	return b.String()
}

// nodeToolchain: a RUN installs a compiler and leaves it there.
func nodeToolchain(stage *rewrite.Stage) bool { return dropsToolchain(stage, nodeCompilers) }

// alpineBuild are Alpine's packages that only a build needs.
var alpineBuild = words(`make gcc g++ build-base alpine-sdk musl-dev libc-dev linux-headers autoconf automake libtool pkgconfig pkgconf cmake nasm binutils bsd-compat-headers python3-dev python2-dev py3-setuptools py3-pip patch clang gfortran`)

// alpineLibrary names the library behind a -dev package of Alpine. Source: what
// each -dev package depends on.
var alpineLibrary = map[string]string{
	"vips-dev": "vips", "cairo-dev": "cairo", "pango-dev": "pango", "jpeg-dev": "libjpeg-turbo", "libjpeg-turbo-dev": "libjpeg-turbo", "giflib-dev": "giflib", "librsvg-dev": "librsvg",
	"pixman-dev": "pixman", "postgresql-dev": "libpq", "libpq-dev": "libpq", "sqlite-dev": "sqlite-libs", "openssl-dev": "openssl", "libffi-dev": "libffi", "zlib-dev": "zlib", "libxml2-dev": "libxml2",
	"libxslt-dev": "libxslt", "eudev-dev": "eudev-libs", "libusb-dev": "libusb", "krb5-dev": "krb5-libs", "curl-dev": "libcurl", "freetype-dev": "freetype", "libpng-dev": "libpng", "glib-dev": "glib",
	"expat-dev": "expat", "libwebp-dev": "libwebp", "tiff-dev": "tiff", "libsodium-dev": "libsodium",
}

// alpineSystem sorts the system commands of a RUN as system does.
func (n *nodeSplit) alpineSystem(in *rewrite.Instruction, all []rewrite.Step) (rest []rewrite.Step, ok bool) {
	var keep []string
	build, installs, upgrades := false, false, false
	for _, st := range all {
		a, isApk := readApk(st)
		switch {
		case isApk && a.bad != "":
			return nil, n.decline(in, "%s is no plain name of a package", a.bad)
		case isApk && slices.ContainsFunc(st.Args, func(w string) bool { return w == "-X" || strings.HasPrefix(w, "--repository") }):
			return nil, n.decline(in, "apk installs from another repository")
		case isApk && a.verb == "install":
			installs = true
			gone := n.removedLater(virtualName(st))
			for _, w := range a.words {
				name, _, _ := strings.Cut(w, "=")
				lib := alpineLibrary[name]
				switch {
				case gone || alpineBuild[name] || n.compiles() && (strings.HasPrefix(name, "python") || name == "py3-distutils"):
					build = true
					n.apt.left = append(n.apt.left, w)
				case lib != "":
					build = true
					n.apt.left = append(n.apt.left, w)
					keep = append(keep, lib)
					n.explain("%s is installed in the runtime stage, the library behind %s", lib, w)
				case strings.HasSuffix(name, "-dev"):
					return nil, n.decline(in, "what is compiled with %s needs its library at run time, and which package that is isn't known", name)
				default:
					keep = append(keep, w)
				}
			}
		case isApk && a.verb == "upgrade":
			upgrades = true
		case isApk || tidy(st) || rewrite.Harmless(st.Name) && len(st.Stmt.Redirs) == 0:
		default:
			rest = append(rest, st)
		}
	}
	for _, w := range keep {
		name, _, _ := strings.Cut(w, "=")
		n.apt.runtime[name] = true
	}
	switch {
	case !installs && !upgrades:
	case !build && len(rest) == 0:
		n.roles[in] = inBoth
		return nil, true
	default:
		var commands []string
		if upgrades {
			commands = append(commands, "apk upgrade --no-cache")
		}
		if len(keep) > 0 {
			slices.Sort(keep)
			commands = append(commands, "apk add --no-cache "+strings.Join(slices.Compact(keep), " "))
		}
		if len(commands) > 0 {
			n.adds = append(n.adds, commands...)
			n.instead[in] = append(n.instead[in], n.keyword("RUN")+" "+strings.Join(commands, " && "))
		}
	}
	return rest, true
}

// virtualName is the name that `apk add --virtual` gives to its packages.
func virtualName(st rewrite.Step) string {
	for i, a := range st.Args {
		switch {
		case (a == "-t" || a == "--virtual") && i+1 < len(st.Args):
			return st.Args[i+1]
		case strings.HasPrefix(a, "--virtual="):
			return strings.TrimPrefix(a, "--virtual=")
		}
	}
	return ""
}

// removedLater: the stage takes the packages of that name away again.
func (n *nodeSplit) removedLater(name string) bool {
	if name == "" {
		return false
	}
	for _, in := range n.stage.Instructions {
		if in.Keyword != "run" {
			continue
		}
		steps, _ := in.Steps()
		for _, st := range steps {
			if a, ok := readApk(st); ok && a.verb == "del" && slices.Contains(a.words, name) {
				return true
			}
		}
	}
	return false
}

// leavesTools: the runtime stage does without a compiler that is installed.
func (n *nodeSplit) leavesTools() bool {
	return slices.ContainsFunc(n.apt.left, func(w string) bool { return nodeCompilers[w] })
}

// needsPython: node-gyp's Python stays behind; the program may use it too.
func (n *nodeSplit) needsPython(cmds []command) string {
	if !slices.ContainsFunc(n.apt.left, func(w string) bool { return strings.HasPrefix(w, "python") }) {
		return ""
	}
	for _, c := range cmds {
		if args := unwrap(c.args); len(args) > 0 && strings.HasPrefix(args[0], "python") {
			return c.where + " runs " + args[0]
		}
	}
	for _, i := range n.installs {
		if _, ok := i.node.Dependencies["python-shell"]; ok {
			return "python-shell runs python"
		}
	}
	if !n.p.Unsafe {
		return ""
	}
	return n.sourceSays(pythonWord(), " names python", []string{".js", ".ts", ".mjs", ".cjs", ".tsx", ".sh"})
}

var pythonWord = lazily("[\"'`]python[23]?[\"'` ]|^\\s*python[23]? ")

// onSmall says what two stages on the same small image are good for.
func (n *nodeSplit) onSmall() {
	if n.leavesTools() {
		n.why = "compilers are installed, which only node-gyp needs" + strings.TrimPrefix(n.why, fullNodeWhy)
		n.gain = "compilers and headers stay behind: they weigh more than the rest of a small image (60 to 90 MB compressed)"
		return
	}
	n.why = "the build leaves development dependencies and caches behind, which the program doesn't need"
	n.gain = "development dependencies and caches of the build stay behind"
}

const fullNodeWhy = "the full image carries compilers and headers, which only install and build need"
