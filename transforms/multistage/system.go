package multistage

import (
	"slices"
	"strings"

	"drydock/rewrite"
)

// systemPackages is what apt installs, by what becomes of it.
type systemPackages struct {
	runtime map[string]bool        // installed in the runtime stage
	updates []*rewrite.Instruction // RUNs that only update the index
	repeats bool                   // a RUN with an install is repeated as it is

	left []string // packages that only the build stage installs

	lines []*installed // RUNs of the runtime stage that install packages in the place of others

	required []string          // packages that nobody asked for by name and the runtime stage needs
	reason   map[string]string // why
}

// buildOnly are packages that a program doesn't need when it runs: compilers
// and build tools. -dev packages have tables of their own.
var buildOnly = words(`gcc g++ make cmake build-essential pkg-config pkgconf autoconf automake libtool libtool-bin autotools-dev patch swig gfortran rustc cargo ninja-build
	meson bison flex clang llvm nasm yasm gdb ccache binutils dpkg-dev apt-utils apt-transport-https cython3 python3-distutils gcc-multilib g++-multilib m4`)

// BuildOnly tells whether a program doesn't need a Debian package when it runs: a
// compiler, a build tool, headers.
func BuildOnly(pkg string) bool { return buildOnly[pkg] || strings.HasSuffix(pkg, "-dev") }

// inSlim are -dev packages whose library the slim image has: python's slim
// images keep what its standard library links to (docker-library/python,
// slim Dockerfiles: ldd over /usr/local).
var inSlim = map[string]map[string]bool{
	"python": words(`zlib1g-dev libz-dev libssl-dev libffi-dev libbz2-dev libsqlite3-dev libreadline-dev liblzma-dev libexpat1-dev libncurses-dev libncurses5-dev libncursesw5-dev uuid-dev libc6-dev libc-dev linux-libc-dev python3-dev python-dev`),
	"node":   words(`zlib1g-dev libc6-dev libc-dev linux-libc-dev python3-dev python-dev`),
	"golang": {},
	// what ldd finds below /usr/local stays (docker-library/ruby, /php: Dockerfile.template)
	"ruby": words(`zlib1g-dev libssl-dev libffi-dev libgmp-dev libyaml-dev libc6-dev libc-dev linux-libc-dev ruby-dev`),
	"php":  words(`zlib1g-dev libssl-dev libcurl4-openssl-dev libonig-dev libreadline-dev libsodium-dev libsqlite3-dev libxml2-dev libargon2-dev libargon2-0-dev libc6-dev libc-dev linux-libc-dev`),
}

// replayed commands change files and accounts by name alone; in the runtime
// stage they do the same again.
var replayed = words(`mkdir touch chmod chown chgrp rm ln cp mv install rmdir useradd adduser groupadd addgroup usermod sed dos2unix ldconfig tee`)

// accounts commands depend on nothing that a build writes.
var accounts = words(`mkdir chmod chown chgrp useradd adduser groupadd addgroup usermod`)

// apt is one call of apt or apt-get.
type apt struct {
	verb         string
	words, flags []string
	bad          string
}

func readApt(st rewrite.Step) (a apt, ok bool) {
	if st.Name != "apt-get" && st.Name != "apt" {
		return a, false
	}
	for i := 1; i < len(st.Args); i++ {
		w := st.Args[i]
		switch {
		case !plain(w) || i+1 < len(st.Args) && w == "-o" && !plain(st.Args[i+1]):
			a.bad = w
		case w == "-o" || w == "-t" || w == "-c":
			a.flags = append(a.flags, w)
			if i++; i < len(st.Args) {
				a.flags = append(a.flags, st.Args[i])
			}
		case strings.HasPrefix(w, "-"):
			a.flags = append(a.flags, w)
		case a.verb == "":
			a.verb = w
		default:
			a.words = append(a.words, w)
		}
	}
	return a, true
}

// plain: a word that a shell takes as it stands, so that it can be written
// again without quotes.
func plain(w string) bool {
	return w != "" && strings.Trim(w, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._:=/@,%~") == ""
}

// readApk reads a call of Alpine's apk in the terms of apt.
func readApk(st rewrite.Step) (a apt, ok bool) {
	if st.Name != "apk" {
		return a, false
	}
	for i := 1; i < len(st.Args); i++ {
		w := st.Args[i]
		switch {
		case w == "-t" || w == "--virtual" || w == "-X" || w == "--repository" || w == "-p" || w == "--root":
			i++
		case strings.HasPrefix(w, "-"):
		case a.verb == "":
			if a.verb = w; w == "add" {
				a.verb = "install"
			}
		case !plain(w):
			a.bad = w
		default:
			w, _, _ = strings.Cut(w, "~")
			w, _, _ = strings.Cut(w, ">")
			w, _, _ = strings.Cut(w, "@")
			a.words = append(a.words, w)
		}
	}
	return a, true
}

// readPackages reads a call of apt or of apk.
func readPackages(st rewrite.Step) (a apt, ok bool) {
	if a, ok = readApt(st); !ok {
		a, ok = readApk(st)
	}
	return a, ok
}

// operands are the arguments of a command that are no options.
func operands(st rewrite.Step) (out []string) {
	for _, a := range st.Args[1:] {
		if !strings.HasPrefix(a, "-") {
			out = append(out, a)
		}
	}
	return out
}

// tidy: deleting caches of package managers, which the runtime stage has not.
func tidy(st rewrite.Step) bool {
	if st.Name != "rm" {
		return false
	}
	for _, a := range st.Args[1:] {
		switch {
		case strings.HasPrefix(a, "-"):
		case strings.HasPrefix(a, "/var/lib/apt"), strings.HasPrefix(a, "/var/cache"), strings.HasPrefix(a, "/tmp"), strings.HasPrefix(a, "/var/tmp"),
			strings.HasPrefix(a, "/root/.cache"), strings.HasPrefix(a, "~/.cache"), strings.HasPrefix(a, "/root/.npm"), strings.HasPrefix(a, "~/.npm"), strings.HasPrefix(a, "/usr/share/doc"), strings.HasPrefix(a, "/usr/share/man"), strings.HasPrefix(a, "/var/log"):
		default:
			return false
		}
	}
	return true
}

// system sorts the system commands of a RUN. rest are the others, in order.
// It declines when a package may be needed at run time and isn't known.
func (s *split) system(in *rewrite.Instruction, all []rewrite.Step) (rest []rewrite.Step, ok bool) {
	keep, build, other := map[string]string{}, false, false
	var order, flags []string
	installs, removes, updates, replays := false, false, false, false
	for _, st := range all {
		a, isApt := readApt(st)
		switch {
		case isApt && (a.verb == "install" || a.verb == "satisfy"):
			if a.bad != "" {
				return nil, s.decline(in, "%s is no plain name of a package", a.bad)
			}
			installs, flags = true, append(flags, a.flags...)
			for _, w := range a.words {
				libs, why := s.library(w)
				if why != "" {
					return nil, s.decline(in, "%s", why)
				}
				build = build || len(libs) == 0
				if len(libs) == 0 {
					s.apt.left = append(s.apt.left, w)
				}
				for _, lib := range libs {
					if keep[lib] == "" {
						keep[lib] = w
						order = append(order, lib)
						build = build || lib != w
						if lib != w {
							s.apt.left = append(s.apt.left, w)
							s.explain("%s is installed in the runtime stage, the library behind %s", lib, w)
						}
					}
				}
			}
		case isApt && a.verb == "update":
			updates = true
		case isApt && (a.verb == "upgrade" || a.verb == "dist-upgrade" || a.verb == "full-upgrade"):
			installs = true
		case isApt && (a.verb == "remove" || a.verb == "purge" || a.verb == "autoremove"):
			removes = true
			order = slices.DeleteFunc(order, func(name string) bool { return keep[name] == name && slices.Contains(a.words, name) })
		case isApt || tidy(st):
		case rewrite.Harmless(st.Name) && len(st.Stmt.Redirs) == 0:
		default:
			rest = append(rest, st)
			replays = replays || replayed[st.Name]
			other = other || !replayed[st.Name]
		}
	}
	for _, name := range order {
		name, _, _ = strings.Cut(name, "=")
		name, _, _ = strings.Cut(name, "/")
		s.apt.runtime[name] = true
	}
	switch {
	case installs && len(order) == 0 && (build || other):
	case installs && len(order) > 0 && (build || removes || other || !assumesYes(flags)):
		l := &installed{in, len(s.instead[in]), order, keep, flags}
		s.apt.lines = append(s.apt.lines, l)
		s.instead[in] = append(s.instead[in], s.runOf(l.commands()))
	case installs:
		s.roles[in], s.apt.repeats = inBoth, true
		return nil, true
	case updates && !other && !replays:
		s.apt.updates = append(s.apt.updates, in)
	}
	return rest, true
}

// library says what a package of the build is at run time: itself, the libraries
// behind it, or nothing.
func (s *split) library(pkg string) (at []string, why string) {
	name, _, _ := strings.Cut(pkg, "=")
	name, _, _ = strings.Cut(name, "/")
	bare, _, _ := strings.Cut(name, ":")
	line := s.ref.Repository()
	switch {
	case line == "node" && s.compiles() && strings.HasPrefix(bare, "python"):
		return nil, "" // node-gyp's
	case buildOnly[bare] || s.buildTools[bare] || strings.HasPrefix(bare, "linux-headers") || versioned(bare, "gcc-") || versioned(bare, "g++-") || versioned(bare, "clang-"):
		return nil, ""
	case !strings.HasSuffix(bare, "-dev") && !strings.HasSuffix(bare, "-dev-compat"):
		return []string{pkg}, ""
	case inSlim[line][bare]:
		return nil, ""
	}
	at, unknown := s.libraries(bare)
	if unknown != "" {
		return nil, "what is compiled with " + bare + " needs " + unknown + " at run time, and what Debian " + s.img.Release + " calls that isn't known"
	}
	if at != nil {
		return at, ""
	}
	return nil, "what is compiled with " + bare + " needs its library at run time, and which package that is isn't known"
}

func versioned(name, prefix string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	return ok && strings.Trim(rest, "0123456789.") == ""
}

// assumesYes: without it apt asks where it didn't on the full image, because a
// package that was there has to be installed now.
func assumesYes(flags []string) bool {
	for _, f := range flags {
		if f == "--yes" || f == "--assume-yes" || !strings.HasPrefix(f, "--") && strings.Contains(f, "y") {
			return true
		}
	}
	return false
}

// settleUpdates: an update of the index alone goes where installs follow it.
func (s *split) settleUpdates() {
	for _, in := range s.apt.updates {
		if s.apt.repeats {
			s.roles[in] = inBoth
		}
	}
}

// compiles reports whether the file installs a compiler by itself.
func (s *split) compiles() bool {
	for _, in := range s.stage.Instructions {
		if in.Keyword == "run" && (strings.Contains(in.Text, "g++") || strings.Contains(in.Text, "build-essential") || strings.Contains(in.Text, "gcc")) {
			return true
		}
	}
	return false
}

// touched are the trees that a COPY or ADD brings, and the paths that a COPY
// from a heredoc, or the file commands of a RUN, write. why tells when they
// aren't known.
func (s *split) touched(in *rewrite.Instruction) (trees []rewrite.Tree, paths []string, why string) {
	if in.Keyword != "run" {
		eff := s.p.Effects(in)
		return eff.Trees, eff.Writes, eff.Unknown
	}
	all, why := in.Steps()
	if why != "" {
		return nil, nil, why
	}
	for _, st := range all {
		for _, r := range st.Stmt.Redirs {
			if r.Word != nil && r.Hdoc == nil {
				w := plainWord(r.Word)
				if strings.Contains(w, "$") {
					return nil, nil, "it writes to a computed path"
				}
				if w != "/dev/null" && strings.Trim(w, "0123456789") != "" {
					paths = append(paths, abs(st.Dir, w))
				}
			}
		}
		switch {
		case rewrite.Harmless(st.Name):
			continue
		case strings.HasPrefix(st.Name, "user"), strings.HasPrefix(st.Name, "add"), strings.HasPrefix(st.Name, "group"), st.Name == "ldconfig":
			paths = append(paths, "/etc")
			continue
		}
		words := operands(st)
		if len(words) > 0 && (st.Name == "chmod" || st.Name == "chown" || st.Name == "chgrp" || st.Name == "sed") {
			words = words[1:]
		}
		for _, w := range words {
			if strings.ContainsAny(w, "$`~") || st.Dir == "" && !strings.HasPrefix(w, "/") {
				return nil, nil, "it changes the computed path " + w
			}
			if i := strings.IndexAny(w, "*?["); i >= 0 {
				w = w[:strings.LastIndexByte(w[:i], '/')+1]
			}
			paths = append(paths, abs(st.Dir, w))
		}
	}
	return nil, paths, ""
}
