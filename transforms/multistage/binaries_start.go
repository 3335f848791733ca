package multistage

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
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

// inAlpine are programs of Alpine's busybox that inDebianSlim doesn't have
// (https://git.alpinelinux.org/aports/tree/main/busybox/busyboxconfig).
var inAlpine = words(`adduser addgroup wget nc ping vi ps top free pgrep pkill killall unzip bzip2 bunzip2 xz netstat ifconfig ip nslookup traceroute watch less crontab crond syslogd ssl_client uptime`)

// notInAlpine are programs of inDebianSlim that need a package there.
var notInAlpine = words(`bash perl ldd locale lsblk setpriv dmesg numfmt pinky ptx logname`)

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

// builtins are commands of the shell itself.
var builtins = words(`. : [ alias bg break cd command continue echo eval exec exit export false fg getopts hash if jobs kill let local printf pwd read readonly return set shift source test times trap true type ulimit umask unalias unset wait [[ declare`)

// wants notes why the runtime image needs a shell and a package manager.
func (b *binaries) wants(format string, args ...any) {
	b.needs = append(b.needs, fmt.Sprintf(format, args...))
}

// has tells whether the image with a shell will have a program: by itself, or
// by a package which is then installed. why names the user of the program.
func (b *binaries) has(program, why string) bool {
	if b.kept != nil {
		return !b.ofFolder(program)
	}
	name := path.Base(program)
	alpine := b.img.PackageManager == "apk"
	switch {
	case inDebianSlim[name] && !(alpine && notInAlpine[name]), alpine && inAlpine[name]:
		return true
	}
	pkgs := append(slices.Clone(programPackage[name]), name)
	if p := fullOnly[name]; p != "" {
		pkgs = append([]string{p}, pkgs...)
	}
	for _, p := range pkgs {
		if b.installed[p] {
			return b.keep(p, why)
		}
	}
	// Full images hold curl, git and the like without being asked.
	if p := fullOnly[name]; p != "" && !alpine && !small(b.stage.BaseName()) && !buildOnly[p] && !strings.HasSuffix(p, "-dev") {
		return b.keep(p, why)
	}
	return false
}

// keep installs a package in the runtime stage.
func (b *binaries) keep(pkg, why string) bool {
	if b.img.PackageManager == "apk" {
		if !slices.Contains(b.apk, pkg) {
			b.apk = append(b.apk, pkg)
			b.explain("%s is installed in the runtime stage for %s", pkg, why)
		}
		return true
	}
	return b.require(pkg, why)
}

// starts looks at what CMD, ENTRYPOINT, HEALTHCHECK and compose files start,
// and declines for a program that no runtime image would have.
func (b *binaries) starts() bool {
	seen, any := false, false
	args := false // CMD holds arguments of one of the programs
	for _, in := range b.stage.Instructions {
		if line, shell := b.line(in); in.Keyword == "entrypoint" && len(line) > 0 {
			_, args = b.binary(unwrap(line)[0])
			args = args || shell
		}
	}
	var all []*rewrite.Instruction // ENTRYPOINT first
	for _, entry := range []bool{true, false} {
		for _, in := range b.stage.Instructions {
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
		if in.Keyword == "entrypoint" && !shell && wrappers[path.Base(line[0])] && b.script(line[0]) == "" {
			for _, c := range b.stage.Instructions { // tini -- runs CMD
				if more, text := b.line(c); c.Keyword == "cmd" && !text && !args {
					line, args = append(slices.Clone(line), more...), true
				}
			}
		}
		what := strings.ToUpper(in.Keyword)
		any = any || in.Keyword != "healthcheck"
		ours, why := b.startable(what, line, shell)
		if why != "" {
			return b.decline(in, "%s", why)
		}
		seen = seen || ours && in.Keyword != "healthcheck"
		args = args || in.Keyword == "entrypoint" && ours && !b.passes // a script hands them to the program
	}
	if !any {
		return b.decline(b.stage.From, "no CMD or ENTRYPOINT says what runs")
	}
	for _, s := range b.runs() {
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
				return b.decline(b.stage.From, "%s", why)
			}
			seen = seen || ours && i < 2
		}
	}
	if !seen {
		return b.decline(b.stage.From, "nothing that the build writes is started by CMD or ENTRYPOINT")
	}
	return true
}

// line is what an instruction starts in the runtime stage.
func (b *binaries) line(in *rewrite.Instruction) ([]string, bool) {
	if in == b.ran {
		return b.ranLine, false
	}
	return startLine(in)
}

// startable: the runtime image can start a command. ours tells that one of the
// programs of the build is among what it starts.
func (b *binaries) startable(what string, line []string, shell bool) (ours bool, why string) {
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
func (b *binaries) shellText(what, text string, depth int) (ours bool, why string) {
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
				args = append(args, plainWord(w))
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
func (b *binaries) program(what string, args []string, funcs map[string]bool, depth int) (ours bool, why string) {
	for len(args) > 0 {
		name := args[0]
		if _, ok := b.binary(name); ok {
			return true, ""
		}
		rest := unwrap(args)
		switch {
		case funcs != nil && strings.HasPrefix(name, "$"):
			b.passes = true
		case funcs != nil && (builtins[name] || funcs[name]):
		case strings.Contains(name, "$"):
			return false, what + " starts a computed program"
		case b.script(name) != "" && depth < 4:
			file := b.script(name)
			src, err := b.p.Repo.ReadFile(file)
			if err != nil {
				return false, file + " can't be read"
			}
			b.wants("%s starts the script %s", what, file)
			if head, _, _ := strings.Cut(string(src), "\n"); !strings.HasPrefix(head, "#!") || !b.has(strings.TrimSpace(lastWord(head)), file) {
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

func lastWord(line string) string {
	f := strings.FieldsFunc(strings.TrimPrefix(line, "#!"), func(r rune) bool { return r == ' ' || r == '\t' || r == '\r' })
	for _, w := range f {
		if b := path.Base(w); b != "env" && !strings.HasPrefix(w, "-") {
			return b
		}
	}
	return ""
}

// script is the file of the context behind a program, "" when there is none.
func (b *binaries) script(name string) string {
	if strings.ContainsAny(name, "$*?") {
		return ""
	}
	for _, p := range []string{name, "/usr/local/bin/" + name, "/usr/bin/" + name} {
		if p != name && strings.Contains(name, "/") {
			continue
		}
		if at, ok := b.stage.At(nil).Abs(p); ok {
			if ctx, by := b.stage.Origin(nil, at, b.p.Repo, b.p.Name); by != nil && ctx != "" && !b.p.Repo.IsDir(ctx) {
				return ctx
			}
		}
	}
	return ""
}

// startInstead writes CMD or ENTRYPOINT as a list that starts a program; at is
// where the build writes it.
func (b *binaries) startInstead(in *rewrite.Instruction, at string, line []string) bool {
	var list []string
	for _, w := range line {
		j, err := json.Marshal(w)
		if err != nil {
			return b.decline(in, "%s can't be written as JSON", w)
		}
		list = append(list, string(j))
	}
	b.ran, b.ranLine = in, append([]string{at}, line[1:]...)
	b.say(in, b.keyword(strings.ToUpper(in.Keyword))+" ["+strings.Join(list, ", ")+"]")
	b.config |= rewrite.FieldCmd
	if in.Keyword == "entrypoint" {
		b.config |= rewrite.FieldEntrypoint
	}
	for _, i := range b.stage.Instructions {
		if k := i.Keyword; i.Index < in.Index && (k == "run" || k == "copy" || k == "add") {
			b.last = i
		}
	}
	if b.last == nil {
		return b.decline(in, "nothing is copied into the image")
	}
	b.assumes = append(b.assumes, "nobody changes the source in the running container")
	return true
}
