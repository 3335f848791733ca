package journal

// One line per record: a JSON array of the record's length, its checksum and
// itself,
//
//	["0000007b","9d3c1f02",{"begun":"team/api"}]
//
// so that jq reads it, and so that a line that was cut or overwritten anywhere is
// known by it. Length and checksum (CRC-32C) are hexadecimal and of the record's
// own bytes.

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"time"

	"drydock/bulk/result"
	"drydock/report"
)

// Version is the version of the format.
const Version = 1

// Header is what a run is: the first record.
type Header struct {
	Version int       `json:"version"` // of the format
	Run     string    `json:"run"`     // random
	Start   time.Time `json:"start"`   // whole seconds: the date of its commits
	Key     string    `json:"key"`     // what its flags and sources amount to, without the shard
	Shard   int       `json:"shard"`   // as --shard has it; 0 of 0 without
	Shards  int       `json:"shards"`
	Drydock string    `json:"drydock"` // the version of the program
}

// Kind is what a step is about.
type Kind string

// The steps of a repository that are kept: what is about to be done elsewhere.
const (
	Pushing Kind = "pushing" // from now on Commit may be at the remote
	Opening Kind = "opening" // from now on the pull request may be open
	Opened  Kind = "opened"  // Number is the pull request
	Closing Kind = "closing" // from now on the pull request Number may be closed
)

// Step is one step of work on a repository.
type Step struct {
	Name   string `json:"name"` // of the repository
	Kind   Kind   `json:"kind"`
	Commit string `json:"commit,omitempty"`
	Number int    `json:"number,omitempty"`
}

// record is one line; one field is set.
type record struct {
	Journal *Header        `json:"journal,omitempty"`
	Begun   string         `json:"begun,omitempty"`
	Step    *Step          `json:"step,omitempty"`
	Done    *result.Result `json:"done,omitempty"`
	End     *end           `json:"end,omitempty"`
}

// glance is a record of which only the name is wanted.
type glance struct {
	Journal *Header `json:"journal"`
	Begun   string  `json:"begun"`
	Step    *Step   `json:"step"`
	Done    *struct {
		Name string `json:"name"`
	} `json:"done"`
	End *end `json:"end"`
}

// end is the last record of a run that came to its end.
type end struct {
	Time time.Time `json:"time"`
}

const (
	headLen = len(`["00000000","00000000",`)
	tail    = "]\n"
	// maxLen bounds a record in bytes: what a length of eight digits can tell is
	// more than a machine should be asked to hold for a damaged one.
	maxLen = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// line is a record as it is written.
func line(r *record) ([]byte, error) {
	body, err := report.Encode(r)
	if err != nil {
		return nil, err
	}
	body = bytes.TrimSuffix(body, []byte("\n"))
	if len(body) > maxLen {
		return nil, fmt.Errorf("a result of %d bytes is more than a journal takes", len(body))
	}
	out := make([]byte, 0, headLen+len(body)+len(tail))
	out = fmt.Appendf(out, `["%08x","%08x",`, len(body), crc32.Checksum(body, castagnoli))
	return append(append(out, body...), tail...), nil
}

// errTorn: here the whole records end.
var errTorn = errors.New("damaged")

// next reads the record at the reader's place; left is how many bytes there are at most.
// buf is used again where it is large enough. The error is io.EOF at the end and
// errTorn at anything that no record is.
func next(r *bufio.Reader, buf []byte, left int64) (body []byte, size int64, err error) {
	var head [headLen]byte
	if n, err := io.ReadFull(r, head[:]); n == 0 && err == io.EOF {
		return buf, 0, io.EOF
	} else if err == io.EOF || err == io.ErrUnexpectedEOF {
		return buf, 0, errTorn
	} else if err != nil {
		return buf, 0, err
	}
	length, err1 := number(head[2:10])
	sum, err2 := number(head[13:21])
	size = int64(headLen) + int64(length) + int64(len(tail))
	if err1 != nil || err2 != nil || !shaped(head[:]) || length > maxLen || size > left {
		return buf, 0, errTorn
	}
	need := int(length) + len(tail)
	if cap(buf) < need {
		buf = make([]byte, need, max(need, 2*cap(buf)))
	}
	buf = buf[:need]
	if _, err := io.ReadFull(r, buf); err == io.EOF || err == io.ErrUnexpectedEOF {
		return buf, 0, errTorn
	} else if err != nil {
		return buf, 0, err
	}
	body = buf[:length]
	if string(buf[length:]) != tail || crc32.Checksum(body, castagnoli) != sum {
		return buf, 0, errTorn
	}
	return body, size, nil
}

func number(digits []byte) (uint32, error) {
	var b [4]byte
	if bytes.ContainsAny(digits, "ABCDEF") {
		return 0, errTorn // not as we write it
	}
	_, err := hex.Decode(b[:], digits)
	return binary.BigEndian.Uint32(b[:]), err
}

func shaped(head []byte) bool {
	return string(head[:2]) == `["` && string(head[10:13]) == `","` && string(head[21:]) == `",`
}

// begins tells whether text is how a journal begins, perhaps cut off: what may be
// written anew without destroying anybody's file.
func begins(text []byte) bool {
	const first = `["xxxxxxxx","xxxxxxxx",{"journal":{"version":`
	for i := range min(len(text), len(first)) {
		if first[i] == 'x' {
			if !strings.ContainsRune("0123456789abcdef", rune(text[i])) {
				return false
			}
		} else if text[i] != first[i] {
			return false
		}
	}
	return true
}

// look decodes a record without what a result holds. A record that is whole and no
// record of ours is an error: a newer drydock wrote it.
func look(body []byte) (*glance, error) {
	g := &glance{}
	if err := json.Unmarshal(body, g); err != nil {
		return nil, fmt.Errorf("a record that this drydock doesn't know: %w", err)
	}
	if h := g.Journal; h != nil && h.Version != Version {
		return nil, fmt.Errorf("a journal of version %d, and this drydock reads version %d: use the drydock that wrote it (%s)", h.Version, Version, h.Drydock)
	}
	return g, nil
}
