package transforms

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"drydock/repo"
	"drydock/rewrite"
)

// What compose files and Kubernetes manifests of the repository say about the user,
// the rights and the volumes that the image is run with.

// deployed tells what in compose files and manifests speaks against another user.
func deployed(p *rewrite.Pass, s *rewrite.Stage) string {
	for _, b := range p.Services(s) {
		at := fmt.Sprintf("%s:%d", b.File, b.Line)
		user, _, _ := strings.Cut(b.User, ":")
		switch {
		case user == "root" || user == "0":
			return at + " runs it as root"
		case b.Privileged:
			return at + " runs it privileged"
		case len(b.CapAdd) > 0:
			return at + " gives it a right of root (" + b.CapAdd[0] + ")"
		case len(b.Devices) > 0:
			return at + " gives it the device " + b.Devices[0]
		}
		for _, v := range b.Volumes {
			if strings.Contains(v, "docker.sock") {
				return at + " mounts the Docker socket"
			}
		}
		for _, port := range b.Ports {
			port, _, _ = strings.Cut(port, "/")
			if n, err := strconv.Atoi(port[strings.LastIndexByte(port, ':')+1:]); err == nil && n < 1024 {
				return fmt.Sprintf("%s sends to port %d, which is under 1024: Docker opens it to every user, Kubernetes to root alone", at, n)
			}
		}
	}
	for _, c := range p.Containers() {
		at := fmt.Sprintf("%s:%d", c.File, c.Line)
		switch {
		case c.User == "0":
			return fmt.Sprintf("%s:%d runs it as root (runAsUser: 0)", c.File, c.UserLine)
		case c.Privileged:
			return at + " runs it privileged"
		case len(c.Capabilities) > 0:
			return at + " gives it a right of root (" + c.Capabilities[0] + ")"
		}
		for _, n := range c.Ports {
			if n < 1024 {
				return fmt.Sprintf("%s sends to port %d, which Kubernetes opens to root alone", at, n)
			}
		}
		for _, m := range c.Mounts {
			switch {
			case m.ReadOnly:
			case m.Kind == "hostPath":
				return fmt.Sprintf("%s:%d mounts a folder of the host on %s, which belongs to root", c.File, m.Line, m.Path)
			case m.Kind == "claim" && c.Group == "":
				return fmt.Sprintf("%s:%d mounts a volume on %s without fsGroup, so it belongs to root", c.File, m.Line, m.Path)
			}
		}
	}
	return ""
}

// mounted tells which volume takes the place of a folder that the program writes to, and
// so the owner that it is given; or where another user runs it.
func mounted(p *rewrite.Pass, s *rewrite.Stage, given []folder) string {
	st := s.At(nil)
	for _, b := range p.Services(s) {
		at := fmt.Sprintf("%s:%d", b.File, b.Line)
		if b.User != "" && len(given) > 0 {
			return fmt.Sprintf("%s; %s runs it as user %s, who doesn't own %s", given[0].why, at, b.User, given[0].path)
		}
		for _, v := range b.Volumes {
			source, target, mode, ok := volumeParts(v)
			abs, known := st.Abs(target)
			if !ok || !known || slices.Contains(strings.Split(mode, ","), "ro") || path.Base(abs) == "node_modules" {
				continue
			}
			for _, f := range given {
				if rewrite.Inside(f.path, abs) {
					return fmt.Sprintf("%s; %s mounts %s there, whose owner the image doesn't decide", f.why, at, source)
				}
			}
			if !strings.HasPrefix(source, ".") && !strings.HasPrefix(source, "/") && !strings.HasPrefix(source, "~") && !strings.HasPrefix(source, "$") {
				return fmt.Sprintf("%s keeps data in the volume %s on %s, which belongs to root", at, source, abs)
			}
		}
	}
	for _, c := range p.Containers() {
		if c.User != "" && c.Group == "" && len(given) > 0 && c.User != appUID {
			return fmt.Sprintf("%s; %s:%d runs it as user %s, who doesn't own %s", given[0].why, c.File, c.UserLine, c.User, given[0].path)
		}
	}
	return ""
}

// volumeParts reads SOURCE:TARGET[:MODE] of a compose service; ok is false for a volume
// without a name, which takes the owner of the image's folder.
func volumeParts(v string) (source, target, mode string, ok bool) {
	parts := strings.SplitN(v, ":", 3)
	if len(parts) < 2 || parts[1] == "ro" || parts[1] == "rw" {
		return "", "", "", false
	}
	if len(parts) == 3 {
		mode = parts[2]
	}
	return parts[0], parts[1], mode, true
}

// numbered reports whether a manifest asks for a user that isn't root without naming
// one: the kubelet then takes a number in USER, and no name
// (https://kubernetes.io/docs/concepts/security/pod-security-standards/).
func numbered(p *rewrite.Pass) bool {
	return slices.ContainsFunc(p.Containers(), func(c repo.Container) bool { return c.NonRoot && c.User == "" })
}
