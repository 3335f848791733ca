package distro

import "strings"

// JDKOnly are programs of a JDK that a JRE lacks.
var JDKOnly = words(`javac jar jarsigner javadoc javap jcmd jconsole jdb jdeprscan jdeps jhsdb jimage jinfo jlink jmap jmod jpackage jps jshell jstack jstat jstatd`)

// Small: the base is a runtime image already, or one without Debian's
// libraries.
func Small(ref string) bool {
	for _, w := range []string{"slim", "alpine", "distroless", "windows", "nanoserver", "onbuild", "pypy"} {
		if strings.Contains(ref, w) {
			return true
		}
	}
	return false
}

// DebianDocs matches what slim images leave out: documentation and locales.
var DebianDocs = lazily(`/usr/share/(doc|man|info|locale)\b|\blocale-gen\b`)
