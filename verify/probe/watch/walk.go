//go:build linux

package watch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"drydock/verify/probe/wire"
)

const (
	maxWrites = 5000
	maxFiles  = 1 << 20 // an image with more isn't compared
)

// root is where the image begins; tests have a smaller one.
var root = "/"

// A stamp is what changes when a file is written.
type stamp struct {
	changed, modified, size int64 // nanoseconds, nanoseconds, bytes
}

// A snapshot is the file system at one time, by path, mounts left out.
type snapshot struct {
	files map[string]stamp
	cut   bool
}

// walk lists the files of the image. What this user can't read stays out: the command can't write there either, unless
// it is root.
func walk() snapshot {
	s := snapshot{files: map[string]stamp{}}
	visit(func(path string, st *syscall.Stat_t) bool {
		s.files[path] = stampOf(st)
		s.cut = len(s.files) >= maxFiles
		return !s.cut
	})
	return s
}

func stampOf(st *syscall.Stat_t) stamp {
	return stamp{st.Ctim.Nano(), st.Mtim.Nano(), st.Size}
}

// visit calls f for each file and folder below / until it gives false; it doesn't enter mounts, which aren't the image's.
func visit(f func(path string, st *syscall.Stat_t) bool) {
	mounts := mountPoints()
	for queue := []string{root}; len(queue) > 0; {
		dir := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		d, err := os.Open(dir)
		if err != nil {
			continue
		}
		names, _ := d.Readdirnames(-1) // as many as there are
		d.Close()
		for _, name := range names {
			path := filepath.Join(dir, name)
			var st syscall.Stat_t
			if mounts[path] || syscall.Lstat(path, &st) != nil {
				continue
			}
			if !f(path, &st) {
				return
			}
			if st.Mode&syscall.S_IFMT == syscall.S_IFDIR {
				queue = append(queue, path)
			}
		}
	}
}

// mountPoints reads proc_pid_mountinfo(5); the fifth field is the place.
func mountPoints() map[string]bool {
	out := map[string]bool{"/proc": true, "/sys": true, "/dev": true}
	text, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(text)) {
		if field := strings.Fields(line); len(field) > 4 && field[4] != "/" {
			out[strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`).Replace(field[4])] = true
		}
	}
	return out
}

// changed lists what differs from s now, by path. A folder counts when it is new: that its entries change is told by them.
func (s snapshot) changed(res *wire.Result) []wire.Write {
	var out []wire.Write
	may := map[string]bool{}
	visit(func(path string, st *syscall.Stat_t) bool {
		old, was := s.files[path]
		folder := st.Mode&syscall.S_IFMT == syscall.S_IFDIR
		if was && (folder || old == stampOf(st)) {
			return true
		}
		if len(out) >= maxWrites {
			res.Truncated.Writes = true
			return false
		}
		dir := filepath.Dir(path)
		if _, known := may[dir]; !known {
			may[dir] = writable(dir)
		}
		out = append(out, wire.Write{Path: path, New: !was, Folder: folder, Cache: cache(path), Writable: may[dir]})
		return true
	})
	if s.cut {
		res.Truncated.Writes = true
		return nil // it can't be told what is new
	}
	slices.SortFunc(out, func(a, b wire.Write) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// cache tells of a file that is made again when it lacks.
func cache(path string) bool {
	if strings.HasSuffix(path, ".pyc") {
		return true
	}
	for _, part := range strings.Split(path, "/") {
		switch part {
		case "__pycache__", ".cache", "cache", "tmp", ".npm", "v8-compile-cache", "hsperfdata_root":
			return true
		}
	}
	return false
}

// writable asks the kernel for this process's user (access(2), W_OK).
func writable(path string) bool { return syscall.Access(path, 2) == nil }
