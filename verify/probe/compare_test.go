package probe

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drydock/verify/finding"
	"drydock/verify/probe/wire"
)

// server is a run that anybody would call healthy; each case changes one thing in it.
func server() *Result {
	return &Result{
		UID: 0, Listen: []Listener{{Proto: "tcp", Address: "0.0.0.0", Port: 8000}}, ReadyMS: 300, RanMS: 900, StopMS: 20,
		Output: "[2026-11-28 09:30:12 +0000] [1] [INFO] Listening at: http://0.0.0.0:8000 (1)\n[2026-11-28 09:30:12 +0000] [7] [INFO] ready\n",
		Replies: []Reply{
			page("/", "text/html", "<h1>Tides</h1>\n<p>high at noon</p>\n<a href=\"/a.js\">a</a>\n"),
			page("/a.js", "text/javascript", "let a = 1\n"),
			{Port: 8000, Method: "GET", Path: "/old", Speaks: wire.HTTP, Status: 302, To: "/new"},
		},
		Health: &Ran{Argv: []string{"true"}}, Also: []Ran{{Argv: []string{"app", "--version"}, Output: "app 1.2\n"}},
	}
}

func page(path, kind, body string) Reply {
	return Reply{Port: 8000, Method: "GET", Path: path, Speaks: wire.HTTP, Status: 200, Type: kind, Body: body, Size: int64(len(body)), SHA256: "of " + body}
}

// ended is a program that prints and ends.
func ended(exit int, output string) *Result {
	return &Result{Exited: true, Exit: exit, Output: output, RanMS: 40}
}

func with(change func(*Result)) *Result { r := server(); change(r); return r }

func body(r *Result, i int, text string) {
	r.Replies[i].Body, r.Replies[i].Size, r.Replies[i].SHA256 = text, int64(len(text)), "of "+text
}

// Every break must be seen, with its class, and the message must name it.
func TestBreaks(t *testing.T) {
	for name, c := range map[string]struct {
		before, after *Result
		class         finding.Class
		message, name string // parts of the message and of the names
	}{
		"glibc's loader":  {server(), ended(127, "uwsgi: error while loading shared libraries: libxml2.so.2: cannot open shared object file: No such file or directory\n"), finding.Library, "libxml2.so.2 is missing", "libxml2.so.2"},
		"musl's loader":   {server(), ended(127, "Error loading shared library libpq.so.5: No such file or directory (needed by /app)\n"), finding.Library, "libpq.so.5", "libpq.so.5"},
		"dlopen":          {server(), ended(1, "Traceback (most recent call last):\nImportError: libpq.so.5: cannot open shared object file: No such file or directory\n"), finding.Library, "libpq.so.5", "libpq.so.5"},
		"an older glibc":  {server(), ended(1, "/app: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by /app)\n"), finding.Library, "GLIBC_2.38", "/app"},
		"Python's module": {server(), ended(1, "Traceback (most recent call last):\nModuleNotFoundError: No module named 'flask'\n"), finding.Module, "flask is missing", "flask"},
		"Node's module":   {server(), ended(1, "node:internal/modules/cjs/loader:1143\nError: Cannot find module '/app/node'\n"), finding.Module, "/app/node", "/app/node"},
		"Java's class":    {server(), ended(1, "Exception in thread \"main\" java.lang.NoClassDefFoundError: org/example/App\n"), finding.Module, "org/example/App", "org/example/App"},
		"Ruby's gem":      {server(), ended(1, "<internal>: cannot load such file -- sinatra (LoadError)\n"), finding.Module, "sinatra", "sinatra"},
		"no command":      {server(), ended(127, `exec: "gunicorn": executable file not found in $PATH`), finding.Command, "gunicorn is missing", "gunicorn"},
		"a script's":      {server(), ended(127, "/start.sh: line 3: gosu: command not found\n"), finding.Command, "gosu", "gosu"},
		"dash's":          {server(), ended(127, "sh: 1: curl: not found\n"), finding.Command, "curl", "curl"},
		"Node's spawn":    {server(), ended(1, "Error: spawn convert ENOENT\n"), finding.Command, "convert", "convert"},
		"no interpreter":  {server(), ended(127, "exec /start.sh: no such file or directory: its interpreter /bin/bash is missing"), finding.Interpreter, "/bin/bash is missing", "/bin/bash"},
		"env's":           {server(), ended(127, "/usr/bin/env: ‘node’: No such file or directory\n"), finding.Interpreter, "node", "node"},
		"a file":          {server(), ended(2, "python: can't open file '/srv/app.py': [Errno 2] No such file or directory\n"), finding.File, "/srv/app.py", "/srv/app.py"},
		"Python's file":   {server(), ended(1, "FileNotFoundError: [Errno 2] No such file or directory: 'data/tides.json'\n"), finding.File, "data/tides.json", "data/tides.json"},
		"Go's file":       {server(), ended(1, "2026/11/28 09:30:12 open templates/index.html: no such file or directory\n"), finding.File, "templates/index.html", "templates/index.html"},
		"Node's file":     {server(), ended(1, "Error: ENOENT: no such file or directory, open '/app/conf.json'\n"), finding.File, "/app/conf.json", "/app/conf.json"},
		"a folder": {server(), with(func(r *Result) {
			*r = *ended(1, "PermissionError: [Errno 13] Permission denied: '/app/data/x.db'\n")
			r.Denied = []Denied{{Path: "/app/data/x.db", Folder: "/app/data", Why: "PermissionError: [Errno 13] Permission denied: '/app/data/x.db'"}}
		}), finding.Permission, "/app/data/x.db", "/app/data"},
		"found by trying":      {server(), with(func(r *Result) { r.Denied = []Denied{{Path: "/srv/up", Folder: "/srv", Why: "EACCES: /srv/up"}} }), finding.Permission, "/srv/up", "/srv"},
		"while it serves":      {server(), with(func(r *Result) { r.Output += "open /var/log/app/a.log: permission denied\n" }), finding.Permission, "/var/log/app/a.log", "/var/log/app"},
		"a low port":           {server(), ended(1, "nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)\n"), finding.Port, "needs root or NET_BIND_SERVICE", "80"},
		"a low port, Node":     {server(), ended(1, "Error: listen EACCES: permission denied 0.0.0.0:443\n"), finding.Port, "port 443", "443"},
		"a low port, Go":       {server(), ended(1, "listen tcp :80: bind: permission denied\n"), finding.Port, "port 80", "80"},
		"a low port, gunicorn": {server(), ended(1, "[2026-11-28 11:46:56 +0000] [10] [ERROR] connection to ('0.0.0.0', 80) failed: [Errno 13] Permission denied\n"), finding.Port, "port 80", "80"},
		"a socket gone":        {&Result{Listen: []Listener{{Proto: "unix", Path: "/run/php.sock"}}}, &Result{RanMS: 2000}, finding.Port, "/run/php.sock", "/run/php.sock"},
		"certificates":         {server(), ended(1, "Get \"https://example.org\": tls: failed to verify certificate: x509: certificate signed by unknown authority\n"), finding.Certificates, "authorities", ""},
		"time zones":           {server(), ended(1, "panic: unknown time zone Europe/Oslo\n"), finding.TimeZones, "Europe/Oslo", "Europe/Oslo"},
		"no /tmp":              {server(), ended(1, "FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp', '/var/tmp']\n"), finding.Temp, "temporary", ""},
		"no user":              {server(), ended(1, "KeyError: 'getpwuid(): uid not found: 10001'\n"), finding.User, "10001", "10001"},
		"exit code":            {ended(0, "done\n"), ended(3, "done\n"), finding.Exit, "ends with 3", ""},
		"it ends":              {server(), ended(0, "bye\n"), finding.Exit, "answers on port 8000, now it ends with 0", ""},
		"it goes on":           {ended(0, "done\n"), server(), finding.Exit, "before it ends with 0", ""},
		"output":               {ended(0, "app 1.2\nall 5 checks passed\n"), ended(0, "app 1.2\nall 4 checks passed\n"), finding.Output, "all 4 checks", ""},
		"no output":            {ended(0, "app 1.2\n"), ended(0, ""), finding.Output, "is gone", ""},
		"failure alike":        {ended(1, "no database\n"), ended(1, "no configuration\n"), finding.Output, "no configuration", ""},
		"port gone":            {server(), with(func(r *Result) { r.Listen, r.Replies = nil, nil }), finding.Port, "nothing listens on port 8000", "8000"},
		"loopback only":        {server(), with(func(r *Result) { r.Listen[0].Address = "127.0.0.1" }), finding.Port, "nothing outside the container", "8000"},
		"status":               {server(), with(func(r *Result) { r.Replies[0].Status = 500 }), finding.Reply, "200, now with 500", "GET /"},
		"type":                 {server(), with(func(r *Result) { r.Replies[0].Type = "text/plain" }), finding.Reply, "text/plain", "GET /"},
		"location":             {server(), with(func(r *Result) { r.Replies[2].To = "/login" }), finding.Reply, "/login", "GET /old"},
		"body":                 {server(), with(func(r *Result) { body(r, 0, "<h1>Tides</h1>\n<p>no tides known</p>\n") }), finding.Reply, "no tides known", "GET /"},
		"a header field":       {with(func(r *Result) { r.Replies[0].Head = "content-security-policy: default-src 'self'\n" }), server(), finding.Reply, "had the header field content-security-policy", "GET /"},
		"a field's value":      {with(func(r *Result) { r.Replies[0].Head = "cache-control: no-store\n" }), with(func(r *Result) { r.Replies[0].Head = "cache-control: public\n" }), finding.Reply, "cache-control: no-store; now public", "GET /"},
		"emptiness":            {server(), with(func(r *Result) { body(r, 1, "") }), finding.Reply, "now with none", "GET /a.js"},
		"an asset":             {server(), with(func(r *Result) { r.Replies[1].Status = 404 }), finding.Reply, "200, now with 404", "GET /a.js"},
		"end of a body":        {with(long("x")), with(long("y")), finding.Reply, "after its first", "GET /a.js"},
		"cause in a body": {server(), with(func(r *Result) {
			r.Replies[0].Status = 500
			body(r, 0, "jinja2.exceptions.TemplateNotFound: index.html\n")
		}), finding.File, "index.html", "index.html"},
		"no answer": {server(), with(func(r *Result) {
			r.Replies[0] = Reply{Port: 8000, Method: "GET", Path: "/", Speaks: wire.Other, Err: "connection reset by peer"}
		}), finding.Reply, "nothing: connection reset", "GET /"},
		"health": {server(), with(func(r *Result) {
			r.Health = &Ran{Exit: 127, Output: `exec: "curl": executable file not found in $PATH`}
		}), finding.Health, "curl is missing", "curl"},
		"stop":            {server(), with(func(r *Result) { r.StopMS = -1 }), finding.Stop, "has to be killed", ""},
		"further command": {server(), with(func(r *Result) { r.Also[0].Exit = 1 }), finding.Exit, "app --version ended with 0, now with 1", ""},
		"further output":  {server(), with(func(r *Result) { r.Also[0].Output = "app 1.3\n" }), finding.Output, "app 1.3", ""},
		"command dropped": {server(), &Result{NoCommand: true, Exited: true, Exit: 127}, finding.Command, "no command", ""},
	} {
		for _, again := range []*Result{nil, copyOf(t, c.before)} {
			breaks := finding.Breaks(Compare(c.before, again, c.after))
			if len(breaks) == 0 {
				t.Errorf("%s: no break (again: %v)", name, again != nil)
				continue
			}
			f := breaks[0]
			if f.Class != c.class || !strings.Contains(f.Message, c.message) || !strings.Contains(strings.Join(f.Names, " "), c.name) {
				t.Errorf("%s: %+v, want %s, %q, %q", name, f, c.class, c.message, c.name)
			}
			if strings.Contains(f.Message, "\n") {
				t.Errorf("%s: the message has more than a line: %q", name, f.Message)
			}
		}
	}
}

func long(end string) func(*Result) {
	return func(r *Result) {
		r.Replies[1].Body, r.Replies[1].Size, r.Replies[1].SHA256 = strings.Repeat("a = 1\n", 1365), 20000, end
	}
}

// What nobody would miss must not be a break: neither alone nor all at once.
func TestHarmlessDifferences(t *testing.T) {
	for name, c := range map[string]struct{ before, again, after *Result }{
		"a cookie, a nonce and a field more": {
			with(func(r *Result) {
				r.Replies[0].Head = "content-security-policy: script-src 'nonce-r4nd0mAAA'\nset-cookie: sid\n"
			}), nil,
			with(func(r *Result) {
				r.Replies[0].Head = "allow: GET\ncontent-security-policy: script-src 'nonce-0therBBB'\nset-cookie: sid\n"
			})},
		"a field that differs from answer to answer": {
			with(func(r *Result) { r.Replies[0].Head = "cache-control: max-age=17\n" }), with(func(r *Result) { r.Replies[0].Head = "cache-control: max-age=23\n" }),
			with(func(r *Result) { r.Replies[0].Head = "cache-control: max-age=41\n" })},
		"time stamps":          {ended(0, "2026-11-28T09:30:12Z done in 12ms\n"), nil, ended(0, "2026-11-29T10:31:13Z done in 30ms\n")},
		"pids":                 {server(), nil, with(func(r *Result) { r.Output = strings.ReplaceAll(r.Output, "[7]", "[12]") })},
		"pid printed":          {ended(0, "worker pid=12\n"), nil, ended(0, "worker pid=7\n")},
		"the ports of clients": {ended(0, "127.0.0.1:51234 - GET /\n"), nil, ended(0, "127.0.0.1:40021 - GET /\n")},
		"a port that the kernel chose": {
			with(func(r *Result) {
				r.Listen = append(r.Listen, Listener{Proto: "tcp", Address: "127.0.0.1", Port: 41234})
			}), nil,
			with(func(r *Result) {
				r.Listen = append(r.Listen, Listener{Proto: "tcp", Address: "127.0.0.1", Port: 38111})
			})},
		"UUIDs":           {with(page1("id 1b4e28ba-2fa1-11d2-883f-0016d3cca427")), nil, with(page1("id 6fa459ea-ee8a-3ca4-894e-db77e160355e"))},
		"order":           {ended(0, "one\ntwo\nthree\n"), nil, ended(0, "two\none\nthree\n")},
		"caches":          {server(), server(), with(func(r *Result) { r.Writes = []Write{{Path: "/app/__pycache__/a.pyc", New: true, Cache: true}} })},
		"dates in pages":  {with(page1("Date: Sat, 28 Nov 2026 09:30:12 GMT")), nil, with(page1("Date: Sun, 29 Nov 2026 10:31:13 GMT"))},
		"ETag":            {with(page1(`{"etag": "W/aa-19aaf0"}`)), nil, with(page1(`{"etag": "W/aa-19bbf1"}`))},
		"nonces":          {with(page1(`<script nonce="abcdef12">`)), nil, with(page1(`<script nonce="34ghijkl">`))},
		"addresses":       {ended(0, "<App at 0x7f0011223344>\n"), nil, ended(0, "<App at 0x7f9988776655>\n")},
		"temporary":       {ended(0, "wrote /tmp/build-81723\n"), nil, ended(0, "wrote /tmp/build-2911\n")},
		"speed":           {server(), nil, with(func(r *Result) { r.ReadyMS, r.RanMS, r.StopMS = 9000, 12000, 700 })},
		"the user":        {server(), nil, with(func(r *Result) { r.UID = 10001 })},
		"what is random":  {with(page1("quote 17")), with(page1("quote 3")), with(page1("quote 29"))},
		"random in JSON":  {with(page1(`{"a":1,"n":0.123,"b":[2]}`)), with(page1(`{"a":1,"n":0.456,"b":[2]}`)), with(page1(`{"a":1,"n":0.789,"b":[2]}`))},
		"a random line":   {ended(0, "a\nlucky 5\nb\n"), ended(0, "a\nlucky 6\nb\n"), ended(0, "a\nlucky 7\nb\n")},
		"a flaky status":  {with(status(200)), with(status(503)), with(status(503))},
		"type's spelling": {server(), nil, with(func(r *Result) { r.Replies[0].Type = "Text/HTML" })},
		"the host":        {with(func(r *Result) { r.Replies[2].To = "http://localhost:8000/new" }), nil, server()},
		"a server's log":  {server(), nil, with(func(r *Result) { r.Output += "compiled with another option\n" })},
		"one more port":   {server(), nil, with(func(r *Result) { r.Listen = append(r.Listen, Listener{Proto: "tcp", Address: "0.0.0.0", Port: 9000}) })},
		"stops better":    {with(func(r *Result) { r.StopMS = -1 }), nil, server()},
		"both families":   {server(), nil, with(func(r *Result) { r.Listen[0].Address = "::" })},
		"more libraries":  {server(), nil, with(func(r *Result) { r.Maps = []string{"/lib/libz.so.1"}; r.Processes = []string{"x"} })},
		"it fails less":   {ended(1, "no database\n"), nil, server()},
		"denied alike": {
			with(func(r *Result) {
				r.Denied = []Denied{{Path: "/x", Folder: "/", Why: "no"}}
				r.Output += "open /x: permission denied\n"
			}), nil,
			with(func(r *Result) {
				r.Denied = []Denied{{Path: "/x", Folder: "/", Why: "no"}}
				r.Output += "open /x: permission denied\n"
			})},
		"a control socket": {
			with(func(r *Result) {
				r.Listen = append(r.Listen, Listener{Proto: "unix", Path: "/root/.gunicorn/gunicorn.ctl"})
			}), nil,
			with(func(r *Result) {
				r.Listen = append(r.Listen, Listener{Proto: "unix", Path: "/home/app/.gunicorn/gunicorn.ctl"})
			})},
		"nothing ran": {&Result{NoCommand: true}, nil, ended(1, "")},
	} {
		if breaks := finding.Breaks(Compare(c.before, c.again, c.after)); len(breaks) > 0 {
			t.Errorf("%s: %+v", name, breaks)
		}
	}
}

func page1(text string) func(*Result) {
	return func(r *Result) { body(r, 0, "<p>"+text+"</p>\nthe rest\n") }
}
func status(n int) func(*Result) { return func(r *Result) { r.Replies[0].Status = n } }

// A remark is told and breaks nothing.
func TestRemarks(t *testing.T) {
	for name, c := range map[string]struct {
		before, after *Result
		class         finding.Class
		message       string
	}{
		"a port more":  {server(), with(func(r *Result) { r.Listen = append(r.Listen, Listener{Proto: "tcp", Port: 9000}) }), finding.Port, "port 9000 too"},
		"stops better": {with(func(r *Result) { r.StopMS = -1 }), server(), finding.Stop, "now the stop signal ends it"},
		"an error":     {server(), with(func(r *Result) { r.Output += "ERROR could not warm the cache\n" }), finding.Output, "could not warm the cache"},
		"healthier":    {with(func(r *Result) { r.Health.Exit = 1 }), server(), finding.Health, "passes now"},
		"not written":  {with(func(r *Result) { r.Writes = []Write{{Path: "/app/a.db"}} }), server(), finding.File, "/app/a.db"},
	} {
		got := Compare(c.before, copyOf(t, c.before), c.after)
		if len(got) != 1 || got[0].Break || got[0].Class != c.class || !strings.Contains(got[0].Message, c.message) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// What is the same isn't different, whatever it is.
func TestNothingDiffersFromItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"No module named 'x'\n", "bind: permission denied :80", "ERROR a\nb\nb\n", "\x00\xff"}))
		r := rapid.SampledFrom([]*Result{server(), ended(0, ""), ended(1, "")}).Draw(t, "kind")
		r = with(func(n *Result) { *n = *r })
		r.Output = text.Draw(t, "output")
		r.StopMS = rapid.SampledFrom([]int64{-1, 0, 5}).Draw(t, "stop")
		r.Denied = []Denied{{Path: "/x", Folder: "/", Why: text.Draw(t, "why")}}
		r.Replies = append([]Reply{page("/r", text.Draw(t, "type"), text.Draw(t, "body"))}, r.Replies...)
		if got := Compare(r, nil, r); len(got) > 0 {
			t.Fatalf("%+v", got)
		}
		if got := Compare(r, r, r); len(got) > 0 {
			t.Fatalf("%+v", got)
		}
	})
}

func TestVerdictAndManner(t *testing.T) {
	for _, c := range []struct {
		r               *Result
		verdict, manner string
	}{
		{server(), Same, "answers on port 8000"},
		{with(func(r *Result) {
			for i := range r.Replies {
				r.Replies[i].Status = 500 + i
			}
		}), SameFailure, "answers with 502 on port 8000"},
		{with(func(r *Result) { r.Replies[0].Status = 500 }), Same, "answers on port 8000"},
		{ended(0, "x\n"), Same, "ends with 0"},
		{ended(1, "a\nno database\n"), SameFailure, "ends with 1: no database"},
		{ended(137, ""), SameFailure, "ends with 137 (signal 9)"},
		{&Result{RanMS: 5200}, SameFailure, "runs without listening (for 5 s)"},
		{&Result{NoCommand: true}, NotRun, "has no command to run"},
		{nil, NotRun, "has no command to run"},
		{&Result{Exited: true, Exit: 4, Listen: server().Listen}, SameFailure, "listens on port 8000, then ends with 4"},
		{&Result{Listen: []Listener{{Proto: "unix", Path: "/run/a.sock"}}}, Same, "listens on /run/a.sock"},
		{&Result{Listen: server().Listen, Replies: []Reply{{Status: 500}, {Status: 503}}}, SameFailure, "answers with 503 on port 8000"},
		{&Result{Listen: server().Listen, Replies: []Reply{{Status: 500}, {Status: 404}}}, Same, "answers on port 8000"},
		{&Result{Daemon: true, Listen: server().Listen, Replies: server().Replies}, Same, "ends with 0 and leaves a daemon that answers on port 8000"},
	} {
		if v, m := Verdict(c.r), Manner(c.r); v != c.verdict || m != c.manner {
			t.Errorf("%q, %q; want %q, %q", v, m, c.verdict, c.manner)
		}
	}
}

func copyOf(t *testing.T, r *Result) *Result {
	t.Helper()
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var out Result
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return &out
}
