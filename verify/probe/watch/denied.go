//go:build linux

package watch

import (
	"os"
	"path/filepath"
	"strings"

	"drydock/verify/probe/wire"
)

const maxDenied = 50

// denied finds in output the paths that the operating system refused, and tries them: a folder is named where this user
// still may not write.
func denied(output string) []wire.Denied {
	var out []wire.Denied
	seen := map[string]bool{}
	for line := range strings.Lines(output) {
		low := strings.ToLower(line)
		if !strings.Contains(low, "permission denied") && !strings.Contains(low, "eacces") && !strings.Contains(low, "read-only file") &&
			!strings.Contains(low, "erofs") && !strings.Contains(low, "operation not permitted") && !strings.Contains(low, "eperm") &&
			!strings.Contains(low, "accessdenied") && !strings.Contains(low, "not writable") {
			continue
		}
		for _, path := range paths(line) {
			if seen[path] || len(out) >= maxDenied {
				continue
			}
			seen[path] = true
			out = append(out, wire.Denied{Path: path, Folder: refused(path), Why: strings.TrimSpace(line[:min(len(line), 300)])})
		}
	}
	return out
}

// paths gives the words of line that are paths, absolute. A relative one must be quoted: 'data/app.log'.
func paths(line string) []string {
	var out []string
	add := func(w string) {
		w = strings.TrimRight(w, ".:,;)")
		if len(w) > 1 && strings.HasPrefix(w, "/") && !strings.HasPrefix(w, "//") {
			out = append(out, filepath.Clean(w))
		}
	}
	words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n\"'`()[]<>=,‘’", r) })
	for _, w := range words {
		add(w)
	}
	for i, part := range strings.Split(line, "'") {
		if i%2 == 0 || part == "" || strings.HasPrefix(part, "/") || strings.ContainsAny(part, " :") ||
			strings.Trim(part, "0123456789.") == "" { // an address
			continue
		}
		if dir, err := os.Getwd(); err == nil && (strings.ContainsAny(part, "/.") || exists(filepath.Join(dir, part))) {
			add(filepath.Join(dir, part))
		}
	}
	return out
}

func exists(path string) bool { _, err := os.Lstat(path); return err == nil }

// refused gives the nearest folder at or above path that exists, when it can't be written.
func refused(path string) string {
	for dir := path; ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			if writable(dir) {
				return ""
			}
			return dir
		}
		if dir == "/" || dir == "." {
			return ""
		}
	}
}
