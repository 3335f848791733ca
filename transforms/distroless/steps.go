package distroless

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/compiled"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
	"drydock/transforms/slimbase"
)

// The RUNs of a stage that gets an image without a shell: those go that do what
// the image does by itself. Every other needs a shell.

// steps sorts the RUNs.
func (b *bare) steps() bool {
	for _, in := range b.Stage.Instructions {
		if in.Keyword != "run" {
			b.Roles[in] = split.InBoth
			continue
		}
		all, ok := b.Steps(in)
		if !ok {
			return false
		}
		for _, st := range all {
			if why := b.step(in, st); why != "" {
				return b.Decline(in, "%s", why)
			}
		}
		b.gone = append(b.gone, in)
		b.Roles[in] = split.InBuild
	}
	return true
}

// step tells why a command of a RUN can't go.
func (b *bare) step(in *rewrite.Instruction, st rewrite.Step) string {
	if len(st.Stmt.Redirs) > 0 && !onlyDevNull(st) {
		return "it writes a file with a shell"
	}
	if a, isPackages := distro.ReadPackages(st); isPackages {
		return b.packages(a)
	}
	switch name := path.Base(st.Args[0]); {
	case cmdline.Tidy(st), rewrite.Harmless(st.Name):
		return ""
	case name == "update-ca-certificates":
		if own := b.ownCertificates(); own != "" {
			return "it adds " + own + " to the certificates"
		}
		return ""
	case slimbase.ShadowAccount().MatchString(name) || slimbase.BusyboxAccount().MatchString(name):
		return b.accounts(st)
	case name == "mkdir":
		for _, p := range compiled.Paths(st) {
			if strings.ContainsAny(p, "$*`") || st.Dir == "" && !strings.HasPrefix(p, "/") {
				return "it makes a computed folder"
			}
			b.made = append(b.made, compiled.MadePath{In: in, Path: p})
		}
		return ""
	case name == "chown" || name == "chgrp":
		return b.chowns(st)
	case name == "chmod":
		return b.chmods(in, st)
	}
	return "it runs " + strings.Join(st.Args[:min(2, len(st.Args))], " ") + ", which needs a shell or a program of the system"
}

func onlyDevNull(st rewrite.Step) bool {
	for _, r := range st.Stmt.Redirs {
		if r.Hdoc != nil || r.Word != nil && cmdline.PlainWord(r.Word) != "/dev/null" && strings.Trim(cmdline.PlainWord(r.Word), "0123456789") != "" {
			return false
		}
	}
	return true
}

// packages tells why an install can't go.
func (b *bare) packages(a distro.Apt) string {
	switch a.Verb {
	case "install", "satisfy":
	case "update", "upgrade", "dist-upgrade", "full-upgrade", "clean", "autoclean", "autoremove", "cache", "":
		return ""
	default:
		return "the effects of " + a.Verb + " aren't known"
	}
	if a.Bad != "" {
		return a.Bad + " is no plain name of a package"
	}
	for _, w := range a.Words {
		name, _, _ := strings.Cut(w, "=")
		if !distro.DistrolessHas[name] {
			return "it installs " + name + ", which distroless hasn't"
		}
		b.zones = b.zones || name == "tzdata"
		b.brings = append(b.brings, w)
	}
	return ""
}

// ownCertificates is a file that a COPY puts where update-ca-certificates looks.
func (b *bare) ownCertificates() string {
	for _, in := range b.Stage.Instructions {
		if sources, dest, _, ok := in.Copy(); ok && (strings.Contains(dest, "ca-certificates") || strings.Contains(dest, "/etc/ssl")) {
			return strings.Join(sources, ", ")
		}
	}
	return ""
}

// accounts notes the users and groups that a command makes.
func (b *bare) accounts(st rewrite.Step) string {
	name := path.Base(st.Args[0])
	if strings.HasSuffix(name, "del") || strings.HasPrefix(name, "del") || strings.HasSuffix(name, "mod") {
		return "it changes users of the system with " + name
	}
	for i := 1; i < len(st.Args); i++ {
		a := st.Args[i]
		switch {
		case cmdline.AccountValues[a]:
			i++
			if i < len(st.Args) && (a == "-g" || a == "--ingroup" || a == "-G") && strings.Trim(st.Args[i], "0123456789$") != "" {
				b.account[st.Args[i]] = true
			}
			if i < len(st.Args) && (a == "-u" || a == "--uid") {
				b.uids = append(b.uids, strings.Trim(st.Args[i], `"'`))
			}
		case strings.HasPrefix(a, "-"):
		default:
			b.account[strings.Trim(a, `"'`)] = true
		}
	}
	return ""
}

// chowns notes the paths that a user whom a RUN made gets.
func (b *bare) chowns(st rewrite.Step) string {
	words := cmdline.Operands(st)
	if len(words) < 2 {
		return "what it gives to whom isn't known"
	}
	user, group, _ := strings.Cut(strings.Trim(words[0], ":"), ":")
	for _, n := range []string{user, group} {
		if n != "" && !b.account[n] && n != "nonroot" && n != "65532" && !(n == "node" && b.Ref.Repository() == "node") {
			return "it gives files to " + n
		}
	}
	for _, p := range compiled.Paths(st)[1:] {
		if strings.ContainsAny(p, "$*`?") || p == "/" || !strings.HasPrefix(p, "/") || cmdline.SystemDir(p) {
			return "it changes the owner of " + p
		}
		b.owned = append(b.owned, p)
	}
	return ""
}

// chmods: modes that a copied program has anyway, or that a folder of the image's
// own user needs not.
func (b *bare) chmods(in *rewrite.Instruction, st rewrite.Step) string {
	words := cmdline.Operands(st)
	if len(words) < 2 {
		return "which modes it changes isn't known"
	}
	for _, w := range words[1:] {
		p := cmdline.Abs(st.Dir, w)
		stage, src, _ := b.traced(b.Stage, p, in)
		if stage == nil || strings.ContainsAny(w, "$*`?") {
			return "it changes the mode of " + w
		}
		if words[0] != "+x" && words[0] != "755" && words[0] != "0755" && words[0] != "a+x" && words[0] != "u+x" {
			return "it changes the mode of " + w + " to " + words[0]
		}
		if build, why := b.buildOf(stage); why != "" || !slices.ContainsFunc(build.Outputs, func(o compiled.Output) bool { return o.Path == src }) {
			return "it changes the mode of " + w
		}
	}
	return ""
}

// folders sorts what mkdir made: WORKDIR or COPY makes some of it, the rest gets a
// WORKDIR of its own, which makes a folder and gives it to the image's user
// (BuildKit, dispatchWorkdir).
func (b *bare) folders() bool {
	var left []compiled.MadePath
	for _, m := range b.made {
		known := strings.HasPrefix(m.Path, "/tmp") || rewrite.Inside("/home/nonroot", m.Path)
		for _, in := range b.Stage.Instructions {
			switch _, dest, _, isCopy := in.Copy(); {
			case in.Keyword == "workdir":
				known = known || rewrite.Inside(b.Stage.At(in.Next()).Workdir, m.Path) || in.Next() == nil && rewrite.Inside(b.Stage.At(nil).Workdir, m.Path)
			case isCopy:
				st := in.State()
				if to, ok := st.Abs(st.Expand(dest)); ok {
					known = known || rewrite.Inside(path.Dir(to), m.Path) || strings.HasSuffix(dest, "/") && to == m.Path
				}
			}
		}
		if !known && !slices.ContainsFunc(left, func(l compiled.MadePath) bool { return rewrite.Inside(l.Path, m.Path) }) {
			left = append(left, m)
		}
	}
	at := map[*rewrite.Instruction][]string{}
	for _, m := range left {
		if cmdline.SystemDir(m.Path) {
			return b.Decline(m.In, "it makes %s", m.Path)
		}
		at[m.In] = append(at[m.In], m.Path)
	}
	for _, in := range b.Stage.Instructions {
		made := at[in]
		if len(made) == 0 {
			continue
		}
		back := b.Stage.At(in).Workdir
		if back == "" {
			return b.Decline(in, "it makes %s, and which folder the stage is in isn't known", made[0])
		}
		next := in.Next()
		for next != nil && slices.Contains(b.gone, next) {
			next = next.Next()
		}
		paths := slices.Clone(made)
		if next == nil || next.Keyword != "workdir" || !strings.HasPrefix(next.Args.Text, "/") {
			paths = append(paths, back)
		}
		var lines []string
		for _, p := range paths {
			lines = append(lines, b.Keyword("WORKDIR")+" "+p)
		}
		b.lines[in] = strings.Join(lines, "\n")
		b.gone = slices.DeleteFunc(b.gone, func(g *rewrite.Instruction) bool { return g == in })
		b.Explain("WORKDIR makes %s, which line %d made", strings.Join(made, ", "), in.Line)
	}
	return true
}
