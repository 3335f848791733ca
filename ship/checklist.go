package ship

import (
	"fmt"
	"strings"

	"drydock/report"
	"drydock/scan"
)

// A Checklist is what came out, item by item.
type Checklist struct {
	Version    int         `json:"version"` // of this form: 1
	Images     []string    `json:"images"`  // the tags asked for
	Dockerfile string      `json:"dockerfile,omitempty"`
	Digest     string      `json:"digest"` // of what was built and scanned
	Passed     bool        `json:"passed"` // every gate holds and nothing failed
	Error      string      `json:"error,omitempty"`
	Items      []Item      `json:"items"`
	Platforms  []*Platform `json:"platforms"`
	SBOM       []string    `json:"sbom,omitempty"` // files
	Pushed     []Pushed    `json:"pushed,omitempty"`
	Notes      []string    `json:"notes,omitempty"` // what else could not be done
}

// Platform is the image of one platform, beside the one before.
type Platform struct {
	Name       string       `json:"platform"`
	After      *Image       `json:"after"`
	Before     *Image       `json:"before,omitempty"`
	Scan       *scan.Report `json:"scan,omitempty"` // nil: not scanned
	ScanBefore *scan.Report `json:"scanBefore,omitempty"`
}

// A State is whether an item is so.
type State string

// The states.
const (
	Yes State = "yes"
	No  State = "no"
)

// An Item is a line of the list.
type Item struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	// Gate: it is a gate that doesn't hold.
	Gate bool   `json:"gateFailed,omitempty"`
	Text string `json:"text"`
}

func (c *Checklist) add(name string, state State, gate bool, text string) {
	c.Items = append(c.Items, Item{name, state, gate, text})
}

// failed names the first gate that doesn't hold, "" when all do.
func (c *Checklist) failed() string {
	for _, i := range c.Items {
		if i.Gate {
			return i.Name
		}
	}
	return ""
}

func (c *Checklist) finish(err error) {
	c.Passed = err == nil && c.failed() == ""
	if err != nil {
		c.Error = err.Error()
	}
}

func (c *Checklist) stages(names []string) {
	if len(names) < 2 {
		c.add("multi-stage", No, false, "one stage: drydock fix --unsafe parts the build from what runs, where it can")
		return
	}
	c.add("multi-stage", Yes, false, fmt.Sprintf("%d stages: %s", len(names), strings.Join(names, ", ")))
}

// label puts the platform before a text when there are several.
func (c *Checklist) label(p *Platform, text string) string {
	if len(c.Platforms) > 1 {
		return p.Name + ": " + text
	}
	return text
}

func (c *Checklist) sizes(noBefore string) {
	state := Yes
	var texts []string
	for _, p := range c.Platforms {
		now := fmt.Sprintf("%s in %s", megabytes(p.After.Compressed), count(p.After.Layers, "layer"))
		b := p.Before
		switch {
		case b == nil && noBefore == "":
			noBefore = "the Dockerfile before gives no image for this platform"
			fallthrough
		case b == nil:
			state = No
			texts = append(texts, c.label(p, now+": "+noBefore))
			continue
		case p.After.Compressed > b.Compressed*21/20:
			state, now = No, now+", larger than before"
		case p.After.Compressed >= b.Compressed*20/21 && (p.After.Compressed > 0 || b.Compressed == 0): // a build is never of quite the same size
			state, now = No, now+", about as large as before"
		case p.After.Compressed > 0:
			now += fmt.Sprintf(", %.1f times smaller", float64(b.Compressed)/float64(p.After.Compressed))
		}
		texts = append(texts, c.label(p, fmt.Sprintf("%s in %s -> %s", megabytes(b.Compressed), count(b.Layers, "layer"), now)))
	}
	c.add("smaller", state, false, strings.Join(texts, "; "))
}

// megabytes is a size that may be nothing at all.
func megabytes(n int64) string {
	if n == 0 {
		return "0 MB"
	}
	if n < 100_000 {
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return report.Megabytes(n)
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func (c *Checklist) users() {
	state := Yes
	var texts []string
	for _, p := range c.Platforms {
		text := "runs as " + p.After.User
		if p.After.User == "" {
			text = "runs as root: no USER"
		} else if p.After.Root {
			text += ", which is root"
		}
		if p.After.Root {
			state = No
		}
		if text = c.label(p, text); len(texts) == 0 || texts[len(texts)-1] != text {
			texts = append(texts, text)
		}
	}
	c.add("non-root", state, false, strings.Join(texts, "; "))
}

func (c *Checklist) proof(p Proof) {
	switch p.Verdict {
	case Same:
		c.add("same behaviour", Yes, false, or(p.Why, "built and run before and after"))
	case SameFailure:
		c.add("same behaviour", No, false, or(p.Why, "before and after fail alike when they are run here, which tells nothing of what they do otherwise"))
	case Broken:
		var texts []string
		for _, f := range p.Breaks {
			texts = append(texts, f.Message)
		}
		if p.Why != "" || len(texts) == 0 {
			texts = append([]string{or(p.Why, "it does not do what it did")}, texts...)
		}
		c.add("same behaviour", No, true, strings.Join(texts, "; "))
	default:
		c.add("same behaviour", No, false, NotProven+": "+or(p.Why, "nobody looked"))
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// GetScanner is where scanners are.
const GetScanner = "install grype (https://github.com/anchore/grype), trivy (https://github.com/aquasecurity/trivy) or docker scout"

// unscanned: not scanned is never clean.
func (c *Checklist) unscanned(asked bool, limit int) {
	if asked {
		c.add(gateName(limit), No, false, "not scanned: --scan none")
		return
	}
	c.add(gateName(limit), No, true, "not scanned, for there is no scanner on PATH: "+GetScanner+", or say --scan none")
}

func gateName(limit int) string {
	if limit == 0 {
		return "0 critical"
	}
	return fmt.Sprintf("at most %d critical", limit)
}

func (c *Checklist) critical(limit int) {
	state := Yes
	var texts []string
	by := ""
	for _, p := range c.Platforms {
		if p.Scan.Counts["critical"] > limit {
			state = No
		}
		by = p.Scan.Scanner
		text := p.Scan.Counts.String()
		if text == "none" {
			text = "none known"
		}
		if p.ScanBefore != nil {
			text = p.ScanBefore.Counts.String() + " -> " + text
		}
		if p.Scan.Ignored > 0 {
			text += fmt.Sprintf(" (%d of them the scanner was told to ignore)", p.Scan.Ignored)
		}
		if p.Scan.Packages == 0 || p.Scan.Packages < 0 && p.Scan.System == "" && len(p.Scan.Vulnerabilities) == 0 {
			c.Notes = append(c.Notes, c.label(p, p.Scan.Scanner+" saw no packages in the image, so that there is nothing it could know of: a program without build information looks like this"))
		}
		texts = append(texts, c.label(p, text))
	}
	c.add(gateName(limit), state, state == No, strings.Join(texts, "; ")+": "+by)
}

func (c *Checklist) pushed() string {
	var out []string
	for _, p := range c.Pushed {
		out = append(out, p.Tag+"@"+p.Digest)
	}
	return strings.Join(out, ", ")
}
