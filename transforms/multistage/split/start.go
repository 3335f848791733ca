package split

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
)

// What a container starts, and whether the slim image can start it.

// its engines link to libssl (https://www.prisma.io/docs/orm/reference/system-requirements)

// Lacks names the package of a program that only the full image has, "" when
// the runtime stage has the program or installs it, or nobody has.
func (s *Split) Lacks(program string) string {
	name := path.Base(program)
	if s.Gone[name] {
		return name
	}
	if s.Variant != nil && debianPython3().MatchString(program) && s.Ref.Repository() != "debian" && !s.Apt.Runtime["python3"] {
		return "python3" // of Debian, which comes with mercurial
	}
	pkg := distro.FullOnly[name]
	if s.Variant != nil && s.Variant.Lost != nil {
		pkg = s.Variant.Lost[name]
	}
	if pkg == "" && s.Ref.Repository() == "node" {
		pkg = distro.NodeFullOnly[name]
	}
	if s.Apt.Runtime[pkg] || s.Apt.Reason[pkg] != "" {
		return ""
	}
	if s.SameBase && !distro.BuildTools[pkg] && !s.BuildTools[pkg] {
		return "" // the image hadn't it before
	}
	return pkg
}

var debianPython3 = lazily(`^/usr/bin/python[23]?(\.\d+)?$`)

// Command is a program that starts in the container, with its arguments.
type Command struct {
	Args  []string
	From  *rewrite.Instruction // nil when another file says it
	Where string               // "CMD", "compose.yaml", …
}

// Started lists the commands of CMD, ENTRYPOINT, HEALTHCHECK and of the files
// that run the image; shell forms are taken apart. ok is false after a decline.
func (s *Split) Started() (out []Command, ok bool) {
	var entry, cmd []Command
	for _, in := range s.Lineage() {
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
	if len(entry) == 1 && entry[0].From.JSON && len(cmd) == 1 {
		entry[0].Args = append(entry[0].Args, cmd[0].Args...)
	}
	return append(append(append([]Command{}, entry...), cmd...), out...), true
}

// waits: a shell without a script, which waits for input.
func waits(args []string) bool {
	return len(args) > 0 && rewrite.PosixShell(args[0]) && !slices.ContainsFunc(args[1:], func(w string) bool { return w != "-l" && w != "-i" && w != "--login" })
}

func (s *Split) words(in *rewrite.Instruction, line []string, shell bool, where string) ([]Command, bool) {
	if !shell {
		c := Command{line, in, where}
		if len(line) >= 3 && rewrite.PosixShell(line[0]) && strings.HasPrefix(line[1], "-") && strings.HasSuffix(line[1], "c") {
			cmds, ok := s.script(in, line[2], where)
			if s.Variant != nil && s.Variant.Lost[path.Base(line[0])] != "" {
				cmds = append(cmds, Command{line[:1], in, where})
			}
			return cmds, ok
		}
		return []Command{c}, true
	}
	return s.script(in, strings.Join(line, " "), where)
}

func (s *Split) script(in *rewrite.Instruction, text, where string) ([]Command, bool) {
	cmds, err := cmdline.ScriptCommands(text)
	if err != nil {
		return nil, s.Decline(in, "the script of %s can't be read: %v", where, err)
	}
	out := make([]Command, 0, len(cmds))
	for _, args := range cmds {
		out = append(out, Command{args, in, where})
	}
	return out, true
}

// CanStart declines when a start command, or a script of the project that one
// runs, calls a program that the runtime image lacks.
func (s *Split) CanStart() ([]Command, bool) {
	all, ok := s.Started()
	if !ok {
		return nil, false
	}
	if len(all) == 0 && !(s.Variant != nil && s.StartsAnything()) && !slices.ContainsFunc(s.Runs(), func(b repo.Build) bool { return len(b.Command)+len(b.Entrypoint) > 0 }) {
		return nil, s.Decline(s.Stage.From, "no CMD or ENTRYPOINT says what runs; it may be an image to build in")
	}
	if s.Variant == nil && len(all) == 1 && waits(all[0].Args) && !slices.ContainsFunc(s.Runs(), func(b repo.Build) bool { return len(b.Command)+len(b.Entrypoint) > 0 }) {
		return nil, s.Decline(all[0].From, "%s starts a shell: people work in the container, and whatever the base holds may be of use to them", all[0].Where)
	}
	for _, c := range all {
		c.Args = cmdline.Unwrap(c.Args)
		if s.Launch != nil {
			c.Args = s.Launch(c.Args)
		}
		if len(c.Args) == 0 {
			continue
		}
		if s.LacksCommand(c.Args[0], c.Where) {
			return nil, s.Decline(c.From, "%s runs %s, %s", c.Where, path.Base(c.Args[0]), s.absent(c.Args[0]))
		}
		for _, a := range c.Args {
			if why := s.scriptLacks(a, 0); why != "" {
				return nil, s.Decline(c.From, "%s", why)
			}
		}
		if s.Variant != nil {
			if why := JDKAtStart(c.Args); why != "" {
				return nil, s.Decline(c.From, "%s", why)
			}
			if why := s.StartScriptLacks(c.Args); why != "" {
				return nil, s.Decline(c.From, "%s", why)
			}
			if why := s.ConfigsLack(c.Args); why != "" {
				return nil, s.Decline(c.From, "%s", why)
			}
		}
	}
	if why := s.copiedConfigsLack(); why != "" {
		return nil, s.Decline(s.Stage.From, "%s", why)
	}
	return all, s.ComposeStarts()
}

// ComposeStarts looks at what compose files start or check in the container.
func (s *Split) ComposeStarts() bool {
	for _, b := range s.Runs() {
		for _, list := range [][]string{b.Command, b.Entrypoint, b.Healthcheck} {
			cmds, err := cmdline.ScriptCommands(strings.Join(list, " "))
			if err != nil {
				cmds = [][]string{list}
			}
			if s.Variant != nil {
				cmds = append(cmds, cmdline.ListCommands(slices.DeleteFunc(slices.Clone(list), func(w string) bool { return w == "CMD" || w == "CMD-SHELL" }))...)
				if len(list) == 2 && list[0] == "CMD-SHELL" {
					cmds = append(cmds, cmdline.ListCommands([]string{"sh", "-c", list[1]})...)
				}
			}
			for _, args := range append(cmds, list) {
				for _, a := range cmdline.Unwrap(args) {
					if a == "CMD" || a == "CMD-SHELL" {
						continue
					}
					if s.LacksCommand(a, b.File) {
						return s.Decline(s.Stage.From, "%s runs %s in the container, %s", b.File, path.Base(a), s.absent(a))
					}
					break
				}
				if s.Variant == nil {
					continue
				}
				if why := cmp.Or(s.WordsLack(args), s.StartScriptLacks(cmdline.Unwrap(args)), s.ConfigsLack(args)); why != "" {
					return s.Decline(s.Stage.From, "%s starts %s: %s", b.File, strings.Join(args[:min(3, len(args))], " "), why)
				}
			}
			if len(list) > 1 && strings.HasPrefix(list[0], "CMD") {
				if first := strings.Fields(list[1]); len(first) > 0 && s.LacksCommand(first[0], b.File) {
					return s.Decline(s.Stage.From, "%s checks the container with %s, which the slim image hasn't", b.File, path.Base(first[0]))
				}
			}
		}
	}
	return true
}

// Runs are the services of compose files that may run this image.
func (s *Split) Runs() []repo.Build { return s.Pass.Services(s.Stage) }

// scriptLacks reads a shell script of the project and names the first program
// in it that the runtime image lacks.
func (s *Split) scriptLacks(word string, depth int) string {
	if depth > 3 || strings.HasPrefix(word, "-") || strings.ContainsAny(word, "$\n ") {
		return ""
	}
	if strings.Contains(word, "*") {
		return s.hooksLack(word, depth)
	}
	abs, ok := s.Stage.At(nil).Abs(word)
	if !ok {
		return ""
	}
	ok = false
	ctx, by := s.Stage.Origin(nil, abs, s.Pass.Repo, s.Pass.Name)
	if by == nil && !strings.Contains(word, "/") {
		ctx, by = s.Stage.Origin(nil, "/usr/local/bin/"+word, s.Pass.Repo, s.Pass.Name)
	}
	if by == nil && s.Variant != nil { // from another stage
		ctx, ok = s.Stage.Trace(abs, s.Pass.Repo, s.Pass.Name)
	}
	if by == nil && !ok || ctx == "" || s.Pass.Repo.IsDir(ctx) {
		return ""
	}
	return s.fileLacks(ctx, depth)
}

// fileLacks does the same for a file of the context.
func (s *Split) fileLacks(ctx string, depth int) string {
	src, err := s.Pass.Repo.ReadFile(ctx)
	if err != nil {
		return ""
	}
	text := strings.ReplaceAll(string(src), "\r\n", "\n")
	head, _, _ := strings.Cut(text, "\n")
	isShell := strings.HasSuffix(ctx, ".sh") || strings.HasPrefix(head, "#!") && (strings.HasSuffix(head, "sh") || strings.Contains(head, "sh "))
	if !isShell {
		if words := strings.Fields(strings.TrimPrefix(head, "#!")); strings.HasPrefix(head, "#!") && len(words) > 0 && s.Variant != nil && s.Lacks(words[0]) != "" {
			return ctx + " is a script for " + words[0] + ", which the slim image hasn't"
		}
		return ""
	}
	if m := distro.DebianDocs().FindString(text); m != "" && s.Variant != nil && s.Ref.Repository() == "debian" {
		return ctx + " names " + m + ", which the slim image hasn't"
	}
	if shell := cmdline.LastWord(head); strings.HasPrefix(head, "#!") && s.Variant != nil && s.Variant.Lost[shell] != "" {
		return ctx + " is a script for " + shell + ", which the slim image hasn't"
	}
	cmds, err := cmdline.ScriptCommands(text)
	if err != nil {
		return ctx + " can't be read as a shell script"
	}
	for _, pattern := range cmdline.LoopPatterns(text) {
		if why := s.hooksLack(pattern, depth); why != "" {
			return why
		}
	}
	for _, args := range cmds {
		if s.LacksCommand(args[0], ctx) {
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

// SourceLacks looks through the project's source for calls of programs that
// the runtime image lacks. It reads files only where the change could be kept.
func (s *Split) SourceLacks(exts ...string) string {
	if !s.Pass.Unsafe {
		return ""
	}
	re := spawn[exts[0]]()
	why := s.Sources(exts, func(f, src string) string {
		for n, l := range strings.Split(src, "\n") {
			m := re.FindStringSubmatch(l)
			if m == nil || (exts[0] == ".rb" || exts[0] == ".ex" || exts[0] == ".pl") && strings.HasPrefix(strings.TrimSpace(l), "#") {
				continue
			}
			if len(m) > 2 && m[2] != "" {
				return fmt.Sprintf("%s:%d imports %s, whose libraries the slim image hasn't", f, n+1, m[2])
			}
			if s.LacksCommand(m[1], fmt.Sprintf("%s:%d", f, n+1)) {
				return fmt.Sprintf("%s:%d runs %s, which the slim image hasn't", f, n+1, path.Base(m[1]))
			}
		}
		return ""
	})
	if why == "" {
		why = s.LiteralsLack(exts...)
	}
	return why
}
