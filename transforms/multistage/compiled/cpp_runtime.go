package compiled

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// The runtime stage of a C or C++ program.

// used drops the programs that nothing starts: tests, generators, and the copy in the
// build folder of what was installed.
func (c *cppSplit) used() bool {
	var said strings.Builder
	for _, in := range c.Stage.Instructions {
		if line, _ := cmdline.StartLine(in); len(line) > 0 {
			said.WriteString(strings.Join(line, " ") + " ")
		}
	}
	for _, b := range c.Runs() {
		for _, l := range [][]string{b.Entrypoint, b.Command, b.Healthcheck} {
			said.WriteString(strings.Join(l, " ") + " ")
		}
	}
	for _, name := range c.scripts {
		if src, err := c.Pass.Repo.ReadFile(c.script(name)); err == nil {
			said.Write(src)
		}
	}
	for _, s := range c.src.Starts {
		said.WriteString(s.Program + " ")
	}
	var started []Output
	for _, o := range c.Outputs {
		if got, ok := c.binary(path.Base(o.Path)); strings.Contains(said.String(), o.Path) || ok && got.Path == o.Path && strings.Contains(said.String(), path.Base(o.Path)) {
			started = append(started, o)
			continue
		}
		// relative to the working directory, as "./tide" or "bin/tide"
		for _, w := range strings.FieldsFunc(said.String(), func(r rune) bool { return strings.ContainsRune(" \t\n;&|()\"'", r) }) {
			if p, ok := c.Stage.At(nil).Abs(w); ok && strings.Contains(w, "/") && p == o.Path {
				started = append(started, o)
				break
			}
		}
	}
	if len(started) > 0 {
		c.Outputs = started
	}
	return true
}

// programs declines by what the source starts or loads.
func (c *cppSplit) programs() bool {
	at := c.Outputs[0].In
	if c.src.Loads != "" {
		return c.Decline(at, "%s loads libraries by name, and which isn't known", c.src.Loads)
	}
	for _, s := range c.src.Starts {
		if s.Program == "" {
			return c.Decline(at, "%s starts a program that only a run shows", s.Where)
		}
		if _, ok := c.binary(s.Program); !ok && !c.has(s.Program, s.Where) {
			return c.Decline(at, "%s starts %s, which the runtime image wouldn't have", s.Where, s.Program)
		}
		c.wants("%s starts %s", s.Where, s.Program)
	}
	if c.src.TLS != "" {
		c.certs = c.Image.PackageManager != "apt" || c.installed["ca-certificates"] || !strings.HasPrefix(c.Ref.Repository(), "debian") && !strings.HasPrefix(c.Ref.Repository(), "ubuntu")
	}
	c.tz = c.src.Zones != "" && c.installed["tzdata"]
	return true
}

// noCData are entries of a C project that no program reads when it runs.
var noCData = lazily(`(?i)^(.*\.(o|a|d|la|lo|in|am|ac|m4|cmake|pc|tpl|vcxproj.*|sln|pro)|cmake.*|configure.*|autogen\.sh|build.*|meson.*|include|third_party|external|\.clang.*|conanfile.*|vcpkg.*|policy|m4|readme|news|authors|changelog|copying|todo|thanks)$`)

// cSource are entries of a folder that only a compiler reads, or people: a folder that a
// string names holds data where it holds something else.
var cSource = lazily(`(?i)^(.*\.(c|cc|cpp|cxx|c\+\+|h|hh|hpp|hxx|inl|ipp|tpp|o|a|d|la|lo|in|am|ac|m4|cmake|md)|cmakelists\.txt|makefile.*|meson\.build|\.git.*|\.clang.*|licen[cs]e.*|copying|readme)$`)

// files collects what the source, the arguments and ENV name.
func (c *cppSplit) files() bool {
	for _, s := range c.src.Strings {
		if len(s) < 200 && !strings.ContainsAny(s, "\n%") {
			c.named(s)
		}
	}
	if c.computed = c.src.Computed; c.computed != "" {
		c.allData()
	}
	c.namedInConfig()
	c.emptyFolders()
	for _, g := range c.gone {
		for _, p := range c.copies {
			if rewrite.Inside(p, g) {
				return c.Decline(c.Last, "the program may read %s, which a RUN deletes", p)
			}
		}
	}
	c.copies = slices.DeleteFunc(c.copies, func(p string) bool {
		ctx, by := c.Stage.Origin(nil, p, c.Pass.Repo, c.Pass.Name)
		return by != nil && isCFile(path.Base(ctx))
	})
	return true
}

func isCFile(name string) bool {
	e := strings.ToLower(path.Ext(name))
	return e == ".c" || e == ".cc" || e == ".cpp" || e == ".cxx" || e == ".h" || e == ".hpp" || e == ".hh"
}

// allData takes every entry of what the build stage copies that holds something
// else than source, build files and papers.
func (c *cppSplit) allData() {
	ig := c.Pass.Repo.Ignore(c.Pass.Name)
	for _, in := range c.Stage.Instructions {
		if in.Index > c.Last.Index || c.Roles[in] != split.InBuild || in.Keyword != "copy" && in.Keyword != "add" {
			continue
		}
		for _, t := range c.Pass.Effects(in).Trees {
			if !t.Dir {
				if name := path.Base(t.Ctx); !NoData().MatchString(name) && !noCData().MatchString(name) && !isCFile(name) {
					c.need(t.Dest)
				}
				continue
			}
			for _, e := range c.Pass.Repo.ReadDir(t.Ctx) {
				name := path.Join(t.Ctx, e.Name())
				if NoData().MatchString(e.Name()) || noCData().MatchString(e.Name()) || isCFile(e.Name()) || ig.Excluded(name) || ig.ExcludesTree(name) || e.IsDir() && !c.holdsData(name, 0) {
					continue
				}
				if p := path.Join(t.Dest, e.Name()); !slices.ContainsFunc(c.gone, func(g string) bool { return rewrite.Inside(p, g) }) {
					c.need(p)
				}
			}
		}
	}
}

func (c *cppSplit) holdsData(dir string, depth int) bool {
	for _, e := range c.Pass.Repo.ReadDir(dir) {
		switch {
		case NoData().MatchString(e.Name()) || noCData().MatchString(e.Name()) || isCFile(e.Name()):
		case !e.IsDir():
			return true
		case depth > 8 || c.holdsData(path.Join(dir, e.Name()), depth+1):
			return true
		}
	}
	return false
}

// systemBase adds Ubuntu, which has no smaller image than itself, and keeps the
// form of Debian's tags.
func (c *cppSplit) systemBase() (string, string) {
	if c.Ref.Repository() == "debian" {
		if strings.Contains(c.Ref.Tag, "slim") {
			return c.Ref.String(), ""
		}
		if slim, _, ok := c.Pass.Images.Slim(c.Ref); ok {
			return slim.String(), ""
		}
	}
	if c.Image.Distro == "ubuntu" && c.Ref.Repository() == "ubuntu" {
		return cmp.Or(c.Stage.From.Fields()[0].Text, c.Ref.String()), ""
	}
	return c.Binaries.systemBase()
}

// ubuntuLike is the Debian release whose C library, C++ library and OpenSSL run what is
// linked with those of an Ubuntu release: 2.35, GCC 12's and 3.0 in 22.04, 2.39, GCC 14's and 3.0
// in 24.04, against 2.41, GCC 14's and 3.5 in Debian 13 (packages.ubuntu.com, packages.debian.org:
// libc6, libstdc++6, libssl3).
var ubuntuLike = map[string]string{"22.04": "13", "24.04": "13"}

// chooseBase picks the runtime image.
func (c *cppSplit) chooseBase() bool {
	static := c.static && !c.dynamic
	release := distro.DebianNumber(c.Image.Release)
	if c.Image.Distro == "ubuntu" && c.Pass.Policy == split.Smallest {
		release = ubuntuLike[c.Image.Release]
	}
	kind := "static"
	switch {
	case static && c.src.Accounts != "" && c.Image.Distro != "alpine":
		c.wants("%s asks for accounts or host names, for which a static program loads libraries of the C library's own release", c.src.Accounts)
	case static:
		c.unlike = cmp.Or(c.src.Image, c.src.Zones, c.src.Accounts)
		if c.unlike != "" {
			c.unlike += ", of which scratch has nothing"
		}
	case c.Pass.Policy != split.Distroless && c.Pass.Policy != split.Smallest:
		return c.chooseOwn()
	case c.notInDistroless() != "" && c.Pass.Policy != split.Smallest:
		c.wants("%s is linked, which distroless hasn't", c.notInDistroless())
	case release == "":
		c.wants("distroless stands on Debian, and %s doesn't", c.Stage.BaseName())
	case release == "11" && len(c.libs) > 0:
		c.wants("%s is linked, in Debian 11 with OpenSSL 1.1 or next to it, and the distroless images that are maintained have 3", c.libs[0].pkg)
	default:
		kind = "cc-debian" + release
		if c.notInDistroless() == "" || len(c.Needs) > 0 {
			break
		}
		var libs []string
		for _, l := range c.libs {
			libs = append(libs, l.pkg)
		}
		if why := c.beside(libs); why != "" {
			c.wants("%s is linked, which distroless hasn't, and %s", c.notInDistroless(), why)
		}
	}
	if len(c.Needs) > 0 {
		return c.chooseOwn()
	}
	return c.choose(kind)
}

// chooseOwn takes the image that the build stands on, without its compilers.
func (c *cppSplit) chooseOwn() bool {
	base, bad := c.systemBase()
	if bad != "" {
		return c.Decline(c.Stage.From, "%s", bad)
	}
	c.installLibraries()
	if len(c.Needs) == 0 && len(c.libs) > 0 {
		c.wants("%s is linked", c.libs[0].pkg)
	}
	if len(c.Needs) == 0 {
		c.Needs = []string{"the program is linked with the libraries of that release"}
	}
	if c.recommends && slices.ContainsFunc(c.devs, func(d string) bool { return strings.HasPrefix(d, "libcurl4-") }) {
		c.Require("ca-certificates", "libcurl, which recommends it, so the image had it")
	}
	if c.Image.Distro == "ubuntu" {
		if c.certs {
			c.Require("ca-certificates", "encrypted connections that the program makes")
		}
		if c.installed["tzdata"] {
			c.Require("tzdata", "the time zones that the build installed")
		}
		if c.installed["ca-certificates"] {
			c.Require("ca-certificates", "the certificates that the build installed")
		}
		c.Base = base
		c.Explain("%s, the same without compilers: %s", base, c.Needs[0])
		return c.repeatAccounts()
	}
	if !c.chooseSystem() {
		return false
	}
	c.Base = base
	return true
}
