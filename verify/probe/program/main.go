//go:build linux

// Command probe runs inside a RUN step of a built image, and prints what the image's command does there (see watch).
//
// Usage: probe [SPEC]. SPEC is as wire.Encode gives it; without it the program reads spec.json beside itself.
// It exits 0 whatever the command did, 2 when it can't do its own job. "probe -sources" prints from which sources it was built.
package main

import (
	"fmt"
	"os"

	"drydock/verify/probe/watch"
)

// sources is the hash of the sources, set by the linker (see pack).
var sources string

func main() {
	if len(os.Args) == 2 && os.Args[1] == "-sources" {
		fmt.Println(sources)
		return
	}
	if err := watch.Main(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(2)
	}
}
