//go:build linux

package main

import (
	"encoding/binary"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// execPath is the path that the shell gave to execve: AT_EXECFN of the
// auxiliary vector (getauxval(3)). /proc/self/exe would name the recorder.
// "" where there is no /proc.
func execPath() string {
	const execfn = 31
	aux, err := os.ReadFile("/proc/self/auxv")
	if err != nil {
		return ""
	}
	const word = strconv.IntSize / 8
	if word != 8 {
		return ""
	}
	for ; len(aux) >= 2*word; aux = aux[2*word:] {
		if binary.NativeEndian.Uint64(aux) == execfn {
			return stringAt(int64(binary.NativeEndian.Uint64(aux[word:])))
		}
	}
	return ""
}

// stringAt reads a C string of this process.
func stringAt(addr int64) string {
	fd, err := syscall.Open("/proc/self/mem", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer syscall.Close(fd)
	buf := make([]byte, 512)
	n, err := syscall.Pread(fd, buf, addr)
	if err != nil || n <= 0 {
		return ""
	}
	s, _, _ := strings.Cut(string(buf[:n]), "\x00")
	return s
}
