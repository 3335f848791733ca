package report

import (
	"net/url"
	"strconv"
	"strings"
)

// The objects of a SARIF log, as far as drydock writes them. Names and meanings
// are the standard's, section 3.

type sarifText struct {
	Text string `json:"text"`
}

type sarifMarkdown struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown"`
}

type sarifConfiguration struct {
	Level string `json:"level"`
}

type sarifRule struct {
	ID            string             `json:"id"`
	Short         sarifText          `json:"shortDescription"`
	Full          sarifText          `json:"fullDescription"`
	Help          *sarifMarkdown     `json:"help,omitempty"`
	Configuration sarifConfiguration `json:"defaultConfiguration"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version,omitempty"`
	Rules   []sarifRule `json:"rules"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifInvocation struct {
	Successful bool          `json:"executionSuccessful"`
	Notices    []sarifNotice `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotice struct {
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations,omitempty"`
}

type sarifArtifact struct {
	URI  string `json:"uri,omitempty"`
	Base string `json:"uriBaseId,omitempty"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn,omitempty"`
	EndLine     int `json:"endLine,omitempty"`
	EndColumn   int `json:"endColumn,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   *sarifRegion  `json:"region,omitempty"`
}

type sarifLocation struct {
	Physical sarifPhysical `json:"physicalLocation"`
}

type sarifResult struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      sarifText         `json:"message"`
	Locations    []sarifLocation   `json:"locations"`
	Fingerprints map[string]string `json:"partialFingerprints"`
	Fixes        []sarifFix        `json:"fixes,omitempty"`
	Properties   *sarifProperties  `json:"properties,omitempty"`
}

type sarifProperties struct {
	Status string `json:"status"` // applied or offered, as in Outcome
	Safety string `json:"safety"`
	Gain   string `json:"gain,omitempty"`
}

type sarifFix struct {
	Description sarifText     `json:"description"`
	Changes     []sarifChange `json:"artifactChanges"`
}

type sarifChange struct {
	Artifact     sarifArtifact      `json:"artifactLocation"`
	Replacements []sarifReplacement `json:"replacements"`
}

type sarifReplacement struct {
	Deleted  sarifRegion `json:"deletedRegion"`
	Inserted *sarifText  `json:"insertedContent,omitempty"`
}

type sarifProvenance struct {
	Repository string        `json:"repositoryUri"`
	Commit     string        `json:"revisionId,omitempty"`
	Branch     string        `json:"branch,omitempty"`
	MappedTo   sarifArtifact `json:"mappedTo"`
}

// locate is line of the file path below base; the whole of base without a path,
// the whole file for line 0.
func locate(base, path string, line int) sarifLocation {
	l := sarifLocation{sarifPhysical{Artifact: sarifArtifact{FileURI(path), base}}}
	if line > 0 {
		l.Physical.Region = &sarifRegion{StartLine: line}
	}
	return l
}

// FileURI writes a path as the reference that a URI is: relative for a relative
// path, file:// for an absolute one, "" for "".
func FileURI(path string) string {
	if path == "" {
		return ""
	}
	path = strings.ReplaceAll(path, `\`, "/")
	u := url.URL{Path: path}
	switch {
	case strings.HasPrefix(path, "/"):
		u.Scheme = "file"
	case len(path) > 2 && path[1] == ':' && path[2] == '/': // C:/folder
		u.Scheme, u.Path = "file", "/"+path
	}
	return u.String()
}

// sarifFixes is the diff of a file as one fix, nil without one.
func sarifFixes(base string, f *File) []sarifFix {
	var changes []sarifChange
	for _, c := range parseUnified(f.WholeDiff()) {
		change := sarifChange{Artifact: sarifArtifact{FileURI(c.path), base}}
		for _, b := range c.blocks {
			change.Replacements = append(change.Replacements, b.replacement())
		}
		if len(change.Replacements) > 0 {
			changes = append(changes, change)
		}
	}
	if changes == nil {
		return nil
	}
	n := 0
	for _, o := range f.Outcomes {
		if o.Status == "applied" {
			n++
		}
	}
	text := "make this change"
	if n > 1 {
		text = "make all " + strconv.Itoa(n) + " changes of " + f.Path + " that are ready"
	}
	return []sarifFix{{sarifText{text}, changes}}
}

// WholeDiff is the unified diff of all patches of a file: Diff where it is
// filled in, as it is in what was read back from JSON, else that of Patches.
func (f *File) WholeDiff() string {
	if f.Diff != "" {
		return f.Diff
	}
	return f.unified()
}

// unifiedFile is one file of a unified diff.
type unifiedFile struct {
	path   string
	blocks []*unifiedBlock
}

// unifiedBlock is a run of deleted and added lines.
type unifiedBlock struct {
	line    int // 1-based, of the first deleted line, or of the one to insert above
	deleted int // lines
	added   strings.Builder
	open    bool // the last deleted line has no line break
}

// replacement: whole lines are deleted with their line breaks, up to the first
// column of the line behind them; a last line without a line break up to its end.
func (b *unifiedBlock) replacement() sarifReplacement {
	r := sarifReplacement{Deleted: sarifRegion{StartLine: b.line, StartColumn: 1, EndLine: b.line + b.deleted, EndColumn: 1}}
	if b.open {
		r.Deleted.EndLine, r.Deleted.EndColumn = b.line+b.deleted-1, 0
	}
	if text := b.added.String(); text != "" {
		r.Inserted = &sarifText{text}
	}
	return r
}

// parseUnified reads a diff as Patch.Unified writes it: several files, each with a
// classic header. Text that is no diff gives nothing.
func parseUnified(diff string) []*unifiedFile {
	var out []*unifiedFile
	var file *unifiedFile
	var block *unifiedBlock
	line, oldLeft, newLeft := 0, 0, 0 // the hunk's lines that are still to come
	last := byte(' ')
	for _, l := range strings.SplitAfter(diff, "\n") {
		if l == "" {
			continue
		}
		if oldLeft <= 0 && newLeft <= 0 || l[0] == '\\' {
			switch {
			case l[0] == '\\' && block != nil && last == '+':
				text := strings.TrimSuffix(block.added.String(), "\n")
				block.added.Reset()
				block.added.WriteString(text)
			case l[0] == '\\' && block != nil && last == '-':
				block.open = true
			case strings.HasPrefix(l, "+++ "):
				file = &unifiedFile{path: unifiedPath(l[4:])}
				out = append(out, file)
				block = nil
			case strings.HasPrefix(l, "@@ ") && file != nil:
				line, oldLeft, newLeft = hunkHeader(l)
				block, last = nil, ' '
			}
			continue
		}
		if (l[0] == '-' || l[0] == '+') && block == nil {
			block = &unifiedBlock{line: line}
			file.blocks = append(file.blocks, block)
		}
		switch l[0] {
		case '-':
			block.deleted++
			line++
			oldLeft--
		case '+':
			block.added.WriteString(l[1:])
			newLeft--
		default:
			block = nil
			line++
			oldLeft--
			newLeft--
		}
		last = l[0]
	}
	return out
}

// unifiedPath undoes what a header does to a path: the prefix b/, a tab behind
// it, C quotes.
func unifiedPath(s string) string {
	s = strings.TrimRight(s, "\r\n")
	if strings.HasPrefix(s, `"`) {
		if q, err := strconv.Unquote(s); err == nil {
			s = q
		}
	} else {
		s = strings.TrimSuffix(s, "\t")
	}
	return strings.TrimPrefix(s, "b/")
}

// hunkHeader reads "@@ -1,4 +1,6 @@": the first line to come, and how many of
// the old and the new file.
func hunkHeader(l string) (line, oldLen, newLen int) {
	fields := strings.Fields(l)
	if len(fields) < 3 {
		return 0, 0, 0
	}
	pair := func(s string) (start, n int) {
		a, b, found := strings.Cut(strings.TrimLeft(s, "-+"), ",")
		start, _ = strconv.Atoi(a)
		n = 1
		if found {
			n, _ = strconv.Atoi(b)
		}
		return start, n
	}
	line, oldLen = pair(fields[1])
	_, newLen = pair(fields[2])
	if oldLen == 0 {
		line++ // of no line the header names the one before
	}
	return line, oldLen, newLen
}
