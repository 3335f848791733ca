package transforms

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/split"
)

// Signs in the Dockerfile, in the scripts that the image starts and in the
// compose services that run it, that a program needs root or may write where
// only root may. One is enough for add-user to decline.

var rootWords = lazily(`\b(sudo|gosu|su-exec|setpriv|runuser|crond?|sshd|openssh-server|supervisord?|s6-overlay|runit|systemd|iptables|docker\.sock|dockerd|privileged|setcap|chroot|mount|fuse|tini-root|init\.d|service["\s,]+[\w-]+["\s,]+(?:re)?start)\b`)

// uwsgiOptions are named like programs: --mount mounts no file system, --cron calls the application.
var uwsgiOptions = lazily(`(^|[\s"])--(?:mount|cron2?)\b`)

// dropsRoot: servers that change to another user, which only root may.
var dropsRoot = lazily(`\buwsgi\b.*(--[ug]id)\b|\bgunicorn\b.*(--user|--group)\b`)

// closed: modes that leave nothing for others.
var closed = lazily(`\bchmod\s+(-\S+\s+)*(0?[0-7]{2}0|[ugo]*o?-rwx|go-\w+|go=|o=)(\s|$)`)

// portVars and portFlags: where a program is told its port.
var (
	portVars  = lazily(`\b(?:(?:HTTP_|SERVER_|APP_)?PORT|ASPNETCORE_HTTPS?_PORTS|ASPNETCORE_URLS)[= ]"?(?:https?://[^:\s]*:)?(\d+)\b`)
	portFlags = lazily(`(?:--(?:http-)?port[= ]|--(?:bind|listen|addr)[= ]\S*:|-b \S*:|\b0\.0\.0\.0:|-p )(\d+)\b`)
)

var setuid = lazily(`\bchmod\s+(-\S+\s+)*([ug]*\+[rwx]*s[rwx]*|[246][0-7]{3})\b`)

// dataVars: variables that name a folder, or a database, to write to.
var dataVars = lazily(`\b\w*(DATA|LOG|UPLOAD|CACHE|STORAGE|MEDIA|DB|DATABASE|SQLITE)\w*[= ]"?(/[\w./-]+|sqlite\S*)`)

// rootsHome: tools that install below the home directory of whoever runs them;
// root's home is closed to others.
var rootsHome = lazily(`/root\b|~/|\$HOME|\$\{HOME|--user\b|\bpipenv\b|\bpoetry install|\bpipx\b|\bnvm\b|\brustup\b|\bplaywright\b|\bpuppeteer\b|nltk\.download|huggingface|spacy download|\bsdkman\b|\basdf\b|\brbenv\b|\bpyenv\b|\buv (sync|python|tool)`)

var makesUser = lazily(`\b(useradd|adduser|groupadd|addgroup)\b`)

// rootSigns looks for what needs root in the file, the scripts that it starts
// and the compose services that run it. made are the folders that RUNs make:
// the program may want to write there.
func rootSigns(p *rewrite.Pass, s *rewrite.Stage) (made []madeFolder, in *rewrite.Instruction, why string) {
	chain := []*rewrite.Stage{}
	for t := s; t != nil; t = t.Parent() {
		chain = append(chain, t)
	}
	if s.Name != "" && len(p.Doc.Stages) > s.Index+1 {
		return nil, s.From, "other stages are built from it"
	}
	for _, t := range chain {
		for _, in := range t.Instructions {
			if log := split.JavaLog(in); log != "" {
				return nil, in, "java writes its log to " + log
			}
			switch in.Keyword {
			case "expose":
				for _, f := range in.Fields() {
					port, _, _ := strings.Cut(t.At(in).Expand(f.Text), "/")
					if n, err := strconv.Atoi(port); err != nil && strings.ContainsAny(port, "$-") {
						return nil, in, "port " + f.Text + " isn't known; one under 1024 may need root"
					} else if n < 1024 {
						return nil, in, "port " + f.Text + " is under 1024: Docker opens it to every user, Kubernetes to root alone"
					}
				}
			case "workdir":
				if strings.Contains(in.Text, "/root") {
					return nil, in, "the program lies in root's home"
				}
			case "copy", "add":
				if strings.Contains(in.Args.Text, "/root") {
					return nil, in, "files lie in root's home"
				}
				if mode, ok := in.Flag("chmod"); ok && closed().MatchString("chmod "+mode) {
					return nil, in, "--chmod closes files to other users"
				}
				if _, _, from, _ := in.Copy(); from != "" && p.Doc.StageByRef(from, t.Index) == nil {
					return nil, in, "it takes programs from " + from + ", which drydock can't read"
				}
			case "onbuild":
				return nil, in, "ONBUILD steps run in images built from this one"
			case "env":
				if strings.Contains(in.Text, "/root") {
					return nil, in, "a variable points into root's home"
				}
				if m := portVars().FindStringSubmatch(in.Text); m != nil {
					if n, _ := strconv.Atoi(m[1]); n > 0 && n < 1024 {
						return nil, in, "port " + m[1] + " is under 1024: Docker opens it to every user, Kubernetes to root alone"
					}
				}
				if m := dataVars().FindString(in.Text); m != "" && !strings.Contains(m, "/tmp") {
					return nil, in, "a variable names a place to write to (" + m + ")"
				}
			case "run":
				if m := rootsHome().FindString(in.Args.Text); m != "" && !(m == "pipenv" && strings.Contains(in.Text, "--system")) {
					return nil, in, "a RUN puts things into root's home (" + strings.TrimSpace(m) + ")"
				}
				if m := setuid().FindString(in.Text); m != "" {
					return nil, in, m + " lets a program have root's rights"
				}
				if m := closed().FindString(in.Text); m != "" {
					return nil, in, m + " closes files to other users"
				}
				made = append(made, makesFolders(t, in)...)
				if m := rootWords().FindString(in.Text); m != "" && m != "mount" && m != "cron" || strings.Contains(in.Text, "cron ") {
					return nil, in, "a RUN installs or uses " + cmp.Or(m, "cron")
				}
			case "cmd", "entrypoint":
				if m := rootWords().FindString(uwsgiOptions().ReplaceAllString(in.Text, "$1")); m != "" {
					return nil, in, "it starts " + m
				}
				for _, m := range portFlags().FindAllStringSubmatch(strings.NewReplacer(`", "`, " ", `","`, " ").Replace(in.Args.Text), -1) {
					if n, _ := strconv.Atoi(m[1]); n > 0 && n < 1024 {
						return nil, in, "port " + m[1] + " is under 1024: Docker opens it to every user, Kubernetes to root alone"
					}
				}
				if m := asksRoot(in.Args.Text); m != "" {
					return nil, in, "what it starts " + m
				}
				if m := dropsRoot().FindStringSubmatch(in.Args.Text); m != nil {
					return nil, in, "it changes to another user by itself (" + m[1] + m[2] + ")"
				}
				if in == lastOf(t, "cmd") && in != startsBy(s) {
					if why := handedOver(p, s, in); why != "" {
						return nil, in, why
					}
				}
				for _, w := range strings.FieldsFunc(in.Args.Text, func(r rune) bool { return strings.ContainsRune(` ",[]`, r) }) {
					if why := scriptSigns(p, t, w, 0); why != "" {
						return nil, in, why
					}
				}
			}
		}
	}
	return made, nil, ""
}

// madeFolder is a folder that a RUN makes.
type madeFolder struct {
	in   *rewrite.Instruction
	name string // as written
	path string // "" when it isn't known
}

// makesFolders lists the folders that a RUN makes and leaves, and that aren't on the
// way to the working directory or to a file that is copied.
func makesFolders(s *rewrite.Stage, in *rewrite.Instruction) (out []madeFolder) {
	sh, why := in.Shell()
	if why != "" {
		return nil
	}
	end := s.At(nil).Workdir
	for _, c := range sh.Commands() {
		if c.Name != "mkdir" {
			continue
		}
		for _, a := range c.Args[1:] {
			abs, ok := s.At(in).Abs(a)
			if strings.HasPrefix(a, "-") || ok && (strings.HasPrefix(end+"/", abs+"/") || abs == "/tmp" || removes(sh, a) || leadsToCopy(s, abs)) {
				continue
			}
			out = append(out, madeFolder{in, a, abs})
		}
	}
	return out
}

// removes reports whether a script removes the folder that it made.
func removes(sh *rewrite.Script, dir string) bool {
	for _, c := range sh.Commands() {
		if c.Name == "rm" && strings.HasPrefix(dir, "/") && slices.Contains(c.Args, dir) {
			return true
		}
	}
	return false
}

// leadsToCopy reports whether a COPY puts a file directly into a folder that is the
// program's own place: /app for COPY x.jar /app/x.jar.
func leadsToCopy(s *rewrite.Stage, dir string) bool {
	for _, in := range s.Instructions {
		if _, dest, _, ok := in.Copy(); ok {
			st := s.At(in)
			if to, ok := st.Abs(st.Expand(dest)); ok && rewrite.Inside(to, dir) {
				return true
			}
		}
	}
	return false
}

// maxScripts is how deep scripts that start scripts are followed.
const maxScripts = 4

// scriptSigns reads a script of the project that the image starts, and those that it
// starts; depth counts them.
func scriptSigns(p *rewrite.Pass, s *rewrite.Stage, word string, depth int) string {
	named := strings.HasSuffix(word, ".sh") || strings.Contains(word, "entrypoint") || strings.Contains(word, "start") || strings.HasSuffix(word, ".ini")
	if !named && !strings.Contains(word, "/") {
		return ""
	}
	abs, ok := s.At(nil).Abs(word)
	switch {
	case !ok && named:
		return word + " is a computed path"
	case !ok:
		return ""
	}
	ctx, ok := s.Trace(abs, p.Repo, p.Name)
	if !ok {
		if strings.HasSuffix(word, ".sh") {
			return word + " isn't in the build context, so what it needs can't be read"
		}
		return ""
	}
	src, err := p.Repo.ReadFile(ctx)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(src), "\n")
	shell := strings.HasPrefix(first, "#!") && strings.Contains(first, "sh") || strings.HasSuffix(word, ".sh")
	if !named && !shell {
		return ""
	}
	for n, l := range strings.Split(string(src), "\n") {
		if m := serverSettings().FindString(l); m != "" && path.Ext(ctx) == ".ini" {
			return fmt.Sprintf("%s:%d sets %s", ctx, n+1, strings.TrimSpace(m))
		}
		if m := besides(plainCommand(l)); m != "" && !strings.HasPrefix(strings.TrimSpace(l), "#") {
			return fmt.Sprintf("%s:%d starts %s, which writes next to the code", ctx, n+1, m)
		}
		if m := asksRoot(l); m != "" && !strings.HasPrefix(strings.TrimSpace(l), "#") {
			return fmt.Sprintf("%s:%d %s", ctx, n+1, m)
		}
	}
	if !shell {
		return ""
	}
	return foreignCommand(p, s, ctx, string(src), depth)
}

// harmless are commands of scripts that need no right of root and write nothing.
var harmless = words(`echo printf break continue test [ [[ : . source true false set unset export local declare readonly typeset return exit shift cd pushd popd pwd read trap wait sleep cat grep egrep fgrep sed awk gawk cut tr sort
	uniq head tail wc basename dirname readlink realpath date env id whoami uname hostname getent which command type expr seq find ls nc ncat curl jq ping until kill ulimit umask getopts let alias nproc md5sum sha256sum base64
	psql pg_isready mysql mysqladmin redis-cli wait-for-it wait-for-it.sh dockerize timeout nice nohup exec eval xargs stat file diff cmp`)

// ours are programs of a project's ecosystem that work on its own code.
var ours = words(`alembic celery django-admin prisma knex sequelize typeorm ts-node tsc`)

// foreignCommand names a command of a script that isn't the project's own, and that
// drydock doesn't know.
func foreignCommand(p *rewrite.Pass, s *rewrite.Stage, ctx, src string, depth int) string {
	sh, err := rewrite.ParseScript(strings.ReplaceAll(src, "\r\n", "\n"))
	if err != nil {
		return ctx + " isn't a script that drydock can read"
	}
	functions := map[string]bool{}
	for _, m := range functionName().FindAllStringSubmatch(src, -1) {
		functions[m[1]+m[2]] = true
	}
	for _, c := range sh.Commands() {
		args := c.Args
		for len(args) > 1 && (args[0] == "exec" || args[0] == "nohup" || args[0] == "nice" || args[0] == "time") && !strings.HasPrefix(args[1], "-") {
			args = args[1:]
		}
		if len(args) == 0 {
			continue
		}
		name := args[0]
		base := path.Base(name)
		if depth < maxScripts {
			if why := scriptSigns(p, s, startedScript(args), depth+1); why != "" {
				return why
			}
		}
		if harmless[base] || functions[name] || runners[base] || ours[base] || pythonName().MatchString(base) || strings.ContainsAny(name, "$`") {
			continue
		}
		if abs, ok := s.At(nil).Abs(name); ok && strings.Contains(name, "/") {
			if _, ok := s.Trace(abs, p.Repo, p.Name); ok {
				continue
			}
		}
		built := false
		for t := s; t != nil && !built; t = t.Parent() {
			built = builtAs(p, t, base, strings.Contains(name, "/"))
		}
		if !built {
			line := 1 + strings.Count(sh.Text[:min(len(sh.Text), c.Words[0].Start)], "\n")
			return fmt.Sprintf("%s:%d starts %s, and drydock can't see what that does", ctx, line, base)
		}
	}
	return ""
}

// startedScript is the file that a command starts or reads as a script, "" for none.
func startedScript(args []string) string {
	if base := path.Base(args[0]); base != "." && base != "source" && !rewrite.PosixShell(base) {
		if strings.Contains(args[0], "/") {
			return args[0]
		}
		return ""
	}
	for _, a := range args[1:] {
		if !strings.HasPrefix(a, "-") {
			return a
		}
	}
	return ""
}

var functionName = lazily(`(?m)^\s*(?:function\s+([\w-]+)|([\w-]+)\s*\(\))`)

var scriptRoot = lazily(`\b(chown|chmod|gosu|su-exec|setpriv|runuser|sudo|su|cron|crond|sshd|supervisord|iptables|usermod|useradd|adduser|mkdir|mount|sysctl|apt-get|apk|service|ln|sed -i|cp|tee|envsubst|uid *=|gid *=)(\s|$)|>>? *[a-z/.][^\s;&|)]*`)

// openFiles are redirections to what everyone may write to.
var openFiles = lazily(`>>?\s*(?:/dev/(?:null|stdout|stderr|tty)\b|/proc/(?:self|1)/fd/[12]\b|/tmp/[^\s;&|)]*)`)

// asksRoot tells what in a line of a script needs root, or writes where only root may; "" for nothing.
func asksRoot(line string) string {
	m := strings.TrimSpace(scriptRoot().FindString(openFiles().ReplaceAllString(line, "")))
	if file, ok := strings.CutPrefix(m, ">"); ok {
		return "writes to " + strings.TrimSpace(strings.TrimPrefix(file, ">"))
	}
	if m != "" {
		m = "uses " + m
	}
	return m
}

// serverSettings are settings of uwsgi that need root, or name a file to write
// (https://uwsgi-docs.readthedocs.io/en/latest/Options.html).
var serverSettings = lazily(`^\s*(?:(?:immediate-)?[ug]id|chown-socket|(?:safe-)?pidfile2?|daemonize2?|logto2?|spooler)\s*=|^\s*(?:socket|http-socket|stats)\s*=\s*(?:/\S*|[^:\s]*:\d{1,3}\s*$)`)

// handedOver judges the CMD that an entry point of the project gets as its words: it
// most often starts it.
func handedOver(p *rewrite.Pass, s *rewrite.Stage, cmd *rewrite.Instruction) string {
	words := startWords(cmd)
	if len(words) == 0 || strings.HasPrefix(words[0], "-") {
		return ""
	}
	entry := startsBy(s)
	if entry == nil || entry.Keyword != "entrypoint" || ranByShell(entry) == "" && !strings.HasSuffix(program(entry), ".sh") && !strings.Contains(program(entry), "entrypoint") {
		return ""
	}
	return strange(p, s, cmd)
}

func lastOf(s *rewrite.Stage, keyword string) (last *rewrite.Instruction) {
	for _, in := range s.Instructions {
		if in.Keyword == keyword {
			last = in
		}
	}
	return last
}
