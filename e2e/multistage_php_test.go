//go:build e2e

package e2e

func init() {
	cases["multi-stage/php-composer"] = chainCase{paths: []string{"/3", "/build/board.css", "/nowhere"}, factor: 1.05, root: true}
	cases["multi-stage/php-nodesource-assets"] = chainCase{unbuilt: "the lab reaches no repository of NodeSource"}
}
