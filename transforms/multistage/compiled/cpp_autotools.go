package compiled

import (
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// Builds of configure and make whose configure.ac and Makefile.am are in the build
// context (repo.Autotools): the programs that they name lie in the build folder, and
// below the prefix once they are installed.

// autoTools write configure and what it reads.
var autoTools = words(`autoreconf autoconf automake aclocal autoheader libtoolize glibtoolize autopoint intltoolize gettextize gtkdocize`)

// autoScripts are names of scripts that call them.
var autoScripts = words(`autogen.sh bootstrap bootstrap.sh buildconf buildconf.sh`)

// autoBuild is a folder that configure ran in.
type autoBuild struct {
	dir    string            // in the image
	source string            // that of configure
	dirs   map[string]string // ${bindir} and the like
	facts  *repo.Autotools
	static bool
}

// autoScript is the script of a call such as ./autogen.sh or sh bootstrap; "" for none.
func autoScript(st rewrite.Step) string {
	args := st.Args
	if len(args) > 1 && rewrite.PosixShell(args[0]) {
		args = args[1:]
	}
	if autoScripts[path.Base(args[0])] {
		return cmdline.Abs(st.Dir, args[0])
	}
	return ""
}

// bootstrap reads a script that prepares configure: it may do nothing else.
func (c *cppSplit) bootstrap(in *rewrite.Instruction, script string) bool {
	ctx, by := c.Stage.Origin(in, script, c.Pass.Repo, c.Pass.Name)
	if by == nil {
		return c.Decline(in, "the build context holds no %s, so what it does isn't known", script)
	}
	src, err := c.Pass.Repo.ReadFile(ctx)
	if err != nil {
		return c.Decline(in, "%s can't be read", ctx)
	}
	cmds, err := cmdline.ScriptCommands(strings.ReplaceAll(string(src), "\r\n", "\n"))
	if err != nil {
		return c.Decline(in, "%s can't be read as a shell script", ctx)
	}
	for _, a := range cmds {
		if len(a) == 0 {
			continue
		}
		switch name := path.Base(a[0]); {
		case autoTools[name], cmdline.Builtins[name], rewrite.Harmless(name), name == "mkdir", name == "dirname", name == "basename", name == "which", name == "rm" && !slices.ContainsFunc(a[1:], func(w string) bool { return strings.HasPrefix(w, "/") }):
		default:
			return c.Decline(in, "%s runs %s, whose effects aren't known", ctx, a[0])
		}
	}
	return true
}

// configure reads a call of configure.
func (c *cppSplit) configure(in *rewrite.Instruction, st rewrite.Step) bool {
	script := cmdline.Abs(st.Dir, st.Args[0])
	b := &autoBuild{dir: st.Dir, source: path.Dir(script), dirs: map[string]string{
		"prefix": "/usr/local", "exec_prefix": "${prefix}", "bindir": "${exec_prefix}/bin", "sbindir": "${exec_prefix}/sbin", "libexecdir": "${exec_prefix}/libexec",
		"datarootdir": "${prefix}/share", "datadir": "${datarootdir}", "sysconfdir": "${prefix}/etc", "pkgdatadir": "${datadir}/${PACKAGE}",
	}}
	if a := c.assigned(st); a != "" {
		return c.Decline(in, "%s before configure is beyond this recipe", a)
	}
	var flags []string
	for i := 1; i < len(st.Args); i++ {
		k, v, given := strings.Cut(st.Args[i], "=")
		name := strings.ReplaceAll(strings.TrimLeft(k, "-"), "-", "_")
		if _, dir := b.dirs[name]; dir && strings.HasPrefix(k, "--") {
			if !given && i+1 < len(st.Args) {
				i++
				v = st.Args[i]
			}
			b.dirs[name] = v
			continue
		}
		switch {
		case strings.HasPrefix(name, "program_"), name == "host", name == "target", name == "srcdir":
			return c.Decline(in, "configure %s is beyond this recipe", st.Args[i])
		case !strings.HasPrefix(k, "-") && given:
			flags = append(flags, strings.Fields(v)...)
		case strings.HasPrefix(k, "$"):
			return c.Decline(in, "the arguments of configure are computed")
		}
	}
	env := c.Stage.At(in).Env
	for _, k := range []string{"LDFLAGS", "LIBS", "CFLAGS", "CXXFLAGS"} {
		flags = append(flags, strings.Fields(env[k])...)
	}
	if st.Dir == "" {
		return c.Decline(in, "%s names no WORKDIR, and what the image's own is isn't known", c.Stage.BaseName())
	}
	ctx, ok := c.context(in, b.source, "configure.ac")
	if !ok {
		ctx, ok = c.context(in, b.source, "configure.in")
	}
	if ok {
		b.facts = c.Pass.Repo.Autotools(ctx)
	}
	switch {
	case b.facts == nil:
		return c.Decline(in, "the build context holds no configure.ac for %s, so what is built isn't known", b.source)
	case b.facts.Unknown != "":
		return c.Decline(in, "what configure and make build isn't known: %s", b.facts.Unknown)
	case b.facts.Shared != "":
		return c.Decline(in, "%s builds a shared library, which the runtime image would lack", b.facts.Shared)
	case b.facts.Macro != "" && c.full():
		return c.Decline(in, "%s may find a library that %s brings, and which isn't known", b.facts.Macro, c.Stage.BaseName())
	}
	b.static = b.facts.Static
	for _, f := range flags {
		switch {
		case f == "-static" || f == "-static-pie":
			b.static = true
		case strings.HasPrefix(f, "-l"):
			c.links = append(c.links, cLink{in, f[2:], "line " + cmdline.LineOf(in)})
		case strings.HasPrefix(f, "-fsanitize"), strings.HasPrefix(f, "-stdlib"), strings.Contains(f, "rpath"), f == "-m32":
			return c.Decline(in, "configure with %s is beyond this recipe", f)
		case f == "-fopenmp":
			c.links = append(c.links, cLink{in, "OpenMP", "line " + cmdline.LineOf(in)})
		}
	}
	if b.static && b.facts.Libtool {
		return c.Decline(in, "libtool links with -static, which leaves open which libraries are in the program")
	}
	c.autos[b.dir] = b
	return true
}

// autoMake follows make in a folder that configure ran in.
func (c *cppSplit) autoMake(in *rewrite.Instruction, st rewrite.Step, b *autoBuild, goals []string, set map[string]string) bool {
	installs := false
	for k := range set {
		switch k {
		case "DESTDIR", "V", "CFLAGS", "CXXFLAGS", "CPPFLAGS":
		default:
			return c.Decline(in, "make %s= is beyond this recipe", k)
		}
	}
	if strings.ContainsAny(set["DESTDIR"], "$`") {
		return c.Decline(in, "DESTDIR of make is computed")
	}
	for _, g := range goals {
		switch g {
		case "all", "check", "distcheck":
		case "install", "install-strip":
			installs = true
		case "clean", "distclean", "mostlyclean":
			if len(goals) > 1 {
				return c.Decline(in, "make %s is beyond this recipe", strings.Join(goals, " "))
			}
			for _, p := range b.facts.Programs {
				c.Outputs = slices.DeleteFunc(c.Outputs, func(o Output) bool { return o.Path == path.Join(b.dir, p.Name) })
			}
			return true
		default:
			return c.Decline(in, "make %s is beyond this recipe", g)
		}
	}
	for _, p := range b.facts.Programs {
		c.wrote(in, st, path.Join(b.dir, p.Name), b.source, b.static)
		if installs && p.Install != "" {
			at, ok := b.place(p.Install)
			if !ok {
				return c.Decline(in, "where make install puts %s is computed", p.Name)
			}
			c.wrote(in, st, path.Join("/", set["DESTDIR"], at, path.Base(p.Name)), b.source, b.static)
		}
	}
	if installs {
		if b.facts.Installs != "" {
			return c.Decline(in, "%s, which the runtime image would lack", b.facts.Installs)
		}
		for _, d := range b.facts.Data {
			at, ok := b.place(d)
			if !ok {
				return c.Decline(in, "where make install puts %s is computed", d)
			}
			c.need(path.Join("/", set["DESTDIR"], at))
		}
	}
	c.cxx = c.cxx || b.facts.CXX
	for _, l := range b.facts.Links {
		c.links = append(c.links, cLink{in, l, path.Join(b.facts.Dir, "configure.ac")})
	}
	return true
}

// assigned is the first variable in front of a command that changes what it writes, or where;
// "" for none.
func (c *cppSplit) assigned(st rewrite.Step) string {
	if st.Call == nil {
		return ""
	}
	for _, a := range st.Call.Assigns {
		switch name := a.Name.Value; name {
		case "DESTDIR", "PREFIX", "LDFLAGS", "LIBS", "CC", "CXX":
			return name
		case "CFLAGS", "CXXFLAGS", "CPPFLAGS":
			if v := cmdline.PlainWord(a.Value); strings.Contains(v, "-static") || strings.Contains(v, "-l") || strings.Contains(v, "-fopenmp") || strings.Contains(v, "-fsanitize") || strings.Contains(v, "$") {
				return name
			}
		}
	}
	return ""
}

// place resolves ${bindir} and the like.
func (b *autoBuild) place(dir string) (string, bool) {
	for range 10 {
		i := strings.Index(dir, "${")
		if i < 0 {
			break
		}
		name, rest, _ := strings.Cut(dir[i+2:], "}")
		v := b.dirs[name]
		if name == "PACKAGE" {
			v = b.facts.Package
		}
		if v == "" {
			return "", false
		}
		dir = dir[:i] + v + rest
	}
	return dir, strings.HasPrefix(dir, "/") && !strings.ContainsAny(dir, "$`*")
}
