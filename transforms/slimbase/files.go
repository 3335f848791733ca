package slimbase

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"drydock/images"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
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
func filesLack(s *split.Split) string {
	if !s.Pass.Unsafe || s.Ref.Repository() == "debian" || jdkRepositories[s.Ref.Repository()] {
		return ""
	}
	exts := append(slices.Clone(SourceOf[s.Ref.Repository()]), ".html", ".css", ".sh", ".json", ".toml", ".ini", ".cfg", ".conf")
	if why := s.Sources(exts, func(f, src string) string {
		if at := dejaVu().FindStringIndex(src); at != nil {
			if missing := s.Requires([]string{"fonts-dejavu-core"}, f+":"+cmdline.LineAt(src, at[0])); missing != "" {
				return f + ":" + cmdline.LineAt(src, at[0]) + " names a font that only the full image has"
			}
		} else if at := fontPlace().FindStringIndex(src); at != nil && !installsLike(s, "font") {
			return f + ":" + cmdline.LineAt(src, at[0]) + " names a font of the system, and the slim image has none"
		}
		for _, m := range loads().FindAllStringSubmatchIndex(src, -1) {
			lib := src[m[2]:m[3]]
			name, _, _ := strings.Cut(strings.TrimPrefix(path.Base(lib), "lib"), ".so")
			switch {
			case cmdline.Commented(src, m[0]), slimLibraries[name], strings.HasSuffix(lib, ".dll"), strings.HasSuffix(lib, ".dylib"),
				strings.HasPrefix(lib, "."), strings.Contains(lib, "/") && !strings.HasPrefix(lib, "/usr/lib") && !strings.HasPrefix(lib, "/lib"), installsLike(s, name):
			default:
				return f + ":" + cmdline.LineAt(src, m[0]) + " loads the library " + lib + ", and whether the slim image has it isn't known"
			}
		}
		return ""
	}); why != "" {
		return why
	}
	return certificatesRead(s)
}

// SystemFonts names the first place of the source that names a font of the system.
func SystemFonts(s *split.Split, exts []string) string {
	if !s.Pass.Unsafe {
		return ""
	}
	return s.Sources(exts, func(f, src string) string {
		for _, re := range []func() *regexp.Regexp{dejaVu, fontPlace} {
			if at := re().FindStringIndex(src); at != nil {
				return f + ":" + cmdline.LineAt(src, at[0]) + " names a font of the system, and distroless has none"
			}
		}
		return ""
	})
}

// certificatesRead installs the certificates where node is told to read the system's.
func certificatesRead(s *split.Split) string {
	if s.Ref.Repository() != "node" {
		return ""
	}
	files, _ := s.Pass.Repo.Files()
	for _, f := range files {
		base := path.Base(f)
		if ext := path.Ext(f); !slices.Contains(SourceOf["node"], ext) && base != "package.json" && ext != ".yml" && ext != ".yaml" && ext != ".sh" && !strings.HasPrefix(base, ".env") {
			continue
		}
		src, err := s.Pass.Repo.ReadFile(f)
		if err != nil || len(src) > 1<<20 {
			continue
		}
		if at := systemCerts().FindIndex(src); at != nil {
			where := f + ":" + cmdline.LineAt(string(src), at[0])
			if s.Requires([]string{"ca-certificates"}, where) != "" {
				return where + " reads the system's CA certificates, which node's slim image hasn't"
			}
			return ""
		}
	}
	return ""
}

// installsLike: the stage installs a package whose name holds a word.
func installsLike(s *split.Split, word string) bool {
	for p := range s.Apt.Runtime {
		if strings.Contains(p, strings.ToLower(word)) {
			return true
		}
	}
	return false
}

// encryptedSources tells that apt is sent to a server over https, whose certificate an
// image without those of authorities can't check.
func encryptedSources(s *split.Split, in *rewrite.Instruction) string {
	if r := s.Ref.Repository(); s.Variant.Other || r != "node" && r != "perl" || s.Apt.Runtime["ca-certificates"] {
		return ""
	}
	const why = "it makes apt fetch over https, and the slim image has no certificates to check the server with"
	if in.Keyword == "run" {
		if strings.Contains(in.Text, "https://") && aptSources().MatchString(in.Text) {
			return why
		}
		return ""
	}
	for _, t := range s.Pass.Effects(in).Trees {
		if !strings.HasPrefix(t.Dest, "/etc/apt") {
			continue
		}
		for _, f := range append(s.FilesBelow(t.Ctx), t.Ctx) {
			if src, err := s.Pass.Repo.ReadFile(f); err == nil && strings.Contains(string(src), "https://") {
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
func foreignProgram(s *split.Split, in *rewrite.Instruction) string {
	sources, _, from, ok := in.Copy()
	if !ok || from == "" {
		return ""
	}
	name := from
	if o := s.Doc.StageByRef(from, in.Stage.Index); o != nil {
		if o.Parent() != nil || slices.ContainsFunc(o.Instructions, func(i *rewrite.Instruction) bool { return i.Keyword == "run" }) {
			return "" // compiledElsewhere looks at what it builds
		}
		name = o.BaseName()
	}
	ref, err := images.ParseRef(name)
	if err != nil || name == "scratch" || ref.Repository() == s.Ref.Repository() || selfContained().MatchString(ref.Path) {
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

// takenNumber tells that an account gets a number which Ubuntu gives to its own user
// since 23.04 (https://github.com/adoptium/containers/issues/613); images of Temurin
// stand on it unless their tag names an older one.
func takenNumber(s *split.Split, st rewrite.Step) string {
	if ref, err := images.ParseRef(s.Variant.Base); err != nil || !s.Variant.Other || s.Variant.Alpine || ref.Repository() != "eclipse-temurin" || olderUbuntu().MatchString(ref.Tag) {
		return ""
	}
	if accountNumber().MatchString(strings.Join(st.Args, " ")) {
		return "it makes an account with the number 1000, which the user ubuntu of " + s.Variant.Base + " has"
	}
	return ""
}

var (
	olderUbuntu   = lazily(`focal|jammy|bionic|alpine|ubi`)
	accountNumber = lazily(`(?:-[a-zA-Z]*[ug]|--[ug]id)[ =]?["']?1000\b`)
)
