package distroless

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/split"
)

// Who runs an image without a shell, and what else starts in its containers.

// users settles the user: the file's own number or a user that the image has
// stays; one that a RUN made, or node's own, becomes nonroot.
func (b *bare) users() bool {
	st := b.Stage.At(nil)
	if st.User == "" && !st.Root() && st.Known {
		return b.Decline(b.Stage.From, "the old image runs as its user %s", st.Base.User)
	}
	for _, s := range b.Runs() {
		if u, _, _ := strings.Cut(s.User, ":"); strings.Trim(u, "0123456789") != "" && u != "root" && u != "nobody" && u != "nonroot" && !strings.Contains(u, "$") {
			return b.Decline(b.Stage.From, "%s:%d runs it as %s, whom the image hasn't", s.File, s.Line, u)
		}
	}
	name, group, _ := strings.Cut(st.User, ":")
	number := strings.Trim(name, "0123456789") == "" && name != ""
	own := b.account[name] && !number || name == "node" && b.Ref.Repository() == "node"
	switch {
	case name == "":
		if b.root = b.StaysRoot(); b.root == "" {
			b.Assumes = append(b.Assumes, "the program may run as uid 65532 (nonroot) and writes only to /tmp and to folders that it is given")
			for _, in := range b.Stage.Instructions {
				if in.Keyword == "expose" && split.LowPort(in) {
					b.Assumes = append(b.Assumes, "ports under 1024 are open to every user, as in Docker (not in Kubernetes)")
				}
			}
		}
	case name == "root" || name == "0":
		b.root = "USER says so"
	case own:
		if why := b.keepsData(); why != "" {
			return b.Decline(b.Stage.From, "%s, and its files belong to %s", why, name)
		}
		if why := b.otherNumber(); why != "" {
			return b.Decline(b.Stage.From, "%s, to whom the folders of nonroot don't belong", why)
		}
		if at := b.homeNamed(name); at != "" {
			return b.Decline(b.Stage.From, "%s names the home folder of %s, which the image hasn't", at, name)
		}
		b.becomesNonroot()
		b.Explain("%s becomes nonroot (65532), as whom the image runs", name)
		b.Assumes = append(b.Assumes, "nothing outside of the image counts on the user "+name+" or its number")
	case name == "nobody" || name == "nonroot" || number:
		if group != "" && strings.Trim(group, "0123456789") != "" && group != "nobody" && group != "nonroot" && group != "root" {
			return b.Decline(b.Stage.From, "it has no group %s", group)
		}
		if number && len(b.owned) > 0 {
			return b.Decline(b.Stage.From, "a RUN gives %s to user %s, and WORKDIR can't give folders to a number", b.owned[0], name)
		}
		if slices.Contains(b.uids, name) {
			b.Assumes = append(b.Assumes, "the program needs no home folder and no name for user "+name+", whom a RUN made and the image doesn't know")
		}
	default:
		return b.Decline(b.Stage.From, "it has no user %s", name)
	}
	b.leftArgs()
	return b.owners(own)
}

// otherNumber names the file that runs the image as a number of its own, where the
// image gives folders or files to its user.
func (b *bare) otherNumber() string {
	gives := len(b.owned) > 0
	for _, in := range b.Stage.Instructions {
		_, chown := in.Flag("chown")
		gives = gives || chown
	}
	if !gives {
		return ""
	}
	for _, s := range b.Runs() {
		if u, _, _ := strings.Cut(s.User, ":"); u != "" && u != "0" && u != "65532" && strings.Trim(u, "0123456789") == "" {
			return fmt.Sprintf("%s:%d runs it as user %s", s.File, s.Line, u)
		}
	}
	for _, c := range b.Pass.Containers() {
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
	for _, in := range b.Stage.Instructions {
		if k := in.Keyword; (k == "env" || k == "cmd" || k == "entrypoint") && home.MatchString(in.Text) && !rewrite.Inside(b.Stage.At(nil).Workdir, "/home/"+name) {
			return "line " + cmdline.LineOf(in)
		}
	}
	if !b.Pass.Unsafe {
		return ""
	}
	at := ""
	b.Sources([]string{".py", ".js", ".ts", ".mjs", ".cjs", ".go", ".java", ".kt", ".rs", ".yml", ".yaml", ".json", ".toml", ".properties"}, func(f, src string) string {
		if m := home.FindStringIndex(src); m != nil && !rewrite.Inside(b.Stage.At(nil).Workdir, "/home/"+name) {
			at = f + ":" + cmdline.LineAt(src, m[0])
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
	for _, in := range b.Stage.Instructions {
		if in.Keyword == "user" {
			b.gone, last = append(b.gone, in), in
		}
	}
	b.user = rewrite.FieldUser
	if len(b.owned)+len(b.made) == 0 && b.StaysRoot() != "" {
		b.gone = slices.DeleteFunc(b.gone, func(in *rewrite.Instruction) bool { return in == last })
		b.lines[last] = rewrite.KeywordLike(last, "USER") + " nonroot"
		b.byTag = false
	}
}

// owners renames the owners of copied files.
func (b *bare) owners(own bool) bool {
	given := map[*rewrite.Instruction]bool{}
	for _, in := range b.Stage.Instructions {
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
				return b.Decline(in, "it gives files to %s, whom the image hasn't", owner)
			}
			to := "nonroot"
			if both {
				to += ":nonroot"
			}
			sp, ok := in.WordSpan(f)
			if !ok {
				return b.Decline(in, "a flag is broken over lines")
			}
			b.Edits = append(b.Edits, rewrite.Edit{Span: sp, New: "--chown=" + to})
		}
		if given[in] && !found && b.root == "" {
			at := in.SrcPos(len(in.Text) - len(strings.TrimLeft(in.Text[len(in.Keyword):], " \t")))
			b.Edits = append(b.Edits, rewrite.Edit{Span: rewrite.Span{Start: at, End: at}, New: "--chown=nonroot:nonroot "})
		}
	}
	return true
}

// keepsData names a volume whose files an earlier container's user owns.
func (b *bare) keepsData() string {
	for _, in := range b.Stage.Instructions {
		if in.Keyword == "volume" && strings.Trim(in.Args.Text, `[]" `) != "/tmp" {
			return "line " + cmdline.LineOf(in) + " keeps data in a volume"
		}
	}
	for _, s := range b.Runs() {
		for _, v := range s.Volumes {
			if source, target, found := strings.Cut(v, ":"); found && !strings.HasSuffix(target, ":ro") && source != "" {
				return fmt.Sprintf("%s:%d mounts %s", s.File, s.Line, source)
			}
		}
	}
	for _, c := range b.Pass.Containers() {
		for _, m := range c.Mounts {
			if !m.ReadOnly && (m.Kind == "hostPath" || m.Kind == "claim") {
				return fmt.Sprintf("%s:%d mounts a volume on %s", c.File, m.Line, m.Path)
			}
		}
	}
	return ""
}

// leftArgs tells of build arguments that only RUNs used which go. They stay: a
// build command may pass them.
func (b *bare) leftArgs() {
	left, went := "", ""
	for _, in := range b.Stage.Instructions {
		switch {
		case slices.Contains(b.gone, in) || b.lines[in] != "" && in.Keyword == "run":
			went += in.Text + "\n"
		case in.Keyword != "arg":
			left += in.Text + "\n"
		}
	}
	for _, in := range b.Stage.Instructions {
		if in.Keyword != "arg" || len(in.Assignments()) != 1 {
			continue
		}
		name, _, _ := strings.Cut(in.Assignments()[0].Text, "=")
		if slices.Contains(cmdline.VariableNames(went), name) && !slices.Contains(cmdline.VariableNames(left), name) {
			b.Explain("ARG %s is of no use any more; it stays, since a build command may pass it", name)
		}
	}
}

// outside declines where what compose files, Kubernetes manifests and CI start in
// the container needs a shell, or a program of the old system.
func (b *bare) outside() bool {
	entry := b.HasEntrypoint()
	ours := func(words []string) bool { return b.bins != nil && b.starts(words) }
	for _, c := range b.Pass.Containers() {
		at := fmt.Sprintf("%s:%d", c.File, c.Line)
		lists := append(slices.Clone(c.Exec), c.Command)
		if len(c.Command) == 0 && !entry {
			lists = append(lists, c.Args)
		}
		for _, l := range lists {
			if len(l) > 0 && !ours(l) {
				return b.Decline(b.Stage.From, "%s runs %s in the container", at, strings.Join(l[:min(3, len(l))], " "))
			}
		}
	}
	for _, c := range b.Pass.Commands() {
		if c.Image && entry || ours(c.Words) {
			continue // arguments of the entry point
		}
		return b.Decline(b.Stage.From, "%s:%d runs %s in the container", c.File, c.Line, strings.Join(c.Words[:min(3, len(c.Words))], " "))
	}
	return true
}
