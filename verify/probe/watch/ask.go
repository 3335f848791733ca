//go:build linux

package watch

import (
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	"drydock/verify/probe/wire"
)

const (
	maxPorts = 8  // that are asked
	maxLinks = 10 // followed from GET /
	warmUp   = 5 * time.Second
)

// ask puts the questions to each TCP port that listens.
func (r *run) ask() []wire.Reply {
	var replies []wire.Reply
	asked := map[int]bool{}
	for _, l := range r.res.Listen {
		if l.Proto != "tcp" || asked[l.Port] || len(asked) >= maxPorts {
			continue
		}
		asked[l.Port] = true
		replies = append(replies, r.port(reach(l, r.res.Listen), l.Port)...)
	}
	return replies
}

// reach gives the address where a listener answers: the loopback of its family when it listens everywhere.
func reach(l wire.Listener, all []wire.Listener) netip.Addr {
	v4 := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	ip, err := netip.ParseAddr(l.Address)
	switch {
	case err != nil, ip == netip.IPv4Unspecified():
		return v4
	case ip == netip.IPv6Unspecified():
		c, err := dial(v4, l.Port) // most take both
		if err != nil {
			return netip.IPv6Loopback()
		}
		c.close()
		return v4
	}
	for _, other := range all { // 0.0.0.0 beside ::1 is the better one to ask
		if other.Proto == "tcp" && other.Port == l.Port && other.Address == "0.0.0.0" {
			return v4
		}
	}
	return ip
}

// port gets / from port, then Spec.Gets, then what / links to on the same host.
func (r *run) port(to netip.Addr, port int) []wire.Reply {
	root, text := r.settled(to, port, wire.Get{Method: "GET", Path: "/"})
	if root.Speaks == wire.Other && root.Body == "" && speaksTLS(to, port) {
		root.Speaks, root.Err = wire.TLS, ""
	}
	if refusedPlain(root) {
		root = wire.Reply{Port: port, Method: root.Method, Path: root.Path, Speaks: wire.TLS}
	}
	replies := []wire.Reply{root}
	if root.Speaks != wire.HTTP {
		return replies
	}
	for _, get := range append(slices.Clone(r.spec.Gets), links("/", text)...) {
		if get != (wire.Get{Method: "GET", Path: "/"}) {
			one, _ := request(to, port, get)
			replies = append(replies, one)
		}
	}
	return replies
}

// settled asks until the answer is one: a port may open before the application behind it answers.
// A status below 500 is taken at once, anything else when it came twice in a row and later than half of warmUp.
func (r *run) settled(to netip.Addr, port int, get wire.Get) (wire.Reply, []byte) {
	var last wire.Reply
	for begin, n := time.Now(), 0; ; n++ {
		one, text := request(to, port, get)
		spent := time.Since(begin)
		switch {
		case one.Speaks == wire.HTTP && one.Err == "" && one.Status < 500,
			one.Speaks == wire.TLS,
			one.Speaks == wire.Other && one.Body != "",
			n > 0 && one == last && spent > warmUp/2,
			spent > warmUp,
			r.dead(0):
			return one, text
		}
		last = one
		time.Sleep(500 * time.Millisecond)
	}
}

// refusedPlain recognises how servers tell that they want TLS: Go's net/http, nginx, Apache, Node's and Java's proxies.
func refusedPlain(r wire.Reply) bool {
	if r.Status != 400 && r.Status != 426 {
		return false
	}
	for _, words := range []string{
		"HTTP request to an HTTPS server", "plain HTTP request was sent to HTTPS port", "speaking plain HTTP to an SSL-enabled",
		"This combination of host and port requires TLS",
	} {
		if strings.Contains(r.Body, words) {
			return true
		}
	}
	return false
}

// links gives the first paths on the same host that src= and href= name, in any quotes or none. page is where text came from:
// what doesn't begin with a slash is beside it.
func links(page string, text []byte) []wire.Get {
	var out []wire.Get
	rest := string(text)
	for len(out) < maxLinks {
		at := -1
		for _, attr := range []string{"src=", "href="} {
			if i := strings.Index(rest, attr); i >= 0 && (at < 0 || i+len(attr) < at) {
				at = i + len(attr)
			}
		}
		if at < 0 || at >= len(rest) {
			break
		}
		rest = rest[at:]
		end := " \t\r\n>"
		if rest[0] == '"' || rest[0] == '\'' {
			end, rest = rest[:1], rest[1:]
		}
		n := strings.IndexAny(rest, end)
		if n < 0 {
			break
		}
		to := rest[:n]
		rest = rest[n:]
		get := wire.Get{Method: "GET", Path: onHost(page, to)}
		if get.Path != "" && get.Path != page && !slices.Contains(out, get) {
			out = append(out, get)
		}
	}
	return out
}

// onHost is the absolute path of a link on a page; "" for one that leads elsewhere, and for what isn't a link.
func onHost(page, to string) string {
	to, _, _ = strings.Cut(strings.ReplaceAll(to, "&amp;", "&"), "#")
	name, _, _ := strings.Cut(to, "?")
	switch {
	case name == "", strings.HasPrefix(to, "//"), strings.ContainsAny(to, " \r\n\t<>{}$\\\"'`"), strings.Contains(strings.SplitN(name, "/", 2)[0], ":"):
		return ""
	case strings.HasPrefix(to, "/"):
		return to
	}
	dir := page[:strings.LastIndexByte(page, '/')+1]
	clean := path.Join(dir, name)
	if strings.HasSuffix(name, "/") {
		clean += "/"
	}
	return clean + to[len(name):]
}
