package multistage

import (
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/rewrite"
)

// Files of the full image that nothing installs by name and the program may read:
// fonts, certificates, libraries that it loads itself, folders that a package counts on.

var (
	// ImageMagick's fontconfig brings DejaVu into the full images, and nothing else.
	dejaVu    = lazily(`(?i)dejavu\w*\.ttf|fonts/truetype/dejavu`)
	fontPlace = lazily(`/usr/share/fonts\b`)
	// What makes node read the system's certificates in the place of its own
	// (https://nodejs.org/api/cli.html#--use-openssl-ca).
	systemCerts = lazily(`/etc/ssl/|--use-openssl-ca|--use-system-ca`)
	loads       = lazily(`\b(?:CDLL|LoadLibrary|find_library|dlopen|ffi_lib|koffi\.load|ffi\.Library|Fiddle\.dlopen)\(?\s*\(?\s*["']([\w./+-]+)`)
)

// slimLibraries are what every slim image of an interpreter links.
var slimLibraries = words(`c m pthread dl rt util crypt ssl crypto z sqlite3 stdc++ gcc_s python python3 ruby kernel32 user32 msvcrt objc Foundation`)

// filesLack tells which file of the full image the program reads; fonts and
// certificates are installed.
func (s *split) filesLack() string {
	if !s.p.Unsafe || s.ref.Repository() == "debian" || jdkRepositories[s.ref.Repository()] {
		return ""
	}
	exts := append(slices.Clone(sourceOf[s.ref.Repository()]), ".html", ".css", ".sh", ".json", ".toml", ".ini", ".cfg", ".conf")
	if why := s.sources(exts, func(f, src string) string {
		if at := dejaVu().FindStringIndex(src); at != nil {
			if missing := s.requires([]string{"fonts-dejavu-core"}, f+":"+lineAt(src, at[0])); missing != "" {
				return f + ":" + lineAt(src, at[0]) + " names a font that only the full image has"
			}
		} else if at := fontPlace().FindStringIndex(src); at != nil && !s.installsLike("font") {
			return f + ":" + lineAt(src, at[0]) + " names a font of the system, and the slim image has none"
		}
		for _, m := range loads().FindAllStringSubmatchIndex(src, -1) {
			lib := src[m[2]:m[3]]
			name, _, _ := strings.Cut(strings.TrimPrefix(path.Base(lib), "lib"), ".so")
			switch {
			case commented(src, m[0]), slimLibraries[name], strings.HasSuffix(lib, ".dll"), strings.HasSuffix(lib, ".dylib"),
				strings.HasPrefix(lib, "."), strings.Contains(lib, "/") && !strings.HasPrefix(lib, "/usr/lib") && !strings.HasPrefix(lib, "/lib"), s.installsLike(name):
			default:
				return f + ":" + lineAt(src, m[0]) + " loads the library " + lib + ", and whether the slim image has it isn't known"
			}
		}
		return ""
	}); why != "" {
		return why
	}
	return s.certificatesRead()
}

// certificatesRead installs the certificates where node is told to read the system's.
func (s *split) certificatesRead() string {
	if s.ref.Repository() != "node" {
		return ""
	}
	files, _ := s.p.Repo.Files()
	for _, f := range files {
		base := path.Base(f)
		if ext := path.Ext(f); !slices.Contains(sourceOf["node"], ext) && base != "package.json" && ext != ".yml" && ext != ".yaml" && ext != ".sh" && !strings.HasPrefix(base, ".env") {
			continue
		}
		src, err := s.p.Repo.ReadFile(f)
		if err != nil || len(src) > 1<<20 {
			continue
		}
		if at := systemCerts().FindIndex(src); at != nil {
			where := f + ":" + lineAt(string(src), at[0])
			if s.requires([]string{"ca-certificates"}, where) != "" {
				return where + " reads the system's CA certificates, which node's slim image hasn't"
			}
			return ""
		}
	}
	return ""
}

// installsLike: the stage installs a package whose name holds a word.
func (s *split) installsLike(word string) bool {
	for p := range s.apt.runtime {
		if strings.Contains(p, strings.ToLower(word)) {
			return true
		}
	}
	return false
}

// encryptedSources tells that apt is sent to a server over https, whose certificate an
// image without those of authorities can't check.
func (s *split) encryptedSources(in *rewrite.Instruction) string {
	if r := s.ref.Repository(); s.variant.other || r != "node" && r != "perl" || s.apt.runtime["ca-certificates"] {
		return ""
	}
	const why = "it makes apt fetch over https, and the slim image has no certificates to check the server with"
	if in.Keyword == "run" {
		if strings.Contains(in.Text, "https://") && aptSources().MatchString(in.Text) {
			return why
		}
		return ""
	}
	for _, t := range s.p.Effects(in).Trees {
		if !strings.HasPrefix(t.Dest, "/etc/apt") {
			continue
		}
		for _, f := range append(s.filesBelow(t.Ctx), t.Ctx) {
			if src, err := s.p.Repo.ReadFile(f); err == nil && strings.Contains(string(src), "https://") {
				return why
			}
		}
	}
	return ""
}

var aptSources = lazily(`/etc/apt/(sources|apt\.conf)|add-apt-repository`)

// manPages are packages whose alternatives link into folders of manual pages, which
// Debian's slim images had not before bullseye: the install stops there
// (https://github.com/debuerreotype/debuerreotype/issues/10, mended in July 2021).
var manPages = lazily(`^(openjdk-|default-j(re|dk)|postgresql|maven$|ant$|gradle$|ca-certificates-java)`)

var manless = words(`jessie stretch buster`)

// foreignProgram tells that a COPY brings a program or a library of an image that may
// link what only the full image has.
func (s *split) foreignProgram(in *rewrite.Instruction) string {
	sources, _, from, ok := in.Copy()
	if !ok || from == "" {
		return ""
	}
	name := from
	if o := s.doc.StageByRef(from, in.Stage.Index); o != nil {
		if o.Parent() != nil || slices.ContainsFunc(o.Instructions, func(i *rewrite.Instruction) bool { return i.Keyword == "run" }) {
			return "" // compiledElsewhere looks at what it builds
		}
		name = o.BaseName()
	}
	ref, err := images.ParseRef(name)
	if err != nil || name == "scratch" || ref.Repository() == s.ref.Repository() || selfContained().MatchString(ref.Path) {
		return ""
	}
	for _, w := range sources {
		if libraryOrProgram().MatchString(w) {
			return "it copies " + w + " from " + name + ", and which libraries that needs isn't known"
		}
	}
	return ""
}

var (
	libraryOrProgram = lazily(`(^|/)(s?bin|lib(64)?)(/|$)|\.so(\.|$)|^/$`)
	// selfContained are images whose programs are linked statically, or against the C
	// library alone (programs of Go and Rust, node, composer, which is a script).
	selfContained = lazily(`(^|/)(uv|ruff|busybox|composer|node|bun|deno|golang|rust|docker|kubectl|helm|k8s|terraform|vault|consul|static-\w+|gomplate|dockerize|docker-compose-wait|grpc-health-probe|grpc_health_probe|aws-lambda-adapter|hadolint|yq|jq|kaniko\w*|executor|migrate|dbmate|goose|supercronic|traefik|caddy|prometheus|node-exporter|serverless-init|datadog-init|tini|dumb-init|alpine|cc-debian\d+|static|static-debian\d+)$|hashicorp/|prom/|envoyproxy/`)
)

// jdkAtStart tells that java is called for what only a JDK has: it compiles a source
// file, or is given modules of the compiler and the tools.
func jdkAtStart(args []string) string {
	if len(args) == 0 || path.Base(args[0]) != "java" {
		return ""
	}
	options := true
	for i, a := range args[1:] {
		switch {
		case options && a == "-jar":
			return ""
		case strings.Contains(a, "add-modules") && i+2 < len(args) && jdkModule().MatchString(args[i+2]), strings.HasPrefix(a, "--add-modules=") && jdkModule().MatchString(a):
			return "java is given modules of the JDK's compiler or tools, which a JRE hasn't"
		case strings.HasSuffix(a, ".java"):
			return "java compiles " + a + " when it starts, which a JRE can't"
		}
		options = options && strings.HasPrefix(a, "-")
	}
	return ""
}

var jdkModule = lazily(`\bjdk\.(compiler|jdi|jdeps|jlink|jartool|javadoc|jcmd|jshell|attach|jconsole|jpackage)\b|\bALL-(SYSTEM|DEFAULT)\b`)

// takenNumber tells that an account gets a number which Ubuntu gives to its own user
// since 23.04 (https://github.com/adoptium/containers/issues/613); images of Temurin
// stand on it unless their tag names an older one.
func (s *split) takenNumber(st rewrite.Step) string {
	if ref, err := images.ParseRef(s.variant.base); err != nil || !s.variant.other || s.variant.alpine || ref.Repository() != "eclipse-temurin" || olderUbuntu().MatchString(ref.Tag) {
		return ""
	}
	if accountNumber().MatchString(strings.Join(st.Args, " ")) {
		return "it makes an account with the number 1000, which the user ubuntu of " + s.variant.base + " has"
	}
	return ""
}

var (
	olderUbuntu   = lazily(`focal|jammy|bionic|alpine|ubi`)
	accountNumber = lazily(`(?:-[a-zA-Z]*[ug]|--[ug]id)[ =]?["']?1000\b`)
)
