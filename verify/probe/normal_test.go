package probe

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Two runs of the same server, as their logs and pages read. What stands on the left and on the right is the same.
var sameLogs = map[string][2]string{
	"gunicorn": {
		"[2026-11-28 09:30:12 +0000] [1] [INFO] Starting gunicorn 23.0.0\n[2026-11-28 09:30:12 +0000] [1] [INFO] Listening at: http://0.0.0.0:8000 (1)\n[2026-11-28 09:30:12 +0000] [7] [INFO] Booting worker with pid: 7",
		"[2026-11-29 23:59:59 +0100] [15] [INFO] Starting gunicorn 23.0.0\n[2026-11-29 23:59:59 +0100] [15] [INFO] Listening at: http://0.0.0.0:8000 (15)\n[2026-11-30 00:00:00 +0100] [16] [INFO] Booting worker with pid: 16",
	},
	"uvicorn": {
		"INFO:     Started server process [1]\nINFO:     127.0.0.1:51234 - \"GET / HTTP/1.1\" 200 OK",
		"INFO:     Started server process [4711]\nINFO:     127.0.0.1:40022 - \"GET / HTTP/1.1\" 200 OK",
	},
	"express morgan": {
		"GET / 200 3.512 ms - 170\n::1 - - [28/Nov/2026:09:30:12 +0000] \"GET / HTTP/1.1\" 200 170",
		"GET / 200 11.1 ms - 170\n::1 - - [29/Nov/2026:10:31:13 +0000] \"GET / HTTP/1.1\" 200 170",
	},
	"a place in Node": {"at afterConnect (node:net:1689:7) at run (node:internal/process/task_queues:95:5)", "at afterConnect (node:net:2099:7) at run (node:internal/process/task_queues:103:9)"},
	"next":            {" ✓ Ready in 324ms", " ✓ Ready in 1298ms"},
	"node's cluster":  {"worker 4711 is online\nprocess 12 exited\n", "worker 7 is online\nprocess 1300 exited\n"},
	"spring": {
		"2026-11-28T09:30:12.123Z  INFO 1 --- [           main] org.example.App : Started App in 1.234 seconds (process running for 1.567)",
		"2026-11-29T10:31:13.9Z  INFO 4711 --- [           main] org.example.App : Started App in 2.3 seconds (process running for 2.9)",
	},
	"gin": {
		"[GIN] 2026/11/28 - 09:30:12 | 200 |     120.345µs |       127.0.0.1 | GET      \"/\"",
		"[GIN] 2026/11/29 - 10:31:13 | 200 |      90.1µs |       127.0.0.1 | GET      \"/\"",
	},
	"nginx": {
		"2026/11/28 09:30:12 [notice] 1#1: start worker process 29",
		"2026/11/29 10:31:13 [notice] 15#15: start worker process 31",
	},
	"rails": {
		"* PID: 1\nCompleted 200 OK in 12ms (Views: 3.2ms | ActiveRecord: 0.0ms | Allocations: 1234)\nI, [2026-11-28T09:30:12.123456 #1]  INFO -- : [1b4e28ba-2fa1-11d2-883f-0016d3cca427] Started",
		"* PID: 22\nCompleted 200 OK in 8ms (Views: 5.9ms | ActiveRecord: 0.1ms | Allocations: 1250)\nI, [2026-11-29T10:31:13.654321 #22]  INFO -- : [6fa459ea-ee8a-3ca4-894e-db77e160355e] Started",
	},
	"php -S": {
		"[Sat Nov 28 09:30:12 2026] PHP 8.3.1 Development Server (http://0.0.0.0:8000) started\n[Sat Nov 28 09:30:13 2026] 127.0.0.1:51234 Accepted",
		"[Sun Nov 29 10:31:13 2026] PHP 8.3.1 Development Server (http://0.0.0.0:8000) started\n[Sun Nov 29 10:31:14 2026] 127.0.0.1:40022 Accepted",
	},
	"a page with a token": {
		`<meta name="csrf-token" content="Zm9vYmFy+/abc="><input type="hidden" name="csrfmiddlewaretoken" value="aaaaBBBB1111"><script nonce="r4nd0mAAA">`,
		`<meta name="csrf-token" content="c29tZXRoaW5n+/x="><input type="hidden" name="csrfmiddlewaretoken" value="ccccDDDD2222"><script nonce="0therBBB">`,
	},
	"headers": {
		"Date: Sat, 28 Nov 2026 09:30:12 GMT\nETag: W/\"aa-19aaf0\"\nLast-Modified: Sat, 28 Nov 2026 09:00:00 GMT",
		"Date: Sun, 29 Nov 2026 10:31:13 GMT\nETag: W/\"aa-19bbf1\"\nLast-Modified: Sun, 29 Nov 2026 08:00:01 GMT",
	},
	"addresses, ids and temporary names": {
		"<Foo object at 0x7f61a2b3c4d0> in /tmp/tmpab12cd request_id=8f14e45fceea167a5a36 host 3f2a9c1b7d4e",
		"<Foo object at 0x7fffdeadbee0> in /tmp/pip-x9 request_id=1679091c5a880faf6fb5 host 0a1b2c3d4e5f",
	},
	"CRLF and colours": {"\x1b[32mready\x1b[0m\r\n", "ready\n"},
}

func TestTheSameLogTwice(t *testing.T) {
	for name, c := range sameLogs {
		if a, b := Normalise(c[0]), Normalise(c[1]); a != b {
			t.Errorf("%s:\n%s\n%s", name, a, b)
		}
	}
	now := time.Now()
	for _, format := range []string{`{"now":%d}`, "started at %d"} {
		if a, b := Normalise(fmt.Sprintf(format, now.Unix())), Normalise(fmt.Sprintf(format, now.Add(time.Hour).Unix())); a != b {
			t.Errorf("%s, %s", a, b)
		}
		if a, b := Normalise(fmt.Sprintf(format, now.UnixMilli())), Normalise(fmt.Sprintf(format, now.Add(time.Hour).UnixMilli())); a != b {
			t.Errorf("%s, %s", a, b)
		}
	}
}

// What a user reads stays.
func TestWhatIsSaidStays(t *testing.T) {
	for _, s := range []string{
		"Listening on port 8000", "http://0.0.0.0:8000", "version 3.12.4", "tides: 12", `{"temperature":21.5,"count":1000000}`,
		"/usr/local/lib/python3.12/site-packages/flask/app.py", "1234567890", "exit status 137", "deadbeef", "process 5 files", "worker 3 of 4", "GLIBC_2.38", "template.html", "total 42",
		"/_next/static/chunks/main-app.js", "internationalization", "ThisIsAVeryLongClassNameInJava",
	} {
		if got := Normalise(s); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
}

func TestNormaliseIsIdempotent(t *testing.T) {
	var logs []string
	for _, c := range sameLogs {
		logs = append(logs, c[0], c[1])
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.SampledFrom(logs), rapid.StringMatching(`[0-9a-fA-F:/ .,\[\]<>"=pidtmTZ#-]{0,60}`)).Draw(t, "log")
		once := Normalise(s)
		if twice := Normalise(once); twice != once {
			t.Fatalf("%q, then %q, then %q", s, once, twice)
		}
	})
}
