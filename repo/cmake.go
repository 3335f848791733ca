package repo

import (
	"fmt"
	"path"
	"strings"
)

// CMake is what the CMakeLists.txt of a project say about the programs that a
// build makes. Source: https://cmake.org/cmake/help/latest/manual/cmake-commands.7.html
type CMake struct {
	Dir      string
	Programs []CMakeProgram
	Finds    []string // packages of find_package and pkg_check_modules
	Links    []string // words of target_link_libraries
	Installs string   // file:line that installs more than programs
	Shared   string   // file:line that builds a shared library
	Unknown  string   // a reason why more may be built
}

// CMakeProgram is an executable target.
type CMakeProgram struct {
	Target  string
	Name    string   // of the file
	Out     string   // its folder, relative to the build's; "" for the build folder itself
	Install []string // folders below the prefix that install() puts it in
}

const buildMark = "\x00build"

type cmakeReader struct {
	r    *Repo
	c    *CMake
	vars map[string]string
	out  string // CMAKE_RUNTIME_OUTPUT_DIRECTORY
}

// CMake reads the project in a folder; nil where there is no CMakeLists.txt.
func (r *Repo) CMake(dir string) *CMake {
	dir, ok := clean(dir)
	if !ok || !r.isFile(path.Join(dir, "CMakeLists.txt")) {
		return nil
	}
	c := &cmakeReader{r: r, c: &CMake{Dir: dir}, vars: map[string]string{
		"CMAKE_BINARY_DIR": buildMark, "PROJECT_BINARY_DIR": buildMark, "CMAKE_INSTALL_BINDIR": "bin", "CMAKE_INSTALL_PREFIX": "",
	}}
	c.file(dir, "")
	return c.c
}

func (c *cmakeReader) unknown(format string, args ...any) {
	if c.c.Unknown == "" {
		c.c.Unknown = fmt.Sprintf(format, args...)
	}
}

func (c *cmakeReader) file(dir, rel string) {
	file := path.Join(dir, "CMakeLists.txt")
	src, err := c.r.ReadFile(file)
	if err != nil || len(src) > MaxScanBytes {
		c.unknown("%s can't be read", file)
		return
	}
	branches := 0
	for _, call := range cmakeCalls(text(src)) {
		for i, a := range call.args {
			call.args[i] = c.expand(a)
		}
		c.call(call, file, dir, rel, &branches)
	}
}

func (c *cmakeReader) call(call cmakeCall, file, dir, rel string, branches *int) {
	at, args := place(file, call.line), call.args
	if len(args) == 0 && call.name != "endif" && call.name != "else" {
		return
	}
	for _, a := range args {
		for _, w := range strings.Fields(a) {
			switch {
			case w == "-fopenmp":
				c.c.Finds = append(c.c.Finds, "OpenMP")
			case strings.HasPrefix(w, "-fsanitize"), strings.HasPrefix(w, "-stdlib"):
				c.unknown("%s links other libraries (%s)", at, w)
			case strings.HasPrefix(w, "-l") && call.name == "set":
				c.c.Links = append(c.c.Links, w)
			}
		}
	}
	switch call.name {
	case "if", "foreach", "while", "function", "macro":
		*branches++
	case "endif", "endforeach", "endwhile", "endfunction", "endmacro":
		*branches--
	case "project":
		c.vars["PROJECT_NAME"] = args[0]
		if rel == "" {
			c.vars["CMAKE_PROJECT_NAME"] = args[0]
		}
	case "set":
		switch {
		case *branches > 0:
			c.vars[args[0]] = "${COMPUTED}"
		case args[0] == "BUILD_SHARED_LIBS" && len(args) > 1 && !cmakeFalse(args[1]):
			c.c.Shared = at
		case len(args) > 1:
			c.vars[args[0]] = args[1]
		}
		switch args[0] {
		case "CMAKE_RUNTIME_OUTPUT_DIRECTORY", "EXECUTABLE_OUTPUT_PATH":
			c.out = c.vars[args[0]]
		case "CMAKE_EXECUTABLE_SUFFIX":
			c.unknown("%s sets %s", at, args[0])
		}
	case "option":
		if args[0] == "BUILD_SHARED_LIBS" && !cmakeFalse(args[len(args)-1]) {
			c.c.Shared = at
		}
	case "add_subdirectory":
		if strings.Contains(args[0], "$") || len(args) > 1 && args[1] != "EXCLUDE_FROM_ALL" || !c.r.isFile(path.Join(dir, args[0], "CMakeLists.txt")) {
			c.unknown("%s adds %s, which the context doesn't hold", at, args[0])
			return
		}
		if *branches == 0 && !(len(args) > 1 && args[1] == "EXCLUDE_FROM_ALL") {
			c.file(path.Join(dir, args[0]), path.Join(rel, args[0]))
		} else if *branches > 0 {
			c.unknown("%s adds %s under a condition", at, args[0])
		}
	case "include":
		if !strings.Contains(args[0], "/") && !strings.HasSuffix(args[0], ".cmake") && !strings.Contains(args[0], "$") {
			if args[0] == "FetchContent" || args[0] == "ExternalProject" {
				c.unknown("%s fetches other projects (%s)", at, args[0])
			}
			return // a module of CMake
		}
		c.unknown("%s includes %s", at, args[0])
	case "fetchcontent_declare", "fetchcontent_makeavailable", "externalproject_add", "cpmaddpackage":
		c.unknown("%s fetches other projects", at)
	case "add_executable":
		c.program(at, args, rel, *branches)
	case "add_library":
		if len(args) > 1 && (args[1] == "SHARED" || args[1] == "MODULE") {
			c.c.Shared = at
		}
	case "set_target_properties":
		c.properties(at, args)
	case "set_property":
		if strings.Contains(strings.Join(args, " "), "OUTPUT") {
			c.unknown("%s sets where a program is written", at)
		}
	case "find_package":
		c.c.Finds = append(c.c.Finds, args[0])
	case "pkg_check_modules", "pkg_search_module", "find_library":
		for _, a := range args[1:] {
			if strings.ToUpper(a) != a || strings.ContainsAny(a, "0123456789") {
				c.c.Finds = append(c.c.Finds, a)
			}
		}
	case "target_link_libraries", "link_libraries":
		c.c.Links = append(c.c.Links, args...)
	case "install":
		c.install(at, args, *branches)
	}
}

func cmakeFalse(v string) bool {
	switch strings.ToUpper(v) {
	case "OFF", "NO", "FALSE", "0", "N", "":
		return true
	}
	return false
}

func (c *cmakeReader) program(at string, args []string, rel string, branches int) {
	if len(args) > 1 && (args[1] == "IMPORTED" || args[1] == "ALIAS") {
		return
	}
	if branches > 0 || strings.Contains(args[0], "$") {
		c.unknown("%s makes a program that depends on a condition", at)
		return
	}
	p := CMakeProgram{Target: args[0], Name: args[0], Out: rel}
	if c.out != "" {
		below, ok := strings.CutPrefix(c.out, buildMark)
		if !ok {
			c.unknown("%s is written to %s", at, c.out)
			return
		}
		p.Out = strings.Trim(below, "/")
	}
	c.c.Programs = append(c.c.Programs, p)
}

func (c *cmakeReader) properties(at string, args []string) {
	name := ""
	for i, a := range args {
		switch a {
		case "PROPERTIES":
			if i == 1 {
				name = args[0]
			}
		case "OUTPUT_NAME":
			for j := range c.c.Programs {
				if c.c.Programs[j].Target == name && i+1 < len(args) && !strings.Contains(args[i+1], "$") {
					c.c.Programs[j].Name = args[i+1]
					name = "\x00"
				}
			}
			if name != "\x00" {
				c.unknown("%s names a program", at)
			}
		case "RUNTIME_OUTPUT_DIRECTORY", "SUFFIX", "PREFIX":
			c.unknown("%s sets where a program is written", at)
		}
	}
}

// install notes what install() puts where. Libraries for other builds
// (ARCHIVE, headers) are of no use to a program.
func (c *cmakeReader) install(at string, args []string, branches int) {
	if args[0] != "TARGETS" || branches > 0 {
		c.c.Installs = at
		return
	}
	var targets []string
	dest, kind := "bin", "RUNTIME"
	for i := 1; i < len(args); i++ {
		switch a := args[i]; a {
		case "RUNTIME", "LIBRARY", "ARCHIVE", "BUNDLE", "PUBLIC_HEADER", "INCLUDES":
			kind = a
		case "DESTINATION":
			if i++; i < len(args) && (kind == "RUNTIME" || len(targets) > 0 && kind == "") {
				dest = args[i]
			}
		case "PERMISSIONS", "COMPONENT", "EXPORT", "OPTIONAL", "CONFIGURATIONS":
			if a == "PERMISSIONS" || a == "CONFIGURATIONS" {
				c.c.Installs = at
			}
			i++
		default:
			targets = append(targets, a)
		}
	}
	if strings.Contains(dest, "$") {
		c.c.Installs = at
		return
	}
	for _, t := range targets {
		for j := range c.c.Programs {
			if c.c.Programs[j].Target == t {
				c.c.Programs[j].Install = append(c.c.Programs[j].Install, dest)
			}
		}
	}
}

func (c *cmakeReader) expand(s string) string {
	for range 10 {
		i := strings.Index(s, "${")
		if i < 0 {
			break
		}
		j := strings.IndexByte(s[i:], '}')
		if j < 0 {
			break
		}
		v, ok := c.vars[s[i+2:i+j]]
		if !ok || strings.Contains(v, "${") {
			return s
		}
		s = s[:i] + v + s[i+j+1:]
	}
	return s
}

type cmakeCall struct {
	name string
	args []string
	line int
}

// cmakeCalls takes a script apart: NAME(words), with comments and quotes.
func cmakeCalls(src string) (out []cmakeCall) {
	var call *cmakeCall
	var word strings.Builder
	inWord, depth, line := false, 0, 1
	name := ""
	end := func() {
		if inWord && call != nil {
			call.args = append(call.args, word.String())
		} else if inWord {
			name = word.String()
		}
		word.Reset()
		inWord = false
	}
	for i := 0; i < len(src); i++ {
		ch := src[i]
		if ch == '\n' {
			line++
		}
		switch {
		case ch == '#':
			end()
			if strings.HasPrefix(src[i:], "#[[") {
				if n := strings.Index(src[i:], "]]"); n > 0 {
					line += strings.Count(src[i:i+n], "\n")
					i += n + 1
					continue
				}
			}
			for i+1 < len(src) && src[i+1] != '\n' {
				i++
			}
		case ch == '"':
			for i++; i < len(src) && src[i] != '"'; i++ {
				if src[i] == '\n' {
					line++
				}
				if src[i] == '\\' && i+1 < len(src) {
					i++
				}
				word.WriteByte(src[i])
			}
			inWord = true
		case ch == '(':
			end()
			if depth++; depth == 1 {
				out = append(out, cmakeCall{name: strings.ToLower(name), line: line})
				call = &out[len(out)-1]
			}
		case ch == ')':
			end()
			if depth--; depth <= 0 {
				depth, call, name = 0, nil, ""
			}
		case ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r' || ch == ';':
			end()
		default:
			inWord = true
			word.WriteByte(ch)
		}
	}
	return out
}
