package compiled

import (
	"strings"

	"drydock/transforms/multistage/distro"
)

// Libraries that distroless hasn't, for --base smallest: the build stage asks the
// loader which files the program needs and puts them beside it, so that nothing has to
// be installed and the runtime image needs no package manager. They go to /usr/lib,
// where the loader looks on every architecture behind the system's own folders
// (https://man7.org/linux/man-pages/man8/ld.so.8.html).
//
// ldd shows what is linked, not what a library loads or reads by itself: only those of
// a table are taken, which do neither or do without.

// beside plans to copy the files of the libraries that a program is linked with, given
// by Debian's names of their packages, or tells why not.
func (b *Binaries) beside(libs []string) string {
	for _, l := range libs {
		if !distro.ClosedLibraries().MatchString(l) && !strings.HasPrefix(l, "libssl") {
			return l + " may load or read more than it is linked with"
		}
	}
	switch {
	case len(b.Outputs) != 1:
		return "there are several programs"
	case len(b.Stage.From.Flags) > 0:
		return "the build stage may be of another platform, whose libraries its loader doesn't list"
	}
	files := distro.LinkedFiles(`$2 == "=>"`, "/tmp/libraries")
	commands := []string{"ldd " + b.Outputs[0].Path + " >/tmp/libraries", "mkdir /libraries", "cp -L $(" + files + ") /libraries/"}
	b.Tail = append(b.Tail, "# the libraries that it is linked with, which distroless hasn't\n"+b.Keyword("RUN")+" "+b.Doc.Chained(commands)+"\n")
	b.Adds = append(b.Adds, append(commands, files)...)
	b.Instead[b.Last] = append(b.Instead[b.Last], b.CopyFrom("/libraries/", "/usr/lib/"))
	b.Explain("the files of %s, and of what they are linked with, are copied to /usr/lib, since distroless hasn't them", strings.Join(libs, ", "))
	b.Assumes = append(b.Assumes, "the libraries load no plug-ins and read no files that the program needs")
	return ""
}
