package repo

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// CSource is what the C and C++ source of a context does when it runs, as far as
// its text tells. Every field but Strings is the first place, "file:line …", or
// "" for none.
type CSource struct {
	Strings  []string // what string literals say, #include aside
	Computed string   // opens a path that isn't a literal
	Starts   []CStart
	Loads    string // loads libraries by name (dlopen)
	Accounts string // asks for users, groups or host names
	Zones    string // asks for the local time
	Image    string // names /tmp, /etc, /dev or another path of an image
	TLS      string // speaks TLS: certificates of authorities are read
	Unknown  string // why that isn't all
}

// CStart is a call that starts another program.
type CStart struct {
	Where   string
	Program string // "" when it is computed
}

// IsCSource reports whether a file is source of C or C++.
func IsCSource(f string) bool {
	switch strings.ToLower(path.Ext(f)) {
	case ".c", ".cc", ".cpp", ".cxx", ".c++", ".h", ".hh", ".hpp", ".hxx", ".inl", ".ipp", ".tpp":
		return true
	}
	return false
}

var (
	cOpens   = lazy(`\b(?:fopen|fopen64|freopen|open|open64|opendir|scandir|sqlite3_open(?:_v2)?|directory_iterator|gzopen)\s*\(\s*|\b(?:i|o)?fstream\s+\w+\s*[({]\s*|\b(?:i|o)?fstream\s*[({]\s*|\.open\s*\(\s*`)
	cStarts  = lazy(`\b(?:system|popen|execl|execlp|execle|execv|execvp|execvpe|posix_spawnp?)\s*\(\s*`)
	cDlopen  = lazy(`\bdlopen\s*\(`)
	cAccount = lazy(`\b(?:getpw\w+|getgr\w+|initgroups|getaddrinfo|gethostbyname\w*|getservby\w+)\s*\(`)
	cZones   = lazy(`\b(?:localtime\w*|mktime|tzset|strftime|current_zone|locate_zone)\s*\(`)
	cTLS     = lazy(`\bcurl_easy_\w+\s*\(|\bSSL_\w+\s*\(|\bgnutls_\w+\s*\(|\bmbedtls_ssl_\w+\s*\(`)
	cImage   = lazy(`^/(?:tmp|etc|dev|var|usr|bin|home|run)(?:/|$)`)
	cTemp    = lazy(`\b(?:tmpfile|mkstemp|mkdtemp|tmpnam|temp_directory_path|setlocale|iconv_open)\s*\(`)
)

// maxCBytes bounds a file of C or C++: libraries that are one header have a megabyte
// (nlohmann/json, crow).
const maxCBytes = 2 << 20

// CSources reads the C and C++ source that an ignore file leaves in the context.
func (r *Repo) CSources(dockerfile string) *CSource {
	c := &CSource{}
	files, complete := r.Files()
	if !complete {
		c.Unknown = "the project is too big to be read"
		return c
	}
	ig := r.Ignore(dockerfile)
	read := 0
	for _, f := range files {
		if !IsCSource(f) || TestFile(f) || ig.Excluded(f) {
			continue
		}
		if read++; read > maxScanFiles {
			c.Unknown = "the project has too many source files to be read"
			return c
		}
		src, err := r.ReadFile(f)
		if err != nil || len(src) > maxCBytes {
			c.Unknown = f + " can't be read"
			return c
		}
		c.file(f, text(src))
	}
	return c
}

func (c *CSource) file(f, src string) {
	code, lits := cTokens(src)
	at := func(i int) string { return place(f, 1+strings.Count(src[:i], "\n")) }
	first := func(field *string, re *lazyRegexp, what string) {
		if loc := re.get().FindStringIndex(code); loc != nil && *field == "" {
			*field = at(loc[0]) + what
		}
	}
	for _, i := range slices.Sorted(maps.Keys(lits)) {
		v := lits[i]
		start := strings.LastIndexByte(src[:i], '\n') + 1
		if strings.HasPrefix(strings.TrimSpace(src[start:i]), "#") && strings.Contains(src[start:i], "include") {
			continue
		}
		c.Strings = append(c.Strings, v)
		if c.Image == "" && cImage.MatchString(v) {
			c.Image = at(i) + " names " + v
		}
	}
	for _, loc := range cOpens.get().FindAllStringIndex(code, -1) {
		if v, ok := lits[loc[1]]; (!ok || v == "") && c.Computed == "" && !cDeclares(code[:loc[0]], code[loc[1]:]) {
			c.Computed = at(loc[0])
		}
	}
	for _, loc := range cStarts.get().FindAllStringIndex(code, -1) {
		if cDeclares(code[:loc[0]], code[loc[1]:]) {
			continue
		}
		program, _, _ := strings.Cut(strings.TrimSpace(lits[loc[1]]), " ")
		c.Starts = append(c.Starts, CStart{at(loc[0]), program})
	}
	first(&c.Loads, cDlopen, "")
	first(&c.Accounts, cAccount, "")
	first(&c.Zones, cZones, "")
	first(&c.TLS, cTLS, "")
	first(&c.Image, cTemp, " needs files of an image")
}

// cDeclares: a definition or a method of that name, rather than a call:
// "void open(const char *", "std::fstream f();".
func cDeclares(before, after string) bool {
	if strings.HasPrefix(after, ")") || strings.HasPrefix(after, "}") || strings.HasPrefix(after, "void)") || strings.HasPrefix(after, "const ") {
		return true
	}
	before = strings.TrimRight(before, " \t")
	return strings.HasSuffix(before, "void") || strings.HasSuffix(before, "bool") && strings.HasSuffix(strings.TrimRight(after, " \t\n"), ";")
}

// cTokens blanks out comments and what literals say, and gives the literals by the
// offset of their quote. Line breaks stay where they are.
func cTokens(src string) (code string, lits map[int]string) {
	out := []byte(src)
	lits = map[int]string{}
	blank := func(from, to int) {
		for i := from; i < to && i < len(out); i++ {
			if out[i] != '\n' {
				out[i] = ' '
			}
		}
	}
	for i := 0; i < len(src); i++ {
		switch {
		case strings.HasPrefix(src[i:], "//"):
			end := strings.IndexByte(src[i:], '\n')
			if end < 0 {
				end = len(src) - i
			}
			blank(i, i+end)
			i += end - 1
		case strings.HasPrefix(src[i:], "/*"):
			end := strings.Index(src[i+2:], "*/")
			if end < 0 {
				end = len(src) - i - 4
			}
			blank(i, i+end+4)
			i += end + 3
		case strings.HasPrefix(src[i:], `R"`) && (i == 0 || !wordByte(src[i-1])):
			open := strings.IndexByte(src[i:], '(')
			if open < 0 {
				continue
			}
			stop := ")" + src[i+2:i+open] + `"`
			end := strings.Index(src[i+open:], stop)
			if end < 0 {
				continue
			}
			lits[i] = src[i+open+1 : i+open+end]
			blank(i+1, i+open+end+len(stop)-1)
			i += open + end + len(stop) - 1
		case src[i] == '"' || src[i] == '\'' && (i == 0 || !wordByte(src[i-1])):
			quote, j := src[i], i+1
			for j < len(src) && src[j] != quote && src[j] != '\n' {
				if src[j] == '\\' {
					j++
				}
				j++
			}
			j = min(j, len(src))
			if quote == '"' {
				lits[i] = strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\n`, "\n", `\r`, "\r", `\t`, "\t").Replace(src[i+1 : j])
			}
			blank(i+1, j)
			i = j
		}
	}
	return string(out), lits
}
