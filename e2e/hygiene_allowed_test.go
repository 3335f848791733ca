//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"drydock/e2e/imagefs"
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
	{paths: `^var/log/(dpkg|alternatives|apt/(history|term))\.log$`, content: true}, // dates
	{paths: `^var/cache/ldconfig/aux-cache$`, content: true},                        // times and inode numbers of libraries
	{paths: `^tmp/(yarn--|v8-compile-cache-)`},                                      // random names, times

	// These too, and cleaning up removes them:
	{paths: `^root/\.npm(/|$)`},
	{paths: `^root/\.cache(/|$)`}, // pip, go build

	// Cleaning up removes them:
	{paths: `^var/lib/apt/lists/`},
	{paths: `^var/cache/(apt|apk)/`},
	{paths: `^usr/local/share/\.cache(/|$)`}, // yarn, as root
}

// withoutPackages is allowed where packages are gone that nobody asked for, besides these packages' own files.
var withoutPackages = []*allowance{
	{paths: `^var/lib/dpkg/status(-old)?$`, content: true},
	{paths: `^var/lib/apt/extended_states$`, content: true},
	{paths: `^etc/ld\.so\.cache$`, content: true},
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

// configDifferences compares what the image says about itself, whatever the fields are called.
func configDifferences(before, after map[string]any) []string {
	var out []string
	b, a := sameMeaning(before), sameMeaning(after)
	keys := slices.Sorted(maps.Keys(b))
	for k := range a {
		if _, ok := b[k]; !ok {
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		if was, is := fmt.Sprint(b[k]), fmt.Sprint(a[k]); was != is {
			out = append(out, fmt.Sprintf("config's %s: %s before, %s after", k, was, is))
		}
	}
	return out
}

// plainCommand: no quotes, variables, globs, operators or leading assignment; its words mean the same without a shell.
var plainCommand = regexp.MustCompile(`^(exec )?[\w./@+-]+( [\w./@+:,=-]+)*$`)

// sameMeaning writes a config such that two ways to say one thing are equal: a plain command in shell and exec form
// (exec-form), and the author as the field of MAINTAINER and as a label (label-not-maintainer).
func sameMeaning(config map[string]any) map[string]any {
	out := maps.Clone(config)
	for _, k := range []string{"Cmd", "Entrypoint"} {
		words, _ := out[k].([]any)
		if len(words) == 3 && words[0] == "/bin/sh" && words[1] == "-c" {
			if line := fmt.Sprint(words[2]); plainCommand.MatchString(line) {
				out[k] = strings.Fields(strings.TrimPrefix(line, "exec "))
			}
		}
	}
	author := strings.Trim(fmt.Sprint(out["Author"]), `"`)
	delete(out, "Author")
	labels, _ := out["Labels"].(map[string]any)
	labels = maps.Clone(labels)
	if labels == nil {
		labels = map[string]any{}
	}
	if labels["maintainer"] == nil && author != "" {
		labels["maintainer"] = author
	}
	out["Labels"] = labels
	return out
}
