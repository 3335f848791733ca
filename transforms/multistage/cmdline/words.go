package cmdline

import (
	"encoding/json"
	"path"
	"strings"
)

// Abs is a path as seen from the folder dir.
func Abs(dir, p string) string {
	if strings.HasPrefix(p, "/") {
		return path.Clean(p)
	}
	return path.Join(dir, p)
}

// CutLast cuts s at the last sep, which must not be its beginning.
func CutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i > 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// LikeList writes an exec form, spaced as the one that it replaces.
func LikeList(old string, list []string) string {
	parts := make([]string, len(list))
	for i, w := range list {
		b, _ := json.Marshal(w)
		parts[i] = strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(string(b))
	}
	sep := ", "
	if strings.Contains(old, `","`) {
		sep = ","
	}
	return "[" + strings.Join(parts, sep) + "]"
}

// VersionLess compares dotted numbers.
func VersionLess(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := 0; i < max(len(x), len(y)); i++ {
		m, n := 0, 0
		if i < len(x) {
			m = Number(x[i])
		}
		if i < len(y) {
			n = Number(y[i])
		}
		if m != n {
			return m < n
		}
	}
	return false
}

// Number reads digits; it is 0 for what isn't a number.
func Number(s string) int {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// SystemDir: folders that hold more than an application.
func SystemDir(dir string) bool {
	switch dir {
	case "", "/", "/usr", "/usr/local", "/usr/src", "/usr/local/bin", "/usr/bin", "/opt", "/root", "/home", "/tmp", "/var", "/etc", "/bin", "/lib", "/mnt", "/media", "/go", "/go/src", "/go/bin":
		return true
	}
	return false
}
