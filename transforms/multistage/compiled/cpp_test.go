package compiled_test

import (
	"strings"
	"testing"

	"drydock/transforms/multistage/splittest"
)

const (
	cMain   = "#include <stdio.h>\nint main(void) { return puts(\"Fl 5s\") < 0; }\n"
	cServer = "#include <stdio.h>\nint main(int n, char **v) { FILE *f = fopen(v[1], \"r\"); return !f; }\n"
	withGcc = "RUN apt-get update && apt-get install -y --no-install-recommends gcc make libc6-dev\n"
)

func TestCpp(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string // lines of the runtime stage
		not   string
	}{
		{"-o joined to the WORKDIR, on the slim image of the same tag", map[string]string{
			"Dockerfile": "FROM debian:12\n" + withGcc + "WORKDIR /app\nCOPY . .\nRUN gcc -o bin/buoy buoy.c\nCMD [\"./bin/buoy\"]\n", "buoy.c": cMain,
		}, []string{"FROM debian:12-slim", "WORKDIR /app", "COPY --from=builder /app/bin/buoy /app/bin/buoy"}, ""},
		{"without -o", map[string]string{
			"Dockerfile": "FROM ubuntu:22.04\n" + withGcc + "WORKDIR /app\nCOPY buoy.c .\nRUN gcc buoy.c\nCMD ./a.out\n", "buoy.c": cMain,
		}, []string{"FROM ubuntu:22.04\n", "COPY --from=builder /app/a.out /app/a.out"}, ""},
		{"the library behind a -dev package, by the release's name", map[string]string{
			"Dockerfile": "FROM ubuntu:24.04\nRUN apt-get update && apt-get install -y --no-install-recommends gcc libcurl4-openssl-dev\nCOPY buoy.c .\nRUN gcc -o /usr/bin/buoy buoy.c -lcurl\nCMD [\"buoy\"]\n", "buoy.c": cMain,
		}, []string{"libcurl4t64", "COPY --from=builder /usr/bin/buoy /usr/bin/buoy"}, "ca-certificates"},
		{"a library of the full image", map[string]string{
			"Dockerfile": "FROM buildpack-deps:bookworm\nCOPY buoy.c .\nRUN gcc -o /buoy buoy.c -lsqlite3 -lm\nCMD [\"/buoy\"]\n", "buoy.c": cMain,
		}, []string{"FROM debian:bookworm-slim", "libsqlite3-0"}, ""},
		{"a newer C++ library", map[string]string{
			"Dockerfile": "FROM gcc:14-bookworm\nWORKDIR /w\nCOPY buoy.cpp .\nRUN g++ -o /buoy buoy.cpp\nCMD [\"/buoy\"]\n", "buoy.cpp": cMain,
		}, []string{"FROM debian:bookworm-slim", "COPY --from=builder /usr/local/lib64/libstdc++.so.6 /usr/local/lib/libstdc++.so.6", "RUN ldconfig"}, ""},
		{"the release's own C++ library", map[string]string{
			"Dockerfile": "FROM gcc:12-bookworm\nWORKDIR /w\nCOPY buoy.cpp .\nRUN g++ -o /buoy buoy.cpp\nCMD [\"/buoy\"]\n", "buoy.cpp": cMain,
		}, []string{"FROM debian:bookworm-slim"}, "libstdc++"},
		{"Alpine", map[string]string{
			"Dockerfile": "FROM alpine:3.22\nRUN apk add --no-cache build-base sqlite-dev\nCOPY buoy.cpp .\nRUN g++ -o /buoy buoy.cpp -lsqlite3\nCMD [\"/buoy\"]\n", "buoy.cpp": cMain,
		}, []string{"FROM alpine:3.22", "apk add --no-cache libstdc++ sqlite-libs"}, ""},
		{"cd build && cmake .. && make", map[string]string{
			"Dockerfile":     "FROM debian:bookworm\nRUN apt-get update && apt-get install -y cmake g++\nCOPY . /src\nRUN cd /src && mkdir build && cd build && cmake .. && make\nCMD [\"/src/build/buoy\"]\n",
			"CMakeLists.txt": "project(buoy)\nadd_executable(buoy buoy.cpp)\nadd_executable(trial trial.cpp)\n", "buoy.cpp": cMain, "trial.cpp": cMain,
		}, []string{"COPY --from=builder /src/build/buoy /src/build/buoy"}, "trial"},
		{"distroless cc has OpenSSL", map[string]string{
			"Dockerfile": "FROM debian:bookworm\nRUN apt-get update && apt-get install -y g++ libssl-dev\nWORKDIR /w\nCOPY buoy.cpp .\nRUN g++ -o /buoy buoy.cpp -lssl -lcrypto\nCMD [\"/buoy\"]\n", "buoy.cpp": cMain, "POLICY": "distroless",
		}, []string{"FROM gcr.io/distroless/cc-debian12:nonroot"}, "libssl"},
		{"distroless lacks SQLite", map[string]string{
			"Dockerfile": "FROM debian:bookworm\nRUN apt-get update && apt-get install -y g++ libsqlite3-dev\nWORKDIR /w\nCOPY buoy.cpp .\nRUN g++ -o /buoy buoy.cpp -lsqlite3\nCMD [\"/buoy\"]\n", "buoy.cpp": cMain, "POLICY": "distroless",
		}, []string{"FROM debian:bookworm-slim", "libsqlite3-0"}, ""},
		{"distroless cc has no OpenSSL 1.1", map[string]string{
			"Dockerfile": "FROM debian:bullseye\nRUN apt-get update && apt-get install -y g++ libssl-dev\nWORKDIR /w\nCOPY buoy.cpp .\nRUN g++ -o /buoy buoy.cpp -lssl -lcrypto\nCMD [\"/buoy\"]\n", "buoy.cpp": cMain, "POLICY": "distroless",
		}, []string{"FROM debian:bullseye-slim", "libssl1.1"}, ""},
		{"nor what libcurl of Debian 11 is linked with", map[string]string{
			"Dockerfile": "FROM debian:bullseye\nRUN apt-get update && apt-get install -y g++ libcurl4-openssl-dev\nWORKDIR /w\nCOPY buoy.cpp .\nRUN g++ -o /buoy buoy.cpp -lcurl\nCMD [\"/buoy\"]\n", "buoy.cpp": cMain, "POLICY": "smallest",
		}, []string{"FROM debian:bullseye-slim", "libcurl4"}, ""},
		{"Ubuntu's libraries on distroless", map[string]string{
			"Dockerfile": "FROM ubuntu:22.04\nRUN apt-get update && apt-get install -y g++ libsqlite3-dev\nWORKDIR /w\nCOPY buoy.cpp .\nRUN g++ -o /buoy buoy.cpp -lsqlite3\nCMD [\"/buoy\"]\n", "buoy.cpp": cMain, "POLICY": "smallest",
		}, []string{"FROM gcr.io/distroless/cc-debian13:nonroot", "COPY --from=builder /libraries/ /usr/lib/"}, ""},
		{"a newer Ubuntu than Debian", map[string]string{
			"Dockerfile": "FROM ubuntu:26.04\nRUN apt-get update && apt-get install -y g++ libsqlite3-dev\nWORKDIR /w\nCOPY buoy.cpp .\nRUN g++ -o /buoy buoy.cpp -lsqlite3\nCMD [\"/buoy\"]\n", "buoy.cpp": cMain, "POLICY": "smallest",
		}, []string{"FROM ubuntu:26.04", "libsqlite3-0"}, ""},
		{"OpenMP", map[string]string{
			"Dockerfile": "FROM debian:bookworm\nRUN apt-get update && apt-get install -y gcc make libc6-dev\nWORKDIR /w\nCOPY . .\nRUN make -j4\nCMD [\"./buoy\"]\n", "buoy.c": cMain, "Makefile": "CFLAGS = -O2 -fopenmp\nbuoy: buoy.c\n\t$(CC) $(CFLAGS) -o $@ $<\n",
		}, []string{"libgomp1", "COPY --from=builder /w/buoy /w/buoy"}, ""},
		{"scratch", map[string]string{
			"Dockerfile": "FROM alpine:3.22\nRUN apk add --no-cache gcc musl-dev\nWORKDIR /w\nCOPY . .\nRUN gcc -static -o buoy buoy.c\nCMD [\"./buoy\"]\n", "buoy.c": cMain, "POLICY": "smallest",
		}, []string{"FROM scratch", "COPY --from=builder /w/buoy /w/buoy"}, ""},
		{"a static program that asks for host names", map[string]string{
			"Dockerfile": "FROM debian:bookworm\n" + withGcc + "WORKDIR /w\nCOPY . .\nRUN gcc -static -o buoy buoy.c\nCMD [\"./buoy\"]\n", "buoy.c": "int main(void) { return getaddrinfo(\"a\", 0, 0, 0); }",
		}, []string{"FROM debian:bookworm-slim"}, ""},
		{"all data where a computed path is opened", map[string]string{
			"Dockerfile": "FROM debian:bookworm\n" + withGcc + "WORKDIR /app\nCOPY . .\nRUN gcc -o buoy buoy.c\nENTRYPOINT [\"./buoy\"]\n", "buoy.c": cServer, "tides/a.txt": "a", "README.md": "", "Makefile": "",
		}, []string{"COPY --from=builder /app/tides /app/tides"}, "Makefile"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := splittest.Files(t, c.files)
			_, runtime, _ := strings.Cut(res.After, "\nFROM ")
			runtime = "FROM " + runtime
			for _, w := range c.want {
				if !strings.Contains(runtime, w) {
					t.Errorf("no %q in\n%s\n%s", w, res.After, splittest.Reasons(res))
				}
			}
			if c.not != "" && strings.Contains(runtime, c.not) {
				t.Errorf("%q in\n%s", c.not, res.After)
			}
		})
	}
}

func TestCppDeclines(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"gcc's release":      {map[string]string{"Dockerfile": "FROM gcc:10\nCOPY buoy.c .\nRUN gcc -o /buoy buoy.c\nCMD [\"/buoy\"]\n", "buoy.c": cMain}, "a Debian release that its tag doesn't name"},
		"source of nowhere":  {map[string]string{"Dockerfile": "FROM debian:bookworm\n" + withGcc + "COPY buoy.c .\nRUN gcc -o /buoy buoy.c log.c\nCMD [\"/buoy\"]\n", "buoy.c": cMain}, "log.c isn't in the build context"},
		"a shared library":   {map[string]string{"Dockerfile": "FROM debian:bookworm\n" + withGcc + "COPY buoy.c .\nRUN gcc -shared -o /usr/lib/libbuoy.so buoy.c\nCMD [\"/buoy\"]\n", "buoy.c": cMain}, "builds a shared library"},
		"no makefile":        {map[string]string{"Dockerfile": "FROM debian:bookworm\n" + withGcc + "WORKDIR /x\nCOPY buoy.c .\nRUN make buoy\nCMD [\"./buoy\"]\n", "buoy.c": cMain}, "holds no makefile for /x"},
		"nothing started":    {map[string]string{"Dockerfile": "FROM debian:bookworm\n" + withGcc + "COPY buoy.c .\nRUN gcc -o /buoy buoy.c\nCMD [\"bash\"]\n", "buoy.c": cMain}, "nothing that the build writes is started"},
		"dlopen":             {map[string]string{"Dockerfile": "FROM debian:bookworm\n" + withGcc + "COPY buoy.c .\nRUN gcc -o /buoy buoy.c\nCMD [\"/buoy\"]\n", "buoy.c": "int main(void) { dlopen(\"libx.so\", 1); }"}, "buoy.c:1 loads libraries by name"},
		"unknown -l":         {map[string]string{"Dockerfile": "FROM debian:bookworm\n" + withGcc + "COPY buoy.c .\nRUN gcc -o /buoy buoy.c -lsonar\nCMD [\"/buoy\"]\n", "buoy.c": cMain}, "links sonar, and which package"},
		"no configure.ac":    {map[string]string{"Dockerfile": "FROM debian:bookworm\n" + withGcc + "COPY . /x\nRUN cd /x && ./configure && make install\nCMD [\"buoy\"]\n", "buoy.c": cMain}, "holds no configure.ac for /x"},
		"an owner":           {map[string]string{"Dockerfile": "FROM debian:bookworm\n" + withGcc + "WORKDIR /x\nCOPY . .\nRUN gcc -o buoy buoy.c && chown -R nobody /x\nUSER nobody\nCMD [\"./buoy\"]\n", "buoy.c": cMain}, "changes the owner of /x"},
		"data that is gone":  {map[string]string{"Dockerfile": "FROM debian:bookworm\n" + withGcc + "WORKDIR /x\nCOPY . .\nRUN gcc -o /buoy buoy.c && rm -rf /x/tides.txt\nCMD [\"/buoy\", \"tides.txt\"]\n", "buoy.c": cMain, "tides.txt": "1"}, "which a RUN deletes"},
		"a fetch of CMake's": {map[string]string{"Dockerfile": "FROM debian:bookworm\nRUN apt-get update && apt-get install -y cmake g++\nCOPY . /x\nRUN cmake -S /x -B /b && cmake --build /b\nCMD [\"/b/x\"]\n", "CMakeLists.txt": "project(x)\ninclude(FetchContent)\nadd_executable(x x.c)\n"}, "CMakeLists.txt:2 fetches other projects"},
	} {
		t.Run(name, func(t *testing.T) {
			res := splittest.Files(t, c.files)
			if res.Changed() || !strings.Contains(splittest.Reasons(res), c.want) {
				t.Errorf("want %q, got %q\n%s", c.want, splittest.Reasons(res), res.After)
			}
		})
	}
}

// A stage that only installs a compiler is no case of this recipe.
func TestCppLeavesAlone(t *testing.T) {
	res := splittest.Files(t, map[string]string{"Dockerfile": "FROM debian:bookworm\nRUN apt-get update && apt-get install -y gcc make python3\nCOPY app.py .\nCMD [\"python3\", \"app.py\"]\n", "app.py": ""})
	if res.Changed() || splittest.Reasons(res) != "" {
		t.Errorf("%s\n%s", splittest.Reasons(res), res.After)
	}
}

// What configure, make install and Meson put where.
func TestCppConfigured(t *testing.T) {
	const ac = "AC_INIT([Buoy],[1.0])\nAM_INIT_AUTOMAKE([foreign])\nAC_PROG_CC\nAC_OUTPUT(Makefile)\n"
	auto := func(base, run, cmd, ac, am string) map[string]string {
		return map[string]string{"Dockerfile": "FROM " + base + "\nRUN apt-get update && apt-get install -y automake gcc make\nCOPY . /x\nWORKDIR /x\nRUN " + run + "\nCMD [\"" + cmd + "\"]\n", "configure.ac": ac, "Makefile.am": am, "buoy.c": cMain}
	}
	meson := func(run, cmd, build string) map[string]string {
		return map[string]string{"Dockerfile": "FROM debian:bookworm\nRUN apt-get update && apt-get install -y meson gcc\nCOPY . /x\nWORKDIR /x\nRUN " + run + "\nCMD [\"" + cmd + "\"]\n", "meson.build": build, "buoy.c": cMain}
	}
	const am = "bin_PROGRAMS = buoy\n"
	const executable = "executable('buoy', 'buoy.c', install: true)\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  string // a line of the file, or a part of the reason
	}{
		"the prefix by default":        {auto("debian:bookworm", "autoreconf -i && ./configure && make install", "buoy", ac, am), "COPY --from=builder /usr/local/bin/buoy /usr/local/bin/buoy"},
		"sbindir, and a DESTDIR":       {auto("debian:bookworm", "autoreconf -i && ./configure --prefix=/usr --sbindir=/bin && make && make DESTDIR=/r install", "/r/bin/buoy", ac, "sbin_PROGRAMS = buoy\n"), "COPY --from=builder /r/bin/buoy /r/bin/buoy"},
		"a build folder of its own":    {auto("debian:bookworm", "autoreconf -i && mkdir build && cd build && ../configure && make", "/x/build/buoy", ac, am), "COPY --from=builder /x/build/buoy /x/build/buoy"},
		"cleaned away":                 {auto("debian:bookworm", "autoreconf -i && ./configure && make install && make clean", "./buoy", ac, am), "no build step writes there"},
		"data of sysconfdir":           {auto("debian:bookworm", "autoreconf -i && ./configure --sysconfdir=/etc && make install", "buoy", ac, am+"dist_sysconf_DATA = buoy.conf\n"), "COPY --from=builder /etc/buoy.conf /etc/buoy.conf"},
		"a library of the full image":  {auto("buildpack-deps:bookworm", "autoreconf -i && ./configure && make install", "buoy", ac+"AC_CHECK_LIB([z], [inflate])\n", am), "zlib1g"},
		"an unknown macro, full image": {auto("buildpack-deps:bookworm", "autoreconf -i && ./configure && make install", "buoy", ac+"AX_LIB_CHART\n", am), "configure.ac:5 (AX_LIB_CHART) may find a library"},
		"a script is installed":        {auto("debian:bookworm", "autoreconf -i && ./configure && make install", "buoy", ac, am+"dist_bin_SCRIPTS = buoyctl\n"), "Makefile.am:2 installs buoyctl"},
		"a condition":                  {auto("debian:bookworm", "autoreconf -i && ./configure && make install", "buoy", ac, "if DEBUG\n"+am+"endif\n"), "depends on a condition"},
		"a shared library":             {auto("debian:bookworm", "autoreconf -i && ./configure && make install", "buoy", ac, am+"lib_LTLIBRARIES = libbuoy.la\n"), "Makefile.am:2 builds a shared library"},
		"libtool, -static":             {auto("debian:bookworm", "autoreconf -i && ./configure LDFLAGS=-static && make install", "buoy", ac+"LT_INIT\n", am), "libtool links with -static"},
		"static by configure":          {auto("debian:bookworm", "autoreconf -i && ./configure LDFLAGS=-static && make install", "buoy", ac, am), "FROM gcr.io/distroless/static-debian"},
		"a prefix of its own":          {auto("debian:bookworm", "autoreconf -i && ./configure && make install", "buoy", "AC_PREFIX_DEFAULT(/opt)\n"+ac, am), "configure.ac:1 sets AC_PREFIX_DEFAULT"},
		"a folder of its own":          {auto("debian:bookworm", "autoreconf -i && ./configure && make install", "buoy", ac, "pkgdatadir = $(datadir)/b\n"+am), "Makefile.am:1 sets pkgdatadir"},
		"renamed":                      {auto("debian:bookworm", "autoreconf -i && ./configure --program-prefix=x && make install", "xbuoy", ac, am), "--program-prefix=x is beyond"},
		"a prefix before it":           {auto("debian:bookworm", "autoreconf -i && ./configure && DESTDIR=/r make install", "buoy", ac, am), "DESTDIR before make"},
		"a bootstrap that fetches":     {auto("debian:bookworm", "autoreconf -i && ./bootstrap && make", "buoy", ac, am), "holds no /x/bootstrap"},

		"meson's prefix by default":  {meson("meson setup b && meson install -C b", "buoy", "project('buoy', 'c')\n"+executable), "COPY --from=builder /usr/local/bin/buoy /usr/local/bin/buoy"},
		"ninja, in the build folder": {meson("meson b && ninja -C b", "b/buoy", "project('buoy', 'c')\n"+executable), "COPY --from=builder /x/b/buoy /x/b/buoy"},
		"--prefix, --bindir":         {meson("meson setup --prefix /opt --bindir=sbin b . && ninja -C b install", "/opt/sbin/buoy", "project('buoy', 'c')\n"+executable), "COPY --from=builder /opt/sbin/buoy /opt/sbin/buoy"},
		"a library":                  {meson("meson setup b && ninja -C b", "b/buoy", "project('buoy', 'c')\nlibrary('l', 'l.c')\n"+executable), "default_library=static"},
		"a library, static":          {meson("meson setup -Ddefault_library=static b && ninja -C b", "b/buoy", "project('buoy', 'c')\nlibrary('l', 'l.c')\n"+executable), "COPY --from=builder /x/b/buoy /x/b/buoy"},
		"meson's condition":          {meson("meson setup b && ninja -C b", "b/buoy", "project('buoy', 'c')\nif get_option('x')\n  "+executable+"endif\n"), "meson.build:3 makes a program that depends on a condition"},
		"data":                       {meson("meson setup b && meson install -C b", "buoy", "project('buoy', 'c')\ninstall_data('a.txt')\n"+executable), "meson.build:2 installs files"},
	} {
		t.Run(name, func(t *testing.T) {
			res := splittest.Files(t, c.files)
			if got := res.After + splittest.Reasons(res); !strings.Contains(got, c.want) {
				t.Errorf("want %q in\n%s", c.want, got)
			}
		})
	}
}
