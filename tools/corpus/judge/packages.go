package judge

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// installers: program -> words of which one must follow it.
var installers = map[string][]string{
	"apt-get": {"install"}, "apt": {"install"}, "aptitude": {"install"}, "apk": {"add"},
	"yum": {"install", "localinstall", "groupinstall"}, "dnf": {"install", "groupinstall"},
	"microdnf": {"install"}, "tdnf": {"install"}, "zypper": {"install", "in"}, "pacman": {"-S", "-Sy", "-Syu"},
	"pip": {"install"}, "pip2": {"install"}, "pip3": {"install"}, "pipx": {"install"}, "easy_install": nil,
	"npm": {"install", "i", "add"}, "yarn": {"add"}, "pnpm": {"add"}, "gem": {"install"},
	"go": {"install", "get"}, "cargo": {"install"}, "conda": {"install"}, "mamba": {"install"},
}

// packages is the set of "installer package" that the commands install, without versions.
func packages(cs []Command) map[string]bool {
	out := map[string]bool{}
	for _, c := range cs {
		for _, p := range packageWords(c.Text) {
			out[p] = true
		}
	}
	return out
}

func packageWords(text string) []string {
	words := strings.Fields(text)
	for i, w := range words {
		if w == "|" || w == "--" && i == 0 {
			return nil
		}
		verbs, ok := installers[path.Base(w)]
		if !ok {
			continue
		}
		return installed(path.Base(w), verbs, words[i+1:])
	}
	return nil
}

func installed(tool string, verbs, words []string) []string {
	if verbs != nil {
		at := slices.IndexFunc(words, func(w string) bool { return slices.Contains(verbs, w) })
		if at < 0 {
			return nil
		}
		words = words[at+1:]
	}
	if tool == "apt" {
		tool = "apt-get" // the same packages
	}
	var out []string
	for _, w := range words {
		if strings.ContainsAny(w, "<>") && !strings.ContainsAny(w, "='\"") {
			break // a redirection
		}
		if w == "" || w[0] == '-' {
			continue
		}
		if name := packageName(unquote(w)); name != "" {
			out = append(out, tool+" "+name)
		}
	}
	return out
}

func unquote(w string) string {
	f, err := syntax.NewParser().Parse(strings.NewReader(w), "")
	if err != nil || len(f.Stmts) != 1 {
		return strings.Trim(w, `'"`)
	}
	if c, ok := f.Stmts[0].Cmd.(*syntax.CallExpr); ok && len(c.Args) == 1 {
		if s, ok := literal(c.Args[0]); ok {
			return s
		}
	}
	return strings.Trim(w, `'"`)
}

func packageName(w string) string {
	if strings.Contains(w, "://") || strings.HasPrefix(w, "$") || strings.HasPrefix(w, ".") || strings.HasPrefix(w, "/") {
		return w
	}
	if i := strings.LastIndex(w, "@"); i > 0 {
		w = w[:i]
	}
	if i := strings.IndexAny(w, "=<>~!;"); i >= 0 {
		w = w[:i]
	}
	return strings.TrimSpace(w)
}
