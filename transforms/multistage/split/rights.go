package split

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// LowPort: an EXPOSE names a port under 1024.
func LowPort(in *rewrite.Instruction) bool {
	for _, f := range in.Fields() {
		p, _, _ := strings.Cut(f.Text, "/")
		if n := cmdline.Number(p); n > 0 && n < 1024 {
			return true
		}
	}
	return false
}

// KeepsRoot tells why the program has to run as root as before, "" when it
// doesn't.
func (b *Split) KeepsRoot() string {
	for _, in := range b.Stage.Instructions {
		if in.Keyword == "volume" && strings.Trim(in.Args.Text, `[]" `) != "/tmp" { // which is everybody's
			return "VOLUME keeps root's folders"
		}
		if log := JavaLog(in); log != "" {
			return "line " + cmdline.LineOf(in) + " has java write its log to " + log
		}
	}
	if wd := b.Stage.At(nil).Workdir; rewrite.Inside(wd, "/root") {
		return "only root may enter " + wd
	}
	if b.Pass.Unsafe {
		if why := b.Pass.Repo.Writes(b.Pass.Name, false); why != "" {
			return why
		}
		return b.rootCalls()
	}
	return ""
}

// AssumesNonroot writes down what running as distroless' nonroot rests on.
func (s *Split) AssumesNonroot() {
	s.Assumes = append(s.Assumes, "the program may run as uid 65532 (nonroot) and writes only to /tmp")
	for _, in := range s.Stage.Instructions {
		if in.Keyword == "expose" && LowPort(in) {
			s.Assumes = append(s.Assumes, "ports under 1024 are open to every user, as in Docker (not in Kubernetes)")
		}
	}
}

// JavaRuntimes are images whose Java is HotSpot, as distroless' is.
var JavaRuntimes = words(`eclipse-temurin openjdk amazoncorretto`)

// StageName is how a stage is named in a sentence: "the stage build", or "the stage of line 3".
func StageName(s *rewrite.Stage) string {
	if s.Name != "" {
		return "the stage " + s.Name
	}
	return "the stage of line " + cmdline.LineOf(s.From)
}

// StaysRoot tells why the program has to run as root, as before.
func (s *Split) StaysRoot() string {
	if why := cmp.Or(s.KeepsRoot(), s.argumentWrites(), s.KeepsFiles()); why != "" {
		return why
	}
	if w, found := s.Pass.Workplace(s.Stage, repo.WorkplaceAction); found {
		return fmt.Sprintf("%s:%d makes it an action of GitHub, which runs as root", w.File, w.Line)
	}
	for _, in := range s.Stage.Instructions {
		if _, dest, _, isCopy := in.Copy(); isCopy {
			if to, ok := in.State().Abs(in.State().Expand(dest)); ok && rewrite.Inside(to, "/root") {
				return "line " + cmdline.LineOf(in) + " copies into /root, which only root may enter"
			}
		}
		if in.Keyword == "add" && strings.Contains(in.Args.Text, "://") {
			if _, ok := in.Flag("chmod"); !ok { // https://docs.docker.com/reference/dockerfile/#add
				return "line " + cmdline.LineOf(in) + " downloads a file, which root alone may read"
			}
		}
		if mode, ok := in.Flag("chmod"); ok && ownersMode().MatchString(mode) {
			return "line " + cmdline.LineOf(in) + " lets only the owner read what it copies"
		}
	}
	for _, in := range s.Stage.Instructions { // a server that another stage downloads keeps logs and work files in its folder
		_, _, from, ok := in.Copy()
		if o := s.Doc.StageByRef(from, s.Stage.Index); ok && o != nil && JavaRuntimes[s.Ref.Repository()] && fetches().MatchString(fetchText(o)) {
			return "line " + cmdline.LineOf(in) + " copies what " + StageName(o) + " downloads, and where that writes isn't known"
		}
	}
	for _, svc := range s.Runs() {
		at := fmt.Sprintf("%s:%d", svc.File, svc.Line)
		if user, _, _ := strings.Cut(svc.User, ":"); user == "root" || user == "0" || svc.Privileged || len(svc.CapAdd) > 0 {
			return at + " runs it with rights of root"
		}
		for _, v := range svc.Volumes {
			source, target, found := strings.Cut(v, ":")
			ofHost := strings.HasPrefix(source, "/") || strings.HasPrefix(source, "~") // keys, sockets
			if found && (ofHost || !strings.HasSuffix(target, ":ro")) && source != "" {
				return at + " mounts " + source + ", whose owner the image doesn't decide"
			}
		}
	}
	for _, c := range s.Pass.Containers() {
		at := fmt.Sprintf("%s:%d", c.File, c.Line)
		if c.User == "0" || c.Privileged || len(c.Capabilities) > 0 {
			return at + " runs it with rights of root"
		}
		for _, n := range c.Ports {
			if n < 1024 {
				return at + " sends to port " + strconv.Itoa(n) + ", which Kubernetes opens to root alone"
			}
		}
		for _, m := range c.Mounts {
			if !m.ReadOnly && (m.Kind == "hostPath" || m.Kind == "claim" && c.Group == "") {
				return at + " mounts a volume on " + m.Path + ", which belongs to root"
			}
		}
	}
	return ""
}

// argumentWrites names an argument of the start command that tells the program where
// to keep data or logs.
func (s *Split) argumentWrites() string {
	for _, in := range s.Stage.Instructions {
		line, _ := cmdline.StartLine(in)
		for i, w := range line {
			key, v, joined := strings.Cut(w, "=")
			if !joined && i+1 < len(line) {
				v = line[i+1]
			}
			if in.Keyword != "healthcheck" && strings.HasPrefix(w, "-") && writingOption().MatchString(key) && (strings.HasPrefix(v, "/") || strings.HasPrefix(v, "./") || joined && v != "") && !rewrite.Inside(v, "/tmp") && !rewrite.Inside(v, "/dev") {
				return "line " + cmdline.LineOf(in) + " tells it to write to " + v
			}
		}
	}
	return ""
}

// keepers are programs that keep files in their working directory: scrapyd its eggs and databases
// (https://scrapyd.readthedocs.io/en/latest/config.html), twistd its number, the others their state.
var keepers = words(`scrapyd scrapy twistd luigid rasa mlflow superset`)

// KeepsFiles tells that what the image or a compose service starts keeps files in its working
// directory, which root has made; "" where it isn't known to.
func (s *Split) KeepsFiles() string {
	keeper := func(line []string) string {
		if len(line) > 2 && line[1] == "-m" {
			line = line[2:]
		}
		if len(line) == 0 {
			return ""
		}
		switch name := path.Base(line[0]); {
		case keepers[name]:
			return name
		case name == "celery" && (slices.Contains(line, "beat") || slices.Contains(line, "-B")) && !slices.ContainsFunc(line, func(w string) bool { return scheduleOption().MatchString(w) }):
			return "celery beat"
		}
		return ""
	}
	for _, in := range s.Stage.Instructions {
		line, shell := cmdline.StartLine(in)
		if shell {
			line = strings.Fields(strings.Join(line, " "))
		}
		if name := keeper(line); name != "" {
			return "line " + cmdline.LineOf(in) + " starts " + name + ", which keeps files in its working directory"
		}
	}
	for _, svc := range s.Runs() {
		if name := keeper(slices.Concat(svc.Entrypoint, svc.Command)); name != "" {
			return fmt.Sprintf("%s:%d starts %s, which keeps files in its working directory", svc.File, svc.Line, name)
		}
	}
	return ""
}

// scheduleOption are options of celery beat that put its schedule elsewhere, or into a database.
var scheduleOption = lazily(`^(?:-s|--schedule(?:=.*)?|-S|--scheduler(?:=.*)?)$`)

// fetchText is the text of a stage's RUNs and ADDs.
func fetchText(st *rewrite.Stage) string {
	text := ""
	for _, in := range st.Instructions {
		if in.Keyword == "run" || in.Keyword == "add" {
			text += in.Text + "\n"
		}
	}
	return text
}

// fetches: a stage downloads a program.
var fetches = lazily(`\b(curl|wget)\s[^\n]*\bhttps?://|(?m)^\s*ADD\s+https?://`)

var writingOption = lazily(`(?i)^-+(?:[\w.:-]*[-.:])?(data|db|database|datadir|dbpath|storage|state|log|logs|logfile|dump\w*|heapdumppath|out|output|pid|pidfile|cache|wal|work)([-._]?(dir|path|file|folder))?$|^-Xlog.*file|(?i)heapdumppath$|^-+(?:[\w.-]*[-.])?(data|storage|state|log|cache|db)\.\w*(path|dir|file)$`)

// ownersMode is a mode that keeps others from reading.
var ownersMode = lazily(`^0?[0-7]{2}[0-3]$|^[ug]\+|o-r`)

// JavaLog is the file outside of /tmp that an instruction's options of java write their log to; "" for none. Java
// doesn't start where it can't open it
// (https://docs.oracle.com/en/java/javase/21/docs/specs/man/java.html#enable-logging-with-the-jvm-unified-logging-framework).
func JavaLog(in *rewrite.Instruction) string {
	if m := javaLog().FindStringSubmatch(in.Text); m != nil && !strings.HasPrefix(m[1], "/tmp/") && !strings.HasPrefix(m[1], "/dev/") {
		return m[1]
	}
	return ""
}

var javaLog = lazily(`-Xlog(?:gc:|:[^\s"',:]*:(?:file=)?)((?:[\w./$%{}-])*[./][\w./$%{}-]*)`)
