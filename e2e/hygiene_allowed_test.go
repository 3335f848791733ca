//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"

	"drydock/verify/imagefs"
)

// An allowance is a set of paths that may differ.
type allowance struct {
	paths   string // a regular expression
	content bool   // only their bytes may; they must be there as before, with the same owner and mode
	used    bool
}

// allowed is what TestHygiene lets differ. It was found by building every case twice without a change, which E2E_ALL
// still does, and by what transforms that clean up are for. Whoever adds to it shows why the path differs.
var allowed = []*allowance{
	// Differ from build to build:
	{paths: `^var/log/(dpkg|alternatives)\.log$|^var/log/apt/`, content: true}, // dates
	{paths: `^var/cache/ldconfig/aux-cache$`, content: true},                   // times and inode numbers of libraries
	{paths: `^tmp/(yarn--|v8-compile-cache-)`},                                 // random names, times

	// These too, and cleaning up removes them:
	{paths: `^root/\.npm(/|$)`},
	{paths: `^root/\.cache(/|$)`}, // pip, go build

	// Cleaning up removes them:
	{paths: `^var/lib/apt/lists/`},
	{paths: `^var/cache/(apt|apk)/`},
	{paths: `^usr/local/share/\.cache(/|$)`}, // yarn, as root
	{paths: `^go/pkg(/|$)`},                  // sources of modules

	// Python keeps the modules that it has compiled; its cache makes pip import more of them.
	{paths: `^usr/local/lib/python3\.\d+/__pycache__/[^/]+\.pyc$`},
}

// withoutPackages is allowed where packages are gone that nobody asked for, besides these packages' own files.
var withoutPackages = []*allowance{
	{paths: `^var/lib/dpkg/(status|status-old|triggers/.*|alternatives/.*)$`},
	{paths: `^var/lib/dpkg/info/.*\.list$`, content: true}, // folders that a base without man pages lacks go from the others' lists
	{paths: `^var/lib/apt/extended_states$`, content: true},
	{paths: `^var/cache/debconf/`, content: true},
	{paths: `^etc/ld\.so\.cache$`, content: true},

	// Made by their scripts:
	{paths: `^etc/(ssl/certs/|ca-certificates\.conf$)`},
	{paths: `^etc/networks$`},                                          // netbase
	{paths: `^(etc/alternatives|usr/share/man/man1)/pager(\.1\.gz)?$`}, // less
}

func (a *allowance) covers(d imagefs.Difference) bool {
	ok := regexp.MustCompile(a.paths).MatchString(d.Path) && (!a.content || d.Kind == imagefs.Content)
	a.used = a.used || ok
	return ok
}

// notAllowed leaves those differences that break the promise.
func notAllowed(diffs []imagefs.Difference, before, after *side, lost []*imagefs.Package) []imagefs.Difference {
	may := allowed
	theirs := map[string]bool{}
	for _, p := range lost {
		may = append(slices.Clip(may), &allowance{paths: `^var/lib/dpkg/info/` + regexp.QuoteMeta(p.Name) + `(:\w+)?\.`})
		for _, f := range p.Files {
			theirs[f] = true
		}
	}
	if len(lost) > 0 {
		may = slices.Concat(may, withoutPackages)
	}
	return slices.DeleteFunc(diffs, func(d imagefs.Difference) bool {
		return slices.ContainsFunc(may, func(a *allowance) bool { return a.covers(d) }) ||
			d.Kind == imagefs.Missing && theirs[d.Path] ||
			d.Kind == imagefs.Content && isContextFile(before, after, d.Path)
	})
}

// isContextFile: COPY . . brings the Dockerfile along, and it differs since drydock rewrote it.
func isContextFile(before, after *side, p string) bool {
	b, ok := before.context["/"+path.Base(p)]
	a := after.context["/"+path.Base(p)]
	return ok && string(before.files[p].Text) == b && string(after.files[p].Text) == a
}

func unusedAllowances() []string {
	var out []string
	for _, a := range slices.Concat(allowed, withoutPackages) {
		if !a.used {
			out = append(out, a.paths)
		}
	}
	return out
}

// lostPackages are those which after lacks. Only what apt had brought along by itself may be lost; whatever else differs
// between the lists of packages is told in wrong.
func lostPackages(before, after imagefs.Tree) (lost []*imagefs.Package, wrong []string) {
	was, is := before.Packages(), after.Packages()
	for _, name := range slices.Sorted(maps.Keys(was)) {
		switch w, i := was[name], is[name]; {
		case i == nil && w.Manual:
			wrong = append(wrong, fmt.Sprintf("package %s, which was asked for, is gone", name))
		case i == nil:
			lost = append(lost, w)
		case w.Manual != i.Manual:
			wrong = append(wrong, fmt.Sprintf("package %s: asked for %t before, %t after", name, w.Manual, i.Manual))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(is)) {
		if was[name] == nil {
			wrong = append(wrong, fmt.Sprintf("package %s is new", name))
		}
	}
	return lost, wrong
}
