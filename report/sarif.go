package report

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"strings"

	"drydock/checks"
	"drydock/transforms"
)

// SARIFVersion and SARIFSchema are what a log says of its own form: OASIS,
// Static Analysis Results Interchange Format 2.1.0 with errata 01.
const (
	SARIFVersion = "2.1.0"
	SARIFSchema  = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

// GitHubResults is how many results of a run GitHub's code scanning takes; it refuses
// a log with more, and shows the 5,000 that weigh most (docs.github.com, "SARIF support
// for code scanning").
const GitHubResults = 25_000

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
	// Place names a file as FormOptions.Place does; nil leaves paths as they are.
	Place func(path string) string
	// Most bounds the results, 0 for no bound: GitHubResults. How many are left out is a
	// notification.
	Most int

	begun   bool
	results int
	rules   []sarifRule
	index   map[string]int // of a rule
	notices []sarifNotice
	left    int // notices beyond maxNotices
	over    int // results beyond Most
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
		n := sarifNotice{Level: "error", Message: sarifText{f.Error.words()}, Locations: []sarifLocation{s.locate(base, f.Path, f.Error.Line)}}
		s.notice(n)
		return nil
	}
	fixes, with := s.fixes(base, f)
	for _, p := range f.problems(base) {
		r := s.result(base, p)
		if p.outcome >= 0 {
			o := f.Outcomes[p.outcome]
			r.Properties = &sarifProperties{Status: o.Status, Safety: o.Safety, Gain: o.Gain}
			r.Fixes = fixes[p.outcome]
			if first, ok := with[p.outcome]; ok && r.Fixes == nil {
				r.Message.Text += " The fix of " + f.Outcomes[first].Transform + " on the same lines makes it, too."
			}
		}
		if err := s.write(r); err != nil {
			return err
		}
	}
	return nil
}

// Notify tells of something that concerns a whole repository; base is as in In.
func (s *SARIF) Notify(base, message string) {
	s.notice(sarifNotice{Level: "error", Message: sarifText{message}, Locations: []sarifLocation{s.locate(base, "", 0)}})
}

func (s *SARIF) notice(n sarifNotice) {
	if len(s.notices) == maxNotices {
		s.left++
		return
	}
	s.notices = append(s.notices, n)
}

// result makes one result.
func (s *SARIF) result(base string, p problem) *sarifResult {
	if s.index == nil {
		s.index = map[string]int{}
	}
	k, known := s.index[p.Rule]
	if !known {
		k = len(s.rules)
		s.index[p.Rule] = k
		s.rules = append(s.rules, ruleOf(p.Rule))
	}
	r := &sarifResult{
		RuleID: p.Rule, RuleIndex: k, Level: p.Severity, Message: sarifText{p.text()}, Locations: []sarifLocation{s.locate(base, p.Path, max(p.Line, 1))},
		Fingerprints: map[string]string{"drydock/v1": p.Print},
	}
	if base == "" {
		// The one that GitHub goes by. It is not made of the line's text, as GitHub's own
		// is, so that a problem stays the same one when its line is edited.
		r.Fingerprints["primaryLocationLineHash"] = p.Print + ":1"
	}
	return r
}

// ruleOf describes a transform or a check; one that this version doesn't know,
// which an older journal may hold, has its name alone.
func ruleOf(id string) sarifRule {
	name, _, _ := strings.Cut(id, "/")
	r := sarifRule{ID: id, Configuration: sarifConfiguration{SeverityOf(name)}, Short: sarifText{id}, Full: sarifText{id}}
	if t := transforms.ByName(name); t != nil {
		r.Short.Text, r.Full.Text = t.Summary+".", oneLine(t.Doc)
		r.Help = &sarifMarkdown{oneLine(t.Doc), t.Doc}
	} else if c := checks.ByName(name); c != nil {
		r.Short.Text, r.Full.Text = c.Summary+".", oneLine(c.Doc)
		r.Help = &sarifMarkdown{oneLine(c.Doc), c.Doc}
	}
	if score := securityScore(name); score != "" {
		r.Properties = &sarifRuleProperties{score, []string{"security"}}
	}
	return r
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
	if s.Most > 0 && s.results == s.Most {
		s.over++
		return nil
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
	if s.over > 0 {
		s.notices = append(s.notices, sarifNotice{Level: "warning", Message: sarifText{fmt.Sprintf("%d more results are not listed here: GitHub takes %d", s.over, s.Most)}})
	}
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
