package multistage

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// The RUNs of a stage that gets an image without a shell: those go that do what
// the image does by itself. Every other needs a shell.

// distrolessHas are packages whose files every distroless image holds
// (GoogleContainerTools/distroless, base/README.md: ca-certificates, /etc/passwd,
// /tmp, tzdata).
var distrolessHas = words(`ca-certificates tzdata base-files netbase media-types mailcap`)

// steps sorts the RUNs.
func (b *bare) steps() bool {
	for _, in := range b.stage.Instructions {
		if in.Keyword != "run" {
			b.roles[in] = inBoth
			continue
		}
		all, why := in.Steps()
		if why != "" {
			return b.decline(in, "the effects of this RUN aren't known: %s", why)
		}
		for _, st := range all {
			if why := b.step(in, st); why != "" {
				return b.decline(in, "%s", why)
			}
		}
		b.gone = append(b.gone, in)
		b.roles[in] = inBuild
	}
	return true
}

// step tells why a command of a RUN can't go.
func (b *bare) step(in *rewrite.Instruction, st rewrite.Step) string {
	if len(st.Stmt.Redirs) > 0 && !onlyDevNull(st) {
		return "it writes a file with a shell"
	}
	if a, isPackages := readPackages(st); isPackages {
		return b.packages(a)
	}
	switch name := path.Base(st.Args[0]); {
	case tidy(st), rewrite.Harmless(st.Name):
		return ""
	case name == "update-ca-certificates":
		if own := b.ownCertificates(); own != "" {
			return "it adds " + own + " to the certificates"
		}
		return ""
	case shadowAccount().MatchString(name) || busyboxAccount().MatchString(name):
		return b.accounts(st)
	case name == "mkdir":
		for _, p := range paths(st) {
			if strings.ContainsAny(p, "$*`") || st.Dir == "" && !strings.HasPrefix(p, "/") {
				return "it makes a computed folder"
			}
			b.made = append(b.made, madePath{in, p})
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
		if r.Hdoc != nil || r.Word != nil && plainWord(r.Word) != "/dev/null" && strings.Trim(plainWord(r.Word), "0123456789") != "" {
			return false
		}
	}
	return true
}

// packages tells why an install can't go.
func (b *bare) packages(a apt) string {
	switch a.verb {
	case "install", "satisfy":
	case "update", "upgrade", "dist-upgrade", "full-upgrade", "clean", "autoclean", "autoremove", "cache", "":
		return ""
	default:
		return "the effects of " + a.verb + " aren't known"
	}
	if a.bad != "" {
		return a.bad + " is no plain name of a package"
	}
	for _, w := range a.words {
		name, _, _ := strings.Cut(w, "=")
		if !distrolessHas[name] {
			return "it installs " + name + ", which distroless hasn't"
		}
		b.zones = b.zones || name == "tzdata"
		b.brings = append(b.brings, w)
	}
	return ""
}

// ownCertificates is a file that a COPY puts where update-ca-certificates looks.
func (b *bare) ownCertificates() string {
	for _, in := range b.stage.Instructions {
		if sources, dest, _, ok := in.Copy(); ok && (strings.Contains(dest, "ca-certificates") || strings.Contains(dest, "/etc/ssl")) {
			return strings.Join(sources, ", ")
		}
	}
	return ""
}

// accountValues are options of useradd, adduser and addgroup whose value is the
// next word.
var accountValues = words(`-u --uid -g --gid --ingroup -G --groups -d --home --home-dir -s --shell -c --comment --gecos -h -k -e -f -p -K --base-dir -b`)

// accounts notes the users and groups that a command makes.
func (b *bare) accounts(st rewrite.Step) string {
	name := path.Base(st.Args[0])
	if strings.HasSuffix(name, "del") || strings.HasPrefix(name, "del") || strings.HasSuffix(name, "mod") {
		return "it changes users of the system with " + name
	}
	for i := 1; i < len(st.Args); i++ {
		a := st.Args[i]
		switch {
		case accountValues[a]:
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
	words := operands(st)
	if len(words) < 2 {
		return "what it gives to whom isn't known"
	}
	user, group, _ := strings.Cut(strings.Trim(words[0], ":"), ":")
	for _, n := range []string{user, group} {
		if n != "" && !b.account[n] && n != "nonroot" && n != "65532" && !(n == "node" && b.ref.Repository() == "node") {
			return "it gives files to " + n
		}
	}
	for _, p := range paths(st)[1:] {
		if strings.ContainsAny(p, "$*`?") || p == "/" || !strings.HasPrefix(p, "/") || systemDir(p) {
			return "it changes the owner of " + p
		}
		b.owned = append(b.owned, p)
	}
	return ""
}

// chmods: modes that a copied program has anyway, or that a folder of the image's
// own user needs not.
func (b *bare) chmods(in *rewrite.Instruction, st rewrite.Step) string {
	words := operands(st)
	if len(words) < 2 {
		return "which modes it changes isn't known"
	}
	for _, w := range words[1:] {
		p := abs(st.Dir, w)
		stage, src, _ := b.traced(b.stage, p, in)
		if stage == nil || strings.ContainsAny(w, "$*`?") {
			return "it changes the mode of " + w
		}
		if words[0] != "+x" && words[0] != "755" && words[0] != "0755" && words[0] != "a+x" && words[0] != "u+x" {
			return "it changes the mode of " + w + " to " + words[0]
		}
		if build, why := b.buildOf(stage); why != "" || !slices.ContainsFunc(build.outputs, func(o output) bool { return o.path == src }) {
			return "it changes the mode of " + w
		}
	}
	return ""
}

// folders sorts what mkdir made: WORKDIR or COPY makes some of it, the rest gets a
// WORKDIR of its own, which makes a folder and gives it to the image's user
// (BuildKit, dispatchWorkdir).
func (b *bare) folders() bool {
	var left []madePath
	for _, m := range b.made {
		known := strings.HasPrefix(m.path, "/tmp") || rewrite.Inside("/home/nonroot", m.path)
		for _, in := range b.stage.Instructions {
			switch _, dest, _, isCopy := in.Copy(); {
			case in.Keyword == "workdir":
				known = known || rewrite.Inside(b.stage.At(in.Next()).Workdir, m.path) || in.Next() == nil && rewrite.Inside(b.stage.At(nil).Workdir, m.path)
			case isCopy:
				st := in.State()
				if to, ok := st.Abs(st.Expand(dest)); ok {
					known = known || rewrite.Inside(path.Dir(to), m.path) || strings.HasSuffix(dest, "/") && to == m.path
				}
			}
		}
		if !known && !slices.ContainsFunc(left, func(l madePath) bool { return rewrite.Inside(l.path, m.path) }) {
			left = append(left, m)
		}
	}
	at := map[*rewrite.Instruction][]string{}
	for _, m := range left {
		if systemDir(m.path) {
			return b.decline(m.in, "it makes %s", m.path)
		}
		at[m.in] = append(at[m.in], m.path)
	}
	for _, in := range b.stage.Instructions {
		made := at[in]
		if len(made) == 0 {
			continue
		}
		back := b.stage.At(in).Workdir
		if back == "" {
			return b.decline(in, "it makes %s, and which folder the stage is in isn't known", made[0])
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
			lines = append(lines, b.keyword("WORKDIR")+" "+p)
		}
		b.lines[in] = strings.Join(lines, "\n")
		b.gone = slices.DeleteFunc(b.gone, func(g *rewrite.Instruction) bool { return g == in })
		b.explain("WORKDIR makes %s, which line %d made", strings.Join(made, ", "), in.Line)
	}
	return true
}
