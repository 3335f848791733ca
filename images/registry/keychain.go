package registry

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/credentials"
	"github.com/docker/docker-credential-helpers/client"
	helpers "github.com/docker/docker-credential-helpers/credentials"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"drydock/images/internal/oci"
)

// logins finds logins where docker and podman keep them. authn.DefaultKeychain
// of go-containerregistry does the same, but waits for ever for a credential
// helper that hangs, and lets helpers write to our standard error.
type logins struct {
	timeout time.Duration

	once  sync.Once
	files []*configfile.ConfigFile // in the order in which they are asked
	wrong string                   // what is wrong with one of them

	mu       sync.Mutex
	helped   map[string]*helped
	problems map[string]string // by host
}

// login is what a registry is told; the zero value is nothing.
type login struct{ authn.AuthConfig }

func (l login) none() bool  { return l.AuthConfig == authn.AuthConfig{} }
func (l login) basic() bool { return l.Username != "" && l.Password != "" }

// area is the cache's folder for what the login may see. Where the user name
// says nothing about whose login it is (they are the same for all users of a
// cloud's registry) it is "": nothing is written down.
func (l login) area(host string) string {
	switch strings.ToLower(l.Username) {
	case "":
		if l.none() {
			return public
		}
		return ""
	case "<token>", "oauth2accesstoken", "_json_key", "_json_key_base64", "_token", "_dcgcloud_token", "aws", "token", "oauth2",
		"$oauthtoken", "00000000-0000-0000-0000-000000000000", "gitlab-ci-token", "iamapikey", "nologin", "x-access-token", "unused":
		return ""
	}
	return fmt.Sprintf("login-%x", sha256.Sum256([]byte(host+"\x00"+l.Username)))[:6+24]
}

// find gives the login for a repository, and what went wrong when it was looked
// for.
func (l *logins) find(ctx context.Context, host, path string) (login, string) {
	l.once.Do(l.load)
	problem := l.wrong
	for _, file := range l.files {
		for _, key := range keys(host, path) {
			helper := file.CredentialHelpers[key]
			if helper == "" && isServer(key, host) {
				helper = file.CredentialsStore
			}
			if helper != "" {
				got, err := l.help(ctx, helper, key)
				if err != nil {
					problem = err.Error()
				} else if !got.none() {
					return got, ""
				}
			}
			if got := kept(file, key); !got.none() {
				return got, ""
			}
		}
	}
	if problem != "" {
		l.mu.Lock()
		if l.problems == nil {
			l.problems = map[string]string{}
		}
		l.problems[host] = problem
		l.mu.Unlock()
	}
	return login{}, problem
}

// problem is why there may be no login for host, "" when nothing went wrong.
func (l *logins) problem(host string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.problems[host]
}

// kept is a login that stands in the file itself. Old files have addresses as
// keys; podman's have repositories, whose logins aren't for all of their host.
func kept(file *configfile.ConfigFile, key string) login {
	all := file.GetAuthConfigs()
	a, ok := all[key]
	if !ok {
		for _, k := range slices.Sorted(maps.Keys(all)) {
			if strings.Contains(k, "://") && credentials.ConvertToHostname(k) == key {
				a = all[k]
				break
			}
		}
	}
	return login{authn.AuthConfig{Username: a.Username, Password: a.Password, IdentityToken: a.IdentityToken, RegistryToken: a.RegistryToken}}
}

// keys are the names under which a login may be kept, the most precise first:
// podman keeps them by repository too (containers-auth.json(5)), docker calls its
// Hub by an address of its first registry.
func keys(host, path string) []string {
	var out []string
	named := host
	if host == name.DefaultRegistry {
		named = "docker.io"
	}
	for p := path; p != "."; p = filepath.ToSlash(filepath.Dir(p)) {
		out = append(out, named+"/"+p)
	}
	if host == name.DefaultRegistry {
		return append(out, authn.DefaultAuthKey, named)
	}
	return append(out, host)
}

func isServer(key, host string) bool { return key == host || key == authn.DefaultAuthKey }

// load reads the files: docker's, DOCKER_AUTH_CONFIG before it as docker has it,
// and then podman's, for what docker has no login for.
func (l *logins) load() {
	if text := os.Getenv(configfile.DockerEnvConfigKey); text != "" {
		l.read("the variable DOCKER_AUTH_CONFIG", strings.NewReader(text))
	}
	dir, home := os.Getenv("DOCKER_CONFIG"), ""
	if h, err := os.UserHomeDir(); err == nil {
		home = h
	}
	if dir == "" && home != "" {
		dir = filepath.Join(home, ".docker")
	}
	if dir != "" {
		l.open(filepath.Join(dir, "config.json"))
	}
	config := os.Getenv("XDG_CONFIG_HOME")
	if config == "" && home != "" {
		config = filepath.Join(home, ".config")
	}
	candidates := []string{os.Getenv("REGISTRY_AUTH_FILE")}
	if run := os.Getenv("XDG_RUNTIME_DIR"); run != "" {
		candidates = append(candidates, filepath.Join(run, "containers", "auth.json"))
	}
	if config != "" {
		candidates = append(candidates, filepath.Join(config, "containers", "auth.json"))
	}
	for _, c := range candidates {
		if c != "" && l.open(c) {
			return
		}
	}
}

func (l *logins) open(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			l.wrong = "the logins in " + oci.Clean(name) + " can't be read"
		}
		return false
	}
	defer f.Close()
	l.read(name, io.LimitReader(f, 8<<20))
	return true
}

func (l *logins) read(name string, r io.Reader) {
	file := configfile.New("")
	if err := file.LoadFromReader(r); err != nil {
		l.wrong = "the logins in " + oci.Clean(name) + " can't be read" // never what is in it
		return
	}
	l.files = append(l.files, file)
}

type helped struct {
	once sync.Once
	login
	err error
}

// help asks a credential helper, once for a key:
// https://docs.docker.com/reference/cli/docker/login/#credential-helper-protocol.
func (l *logins) help(ctx context.Context, helper, key string) (login, error) {
	l.mu.Lock()
	h := l.helped[helper+" "+key]
	if h == nil {
		h = &helped{}
		if l.helped == nil {
			l.helped = map[string]*helped{}
		}
		l.helped[helper+" "+key] = h
	}
	l.mu.Unlock()
	h.once.Do(func() { h.login, h.err = l.run(ctx, helper, key) })
	return h.login, h.err
}

func (l *logins) run(ctx context.Context, helper, key string) (login, error) {
	program := "docker-credential-" + helper
	if strings.ContainsAny(helper, `/\`) {
		return login{}, fmt.Errorf("the credential helper %q isn't a name", oci.Clean(helper))
	}
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	var late bool
	got, err := client.Get(func(args ...string) client.Program {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.WaitDelay = 100 * time.Millisecond // children of its own may keep the pipes
		return &process{cmd: cmd, late: func() { late = ctx.Err() != nil }}
	}, key)
	var syntax *json.SyntaxError
	switch {
	case err == nil && got.Username == "<token>":
		return login{authn.AuthConfig{IdentityToken: got.Secret}}, nil
	case err == nil:
		return login{authn.AuthConfig{Username: got.Username, Password: got.Secret}}, nil
	case helpers.IsErrCredentialsNotFound(err), helpers.IsCredentialsMissingServerURL(err), helpers.IsCredentialsMissingUsername(err):
		return login{}, nil
	case errors.Is(err, exec.ErrNotFound) || strings.Contains(err.Error(), "executable file not found"):
		return login{}, fmt.Errorf("the credential helper %s isn't there", oci.Clean(program))
	case late:
		return login{}, fmt.Errorf("the credential helper %s gave no answer within %s", oci.Clean(program), l.timeout)
	case errors.As(err, &syntax):
		return login{}, fmt.Errorf("the credential helper %s gave an answer that can't be read", oci.Clean(program))
	}
	return login{}, fmt.Errorf("the credential helper %s failed", oci.Clean(program))
}

// process is a helper that runs; what it writes to its standard error is dropped.
type process struct {
	cmd  *exec.Cmd
	late func()
}

func (p *process) Input(in io.Reader) { p.cmd.Stdin = in }

func (p *process) Output() ([]byte, error) {
	var out bounded
	p.cmd.Stdout = &out
	err := p.cmd.Run()
	p.late()
	return out.taken, err
}

// bounded takes a mebibyte, and fails then. (It embeds no bytes.Buffer, whose
// ReadFrom would take everything.)
type bounded struct{ taken []byte }

func (b *bounded) Write(p []byte) (int, error) {
	if len(b.taken)+len(p) > 1<<20 {
		return 0, errors.New("too long")
	}
	b.taken = append(b.taken, p...)
	return len(p), nil
}
