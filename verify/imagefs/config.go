package imagefs

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"drydock/rewrite"
	"drydock/verify/finding"
)

// config compares the configurations field by field. A field that differs is a break unless a change declares it.
func (c *comparison) config() {
	b, a := &c.before.Config.Config, &c.after.Config.Config
	c.field("ENTRYPOINT", words(b.Entrypoint), words(a.Entrypoint))
	c.field("CMD", words(b.Cmd), words(a.Cmd))
	c.field("WORKDIR", workdir(b), workdir(a))
	if was, is := workdir(b), workdir(a); was != is && was != "/" && slices.Contains(c.want.Lost, "WORKDIR") && len(c.after.entries(was)) > 0 {
		c.add(true, finding.Config, was, fmt.Sprintf("WORKDIR is %s, it was %s, where files still are: relative paths lead elsewhere", is, was))
	}
	c.field("USER", userText(b.User), userText(a.User))
	c.field("STOPSIGNAL", strings.TrimPrefix(or(b.StopSignal, "SIGTERM"), "SIG"), strings.TrimPrefix(or(a.StopSignal, "SIGTERM"), "SIG"))
	c.field("SHELL", words(orShell(b.Shell)), words(orShell(a.Shell)))
	c.field("HEALTHCHECK", health(b.Healthcheck), health(a.Healthcheck))
	c.field("ONBUILD", words(b.OnBuild), words(a.OnBuild))
	c.set("EXPOSE", ports(b.ExposedPorts), ports(a.ExposedPorts))
	c.set("VOLUME", keys(b.Volumes), keys(a.Volumes))
	c.labels(b.Labels, a.Labels)
	c.variables()
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func orShell(s []string) []string {
	if len(s) == 0 {
		return []string{"/bin/sh", "-c"}
	}
	return s
}

// words shows a list as a Dockerfile has it.
func words(w []string) string {
	if len(w) == 0 {
		return ""
	}
	var out []string
	for _, s := range w {
		out = append(out, fmt.Sprintf("%q", s))
	}
	return "[" + strings.Join(out, ",") + "]"
}

func workdir(c *v1.Config) string { return path.Clean("/" + c.WorkingDir) }

func userText(u string) string {
	switch u {
	case "", "0", "root", "0:0", "root:root":
		return "root"
	}
	return u
}

func health(h *v1.HealthConfig) string {
	if h == nil || len(h.Test) == 0 || h.Test[0] == "NONE" {
		return ""
	}
	return fmt.Sprintf("%s interval=%v timeout=%v start-period=%v retries=%d",
		words(h.Test), h.Interval, h.Timeout, h.StartPeriod, h.Retries)
}

func ports(m map[string]struct{}) map[string]bool {
	out := map[string]bool{}
	for p := range m {
		if !strings.Contains(p, "/") {
			p += "/tcp"
		}
		out[p] = true
	}
	return out
}

func keys(m map[string]struct{}) map[string]bool {
	out := map[string]bool{}
	for k := range m {
		out[k] = true
	}
	return out
}

// field compares one field's texts. On another base a field that only the base before set is a remark.
func (c *comparison) field(name, was, is string) {
	if was == is || c.declared(name) && (!c.lostByText(name) || name != "STOPSIGNAL" && is != "" && is != "root") {
		return
	}
	show := func(s string) string { return or(s, "nothing") }
	c.add(c.own(name, ""), finding.Config, "", fmt.Sprintf("%s is %s, it was %s", name, show(is), show(was)))
}

// set compares fields that hold several values: what after has more is harmless, but for VOLUME, which hides files.
func (c *comparison) set(name string, was, is map[string]bool) {
	lost := slices.Contains(c.want.Lost, name)
	if c.declared(name) && !lost {
		return
	}
	for _, v := range slices.Sorted(maps.Keys(was)) {
		if !is[v] {
			c.add(c.own(name, strings.TrimSuffix(v, "/tcp")), finding.Config, "", fmt.Sprintf("%s %s is gone", name, v))
		}
	}
	for _, v := range slices.Sorted(maps.Keys(is)) {
		if !was[v] && !lost {
			c.add(name == "VOLUME" && !c.want.Base, finding.Config, "", fmt.Sprintf("%s %s is new", name, v))
		}
	}
}

func (c *comparison) labels(was, is map[string]string) {
	lost := slices.Contains(c.want.Lost, "LABEL")
	if c.declared("LABEL") && !lost {
		return
	}
	for _, k := range slices.Sorted(maps.Keys(was)) {
		if v, ok := is[k]; !ok {
			c.add(c.own("LABEL", k), finding.Config, "", fmt.Sprintf("LABEL %s is gone", k))
		} else if v != was[k] && !lost {
			c.add(c.own("LABEL", k), finding.Config, "", fmt.Sprintf("LABEL %s is %q, it was %q", k, v, was[k]))
		}
	}
}

// lostByText: no change declares the field, and the new Dockerfile says nothing of it or another thing. CMD and
// ENTRYPOINT are told apart by the run, WORKDIR by what starts.
func (c *comparison) lostByText(name string) bool {
	return slices.Contains(c.want.Lost, name) && slices.Contains([]string{"USER", "STOPSIGNAL", "HEALTHCHECK"}, name)
}

// own tells whether the Dockerfile set a field, and not its base: always on the same base, where both have what it sets;
// else when the history above the base's layers has the instruction, with value in it. Without a history: yes.
func (c *comparison) own(instruction, value string) bool {
	history := c.before.Config.History
	if !c.want.Base || len(history) == 0 {
		return true
	}
	layers := 0
	for _, h := range history {
		if layers >= c.want.Bottom {
			text := strings.TrimSpace(strings.TrimPrefix(h.CreatedBy, "/bin/sh -c #(nop)"))
			if strings.HasPrefix(strings.ToUpper(text), instruction) && strings.Contains(text, value) {
				return true
			}
		}
		if !h.EmptyLayer {
			layers++
		}
	}
	return false
}

// lists are variables that hold folders.
var lists = []string{"PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "NODE_PATH", "CLASSPATH", "GEM_PATH", "PERL5LIB", "PKG_CONFIG_PATH", "MANPATH"}

// variables compares ENV: those that the Dockerfile sets must stay; others come and go with the base.
func (c *comparison) variables() {
	if c.declared("ENV") {
		if slices.Contains(c.want.Lost, "ENV") {
			c.lostVariables()
		}
		return
	}
	for _, name := range c.want.Env {
		was, had := c.before.env(name)
		is, has := c.after.env(name)
		switch {
		case !had || was == is && has:
		case slices.Contains(lists, name):
			c.folderList(name, was, is)
		case !has:
			c.add(true, finding.Config, "", fmt.Sprintf("ENV %s is gone, it was %q", name, was), name)
		default:
			c.add(true, finding.Config, "", fmt.Sprintf("ENV %s is %q, it was %q", name, is, was), name)
		}
	}
	if c.want.Base {
		return
	}
	for _, kv := range c.before.Config.Config.Env {
		name, was, _ := strings.Cut(kv, "=")
		if slices.Contains(c.want.Env, name) {
			continue
		}
		if is, has := c.after.env(name); !has {
			c.add(false, finding.Config, "", fmt.Sprintf("ENV %s is gone, it was %q; the final stage didn't set it", name, was), name)
		} else if is != was {
			c.add(false, finding.Config, "", fmt.Sprintf("ENV %s is %q, it was %q; the final stage didn't set it", name, is, was), name)
		}
	}
}

// lostVariables are those that the Dockerfile before sets and that are nowhere in the new one. What only builds read isn't missed.
func (c *comparison) lostVariables() {
	for _, name := range c.want.Env {
		was, had := c.before.env(name)
		if _, has := c.after.env(name); had && !has && !slices.Contains(c.want.Moved, name) {
			c.add(!buildVariable().MatchString(name), finding.Config, "", fmt.Sprintf("ENV %s is gone, it was %q", name, was), name)
		}
	}
}

// buildVariable are variables that package managers and compilers read.
var buildVariable = rewrite.Lazily(`(?i)^(pip_.*|poetry_.*|pipenv_.*|uv_.*|debian_frontend|npm_config_.*|yarn_.*|pnpm_.*|cgo_.*|go(os|arch|flags|path|proxy|toolchain|cache|modcache|sumdb|private|bin|root|111module)|cargo_.*|rustflags|rustup_.*|maven_.*|gradle_.*|[cf]*(c|cxx|cpp|ld)flags|cc|cxx|makeflags|composer_.*|bundle_.*|pythondontwritebytecode|.*_(version|sha256|sha512|checksum)|ci)$`)

// folderList compares what the folders of a variable hold: a folder that isn't there, or whose executables are found
// elsewhere, isn't missed. After a split the tools that stay behind aren't either.
func (c *comparison) folderList(name, was, is string) {
	has := strings.Split(is, ":")
	for _, dir := range strings.Split(was, ":") {
		if dir == "" || slices.Contains(has, dir) {
			continue
		}
		if name != "PATH" {
			if real, _ := c.after.Tree.follow(dir); len(c.after.below(real)) > 0 || !c.want.Split && len(c.before.entries(dir)) > 0 {
				c.add(true, finding.Config, "/"+rooted(dir), fmt.Sprintf("ENV %s no longer names %s", name, dir), name)
			}
			continue
		}
		var lost []string
		stays := false
		for _, e := range c.before.entries(dir) {
			if c.before.runnable(c.was, path.Join(dir, e)) && c.after.lookPath(c.is, e) == "" {
				lost = append(lost, e)
				stays = stays || c.after.file(path.Join(dir, e)) != nil
			}
		}
		if len(lost) > 0 {
			c.add(stays || !c.want.Split, finding.Config, "/"+rooted(dir), fmt.Sprintf("ENV PATH no longer names %s, and nothing else on it has %s", dir, some(lost)), lost...)
		}
	}
}

// runnable tells whether u may execute the file at p.
func (i *Image) runnable(u user, p string) bool {
	real, n := i.Tree.follow(p)
	return n != nil && n.Type == '0' && u.may(n, mayRun) && i.reaches(u, real)
}

// lookPath is where u finds a command on the image's PATH, "" for nowhere.
func (i *Image) lookPath(u user, name string) string {
	value, ok := i.env("PATH")
	if !ok {
		value = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" // what container engines set
	}
	for _, d := range strings.Split(value, ":") {
		if p := path.Join("/", d, name); i.runnable(u, p) {
			return p
		}
	}
	return ""
}

// command is where u finds what starts as name: a path, or a name on PATH; "" for nowhere.
func (i *Image) command(u user, name string) string {
	if !strings.Contains(name, "/") {
		return i.lookPath(u, name)
	}
	if p := i.inWorkdir(name); i.runnable(u, p) {
		return p
	}
	return ""
}

// Command is where the image's user finds what starts as name: a path, or a name on
// PATH; "" for nowhere.
func (i *Image) Command(name string) string { return i.command(i.user(), name) }

// inWorkdir makes a path absolute.
func (i *Image) inWorkdir(p string) string {
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	return path.Join("/", i.Config.Config.WorkingDir, p)
}
