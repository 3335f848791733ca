// Package wire holds what drydock and the probe inside an image say to each other: a Spec in, a Result out.
//
// It is linked into the probe, so it imports little.
package wire

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Marker stands before the result in the step's output.
const Marker = "drydock-probe-result:"

// SpecFile is the name of the Spec, JSON, beside the probe's executable; it is read when there is no argument.
const SpecFile = "spec.json"

// A Spec says what to run and what to ask.
type Spec struct {
	Argv   []string   `json:"argv"`             // ENTRYPOINT and CMD
	Env    []string   `json:"env,omitempty"`    // NAME=VALUE, added to the image's own
	Gets   []Get      `json:"gets,omitempty"`   // to ask besides GET / and what that links to
	Ports  []int      `json:"ports,omitempty"`  // of EXPOSE and PORT: waited for while the program runs
	Health *Health    `json:"health,omitempty"` // nil: the image has no HEALTHCHECK
	Stop   string     `json:"stop,omitempty"`   // STOPSIGNAL, name or number; "" is SIGTERM
	Also   [][]string `json:"also,omitempty"`   // commands to run afterwards, on their own
	Wait   int        `json:"wait"`             // seconds until it must listen or exit
	Nonce  string     `json:"nonce"`            // makes the step differ from the last one, so that no cache answers for it
}

// A Get is one request to every port that speaks HTTP.
type Get struct {
	Method string `json:"method"`
	Path   string `json:"path"` // with a leading "/"
}

// ParseGet reads what --probe takes: "GET /healthz", or "/healthz" alone.
func ParseGet(s string) (Get, error) {
	words := strings.Fields(s)
	if len(words) == 1 {
		words = []string{"GET", words[0]}
	}
	if len(words) != 2 || !strings.HasPrefix(words[1], "/") || strings.Trim(words[0], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return Get{}, fmt.Errorf("%q is no request: write a method and a path, as in 'GET /healthz'", s)
	}
	return Get{words[0], words[1]}, nil
}

// A Health is a HEALTHCHECK, with the names and units of the image configuration, so that it can be read from there.
// The probe bounds the times, because nobody waits thirty seconds for an interval.
type Health struct {
	Test        []string `json:"Test"` // CMD and an argv, or CMD-SHELL and words; NONE is none
	StartPeriod int64    `json:"StartPeriod,omitempty"`
	Interval    int64    `json:"Interval,omitempty"` // nanoseconds, as the others
	Timeout     int64    `json:"Timeout,omitempty"`
	Retries     int      `json:"Retries,omitempty"`
	Shell       []string `json:"Shell,omitempty"` // for CMD-SHELL; none is /bin/sh -c
}

// A Result is what was seen.
type Result struct {
	NoCommand bool       `json:"no_command,omitempty"` // the image has neither ENTRYPOINT nor CMD
	UID       int        `json:"uid"`                  // the command's effective user while it ran, else the step's
	Exited    bool       `json:"exited"`               // by itself, before it listened or of the questions
	Exit      int        `json:"exit"`                 // code when Exited; 126, 127 when it couldn't start; 128 and the number of a signal
	Daemon    bool       `json:"daemon,omitempty"`     // the command ended with 0 and left behind what listens
	Output    string     `json:"output"`               // stdout and stderr: their first and last 8 KiB
	Listen    []Listener `json:"listen,omitempty"`     // by protocol, port and address
	Replies   []Reply    `json:"replies"`              // none when nothing listened
	Health    *Ran       `json:"health,omitempty"`     // the last run of the HEALTHCHECK
	ReadyMS   int64      `json:"ready_ms"`             // until it listened
	RanMS     int64      `json:"ran_ms"`               // until it ended, or was stopped
	StopMS    int64      `json:"stop_ms"`              // from the stop signal to its end; -1: it had to be killed
	Also      []Ran      `json:"also"`
	Writes    []Write    `json:"writes,omitempty"`    // what the run made and changed, by path
	Denied    []Denied   `json:"denied,omitempty"`    // what it was refused, as its output tells
	Maps      []string   `json:"maps,omitempty"`      // shared libraries that its processes had mapped, sorted
	Processes []string   `json:"processes,omitempty"` // argv[0] of each process while it served, sorted
	Truncated Truncated  `json:"truncated"`
}

// Truncated says of which parts there was more than is told.
type Truncated struct {
	Output bool `json:"output,omitempty"`
	Writes bool `json:"writes,omitempty"`
	Maps   bool `json:"maps,omitempty"` // or a process's maps could not be read
	Bodies bool `json:"bodies,omitempty"`
}

// A Listener is a socket that waits for others.
type Listener struct {
	Proto   string `json:"proto"`             // tcp, udp, unix
	Address string `json:"address,omitempty"` // 0.0.0.0, 127.0.0.1, ::
	Port    int    `json:"port,omitempty"`
	Path    string `json:"path,omitempty"` // of a unix socket in the file system
}

// What a Reply's Speaks can be.
const (
	HTTP  = "http"
	TLS   = "tls"     // nothing is asked through it
	Other = "no HTTP" // Body is the beginning of what came, if anything did
)

// Told are the fields of an answer's header that a client acts upon, and that don't depend on the time.
var Told = []string{
	"access-control-allow-origin", "allow", "cache-control", "content-disposition", "content-encoding", "content-language", "content-security-policy",
	"permissions-policy", "referrer-policy", "set-cookie", "strict-transport-security", "vary", "www-authenticate", "x-content-type-options", "x-frame-options",
}

// A Reply is the answer to one request.
type Reply struct {
	Port   int    `json:"port"`
	Method string `json:"method"`
	Path   string `json:"path"`
	Speaks string `json:"speaks"` // HTTP, TLS or Other
	Status int    `json:"status"` // 0: no HTTP answer
	Type   string `json:"type"`   // Content-Type
	To     string `json:"to"`     // Location
	Head   string `json:"head"`   // fields of Told, one on a line: "content-encoding: gzip"; of cookies only the names
	Body   string `json:"body"`   // the first 8 KiB
	Size   int64  `json:"size"`   // of all of it, bytes
	SHA256 string `json:"sha256"` // of all of it
	Err    string `json:"err,omitempty"`
}

// Ran is one command and how it ended.
type Ran struct {
	Argv   []string `json:"argv"`
	Exit   int      `json:"exit"`
	Output string   `json:"output"`
}

// A Write is a file, or a new folder, that the run left behind.
type Write struct {
	Path     string `json:"path"`
	New      bool   `json:"new"`                // else it was there and changed
	Folder   bool   `json:"folder,omitempty"`   // it is a folder itself
	Cache    bool   `json:"cache,omitempty"`    // nobody would miss it: compiled Python, caches, temporary files
	Writable bool   `json:"writable,omitempty"` // the command's user may make files in the folder where it lies
}

// A Denied is something that the operating system refused.
type Denied struct {
	Path   string `json:"path"`             // absolute
	Folder string `json:"folder,omitempty"` // the nearest one that exists and can't be written; "": it can now, or it is about a file
	Why    string `json:"why"`              // the output's line
}

// Encode gives v, a Spec or a Result, as one word: JSON, gzip, base64.
func Encode(v any) (string, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(raw); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(buf.Bytes()), nil
}

// Decode reads into v what [Encode] wrote.
func Decode(word string, v any) error {
	raw, err := base64.StdEncoding.DecodeString(word)
	if err != nil {
		return err
	}
	r, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	if raw, err = io.ReadAll(r); err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}

// mostWord is the longest result that is printed, bytes: BuildKit cuts the log of a step at 200 KiB a second.
const mostWord = 96 << 10

// Fit encodes res and leaves out of it what BuildKit's limit on logs doesn't let through: first files written, then bodies, then
// libraries. Truncated tells.
func Fit(res Result) (string, error) {
	for {
		word, err := Encode(res)
		switch {
		case err != nil || len(word) <= mostWord:
			return word, err
		case len(res.Writes) > 100:
			res.Writes, res.Truncated.Writes = res.Writes[:len(res.Writes)/2], true
		case !res.Truncated.Bodies:
			res.Truncated.Bodies = true
			res.Replies = append([]Reply(nil), res.Replies...)
			for i, r := range res.Replies {
				res.Replies[i].Body = r.Body[:min(len(r.Body), 512)]
			}
		case len(res.Maps) > 50:
			res.Maps, res.Truncated.Maps = res.Maps[:len(res.Maps)/2], true
		case len(res.Replies) > 10:
			res.Replies = res.Replies[:len(res.Replies)/2]
		case len(res.Also) > 0:
			return "", errors.New("the further commands print more than a build's log holds; ask fewer of them")
		default:
			return word, nil
		}
	}
}

// Find reads the Result from the output of a step that ran the probe.
func Find(output string) (*Result, error) {
	_, word, found := strings.Cut(output, Marker)
	if !found {
		return nil, errors.New("no result in the probe's output")
	}
	word, _, _ = strings.Cut(word, "\n")
	var res Result
	if err := Decode(strings.TrimSpace(word), &res); err != nil {
		return nil, fmt.Errorf("the probe's result: %w", err)
	}
	return &res, nil
}
