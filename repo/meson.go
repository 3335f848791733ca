package repo

import (
	"fmt"
	"path"
	"strings"
)

// Meson is what the meson.build files of a project say about the programs that a build
// makes. Source: https://mesonbuild.com/Reference-manual_functions.html
type Meson struct {
	Dir      string
	Project  string
	Programs []MesonProgram
	Links    []string // of dependency(), find_library() and -l
	CXX      bool     // a part is in C++
	Static   bool     // -static is among the flags
	Library  string   // file:line that makes a library of the kind that default_library says
	Installs string   // file:line that installs more than programs
	Shared   string   // file:line that builds a shared library
	Unknown  string   // a reason why more may be built
}

// MesonProgram is an executable().
type MesonProgram struct {
	Name    string // of the file, relative to the build folder: "src/buoy"
	Install string // the folder below the prefix, as ${bindir}; "" for none
}

type mesonReader struct {
	r *Repo
	m *Meson
}

// Meson reads the project in a folder; nil where there is no meson.build.
func (r *Repo) Meson(dir string) *Meson {
	dir, ok := clean(dir)
	if !ok || !r.isFile(path.Join(dir, "meson.build")) {
		return nil
	}
	m := mesonReader{r: r, m: &Meson{Dir: dir}}
	m.file(dir, "")
	if r.IsDir(path.Join(dir, "subprojects")) {
		m.unknown("%s holds subprojects, which Meson may build in the place of the system's libraries", dir)
	}
	return m.m
}

func (m *mesonReader) unknown(format string, args ...any) {
	if m.m.Unknown == "" {
		m.m.Unknown = fmt.Sprintf(format, args...)
	}
}

var (
	mesonCalls = lazy(`(?:[A-Za-z_]\w*\s*\.\s*)?([A-Za-z_]\w*)\s*\(`)
	mesonBlock = lazy(`(?m)^[ \t]*(if|foreach|endif|endforeach)\b`)
)

func (m *mesonReader) file(dir, rel string) {
	file := path.Join(dir, "meson.build")
	raw, err := m.r.ReadFile(file)
	if err != nil || len(raw) > MaxScanBytes {
		m.unknown("%s can't be read", file)
		return
	}
	src, code := mesonCode(text(raw))
	for _, loc := range mesonCalls.get().FindAllStringSubmatchIndex(code, -1) {
		at := place(file, 1+strings.Count(src[:loc[0]], "\n"))
		args, named := mesonArgs(src, code, loc[1])
		depth := 0
		for _, b := range mesonBlock.get().FindAllStringSubmatch(code[:loc[0]], -1) {
			if strings.HasPrefix(b[1], "end") {
				depth--
			} else {
				depth++
			}
		}
		m.call(src[loc[2]:loc[3]], at, dir, rel, args, named, depth > 0)
	}
	for _, f := range strings.FieldsFunc(src, func(r rune) bool { return strings.ContainsRune(" \t\n'\",[]()", r) }) {
		switch {
		case f == "-static" || f == "-static-pie":
			m.m.Static = true
		case f == "-fopenmp":
			m.m.Links = append(m.m.Links, "OpenMP")
		case strings.HasPrefix(f, "-l") && len(f) > 2:
			m.m.Links = append(m.m.Links, f[2:])
		case strings.HasPrefix(f, "-fsanitize"), strings.HasPrefix(f, "-stdlib"), strings.Contains(f, "rpath"), f == "-m32":
			m.unknown("%s links other libraries (%s)", file, f)
		}
	}
}

// mesonText is a string literal's text; ok is false for anything else.
func mesonText(arg string) (string, bool) {
	for _, q := range []string{"'''", "'"} {
		if len(arg) >= 2*len(q) && strings.HasPrefix(arg, q) && strings.HasSuffix(arg, q) {
			v := arg[len(q) : len(arg)-len(q)]
			return v, !strings.ContainsAny(v, "'@\\")
		}
	}
	return "", false
}

func (m *mesonReader) call(name, at, dir, rel string, args []string, named map[string]string, branch bool) {
	first, literal := "", false
	if len(args) > 0 {
		first, literal = mesonText(args[0])
		if args[0] == "meson.project_name()" && m.m.Project != "" {
			first, literal = m.m.Project, true
		}
	}
	switch name {
	case "project", "add_languages":
		for _, a := range args {
			m.m.CXX = m.m.CXX || strings.Contains(a, "'cpp'")
		}
		if name == "add_languages" {
			return
		}
		m.m.Project = first
		if strings.Contains(named["default_options"], "default_library") || strings.Contains(named["default_options"], "prefix") || strings.Contains(named["default_options"], "dir=") {
			m.unknown("%s sets where things go, or what kind of libraries are made", at)
		}
	case "subdir":
		switch {
		case branch || !literal:
			m.unknown("%s goes to a folder that depends on a condition", at)
		case !m.r.isFile(path.Join(dir, first, "meson.build")):
			m.unknown("%s goes to %s, which holds no meson.build", at, first)
		default:
			m.file(path.Join(dir, first), path.Join(rel, first))
		}
	case "subdir_done":
		m.unknown("%s leaves the file early", at)
	case "subproject":
		m.unknown("%s builds another project", at)
	case "executable":
		m.executable(at, rel, first, literal && !branch, named)
	case "library", "build_target", "both_libraries", "shared_library", "shared_module":
		switch {
		case name == "library" && m.m.Library == "":
			m.m.Library = at
		case name != "library" && m.m.Shared == "":
			m.m.Shared = at
		}
	case "dependency", "find_library":
		for _, a := range args {
			v, ok := mesonText(a)
			if !ok {
				m.unknown("%s looks for a computed library", at)
			} else if v == "openmp" {
				v = "OpenMP"
			}
			if v != "threads" && v != "" {
				m.m.Links = append(m.m.Links, v)
			}
		}
		if named["fallback"] != "" {
			m.unknown("%s names another project to build where the library is missing", at)
		}
	case "install_data", "install_subdir", "install_symlink", "install_emptydir", "add_install_script":
		if m.m.Installs == "" {
			m.m.Installs = at
		}
	case "custom_target", "configure_file", "vcs_tag":
		if (strings.TrimSpace(named["install"]) == "true" || named["install_dir"] != "") && m.m.Installs == "" {
			m.m.Installs = at
		}
	case "import":
		if v := first; v != "fs" && v != "pkgconfig" && v != "python" {
			m.unknown("%s imports %s, which may build more", at, args)
		}
	}
}

func (m *mesonReader) executable(at, rel, name string, known bool, named map[string]string) {
	if !known || name == "" {
		m.unknown("%s makes a program that depends on a condition", at)
		return
	}
	for _, k := range []string{"name_prefix", "name_suffix", "install_rpath", "build_rpath", "kwargs"} {
		if named[k] != "" {
			m.unknown("%s sets %s", at, k)
		}
	}
	p := MesonProgram{Name: path.Join(rel, name)}
	if dir, given := named["install_dir"]; given {
		switch strings.TrimSpace(dir) {
		case "get_option('bindir')":
			p.Install = "${bindir}"
		case "get_option('sbindir')":
			p.Install = "${sbindir}"
		case "get_option('libexecdir')":
			p.Install = "${libexecdir}"
		default:
			v, ok := mesonText(dir)
			if !ok {
				m.unknown("%s installs to a computed folder", at)
				return
			}
			p.Install = v
		}
	}
	switch strings.TrimSpace(named["install"]) {
	case "true":
		if p.Install == "" {
			p.Install = "${bindir}"
		}
	case "", "false":
		p.Install = ""
	default:
		m.unknown("%s installs a program on a condition", at)
	}
	m.m.Programs = append(m.m.Programs, p)
}

// mesonCode blanks out comments in src, and in code what strings say, too.
func mesonCode(src string) (clean, code string) {
	a, b := []byte(src), []byte(src)
	for i := 0; i < len(src); i++ {
		switch {
		case src[i] == '#':
			for i < len(src) && src[i] != '\n' {
				a[i], b[i] = ' ', ' '
				i++
			}
		case src[i] == '\'':
			q := "'"
			if strings.HasPrefix(src[i:], "'''") {
				q = "'''"
			}
			j := i + len(q)
			for j < len(src) && !strings.HasPrefix(src[j:], q) {
				if src[j] == '\\' && q == "'" {
					j++
				}
				j++
			}
			for k := i + len(q); k < j && k < len(src); k++ {
				if b[k] != '\n' {
					b[k] = '_'
				}
			}
			i = j + len(q) - 1
		}
	}
	return string(a), string(b)
}

// mesonArgs takes the arguments behind an opening bracket apart.
func mesonArgs(src, code string, open int) (args []string, named map[string]string) {
	named = map[string]string{}
	depth, start := 0, open
	add := func(end int) {
		text := strings.TrimSpace(src[start:end])
		if i := strings.IndexByte(code[start:end], ':'); i >= 0 && !strings.ContainsAny(code[start:start+i], "?[({'") {
			named[strings.TrimSpace(src[start:start+i])] = strings.TrimSpace(src[start+i+1 : end])
		} else if text != "" {
			args = append(args, text)
		}
		start = end + 1
	}
	for i := open; i < len(code); i++ {
		switch code[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth == 0 {
				add(i)
				return args, named
			}
			depth--
		case ',':
			if depth == 0 {
				add(i)
			}
		}
	}
	return args, named
}
