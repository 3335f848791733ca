//go:build linux

// Package watch runs a command inside its image and tells what it did: the half of the probe that is in the container.
//
// No Docker engine is needed for that: BuildKit gives a RUN step the image's user, environment and working directory, and
// with --network=none a network of its own. It is a static binary that must run on scratch, as any user and on a
// file system that nobody can write; and it is embedded in drydock, so it imports neither net nor regexp.
package watch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"drydock/verify/probe/wire"
)

// Times; all of them are bounds on waiting, none changes what is told.
const (
	settle     = 300 * time.Millisecond // more ports may follow the first one
	someListen = 3 * time.Second        // for the rest of Spec.Ports once one of them is open
	elsewhere  = 10 * time.Second       // for Spec.Ports once another port is open
	noTCP      = 5 * time.Second        // for a TCP port once a socket of another kind is open
	afterFork  = 5 * time.Second        // for what a daemon left behind to listen
	defaultTry = 60                     // seconds, when Spec.Wait is 0
)

// Main is the program: args are those after its name, none or one Spec as [wire.Encode] gives it.
// It writes the result to out. An error means that the probe could not do its own job.
func Main(args []string, out io.Writer) error {
	spec, err := read(args)
	if err != nil {
		return err
	}
	word, err := wire.Fit(Watch(spec))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\n%s%s\n", wire.Marker, word)
	return err
}

func read(args []string) (wire.Spec, error) {
	var spec wire.Spec
	switch len(args) {
	case 0:
		self, err := os.Executable()
		if err != nil {
			return spec, err
		}
		raw, err := os.ReadFile(filepath.Join(filepath.Dir(self), wire.SpecFile))
		if err != nil {
			return spec, err
		}
		return spec, json.Unmarshal(raw, &spec)
	case 1:
		return spec, wire.Decode(args[0], &spec)
	}
	return spec, errors.New("usage: probe [SPEC]; without SPEC it reads " + wire.SpecFile + " beside itself")
}

// Watch runs what spec names and gives what it did. It leaves no process behind.
// A process can only watch once at a time: every descendant counts as the command's.
func Watch(spec wire.Spec) wire.Result {
	if spec.Wait <= 0 {
		spec.Wait = defaultTry
	}
	adopt()
	r := &run{spec: spec, env: environ(spec.Env), strangers: sockets(), maps: map[string]bool{}, res: wire.Result{UID: os.Geteuid()}}
	if len(spec.Argv) == 0 {
		r.res.NoCommand = true
	}
	files := walk()
	r.begin = time.Now()
	r.command()
	r.res.Output = r.c.out.String()
	r.res.Truncated.Output = r.c.out.cut()
	r.res.Maps = sorted(r.maps)
	r.res.Writes = files.changed(&r.res)
	r.res.Denied = denied(r.res.Output)
	for _, argv := range spec.Also {
		r.res.Also = append(r.res.Also, once(argv, r.env, time.Duration(spec.Wait)*time.Second))
	}
	killAll()
	return r.res
}

// A run is the command while it is watched.
type run struct {
	spec      wire.Spec
	env       []string
	c         *child
	begin     time.Time
	strangers map[socket]bool // that were there before it
	maps      map[string]bool
	res       wire.Result
}

// command runs Spec.Argv to its end, or until it has answered.
func (r *run) command() {
	r.c = start(r.spec.Argv, r.env)
	if !r.ready() {
		killAll()
		return
	}
	r.look()
	r.dead(0) // notes a daemon
	r.res.Replies = r.ask()
	r.res.Health = r.health()
	r.look()
	if len(r.res.Replies) > 0 && r.dead(settle) { // it listened and died, of itself or of the question
		r.end()
		killAll()
		return
	}
	r.res.RanMS = time.Since(r.begin).Milliseconds()
	r.res.StopMS = r.stop()
}

// ready waits until the command listens where it should; true also when the time is up. False: it has ended.
func (r *run) ready() bool {
	var first time.Time // when something was seen to listen
	for deadline := r.begin.Add(time.Duration(r.spec.Wait) * time.Second); time.Now().Before(deadline); {
		if r.c.ended(pause(time.Since(r.begin))) && !r.daemon() {
			r.end()
			return false
		}
		r.mapped()
		l := r.listening()
		if len(l) == 0 {
			first = time.Time{}
			continue
		}
		r.res.Listen = l
		if first.IsZero() {
			first = time.Now()
			r.res.ReadyMS = first.Sub(r.begin).Milliseconds()
		}
		if enough(l, r.spec.Ports, time.Since(first)) {
			break
		}
	}
	return true
}

// nameServer is the port of Erlang's epmd. It and the port that a node takes for other nodes are open before
// the node starts its applications (https://www.erlang.org/doc/apps/erts/epmd_cmd.html).
const nameServer = 4369

// enough tells whether it makes no sense to wait for more than l, which has been there for d.
func enough(l []wire.Listener, ports []int, d time.Duration) bool {
	var tcp bool
	open := map[int]bool{}
	erlang := slices.ContainsFunc(l, func(one wire.Listener) bool { return one.Port == nameServer })
	for _, one := range l {
		tcp = tcp || one.Proto == "tcp" && !(erlang && (one.Port == nameServer || one.Port >= 32768))
		open[one.Port] = true
	}
	wanted := 0
	for _, p := range ports {
		if open[p] {
			wanted++
		}
	}
	switch {
	case wanted == len(ports) && tcp:
		return d >= settle
	case wanted > 0:
		return d >= someListen
	case tcp:
		return d >= elsewhere
	}
	return d >= noTCP
}

// pause is the time between two looks: a program that prints its version is over in some milliseconds, and its libraries
// have to be seen in that time.
func pause(running time.Duration) time.Duration {
	switch {
	case running < 50*time.Millisecond:
		return time.Millisecond
	case running < 3*time.Second:
		return 20 * time.Millisecond
	}
	return 100 * time.Millisecond
}

// daemon tells, of a command that has ended, whether it left behind something that listens.
func (r *run) daemon() bool {
	if r.c.code != 0 || r.c.proc == nil {
		return false
	}
	for deadline := time.Now().Add(afterFork); time.Now().Before(deadline) && len(tree()) > 0; time.Sleep(20 * time.Millisecond) {
		if len(r.listening()) > 0 {
			r.res.Daemon = true
			return true
		}
	}
	return false
}

// dead tells whether the command is over, waiting up to d for it.
func (r *run) dead(d time.Duration) bool {
	select {
	case <-r.c.over: // the process; another one may hold its output
		if r.c.code == 0 && len(r.listening()) > 0 {
			r.res.Daemon = true
		}
	default:
	}
	if !r.res.Daemon {
		return r.c.ended(d)
	}
	time.Sleep(d)
	return len(tree()) == 0
}

func (r *run) end() {
	r.res.Exited, r.res.Exit, r.res.Daemon = true, r.c.code, false
	r.res.RanMS = time.Since(r.begin).Milliseconds()
}

// look notes who is there now, and what they use.
func (r *run) look() {
	r.res.UID = r.c.uid(r.res.UID)
	r.res.Listen = join(r.res.Listen, r.listening())
	if names := processes(); len(names) > 0 {
		r.res.Processes = names
	}
	r.mapped()
}

func (r *run) mapped() {
	if !mapped(r.maps) {
		r.res.Truncated.Maps = true
	}
}

func sorted(set map[string]bool) []string {
	var out []string
	for k := range set {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
