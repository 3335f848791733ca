package transforms

import (
	"bytes"
	"encoding/json"
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
)

// literalWords are the words as the program would get them; false when a shell
// might make something else of one of them than its text without quotes.
func literalWords(args []*syntax.Word) ([]string, bool) {
	out := make([]string, len(args))
	for i, w := range args {
		v, ok := literalWord(w)
		if !ok {
			return nil, false
		}
		out[i] = v
	}
	return out, true
}

func literalWord(w *syntax.Word) (string, bool) {
	var b strings.Builder
	for i, part := range w.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			for j, v := 0, part.Value; j < len(v); j++ {
				switch c := v[j]; c {
				case '\\':
					if j++; j == len(v) {
						return "", false
					}
					b.WriteByte(v[j])
					continue
				case '*', '?', '[', '{', '`', '$', '\n': // globs, braces
					return "", false
				case '~':
					if i == 0 && j == 0 || j > 0 && (v[j-1] == '=' || v[j-1] == ':') {
						return "", false
					}
				}
				b.WriteByte(v[j])
			}
		case *syntax.SglQuoted:
			if part.Dollar {
				return "", false
			}
			b.WriteString(part.Value)
		case *syntax.DblQuoted:
			if part.Dollar {
				return "", false
			}
			for _, q := range part.Parts {
				l, ok := q.(*syntax.Lit)
				if !ok {
					return "", false
				}
				for j := 0; j < len(l.Value); j++ {
					if l.Value[j] == '\\' && j+1 < len(l.Value) && strings.IndexByte("$`\"\\\n", l.Value[j+1]) >= 0 {
						if j++; l.Value[j] == '\n' {
							continue
						}
					}
					b.WriteByte(l.Value[j])
				}
			}
		default:
			return "", false
		}
	}
	return b.String(), true
}

// jsonString is s in JSON, with <, > and & as they are.
func jsonString(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil { // a string always has a form
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// shellBuiltins have no program of their name, or one that does something else.
var shellBuiltins = words(`. : source alias bg bind break builtin cd command compgen complete continue declare dirs disown enable eval exec exit export fc
	fg getopts hash help history jobs kill let local logout mapfile popd pushd read readarray readonly return set shift shopt suspend time times trap type
	typeset ulimit umask unalias unset wait [ caller compopt coproc`)

// installedPrograms come from the base image or a package.
var installedPrograms = words(`apache2ctl apachectl bundle caddy cat cron crond dockerd gosu haproxy httpd ls memcached mongod mysqld nginx perl php php-fpm postgres
	puma rackup rails rake redis-server rsync rsyslogd ruby sleep socat squid sshd su-exec supervisord tail top uwsgi varnishd watch`)

// leavesNothing are commands that end before the next one begins and leave no
// process behind.
var leavesNothing = words(`. : source cd export set unset umask ulimit read echo printf test [ true sleep pwd date env cat ls mkdir rmdir touch cp mv rm ln chmod chown
	chgrp install find grep sed awk cut sort tr head tail tee envsubst dirname basename id whoami hostname which mktemp pip pip3 npm yarn pnpm bundle rake composer
	alembic rails artisan uniq getent iptables ip sysctl php python python2 python3 node tar unzip gzip curl wget git make nproc seq uname wc xargs stat readlink realpath`)

// startable tells why exec can't start the command as its shell does; "" when
// it can.
func startable(sh *rewrite.Script, args []*syntax.Word) string {
	name, plain := literalWord(args[0])
	if !plain {
		if namesPath(args[0]) {
			return ""
		}
		return "what it starts is computed"
	}
	switch {
	case name == "" || strings.ContainsAny(name, " \t") && !strings.Contains(name, "/"):
		return "the quotes make one name of program and arguments, and no such program exists"
	case shellBuiltins[name]:
		return name + " is built into the shell"
	case name == "echo" || name == "printf":
		for i, w := range args[1:] {
			if src := sh.Source(w); strings.Contains(src, `\`) || i == 0 && strings.HasPrefix(src, "-") || strings.Contains(src, "$") {
				return "the " + name + " of a shell and the program " + name + " differ in backslashes and options"
			}
		}
	}
	return ""
}

// namesPath reports whether a word with variables is a path in any case, so
// that it can't name a built-in.
func namesPath(w *syntax.Word) bool {
	slash := false
	var look func(parts []syntax.WordPart) bool
	look = func(parts []syntax.WordPart) bool {
		for _, part := range parts {
			switch part := part.(type) {
			case *syntax.Lit:
				if strings.ContainsAny(part.Value, "*?[{`") {
					return false
				}
				slash = slash || strings.Contains(part.Value, "/")
			case *syntax.SglQuoted, *syntax.ParamExp:
			case *syntax.DblQuoted:
				if !look(part.Parts) {
					return false
				}
			default:
				return false
			}
		}
		return true
	}
	return look(w.Parts) && slash
}

// plainShell reports whether SHELL splits words and does nothing else that a
// program could notice: no profile, no trace.
func plainShell(shell []string) bool {
	if len(shell) == 0 {
		return true
	}
	if path.Base(shell[0]) == "zsh" || len(shell) < 2 { // zsh always reads zshenv
		return false
	}
	for _, w := range shell[1:] {
		switch w {
		case "pipefail", "errexit", "nounset":
			continue
		}
		if len(w) < 2 || w[0] != '-' || strings.Trim(w[1:], "ceou") != "" {
			return false
		}
	}
	return strings.HasSuffix(shell[len(shell)-1], "c")
}
