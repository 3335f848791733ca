//go:build unix

package builder

import (
	"os/exec"
	"syscall"
)

func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// interrupt reaches the whole group: docker runs buildx as a child. A program that
// asked the terminal for a password was stopped there, and is woken to hear of it.
func interrupt(cmd *exec.Cmd) error {
	err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGCONT)
	return err
}

func killGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // mostly there is nobody left
	}
}
