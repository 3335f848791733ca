package transforms

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"drydock/rewrite"
)

// add-user lets the final image run as a user that isn't root.
var _ = register(&rewrite.Transform{
	Name:      "add-user",
	Summary:   "Run the final image as a user that isn't root",
	Phase:     rewrite.PhaseUser,
	Rules:     []string{"DL3002"},
	AllAssume: true,
	Doc: `A process that runs as root in a container is root for every file that it can
reach, and Kubernetes' restricted policy refuses it
(https://docs.docker.com/build/building/best-practices/#user, hadolint DL3002).

An unprivileged user of the base image is used where there is one (node in
node images, nonroot in distroless, app in .NET from version 8), then the one
user that the file makes by itself; on scratch a number. Else a system user with
a fixed number is created, in the way of the base's distribution. The code stays
owned by root and readable: the program can't rewrite itself.

Where the source tells every place that the program writes to (a SQLite file,
uploads, logs, the folder of a VOLUME), and all of them lie in the app's own
folders, the user is given those folders: mkdir and chown of the folder alone,
since chown -R over copied files would store them twice. Where a tool writes next
to the code (next start, nest start, prisma migrate) and COPY alone brings it,
COPY --chown gives the user all of it.`,
	Assumes: `The program writes only to /tmp, its home and the folders that it is given, and
needs no right of root; a volume that is mounted there belongs to the same user.`,
	Declines: `Where something speaks against the assumption: a program whose
source drydock can't read, or a script that starts one; source that writes to a
computed path, to a copied file or outside of the app's folders; variables or
folders that show where it writes; a port under 1024 (Docker opens it to every
user, Kubernetes doesn't), sudo, gosu, cron, sshd, supervisord, chown in the
entry point, the Docker socket; files that only root may read; several users
that the file creates, an explicit USER root at the end, an image without CMD and
ENTRYPOINT; services that drop root by themselves (nginx, postgres, …),
frameworks that write next to the code (Rails, Laravel; Next, Prisma and the
like where a RUN of the last stage made it), a base that drydock doesn't know,
and one without useradd. Compose files and Kubernetes manifests of the
repository that run it as root, privileged, with rights of root or on volumes of
the host that it writes to count too.`,
	Run: runAddUser,
})

// ownUser are official images whose entry point drops root by itself, or which
// need root to start.
var ownUser = words(`nginx httpd postgres mysql mariadb mongo redis memcached rabbitmq haproxy traefik caddy wordpress drupal nextcloud ghost elasticsearch kibana logstash cassandra
	neo4j influxdb telegraf consul vault zookeeper docker registry jenkins sonarqube tomcat jetty php rockylinux couchdb couchbase nats eclipse-mosquitto varnish adminer phpmyadmin joomla matomo mediawiki odoo redmine solr storm`)

func runAddUser(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	s := p.Doc.Final()
	st := s.At(nil)
	if st.User != "" && !st.Root() {
		return nil, nil // it has one
	}
	if st.User == "" && st.Known && !st.Root() {
		return nil, nil // the base has one
	}
	decline := func(in *rewrite.Instruction, format string, a ...any) ([]rewrite.Change, error) {
		p.Decline(in, "still root: "+format, a...)
		return nil, nil
	}
	if _, ok := unlisted(s); !st.Known && !ok {
		return decline(s.From, "drydock doesn't know the users of %s", s.BaseName())
	}
	start := startsBy(s)
	switch {
	case st.User != "":
		return decline(userOf(s), "the file ends with USER %s on purpose", st.User)
	case start == nil:
		return decline(s.From, "no CMD or ENTRYPOINT here; this looks like a base for others or a tool")
	case st.Base.OnBuild || strings.Contains(st.Base.Tag, "onbuild"):
		return decline(s.From, "the base runs ONBUILD steps of its own")
	case startsShell(s):
		return decline(start, "it starts a shell; this looks like a base for others or a tool")
	case st.Base.Repository == "php" && !strings.Contains(st.Base.Tag, "apache") && !strings.Contains(st.Base.Tag, "fpm"):
		return decline(start, "drydock can't see what php does: its frameworks write caches and sessions next to the code")
	case ownUser[st.Base.Repository]:
		return decline(s.From, "%s manages its user by itself", st.Base.Repository)
	}
	if !p.Repo.Known() {
		return decline(start, "the build context isn't known, so neither is what the program writes")
	}
	if why := strange(p, s, start); why != "" {
		return decline(start, "%s", why)
	}
	made, in, why := rootSigns(p, s)
	if why != "" {
		return decline(in, "%s", why)
	}
	acc, why := accountOf(s)
	if why != "" {
		return decline(s.From, "%s", why)
	}
	var given []folder
	if p.Unsafe { // reads the source: only where the change could be kept
		if why = deployed(p, s); why == "" {
			given, in, why = foldersToGive(p, s, start, acc, made)
			if beside := writesBesideCode(p, s); beside != "" {
				var app folder
				if app, why = appFolder(p, s, acc, beside); why == "" {
					given, in = []folder{app}, nil
				}
			}
			if why == "" {
				if port := p.Repo.LowPort(scanOf(p, s, start)); port != "" {
					why = port + ", which is under 1024: Docker opens it to every user, Kubernetes to root alone"
				}
			}
		}
		if why != "" {
			return decline(cmp.Or(in, start), "%s", why)
		}
	}
	if p.Unsafe && acc.uid != "" && numbered(p) {
		acc.user = acc.uid
	}
	for _, m := range made {
		if !slices.ContainsFunc(given, func(f folder) bool { return f.path == m.path }) && !acc.owns(s, m.path) {
			return decline(m.in, "a RUN makes %s, where the program may want to write", m.name)
		}
	}
	return []rewrite.Change{acc.change(p, s, start, given)}, nil
}

// change makes the account, gives it its folders and runs the program as it.
func (a account) change(p *rewrite.Pass, s *rewrite.Stage, start *rewrite.Instruction, given []folder) rewrite.Change {
	place, end := tail(s), 0
	if place != nil {
		end = place.Index
	} else { // steps follow CMD: the user goes behind them
		end = s.Instructions[len(s.Instructions)-1].Index + 1
	}
	closing := func(lines string) rewrite.Edit {
		if place == nil {
			if !strings.HasSuffix(p.Doc.Src, "\n") {
				lines = strings.TrimSuffix(lines, "\n")
			}
			return p.Doc.InsertAfter(s.Instructions[len(s.Instructions)-1], lines)
		}
		return above(p.Doc, place, lines)
	}
	c := rewrite.Change{
		Title:   "run as " + a.shown(),
		Why:     "without USER the program runs as root",
		Gain:    "an intruder in the container isn't root",
		Safety:  rewrite.Assumes,
		Assumes: "the program writes only to /tmp and its home, and needs no right of root",
		At:      start,
		Config:  rewrite.FieldUser,
	}
	home := ", /tmp and its home"
	switch {
	case a.home != "":
	case a.own:
		home = " and /tmp"
		c.Assumes = "the program writes only to /tmp, and needs no right of root"
	default: // scratch has no /tmp
		c.Assumes = "the program writes no files and needs no right of root"
	}
	run := func(commands []string) string {
		c.Adds = append(c.Adds, commands...)
		join := " && "
		if width := len(strings.Join(commands, join)); width > 100 {
			indent, leading := p.Doc.RunStyle(nil)
			if join = " && " + string(p.Doc.Escape) + "\n" + cmp.Or(indent, "    "); leading {
				join = " " + string(p.Doc.Escape) + "\n" + cmp.Or(indent, "    ") + "&& "
			}
		}
		return rewrite.KeywordLike(s.From, "RUN") + " " + strings.Join(commands, join) + "\n"
	}
	var early, late []folder
	for _, f := range given {
		if f.late {
			late = append(late, f)
		} else {
			early = append(early, f)
		}
		c.Plan = append(c.Plan, fmt.Sprintf("%s may write to %s: %s", a.name, f.path, f.why))
	}
	if len(given) > 0 {
		c.Title += ", which owns " + foldersText(given)
		c.Assumes = "the program writes only to " + foldersText(given) + home + ", and needs no right of root; a volume mounted there belongs to the same user"
	}
	for _, f := range given {
		if f.copy != nil {
			c.Edits = append(c.Edits, a.owning(f.copy))
		}
		for _, in := range f.trees {
			c.Edits = append(c.Edits, a.owning(in))
		}
	}
	first, last := "", ""
	if made := append(slices.Clone(a.create), giving(early, a.owner)...); len(made) > 0 {
		first = run(made)
	}
	if len(late) > 0 {
		last = run(giving(late, a.owner))
	}
	user := rewrite.KeywordLike(s.From, "USER") + " " + a.user + "\n"
	if v := firstVolume(s); v != nil && len(given) > 0 && v.Index < end {
		// The folders get their owner above VOLUME: the old builder forgets what is
		// done to them below it.
		at := v
		if f := firstCopy(s); f != nil && f.Index < v.Index && len(late) > 0 {
			at = f
		}
		c.Edits = append(c.Edits, closing(user))
		if at == v {
			c.Edits = append(c.Edits, above(p.Doc, v, first+last))
		} else {
			c.Edits = append(c.Edits, above(p.Doc, v, last))
			if first != "" {
				c.Edits = append(c.Edits, above(p.Doc, at, first))
			}
		}
		return c
	}
	last += user
	if at := firstCopy(s); first != "" && at != nil && at.Index < end {
		c.Edits = append(c.Edits, above(p.Doc, at, first), closing(last))
	} else {
		c.Edits = append(c.Edits, closing(first+last))
	}
	return c
}

// owning gives what a COPY brings to the account.
func (a account) owning(in *rewrite.Instruction) rewrite.Edit {
	at := in.Head.Start + len(in.Keyword)
	if len(in.Flags) > 0 {
		if sp, ok := in.WordSpan(in.Flags[len(in.Flags)-1]); ok {
			at = sp.End // behind --from, as people write it
		}
	}
	return rewrite.Edit{Span: rewrite.Span{Start: at, End: at}, New: " --chown=" + a.owner}
}

// startsBy is the instruction that decides what runs: ENTRYPOINT, else CMD.
func startsBy(s *rewrite.Stage) (start *rewrite.Instruction) {
	for ; s != nil; s = s.Parent() {
		for _, in := range s.Instructions {
			if in.Keyword == "entrypoint" || in.Keyword == "cmd" && (start == nil || start.Keyword != "entrypoint") {
				start = in
			}
		}
		if start != nil {
			return start
		}
	}
	return nil
}

func userOf(s *rewrite.Stage) (user *rewrite.Instruction) {
	for ; s != nil && user == nil; s = s.Parent() {
		for _, in := range s.Instructions {
			if in.Keyword == "user" {
				user = in
			}
		}
	}
	return user
}

// tail is the first instruction of the stage's closing block of metadata: what
// stands behind the last step that changes files.
func tail(s *rewrite.Stage) *rewrite.Instruction {
	var at *rewrite.Instruction
	for i := len(s.Instructions) - 1; i >= 0; i-- {
		switch s.Instructions[i].Keyword {
		case "cmd", "entrypoint", "expose", "healthcheck", "stopsignal", "label":
			at = s.Instructions[i]
		default:
			return at
		}
	}
	return at
}

// firstCopy is the first COPY or ADD from the context in the stage: creating
// the user above it keeps that layer cached when the code changes.
func firstCopy(s *rewrite.Stage) *rewrite.Instruction {
	for _, in := range s.Instructions {
		if len(in.ContextSources()) > 0 && in.Keyword != "run" {
			return in
		}
	}
	return nil
}

func firstVolume(s *rewrite.Stage) *rewrite.Instruction {
	for _, in := range s.Instructions {
		if in.Keyword == "volume" {
			return in
		}
	}
	return nil
}
