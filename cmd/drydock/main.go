// Command drydock rewrites Dockerfiles so that images get smaller, builds
// better cached and containers safer, and tells the reason of every change.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"drydock/leftover"
)

func main() {
	log.SetOutput(io.Discard) // net/http writes there what a server does wrong, which drydock tells in its own words
	ctx, args := interruptible(), os.Args
	if isPlugin(args[0]) {
		ctx, args = underDocker(ctx, args)
	}
	os.Exit(run(ctx, args, streams{os.Stdin, os.Stdout, os.Stderr}))
}

// twice is how soon a second signal is no second one: timeout(1) and npm hand one
// on to the program and to its group.
const twice = 300 * time.Millisecond

// interruptible ends with the first signal. A second one ends the program at once,
// without waiting for the builder to hear of it.
func interruptible() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup(1)
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		<-signals
		cancel()
		for first := time.Now(); time.Since(first) < twice; {
			<-signals
		}
		leftover.Clear()
		fmt.Fprintln(os.Stderr, "drydock: interrupted twice: ended at once")
		os.Exit(exitFailed)
	}()
	return ctx
}
