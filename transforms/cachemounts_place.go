package transforms

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"

	"drydock/images"
	"drydock/rewrite"
)

// cachePlace is where a manager keeps its downloads in one step.
type cachePlace struct {
	mounts []cacheMount
	who    runCaller
}

// runCaller is the user of a step.
type runCaller struct {
	home  string // "" unknown
	owner string // options of a mount that make the directory theirs; "" for root
}

// envOf gives a variable of the step's environment: of the file, else of the base
// image. computed tells that its value can't be known.
func envOf(st rewrite.State, names ...string) (value string, computed bool) {
	for _, n := range names {
		v, ok := st.Env[n]
		if !ok {
			v, ok = st.Args[n]
		}
		if !ok && st.Known {
			v, ok = st.Base.Env[n]
		}
		if ok && v != "" {
			return v, strings.Contains(v, "$")
		}
	}
	return "", false
}

// envFolder is a variable that names a directory of the image, cleaned; "" when it
// isn't set.
func envFolder(st rewrite.State, names ...string) (dir, why string) {
	v, computed := envOf(st, names...)
	if v == "" {
		return "", ""
	}
	if computed || !strings.HasPrefix(v, "/") {
		return "", names[0] + " is set to " + v
	}
	return path.Clean(v), ""
}

// callerOf finds out who runs a step and where their home is.
func runCallerOf(in *rewrite.Instruction) (runCaller, string) {
	st := in.State()
	home, why := envFolder(st, "HOME")
	if why != "" {
		return runCaller{}, why
	}
	user := st.User
	if user == "" && st.Known {
		user = st.Base.User
	}
	name, group, _ := strings.Cut(user, ":")
	switch {
	case st.Root(), user == "" && provenRoot(in):
		return runCaller{home: cmp.Or(home, "/root")}, ""
	case user == "":
		return runCaller{}, "the user of the base image isn't known"
	}
	if n := st.Base.NonRoot; n != nil && (n.Name == name || idNumber(name) == n.UID) {
		return runCaller{cmp.Or(home, n.Home), mountOwner(n.UID, n.GID)}, ""
	}
	made, ok := madeUser(in.Stage, in, name)
	uid := idNumber(name)
	if uid < 0 && ok {
		uid = made.UID
	}
	if uid < 0 {
		return runCaller{}, "the number of user " + name + " isn't known, and a mount belongs to root unless it says whose it is"
	}
	home = cmp.Or(home, made.Home)
	gid := idNumber(group)
	return runCaller{home, mountOwner(uid, gid)}, ""
}

func mountOwner(uid, gid int) string {
	out := ",uid=" + strconv.Itoa(uid)
	if gid >= 0 {
		out += ",gid=" + strconv.Itoa(gid)
	}
	return out
}

// provenRoot: a package manager of the system or a tool for accounts ran as the
// same user before.
func provenRoot(in *rewrite.Instruction) bool {
	for s := in.Stage; s != nil; s = s.Parent() {
		for _, i := range s.Instructions {
			if s == in.Stage && i.Index > in.Index {
				break
			}
			if i.Keyword != "run" || i.State().User != "" {
				continue
			}
			sc, why := i.Shell()
			if why != "" {
				continue
			}
			for _, c := range sc.Commands() {
				switch c.Name {
				case "apt-get", "apt", "apk", "yum", "dnf", "microdnf", "useradd", "adduser", "groupadd":
					return true
				}
			}
		}
	}
	return false
}

// madeUser finds the user that the file itself makes, with a number of its
// choice: useradd --uid 1000 name.
func madeUser(s *rewrite.Stage, in *rewrite.Instruction, name string) (images.Account, bool) {
	for ; s != nil; s = s.Parent() {
		for _, i := range s.Instructions {
			if i == in || i.Keyword != "run" || !strings.Contains(i.Args.Text, "add") {
				continue
			}
			sc, why := i.Shell()
			if why != "" {
				continue
			}
			for _, c := range sc.Commands() {
				if c.Name != "useradd" && c.Name != "adduser" {
					continue
				}
				a := images.Account{UID: -1, GID: -1, Home: "/home/" + name}
				names := false
				for n := 1; n < len(c.Args); n++ {
					w := c.Args[n]
					flag, v, has := strings.Cut(w, "=")
					if !has && n+1 < len(c.Args) {
						v = c.Args[n+1]
					}
					switch flag {
					case "-u", "--uid":
						a.UID = idNumber(v)
					case "-d", "--home", "--home-dir", "-h":
						a.Home = v
					case "-b", "--base-dir", "-k", "-p", "-R", "-P":
						return a, false
					}
					names = names || w == name
				}
				if names && strings.HasPrefix(a.Home, "/") && !strings.Contains(a.Home, "$") {
					return a, a.UID >= 0
				}
			}
		}
	}
	return images.Account{UID: -1}, false
}

// idNumber is a user's or group's number, -1 for a name.
func idNumber(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// moved tells why a step's own text makes it doubtful where the cache is: it
// sets one of the variables.
func (k *keeper) moved(r *cacheStep) string {
	text := scriptText(r.in)
	vars := k.vars
	if !k.root {
		vars = append([]string{"HOME", "XDG_CACHE_HOME"}, vars...)
	}
	for _, v := range vars {
		for rest := text; ; {
			i := strings.Index(rest, v+"=")
			if i < 0 {
				break
			}
			if i == 0 || strings.IndexByte(" \t\n;&(", rest[i-1]) >= 0 {
				return "it sets " + v
			}
			rest = rest[i+1:]
		}
	}
	return ""
}

// place works out the mounts of a step.
func (k *keeper) place(p *rewrite.Pass, r *cacheStep) (cachePlace, string) {
	for _, u := range r.uses {
		for _, a := range u.args {
			for _, f := range k.movers {
				if flag, _, _ := strings.Cut(a, "="); flag == f && a != apkCache {
					return cachePlace{}, f + " says where the cache is"
				}
			}
		}
	}
	if why := k.moved(r); why != "" {
		return cachePlace{}, why
	}
	st := r.in.State()
	who, why := runCallerOf(r.in)
	if why != "" {
		return cachePlace{}, why
	}
	if k.root && who.owner != "" {
		return cachePlace{}, ""
	}
	dirs, why := k.where(p, r, st, who.home)
	if why != "" {
		return cachePlace{}, why
	}
	options := who.owner
	if k.locked {
		options = ",sharing=locked" + options
	}
	out := cachePlace{who: who}
	for _, d := range dirs {
		if !strings.HasPrefix(d, "/") || d == "/" || strings.ContainsAny(d, " ,\"'") {
			return cachePlace{}, "the home of its user isn't known"
		}
		if who.owner != "" && !k.shallow {
			return cachePlace{}, "the folders around the mount would belong to root, not to the user of this step"
		}
		out.mounts = append(out.mounts, cacheMount{d, options})
	}
	return out, ""
}

// belowHome is a path below the user's home, "" when that isn't known.
func belowHome(home, rel string) string {
	if home == "" {
		return ""
	}
	return path.Join(home, rel)
}

// xdgCache is the directory for caches (freedesktop's base directories).
func xdgCache(st rewrite.State, home string) (string, string) {
	dir, why := envFolder(st, "XDG_CACHE_HOME")
	return cmp.Or(dir, belowHome(home, ".cache")), why
}

func among(s string, list ...string) bool { return slices.Contains(list, s) }

// modernYarn tells why it may be Yarn 2 or later, whose cache can be the
// installation itself, "" where it is Yarn 1.
func modernYarn(p *rewrite.Pass, r *cacheStep) string {
	for _, w := range []string{".yarnrc.yml", ".yarn/", ".yarn ", "yarn set version", "--immutable", "workspaces focus", "yarn@2", "yarn@3", "yarn@4", "yarn@stable", "yarn@berry"} {
		if strings.Contains(p.Doc.Src, w) {
			return "it may be Yarn 2 or later, whose cache can be the installation"
		}
	}
	if n := p.Repo.Node("."); n != nil && strings.HasPrefix(n.PackageManager, "yarn@") && !strings.HasPrefix(n.PackageManager, "yarn@1") {
		return "the project uses Yarn 2 or later, whose cache can be the installation"
	}
	files, _ := p.Repo.Files()
	if slices.ContainsFunc(files, func(f string) bool { return path.Base(f) == ".yarnrc.yml" }) {
		return "the project uses Yarn 2 or later, whose cache can be the installation"
	}
	for _, w := range []string{"--frozen-lockfile", "--pure-lockfile", "--production", "--non-interactive", "--network-timeout", "--ignore-", "global add"} {
		if strings.Contains(r.script.Text, w) {
			return ""
		}
	}
	if st := r.in.State(); st.Known && st.Base.Repository == "node" && !strings.Contains(p.Doc.Src, "corepack") {
		return "" // node images hold Yarn 1
	}
	return "which Yarn it is isn't known"
}
