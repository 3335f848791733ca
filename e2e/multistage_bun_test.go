//go:build e2e

package e2e

// Bun from npm; its full and its slim image are the same here, so that only what the build leaves behind counts.
func init() {
	cases["multi-stage/node-bun"] = chainCase{paths: []string{"/alfa", "/nowhere"}, standIn: "bun"}
	cases["multi-stage/node-bun-compile"] = chainCase{also: [][]string{{"/usr/local/bin/morse", "toe", "eel"}}, factor: 1.2, standIn: "bun"}
	cases["multi-stage/node-bun-no-workdir"] = chainCase{root: true, standIn: "bun"}
}
