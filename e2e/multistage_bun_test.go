//go:build e2e

package e2e

func init() {
	cases["multi-stage/node-bun"] = chainCase{unbuilt: "the lab has no Bun"}
	cases["multi-stage/node-bun-compile"] = chainCase{unbuilt: "the lab has no Bun"}
}
