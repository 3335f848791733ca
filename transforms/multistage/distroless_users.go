package multistage

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

// Who runs an image without a shell, and what else starts in its containers.

// users settles the user: the file's own number or a user that the image has
// stays; one that a RUN made, or node's own, becomes nonroot.
func (b *bare) users() bool {
	st := b.stage.At(nil)
	if st.User == "" && !st.Root() && st.Known {
		return b.decline(b.stage.From, "the old image runs as its user %s", st.Base.User)
	}
	for _, s := range b.runs() {
		if u, _, _ := strings.Cut(s.User, ":"); strings.Trim(u, "0123456789") != "" && u != "root" && u != "nobody" && u != "nonroot" && !strings.Contains(u, "$") {
			return b.decline(b.stage.From, "%s:%d runs it as %s, whom the image hasn't", s.File, s.Line, u)
		}
	}
	name, group, _ := strings.Cut(st.User, ":")
	number := strings.Trim(name, "0123456789") == "" && name != ""
	own := b.account[name] && !number || name == "node" && b.ref.Repository() == "node"
	switch {
	case name == "":
		if b.root = b.staysRoot(); b.root == "" {
			b.assumes = append(b.assumes, "the program may run as uid 65532 (nonroot) and writes only to /tmp and to folders that it is given")
			for _, in := range b.stage.Instructions {
				if in.Keyword == "expose" && lowPort(in) {
					b.assumes = append(b.assumes, "ports under 1024 are open to every user, as in Docker (not in Kubernetes)")
				}
			}
		}
	case name == "root" || name == "0":
		b.root = "USER says so"
	case own:
		if why := b.keepsData(); why != "" {
			return b.decline(b.stage.From, "%s, and its files belong to %s", why, name)
		}
		if why := b.otherNumber(); why != "" {
			return b.decline(b.stage.From, "%s, to whom the folders of nonroot don't belong", why)
		}
		if at := b.homeNamed(name); at != "" {
			return b.decline(b.stage.From, "%s names the home folder of %s, which the image hasn't", at, name)
		}
		b.becomesNonroot()
		b.explain("%s becomes nonroot (65532), as whom the image runs", name)
		b.assumes = append(b.assumes, "nothing outside of the image counts on the user "+name+" or its number")
	case name == "nobody" || name == "nonroot" || number:
		if group != "" && strings.Trim(group, "0123456789") != "" && group != "nobody" && group != "nonroot" && group != "root" {
			return b.decline(b.stage.From, "it has no group %s", group)
		}
		if number && len(b.owned) > 0 {
			return b.decline(b.stage.From, "a RUN gives %s to user %s, and WORKDIR can't give folders to a number", b.owned[0], name)
		}
		if slices.Contains(b.uids, name) {
			b.assumes = append(b.assumes, "the program needs no home folder and no name for user "+name+", whom a RUN made and the image doesn't know")
		}
	default:
		return b.decline(b.stage.From, "it has no user %s", name)
	}
	b.leftArgs()
	return b.owners(own)
}

// otherNumber names the file that runs the image as a number of its own, where the
// image gives folders or files to its user.
func (b *bare) otherNumber() string {
	gives := len(b.owned) > 0
	for _, in := range b.stage.Instructions {
		_, chown := in.Flag("chown")
		gives = gives || chown
	}
	if !gives {
		return ""
	}
	for _, s := range b.runs() {
		if u, _, _ := strings.Cut(s.User, ":"); u != "" && u != "0" && u != "65532" && strings.Trim(u, "0123456789") == "" {
			return fmt.Sprintf("%s:%d runs it as user %s", s.File, s.Line, u)
		}
	}
	for _, c := range b.p.Containers() {
		if c.User != "" && c.User != "0" && c.User != "65532" {
			return fmt.Sprintf("%s:%d runs it as user %s", c.File, c.Line, c.User)
		}
	}
	return ""
}

// homeNamed is the first place that names the home folder of the file's own user;
// WORKDIR makes one where the file works there.
func (b *bare) homeNamed(name string) string {
	home := regexp.MustCompile(`/home/` + regexp.QuoteMeta(name) + `\b`)
	for _, in := range b.stage.Instructions {
		if k := in.Keyword; (k == "env" || k == "cmd" || k == "entrypoint") && home.MatchString(in.Text) && !rewrite.Inside(b.stage.At(nil).Workdir, "/home/"+name) {
			return "line " + lineOf(in)
		}
	}
	if !b.p.Unsafe {
		return ""
	}
	at := ""
	b.sources([]string{".py", ".js", ".ts", ".mjs", ".cjs", ".go", ".java", ".kt", ".rs", ".yml", ".yaml", ".json", ".toml", ".properties"}, func(f, src string) string {
		if m := home.FindStringIndex(src); m != nil && !rewrite.Inside(b.stage.At(nil).Workdir, "/home/"+name) {
			at = f + ":" + lineAt(src, m[0])
		}
		return at
	})
	return at
}

// becomesNonroot puts nonroot in the place of the file's own user: by the image's
// tag, so that WORKDIR makes folders for it too; by USER where nothing is to be
// given to it and the program may need root as long as no USER says otherwise.
func (b *bare) becomesNonroot() {
	var last *rewrite.Instruction
	for _, in := range b.stage.Instructions {
		if in.Keyword == "user" {
			b.gone, last = append(b.gone, in), in
		}
	}
	b.user = rewrite.FieldUser
	if len(b.owned)+len(b.made) == 0 && b.staysRoot() != "" {
		b.gone = slices.DeleteFunc(b.gone, func(in *rewrite.Instruction) bool { return in == last })
		b.lines[last] = rewrite.KeywordLike(last, "USER") + " nonroot"
		b.byTag = false
	}
}

// owners renames the owners of copied files.
func (b *bare) owners(own bool) bool {
	given := map[*rewrite.Instruction]bool{}
	for _, in := range b.stage.Instructions {
		if in.Keyword != "copy" && in.Keyword != "add" {
			continue
		}
		to, known := "", false
		if _, dest, _, ok := in.Copy(); ok {
			to, known = in.State().Abs(in.State().Expand(dest))
		}
		given[in] = known && slices.ContainsFunc(b.owned, func(p string) bool { return rewrite.Inside(to, p) })
		found := false
		for _, f := range in.Flags {
			owner, ok := strings.CutPrefix(f.Text, "--chown=")
			if !ok {
				continue
			}
			found = true
			user, group, both := strings.Cut(owner, ":")
			plain := func(n string) bool {
				return strings.Trim(n, "0123456789") == "" || n == "root" || n == "nobody" || n == "nonroot"
			}
			mine := func(n string) bool { return b.account[n] || own && n == "node" }
			switch {
			case plain(user) && plain(group):
				continue
			case (mine(user) || plain(user)) && (mine(group) || plain(group)) && b.root == "":
			default:
				return b.decline(in, "it gives files to %s, whom the image hasn't", owner)
			}
			to := "nonroot"
			if both {
				to += ":nonroot"
			}
			sp, ok := in.WordSpan(f)
			if !ok {
				return b.decline(in, "a flag is broken over lines")
			}
			b.edits = append(b.edits, rewrite.Edit{Span: sp, New: "--chown=" + to})
		}
		if given[in] && !found && b.root == "" {
			at := in.SrcPos(len(in.Text) - len(strings.TrimLeft(in.Text[len(in.Keyword):], " \t")))
			b.edits = append(b.edits, rewrite.Edit{Span: rewrite.Span{Start: at, End: at}, New: "--chown=nonroot:nonroot "})
		}
	}
	return true
}

// keepsData names a volume whose files an earlier container's user owns.
func (b *bare) keepsData() string {
	for _, in := range b.stage.Instructions {
		if in.Keyword == "volume" && strings.Trim(in.Args.Text, `[]" `) != "/tmp" {
			return "line " + lineOf(in) + " keeps data in a volume"
		}
	}
	for _, s := range b.runs() {
		for _, v := range s.Volumes {
			if source, target, found := strings.Cut(v, ":"); found && !strings.HasSuffix(target, ":ro") && source != "" {
				return fmt.Sprintf("%s:%d mounts %s", s.File, s.Line, source)
			}
		}
	}
	for _, c := range b.p.Containers() {
		for _, m := range c.Mounts {
			if !m.ReadOnly && (m.Kind == "hostPath" || m.Kind == "claim") {
				return fmt.Sprintf("%s:%d mounts a volume on %s", c.File, m.Line, m.Path)
			}
		}
	}
	return ""
}

// staysRoot tells why the program has to run as root, as before.
func (s *split) staysRoot() string {
	if why := cmp.Or(s.keepsRoot(), s.argumentWrites()); why != "" {
		return why
	}
	if w, found := s.p.Workplace(s.stage, repo.WorkplaceAction); found {
		return fmt.Sprintf("%s:%d makes it an action of GitHub, which runs as root", w.File, w.Line)
	}
	for _, in := range s.stage.Instructions {
		if _, dest, _, isCopy := in.Copy(); isCopy {
			if to, ok := in.State().Abs(in.State().Expand(dest)); ok && rewrite.Inside(to, "/root") {
				return "line " + lineOf(in) + " copies into /root, which only root may enter"
			}
		}
		if in.Keyword == "add" && strings.Contains(in.Args.Text, "://") {
			if _, ok := in.Flag("chmod"); !ok { // https://docs.docker.com/reference/dockerfile/#add
				return "line " + lineOf(in) + " downloads a file, which root alone may read"
			}
		}
		if mode, ok := in.Flag("chmod"); ok && ownersMode().MatchString(mode) {
			return "line " + lineOf(in) + " lets only the owner read what it copies"
		}
	}
	for _, in := range s.stage.Instructions { // a server that another stage downloads keeps logs and work files in its folder
		_, _, from, ok := in.Copy()
		if o := s.doc.StageByRef(from, s.stage.Index); ok && o != nil && javaRuntimes[s.ref.Repository()] && fetches().MatchString(fetchText(o)) {
			return "line " + lineOf(in) + " copies what the stage " + stageName(o) + " downloads, and where that writes isn't known"
		}
	}
	for _, svc := range s.runs() {
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
	for _, c := range s.p.Containers() {
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
func (s *split) argumentWrites() string {
	for _, in := range s.stage.Instructions {
		line, _ := startLine(in)
		for i, w := range line {
			key, v, joined := strings.Cut(w, "=")
			if !joined && i+1 < len(line) {
				v = line[i+1]
			}
			if in.Keyword != "healthcheck" && strings.HasPrefix(w, "-") && writingOption().MatchString(key) && (strings.HasPrefix(v, "/") || strings.HasPrefix(v, "./") || joined && v != "") && !rewrite.Inside(v, "/tmp") && !rewrite.Inside(v, "/dev") {
				return "line " + lineOf(in) + " tells it to write to " + v
			}
		}
	}
	return ""
}

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

// leftArgs tells of build arguments that only RUNs used which go. They stay: a
// build command may pass them.
func (b *bare) leftArgs() {
	left, went := "", ""
	for _, in := range b.stage.Instructions {
		switch {
		case slices.Contains(b.gone, in) || b.lines[in] != "" && in.Keyword == "run":
			went += in.Text + "\n"
		case in.Keyword != "arg":
			left += in.Text + "\n"
		}
	}
	for _, in := range b.stage.Instructions {
		if in.Keyword != "arg" || len(in.Assignments()) != 1 {
			continue
		}
		name, _, _ := strings.Cut(in.Assignments()[0].Text, "=")
		if slices.Contains(variableNames(went), name) && !slices.Contains(variableNames(left), name) {
			b.explain("ARG %s is of no use any more; it stays, since a build command may pass it", name)
		}
	}
}

// outside declines where what compose files, Kubernetes manifests and CI start in
// the container needs a shell, or a program of the old system.
func (b *bare) outside() bool {
	entry := b.hasEntrypoint()
	ours := func(words []string) bool { return b.bins != nil && b.starts(words) }
	for _, c := range b.p.Containers() {
		at := fmt.Sprintf("%s:%d", c.File, c.Line)
		lists := append(slices.Clone(c.Exec), c.Command)
		if len(c.Command) == 0 && !entry {
			lists = append(lists, c.Args)
		}
		for _, l := range lists {
			if len(l) > 0 && !ours(l) {
				return b.decline(b.stage.From, "%s runs %s in the container", at, strings.Join(l[:min(3, len(l))], " "))
			}
		}
	}
	for _, c := range b.p.Commands() {
		if c.Image && entry || ours(c.Words) {
			continue // arguments of the entry point
		}
		return b.decline(b.stage.From, "%s:%d runs %s in the container", c.File, c.Line, strings.Join(c.Words[:min(3, len(c.Words))], " "))
	}
	return true
}
