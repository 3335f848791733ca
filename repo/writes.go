package repo

import (
	"fmt"
	"path"
	"strings"
)

// Signs in the source that a program writes files at places other than /tmp.
// They are hints, not proof: one is enough for add-user to decline.

var writers = map[string]*lazyRegexp{
	".py": lazy(`open\([^)\n]*,\s*(mode\s*=\s*)?["'](w|a|x|r\+)|sqlite|os\.(makedirs|mkdir|rename|remove)\(|\.(mkdir|write_text|write_bytes|touch|unlink)\(|shutil\.|FileHandler\(|\.save\(["'\w/]*(path|file|\.png|\.jpg)|UPLOAD_FOLDER|MEDIA_ROOT|\.to_csv\(|\.to_pickle\(|torch\.save|joblib\.dump|pickle\.dump\(`),
	".js": lazy(`(writeFile|appendFile|createWriteStream|mkdir|mkdtemp|copyFile|unlink|rename|rm)(Sync)?\(|fs-extra|multer|sqlite|lowdb|nedb|leveldb|LevelDB|winston\.transports\.File|nodemon|webpack-dev-server|react-scripts start|next dev|vite`),
	".go": lazy(`os\.(Create|OpenFile|WriteFile|Mkdir|MkdirAll|Rename|Remove|RemoveAll)\(|ioutil\.WriteFile|sqlite|bolt\.Open|bbolt\.Open|badger\.Open|leveldb\.Open|lumberjack`),
	".rs": lazy(`File::(create|options)|OpenOptions|fs::(write|create_dir|rename|remove|copy|File::create)|create_dir|(?i:sqlite)|\bsled::|rocksdb|\bredb::|heed::|RollingFile|rolling::(daily|hourly|never|minutely)|file_appender|persist\(`),
}

func init() {
	for _, e := range []string{".ts", ".mjs", ".cjs", ".jsx", ".tsx"} {
		writers[e] = writers[".js"]
	}
	for _, e := range []string{".rb", ".php", ".java", ".kt", ".cs"} {
		writers[e] = lazy(`File\.(write|open|new)|FileUtils|file_put_contents|fopen\(|mkdir|move_uploaded_file|FileWriter|FileOutputStream|Files\.(write|create)|File::create|create_dir|File\.(Write|Create|Append)|sqlite|Sqlite|SQLite|h2:file|Directory\.Create`)
	}
}

// MaxScanBytes and maxScanFiles bound how much source is read for signs.
const (
	maxScanFiles = 400
	MaxScanBytes = 1 << 19
)

// Writes names the first place in the project's source that writes files: ""
// for none. A context too big to read counts as a sign. dockerfile is the
// Dockerfile's path, whose ignore file hides source; with scripts the program is
// started by a script of package.json.
func (r *Repo) Writes(dockerfile string, scripts bool) string {
	if !r.Known() {
		return "without the build context drydock can't see what the program writes"
	}
	files, complete := r.Files()
	if !complete {
		return "the project is too big to look for files that it writes"
	}
	ig := r.Ignore(dockerfile)
	read := 0
	for _, f := range files {
		if f == "package.json" && scripts {
			if why := r.devStart(); why != "" {
				return why
			}
		}
		if e := path.Ext(f); e == ".db" || e == ".sqlite" || e == ".sqlite3" {
			if !ig.Excluded(f) {
				return f + " is a database that the program may write"
			}
		}
		re := writers[path.Ext(f)]
		if re == nil || TestFile(f) || ig.Excluded(f) {
			continue
		}
		if read++; read > maxScanFiles {
			return "the project is too big to look for files that it writes"
		}
		src, err := r.ReadFile(f)
		if err != nil || len(src) > MaxScanBytes {
			continue
		}
		for n, l := range strings.Split(string(src), "\n") {
			if m := re.get().FindString(l); m != "" && !strings.Contains(l, "/tmp") && !strings.Contains(strings.ToLower(l), "tempfile") {
				return fmt.Sprintf("%s:%d may write files (%s)", f, n+1, strings.TrimSpace(m))
			}
		}
	}
	return ""
}

// devStart: development servers write caches next to the code.
func (r *Repo) devStart() string {
	n := r.Node(".")
	if n == nil {
		return ""
	}
	for _, k := range []string{"start", "dev"} {
		script := n.Scripts[k]
		for _, w := range []string{"react-scripts start", "nodemon", "next dev", "next start", "vite", "webpack", "ts-node", "ng serve", "vue-cli-service serve"} {
			if k == "start" && strings.Contains(script, w) {
				return "npm " + k + " runs " + w + ", which writes next to the code"
			}
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
