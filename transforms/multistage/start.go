package multistage

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"mvdan.cc/sh/v3/syntax"

	"drydock/repo"
	"drydock/rewrite"
)

// What a container starts, and whether the slim image can start it.

// fullOnly maps programs that full Debian-based images have and slim ones
// don't to the package that brings them (docker-library buildpack-deps: the
// scm, curl and full variants).
var fullOnly = map[string]string{
	"curl": "curl", "wget": "wget", "git": "git", "hg": "mercurial", "svn": "subversion", "ssh": "openssh-client", "scp": "openssh-client", "sftp": "openssh-client",
	"ssh-keygen": "openssh-client", "ssh-keyscan": "openssh-client", "ssh-agent": "openssh-client", "gcc": "gcc", "g++": "g++", "cc": "gcc", "c++": "g++", "cpp": "gcc", "make": "make",
	"autoconf": "autoconf", "automake": "automake", "file": "file", "patch": "patch", "unzip": "unzip", "xz": "xz-utils", "bzip2": "bzip2", "gpg": "gnupg", "dirmngr": "dirmngr",
	"ps": "procps", "pgrep": "procps", "pkill": "procps", "top": "procps", "free": "procps", "watch": "procps", "uptime": "procps", "convert": "imagemagick", "identify": "imagemagick",
	"mogrify": "imagemagick", "composite": "imagemagick", "mysql_config": "default-libmysqlclient-dev", "pg_config": "libpq-dev", "xml2-config": "libxml2-dev",
}

// nodeFullOnly are those of the node image besides: Debian's Python and OpenSSL.
var nodeFullOnly = map[string]string{"python": "python3", "python3": "python3", "openssl": "openssl", "update-ca-certificates": "ca-certificates",
	"prisma": "openssl"} // its engines link to libssl (https://www.prisma.io/docs/orm/reference/system-requirements)

// lacks names the package of a program that only the full image has, "" when
// the runtime stage has the program or installs it, or nobody has.
func (s *split) lacks(program string) string {
	name := path.Base(program)
	if s.gone[name] {
		return name
	}
	if s.variant != nil && debianPython3().MatchString(program) && s.ref.Repository() != "debian" && !s.apt.runtime["python3"] {
		return "python3" // of Debian, which comes with mercurial
	}
	pkg := fullOnly[name]
	if s.variant != nil && s.variant.lost != nil {
		pkg = s.variant.lost[name]
	}
	if pkg == "" && s.ref.Repository() == "node" {
		pkg = nodeFullOnly[name]
	}
	if s.apt.runtime[pkg] || s.apt.reason[pkg] != "" {
		return ""
	}
	if s.sameBase && !buildOnly[pkg] && !s.buildTools[pkg] {
		return "" // the image hadn't it before
	}
	return pkg
}

var debianPython3 = lazily(`^/usr/bin/python[23]?(\.\d+)?$`)

// command is a program that starts in the container, with its arguments.
type command struct {
	args  []string
	from  *rewrite.Instruction // nil when another file says it
	where string               // "CMD", "compose.yaml", …
}

// started lists the commands of CMD, ENTRYPOINT, HEALTHCHECK and of the files
// that run the image; shell forms are taken apart. ok is false after a decline.
func (s *split) started() (out []command, ok bool) {
	var entry, cmd []command
	for _, in := range s.lineage() {
		switch c := in.Cmd.(type) {
		case *instructions.CmdCommand:
			if cmd, ok = s.words(in, c.CmdLine, c.PrependShell, "CMD"); !ok {
				return nil, false
			}
		case *instructions.EntrypointCommand:
			if entry, ok = s.words(in, c.CmdLine, c.PrependShell, "ENTRYPOINT"); !ok {
				return nil, false
			}
		case *instructions.HealthCheckCommand:
			h := c.Health
			if h == nil || len(h.Test) < 2 {
				continue
			}
			more, ok := s.words(in, h.Test[1:], h.Test[0] == "CMD-SHELL", "HEALTHCHECK")
			if !ok {
				return nil, false
			}
			out = append(out, more...)
		}
	}
	if len(entry) == 1 && entry[0].from.JSON && len(cmd) == 1 {
		entry[0].args = append(entry[0].args, cmd[0].args...)
	}
	return append(append(append([]command{}, entry...), cmd...), out...), true
}

// waits: a shell without a script, which waits for input.
func waits(args []string) bool {
	return len(args) > 0 && rewrite.PosixShell(args[0]) && !slices.ContainsFunc(args[1:], func(w string) bool { return w != "-l" && w != "-i" && w != "--login" })
}

func (s *split) words(in *rewrite.Instruction, line []string, shell bool, where string) ([]command, bool) {
	if !shell {
		c := command{line, in, where}
		if len(line) >= 3 && rewrite.PosixShell(line[0]) && strings.HasPrefix(line[1], "-") && strings.HasSuffix(line[1], "c") {
			cmds, ok := s.script(in, line[2], where)
			if s.variant != nil && s.variant.lost[path.Base(line[0])] != "" {
				cmds = append(cmds, command{line[:1], in, where})
			}
			return cmds, ok
		}
		return []command{c}, true
	}
	return s.script(in, strings.Join(line, " "), where)
}

func (s *split) script(in *rewrite.Instruction, text, where string) ([]command, bool) {
	cmds, err := scriptCommands(text)
	if err != nil {
		return nil, s.decline(in, "the script of %s can't be read: %v", where, err)
	}
	out := make([]command, 0, len(cmds))
	for _, args := range cmds {
		out = append(out, command{args, in, where})
	}
	return out, true
}

// scriptCommands lists the simple commands of a shell script; words that are
// computed come as "$".
func scriptCommands(text string) ([][]string, error) {
	f, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		return nil, err
	}
	var out [][]string
	syntax.Walk(f, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		var args []string
		for _, w := range call.Args {
			args = append(args, plainWord(w))
		}
		args = unwrap(args)
		out = append(append(out, args), innerCommands(args)...)
		if rest := npxRuns(args); len(rest) > 0 {
			out = append(out, rest)
		}
		return true
	})
	return out, nil
}

func plainWord(w *syntax.Word) string {
	var b strings.Builder
	for _, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.Lit:
			b.WriteString(p.Value)
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			for _, q := range p.Parts {
				if l, ok := q.(*syntax.Lit); ok {
					b.WriteString(l.Value)
				} else {
					b.WriteString("$")
				}
			}
		default:
			b.WriteString("$")
		}
	}
	return b.String()
}

// wrappers start the program that their arguments name.
var wrappers = words(`exec command which env nohup time nice sudo gosu su-exec tini dumb-init docker-entrypoint.sh xvfb-run timeout wait-for-it wait-for-it.sh wait-for dockerize cross-env dotenv`)

// unwrap drops exec, env, tini and the like from the front of a command.
func unwrap(args []string) []string {
	for len(args) > 1 && wrappers[path.Base(args[0])] {
		i := 1
		for i < len(args)-1 && (strings.HasPrefix(args[i], "-") || strings.Contains(args[i], "=") || strings.Trim(args[i], "0123456789.smh") == "" || strings.Contains(args[i], ":")) {
			i++
		}
		args = args[i:]
	}
	return args
}

// canStart declines when a start command, or a script of the project that one
// runs, calls a program that the runtime image lacks.
func (s *split) canStart() ([]command, bool) {
	all, ok := s.started()
	if !ok {
		return nil, false
	}
	if len(all) == 0 && !(s.variant != nil && s.startsAnything()) && !slices.ContainsFunc(s.runs(), func(b repo.Build) bool { return len(b.Command)+len(b.Entrypoint) > 0 }) {
		return nil, s.decline(s.stage.From, "no CMD or ENTRYPOINT says what runs; it may be an image to build in")
	}
	if s.variant == nil && len(all) == 1 && waits(all[0].args) && !slices.ContainsFunc(s.runs(), func(b repo.Build) bool { return len(b.Command)+len(b.Entrypoint) > 0 }) {
		return nil, s.decline(all[0].from, "%s starts a shell: people work in the container, and whatever the base holds may be of use to them", all[0].where)
	}
	for _, c := range all {
		c.args = unwrap(c.args)
		if s.launch != nil {
			c.args = s.launch(c.args)
		}
		if len(c.args) == 0 {
			continue
		}
		if s.lacksCommand(c.args[0], c.where) {
			return nil, s.decline(c.from, "%s runs %s, %s", c.where, path.Base(c.args[0]), s.absent(c.args[0]))
		}
		for _, a := range c.args {
			if why := s.scriptLacks(a, 0); why != "" {
				return nil, s.decline(c.from, "%s", why)
			}
		}
		if s.variant != nil {
			if why := jdkAtStart(c.args); why != "" {
				return nil, s.decline(c.from, "%s", why)
			}
			if why := s.startScriptLacks(c.args); why != "" {
				return nil, s.decline(c.from, "%s", why)
			}
			if why := s.configsLack(c.args); why != "" {
				return nil, s.decline(c.from, "%s", why)
			}
		}
	}
	if why := s.copiedConfigsLack(); why != "" {
		return nil, s.decline(s.stage.From, "%s", why)
	}
	return all, s.composeStarts()
}

// composeStarts looks at what compose files start or check in the container.
func (s *split) composeStarts() bool {
	for _, b := range s.runs() {
		for _, list := range [][]string{b.Command, b.Entrypoint, b.Healthcheck} {
			cmds, err := scriptCommands(strings.Join(list, " "))
			if err != nil {
				cmds = [][]string{list}
			}
			if s.variant != nil {
				cmds = append(cmds, listCommands(slices.DeleteFunc(slices.Clone(list), func(w string) bool { return w == "CMD" || w == "CMD-SHELL" }))...)
				if len(list) == 2 && list[0] == "CMD-SHELL" {
					cmds = append(cmds, listCommands([]string{"sh", "-c", list[1]})...)
				}
			}
			for _, args := range append(cmds, list) {
				for _, a := range unwrap(args) {
					if a == "CMD" || a == "CMD-SHELL" {
						continue
					}
					if s.lacksCommand(a, b.File) {
						return s.decline(s.stage.From, "%s runs %s in the container, %s", b.File, path.Base(a), s.absent(a))
					}
					break
				}
				if s.variant == nil {
					continue
				}
				if why := cmp.Or(s.wordsLack(args), s.startScriptLacks(unwrap(args)), s.configsLack(args)); why != "" {
					return s.decline(s.stage.From, "%s starts %s: %s", b.File, strings.Join(args[:min(3, len(args))], " "), why)
				}
			}
			if len(list) > 1 && strings.HasPrefix(list[0], "CMD") {
				if first := strings.Fields(list[1]); len(first) > 0 && s.lacksCommand(first[0], b.File) {
					return s.decline(s.stage.From, "%s checks the container with %s, which the slim image hasn't", b.File, path.Base(first[0]))
				}
			}
		}
	}
	return true
}

// runs are the services of compose files that may run this image.
func (s *split) runs() []repo.Build { return s.p.Services(s.stage) }

// scriptLacks reads a shell script of the project and names the first program
// in it that the runtime image lacks.
func (s *split) scriptLacks(word string, depth int) string {
	if depth > 3 || strings.HasPrefix(word, "-") || strings.ContainsAny(word, "$\n ") {
		return ""
	}
	if strings.Contains(word, "*") {
		return s.hooksLack(word, depth)
	}
	abs, ok := s.stage.At(nil).Abs(word)
	if !ok {
		return ""
	}
	ok = false
	ctx, by := s.stage.Origin(nil, abs, s.p.Repo, s.p.Name)
	if by == nil && !strings.Contains(word, "/") {
		ctx, by = s.stage.Origin(nil, "/usr/local/bin/"+word, s.p.Repo, s.p.Name)
	}
	if by == nil && s.variant != nil { // from another stage
		ctx, ok = s.stage.Trace(abs, s.p.Repo, s.p.Name)
	}
	if by == nil && !ok || ctx == "" || s.p.Repo.IsDir(ctx) {
		return ""
	}
	return s.fileLacks(ctx, depth)
}

// fileLacks does the same for a file of the context.
func (s *split) fileLacks(ctx string, depth int) string {
	src, err := s.p.Repo.ReadFile(ctx)
	if err != nil {
		return ""
	}
	text := strings.ReplaceAll(string(src), "\r\n", "\n")
	head, _, _ := strings.Cut(text, "\n")
	isShell := strings.HasSuffix(ctx, ".sh") || strings.HasPrefix(head, "#!") && (strings.HasSuffix(head, "sh") || strings.Contains(head, "sh "))
	if !isShell {
		if words := strings.Fields(strings.TrimPrefix(head, "#!")); strings.HasPrefix(head, "#!") && len(words) > 0 && s.variant != nil && s.lacks(words[0]) != "" {
			return ctx + " is a script for " + words[0] + ", which the slim image hasn't"
		}
		return ""
	}
	if m := debianDocs().FindString(text); m != "" && s.variant != nil && s.ref.Repository() == "debian" {
		return ctx + " names " + m + ", which the slim image hasn't"
	}
	if shell := lastWord(head); strings.HasPrefix(head, "#!") && s.variant != nil && s.variant.lost[shell] != "" {
		return ctx + " is a script for " + shell + ", which the slim image hasn't"
	}
	cmds, err := scriptCommands(text)
	if err != nil {
		return ctx + " can't be read as a shell script"
	}
	for _, pattern := range loopPatterns(text) {
		if why := s.hooksLack(pattern, depth); why != "" {
			return why
		}
	}
	for _, args := range cmds {
		if s.lacksCommand(args[0], ctx) {
			return fmt.Sprintf("%s runs %s, %s", ctx, path.Base(args[0]), s.absent(args[0]))
		}
		if args[0] == "run-parts" {
			args = append(args, args[len(args)-1]+"/*")
		}
		for _, a := range args {
			if why := s.scriptLacks(a, depth+1); why != "" {
				return why
			}
		}
	}
	return ""
}

var spawn = map[string]func() *regexp.Regexp{
	".py":  lazily(`(?:subprocess\.\w+|os\.system|os\.popen|os\.exec\w+|Popen|check_output|check_call|shutil\.which)\(\s*\[?\s*f?["']([\w./+-]+)|^\s*(?:import|from)\s+(tkinter|_tkinter|turtle)\b`),
	".rb":  lazily("(?:\\b(?:system|spawn|exec|Open3\\.\\w+|IO\\.popen|Process\\.spawn)[\\s(]\\s*\\[?\\s*[\"']|`|%x[({\\[])([\\w./+-]+)"),
	".ex":  lazily("(?:System\\.(?:cmd|shell|find_executable)|Port\\.open|:os\\.cmd)\\(\\s*\\{?[^\"'~]*[\"']([\\w./+-]+)"),
	".php": lazily("\\b(?:shell_exec|exec|system|passthru|proc_open|popen|Process)\\(\\s*\\[?\\s*[\"']([\\w./+-]+)"),
	".pl":  lazily("(?:\\b(?:system|exec)[\\s(]\\s*[\"']|`|\\bqx\\s*[({\\[/])([\\w./+-]+)"),
	".js":  lazily("\\b(?:exec|execSync|spawn|spawnSync|execFile|execFileSync|execa|execaSync)\\(\\s*['\"`]([\\w./+-]+)"),
}

// sourceLacks looks through the project's source for calls of programs that
// the runtime image lacks. It reads files only where the change could be kept.
func (s *split) sourceLacks(exts ...string) string {
	if !s.p.Unsafe {
		return ""
	}
	re := spawn[exts[0]]()
	why := s.sources(exts, func(f, src string) string {
		for n, l := range strings.Split(src, "\n") {
			m := re.FindStringSubmatch(l)
			if m == nil || (exts[0] == ".rb" || exts[0] == ".ex" || exts[0] == ".pl") && strings.HasPrefix(strings.TrimSpace(l), "#") {
				continue
			}
			if len(m) > 2 && m[2] != "" {
				return fmt.Sprintf("%s:%d imports %s, whose libraries the slim image hasn't", f, n+1, m[2])
			}
			if s.lacksCommand(m[1], fmt.Sprintf("%s:%d", f, n+1)) {
				return fmt.Sprintf("%s:%d runs %s, which the slim image hasn't", f, n+1, path.Base(m[1]))
			}
		}
		return ""
	})
	if why == "" {
		why = s.literalsLack(exts...)
	}
	return why
}
