package probe

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/verify/finding"
)

// Compare lists in what a run of the image after differs from one of before, as
// far as a user could tell; times, process ids, temporary names and their like
// are taken out first (see [Normalise]). again is a second run of before, nil for none: what
// differs between the two isn't held against after. The breaks come first.
func Compare(before, again, after *Result) []finding.Finding {
	switch {
	case before == nil || before.NoCommand:
		return nil // nothing ran, nothing is claimed
	case after == nil || after.NoCommand:
		return []finding.Finding{{Class: finding.Command, Break: true, Message: "there is no command to run any more"}}
	}
	c := &comparison{b: before, g: again, a: after}
	if again == nil {
		c.g = before
	}
	c.ends()
	if !before.Exited && !after.Exited {
		c.listens()
		c.replies(again != nil)
		c.stops()
	}
	c.health()
	c.also()
	c.refusals()
	c.remarks()
	slices.SortStableFunc(c.found, func(x, y finding.Finding) int {
		switch {
		case x.Break == y.Break:
			return 0
		case x.Break:
			return -1
		}
		return 1
	})
	return c.found
}

// A comparison gathers what differs. g is b where there is no second run.
type comparison struct {
	b, g, a *Result
	found   []finding.Finding
}

// add notes f once.
func (c *comparison) add(f finding.Finding) {
	for _, old := range c.found {
		if old.Class == f.Class && (old.Message == f.Message || len(f.Names) > 0 && slices.Equal(old.Names, f.Names)) {
			return
		}
	}
	c.found = append(c.found, f)
}

// named adds what the lines that only text has tell about their cause. It gives how many there are.
func (c *comparison) named(text string, context string, before ...string) int {
	n := 0
	for _, line := range news(text, before...) {
		if f := why(line); f != nil {
			n++
			f.Message = strings.TrimSuffix(f.Message+" ("+context+")", " ()")
			f.Detail = strings.TrimSpace(line)
			c.folder(f)
			c.add(*f)
		}
	}
	return n
}

// folder takes the folder that the probe found by trying, for it knows more than the line.
func (c *comparison) folder(f *finding.Finding) {
	if f.Class != finding.Permission {
		return
	}
	for _, d := range c.a.Denied {
		if d.Folder != "" && (d.Path == f.Path || strings.Contains(d.Why, strings.TrimSpace(f.Detail)) && f.Path == "") {
			f.Path, f.Names = d.Path, []string{d.Folder}
			return
		}
	}
}

// ends compares whether it ended, how, and what a program that ends printed.
func (c *comparison) ends() {
	b, g, a := c.b, c.g, c.a
	switch {
	case b.Exited && !a.Exited && g.Exited:
		f := finding.Finding{Class: finding.Exit, Break: b.Exit == 0, Message: fmt.Sprintf("before it %s, now it %s", Manner(b), Manner(a))}
		c.add(f)
	case !b.Exited && a.Exited && !g.Exited,
		a.Exited && b.Exited && a.Exit != b.Exit && (!g.Exited || a.Exit != g.Exit):
		context := fmt.Sprintf("before it %s, now it ends with %d", Manner(b), a.Exit)
		if c.refusedPort(context) {
			return
		}
		if c.named(a.Output, context, b.Output, g.Output) == 0 {
			c.add(finding.Finding{Class: finding.Exit, Break: true, Detail: tail(a.Output),
				Message: fmt.Sprintf("before it %s, now it %s", Manner(b), Manner(a))})
		}
	case a.Exited && b.Exited:
		if d := differ(lines(b.Output), lines(g.Output), lines(a.Output), true); d != "" {
			if c.named(a.Output, "it ends with "+fmt.Sprint(a.Exit)+" as before", b.Output, g.Output) == 0 {
				c.add(finding.Finding{Class: finding.Output, Break: true, Message: "it prints something else: " + firstChange(d), Detail: d})
			}
		}
	default:
		if !a.Exited {
			c.named(a.Output, "", b.Output, g.Output)
		}
	}
}

// refusedPort adds the port below 1024 that before listened on and after was refused,
// where the refusal doesn't name it: no path is refused, and the user isn't root.
func (c *comparison) refusedPort(context string) bool {
	if c.a.UID == 0 || len(c.a.Denied) > 0 {
		return false
	}
	for _, line := range news(c.a.Output, c.b.Output, c.g.Output) {
		f := why(line)
		if f == nil || f.Class != finding.Permission || f.Path != "" {
			continue
		}
		for _, l := range c.b.Listen {
			if l.Proto == "tcp" && l.Port > 0 && l.Port < 1024 && len(onPort(c.a.Listen, l)) == 0 {
				c.add(finding.Finding{Class: finding.Port, Break: true, Names: []string{fmt.Sprint(l.Port)}, Detail: strings.TrimSpace(line),
					Message: fmt.Sprintf("it may not listen on port %d: a port below 1024 needs root or NET_BIND_SERVICE (%s)", l.Port, context)})
				return true
			}
		}
	}
	return false
}

// listens compares where it can be reached.
func (c *comparison) listens() {
	for _, l := range c.b.Listen {
		if passing(l) || l.Proto == "unix" && !has(c.g.Listen, l) {
			continue
		}
		same := onPort(c.a.Listen, l)
		switch {
		case len(onPort(c.g.Listen, l)) == 0: // it comes and goes
		case len(same) == 0 && l.Proto == "unix" && slices.ContainsFunc(c.b.Listen, isTCP):
			c.add(finding.Finding{Class: finding.Port, Path: l.Path, // a server's control socket, often below its user's home
				Message: "nothing listens on " + l.Path + " any more"})
		case len(same) == 0:
			if c.named(c.a.Output, "it "+Manner(c.a), c.b.Output, c.g.Output) == 0 || !about(c.found, l) {
				c.add(finding.Finding{Class: finding.Port, Break: true, Path: l.Path, Names: []string{socketName(l)},
					Message: fmt.Sprintf("nothing listens on %s any more: now it %s", socketName(l), Manner(c.a))})
			}
		case l.Proto != "unix" && public(onPort(c.b.Listen, l)) && !public(same):
			c.add(finding.Finding{Class: finding.Port, Break: true, Names: []string{fmt.Sprint(l.Port)},
				Message: fmt.Sprintf("it listens on %s:%d only, where nothing outside the container reaches it; before on %s", same[0].Address, l.Port, l.Address)})
		}
	}
	for _, l := range c.a.Listen {
		if !passing(l) && len(onPort(c.b.Listen, l)) == 0 && len(onPort(c.g.Listen, l)) == 0 {
			c.add(finding.Finding{Class: finding.Port, Message: "now it listens on " + socketName(l) + " too"})
		}
	}
}

// passing tells of a port that the kernel chose (ip(7), ip_local_port_range).
func passing(l Listener) bool { return l.Port >= 32768 }

func isTCP(l Listener) bool { return l.Proto == "tcp" }

func has(all []Listener, l Listener) bool { return slices.Contains(all, l) }

func onPort(all []Listener, l Listener) []Listener {
	var out []Listener
	for _, o := range all {
		if o.Proto == l.Proto && o.Port == l.Port && o.Path == l.Path {
			out = append(out, o)
		}
	}
	return out
}

// public tells whether one of the listeners of a port can be reached from elsewhere.
func public(all []Listener) bool {
	return slices.ContainsFunc(all, func(l Listener) bool { return !strings.HasPrefix(l.Address, "127.") && l.Address != "::1" })
}

func about(found []finding.Finding, l Listener) bool {
	return slices.ContainsFunc(found, func(f finding.Finding) bool {
		return f.Break && (f.Class != finding.Port || slices.Contains(f.Names, fmt.Sprint(l.Port)))
	})
}

func (c *comparison) stops() {
	switch {
	case c.b.StopMS >= 0 && c.g.StopMS >= 0 && c.a.StopMS < 0:
		c.add(finding.Finding{Class: finding.Stop, Break: true, Message: "before the stop signal ended it, now it has to be killed"})
	case c.b.StopMS < 0 && c.a.StopMS >= 0:
		c.add(finding.Finding{Class: finding.Stop, Message: "now the stop signal ends it; before it had to be killed"})
	}
}

func (c *comparison) health() {
	b, g, a := c.b.Health, c.g.Health, c.a.Health
	switch {
	case b == nil || c.a.Exited:
	case b.Exit == 0 && (g == nil || g.Exit == 0) && (a == nil || a.Exit != 0):
		if a == nil {
			c.add(finding.Finding{Class: finding.Health, Break: true, Message: "its health check isn't run any more"})
			return
		}
		f := finding.Finding{Class: finding.Health, Break: true, Detail: tail(a.Output),
			Message: fmt.Sprintf("its health check passed, now it fails with %d: %s", a.Exit, complaint(a.Output))}
		if cause := firstCause(a.Output); cause != nil {
			f.Message, f.Names, f.Path = "its health check fails: "+cause.Message, cause.Names, cause.Path
		}
		c.add(f)
	case a != nil && b.Exit != 0 && a.Exit == 0:
		c.add(finding.Finding{Class: finding.Health, Message: "its health check passes now"})
	}
}

func firstCause(text string) *finding.Finding {
	for _, line := range lines(text) {
		if f := why(line); f != nil {
			return f
		}
	}
	return nil
}

// also compares the further commands one by one.
func (c *comparison) also() {
	for i, b := range c.b.Also {
		if i >= len(c.a.Also) || i >= len(c.g.Also) {
			break
		}
		g, a := c.g.Also[i], c.a.Also[i]
		name := strings.Join(b.Argv, " ")
		if a.Exit != b.Exit && a.Exit != g.Exit {
			if c.named(a.Output, fmt.Sprintf("%s ended with %d, now with %d", name, b.Exit, a.Exit), b.Output, g.Output) == 0 {
				c.add(finding.Finding{Class: finding.Exit, Break: true, Detail: tail(a.Output),
					Message: fmt.Sprintf("%s ended with %d, now with %d: %s", name, b.Exit, a.Exit, complaint(a.Output))})
			}
		} else if d := differ(lines(b.Output), lines(g.Output), lines(a.Output), true); d != "" {
			if c.named(a.Output, name, b.Output, g.Output) == 0 {
				c.add(finding.Finding{Class: finding.Output, Break: true, Message: name + " prints something else: " + firstChange(d), Detail: d})
			}
		}
	}
}

// refusals are what the probe found by trying and before wasn't refused.
func (c *comparison) refusals() {
	for _, d := range c.a.Denied {
		was := func(old Denied) bool { return old.Path == d.Path || Normalise(old.Why) == Normalise(d.Why) }
		if d.Folder == "" || slices.ContainsFunc(c.b.Denied, was) || slices.ContainsFunc(c.g.Denied, was) {
			continue
		}
		if refusedPort(d.Why) != nil {
			continue
		}
		c.add(finding.Finding{Class: finding.Permission, Break: true, Path: d.Path, Names: []string{d.Folder},
			Message: "the user may not write " + d.Path, Detail: d.Why})
	}
}

// troubled is a line that a server's user would look at.
var troubled = rewrite.Lazily(`Traceback \(most recent|\b(?:ERROR|FATAL|CRITICAL|SEVERE)\b|^panic:|\[(?:error|crit|alert|emerg)\]|Unhandled|Exception in thread`)

// remarks are no breaks: errors in a server's log that weren't there, and files that a program doesn't write any more.
func (c *comparison) remarks() {
	if c.b.Exited || c.a.Exited {
		return
	}
	n := 0
	for _, line := range news(c.a.Output, c.b.Output, c.g.Output) {
		if troubled().MatchString(line) && why(line) == nil && n < 5 {
			n++
			c.add(finding.Finding{Class: finding.Output, Message: "its log has an error that wasn't there: " + short(strings.TrimSpace(line))})
		}
	}
	if c.g == c.b || c.a.Truncated.Writes || c.b.Truncated.Writes {
		return // which of its files are always written isn't known
	}
	for _, w := range lost(c.b, c.g, c.a) {
		c.add(finding.Finding{Class: finding.File, Path: w, Message: "before it wrote " + w + ", now it doesn't"})
	}
}

func lost(b, g, a *Result) []string {
	written := func(r *Result) map[string]bool {
		set := map[string]bool{}
		for _, w := range r.Writes {
			if !w.Cache && !w.Folder {
				set[Normalise(w.Path)] = true
			}
		}
		return set
	}
	inB, inG, inA := written(b), written(g), written(a)
	var out []string
	for p := range inB {
		if inG[p] && !inA[p] && !strings.HasPrefix(path.Clean(p), "/var/log/") {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out[:min(len(out), 10)]
}
