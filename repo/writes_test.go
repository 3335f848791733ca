package repo

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

func TestWriteSigns(t *testing.T) {
	for _, c := range []struct{ file, src, want string }{
		{"app.py", "import sqlite3\nDATABASE = \"log.db\"\nsqlite3.connect(DATABASE)\n", "3 sqlite log.db"},
		{"app.py", "import sqlite3\nsqlite3.connect(config.path)\n", "2 sqlite ?"},
		{"app.py", "import sqlite3\n", "1 sqlite ?"},
		{"app.py", "import sqlite3\ndef f(DB): return sqlite3.connect(DB)\nDB = 'x.db'\n", "2 sqlite ?"},
		{"app.py", "import sqlite3\nsqlite3.connect(':memory:')\n", ""},
		{"web/app.py", "import os, sqlite3\nBASE = os.path.dirname(os.path.abspath(__file__))\nsqlite3.connect(os.path.join(BASE, 'data', 'x.db'))\n", "3 sqlite context:web/data/x.db"},
		{"site/settings.py", "from pathlib import Path\nBASE_DIR = Path(__file__).resolve().parent.parent\nDATABASES = {'default': {\n  'ENGINE': 'django.db.backends.sqlite3',\n  'NAME': BASE_DIR / 'db.sqlite3',\n}}\nMEDIA_ROOT = BASE_DIR / 'media'\n", "4 sqlite context:db.sqlite3; 7 upload context:media dir"},
		{"app.py", "app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///x.db'\n", "1 sqlite context:x.db"},
		{"app.py", "app.config['SQLALCHEMY_DATABASE_URI'] = f'sqlite:///{p}'\n", "1 sqlite ?"},
		{"app.py", "engine = create_engine('sqlite:////data/x.db')\n", "1 sqlite /data/x.db"},
		{"app.py", "app.config['UPLOAD_FOLDER'] = 'uploads'\nos.makedirs(app.config['UPLOAD_FOLDER'], exist_ok=True)\n", "1 upload uploads dir; 2 folder uploads dir"},
		{"app.py", "UPLOAD_FOLDER = 'uploads'\nos.makedirs(UPLOAD_FOLDER, exist_ok=True)\nx.save(os.path.join(UPLOAD_FOLDER, n))\n", "1 upload uploads dir; 2 folder uploads dir"},
		{"app.py", "os.makedirs('a/b', exist_ok=True)\nos.mkdir('c')\nif not os.path.exists('d'):\n    os.mkdir('d')\n", "1 folder a/b dir; 2 folder c dir fresh; 4 folder d dir"},
		{"app.py", "logging.FileHandler('logs/x.log')\nopen('out.json', 'w')\nopen(f'{n}.json', 'w')\n", "1 log logs/x.log; 2 file out.json; 3 file ?"},
		{"app.py", "# sqlite\nopen('/tmp/x', 'w')\nopen('x')\n", ""},
		{"app.py", "Path('data').mkdir(exist_ok=True)\n(Path('data') / n).write_text('x')\n", "1 folder data dir; 2 file ?"},
		{"types/express.d.ts", "import multer from 'multer'\nexport function f(p: multer.File): void\n", ""},
		{"eslint.config.mjs", "export default { files: ['vite.config.mts'] }\n", ""},
		{"app.js", "const multer = require('multer')\nconst upload = multer({ dest: 'uploads/' })\n", "2 upload uploads/ dir"},
		{"app.js", "const multer = require('multer')\nconst upload = multer({ storage: s })\n", "2 upload ?"},
		{"app.js", "const fs = require('fs')\nfs.writeFileSync(path.join(__dirname, 'x.json'), d)\nif (confirm('x')) form()\n", "2 file context:x.json"},
		{"app.js", "$('x').rm()\nmkdir('x')\n", ""},
		{"db.js", "const Database = require('better-sqlite3')\nconst db = new Database('data/x.db')\n", "1 sqlite data/x.db"},
		{"db.js", "const Database = require('better-sqlite3')\nconst db = new Database(process.env.DB)\n", "1 sqlite ?"},
		{"db.js", "module.exports = require('better-sqlite3')(p)\n", "1 sqlite ?"},
		{"db.js", "new Sequelize({ dialect: 'sqlite', storage: './x.db' })\n", "1 sqlite ./x.db"},
		{"db.js", "new Sequelize({ dialect: 'sqlite', storage: p })\n", "1 sqlite ?"},
		{"main.go", "import (\n\t_ \"github.com/mattn/go-sqlite3\"\n)\nfunc main() {\n\tsql.Open(\"sqlite3\", \"file:x.db?cache=shared\")\n\tos.MkdirAll(\"data\", 0o755)\n\tos.Create(name)\n}\n", "5 sqlite x.db; 6 folder data dir; 7 file ?"},
		{"main.go", "import (\n\t_ \"github.com/mattn/go-sqlite3\"\n)\n", "2 sqlite ?"},
		{"src/main.rs", "use std::fs::File;\nfn main() { File::create(\"x.txt\"); }\n", "2 file x.txt"},
		{"A.java", "import java.io.FileWriter;\nnew FileWriter(\"out.txt\");\n", "2 file out.txt"},
		{"application.properties", "spring.datasource.url=jdbc:h2:file:./data/x\nlogging.file.name=logs/a.log\n", "1 sqlite ./data/x; 2 log logs/a.log"},
		{"A.java", "Tomcat tomcat = new Tomcat();\ntomcat.setPort(8080);\n", "1 folder ?"},
		{"A.java", "Tomcat tomcat = new Tomcat();\ntomcat.setBaseDir(\"work\");\n", "1 folder work dir"},
		{"A.java", "Tomcat tomcat = new Tomcat();\ntomcat.setBaseDir(System.getProperty(\"java.io.tmpdir\"));\n", ""},
		{"A.kt", "val tomcat = Tomcat()\n", "1 folder ?"},
		{"src/main/resources/logback.xml", "<appender class=\"ch.qos.logback.core.FileAppender\">\n<file>logs/a.log</file>\n<file>${LOGS}/b.log</file>\n<file>/tmp/c.log</file>\n<file>/dev/stdout</file>\n", "2 log logs/a.log; 3 log ?"},
		{"src/main/resources/log4j2.xml", "<RollingFile name=\"f\" fileName=\"/var/log/a.log\" filePattern=\"x\">\n<File name=\"g\" fileName=\"${sys:d}/a.log\"/>\n", "1 log /var/log/a.log; 2 log ?"},
		{"src/main/resources/log4j.properties", "log4j.appender.f.File=out.log\n", "1 log out.log"},
		{"pom.xml", "<file>x.properties</file>\n", ""},
		{"P.cs", "using Microsoft.Data.Sqlite;\no.UseSqlite(\"Data Source=app.db\");\nDirectory.CreateDirectory(\"up\");\n", "2 sqlite app.db; 3 folder up dir"},
		{"P.cs", "o.UseSqlite(c);\n", "1 sqlite ?"},
		{"schema.prisma", "provider = \"sqlite\"\n", "1 sqlite ?"},
		{"main.cpp", "std::ofstream out(\"x\");\nfopen(\"x\", \"r\");\n", "1 file x"},
		{"lib/log.ex", "File.write(\"x\", y)\nFile.read(\"x\")\n", "1 file ?"},
		{"Main.scala", "new FileWriter(x)\n", "1 file ?"},
		{".github/x.py", "open('x', 'w')\n", ""},
	} {
		signs, why := Load(fstest.MapFS{c.file: {Data: []byte(c.src)}}).WriteSigns(SourceScan{Dockerfile: "Dockerfile"})
		var got []string
		for _, w := range signs {
			p := w.Path
			if p == "" {
				p = "?"
			}
			if w.InContext {
				p = "context:" + p
			}
			if w.Dir && w.Path != "" {
				p += " dir"
			}
			if w.Fresh {
				p += " fresh"
			}
			got = append(got, fmt.Sprintf("%d %s %s", w.Line, w.Kind, p))
		}
		if s := strings.Join(got, "; "); s != c.want || why != "" {
			t.Errorf("%s:\n%s got  %s %s\n want %s", c.file, c.src, s, why, c.want)
		}
	}
}

func TestLowPort(t *testing.T) {
	for file, srcs := range map[string][2]string{ // that don't, and that do
		"main.go":                {`http.ListenAndServe(":8080", nil); http.Get("http://x:80")`, `http.ListenAndServe(":80", nil)`},
		"app.py":                 {"app.run(host='0.0.0.0', port=8000)\nlog.run(1, 2)\n", "app.run(host='0.0.0.0', port=80)"},
		"app.js":                 {"app.listen(3000)\nconst port = process.env.PORT || 8080", "const port = process.env.PORT || 80"},
		"server.ts":              {"server.listen(PORT)", "server.listen({ port: 443 })"},
		"src/main.rs":            {`TcpListener::bind("0.0.0.0:8080")`, `TcpListener::bind("0.0.0.0:80")`},
		"application.properties": {"server.port=8080", "server.port=80"},
	} {
		for i, src := range srcs {
			got := Load(fstest.MapFS{file: {Data: []byte(src)}}).LowPort(SourceScan{Dockerfile: "Dockerfile"})
			if (got != "") != (i == 1) && !strings.Contains(src, "log.run") {
				t.Errorf("%s: %s: %q", file, src, got)
			}
		}
	}
}
