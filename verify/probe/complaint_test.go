package probe

import "testing"

// The line that is shown of a program's output is the one that says why it ended.
func TestComplaint(t *testing.T) {
	for name, c := range map[string]struct{ output, want string }{
		"python": {"Traceback (most recent call last):\n  File \"/app/app.py\", line 1, in <module>\n    import redis\nModuleNotFoundError: No module named 'redis'\n", "ModuleNotFoundError: No module named 'redis'"},
		"node": {
			"events.js:377\n      throw er; // Unhandled 'error' event\n      ^\n\nError: getaddrinfo ENOTFOUND redis\n    at GetAddrInfoReqWrap.onlookup [as oncomplete] (dns.js:71:26)\n  errno: -3008,\n  code: 'ENOTFOUND'\n}\n",
			"Error: getaddrinfo ENOTFOUND redis",
		},
		"node's own version": {"node:internal/modules/cjs/loader:1143\n  throw err;\n  ^\n\nError: Cannot find module '/app/index.js'\n    at Module._load (node:internal/modules/cjs/loader:981:27) {\n  code: 'MODULE_NOT_FOUND',\n  requireStack: []\n}\n\nNode.js v20.19.0\n", "Error: Cannot find module '/app/index.js'"},
		"node, with a code":  {"TypeError [ERR_INVALID_ARG_TYPE]: The \"path\" argument must be of type string\n    at new URL (node:internal/url:775:36) {\n  code: 'x'\n}\n", "TypeError [ERR_INVALID_ARG_TYPE]: The \"path\" argument must be of type string"},
		"java":               {"Exception in thread \"main\" java.lang.IllegalStateException: no driver\n\tat App.main(App.java:3)\nCaused by: java.net.UnknownHostException: db\n\tat java.net.Inet.get(Inet.java:9)\n\t... 3 more\n", "Caused by: java.net.UnknownHostException: db"},
		"go":                 {"panic: dial tcp: lookup db: no such host\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:9 +0x1d\nexit status 2\n", "panic: dial tcp: lookup db: no such host"},
		"a plain line":       {"starting\nusage: server -port N\n\n", "usage: server -port N"},
		"a brace at the end": {"{\n  reason: 'no database'\n}\n", "reason: 'no database'"},
		"nothing":            {"\n", ""},
	} {
		if got := complaint(c.output); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
