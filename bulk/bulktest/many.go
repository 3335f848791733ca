package bulktest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Many makes n clean repositories in dir, each with one Dockerfile, by copying one: 10,000 take
// some ten seconds. Half of the Dockerfiles are Changeable, half Settled. They
// are for measuring; Home is beside the tree.
func Many(dir string, n int) (*World, error) {
	w := &World{Tree: filepath.Join(dir, "tree"), Home: filepath.Join(dir, "home")}
	if err := os.MkdirAll(w.Home, 0o777); err != nil {
		return nil, err
	}
	config := "[user]\n\tname = Ann\n\temail = ann@example.com\n"
	if err := os.WriteFile(filepath.Join(w.Home, ".gitconfig"), []byte(config), 0o666); err != nil {
		return nil, err
	}
	var templates [2]map[string]string
	for i, text := range []string{Changeable, Settled} {
		m := &maker{world: w, dir: filepath.Join(dir, fmt.Sprintf("template%d", i))}
		m.project(text)
		if m.err != nil {
			return nil, m.err
		}
		files, err := filesOf(m.dir)
		if err != nil {
			return nil, err
		}
		templates[i] = files
		if err := os.RemoveAll(m.dir); err != nil {
			return nil, err
		}
	}
	for i := range n {
		to := filepath.Join(w.Tree, fmt.Sprintf("g%03d", i/1000), fmt.Sprintf("r%06d", i))
		for name, text := range templates[i%2] {
			folder, file := filepath.Split(name)
			if err := os.MkdirAll(filepath.Join(to, folder), 0o777); err != nil {
				return nil, err
			}
			if file == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(to, name), []byte(text), 0o666); err != nil {
				return nil, err
			}
		}
	}
	return w, nil
}

// filesOf reads the files of a folder by path; folders end with a slash.
func filesOf(dir string) (map[string]string, error) {
	out := map[string]string{}
	s, err := Take(dir)
	if err != nil {
		return nil, err
	}
	for _, sub := range []string{"", ".git/objects"} {
		if sub != "" {
			if s, err = Take(filepath.Join(dir, sub)); err != nil {
				return nil, err
			}
		}
		for name, what := range s {
			full := filepath.Join(sub, name)
			if strings.HasPrefix(what, "d") {
				out[full+"/"] = ""
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, full))
			if err != nil {
				return nil, err
			}
			out[full] = string(text)
		}
	}
	return out, nil
}
