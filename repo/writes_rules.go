package repo

import (
	"path"
	"strings"
)

// language is how source of one kind writes files.
type language struct {
	// broad finds whatever may write; each find that no rule explains is a sign
	// without a path.
	broad *lazyRegexp
	// needs: broad's finds count only in a file that holds this; nil for all.
	needs *lazyRegexp
	// neutral finds that write nothing: types, a database in memory.
	neutral *lazyRegexp
	// imports finds where a library comes in that writes: it says nothing once
	// the use of the library is seen too.
	imports *lazyRegexp
	rules   []writeRule
	// listens finds servers; a group is the port.
	listens *lazyRegexp
	// assigned finds NAME = expression; group 1 is the name, what follows the
	// match the expression.
	assigned *lazyRegexp
}

// writeRule reads the path of a find: it is the arg-th argument of the call
// that re ends in, or with receiver group 1 of re, or with setting the expression
// behind the match.
type writeRule struct {
	kind WriteKind
	re   *lazyRegexp
	arg  int
	at   where
	// once: makes a folder and fails where it is there, unless the call or a check
	// in front of it says otherwise.
	once bool
	// near: finds of this are explained by re close to them (300 bytes), or
	// anywhere in the file.
	near *lazyRegexp
	far  bool
}

type where int

const (
	argument where = iota
	receiver
	behind  // the expression behind the match
	literal // group 1 is the path itself
)

// memory: databases that are in no file.
const memory = `sqlite:///:memory:|sqlite://["'\x60]|sqlite:///?["'\x60]|mode=memory`

var python = &language{
	listens: lazy(`\b(?:run|serve|make_server|run_app|TCPServer|HTTPServer|run_simple|bind)\([^)\n]*?(?:\bport\s*=\s*|,\s*)(\d+)\s*[,)]`),
	broad: lazy(`\bopen\([^)\n]*,\s*(mode\s*=\s*)?["'](w|a|x|r\+|rb\+)|sqlite|\bTinyDB\(|\bos\.(makedirs|mkdir|rename|remove)\(|\.(mkdir|write_text|write_bytes|touch|unlink)\(|\bshutil\.|FileHandler\(|` +
		`\.save\(["'\w/]*(path|file|\.png|\.jpg)|\bUPLOAD_FOLDER\b|\bMEDIA_ROOT\b|\.to_csv\(|\.to_pickle\(|\btorch\.save|\bjoblib\.dump|\bpickle\.dump\(`),
	neutral: lazy(memory + `|\bfrom (aio)?sqlite3? import (Row|\w*Error)(, (Row|\w*Error))*$|\b(aio)?sqlite3?\.(Row|\w*Error|Connection|Cursor|PARSE_\w+|register_\w+|sqlite_version|threadsafety)\b|` +
		`\bsqlalchemy\.dialects\.sqlite\b|\bshutil\.(which|disk_usage|get_terminal_size)\(`),
	imports:  lazy(`(?m:^[ \t]*import (?:\w+, ?)*(?:aiosqlite|sqlite3)(?:, ?\w+)*[ \t]*$)`),
	assigned: lazy(`(?m)^[ \t]*(?:self\.|\w+\.config\[["'])?([A-Za-z_]\w*)(?:["']\])?(?:[ \t]*:[ \t]*[\w.\[\]]+)?[ \t]*=[ \t]*`),
	rules: []writeRule{
		{kind: WriteSQLite, re: lazy(`\b(?:aio)?sqlite3?\.connect\(|\bapsw\.Connection\(|\bSqlite\w*Database\(`)},
		{kind: WriteSQLite, re: lazy(`backends\.sqlite3["'],?\s*["']NAME["']\s*:\s*`), at: behind},
		{kind: WriteSQLite, re: lazy(`["']sqlite(?:\+\w+)?:///([^"'{}%?\n]+)(?:\?[^"'\n]*)?["']`), at: literal},
		{kind: WriteSQLite, re: lazy(`["']sqlite:///["']\s*\+\s*`), at: behind},
		{kind: WriteFile, re: lazy(`\bTinyDB\(`)},
		{kind: WriteFile, re: lazy(`\bopen\(`)},
		{kind: WriteFolder, re: lazy(`\bos\.(?:makedirs|mkdir)\(`), once: true},
		{kind: WriteLog, re: lazy(`\b\w*FileHandler\(`)},
		{kind: WriteFolder, re: lazy(`(\bPath\([^()\n]*\)|\b[A-Za-z_]\w*)\.mkdir\(`), at: receiver, once: true},
		{kind: WriteFile, re: lazy(`(\bPath\([^()\n]*\)|\b[A-Za-z_]\w*)\.(?:write_text|write_bytes|touch)\(`), at: receiver},
		{kind: WriteUpload, re: lazy(`\b(?:UPLOAD_FOLDER|MEDIA_ROOT)\b(?:["']\])?[ \t]*=[ \t]*`), at: behind},
		{kind: WriteFile, re: lazy(`\.(?:to_csv|to_pickle)\(`)},
	},
}

var javascript = &language{
	listens: lazy(`\.listen\(\s*(?:\{\s*port\s*:\s*)?(\d+)\b|\b(?:PORT|port)\b\s*(?:\|\||\?\?|[:=])\s*["']?(\d+)\b`),
	broad:   lazy(`\b(writeFile|appendFile|createWriteStream|mkdir|mkdtemp|copyFile|unlink|rename|rm)(Sync)?\(|\bfs-extra\b|\bmulter\b|sqlite|\blowdb\b|\bnedb\b|leveldb|LevelDB|winston\.transports\.File|\btransports\.File\(|\bnodemon\b|webpack-dev-server|react-scripts start|next dev|\bvite\b`),
	// A browser's code has no files: those calls are fs's, by whatever name.
	needs:    lazy(`["'](node:)?fs(/promises)?["']|fs-extra|graceful-fs|mkdirp|shelljs|multer|sqlite|lowdb|nedb|level|winston|nodemon|webpack|react-scripts|next dev|vite|Bun\.|Deno\.`),
	neutral:  lazy(memory + `|sqlite::memory:|\bmulter\.(?:memoryStorage|MulterError)\b|\bmulter\(\)|\bsqlite3?\.(?:verbose\(|OPEN_\w+)|\bdriver\s*:\s*sqlite3?\.Database`),
	imports:  lazy(`\b(?:const|let|var) (?:multer\s*=\s*require\(["']multer["']\)|sqlite3\s*=\s*require\(["']sqlite3["']\)(?:\.verbose\(\))?)|\bimport (?:\* as )?(?:multer from ["']multer["']|sqlite3 from ["']sqlite3["'])`),
	assigned: lazy(`(?m)^[ \t]*(?:export )?(?:const|let|var)[ \t]+([A-Za-z_$][\w$]*)(?:[ \t]*:[ \t]*string)?[ \t]*=[ \t]*`),
	rules: []writeRule{
		{kind: WriteFile, re: lazy(`\b(?:writeFile|appendFile|createWriteStream)(?:Sync)?\(`)},
		{kind: WriteFolder, re: lazy(`\bmkdir(?:Sync)?\(`), once: true},
		{kind: WriteFile, re: lazy(`\bcopyFile(?:Sync)?\(`), arg: 1},
		{kind: WriteUpload, re: lazy(`\bmulter\(\s*\{\s*dest\s*:\s*`), at: behind},
		{kind: WriteSQLite, re: lazy(`\bnew sqlite3\.Database\(`)},
		{kind: WriteSQLite, re: lazy(`\b(?:storage|filename|database)\s*:\s*`), at: behind, near: lazy(`\b(?:dialect|client|type)\s*:\s*["'\x60](?:better-)?sqlite3?["'\x60]`)},
		{kind: WriteSQLite, re: lazy(`\bfilename\s*:\s*`), at: behind, near: lazy(`\bimport \{ ?open ?\} from ["']sqlite["']|\{ ?open ?\} = require\(["']sqlite["']\)`), far: true},
		{kind: WriteSQLite, re: lazy(`\bnew (?:Database|DatabaseSync|BetterSqlite3?|Sqlite|SQLite)\(`), near: lazy(`\b(?:Database|BetterSqlite3?|Sqlite|SQLite)\b[^\n;]*["'](?:better-sqlite3|node:sqlite)["']`), far: true},
		{kind: WriteSQLite, re: lazy(`["'\x60]sqlite:(?://)?([^"'\x60:?$]+)["'\x60]`), at: literal},
		{kind: WriteLog, re: lazy(`\btransports\.File\(\s*\{[^}]*?\bfilename\s*:\s*`), at: behind},
	},
}

var golang = &language{
	listens:  lazy(`\b(?:Listen|ListenAndServe|ListenAndServeTLS|Run|Start)\((?:\s*"tcp[46]?",)?\s*"[^":\n]*:(\d+)"|\bAddr\s*:\s*"[^":\n]*:(\d+)"`),
	broad:    lazy(`\bos\.(Create|OpenFile|WriteFile|Mkdir|MkdirAll|Rename|Remove|RemoveAll)\(|\bioutil\.WriteFile|sqlite|\bbolt\.Open|\bbbolt\.Open|\bbadger\.Open|\bleveldb\.Open|lumberjack|\bautocert\.DirCache\(|\bpebble\.Open\(|\bnutsdb\.Open\(|\bbuntdb\.Open\(|\bbitcask\.Open\(|\bbleve\.New\(|\bOutputPaths\s*=\s*[^\n]*"[./]|\brotatelogs\.New\(`),
	neutral:  lazy(memory + `|\bsqlite3?\.(?:Error|Err\w+|SQLiteDriver)\b|\bos\.OpenFile\([^\n]*os\.O_RDONLY\b`),
	imports:  lazy(`(?m:^[ \t]*(?:import[ \t]+)?(?:_|[\w.]+)?[ \t]*"[^"\n]*(?:sqlite|lumberjack)[^"\n]*"[ \t]*$)`),
	assigned: lazy(`(?m)^[ \t]*(?:const |var )?[ \t]*([A-Za-z_]\w*)(?:[ \t]+string)?[ \t]*:?=[ \t]*`),
	rules: []writeRule{
		{kind: WriteFile, re: lazy(`\bos\.(?:Create|OpenFile|WriteFile)\(|\bioutil\.WriteFile\(`)},
		{kind: WriteFolder, re: lazy(`\bos\.Mkdir\(`), once: true},
		{kind: WriteFolder, re: lazy(`\bos\.MkdirAll\(`)},
		{kind: WriteSQLite, re: lazy(`\b(?:sql|sqlx)\.(?:Open|Connect|MustConnect)\(\s*"sqlite3?",\s*`), at: behind},
		{kind: WriteSQLite, re: lazy(`\bsqlite\.Open\(`)},
		{kind: WriteFile, re: lazy(`\bb?bolt\.Open\(`)},
		{kind: WriteFolder, re: lazy(`\bleveldb\.OpenFile\(|\bpebble\.Open\(`)},
		{kind: WriteFolder, re: lazy(`\bautocert\.DirCache\(`)},
		{kind: WriteLog, re: lazy(`\blumberjack\.Logger\{\s*Filename\s*:\s*`), at: behind},
	},
}

// others: Ruby, PHP, Java, Kotlin, Rust and C#.
var others = &language{
	listens: lazy(`\b(?:TcpListener::bind|\.bind|UseUrls|Listen|ListenAnyIP|ServerSocket|port|setPort|server\.port)\(\s*(?:\(?["'][^"':\n]*:?)?(\d+)\b|\b(?:localhost|0\.0\.0\.0|\[::\]|\*|\+):(\d+)\b`),
	broad: lazy(`\bFile\.(write|open|new)\b|\bFileUtils\b|file_put_contents|\bfopen\(|\bmkdirs?\b|mkdir_p|move_uploaded_file|\bFileWriter\b|FileOutputStream|\bFiles\.(write|create|copy|newBufferedWriter)|` +
		`\b(?:new )?Tomcat\(\)|\bFile::(create|options)|\bcreate_dir|\bfs::(write|rename|remove|copy)|\bOpenOptions\b|\bsled::|rocksdb|\bredb::|heed::|RollingFile|rolling::(daily|hourly|never|minutely)|file_appender|\bpersist\(|\bFile\.(Write|Create|Append)|\bStreamWriter\(|sqlite|Sqlite|SQLite|h2:file|Directory\.Create`),
	neutral: lazy(memory + `|(?m:^[ \t]*(?:import|using|use)\s[^\n]*\bFile\w*[^\n]*$)|\bfopen\([^,\n]*,\s*["']rb?["']`),
	imports: lazy(`(?m:^[ \t]*(?:import|using|use)\s[^\n]*(?i:sqlite)[^\n]*$)|\bUseSqlite\(`),
	// Every "NAME = literal" of these languages, with or without a type.
	assigned: lazy(`(?m)^[ \t]*(?:[\w<>&:' ]+[ \t])?([A-Za-z_]\w*)(?:[ \t]*:[ \t]*&?(?:'static )?\w+)?[ \t]*=[ \t]*`),
	rules: []writeRule{
		{kind: WriteFile, re: lazy(`\bnew (?:FileWriter|FileOutputStream|StreamWriter)\(|\bFile\.(?:write|WriteAll\w+|AppendAll\w+|Create|AppendText|CreateText)\(|\bfile_put_contents\(|\bFile::create\(|\bfs::write\(`)},
		{kind: WriteFile, re: lazy(`\bFiles\.(?:write\w*|newBufferedWriter|createFile)\(\s*(?:Paths\.get|Path\.of)\(`)},
		{kind: WriteFolder, re: lazy(`\bFiles\.createDirectories\(\s*(?:Paths\.get|Path\.of)\(|\bFileUtils\.mkdir_p\(?|\bcreate_dir_all\(|\bDirectory\.CreateDirectory\(`)},
		{kind: WriteFolder, re: lazy(`\bmkdir\(|\bcreate_dir\(`), once: true},
		// An embedded Tomcat makes its folder, tomcat.PORT in the working directory unless it is told another, and won't start
		// without (https://tomcat.apache.org/tomcat-10.1-doc/api/org/apache/catalina/startup/Tomcat.html#setBaseDir(java.lang.String)).
		{kind: WriteFolder, re: lazy(`\.(?:setBaseDir\(|baseDir\s*=\s*)`), near: lazy(`\b(?:new )?Tomcat\(\)`), far: true},
		{kind: WriteSQLite, re: lazy(`\bSQLite3::Database\.new\(?|\bConnection::open\(`)},
		{kind: WriteSQLite, re: lazy(`\bjdbc:(?:sqlite|h2:file):([^"'\s;?$]+)`), at: literal},
		{kind: WriteSQLite, re: lazy(`["']sqlite:(?://)?([^"':?$]+)(?:\?[^"']*)?["']`), at: literal},
		{kind: WriteSQLite, re: lazy(`\bUseSqlite\(\s*["'](?:Data Source|DataSource|Filename)=([^"';$]+)`), at: literal},
	},
}

// cLanguage: C and C++.
var cLanguage = &language{
	broad:   lazy(`\b(?:fopen|freopen|open)\s*\([^;\n]*(?:"[wa]b?\+?"|"rb?\+b?"|O_WRONLY|O_RDWR|O_CREAT)|\b(?:std::)?ofstream\b|\b(?:mkdir|creat|rename|unlink)\s*\(|\bcreate_director(?:y|ies)\s*\(|\bsqlite3_open(?:_v2)?\s*\(`),
	neutral: lazy(`\bsqlite3_open(?:_v2)?\s*\(\s*":memory:"|\bsqlite3_open_v2\s*\([^;]*SQLITE_OPEN_READONLY`),
	rules: []writeRule{
		{kind: WriteFile, re: lazy(`\b(?:fopen|freopen|open|creat)\s*\(`)},
		{kind: WriteFile, re: lazy(`\b(?:std::)?ofstream(?:\s+\w+)?\s*[({]\s*"([^"\n]+)"`), at: literal},
		{kind: WriteFolder, re: lazy(`\bmkdir\s*\(`), once: true},
		{kind: WriteFolder, re: lazy(`\bcreate_director(?:y|ies)\s*\(`)},
		{kind: WriteSQLite, re: lazy(`\bsqlite3_open(?:_v2)?\s*\(`)},
	},
}

// settings: what configuration files of Spring and ASP.NET name.
var settings = &language{
	listens: lazy(`\bserver\.port\s*[=:]\s*(\d+)|"Url"\s*:\s*"http://[^":]*:(\d+)"`),
	broad:   lazy(`(?i)\bjdbc:(?:sqlite|h2:file)|\blogging\.file\.(?:name|path)\b|\bspring\.servlet\.multipart\.location\b|\b(?:Data Source|DataSource|Filename)=[^";]*\.(?:db|sqlite3?)`),
	neutral: lazy(memory),
	rules: []writeRule{
		{kind: WriteSQLite, re: lazy(`\bjdbc:(?:sqlite|h2:file):([^"'\s;?$]+)`), at: literal},
		{kind: WriteLog, re: lazy(`\blogging\.file\.name\s*=\s*([^\s$]+)`), at: literal},
		{kind: WriteSQLite, re: lazy(`(?i)\b(?:Data Source|DataSource|Filename)=([^";$]+)`), at: literal},
	},
}

// appenders: the files that Logback's and Log4j's configuration names
// (https://logback.qos.ch/manual/appenders.html#FileAppender,
// https://logging.apache.org/log4j/2.x/manual/appenders/file.html).
var appenders = &language{
	broad:   lazy(`<(?:file|File)>|\bfileName\s*=|\bfileName:|<fileNamePattern>|\bappender\.\w+\.(?:File|fileName)\s*[=:]|name="[Ff]ile"\s+value=`),
	neutral: lazy(`(?:<(?:file|File)>\s*|\bfileName\s*=\s*"|\.(?:File|fileName)\s*[=:]\s*)/dev/`),
	rules: []writeRule{
		{kind: WriteLog, re: lazy(`<[Ff]ile>\s*([^<$\s]+)\s*</|\bfileName\s*=\s*"([^"$]+)"|<fileNamePattern>\s*([^<$%\s]+/)[^</]*</|\bappender\.\w+\.(?:File|fileName)\s*[=:]\s*([^\s$]+)|name="[Ff]ile"\s+value="([^"$]+)"`), at: literal},
	},
}

// schema: Prisma's; its paths are relative to a folder that its version decides.
var schema = &language{broad: lazy(`sqlite`)}

// Languages of which only that they write is known, not where.
var (
	native  = &language{broad: lazy(`\bfopen\s*\([^)\n]*,\s*"(w|a|r\+|rb\+)|\bofstream\b|\bfstream\b|\bcreat\(|\bO_CREAT\b|\bmkdir\(|\bsqlite3_open|\bcreate_director|\brename\(|\bSQLite\b`)}
	jvm     = &language{broad: lazy(`\bFileWriter\b|FileOutputStream|\bPrintWriter\b|\bFiles\.(write|create|copy)|\bmkdirs?\b|\bos\.write\b|\(spit\b|io/writer|sqlite|h2:file|\.createDirector|\bTomcat\(\)|\(Tomcat\.\)`)}
	beam    = &language{broad: lazy(`\bFile\.(write|open|mkdir|cp|touch|stream|rename)|[Ss][Qq][Ll]ite|:dets\b|\bfile:(write_file|open)|\bMnesia\b|:mnesia\b`)}
	haskell = &language{broad: lazy(`\b(writeFile|appendFile|openFile|withFile|createDirectory\w*)\b|[Ss]qlite`)}
	scripts = &language{broad: lazy(`\bio\.open\([^)\n]*["'][wa]|\bopen\b[^;\n]*["']\+?>|\bmkdir\b|[Ss][Qq][Ll]ite`)}
	mobile  = &language{broad: lazy(`\bFileManager\b|\bwrite\(to|\bwriteAs|\bFile\([^)\n]*\)\.(create|open)|\bDirectory\([^)\n]*\)\.create|[Ss][Qq][Ll]ite`)}
)

// writersOf is the language of a file, nil for one that writes nothing.
func writersOf(f string) *language {
	switch ext := path.Ext(f); ext {
	case ".py":
		return python
	case ".js", ".ts", ".mjs", ".cjs", ".jsx", ".tsx", ".mts", ".cts":
		return javascript
	case ".go":
		return golang
	case ".rb", ".php", ".java", ".kt", ".rs", ".cs":
		return others
	case ".fs", ".vb":
		return others
	case ".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp":
		return cLanguage
	case ".zig", ".nim":
		return native
	case ".scala", ".groovy", ".clj":
		return jvm
	case ".ex", ".exs", ".erl":
		return beam
	case ".hs":
		return haskell
	case ".lua", ".pl", ".pm":
		return scripts
	case ".swift", ".dart":
		return mobile
	case ".properties", ".xml":
		base := path.Base(f)
		if strings.HasPrefix(base, "log4j") || strings.HasPrefix(base, "logback") {
			return appenders
		}
		if ext == ".properties" {
			return settings
		}
	case ".prisma":
		return schema
	case ".json":
		if m, _ := path.Match("appsettings*.json", path.Base(f)); m {
			return settings
		}
	case ".yml", ".yaml":
		if m, _ := path.Match("application*.y*ml", path.Base(f)); m {
			return settings
		}
	}
	return nil
}
