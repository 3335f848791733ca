package compiled_test

import (
	"strings"
	"testing"

	"drydock/transforms/multistage/splittest"
)

// Go before 1.16 builds without go.mod, from GOPATH or from where it stands.
func TestGoPath(t *testing.T) {
	const mux = "package main\n\nimport _ \"github.com/gorilla/mux\"\n\nfunc main() {}\n"
	const own = "package main\n\nimport \"example.com/buoy/tides\"\n\nfunc main() { tides.Show() }\n"
	const tides = "package tides\n\nimport \"os\"\n\nfunc Show() { os.ReadFile(\"tides/table.txt\") }\n"
	const install = "RUN go get -d ./... && go install ./...\nCMD [\"buoy\"]\n"
	for _, c := range []struct{ name, dockerfile, main, want string }{
		{"others' packages may need cgo", "FROM golang:1.12\nWORKDIR /go/src/buoy\nCOPY . .\n" + install, mux, "FROM gcr.io/distroless/base-debian"},
		{"no compiler, no cgo", "FROM golang:1.13-alpine\nWORKDIR /go/src/buoy\nCOPY . .\n" + install, mux, "go install -trimpath -ldflags=\"-s -w\" ./...\n\nFROM gcr.io/distroless/static-debian"},
		{"a compiler on Alpine", "FROM golang:1.13-alpine3.11\nRUN apk add gcc musl-dev\nWORKDIR /go/src/buoy\nCOPY . .\n" + install, mux, "FROM alpine:3.11"},
		{"cgo is off", "FROM golang:1.13\nENV CGO_ENABLED=0\nWORKDIR /go/src/buoy\nCOPY . .\n" + install, mux, "FROM gcr.io/distroless/static-debian"},
		{"the standard library of Go 1.9 holds cgo", "FROM golang:1.9\nWORKDIR /go/src/buoy\nCOPY . .\n" + install, splittest.GoMain, "FROM gcr.io/distroless/base-debian"},
		{"outside of GOPATH", "FROM golang:1.12\nWORKDIR /app\nCOPY . .\nRUN go get -d && go build -o main .\nCMD [\"/app/main\"]\n", mux, "COPY --from=build /app/main /app/main"},
		{"packages by their import path", "FROM golang:1.13\nCOPY . /go/src/example.com/buoy\nWORKDIR /go/src/example.com/buoy\nRUN go install\nCMD [\"buoy\"]\n", own, "COPY --from=build /go/src/example.com/buoy/tides/table.txt"},
		{"modules are off", "FROM golang:1.22\nENV GO111MODULE=off\nWORKDIR /go/src/buoy\nCOPY . .\n" + install, mux, "FROM gcr.io/distroless/base-debian12"},
		{"dep fetches what vendor holds", "FROM golang:1.12\nWORKDIR /go/src/buoy\nCOPY . .\nRUN go get -u github.com/golang/dep/cmd/dep && dep ensure && go build -o /buoy\nCMD [\"/buoy\"]\n", mux, "COPY --from=build /buoy /buoy"},

		{"modules are on", "FROM golang:1.13\nENV GO111MODULE=on\nWORKDIR /go/src/buoy\nCOPY . .\n" + install, mux, "declined: there is no go.mod for /go/src/buoy in the build context"},
		{"Go 1.16 asks for go.mod", "FROM golang:1.16\nWORKDIR /go/src/buoy\nCOPY . .\n" + install, mux, "declined: there is no go.mod for /go/src/buoy in the build context"},
		{"a moving tag", "FROM golang\nWORKDIR /go/src/buoy\nCOPY . .\n" + install, mux, "declined: there is no go.mod for /go/src/buoy in the build context"},
		{"more than the program below GOPATH", "FROM golang:1.13\nCOPY tides /go/src/example.com/tides\nWORKDIR /go/src/buoy\nCOPY main.go .\n" + install, mux, "declined: there is no go.mod for /go/src/buoy in the build context"},
		{"GOPATH itself", "FROM golang:1.13\nCOPY . /go\nWORKDIR /go/src/buoy\n" + install, mux, "declined: there is no go.mod for /go/src/buoy in the build context"},
		{"a package elsewhere", "FROM golang:1.12\nWORKDIR /app\nCOPY . .\nRUN go build -o main ./cmd/x\nCMD [\"/app/main\"]\n", mux, "declined: there is no go.mod for /app in the build context"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := splittest.Files(t, map[string]string{"Dockerfile": c.dockerfile, "main.go": c.main, "tides/tides.go": tides, "tides/table.txt": "high\n"})
			if got := res.After + "\ndeclined: " + splittest.Reasons(res); !strings.Contains(got, strings.TrimPrefix(c.want, "declined: ")) {
				t.Errorf("want %q in\n%s", c.want, got)
			}
		})
	}
}
