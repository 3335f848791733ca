package registry

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/logs"
)

func TestInside(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.1": true, "2130706433": true, "0x7f000001": true, "0177.0.0.1": true, "::1": true, "::ffff:10.0.0.1": true,
		"10.1.2.3": true, "192.168.0.1": true, "169.254.169.254": true, "fe80::1": true, "fd00:ec2::254": true, "localhost": true, "a.localhost.": true, "0.0.0.0": true,
		"registry.example": false, "1.1.1.1": false, "2606:4700::1": false, "cdn7.example": false,
	} {
		if got := inside(host); got != want {
			t.Errorf("inside(%q) is %v", host, got)
		}
	}
	for host, want := range map[string]bool{"127.0.0.1:5000": true, "localhost": true, "localhost:1": true, "[::1]:5000": true, "127.9.9.9": true,
		"localhost.example": false, "10.0.0.1:5000": false, "127.0.0.1.example": false} {
		if got := loopback(host); got != want {
			t.Errorf("loopback(%q) is %v", host, got)
		}
	}
}

func TestFollow(t *testing.T) {
	for _, c := range []struct{ from, to, says string }{
		{"https://a.example/v2/", "https://b.example/x", ""}, {"http://127.0.0.1:1/", "http://127.0.0.1:2/", ""}, {"https://10.0.0.1/", "https://10.0.0.2/", ""},
		{"https://a.example/", "https://169.254.169.254/latest", "which is inside"}, {"https://a.example/", "https://127.0.0.1:8080/", "which is inside"},
		{"https://a.example/", "https://2130706433/", "which is inside"}, {"https://a.example/", "http://a.example/", "plain HTTP"},
	} {
		from, _ := url.Parse(c.from)
		to, _ := url.Parse(c.to)
		err := follow(&http.Request{URL: to}, []*http.Request{{URL: from}})
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s to %s: %v", c.from, c.to, err)
		}
	}
}

// Plain HTTP goes to this machine and to whom DRYDOCK_MIRRORS names so.
func TestAllowed(t *testing.T) {
	mirrors, err := ParseMirrors("a.example=http://plain.example,b.example=tls.example")
	if err != nil {
		t.Fatal(err)
	}
	r := New(t.Context(), Options{Mirrors: mirrors})
	for _, host := range []string{"plain.example", "tls.example", "10.0.0.1:5000", "other.localhost:5000"} {
		r.host(endpoint{host: host})
	}
	for u, want := range map[string]bool{
		"http://plain.example/": true, "http://127.0.0.1:9/": true, "http://tls.example/": false, "http://10.0.0.1:5000/": false,
		"http://other.localhost:5000/": false, "http://unknown.example/": false, "https://unknown.example/": true,
	} {
		req, _ := http.NewRequest(http.MethodGet, u, nil)
		if err := r.allowed(req); (err == nil) != want {
			t.Errorf("%s: %v", u, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"0": 0, "30": 30 * time.Second, "99999999": 24 * time.Hour, "Sat, 01 Aug 2026 12:01:00 GMT": time.Minute, "Sat, 01 Aug 2020 12:01:00 GMT": 0, "Sat, 01 Aug 2099 12:01:00 GMT": 24 * time.Hour,
	} {
		if got, ok := retryAfter(value, now); !ok || got != want {
			t.Errorf("%q is %v, %v", value, got, ok)
		}
	}
	for _, value := range []string{"", "-1", "soon", "1.5", "99999999999999999999"} {
		if got, ok := retryAfter(value, now); ok {
			t.Errorf("%q is %v", value, got)
		}
	}
}

// Docker Hub's login is kept by the address of its first registry, podman's by
// name; what is more precise is asked first.
func TestKeys(t *testing.T) {
	for host, want := range map[string]string{
		"index.docker.io": "docker.io/library/python docker.io/library https://index.docker.io/v1/ docker.io",
		"ghcr.io":         "ghcr.io/library/python ghcr.io/library ghcr.io",
	} {
		if got := strings.Join(keys(host, "library/python"), " "); got != want {
			t.Errorf("%s: %s", host, got)
		}
	}
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	t.Setenv("DOCKER_AUTH_CONFIG", "")
	for _, key := range []string{"https://index.docker.io/v1/", "docker.io", "docker.io/library"} {
		text := `{"auths":{"` + key + `":{"username":"me","password":"pass"},"other.example":{"username":"no","password":"no"}}}`
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l := logins{timeout: time.Second}
		if got, problem := l.find(t.Context(), "index.docker.io", "library/python"); got.Username != "me" || got.Password != "pass" || problem != "" {
			t.Errorf("%s: %+v, %s", key, got, problem)
		}
		if got, problem := l.find(t.Context(), "ghcr.io", "library/python"); !got.none() || problem != "" {
			t.Errorf("%s: %+v, %s", key, got, problem)
		}
	}
}

// A question that panics frees those who wait for it.
func TestMemo(t *testing.T) {
	var m memo
	started := make(chan bool)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer func() { recover() }()
		once(&m, "k", time.Hour, func() (int, error) {
			close(started)
			time.Sleep(20 * time.Millisecond)
			panic("no")
		})
	})
	<-started
	if v, err := once(&m, "k", time.Hour, func() (int, error) { return 1, nil }); err == nil {
		t.Errorf("%d without an error", v)
	}
	wg.Wait()
	var n atomic.Int64
	for range 3 {
		once(&m, "f", -1, func() (int, error) { n.Add(1); return 0, errors.New("x") })
	}
	if n.Load() != 3 {
		t.Errorf("an answer that may not be kept was: %d", n.Load())
	}
}

// Ten minutes later a host that was down is asked again.
func TestDownEnds(t *testing.T) {
	c := &cache{dir: t.TempDir(), max: 1 << 20}
	e := endpoint{host: "registry.example", shown: "registry.example"}
	for age, down := range map[time.Duration]bool{time.Minute: true, 9 * time.Minute: true, 11 * time.Minute: false, -time.Hour: false} {
		c.put("down", e.host, entry{Time: time.Now().Add(-age), Body: []byte("no answer")})
		if err := c.isDown(e, "x"); (err != nil) != down {
			t.Errorf("after %v: %v", age, err)
		}
	}
	c.markDown(endpoint{host: "quick"}, &failure{}, 10*time.Millisecond)
	if err := c.isDown(endpoint{host: "quick"}, "x"); err != nil {
		t.Error("a failure that cost nothing is kept")
	}
}

// Nobody but cmd writes: the loggers that the libraries have are off.
func TestSilent(t *testing.T) {
	for name, l := range map[string]*log.Logger{"Warn": logs.Warn, "Progress": logs.Progress, "Debug": logs.Debug} {
		if l.Writer() != io.Discard {
			t.Errorf("%s writes", name)
		}
	}
}

// New takes no time: it is in the way of every command.
func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		New(b.Context(), Options{CacheDir: "/nowhere"})
	}
}
