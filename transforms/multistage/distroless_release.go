package multistage

import (
	"cmp"
	"strings"

	"drydock/images"
)

// On which Debian release a distroless image is taken.

// maintained is a kind of distroless image on the oldest Debian release that isn't
// older than another (bookworm or 12) and is maintained today; where none is, the newest of them.
func maintained(src images.Source, kind, release string) (ref images.Ref, img images.Image, ended, ok bool) {
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
		if !there || !known || n < cmp.Or(debianNumber(release), release) {
			continue
		}
		maintained := images.Kept(kind, n) && (i.EndOfLife == "" || i.EndOfLife > src.Day())
		if ref, img, ended, ok = r, i, !maintained, true; maintained {
			return ref, img, false, true
		}
	}
	return ref, img, ended, ok
}
