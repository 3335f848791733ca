package images

import "strings"

// A rule sets one field of the image configuration when its conditions hold:
//
//	user NAME; nonroot NAME UID GID HOME; workdir DIR; entrypoint JSON; cmd JSON;
//	path PATH; env NAME=VALUE; stop SIGNAL; expose PORT…; volume DIR…; onbuild;
//	noshell; distro NAME; manager NAME; size MB
//
// size is the compressed size for linux/amd64 in megabytes (10^6 bytes): of the
// image as the source had it, typical of tags with the same words; 0 unknown.
//
// {version} and {line} stand for those of the tag, {std} for the usual PATH.
type rule struct {
	field, name, value string // name: of a variable; of a size, who gives it
	list               []string
	account            *Account
	size               int64
	template           bool
	when               []cond
}

// A cond is WORD or !WORD (a word of the tag, or the distribution), or <N or
// >=N (the version).
type cond struct {
	op    byte // '<', '>', '=' a word, '!' not the word
	value string
}

func parseCond(s string) cond {
	switch {
	case s[0] == '<':
		return cond{'<', s[1:]}
	case strings.HasPrefix(s, ">="):
		return cond{'>', s[2:]}
	case s[0] == '!':
		return cond{'!', s[1:]}
	}
	return cond{'=', s}
}

// holds: an unknown version counts as newer than all.
func (c cond) holds(t *lexed, img *Image) bool {
	switch c.op {
	case '<':
		return img.Version != "" && compare(img.Version, c.value) < 0
	case '>':
		return img.Version == "" || compare(img.Version, c.value) >= 0
	case '!':
		return !t.has(c.value) && img.Distro != c.value
	}
	return t.has(c.value) || img.Distro == c.value
}

// usualPath is the PATH in the configuration of the base images of debian,
// ubuntu, alpine and others, and BuildKit's default
// (github.com/moby/buildkit/util/system.DefaultPathEnvUnix).
const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func (f *family) configure(t *lexed, img *Image) {
	img.EnvPath = usualPath
	for i := range f.rules {
		r := &f.rules[i]
		if !r.holds(t, img) {
			continue
		}
		value, list := r.value, r.list
		if r.template {
			value = expand(value, img)
			if len(list) > 0 {
				list = append([]string(nil), list...)
				for j := range list {
					list[j] = expand(list[j], img)
				}
			}
		}
		switch r.field {
		case "user":
			img.User = value
		case "nonroot":
			img.NonRoot = r.account
		case "workdir":
			img.Workdir = value
		case "entrypoint":
			img.Entrypoint = list
		case "cmd":
			img.Cmd = list
		case "path":
			img.EnvPath = value
		case "stop":
			img.StopSignal = value
		case "expose":
			img.Expose = list
		case "volume":
			img.Volumes = list
		case "onbuild":
			img.OnBuild = true
		case "manager":
			img.PackageManager = value
		case "noshell":
			img.Shell = false
		case "size":
			img.Size, img.Platform, img.SizeSource = r.size, "", ""
			if r.size > 0 {
				img.Platform, img.SizeSource = "linux/amd64", r.name
			}
		case "env":
			if img.Env == nil {
				img.Env = make(map[string]string, 6)
			}
			img.Env[r.name] = value
		}
	}
}

func (r *rule) holds(t *lexed, img *Image) bool {
	for _, c := range r.when {
		if !c.holds(t, img) {
			return false
		}
	}
	return true
}

func expand(s string, img *Image) string {
	s = strings.Replace(s, "{std}", usualPath, 1)
	if strings.Contains(s, "{version}") {
		s = strings.ReplaceAll(s, "{version}", img.Version)
	}
	if strings.Contains(s, "{line}") {
		s = strings.ReplaceAll(s, "{line}", img.Line)
	}
	return s
}
