package split

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// Variant is the small image that takes the place of the full one.
type Variant struct {
	Name string // in reasons: "a JRE"
	Base string // reference
	// Lost are the programs that it lacks; nil for those that slim images lack.
	// The value is the package that brings the program, or a word for it.
	Lost   map[string]string
	Other  bool // it is another system, not the same release of the same one
	Alpine bool
	Gone   []string // what it lacks, in words
	Gain   string   // how much that is, where no image tells its size
}

// StartsAnything: the image says what runs, or its base does on purpose.
func (s *Split) StartsAnything() bool {
	for _, in := range s.Lineage() {
		if line, _ := cmdline.StartLine(in); in.Keyword != "healthcheck" && len(line) > 0 {
			return true
		}
	}
	for _, b := range s.Runs() {
		if len(b.Command)+len(b.Entrypoint) > 0 {
			return true
		}
	}
	return services[s.Ref.Repository()]
}

// services are images whose own entry point runs a server.
var services = words(`nginx httpd memcached haproxy`)

// JDKAtStart tells that java is called for what only a JDK has: it compiles a source
// file, or is given modules of the compiler and the tools.
func JDKAtStart(args []string) string {
	if len(args) == 0 || path.Base(args[0]) != "java" {
		return ""
	}
	options := true
	for i, a := range args[1:] {
		switch {
		case options && a == "-jar":
			return ""
		case strings.Contains(a, "add-modules") && i+2 < len(args) && jdkModule().MatchString(args[i+2]), strings.HasPrefix(a, "--add-modules=") && jdkModule().MatchString(a):
			return "java is given modules of the JDK's compiler or tools, which a JRE hasn't"
		case strings.HasSuffix(a, ".java"):
			return "java compiles " + a + " when it starts, which a JRE can't"
		}
		options = options && strings.HasPrefix(a, "-")
	}
	return ""
}

var jdkModule = lazily(`\bjdk\.(compiler|jdi|jdeps|jlink|jartool|javadoc|jcmd|jshell|attach|jconsole|jpackage)\b|\bALL-(SYSTEM|DEFAULT)\b`)

// Lineage are the instructions of the stage and of those that it is built from,
// in the order in which they take effect.
func (s *Split) Lineage() []*rewrite.Instruction {
	if s.Stage.Parent() == nil {
		return s.Stage.Instructions
	}
	var out []*rewrite.Instruction
	for st := s.Stage; st != nil; st = st.Parent() {
		out = append(slices.Clone(st.Instructions), out...)
	}
	return out
}
