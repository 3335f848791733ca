//go:build e2e

package e2e

func init() {
	cases["multi-stage/node-typescript"] = chainCase{paths: []string{"/nowhere"}, factor: 4, smaller: 6}
	cases["multi-stage/node-pnpm"] = chainCase{paths: []string{"/nowhere"}, factor: 4}
	cases["multi-stage/node-yarn"] = chainCase{paths: []string{"/nowhere"}, factor: 4}
	cases["multi-stage/node-workspaces"] = chainCase{paths: []string{"/nowhere"}, factor: 4}
	cases["multi-stage/node-makes-workdir"] = chainCase{paths: []string{"/nowhere"}, factor: 4}
	cases["multi-stage/node-prisma-beside-apt"] = chainCase{unbuilt: "Prisma's engines come from a server of its own"}
	cases["multi-stage/node-simple-git"] = chainCase{paths: []string{"/nowhere"}, factor: 2.5}
	cases["multi-stage/node-alpine-tools"] = chainCase{paths: []string{"/nowhere"}, factor: 1.5}
	cases["multi-stage/node-slim-build"] = chainCase{paths: []string{"/nowhere"}, factor: 1.05}
	cases["multi-stage/node-vite-nginx"] = chainCase{paths: []string{"/nowhere"}, factor: 5, root: true, stop: "SIGQUIT"}
	cases["multi-stage/node-next"] = chainCase{paths: []string{"/robots.txt", "/nowhere"}, factor: 4}
	cases["multi-stage/node-distroless-user"] = chainCase{paths: []string{"/nowhere"}, factor: 6}
}
