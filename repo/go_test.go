package repo

import (
	"strings"
	"testing"
)

func TestGo(t *testing.T) {
	g := load("svc/go.mod", "module example.com/x/v2 // c\r\n\r\ngo 1.22.3\r\ntoolchain go1.22.5\r\nrequire a.b/c v1.0.0\r\nreplace (\r\n a.b/c => ../lib\r\n d.e/f => d.e/g v1.0.0\r\n h.i/j => ./k\r\n)\r\n",
		"svc/go.sum", "", "svc/vendor/modules.txt", "", "go.work", "").Go("svc")
	if g == nil || g.Err != nil || g.Module != "example.com/x/v2" || g.GoVersion != "1.22.3" || g.Toolchain != "go1.22.5" || !g.Sum || !g.Vendor || !g.Work {
		t.Fatalf("%+v", g)
	}
	equal(t, "replaces", g.LocalReplaces, []string{"lib", "svc/k"})
	for _, bad := range []string{"", "modul x", "module", "module x\nmodule y", "\xff\xfe", "module x\nrequire ("} {
		if g := load("go.mod", bad).Go("."); g == nil || g.Err == nil {
			t.Errorf("%q must be an error", bad)
		} else if p := g.Package("."); p.Unknown == "" {
			t.Errorf("%q: the closure cannot be known", bad)
		}
	}
	if g := load("go.mod", "module x\nfuture directive\n").Go("."); g.Err == nil || g.Module != "x" {
		t.Error("an unknown directive is an error that keeps the module's name")
	}
	if load().Go(".") != nil || load().Go("../x") != nil {
		t.Error("no go.mod, no facts")
	}
}

const cmd = "package main\nfunc main() {}\n"

func TestMains(t *testing.T) {
	g := load("go.mod", "module m", "main.go", cmd, "cmd/a/a.go", cmd, "cmd/b/b.go", "package main\n", "cmd/b/b_test.go", cmd,
		"lib/l.go", "package lib\nfunc main() {}\n", "gen/g.go", "//go:build ignore\n\n"+cmd, "win/x_windows.go", cmd,
		"lin/x_linux.go", cmd, "tag/x.go", "// Copyright\n\n//go:build foo && !windows\n\n"+cmd, "mac/x.go", "// +build darwin\n\n"+cmd,
		"testdata/x.go", cmd, "_old/x.go", cmd, ".hid/x.go", cmd, "vendor/v/x.go", cmd, "nested/go.mod", "module n", "nested/x.go", cmd,
		"broken/x.go", "package main\nfunc main( {", "method/x.go", "package main\ntype T int\nfunc (T) main() {}\n").Go(".")
	equal(t, "mains", g.Mains(), []string{".", "cmd/a", "lin", "tag"})
	g = load("a/go.mod", "module m", "a/b/x.go", cmd, "ab/x.go", cmd, "x.go", cmd).Go("a")
	equal(t, "in a folder", g.Mains(), []string{"a/b"})
}

func TestLinuxFile(t *testing.T) {
	for src, want := range map[string]bool{
		"package x": true, "//go:build linux\npackage x": true, "//go:build !linux\npackage x": false, "//go:build !unix\npackage x": false,
		"//go:build windows || arm64\npackage x": true, "//go:build windows && arm64\npackage x": false, "//go:build !cgo\npackage x": true,
		"/* a\n b */\n//go:build darwin\npackage x": false, "package x\n//go:build darwin": true, "//go:build (((\npackage x": true,
		"// +build windows linux\n// +build !linux\n\npackage x": false, "//go:build !go1.20\npackage x": true,
	} {
		if got := linuxFile("a.go", []byte(src)); got != want {
			t.Errorf("%q: %v", src, got)
		}
	}
	for name, want := range map[string]bool{"a_windows.go": false, "a_linux_arm64.go": true, "a_arm64.go": true, "a_darwin_arm64.go": false, "windows.go": true, "a_js_wasm.go": false, "_a.go": false} {
		if got := linuxFile("d/"+name, []byte("package x")); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// program makes a module of one command with the given imports and body.
func program(imports, body string, more ...string) *GoPackage {
	pairs := append([]string{"go.mod", "module m\ngo 1.22\n", "main.go", "package main\n" + imports + "\nfunc main() {\n" + body + "\n}\n"}, more...)
	return load(pairs...).Go(".").Package(".")
}

func TestPackageClosure(t *testing.T) {
	r := load("svc/go.mod", "module m\ngo 1.22\nreplace l.x/lib => ../lib\n",
		"svc/cmd/a/main.go", "package main\nimport (\n\"fmt\"\n\"m/in\"\n\"l.x/lib/sub\"\n\"gh.com/z\"\n)\nfunc main(){fmt.Println(in.X, sub.Y, z.Z)}",
		"svc/in/in.go", "package in\nimport \"m/deep\"\n", "svc/in/in_test.go", "package in\nimport \"C\"\n", "svc/in/x_windows.go", "package in\nimport \"C\"\n",
		"svc/deep/d.go", "package deep\n", "svc/unused/u.go", "package unused\nimport \"C\"\n",
		"lib/go.mod", "module l.x/lib\n", "lib/sub/s.go", "package sub\n")
	p := r.Go("svc").Package("./svc/cmd/a")
	equal(t, "files", p.Files, []string{"lib/sub/s.go", "svc/cmd/a/main.go", "svc/deep/d.go", "svc/in/in.go"})
	equal(t, "imports", p.Imports, []string{"fmt", "gh.com/z"})
	if p.Unknown != "" || p.Cgo || p.Name != "main" || !p.HTTP {
		t.Errorf("%+v", p)
	}
	for why, p := range map[string]*GoPackage{
		"gen has no Go source in the build context: it may be generated":   program(`import _ "m/gen"`, ""),
		"x.go cannot be parsed: x.go:1:1: expected 'package', found 'EOF'": program("", "", "x.go", ""),
		"none has no Go source in the build context: it may be generated":  load("go.mod", "module m\ngo 1.22\n").Go(".").Package("none"),
		"../x is not in the build context":                                 load("go.mod", "module m\ngo 1.22\n").Go(".").Package("../x"),
		"main.go:1 imports l/x, which is outside the build context":        load("go.mod", "module m\nreplace l => ../l\n", "main.go", "package main; import _ \"l/x\"").Go(".").Package("."),
		"go.work uses ./gone, which is not in the build context":           program("", "", "go.work", "go 1.22\nuse ./gone\n"),
	} {
		equal(t, "unknown", p.Unknown, why)
	}
	p = load("go.work", "go 1.22\nuse (\n ./a\n ./b\n)\n", "a/go.mod", "module a.x/a\ngo 1.22\n", "a/a.go", "package main\nimport _ \"b.x/b\"\nfunc main(){}", "b/go.mod", "module b.x/b\n", "b/b.go", "package b\nimport \"C\"\n").Go("a").Package("a")
	equal(t, "workspace", p.CgoWhy, `b/b.go:2 imports "C"`)
	p = program(`import _ "m/nested/x"`, "", "nested/go.mod", "module m/nested\n", "nested/x/x.go", "package x")
	equal(t, "a nested module is another module", p.Files, []string{"main.go"})
}

func TestCgo(t *testing.T) {
	equal(t, "import", program(`import _ "github.com/mattn/go-sqlite3"`, "").CgoWhy,
		"main.go:2 imports github.com/mattn/go-sqlite3, which needs cgo: it compiles SQLite's C source, and without cgo opens no database")
	equal(t, "subpackage", program(`import _ "github.com/confluentinc/confluent-kafka-go/v2/kafka"`, "").Cgo, true)
	equal(t, "another name", program(`import _ "github.com/mattn/go-sqlite3x"`, "").Cgo, false)
	p := load("go.mod", "module m\ngo 1.22\nrequire github.com/mattn/go-sqlite3 v1.0.0 // indirect\n", "main.go", cmd).Go(".").Package(".")
	equal(t, "required", p.CgoWhy, "go.mod requires github.com/mattn/go-sqlite3, which needs cgo: it compiles SQLite's C source, and without cgo opens no database")
	sum := "github.com/mattn/go-sqlite3 v1.0.0 h1:x\n"
	equal(t, "old go.mod, source in go.sum", load("go.mod", "module m\ngo 1.13\n", "go.sum", sum, "main.go", cmd).Go(".").Package(".").Cgo, true)
	equal(t, "only its go.mod in go.sum", load("go.mod", "module m\n", "go.sum", strings.Replace(sum, " h1", "/go.mod h1", 1), "main.go", cmd).Go(".").Package(".").Cgo, false)
	equal(t, "new go.mod", load("go.mod", "module m\ngo 1.17\n", "go.sum", sum, "main.go", cmd).Go(".").Package(".").Cgo, false)
	equal(t, "behind a tag", program("", "", "x.go", "//go:build cgo\n\npackage main\nimport \"C\"\n").CgoWhy, `x.go:4 imports "C"`)
}

func TestReads(t *testing.T) {
	tree := []string{"templates/a.html", "", "templates/b/c.html", "", "static/x.css", "", "config.yaml", "", "api/api.go", "package api", "migrations/1.sql", "", "web/dist/i.js", "", "data.json", "", "cmd/x/seed.json", ""}
	for _, c := range []struct{ imports, body, reads, missing, computed string }{
		{`import "html/template"`, `template.ParseGlob("templates/*.html")`, "templates", "", ""},
		{`import t "html/template"`, `t.New("x").ParseFiles("templates/a.html", "./templates/b/c.html")`, "templates/a.html templates/b/c.html", "", ""},
		{`import "net/http"`, `http.Handle("/", http.FileServer(http.Dir("./static")))`, "static", "", ""},
		{`import "net/http"`, `http.FileServer(http.Dir("."))`, "", "", "main.go:4"},
		{`import "os"`, `os.Open("/app/config.yaml")`, "config.yaml", "", ""},
		{`import "os"`, `os.Open("/etc/hosts"); os.ReadFile("/proc/self/" + x)`, "", "", ""},
		{`import "os"`, `os.ReadFile("gone.txt")`, "", "gone.txt", ""},
		{`import "os"`, `os.ReadFile(path)`, "", "", "main.go:4"},
		{`import "os"`, "\nos.ReadFile(os.Args[1])", "", "", "main.go:5"},
		{`import "os"`, `os.ReadFile("templates/" + name)`, "templates", "", ""},
		{`import "os"`, `os.ReadFile("/srv/" + name)`, "", "", "main.go:4"},
		{`import ("os"; "path/filepath")`, `os.ReadFile(filepath.Join("web", "dist", name))`, "web/dist", "", ""},
		{`import ("os"; "fmt")`, `os.ReadFile(fmt.Sprintf("static/%s.css", n))`, "static", "", ""},
		{`import "os"`, `const dir = "migrations"; os.ReadDir(dir)`, "migrations", "", ""},
		{`import "os"`, `const dir = "migrations"; func(dir string) { os.ReadDir(dir) }("x")`, "migrations", "", "main.go:4"},
		{`import "os"`, `f := os.ReadFile; f(x)`, "", "", "main.go:4"},
		{`import "os"`, `os.WriteFile(x, nil, 0); os.Create(y)`, "", "", ""},
		{`import "m/db"`, `db.New("file://migrations")`, "migrations", "", ""},
		{``, `x := "api"; y := "main.go"; z := "."; w := "config"`, "", "", ""},
		{``, `type T struct { A int "data.json" }`, "", "", ""},
		{`import "io/fs"`, `fs.ReadFile(f, "data.json"); t.ParseFS(f, "templates/*")`, "", "", ""},
		{`import ("io/fs"; "os")`, `fs.WalkDir(os.DirFS("static"), ".", nil)`, "static", "", ""},
		{`import "github.com/spf13/viper"`, `viper.AddConfigPath("."); viper.ReadInConfig()`, "", "", "main.go:4"},
		{`import "github.com/gin-gonic/gin"`, `r.Static("/assets", "./static"); r.StaticFile("/i", p)`, "static", "", "main.go:4"},
		{``, `r.Static(a, b)`, "", "", ""},
		{`import . "os"`, `ReadFile(x)`, "", "", "main.go:2"},
		{`import "text/template"`, `template.ParseFiles([]string{"data.json"}...)`, "data.json", "", ""},
		{`import "text/template"`, `template.ParseFiles(list...)`, "", "", "main.go:4"},
		{``, `x := "../../config.yaml"`, "", "", ""},
	} {
		p := program(c.imports, c.body, append(tree, "db/db.go", "package db")...)
		if strings.Join(p.Reads, " ") != c.reads || strings.Join(p.Missing, " ") != c.missing || p.Computed != c.computed || p.Unknown != "" {
			t.Errorf("%s\n reads %v, missing %v, computed %q, unknown %q", c.body, p.Reads, p.Missing, p.Computed, p.Unknown)
		}
	}
	p := load("go.mod", "module m", "config.yaml", "", "cmd/x/seed.json", "", "cmd/x/x.go", "package main\nfunc main() { a(\"../../config.yaml\", \"seed.json\") }").Go(".").Package("cmd/x")
	equal(t, "relative to the package", p.Reads, []string{"cmd/x/seed.json", "config.yaml"})
	p = program(`import "github.com/joho/godotenv"`, "godotenv.Load()", ".env", "A=1")
	equal(t, ".env", p.Reads, []string{".env"})
}

func TestEmbedsAndTheRest(t *testing.T) {
	p := load("go.mod", "module m\ngo 1.22\n", "web/w.go", "package main\nimport (\n\"embed\"\n\"os/exec\"\n\"time\"\n\"os\"\n\"os/user\"\n\"net/http\"\n)\n//go:embed a/*.html \"b c\" all:d\nvar f embed.FS\n"+
		"func main() { f.ReadFile(\"data.json\"); exec.Command(\"x\"); time.LoadLocation(\"UTC\"); os.CreateTemp(\"\", \"\") }", "data.json", "").Go(".").Package("web")
	equal(t, "embeds", p.Embeds, []string{"web/a/*.html", "web/b c", "web/d"})
	equal(t, "reads", p.Reads, []string(nil))
	if p.Execs != "web/w.go:4" || !p.TZ || !p.Temp || !p.OSUser || !p.HTTP || p.Computed != "" {
		t.Errorf("%+v", p)
	}
	if p := program(`import ("time"; _ "time/tzdata")`, `time.LoadLocation("UTC")`); p.TZ || p.HTTP {
		t.Error("time/tzdata brings its own zones")
	}
	equal(t, "exec", program(`import "syscall"`, `syscall.Exec(a, b, c)`).Execs, "main.go:4")
}

func TestStartsItself(t *testing.T) {
	const imports = "import (\"os\"; \"os/exec\")"
	for body, starts := range map[string]string{
		`exec.Command(os.Args[0], append(os.Args[1:], "-child")...)`:            "",
		`exec.Command("/proc/self/exe", "init")`:                                "",
		`self, err := os.Executable(); exec.Command(self, "-child")`:            "",
		`exec.Command(os.Args[1])`:                                              "main.go:4",
		`self, err := os.Executable(); self = os.Args[1]; exec.Command(self)`:   "main.go:4",
		`self, err := os.Executable(); change(&self); exec.Command(self, "-x")`: "main.go:4",
		`err, self := os.Executable(); exec.Command(self)`:                      "main.go:4",
	} {
		if p := program(imports, body); p.StartsAny != starts || len(p.Starts) > 0 {
			t.Errorf("%s: starts %v and any at %q, want %q", body, p.Starts, p.StartsAny, starts)
		}
	}
}
