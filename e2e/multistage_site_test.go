//go:build e2e

package e2e

// Static sites: nginx serves what a plain server did (mkdocs serve adds a script of its own to each page). nginx's image starts as root and gives its workers a
// user of their own.
func init() {
	cases["multi-stage/site-mkdocs"] = chainCase{paths: []string{"/harbours/", "/search/search_index.json"}, factor: 4, root: true, stop: "SIGQUIT"}
	cases["multi-stage/site-smallest"] = chainCase{paths: []string{"/search/search_index.json"}, factor: 4, root: true, stop: "SIGQUIT"} // the lab's Alpine is no smaller for -slim
	cases["multi-stage/site-sphinx-server"] = chainCase{paths: []string{"/genindex.html"}, factor: 1.5, root: true, stop: "SIGQUIT"}
}
