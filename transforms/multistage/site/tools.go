package site

import (
	"path"
	"slices"
	"strings"

	"drydock/transforms/multistage/cmdline"
)

// What the commands of site generators and of their servers say.

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

func unwrapTool(line []string) []string { return toolArgs(cmdline.Unwrap(line)) }

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
			host, port, _ := cmdline.CutLast(at, ":")
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
	if n := cmdline.Number(s.port); n <= 0 || n > 65535 {
		return nil
	}
	return s
}
