package compiled

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
)

// What starts in the container of a compiled program. Where it is more than
// the program itself, the runtime image is the release that the build stands
// on: Debian's slim image or Alpine.

// inDebianSlim are programs of debian:*-slim: coreutils, util-linux, findutils,
// grep, sed, tar, gzip, diffutils, hostname, login, mawk, bash, dash, perl-base
// and debianutils, which are essential
// (https://www.debian.org/doc/debian-policy/ch-binary.html#essential-packages).
var inDebianSlim = words(`sh bash dash [ arch awk base32 base64 basename cat chgrp chmod chown chroot cksum cmp comm cp cut date dd df diff dir dirname dmesg du echo egrep env expr
	factor false fgrep find flock getent getopt grep groups gunzip gzip head hostid hostname iconv id install ionice join kill ldd link ln locale logger login logname ls lsblk md5sum mkdir mkfifo mknod
	mktemp more mount mountpoint mv nice nl nohup nproc numfmt od paste perl pinky pr printenv printf ptx pwd readlink realpath rm rmdir sed seq setsid setpriv sha1sum sha256sum sha512sum shuf sleep
	sort split stat stty su sum sync tac tail tar tee test timeout touch tr true truncate tsort tty umount uname unexpand uniq unlink unshare users wc which who whoami xargs yes zcat zgrep`)

// programPackage names the package of a program that has another name, in
// Debian and Alpine; others are taken to be in a package of their own name.
var programPackage = map[string][]string{
	"psql": {"postgresql-client"}, "pg_dump": {"postgresql-client"}, "pg_isready": {"postgresql-client"}, "redis-cli": {"redis-tools", "redis"},
	"ffprobe": {"ffmpeg"}, "mysql": {"default-mysql-client", "mariadb-client", "mysql-client"}, "mysqldump": {"default-mysql-client", "mariadb-client", "mysql-client"}, "su-exec": {"su-exec"},
	"nc": {"netcat-openbsd", "netcat-traditional", "netcat"}, "ncat": {"ncat"}, "dig": {"dnsutils", "bind9-dnsutils", "bind-tools"}, "nslookup": {"dnsutils", "bind9-dnsutils", "bind-tools"},
	"ping": {"iputils-ping", "iputils"}, "ip": {"iproute2"}, "wkhtmltopdf": {"wkhtmltopdf"}, "pdftotext": {"poppler-utils"}, "pdftoppm": {"poppler-utils"}, "convert": {"imagemagick"}, "magick": {"imagemagick"},
	"python3": {"python3"}, "soffice": {"libreoffice"}, "tesseract": {"tesseract-ocr"}, "gs": {"ghostscript"}, "dot": {"graphviz"}, "envsubst": {"gettext-base", "gettext"}, "update-ca-certificates": {"ca-certificates"},
	"ssh": {"openssh-client", "openssh"}, "scp": {"openssh-client", "openssh"}, "sqlite3": {"sqlite3", "sqlite"}, "iptables": {"iptables"}, "cron": {"cron"}, "nginx": {"nginx"}, "supervisord": {"supervisor"}, "openssl": {"openssl"},
}

// wants notes why the runtime image needs a shell and a package manager.
func (b *Binaries) wants(format string, args ...any) {
	b.Needs = append(b.Needs, fmt.Sprintf(format, args...))
}

// has tells whether the image with a shell will have a program: by itself, or
// by a package which is then installed. why names the user of the program.
func (b *Binaries) has(program, why string) bool {
	if b.Kept != nil {
		return !b.OfFolder(program)
	}
	name := path.Base(program)
	alpine := b.Image.PackageManager == "apk"
	switch {
	case inDebianSlim[name] && !(alpine && distro.NotInAlpine[name]), alpine && distro.InAlpine[name]:
		return true
	}
	pkgs := append(slices.Clone(programPackage[name]), name)
	if p := distro.FullOnly[name]; p != "" {
		pkgs = append([]string{p}, pkgs...)
	}
	for _, p := range pkgs {
		if b.installed[p] {
			return b.keep(p, why)
		}
	}
	// Full images hold curl, git and the like without being asked.
	if p := distro.FullOnly[name]; p != "" && !alpine && !distro.Small(b.Stage.BaseName()) && !distro.BuildTools[p] && !strings.HasSuffix(p, "-dev") {
		return b.keep(p, why)
	}
	return false
}

// keep installs a package in the runtime stage.
func (b *Binaries) keep(pkg, why string) bool {
	if b.Image.PackageManager == "apk" {
		if !slices.Contains(b.apk, pkg) {
			b.apk = append(b.apk, pkg)
			b.Explain("%s is installed in the runtime stage for %s", pkg, why)
		}
		return true
	}
	return b.Require(pkg, why)
}

// starts looks at what CMD, ENTRYPOINT, HEALTHCHECK and compose files start,
// and declines for a program that no runtime image would have.
func (b *Binaries) starts() bool {
	seen, any := false, false
	args := false // CMD holds arguments of one of the programs
	for _, in := range b.Stage.Instructions {
		if line, shell := b.line(in); in.Keyword == "entrypoint" && len(line) > 0 {
			_, args = b.binary(cmdline.Unwrap(line)[0])
			args = args || shell
		}
	}
	var all []*rewrite.Instruction // ENTRYPOINT first
	for _, entry := range []bool{true, false} {
		for _, in := range b.Stage.Instructions {
			if entry == (in.Keyword == "entrypoint") {
				all = append(all, in)
			}
		}
	}
	for _, in := range all {
		line, shell := b.line(in)
		if len(line) == 0 || in.Keyword == "cmd" && args {
			continue
		}
		if in.Keyword == "entrypoint" && !shell && cmdline.Wrappers[path.Base(line[0])] && b.script(line[0]) == "" {
			for _, c := range b.Stage.Instructions { // tini -- runs CMD
				if more, text := b.line(c); c.Keyword == "cmd" && !text && !args {
					line, args = append(slices.Clone(line), more...), true
				}
			}
		}
		what := strings.ToUpper(in.Keyword)
		any = any || in.Keyword != "healthcheck"
		ours, why := b.startable(what, line, shell)
		if why != "" {
			return b.Decline(in, "%s", why)
		}
		seen = seen || ours && in.Keyword != "healthcheck"
		args = args || in.Keyword == "entrypoint" && ours && !b.passes // a script hands them to the program
	}
	if !any {
		return b.Decline(b.Stage.From, "no CMD or ENTRYPOINT says what runs")
	}
	for _, s := range b.Runs() {
		for i, list := range [][]string{s.Entrypoint, s.Command, s.Healthcheck} {
			shell := i == 2 && len(list) > 0 && list[0] == "CMD-SHELL"
			if i == 2 && len(list) > 0 {
				list = list[1:]
			}
			if len(list) == 0 || list[0] == "NONE" || i == 1 && len(s.Entrypoint) == 0 && args {
				continue
			}
			ours, why := b.startable(s.File, list, shell)
			if why != "" {
				return b.Decline(b.Stage.From, "%s", why)
			}
			seen = seen || ours && i < 2
		}
	}
	if !seen {
		return b.Decline(b.Stage.From, "nothing that the build writes is started by CMD or ENTRYPOINT")
	}
	return true
}

// line is what an instruction starts in the runtime stage.
func (b *Binaries) line(in *rewrite.Instruction) ([]string, bool) {
	if in == b.ran {
		return b.ranLine, false
	}
	return cmdline.StartLine(in)
}

// startable: the runtime image can start a command. ours tells that one of the
// programs of the build is among what it starts.
func (b *Binaries) startable(what string, line []string, shell bool) (ours bool, why string) {
	if !shell && len(line) >= 3 && rewrite.PosixShell(line[0]) && strings.HasPrefix(line[1], "-") && strings.HasSuffix(line[1], "c") {
		if !b.has(line[0], what) {
			return false, what + " runs " + line[0] + ", which the runtime image hasn't"
		}
		shell, line = true, line[2:3]
	}
	if !shell {
		return b.program(what, line, nil, 0)
	}
	b.wants("%s is in shell form", what)
	return b.shellText(what, strings.Join(line, " "), 0)
}

// shellText looks at the commands of a script.
func (b *Binaries) shellText(what, text string, depth int) (ours bool, why string) {
	f, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		return false, what + " can't be read as a shell script"
	}
	funcs := map[string]bool{}
	var calls [][]string
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.FuncDecl:
			funcs[n.Name.Value] = true
		case *syntax.CallExpr:
			var args []string
			for _, w := range n.Args {
				args = append(args, cmdline.PlainWord(w))
			}
			if len(args) > 0 {
				calls = append(calls, args)
			}
		}
		return true
	})
	for _, args := range calls {
		mine, why := b.program(what, args, funcs, depth+1)
		if why != "" {
			return false, why
		}
		ours = ours || mine
	}
	return ours, ""
}

// program looks at one command. Inside of a script (funcs isn't nil) a computed
// program is what the script was given.
func (b *Binaries) program(what string, args []string, funcs map[string]bool, depth int) (ours bool, why string) {
	for len(args) > 0 {
		name := args[0]
		if _, ok := b.binary(name); ok {
			return true, ""
		}
		rest := cmdline.Unwrap(args)
		switch {
		case funcs != nil && strings.HasPrefix(name, "$"):
			b.passes = true
		case funcs != nil && (cmdline.Builtins[name] || funcs[name]):
		case strings.Contains(name, "$"):
			return false, what + " starts a computed program"
		case b.script(name) != "" && depth < 4:
			file := b.script(name)
			src, err := b.Pass.Repo.ReadFile(file)
			if err != nil {
				return false, file + " can't be read"
			}
			b.wants("%s starts the script %s", what, file)
			if head, _, _ := strings.Cut(string(src), "\n"); !strings.HasPrefix(head, "#!") || !b.has(strings.TrimSpace(cmdline.LastWord(head)), file) {
				return false, file + " is no script for a shell that the runtime image has"
			}
			b.scripts = append(b.scripts, name)
			ours, why = b.shellText(file, strings.ReplaceAll(string(src), "\r\n", "\n"), depth+1)
			for _, a := range args[1:] { // what it gets as "$@"
				_, mine := b.binary(a)
				ours = ours || mine
			}
			return ours, why
		case b.has(name, what):
			b.wants("%s runs %s", what, name)
		default:
			return false, what + " runs " + name + ", which no build step writes there and the runtime image wouldn't have"
		}
		if len(rest) == len(args) {
			return false, ""
		}
		args = rest
	}
	return false, ""
}

// script is the file of the context behind a program, "" when there is none.
func (b *Binaries) script(name string) string {
	if strings.ContainsAny(name, "$*?") {
		return ""
	}
	for _, p := range []string{name, "/usr/local/bin/" + name, "/usr/bin/" + name} {
		if p != name && strings.Contains(name, "/") {
			continue
		}
		if at, ok := b.Stage.At(nil).Abs(p); ok {
			if ctx, by := b.Stage.Origin(nil, at, b.Pass.Repo, b.Pass.Name); by != nil && ctx != "" && !b.Pass.Repo.IsDir(ctx) {
				return ctx
			}
		}
	}
	return ""
}

// startInstead writes CMD or ENTRYPOINT as a list that starts a program; at is
// where the build writes it.
func (b *Binaries) startInstead(in *rewrite.Instruction, at string, line []string) bool {
	var list []string
	for _, w := range line {
		j, err := json.Marshal(w)
		if err != nil {
			return b.Decline(in, "%s can't be written as JSON", w)
		}
		list = append(list, string(j))
	}
	b.ran, b.ranLine = in, append([]string{at}, line[1:]...)
	b.Say(in, b.Keyword(strings.ToUpper(in.Keyword))+" ["+strings.Join(list, ", ")+"]")
	b.Config |= rewrite.FieldCmd
	if in.Keyword == "entrypoint" {
		b.Config |= rewrite.FieldEntrypoint
	}
	for _, i := range b.Stage.Instructions {
		if k := i.Keyword; i.Index < in.Index && (k == "run" || k == "copy" || k == "add") {
			b.Last = i
		}
	}
	if b.Last == nil {
		return b.Decline(in, "nothing is copied into the image")
	}
	b.Assumes = append(b.Assumes, "nobody changes the source in the running container")
	return true
}
