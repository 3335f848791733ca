package compiled

import (
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// mesonBuild is a build folder of Meson (https://mesonbuild.com/Commands.html).
type mesonBuild struct {
	dir    string // in the image
	source string
	dirs   map[string]string // ${bindir} and the like, relative to the prefix
	prefix string
	facts  *repo.Meson
	static bool
}

// mesonStep reads a call of meson: setup, compile or install. "meson build" is setup, too.
func (c *cppSplit) mesonStep(in *rewrite.Instruction, st rewrite.Step) bool {
	verb, args := "setup", st.Args[1:]
	if a := c.assigned(st); a != "" {
		return c.Decline(in, "%s before meson is beyond this recipe", a)
	}
	if len(args) > 0 {
		switch args[0] {
		case "compile", "install", "setup":
			verb, args = args[0], args[1:]
		case "test", "--version":
			return true
		case "configure", "wrap", "subprojects", "dist", "introspect", "init", "devenv", "format", "rewrite", "env2mfile":
			return c.Decline(in, "meson %s is beyond this recipe", args[0])
		}
	}
	b := &mesonBuild{prefix: "/usr/local", dirs: map[string]string{"bindir": "bin", "sbindir": "sbin", "libexecdir": "libexec"}}
	kind, dir, dest := "shared", st.Dir, ""
	var words []string
	for i := 0; i < len(args); i++ {
		k, v, given := strings.Cut(args[i], "=")
		if k == "-D" && i+1 < len(args) {
			i++
			k, v, given = strings.Cut("-D"+args[i], "=")
		}
		option := strings.TrimPrefix(strings.TrimPrefix(k, "-D"), "--")
		value := func() string {
			if !given && i+1 < len(args) {
				i++
				return args[i]
			}
			return v
		}
		switch {
		case !strings.HasPrefix(k, "-"):
			words = append(words, args[i])
		case verb != "setup" && k == "-C":
			dir = cmdline.Abs(st.Dir, value())
		case verb == "install" && k == "--destdir":
			dest = value()
		case verb != "setup" && (k == "-j" || k == "--jobs" || k == "--tags" || k == "--skip-subprojects"):
			if k == "--tags" {
				return c.Decline(in, "meson install %s is beyond this recipe", k)
			}
			if !given && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
				i++
			}
		case verb != "setup":
		case option == "prefix":
			b.prefix = value()
		case b.dirs[option] != "":
			b.dirs[option] = value()
		case option == "default_library" || option == "default-library":
			kind = value()
		case option == "buildtype" || option == "optimization" || option == "warnlevel" || option == "backend" || option == "wrap-mode" || option == "unity":
			if v := value(); option == "backend" && v != "ninja" {
				return c.Decline(in, "meson with the backend %s is beyond this recipe", v)
			}
		case strings.HasSuffix(option, "_link_args") || strings.HasSuffix(option, "_args"):
			for _, f := range strings.FieldsFunc(v, func(r rune) bool { return r == ' ' || r == ',' }) {
				switch {
				case f == "-static":
					b.static = true
				case strings.HasPrefix(f, "-l"), strings.Contains(f, "rpath"), strings.HasPrefix(f, "-fsanitize"), strings.HasPrefix(f, "-stdlib"):
					return c.Decline(in, "meson %s is beyond this recipe", args[i])
				}
			}
		case option == "b_sanitize", option == "cross-file", option == "native-file", option == "layout", k == "--reconfigure", k == "--wipe", strings.HasPrefix(option, "install"):
			return c.Decline(in, "meson %s is beyond this recipe", k)
		}
	}
	if st.Dir == "" {
		return c.Decline(in, "%s names no WORKDIR, and what the image's own is isn't known", c.Stage.BaseName())
	}
	if verb != "setup" {
		b := c.mesons[dir]
		if b == nil {
			return c.Decline(in, "which project meson builds in %s isn't known", dir)
		}
		return c.mesonBuilds(in, st, b, verb == "install", dest)
	}
	b.source = st.Dir
	switch len(words) {
	case 1:
		b.dir = cmdline.Abs(st.Dir, words[0])
	case 2: // in either order: the source is where the meson.build is
		b.dir, b.source = cmdline.Abs(st.Dir, words[0]), cmdline.Abs(st.Dir, words[1])
		if _, ok := c.context(in, b.dir, "meson.build"); ok {
			b.dir, b.source = b.source, b.dir
		}
	default:
		return c.Decline(in, "meson names no build folder")
	}
	if strings.ContainsAny(b.dir+b.source+b.prefix, "$`*") || !strings.HasPrefix(b.prefix, "/") {
		return c.Decline(in, "the folders of meson are computed")
	}
	if ctx, ok := c.context(in, b.source, "meson.build"); ok {
		b.facts = c.Pass.Repo.Meson(ctx)
	}
	switch {
	case b.facts == nil:
		return c.Decline(in, "the build context holds no meson.build for %s", b.source)
	case b.facts.Unknown != "":
		return c.Decline(in, "what Meson builds isn't known: %s", b.facts.Unknown)
	case b.facts.Shared != "":
		return c.Decline(in, "%s builds a shared library, which the runtime image would lack", b.facts.Shared)
	case b.facts.Library != "" && kind != "static":
		return c.Decline(in, "%s builds a shared library, which the runtime image would lack (-Ddefault_library=static puts it into the program)", b.facts.Library)
	}
	b.static = b.static || b.facts.Static
	env := c.Stage.At(in).Env
	for _, k := range []string{"LDFLAGS", "CFLAGS", "CXXFLAGS"} {
		if slices.Contains(strings.Fields(env[k]), "-static") {
			b.static = true
		} else if strings.Contains(env[k], "-l") {
			return c.Decline(in, "%s=%s is beyond this recipe", k, env[k])
		}
	}
	c.mesons[b.dir] = b
	return true
}

// mesonBuilds notes the programs of a build, and those that it installs.
func (c *cppSplit) mesonBuilds(in *rewrite.Instruction, st rewrite.Step, b *mesonBuild, installs bool, dest string) bool {
	dest = path.Join("/", dest, c.Stage.At(in).Env["DESTDIR"])
	if strings.ContainsAny(dest, "$`") {
		return c.Decline(in, "DESTDIR of meson is computed")
	}
	for _, p := range b.facts.Programs {
		c.wrote(in, st, path.Join(b.dir, p.Name), b.source, b.static)
		if installs && p.Install != "" {
			at := p.Install
			if name, ok := strings.CutPrefix(at, "${"); ok {
				at = b.dirs[strings.TrimSuffix(name, "}")]
			}
			if !strings.HasPrefix(at, "/") {
				at = path.Join(b.prefix, at)
			}
			c.wrote(in, st, path.Join(dest, at, path.Base(p.Name)), b.source, b.static)
		}
	}
	if installs && b.facts.Installs != "" {
		return c.Decline(in, "%s installs files that the runtime image would lack", b.facts.Installs)
	}
	c.cxx = c.cxx || b.facts.CXX
	for _, l := range b.facts.Links {
		c.links = append(c.links, cLink{in, l, path.Join(b.facts.Dir, "meson.build")})
	}
	return true
}
