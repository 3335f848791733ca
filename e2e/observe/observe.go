// Package observe watches a command from inside its container: the half of the end-to-end tests that runs in the image.
//
// No Docker engine is needed for that: BuildKit gives a RUN step the image's user, environment and working directory, and
// with --network=none a network of its own. So everything that listens there is the command's, on whatever port.
// Only the standard library, since the probe is a static binary that must run on scratch too.
package observe

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Marker stands before the result in the step's output.
const Marker = "drydock-probe-result:"

const (
	keepBytes = 8 << 10 // of each body and output; a hash stands for the whole
	maxLinks  = 10      // followed from GET /
	settle    = 300 * time.Millisecond
)

// A Spec says what to run and what to ask.
type Spec struct {
	Argv  []string   `json:"argv"`  // ENTRYPOINT and CMD
	Paths []string   `json:"paths"` // to GET besides /
	Also  [][]string `json:"also"`  // commands to run afterwards, on their own
	Wait  int        `json:"wait"`  // seconds until it must listen or exit
	Nonce string     `json:"nonce"` // makes the step differ from the last one, so that no cache answers for it
}

// A Result is what was seen.
type Result struct {
	UID     int     `json:"uid"`     // the command's effective user while it ran, else the step's
	Exited  bool    `json:"exited"`  // by itself, before it listened anywhere
	Exit    int     `json:"exit"`    // code when Exited; 127 when it couldn't start
	Output  string  `json:"output"`  // stdout and stderr, the first 8 KiB
	Replies []Reply `json:"replies"` // none when nothing listened
	ReadyMS int64   `json:"ready_ms"`
	StopMS  int64   `json:"stop_ms"` // from SIGTERM to its end; -1: it had to be killed
	Also    []Ran   `json:"also"`
}

// A Reply is the answer to one GET.
type Reply struct {
	Port   int    `json:"port"`
	Path   string `json:"path"`
	Status int    `json:"status"` // 0: no HTTP answer, Body holds the error
	Type   string `json:"type"`   // Content-Type
	To     string `json:"to"`     // Location
	Body   string `json:"body"`   // the first 8 KiB
	SHA256 string `json:"sha256"` // of all of it
}

// Ran is one command of Spec.Also.
type Ran struct {
	Argv   []string `json:"argv"`
	Exit   int      `json:"exit"`
	Output string   `json:"output"`
}

// Decode reads a Spec as [Encode] wrote it.
func Decode(arg string) (Spec, error) {
	var spec Spec
	raw, err := base64.StdEncoding.DecodeString(arg)
	if err != nil {
		return spec, err
	}
	return spec, json.Unmarshal(raw, &spec)
}

// Encode gives v, a Spec or a Result, as one word: JSON in base64.
func Encode(v any) (string, error) {
	raw, err := json.Marshal(v)
	return base64.StdEncoding.EncodeToString(raw), err
}

// Find reads the Result from the output of a step that ran probe.
func Find(output string) (*Result, error) {
	_, word, found := strings.Cut(output, Marker)
	if !found {
		return nil, errors.New("no result in the probe's output")
	}
	word, _, _ = strings.Cut(word, "\n")
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(word))
	if err != nil {
		return nil, fmt.Errorf("the probe's result: %w", err)
	}
	var res Result
	if err := json.Unmarshal(raw, &res); err != nil {
		return nil, fmt.Errorf("the probe's result: %w", err)
	}
	return &res, nil
}

// Watch runs what spec names and gives what it did.
func Watch(spec Spec) Result {
	res := watch(spec)
	for _, argv := range spec.Also {
		c := start(argv)
		if !c.ended(time.Duration(spec.Wait) * time.Second) {
			c.stop()
		}
		res.Also = append(res.Also, Ran{Argv: argv, Exit: c.code, Output: c.out.String()})
	}
	return res
}

// watch runs spec.Argv to its end, or until it has answered.
func watch(spec Spec) Result {
	res := Result{UID: os.Geteuid()}
	begin := time.Now()
	c := start(spec.Argv)
	for deadline := begin.Add(time.Duration(spec.Wait) * time.Second); time.Now().Before(deadline); {
		if c.ended(20 * time.Millisecond) {
			res.Exited, res.Exit, res.Output = true, c.code, c.out.String()
			return res
		}
		if len(listening()) > 0 {
			res.ReadyMS = time.Since(begin).Milliseconds()
			c.ended(settle) // more ports may follow
			break
		}
	}
	res.UID = c.uid(res.UID)
	for _, port := range listening() {
		res.Replies = append(res.Replies, ask(port, spec.Paths)...)
	}
	if len(res.Replies) > 0 && c.ended(settle) { // it listened and died of the question
		res.Exited, res.Exit = true, c.code
	}
	res.StopMS = c.stop()
	res.Output = c.out.String()
	return res
}

// ask gets / from port, then paths, then what / links to on the same host.
func ask(port int, paths []string) []Reply {
	root, body := get(port, "/")
	replies := []Reply{root}
	for _, p := range append(slices.Clone(paths), links(body)...) {
		r, _ := get(port, p)
		replies = append(replies, r)
	}
	return replies
}

var link = regexp.MustCompile(`(?:src|href)="(/[^"/][^"]*)"`)

func links(body []byte) []string {
	var found []string
	for _, m := range link.FindAllSubmatch(body, -1) {
		if p := string(m[1]); !slices.Contains(found, p) && len(found) < maxLinks {
			found = append(found, p)
		}
	}
	return found
}

func get(port int, path string) (Reply, []byte) {
	r := Reply{Port: port, Path: path}
	client := http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DialContext: (&net.Dialer{}).DialContext, DisableKeepAlives: true}, // no proxy
	}
	resp, err := client.Get(fmt.Sprintf("http://localhost:%d%s", port, path))
	if err != nil {
		r.Body = err.Error()
		return r, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.Body = err.Error()
		return r, nil
	}
	sum := sha256.Sum256(body)
	r.Status, r.Type, r.To = resp.StatusCode, resp.Header.Get("Content-Type"), resp.Header.Get("Location")
	r.Body, r.SHA256 = string(body[:min(len(body), keepBytes)]), hex.EncodeToString(sum[:])
	return r, body
}

// listening gives the TCP ports of this network namespace in state LISTEN, ascending. The namespace is ours alone.
func listening() []int {
	var ports []int
	for _, f := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := os.ReadFile(f) // no IPv6: no such file
		for line := range strings.Lines(string(text)) {
			field := strings.Fields(line) // sl local_address rem_address st …
			if len(field) < 4 || field[3] != "0A" {
				continue
			}
			_, hexPort, _ := strings.Cut(field[1], ":")
			if p, err := strconv.ParseUint(hexPort, 16, 16); err == nil && !slices.Contains(ports, int(p)) {
				ports = append(ports, int(p))
			}
		}
	}
	slices.Sort(ports)
	return ports
}

// A child is a running command in a process group of its own.
type child struct {
	cmd  *exec.Cmd
	out  *clip
	done chan struct{}
	code int // valid once done is closed
}

func start(argv []string) *child {
	c := &child{out: &clip{}, done: make(chan struct{}), code: 127}
	if len(argv) == 0 {
		fmt.Fprint(c.out, "no command specified")
		close(c.done)
		return c
	}
	c.cmd = exec.Command(argv[0], argv[1:]...)
	c.cmd.Stdout, c.cmd.Stderr = c.out, c.out
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.cmd.WaitDelay = time.Second // a grandchild may hold the pipe
	if err := c.cmd.Start(); err != nil {
		fmt.Fprint(c.out, err)
		close(c.done)
		return c
	}
	go func() {
		_ = c.cmd.Wait() // the code says it
		c.code = c.cmd.ProcessState.ExitCode()
		if s, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() {
			c.code = 128 + int(s.Signal()) // as a container runtime reports it
		}
		close(c.done)
	}()
	return c
}

// ended tells whether the command is over, waiting up to d for it.
func (c *child) ended(d time.Duration) bool {
	select {
	case <-c.done:
		return true
	case <-time.After(d):
		return false
	}
}

// stop sends SIGTERM, after five seconds SIGKILL. It gives the milliseconds that SIGTERM took, or -1.
func (c *child) stop() int64 {
	if c.ended(0) {
		return 0
	}
	begin := time.Now()
	_ = syscall.Kill(c.cmd.Process.Pid, syscall.SIGTERM) // as a container's stop does: the first process only
	if c.ended(5 * time.Second) {
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
		return time.Since(begin).Milliseconds()
	}
	_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	<-c.done
	return -1
}

// uid gives the effective user of the command now; an entry point may have dropped root since the start.
func (c *child) uid(otherwise int) int {
	if c.cmd == nil || c.cmd.Process == nil {
		return otherwise
	}
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	for line := range strings.Lines(string(text)) {
		if field := strings.Fields(line); len(field) > 2 && field[0] == "Uid:" {
			if u, err := strconv.Atoi(field[2]); err == nil {
				return u
			}
		}
	}
	return otherwise
}

// clip keeps the first 8 KiB written to it.
type clip struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (c *clip) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf.Write(p[:min(len(p), keepBytes-c.buf.Len())])
	return len(p), nil
}

func (c *clip) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.String()
}
