package report

import (
	"encoding/xml"
	"strings"

	"drydock/said"
)

// xmlText is a text in one line for XML, in an attribute or between tags. Characters that
// XML 1.0 has no way to write (controls, halves of pairs) are shown as said does it.
func xmlText(s string) string { return xmlPath(oneLine(s)) }

// xmlPath is xmlText with the blanks as they are.
func xmlPath(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(said.Printable(s))) // a Builder takes all
	return b.String()
}
