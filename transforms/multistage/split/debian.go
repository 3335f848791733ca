package split

import (
	"slices"
	"strings"

	"drydock/transforms/multistage/distro"
)

// Names of Debian's library packages change with the release: with the
// library's ABI (libtiff5, libtiff6) and in trixie with the 64-bit time_t
// (https://wiki.debian.org/ReleaseGoals/64bit-time). Those of bookworm are the
// ones that the other tables use; the source of each is the package list of the
// release, those of bookworm looked up with apt-cache.

// Libraries are the packages behind a -dev package, as the base's release calls
// them; unknown is one of them whose name there isn't known. None for a -dev
// package that isn't in the table.
func (s *Split) Libraries(dev string) (at []string, unknown string) {
	for _, lib := range strings.Fields(distro.DevLibrary[dev]) {
		n, ok := distro.DebianName(lib, s.Image.Release)
		if !ok && distro.SameName[lib] { // on releases older than those that DebianName knows
			n, ok = lib, true
		}
		if !ok {
			return nil, lib
		}
		at = append(at, n)
	}
	if row, ok := distro.CLibraries[dev]; ok && at == nil {
		names, i := strings.Split(row, "|"), slices.Index([]string{"bullseye", "bookworm", "trixie"}, s.Image.Release)
		switch {
		case len(names) == 1:
			at = strings.Fields(row)
		case i >= 0 && names[i] != "-":
			at = strings.Fields(names[i])
		}
	}
	return at, ""
}

// Requires installs packages, by bookworm's names, in the runtime stage; missing
// is the first whose name in this release isn't known.
func (s *Split) Requires(pkgs []string, why string) (missing string) {
	for _, p := range pkgs {
		name, ok := distro.DebianName(p, s.Image.Release)
		if !ok || !s.Require(name, why) {
			return p
		}
	}
	return ""
}

// HasPackage: the runtime stage installs the package, by bookworm's name, anyway.
func (s *Split) HasPackage(pkg string) bool {
	name, ok := distro.DebianName(pkg, s.Image.Release)
	return s.Apt.Runtime[pkg] || ok && s.Apt.Runtime[name]
}

// ComesAlong reports whether a package comes with another one that the runtime
// stage installs, or is one of them.
func (s *Split) ComesAlong(pkg string) bool {
	return s.Apt.Runtime[pkg] || slices.ContainsFunc(distro.BringsAlong[pkg], func(p string) bool { return s.Apt.Runtime[p] })
}

// mend installs the package of a program that something in the container runs,
// where the runtime base has apt. It reports false where that can't be or isn't
// wanted.
func (s *Split) mend(pkg, why string) bool {
	if !distro.Mendable[pkg] && !(s.Ref.Repository() == "node" && (pkg == "openssl" || pkg == "python3" || pkg == "ca-certificates")) || s.Variant != nil && s.Variant.Other || s.Base == "" || s.Base == "scratch" || strings.Contains(s.Base, "distroless") {
		return false
	}
	pkgs := []string{pkg}
	switch pkg {
	case "git": // what it calls, as Recommends of the Debian package
		pkgs = append(pkgs, "ca-certificates", "openssh-client")
	case "curl", "wget":
		pkgs = append(pkgs, "ca-certificates")
	}
	if s.Ref.Repository() == "python" { // its slim images have the certificates
		pkgs = slices.DeleteFunc(pkgs, func(p string) bool { return p == "ca-certificates" })
	}
	return s.Requires(pkgs, why) == ""
}

// LacksCommand names a program that the runtime image lacks, after the attempt
// to mend that. at tells who runs it.
func (s *Split) LacksCommand(program, at string) bool {
	pkg := s.Lacks(program)
	return pkg != "" && !s.mend(pkg, at)
}
