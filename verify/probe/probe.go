// Package probe tells whether two images do the same: what a static program saw in each (see watch), and what a user
// would miss in the second.
//
// The program is embedded, for Linux on amd64 and arm64, so that an installed drydock needs nothing else. It runs in a
// RUN step of the built image:
//
//	RUN --network=none --mount=type=bind,from=drydock-probe,target=/.drydock-probe ["/.drydock-probe/probe"]
//
// with its Spec in spec.json beside it, and prints one line, which [Find] reads.
package probe

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"drydock/verify/probe/wire"

	"drydock/rewrite"
)

// What drydock and the program say to each other; package wire has them.
type (
	Spec     = wire.Spec
	Get      = wire.Get
	Health   = wire.Health
	Result   = wire.Result
	Listener = wire.Listener
	Reply    = wire.Reply
	Ran      = wire.Ran
	Write    = wire.Write
	Denied   = wire.Denied
)

// Names of the conversation: what stands before the result in the step's output, and the file beside the program.
const (
	Marker   = wire.Marker
	SpecFile = wire.SpecFile
)

// Encode gives spec as the program's one argument.
func Encode(spec Spec) (string, error) { return wire.Encode(spec) }

// File gives spec as the bytes of SpecFile.
func File(spec Spec) ([]byte, error) { return json.Marshal(spec) }

// Find reads the Result from the output of a step that ran the program.
func Find(output string) (*Result, error) { return wire.Find(output) }

// ParseGet reads what --probe takes: "GET /healthz", or "/healthz" alone.
func ParseGet(s string) (Get, error) { return wire.ParseGet(s) }

// Verdict says what a run of before that Compare found no break against proves.
func Verdict(before *Result) string {
	switch {
	case before == nil || before.NoCommand:
		return NotRun
	case before.Exited && before.Exit == 0, !before.Exited && len(before.Listen) > 0 && failing(before) == 0:
		return Same
	}
	return SameFailure
}

// failing is the status of a server that answers nothing but errors of its own (500 and above), 0 for any other: its
// database is missing, say, and it wasn't seen at work.
func failing(r *Result) int {
	status := 0
	for _, reply := range r.Replies {
		if reply.Status > 0 && reply.Status < 500 {
			return 0
		}
		status = max(status, reply.Status)
	}
	return status
}

// What was proven.
const (
	Same        = "same behaviour" // it served, or ended with 0
	SameFailure = "same failure"   // it ended with an error, never listened, or answered nothing but errors, alike in both
	NotRun      = "not run"        // there is no command
)

// Manner says in words what a run did: "answers on port 8000", "ends with 1: no such table", "runs without listening".
func Manner(r *Result) string {
	switch {
	case r == nil || r.NoCommand:
		return "has no command to run"
	case r.Exited && len(r.Listen) > 0:
		return fmt.Sprintf("listens on %s, then ends with %s", where(r.Listen), ending(r))
	case r.Exited:
		return "ends with " + ending(r)
	case len(r.Listen) == 0:
		return fmt.Sprintf("runs without listening (for %d s)", r.RanMS/1000)
	}
	verb := "listens"
	for _, reply := range r.Replies {
		if reply.Status > 0 || reply.Speaks == wire.TLS || reply.Body != "" {
			verb = "answers"
		}
	}
	if status := failing(r); status > 0 {
		verb = fmt.Sprintf("answers with %d", status)
	}
	if r.Daemon {
		verb = "ends with 0 and leaves a daemon that " + verb
	}
	return verb + " on " + where(r.Listen)
}

func ending(r *Result) string {
	code := fmt.Sprint(r.Exit)
	if r.Exit > 128 && r.Exit < 193 {
		code += fmt.Sprintf(" (signal %d)", r.Exit-128)
	}
	if said := complaint(r.Output); r.Exit != 0 && said != "" {
		return code + ": " + strings.TrimRight(said, ".")
	}
	return code
}

func where(l []Listener) string {
	var ports, rest []string
	seen := map[int]bool{}
	for _, one := range l {
		switch {
		case one.Proto == "tcp" && !seen[one.Port]:
			seen[one.Port] = true
			ports = append(ports, fmt.Sprint(one.Port))
		case one.Proto != "tcp":
			rest = append(rest, socketName(one))
		}
	}
	if len(ports) == 1 {
		return "port " + ports[0]
	}
	if len(ports) > 1 {
		return "ports " + strings.Join(ports, ", ")
	}
	return strings.Join(rest[:min(len(rest), 3)], ", ")
}

func socketName(l Listener) string {
	switch l.Proto {
	case "unix":
		return l.Path
	case "udp":
		return fmt.Sprintf("UDP port %d", l.Port)
	}
	return fmt.Sprintf("port %d", l.Port)
}

// complaint is the line of an output that tells why the program ended: the last one that names an error (Node prints
// the error's fields and its own version below it, Java and Go the calls), else the last one with a word in it.
func complaint(s string) string {
	lines := strings.Split(s, "\n")
	for _, names := range []*regexp.Regexp{namesError(), aWord()} {
		for _, l := range slices.Backward(lines) {
			if l = strings.TrimSpace(l); names.MatchString(l) && !atCall().MatchString(l) {
				return short(l)
			}
		}
	}
	return short(strings.TrimSpace(lines[len(lines)-1]))
}

var (
	namesError = rewrite.Lazily(`^(?:[\w.$/:-]+[ :] ?)?(?:\[?(?i:error|fatal|panic)\b|(?:[\w$]+\.)*\w*(?:Error|Exception)\b(?: \[\w+\])?(?::|$))|^Caused by: `)
	aWord      = rewrite.Lazily(`[\pL]{2}`)
	atCall     = rewrite.Lazily(`^at .*[)\d]$|^\.\.\. \d+ more$|^Node\.js v\d`)
)

// short keeps a line readable in a message.
func short(s string) string {
	if r := []rune(s); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return s
}
