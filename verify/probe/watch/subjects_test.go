//go:build linux

package watch

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// subjects are programs as images have them, good and bad.
var subjects = map[string]func(){
	"server":   func() { serve(listen("127.0.0.1:0"), site()) },
	"anywhere": func() { serve(listen("0.0.0.0:0"), site()) },
	"two": func() {
		go serve(listen("127.0.0.1:0"), site())
		serve(listen("127.0.0.1:0"), http.NotFoundHandler())
	},
	"dies of the question": func() {
		serve(listen("127.0.0.1:0"), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { os.Exit(9) }))
	},
	"listens, then dies": func() {
		listen("127.0.0.1:0")
		time.Sleep(50 * time.Millisecond)
		fmt.Println("no database")
		os.Exit(4)
	},
	"worker": func() { fmt.Println("waiting for jobs"); time.Sleep(time.Hour) },
	"slow": func() {
		time.Sleep(1500 * time.Millisecond)
		serve(listen("127.0.0.1:0"), site())
	},
	"warms up": func() {
		var n atomic.Int32
		serve(listen("127.0.0.1:0"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1) < 3 {
				http.Error(w, "starting", http.StatusServiceUnavailable)
				return
			}
			fmt.Fprint(w, "ready")
		}))
	},
	"flooder": func() {
		line := []byte(strings.Repeat("flood ", 20) + "\n")
		for range 20000 {
			_, _ = os.Stdout.Write(line)
		}
		fmt.Println("the last line")
		os.Exit(5)
	},
	"reader": func() { n, err := io.Copy(io.Discard, os.Stdin); fmt.Println(n, err) },
	"daemon": func() {
		spawn(map[string]string{asSubject: "server"}, &syscall.SysProcAttr{Setsid: true})
		time.Sleep(100 * time.Millisecond)
	},
	"parent":  func() { spawn(map[string]string{asSubject: "worker"}, &syscall.SysProcAttr{Setsid: true}) },
	"unruly":  func() { ignore(); serve(listen("127.0.0.1:0"), site()) },
	"quits":   func() { onQuit(); serve(listen("127.0.0.1:0"), site()) },
	"redis":   func() { answer("-ERR unknown command 'GET'\r\n") },
	"silent":  func() { answer("") },
	"garbage": func() { answer("\x00\x01\x02\xff\xfe") },
	"alert":   func() { answer("\x15\x03\x01\x00\x02\x02\x46") },
	"old":     func() { answer("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold but fine") },
	"cut":     func() { answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") },
	"tls": func() {
		s := httptest.NewTLSServer(site())
		fmt.Println(s.URL)
		select {}
	},
	"strict tls": func() { // closes whoever doesn't begin with a handshake
		cert := httptest.NewTLSServer(nil).TLS.Certificates
		l := tls.NewListener(listen("127.0.0.1:0"), &tls.Config{Certificates: cert})
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = c.(*tls.Conn).Handshake(); c.Close() }()
		}
	},
	"writer": func() {
		dir := os.Args[1]
		must(os.WriteFile(dir+"/old.txt", []byte("changed"), 0o644))
		must(os.MkdirAll(dir+"/new/__pycache__", 0o755))
		must(os.WriteFile(dir+"/new/data.db", nil, 0o644))
		must(os.WriteFile(dir+"/new/__pycache__/a.pyc", nil, 0o644))
	},
	"datagrams": func() {
		_, err := net.ListenPacket("udp", "127.0.0.1:0")
		must(err)
		_, err = net.Listen("unix", os.Args[1])
		must(err)
		serve(listen("127.0.0.1:0"), site())
	},
	"environment": func() { fmt.Println(os.Getenv("COLOUR")); os.Exit(3) },
}

func site() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<link href="/big"><a href="/away">x</a><a href="//elsewhere/x">y</a><img src="/stream?a=1&amp;b=2">`)
	})
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/there", http.StatusFound) })
	mux.HandleFunc("/big", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("0123456789abcdef", 1000)) })
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			fmt.Fprintln(w, "piece", i, r.URL.RawQuery)
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("POST /jobs", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	return mux
}

func serve(l net.Listener, h http.Handler) { must(http.Serve(l, h)) }

func listen(at string) net.Listener {
	l, err := net.Listen("tcp", at)
	must(err)
	return l
}

// answer says the same to whoever asks, after he has spoken, and hangs up.
func answer(text string) {
	l := listen("127.0.0.1:0")
	for {
		c, err := l.Accept()
		must(err)
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, text)
		c.Close()
	}
}

func spawn(env map[string]string, sys *syscall.SysProcAttr) {
	self, err := os.Executable()
	must(err)
	cmd := exec.Command(self)
	cmd.Env = os.Environ()
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	cmd.SysProcAttr, cmd.Stdout = sys, os.Stdout
	must(cmd.Start())
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
