//go:build e2e

package e2e

func init() {
	// Rust: the toolchain is about 600 MB (compressed), a program on distroless cc 10
	cases["multi-stage/rust-plain"] = chainCase{paths: []string{"/nowhere"}, factor: 20}
	cases["multi-stage/rust-files"] = chainCase{paths: []string{"/site.css", "/nowhere"}, factor: 20}
	cases["multi-stage/rust-workspace"] = chainCase{factor: 5}
	cases["multi-stage/rust-smallest-library"] = chainCase{factor: 20, root: true}
	cases["multi-stage/rust-openssl"] = chainCase{factor: 8, smaller: 20}
	cases["multi-stage/rust-run"] = chainCase{paths: []string{"/nowhere"}, factor: 20}
	cases["multi-stage/rust-exec"] = chainCase{factor: 5}
}
