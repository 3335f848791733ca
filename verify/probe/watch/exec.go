//go:build linux

package watch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// find gives the file that name starts, by the PATH in env, or the exit code and the reason why there is none, in the words
// that container runtimes use. Codes: https://docs.docker.com/engine/containers/run/#exit-status
func find(name string, env []string) (file string, code int, why string) {
	if strings.Contains(name, "/") {
		if _, err := os.Stat(name); errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENOTDIR) {
			return "", 127, "exec: \"" + name + "\": stat " + name + ": no such file or directory"
		}
		return name, 0, "" // whatever else is wrong with it, exec tells best
	}
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" // a runtime's default
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			path = v
		}
	}
	denied := ""
	for _, dir := range filepath.SplitList(path) {
		f := filepath.Join(dir, name)
		if !strings.Contains(f, "/") {
			f = "./" + f
		}
		if info, err := os.Stat(f); err == nil && !info.IsDir() {
			if syscall.Access(f, 1) == nil {
				return f, 0, ""
			}
			denied = f
		}
	}
	if denied != "" {
		return "", 126, "exec " + denied + ": permission denied: it is not executable for this user"
	}
	return "", 127, "exec: \"" + name + "\": executable file not found in $PATH"
}

// reason puts into words why the kernel didn't start file. Its "no such file or directory" is of the interpreter when
// the file itself is there.
func reason(file string, err error) (code int, why string) {
	var no syscall.Errno
	if !errors.As(err, &no) {
		return 126, "exec " + file + ": " + err.Error()
	}
	why = "exec " + file + ": " + no.Error()
	switch no {
	case syscall.ENOENT:
		if in := interpreter(file); in != "" {
			why += ": its interpreter " + in + " is missing"
		}
		return 127, why
	case syscall.ENOEXEC:
		why += ": neither a program for this machine nor a script whose first line names an interpreter"
	case syscall.EACCES:
		if info, err := os.Stat(file); err == nil && info.Mode()&0o111 == 0 {
			why += ": it is not executable; chmod +x"
		}
	}
	return 126, why
}

// interpreter gives what the first line of a script names, or the loader of an ELF file; "" for none.
func interpreter(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	buf := make([]byte, 4096)
	n, _ := f.Read(buf)
	buf = buf[:n]
	if line, ok := bytes.CutPrefix(buf, []byte("#!")); ok {
		line, _, _ = bytes.Cut(line, []byte("\n"))
		if words := strings.Fields(string(line)); len(words) > 0 {
			if bytes.HasSuffix(line, []byte("\r")) {
				return words[0] + `\r (its first line ends with a carriage return)`
			}
			return words[0]
		}
		return ""
	}
	return loader(buf)
}

// loader reads PT_INTERP of a little-endian 64-bit ELF file from its first bytes: all that the two architectures have.
func loader(b []byte) string {
	if len(b) < 64 || string(b[:6]) != "\x7fELF\x02\x01" {
		return ""
	}
	at, size := binary.LittleEndian.Uint64(b[32:]), uint64(binary.LittleEndian.Uint16(b[54:]))
	for i := range uint64(binary.LittleEndian.Uint16(b[56:])) {
		h := at + i*size
		if size < 56 || h+56 > uint64(len(b)) || h < at {
			break
		}
		if binary.LittleEndian.Uint32(b[h:]) != 3 { // PT_INTERP
			continue
		}
		from, n := binary.LittleEndian.Uint64(b[h+8:]), binary.LittleEndian.Uint64(b[h+32:])
		if from < uint64(len(b)) && n < uint64(len(b)) && from+n <= uint64(len(b)) {
			return strings.TrimRight(string(b[from:from+n]), "\x00")
		}
	}
	return ""
}

// signalOf reads STOPSIGNAL: SIGQUIT, QUIT, 3, SIGRTMIN+3; what it doesn't know is SIGTERM, the default.
func signalOf(name string) syscall.Signal {
	name = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(name)), "SIG")
	if n, err := strconv.Atoi(name); err == nil && n > 0 && n < 65 {
		return syscall.Signal(n)
	}
	if rest, ok := strings.CutPrefix(name, "RTMIN"); ok {
		n, err := strconv.Atoi("0" + strings.TrimPrefix(rest, "+"))
		if err == nil && n < 31 {
			return syscall.Signal(34 + n)
		}
	}
	for known, sig := range map[string]syscall.Signal{
		"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT, "KILL": syscall.SIGKILL, "USR1": syscall.SIGUSR1,
		"USR2": syscall.SIGUSR2, "WINCH": syscall.SIGWINCH, "PWR": syscall.SIGPWR, "ABRT": syscall.SIGABRT, "CONT": syscall.SIGCONT,
	} {
		if name == known {
			return sig
		}
	}
	return syscall.SIGTERM
}
