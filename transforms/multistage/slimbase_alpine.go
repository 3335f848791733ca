package multistage

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// Alpine's variant of an image, where the policy asks for it. It has another C
// library (musl), another shell and other programs, so that whatever may have been
// made for glibc speaks against it.

// services are images whose own entry point runs a server.
var services = words(`nginx httpd memcached haproxy`)

// alpined are the images whose alpine variant does the same from the same paths.
var alpined = words(`python node ruby nginx httpd memcached haproxy`)

// stores keep data that depends on the C library: PostgreSQL sorts by its
// collations (https://wiki.postgresql.org/wiki/Locale_data_changes), and files
// belong to other users.
var stores = words(`postgres redis rabbitmq mysql mariadb mongo influxdb cassandra`)

// alpineTagOf splits a tag into its version and what else it says.
var alpineTagOf = lazily(`^([0-9][0-9.]*|latest|stable|mainline|lts|current|)(-(slim|bookworm|bullseye|buster|trixie))*$`)

// chooseAlpine finds Alpine's image of the same version; without a word where the
// image has none, or is one.
func (s *split) chooseAlpine() bool {
	repository, tag := s.ref.Repository(), s.ref.Tag
	s.variant = &variant{name: "Alpine's image", other: true, alpine: true}
	if strings.Contains(tag, "alpine") || s.img.Distro == "alpine" {
		return false
	}
	switch {
	case jdkRepositories[repository]:
		return s.decline(s.stage.From, "a jar may hold native code, which is made for glibc")
	case stores[repository]:
		return s.decline(s.stage.From, "%s keeps data, which another C library sorts in another order and whose files belong to other users there", repository)
	case !alpined[repository]:
		s.reason = "there is no image of Alpine that takes the place of " + s.stage.BaseName()
		return false
	case !s.p.Repo.Known():
		return s.decline(s.stage.From, "without the build context it isn't known what the program needs")
	case strings.Contains(s.stage.From.Fields()[0].Text, "$"):
		return s.decline(s.stage.From, "the base is computed from a build argument")
	case s.ref.Digest != "":
		return s.decline(s.stage.From, "the base is pinned to a digest")
	}
	m := alpineTagOf().FindStringSubmatch(tag)
	if m == nil {
		return s.decline(s.stage.From, "which tag of Alpine is the same as %s isn't known", s.stage.BaseName())
	}
	to := "alpine"
	if m[1] != "" && m[1] != "latest" {
		to = m[1] + "-alpine"
	}
	ref := s.ref.WithTag(to)
	img, ok := s.p.Images.Image(ref)
	switch {
	case !ok || img.Libc != "musl":
		return s.decline(s.stage.From, "%s isn't known to exist", ref)
	case img.Version != s.img.Version:
		return s.decline(s.stage.From, "%s and %s aren't known to hold the same version", ref, s.stage.BaseName())
	case img.Workdir != s.img.Workdir || img.User != s.img.User || !slices.Equal(img.Entrypoint, s.img.Entrypoint) || !slices.Equal(img.Cmd, s.img.Cmd):
		return s.decline(s.stage.From, "%s starts in another way", ref)
	}
	s.variant.lost = map[string]string{}
	for p := range notInAlpine {
		s.variant.lost[p] = p
	}
	for p, pkg := range fullOnly {
		if !inAlpine[p] {
			s.variant.lost[p] = pkg
		}
	}
	s.variant.gone = []string{"glibc", "bash", "apt", "what the full image has to build"}
	s.variant.gain = "glibc and Debian stay out: Alpine's images weigh 10 to 50 MB (compressed)"
	s.base, s.variant.base = ref.String(), ref.String()
	s.explain("%s holds the same version on Alpine", s.base)
	return true
}

// fitsAlpine: nothing that gets into the image is made for glibc.
func (s *split) fitsAlpine() bool {
	for _, st := range s.doc.Stages {
		if !st.Descends(s.stage) {
			continue
		}
		for _, in := range st.Instructions {
			if why := s.needsGlibc(in); why != "" {
				return s.decline(in, "%s", why)
			}
		}
	}
	if s.ref.Repository() == "nginx" {
		if why := s.nginxUser(); why != "" {
			return s.decline(s.stage.From, "%s", why)
		}
	}
	if s.p.Unsafe {
		if f := s.nativeFile(); f != "" {
			return s.decline(s.stage.From, "%s", f)
		}
	}
	s.assumes = append(s.assumes, "musl's resolver, locales and small thread stacks suit the program (https://wiki.musl-libc.org/functional-differences-from-glibc.html); only a trial build and run show it")
	return true
}

// needsGlibc tells what of an instruction another C library or system may break.
func (s *split) needsGlibc(in *rewrite.Instruction) string {
	switch in.Keyword {
	case "copy", "add":
		_, _, from, _ := in.Copy()
		if owner, ok := in.Flag("chown"); ok {
			user, group, _ := strings.Cut(owner, ":")
			for _, n := range []string{user, group} {
				if strings.Trim(n, "0123456789") != "" && n != "root" && n != "nobody" && (s.img.NonRoot == nil || n != s.img.NonRoot.Name) {
					return "it gives files to " + n + ", whom Alpine's image isn't known to have"
				}
			}
		}
		if from == "" {
			return ""
		}
		o := s.doc.StageByRef(from, in.Stage.Index)
		if o == nil {
			return "what it copies from " + from + " may be made for glibc"
		}
		if img, ok := o.Image(); !ok || img.Libc != "musl" {
			return "what it copies from " + from + " may be made for glibc, on which that stage stands"
		}
	case "env":
		for _, w := range in.Assignments() {
			name, v, _ := strings.Cut(w.Text, "=")
			switch {
			case strings.HasPrefix(name, "LD_"):
				return name + " is read by glibc's loader"
			case name == "TZ":
				return "TZ needs time zones, which the image may lack"
			case (name == "LANG" || strings.HasPrefix(name, "LC_")) && !strings.HasPrefix(strings.Trim(v, `"'`), "C"):
				return name + " names a locale, and musl has none but C"
			}
		}
	case "user":
		name, _, _ := strings.Cut(in.Stage.At(in).Expand(in.Args.Text), ":")
		own := s.img.NonRoot != nil && name == s.img.NonRoot.Name
		if strings.Trim(name, "0123456789") != "" && name != "root" && name != "nobody" && !own {
			return "Alpine's image isn't known to have the user " + name
		}
	case "run":
		if m := debianUser().FindString(in.Text); m != "" {
			return "it names the user " + m + " of Debian, whom Alpine's image isn't known to have"
		}
	case "shell":
		return "SHELL names one of the full image"
	}
	return ""
}

var (
	debianUser = lazily(`\bwww-data\b`)
	userLine   = lazily(`(?m)^\s*user\s+([\w-]+)`)
)

// nginxUser tells that a configuration makes nginx run as a user of Debian's image.
func (s *split) nginxUser() string {
	return s.sources([]string{".conf", ".template", ".tmpl", ".j2", ".cfg", ""}, func(f, src string) string {
		for _, m := range userLine().FindAllStringSubmatchIndex(src, -1) {
			if name := src[m[2]:m[3]]; name != "nginx" && name != "root" && name != "nobody" {
				return f + ":" + lineAt(src, m[0]) + " makes nginx run as " + name + ", whom Alpine's image isn't known to have"
			}
		}
		return ""
	})
}

// nativeFile names a file of the project that holds machine code; most images of
// Alpine couldn't load it.
func (s *split) nativeFile() string {
	sent, complete := s.p.Repo.Sent(s.p.Repo.Ignore(s.p.Name))
	if !complete {
		return "the project is too big to be searched for native files"
	}
	for _, f := range sent {
		switch ext := path.Ext(f.Path); {
		case ext == ".so" || ext == ".node" || ext == ".whl" || strings.Contains(path.Base(f.Path), ".so."):
			return f.Path + " may hold code for glibc"
		case ext == "" || ext == ".bin" || ext == ".run":
			if src, err := s.p.Repo.ReadFile(f.Path); err == nil && bytes.HasPrefix(src, []byte("\x7fELF")) {
				return f.Path + " is a program for another C library, or may be"
			}
		}
	}
	return ""
}
