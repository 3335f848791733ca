package repo

import (
	"path"
	"strings"
)

// Version is what a repository says about the version of a language it runs on.
type Version struct {
	Value      string // "3.12" or "3.12.1"; "" when no single version is said
	Constraint string // what was said when it is a range, e.g. ">=3.9" or "lts/*"
	File       string // context-relative; "" when nothing is said
	Line       int    // 1-based, 0 when not known
}

var plainVersion = lazy(`^\d+(\.\d+){0,2}$`)

// firstVersion prefers a file that says one version over one that says a range,
// and an earlier one over a later one.
func firstVersion(sources ...func() Version) Version {
	var ranged Version
	for _, source := range sources {
		v := source()
		if v.Value != "" {
			return v
		}
		if ranged.Constraint == "" && v.Constraint != "" {
			ranged = v
		}
	}
	return ranged
}

// firstLine returns the first line of a one-value file that is neither blank
// nor a comment.
func (r *Repo) firstLine(file string) (s string, line int) {
	if !r.isFile(file) {
		return "", 0
	}
	src, err := r.ReadFile(file)
	if err != nil {
		return "", 0
	}
	for i, l := range lines(src) {
		l, _, _ = strings.Cut(l, "#")
		if l = strings.TrimSpace(l); l != "" {
			return l, i + 1
		}
	}
	return "", 0
}

// toolVersions reads tool from asdf's and mise's .tool-versions in dir, and from
// mise's own files; of several versions on the line the first is the default.
//
// Sources: https://asdf-vm.com/manage/configuration.html#tool-versions,
// https://mise.jdx.dev/configuration.html
func (r *Repo) toolVersions(dir string, tools ...string) Version {
	if file := path.Join(dir, ".tool-versions"); r.isFile(file) {
		src, err := r.ReadFile(file)
		if err != nil {
			return Version{}
		}
		for i, l := range lines(src) {
			l, _, _ = strings.Cut(l, "#")
			f := strings.Fields(l)
			if len(f) < 2 {
				continue
			}
			for _, t := range tools {
				if v := toolVersion(t, f[1]); f[0] == t && v != "" {
					return Version{Value: v, File: file, Line: i + 1}
				}
			}
		}
	}
	for _, name := range []string{"mise.toml", ".mise.toml", "mise/config.toml", ".config/mise.toml", ".config/mise/config.toml"} {
		file := path.Join(dir, name)
		src, doc := r.toml(file)
		for _, t := range tools {
			v := asTable(doc["tools"])[t]
			if list, ok := v.([]any); ok && len(list) > 0 {
				v = list[0]
			}
			if table := asTable(v); table != nil {
				v = table["version"]
			}
			s, _ := v.(string)
			if s = toolVersion(t, s); s != "" {
				return Version{Value: s, File: file, Line: keyLine(src, "tools", t)}
			}
		}
	}
	return Version{}
}

// toolVersion is the version in what asdf or mise calls a version of the tool:
// "temurin-17.0.8+7" of java is 17, "1.16.2-otp-26" of elixir is 1.16.2; "" for
// names that hold none.
func toolVersion(tool, s string) string {
	switch tool {
	case "java":
		return javaMajor(s)
	case "elixir":
		s, _, _ = strings.Cut(s, "-otp-")
	}
	if s = strings.TrimPrefix(s, "v"); plainVersion.MatchString(s) {
		return s
	}
	return ""
}

// keyLine finds the 1-based line of key in the given TOML table of src, 0 when
// it is written in a way this does not see (inline tables, quoted keys).
func keyLine(src []byte, table, key string) int {
	in := ""
	for i, l := range lines(src) {
		l = strings.TrimSpace(l)
		if strings.HasPrefix(l, "[") {
			in = strings.TrimSpace(strings.Trim(strings.SplitN(l, "#", 2)[0], "[] \t"))
			continue
		}
		k, _, ok := strings.Cut(l, "=")
		if ok && in == table && strings.TrimSpace(k) == key {
			return i + 1
		}
	}
	return 0
}

// parents lists dir and the folders around it up to the context's root.
func parents(dir string) []string {
	out := []string{dir}
	for dir != "." {
		dir = path.Dir(dir)
		out = append(out, dir)
	}
	return out
}
