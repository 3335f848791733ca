package repo

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// scannedSource is a source file that is searched for signs.
type scannedSource struct {
	*language
	repo   *Repo
	file   string
	src    string
	consts map[string][]string // expressions by name; nil until asked for
}

// signs are the places of a file that write.
func (l *language) signs(r *Repo, file, src string) (out []WriteSign) {
	finds := l.broad.get().FindAllStringIndex(src, maxWriteSigns)
	if len(finds) == 0 || l.needs != nil && !l.needs.MatchString(src) {
		return nil
	}
	s := &scannedSource{language: l, repo: r, file: file, src: src}
	neutral := spans(l.neutral, src)
	imports := spans(l.imports, src)
	line, from := 1, 0
	for _, f := range finds {
		line += strings.Count(src[from:f[0]], "\n")
		from = f[0]
		start := strings.LastIndexByte(src[:f[0]], '\n') + 1
		all, _, _ := strings.Cut(src[start:], "\n")
		lead := strings.TrimSpace(all)
		if strings.Contains(all, "/tmp") || strings.Contains(strings.ToLower(all), "tempfile") || within(neutral, f[0]) ||
			strings.HasPrefix(lead, "//") || strings.HasPrefix(lead, "#") && !strings.HasPrefix(lead, "#[") {
			continue
		}
		sign := WriteSign{File: file, Line: line, Kind: kindOf(src[f[0]:f[1]]), What: strings.TrimSpace(src[f[0]:f[1]])}
		found := s.explain(sign, f[0])
		if len(found) == 0 {
			sign.uses = within(imports, f[0])
			found = []WriteSign{sign}
		}
		for _, w := range found {
			if !slices.ContainsFunc(out, func(o WriteSign) bool {
				return w.Path != "" && o.Path == w.Path && o.InContext == w.InContext && o.Kind == w.Kind
			}) {
				out = append(out, w)
			}
		}
	}
	return out
}

func kindOf(find string) WriteKind {
	switch l := strings.ToLower(find); {
	case strings.Contains(l, "sqlite"), strings.Contains(l, "h2:file"), strings.Contains(l, "data source"):
		return WriteSQLite
	case strings.Contains(l, "upload"), strings.Contains(l, "media_root"), strings.Contains(l, "multer"):
		return WriteUpload
	case strings.Contains(l, "filehandler"), strings.Contains(l, "transports"), strings.Contains(l, "lumberjack"), strings.Contains(l, "logging"), strings.Contains(l, "<file"), strings.Contains(l, "filename"), strings.Contains(l, "appender"):
		return WriteLog
	case strings.Contains(l, "mkdir"), strings.Contains(l, "makedirs"), strings.Contains(l, "create_dir"), strings.Contains(l, "directory"), strings.Contains(l, "tomcat"):
		return WriteFolder
	case strings.Contains(l, "vite"), strings.Contains(l, "webpack"), strings.Contains(l, "nodemon"):
		return WriteCache
	}
	return WriteFile
}

func spans(re *lazyRegexp, src string) [][]int {
	if re == nil {
		return nil
	}
	return re.get().FindAllStringIndex(src, -1)
}

func within(spans [][]int, at int) bool {
	return slices.ContainsFunc(spans, func(s []int) bool { return s[0] <= at && at < s[1] })
}

// explain gives the signs with a path that a find at a place stands for; nil
// when one of them has none.
func (s *scannedSource) explain(sign WriteSign, at int) (out []WriteSign) {
	for i := range s.rules {
		rule := &s.rules[i]
		from, to := max(0, at-200), min(len(s.src), at+200)
		if rule.near != nil {
			if !within(spans(rule.near, s.src[from:to]), at-from) {
				continue
			}
			from, to = max(0, at-300), min(len(s.src), at+300)
			if rule.far {
				from, to = 0, len(s.src)
			}
		}
		for _, m := range rule.re.FindAllStringSubmatchIndex(s.src[from:to], -1) {
			for j := range m {
				if m[j] >= 0 {
					m[j] += from
				}
			}
			expr, end, ok := s.expression(rule, m)
			if rule.near == nil && (!ok || at < m[0] || at >= end) {
				continue
			}
			if !ok {
				return nil
			}
			w := sign
			w.Kind, w.Dir = rule.kind, rule.kind == WriteFolder || rule.kind == WriteUpload
			if w.Path, w.InContext, ok = s.path(expr, rule.at == literal, 0); !ok {
				if rule.near != nil {
					return nil
				}
				continue
			}
			if rule.kind == WriteSQLite && !s.database(&w) {
				return nil
			}
			w.memory = w.Path == "" || w.Path == "/tmp"
			w.Fresh = rule.once && !s.checked(m[0], end)
			if out = append(out, w); rule.near == nil {
				return out
			}
		}
		if rule.near != nil {
			return out
		}
	}
	return nil
}

// database brings a database's name to a path; Path is "" behind it for one in
// memory. Where Flask-SQLAlchemy looks for a relative one depends on its
// version: beside the source, or in the folder instance there, which it makes
// (https://flask-sqlalchemy.palletsprojects.com/en/stable/config/#flask_sqlalchemy.config.SQLALCHEMY_DATABASE_URI).
func (s *scannedSource) database(w *WriteSign) bool {
	p, _, _ := strings.Cut(strings.TrimPrefix(w.Path, "file:"), "?")
	if p == ":memory:" {
		w.Path = ""
		return true
	}
	if w.Path = p; p == "" || strings.Contains(p, ":") {
		return false
	}
	if s.language == python && !w.InContext && !path.IsAbs(p) && strings.Contains(s.src, "SQLALCHEMY_DATABASE_URI") {
		if strings.Contains(p, "/") || s.repo.Exists(path.Join(path.Dir(s.file), "__init__.py")) {
			return false
		}
		w.Path, w.InContext = path.Join(path.Dir(s.file), p), true
	}
	return true
}

// checked reports whether a mkdir doesn't mind a folder that is there.
func (s *scannedSource) checked(start, end int) bool {
	call, _, _ := strings.Cut(s.src[start:], "\n")
	if rest := end + 80; rest < len(s.src) && len(call) < end-start {
		call = s.src[start:rest]
	}
	if strings.Contains(call, "exist_ok=True") || strings.Contains(call, "exist_ok = True") || strings.Contains(call, "recursive: true") || strings.Contains(call, "recursive:true") {
		return true
	}
	before := s.src[max(0, start-200):start]
	if n := strings.Count(before, "\n"); n > 2 { // the lines just above
		for range n - 2 {
			_, before, _ = strings.Cut(before, "\n")
		}
	}
	return strings.Contains(before, "exists") || strings.Contains(before, "is_dir") || strings.Contains(before, "isdir")
}

// expression is the text that names the path, and where it ends.
func (s *scannedSource) expression(rule *writeRule, m []int) (expr string, end int, ok bool) {
	switch rule.at {
	case receiver, literal:
		for g := 2; g+1 < len(m); g += 2 {
			if m[g] >= 0 {
				return s.src[m[g]:m[g+1]], m[1], true
			}
		}
		return "", 0, false
	}
	at := m[1]
	for range rule.arg {
		n := exprEnd(s.src[at:])
		if n < 0 || at+n >= len(s.src) || s.src[at+n] != ',' {
			return "", 0, false
		}
		at += n + 1
	}
	n := exprEnd(s.src[at:])
	if n < 0 {
		return "", 0, false
	}
	return strings.TrimSpace(s.src[at : at+n]), at + n, true
}

// exprEnd is the length of the expression that a text begins with: up to a
// comma, a semicolon, a line's end or a bracket that closes more than it opens.
func exprEnd(t string) int {
	depth := 0
	for i := 0; i < len(t) && i < 400; i++ {
		switch c := t[i]; c {
		case '"', '\'', '`':
			end := strings.IndexByte(t[i+1:], c)
			if end < 0 {
				return -1
			}
			i += end + 1
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				return i
			}
		case ',', ';':
			if depth == 0 {
				return i
			}
		case '\n':
			if depth == 0 && strings.TrimSpace(t[:i]) != "" {
				return i
			}
		}
	}
	if depth == 0 && len(t) < 400 {
		return len(t)
	}
	return -1
}

var (
	quoted    = lazy(`^[rbu]?(?:"([^"\\{}%$*<>\n]*)"|'([^'\\{}%$*<>\n]*)'|\x60([^\x60\\{}%$*<>\n]*)\x60)$`)
	callOf    = lazy(`^((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)\(`)
	configOf  = lazy(`^\w+\.config\[["']([A-Z_]+)["']\]$`)
	plainName = lazy(`^(?:self\.)?([A-Za-z_$][\w$]*)$`)
)

// path works out an expression of literals; inContext as in WriteSign.
func (s *scannedSource) path(e string, raw bool, depth int) (p string, inContext, ok bool) {
	e = strings.TrimSpace(e)
	switch {
	case depth > 8 || e == "":
		return "", false, false
	case raw:
		return e, false, !strings.ContainsAny(e, `{}%$*<>\`)
	}
	if m := quoted.FindStringSubmatch(e); m != nil {
		return m[1] + m[2] + m[3], false, m[1]+m[2]+m[3] != ""
	}
	switch strings.ReplaceAll(e, " ", "") {
	case "__dirname", "import.meta.dirname":
		return path.Dir(s.file), true, s.language == javascript && path.Ext(s.file) != ".ts" // compiled elsewhere
	case "os.path.abspath(os.path.dirname(__file__))", "os.path.dirname(os.path.abspath(__file__))", "os.path.dirname(os.path.realpath(__file__))", "os.path.dirname(__file__)",
		"Path(__file__).parent", "Path(__file__).resolve().parent", "pathlib.Path(__file__).parent", "pathlib.Path(__file__).parent.resolve()", "Path(__file__).parent.resolve()":
		return path.Dir(s.file), true, true
	case "os.getcwd()", "process.cwd()", "Path.cwd()":
		return ".", false, true
	case `System.getProperty("java.io.tmpdir")`:
		return "/tmp", false, true
	}
	if base, ok := strings.CutSuffix(e, ".parent"); ok {
		p, inContext, ok = s.path(base, false, depth+1)
		if ok = ok && inContext && p != "."; ok {
			p = path.Dir(p)
		}
		return p, inContext, ok
	}
	if m := callOf.FindStringSubmatch(e); m != nil && exprEnd(e[len(m[0]):]) >= 0 {
		return s.call(m[1], e[len(m[0]):], depth)
	}
	if left, right, ok := division(e); ok {
		return s.joined([]string{left, right}, depth)
	}
	m := plainName.FindStringSubmatch(e)
	if m == nil {
		m = configOf.FindStringSubmatch(e)
	}
	if m != nil {
		if values := s.values(m[1]); len(values) == 1 {
			return s.path(values[0], false, depth+1)
		}
	}
	return "", false, false
}

// call works out calls that join paths or leave them as they are.
func (s *scannedSource) call(name, rest string, depth int) (p string, inContext, ok bool) {
	var args []string
	for {
		n := exprEnd(rest)
		if n < 0 || n >= len(rest) {
			return "", false, false
		}
		if a := strings.TrimSpace(rest[:n]); a != "" {
			args = append(args, a)
		}
		c := rest[n]
		if rest = rest[n+1:]; c == ')' {
			break
		}
	}
	if len(args) == 0 {
		return "", false, false
	}
	if tail := strings.TrimSpace(rest); strings.HasPrefix(tail, "/") { // Path(x) / "y"
		args = append(args[:1:1], strings.TrimSpace(tail[1:]))
		if len(args) != 2 {
			return "", false, false
		}
	} else if tail != "" {
		return "", false, false
	}
	switch name {
	case "os.path.join", "path.join", "path.resolve", "join", "resolve", "filepath.Join", "Path", "pathlib.Path":
		return s.joined(args, depth)
	case "str", "os.path.abspath", "os.fspath", "String":
		return s.path(args[0], false, depth+1)
	case "os.path.dirname":
		if p, inContext, ok = s.path(args[0], false, depth+1); ok && inContext && p != "." {
			return path.Dir(p), true, true
		}
	}
	return "", false, false
}

func (s *scannedSource) joined(parts []string, depth int) (p string, inContext, ok bool) {
	for i, part := range parts {
		v, in, ok := s.path(part, false, depth+1)
		switch {
		case !ok || in && i > 0:
			return "", false, false
		case i == 0 || path.IsAbs(v) && s.language != javascript && s.language != golang:
			p, inContext = v, in
		default:
			p = path.Join(p, v)
		}
	}
	return p, inContext, p != ""
}

// division splits Python's BASE / "name" at its last slash.
func division(e string) (left, right string, ok bool) {
	i := strings.LastIndex(e, "/")
	if i <= 0 || !strings.ContainsAny(e[i+1:], `"'`) {
		return "", "", false
	}
	left, right = strings.TrimSpace(e[:i]), strings.TrimSpace(e[i+1:])
	return left, right, quoted.MatchString(right) && left != "" && exprEnd(left) == len(left)
}

// values are the expressions that the file gives a name.
func (s *scannedSource) values(name string) []string {
	if s.assigned == nil || s.bound(name) {
		return nil
	}
	if s.consts == nil {
		s.consts = map[string][]string{}
		for _, m := range s.assigned.FindAllStringSubmatchIndex(s.src, -1) {
			n, value := s.src[m[2]:m[3]], ""
			if strings.HasPrefix(s.src[m[1]:], "=") {
				continue // a comparison
			}
			if end := exprEnd(s.src[m[1]:]); end >= 0 {
				value = strings.TrimSpace(s.src[m[1] : m[1]+end])
			}
			s.consts[n] = append(s.consts[n], value)
		}
	}
	return s.consts[name]
}

// bound reports whether a parameter, a loop, an import or a change in place
// may give the name another value.
func (s *scannedSource) bound(name string) bool {
	n := `\b` + regexp.QuoteMeta(name) + `\b`
	re, err := regexp.Compile(`\b(?:def|function|func|fn|void|lambda)\b[^{\n]*` + n + `|\bfor\b[^\n]*` + n + `[^\n]*(?:\bin\b|\bof\b|:=)|\b(?:as|global|nonlocal) ` + n +
		`|` + n + `[^\n()=]*\)?\s*=>|` + n + `\s*(?:\+=|/=)|(?m:^[^\n()=]*` + n + `\s*,[^\n=()]*=[^=])|(?m:^[^\n()=]*,\s*` + n + `\s*:?=[^=])|\{[^}\n]*` + n + `[^}\n]*\}\s*=`)
	return err != nil || re.MatchString(s.src)
}
