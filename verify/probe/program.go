package probe

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the programs
	"fmt"
	"io"
)

//go:generate go run ./pack program

//go:embed program/probe-linux-amd64.gz
var amd64 []byte

//go:embed program/probe-linux-arm64.gz
var arm64 []byte

// Program is the static probe for a Linux architecture ("amd64", "arm64"): the
// executable's bytes. Another architecture is an error.
func Program(arch string) ([]byte, error) {
	packed, ok := map[string][]byte{"amd64": amd64, "arm64": arm64}[arch]
	if !ok {
		return nil, fmt.Errorf("no probe for linux/%s: build for linux/amd64 or linux/arm64 (--platform)", arch)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("the embedded probe for linux/%s: %w", arch, err)
	}
	return io.ReadAll(r)
}
