// Command probe runs inside a RUN step of a built image, and prints what the image's command does there (see observe).
//
// Usage: probe SPEC, as observe.Encode gives it. It exits 0 whatever the command did, 2 when it can't do its own job.
package main

import (
	"errors"
	"fmt"
	"os"

	"drydock/e2e/observe"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(2)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: probe SPEC")
	}
	spec, err := observe.Decode(args[0])
	if err != nil {
		return err
	}
	word, err := observe.Encode(observe.Watch(spec))
	if err != nil {
		return err
	}
	fmt.Printf("\n%s%s\n", observe.Marker, word)
	return nil
}
