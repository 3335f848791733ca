package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"strings"

	"drydock/checks"
	"drydock/rewrite"
	"drydock/transforms"
)

// SARIFVersion and SARIFSchema are what a log says of its own form: OASIS,
// Static Analysis Results Interchange Format 2.1.0 with errata 01.
const (
	SARIFVersion = "2.1.0"
	SARIFSchema  = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

// maxNotices bounds the notifications that a log holds in memory until its end.
const maxNotices = 1000

// SARIF renders a SARIF 2.1.0 log of one run as files come: memory is bounded by
// the number of rules. Changes (applied and offered) and findings are results; a
// file that could not be read is a notification of the invocation.
//
// The log's result objects are written by hand and not with go-sarif: that keeps a
// whole run in memory, and each of its results carries a dozen empty arrays.
type SARIF struct {
	W       io.Writer
	Version string // of drydock, "" for none

	begun   bool
	results int
	rules   []sarifRule
	index   map[string]int // of a rule
	notices []sarifNotice
	left    int // notices beyond maxNotices
}

// SARIFBase tells where the paths of one repository begin.
type SARIFBase struct {
	ID  string // as given to In
	URI string // absolute, ending in "/"; "" where there is none
	// Repository is the URI of the version control's repository, "" for none; Commit and Branch are of it.
	Repository, Commit, Branch string
}

// File writes the results of one file, whose path is relative to where drydock runs.
func (s *SARIF) File(f *File) error { return s.In("", f) }

// In writes the results of one file, whose path is relative to base, an ID of
// what Finish is given; "" for none.
func (s *SARIF) In(base string, f *File) error {
	if f.Error != nil {
		n := sarifNotice{Level: "error", Message: sarifText{f.Error.Message}, Locations: []sarifLocation{locate(base, f.Path, f.Error.Line)}}
		if f.Error.Hint != "" {
			n.Message.Text += ": " + f.Error.Hint
		}
		s.notice(n)
		return nil
	}
	seen := map[string]int{}
	fixed := false
	for _, o := range f.Outcomes {
		if o.Status != string(rewrite.Applied) && o.Status != string(rewrite.Offered) {
			continue // one breaks the image, the other is a defect of drydock
		}
		path := f.Path
		if o.File != "" {
			path = joinContext(f.Context, o.File)
		}
		r := s.result(seen, base, path, o.Transform, o.Line, o.Title, o.Why)
		if o.Assumes != "" {
			r.Message.Text += " Assumes: " + oneLine(o.Assumes) + "."
		}
		r.Properties = &sarifProperties{Status: o.Status, Safety: o.Safety, Gain: o.Gain}
		if o.Status == string(rewrite.Applied) && !fixed {
			// The diff of a file is one: taken for each of its changes it would be
			// made several times.
			fixed = true
			r.Fixes = sarifFixes(base, f)
		}
		if err := s.write(r); err != nil {
			return err
		}
	}
	for _, x := range f.Findings {
		if err := s.write(s.result(seen, base, f.Path, x.Check, x.Line, x.Message, x.Hint)); err != nil {
			return err
		}
	}
	return nil
}

// Notify tells of something that concerns a whole repository; base is as in In.
func (s *SARIF) Notify(base, message string) {
	s.notice(sarifNotice{Level: "error", Message: sarifText{message}, Locations: []sarifLocation{locate(base, "", 0)}})
}

func (s *SARIF) notice(n sarifNotice) {
	if len(s.notices) == maxNotices {
		s.left++
		return
	}
	s.notices = append(s.notices, n)
}

func joinContext(context, file string) string {
	if context == "" || context == "." {
		return file
	}
	return strings.TrimSuffix(context, "/") + "/" + file
}

// result makes one result; what tells it, more is a second sentence or "".
func (s *SARIF) result(seen map[string]int, base, path, id string, line int, what, more string) *sarifResult {
	if s.index == nil {
		s.index = map[string]int{}
	}
	k, known := s.index[id]
	if !known {
		k = len(s.rules)
		s.index[id] = k
		s.rules = append(s.rules, ruleOf(id))
	}
	text := sentence(what)
	if more != "" {
		text += " " + sentence(more)
	}
	key := id + "\x00" + path + "\x00" + what
	seen[key]++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", base, key, seen[key]))
	return &sarifResult{
		RuleID: id, RuleIndex: k, Level: s.rules[k].Configuration.Level, Message: sarifText{text}, Locations: []sarifLocation{locate(base, path, max(line, 1))},
		Fingerprints: map[string]string{"drydock/v1": hex.EncodeToString(sum[:16])},
	}
}

// sentence begins with a capital letter and ends with a full stop.
func sentence(s string) string {
	s = oneLine(s)
	if s == "" {
		return s
	}
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	if c := s[0]; c >= 'a' && c <= 'z' && (len(s) == 1 || s[1] >= 'a' && s[1] <= 'z' || s[1] == ' ') && !strings.ContainsAny(strings.SplitN(s, " ", 2)[0], "/:.=_-") {
		s = strings.ToUpper(s[:1]) + s[1:]
	}
	return s
}

// ruleOf describes a transform or a check; one that this version doesn't know,
// which an older journal may hold, has its name alone.
func ruleOf(id string) sarifRule {
	name, _, _ := strings.Cut(id, "/")
	r := sarifRule{ID: id, Configuration: sarifConfiguration{levelOf(name)}, Short: sarifText{id}, Full: sarifText{id}}
	if t := transforms.ByName(name); t != nil {
		r.Short.Text, r.Full.Text = t.Summary+".", oneLine(t.Doc)
		r.Help = &sarifMarkdown{oneLine(t.Doc), t.Doc}
	} else if c := checks.ByName(name); c != nil {
		r.Short.Text, r.Full.Text = c.Summary+".", oneLine(c.Doc)
		r.Help = &sarifMarkdown{oneLine(c.Doc), c.Doc}
	}
	return r
}

// levelOf is the level of a rule: error for what gives a secret or a machine away
// or makes an image that can't work, warning for what weighs on its safety or on
// the same build tomorrow, note for what makes it smaller or faster.
func levelOf(name string) string {
	switch name {
	case "secrets", "copied-secrets", "ssh-server", "emptied-files":
		return "error"
	case "add-user", "pin-base":
		return "warning"
	}
	if checks.ByName(name) != nil {
		return "warning"
	}
	return "note"
}

func (s *SARIF) begin() error {
	if s.begun {
		return nil
	}
	s.begun = true
	_, err := fmt.Fprintf(s.W, "{\n\"$schema\": %q,\n\"version\": %q,\n\"runs\": [{\n\"columnKind\": \"unicodeCodePoints\",\n\"results\": [", SARIFSchema, SARIFVersion)
	return err
}

func (s *SARIF) write(r *sarifResult) error {
	if err := s.begin(); err != nil {
		return err
	}
	if s.results++; s.results > 1 {
		if _, err := io.WriteString(s.W, ","); err != nil {
			return err
		}
	}
	return s.line(r)
}

// line writes a line break and a value.
func (s *SARIF) line(v any) error {
	text, err := Encode(v)
	if err == nil {
		_, err = fmt.Fprintf(s.W, "\n%s", bytes.TrimSuffix(text, []byte("\n")))
	}
	return err
}

// Close ends the log of files that are in no repository.
func (s *SARIF) Close(Total) error {
	return s.Finish(func(func(SARIFBase, error) bool) {})
}

// Finish ends the log. bases are gone through twice.
func (s *SARIF) Finish(bases iter.Seq2[SARIFBase, error]) error {
	if err := s.begin(); err != nil {
		return err
	}
	if _, err := io.WriteString(s.W, "\n],\n\"originalUriBaseIds\": {"); err != nil {
		return err
	}
	n := 0
	comma := func() string {
		if n++; n > 1 {
			return ",\n"
		}
		return "\n"
	}
	for b, err := range bases {
		if err != nil {
			return err
		}
		key, err := Encode(b.ID)
		if err != nil {
			return err
		}
		value, err := Encode(sarifArtifact{URI: b.URI})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(s.W, "%s%s: %s", comma(), bytes.TrimSpace(key), bytes.TrimSpace(value)); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(s.W, "\n},\n\"versionControlProvenance\": ["); err != nil {
		return err
	}
	n = 0
	for b, err := range bases {
		if err != nil {
			return err
		}
		if b.Repository == "" {
			continue
		}
		value, err := Encode(sarifProvenance{b.Repository, b.Commit, b.Branch, sarifArtifact{Base: b.ID}})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(s.W, "%s%s", comma(), bytes.TrimSpace(value)); err != nil {
			return err
		}
	}
	if s.left > 0 {
		s.notices = append(s.notices, sarifNotice{Level: "error", Message: sarifText{fmt.Sprintf("%d more failures are not listed here", s.left)}})
	}
	failed := len(s.notices) > 0
	if _, err := io.WriteString(s.W, "\n],\n\"invocations\": ["); err != nil {
		return err
	}
	if err := s.line(sarifInvocation{!failed, s.notices}); err != nil {
		return err
	}
	if _, err := io.WriteString(s.W, "],\n\"tool\":"); err != nil {
		return err
	}
	rules := s.rules
	if rules == nil {
		rules = []sarifRule{}
	}
	if err := s.line(sarifTool{sarifDriver{"drydock", s.Version, rules}}); err != nil {
		return err
	}
	_, err := io.WriteString(s.W, "\n}]\n}\n")
	return err
}
