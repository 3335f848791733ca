// Package record is what the recorder writes and the sandbox reads: one record
// for each command, and the plan of which command fails.
//
// Both are lists of netstrings ("5:hello,"): the recorder runs once for every
// command, so it does without the packages that JSON needs.
package record

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Where things lie inside the sandbox, out of the way of a script's globs. Bin
// is mounted read-only: a script that writes to a command writes to a link to Stub.
const (
	Bin  = "/.bin"
	Stub = Bin + "/stub" // the recorder itself
	// MakeDir is the recorder as mkdir -p for real.
	MakeDir = Bin + "/makedir"

	Box  = "/.box"
	Log  = Box + "/log"  // the records, one after the other
	Plan = Box + "/plan" // a Failure, empty when no command fails
	Hits = Box + "/hits" // one byte for each run of the command that the plan names
	Made = Box + "/made" // the directories that MakeDir made, one a line
)

// Record is one command that a script ran, with all that it could see of its shell.
type Record struct {
	Args  []string
	File  string   // the path at which the shell found the command
	Dir   string   // working directory
	Env   []string // sorted, without _ and SHLVL, which count processes
	Umask int
	// Streams has a letter for standard input, output and errors: p for a pipe,
	// f for a file, c for a device, - for closed; = when errors go where the output goes.
	Streams string
	Input   string // what came through a pipe on standard input
	// Background is set when the shell runs the command, or what it belongs to, with &.
	Background bool
}

// Key tells commands apart that shall fail one by one.
func (r Record) Key() string { return r.Dir + "\n" + strings.Join(r.Args, "\n") }

// Append adds the record's encoding to b.
func (r Record) Append(b []byte) []byte {
	b = appendList(b, r.Args)
	b = appendList(b, r.Env)
	return appendList(b, []string{r.File, r.Dir, strconv.Itoa(r.Umask), r.Streams, r.Input, strconv.FormatBool(r.Background)})
}

var errShort = errors.New("a record ends too early")

// Decode reads what Append wrote, any number of times.
func Decode(b string) ([]Record, error) {
	var out []Record
	for len(b) > 0 {
		var r Record
		var rest []string
		var ok [3]bool
		r.Args, b, ok[0] = cutList(b)
		r.Env, b, ok[1] = cutList(b)
		rest, b, ok[2] = cutList(b)
		if slices.Contains(ok[:], false) || len(rest) != 6 {
			return out, errShort
		}
		r.File, r.Dir, r.Streams, r.Input = rest[0], rest[1], rest[3], rest[4]
		r.Background = rest[5] == "true"
		r.Umask, _ = strconv.Atoi(rest[2])
		out = append(out, r)
	}
	return out, nil
}

// Failure is the plan for one run: the Nth command of that Key exits with Code,
// and so does every command after it when Onwards is set.
type Failure struct {
	Key     string
	Nth     int // from 1
	Code    int
	Onwards bool
}

// Encode gives the text of the plan file.
func (f Failure) Encode() string {
	return string(appendList(nil, []string{f.Key, strconv.Itoa(f.Nth), strconv.Itoa(f.Code), strconv.FormatBool(f.Onwards)}))
}

// DecodeFailure reads a plan; ok is false when nothing shall fail.
func DecodeFailure(s string) (f Failure, ok bool) {
	l, _, ok := cutList(s)
	if !ok || len(l) != 4 {
		return f, false
	}
	f.Key, f.Onwards = l[0], l[3] == "true"
	f.Nth, _ = strconv.Atoi(l[1])
	f.Code, _ = strconv.Atoi(l[2])
	return f, true
}

func appendList(b []byte, l []string) []byte {
	b = append(strconv.AppendInt(b, int64(len(l)), 10), ';')
	for _, s := range l {
		b = append(strconv.AppendInt(b, int64(len(s)), 10), ':')
		b = append(append(b, s...), ',')
	}
	return b
}

func cutList(s string) (l []string, rest string, ok bool) {
	count, s, ok := strings.Cut(s, ";")
	n, err := strconv.Atoi(count)
	if !ok || err != nil {
		return nil, s, false
	}
	for range n {
		size, after, ok := strings.Cut(s, ":")
		k, err := strconv.Atoi(size)
		if !ok || err != nil || k < 0 || k >= len(after) {
			return nil, s, false
		}
		l, s = append(l, after[:k]), after[k+1:]
	}
	return l, s, true
}
