//go:build linux

package watch

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"drydock/verify/probe/wire"
)

func ignore() { signal.Ignore(syscall.SIGTERM) }

func onQuit() {
	ignore()
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGQUIT)
	go func() { <-c; os.Exit(0) }()
}

func TestAServerIsAsked(t *testing.T) {
	r := watched(t, "server", wire.Spec{Gets: []wire.Get{{Method: "POST", Path: "/jobs"}, {Method: "HEAD", Path: "/big"}, {Method: "GET", Path: "/none"}}})
	if r.Exited || len(r.Listen) != 1 || r.Listen[0].Address != "127.0.0.1" || r.Listen[0].Proto != "tcp" || r.StopMS < 0 {
		t.Errorf("a server on one port that takes SIGTERM: %+v", r)
	}
	var asked []string
	for _, one := range r.Replies {
		asked = append(asked, one.Method+" "+one.Path)
		if one.Speaks != wire.HTTP || one.Err != "" {
			t.Errorf("%+v", one)
		}
	}
	if want := []string{"GET /", "POST /jobs", "HEAD /big", "GET /none", "GET /big", "GET /away", "GET /stream?a=1&b=2"}; !slices.Equal(asked, want) {
		t.Fatalf("asked %q, want %q", asked, want)
	}
	for path, want := range map[string]int{"/jobs": 202, "/none": 404, "/away": 302, "/": 200} {
		if got := first(r, path).Status; got != want {
			t.Errorf("%s: status %d, want %d", path, got, want)
		}
	}
	if to := first(r, "/away").To; to != "/there" {
		t.Errorf("the redirect goes to %q", to)
	}
	if s := first(r, "/stream?a=1&b=2"); s.Body != "piece 0 a=1&b=2\npiece 1 a=1&b=2\npiece 2 a=1&b=2\n" {
		t.Errorf("chunks: %q", s.Body)
	}
	whole := strings.Repeat("0123456789abcdef", 1000)
	sum := sha256.Sum256([]byte(whole))
	if b := r.Replies[4]; b.Body != whole[:keepBytes] || b.SHA256 != hex.EncodeToString(sum[:]) || b.Size != int64(len(whole)) {
		t.Errorf("a long body: %d bytes of %d kept, %s", len(b.Body), b.Size, b.SHA256)
	}
	if len(r.Processes) != 1 {
		t.Errorf("processes: %q", r.Processes)
	}
}

func TestHowServersBehave(t *testing.T) {
	for _, c := range []struct {
		role  string
		right func(r *wire.Result) bool
	}{
		{"anywhere", func(r *wire.Result) bool { return public(r.Listen) && first(r, "/").Status == 200 }},
		{"two", func(r *wire.Result) bool {
			return len(r.Listen) == 2 && r.Listen[0].Port != r.Listen[1].Port && len(r.Replies) == 5
		}},
		{"dies of the question", func(r *wire.Result) bool { return r.Exited && r.Exit == 9 && len(r.Listen) == 1 }},
		{"listens, then dies", func(r *wire.Result) bool { return r.Exited && r.Exit == 4 && r.Output == "no database\n" }},
		{"slow", func(r *wire.Result) bool { return !r.Exited && first(r, "/").Status == 200 }},
		{"warms up", func(r *wire.Result) bool { return first(r, "/").Status == 200 && first(r, "/").Body == "ready" }},
		{"daemon", func(r *wire.Result) bool {
			return !r.Exited && r.Daemon && first(r, "/").Status == 200 && r.StopMS >= 0
		}},
		{"unruly", func(r *wire.Result) bool { return !r.Exited && r.StopMS == -1 && first(r, "/").Status == 200 }},
		{"redis", func(r *wire.Result) bool {
			return first(r, "/").Speaks == wire.Other && first(r, "/").Body == "-ERR unknown command 'GET'\r\n"
		}},
		{"silent", func(r *wire.Result) bool { return first(r, "/").Speaks == wire.Other && first(r, "/").Status == 0 }},
		{"garbage", func(r *wire.Result) bool { return first(r, "/").Speaks == wire.Other && first(r, "/").Status == 0 }},
		{"alert", func(r *wire.Result) bool { return first(r, "/").Speaks == wire.TLS }},
		{"tls", func(r *wire.Result) bool { return first(r, "/").Speaks == wire.TLS && first(r, "/").Status == 0 }},
		{"strict tls", func(r *wire.Result) bool { return first(r, "/").Speaks == wire.TLS }},
		{"old", func(r *wire.Result) bool { return first(r, "/").Status == 200 && first(r, "/").Body == "old but fine" }},
		{"cut", func(r *wire.Result) bool {
			return first(r, "/").Body == "half" && strings.Contains(first(r, "/").Err, "before its Content-Length")
		}},
	} {
		t.Run(c.role, func(t *testing.T) {
			t.Parallel()
			if r := watched(t, c.role, wire.Spec{}); len(r.Listen) == 0 || r.Replies == nil && !r.Exited || !c.right(r) {
				t.Errorf("%+v", r)
			}
		})
	}
}

func public(l []wire.Listener) bool {
	return len(l) == 1 && (l[0].Address == "0.0.0.0" || l[0].Address == "::")
}

func TestTheStopSignalOfTheImage(t *testing.T) {
	if r := watched(t, "quits", wire.Spec{Stop: "SIGQUIT"}); r.StopMS < 0 {
		t.Errorf("SIGQUIT ends it: %+v", r)
	}
	for name, want := range map[string]syscall.Signal{
		"": syscall.SIGTERM, "SIGQUIT": syscall.SIGQUIT, "int": syscall.SIGINT, "9": syscall.SIGKILL, "SIGRTMIN+3": 37, "nonsense": syscall.SIGTERM,
	} {
		if got := signalOf(name); got != want {
			t.Errorf("%q is signal %d, want %d", name, got, want)
		}
	}
}

func TestProgramsThatEnd(t *testing.T) {
	noBash := script(t, "start.sh", "#!/no/bash\n", 0o755)
	dos := script(t, "dos.sh", "#!/bin/sh\r\n", 0o755)
	plain := script(t, "plain.sh", "#!/bin/sh\n", 0o644)
	empty := script(t, "empty", "what is this", 0o755)
	for _, c := range []struct {
		argv   []string
		exit   int
		output string
	}{
		{[]string{"sh", "-c", "echo one; echo two >&2; exit 3"}, 3, "one\ntwo\n"},
		{[]string{"sh", "-c", "kill -9 $$"}, 137, ""},
		{[]string{"/no/such"}, 127, `exec: "/no/such": stat /no/such: no such file or directory`},
		{[]string{"no-such-command"}, 127, `exec: "no-such-command": executable file not found in $PATH`},
		{[]string{noBash}, 127, "exec " + noBash + ": no such file or directory: its interpreter /no/bash is missing"},
		{[]string{dos}, 127, "exec " + dos + `: no such file or directory: its interpreter /bin/sh\r (its first line ends with a carriage return) is missing`},
		{[]string{plain}, 126, "exec " + plain + ": permission denied: it is not executable; chmod +x"},
		{[]string{empty}, 126, "exec " + empty + ": exec format error: neither a program for this machine nor a script whose first line names an interpreter"},
		{nil, 127, "no command specified"},
	} {
		got := watched(t, "", wire.Spec{Argv: c.argv})
		if !got.Exited || got.Exit != c.exit || got.Output != c.output || got.NoCommand != (c.argv == nil) || got.Replies != nil {
			t.Errorf("%q: %+v; want %d, %q", c.argv, got, c.exit, c.output)
		}
	}
}

func TestAnInterpreterIsFoundInAnELFFile(t *testing.T) {
	raw, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Skip("no /bin/sh")
	}
	if got := loader(raw[:min(len(raw), 4096)]); !strings.HasPrefix(got, "/lib") {
		t.Errorf("the loader of /bin/sh is %q", got)
	}
	if got := loader([]byte("\x7fELF\x02\x01")); got != "" {
		t.Errorf("a cut file has no loader: %q", got)
	}
}

func TestAWorkerRunsUntilTheTimeIsUp(t *testing.T) {
	r := watched(t, "worker", wire.Spec{Wait: 1})
	if r.Exited || r.Output != "waiting for jobs\n" || len(r.Listen) > 0 || r.RanMS < 1000 {
		t.Errorf("%+v", r)
	}
}

func TestAFloodIsBounded(t *testing.T) {
	r := watched(t, "flooder", wire.Spec{})
	if r.Exit != 5 || !r.Truncated.Output || len(r.Output) > 3*keepBytes || !strings.HasSuffix(r.Output, "the last line\n") || !strings.HasPrefix(r.Output, "flood ") {
		t.Errorf("exit %d, %d bytes, cut %v", r.Exit, len(r.Output), r.Truncated.Output)
	}
}

func TestStdinIsEmptyAndTheEnvironmentIsAdded(t *testing.T) {
	if r := watched(t, "reader", wire.Spec{}); !r.Exited || r.Output != "0 <nil>\n" {
		t.Errorf("%+v", r)
	}
	if r := watched(t, "environment", wire.Spec{Env: []string{"COLOUR=red", "COLOUR=blue"}}); r.Output != "blue\n" {
		t.Errorf("%+v", r)
	}
}

// What a program leaves behind is killed, also when it has a session of its own: the next run begins alone.
func TestNothingIsLeftRunning(t *testing.T) {
	mark := "DRYDOCK_TEST_MARK=" + filepath.Base(t.TempDir()) + t.Name()
	r := watched(t, "parent", wire.Spec{Env: []string{mark}})
	if !r.Exited || r.Exit != 0 {
		t.Errorf("%+v", r)
	}
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range environs {
		if text, err := os.ReadFile(f); err == nil && strings.Contains(string(text), mark) {
			t.Errorf("%s still runs", filepath.Dir(f))
		}
	}
}

func TestWhatARunWrites(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/old.txt", []byte("as it was"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/still.txt", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	r := watched(t, "writer", wire.Spec{Argv: []string{dir}})
	got := map[string]wire.Write{}
	for _, w := range r.Writes {
		if rest, ok := strings.CutPrefix(w.Path, dir+"/"); ok {
			w.Cache = w.Cache && strings.HasSuffix(w.Path, ".pyc") // the test's own folder is temporary
			w.Path = ""
			got[rest] = w
		}
	}
	want := map[string]wire.Write{
		"old.txt": {Writable: true}, "new": {New: true, Folder: true, Writable: true}, "new/data.db": {New: true, Writable: true},
		"new/__pycache__": {New: true, Folder: true, Writable: true}, "new/__pycache__/a.pyc": {New: true, Cache: true, Writable: true},
	}
	for name, w := range want {
		if got[name] != w {
			t.Errorf("%s: %+v, want %+v", name, got[name], w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d writes, want %d: %+v", len(got), len(want), got)
	}
}

func TestSocketsOfEveryKind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	r := watched(t, "datagrams", wire.Spec{Argv: []string{path}})
	kinds := map[string]int{}
	for _, l := range r.Listen {
		kinds[l.Proto]++
	}
	if kinds["tcp"] != 1 || kinds["udp"] != 1 || kinds["unix"] != 1 {
		t.Errorf("%+v", r.Listen)
	}
}

// What others on the machine listen on isn't the command's.
func TestStrangersDontCount(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if r := watched(t, "worker", wire.Spec{Wait: 1}); len(r.Listen) > 0 || r.Replies != nil {
		t.Errorf("%+v", r)
	}
}

func TestHealth(t *testing.T) {
	for _, c := range []struct {
		test []string
		exit int
		out  string
	}{
		{[]string{"CMD-SHELL", "echo fine"}, 0, "fine\n"},
		{[]string{"CMD", "sh", "-c", "echo sick; exit 1"}, 1, "sick\n"},
		{[]string{"CMD", "no-such-curl"}, 127, `exec: "no-such-curl": executable file not found in $PATH`},
	} {
		r := watched(t, "server", wire.Spec{Health: &wire.Health{Test: c.test, Interval: 1, Retries: 2}})
		if r.Health == nil || r.Health.Exit != c.exit || r.Health.Output != c.out {
			t.Errorf("%q: %+v", c.test, r.Health)
		}
	}
	if r := watched(t, "server", wire.Spec{Health: &wire.Health{Test: []string{"NONE"}}}); r.Health != nil {
		t.Errorf("NONE is no check: %+v", r.Health)
	}
}

func TestFurtherCommands(t *testing.T) {
	r := watched(t, "environment", wire.Spec{Also: [][]string{{"sh", "-c", "echo $COLOUR; exit 2"}, {"no-such"}}, Env: []string{"COLOUR=red"}})
	if len(r.Also) != 2 || r.Also[0].Exit != 2 || r.Also[0].Output != "red\n" || r.Also[1].Exit != 127 {
		t.Errorf("%+v", r.Also)
	}
}

func TestLibrariesOfAProgramThatIsOverAtOnce(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("no sleep")
	}
	if r := watched(t, "", wire.Spec{Argv: []string{sleep, "0.2"}}); !holds(r.Maps, "libc") && !holds(r.Maps, "ld-") {
		t.Errorf("maps: %q", r.Maps)
	}
}

func TestWhatWasDenied(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Mkdir("data", 0o755); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"PermissionError: [Errno 13] Permission denied: '/app/data/x.db'":            "/app/data/x.db",
		"Error: EACCES: permission denied, open '/srv/log.txt'":                      "/srv/log.txt",
		"open /var/lib/app/state: permission denied":                                 "/var/lib/app/state",
		"nginx: [emerg] mkdir() \"/var/cache/nginx\" failed (13: Permission denied)": "/var/cache/nginx",
		"touch: cannot touch '/x/y': Read-only file system":                          "/x/y",
		"PermissionError: [Errno 13] Permission denied: 'data/x.db'":                 filepath.Join(dir, "data/x.db"),
		"[ERROR] connection to ('0.0.0.0', 80) failed: [Errno 13] Permission denied": "",
		"everything is fine in /app":                                                 "",
	} {
		got := denied(line + "\n")
		switch {
		case want == "" && len(got) > 0, want != "" && (len(got) != 1 || got[0].Path != want || got[0].Why != line):
			t.Errorf("%s: %+v, want %s", line, got, want)
		}
	}
	if refused(filepath.Join(dir, "a", "b")) != "" {
		t.Error("what can be made now isn't refused")
	}
}

func TestWaitingForPorts(t *testing.T) {
	tcp := func(ports ...int) (out []wire.Listener) {
		for _, p := range ports {
			out = append(out, wire.Listener{Proto: "tcp", Port: p})
		}
		return out
	}
	for _, c := range []struct {
		l     []wire.Listener
		ports []int
		want  bool // after settle and no longer
	}{
		{tcp(80), nil, true}, {tcp(80), []int{80}, true}, {tcp(80, 9000), []int{80}, true},
		{tcp(80), []int{80, 443}, false}, {tcp(9000), []int{80}, false}, {[]wire.Listener{{Proto: "udp", Port: 53}}, nil, false},
		{tcp(4369, 41234), nil, false}, {tcp(4000, 4369, 41234), nil, true}, {tcp(50051), nil, true},
	} {
		if got := enough(c.l, c.ports, settle); got != c.want {
			t.Errorf("%v, wanted %v: %v", c.l, c.ports, got)
		}
		if !enough(c.l, c.ports, elsewhere) {
			t.Errorf("%v, wanted %v: waits for ever", c.l, c.ports)
		}
	}
}
