//go:build e2e

package e2e

import (
	"path/filepath"
	"testing"
)

// TestAddUser is add-user alone: the program answers as it did, writes what it wrote, and isn't root.
func TestAddUser(t *testing.T) {
	for name, c := range map[string]chainCase{
		"writes-below-app":    {touch: "app.py", install: `\bpip install\b`},
		"writes-beside-code":  {},
		"database-of-its-own": {},
		"volume":              {},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "writes-beside-code" {
				onlyAll(t)
			}
			var p pair
			chain(t, filepath.Join(world.root, "fixtures", "add-user", name), c, &p, "--only", "add-user")
		})
	}
}
