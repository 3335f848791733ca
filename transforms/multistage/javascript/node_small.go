package javascript

import (
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
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
func nodeQuiet(stage *rewrite.Stage) bool {
	return distro.Small(stage.BaseName()) && !nodeToolchain(stage)
}

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
func nodeToolchain(stage *rewrite.Stage) bool { return distro.DropsToolchain(stage, nodeCompilers) }

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
func (n *NodeApp) alpineSystem(in *rewrite.Instruction, all []rewrite.Step) (rest []rewrite.Step, ok bool) {
	var keep []string
	build, installs, upgrades := false, false, false
	for _, st := range all {
		a, isApk := distro.ReadApk(st)
		switch {
		case isApk && a.Bad != "":
			return nil, n.Decline(in, "%s is no plain name of a package", a.Bad)
		case isApk && slices.ContainsFunc(st.Args, func(w string) bool { return w == "-X" || strings.HasPrefix(w, "--repository") }):
			return nil, n.Decline(in, "apk installs from another repository")
		case isApk && a.Verb == "install":
			installs = true
			gone := n.removedLater(virtualName(st))
			for _, w := range a.Words {
				name, _, _ := strings.Cut(w, "=")
				lib := alpineLibrary[name]
				switch {
				case gone || alpineBuild[name] || n.Compiles() && (strings.HasPrefix(name, "python") || name == "py3-distutils"):
					build = true
					n.Apt.Left = append(n.Apt.Left, w)
				case lib != "":
					build = true
					n.Apt.Left = append(n.Apt.Left, w)
					keep = append(keep, lib)
					n.Explain("%s is installed in the runtime stage, the library behind %s", lib, w)
				case strings.HasSuffix(name, "-dev"):
					return nil, n.Decline(in, "what is compiled with %s needs its library at run time, and which package that is isn't known", name)
				default:
					keep = append(keep, w)
				}
			}
		case isApk && a.Verb == "upgrade":
			upgrades = true
		case isApk || cmdline.Tidy(st) || rewrite.Harmless(st.Name) && len(st.Stmt.Redirs) == 0:
		default:
			rest = append(rest, st)
		}
	}
	for _, w := range keep {
		name, _, _ := strings.Cut(w, "=")
		n.Apt.Runtime[name] = true
	}
	switch {
	case !installs && !upgrades:
	case !build && len(rest) == 0:
		n.Roles[in] = split.InBoth
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
			n.Adds = append(n.Adds, commands...)
			n.Instead[in] = append(n.Instead[in], n.Keyword("RUN")+" "+strings.Join(commands, " && "))
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
func (n *NodeApp) removedLater(name string) bool {
	if name == "" {
		return false
	}
	for _, in := range n.Stage.Instructions {
		if in.Keyword != "run" {
			continue
		}
		steps, _ := in.Steps()
		for _, st := range steps {
			if a, ok := distro.ReadApk(st); ok && a.Verb == "del" && slices.Contains(a.Words, name) {
				return true
			}
		}
	}
	return false
}

// leavesTools: the runtime stage does without a compiler that is installed.
func (n *NodeApp) leavesTools() bool {
	return slices.ContainsFunc(n.Apt.Left, func(w string) bool { return nodeCompilers[w] })
}

// needsPython: node-gyp's Python stays behind; the program may use it too.
func (n *NodeApp) needsPython(cmds []split.Command) string {
	if !slices.ContainsFunc(n.Apt.Left, func(w string) bool { return strings.HasPrefix(w, "python") }) {
		return ""
	}
	for _, c := range cmds {
		if args := cmdline.Unwrap(c.Args); len(args) > 0 && strings.HasPrefix(args[0], "python") {
			return c.Where + " runs " + args[0]
		}
	}
	for _, i := range n.Installs {
		if _, ok := i.Node.Dependencies["python-shell"]; ok {
			return "python-shell runs python"
		}
	}
	if !n.Pass.Unsafe {
		return ""
	}
	return n.SourceSays(pythonWord(), " names python", []string{".js", ".ts", ".mjs", ".cjs", ".tsx", ".sh"})
}

var pythonWord = lazily("[\"'`]python[23]?[\"'` ]|^\\s*python[23]? ")

// onSmall says what two stages on the same small image are good for.
func (n *NodeApp) onSmall() {
	if n.leavesTools() {
		n.Why = "compilers are installed, which only node-gyp needs" + strings.TrimPrefix(n.Why, fullNodeWhy)
		n.Gain = "compilers and headers stay behind: they weigh more than the rest of a small image (60 to 90 MB compressed)"
		return
	}
	n.Why = "the build leaves development dependencies and caches behind, which the program doesn't need"
	n.Gain = "development dependencies and caches of the build stay behind"
}

const fullNodeWhy = "the full image carries compilers and headers, which only install and build need"
