package imagefs

import (
	"archive/tar"
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"pgregory.net/rapid"

	"drydock/verify/finding"
)

var (
	same  = Expected{Bottom: 1, Env: []string{"MODE", "PATH", "TZ"}}
	other = Expected{Bottom: 1, Base: true, Env: same.Env, Fields: []string{"USER"}}
	split = Expected{Bottom: 1, Split: true, Base: true, Env: same.Env, Fields: []string{"USER"}}
)

// lost are fields that only the new Dockerfile's text alters.
func lost(fields ...string) Expected {
	e := same.with(fields...)
	e.Lost = fields
	return e
}

// with gives the same expectation with further fields declared.
func (e Expected) with(fields ...string) Expected {
	e.Fields = append(append([]string{}, e.Fields...), fields...)
	return e
}

type edit func(*contentsOf) *contentsOf

func gones(paths ...string) edit {
	return func(c *contentsOf) *contentsOf { return c.without(paths...) }
}

func puts(members ...tar.Header) edit {
	return func(c *contentsOf) *contentsOf { return c.with(members...) }
}

func config(f func(*v1.Config)) edit {
	return func(c *contentsOf) *contentsOf { f(&c.config); return c }
}

func env(kv string) edit { return config(func(c *v1.Config) { c.Env = append(c.Env, kv) }) }

func all(edits ...edit) edit {
	return func(c *contentsOf) *contentsOf {
		for _, e := range edits {
			c = e(c)
		}
		return c
	}
}

// Each row is one way to break an image. The findings must be breaks of that class, and of no other; "" for two classes.
func TestEveryBreakIsFound(t *testing.T) {
	shellForm := func(text string) edit {
		return config(func(c *v1.Config) { c.Cmd = []string{"/bin/sh", "-c", text} })
	}
	entry := func(words ...string) edit { return config(func(c *v1.Config) { c.Entrypoint = words }) }
	cmd := func(words ...string) edit { return config(func(c *v1.Config) { c.Cmd = words }) }
	user := func(u string) edit { return config(func(c *v1.Config) { c.User = u }) }
	mode := func(p string, mode int64) edit {
		return func(c *contentsOf) *contentsOf { return c.change(p, func(h *tar.Header) { h.Mode = mode }) }
	}
	noHealth := config(func(c *v1.Config) { c.Healthcheck = nil })
	for _, c := range []struct {
		name   string
		want   Expected
		both   edit // nil for none
		before edit // nil for none
		after  edit
		class  finding.Class
		say    string // of one finding's message
	}{
		{"CMD", same, nil, nil, cmd("python", "-u", "app.py"), finding.Config, "CMD is"},
		{"ENTRYPOINT", same, nil, nil, entry("env"), finding.Config, "ENTRYPOINT is"},
		{"WORKDIR", same, cmd("python", "/app/app.py"), nil, config(func(c *v1.Config) { c.WorkingDir = "/" }), finding.Config, "WORKDIR is /, it was /app"},
		{"USER", same, nil, nil, user("node"), finding.Config, "USER is node"},
		{"EXPOSE", same, nil, nil, config(func(c *v1.Config) { c.ExposedPorts = nil }), finding.Config, "EXPOSE 8000/tcp is gone"},
		{"VOLUME", same, nil, nil, config(func(c *v1.Config) { c.Volumes = nil }), finding.Config, "VOLUME /data is gone"},
		{"LABEL", same, nil, nil, config(func(c *v1.Config) { c.Labels = nil }), finding.Config, "LABEL team is gone"},
		{"LABEL of the Dockerfile's own, on another base", other, nil, func(c *contentsOf) *contentsOf { c.says = []string{"LABEL team=harbour"}; return c }, config(func(c *v1.Config) { c.Labels = nil }), finding.Config, "LABEL team is gone"},
		{"STOPSIGNAL", same, nil, nil, config(func(c *v1.Config) { c.StopSignal = "SIGINT" }), finding.Config, "STOPSIGNAL is INT"},
		{"HEALTHCHECK", same, nil, nil, noHealth, finding.Config, "HEALTHCHECK is nothing"},
		{"SHELL", same, nil, nil, config(func(c *v1.Config) { c.Shell = []string{"/usr/bin/sh", "-c"} }), finding.Config, "SHELL is"},
		{"ONBUILD", same, nil, nil, config(func(c *v1.Config) { c.OnBuild = []string{"RUN x"} }), finding.Config, "ONBUILD is"},
		{"ENV gone", split, nil, nil, config(func(c *v1.Config) { c.Env = c.Env[:1] }), finding.Config, `ENV MODE is gone, it was "fast"`},
		{"ENV differs", split, nil, nil, env("MODE=slow"), finding.Config, `ENV MODE is "slow", it was "fast"`},
		{"a folder of PATH", split, puts(exe("opt/venv/bin/serve", "x")), env("PATH=/usr/local/bin:/usr/bin:/bin:/opt/venv/bin"), nil, finding.Config, "ENV PATH no longer names /opt/venv/bin, and nothing else on it has serve"},
		{"the program of CMD is gone", split, cmd("uwsgi", "--ini", "x"), nil, gones("usr/local/bin/uwsgi"), finding.Command, "uwsgi, which isn't on the new image's PATH"},
		{"the program of ENTRYPOINT isn't executable", split, entry("/usr/local/bin/uwsgi"), nil, mode("usr/local/bin/uwsgi", 0o644), "", "user root may not execute"},
		{"nothing starts", split.with("CMD"), nil, nil, cmd(), finding.Command, "nothing starts"},
		{"the entry point's interpreter", split, all(puts(exe("app/start", "#!/opt/rb/ruby\n")), func(c *contentsOf) *contentsOf { return c.base(exe("opt/rb/ruby", "ruby")) }, entry("/app/start"), cmd()), nil, gones("opt/rb"), finding.Interpreter, "/app/start, a script for /opt/rb/ruby, which the new image lacks"},
		{"the interpreter behind env", split, all(puts(exe("app/start", "#!/usr/bin/env node\n")), entry("/app/start"), cmd()), nil, gones("usr/local/bin/node"), finding.Interpreter, "a script for node"},
		{"a runtime named twice", split.with("ENTRYPOINT"), cmd("node", "server.js"), nil, entry("/usr/local/bin/node"), finding.Config, `CMD ["node","server.js"] names "node", but the new image's ENTRYPOINT ["/usr/local/bin/node"] is that already`},
		{"java named twice", split.with("ENTRYPOINT"), all(puts(exe("usr/bin/java", "x")), cmd("java", "-jar", "x.jar")), nil, entry("java", "-jar"), finding.Config, `names "java"`},
		{"the script of python", split, nil, nil, gones("app/app.py"), finding.File, "/app/app.py, which the new image lacks"},
		{"the jar of java", split, all(puts(exe("usr/bin/java", "x"), file("app/x.jar", "PK")), cmd("java", "-Xmx1g", "-jar", "x.jar")), nil, gones("app/x.jar"), finding.File, "/app/x.jar, which the new image lacks"},
		{"the script of sh", split, cmd("sh", "/app/job.sh"), nil, gones("app/job.sh"), finding.File, "/app/job.sh, which the new image lacks"},
		{"the script of node, given without its extension", split, cmd("node", "server"), nil, gones("app/server.js"), finding.File, "/app/server, which"},
		{"no shell for CMD", split, all(noHealth, shellForm("python app.py"), gones("app/job.sh")), nil, gones("usr/bin/sh"), finding.Command, "/bin/sh, which the new image lacks"},
		{"no shell for HEALTHCHECK", split, gones("app/job.sh"), nil, gones("usr/bin/sh"), finding.Command, "HEALTHCHECK is in the shell form"},
		{"curl of HEALTHCHECK", split, nil, nil, gones("usr/bin/curl"), finding.Command, "HEALTHCHECK runs curl"},
		{"curl of HEALTHCHECK in the exec form", split, config(func(c *v1.Config) { c.Healthcheck.Test = []string{"CMD", "curl", "-f", "x"} }), nil, gones("usr/bin/curl"), finding.Command, "HEALTHCHECK starts curl"},
		{"a command of CMD's shell form", split, shellForm("tar xf data.tar && exec python app.py"), nil, gones("usr/bin/tar"), finding.Command, "CMD start tar"},
		{"a command of an entry point's script", split, all(puts(exe("app/entry.sh", "#!/bin/sh\nf() { :; }\nf\nif [ -n \"$X\" ]; then tar x; fi\nexec \"$@\"\n")), entry("/app/entry.sh")), nil, gones("usr/bin/tar"), finding.Command, "/app/entry.sh runs tar"},
		{"a command of a script's script", split, all(puts(exe("app/entry.sh", "#!/bin/sh\n/app/two.sh\nexec \"$@\"\n"), exe("app/two.sh", "#!/bin/sh\ntar x\n")), entry("/app/entry.sh")), nil, gones("usr/bin/tar"), finding.Command, "/app/two.sh runs tar"},
		{"what an entry point's script is given", split, all(puts(exe("app/entry.sh", "#!/bin/sh\nexec \"$@\"\n")), entry("/app/entry.sh"), cmd("uwsgi")), nil, gones("usr/local/bin/uwsgi"), finding.Command, "uwsgi, which isn't"},
		{"what tini is given", split, all(puts(exe("usr/bin/tini", "x")), entry("tini", "--"), cmd("uwsgi")), nil, gones("usr/local/bin/uwsgi"), finding.Command, "uwsgi, which isn't"},
		{"a program that Python starts", split, puts(file("app/pack.py", "subprocess.run(['tar', 'xf', name])\n")), nil, gones("usr/bin/tar"), finding.Command, "/app/pack.py starts tar, which the new image lacks"},
		{"a program that JavaScript starts", split, puts(file("app/pack.js", "execSync(`tar xf ${name}`)\n")), nil, gones("usr/bin/tar"), finding.Command, "/app/pack.js starts tar"},
		{"a library", split, nil, nil, gones("usr/lib/x86_64-linux-gnu/libxml2.so.2.9.14"), finding.Library, "/usr/local/bin/uwsgi needs libxml2.so.2, which the new image lacks"},
		{"a library's library", split, nil, nil, gones("usr/lib/x86_64-linux-gnu/libz.so.1"), finding.Library, "libxml2.so.2.9.14 needs libz.so.1"},
		{"a library for another machine", split, nil, nil, all(gones("usr/lib/x86_64-linux-gnu/libz.so.1"), puts(library("usr/lib/x86_64-linux-gnu/libz.so.1", object{machine: 183}))), finding.Library, "needs libz.so.1"},
		{"a version of libc", split, func(c *contentsOf) *contentsOf {
			return c.change("usr/local/bin/uwsgi", func(h *tar.Header) {
				*h = program(h.Name, object{requires: map[string][]string{"libc.so.6": {"GLIBC_2.38"}}})
			})
		}, nil, all(gones("usr/lib/x86_64-linux-gnu/libc.so.6"), puts(library("usr/lib/x86_64-linux-gnu/libc.so.6", object{defines: []string{"GLIBC_2.34"}}))), finding.Library, "/usr/local/bin/uwsgi needs version GLIBC_2.38 of libc.so.6"},
		{"the loader", same, nil, nil, gones("usr/lib64/ld-linux-x86-64.so.2"), finding.Interpreter, "the loader " + glibcLoader},
		{"a script's interpreter", same, all(puts(exe("usr/local/bin/tool", "#!/opt/perl/perl -w\n")), func(c *contentsOf) *contentsOf { return c.base(exe("opt/perl/perl", "x")) }), nil, gones("opt/perl"), finding.Interpreter, "/usr/local/bin/tool is a script for /opt/perl/perl"},
		{"a script's interpreter, where a file names the script", split, all(puts(exe("app/report.pl", "#!/opt/perl/perl -w\n"), file("app/jobs.py", "run(['./report.pl'])\n")), func(c *contentsOf) *contentsOf { return c.base(exe("opt/perl/perl", "x")) }), nil, gones("opt/perl"), finding.Interpreter, "/app/report.pl is a script for /opt/perl/perl, which the new image lacks, and /app/jobs.py names it"},
		{"a virtual environment that moved, and starts", split, cmd("serve"), puts(exe("usr/local/bin/serve", "#!/usr/local/bin/python\n")), puts(exe("usr/local/bin/serve", "#!/build/venv/bin/python\n")), finding.Interpreter, "start /usr/local/bin/serve, a script for /build/venv/bin/python"},
		{"certificates", split, cmd("uwsgi"), nil, gones("etc/ssl"), finding.Certificates, "/etc/ssl/certs/ca-certificates.crt is gone"},
		{"java's certificates", split, all(puts(exe("usr/bin/java", "x"), file("app/x.jar", "PK")), func(c *contentsOf) *contentsOf { return c.base(file("opt/java/lib/security/cacerts", "jks")) }, cmd("java", "-jar", "x.jar")), nil, gones("opt/java"), finding.Certificates, "java's certificate authorities are gone"},
		{"time zones, with TZ", split, env("TZ=Europe/Berlin"), nil, gones("usr/share/zoneinfo"), finding.TimeZones, "TZ is Europe/Berlin"},
		{"one time zone", split, env("TZ=Europe/Berlin"), nil, gones("usr/share/zoneinfo/Europe/Berlin"), finding.TimeZones, "lacks /usr/share/zoneinfo/Europe/Berlin"},
		{"time zones that were installed", split, all(gones("usr/share/zoneinfo"), noHealth), all(puts(file("usr/share/zoneinfo/UTC", "TZif2"), file("var/lib/dpkg/info/tzdata.list", "/usr/share/zoneinfo/UTC\n"))), nil, finding.TimeZones, "no time zones"},
		{"/tmp", split, nil, nil, gones("tmp"), finding.Temp, "no /tmp"},
		{"/tmp of root", split, nil, nil, all(user("node"), mode("tmp", 0o755)), finding.Temp, "user node can't write to /tmp"},
		{"the user's entry", split, nil, nil, user("app"), finding.User, "USER app isn't in /etc/passwd"},
		{"a file, without a split", other, nil, nil, gones("app/notes.cfg"), finding.File, "/app/notes.cfg is gone"},
		{"a folder, without a split", other, nil, nil, gones("app/data"), finding.File, "/app/data is gone, with 1 file"},
		{"a module, without a split", other, nil, nil, gones("app/node_modules/mocha"), finding.Module, "the module /app/node_modules/mocha is gone"},
		{"a file that Python opens", split, nil, nil, gones("app/rates.csv"), finding.File, "/app/rates.csv is gone, and /app/app.py names it"},
		{"a file in a folder", split, nil, nil, gones("app/data/rates.json"), finding.File, "/app/app.py names it"},
		{"a folder of templates", split, nil, nil, gones("app/templates"), finding.File, "page.html is gone, and /app/app.py names it"},
		{"a folder that a binary names", split, puts(program("app/serve", object{runpath: "public/*.js"}), file("app/public/start.js", "start()")), nil, gones("app/public"), finding.File, "/app/public is gone, with 1 file, and /app/serve names it"},
		{"a module that JavaScript requires", split, nil, nil, gones("app/node_modules/express"), finding.Module, "the module express is gone, and /app/server.js requires it"},
		{"a scoped module", split, nil, nil, gones("app/node_modules/@acme"), finding.Module, "the module @acme/log is gone"},
		{"a module's module", split, nil, nil, gones("app/node_modules/qs"), finding.Module, "the module qs is gone, and express needs it"},
		{"a module that Python imports", split, nil, nil, gones("usr/local/lib/python3.12/site-packages/flask"), finding.Module, "the module flask is gone, and /app/app.py imports it"},
		{"a workspace's module", split, all(puts(link("app/node_modules/tides", "../packages/tides"), file("app/packages/tides/index.js", "1"))), nil, gones("app/packages"), finding.File, "/app/node_modules/tides leads to ../packages/tides, which isn't there"},
		{"a link's target", same, puts(link("app/current.cfg", "notes.cfg")), nil, all(gones("app/current.cfg"), puts(link("app/current.cfg", "other.cfg"))), finding.File, "/app/current.cfg leads to other.cfg"},
		{"content", same, nil, nil, func(c *contentsOf) *contentsOf {
			return c.change("app/notes.cfg", func(h *tar.Header) { h.Linkname = "note=2\n" })
		}, finding.File, "/app/notes.cfg has other content"},
		{"an executable bit", same, nil, nil, mode("app/job.sh", 0o644), finding.Permission, "can't execute /app/job.sh"},
		{"a file that the user can't read", split, nil, nil, all(user("node"), mode("app/rates.csv", 0o600)), finding.Permission, "user node can't read /app/rates.csv"},
		{"a library that Python opens by name", other, puts(file("app/magic.py", "ctypes.CDLL('libxml2.so.2')\n")), nil, all(gones("usr/lib/x86_64-linux-gnu/libxml2.so.2", "usr/lib/x86_64-linux-gnu/libxml2.so.2.9.14", "usr/local/bin/uwsgi")), "", "/app/magic.py names libxml2.so.2, which the new image lacks"},
		{"a library that Python looks for", other, puts(file("app/magic.py", "find_library('xml2')\n")), nil, all(gones("usr/lib/x86_64-linux-gnu/libxml2.so.2", "usr/lib/x86_64-linux-gnu/libxml2.so.2.9.14", "usr/local/bin/uwsgi")), "", "/app/magic.py names libxml2.so.2"},
		{"a package's file that Python opens", split, puts(file("app/draw.py", "truetype('/usr/share/fonts/a.ttf')\n")), puts(file("usr/share/fonts/a.ttf", "font"), file("var/lib/dpkg/info/fonts.list", "/usr/share/fonts/a.ttf\n")), nil, finding.File, "/usr/share/fonts/a.ttf is gone, and /app/draw.py names it"},
		{"a package's file, without a split", same, puts(file("app/draw.py", "truetype('/usr/share/fonts/a.ttf')\n")), puts(file("usr/share/fonts/a.ttf", "font"), file("var/lib/dpkg/info/fonts.list", "/usr/share/fonts/a.ttf\n")), nil, finding.File, "/usr/share/fonts/a.ttf is gone"},
		{"a command in a list", other, puts(file("app/pack.py", "cmd = ['tar', '--version']\n")), nil, gones("usr/bin/tar"), finding.Command, "/app/pack.py starts tar"},
		{"a file of a folder with any name", split, puts(file("app/read.py", "open(f\"words/{lang}.ini\")\n")), puts(file("app/words/de.ini", "hello=hallo\n")), nil, finding.File, "/app/words is gone, with 1 file, and /app/read.py names it"},
		{"a folder in a path that is put together", split, puts(file("app/read.py", "glob(os.path.join(here, 'parts', '*.json'))\n")), puts(file("app/parts/a.json", "{\"a\": 12345}\n"), file("app/parts/b.json", "{\"b\": 12345}\n")), nil, finding.File, "/app/parts is gone, with 2 files, and /app/read.py names it"},
		{"a picture of a style sheet", split, puts(file("app/site/main.css", "body{background:url(art/back.svg)}\n")), puts(file("app/site/art/back.svg", "<svg xmlns='back'/>")), nil, finding.File, "/app/site/art/back.svg is gone, and /app/site/main.css names it"},
		{"a module of the application's own", split, puts(file("app/two.py", "def f():\n    import helpers\n")), puts(file("app/helpers.py", "x = 1\n")), nil, finding.Module, "the module helpers is gone, and /app/two.py imports it"},
		{"a module that Python imports by a text", split, puts(file("app/two.py", "importlib.import_module(\"yaml\")\n")), puts(file("usr/local/lib/python3.12/site-packages/yaml/__init__.py", "x\n")), nil, finding.Module, "the module yaml is gone, and /app/two.py imports it"},
		{"a part of java's class path", split, all(puts(exe("usr/bin/java", "x"), file("app/out/M.class", "M")), cmd("java", "-cp", "out:lib/*", "M")), puts(file("app/lib/x.jar", "PK")), nil, finding.File, "/app/lib on its class path, which is gone"},
		{"a link of the application's", split, puts(link("app/link.ini", "/srv/d/data.ini")), puts(file("srv/d/data.ini", "a=1\n")), nil, "", "/app/link.ini leads to /srv/d/data.ini, which isn't there"},
		{"settings, after a split", split, nil, puts(file("app/site.ini", "mode=prod\n")), puts(file("app/site.ini", "mode=dev\n")), finding.File, "/app/site.ini has other content"},
		{"gosu of a script", split, all(puts(exe("app/entry.sh", "#!/bin/sh\nif [ \"$1\" = init ]; then exec gosu node true; fi\nexec \"$@\"\n")), entry("/app/entry.sh")), puts(exe("usr/bin/gosu", "x")), nil, finding.Command, "/app/entry.sh runs gosu"},
		{"capabilities", same, nil, puts(tar.Header{Typeflag: tar.TypeReg, Name: "usr/local/bin/ping", Linkname: "x", Mode: 0o755, PAXRecords: map[string]string{"SCHILY.xattr.security.capability": "\x01\x02"}}), puts(exe("usr/local/bin/ping", "x")), finding.Permission, "/usr/local/bin/ping has lost its file capabilities"},
		{"a set-id bit", same, nil, puts(tar.Header{Typeflag: tar.TypeReg, Name: "usr/local/bin/ping", Linkname: "x", Mode: 0o4755}), puts(exe("usr/local/bin/ping", "x")), finding.Permission, "/usr/local/bin/ping has lost its set-id bit: mode 0755, it was 4755"},
		{"local time", same, nil, puts(link("etc/localtime", "/usr/share/zoneinfo/Europe/Berlin")), nil, finding.TimeZones, "/etc/localtime is UTC, it was Europe/Berlin"},
		{"another python", other, nil, nil, all(gones("usr/local/bin/python3.12", "usr/local/bin/python"), puts(program("usr/local/bin/python3.11", object{}), link("usr/local/bin/python", "python3.11"))), finding.Config, "python is of version 3.11, it was 3.12"},
		{"another node", other, all(cmd("node", "server.js"), env("NODE_VERSION=20.1.2")), nil, env("NODE_VERSION=18.9.1"), finding.Config, "node is of version 18, it was 20"},
		{"a module of Debian's", same, nil, puts(file("app/two.py", "import yaml\n"), file("var/lib/dpkg/info/python3-yaml.list", "/usr/lib/python3/dist-packages/yaml/__init__.py\n"), file("usr/lib/python3/dist-packages/yaml/__init__.py", "x\n")), puts(file("app/two.py", "import yaml\n")), finding.Module, "the module yaml is gone, and /app/two.py imports it"},
		{"an extension of PHP", same, puts(exe("usr/bin/php8.2", "x")), puts(file("var/lib/dpkg/info/php8.2-xml.list", "/usr/lib/php/20220829/dom.so\n"), library("usr/lib/php/20220829/dom.so", object{})), nil, finding.File, "php's extension dom is gone"},
		{"a module of Perl", same, puts(file("app/a.pl", "if (@ARGV) { require JSON::XS; }\n")), puts(file("var/lib/dpkg/info/libjson-xs-perl.list", "/usr/share/perl5/JSON/XS.pm\n"), file("usr/share/perl5/JSON/XS.pm", "1;\n")), nil, finding.Module, "the module JSON::XS is gone, and /app/a.pl loads it"},
		{"a module that JavaScript names", split, puts(file("app/package.json", `{"dependencies":{"pg":"1","express":"1"}}`), file("app/db.js", "const c = {client: 'pg'}\n")), puts(file("app/node_modules/pg/package.json", `{"name":"pg"}`)), nil, finding.Module, "the module pg is gone, and /app/db.js names it"},
		{"a file that a variable names", split, env("REQUESTS_CA_BUNDLE=/opt/ca/corp.crt"), puts(file("opt/ca/corp.crt", "pem")), nil, finding.File, "ENV REQUESTS_CA_BUNDLE names /opt/ca/corp.crt, which the new image lacks"},
		{"a locale", split, env("LC_ALL=de_DE.UTF-8"), puts(file("usr/lib/locale/locale-archive", "archive")), nil, finding.File, "LC_ALL is de_DE.UTF-8, a locale that the new image lacks"},
		{"UTF-8 of java's base", other, all(puts(exe("usr/bin/java", "x"), file("app/x.jar", "PK")), cmd("java", "-jar", "x.jar")), nil, config(func(c *v1.Config) { c.Env = c.Env[:2] }), finding.Config, "neither LANG nor LC_ALL names UTF-8"},
		{"an empty folder of root's", other, puts(dir("app/uploads")), nil, user("node"), "", "/app/uploads is there to be written to, and the new image's user \"node\" may not"},
		{"a file that a request writes", other, puts(file("app/save.py", "sqlite3.connect('guests.db')\n")), nil, user("node"), "", "/app/save.py writes /app/guests.db, and the new image's user \"node\" may not"},
		{"a folder that a request makes", other, puts(file("app/save.js", "fs.mkdirSync('uploads')\n")), nil, user("node"), "", "/app/save.js writes /app/uploads"},
		{"a text without its LABEL", lost("LABEL"), nil, nil, config(func(c *v1.Config) { c.Labels = nil }), finding.Config, "LABEL team is gone"},
		{"a text without its EXPOSE", lost("EXPOSE"), nil, nil, config(func(c *v1.Config) { c.ExposedPorts = nil }), finding.Config, "EXPOSE 8000/tcp is gone"},
		{"a text without its HEALTHCHECK", lost("HEALTHCHECK"), nil, nil, noHealth, finding.Config, "HEALTHCHECK is nothing"},
		{"a text without its STOPSIGNAL", lost("STOPSIGNAL"), nil, config(func(c *v1.Config) { c.StopSignal = "SIGINT" }), nil, finding.Config, "STOPSIGNAL is TERM, it was INT"},
		{"a text without its USER", lost("USER"), puts(file("var/x", "")), user("node"), nil, finding.Config, "USER is root, it was node"},
		{"a text without its WORKDIR", lost("WORKDIR"), cmd("python", "/app/app.py"), nil, config(func(c *v1.Config) { c.WorkingDir = "/" }), finding.Config, "WORKDIR is /, it was /app, where files still are"},
		{"a text without its ENV", lost("ENV"), nil, nil, config(func(c *v1.Config) { c.Env = c.Env[:1] }), finding.Config, `ENV MODE is gone, it was "fast"`},
		{"a folder that the user can't search", split, nil, nil, all(user("node"), mode("app/data", 0o700)), finding.Permission, "/app/data is d0700 0:0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, a := debian(), debian()
			for _, e := range []edit{c.both} {
				if e != nil {
					b, a = e(b), e(a)
				}
			}
			if c.before != nil {
				b = c.before(b)
			}
			if c.after != nil {
				a = c.after(a)
			}
			fs := finding.Breaks(CompareImages(b.image(t), a.image(t), c.want))
			found := false
			for _, f := range fs {
				found = found || strings.Contains(f.Message, c.say)
				if f.Class != c.class && c.class != "" {
					t.Errorf("another break: %+v", f)
				}
			}
			if !found {
				t.Errorf("no break says %q: %s", c.say, show(fs))
			}
		})
	}
}

func show(fs []finding.Finding) string {
	var b strings.Builder
	for _, f := range fs {
		fmt.Fprintf(&b, "\n  %s %t %s: %s", f.Class, f.Break, f.Path, f.Message)
	}
	return b.String()
}

// Each row is a difference that no program minds.
func TestHarmlessDifferences(t *testing.T) {
	hard := tar.Header{Typeflag: tar.TypeLink, Name: "app/notes.cfg", Linkname: "app/rates.csv", Mode: 0o644}
	for _, c := range []struct {
		name   string
		want   Expected
		before edit
		after  edit
	}{
		{"nothing", same, nil, nil},
		{"times", same, nil, func(c *contentsOf) *contentsOf {
			for k := range c.layers[1] {
				c.layers[1][k].ModTime = time.Unix(1700000000+int64(k), 0)
			}
			return c
		}},
		{"order", same, nil, func(c *contentsOf) *contentsOf {
			l := c.layers[1]
			for i, j := 3, len(l)-1; i < j; i, j = i+1, j-1 {
				l[i], l[j] = l[j], l[i]
			}
			return c
		}},
		{"a layer more", same, nil, func(c *contentsOf) *contentsOf {
			c.layers = append(c.layers, []tar.Header{file("var/cache/apt/pkgcache.bin", "x")})
			return c
		}},
		{"caches", same, puts(file("root/.cache/pip/x", "x"), file("var/cache/debconf/x", "x"), file("app/.cache/x", "x"), file("root/.npm/_cacache/x", "x")), nil},
		{"documents", same, puts(file("usr/share/doc/x/copyright", "x"), file("usr/share/man/man1/x.1", "x"), file("app/LICENSE", "x")), gones("app/README.md")},
		{"compiled Python", same, nil, gones("usr/local/lib/python3.12/site-packages/flask/__pycache__")},
		{"another time in compiled Python", same, puts(file("app/x.pyc", "\xcb\r\r\n\x00\x00\x00\x001234....code")), puts(file("app/x.pyc", "\xcb\r\r\n\x00\x00\x00\x005678....code"))},
		{"what the base alone sets", other, env("PYTHON_SHA256=1"), env("GPG_KEY=2")},
		{"the base's own fields", other, func(c *contentsOf) *contentsOf { c.says = []string{"LABEL other=1"}; return c }, config(func(c *v1.Config) { c.Labels, c.ExposedPorts = nil, nil })},
		{"packages that are new", same, nil, puts(file("var/lib/dpkg/info/nano.list", "/usr/bin/nano\n"), exe("usr/bin/nano", "x"))},
		{"a removed package's files", same, puts(file("var/lib/dpkg/info/nano.list", "/usr/bin/nano\n/etc/nanorc\n"), exe("usr/bin/nano", "x"), file("etc/nanorc", "x")), nil},
		{"apt's lists", same, puts(file("var/lib/apt/lists/deb.debian.org_dists", "x"), file("var/lib/dpkg/status-old", "x")), nil},
		{"logs", same, puts(file("var/log/dpkg.log", "x"), file("app/npm-debug.log", "x")), puts(file("var/log/apt/history.log", "y"))},
		{"a hard link against a file", same, puts(file("app/notes.cfg", "a,b\n1,2\n")), puts(hard)},
		{"a new system user with another number", other, puts(file("etc/passwd", "root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\napp:x:998:998::/home/node:/bin/sh\n")),
			all(puts(file("etc/passwd", "root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\napp:x:10001:10001::/:/bin/sh\n")), config(func(c *v1.Config) { c.User = "app" }))},
		{"another owner of the application", other, nil, func(c *contentsOf) *contentsOf {
			for k := range c.layers[1] {
				c.layers[1][k].Uid, c.layers[1][k].Gid = 1000, 1000
			}
			c.config.User = "node"
			return c
		}},
		{"the same fields in other words", same, nil, config(func(c *v1.Config) {
			c.User, c.StopSignal, c.Shell, c.WorkingDir, c.ExposedPorts = "root", "SIGTERM", []string{"/bin/sh", "-c"}, "/app/", map[string]struct{}{"8000": {}}
		})},
		{"a declared field", same.with("CMD"), nil, config(func(c *v1.Config) { c.Cmd = []string{"python", "-u", "app.py"} })},
		{"a folder of PATH without executables", split, env("PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/go/bin"), nil},
		{"sources after a split", split, puts(file("app/src/main.ts", "x"), file("app/Makefile", "run: server.js\n"), file("app/webpack.config.js", "x")), gones("app/tool.go", "app/test_app.py", "app/notes.cfg")},
		{"development modules after a split", split, nil, gones("app/node_modules/mocha", "app/node_modules/maybe")},
		{"sources that a build's output names", split, puts(file("app/dist/out.js", "/* lib/tide-table.js */"), file("app/lib/tide-table.js", "export default 1")), puts(file("app/dist/out.js", "/* lib/tide-table.js */"))},
		{"a word that isn't a program's name", split, puts(file("app/pack.py", "open('tar')\nre.exec(\"tar!\")\n")), all(puts(file("app/pack.py", "open('tar')\nre.exec(\"tar!\")\n")), gones("usr/bin/tar"))},
		{"a module that was traced to what runs", split, puts(file("app/node_modules/express/umd.js", "require('qs')")), gones("app/node_modules/qs")},
		{"a tool's link that dangles", split, puts(link("app/node_modules/.bin/mocha", "../mocha/package.json")), all(puts(link("app/node_modules/.bin/mocha", "../mocha/package.json")), gones("app/node_modules/mocha"))},
		{"a framework's bookkeeping", split, puts(file("app/.next/server/chunk.js", "'trace-marker.json'"), file("app/.next/trace-marker.json", "{}")), puts(file("app/.next/server/chunk.js", "'trace-marker.json'"))},
		{"a file that is in the binary", split, all(puts(program("app/serve", object{runpath: "web/hello.txt", rpath: "hello hello hello"}), file("app/web/hello.txt", "hello hello hello"))), all(puts(program("app/serve", object{runpath: "web/hello.txt", rpath: "hello hello hello"})))},
		{"a library that both lack", same, puts(program("app/plug.so", object{needed: []string{"libjvm.so"}})), puts(program("app/plug.so", object{needed: []string{"libjvm.so"}}))},
		{"a library that a base's module alone needs", split, func(c *contentsOf) *contentsOf {
			return c.base(library("usr/local/lib/python3.12/lib-dynload/nis.so", object{needed: []string{"libnsl.so.2"}}), library("usr/lib/x86_64-linux-gnu/libnsl.so.2", object{}))
		}, func(c *contentsOf) *contentsOf {
			return c.base(library("usr/local/lib/python3.12/lib-dynload/nis.so", object{needed: []string{"libnsl.so.2"}}))
		}},
		{"node brings its authorities", split, config(func(c *v1.Config) { c.Cmd = []string{"node", "server.js"} }), all(config(func(c *v1.Config) { c.Cmd = []string{"node", "server.js"} }), gones("etc/ssl"))},
		{"time zones that nobody asked for", split, nil, gones("usr/share/zoneinfo")},
		{"a command that the script looks for", split, all(puts(exe("app/entry.sh", "#!/bin/sh\nif command -v tar; then tar x; fi\nexec \"$@\"\n")), config(func(c *v1.Config) { c.Entrypoint = []string{"/app/entry.sh"} })),
			all(puts(exe("app/entry.sh", "#!/bin/sh\nif command -v tar; then tar x; fi\nexec \"$@\"\n")), config(func(c *v1.Config) { c.Entrypoint = []string{"/app/entry.sh"} }), gones("usr/bin/tar"))},
		{"a numeric user", split, nil, config(func(c *v1.Config) { c.User = "65532:65532" })},
		{"a stamp of the build", same, puts(file("app/built.txt", "2026-11-28T09:30:12.123456789\n"), file("app/build_id", "1b4e28ba-2fa1-11d2-883f-0016d3cca427\n")), puts(file("app/built.txt", "2026-11-28T09:31:40.987654321\n"), file("app/build_id", "6fa459ea-ee8a-3ca4-894e-db77e160355e\n"))},
		{"what the text says otherwise", lost("ENV", "LABEL", "EXPOSE"), nil, all(env("MODE=slow"), config(func(c *v1.Config) { c.Labels["team"], c.ExposedPorts["9000/tcp"] = "pilots", struct{}{} }))},
		{"variables of the build", func() Expected {
			e := lost("ENV")
			e.Env = append(e.Env, "PIP_NO_CACHE_DIR", "STEP")
			e.Moved = []string{"STEP"}
			return e
		}(), all(env("PIP_NO_CACHE_DIR=1"), env("STEP=2")), nil},
		{"an empty folder of the user's", other, puts(dir("app/uploads")), all(puts(tar.Header{Typeflag: tar.TypeDir, Name: "app/uploads/", Mode: 0o755, Uid: 1000, Gid: 1000}), config(func(c *v1.Config) { c.User = "node" }))},
		{"an empty folder of a package's", other, puts(dir("opt/x"), file("var/lib/dpkg/info/x.list", "/opt/x\n")), all(puts(dir("opt/x")), config(func(c *v1.Config) { c.User = "node" }))},
		{"a tool at one of several places", split, all(puts(file("app/find.py", "for p in ['/usr/bin/tar', '/opt/tar']: pass\n"))), all(puts(file("app/find.py", "for p in ['/usr/bin/tar', '/opt/tar']: pass\n"), exe("usr/local/bin/tar", "x")), gones("usr/bin/tar"))},
		{"UTC by another name", same, puts(link("etc/localtime", "/usr/share/zoneinfo/Etc/UTC")), nil},
		{"words in a list", other, puts(file("app/pack.py", "kinds = ['tar', 'zip']\n")), all(puts(file("app/pack.py", "kinds = ['tar', 'zip']\n")), gones("usr/bin/tar"))},
		{"a pickle", same, puts(file("app/html/environment.pickle", "\x80\x04a")), puts(file("app/html/environment.pickle", "\x80\x04b"))},
		{"built anew", other, puts(file("app/x.jar", "PK 1"), program("app/serve", object{runpath: "1"})), puts(file("app/x.jar", "PK 2"), program("app/serve", object{runpath: "2"}))},
		{"the same libraries in folders that are links", other, nil, func(c *contentsOf) *contentsOf {
			return c.without("usr/lib/x86_64-linux-gnu/libz.so.1").with(dir("opt/lib"), library("opt/lib/libz.so.1", object{}), link("usr/lib/x86_64-linux-gnu/libz.so.1", "../../../opt/lib/libz.so.1"))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, a := debian(), debian()
			if c.before != nil {
				b = c.before(b)
			}
			if c.after != nil {
				a = c.after(a)
			}
			if fs := finding.Breaks(CompareImages(b.image(t), a.image(t), c.want)); len(fs) > 0 {
				t.Errorf("breaks: %s", show(fs))
			}
		})
	}
}

func TestManyFindingsAreCounted(t *testing.T) {
	b := debian()
	for k := range 30 {
		b.with(file(fmt.Sprintf("srv/keep/%d.cfg", k), fmt.Sprint(k)))
	}
	fs := CompareImages(b.with(file("srv/keep/a", "a")).image(t), debian().with(file("srv/keep/a", "a")).image(t), same)
	if len(fs) != perClass+1 || fs[perClass].Message != "and 10 more of this kind (file)" || !fs[perClass].Break {
		t.Errorf("want %d findings and a count: %s", perClass, show(fs))
	}
}

// An image compared with itself lacks nothing, whatever is in it; without a library that is needed it always does.
func TestAnImageIsItself(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := debian()
		names := rapid.SliceOfDistinct(rapid.StringMatching(`[a-c]/[a-z]{1,6}(\.(py|js|sh|cfg|so))?`), func(s string) string { return s }).Draw(r, "names")
		for _, n := range names {
			text := rapid.SampledFrom([]string{"", "import flask\n", "#!/usr/bin/env nope\n", "require('gone')", program("x", object{needed: []string{"libgone.so"}}).Linkname, "\x7fELF"}).Draw(r, "text")
			h := file("srv/"+n, text)
			h.Mode = rapid.SampledFrom([]int64{0o644, 0o755, 0o600, 0}).Draw(r, "mode")
			c.with(h)
		}
		c.config.User = rapid.SampledFrom([]string{"", "node", "nobody", "1000:2000", "77"}).Draw(r, "user")
		c.config.Cmd = rapid.SampledFrom([][]string{nil, {"python", "app.py"}, {"none"}, {"/bin/sh", "-c", "tar x | nope $(curl)"}, {"sh", "/app/job.sh"}}).Draw(r, "cmd")
		want := Expected{Split: rapid.Bool().Draw(r, "split"), Base: rapid.Bool().Draw(r, "base"), Bottom: rapid.IntRange(0, 3).Draw(r, "bottom"), Env: same.Env}
		image := c.image(t)
		if fs := CompareImages(image, image, want); len(fs) > 0 {
			r.Fatalf("findings: %s", show(fs))
		}
		lib := rapid.SampledFrom([]string{"usr/lib/x86_64-linux-gnu/libxml2.so.2", "usr/lib/x86_64-linux-gnu/libxml2.so.2.9.14", "usr/lib/x86_64-linux-gnu/libz.so.1"}).Draw(r, "library")
		want.Bottom = 1
		for _, f := range CompareImages(image, c.clone().without(lib).image(t), want) {
			if f.Class == finding.Library && f.Break {
				return
			}
		}
		r.Fatalf("without %s nothing is found", lib)
	})
}
