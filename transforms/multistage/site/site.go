// Package site has the recipe for static sites, which nginx serves.
package site

import (
	"fmt"
	"path"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

var words, lazily = rewrite.Words, rewrite.Lazily

// Static sites. A RUN generates the site (mkdocs, Sphinx, Jekyll, Hugo,
// Eleventy), and a server of the same tools, or a plain one, serves it. The folder
// that is generated is served by nginx instead, on the port that the server had.
//
// Without a RUN that generates the site it is no case of this recipe: a
// development server that builds when it starts may be what is wanted.

// Recipe is the recipe for static sites.
var Recipe = split.Recipe{
	Name:    "site",
	Bases:   words("python ruby node jekyll/jekyll klakegg/hugo hugomods/hugo debian ubuntu alpine"),
	Words:   words("mkdocs sphinx-build jekyll hugo eleventy @11ty/eleventy"),
	AnySize: true,
	Fits:    generatesSite,
	Doc: `- Static sites (mkdocs, Sphinx, Jekyll, Hugo, Eleventy): the folder that a RUN generates is
  served by nginx, on the same port.`,
	Split: splitSite,
}

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

// siteServerOf reads CMD or ENTRYPOINT: a server that does nothing but serve a
// site. nil for others.
func siteServerOf(stage *rewrite.Stage) *siteServer {
	var start *rewrite.Instruction
	var line []string
	for _, in := range stage.Instructions {
		switch l, shell := cmdline.StartLine(in); {
		case in.Keyword != "cmd" && in.Keyword != "entrypoint":
		case start != nil && start.Keyword != in.Keyword:
			return nil
		default:
			start, line = in, l
			if shell {
				calls, err := cmdline.ScriptCommands(strings.Join(l, " "))
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

func splitSite(s *split.Split) bool {
	b, last := siteBuildOf(s.Stage)
	server := siteServerOf(s.Stage)
	folder, why := siteFolder(s, b)
	if why == "" {
		why = siteServes(s, b, server, folder)
	}
	if why != "" {
		return s.Decline(server.in, "%s", why)
	}
	for _, in := range s.Stage.Instructions {
		switch in.Keyword {
		case "healthcheck":
			return s.Decline(in, "HEALTHCHECK runs in the image of the generator, and nginx's has other programs")
		case "volume":
			return s.Decline(in, "VOLUME keeps files that are changed while it runs")
		case "user":
			if n := in.Stage.At(in.Next()).User; n != "root" && n != "0" {
				return s.Decline(in, "it runs as %s, and nginx's image starts as root", n)
			}
			s.Roles[in] = split.InBuild
		case "env", "workdir", "shell", "copy", "add", "run":
			s.Roles[in] = split.InBuild
			if in.Index > last.Index && in.Keyword != "shell" {
				last = in
			}
		}
	}
	for _, r := range s.Runs() {
		switch {
		case len(r.Command)+len(r.Entrypoint)+len(r.Healthcheck) > 0:
			return s.Decline(s.Stage.From, "%s says what runs in the container, and nginx's image has no %s", r.File, b.tool)
		case len(r.Volumes) > 0:
			return s.Decline(s.Stage.From, "%s mounts %s into the container: the site may be built anew while it runs", r.File, r.Volumes[0])
		}
	}
	s.Base = s.NginxImage()
	root := "/usr/share/nginx/html"
	// Redirects to a folder keep the port that the visitor used.
	conf := fmt.Sprintf(`server {\n    listen %s;\n    root %s;\n    absolute_redirect off;\n`, server.port, root)
	if server.tool != "http.server" && server.tool != "serve" && server.tool != "http-server" {
		conf += `    error_page 404 /404.html;\n`
	}
	write := "printf '" + conf + "}\\n' > /etc/nginx/conf.d/default.conf"
	s.Instead[last] = append(s.Instead[last], s.Keyword("RUN")+" "+write, s.CopyFrom(folder, root))
	s.Adds = append(s.Adds, write)
	s.Say(server.in, s.Keyword("CMD")+` ["nginx", "-g", "daemon off;"]`)
	s.Config |= rewrite.FieldCmd | rewrite.FieldEntrypoint | rewrite.FieldEnv | rewrite.FieldWorkdir | rewrite.FieldShell | rewrite.FieldUser | rewrite.FieldStopSignal | rewrite.FieldExpose
	s.Why = "a generated site is files: " + s.Stage.BaseName() + " is of use to the generator alone"
	s.Gain = "the generator and its language stay behind: 100 to 450 MB (compressed) for the generator's image, 6 to 30 MB for nginx on Alpine"
	s.Explain("%s is what line %s generates; nginx serves it on port %s, where %s did", folder, cmdline.LineOf(b.in), server.port, server.tool)
	s.Assumes = append(s.Assumes, "nobody needs what "+server.tool+" does beyond serving files: it doesn't list folders, build the site anew or reload pages, and the site needs no setting of its own in nginx")
	return true
}

// siteFolder is the image path of the generated site; why tells when it isn't known.
func siteFolder(s *split.Split, b *siteBuild) (folder, why string) {
	if b.folder == "" || strings.ContainsAny(b.folder, "$`*~") {
		return "", "where " + b.tool + " writes isn't known"
	}
	folder = cmdline.Abs(b.dir, b.folder)
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
		if ctx, by := s.Stage.Origin(b.in, path.Join(b.dir, "config"), s.Pass.Repo, s.Pass.Name); by != nil && s.Pass.Repo.IsDir(ctx) {
			return "", ctx + " may say where hugo writes"
		}
	case "eleventy":
		files, key = []string{".eleventy.js", "eleventy.config.js", "eleventy.config.mjs", "eleventy.config.cjs"}, "output"
	}
	known := b.tool == "eleventy"
	for _, f := range files {
		ctx, by := s.Stage.Origin(b.in, path.Join(b.dir, f), s.Pass.Repo, s.Pass.Name)
		if by == nil {
			continue
		}
		known = true
		src, err := s.Pass.Repo.ReadFile(ctx)
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
func siteServes(s *split.Split, b *siteBuild, server *siteServer, folder string) string {
	wd := s.Stage.At(nil).Workdir
	for _, f := range []string{"mkdocs.yml", "_config.yml"} {
		if ctx, by := s.Stage.Origin(nil, path.Join(wd, f), s.Pass.Repo, s.Pass.Name); by != nil && server.tool == b.tool {
			src, err := s.Pass.Repo.ReadFile(ctx)
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
		if served := cmdline.Abs(wd, server.folder); served != folder {
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
		ctx, by := s.Stage.Origin(nil, path.Join(wd, f), s.Pass.Repo, s.Pass.Name)
		if by == nil {
			continue
		}
		src, err := s.Pass.Repo.ReadFile(ctx)
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
