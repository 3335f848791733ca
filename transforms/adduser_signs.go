package transforms

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"drydock/rewrite"
)

// Signs in the Dockerfile, in the scripts that the image starts and in the
// compose services that run it, that a program needs root or may write where
// only root may. One is enough for add-user to decline.

var rootWords = lazily(`\b(sudo|gosu|su-exec|setpriv|runuser|crond?|sshd|openssh-server|supervisord?|s6-overlay|runit|systemd|iptables|docker\.sock|dockerd|privileged|setcap|chroot|mount|fuse|tini-root|init\.d|service)\b`)

// closed: modes that leave nothing for others.
var closed = lazily(`\bchmod\s+(-\S+\s+)*(0?[0-7]{2}0|[ugo]*o?-rwx|go-\w+|go=|o=)(\s|$)`)

// dataVars: variables that name a folder, or a database, to write to.
var dataVars = lazily(`\b\w*(DATA|LOG|UPLOAD|CACHE|STORAGE|MEDIA|DB|DATABASE|SQLITE)\w*[= ]"?(/[\w./-]+|sqlite\S*)`)

// rootsHome: tools that install below the home directory of whoever runs them;
// root's home is closed to others.
var rootsHome = lazily(`/root\b|~/|\$HOME|\$\{HOME|--user\b|\bpipenv\b|\bpoetry install|\bpipx\b|\bnvm\b|\brustup\b|\bplaywright\b|\bpuppeteer\b|nltk\.download|huggingface|spacy download|\bsdkman\b|\basdf\b|\brbenv\b|\bpyenv\b|\buv (sync|python|tool)`)

var makesUser = lazily(`\b(useradd|adduser|groupadd|addgroup)\b`)

// rootSigns looks for what needs root in the file, the scripts that it starts
// and the compose services that run it.
func rootSigns(p *rewrite.Pass, s *rewrite.Stage) (*rewrite.Instruction, string) {
	chain := []*rewrite.Stage{}
	for t := s; t != nil; t = t.Parent() {
		chain = append(chain, t)
	}
	if s.Name != "" && len(p.Doc.Stages) > s.Index+1 {
		return s.From, "other stages are built from it"
	}
	if tail(s) == nil {
		return startsBy(s), "steps follow CMD; where USER belongs isn't clear"
	}
	for _, t := range chain {
		for _, in := range t.Instructions {
			switch in.Keyword {
			case "expose":
				for _, f := range in.Fields() {
					port, _, _ := strings.Cut(t.At(in).Expand(f.Text), "/")
					if n, err := strconv.Atoi(port); err != nil || n < 1024 {
						return in, "port " + f.Text + " may need root"
					}
				}
			case "workdir":
				if strings.Contains(in.Text, "/root") {
					return in, "the program lies in root's home"
				}
			case "copy", "add":
				if strings.Contains(in.Args.Text, "/root") {
					return in, "files lie in root's home"
				}
				if mode, ok := in.Flag("chmod"); ok && closed().MatchString("chmod "+mode) {
					return in, "--chmod closes files to other users"
				}
				if _, _, from, _ := in.Copy(); from != "" && p.Doc.StageByRef(from, t.Index) == nil {
					return in, "it takes programs from " + from + ", which drydock can't read"
				}
			case "volume":
				return in, "a VOLUME keeps the owner that it was made with"
			case "onbuild":
				return in, "ONBUILD steps run in images built from this one"
			case "env":
				if strings.Contains(in.Text, "/root") {
					return in, "a variable points into root's home"
				}
				if m := dataVars().FindString(in.Text); m != "" && !strings.Contains(m, "/tmp") {
					return in, "a variable names a place to write to (" + m + ")"
				}
			case "run":
				if m := rootsHome().FindString(in.Args.Text); m != "" && !(m == "pipenv" && strings.Contains(in.Text, "--system")) {
					return in, "a RUN puts things into root's home (" + strings.TrimSpace(m) + ")"
				}
				if m := closed().FindString(in.Text); m != "" {
					return in, m + " closes files to other users"
				}
				if dir := makesFolder(t, in); dir != "" {
					return in, "a RUN makes " + dir + ", where the program may want to write"
				}
				if m := makesUser().FindString(in.Text); m != "" {
					return in, m + " makes a user already; choose it with USER"
				}
				if m := rootWords().FindString(in.Text); m != "" && m != "mount" && m != "cron" || strings.Contains(in.Text, "cron ") {
					return in, "a RUN installs or uses " + cmp.Or(m, "cron")
				}
			case "cmd", "entrypoint":
				if m := rootWords().FindString(in.Text); m != "" {
					return in, "it starts " + m
				}
				if m := scriptRoot().FindString(in.Args.Text); m != "" {
					return in, "what it starts uses " + strings.TrimSpace(m)
				}
				for _, w := range strings.FieldsFunc(in.Args.Text, func(r rune) bool { return strings.ContainsRune(` ",[]`, r) }) {
					if why := scriptSigns(p, t, w); why != "" {
						return in, why
					}
				}
			}
		}
	}
	for _, b := range p.Repo.Builds() {
		if b.User != "" && (b.User == "root" || b.User == "0") {
			return nil, b.File + " runs it as root"
		}
		for _, v := range b.Volumes {
			if strings.Contains(v, "docker.sock") {
				return nil, b.File + " mounts the Docker socket"
			}
		}
	}
	return nil, ""
}

// makesFolder names a folder that a RUN makes and that isn't on the way to the
// working directory or to a file that is copied; "" for none.
func makesFolder(s *rewrite.Stage, in *rewrite.Instruction) string {
	sh, why := in.Shell()
	if why != "" {
		return ""
	}
	end := s.At(nil).Workdir
	for _, c := range sh.Commands() {
		if c.Name != "mkdir" {
			continue
		}
		for _, a := range c.Args[1:] {
			abs, ok := s.At(in).Abs(a)
			if !strings.HasPrefix(a, "-") && (!ok || !strings.HasPrefix(end+"/", abs+"/") && abs != "/tmp") {
				return a
			}
		}
	}
	return ""
}

// scriptSigns reads a script of the project that the image starts.
func scriptSigns(p *rewrite.Pass, s *rewrite.Stage, word string) string {
	if !strings.HasSuffix(word, ".sh") && !strings.Contains(word, "entrypoint") && !strings.Contains(word, "start") && !strings.HasSuffix(word, ".ini") {
		return ""
	}
	abs, ok := s.At(nil).Abs(word)
	if !ok {
		return word + " is a computed path"
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
	for n, l := range strings.Split(string(src), "\n") {
		if m := scriptRoot().FindString(l); m != "" && !strings.HasPrefix(strings.TrimSpace(l), "#") {
			return fmt.Sprintf("%s:%d uses %s", ctx, n+1, strings.TrimSpace(m))
		}
	}
	return ""
}

var scriptRoot = lazily(`\b(chown|chmod|gosu|su-exec|setpriv|runuser|sudo|su|cron|crond|sshd|supervisord|iptables|usermod|useradd|adduser|mkdir|mount|sysctl|apt-get|apk|service|ln|sed -i|cp|tee|envsubst|uid *=|gid *=)(\s|$)|>>? *[a-z/.]`)
