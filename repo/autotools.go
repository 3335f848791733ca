package repo

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Autotools is what configure.ac and the Makefile.am files of a project say about
// the programs that a build makes.
// Sources: https://www.gnu.org/software/automake/manual/automake.html (Programs, What Gets
// Installed), https://www.gnu.org/software/autoconf/manual/autoconf.html
type Autotools struct {
	Dir      string
	Package  string // the name below share/; "" where it can't be told
	Programs []AutotoolsProgram
	Data     []string // what make install puts elsewhere, as ${pkgdatadir} or ${sysconfdir}/buoy.conf
	Links    []string // libraries that are looked for or linked
	Static   bool     // -static is among the flags
	CXX      bool     // a compiler of C++ is looked for
	Libtool  bool     // libtool links, for which -static means its own libraries alone
	Macro    string   // file:line of a macro of the project's own, which may look for more
	Installs string   // file:line that installs what isn't known
	Shared   string   // file:line that builds a shared library
	Unknown  string   // a reason why more may be built
}

// AutotoolsProgram is a program of a Makefile.am.
type AutotoolsProgram struct {
	Name string // of the file, relative to the build folder: "src/buoy"
	// Install is the folder that make install puts it in, as ${bindir}; "" for none.
	Install string
}

type autotoolsReader struct {
	r    *Repo
	a    *Autotools
	seen map[string]bool
}

// Autotools reads the project in a folder; nil where there is no configure.ac.
func (r *Repo) Autotools(dir string) *Autotools {
	dir, ok := clean(dir)
	if !ok {
		return nil
	}
	for _, n := range []string{"configure.ac", "configure.in"} {
		file := path.Join(dir, n)
		if !r.isFile(file) {
			continue
		}
		t := autotoolsReader{r: r, a: &Autotools{Dir: dir}, seen: map[string]bool{}}
		src, err := r.ReadFile(file)
		if err != nil || len(src) > MaxScanBytes {
			t.unknown("%s can't be read", file)
			return t.a
		}
		t.configure(file, text(src))
		if !r.isFile(path.Join(dir, "Makefile.am")) {
			t.unknown("%s holds no Makefile.am", dir)
			return t.a
		}
		t.makefile(dir, "")
		return t.a
	}
	return nil
}

func (t *autotoolsReader) unknown(format string, args ...any) {
	if t.a.Unknown == "" {
		t.a.Unknown = fmt.Sprintf(format, args...)
	}
}

// autoMacros are macros that look for a library, by the argument that names it.
var autoMacros = map[string]int{"AC_CHECK_LIB": 0, "AC_SEARCH_LIBS": 1, "PKG_CHECK_MODULES": 1, "PKG_CHECK_EXISTS": 0}

// autoKnown are macros of the Autoconf Archive and of other packages that look for no
// library, or for one of the compiler's own.
var autoKnown = []string{"AX_PTHREAD", "AX_CXX_COMPILE_STDCXX", "AX_CHECK_COMPILE_FLAG", "AX_CHECK_LINK_FLAG", "AX_APPEND_", "AX_COMPILER_FLAGS", "AX_CFLAGS_WARN", "AX_IS_RELEASE", "AX_REQUIRE_DEFINED", "AX_COMPILER_VENDOR", "AX_GCC_", "AX_ENABLE_DEBUG", "AX_CODE_COVERAGE", "AX_PROG_CC_FOR_BUILD", "AX_C_"}

var (
	autoCall = lazy(`(?m)\b(A[CMX]_[A-Z0-9_]+|PKG_[A-Z_]+|LT_INIT|m4_s?include)\b\s*\(?`)
	// autoPlaces set where things are installed, or under which name.
	autoPlaces = lazy(`(?m)^[^\n]*\b(AC_PREFIX_(?:DEFAULT|PROGRAM)|(?:exec_)?prefix=|(?:bin|sbin|libexec|data|dataroot|sysconf|pkgdata)dir=|program_transform_name=)`)
	autoLinks  = lazy(`(?:^|[\s="'\[(])-l([A-Za-z][\w+.-]*)`)
)

// configure reads configure.ac: what it looks for, and what it leaves to others.
func (t *autotoolsReader) configure(file, src string) {
	src = withoutM4Comments(src)
	for _, loc := range autoCall.get().FindAllStringSubmatchIndex(src, -1) {
		at := place(file, 1+strings.Count(src[:loc[0]], "\n"))
		name := src[loc[2]:loc[3]]
		var args []string
		if strings.HasSuffix(src[loc[0]:loc[1]], "(") {
			args = m4Args(src[loc[1]:])
		}
		arg := func(i int) string {
			if i < len(args) {
				return args[i]
			}
			return ""
		}
		switch name {
		case "AC_INIT":
			t.a.Package = autoPackage(arg(0), arg(3))
		case "AM_INIT_AUTOMAKE":
			if len(args) > 1 { // the old form names the package
				t.a.Package = ""
			}
		case "LT_INIT", "AC_PROG_LIBTOOL", "AM_PROG_LIBTOOL":
			t.a.Libtool = true
		case "AC_PROG_CXX":
			t.a.CXX = true
		case "AC_CONFIG_SUBDIRS":
			t.unknown("%s configures other projects", at)
		case "m4_include", "m4_sinclude":
			t.unknown("%s includes %s", at, arg(0))
		case "AC_ARG_PROGRAM", "AC_CANONICAL_TARGET":
			// renames programs where configure is told to, which is looked at there
		default:
			i, looks := autoMacros[name]
			switch {
			case looks:
				t.looksFor(arg(i))
			case strings.HasPrefix(name, "AX_") || strings.HasPrefix(name, "AM_PATH_") || strings.HasPrefix(name, "AM_WITH_"):
				if !slices.ContainsFunc(autoKnown, func(p string) bool { return strings.HasPrefix(name, p) }) && t.a.Macro == "" {
					t.a.Macro = at + " (" + name + ")"
				}
			}
		}
	}
	if loc := autoPlaces.get().FindStringSubmatchIndex(src); loc != nil {
		t.unknown("%s sets %s", place(file, 1+strings.Count(src[:loc[0]], "\n")), strings.TrimSpace(src[loc[2]:loc[3]]))
	}
	t.flags(src)
}

// looksFor notes the libraries of a macro's argument: names, among them versions and
// signs of comparison.
func (t *autotoolsReader) looksFor(list string) {
	for _, w := range strings.Fields(strings.NewReplacer("[", " ", "]", " ", ",", " ").Replace(list)) {
		if w[0] >= 'a' && w[0] <= 'z' || w[0] >= 'A' && w[0] <= 'Z' {
			if w != "socket" && w != "network" && w != "xnet" { // of other systems than Linux
				t.a.Links = append(t.a.Links, w)
			}
		} else if w[0] == '$' {
			t.unknown("configure.ac looks for computed libraries (%s)", w)
		}
	}
}

func (t *autotoolsReader) flags(text string) {
	for _, m := range autoLinks.get().FindAllStringSubmatch(text, -1) {
		t.a.Links = append(t.a.Links, m[1])
	}
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n\"'=[]", r) }) {
		switch {
		case w == "-static" || w == "-all-static" || w == "-static-pie":
			t.a.Static = true
		case w == "-fopenmp":
			t.a.Links = append(t.a.Links, "OpenMP")
		case strings.HasPrefix(w, "-fsanitize"), strings.HasPrefix(w, "-stdlib"), strings.HasPrefix(w, "-Wl,-rpath"), w == "-rpath", w == "-m32":
			t.unknown("%s links other libraries (%s)", t.a.Dir, w)
		}
	}
}

// autoPackage is the name of the tarball: the fourth argument of AC_INIT, else the first in
// lower case, without GNU, and with dashes for all else.
func autoPackage(name, tar string) string {
	if strings.ContainsAny(name+tar, "$()") || name == "" {
		return ""
	}
	if tar != "" {
		return tar
	}
	name = strings.TrimPrefix(strings.ToLower(name), "gnu ")
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("-_+", r) {
			return r
		}
		return '-'
	}, name)
}

// withoutM4Comments blanks out what dnl and # begin, so that offsets stay.
func withoutM4Comments(src string) string {
	lines := strings.Split(src, "\n")
	for i, l := range lines {
		cut := len(l)
		if j := strings.Index(l, "#"); j >= 0 && strings.TrimSpace(l[:j]) == "" {
			cut = j
		}
		if j := strings.Index(l, "dnl"); j >= 0 && (j == 0 || strings.ContainsRune(" \t)]", rune(l[j-1]))) {
			cut = min(cut, j)
		}
		lines[i] = l[:cut] + strings.Repeat(" ", len(l)-cut)
	}
	return strings.Join(lines, "\n")
}

// m4Args takes the arguments of a macro apart; s begins behind its bracket.
func m4Args(s string) (out []string) {
	depth, quotes, start := 0, 0, 0
	add := func(end int) {
		out = append(out, strings.TrimSpace(strings.Trim(strings.TrimSpace(s[start:end]), "[]")))
		start = end + 1
	}
	for i := range len(s) {
		switch s[i] {
		case '[':
			quotes++
		case ']':
			quotes--
		case '(':
			depth++
		case ')':
			if quotes <= 0 && depth == 0 {
				add(i)
				return out
			}
			depth--
		case ',':
			if quotes <= 0 && depth == 0 {
				add(i)
			}
		}
	}
	return nil
}
