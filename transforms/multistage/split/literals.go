package split

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
)

// Programs that source names in its strings: a command that is kept in a variable,
// stands on another line than the call, or behind "cd x &&" in a line for a shell. They
// count only in a file that starts programs at all; a program too many is installed
// beside, one too few ends the container.

// starters find in a file of a language (by extension) that it starts programs.
var starters = map[string]func() *regexp.Regexp{
	".py":   lazily(`\bsubprocess\b|\bos\.(?:system|popen|exec\w+|spawn\w+)\(|\bpexpect\b|\bplumbum\b|(?m:^\s*(?:import|from)\s+(?:sh|invoke|fabric|pty)\b)|create_subprocess|\bgetoutput\(|\bdelegator\b`),
	".rb":   lazily("\\b(?:system|spawn|exec|popen\\w*|Open3|PTY|TTY::Command)\\b|`|%x"),
	".pl":   lazily("\\b(?:system|exec|qx|open|IPC::\\w+)\\b|`"),
	".js":   lazily("child_process|\\bexeca\\b|cross-spawn|shelljs|[\"']zx|\\bzx/globals|tinyexec|node-pty|\\bBun\\.(?:spawn|\\$)"),
	".java": lazily(`\bProcessBuilder\b|\bgetRuntime\(\)|\bsys\.process\b|\bProcessExecutor\b|\bCommandLine\b`),
}

// ordinary are programs whose name is a word of everyday speech too: they count where
// they begin a list of words, or an option or a path stands behind.
var ordinary = words(`file patch watch free top convert composite identify make cc cpp uptime import bash python man jar uniq`)

// prose are words behind a program's name that make a sentence of it.
var prose = words(`is was are not and or must failed fails command commands error errors version for to the of in on with isn't could cannot can't has had returned exited binary executable repository repo connection client server found installed`)

// aString is a string on one line, in any of the three quotes; imported is a
// program that Python's sh takes by name.
var (
	aString  = lazily("\"((?:[^\"\\\\\\n]|\\\\.)*)\"|'((?:[^'\\\\\\n]|\\\\.)*)'|`((?:[^`\\\\]|\\\\.)*)`")
	imported = lazily(`(?m)^\s*from sh import ([\w, ]+)|\bsh\.([a-z][\w]*)\(`)
	computed = lazily(`\$\{[^}]*\}|#\{[^}]*\}|\{[^}]*\}|%[-\d.]*[sdrq]`)
)

// fullPrograms are the programs that a variant lacks, as a pattern.
func (s *Split) fullPrograms() *regexp.Regexp {
	names := map[string]string{}
	for _, m := range []map[string]string{distro.FullOnly, distro.NodeFullOnly} {
		for k, v := range m {
			names[k] = v
		}
	}
	if s.Variant != nil {
		for k, v := range s.Variant.Lost {
			names[k] = v
		}
	}
	var out []string
	for n := range names {
		out = append(out, regexp.QuoteMeta(n))
	}
	return regexp.MustCompile(`(?:^|[^\w.-])(?:` + strings.Join(out, "|") + `)(?:[^\w-]|$)`)
}

// LiteralsLack names a program in the strings of the source that the runtime image
// lacks, "" for none. The first extension is the language.
func (s *Split) LiteralsLack(exts ...string) string {
	starts, known := starters[exts[0]]
	if !known || !s.Pass.Unsafe {
		return ""
	}
	programs := s.fullPrograms()
	return s.Sources(exts, func(f, src string) string {
		if !starts().MatchString(src) || !programs.MatchString(src) {
			return ""
		}
		lacking := func(name string, at int) string {
			if where := f + ":" + cmdline.LineAt(src, at); s.LacksCommand(name, where) {
				return fmt.Sprintf("%s runs %s, which the slim image hasn't", where, path.Base(name))
			}
			return ""
		}
		for _, m := range imported().FindAllStringSubmatchIndex(src, -1) {
			for _, name := range strings.Split(group(src, m), ",") {
				if name = strings.TrimSpace(name); exts[0] == ".py" && !ordinary[name] {
					if why := lacking(name, m[0]); why != "" {
						return why
					}
				}
			}
		}
		for _, m := range aString().FindAllStringSubmatchIndex(src, -1) {
			if text := group(src, m); programs.MatchString(text) && !cmdline.Commented(src, m[0]) {
				for _, name := range programsIn(text, src[:m[0]], src[m[1]:]) {
					if why := lacking(name, m[0]); why != "" {
						return why
					}
				}
			}
		}
		return ""
	})
}

// group is the first group of a match that took part.
func group(src string, m []int) string {
	for i := 2; i+1 < len(m); i += 2 {
		if m[i] >= 0 {
			return src[m[i]:m[i+1]]
		}
	}
	return ""
}

// programsIn are the programs that a string starts where a shell or a call takes it
// for a command; before and after is the source around it.
func programsIn(text, before, after string) (out []string) {
	text = strings.Trim(text, " \t\n|") // perl: open(F, "git log |")
	if !strings.ContainsAny(text, " \t\n;|&") {
		name := path.Base(text)
		before, after = strings.TrimRight(before, " \t\n"), strings.TrimLeft(after, " \t\n")
		first := strings.HasSuffix(before, "[") || strings.HasSuffix(before, "(")
		if strings.Contains(text, "/") && !strings.HasPrefix(text, "/bin/") && !strings.HasPrefix(text, "/usr/") || ordinary[name] && name == text && !(first && (strings.HasPrefix(after, ",") || strings.HasPrefix(after, "]"))) {
			return nil
		}
		return []string{text}
	}
	cmds, err := cmdline.ScriptCommands(computed().ReplaceAllString(text, "x.x"))
	if err != nil {
		return nil
	}
	for _, args := range cmds {
		name := path.Base(args[0])
		switch {
		case len(args) > 1 && prose[args[1]]:
		case ordinary[name] && !strings.Contains(args[0], "/") && (len(args) < 2 || !strings.HasPrefix(args[1], "-") && !strings.ContainsAny(args[1], "./$")):
		default:
			out = append(out, args[0])
		}
	}
	return out
}
