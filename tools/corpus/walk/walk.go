// Package walk finds the Dockerfiles of a folder.
package walk

import (
	"io/fs"
	"path/filepath"
	"strings"
)

// maxFile leaves out what only has the name of a Dockerfile.
const maxFile = 1 << 20

// IsDockerfile: Dockerfile, Dockerfile.*, *.Dockerfile, *.dockerfile, Containerfile.
func IsDockerfile(name string) bool {
	if strings.HasSuffix(strings.ToLower(name), ".dockerignore") {
		return false
	}
	return name == "Dockerfile" || name == "Containerfile" || strings.HasPrefix(name, "Dockerfile.") ||
		strings.HasSuffix(name, ".Dockerfile") || strings.HasSuffix(name, ".dockerfile")
}

// Dockerfiles lists the Dockerfiles below root in lexical order, .git left out.
func Dockerfiles(root string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == ".git" {
			return filepath.SkipDir
		}
		if d.Type().IsRegular() && IsDockerfile(d.Name()) {
			if info, err := d.Info(); err == nil && info.Size() <= maxFile {
				out = append(out, path)
			}
		}
		return nil
	})
	return out, err
}
