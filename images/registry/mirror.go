package registry

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"drydock/images"
	"drydock/images/internal/oci"
)

// Mirror is a registry that is asked in the place of another.
type Mirror struct {
	Host   string // whose images: "docker.io", "ghcr.io", "registry.example.com:5000"
	Target string // which registry has them: "127.0.0.1:5000"
	Prefix string // put before the names of repositories: "ghcr"; "" none
	Plain  bool   // plain HTTP
	Secure bool   // https alone, at a loopback address too
	Only   bool   // Host itself is never asked
}

// ParseMirrors reads a list of HOST=TARGET, separated by commas. TARGET is
// [!][http://|https://]HOST[:PORT][/PREFIX]: "!" stands for "only there, never
// HOST itself"; what has http://, or is a loopback address without https://, is asked by
// plain HTTP. A host with
// several mirrors asks them in the order of the list.
func ParseMirrors(list string) ([]Mirror, error) {
	var out []Mirror
	for item := range strings.SplitSeq(list, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		from, to, ok := strings.Cut(item, "=")
		if !ok {
			return nil, fmt.Errorf("%q has no =: write HOST=TARGET, such as docker.io=127.0.0.1:5000", oci.Clean(item))
		}
		m := Mirror{Host: canonical(strings.ToLower(strings.TrimSpace(from)))}
		to = strings.TrimSpace(to)
		to, m.Only = strings.CutPrefix(to, "!")
		to, m.Plain = strings.CutPrefix(to, "http://")
		to, m.Secure = strings.CutPrefix(to, "https://")
		m.Target, m.Prefix, _ = strings.Cut(to, "/")
		m.Target = strings.ToLower(m.Target)
		m.Prefix = strings.Trim(m.Prefix, "/")
		m.Plain = m.Plain || !m.Secure && loopback(m.Target)
		if strings.TrimSpace(from) == "" || !isHost(m.Host) || !isHost(m.Target) || m.Prefix != "" && !isPath(m.Prefix) {
			return nil, fmt.Errorf("%q isn't HOST=TARGET: write a host on the left, [!][http://]HOST[:PORT][/PREFIX] on the right", oci.Clean(item))
		}
		out = append(out, m)
	}
	return out, nil
}

func isHost(s string) bool {
	u, err := url.Parse("//" + s)
	return err == nil && s != "" && !strings.HasSuffix(s, ":") && u.Host == s && u.Hostname() != "" && u.User == nil
}

// isPath tells whether s can name a repository: distribution-spec, "Pulling manifests".
func isPath(s string) bool {
	if len(s) > 255 {
		return false
	}
	for part := range strings.SplitSeq(s, "/") {
		if strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" || part == "" || strings.Trim(part, ".") == "" {
			return false
		}
	}
	return true
}

// canonical is the one name of Docker Hub, which has several.
func canonical(host string) string {
	switch host {
	case "", "index.docker.io", "registry-1.docker.io":
		return "docker.io"
	}
	return host
}

// endpoint is a registry to ask, and what the repository is called there.
type endpoint struct {
	host  string // "index.docker.io", "127.0.0.1:5000"
	path  string // "library/python", "ghcr/o/app"
	shown string // "docker.io", "127.0.0.1:5000 (mirror of docker.io)"
}

// place cuts a reference into registry and repository; the error tells of
// references that name no image.
func place(ref images.Ref) (host, path string, err error) {
	host, path = canonical(strings.ToLower(ref.Domain)), ref.Path
	if host == "docker.io" && !strings.Contains(path, "/") {
		path = "library/" + path
	}
	shown := oci.Clean(ref.String())
	wrong := func(why, do string) error {
		return fail(images.ErrNotFound, nil, host, shown, why, do)
	}
	switch {
	case strings.Contains(ref.String(), "$"):
		return "", "", wrong("the reference holds a variable", "give the variable a value")
	case host == "docker.io" && path == "library/scratch":
		return "", "", wrong("scratch is the empty image", "name another one")
	case !isHost(host) || !isPath(path):
		return "", "", wrong("the reference names no repository", "write [REGISTRY/]NAME[:TAG]")
	case ref.Digest != "" && !oci.IsDigest(ref.Digest):
		return "", "", wrong("the digest isn't whole", "write sha256: and 64 hexadecimal digits")
	case ref.Digest == "" && ref.Tag != "" && !oci.IsTag(ref.Tag):
		return "", "", wrong("the tag isn't one", "write letters, digits, _, . and -")
	}
	return host, path, nil
}

// endpoints lists whom to ask, in order.
func (r *Registry) endpoints(host, path string) []endpoint {
	var out []endpoint
	only := false
	for _, m := range r.o.Mirrors {
		if canonical(m.Host) != host {
			continue
		}
		e := endpoint{host: m.Target, path: path, shown: m.Target + " (mirror of " + host + ")"}
		if m.Prefix != "" {
			e.path = m.Prefix + "/" + path
		}
		out, only = append(out, e), only || m.Only
	}
	if only {
		return out
	}
	origin := endpoint{host: host, path: path, shown: host}
	if host == "docker.io" {
		origin.host = name.DefaultRegistry
	}
	return append(out, origin)
}

// loopback tells whether host[:port] is this machine.
func loopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// inside tells whether host, of a URL, is an address of this machine or of a
// private network, in any spelling that a resolver takes (127.1, 0x7f000001).
func inside(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap()
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsLinkLocalMulticast() || ip.IsUnspecified()
	}
	last := host[strings.LastIndex(host, ".")+1:]
	return host == "localhost" || strings.HasSuffix(host, ".localhost") ||
		last != "" && (strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x"))
}

// Where is the reference under which a program that knows no mirrors finds the
// image: that of the first mirror, if there is one. plain tells that it has to
// speak HTTP.
func (r *Registry) Where(ref images.Ref) (reference string, plain bool) {
	host, path, err := place(ref)
	if err != nil {
		return ref.String(), false
	}
	e := r.endpoints(host, path)[0]
	reference = e.host + "/" + e.path
	if e.host == name.DefaultRegistry {
		reference = "docker.io/" + e.path
	}
	if ref.Tag != "" {
		reference += ":" + ref.Tag
	}
	if ref.Digest != "" {
		reference += "@" + ref.Digest
	}
	plain = loopback(e.host)
	for _, m := range r.o.Mirrors {
		if m.Target == e.host {
			plain = m.Plain
		}
	}
	return reference, plain
}
