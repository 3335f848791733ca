package repo

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// RustUse is what the source of Rust packages says about the time when the
// program runs.
type RustUse struct {
	Reads     []string   // files and folders of the context that string literals name
	Computed  string     // "file:line" that opens a path which isn't literal, "" if none
	Starts    [][]string // programs that std::process::Command is made for
	StartsAny string     // "file:line" that starts a program whose name isn't literal, "" if none
	Temp      string     // "file:line" that makes temporary files
	Cargo     string     // "file:line" that asks for a variable which only cargo run sets
	Unknown   string     // why there may be more
}

// rustFile is a source file with comments dropped and every string literal
// replaced by its number in quotes, so that patterns can't be misled by text.
type rustFile struct {
	name     string
	code     string
	literals []string
	lines    []int // of the literals
}

// readRust takes a source file apart.
//
// Source: https://doc.rust-lang.org/reference/tokens.html
func readRust(name, src string) *rustFile {
	f := &rustFile{name: name}
	var b strings.Builder
	line := 1
	literal := func(s string) {
		b.WriteString(`"` + strconv.Itoa(len(f.literals)) + `"`)
		f.literals, f.lines = append(f.literals, s), append(f.lines, line)
		b.WriteString(strings.Repeat("\n", strings.Count(s, "\n")))
		line += strings.Count(s, "\n")
	}
	for i := 0; i < len(src); {
		rest := src[i:]
		switch {
		case strings.HasPrefix(rest, "//"):
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			i += n
		case strings.HasPrefix(rest, "/*"):
			depth, k := 1, 2
			for ; k < len(rest) && depth > 0; k++ {
				switch {
				case strings.HasPrefix(rest[k:], "/*"):
					depth++
					k++
				case strings.HasPrefix(rest[k:], "*/"):
					depth--
					k++
				}
			}
			n := strings.Count(rest[:min(k, len(rest))], "\n")
			b.WriteString(strings.Repeat("\n", n))
			line += n
			i += k
		case strings.IndexByte("rbc", rest[0]) >= 0 && rawString.MatchString(rest) && (i == 0 || !wordByte(src[i-1])):
			m := rawString.get().FindString(rest)
			close := `"` + strings.Repeat("#", strings.Count(m, "#"))
			n := strings.Index(rest[len(m):], close)
			if n < 0 {
				n = len(rest) - len(m)
				close = ""
			}
			literal(rest[len(m) : len(m)+n])
			i += len(m) + n + len(close)
		case rest[0] == '"':
			k := 1
			for k < len(rest) && rest[k] != '"' {
				if rest[k] == '\\' {
					k++
				}
				k++
			}
			text := rest[1:min(k, len(rest))]
			literal(rustUnescape.Replace(text))
			i += k + 1
		case rest[0] == '\'' && rustChar.MatchString(rest):
			m := rustChar.get().FindString(rest)
			b.WriteString("' '")
			i += len(m)
		default:
			if rest[0] == '\n' {
				line++
			}
			b.WriteByte(rest[0])
			i++
		}
	}
	f.code = b.String()
	return f
}

var (
	rawString    = lazy(`^(?:b|c)?r#*"`)
	rustChar     = lazy(`^'(?:\\(?:x[0-9a-fA-F]{2}|u\{[0-9a-fA-F_]+\}|.)|[^'\\\n])'`)
	rustUnescape = strings.NewReplacer(`\"`, `"`, `\\`, `\`)

	// rustBuilt are macros and attributes that are done with when the program is compiled.
	rustBuilt  = lazy(`\b(?:include_str|include_bytes|include|include_dir|env|option_env|migrate|embed_migrations|compile_error|cfg|concat_idents|static_file|query_file(?:_as)?)!\s*[(\[{][^)\]}]*"\d+"|#!?\[[^\]]*\]`)
	rustOpens  = lazy(`(?:\bFile::open|\bfs::(?:read_to_string|read_dir|read|File::open|canonicalize)|(?:^|[^.\w:!])(?:read_to_string|read_dir)|\bNamedFile::open(?:_async)?|\bServe(?:Dir|File)::new|\bFileServer::(?:new|from)|\bTera::new|\bfs::(?:dir|file)|\bfrom_(?:path|filename)|\bpath_loader|\bregister_template(?:s_directory|_file)|\bset_current_dir|\b(?:set_)?(?:certificate_chain|private_key|ca)_file|\bfrom_pem_file|\bdlopen|\bLibrary::new|\bReader::open_readfile|\binit_file|\bwith_name)\s*(?:::<[^>]*>)?\(`)
	rustServes = lazy(`\bFiles::new\s*\([^,]*,`)
	rustKnown  = lazy(`^\s*&?\s*(?:(?:\w+::)*(?:Path|PathBuf|OsStr|String)(?:::\w+)?\s*\(\s*&?\s*)?(?:"(\d+)"|([A-Z][A-Z0-9_]+)\b)\s*(?:\.(?:to_string|to_owned|into|as_ref)\(\)\s*)?[,)]`)
	rustFormat = lazy(`^\s*&?\s*(?:(?:\w+::)*(?:Path|PathBuf)(?:::\w+)?\s*\(\s*&?\s*)?(?:format!\s*\(|concat!\s*\(\s*env!\s*\([^)]*\)\s*,)\s*"(\d+)"`)
	rustJoin   = lazy(`^\s*&?\s*(?:\w+::)*(?:Path|PathBuf)(?:::\w+)?\s*\(\s*&?\s*"(\d+)"\s*\)\s*\.join\(`)
	rustConst  = lazy(`\b(?:const|static)\s+([A-Z][A-Z0-9_]*)\s*:\s*&\s*(?:'static\s+)?str\s*=\s*"(\d+)"`)
	rustUses   = lazy(`\bprocess\s*::\s*(?:Command\b|\{[^}]*\bCommand\b|\*)|\b(?:duct|cmd_lib|xshell|subprocess)::`)
	rustStarts = lazy(`\bCommand::new\s*\(\s*(?:"(\d+)"\s*\))?`)
	rustExecs  = lazy(`\b(?:execv|execvp|execve|posix_spawnp?|execl|execlp)\s*\(|\b(?:duct|cmd_lib|xshell|subprocess)::`)
	rustTemp   = lazy(`\btempfile\b|\btempdir\b|\btemp_dir\s*\(|\bNamedTempFile\b`)
	rustEnv    = lazy(`\benv::var(?:_os)?\s*\(\s*"(\d+)"`)
)

// RustSource reads the source of packages: what it opens and starts when it
// runs. Tests, benches, examples and build scripts are no part of the program.
// bases are the folders that relative paths may be meant from, the working
// directory first.
func (r *Repo) RustSource(packages, bases []string) RustUse {
	var u RustUse
	files, complete := r.Files()
	if !complete {
		u.Unknown = "the project is too big to be searched"
	}
	consts := map[string]string{}
	var parsed []*rustFile
	for _, f := range files {
		if path.Ext(f) != ".rs" || !ownedBy(r, f, packages) {
			continue
		}
		src, err := r.ReadFile(f)
		if err != nil || len(src) > MaxScanBytes {
			setOnce(&u.Unknown, f+" can't be read")
			continue
		}
		p := readRust(f, text(src))
		for _, m := range rustConst.FindAllStringSubmatch(p.code, -1) {
			consts[m[1]] = p.literal(m[2])
		}
		parsed = append(parsed, p)
	}
	reads := map[string]bool{}
	for _, f := range parsed {
		r.scanRust(f, &u, consts, bases, reads)
	}
	for name := range reads {
		inFolder := false
		for up := path.Dir(name); up != "."; up = path.Dir(up) {
			inFolder = inFolder || reads[up]
		}
		if !inFolder {
			u.Reads = append(u.Reads, name)
		}
	}
	slices.Sort(u.Reads)
	return u
}

// ownedBy: a source file belongs to the program of one of the packages.
func ownedBy(r *Repo, f string, packages []string) bool {
	for dir := path.Dir(f); ; dir = path.Dir(dir) {
		if r.isFile(path.Join(dir, "Cargo.toml")) {
			rel := strings.TrimPrefix(f, strings.TrimPrefix(dir+"/", "./"))
			first, _, deep := strings.Cut(rel, "/")
			switch {
			case rel == "build.rs", deep && (first == "tests" || first == "benches" || first == "examples" || first == "target"):
				return false
			}
			return slices.Contains(packages, dir)
		}
		if dir == "." {
			return false
		}
	}
}

func (f *rustFile) literal(number string) string {
	n, err := strconv.Atoi(number)
	if err != nil || n >= len(f.literals) {
		return ""
	}
	return f.literals[n]
}

func (f *rustFile) at(offset int) string {
	return place(f.name, strings.Count(f.code[:offset], "\n")+1)
}

func (r *Repo) scanRust(f *rustFile, u *RustUse, consts map[string]string, bases []string, reads map[string]bool) {
	built := map[string]bool{} // literals of what happens at compile time
	for _, at := range rustBuilt.get().FindAllString(f.code, -1) {
		for _, m := range rustNumber.FindAllStringSubmatch(at, -1) {
			built[m[1]] = true
		}
	}
	for n, lit := range f.literals {
		if !built[strconv.Itoa(n)] {
			if i := strings.IndexByte(lit, '{'); i >= 0 { // of format!
				lit = lit[:strings.LastIndexByte(lit[:i], '/')+1]
			}
			r.rustReads(lit, bases, reads)
		}
	}
	for _, re := range []*lazyRegexp{rustOpens, rustServes} {
		for _, m := range re.get().FindAllStringIndex(f.code, -1) {
			if strings.HasSuffix(strings.TrimSpace(f.code[:m[0]]), "fn") {
				continue
			}
			if !f.known(f.code[m[1]:], consts, bases, r) {
				setOnce(&u.Computed, f.at(m[0]+1))
			}
		}
	}
	if rustUses.MatchString(f.code) {
		for _, m := range rustStarts.get().FindAllStringSubmatchIndex(f.code, -1) {
			if m[2] < 0 {
				setOnce(&u.StartsAny, f.at(m[0]))
				continue
			}
			u.Starts = append(u.Starts, []string{f.literal(f.code[m[2]:m[3]]), f.at(m[0])})
		}
	}
	if m := rustExecs.get().FindStringIndex(f.code); m != nil {
		setOnce(&u.StartsAny, f.at(m[0]))
	}
	if m := rustTemp.get().FindStringIndex(f.code); m != nil {
		setOnce(&u.Temp, f.at(m[0]))
	}
	for _, m := range rustEnv.get().FindAllStringSubmatchIndex(f.code, -1) {
		if strings.HasPrefix(f.literal(f.code[m[2]:m[3]]), "CARGO") {
			setOnce(&u.Cargo, f.at(m[0]))
		}
	}
}

var rustNumber = lazy(`"(\d+)"`)

// known reports whether the argument of a call that opens a file is literal, at
// least the folder that it starts with.
func (f *rustFile) known(args string, consts map[string]string, bases []string, r *Repo) bool {
	if m := rustKnown.get().FindStringSubmatch(args); m != nil {
		lit, ok := consts[m[2]]
		if m[1] != "" {
			lit, ok = f.literal(m[1]), true
		}
		return ok && (systemPath(lit) || path.Clean(lit) != ".")
	}
	for _, re := range []*lazyRegexp{rustFormat, rustJoin} {
		m := re.get().FindStringSubmatch(args)
		if m == nil {
			continue
		}
		lit := f.literal(m[1])
		if i := strings.IndexByte(lit, '{'); i >= 0 {
			lit = lit[:strings.LastIndexByte(lit[:i], '/')+1]
		}
		c := path.Clean(lit)
		return systemPath(lit) || lit != "" && c != "." && c != "/"
	}
	return false
}

// rustReads takes what a literal names in the context. An absolute path may be
// any of its ends, since the image's folders aren't known here.
func (r *Repo) rustReads(lit string, bases []string, reads map[string]bool) {
	if lit == "" || len(lit) > 255 || strings.ContainsAny(lit, "\n\x00:\"'<>|$ ") {
		return
	}
	if i := strings.IndexAny(lit, "*?["); i >= 0 {
		lit = lit[:strings.LastIndexByte(lit[:i], '/')+1]
	}
	abs := path.IsAbs(lit)
	lit = path.Clean(lit)
	for rest := strings.Trim(lit, "/"); rest != "" && rest != "." && rest != ".."; {
		found := false
		for _, base := range bases {
			name, ok := clean(join(base, rest))
			if !ok || name == "." || slices.Contains(bases, name) || strings.HasPrefix(name, ".git/") || name == ".git" {
				continue
			}
			for _, with := range []string{"", ".toml", ".yaml", ".yml", ".json", ".json5", ".ini"} { // config's File::with_name
				fi := r.stat(name + with)
				if fi == nil || with != "" && fi.IsDir() || fi.IsDir() && !r.hasRustData(name) || strings.HasSuffix(name+with, ".rs") || path.Base(name+with) == "Cargo.toml" || path.Base(name+with) == "Cargo.lock" {
					continue
				}
				found = true
				reads[name+with] = true
			}
		}
		_, after, ok := strings.Cut(rest, "/")
		if found || !abs || !ok {
			return
		}
		rest = after
	}
}

// hasRustData reports whether a folder holds something else than Rust source.
func (r *Repo) hasRustData(dir string) bool {
	for _, e := range r.ReadDir(dir) {
		if e.IsDir() && r.hasRustData(path.Join(dir, e.Name())) || !e.IsDir() && path.Ext(e.Name()) != ".rs" && e.Name() != "Cargo.toml" {
			return true
		}
	}
	return false
}
