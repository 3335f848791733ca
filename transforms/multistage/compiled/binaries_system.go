package compiled

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// Packages, accounts and the base of the runtime stage of a compiled program.

// buildSystem are packages of Debian and Alpine that a build uses, or that distroless
// brings itself (certificates, time zones).
var buildSystem = words(`git ca-certificates tzdata curl wget make unzip bash openssh-client protobuf-compiler gnupg vim nano less lsb-release xz-utils jq upx upx-ucl build-essential mercurial bzr tar gzip zip ssh
	build-base alpine-sdk musl-dev libc-dev linux-headers openssh openssh-client-default protoc protobuf protobuf-dev binutils-gold`)

// packages notes what apt or apk installs: a static program needs none of the
// tools of its build; what else there is stays, and so do the libraries that it
// links.
func (b *Binaries) packages(in *rewrite.Instruction, a distro.Apt) bool {
	if a.Bad != "" {
		return b.Decline(in, "%s is no plain name of a package", a.Bad)
	}
	if a.Verb != "install" && a.Verb != "satisfy" || b.Kept != nil {
		return true
	}
	for _, w := range a.Words {
		name, _, _ := strings.Cut(w, "=")
		name, _, _ = strings.Cut(name, "/")
		name, _, _ = strings.Cut(name, ":")
		b.installed[name] = true
		switch {
		case buildSystem[name], distro.BuildTools[name], strings.HasSuffix(name, "-static"), strings.HasPrefix(name, "musl"), strings.HasPrefix(name, "crossbuild-"), strings.Contains(name, "-linux-gnu"), strings.Contains(name, "-cross"):
		case distro.Versioned(name, "gcc-"), distro.Versioned(name, "g++-"), distro.Versioned(name, "clang-"), distro.Versioned(name, "llvm-"):
		case strings.HasSuffix(name, "-dev"):
			b.devs = append(b.devs, name)
		default:
			if !b.keep(name, "what starts it or reads its files: it was in the image") {
				return b.Decline(in, "%s may be needed at run time, and the image's package manager isn't known", name)
			}
			b.wants("%s is installed, which the program may use", name)
		}
	}
	return true
}

// account reports whether a RUN only makes accounts and folders; such a one can
// be repeated in a runtime image with a shell.
func (b *Binaries) account(in *rewrite.Instruction, all []rewrite.Step) bool {
	made := false
	for _, st := range all {
		if !cmdline.Accounts[st.Name] && !rewrite.Harmless(st.Name) || len(st.Stmt.Redirs) > 0 {
			return false
		}
		made = made || cmdline.Accounts[st.Name]
	}
	if !made {
		return false
	}
	for _, st := range all {
		b.touches(in, st)
	}
	b.repeats = append(b.repeats, in)
	return true
}

// repeatAccounts repeats the RUNs that make accounts and folders. Whatever they
// name must stand in the runtime stage by then.
func (b *Binaries) repeatAccounts() bool {
	for _, in := range b.repeats {
		all, _ := in.Steps()
		var there []string
		for _, other := range b.repeats {
			steps, _ := other.Steps()
			for _, st := range steps {
				if st.Name == "mkdir" && other.Index <= in.Index {
					there = append(there, Paths(st)...)
				}
			}
		}
		if in.Index < b.Last.Index && !slices.ContainsFunc(all, func(st rewrite.Step) bool { return cmdline.Accounts[st.Name] && st.Name != "chmod" }) {
			continue // modes come along with what is copied from the build stage
		}
		for _, st := range all {
			if st.Name != "chown" && st.Name != "chmod" && st.Name != "chgrp" {
				continue
			}
			for _, p := range Paths(st)[1:] {
				if !b.stands(in, p) && !slices.ContainsFunc(there, func(d string) bool { return rewrite.Inside(d, p) }) {
					return b.Decline(in, "it changes %s, which the runtime image would lack there", p)
				}
			}
		}
		b.Roles[in] = split.InBoth
	}
	return true
}

// stands: the runtime stage has a path when it comes to an instruction.
func (b *Binaries) stands(in *rewrite.Instruction, p string) bool {
	if rewrite.Inside(b.Stage.At(in).Workdir, p) && b.Stage.At(in).Workdir == b.Stage.At(b.Last).Workdir {
		return true
	}
	if in.Index < b.Last.Index {
		return false
	}
	for _, o := range b.Outputs {
		if rewrite.Inside(o.Path, p) && b.binDirs[o.Path] == "" {
			return true
		}
	}
	return slices.ContainsFunc(b.copies, func(c string) bool { return rewrite.Inside(c, p) || rewrite.Inside(p, c) })
}

// Paths are the arguments of a file command that aren't flags; relative ones
// are joined to the folder.
func Paths(st rewrite.Step) (out []string) {
	for _, a := range st.Args[1:] {
		if !strings.HasPrefix(a, "-") {
			out = append(out, cmdline.Abs(st.Dir, a))
		}
	}
	return out
}

// knownAccounts are accounts of Debian's and Alpine's own images.
var knownAccounts = words(`daemon bin sys mail games man www-data guest`)

// users notes a user that distroless doesn't have; one that an image with a
// shell doesn't have either must be made by a RUN that can be repeated.
func (b *Binaries) users() bool {
	for _, in := range b.Stage.Instructions {
		if in.Keyword != "user" {
			continue
		}
		name, _, _ := strings.Cut(in.Stage.At(in).Expand(in.Args.Text), ":")
		switch {
		case strings.Trim(name, "0123456789") == "", name == "root", name == "nonroot", name == "nobody":
		case knownAccounts[name], slices.ContainsFunc(b.repeats, func(r *rewrite.Instruction) bool { return slices.Contains(strings.Fields(r.Args.Text), name) }):
			b.wants("USER names %s", name)
		default:
			return b.Decline(in, "which RUN makes the user %s isn't known", name)
		}
	}
	return true
}

// libraryReleases are the packages of libraries whose name differs between
// Debian 11, 12 and 13, by the -dev package (packages.debian.org, and the
// transition to a 64-bit time_t of Debian 13).
var libraryReleases = map[string][3]string{
	"libssl-dev": {"libssl1.1", "libssl3", "libssl3t64"}, "libpcap-dev": {"libpcap0.8", "libpcap0.8", "libpcap0.8t64"}, "libpcap0.8-dev": {"libpcap0.8", "libpcap0.8", "libpcap0.8t64"},
	"libcurl4-openssl-dev": {"libcurl4", "libcurl4", "libcurl4t64"}, "libvips-dev": {"libvips42", "libvips42", "libvips42t64"}, "libasound2-dev": {"libasound2", "libasound2", "libasound2t64"},
	"libwebp-dev": {"libwebp6", "libwebp7", "libwebp7"}, "libgpgme-dev": {"libgpgme11", "libgpgme11", "libgpgme11t64"}, "libodbc-dev": {"libodbc1", "libodbc2", "libodbc2"}, "unixodbc-dev": {"libodbc1", "libodbc2", "libodbc2"},
	"libbtrfs-dev": {"libbtrfs0", "libbtrfs0", "libbtrfs0t64"}, "libtesseract-dev": {"libtesseract4", "libtesseract5", "libtesseract5"},
}

// linkedLibrary are libraries whose package has one name in all three.
var linkedLibrary = map[string]string{
	"zlib1g-dev": "zlib1g", "libsqlite3-dev": "libsqlite3-0", "librdkafka-dev": "librdkafka1", "libusb-1.0-0-dev": "libusb-1.0-0", "libudev-dev": "libudev1", "libsystemd-dev": "libsystemd0",
	"libseccomp-dev": "libseccomp2", "libdbus-1-dev": "libdbus-1-3", "libpam0g-dev": "libpam0g", "libdevmapper-dev": "libdevmapper1.02.1", "libbz2-dev": "libbz2-1.0", "liblzma-dev": "liblzma5",
	"libzstd-dev": "libzstd1", "libfontconfig1-dev": "libfontconfig1", "libfontconfig-dev": "libfontconfig1", "libkrb5-dev": "libgssapi-krb5-2", "libexpat1-dev": "libexpat1", "libcap-dev": "libcap2",
	"libncurses-dev": "libncursesw6", "libncurses5-dev": "libncursesw6", "libreadline-dev": "libreadline8", "libx11-dev": "libx11-6", "uuid-dev": "libuuid1",
}

// linked is the package of the library behind a -dev package, in the release
// of the build; "" when it isn't known.
func (b *Binaries) linked(dev string) string {
	if names, ok := libraryReleases[dev]; ok {
		i := slices.Index([]string{"bullseye", "bookworm", "trixie"}, b.Image.Release)
		if i < 0 {
			return ""
		}
		return names[i]
	}
	if lib := linkedLibrary[dev]; lib != "" {
		return lib
	}
	return distro.DevLibrary[dev]
}

// systemBase is the image with a shell that the build's own image stands on.
func (b *Binaries) systemBase() (string, string) {
	switch {
	case b.Image.Distro == "alpine" && b.Image.Release != "":
		return "alpine:" + b.Image.Release, ""
	case b.Image.Distro == "debian" && distro.DebianNumber(b.Image.Release) != "":
		return "debian:" + b.Image.Release + "-slim", ""
	}
	return "", "the release of the distribution that " + b.Stage.BaseName() + " stands on isn't known"
}

// choose picks the base. kind is what distroless has for the program: static,
// base or cc of a release.
func (b *Binaries) choose(kind string) bool {
	_, zone := b.Stage.At(nil).Env["TZ"]
	b.tz = b.tz || zone
	if len(b.Needs) > 0 {
		return b.chooseSystem()
	}
	name, release, _ := strings.Cut(kind, "-debian")
	ref, _, ended, ok := distro.Maintained(b.Pass.Images, name, release)
	switch {
	case !ok:
		return b.Decline(b.Stage.From, "there is no distroless image for %s", kind)
	case ended:
		b.Explain("no distroless image of %s is maintained any more", name)
	case release != "" && !strings.HasSuffix(ref.Path, release):
		b.Explain("Debian %s's is no longer maintained; what was linked there runs with the newer C library of %s", release, ref.Path)
	}
	root := b.KeepsRoot()
	if root == "" && b.Stage.At(nil).User == "" {
		b.AssumesNonroot()
	}
	if kind == "static" && b.Pass.Policy == split.Smallest {
		if why := b.fitsScratch(); why == "" {
			return b.scratch(root)
		} else {
			b.Explain("not scratch: %s", why)
		}
	}
	if root != "" {
		ref = ref.WithTag("latest")
		b.Explain("it stays root: %s", root)
	}
	b.Base = ref.String()
	return true
}

// chooseSystem takes the image with a shell.
func (b *Binaries) chooseSystem() bool {
	base, why := b.systemBase()
	if why != "" {
		return b.Decline(b.Stage.From, "%s, and %s", b.Needs[0], why)
	}
	b.Base = base
	b.Explain("%s rather than distroless: %s", base, b.Needs[0])
	if b.certs && b.Image.PackageManager == "apt" {
		b.Require("ca-certificates", "encrypted connections that the program makes")
	}
	if b.tz && !b.installed["tzdata"] {
		b.installed["tzdata"] = true
	}
	if b.installed["tzdata"] {
		b.keep("tzdata", "the time zones that the program reads")
	}
	if b.installed["ca-certificates"] {
		b.keep("ca-certificates", "the certificates that the build installed")
	}
	if len(b.apk) > 0 {
		slices.Sort(b.apk)
		install := "apk add --no-cache " + strings.Join(b.apk, " ")
		b.Adds = append(b.Adds, install)
		b.First = append(b.First, b.Keyword("RUN")+" "+install)
	}
	return b.repeatAccounts()
}

// fitsScratch tells what of an image the program may need, "" for nothing.
func (b *Binaries) fitsScratch() string {
	switch {
	case b.unlike != "":
		return b.unlike
	case b.tz:
		return "the program reads time zones"
	case b.installed["tzdata"]:
		return "the build installs time zones"
	}
	if u := b.Stage.At(nil).User; u != "" {
		name, group, _ := strings.Cut(u, ":")
		if strings.Trim(name+group, "0123456789") != "" {
			return "USER names " + u
		}
	}
	return ""
}

// scratch takes the empty image: certificates are copied, and without
// /etc/passwd the user is a number.
func (b *Binaries) scratch(root string) bool {
	b.Base = "scratch"
	b.Explain("scratch: the program is static and needs no time zones, users or folder for temporary files")
	if b.certs {
		const ca = "/etc/ssl/certs/ca-certificates.crt"
		b.Instead[b.Last] = append(b.Instead[b.Last], b.CopyFrom(ca, ca))
		b.Explain("the certificates of authorities are copied from the build stage")
	}
	if root == "" && b.Stage.At(nil).User == "" {
		b.Config |= rewrite.FieldUser
		b.runAs = "65532:65532"
	}
	return true
}

// copyScripts takes the project's scripts that start.
func (b *Binaries) copyScripts() {
	for _, name := range b.scripts {
		at, ok := b.Stage.At(nil).Abs(name)
		if !ok || !strings.Contains(name, "/") && !path.IsAbs(name) {
			at = "/usr/local/bin/" + name
		}
		b.named(at)
	}
}
