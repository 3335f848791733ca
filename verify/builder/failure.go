package builder

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"drydock/rewrite"
)

// maxLines is how much of a failed step's output an Error keeps.
const maxLines = 30

var (
	// at is the head of the excerpt that BuildKit prints of the Dockerfile, or of a
	// Containerfile: "Dockerfile:12", then a line of dashes.
	at = rewrite.Lazily(`(?m)^\S*:(\d+)\r?\n-{10,}`)
	// marked are the excerpt's lines that the error is about.
	marked = rewrite.Lazily(`(?m)^ *\d+ \| >>> (.*)$`)
	stage  = rewrite.Lazily(`^\[[^\]]*\] `)
	colour = rewrite.Lazily(`\x1b\[[0-9;?]*[A-Za-z]`)
	prefix = rewrite.Lazily(`^(?i:error: )(?:failed to build: )?(?:failed to solve: )?`)
	// wordy is what BuildKit says before what matters: names that the message has already, and ids.
	wordy = rewrite.Lazily(`^(?:\S+: )?failed to resolve source metadata for \S+?: |^failed to compute cache key: (?:failed to calculate checksum of ref \S+: )?`)
	image = rewrite.Lazily(`failed to resolve source metadata for (\S+?): |initializing source docker://(\S+?): |(?:pull access denied for|repository) (\S+?)[, ]`)
)

// failure is the *Error of a build whose program ended with err.
func (s *status) failure(err error, kind string, r Request) *Error {
	rest := s.rest.String()
	e := &Error{ran: true, said: complaintLine(rest), Output: tail(rest, maxLines)}
	if m := at().FindStringSubmatch(rest); m != nil {
		e.Line, _ = strconv.Atoi(m[1]) // digits; one too long is no line
	}
	var last, words string
	for _, v := range s.steps {
		// Steps that were stopped because of another say "context canceled".
		if v.Error == "" || canceled(v.Error) {
			continue
		}
		e.Step, e.said = v.Name, cmp.Or(e.said, plain(v.Error))
		words = v.lastWords()
		if last = v.output.String(); strings.TrimSpace(last) != "" {
			e.Output = tail(clean(last), maxLines)
		}
		break
	}
	e.said = wordy().ReplaceAllString(prefix().ReplaceAllString(e.said, ""), "")
	if e.said == "" {
		e.said = err.Error() // it says nothing at all: "exit status 1"
	}
	e.todo, e.Cause = cause(rest, last, kind, r)
	if errors.Is(err, exec.ErrNotFound) {
		e.Cause, e.todo = ErrGone, "install it, or choose another builder"
	}
	if exit := (*exec.ExitError)(nil); e.Cause == nil && errors.As(err, &exit) && exit.ExitCode() < 0 {
		e.Cause, e.said, e.todo = ErrGone, exit.Error(), "somebody ended its program, or memory ran out: try again"
	}
	// "[internal] load metadata for …" is no step of the Dockerfile; the line that it is for is.
	if m := marked().FindStringSubmatch(rest); m != nil && (e.Step == "" || strings.HasPrefix(e.Step, "[internal] ")) {
		e.Step = strings.TrimSpace(m[1])
	}
	// What the program says of a failed step is its exit code; the step says more.
	switch {
	case e.Cause == nil && words != "":
		e.said = words
	case e.Cause == ErrSpace:
		for l := range strings.Lines(last) {
			if has(l, noSpace) {
				e.said = plain(l)
			}
		}
	}
	if m := image().FindStringSubmatch(rest); m != nil && e.Cause == nil && notFound(verdict(rest)) {
		e.said = "there is no image " + cmp.Or(m[1:]...)
	}
	return e
}

// Words that BuildKit, its two programs and podman use. Each was seen, or stands in
// their source; failure_test.go has the lines.
var (
	gone = []string{
		"code = Unavailable", "Unavailable: connection error", "error reading from server", "transport is closing",
		"failed to list workers", "listing workers for", "client connection is closing", "no active session", "failed to receive status",
		"no builder ", "failed to connect to the docker API", "Cannot connect to the Docker daemon",
		"failed to find driver", "waiting for connection failed", "unable to connect to Podman",
	}
	refused = []string{
		"unexpected status from", "failed to resolve source metadata", "failed to do request", "failed to authorize",
		"failed to fetch anonymous token", "failed to fetch oauth token", "pull access denied", "insufficient_scope", "httpReadSeeker", "toomanyrequests",
		"initializing source docker://", "pinging container registry", "server gave HTTP response to HTTPS client",
	}
)

// noSpace is ENOSPC in words.
const noSpace = "no space left on device"

// refusesOCI is what buildx says of a docker driver without containerd's image
// store. Source: notSupported in
// https://github.com/docker/buildx/blob/v0.38.2/build/utils.go
const refusesOCI = "OCI exporter is not supported for the docker driver"

// cause says whose fault a failure is, and what to do. complaint is what the program
// printed, output that of the failed step: words in there are the Dockerfile's own,
// but for a full disk, which a command meets as often as BuildKit itself.
func cause(complaint, output, kind string, r Request) (todo string, err error) {
	said := verdict(complaint)
	switch {
	case has(said, noSpace) || has(tail(output, maxLines), noSpace):
		todo = "make room where the builder keeps its cache"
		switch kind {
		case "buildx":
			todo += ", for example with docker buildx prune"
		case "buildctl":
			todo += ", for example with buildctl prune"
		case "podman":
			todo += ", for example with podman system prune"
		}
		if r.Layout != "" && strings.Contains(said, r.Layout) {
			return roomFor(r), ErrOwnSpace
		}
		return todo, ErrSpace
	case notFound(said):
		return "", nil
	case hasAny(said, refused):
		if hasAny(said, []string{"401 Unauthorized", "unauthorized:", "403 Forbidden", "denied", "insufficient_scope", "failed to authorize"}) {
			return "log in to the registry, or correct the image's name", ErrRegistry
		}
		return "try again later, or see that the builder reaches the registry", ErrRegistry
	case hasAny(said, gone), canceled(said): // nobody here asked it to stop
		return "see that it still runs, and try again", ErrGone
	}
	return "", nil
}

// roomFor says where a build's temporary files go.
func roomFor(r Request) string {
	if _, ok := strings.CutPrefix(r.Layout, os.TempDir()+string(filepath.Separator)); ok || r.Layout == "" {
		return "make room at " + os.TempDir() + ", or let TMPDIR name another folder"
	}
	return "make room at " + r.Layout
}

// The Dockerfile's own words within a verdict.
var quoted = rewrite.Lazily(`(?s)process ".*" did not complete successfully|building at STEP ".*": `)

// verdict is a complaint from its "error: " on: what stands before is an excerpt of
// the Dockerfile. Commands that it quotes are taken out.
func verdict(complaint string) string {
	from := 0
	for i := 0; i < len(complaint); {
		end := strings.IndexByte(complaint[i:], '\n') + 1
		if end == 0 {
			end = len(complaint) - i
		}
		if prefix().MatchString(complaint[i : i+end]) {
			from = i
		}
		i += end
	}
	return quoted().ReplaceAllString(complaint[from:], "")
}

// notFound tells whether a registry answered that it has no such image.
func notFound(said string) bool {
	return strings.Contains(said, "failed to resolve source metadata") && strings.HasSuffix(strings.TrimSpace(said), ": not found") ||
		strings.Contains(said, "initializing source docker://") && strings.Contains(said, "manifest unknown")
}

func canceled(text string) bool {
	return strings.Contains(text, "context canceled") || strings.Contains(text, "code = Canceled")
}

func has(text, words string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(words))
}

func hasAny(text string, words []string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// Error is one short paragraph: "before: RUN make (Dockerfile:4) failed: make: cc: No such file or directory".
func (e *Error) Error() string {
	where := ""
	if e.Step != "" {
		where = short(e.Step, 60)
	}
	if e.Line > 0 {
		where = strings.TrimSpace(fmt.Sprintf("%s (Dockerfile:%d)", where, e.Line))
	}
	said := cmp.Or(e.said, lastLine(e.Output))
	text := e.Build + ": "
	switch {
	case e.Cause != nil:
		text += e.Cause.Error()
		if where != "" {
			text += " at " + where
		}
	case where != "":
		text += where + " failed"
	default:
		text += "the build failed"
	}
	if said != "" && (e.Cause == nil || e.todo != "" || e.Cause == ErrUse) {
		text += ": " + said
	}
	if e.todo != "" {
		text += ": " + e.todo
	}
	return text
}

// short is a step's name without its place among the stages, on one line of at most
// n characters.
func short(name string, n int) string {
	name = strings.Join(strings.Fields(stage().ReplaceAllString(name, "")), " ")
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1 // a Dockerfile's escapes are none of the terminal's business
		}
		return r
	}, name)
	if utf8.RuneCountInString(name) <= n {
		return name
	}
	return strings.TrimRight(string([]rune(name)[:max(0, n-1)]), " ") + "…"
}

// complaintLine is the line of a program's complaint that says what is wrong: the
// last "error: …", and what follows it, else the last one.
func complaintLine(text string) string {
	var line string
	for l := range strings.Lines(clean(text)) {
		if prefix().MatchString(l) {
			line = plain(l)
		}
	}
	return cmp.Or(line, lastLine(text))
}

// lastLine is the last line that says something: not only punctuation, and not the
// advertisements that pip and npm put below their errors unless there is nothing else.
func lastLine(text string) string {
	lines, last := strings.Split(clean(text), "\n"), ""
	for i := len(lines) - 1; i >= 0; i-- {
		if !strings.ContainsFunc(lines[i], func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
			continue
		}
		if !chatter().MatchString(lines[i]) {
			return plain(lines[i])
		}
		last = cmp.Or(last, plain(lines[i]))
	}
	return last
}

// chatter is what pip and npm say of their own versions and logs, as they were seen to
// when an install failed.
var chatter = rewrite.Lazily(`^\s*(?:\[notice\] |npm notice|npm (?:ERR!|error) (?:A complete log of this run|\s*/\S+-debug(?:-\d+)?\.log)|To update, run: pip|WARNING: You are using pip version|You should consider upgrading via)`)

// plain is text as one line of at most 300 characters.
func plain(text string) string { return short(clean(text), 300) }

// clean takes out colours, and what a carriage return wrote over.
func clean(text string) string {
	text = strings.ReplaceAll(colour().ReplaceAllString(text, ""), "\r\n", "\n")
	if !strings.Contains(text, "\r") {
		return text
	}
	var b strings.Builder
	for l := range strings.Lines(text) {
		body := strings.TrimRight(l, "\r\n")
		b.WriteString(body[strings.LastIndex(body, "\r")+1:])
		b.WriteString("\n")
	}
	return b.String()
}

func tail(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
