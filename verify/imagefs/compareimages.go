package imagefs

import (
	"archive/tar"
	"fmt"
	"slices"
	"strings"

	"drydock/verify/finding"
)

// Expected is what the rewrite means to alter, so that it isn't a break.
type Expected struct {
	// Fields of the configuration that changes declare: USER, CMD, ENTRYPOINT, ENV … as rewrite.ConfigFields names them.
	Fields []string
	// Lost are the fields that no change declares and that the text alters: what is gone there breaks, another value is meant.
	Lost []string
	// Moved are variables that no longer matter in the final stage, since another stage sets them.
	Moved []string
	// Env are the variables that the Dockerfile before sets in its final stage; others came from its base.
	Env []string
	// Split: a build stage was parted from the runtime stage, so that sources and tools rightly stay behind.
	Split bool
	// Base: the final stage stands on another image than before.
	Base bool
	// Bottom is how many of the before image's layers belong to its base.
	Bottom int
}

// CompareImages lists what a container of after lacks, or has otherwise, of what
// the program in before could need: breaks first, then remarks. What before lacked too never
// counts. Nothing is executed. Of a class at most perClass findings are told, and one more counts the rest.
func CompareImages(before, after *Image, want Expected) []finding.Finding {
	c := &comparison{before: before, after: after, want: want}
	c.was, c.is = before.user(), after.user()
	c.application()
	c.config()
	c.starts()
	c.libraries()
	c.interpreters()
	c.certificates()
	c.timeZones()
	c.runtimeVersion()
	c.localTime()
	c.locales()
	c.namedFiles()
	c.users()
	c.files()
	c.phpExtensions()
	c.permissions()
	c.privileges()
	c.emptyFolders()
	return c.told()
}

// A comparison collects findings.
type comparison struct {
	before, after *Image
	want          Expected
	was, is       user
	out           []finding.Finding
	app           []string          // application files of before, sorted
	isApp         map[string]bool   // the same
	content       map[string]bool   // sums of after's files
	started       map[string]bool   // scripts and programs that the start of after reaches
	dead          map[string]string // interpreter that is gone, by the application's script, where nothing known starts it
}

func (c *comparison) add(isBreak bool, class finding.Class, p, message string, names ...string) {
	c.out = append(c.out, finding.Finding{Class: class, Break: isBreak, Path: p, Message: message, Names: names})
}

// perClass bounds the findings of one class.
const perClass = 20

// told is what was found, breaks first, without repetitions.
func (c *comparison) told() []finding.Finding {
	type kind struct {
		class   finding.Class
		isBreak bool
	}
	var out []finding.Finding
	seen, count := map[string]bool{}, map[kind]int{}
	for _, isBreak := range []bool{true, false} {
		for _, f := range c.out {
			if f.Break != isBreak || seen[f.Message] {
				continue
			}
			seen[f.Message] = true
			k := kind{f.Class, f.Break}
			if count[k]++; count[k] <= perClass {
				out = append(out, f)
			}
		}
	}
	for _, isBreak := range []bool{true, false} {
		for _, f := range slices.Clone(out) {
			k := kind{f.Class, f.Break}
			if more := count[k] - perClass; more > 0 && f.Break == isBreak {
				out = append(out, finding.Finding{Class: f.Class, Break: isBreak, Message: fmt.Sprintf("and %d more of this kind (%s)", more, f.Class)})
				count[k] = 0
			}
		}
	}
	slices.SortStableFunc(out, func(a, b finding.Finding) int {
		switch {
		case a.Break == b.Break:
			return 0
		case a.Break:
			return -1
		}
		return 1
	})
	return out
}

// application finds before's application files: regular files and links that layers above the base brought or changed.
// A file that came again as it was, with another owner say, stays the base's.
func (c *comparison) application() {
	c.isApp, c.content = map[string]bool{}, map[string]bool{}
	layers := c.before.layers
	bottom := max(0, min(c.want.Bottom, len(layers)))
	base, err := stack(layers[:bottom])
	if err != nil {
		base = Tree{} // a hard link that leads nowhere: reading before would have failed
	}
	for _, l := range layers[bottom:] {
		for _, e := range l.entries {
			n := c.before.Tree[e.path]
			if n == nil || n.Type != tar.TypeReg && n.Type != tar.TypeSymlink || c.isApp[e.path] || noise(e.path) {
				continue
			}
			if b := base[e.path]; b != nil && b.Type == n.Type && b.SHA256 == n.SHA256 && b.Link == n.Link {
				continue
			}
			if c.before.Owner(e.path) != "" {
				continue // a package's: other checks tell whether anything needs it
			}
			c.isApp[e.path] = true
			c.app = append(c.app, e.path)
		}
	}
	slices.Sort(c.app)
	for _, n := range c.after.Tree {
		if n.Type == tar.TypeReg && n.Size > 0 {
			c.content[n.SHA256] = true
		}
	}
}

// fromAbove tells whether anything below a folder of before came above its base.
func (c *comparison) fromAbove(dir string) bool {
	layers := c.before.layers
	for _, l := range layers[max(0, min(c.want.Bottom, len(layers))):] {
		for _, e := range l.entries {
			if strings.HasPrefix(e.path, dir+"/") && (e.node == nil || e.node.Type != tar.TypeDir) {
				return true
			}
		}
	}
	return false
}

// declared: changes declare this field of the configuration.
func (c *comparison) declared(field string) bool { return slices.Contains(c.want.Fields, field) }

// some names the first two of these, and counts the others.
func some(paths []string) string {
	switch n := len(paths); {
	case n == 0:
		return ""
	case n == 1:
		return paths[0]
	case n == 2:
		return paths[0] + " and " + paths[1]
	default:
		return fmt.Sprintf("%s, %s and %d more", paths[0], paths[1], n-2)
	}
}

// verb is singular for one.
func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
