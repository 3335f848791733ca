package forge

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// login is a token and where it came from; the zero value is none.
type login struct {
	token string
	from  string // "GH_TOKEN", or a file, for people
	job   bool   // GitLab's CI_JOB_TOKEN
	other string // when there is none: which token there is, and why it isn't for this host
}

// environment is what logins are looked for in.
type environment struct {
	get func(string) string
	gh  func(ctx context.Context, host string) string // `gh auth token`
}

// first gives the first variable that holds a token.
func (e environment) first(names ...string) (login, bool) {
	for _, name := range names {
		if v := strings.TrimSpace(e.get(name)); v != "" {
			return login{token: v, from: name}, true
		}
	}
	return login{}, false
}

// value gives the first variable that is set.
func (e environment) value(names ...string) string {
	l, _ := e.first(names...)
	return l.token
}

// folder is where a program keeps its configuration.
func (e environment) folder(own, name string) string {
	if dir := e.get(own); own != "" && dir != "" {
		return dir
	}
	if dir := e.get("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, name)
	}
	if dir := e.get("AppData"); dir != "" && runtime.GOOS == "windows" {
		return filepath.Join(dir, name)
	}
	home := e.get("HOME")
	if home == "" {
		home = e.get("USERPROFILE")
	}
	if home == "" {
		return ""
	}
	return filepath.Join(home, ".config", name)
}

// settings is a YAML mapping whose scalars are read as they are written: glab writes
// tokens as `!!null glpat-…`, which decodes to nothing.
type settings struct{ node *yaml.Node }

// readSettings gives no settings when there is no such file.
func readSettings(name string) (settings, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) || name == "" {
		return settings{}, nil
	}
	if err != nil {
		return settings{}, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return settings{}, errors.New(name + " isn't YAML") // yaml's error may hold a line of the file
	}
	if len(doc.Content) != 1 {
		return settings{}, nil
	}
	return settings{doc.Content[0]}, nil
}

// in goes down to a key; keys of hosts in any case of letters.
func (s settings) in(key string) settings {
	if s.node != nil && s.node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(s.node.Content); i += 2 {
			if strings.EqualFold(s.node.Content[i].Value, key) {
				return settings{s.node.Content[i+1]}
			}
		}
	}
	return settings{}
}

func (s settings) there() bool { return s.node != nil }

func (s settings) keys() []string {
	var out []string
	if s.node != nil && s.node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(s.node.Content); i += 2 {
			out = append(out, s.node.Content[i].Value)
		}
	}
	return out
}

func (s settings) list() []settings {
	var out []settings
	if s.node != nil && s.node.Kind == yaml.SequenceNode {
		for _, n := range s.node.Content {
			out = append(out, settings{n})
		}
	}
	return out
}

func (s settings) text() string {
	if s.node == nil || s.node.Kind != yaml.ScalarNode {
		return ""
	}
	return s.node.Value
}

// askGH asks gh for a token that it keeps in the system's keyring.
func askGH(ctx context.Context, host string) string {
	gh, err := exec.LookPath("gh")
	if err != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, gh, "auth", "token", "--hostname", host)
	cmd.Env = append(os.Environ(), "GH_PROMPT_DISABLED=1", "GH_NO_UPDATE_NOTIFIER=1")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// site is the address of a forge's web pages: scheme, host and, for GitLab and Gitea
// below a path, that path.
type site struct{ *url.URL }

// parseSite reads an address as people write it: "git.example.com" is https.
func parseSite(s, from string) (site, error) {
	given := s
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" {
		return site{}, errors.New(from + ": " + clean(redactUser(given)) + " is no address of a server: write it like https://git.example.com")
	}
	if u.User != nil {
		return site{}, errors.New(from + ": the address holds a user or a password: give the token in its variable")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	return site{u}, nil
}

// redactUser takes "user:password@" out of what isn't an address.
func redactUser(s string) string {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		return "***" + s[i:]
	}
	return s
}

func (s site) host() string { return strings.ToLower(s.Host) }

// under is the site with another path.
func (s site) under(path string) string {
	u := *s.URL
	u.Path, u.RawPath = path, ""
	return u.String()
}

// cloneURL is where git finds a repository. It is made of the address that we were
// given and not taken from the server: git sends the token there.
func (s site) cloneURL(owner, name string) string {
	return s.under(s.Path + "/" + owner + "/" + name + ".git")
}
