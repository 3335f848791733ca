//go:build unix

package git

import (
	"os/exec"
	"syscall"
)

// ownGroup starts a program in a session of its own: a terminal's Ctrl-C doesn't
// reach it, and ssh has no terminal to ask for a password on.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// killGroup ends the program and what it started, such as git-remote-https.
func killGroup(cmd *exec.Cmd) error {
	if cmd.Process == nil {
		return nil
	}
	return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}
