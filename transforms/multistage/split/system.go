package split

import (
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
)

// Packages is what apt installs, by what becomes of it.
type Packages struct {
	Runtime map[string]bool        // installed in the runtime stage
	updates []*rewrite.Instruction // RUNs that only update the index
	repeats bool                   // a RUN with an install is repeated as it is

	Left []string // packages that only the build stage installs

	lines []*Installed // RUNs of the runtime stage that install packages in the place of others

	Required []string          // packages that nobody asked for by name and the runtime stage needs
	Reason   map[string]string // why
}

// System sorts the system commands of a RUN. rest are the others, in order.
// It declines when a package may be needed at run time and isn't known.
func (s *Split) System(in *rewrite.Instruction, all []rewrite.Step) (rest []rewrite.Step, ok bool) {
	keep, build, other := map[string]string{}, false, false
	var order, flags []string
	installs, removes, updates, replays := false, false, false, false
	for _, st := range all {
		a, isApt := distro.ReadApt(st)
		switch {
		case isApt && (a.Verb == "install" || a.Verb == "satisfy"):
			if a.Bad != "" {
				return nil, s.Decline(in, "%s is no plain name of a package", a.Bad)
			}
			installs, flags = true, append(flags, a.Flags...)
			for _, w := range a.Words {
				libs, why := s.Library(w)
				if why != "" {
					return nil, s.Decline(in, "%s", why)
				}
				build = build || len(libs) == 0
				if len(libs) == 0 {
					s.Apt.Left = append(s.Apt.Left, w)
				}
				for _, lib := range libs {
					if keep[lib] == "" {
						keep[lib] = w
						order = append(order, lib)
						build = build || lib != w
						if lib != w {
							s.Apt.Left = append(s.Apt.Left, w)
							s.Explain("%s is installed in the runtime stage, the library behind %s", lib, w)
						}
					}
				}
			}
		case isApt && a.Verb == "update":
			updates = true
		case isApt && (a.Verb == "upgrade" || a.Verb == "dist-upgrade" || a.Verb == "full-upgrade"):
			installs = true
		case isApt && (a.Verb == "remove" || a.Verb == "purge" || a.Verb == "autoremove"):
			removes = true
			order = slices.DeleteFunc(order, func(name string) bool { return keep[name] == name && slices.Contains(a.Words, name) })
		case isApt || cmdline.Tidy(st):
		case rewrite.Harmless(st.Name) && len(st.Stmt.Redirs) == 0, OnlyTells(st.Command):
		default:
			rest = append(rest, st)
			replays = replays || cmdline.Replayed[st.Name]
			other = other || !cmdline.Replayed[st.Name]
		}
	}
	for _, name := range order {
		name, _, _ = strings.Cut(name, "=")
		name, _, _ = strings.Cut(name, "/")
		s.Apt.Runtime[name] = true
	}
	switch {
	case installs && len(order) == 0 && (build || other):
	case installs && len(order) > 0 && (build || removes || other || !distro.AssumesYes(flags) || !s.Indexed(in)):
		l := &Installed{in, len(s.Instead[in]), order, keep, flags}
		s.Apt.lines = append(s.Apt.lines, l)
		s.Instead[in] = append(s.Instead[in], s.runOf(l.commands()))
	case installs:
		s.Roles[in], s.Apt.repeats = InBoth, true
		return nil, true
	case updates && !other && !replays:
		s.Apt.updates = append(s.Apt.updates, in)
	}
	return rest, true
}

// Indexed: apt has an index for an install of the RUN. Without one it finds only what is there
// already: on the full image.
func (s *Split) Indexed(in *rewrite.Instruction) bool {
	for t := in.Stage; t != nil; t = t.Parent() {
		for _, other := range t.Instructions {
			if other.Keyword == "run" && (t != in.Stage || other.Index <= in.Index) && updatesIndex().MatchString(other.Raw()) {
				return true
			}
		}
	}
	return false
}

var updatesIndex = lazily(`\bapt(?:-get|itude)?\s(?:[^;&|]*\s)?update\b|\bnodesource\.com/setup_`)

// Library says what a package of the build is at run time: itself, the libraries
// behind it, or nothing.
func (s *Split) Library(pkg string) (at []string, why string) {
	name, _, _ := strings.Cut(pkg, "=")
	name, _, _ = strings.Cut(name, "/")
	bare, _, _ := strings.Cut(name, ":")
	line := s.Ref.Repository()
	switch {
	case line == "node" && s.Compiles() && strings.HasPrefix(bare, "python"):
		return nil, "" // node-gyp's
	case distro.BuildTools[bare] || s.BuildTools[bare] || strings.HasPrefix(bare, "linux-headers") || distro.Versioned(bare, "gcc-") || distro.Versioned(bare, "g++-") || distro.Versioned(bare, "clang-"):
		return nil, ""
	case !strings.HasSuffix(bare, "-dev") && !strings.HasSuffix(bare, "-dev-compat"):
		return []string{pkg}, ""
	case distro.InSlim[line][bare]:
		return nil, ""
	}
	at, unknown := s.Libraries(bare)
	if unknown != "" {
		return nil, "what is compiled with " + bare + " needs " + unknown + " at run time, and what Debian " + s.Image.Release + " calls that isn't known"
	}
	if at != nil {
		return at, ""
	}
	return nil, "what is compiled with " + bare + " needs its library at run time, and which package that is isn't known"
}

// SettleUpdates: an update of the index alone goes where installs follow it.
func (s *Split) SettleUpdates() {
	for _, in := range s.Apt.updates {
		if s.Apt.repeats {
			s.Roles[in] = InBoth
		}
	}
}

// Compiles reports whether the file installs a compiler by itself.
func (s *Split) Compiles() bool {
	for _, in := range s.Stage.Instructions {
		if in.Keyword == "run" && (strings.Contains(in.Text, "g++") || strings.Contains(in.Text, "build-essential") || strings.Contains(in.Text, "gcc")) {
			return true
		}
	}
	return false
}

// Touched are the trees that a COPY or ADD brings, and the paths that a COPY
// from a heredoc, or the file commands of a RUN, write. why tells when they
// aren't known.
func (s *Split) Touched(in *rewrite.Instruction) (trees []rewrite.Tree, paths []string, why string) {
	if s.repeated[in] {
		return nil, nil, "" // the system's places alone
	}
	if in.Keyword != "run" {
		eff := s.Pass.Effects(in)
		return eff.Trees, eff.Writes, eff.Unknown
	}
	all, why := in.Steps()
	if why != "" {
		return nil, nil, why
	}
	for _, st := range all {
		for _, r := range st.Stmt.Redirs {
			if r.Word != nil && r.Hdoc == nil {
				w := cmdline.PlainWord(r.Word)
				if strings.Contains(w, "$") {
					return nil, nil, "it writes to a computed path"
				}
				if w != "/dev/null" && strings.Trim(w, "0123456789") != "" {
					paths = append(paths, cmdline.Abs(st.Dir, w))
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
		words := cmdline.Operands(st)
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
			paths = append(paths, cmdline.Abs(st.Dir, w))
		}
	}
	return nil, paths, ""
}
