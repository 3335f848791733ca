package scan

// What scanners print. Sources: grype's JSON
// (https://oss.anchore.com/docs/reference/grype/json/), trivy's
// (https://trivy.dev/latest/docs/configuration/reporting/#json), and SARIF 2.1.0
// (https://docs.oasis-open.org/sarif/sarif/v2.1.0/). Only what is needed is
// decoded: a library for SARIF would bring its writer, its schema and its versions
// for a dozen fields.

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Vulnerability is a known one in one package.
type Vulnerability struct {
	ID       string   `json:"id"`
	Severity string   `json:"severity"` // one of Severities
	Package  string   `json:"package"`
	Version  string   `json:"version"`
	Fixed    []string `json:"fixed"` // versions without it; none known for nil
	URL      string   `json:"url,omitempty"`
	// Ignored: the scanner was told to leave it out; it counts like any other.
	Ignored bool `json:"ignored,omitempty"`
}

// A Report is what a scanner found in one image.
type Report struct {
	Scanner         string          `json:"scanner"` // name and, where it tells, version
	Counts          Counts          `json:"counts"`
	Vulnerabilities []Vulnerability `json:"vulnerabilities"` // the worst first, then by id and package
	Ignored         int             `json:"ignored"`         // distinct ones that the scanner was told to leave out; in Counts too
	// Packages is how many packages the scanner saw; -1 when it doesn't tell.
	Packages int `json:"packages"`
	// System is the distribution that it recognised, "" for none.
	System string `json:"system,omitempty"`

	manifest, config string // digests of what it says that it scanned, "" when it doesn't
}

// Worst are the first n vulnerabilities of distinct ids.
func (r *Report) Worst(n int) []Vulnerability {
	var out []Vulnerability
	seen := map[string]bool{}
	for _, v := range r.Vulnerabilities {
		if !seen[v.ID] && len(out) < n {
			out = append(out, v)
		}
		seen[v.ID] = true
	}
	return out
}

// Read reads a report of grype, of trivy, or in SARIF; which one it is stands in
// it. The error says that it is none.
func Read(out []byte) (*Report, error) {
	var kind struct {
		Descriptor    *json.RawMessage
		Matches       *json.RawMessage
		SchemaVersion int
		Runs          *json.RawMessage
	}
	if err := json.Unmarshal(out, &kind); err != nil {
		return nil, fmt.Errorf("its answer can't be read: %w", err)
	}
	read := readSARIF
	switch {
	case kind.Descriptor != nil && kind.Matches != nil:
		read = readGrype
	case kind.SchemaVersion > 0:
		read = readTrivy
	case kind.Runs == nil:
		return nil, errors.New("its answer isn't a report")
	}
	r, err := read(out)
	if err != nil {
		return nil, fmt.Errorf("its answer can't be read: %w", err)
	}
	r.finish()
	return r, nil
}

// finish sorts and counts.
func (r *Report) finish() {
	at := func(v Vulnerability) int { return slices.Index(Severities, v.Severity) }
	for i := range r.Vulnerabilities {
		v := &r.Vulnerabilities[i]
		if v.Severity = strings.ToLower(v.Severity); at(*v) < 0 {
			v.Severity = "unknown"
		}
	}
	slices.SortStableFunc(r.Vulnerabilities, func(a, b Vulnerability) int {
		return cmp.Or(at(a)-at(b), strings.Compare(a.ID, b.ID), strings.Compare(a.Package, b.Package))
	})
	r.Counts, r.Vulnerabilities = Counts{}, append([]Vulnerability{}, r.Vulnerabilities...) // no null in JSON
	seen, told := map[string]bool{}, map[string]bool{}
	for _, v := range r.Vulnerabilities {
		if !seen[v.ID] {
			r.Counts[v.Severity]++ // the worst comes first
		}
		seen[v.ID] = true
		if v.Ignored && !told[v.ID] {
			r.Ignored++
			told[v.ID] = true
		}
	}
}

func readGrype(out []byte) (*Report, error) {
	type match struct {
		Vulnerability struct {
			ID, Severity, DataSource string
			Fix                      struct{ Versions []string }
		}
		Artifact           struct{ Name, Version string }
		AppliedIgnoreRules []grypeRule
	}
	var doc struct {
		Matches, IgnoredMatches []match
		Distro                  struct{ Name, Version string }
		Source                  struct{ Target json.RawMessage }
		Descriptor              struct{ Name, Version string }
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		return nil, err
	}
	r := &Report{Scanner: join("grype", doc.Descriptor.Version), System: join(doc.Distro.Name, doc.Distro.Version), Packages: -1}
	var target struct{ ManifestDigest, ImageID string }
	if json.Unmarshal(doc.Source.Target, &target) == nil { // of a folder it is a text
		r.manifest, r.config = target.ManifestDigest, target.ImageID
	}
	for i, m := range append(doc.Matches, doc.IgnoredMatches...) {
		ignored := i >= len(doc.Matches)
		if ignored && len(m.AppliedIgnoreRules) > 0 && !slices.ContainsFunc(m.AppliedIgnoreRules, func(g grypeRule) bool { return !g.headers() }) {
			continue
		}
		v := m.Vulnerability
		r.Vulnerabilities = append(r.Vulnerabilities, Vulnerability{ID: v.ID, Severity: v.Severity, Package: m.Artifact.Name, Version: m.Artifact.Version,
			Fixed: v.Fix.Versions, URL: v.DataSource, Ignored: ignored})
	}
	return r, nil
}

// grypeRule is why grype leaves a match out.
type grypeRule struct {
	Vulnerability string
	MatchType     string `json:"match-type"`
	Package       struct {
		UpstreamName string `json:"upstream-name"`
	}
}

// headers: the rule is the one that grype holds itself, whatever it is told: the
// kernel's vulnerabilities aren't those of its header files
// (ignoreLinuxKernelHeaders in cmd/grype/cli/commands/root.go).
func (g grypeRule) headers() bool {
	return g.Vulnerability == "" && g.MatchType == "exact-indirect-match" && slices.Contains([]string{"kernel", "linux", "linux.*"}, g.Package.UpstreamName)
}

func readTrivy(out []byte) (*Report, error) {
	type vulnerability struct {
		VulnerabilityID, Severity, PkgName, InstalledVersion, FixedVersion, PrimaryURL string
	}
	var doc struct {
		Trivy    struct{ Version string }
		Metadata struct {
			OS      struct{ Family, Name string }
			ImageID string
		}
		Results []struct {
			Packages        []struct{ Name string }
			Vulnerabilities []vulnerability
			// What it was told to leave out, with --show-suppressed.
			ExperimentalModifiedFindings []struct {
				Type    string
				Finding vulnerability
			}
		}
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		return nil, err
	}
	r := &Report{Scanner: join("trivy", doc.Trivy.Version), System: join(doc.Metadata.OS.Family, doc.Metadata.OS.Name), config: doc.Metadata.ImageID}
	add := func(v vulnerability, ignored bool) {
		r.Vulnerabilities = append(r.Vulnerabilities, Vulnerability{ID: v.VulnerabilityID, Severity: v.Severity, Package: v.PkgName, Version: v.InstalledVersion,
			Fixed: words(v.FixedVersion), URL: v.PrimaryURL, Ignored: ignored})
	}
	for _, x := range doc.Results {
		r.Packages += len(x.Packages)
		for _, v := range x.Vulnerabilities {
			add(v, false)
		}
		for _, f := range x.ExperimentalModifiedFindings {
			if f.Type == "vulnerability" {
				add(f.Finding, true)
			}
		}
	}
	if r.Packages == 0 && len(r.Vulnerabilities) > 0 {
		r.Packages = -1 // an older one that doesn't list them
	}
	return r, nil
}

type sarifRule struct {
	ID               string
	HelpURI          string
	Help             struct{ Text, Markdown string }
	ShortDescription struct{ Text string }
	// DefaultConfiguration holds the level of results without one.
	DefaultConfiguration struct{ Level string }
	Properties           struct {
		Score    json.RawMessage `json:"security-severity"`
		Severity string          `json:"cvssV3_severity"` // docker scout's
		Affected string          `json:"affected_version"`
		Fixed    string          `json:"fixed_version"`
		Purls    []string
	}
}

func readSARIF(out []byte) (*Report, error) {
	var doc struct {
		Runs []struct {
			Tool struct {
				Driver struct {
					Name, Version, SemanticVersion string
					Rules                          []sarifRule
				}
			}
			Invocations []struct{ ExecutionSuccessful *bool }
			Results     []struct {
				RuleID       string
				RuleIndex    *int
				Level        string
				Message      struct{ Text string }
				Suppressions []json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		return nil, err
	}
	if len(doc.Runs) == 0 {
		return nil, errors.New("it holds no run of a scanner")
	}
	r := &Report{Packages: -1}
	for _, run := range doc.Runs {
		d := run.Tool.Driver
		r.Scanner = join(d.Name, cmp.Or(d.SemanticVersion, d.Version))
		for _, i := range run.Invocations {
			if i.ExecutionSuccessful != nil && !*i.ExecutionSuccessful {
				return nil, errors.New("it says that the scan did not succeed")
			}
		}
		for _, x := range run.Results {
			i := slices.IndexFunc(d.Rules, func(s sarifRule) bool { return s.ID == x.RuleID })
			if x.RuleIndex != nil && *x.RuleIndex >= 0 && *x.RuleIndex < len(d.Rules) {
				i = *x.RuleIndex
			}
			var rule sarifRule
			if i >= 0 {
				rule = d.Rules[i]
			}
			id := cmp.Or(x.RuleID, rule.ID)
			if id == "" {
				return nil, errors.New("a result names no rule")
			}
			v := Vulnerability{ID: id, Severity: severity(rule, cmp.Or(x.Level, rule.DefaultConfiguration.Level)), URL: rule.HelpURI, Ignored: len(x.Suppressions) > 0,
				Version: strings.Trim(rule.Properties.Affected, "=<> "), Fixed: words(strings.ReplaceAll(rule.Properties.Fixed, "not fixed", ""))}
			text := strings.Join([]string{x.Message.Text, rule.Help.Text, rule.ShortDescription.Text}, "\n")
			v.Package = named(text, "Package")
			v.Version = cmp.Or(v.Version, named(text, "Installed Version"), named(text, "Version"))
			if v.Fixed == nil {
				v.Fixed = words(cmp.Or(named(text, "Fixed Version"), named(text, "Fix Version")))
			}
			if m := sentence.FindStringSubmatch(x.Message.Text); m != nil && v.Package == "" { // grype's
				v.Package = m[1]
			}
			if v.Package == "" && len(rule.Properties.Purls) > 0 {
				v.Package = rule.Properties.Purls[0]
			}
			// grype adds the package to the id, to tell its rules apart.
			if d.Name == "Grype" || d.Name == "grype" {
				v.ID = strings.TrimSuffix(v.ID, "-"+v.Package)
			}
			r.Vulnerabilities = append(r.Vulnerabilities, v)
		}
	}
	return r, nil
}

// sentence is how grype tells what it found: "A high vulnerability in deb package: perl-base, version 5.36 was found at: …".
var sentence = regexp.MustCompile(`vulnerability in \S+ package: ([^\s,]+),`)

// named is the value of a "Name: value" line.
func named(text, name string) string {
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// severity is that of a rule, which names it, or has a score of CVSS from 0 to 10
// (https://nvd.nist.gov/vuln-metrics/cvss: 9 is critical, 7 high, 4 medium), or a
// level alone. "error" is all that is high or worse, so that without a score it
// counts as critical: a gate must not pass for want of a number.
func severity(r sarifRule, level string) string {
	if s := strings.ToLower(r.Properties.Severity); slices.Contains(Severities, s) {
		return s
	}
	if score, err := strconv.ParseFloat(strings.Trim(string(r.Properties.Score), `"`), 64); err == nil {
		switch {
		case score >= 9:
			return "critical"
		case score >= 7:
			return "high"
		case score >= 4:
			return "medium"
		case score > 0:
			return "low"
		}
	}
	return map[string]string{"error": "critical", "warning": "medium", "": "medium", "note": "low"}[level]
}

// words cuts a list at its commas.
func words(list string) []string {
	var out []string
	for w := range strings.SplitSeq(list, ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

func join(a, b string) string { return strings.TrimSpace(a + " " + b) }
