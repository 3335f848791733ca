package repo

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Signs in the source that a program writes files at places other than /tmp.
// They are hints, not proof. A sign whose path is known tells which folder the
// program must own; one whose path isn't is enough for add-user to decline.

// WriteKind is what a program writes.
type WriteKind string

const (
	WriteSQLite WriteKind = "sqlite" // a database in a file, with a journal beside it
	WriteUpload WriteKind = "upload"
	WriteLog    WriteKind = "log"
	WriteFile   WriteKind = "file"
	WriteFolder WriteKind = "folder"
	WriteCache  WriteKind = "cache" // what a development server keeps beside the code
)

// WriteSign is a place in the source that writes.
type WriteSign struct {
	File string // context-relative
	Line int    // 1-based; 0 for the file itself
	Kind WriteKind
	What string // the text that tells
	// Path is what is written, where it is a literal or made of literals; "" when
	// it is computed. It is relative to the working directory, or absolute.
	Path string
	// InContext: Path is named by the place of the source (__file__, __dirname)
	// and is a path of the context.
	InContext bool
	// Dir: Path is a folder that is written into. Of a file the folder counts too:
	// files are made in it.
	Dir bool
	// Fresh: it is a mkdir that fails where the folder is there already.
	Fresh bool

	uses   bool // it only brings in a library that writes
	memory bool // a database in memory: it writes nothing
}

// String tells the sign as a reason for people.
func (w WriteSign) String() string {
	switch {
	case w.Line == 0:
		return w.File + " " + w.What
	case w.Path == "":
		return fmt.Sprintf("%s may write files (%s)", place(w.File, w.Line), w.What)
	}
	return fmt.Sprintf("%s writes %s (%s)", place(w.File, w.Line), w.Path, w.What)
}

// maxScanFiles and MaxScanBytes bound how much source is read for signs,
// maxWriteSigns how many are kept.
const (
	maxScanFiles  = 400
	MaxScanBytes  = 1 << 19
	maxWriteSigns = 100
)

// Writes names the first place in the project's source that writes files: ""
// for none. dockerfile and scripts are as in SourceScan.
func (r *Repo) Writes(dockerfile string, scripts bool) string {
	signs, why := r.WriteSigns(SourceScan{Dockerfile: dockerfile, Scripts: scripts})
	if why == "" && len(signs) > 0 {
		why = signs[0].String()
	}
	return why
}

// SourceScan says which source of the project counts.
type SourceScan struct {
	Dockerfile string // its path: its ignore file hides source
	Scripts    bool   // the program is started by a script of package.json
	// Sources are the folders and files of the context that get to the image; nil
	// for all of it.
	Sources []string
	// NoNode and NoPython: the image has no program that runs such source.
	NoNode, NoPython bool
}

// WriteSigns lists the places in the project's source that write files, those
// in /tmp aside, sorted by file. why is set when the context is unknown or too
// big to read.
func (r *Repo) WriteSigns(o SourceScan) (out []WriteSign, why string) {
	why = r.sources(o, func(f, src string, lang *language) bool {
		switch {
		case f == "package.json":
			if why := r.devStart(); why != "" && o.Scripts {
				out = append(out, WriteSign{File: f, Kind: WriteCache, What: why})
			}
		case lang == nil:
			out = append(out, WriteSign{File: f, Kind: WriteSQLite, What: "is a database that the program may write", Path: f, InContext: true})
		default:
			out = append(out, lang.signs(r, f, src)...)
		}
		return len(out) <= maxWriteSigns
	})
	if why != "" {
		return nil, why
	}
	return defined(out), ""
}

// mailPorts are those of mail servers: "port: 587" is where a program sends its mail, not
// where it listens.
var mailPorts = map[int]bool{25: true, 110: true, 143: true, 465: true, 587: true, 993: true, 995: true}

// LowPort names a place in the project's source that listens on a port below 1024;
// "" for none.
func (r *Repo) LowPort(o SourceScan) (found string) {
	r.sources(o, func(f, src string, lang *language) bool {
		if lang == nil || lang.listens == nil {
			return true
		}
		for _, m := range lang.listens.FindAllStringSubmatchIndex(src, -1) {
			for g := 2; g+1 < len(m); g += 2 {
				if m[g] < 0 {
					continue
				}
				if n, err := strconv.Atoi(src[m[g]:m[g+1]]); err == nil && n > 0 && n < 1024 && (!mailPorts[n] || strings.Contains(src[m[0]:m[1]], "isten")) {
					found = fmt.Sprintf("%s listens on port %d", place(f, 1+strings.Count(src[:m[g]], "\n")), n)
					return false
				}
			}
		}
		return true
	})
	return found
}

// sources calls visit with the project's source, until it returns false: files
// of a known language with their text, and package.json and databases by name alone.
func (r *Repo) sources(o SourceScan, visit func(f, src string, lang *language) (more bool)) (why string) {
	if !r.Known() {
		return "without the build context drydock can't see what the program writes"
	}
	files, complete := r.Files()
	if !complete {
		return "the project is too big to look for files that it writes"
	}
	ig := r.Ignore(o.Dockerfile)
	read := 0
	for _, f := range files {
		if len(o.Sources) > 0 && !slices.ContainsFunc(o.Sources, func(s string) bool { return s == "." || s == f || Wild(s) || strings.HasPrefix(f, s+"/") }) {
			continue
		}
		lang := writersOf(f)
		switch e := path.Ext(f); {
		case f == "package.json":
			if !visit(f, "", nil) {
				return ""
			}
			continue
		case e == ".db" || e == ".sqlite" || e == ".sqlite3":
			if !TestFile(f) && !ig.Excluded(f) && !visit(f, "", nil) {
				return ""
			}
			continue
		case lang == nil || lang == javascript && o.NoNode || lang == python && o.NoPython || TestFile(f) || hiddenFolder(f) || lang == javascript && neverRuns.MatchString(path.Base(f)) || ig.Excluded(f):
			continue
		}
		if read++; read > maxScanFiles {
			return "the project is too big to look for files that it writes"
		}
		src, err := r.ReadFile(f)
		if err != nil || len(src) > MaxScanBytes {
			continue
		}
		if !visit(f, text(src), lang) {
			return ""
		}
	}
	return ""
}

// defined drops the uses of settings (UPLOAD_FOLDER) whose definition is among the
// signs, and the imports of libraries of which a use is.
func defined(in []WriteSign) []WriteSign {
	known, used := map[string]bool{}, map[WriteKind]bool{}
	for _, w := range in {
		if w.Path != "" {
			known[settingOf(w.What)] = true
		}
		if !w.uses && w.Line > 0 {
			used[w.Kind] = true
		}
	}
	return slices.DeleteFunc(in, func(w WriteSign) bool {
		s := settingOf(w.What)
		return w.memory || w.Path == "" && s != "" && known[s] || w.uses && used[w.Kind]
	})
}

func settingOf(what string) string {
	for _, s := range []string{"UPLOAD_FOLDER", "MEDIA_ROOT"} {
		if strings.HasPrefix(what, s) {
			return s
		}
	}
	return ""
}

// hiddenFolder: no program lies below .github and the like.
func hiddenFolder(f string) bool {
	return strings.HasPrefix(f, ".") && strings.Contains(f, "/") || strings.Contains(f, "/.")
}

// neverRuns are declarations of types, and the settings of linters and formatters.
var neverRuns = lazy(`\.d\.[cm]?ts$|^\.?(eslint|prettier|commitlint|stylelint|lint-staged)(rc)?(\.config)?\.[cm]?[jt]s$`)

// devStart: development servers write caches next to the code.
func (r *Repo) devStart() string {
	n := r.Node(".")
	if n == nil {
		return ""
	}
	script := n.Scripts["start"]
	for _, w := range []string{"react-scripts start", "nodemon", "next dev", "next start", "vite", "webpack", "ts-node", "ng serve", "vue-cli-service serve"} {
		if strings.Contains(script, w) {
			return "starts " + w + ", which writes next to the code"
		}
	}
	return ""
}

// TestFile reports whether a path looks like a test, an example or a script
// beside the program.
func TestFile(f string) bool {
	l := strings.ToLower(f)
	for _, w := range []string{"_test.", ".test.", ".spec.", "test_", "conftest"} {
		if strings.Contains(path.Base(l), w) {
			return true
		}
	}
	for _, d := range strings.Split(path.Dir(l), "/") {
		switch d {
		case "test", "tests", "__tests__", "spec", "testdata", "docs", "examples", "example", "scripts", "migrations", "e2e", "cypress":
			return true
		}
	}
	return false
}
