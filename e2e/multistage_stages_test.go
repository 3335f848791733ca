//go:build e2e

package e2e

// Files that have stages already: a last stage on a full image, stages that others number, and build steps in the last stage.
func init() {
	cases["stages-python"] = chainCase{paths: []string{"/moorings.json", "/nowhere"}, factor: 4, touch: "app.py", install: `\bpip3? install\b`}
	cases["stages-dev"] = chainCase{factor: 1.04, touch: "src/server.ts", install: `\bnpm (ci|install)\b`}

	cases["multi-stage/stages-node"] = chainCase{paths: []string{"/berths.json", "/static/board.html", "/nowhere"}, factor: 4, touch: "app.py", install: `\bpip3? install\b`}
	cases["multi-stage/stages-node-api"] = chainCase{paths: []string{"/nowhere"}, factor: 4, touch: "src/server.js", install: `\bnpm (ci|install)\b`}
	cases["multi-stage/stages-go"] = chainCase{paths: []string{"/version", "/nowhere"}, factor: 50}
}
