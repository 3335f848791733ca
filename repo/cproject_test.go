package repo

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func cRepo(files map[string]string) *Repo {
	fsys := fstest.MapFS{}
	for n, s := range files {
		fsys[n] = &fstest.MapFile{Data: []byte(s)}
	}
	return Load(fsys)
}

func TestMakefile(t *testing.T) {
	for _, c := range []struct {
		name, src string
		goals     []string
		set       map[string]string
		want      string // commands that write -o, or the reason
	}{
		{"the first rule", "CC = gcc\nBIN := bin/tide\n\n$(BIN): main.o tide.o\n\t@$(CC) $(CFLAGS) -o $@ $^\n\n%.o: %.c\n\t$(CC) -c $<\n", nil, nil, "gcc  -o bin/tide main.o tide.o"},
		{"all, over two rules", ".PHONY: all\nall: a b\na: a.c\n\tcc -o a a.c\nb: b.c\n\tcc -o $@ \\\n\t  b.c\n", nil, nil, "cc -o a a.c\ncc -o b  b.c"},
		{"install with a prefix of the command line", "PREFIX ?= /usr/local\nbuoy: buoy.c\n\t$(CC) $< -o $@\ninstall: buoy\n\tinstall -Dm755 buoy $(DESTDIR)$(PREFIX)/bin/buoy\n", []string{"install"}, map[string]string{"PREFIX": "/opt/x"},
			"cc buoy.c -o buoy\ninstall -Dm755 buoy /opt/x/bin/buoy"},
		{"make's own rule", "buoy: buoy.o chart.o\n", nil, nil, "cc  -o buoy buoy.o chart.o "},
		{"what only make computes", "OBJ := $(patsubst %.c,%.o,$(wildcard *.c))\nx: $(OBJ)\n\tcc -o $@ $(OBJ)\n", nil, nil, "cc -o x ${COMPUTED}"},
		{"a conditional", "ifeq ($(DEBUG),1)\nX=1\nendif\nx: x.c\n\tcc -o x x.c\n", nil, nil, "Makefile:1 has ifeq"},
		{"no such goal", "x: x.c\n\tcc -o x x.c\n", []string{"dist"}, nil, "Makefile has no rule for dist"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, why := cRepo(map[string]string{"Makefile": c.src}).Makefile(".", "").Commands(c.goals, c.set)
			var lines []string
			for _, o := range out {
				lines = append(lines, o.Text)
			}
			got := strings.Join(lines, "\n")
			if why != "" {
				got = why
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
	if cRepo(nil).Makefile("src", "") != nil {
		t.Error("there is no makefile")
	}
}

func TestCMake(t *testing.T) {
	c := cRepo(map[string]string{
		"CMakeLists.txt":     "cmake_minimum_required(VERSION 3.16)\nproject(berth CXX) # the name\nset(CMAKE_CXX_STANDARD 17)\nfind_package(CURL REQUIRED)\nadd_subdirectory(src)\ninstall(TARGETS berth RUNTIME DESTINATION bin)\n",
		"src/CMakeLists.txt": "add_library(core STATIC core.cpp)\nadd_executable(${PROJECT_NAME} \"main.cpp\")\ntarget_link_libraries(${PROJECT_NAME} PRIVATE core CURL::libcurl)\n",
	}).CMake(".")
	want := &CMake{Dir: ".", Programs: []CMakeProgram{{Target: "berth", Name: "berth", Out: "src", Install: []string{"bin"}}}, Finds: []string{"CURL"}, Links: []string{"berth", "PRIVATE", "core", "CURL::libcurl"}}
	if d := cmp.Diff(want, c); d != "" {
		t.Error(d)
	}
	for src, want := range map[string]string{
		"project(x)\nif(TESTS)\nadd_executable(t t.c)\nendif()\n":                                                         "CMakeLists.txt:3 makes a program that depends on a condition",
		"include(FetchContent)\nadd_executable(x x.c)\n":                                                                  "CMakeLists.txt:1 fetches other projects (FetchContent)",
		"add_executable(x x.c)\nset_target_properties(x PROPERTIES RUNTIME_OUTPUT_DIRECTORY out)\n":                       "CMakeLists.txt:2 sets where a program is written",
		"set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_SOURCE_DIR}/out)\nadd_executable(x x.c)\n":                            "CMakeLists.txt:2 is written to ${CMAKE_SOURCE_DIR}/out",
		"set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/out)\nadd_executable(x x.c)\nadd_library(y SHARED y.c)\n": "shared CMakeLists.txt:3, out out",
	} {
		c := cRepo(map[string]string{"CMakeLists.txt": src}).CMake(".")
		got := c.Unknown
		if c.Shared != "" {
			got = "shared " + c.Shared + ", out " + c.Programs[0].Out
		}
		if got != want {
			t.Errorf("%q: %q, want %q", src, got, want)
		}
	}
}

func TestCSources(t *testing.T) {
	c := cRepo(map[string]string{
		"main.cpp": "#include \"local.h\"\n// fopen(x)\nint main(int n, char **v) {\n  std::ifstream in(\"data/tides.txt\"); /* system(\"x\") */\n  std::ofstream log{\"/tmp/log\"};\n  in.open(v[1]);\n  popen(\"gzip -d\", \"r\");\n  char q = '\"'; puts(R\"(a \"b\")\");\n}\n",
		"t.h":      "void open(const char *p);\n",
	}).CSources("Dockerfile")
	want := &CSource{Strings: []string{"data/tides.txt", "/tmp/log", "gzip -d", "r", `a "b"`}, Computed: "main.cpp:6", Starts: []CStart{{"main.cpp:7", "gzip"}}, Image: "main.cpp:5 names /tmp/log"}
	if d := cmp.Diff(want, c); d != "" {
		t.Error(d)
	}
}
