//go:build e2e

package e2e

// With --base smallest the official image's own Ruby goes to distroless cc. The lab's ruby is Debian's, in other places:
// testdata/ruby builds one that is laid out as the official image is. What that proves: that Ruby runs there with all of its
// standard library. What it doesn't: that the official image of another version holds nothing more.
func init() {
	cases["multi-stage/ruby-native"] = chainCase{paths: []string{"/3", "/nowhere"}, factor: 5, touch: "server.rb", install: `\bbundle install\b`, root: true, smaller: 13, owns: "ruby"}
	cases["multi-stage/ruby-assets"] = chainCase{paths: []string{"/nowhere"}, factor: 5, smaller: 13, owns: "ruby"}
	// the whole standard library
	cases["multi-stage/ruby-smallest-modules"] = chainCase{paths: []string{"/nowhere"}, factor: 13, standIn: "ruby"}
	// stays on the slim image, since it runs pwd
	cases["multi-stage/ruby-smallest-backticks"] = chainCase{factor: 4, root: true}
	cases["multi-stage/ruby-webpacker-yarn"] = chainCase{unbuilt: "the lab reaches no registry of gems"}
	for _, name := range []string{"puma", "accounts", "rails"} {
		cases["multi-stage/ruby-smallest-"+name] = chainCase{unbuilt: "the lab reaches no registry of gems"}
	}
}
