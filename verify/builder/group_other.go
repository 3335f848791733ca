//go:build !unix

package builder

import "os/exec"

// Elsewhere there is no interrupt that one process can send another: the program
// is killed, and BuildKit sees its session end.
func ownGroup(*exec.Cmd) {}

func interrupt(cmd *exec.Cmd) error { return cmd.Process.Kill() }

func killGroup(*exec.Cmd) {}
