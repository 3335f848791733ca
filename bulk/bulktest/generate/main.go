// Command generate makes git repositories to try drydock bulk on.
//
//	go run ./bulk/bulktest/generate DIR 200      of every kind
//	go run ./bulk/bulktest/generate -many DIR 10000   clean ones with one Dockerfile each
package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"

	"drydock/bulk/bulktest"
)

func main() {
	many := flag.Bool("many", false, "clean repositories with one Dockerfile each, for measuring")
	seed := flag.Uint64("seed", 1, "of names and order")
	flag.Parse()
	n, err := strconv.Atoi(flag.Arg(1))
	if flag.NArg() != 2 || err != nil || n < 1 {
		fmt.Fprintln(os.Stderr, "usage: generate [-many] [-seed N] DIR COUNT")
		os.Exit(64)
	}
	w := &bulktest.World{}
	if *many {
		w, err = bulktest.Many(flag.Arg(0), n)
	} else {
		w, err = bulktest.Generate(flag.Arg(0), n, *seed)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("HOME=%s drydock bulk %s\n", w.Home, w.Tree)
}
