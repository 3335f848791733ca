package compiled_test

import (
	"strings"
	"testing"

	"drydock/transforms/multistage/splittest"
)

// What a makefile around go build says decides where the program stands and how it is
// linked; what can't be read of it is said.
func TestGoMake(t *testing.T) {
	const cgo = "package main\n\n// int f() { return 1; }\nimport \"C\"\n\nfunc main() { println(C.f()) }\n"
	for _, c := range []struct{ name, run, makefile, main, want string }{
		{"the first goal", "RUN make", "BIN = out/app\n\nall: $(BIN)\n\n$(BIN):\n\tgo build -o $@ .\n", splittest.GoMain, "COPY --from=build /src/out/app /src/out/app"},
		{"a variable of the command line", "RUN make build BIN=/out/app", "BIN ?= app\nbuild:\n\tgo build -o $(BIN) .\n", splittest.GoMain, "COPY --from=build /out/app /out/app"},
		{"a variable of the environment", "RUN OUT=/out make build", "build:\n\tgo build -o $(OUT)/app .\n", splittest.GoMain, "RUN OUT=/out CGO_ENABLED=0 make build"},
		{"the folder of make", "RUN make -C /src build", "build:\n\tgo build -o $(CURDIR)/app .\n", splittest.GoMain, "RUN CGO_ENABLED=0 make -C /src build"},
		{"cgo is off in the recipe", "RUN make build", "build:\n\tCGO_ENABLED=0 GOOS=linux go build -o app .\n", splittest.GoMain, "RUN make build\n"},
		{"cgo is off by an export", "RUN make build", "export CGO_ENABLED=0\nbuild:\n\tgo build -o app .\n", splittest.GoMain, "RUN make build\n"},
		{"a program with cgo", "RUN make build", "build:\n\tgo build -o app .\n", cgo, "RUN make build\n\nFROM gcr.io/distroless/base-debian12"},
		{"the race detector needs cgo", "RUN make build", "build: test\n\tgo build -o app .\ntest:\n\tgo test -race ./...\n", splittest.GoMain, "RUN make build\n\nFROM gcr.io/distroless/base-debian12"},
		{"it moves what it built", "RUN make build && mv app /usr/local/bin/", "build:\n\tgo build -o app .\n", splittest.GoMain, "COPY --from=build /usr/local/bin/app /usr/local/bin/app"},
		{"for the builder's own system", "RUN make build", "GOOS ?= $(shell go env GOOS)\nbuild:\n\tGOOS=$(GOOS) go build -o app .\n", splittest.GoMain, "COPY --from=build /src/app /src/app"},

		{"another system", "RUN make build", "build:\n\tGOOS=darwin go build -o app .\n", splittest.GoMain, "declined: it builds for darwin"},
		{"both name it", "ENV BIN=app\nRUN make build", "BIN = other\nbuild:\n\tgo build -o $(BIN) .\n", splittest.GoMain, "declined: Makefile and the Dockerfile both set BIN"},
		{"a computed name", "RUN make build", "build:\n\tgo build -o $(shell basename $(CURDIR)) .\n", splittest.GoMain, "declined: where go build writes isn't known"},
		{"an unknown goal", "RUN make install", "build:\n\tgo build -o app .\n", splittest.GoMain, "declined: what make writes isn't known: Makefile has no rule for install"},
		{"a branch", "RUN make build", "build:\n\tif true; then go build -o app .; fi\n", splittest.GoMain, "declined: Makefile:2 isn't known: it has branches, loops, subshells or declarations"},
		{"a conditional", "RUN make build", "ifdef DEBUG\nFLAGS = -N\nendif\nbuild:\n\tgo build -o app .\n", splittest.GoMain, "declined: what make writes isn't known: Makefile:1 has ifdef"},
		{"no makefile", "RUN make build", "", splittest.GoMain, "declined: the build context holds no makefile for /src"},
		{"the program is gone again", "RUN make build clean", "build:\n\tgo build -o app .\nclean:\n\trm -f app\n", splittest.GoMain, "After: FROM golang:1.22-bookworm\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := "CMD [\"./app\"]\n"
			switch {
			case strings.Contains(c.want, "/usr/local/bin/app"):
				start = "CMD [\"app\"]\n"
			case strings.Contains(c.want, "/src/out/app"):
				start = "CMD [\"./out/app\"]\n"
			case strings.Contains(c.want+c.run, "/out"):
				start = "CMD [\"/out/app\"]\n"
			}
			files := goFiles("golang:1.22-bookworm", c.run+"\n"+start, c.main)
			if c.makefile != "" {
				files["Makefile"] = c.makefile
			}
			res := splittest.Files(t, files)
			if got := "After: " + res.After + "\ndeclined: " + splittest.Reasons(res); !strings.Contains(got, strings.TrimPrefix(c.want, "declined: ")) {
				t.Errorf("want %q in\n%s", c.want, got)
			}
		})
	}
}
