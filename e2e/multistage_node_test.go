//go:build e2e

package e2e

func init() {
	cases["multi-stage/node-typescript"] = chainCase{paths: []string{"/nowhere"}, factor: 4}
	cases["multi-stage/node-pnpm"] = chainCase{paths: []string{"/nowhere"}, factor: 4}
	cases["multi-stage/node-yarn"] = chainCase{paths: []string{"/nowhere"}, factor: 4}
	cases["multi-stage/node-workspaces"] = chainCase{paths: []string{"/nowhere"}, factor: 4}
	cases["multi-stage/node-libpq"] = chainCase{paths: []string{"/nowhere"}, factor: 4}
}
