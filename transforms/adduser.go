package transforms

import (
	"context"
	"strings"

	"drydock/images"
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
node images, nonroot in distroless); else a system user is created, in the way
of the base's distribution. The code stays owned by root and readable: the
program can't rewrite itself.`,
	Assumes: `The program writes only to /tmp and its home and needs no right of root.`,
	Declines: `Where something speaks against the assumption: a program whose
source drydock can't read; source code, variables or folders that show where it
writes; a port under 1024, a VOLUME, sudo, gosu, cron, sshd, supervisord, chown
in the entry point, the Docker socket; files that only root may read; a user
that the file creates and doesn't use, an explicit USER root at the end, an
image without CMD and ENTRYPOINT; services that drop root by themselves (nginx,
postgres, …), frameworks that write next to the code (Rails, Laravel, Next), and
a base that drydock doesn't know.`,
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
	if s.BaseName() == "scratch" {
		return nil, nil
	}
	decline := func(in *rewrite.Instruction, format string, a ...any) ([]rewrite.Change, error) {
		p.Decline(in, "still root: "+format, a...)
		return nil, nil
	}
	if !st.Known {
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
	case ownUser[st.Base.Repository]:
		return decline(s.From, "%s manages its user by itself", st.Base.Repository)
	}
	if !p.Repo.Known() {
		return decline(start, "the build context isn't known, so neither is what the program writes")
	}
	if why := strange(p, s, start); why != "" {
		return decline(start, "%s", why)
	}
	if in, why := rootSigns(p, s); why != "" {
		return decline(in, "%s", why)
	}
	if p.Unsafe { // reads the source: only where the change could be kept
		if why := p.Repo.Writes(p.Name, holdsAny(start, scriptRunners)); why != "" {
			return decline(start, "%s", why)
		}
	}
	name, create := account(*st.Base)
	if name == "" {
		return decline(s.From, "drydock doesn't know how users are made on %s", s.BaseName())
	}
	place := tail(s)
	user := rewrite.KeywordLike(s.From, "USER") + " " + name + "\n"
	c := rewrite.Change{
		Title:   "run as " + name,
		Why:     "without USER the program runs as root",
		Gain:    "an intruder in the container isn't root; Kubernetes' restricted policy accepts the image",
		Safety:  rewrite.Assumes,
		Assumes: "the program writes only to /tmp and its home, and needs no right of root",
		At:      start,
		Config:  rewrite.FieldUser,
	}
	if create != "" {
		c.Adds = []string{create}
		create = rewrite.KeywordLike(s.From, "RUN") + " " + create + "\n"
	}
	if first := firstCopy(s); create != "" && first != nil && first.Index < place.Index {
		c.Edits = []rewrite.Edit{above(p.Doc, first, create), above(p.Doc, place, user)}
	} else {
		c.Edits = []rewrite.Edit{above(p.Doc, place, create+user)}
	}
	return []rewrite.Change{c}, nil
}

// above inserts lines over an instruction; its comment stays its own behind a
// blank line where the file sets off its blocks so.
func above(d *rewrite.Document, in *rewrite.Instruction, lines string) rewrite.Edit {
	e := d.InsertBefore(in, lines)
	if before := d.Src[:e.Span.Start]; e.Span.Start < in.Span.Start && (strings.HasSuffix(before, "\n\n") || strings.HasSuffix(before, "\r\n\r\n")) {
		e.New += "\n"
	}
	return e
}

// account is the user to run as and the command that makes it, "" when the
// base has it already.
func account(img images.Image) (name, create string) {
	if img.NonRoot != nil && (img.Repository == "node" || strings.Contains(img.Repository, "distroless")) {
		return img.NonRoot.Name, ""
	}
	switch {
	case img.Distro == "alpine" || img.Distro == "busybox":
		return "appuser", "adduser -S -D -u 10001 appuser"
	case img.PackageManager == "apt" || img.PackageManager == "dnf" || img.PackageManager == "yum" || img.PackageManager == "microdnf":
		if !img.Shell {
			return "", ""
		}
		return "appuser", "useradd --system --create-home --uid 10001 appuser"
	}
	return "", ""
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
