//go:build e2e

package e2e

// The whole folder of the build in the last stage: what is copied in its place is enough.
func init() {
	cases["narrow-copy/go-script"] = chainCase{ci: true}
	cases["narrow-copy/go-templates"] = chainCase{paths: []string{"/static/site.css", "/nowhere"}, root: true}
	cases["narrow-copy/rust-same-folder"] = chainCase{paths: []string{"/nowhere"}, factor: 1.05}
	cases["narrow-copy/rust-target"] = chainCase{paths: []string{"/site.css", "/nowhere"}, factor: 1.05}
	cases["narrow-copy/rust-names-its-place"] = chainCase{paths: []string{"/site.css", "/nowhere"}, factor: 1.05, root: true}
	cases["narrow-copy/maven"] = chainCase{paths: []string{"/nowhere"}, root: true}
	cases["narrow-copy/c-make"] = chainCase{paths: []string{"/nowhere"}, root: true}
	cases["narrow-copy/dotnet"] = chainCase{unbuilt: "the lab has no .NET"}
}
