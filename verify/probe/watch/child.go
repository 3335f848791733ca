//go:build linux

package watch

import (
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"drydock/verify/probe/wire"
)

const (
	keepBytes = 8 << 10 // of each body; of an output its beginning and its end
	stopTime  = 5 * time.Second
	pipeTime  = time.Second // for the rest of an output after its command's end: a child of it may hold the pipe
)

// A child is a running command in a process group of its own.
type child struct {
	proc *os.Process // nil when it couldn't start
	out  *clip
	over chan struct{} // closed when the process has ended
	done chan struct{} // and this one when its output has been read too
	code int           // valid once over is closed
}

// started are the children that a goroutine waits for; others that the kernel gives us are reaped in tree.
var started sync.Map

// environ is our environment with add over it.
func environ(add []string) []string {
	var out []string
	for _, e := range append(os.Environ(), add...) {
		name, _, _ := strings.Cut(e, "=")
		for i, old := range out {
			if strings.HasPrefix(old, name+"=") {
				out = append(out[:i], out[i+1:]...)
				break
			}
		}
		out = append(out, e)
	}
	return out
}

func start(argv, env []string) *child {
	c := &child{out: &clip{}, over: make(chan struct{}), done: make(chan struct{})}
	if len(argv) == 0 {
		return c.failed(127, "no command specified")
	}
	file, code, why := find(argv[0], env)
	if why != "" {
		return c.failed(code, why)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return c.failed(126, err.Error())
	}
	defer w.Close()
	in, err := os.Open(os.DevNull)
	if err != nil {
		in = r // reading from the end that we read ourselves gives an error, not a wait for a person
	} else {
		defer in.Close()
	}
	c.proc, err = os.StartProcess(file, argv, &os.ProcAttr{
		Env: env, Files: []*os.File{in, w, w}, Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		r.Close()
		code, why := reason(file, err)
		return c.failed(code, why)
	}
	started.Store(c.proc.Pid, true)
	drained := make(chan struct{})
	go func() {
		defer r.Close()
		c.out.drain(r)
		close(drained)
	}()
	go func() {
		state, err := c.proc.Wait()
		c.code = 127
		if err == nil {
			c.code = state.ExitCode()
			if s, ok := state.Sys().(syscall.WaitStatus); ok && s.Signaled() {
				c.code = 128 + int(s.Signal()) // as a container runtime reports it
			}
		}
		close(c.over)
		select {
		case <-drained:
		case <-time.After(pipeTime):
		}
		close(c.done)
	}()
	return c
}

func (c *child) failed(code int, why string) *child {
	c.code = code
	_, _ = c.out.Write([]byte(why)) // never fails
	close(c.over)
	close(c.done)
	return c
}

// ended tells whether the command is over, waiting up to d for it.
func (c *child) ended(d time.Duration) bool {
	select {
	case <-c.done:
		return true
	default:
	}
	select {
	case <-c.done:
		return true
	case <-time.After(d):
		return false
	}
}

// stop sends the stop signal, as a container's stop does: to the first process only, or to what a daemon left behind.
// It gives the milliseconds that it took, or -1 when it had to be killed.
func (r *run) stop() int64 {
	begin := time.Now()
	sig := signalOf(r.spec.Stop)
	if !r.res.Daemon {
		_ = r.c.proc.Signal(sig) // it may have ended by now
	} else {
		for _, p := range tree() {
			if p.parent == os.Getpid() {
				_ = syscall.Kill(p.pid, sig)
			}
		}
	}
	took := int64(-1)
	for time.Since(begin) < stopTime {
		if r.dead(20 * time.Millisecond) {
			took = time.Since(begin).Milliseconds()
			break
		}
	}
	killAll()
	r.c.ended(stopTime)
	return took
}

// once runs a command to its end, or for d.
func once(argv, env []string, d time.Duration) wire.Ran {
	c := start(argv, env)
	if !c.ended(d) {
		_ = syscall.Kill(-c.proc.Pid, syscall.SIGKILL)
		c.ended(stopTime)
	}
	return wire.Ran{Argv: argv, Exit: c.code, Output: c.out.String()}
}

// clip keeps the beginning and the end of what is written to it.
type clip struct {
	mu         sync.Mutex
	head, tail []byte
	lost       bool
}

func (c *clip) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(p), keepBytes-len(c.head))
	c.head = append(c.head, p[:n]...)
	c.tail = append(c.tail, p[n:]...)
	if over := len(c.tail) - keepBytes; over > 0 {
		c.lost = true
		c.tail = append(c.tail[:0], c.tail[over:]...)
	}
	return len(p), nil
}

func (c *clip) drain(f *os.File) {
	buf := make([]byte, 32<<10)
	for {
		n, err := f.Read(buf)
		_, _ = c.Write(buf[:n]) // never fails
		if err != nil {
			return
		}
	}
}

func (c *clip) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost {
		return string(c.head) + "\n[more of it is left out]\n" + string(c.tail)
	}
	return string(c.head) + string(c.tail)
}

func (c *clip) cut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}
