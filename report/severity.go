package report

import (
	"strings"

	"drydock/checks"
)

// The severities of changes and findings, in the words of SARIF: error for what gives
// a secret or a machine away or makes an image that can't work, warning for what
// weighs on its safety or on the same build tomorrow, note for what makes it smaller
// or faster.
const (
	SeverityError   = "error"
	SeverityWarning = "warning"
	SeverityNote    = "note"
)

// SeverityOf is the severity of what a transform or a check tells, unless a
// configuration says otherwise. rule is its name, with "/RULE" behind it or without.
func SeverityOf(rule string) string {
	name, _, _ := strings.Cut(rule, "/")
	switch name {
	case "secrets", "copied-secrets", "ssh-server", "emptied-files":
		return SeverityError
	case "add-user", "pin-base":
		return SeverityWarning
	}
	if checks.ByName(name) != nil {
		return SeverityWarning
	}
	return SeverityNote
}

// Regrade gives changes and findings the severities that of says by their rules; ""
// leaves one as it is.
func (f *File) Regrade(of func(rule string) string) {
	for i := range f.Outcomes {
		if s := of(f.Outcomes[i].Transform); s != "" {
			f.Outcomes[i].Severity = s
		}
	}
	for i := range f.Findings {
		if s := of(f.Findings[i].Check); s != "" {
			f.Findings[i].Severity = s
		}
	}
}

// securityScore is how much a rule weighs on the safety of what runs, on the scale
// of CVSS, 0 to 10; "" for one that is about something else. GitHub shows over 9.0 as
// critical, over 7.0 as high, over 4.0 as medium, the rest as low.
func securityScore(rule string) string {
	name, _, _ := strings.Cut(rule, "/")
	switch name {
	case "secrets", "copied-secrets":
		return "8.5"
	case "ssh-server", "pipe-to-shell":
		return "7.5"
	case "end-of-life", "world-writable", "add-user":
		return "5.5"
	case "pin-base", "no-sudo":
		return "3.0"
	}
	return ""
}
