package distro

import (
	"cmp"
	"strings"

	"drydock/images"
	"drydock/rewrite"
)

// On which Debian release a distroless image is taken.

// Maintained is a kind of distroless image on the oldest Debian release that isn't
// older than another (bookworm or 12) and is maintained today; where none is, the newest of them.
func Maintained(src images.Source, kind, release string) (ref images.Ref, img images.Image, ended, ok bool) {
	releases := []string{"11", "12", "13"}
	if name, of, one := strings.Cut(kind, "-debian"); one {
		kind, releases = name, []string{of}
	} else if release == "" { // the newest that there is
		r, there := images.Distroless(kind)
		_, of, _ := strings.Cut(r.Repository(), "-debian")
		if releases = []string{of}; !there {
			return ref, img, false, false
		}
	}
	for _, n := range releases {
		r, there := images.Distroless(kind + "-debian" + n)
		i, known := src.Image(r)
		if !there || !known || n < cmp.Or(DebianNumber(release), release) {
			continue
		}
		maintained := images.Kept(kind, n) && (i.EndOfLife == "" || i.EndOfLife > src.Day())
		if ref, img, ended, ok = r, i, !maintained, true; maintained {
			return ref, img, false, true
		}
	}
	return ref, img, ended, ok
}

// DistrolessHas are packages whose files every distroless image holds
// (GoogleContainerTools/distroless, base/README.md: ca-certificates, /etc/passwd,
// /tmp, tzdata).
var DistrolessHas = words(`ca-certificates tzdata base-files netbase media-types mailcap`)

// LacksUser: USER, or --chown, names somebody whom distroless images don't know.
func LacksUser(in *rewrite.Instruction) string {
	user, group := "", ""
	switch in.Keyword {
	case "user":
		user = in.Stage.At(in).Expand(in.Args.Text)
	case "copy", "add":
		user, _ = in.Flag("chown")
		user = in.State().Expand(user)
	}
	user, group, _ = strings.Cut(user, ":")
	known := func(name string) bool {
		return strings.Trim(name, "0123456789") == "" || name == "root" || name == "nonroot" || name == "nobody"
	}
	switch {
	case !known(user):
		return "it has no user " + user
	case !known(group):
		return "it has no group " + group
	}
	return ""
}
