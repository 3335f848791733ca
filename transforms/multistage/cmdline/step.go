package cmdline

import (
	"path"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/rewrite"
)

// Recursive: the command is given -R or --recursive.
func Recursive(st rewrite.Step) bool {
	for _, w := range st.Args[1:] {
		if w == "--recursive" || strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") && strings.Contains(w, "R") {
			return true
		}
	}
	return false
}

// AccountValues are options of useradd, adduser and addgroup whose value is the
// next word.
var AccountValues = words(`-u --uid -g --gid --ingroup -G --groups -d --home --home-dir -s --shell -c --comment --gecos -h -k -e -f -p -K --base-dir -b`)

// Accounted: commands whose words are accounts, not paths.
func Accounted(name string) bool {
	return strings.HasPrefix(name, "user") || strings.HasPrefix(name, "group") || strings.HasPrefix(name, "add")
}

// BothHave are programs of every image with a shell, and words of the shell.
var BothHave = words(`sh bash ash dash exec export set cd echo printf test [ [[ true false : sleep cat ls mkdir chmod chown chgrp env id whoami date trap wait exit eval local return shift read source . if ulimit umask unset hostname uname
	dirname basename uniq seq cut head tail tr sed awk grep find xargs sort touch cp mv rm ln expr nproc kill readlink realpath java keytool rmiregistry su mktemp tee wc getent`)

// StrayPath finds an argument that lies outside the folder.
func StrayPath(args []string) string {
	for _, a := range args[1:] {
		_, v, ok := strings.Cut(a, "=")
		if !ok {
			v = a
		}
		if strings.HasPrefix(v, "/") || strings.HasPrefix(v, "../") {
			return path.Base(args[0]) + " may write to " + v
		}
	}
	return ""
}

// StartLine is what CMD, ENTRYPOINT or HEALTHCHECK starts; none for others.
func StartLine(in *rewrite.Instruction) (line []string, shell bool) {
	switch c := in.Cmd.(type) {
	case *instructions.CmdCommand:
		return c.CmdLine, c.PrependShell
	case *instructions.EntrypointCommand:
		return c.CmdLine, c.PrependShell
	case *instructions.HealthCheckCommand:
		if h := c.Health; h != nil && len(h.Test) > 1 {
			return h.Test[1:], h.Test[0] == "CMD-SHELL"
		}
	}
	return nil, false
}

// LineOf is the line of the file on which an instruction begins, in digits.
func LineOf(in *rewrite.Instruction) string { return strconv.Itoa(in.Line) }

// LineAt is the number of the line at a byte of the text.
func LineAt(text string, at int) string { return strconv.Itoa(strings.Count(text[:at], "\n") + 1) }

// MakesOnly are file commands that need nothing which a COPY brings.
var MakesOnly = words(`mkdir useradd groupadd adduser addgroup`)

// VariableNames lists the names used as $NAME or ${NAME…}.
func VariableNames(text string) []string {
	var out []string
	for _, part := range strings.Split(text, "$")[1:] {
		part = strings.TrimPrefix(part, "{")
		end := strings.IndexFunc(part, func(r rune) bool {
			return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		})
		if end < 0 {
			end = len(part)
		}
		out = append(out, part[:end])
	}
	return out
}

// RunKeys are the commands of a RUN, as the gates count them.
func RunKeys(in *rewrite.Instruction) []string {
	if in.Keyword != "run" {
		return nil
	}
	var out []string
	if sh, why := in.Shell(); why == "" {
		for _, c := range sh.Commands() {
			out = append(out, c.Key)
		}
	}
	return out
}

// Replayed commands change files and accounts by name alone; in the runtime
// stage they do the same again.
var Replayed = words(`mkdir touch chmod chown chgrp rm ln cp mv install rmdir useradd adduser groupadd addgroup usermod sed dos2unix ldconfig tee`)

// Accounts commands depend on nothing that a build writes.
var Accounts = words(`mkdir chmod chown chgrp useradd adduser groupadd addgroup usermod`)

// Plain: a word that a shell takes as it stands, so that it can be written
// again without quotes.
func Plain(w string) bool {
	return w != "" && strings.Trim(w, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._:=/@,%~") == ""
}

// Operands are the arguments of a command that are no options.
func Operands(st rewrite.Step) (out []string) {
	for _, a := range st.Args[1:] {
		if !strings.HasPrefix(a, "-") {
			out = append(out, a)
		}
	}
	return out
}

// Tidy: deleting caches of package managers, which the runtime stage has not.
func Tidy(st rewrite.Step) bool {
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

// JarWord is the word of a call of java that names the jar; flag is where -jar stands. The
// launcher takes options behind -jar too, as far as the first word that is none
// (https://github.com/openjdk/jdk, src/java.base/share/native/libjli/java.c). It is -1
// where there is no jar, or an option among them that brings files of its own.
func JarWord(line []string, flag int) int {
	for i := flag + 1; flag >= 0 && i < len(line); i++ {
		switch w := line[i]; {
		case !strings.HasPrefix(w, "-"):
			return i
		case strings.HasPrefix(w, "-D"), strings.HasPrefix(w, "-XX:"), strings.HasPrefix(w, "-Xm"), strings.HasPrefix(w, "-Xs"), w == "-server", w == "-client", w == "-ea":
		default:
			return -1
		}
	}
	return -1
}
