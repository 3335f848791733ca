package repo

import "strings"

// Modules that do not work, or do not build, without cgo, by the prefix of
// their import paths. The list is short and not complete: the exact answer is
// "go list -deps -f '{{if and .CgoFiles (not .Standard)}}{{.ImportPath}}{{end}}'"
// in the builder. Each entry's source is the module's README at
// https://pkg.go.dev/PATH.
var cgoModules = map[string]string{
	"github.com/mattn/go-sqlite3":                    "it compiles SQLite's C source, and without cgo opens no database",
	"gorm.io/driver/sqlite":                          "it uses github.com/mattn/go-sqlite3",
	"github.com/jinzhu/gorm/dialects/sqlite":         "it uses github.com/mattn/go-sqlite3",
	"github.com/mutecomm/go-sqlcipher":               "it compiles SQLCipher's C source",
	"github.com/tursodatabase/go-libsql":             "it links libsql",
	"github.com/asg017/sqlite-vec-go-bindings/cgo":   "it compiles C source",
	"github.com/confluentinc/confluent-kafka-go":     "it links librdkafka",
	"gopkg.in/confluentinc/confluent-kafka-go.v1":    "it links librdkafka",
	"github.com/godror/godror":                       "it compiles ODPI-C for Oracle",
	"github.com/mattn/go-oci8":                       "it links Oracle's OCI",
	"github.com/ibmdb/go_ibm_db":                     "it links IBM's CLI driver",
	"github.com/alexbrainman/odbc":                   "it links unixODBC",
	"github.com/marcboeker/go-duckdb":                "it links DuckDB",
	"github.com/duckdb/duckdb-go":                    "it links DuckDB",
	"github.com/linxGnu/grocksdb":                    "it links RocksDB",
	"github.com/tecbot/gorocksdb":                    "it links RocksDB",
	"github.com/apple/foundationdb/bindings/go":      "it links libfdb_c",
	"github.com/pganalyze/pg_query_go":               "it compiles PostgreSQL's parser",
	"github.com/h2non/bimg":                          "it links libvips",
	"github.com/davidbyttow/govips":                  "it links libvips",
	"gopkg.in/gographics/imagick.v2":                 "it links ImageMagick",
	"gopkg.in/gographics/imagick.v3":                 "it links ImageMagick",
	"github.com/chai2010/webp":                       "it compiles libwebp",
	"github.com/kolesa-team/go-webp":                 "it links libwebp",
	"github.com/otiai10/gosseract":                   "it links tesseract",
	"gocv.io/x/gocv":                                 "it links OpenCV",
	"github.com/tensorflow/tensorflow/tensorflow/go": "it links TensorFlow",
	"github.com/yalue/onnxruntime_go":                "it loads ONNX Runtime",
	"github.com/NVIDIA/go-nvml":                      "it loads NVIDIA's NVML",
	"github.com/libgit2/git2go":                      "it links libgit2",
	"github.com/pebbe/zmq4":                          "it links ZeroMQ",
	"github.com/zeromq/goczmq":                       "it links CZMQ",
	"github.com/google/gopacket/pcap":                "it links libpcap",
	"github.com/gopacket/gopacket/pcap":              "it links libpcap",
	"github.com/miekg/pkcs11":                        "it loads PKCS #11 modules",
	"github.com/ThalesIgnite/crypto11":               "it uses github.com/miekg/pkcs11",
	"github.com/ThalesGroup/crypto11":                "it uses github.com/miekg/pkcs11",
	"github.com/msteinert/pam":                       "it links PAM",
	"github.com/seccomp/libseccomp-golang":           "it links libseccomp",
	"github.com/coreos/go-systemd/sdjournal":         "it loads libsystemd",
	"github.com/coreos/go-systemd/v22/sdjournal":     "it loads libsystemd",
	"github.com/google/gousb":                        "it links libusb",
	"github.com/DataDog/zstd":                        "it compiles zstd's C source",
	"github.com/valyala/gozstd":                      "it links zstd",
	"github.com/spacemonkeygo/openssl":               "it links OpenSSL",
	"rogchap.com/v8go":                               "it links V8",
	"github.com/bytecodealliance/wasmtime-go":        "it links Wasmtime",
	"github.com/wasmerio/wasmer-go":                  "it links Wasmer",
	"github.com/smacker/go-tree-sitter":              "it compiles tree-sitter",
	"github.com/tree-sitter/go-tree-sitter":          "it compiles tree-sitter",
	"github.com/supranational/blst":                  "it compiles C and assembly",
	"github.com/go-gl/gl":                            "it links OpenGL",
	"github.com/go-gl/glfw":                          "it compiles GLFW",
	"github.com/veandco/go-sdl2":                     "it links SDL2",
	"fyne.io/fyne":                                   "it needs OpenGL through cgo",
}

// Modules whose purpose is to start other programs.
var execModules = map[string]bool{
	"github.com/bitfield/script": true, "github.com/go-cmd/cmd": true, "github.com/codeskyblue/go-sh": true,
	"github.com/creack/pty": true, "github.com/chromedp/chromedp": true, "github.com/go-rod/rod": true,
	"github.com/hashicorp/go-plugin": true, "github.com/SebastiaanKlippert/go-wkhtmltopdf": true,
	"github.com/u2takey/ffmpeg-go": true, "mvdan.cc/sh/v3/interp": true, "github.com/playwright-community/playwright-go": true,
}

// needsCgo returns the table's entry for an import or module path, "" if none.
func needsCgo(imported string) (module, why string) {
	for at := imported; at != ""; at = upTo(at) {
		if why, ok := cgoModules[at]; ok {
			return at, why
		}
	}
	return "", ""
}

func runsPrograms(imported string) string {
	for at := imported; at != ""; at = upTo(at) {
		if execModules[at] {
			return at
		}
	}
	return ""
}

// upTo drops the last path element.
func upTo(p string) string { return p[:max(0, strings.LastIndexByte(p, '/'))] }

// pathArgs tells which arguments of a call are paths that it reads; -1 stands
// for all of them.
type pathArgs []int

var allArgs = pathArgs{-1}

// fileFuncs are functions by import path and name. Only reading counts: what a
// program writes needs nothing from the context.
var fileFuncs = map[string]map[string]pathArgs{
	"os":            {"Open": {0}, "OpenFile": {0}, "ReadFile": {0}, "ReadDir": {0}, "DirFS": {0}, "OpenRoot": {0}, "OpenInRoot": {0, 1}, "Chdir": nil},
	"io/ioutil":     {"ReadFile": {0}, "ReadDir": {0}},
	"path/filepath": {"Walk": {0}, "WalkDir": {0}, "Glob": {0}},
	"net/http":      {"Dir": {0}, "ServeFile": {2}, "ListenAndServeTLS": {1, 2}, "ServeTLS": {2, 3}},
	"crypto/tls":    {"LoadX509KeyPair": {0, 1}},
	"html/template": {"ParseFiles": allArgs, "ParseGlob": {0}},
	"text/template": {"ParseFiles": allArgs, "ParseGlob": {0}},

	"github.com/spf13/viper":                {"ReadInConfig": nil, "MergeInConfig": nil, "SetConfigFile": {0}},
	"github.com/BurntSushi/toml":            {"DecodeFile": {0}},
	"github.com/pelletier/go-toml":          {"LoadFile": {0}},
	"github.com/ilyakaznacheev/cleanenv":    {"ReadConfig": {0}},
	"github.com/knadh/koanf/providers/file": {"Provider": {0}},
	"gopkg.in/ini.v1":                       {"Load": allArgs, "LooseLoad": allArgs},
	"github.com/joho/godotenv":              {"Load": allArgs, "Overload": allArgs, "Read": allArgs},
	"github.com/golang-migrate/migrate/v4":  {"New": {0}, "NewWithDatabaseInstance": {0}},
	"github.com/pressly/goose/v3":           {"Up": {1}, "UpTo": {1}, "UpContext": {2}, "Status": {1}},
	"github.com/gofiber/template/html/v2":   {"New": {0}},
	"github.com/gofiber/template/html":      {"New": {0}},
	"github.com/oschwald/geoip2-golang":     {"Open": {0}},
	"github.com/oschwald/maxminddb-golang":  {"Open": {0}},
	"github.com/nicksnyder/go-i18n/v2/i18n": {"LoadMessageFile": {0}, "MustLoadMessageFile": {0}},
	"github.com/xeipuuv/gojsonschema":       {"NewReferenceLoader": {0}},
	"github.com/casbin/casbin/v2":           {"NewEnforcer": allArgs},
	"github.com/flosch/pongo2/v6":           {"FromFile": {0}, "NewLocalFileSystemLoader": {0}, "MustNewLocalFileSystemLoader": {0}},
}

// fileMethods are methods by name alone, whatever they are called on.
var fileMethods = map[string]pathArgs{
	"ParseFiles": allArgs, "ParseGlob": {0}, "LoadHTMLGlob": {0}, "LoadHTMLFiles": allArgs,
	"ReadInConfig": nil, "MergeInConfig": nil, "SetConfigFile": {0},
	"ListenAndServeTLS": allArgs, "ServeTLS": {1, 2}, "ListenTLS": allArgs, "StartTLS": allArgs, "RunTLS": allArgs,
	"LoadMessageFile": {0}, "MustLoadMessageFile": {0},
}

// webMethods are methods of web frameworks, counted where one is imported; the
// last argument is the path.
var webMethods = map[string]bool{
	"Static": true, "StaticFile": true, "File": true, "FileAttachment": true, "Attachment": true,
	"Inline": true, "SendFile": true, "Download": true, "HandleDir": true, "ServeFile": true, "SetStaticPath": true,
}

var webFrameworks = []string{
	"github.com/gin-gonic/gin", "github.com/labstack/echo", "github.com/gofiber/fiber",
	"github.com/kataras/iris", "github.com/beego/beego", "github.com/astaxie/beego", "github.com/gobuffalo/buffalo",
}
