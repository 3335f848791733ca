package imagefs

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"drydock/verify/finding"
)

// libraries finds what ELF files of after need and no longer find. A file that lacked the same in before doesn't count,
// nor one of the same name that did: plugins whose libraries the program has loaded by then. On another base a base's own
// file that neither the application nor what starts loads is a remark: slim images lack what few of Python's own
// modules need.
func (c *comparison) libraries() {
	lacked := map[string]bool{}
	for _, l := range c.before.Lacks() {
		lacked[path.Base(l.File)+" "+l.Needs+" "+l.Symbol] = true
	}
	type need struct {
		soname, symbol string
		known          bool // before has the file, and it counts
	}
	files := map[need][]string{}
	loaded := c.loaded()
	for _, l := range c.after.Lacks() {
		if !lacked[path.Base(l.File)+" "+l.Needs+" "+l.Symbol] {
			n := need{l.Needs, l.Symbol, c.before.file(l.File) != nil && (!c.want.Base || loaded[l.File[1:]])}
			files[n] = append(files[n], l.File)
		}
	}
	needs := slices.SortedFunc(maps.Keys(files), func(a, b need) int {
		return strings.Compare(a.soname+" "+a.symbol, b.soname+" "+b.symbol)
	})
	for _, n := range needs {
		who := files[n]
		needs := verb(len(who), "needs", "need")
		if n.symbol != "" {
			c.add(n.known, finding.Library, who[0], fmt.Sprintf("%s %s version %s of %s, which the new image's is too old for", some(who), needs, n.symbol, n.soname))
			continue
		}
		c.add(n.known, finding.Library, who[0], fmt.Sprintf("%s %s %s, which the new image lacks", some(who), needs, n.soname), n.soname)
	}
}

// loaded are the files of after that the application's own ELF files and what starts load, and these themselves.
func (c *comparison) loaded() map[string]bool {
	out := map[string]bool{}
	l := c.after.load()
	var walk func(p string)
	walk = func(p string) {
		real, n := c.after.Tree.follow(p)
		if n == nil || n.ELF == nil || out[real] {
			return
		}
		out[p], out[real] = true, true
		for _, s := range n.ELF.Needed {
			if at := l.find(p, n.ELF, s, nil); at != "" {
				walk(at)
			}
		}
	}
	for _, p := range c.app {
		walk(p)
	}
	for p := range c.started {
		walk(p)
	}
	return out
}

// interpreters finds executables whose loader is gone, and scripts whose interpreter is. A program can name a script in
// ways that nobody sees, so on the same base without a split each one counts; else the new image is meant to be
// poorer, and a script counts when it is started or when an application file names it (see files).
func (c *comparison) interpreters() {
	c.dead = map[string]string{}
	loaders, scripts := map[string][]string{}, map[string][]string{}
	onPath := map[string]bool{}
	value, _ := c.after.env("PATH")
	for _, d := range strings.Split(value, ":") {
		real, _ := c.after.Tree.follow(d)
		onPath[real] = true
	}
	for _, p := range c.after.sorted() {
		n := c.after.Tree[p]
		if n.ELF != nil && n.ELF.Interp != "" {
			if in := n.ELF.Interp; c.before.file(in) != nil && c.before.file(p) != nil && c.after.file(in) == nil {
				loaders[in] = append(loaders[in], "/"+p)
			}
			continue
		}
		if n.Script == "" || n.Mode&0o111 == 0 || !onPath[path.Dir(p)] && !c.isApp[p] || c.before.file(p) == nil {
			continue
		}
		if in := c.interpreterGone(p, n.Script); in != "" {
			scripts[in] = append(scripts[in], "/"+p)
		}
	}
	for _, in := range slices.Sorted(maps.Keys(loaders)) {
		who := loaders[in]
		c.add(true, finding.Interpreter, who[0], fmt.Sprintf("%s %s the loader %s, which the new image lacks", some(who), verb(len(who), "needs", "need"), in), in)
	}
	for _, in := range slices.Sorted(maps.Keys(scripts)) {
		var breaks, remarks []string
		for _, p := range scripts[in] {
			switch {
			case modulePath(p[1:]) == "" && (!c.want.Split && !c.want.Base || c.started[p[1:]]):
				breaks = append(breaks, p)
			default:
				remarks = append(remarks, p)
				if modulePath(p[1:]) == "" && c.isApp[p[1:]] {
					c.dead[p[1:]] = in
				}
			}
		}
		tell := func(isBreak bool, who []string) {
			if len(who) > 0 {
				c.add(isBreak, finding.Interpreter, who[0], fmt.Sprintf("%s %s, which the new image lacks", some(who), verb(len(who), "is a script for "+in, "are scripts for "+in)), in)
			}
		}
		tell(true, breaks)
		tell(false, remarks)
	}
}

// bundles are where TLS libraries look for authorities.
var bundles = []string{"etc/ssl/certs/ca-certificates.crt", "etc/pki/tls/certs/ca-bundle.crt", "etc/ssl/cert.pem", "etc/ssl/ca-bundle.pem", "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"}

// certificates: before had a bundle, and after has none. That is a break, unless what starts brings its own: node has
// Mozilla's compiled in, java reads its cacerts, python's certifi serves those who use it; then it is a remark.
func (c *comparison) certificates() {
	has := func(i *Image) string {
		for _, b := range bundles {
			if n := i.file(b); n != nil && n.Size > 0 {
				return b
			}
		}
		return ""
	}
	cacerts := func(i *Image) string {
		for _, p := range i.sorted() {
			if strings.HasSuffix(p, "/lib/security/cacerts") && i.file(p) != nil {
				return p
			}
		}
		return ""
	}
	runtime := c.runtime()
	if b := has(c.before); b != "" && has(c.after) == "" {
		own := ""
		switch runtime {
		case "node":
			own = "node has its own"
		case "java":
			if p := cacerts(c.after); p != "" {
				own = "java reads /" + p
			}
		case "python":
			if p := c.after.pythonModule("certifi"); p != "" {
				own = "python's certifi is there, for what uses it"
			}
		}
		if own != "" {
			c.add(false, finding.Certificates, "/"+b, fmt.Sprintf("the new image has no certificate authorities (/%s); %s", b, own))
		} else {
			c.add(true, finding.Certificates, "/"+b, fmt.Sprintf("the new image has no certificate authorities: /%s is gone, and TLS connections will fail", b))
		}
	}
	if p := cacerts(c.before); p != "" && runtime == "java" && cacerts(c.after) == "" {
		c.add(true, finding.Certificates, "/"+p, fmt.Sprintf("java's certificate authorities are gone: /%s", p))
	}
}

// runtime is the language's runtime that after starts, "" for another program.
func (c *comparison) runtime() string {
	a := c.after.Config.Config
	argv := slices.Concat(a.Entrypoint, a.Cmd)
	if len(argv) == 0 {
		return ""
	}
	argv = afterWrappers(c.after, argv)
	if text := shellText(argv); text != "" {
		argv = strings.Fields(text)
		argv = wrapped(argv)
	}
	if len(argv) == 0 {
		return ""
	}
	if r := runtimeOf(argv[0]); r != "" {
		return r
	}
	if n := c.after.file(c.after.command(c.is, argv[0])); n != nil && n.Script != "" {
		in := interpreters(n.Script)
		return runtimeOf(in[len(in)-1])
	}
	return ""
}

// timeZones: the zones are gone. That is a break when TZ names another one than UTC, or when somebody installed them
// above the base; else a remark.
func (c *comparison) timeZones() {
	const dir = "usr/share/zoneinfo"
	zone, _ := c.after.env("TZ")
	zone = strings.TrimPrefix(zone, ":")
	utc := slices.Contains(utc, zone)
	had, has := len(c.before.below(dir)) > 0, len(c.after.below(dir)) > 0
	switch {
	case had && !has && !utc:
		c.add(true, finding.TimeZones, "/"+dir, fmt.Sprintf("the new image has no time zones (/%s), and TZ is %s", dir, zone))
	case had && !has:
		c.add(c.fromAbove(dir), finding.TimeZones, "/"+dir, fmt.Sprintf("the new image has no time zones: /%s is gone", dir))
	case has && !utc && c.before.file(dir+"/"+zone) != nil && c.after.file(dir+"/"+zone) == nil:
		c.add(true, finding.TimeZones, "/"+dir+"/"+zone, fmt.Sprintf("TZ is %s, and the new image lacks /%s/%s", zone, dir, zone))
	}
}

// users checks who the container runs as, its home, and /tmp.
func (c *comparison) users() {
	if c.before.isDir("tmp") && c.before.writable(c.was, "tmp") {
		switch {
		case !c.after.isDir("tmp"):
			c.add(true, finding.Temp, "/tmp", "the new image has no /tmp", "/tmp")
		case !c.after.writable(c.is, "tmp"):
			c.add(true, finding.Temp, "/tmp", fmt.Sprintf("user %s can't write to /tmp in the new image", c.is.name), "/tmp")
		}
	}
	if !c.is.listed && c.is.uid != 0 {
		switch known := c.was.listed || c.was.uid == 0; {
		case !c.is.number && known:
			c.add(true, finding.User, "", fmt.Sprintf("USER %s isn't in /etc/passwd of the new image: the container won't start", c.is.name), c.is.name)
		case known:
			c.add(false, finding.User, "", fmt.Sprintf("USER %s has no entry in /etc/passwd of the new image", c.is.name), c.is.name)
		}
		return
	}
	if c.is.uid == 0 || c.is.home == "" || slices.Contains([]string{"/", "/nonexistent", "/dev/null"}, c.is.home) {
		return
	}
	if c.was.home == c.is.home && !c.before.writable(c.was, c.was.home) {
		return
	}
	if real, _ := c.after.Tree.follow(c.is.home); !c.after.isDir(real) {
		c.add(false, finding.User, c.is.home, fmt.Sprintf("the home %s of user %s isn't there in the new image", c.is.home, c.is.name), c.is.home)
	} else if !c.after.writable(c.is, c.is.home) {
		c.add(false, finding.User, c.is.home, fmt.Sprintf("user %s can't write to its home %s in the new image", c.is.name, c.is.home), c.is.home)
	}
}

// permissions finds application files that after's user may not read or execute as before's user could.
func (c *comparison) permissions() {
	unread, unrun := map[string][]string{}, map[string][]string{}
	for _, p := range c.app {
		b, a := c.before.Tree[p], c.after.Tree[p]
		if a == nil || b.Type != a.Type || b.Type != '0' {
			continue
		}
		switch {
		case c.before.allows(c.was, p, mayRead) && !c.after.allows(c.is, p, mayRead):
			unread[c.barrier(p)] = append(unread[c.barrier(p)], "/"+p)
		case b.Mode&0o111 != 0 && c.before.allows(c.was, p, mayRun) && !c.after.allows(c.is, p, mayRun):
			unrun[path.Dir(p)] = append(unrun[path.Dir(p)], "/"+p)
		}
	}
	for _, at := range slices.Sorted(maps.Keys(unread)) {
		who := unread[at]
		m := fmt.Sprintf("user %s can't read %s in the new image", c.is.name, some(who))
		if who[0] != "/"+at {
			m += fmt.Sprintf(": /%s is %s", at, c.after.Tree[at])
		}
		c.add(true, finding.Permission, who[0], m, "/"+at)
	}
	for _, dir := range slices.Sorted(maps.Keys(unrun)) {
		who := unrun[dir]
		c.add(true, finding.Permission, who[0], fmt.Sprintf("user %s can't execute %s in the new image", c.is.name, some(who)), who...)
	}
}

// barrier is what keeps after's user from a file: a folder above it, or the file itself.
func (c *comparison) barrier(p string) string {
	at := ""
	for d := path.Dir(p); d != "."; d = path.Dir(d) {
		if n := c.after.Tree[d]; n != nil && !c.is.may(n, mayRun) {
			at = d
		}
	}
	if at != "" {
		return at
	}
	return p
}
