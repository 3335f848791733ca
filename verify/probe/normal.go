package probe

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"drydock/rewrite"
)

// A rule replaces what changes from run to run by a word without digits.
type rule struct {
	at func() *regexp.Regexp
	to string
}

// rules are tried in order: what holds other things (a log's whole time stamp) before its parts.
var rules = []rule{
	{rewrite.Lazily(`\x1b\[[0-9;]*[A-Za-z]`), ""}, // colours
	// 2026-11-28T09:30:12.123456+01:00, 2026-11-28 09:30:12,123 +0000, 2026/11/28 09:30:12
	{rewrite.Lazily(`\b\d{4}[-/]\d\d[-/]\d\d[T _]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)\b)?`), "<time>"},
	// 28/Nov/2026:09:30:12 +0000
	{rewrite.Lazily(`\b\d{1,2}/[A-Z][a-z]{2}/\d{4}[: ]\d\d:\d\d:\d\d(?: [+-]\d{4})?`), "<time>"},
	// Sat, 28 Nov 2026 09:30:12 GMT; 28-Nov-2026 09:30:12
	{rewrite.Lazily(`\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?\d{1,2}[ -](?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*[ -]\d{4},? \d\d:\d\d(?::\d\d)?(?:\.\d+)?(?: ?(?:GMT|UTC|Z|[+-]\d\d:?\d\d)\b)?`), "<time>"},
	// Sat Nov 28 09:30:12 2026, Nov 28, 2026, 9:30:12 AM, Nov 28 09:30:12
	{rewrite.Lazily(`\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* {1,2}\d{1,2},?(?: \d{4},?)? \d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?(?: ?[AP]M\b)?(?: [A-Z]{3,4})?(?: \d{4}\b)?(?: \(?[A-Z]{3}[+-]\d{4}\b)?`), "<time>"},
	{rewrite.Lazily(`\b(?:19|20)\d\d([-/])\d\d[-/]\d\d\b`), "<time>"},
	{rewrite.Lazily(`\b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?(?: ?[AaPp][Mm]\b)?`), "<time>"},
	// UUIDs; addresses in memory; the ids of Docker and of traces
	{rewrite.Lazily(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "<id>"},
	{rewrite.Lazily(`\b0x[0-9a-fA-F]{4,16}\b`), "<address>"},
	{rewrite.Lazily(`\b[0-9a-f]*(?:[0-9][0-9a-f]*[a-f]|[a-f][0-9a-f]*[0-9])[0-9a-f]*\b`), "<hex>"}, // long ones only, see replace
	// nonces in HTML: <input name="csrf_token" value="…">, <meta name="csrf-token" content="…">, nonce="…"
	{rewrite.Lazily(`(?i)(name=["'](?:csrf|_csrf|xsrf|authenticity|__requestverification|csrfmiddleware)[a-z_-]*["'][^<>]{0,200}?(?:value|content)=["'])[^"'<>]+`), "${1}<nonce>"},
	{rewrite.Lazily(`(?i)((?:value|content)=["'])[^"'<>]+(["'][^<>]{0,200}?name=["'](?:csrf|_csrf|xsrf|authenticity|csrfmiddleware)[a-z_-]*["'])`), "${1}<nonce>${2}"},
	{rewrite.Lazily(`(?i)(\bnonce(?:=|-|["']: ?)["']?)[A-Za-z0-9+/_=-]{6,}`), "${1}<nonce>"},
	{rewrite.Lazily(`(?i)(\b(?:csrf|xsrf|session|request|trace|correlation|span)[_-]?(?:token|id)["']?[=:] ?["']?)[A-Za-z0-9+/_=.-]{6,}`), "${1}<id>"},
	{rewrite.Lazily(`(?i)(\betag["']?: ?["']?(?:W/)?["']?)[^"'\s<>]+`), "${1}<id>"},
	// durations: 12ms, 0.35 seconds, took 1m2s, 1.2µs, (1234 ms)
	{rewrite.Lazily(`\b(?:\d+h)?(?:\d+m)?\d+(?:[.,]\d+)? ?(?:ns|µs|μs|us|ms|msec|millis|milliseconds?|secs?|seconds?|s)\b`), "<duration>"},
	{rewrite.Lazily(`(?i)(\b(?:in|took|after|elapsed|duration|latency|uptime|time|rt|running for)[=: ] ?"?)\d+\.\d+\b`), "${1}<duration>"},
	// places in what Node has built in, which move with its patch releases
	{rewrite.Lazily(`\b(node:[a-z_]+(?:/[\w/]+)?):\d+:\d+\b`), "${1}:<line>"},
	// process and thread ids
	{rewrite.Lazily(`(?i)(\b(?:pid|tid|ppid)["']?[=:#(]? ?\[?"?)\d+\b`), "${1}<pid>"},
	// "process 5 files" counts something: these words need a sign or "id" after them, or what a process does
	{rewrite.Lazily(`(?im)(\b(?:thread|process|worker|proc) )\d+([,;)]?$| (?:is |was |has )?(?:start|exit|end|stop|ready|listen|die|kill|online|boot|spawn|connect|disconnect|run|up\b))`), "${1}<pid>${2}"},
	{rewrite.Lazily(`(?i)(\b(?:thread|process|worker|proc)["']?(?: id[=:#(]?|[=:#(]| ?\[) ?\[?"?)\d+\b`), "${1}<pid>"},
	{rewrite.Lazily(`(\[)\d+(\](?: \[[A-Z]+\]|: | ))`), "${1}<pid>${2}"},               // gunicorn, syslog
	{rewrite.Lazily(`(?m)\b(\d+)(#)\d+(: )`), "<pid>${2}<pid>${3}"},                    // nginx
	{rewrite.Lazily(`((?:INFO|WARN|ERROR|DEBUG|TRACE)\s+)\d+( ---)`), "${1}<pid>${2}"}, // Spring
	{rewrite.Lazily(`(Listening at: \S+ \()\d+`), "${1}<pid>"},                         // gunicorn
	{rewrite.Lazily(`(Allocations: )\d+`), "${1}<count>"},                              // Rails
	{rewrite.Lazily(`(<time> #)\d+`), "${1}<pid>"},                                     // Ruby's Logger
	{rewrite.Lazily(` {2,}(<(?:time|duration|pid|count)>)`), " ${1}"},                  // what was set right in a column
	// temporary names
	{rewrite.Lazily(`(/(?:var/)?tmp/)[A-Za-z0-9._-]+`), "${1}<temp>"},
	{rewrite.Lazily(`\b(tmp|temp)[_-]?[A-Za-z0-9_]{6,12}\b`), "${1}<temp>"}, // with a digit or in mixed case, see replace
	// a client's port: 127.0.0.1:51234, [::1]:40022; a host's name in a container
	{rewrite.Lazily(`((?:127\.0\.0\.1|\[::1\]|::1|localhost|::ffff:127\.0\.0\.1)[: ]"?)(?:3[2-9]|[45]\d|6[0-5])\d{3}\b`), "${1}<port>"},
	{rewrite.Lazily(`\b(?:1[5-9]|2[0-9])\d{8}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?\b`), "<epoch>"}, // only near now, see replace
	{rewrite.Lazily(`[A-Za-z0-9+_-]{24,}={0,2}`), "<base64>"},                                 // of three kinds of characters, see replace
}

// near is how far from now a number may be and still be taken for seconds, milli-, micro- or nanoseconds since 1970.
const near = 366 * 24 * time.Hour

// Normalise takes out of s what changes from run to run: times, durations, process ids, ports that the kernel chose, UUIDs
// and other ids, addresses in memory, temporary names, nonces. What is put in their place says what stood there. It is idempotent.
func Normalise(s string) string { return normalise(s, time.Now()) }

func normalise(s string, now time.Time) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	for {
		was := s
		for _, r := range rules {
			s = r.replace(s, now)
		}
		if s == was {
			return s // a replacement may have laid bare another one
		}
	}
}

func (r rule) replace(s string, now time.Time) string {
	var ok func(string) bool
	switch r.to {
	case "<hex>":
		ok = func(m string) bool { return len(m) >= 12 }
	case "${1}<temp>":
		ok = func(m string) bool { return strings.HasPrefix(m, "/") || strings.ContainsAny(m, "0123456789") }
	case "<epoch>":
		ok = func(m string) bool { return epoch(m, now) }
	case "<base64>":
		ok = mixed
	default:
		return r.at().ReplaceAllString(s, r.to)
	}
	return r.at().ReplaceAllStringFunc(s, func(m string) string {
		if !ok(m) {
			return m
		}
		return r.at().ReplaceAllString(m, r.to)
	})
}

func epoch(s string, now time.Time) bool {
	s, _, _ = strings.Cut(s, ".")
	n, err := strconv.ParseInt(s[:10], 10, 64)
	if err != nil {
		return false
	}
	d := now.Sub(time.Unix(n, 0))
	return d < near && d > -near
}

// mixed tells a token from a long word: it has capitals, small letters and digits, several of each.
func mixed(s string) bool {
	var upper, lower, digit int
	for _, c := range s {
		switch {
		case c >= 'A' && c <= 'Z':
			upper++
		case c >= 'a' && c <= 'z':
			lower++
		case c >= '0' && c <= '9':
			digit++
		}
	}
	return upper >= 3 && lower >= 3 && digit >= 2
}
