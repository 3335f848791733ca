package repo

import (
	"path"
	"strings"
)

// A tolerant reading of JavaScript and TypeScript source: it looks for the
// spellings of imports, and where it errs it sees one too many, never too few.

var typeImport = lazy(`\b(import|export)\s+type\b[^'"]*$`)

// namesPackage reports whether source s has the package's name, or a path in
// the package, as a string outside comment lines and type imports.
func namesPackage(s, name string) bool {
	for at := 0; ; {
		i := strings.Index(s[at:], name)
		if i < 0 {
			return false
		}
		i += at
		at = i + 1
		end := i + len(name)
		if i == 0 || end >= len(s) || !strings.ContainsRune("'\"`", rune(s[i-1])) ||
			!strings.ContainsRune("'\"`/", rune(s[end])) {
			continue
		}
		if commentLine(lineBefore(s, i)) || typeImport.MatchString(s[max(0, i-600):i-1]) {
			continue
		}
		return true
	}
}

// lineBefore is the line of s up to i; "" when it is as long as only generated
// code is, where a comment line is not to be expected and looking for its
// start each time would take long.
func lineBefore(s string, i int) string {
	from := max(0, i-2000)
	nl := strings.LastIndexByte(s[from:i], '\n')
	if nl < 0 && from > 0 {
		return ""
	}
	return s[from+nl+1 : i]
}

func commentLine(before string) bool {
	t := strings.TrimSpace(before)
	return strings.HasPrefix(t, "//") || strings.HasPrefix(t, "* ") || strings.HasPrefix(t, "/*") && !strings.Contains(t, "*/")
}

var (
	requireCall = lazy(`(?:^|[^\w$.])(require|require\.resolve|module\.require|import)\s*\(\s*`)
	fromClause  = lazy(`(?:^|[\s;}*])(?:from|import)\s*['"]([^'"\n]*)['"]`)
	diskExpr    = lazy(`^(__dirname|__filename|process\.cwd\(\)|(path\.)?(join|resolve)\(\s*(__dirname|process\.cwd\(\)|path\.)|new URL\(|pathToFileURL\()`)
)

// importScan is what one source file loads.
type importScan struct {
	relative []string // "./x"
	bare     []string // packages, subpaths and aliases
	disk     bool     // something under a computed path, which names no package
	computed int      // 1-based line of the first load of a computed name, 0 if none
}

func (im *importScan) add(lit string) {
	if lit == "." || lit == ".." || strings.HasPrefix(lit, "./") || strings.HasPrefix(lit, "../") {
		im.relative = append(im.relative, lit)
	} else if lit != "" {
		im.bare = append(im.bare, lit)
	}
}

func scanImports(s string) (im importScan) {
	for _, m := range fromClause.FindAllStringSubmatch(s, -1) {
		im.add(m[1])
	}
	for _, m := range requireCall.FindAllStringSubmatchIndex(s, -1) {
		before := lineBefore(s, m[2])
		if commentLine(before) || strings.HasSuffix(strings.TrimSpace(before), "function") {
			continue
		}
		arg := stripComments(s[m[1]:min(len(s), m[1]+400)])
		if arg == "" || arg[0] == ')' {
			continue
		}
		if diskExpr.MatchString(arg) {
			im.disk = true
			continue
		}
		end := -1
		if strings.IndexByte("'\"`", arg[0]) >= 0 {
			end = strings.IndexByte(arg[1:], arg[0])
		}
		if end >= 0 {
			lit, rest := arg[1:1+end], strings.TrimSpace(arg[end+2:])
			whole := rest == "" || rest[0] == ')' || rest[0] == ','
			if whole && (arg[0] != '`' || !strings.Contains(lit, "${")) {
				im.add(lit)
				continue
			}
			if onDisk.MatchString(lit) {
				im.disk = true
				continue
			}
		}
		if line := strings.Count(s[:m[2]], "\n") + 1; im.computed == 0 || line < im.computed {
			im.computed = line
		}
	}
	return im
}

// onDisk: the fixed start of a computed path shows that it names no package.
var onDisk = lazy(`^(\.{0,2}/|\$\{__dirname\}|\$\{process\.cwd\(\)\})`)

// spawns: the program starts files that no import names.
var spawns = lazy(`worker_threads|child_process|new Worker\(|\bcluster\b`)

// notDeclared: the name is an alias of TypeScript's paths, package.json's
// imports or a package installed by chance; where it leads is not followed.
func (n *Node) notDeclared(name string) bool {
	if strings.HasPrefix(name, "node:") {
		return false
	}
	parts := strings.SplitN(name, "/", 3)
	base := parts[0]
	if strings.HasPrefix(base, "@") && len(parts) > 1 {
		base += "/" + parts[1]
	}
	for _, deps := range []map[string]string{n.Dependencies, n.DevDependencies, n.Optional, n.Peer} {
		if _, ok := deps[base]; ok {
			return false
		}
	}
	return !nodeBuiltin[base]
}

// Source: require("module").builtinModules of Node 24.
var nodeBuiltin = map[string]bool{
	"assert": true, "async_hooks": true, "buffer": true, "child_process": true, "cluster": true, "console": true,
	"constants": true, "crypto": true, "dgram": true, "diagnostics_channel": true, "dns": true, "domain": true,
	"events": true, "fs": true, "http": true, "http2": true, "https": true, "inspector": true, "module": true,
	"net": true, "os": true, "path": true, "perf_hooks": true, "process": true, "punycode": true, "querystring": true,
	"readline": true, "repl": true, "stream": true, "string_decoder": true, "sys": true, "timers": true, "tls": true,
	"trace_events": true, "tty": true, "url": true, "util": true, "v8": true, "vm": true, "wasi": true,
	"worker_threads": true, "zlib": true,
}

// stripComments drops comments at the start, such as webpack's magic ones.
func stripComments(s string) string {
	for strings.HasPrefix(s, "/*") {
		_, after, ok := strings.Cut(s, "*/")
		if !ok {
			return s
		}
		s = strings.TrimSpace(after)
	}
	return s
}

// resolveImport follows Node's and TypeScript's rules for relative paths; ""
// when there is no such source. Data files resolve to nothing to scan but
// themselves.
func resolveImport(r *Repo, from, target string) string {
	target, _, _ = strings.Cut(target, "?")
	p, ok := clean(join(path.Dir(from), target))
	if !ok {
		return ""
	}
	tries := []string{p}
	for _, e := range []string{".js", ".ts", ".tsx", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".json", ".vue"} {
		tries = append(tries, p+e)
	}
	if ext := path.Ext(p); ext == ".js" || ext == ".mjs" || ext == ".cjs" || ext == ".jsx" { // TypeScript writes the output's name
		bare := strings.TrimSuffix(p, ext)
		tries = append(tries, bare+".ts", bare+".tsx", bare+".mts", bare+".cts")
	}
	for _, e := range []string{"index.js", "index.ts", "index.tsx", "index.jsx", "index.mjs", "index.cjs", "index.json"} {
		tries = append(tries, join(p, e))
	}
	for _, t := range tries {
		if r.isFile(t) {
			return t
		}
	}
	return ""
}
