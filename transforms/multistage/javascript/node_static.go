package javascript

import (
	"path"
	"strconv"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

// A page that a build writes and a static server of Node's serves: with the
// smallest policy nginx serves it, at the same port.

// staticSite is what such a server is told.
type staticSite struct {
	at   *rewrite.Instruction
	dir  string
	port int
}

// site reads the start command: `serve -s DIR` and `vite preview` answer every
// path that isn't a file with index.html, as nginx can. Others have pages of
// their own for that.
func (n *NodeApp) site() (site staticSite, why string) {
	args, at, why := n.startCall()
	if why != "" {
		return site, why
	}
	site.at = at
	single, flags := false, args[1:]
	switch {
	case args[0] == "serve":
		site.port = 3000
		if v, err := strconv.Atoi(n.Stage.At(nil).Env["PORT"]); err == nil {
			site.port = v
		}
	case args[0] == "vite" && len(args) > 1 && args[1] == "preview":
		site.port, single, flags = 4173, true, args[2:]
		site.dir = n.outDir()
	default:
		return site, "it doesn't serve static files alone: " + strings.Join(args, " ")
	}
	for i := 0; i < len(flags); i++ {
		flag, value, has := strings.Cut(flags[i], "=")
		next := func() string {
			if !has && i+1 < len(flags) && !strings.HasPrefix(flags[i+1], "-") {
				i++
				value = flags[i]
			}
			return value
		}
		switch {
		case flag == "-s" || flag == "--single":
			single = true
		case flag == "-l" || flag == "--listen" || flag == "-p" || flag == "--port":
			v := next()
			p, err := strconv.Atoi(v[strings.LastIndexByte(v, ':')+1:])
			if err != nil {
				return site, "it listens on " + v
			}
			site.port = p
		case flag == "--host":
			if v := next(); v != "" && v != "0.0.0.0" && v != "true" {
				return site, "it listens on " + v
			}
		case flag == "-L" || flag == "--no-request-logging" || flag == "-n" || flag == "--no-clipboard" || flag == "--strictPort":
		case !strings.HasPrefix(flag, "-") && args[0] == "serve" && site.dir == "":
			site.dir = flags[i]
		default:
			return site, "it has the flag " + flag
		}
	}
	switch {
	case !single:
		return site, "without -s serve has pages of its own for missing files and folders"
	case site.dir == "" || path.IsAbs(site.dir) || strings.HasPrefix(path.Clean(site.dir), "..") || path.Clean(site.dir) == ".":
		return site, "which folder it serves isn't known"
	case path.Clean(site.dir) != n.outDir():
		return site, "that the build writes " + site.dir + " isn't known"
	}
	site.dir = path.Clean(site.dir)
	return site, ""
}

var (
	viteOutDir  = lazily("\\boutDir\\s*:\\s*[\"'`]\\.?/?([\\w-]+(?:/[\\w-]+)*)[\"'`]")
	viteOutSays = lazily(`\b(outDir|outputDir|root)\b\s*[:,]`)
)

// outDir is the folder that the bundler of the project writes: Vite's
// build.outDir, react-scripts' build, Vue CLI's dist. "" where it isn't known.
func (n *NodeApp) outDir() string {
	node := n.main().Node
	has := func(name string) bool { return node.Dependencies[name]+node.DevDependencies[name] != "" }
	read := func(names ...string) (string, bool) {
		for _, f := range names {
			if src, err := n.Pass.Repo.ReadFile(path.Join(node.Dir, f)); err == nil {
				return string(src), true
			}
		}
		return "", false
	}
	switch {
	case has("react-scripts"):
		if _, set := n.Stage.At(nil).Env["BUILD_PATH"]; set || n.Pass.Repo.Exists(path.Join(node.Dir, ".env.production")) {
			return ""
		}
		return "build"
	case has("vite"):
		for _, body := range node.Scripts {
			if strings.Contains(body, "--outDir") {
				return ""
			}
		}
		src, ok := read("vite.config.js", "vite.config.ts", "vite.config.mjs", "vite.config.mts", "vite.config.cjs")
		if m := viteOutDir().FindStringSubmatch(src); m != nil && strings.Count(src, "outDir") == 1 && !strings.Contains(src, "root:") {
			return m[1]
		}
		if ok && viteOutSays().MatchString(src) {
			return ""
		}
		return "dist"
	case has("@vue/cli-service"):
		src, _ := read("vue.config.js")
		if strings.Contains(src, "outputDir") {
			return ""
		}
		return "dist"
	}
	return ""
}

// nginx serves the page, where the policy is the smallest. It reports whether it
// does; the plan says why not.
func (n *NodeApp) nginx() bool {
	if n.Pass.Policy != split.Smallest || len(n.builds) == 0 {
		return false
	}
	site, why := n.site()
	if why != "" && site.at == nil {
		return false
	}
	for _, in := range n.Stage.Instructions {
		switch {
		case why != "":
		case in.Keyword == "user":
			why = "USER is set, and nginx starts as root"
		case in.Keyword == "healthcheck":
			why = "HEALTHCHECK runs in the container"
		case in.Keyword == "copy" || in.Keyword == "add" || in.Keyword == "run":
			if n.Roles[in] != split.InBuild {
				why = "line " + cmdline.LineOf(in) + " belongs to the runtime stage"
			}
		}
	}
	if why == "" && (n.main().Step.Dir != n.AppDir || n.Stage.At(nil).Workdir != n.AppDir) {
		why = "the container starts in another folder"
	}
	if why == "" && (n.Pass.Repo.Exists(path.Join(n.main().Node.Dir, "serve.json")) || n.Pass.Repo.Exists(path.Join(n.main().Node.Dir, "public/serve.json"))) {
		why = "serve.json has rules of its own"
	}
	if why != "" {
		n.Explain("node serves the page and not nginx: %s", why)
		return false
	}
	for _, in := range n.Stage.Instructions {
		if in.Keyword == "workdir" || in.Keyword == "env" || in.Keyword == "shell" {
			n.Roles[in] = split.InBuild
		}
	}
	indent, _ := n.Doc.RunStyle(nil)
	// serve sends text as UTF-8; nginx without a charset leaves that to the browser.
	config := []string{"server {", "    listen " + strconv.Itoa(site.port) + ";", "    charset utf-8;", "    charset_types text/css text/plain text/javascript application/javascript application/json;", "    root /usr/share/nginx/html;", "    location / {", "        try_files $uri /index.html;", "    }", "}"}
	text := n.Keyword("RUN") + " printf '%s\\n'"
	command := "printf '%s\\n'"
	for _, l := range config {
		text += " \\\n" + indent + "'" + l + "'"
		command += " '" + l + "'"
	}
	const file = " >/etc/nginx/conf.d/default.conf"
	n.Adds = append(n.Adds, command+file)
	n.Instead[n.Last] = append(n.Instead[n.Last], text+" \\\n"+indent+strings.TrimSpace(file), n.CopyFrom(path.Join(n.AppDir, site.dir), "/usr/share/nginx/html"))
	n.Base = n.NginxImage()
	n.Say(site.at, n.keywordOf(site.at)+` ["nginx", "-g", "daemon off;"]`)
	n.Config |= rewrite.FieldCmd | rewrite.FieldEntrypoint | rewrite.FieldEnv | rewrite.FieldWorkdir | rewrite.FieldShell | rewrite.FieldStopSignal | rewrite.FieldExpose
	n.Why = "the page is static once it is built, and a server of static files needs no Node"
	n.Gain = "Node and node_modules stay behind: about 420 MB for the full image, 6 to 40 MB for nginx (compressed)"
	n.Explain("%s, which the build writes, is served by nginx at port %d; every other path gets index.html, as before", path.Join(n.AppDir, site.dir), site.port)
	n.Assumes = append(n.Assumes, "the page needs nothing of the server but its files: no redirects to clean URLs, no headers of serve, no variables read when it starts")
	return true
}
