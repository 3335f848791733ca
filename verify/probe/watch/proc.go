//go:build linux

package watch

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// adopt makes the kernel give us the orphans of the command (prctl(2), PR_SET_CHILD_SUBREAPER), so that what forks twice is still
// below us. Where it can't, they are below process 1, which we are in most containers.
func adopt() {
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, 36, 1, 0)
}

// A process is one below us that runs.
type process struct {
	pid, parent int
}

// tree lists our descendants, and buries those of them that nobody else will.
func tree() []process {
	all := map[int][]process{} // by parent
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, _ := os.ReadFile("/proc/" + e.Name() + "/stat")
		_, rest, ok := strings.Cut(string(stat), ") ") // the name may hold blanks
		if i := strings.LastIndex(string(stat), ") "); i >= 0 {
			rest = string(stat[i+2:])
		}
		field := strings.Fields(rest)
		if !ok || len(field) < 2 {
			continue // gone in the meantime
		}
		parent, _ := strconv.Atoi(field[1])
		if field[0] == "Z" || field[0] == "X" {
			if _, ours := started.Load(pid); !ours && parent == os.Getpid() {
				_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
			}
			continue
		}
		all[parent] = append(all[parent], process{pid, parent})
	}
	var out []process
	for queue := []int{os.Getpid()}; len(queue) > 0; queue = queue[1:] {
		for _, p := range all[queue[0]] {
			out = append(out, p)
			queue = append(queue, p.pid)
		}
	}
	return out
}

// killAll ends what is left of the command.
func killAll() {
	for range 50 {
		left := tree()
		if len(left) == 0 {
			return
		}
		for _, p := range left {
			_ = syscall.Kill(p.pid, syscall.SIGKILL) // one of another user outlives us by no more than the container
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// processes gives argv[0] of our descendants.
func processes() []string {
	var out []string
	for _, p := range tree() {
		line, _ := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/cmdline")
		name, _, _ := strings.Cut(string(line), "\x00")
		if name != "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out[:min(len(out), 200)]
}

// mapped adds to set the shared libraries that our descendants have mapped. False: one of them doesn't let us look, for it
// runs as another user.
func mapped(set map[string]bool) bool {
	all := true
	for _, p := range tree() {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/maps")
		if os.IsPermission(err) {
			all = false
		}
		for line := range strings.Lines(string(text)) {
			at := strings.IndexByte(line, '/')
			if at < 0 {
				continue
			}
			file := strings.TrimSuffix(strings.TrimSpace(line[at:]), " (deleted)")
			base := file[strings.LastIndexByte(file, '/')+1:]
			if strings.HasSuffix(base, ".so") || strings.Contains(base, ".so.") && !strings.HasSuffix(base, ".cache") {
				set[file] = true
			}
		}
	}
	return all
}

// uid gives the effective user of the command now; an entry point may have dropped root since the start.
func (c *child) uid(otherwise int) int {
	if c.proc == nil {
		return otherwise
	}
	pid := c.proc.Pid
	if c.ended(0) {
		left := tree()
		if len(left) == 0 {
			return otherwise
		}
		pid = left[0].pid
	}
	ids := status(pid)
	if u := ids["Uid:"]; len(u) > 1 {
		return u[1]
	}
	return otherwise
}

// status gives the fields with ids of /proc/PID/status: Uid:, Gid: (real, effective, …) and Groups:.
func status(pid int) map[string][]int {
	out := map[string][]int{}
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	for line := range strings.Lines(string(text)) {
		field := strings.Fields(line)
		if len(field) < 2 || field[0] != "Uid:" && field[0] != "Gid:" && field[0] != "Groups:" {
			continue
		}
		for _, f := range field[1:] {
			if n, err := strconv.Atoi(f); err == nil {
				out[field[0]] = append(out[field[0]], n)
			}
		}
	}
	return out
}
