package multistage

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/images"
	"drydock/rewrite"
)

// Static sites. A RUN generates the site (mkdocs, Sphinx, Jekyll, Hugo,
// Eleventy), and a server of the same tools, or a plain one, serves it. The folder
// that is generated is served by nginx instead, on the port that the server had.
//
// Without a RUN that generates the site it is no case of this recipe: a
// development server that builds when it starts may be what is wanted.

var _ = register(recipe{
	name:    "site",
	bases:   words("python ruby node jekyll/jekyll klakegg/hugo hugomods/hugo debian ubuntu alpine"),
	words:   words("mkdocs sphinx-build jekyll hugo eleventy @11ty/eleventy"),
	anySize: true,
	early:   true,
	fits:    generatesSite,
	doc: `- Static sites (mkdocs, Sphinx, Jekyll, Hugo, Eleventy): the folder that a RUN generates is
  served by nginx, on the same port.`,
	split: splitSite,
})

// siteBuild is a RUN that generates a site.
type siteBuild struct {
	in     *rewrite.Instruction
	tool   string
	dir    string // in which it runs
	folder string // what it writes, as the command or the tool's default says; joined to dir
	said   bool   // the command names the folder
}

// siteServer is what a container starts.
type siteServer struct {
	in     *rewrite.Instruction
	tool   string
	folder string // of a plain server; "" for the working directory
	port   string
	local  bool // it listens on 127.0.0.1 alone
}

func generatesSite(stage *rewrite.Stage) bool {
	b, _ := siteBuildOf(stage)
	return b != nil && siteServerOf(stage) != nil
}

// siteBuildOf finds the last RUN that generates a site; last is the last RUN.
func siteBuildOf(stage *rewrite.Stage) (found *siteBuild, last *rewrite.Instruction) {
	for _, in := range stage.Instructions {
		if in.Keyword != "run" {
			continue
		}
		last = in
		steps, why := in.Steps()
		if why != "" {
			continue
		}
		for _, st := range steps {
			if b := siteTool(toolArgs(st.Args)); b != nil && st.Dir != "" {
				b.in, b.dir = in, st.Dir
				found = b
			}
		}
	}
	return found, last
}

// toolArgs drops what starts a tool: python -m, bundle exec, npx.
func toolArgs(args []string) []string {
	for len(args) > 1 {
		switch name := path.Base(args[0]); {
		case strings.HasPrefix(name, "python") && args[1] == "-m" && len(args) > 2 && args[2] != "http.server":
			args = args[2:]
		case name == "bundle" && args[1] == "exec" && len(args) > 2:
			args = args[2:]
		case (name == "npx" || name == "exec") && args[1] == "--yes" && len(args) > 2:
			args = args[2:]
		case name == "npx" || name == "exec":
			args = args[1:]
		default:
			return args
		}
	}
	return args
}

// siteTool reads a command that generates a site.
// Sources: https://www.mkdocs.org/user-guide/cli/, https://jekyllrb.com/docs/configuration/options/,
// https://gohugo.io/commands/hugo/, https://www.11ty.dev/docs/usage/, https://www.sphinx-doc.org/en/master/man/sphinx-build.html
func siteTool(args []string) *siteBuild {
	if len(args) == 0 {
		return nil
	}
	b := &siteBuild{tool: path.Base(args[0])}
	verb := ""
	if len(args) > 1 {
		verb = args[1]
	}
	var flags []string
	switch b.tool {
	case "mkdocs":
		if verb != "build" {
			return nil
		}
		b.folder, flags = "site", []string{"-d", "--site-dir"}
	case "jekyll":
		if verb != "build" && verb != "b" {
			return nil
		}
		b.folder, flags = "_site", []string{"-d", "--destination"}
	case "hugo":
		if verb != "" && verb != "build" && !strings.HasPrefix(verb, "-") || verb == "--version" {
			return nil
		}
		b.folder, flags = "public", []string{"-d", "--destination"}
	case "eleventy":
		if slices.Contains(args, "--serve") || slices.Contains(args, "--watch") {
			return nil
		}
		b.folder, flags = "_site", []string{"--output"}
	case "@11ty":
		return nil
	case "sphinx-build":
		var words []string
		for i := 1; i < len(args); i++ {
			switch a := args[i]; {
			case (a == "-b" || a == "-c" || a == "-d" || a == "-D" || a == "-A" || a == "-t" || a == "-j" || a == "-w") && i+1 < len(args):
				if i++; a == "-b" && args[i] != "html" && args[i] != "dirhtml" {
					return nil
				}
			case strings.HasPrefix(a, "-"):
			default:
				words = append(words, a)
			}
		}
		if len(words) != 2 {
			return nil
		}
		b.folder, b.said = words[1], true
		return b
	default:
		return nil
	}
	for i := 1; i < len(args); i++ {
		for _, f := range flags {
			switch v, ok := strings.CutPrefix(args[i], f+"="); {
			case ok:
				b.folder, b.said = v, true
			case args[i] == f && i+1 < len(args):
				b.folder, b.said = args[i+1], true
			}
		}
		switch args[i] {
		case "-f", "--config-file", "-s", "--source", "--config", "--input":
			b.folder = "$" // another project than that of the folder it runs in
		}
	}
	return b
}

// siteServerOf reads CMD or ENTRYPOINT: a server that does nothing but serve a
// site. nil for others.
func siteServerOf(stage *rewrite.Stage) *siteServer {
	var start *rewrite.Instruction
	var line []string
	for _, in := range stage.Instructions {
		switch l, shell := startLine(in); {
		case in.Keyword != "cmd" && in.Keyword != "entrypoint":
		case start != nil && start.Keyword != in.Keyword:
			return nil
		default:
			start, line = in, l
			if shell {
				calls, err := scriptCommands(strings.Join(l, " "))
				if err != nil || len(calls) != 1 {
					return nil
				}
				line = calls[0]
			}
		}
	}
	if start == nil || len(line) == 0 {
		return nil
	}
	s := siteCommand(unwrapTool(line))
	if s != nil {
		s.in = start
	}
	return s
}

func unwrapTool(line []string) []string { return toolArgs(unwrap(line)) }

func siteCommand(args []string) *siteServer {
	if len(args) < 2 {
		return nil
	}
	s := &siteServer{tool: path.Base(args[0])}
	verb := args[1]
	flag := func(names ...string) (string, bool) {
		for i := 1; i < len(args); i++ {
			for _, n := range names {
				if v, ok := strings.CutPrefix(args[i], n+"="); ok {
					return v, true
				}
				if args[i] == n && i+1 < len(args) {
					return args[i+1], true
				}
			}
		}
		return "", false
	}
	switch {
	case s.tool == "mkdocs" && verb == "serve":
		s.port, s.local = "8000", true
		if at, ok := flag("-a", "--dev-addr"); ok {
			host, port, _ := cutLast(at, ":")
			s.port, s.local = port, host != "0.0.0.0"
		}
	case s.tool == "jekyll" && (verb == "serve" || verb == "s" || verb == "server"):
		s.port = "4000"
		if p, ok := flag("-P", "--port"); ok {
			s.port = p
		}
		host, _ := flag("-H", "--host")
		s.local = host != "0.0.0.0"
	case s.tool == "hugo" && (verb == "server" || verb == "serve"):
		s.port = "1313"
		if p, ok := flag("-p", "--port"); ok {
			s.port = p
		}
		host, _ := flag("--bind")
		s.local = host != "0.0.0.0"
	case strings.HasPrefix(s.tool, "python") && verb == "-m" && len(args) > 2 && args[2] == "http.server":
		s.tool, s.port = "http.server", "8000"
		for i := 3; i < len(args); i++ {
			switch a := args[i]; {
			case a == "-d" || a == "--directory" || a == "-b" || a == "--bind":
				i++
			case strings.HasPrefix(a, "-"):
			default:
				s.port = a
			}
		}
		s.folder, _ = flag("-d", "--directory")
		if host, ok := flag("-b", "--bind"); ok {
			s.local = host != "0.0.0.0" && host != "::"
		}
	case s.tool == "serve" || s.tool == "http-server":
		if slices.Contains(args, "-c") || slices.Contains(args, "--cors") || slices.Contains(args, "--ssl") || slices.Contains(args, "-P") {
			return nil // settings of its own
		}
		s.port = "3000"
		if s.tool == "http-server" {
			s.port = "8080"
		}
		for i := 1; i < len(args); i++ {
			switch a := args[i]; {
			case a == "-l" || a == "-p" || a == "--listen" || a == "--port":
				if i++; i < len(args) {
					s.port = args[i]
				}
			case a == "-s" || a == "--single":
				return nil // one page for every path, which isn't a site
			case strings.HasPrefix(a, "-"):
			default:
				s.folder = a
			}
		}
	default:
		return nil
	}
	if n := atoiOr0(s.port); n <= 0 || n > 65535 {
		return nil
	}
	return s
}

func splitSite(s *split) bool {
	b, last := siteBuildOf(s.stage)
	server := siteServerOf(s.stage)
	folder, why := s.siteFolder(b)
	if why == "" {
		why = s.siteServes(b, server, folder)
	}
	if why != "" {
		return s.decline(server.in, "%s", why)
	}
	for _, in := range s.stage.Instructions {
		switch in.Keyword {
		case "healthcheck":
			return s.decline(in, "HEALTHCHECK runs in the image of the generator, and nginx's has other programs")
		case "volume":
			return s.decline(in, "VOLUME keeps files that are changed while it runs")
		case "user":
			if n := in.Stage.At(in.Next()).User; n != "root" && n != "0" {
				return s.decline(in, "it runs as %s, and nginx's image starts as root", n)
			}
			s.roles[in] = inBuild
		case "env", "workdir", "shell", "copy", "add", "run":
			s.roles[in] = inBuild
			if in.Index > last.Index && in.Keyword != "shell" {
				last = in
			}
		}
	}
	for _, r := range s.runs() {
		switch {
		case len(r.Command)+len(r.Entrypoint)+len(r.Healthcheck) > 0:
			return s.decline(s.stage.From, "%s says what runs in the container, and nginx's image has no %s", r.File, b.tool)
		case len(r.Volumes) > 0:
			return s.decline(s.stage.From, "%s mounts %s into the container: the site may be built anew while it runs", r.File, r.Volumes[0])
		}
	}
	if !s.nginx() {
		return false
	}
	root := "/usr/share/nginx/html"
	// Redirects to a folder keep the port that the visitor used.
	conf := fmt.Sprintf(`server {\n    listen %s;\n    root %s;\n    absolute_redirect off;\n`, server.port, root)
	if server.tool != "http.server" && server.tool != "serve" && server.tool != "http-server" {
		conf += `    error_page 404 /404.html;\n`
	}
	write := "printf '" + conf + "}\\n' > /etc/nginx/conf.d/default.conf"
	s.instead[last] = append(s.instead[last], s.keyword("RUN")+" "+write, s.copyFrom(folder, root))
	s.adds = append(s.adds, write)
	s.say(server.in, s.keyword("CMD")+` ["nginx", "-g", "daemon off;"]`)
	s.config |= rewrite.FieldCmd | rewrite.FieldEntrypoint | rewrite.FieldEnv | rewrite.FieldWorkdir | rewrite.FieldShell | rewrite.FieldUser | rewrite.FieldStopSignal | rewrite.FieldExpose
	s.why = "a generated site is files: " + s.stage.BaseName() + " is of use to the generator alone"
	s.gain = "the generator and its language stay behind: 100 to 450 MB (compressed) for the generator's image, 20 to 30 MB for nginx on Alpine"
	s.explain("%s is what line %s generates; nginx serves it on port %s, where %s did", folder, lineOf(b.in), server.port, server.tool)
	s.assumes = append(s.assumes, "nobody needs what "+server.tool+" does beyond serving files: it doesn't list folders, build the site anew or reload pages, and the site needs no setting of its own in nginx")
	return true
}

// siteFolder is the image path of the generated site; why tells when it isn't known.
func (s *split) siteFolder(b *siteBuild) (folder, why string) {
	if b.folder == "" || strings.ContainsAny(b.folder, "$`*~") {
		return "", "where " + b.tool + " writes isn't known"
	}
	folder = abs(b.dir, b.folder)
	if b.said {
		return folder, ""
	}
	var files []string
	key := ""
	switch b.tool {
	case "mkdocs":
		files, key = []string{"mkdocs.yml", "mkdocs.yaml"}, "site_dir:"
	case "jekyll":
		files, key = []string{"_config.yml", "_config.yaml", "_config.toml"}, "destination:"
	case "hugo":
		files, key = []string{"hugo.toml", "hugo.yaml", "hugo.json", "config.toml", "config.yaml", "config.json"}, "publishdir"
		if ctx, by := s.stage.Origin(b.in, path.Join(b.dir, "config"), s.p.Repo, s.p.Name); by != nil && s.p.Repo.IsDir(ctx) {
			return "", ctx + " may say where hugo writes"
		}
	case "eleventy":
		files, key = []string{".eleventy.js", "eleventy.config.js", "eleventy.config.mjs", "eleventy.config.cjs"}, "output"
	}
	known := b.tool == "eleventy"
	for _, f := range files {
		ctx, by := s.stage.Origin(b.in, path.Join(b.dir, f), s.p.Repo, s.p.Name)
		if by == nil {
			continue
		}
		known = true
		src, err := s.p.Repo.ReadFile(ctx)
		if err != nil {
			return "", ctx + " can't be read"
		}
		for n, l := range strings.Split(strings.ToLower(string(src)), "\n") {
			if l = strings.TrimSpace(l); strings.HasPrefix(l, key) || b.tool == "eleventy" && strings.Contains(l, key) {
				return "", fmt.Sprintf("%s:%d says where %s writes", ctx, n+1, b.tool)
			}
		}
	}
	if !known && b.tool != "jekyll" {
		return "", "the build context holds no settings of " + b.tool + " for " + b.dir + ", so what it generates isn't known"
	}
	return folder, ""
}

// siteServes tells why the server doesn't serve just the generated folder.
func (s *split) siteServes(b *siteBuild, server *siteServer, folder string) string {
	wd := s.stage.At(nil).Workdir
	for _, f := range []string{"mkdocs.yml", "_config.yml"} {
		if ctx, by := s.stage.Origin(nil, path.Join(wd, f), s.p.Repo, s.p.Name); by != nil && server.tool == b.tool {
			src, err := s.p.Repo.ReadFile(ctx)
			if m := siteAddress().FindString(string(src)); err != nil || m != "" {
				return ctx + " says where the server listens (" + strings.TrimSpace(m) + ")"
			}
		}
	}
	if server.local {
		return server.tool + " listens on 127.0.0.1 alone, where nobody outside of the container reaches it"
	}
	switch server.tool {
	case "http.server", "serve", "http-server":
		if served := abs(wd, server.folder); served != folder {
			return fmt.Sprintf("%s serves %s, and %s writes %s", server.tool, served, b.tool, folder)
		}
		return ""
	case b.tool:
		if wd != b.dir {
			return fmt.Sprintf("%s runs in %s, and the site is built in %s", server.tool, wd, b.dir)
		}
	default:
		return fmt.Sprintf("%s serves another site than the one that %s builds", server.tool, b.tool)
	}
	for _, f := range []string{"mkdocs.yml", "_config.yml", "hugo.toml", "config.toml"} {
		ctx, by := s.stage.Origin(nil, path.Join(wd, f), s.p.Repo, s.p.Name)
		if by == nil {
			continue
		}
		src, err := s.p.Repo.ReadFile(ctx)
		if err != nil {
			return ctx + " can't be read"
		}
		if m := sitePrefix().FindString(string(src)); m != "" {
			return ctx + " puts the site below a path (" + strings.TrimSpace(m) + "), where " + server.tool + " serves it"
		}
	}
	return ""
}

var siteAddress = lazily(`(?m)^(?:dev_addr|host|port):.*$`)

// sitePrefix: settings by which a development server serves below a path.
var sitePrefix = lazily(`(?im)^(?:site_url:\s*["']?https?://[^/\s"']+/[^\s"']+|baseurl:\s*["']?/[^\s"']+|baseurl\s*=\s*["']https?://[^/"']+/[^"']+["'])`)

// nginx chooses the tag: the stable line on Alpine.
func (s *split) nginx() bool {
	ref, err := images.ParseRef("nginx:stable-alpine")
	if err != nil {
		return false
	}
	if pinned, ok := s.p.Images.Pin(ref, images.Want{}); ok {
		ref = pinned.Ref
	}
	s.base = ref.String()
	return true
}
