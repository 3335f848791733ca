//go:build linux

// Package sandbox runs shell scripts where no command is real: the shells are,
// but every external command is a link to a recorder (package recorder).
//
// A sandbox is a process in user, mount, network, process and IPC namespaces of
// its own whose root directory is a tmpfs. It holds the shells, their libraries and the
// recorder, and nothing of the machine but /dev/null and its like. The process
// runs one Job after the other, each in a fresh root, and dies with its parent.
package sandbox

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"drydock/tools/corpus/differential/record"
)

// initName is argv[0] of the process inside: the program runs itself again.
const initName = "drydock-sandbox-init"

// Job is a chain of steps in one root: the first that fails ends it.
type Job struct {
	Root    Root
	Steps   []Step
	Fail    *record.Failure // nil when every command succeeds
	Timeout time.Duration   // for all steps together; an endless loop of commands ends earlier
}

// Root is what the root directory holds before the first step.
type Root struct {
	Dirs     []string // absolute paths
	Files    []string // absolute paths of empty files
	Commands []string // absolute paths of links to the recorder
	// Scripts are commands that can be written to: the recorder by way of a #! line.
	Scripts []string
}

// Step is one process: a shell with its script, or a command.
type Step struct {
	Shell string   // "dash" or "bash"; "" runs the command Args[0] itself
	Args  []string // Args[0] included
	Dir   string
	Env   []string
}

// Result is what became of a Job.
type Result struct {
	Records  []record.Record
	Status   []int // exit codes of the steps that ran
	Output   string
	Errors   string
	Tree     map[string]string // what lies in the root afterwards: mode and content by path
	Made     []string          // directories that record.MakeDir made
	TimedOut bool              // or went on and on; the records are those until then
	Err      string            // the sandbox itself failed
}

// OK reports whether every step succeeded.
func (r *Result) OK() bool { return len(r.Status) > 0 && r.Status[len(r.Status)-1] == 0 }

// Sandbox is a running sandbox. It serves one Run at a time.
type Sandbox struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	enc *gob.Encoder
	dec *gob.Decoder
	dir string
}

// Start makes a sandbox out of the tools. The error says so when the machine
// permits no namespaces.
func Start(ctx context.Context, t *Tools) (*Sandbox, error) {
	dir, err := os.MkdirTemp("", "drydock-sandbox")
	if err != nil {
		return nil, err
	}
	s := &Sandbox{dir: dir}
	s.cmd = exec.CommandContext(ctx, "/proc/self/exe")
	s.cmd.Args = []string{initName}
	s.cmd.Env = []string{"GODEBUG=" + os.Getenv("GODEBUG")}
	s.cmd.Stderr = os.Stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID |
			syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		os.Remove(dir)
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EACCES) {
			err = fmt.Errorf("this machine permits no user namespace: %w (see sysctl user.max_user_namespaces and kernel.*userns*; a container needs --security-opt seccomp=unconfined or --privileged)", err)
		}
		return nil, fmt.Errorf("start the sandbox: %w", err)
	}
	s.enc, s.dec = gob.NewEncoder(s.in), gob.NewDecoder(out)
	ready := Result{}
	if err := s.ask(setup{Dir: dir, Tools: *t}, &ready); err != nil {
		s.Close()
		return nil, fmt.Errorf("set up the sandbox: %w", err)
	}
	return s, nil
}

// Run runs a job. Errors are the sandbox's own; a job that fails or takes too
// long is a Result.
func (s *Sandbox) Run(j Job) (*Result, error) {
	r := &Result{}
	if err := s.ask(j, r); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return r, nil
}

func (s *Sandbox) ask(question any, r *Result) error {
	if err := s.enc.Encode(question); err != nil {
		return err
	}
	if err := s.dec.Decode(r); err != nil {
		return err
	}
	if r.Err != "" {
		return errors.New(r.Err)
	}
	return nil
}

// Close ends the sandbox and all that runs in it.
func (s *Sandbox) Close() {
	s.in.Close()
	done := time.AfterFunc(5*time.Second, func() { _ = s.cmd.Process.Kill() })
	_ = s.cmd.Wait()
	done.Stop()
	os.Remove(s.dir)
}
