//go:build e2e

package e2e

func init() {
	cases["multi-stage/ruby-native"] = chainCase{paths: []string{"/3", "/nowhere"}, factor: 5, touch: "server.rb", install: `\bbundle install\b`, root: true}
	cases["multi-stage/ruby-assets"] = chainCase{paths: []string{"/nowhere"}, factor: 5}
}
