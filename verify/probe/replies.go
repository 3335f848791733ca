package probe

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"drydock/verify/finding"
	"drydock/verify/probe/wire"
)

// replies compares the answers to the same questions. twice: there was a second run of before.
func (c *comparison) replies(twice bool) {
	reported := map[int]bool{} // a port that is gone was told already
	for _, b := range c.b.Replies {
		g := same(c.g.Replies, b)
		a := same(c.a.Replies, b)
		switch {
		case g == nil, reported[b.Port]: // a link with a name of its own in each run
		case a == nil && !c.open(b.Port):
		case a == nil:
			c.add(finding.Finding{Class: finding.Reply, Break: true, Names: []string{question(b)},
				Message: question(b) + " was answered with " + answer(b) + "; now nothing links to it"})
		default:
			f := c.reply(b, *g, *a, twice)
			if f == nil {
				continue
			}
			if a.Speaks != wire.HTTP {
				reported[b.Port] = true
			}
			if c.named(a.Body, question(b)+" "+f.Message, b.Body, g.Body) == 0 {
				f.Message = question(b) + " " + f.Message
				f.Names = []string{question(b)}
				c.add(*f)
			}
		}
	}
}

func same(all []Reply, b Reply) *Reply {
	for i, r := range all {
		if r.Port == b.Port && r.Method == b.Method && r.Path == b.Path {
			return &all[i]
		}
	}
	return nil
}

func (c *comparison) open(port int) bool {
	for _, l := range c.a.Listen {
		if l.Proto == "tcp" && l.Port == port {
			return true
		}
	}
	return false
}

func question(r Reply) string { return fmt.Sprintf("%s %s on port %d", r.Method, r.Path, r.Port) }

func answer(r Reply) string {
	switch {
	case r.Status > 0:
		return fmt.Sprint(r.Status)
	case r.Speaks == wire.TLS:
		return "TLS"
	case r.Body != "":
		return "no HTTP (" + short(strings.TrimSpace(r.Body)) + ")"
	case r.Err != "":
		return "nothing: " + r.Err
	}
	return "nothing"
}

// reply compares one answer; its message goes on after the question.
func (c *comparison) reply(b, g, a Reply, twice bool) *finding.Finding {
	broken := func(message, detail string) *finding.Finding {
		return &finding.Finding{Class: finding.Reply, Break: true, Message: message, Detail: detail}
	}
	switch {
	case a.Speaks != b.Speaks && a.Speaks != g.Speaks, a.Status != b.Status && a.Status != g.Status:
		return broken(fmt.Sprintf("was answered with %s, now with %s", answer(b), answer(a)), bodies(b, a))
	case b.Err == "" && g.Err == "" && a.Err != "":
		return broken("was answered in full, now: "+a.Err, "")
	case b.Status != g.Status:
		return nil // it answers now so, now so
	case kind(a.Type) != kind(b.Type) && kind(a.Type) != kind(g.Type):
		return broken(fmt.Sprintf("was of type %q, now of %q", b.Type, a.Type), "")
	case place(a) != place(b) && place(a) != place(g):
		return broken(fmt.Sprintf("redirected to %q, now to %q", b.To, a.To), "")
	case headGone(b, g, a) != "":
		return broken(headGone(b, g, a), "")
	case b.Size > 0 && g.Size > 0 && a.Size == 0:
		return broken(fmt.Sprintf("was answered with %d bytes, now with none", b.Size), "")
	}
	if a.SHA256 == b.SHA256 && a.Body == b.Body || a.SHA256 != "" && a.SHA256 == g.SHA256 {
		return nil
	}
	if !utf8.ValidString(b.Body[:max(0, min(len(b.Body), len(b.Body)-4))]) { // the cut may go through a letter
		if b.SHA256 == g.SHA256 {
			return broken(fmt.Sprintf("has another body (%d bytes, now %d)", b.Size, a.Size), "")
		}
		return nil
	}
	if d := differ(lines(b.Body), lines(g.Body), lines(a.Body), false); d != "" {
		return broken("has another body: "+firstChange(d), d)
	}
	// What was kept is the same. The rest has a hash only, in which times can't be taken out: so it counts when it stood
	// still between two runs, or in a file that a server only hands out.
	whole := int64(len(b.Body)) == b.Size && int64(len(a.Body)) == a.Size
	steady := b.SHA256 == g.SHA256 && (twice || kind(b.Type) != kind("text/html"))
	if !whole && steady && b.Body == a.Body && a.SHA256 != b.SHA256 {
		return broken(fmt.Sprintf("has another body after its first %d bytes (%d bytes in all, now %d)", len(b.Body), b.Size, a.Size), "")
	}
	return nil
}

// headGone is how a's header lacks a field that b's and g's have, or has another value in it, "" for neither. A value may
// hold what is made anew for each answer: then both b and g must have it.
func headGone(b, g, a Reply) string {
	inG, inA := fields(g), fields(a)
	for _, name := range wire.Told {
		was, is := fields(b)[name], inA[name]
		if was == "" || was != inG[name] || was == is {
			continue
		}
		if is == "" {
			return fmt.Sprintf("had the header field %s: %s; now it lacks", name, short(was))
		}
		return fmt.Sprintf("had the header field %s: %s; now %s", name, short(was), short(is))
	}
	return ""
}

func fields(r Reply) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(r.Head) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		out[name] = Normalise(value)
	}
	return out
}

func bodies(b, a Reply) string {
	if !utf8.ValidString(a.Body) || !utf8.ValidString(b.Body) {
		return ""
	}
	return diff(lines(b.Body), lines(a.Body))
}

// kind is a media type in small letters without blanks; its parameters count, for a charset changes what is read.
func kind(t string) string {
	t = strings.ToLower(strings.ReplaceAll(t, " ", ""))
	if media, param, ok := strings.Cut(t, ";boundary="); ok && param != "" {
		return media // another in each answer
	}
	return strings.ReplaceAll(t, `"`, "")
}

// place is a redirect's target: its host is the one that was asked, however it is written.
func place(r Reply) string {
	to := r.To
	for _, p := range []string{"http://localhost", "http://127.0.0.1", "http://[::1]"} {
		if rest, ok := strings.CutPrefix(to, p); ok {
			to = strings.TrimPrefix(rest, fmt.Sprintf(":%d", r.Port))
		}
	}
	return Normalise(to)
}
