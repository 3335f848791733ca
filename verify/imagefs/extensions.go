package imagefs

import (
	"archive/tar"
	"fmt"
	"path"
	"strings"

	"drydock/rewrite"
	"drydock/verify/finding"
)

// Modules that a system's packages bring: python3-yaml, php-xml, libjson-perl.

// above are before's files in layers above its base, whoever brought them.
func (c *comparison) above() map[string]bool {
	out := map[string]bool{}
	layers := c.before.layers
	for _, l := range layers[max(0, min(c.want.Bottom, len(layers))):] {
		for _, e := range l.entries {
			if n := c.before.Tree[e.path]; n != nil && n.Type != tar.TypeDir {
				out[e.path] = true
			}
		}
	}
	return out
}

// phpExtension is one that PHP finds without a path: in Debian's folder, and in that of the official images.
var phpExtension = rewrite.Lazily(`^usr/(?:lib/php/\d+|local/lib/php/extensions/[^/]+)/(\w+)\.so$`)

// phpExtensions finds extensions that were added and that a php which is still there can't load any more. Those for
// developers aren't missed.
func (c *comparison) phpExtensions() {
	var lost []string
	has := map[string]bool{}
	for _, p := range c.after.sorted() {
		if m := phpExtension().FindStringSubmatch(p); m != nil {
			has[m[1]] = true
		}
	}
	for p := range c.above() {
		if m := phpExtension().FindStringSubmatch(p); m != nil && !has[m[1]] && m[1] != "xdebug" && m[1] != "pcov" {
			lost = append(lost, p)
		}
	}
	if len(lost) == 0 {
		return
	}
	for _, dir := range []string{"usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin"} {
		for _, name := range c.after.entries(dir) {
			if !strings.HasPrefix(name, "php") && !strings.HasPrefix(name, "frankenphp") {
				continue
			}
			for _, p := range lost {
				name := strings.TrimSuffix(path.Base(p), ".so")
				c.add(true, finding.File, "/"+p, fmt.Sprintf("php's extension %s is gone", name), "/"+p)
			}
			return
		}
	}
}

// used are modules that a Perl file loads.
var used = rewrite.Lazily(`(?m)(?:^|[;{])\s*(?:use|require)\s+([A-Za-z]\w*(?:::\w+)*)`)

// perlModules finds modules that a Perl file loads, that before had and after hasn't.
func (s *scanner) perlModules(p string, text []byte) {
	const folders = `usr/share/perl5/ usr/share/perl/ usr/lib/ usr/local/share/perl/ usr/local/lib/`
	for _, m := range used().FindAllSubmatch(text, -1) {
		file := "/" + strings.ReplaceAll(string(m[1]), "::", "/") + ".pm"
		find := func(i *Image) string {
			for _, dir := range strings.Fields(folders) {
				for _, at := range i.below(strings.TrimSuffix(dir, "/")) {
					if strings.HasSuffix(at, file) && strings.Contains(at, "perl") {
						return at
					}
				}
			}
			return ""
		}
		if was := find(s.c.before); was != "" && find(s.c.after) == "" {
			s.c.add(true, finding.Module, "/"+was, "the module "+string(m[1])+" is gone, and /"+p+" loads it", string(m[1]))
		}
	}
}
