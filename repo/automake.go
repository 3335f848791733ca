package repo

import (
	"path"
	"slices"
	"strings"
)

// What a Makefile.am makes and installs.

// autoUnplaced are prefixes of what make install leaves where it is.
var autoUnplaced = map[string]bool{"noinst": true, "check": true, "EXTRA": true}

// automakeDirs are the folders that automake knows, as make install names them.
var automakeDirs = map[string]string{
	"bin": "${bindir}", "sbin": "${sbindir}", "libexec": "${libexecdir}", "pkglibexec": "${libexecdir}/${PACKAGE}",
	"data": "${datadir}", "pkgdata": "${pkgdatadir}", "sysconf": "${sysconfdir}",
}

// makefile reads the Makefile.am of a folder, and those of its SUBDIRS.
func (t *autotoolsReader) makefile(dir, rel string) {
	file := path.Join(dir, "Makefile.am")
	if t.seen[file] || t.a.Unknown != "" {
		return
	}
	t.seen[file] = true
	src, err := t.r.ReadFile(file)
	if err != nil || len(src) > MaxScanBytes {
		t.unknown("%s can't be read", file)
		return
	}
	m := readMakefile(file, "")
	branches, lines := 0, strings.Split(text(src), "\n")
	var subs []string
	for i := 0; i < len(lines); i++ {
		at, l := place(file, i+1), lines[i]
		for strings.HasSuffix(l, "\\") && i+1 < len(lines) {
			i++
			l = strings.TrimSuffix(l, "\\") + " " + strings.TrimSpace(lines[i])
		}
		if strings.HasPrefix(l, "\t") {
			continue
		}
		l, _, _ = strings.Cut(l, "#")
		l = strings.TrimSpace(l)
		word, rest, _ := strings.Cut(l, " ")
		switch {
		case l == "":
		case word == "if":
			branches++
		case word == "endif":
			branches--
		case word == "else":
		case word == "include":
			t.unknown("%s includes %s", at, rest)
		default:
			before := len(t.a.Programs) + len(t.a.Data)
			name := automakeVariable(l)
			if name == "" {
				t.rule(at, l)
				continue
			}
			_, value, _ := strings.Cut(l, "=")
			value = strings.TrimSpace(value)
			m.assign(l)
			switch {
			case name == "SUBDIRS":
				if branches > 0 || strings.ContainsAny(value, "$@") {
					t.unknown("%s goes to folders that depend on a condition", at)
				}
				subs = append(subs, strings.Fields(value)...)
			case strings.HasSuffix(name, "dir") && automakeDirs[strings.TrimSuffix(name, "dir")] != "" || name == "prefix" || name == "transform":
				t.unknown("%s sets %s", at, name)
			case name == "DIST_SUBDIRS" || name == "AUTOMAKE_OPTIONS" || name == "EXTRA_DIST" || strings.HasSuffix(name, "_SOURCES"):
			default:
				t.primary(m, at, name, value, rel)
			}
			if branches > 0 && len(t.a.Programs)+len(t.a.Data) > before {
				t.unknown("%s makes what depends on a condition", at)
			}
			if strings.HasSuffix(name, "LDFLAGS") || strings.HasSuffix(name, "LDADD") || strings.HasSuffix(name, "LIBADD") || strings.HasSuffix(name, "CFLAGS") || strings.HasSuffix(name, "CXXFLAGS") || name == "LIBS" {
				t.flags(value)
			}
		}
	}
	for _, s := range subs {
		sub := path.Join(dir, s)
		switch {
		case s == ".":
		case !t.r.isFile(path.Join(sub, "Makefile.am")):
			t.unknown("%s has the folder %s, which holds no Makefile.am", file, s)
		default:
			t.makefile(sub, path.Join(rel, s))
		}
	}
}

// automakeVariable is the name that a line assigns to, "" for a rule.
func automakeVariable(l string) string {
	i := strings.IndexByte(l, '=')
	if i <= 0 || strings.Contains(strings.TrimRight(l[:i], ":+?"), ":") {
		return ""
	}
	name := strings.TrimRight(l[:i], " \t:+?")
	if strings.ContainsAny(name, " \t$%") {
		return ""
	}
	return name
}

// rule: hooks of make install may put anything anywhere.
func (t *autotoolsReader) rule(at, l string) {
	target, _, ok := strings.Cut(l, ":")
	if ok && strings.HasPrefix(strings.TrimSpace(target), "install-") && t.a.Installs == "" {
		t.a.Installs = at + " has its own rule for make install"
	}
}

// primary reads an assignment such as bin_PROGRAMS = buoy.
func (t *autotoolsReader) primary(m *Makefile, at, name, value, rel string) {
	i := strings.LastIndexByte(name, '_')
	if i <= 0 {
		return
	}
	where, kind := name[:i], name[i+1:]
	for _, p := range []string{"dist_", "nodist_"} {
		where = strings.TrimPrefix(where, p)
	}
	nobase := strings.HasPrefix(where, "nobase_")
	where = strings.TrimPrefix(where, "nobase_")
	for _, p := range []string{"dist_", "nodist_"} {
		where = strings.TrimPrefix(where, p)
	}
	unplaced := autoUnplaced[where]
	switch kind {
	case "PROGRAMS", "LTLIBRARIES", "DATA", "SCRIPTS":
	default:
		return // headers, manuals and archives, which no program needs when it runs; other variables
	}
	files := strings.Fields(m.expand(value, nil))
	if strings.Contains(m.expand(value, nil), "${COMPUTED}") || strings.Contains(value, "@") {
		if !unplaced || kind == "PROGRAMS" {
			t.unknown("%s computes %s", at, name)
		}
		return
	}
	switch {
	case len(files) == 0:
	case kind == "LTLIBRARIES" && !unplaced:
		if t.a.Shared == "" {
			t.a.Shared = at
		}
	case kind == "PROGRAMS" && (where == "check" || where == "EXTRA"):
	case kind == "PROGRAMS":
		dir := automakeDirs[where]
		if dir == "" && !unplaced {
			t.unknown("%s installs programs to %sdir", at, where)
		}
		for _, f := range files {
			t.a.Programs = append(t.a.Programs, AutotoolsProgram{Name: path.Join(rel, f), Install: dir})
		}
	case unplaced || kind == "LTLIBRARIES":
	case kind == "DATA" && (where == "doc" || where == "html" || where == "pkgconfig" || where == "man" || where == "info" || where == "aclocal" || where == "m4"):
	case kind == "DATA" && automakeDirs[where] != "":
		for _, f := range files {
			if !nobase {
				f = path.Base(f)
			}
			p := path.Join(automakeDirs[where], f)
			if where == "pkgdata" {
				p = automakeDirs[where]
			}
			if !slices.Contains(t.a.Data, p) {
				t.a.Data = append(t.a.Data, p)
			}
		}
	case t.a.Installs == "":
		t.a.Installs = at + " installs " + files[0] + " to " + where + "dir"
	}
}
