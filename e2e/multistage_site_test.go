//go:build e2e

package e2e

// Static sites: nginx serves what the generator's own server did. nginx's image starts as root and gives its workers a
// user of their own.
func init() {
	cases["multi-stage/site-mkdocs"] = chainCase{paths: []string{"/harbours/", "/harbours"}, factor: 4, root: true}
	cases["multi-stage/site-sphinx-server"] = chainCase{paths: []string{"/genindex.html"}, factor: 1.5, root: true}
}
