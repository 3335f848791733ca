//go:build e2e

package e2e

// Files that have stages already: a last stage on a full image, stages that others number, and build steps in the last stage.
func init() {
	cases["stages-python"] = chainCase{paths: []string{"/moorings.json", "/nowhere"}, factor: 4, touch: "app.py", install: `\bpip3? install\b`}
}
