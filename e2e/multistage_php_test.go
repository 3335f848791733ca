//go:build e2e

package e2e

func init() {
	cases["multi-stage/php-composer"] = chainCase{paths: []string{"/3", "/build/board.css", "/nowhere"}, factor: 1.05, root: true}
}
