package split

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"drydock/transforms/multistage/cmdline"
)

// Files that say what else starts in a container: crontabs, configurations of
// supervisord, uwsgi and circus, Procfiles, and folders of scripts that an entry
// point or an init system runs one after the other.

var (
	// bootFolders are read by cron, supervisord, s6-overlay, runit, phusion's my_init
	// and the entry points of official images.
	bootFolders = lazily(`^/(etc/(cron(tab$|\.)|supervisor|services\.d/|s6-overlay/|cont-(init|finish)\.d/|service/|sv/|runit/|init\.d/|my_init\.d/|entrypoint\.d/)|var/spool/cron/|docker-entrypoint(-init\w*)?\.d/)`)
	configFile  = lazily(`(?i)(\.(conf|ini|cfg|cron)|(^|/)(procfile[\w.]*|crontab[\w.]*))$`)
	// The keys of supervisord, circus, systemd and uwsgi whose value is a command.
	commandKey  = lazily(`(?mi)^\s*(?:command|cmd|execstart(?:pre|post)?|(?:smart-)?attach-daemon2?|exec-(?:as-\w+|pre-\w+|post-\w+)|hook-[\w-]+)\s*=\s*(.+)$`)
	procfileKey = lazily(`(?m)^[\w-]+:\s+(.+)$`)
	cronLine    = lazily(`(?m)^\s*(?:@\w+|(?:[\d*/,A-Za-z-]+[ \t]+){5})[ \t]*(.+)$`)
)

// procfiles are programs that read a Procfile where they start.
var procfiles = words(`honcho foreman forego hivemind overmind goreman shoreman`)

// WordsLack looks at the scripts among the words of a command.
func (s *Split) WordsLack(args []string) string {
	for _, a := range args {
		if why := s.scriptLacks(a, 0); why != "" {
			return why
		}
	}
	return ""
}

// ConfigsLack names a program that a configuration file among the words of a start
// command starts and the runtime image lacks.
func (s *Split) ConfigsLack(args []string) string {
	args = cmdline.Unwrap(args)
	if len(args) == 0 {
		return ""
	}
	look := slices.Clone(args[1:])
	if procfiles[path.Base(args[0])] {
		look = append(look, "Procfile")
	}
	if path.Base(args[0]) == "supervisord" {
		look = append(look, "supervisord.conf", "etc/supervisord.conf", "/etc/supervisord.conf")
	}
	for _, w := range look {
		if _, v, joined := strings.Cut(w, "="); joined && strings.HasPrefix(w, "-") {
			w = v
		}
		abs, ok := s.Stage.At(nil).Abs(w)
		if !ok || !configFile().MatchString(w) {
			continue
		}
		if ctx, ok := s.Stage.Trace(abs, s.Pass.Repo, s.Pass.Name); ok && ctx != "" && !s.Pass.Repo.IsDir(ctx) {
			if why := s.configLacks(ctx); why != "" {
				return why
			}
		}
	}
	return ""
}

// copiedConfigsLack does the same for the files that COPY puts where init systems
// look for them.
func (s *Split) copiedConfigsLack() string {
	if s.Variant == nil {
		return ""
	}
	for _, in := range s.Lineage() {
		if in.Keyword != "copy" && in.Keyword != "add" {
			continue
		}
		for _, t := range s.Pass.Effects(in).Trees {
			files := []string{t.Ctx}
			if t.Dir {
				files = s.FilesBelow(t.Ctx)
			}
			for _, f := range files {
				to := t.Dest
				if t.Dir {
					to = path.Join(t.Dest, strings.TrimPrefix(f, strings.TrimSuffix(t.Ctx, "/")+"/"))
					if t.Ctx == "." || t.Ctx == "" {
						to = path.Join(t.Dest, f)
					}
				}
				if !bootFolders().MatchString(to) {
					continue
				}
				if why := s.configLacks(f); why != "" {
					return why
				}
			}
		}
	}
	return ""
}

// FilesBelow are the files of a folder of the context.
func (s *Split) FilesBelow(dir string) (out []string) {
	all, _ := s.Pass.Repo.Files()
	if dir == "." || dir == "" {
		return all
	}
	for _, f := range all {
		if strings.HasPrefix(f, strings.TrimSuffix(dir, "/")+"/") {
			out = append(out, f)
		}
	}
	return out
}

// configLacks reads one of those files: a script, or lines that hold commands.
func (s *Split) configLacks(ctx string) string {
	src, err := s.Pass.Repo.ReadFile(ctx)
	if err != nil {
		return ""
	}
	text := strings.ReplaceAll(string(src), "\r\n", "\n")
	if strings.HasPrefix(text, "#!") || strings.HasSuffix(ctx, ".sh") {
		return s.fileLacks(ctx, 1)
	}
	for _, re := range []func() *regexp.Regexp{commandKey, procfileKey, cronLine} {
		for _, m := range re().FindAllStringSubmatchIndex(text, -1) {
			line := text[m[2]:m[3]]
			lines := []string{line}
			if _, rest, more := strings.Cut(line, " "); more { // behind the user that cron runs it as
				lines = append(lines, rest)
			}
			for k, l := range lines {
				cmds, err := cmdline.ScriptCommands(l)
				if err != nil || k > 0 && re().String() != cronLine().String() {
					continue
				}
				for _, args := range cmds {
					at := ctx + ":" + cmdline.LineAt(text, m[2])
					if s.LacksCommand(args[0], at) {
						return at + " runs " + path.Base(args[0]) + ", which the slim image hasn't"
					}
					if why := s.WordsLack(args); why != "" {
						return why
					}
				}
			}
		}
	}
	return ""
}

// absent tells why a program isn't there.
func (s *Split) absent(program string) string {
	if s.Ref.Repository() == "node" && s.Gone[path.Base(program)] {
		return "which is installed globally and stays in the build stage"
	}
	return "which the slim image hasn't"
}

// hooksLack looks at the scripts that a pattern of a script (hooks/*.sh) matches.
func (s *Split) hooksLack(pattern string, depth int) string {
	abs, ok := s.Stage.At(nil).Abs(path.Dir(pattern))
	if !ok || s.Variant == nil || strings.Contains(path.Dir(pattern), "*") {
		return ""
	}
	dir, ok := s.Stage.Trace(abs, s.Pass.Repo, s.Pass.Name)
	if !ok || !s.Pass.Repo.IsDir(dir) {
		return ""
	}
	for _, f := range s.FilesBelow(dir) {
		if match, err := path.Match(path.Base(pattern), path.Base(f)); err != nil || !match {
			continue
		}
		if why := s.fileLacks(f, depth+1); why != "" {
			return why
		}
	}
	return ""
}
