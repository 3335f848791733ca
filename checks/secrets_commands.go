package checks

// Secrets that a script hands to a command.

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
)

// handed is a secret that a command is given.
type handed struct {
	at            int // offset in the script
	message, hint string
}

const giveAccount = "leave the account without a password, or set one when the container starts; and change it, it is known now"

// handedSecrets lists what a script gives to commands as a password.
func handedSecrets(s script) []handed {
	var out []handed
	cmds := s.Commands()
	takes := func(name, flag string) bool {
		return slices.ContainsFunc(cmds, func(c rewrite.Command) bool {
			args := unwrap(c.Args)
			return len(args) > 0 && path.Base(args[0]) == name && (flag == "" || slices.Contains(args, flag))
		})
	}
	chpasswd, stdin, debconf := takes("chpasswd", "") && !takes("chpasswd", "-e"), takes("passwd", "--stdin"), takes("debconf-set-selections", "")
	for _, c := range cmds {
		if len(c.Args) == 0 {
			continue
		}
		args := unwrap(c.Args)
		at := c.Words[0].Start
		for _, text := range said(s, c, args) {
			switch {
			case chpasswd && account(text) != "":
				out = append(out, handed{at, "the password of " + account(text) + " stands in the image's history in plain text", giveAccount})
			case stdin && !placeholder("a password", "", text):
				out = append(out, handed{at, "an account's password stands in the image's history in plain text", giveAccount})
			case debconf && preseeded(text):
				out = append(out, handed{at, "a password for debconf stands in the image's history in plain text", giveAccount})
			}
		}
		if what := flagSecret(args); what != "" {
			out = append(out, handed{at, what, giveToStep})
		}
	}
	return out
}

// said lists the texts that echo, printf or a here-string give out.
func said(s script, c rewrite.Command, args []string) []string {
	var out []string
	if name := path.Base(args[0]); name == "echo" || name == "printf" {
		out = append(out, args[1:]...)
		if len(args) > 2 {
			out = append(out, strings.Join(args[1:], " "))
		}
	}
	for _, r := range c.Stmt.Redirs {
		if r.Op == syntax.WordHdoc {
			out = append(out, strings.Trim(s.Source(r.Word), `"'`))
		}
	}
	if len(out) > 1 { // the joined words first: one text is enough
		slices.Reverse(out)
		out = slices.DeleteFunc(out, func(t string) bool { return strings.HasPrefix(t, "-") })
	}
	return out[:min(len(out), 1)]
}

// account is the user of a literal user:password line, "" for anything else.
func account(text string) string {
	text = strings.Trim(strings.TrimSuffix(text, `\n`), `"'`)
	user, pass, ok := strings.Cut(text, ":")
	if !ok || user == "" || len(pass) < 2 || strings.ContainsAny(user, " \t/$") || strings.Contains(pass, "$") || strings.ContainsAny(pass, "`{<") {
		return ""
	}
	return user
}

// preseeded tells a debconf answer to a question for a password.
func preseeded(text string) bool {
	f := strings.Fields(text)
	for i := 2; i+1 < len(f); i++ {
		if f[i] == "password" && strings.Contains(f[i-1], "pass") {
			return !placeholder("a password", "", strings.Trim(f[i+1], `"'`)) && len(strings.Trim(f[i+1], `"'`)) > 0
		}
	}
	return false
}

// flagSecret describes a secret behind a flag of a command, "" for none.
func flagSecret(args []string) string {
	name := path.Base(args[0])
	literal := func(v string) bool {
		return !placeholder("a password", "", strings.Trim(v, `"'`)) && !strings.Contains(v, "`") && !strings.HasPrefix(v, "-")
	}
	next := func(i int) string {
		if i+1 < len(args) {
			return args[i+1]
		}
		return ""
	}
	for i, a := range args[1:] {
		i++
		flag, value, joined := strings.Cut(a, "=")
		if !joined {
			value = next(i)
		}
		switch {
		case name == "curl" && (a == "-u" || flag == "--user" || flag == "--proxy-user"):
			if user, pass, ok := strings.Cut(value, ":"); ok && literal(pass) && !strings.Contains(user, "$") {
				return "curl is given a password in plain text"
			}
		case (name == "curl" || name == "wget") && (a == "-H" || flag == "--header"):
			if header(value) {
				return name + " is given a token in plain text (a header)"
			}
		case (name == "wget") && (flag == "--password" || flag == "--http-password" || flag == "--ftp-password"):
			if literal(value) {
				return "wget is given a password in plain text"
			}
		case name == "sshpass" && (a == "-p" || strings.HasPrefix(a, "-p") && len(a) > 2):
			if a != "-p" {
				value = a[2:]
			}
			if literal(value) {
				return "sshpass is given a password in plain text"
			}
		case (name == "docker" || name == "podman" || name == "buildah" || name == "helm") && slices.Contains(args, "login") && (a == "-p" || flag == "--password"):
			if literal(value) {
				return name + " login is given a password in plain text"
			}
		}
	}
	return ""
}

// header tells an HTTP header that carries a literal token.
func header(h string) bool {
	key, value, ok := strings.Cut(strings.Trim(h, `"'`), ":")
	value = strings.TrimSpace(value)
	if !ok {
		return false
	}
	switch strings.ToLower(strings.TrimSpace(key)) {
	case "authorization":
		_, v, _ := strings.Cut(value, " ")
		value = strings.TrimSpace(v)
	case "private-token", "job-token", "x-api-key", "x-auth-token", "x-jfrog-art-api", "x-vault-token":
	default:
		return false
	}
	// Registries give everyone a token named QQ==, which says "anonymous".
	return len(value) >= 8 && !placeholder("a token", key, value) && !strings.Contains(value, "`")
}
