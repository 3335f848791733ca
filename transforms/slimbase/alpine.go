package slimbase

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// Alpine's variant of an image, where the policy asks for it. It has another C
// library (musl), another shell and other programs, so that whatever may have been
// made for glibc speaks against it.

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
func chooseAlpine(s *split.Split) bool {
	repository, tag := s.Ref.Repository(), s.Ref.Tag
	s.Variant = &split.Variant{Name: "Alpine's image", Other: true, Alpine: true}
	if strings.Contains(tag, "alpine") || s.Image.Distro == "alpine" {
		return false
	}
	switch {
	case jdkRepositories[repository]:
		return s.Decline(s.Stage.From, "a jar may hold native code, which is made for glibc")
	case stores[repository]:
		return s.Decline(s.Stage.From, "%s keeps data, which another C library sorts in another order and whose files belong to other users there", repository)
	case !alpined[repository]:
		s.Reason = "there is no image of Alpine that takes the place of " + s.Stage.BaseName()
		return false
	case !s.Pass.Repo.Known():
		return s.Decline(s.Stage.From, "without the build context it isn't known what the program needs")
	case strings.Contains(s.Stage.From.Fields()[0].Text, "$"):
		return s.Decline(s.Stage.From, "the base is computed from a build argument")
	case s.Ref.Digest != "":
		return s.Decline(s.Stage.From, "the base is pinned to a digest")
	}
	m := alpineTagOf().FindStringSubmatch(tag)
	if m == nil {
		return s.Decline(s.Stage.From, "which tag of Alpine is the same as %s isn't known", s.Stage.BaseName())
	}
	to := "alpine"
	if m[1] != "" && m[1] != "latest" {
		to = m[1] + "-alpine"
	}
	ref := s.Ref.WithTag(to)
	img, ok := s.Pass.Images.Image(ref)
	switch {
	case !ok || img.Libc != "musl":
		return s.Decline(s.Stage.From, "%s isn't known to exist", ref)
	case img.Version != s.Image.Version:
		return s.Decline(s.Stage.From, "%s and %s aren't known to hold the same version", ref, s.Stage.BaseName())
	case img.Workdir != s.Image.Workdir || img.User != s.Image.User || !slices.Equal(img.Entrypoint, s.Image.Entrypoint) || !slices.Equal(img.Cmd, s.Image.Cmd):
		return s.Decline(s.Stage.From, "%s starts in another way", ref)
	}
	s.Variant.Lost = map[string]string{}
	for p := range distro.NotInAlpine {
		s.Variant.Lost[p] = p
	}
	for p, pkg := range distro.FullOnly {
		if !distro.InAlpine[p] {
			s.Variant.Lost[p] = pkg
		}
	}
	s.Variant.Gone = []string{"glibc", "bash", "apt", "what the full image has to build"}
	s.Variant.Gain = "glibc and Debian stay out: Alpine's images weigh 10 to 50 MB (compressed)"
	s.Base, s.Variant.Base = ref.String(), ref.String()
	s.Explain("%s holds the same version on Alpine", s.Base)
	return true
}

// fitsAlpine: nothing that gets into the image is made for glibc.
func fitsAlpine(s *split.Split) bool {
	for _, st := range s.Doc.Stages {
		if !st.Descends(s.Stage) {
			continue
		}
		for _, in := range st.Instructions {
			if why := needsGlibc(s, in); why != "" {
				return s.Decline(in, "%s", why)
			}
		}
	}
	if s.Ref.Repository() == "nginx" {
		if why := nginxUser(s); why != "" {
			return s.Decline(s.Stage.From, "%s", why)
		}
	}
	if s.Pass.Unsafe {
		if f := nativeFile(s); f != "" {
			return s.Decline(s.Stage.From, "%s", f)
		}
	}
	s.Assumes = append(s.Assumes, "musl's resolver, locales and small thread stacks suit the program (https://wiki.musl-libc.org/functional-differences-from-glibc.html); only a trial build and run show it")
	return true
}

// needsGlibc tells what of an instruction another C library or system may break.
func needsGlibc(s *split.Split, in *rewrite.Instruction) string {
	switch in.Keyword {
	case "copy", "add":
		_, _, from, _ := in.Copy()
		if owner, ok := in.Flag("chown"); ok {
			user, group, _ := strings.Cut(owner, ":")
			for _, n := range []string{user, group} {
				if strings.Trim(n, "0123456789") != "" && n != "root" && n != "nobody" && (s.Image.NonRoot == nil || n != s.Image.NonRoot.Name) {
					return "it gives files to " + n + ", whom Alpine's image isn't known to have"
				}
			}
		}
		if from == "" {
			return ""
		}
		o := s.Doc.StageByRef(from, in.Stage.Index)
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
		own := s.Image.NonRoot != nil && name == s.Image.NonRoot.Name
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
func nginxUser(s *split.Split) string {
	return s.Sources([]string{".conf", ".template", ".tmpl", ".j2", ".cfg", ""}, func(f, src string) string {
		for _, m := range userLine().FindAllStringSubmatchIndex(src, -1) {
			if name := src[m[2]:m[3]]; name != "nginx" && name != "root" && name != "nobody" {
				return f + ":" + cmdline.LineAt(src, m[0]) + " makes nginx run as " + name + ", whom Alpine's image isn't known to have"
			}
		}
		return ""
	})
}

// nativeFile names a file of the project that holds machine code; most images of
// Alpine couldn't load it.
func nativeFile(s *split.Split) string {
	sent, complete := s.Pass.Repo.Sent(s.Pass.Repo.Ignore(s.Pass.Name))
	if !complete {
		return "the project is too big to be searched for native files"
	}
	for _, f := range sent {
		switch ext := path.Ext(f.Path); {
		case ext == ".so" || ext == ".node" || ext == ".whl" || strings.Contains(path.Base(f.Path), ".so."):
			return f.Path + " may hold code for glibc"
		case ext == "" || ext == ".bin" || ext == ".run":
			if src, err := s.Pass.Repo.ReadFile(f.Path); err == nil && bytes.HasPrefix(src, []byte("\x7fELF")) {
				return f.Path + " is a program for another C library, or may be"
			}
		}
	}
	return ""
}
