package report

import (
	"net/url"
	"path/filepath"
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
	ID            string               `json:"id"`
	Short         sarifText            `json:"shortDescription"`
	Full          sarifText            `json:"fullDescription"`
	Help          *sarifMarkdown       `json:"help,omitempty"`
	Configuration sarifConfiguration   `json:"defaultConfiguration"`
	Properties    *sarifRuleProperties `json:"properties,omitempty"`
}

// sarifRuleProperties are GitHub's: they make an alert a security alert with a level.
type sarifRuleProperties struct {
	Severity string   `json:"security-severity"`
	Tags     []string `json:"tags"`
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

	patch *Patch // that it is of
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
func (s *SARIF) locate(base, path string, line int) sarifLocation {
	l := sarifLocation{sarifPhysical{Artifact: s.artifact(base, path)}}
	if line > 0 {
		l.Physical.Region = &sarifRegion{StartLine: line}
	}
	return l
}

func (s *SARIF) artifact(base, path string) sarifArtifact {
	if s.Place != nil {
		path = s.Place(path)
	}
	return sarifArtifact{FileURI(path), base}
}

// FileURI writes a path as the reference that a URI is: relative for a relative
// path, file:// for an absolute one, "" for "".
func FileURI(path string) string {
	if path == "" {
		return ""
	}
	path = filepath.ToSlash(path)
	if len(path) > 2 && path[1:3] == `:\` { // elsewhere a backslash is a letter of a name
		path = strings.ReplaceAll(path, `\`, "/")
	}
	u := url.URL{Path: path}
	switch {
	case strings.HasPrefix(path, "/"):
		u.Scheme = "file"
	case len(path) > 2 && path[1] == ':' && path[2] == '/': // C:/folder
		u.Scheme, u.Path = "file", "/"+path
	}
	return u.String()
}
