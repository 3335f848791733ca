// Package config reads .drydock.yaml: which transforms and checks run on which
// Dockerfiles, how far they may go, and what they pass over. docs/config.md tells it to
// users. A file's shape is written down once (shape.go); the reader, the schema that is
// published and the mistakes that are told come from it.
package config

import (
	"fmt"
	"path/filepath"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
	"drydock/said"
)

// Names are what a configuration file may be called.
var Names = [2]string{".drydock.yaml", ".drydock.yml"}

// Value is a setting with where it is from. The zero Value is one that nobody set.
type Value struct {
	Text string // "true" and "false" for switches
	File string // as users name it, "" when nobody set it
	Line int    // 1-based
}

// Set tells that somebody set it.
func (v Value) Set() bool { return v.Text != "" }

// From names the place: "FILE:LINE", "" when nobody set it.
func (v Value) From() string {
	if v.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", said.Printable(v.File), v.Line)
}

// On tells that a switch is on.
func (v Value) On() bool { return v.Text == on }

// What a switch holds.
const (
	on  = "on"
	off = "off"
)

// The levels of safety.
const (
	Safe   = "safe"
	Unsafe = "unsafe"
)

// severities are those of package report.
var severities = []word{
	{"error", "It runs, and what it tells is an error.", "severity"},
	{"warning", "It runs, and what it tells is a warning.", "severity"},
	{"note", "It runs, and what it tells is a note; findings that are notes don't make drydock check fail.", "severity"},
}

// Rule is what is set for one transform or check; for a check's rule (CHECK/RULE) too.
type Rule struct {
	Run      Value // on or off
	Policy   Value // of a transform
	Safety   Value // of a transform: Safe never makes an assumption, Unsafe may make any
	Severity Value // error, warning or note
}

// Ignore keeps a transform or a check away from files or instructions.
type Ignore struct {
	Rule        string // a transform, a check, or CHECK/RULE
	Path        string // pattern as in .gitignore, relative to the file's folder; "" for every Dockerfile
	Instruction string // words that the instruction has in this order (rewrite.Instruction.Has); "" for the whole Dockerfile
	Reason      string
	Until       string // its last day, as time.DateOnly writes it; "" for ever
	From        Value  // where it stands; Text is Rule

	match repo.GitPatterns
}

// Ended tells that it holds no longer on that day.
func (i Ignore) Ended(day string) bool { return i.Until != "" && i.Until < day }

// Settings are what a file says, at its top or in an override.
type Settings struct {
	Safety  Value // Safe or Unsafe
	Base    Value // as --base
	Context Value // folder, absolute
	Rules   map[string]Rule
	Ignores []Ignore
}

// File is one configuration file.
type File struct {
	Path string // as users name it
	Root bool   // files above it don't count
	Settings
	Exclude   []Value // patterns as in .gitignore
	Overrides []Override

	dir     string // absolute: what its patterns and folders are relative to
	exclude repo.GitPatterns
}

// Override is for the Dockerfiles that its patterns take.
type Override struct {
	Paths []string
	Settings

	match repo.GitPatterns
}

// Mistake is one thing that is wrong in a file.
type Mistake struct {
	File      string // as users name it
	Line, Col int    // 1-based; 0 for the whole file
	What      string // what is wrong
	Do        string // what to do about it
}

// Error is "FILE:LINE:COL: what is wrong: what to do".
func (m Mistake) Error() string {
	return (&rewrite.Error{Path: said.Printable(m.File), Line: m.Line, Col: m.Col, Msg: m.What, Hint: m.Do}).Error()
}

// Mistakes are all of a file, in the order of the text; as an error, a line each.
type Mistakes []Mistake

func (ms Mistakes) Error() string {
	var b strings.Builder
	for i, m := range ms {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(m.Error())
	}
	return b.String()
}

// Dir is the folder, absolute, that its patterns and folders are relative to.
func (f *File) Dir() string { return f.dir }

// relative is a Dockerfile's slash path as a file's patterns see it; ok is false when it
// lies elsewhere.
func (f *File) relative(abs string) (rel string, ok bool) {
	rel, err := filepath.Rel(f.dir, abs)
	rel = filepath.ToSlash(rel)
	return rel, err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}
