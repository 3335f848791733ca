//go:build e2e

package e2e

func init() {
	cases["multi-stage/go-run"] = chainCase{paths: []string{"/nowhere"}, factor: 50}
	cases["multi-stage/go-scratch"] = chainCase{paths: []string{"/nowhere"}, factor: 50}
	cases["multi-stage/go-mains"] = chainCase{factor: 50}
	cases["multi-stage/go-replace"] = chainCase{paths: []string{"/nowhere"}, factor: 50}
	cases["multi-stage/go-exec"] = chainCase{factor: 4}
	cases["multi-stage/go-compose-health"] = chainCase{paths: []string{"/nowhere"}, factor: 4}
	cases["multi-stage/go-entrypoint"] = chainCase{factor: 4}
	cases["multi-stage/go-starts-itself"] = chainCase{factor: 50}
	cases["multi-stage/go-cgo-zlib"] = chainCase{factor: 4}
	cases["multi-stage/go-smallest-library"] = chainCase{paths: []string{"/nowhere"}, factor: 13}
	cases["multi-stage/go-make"] = chainCase{paths: []string{"/web/", "/nowhere"}, factor: 50}
	cases["multi-stage/go-gopath"] = chainCase{unbuilt: "what the lab calls golang:1.13 is a newer Go, which asks for go.mod"}
	cases["multi-stage/go-smallest-plugins"] = chainCase{factor: 4}
}
