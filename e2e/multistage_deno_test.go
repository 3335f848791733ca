//go:build e2e

package e2e

// Deno itself is real, the way that its stand-in packs a program isn't: see testdata/deno.
func init() {
	cases["multi-stage/deno-compile"] = chainCase{paths: []string{"/3", "/nowhere"}, factor: 1.2, standIn: "deno"}
}
