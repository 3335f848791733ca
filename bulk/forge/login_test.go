package forge

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drydock/bulk/git"
)

func file(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The files are as gh 2.89, glab 1.92 and tea 0.11 write them.
const (
	ghHosts = `github.com:
    git_protocol: https
    users:
        ann:
            oauth_token: gho_file
    oauth_token: gho_file
    user: ann
ghe.example.com:
    users:
        ann:
            oauth_token: gho_by_user
    user: ann
keyring.example.com:
    users:
        ann:
    user: ann
`
	glabConfig = `# What protocol to use when performing Git operations.
git_protocol: ssh
host: gitlab.example.com
hosts:
    gitlab.com:
        api_protocol: https
        api_host: gitlab.com
        token: !!null glpat-null
    gitlab.example.com:
        api_protocol: http
        api_host: api.example.com:8080
        token: glpat-file
`
	teaConfig = `logins:
    - name: other
      url: https://other.example.com
      token: tea-other
      default: false
    - name: lab
      url: https://git.example.com/sub/
      token: tea-file
      default: true
      user: ann
preferences:
    editor: false
`
)

func TestLogins(t *testing.T) {
	home := t.TempDir()
	file(t, filepath.Join(home, "gh", "hosts.yml"), ghHosts)
	file(t, filepath.Join(home, "glab-cli", "config.yml"), glabConfig)
	file(t, filepath.Join(home, "tea", "config.yml"), teaConfig)
	one := t.TempDir()
	file(t, filepath.Join(one, "gh", "hosts.yml"), "ghe.example.com:\n    oauth_token: gho_only\n")
	none := t.TempDir()
	type env = map[string]string
	for _, c := range []struct {
		kind, url  string
		env        env
		api        string
		token      string
		from, says string // where it is from, and what a write without one is told
	}{
		{"github", "", env{"GH_TOKEN": "a", "GITHUB_TOKEN": "b"}, "https://api.github.com", "a", "GH_TOKEN", ""},
		{"github", "", env{"GITHUB_TOKEN": " b\n"}, "https://api.github.com", "b", "GITHUB_TOKEN", ""},
		{"github", "", env{}, "https://api.github.com", "", "", "set GH_TOKEN or GITHUB_TOKEN, or log in with gh auth login"},
		{"github", "", env{"XDG_CONFIG_HOME": home}, "https://api.github.com", "gho_file", "hosts.yml", ""},
		{"github", "", env{"GH_CONFIG_DIR": filepath.Join(one, "gh")}, "https://ghe.example.com/api/v3", "gho_only", "hosts.yml", ""},
		{"github", "", env{"GH_HOST": "ghe.example.com", "GH_ENTERPRISE_TOKEN": "e"}, "https://ghe.example.com/api/v3", "e", "GH_ENTERPRISE_TOKEN", ""},
		{"github", "https://ghe.example.com/", env{"XDG_CONFIG_HOME": home, "GH_TOKEN": "a"}, "https://ghe.example.com/api/v3", "gho_by_user", "hosts.yml", ""},
		{"github", "https://ghe.example.com/api/v3", env{"GH_TOKEN": "a"}, "https://ghe.example.com/api/v3", "", "", "GH_TOKEN isn't for ghe.example.com: set GH_ENTERPRISE_TOKEN"},
		{"github", "", env{"GH_ENTERPRISE_TOKEN": "e"}, "https://api.github.com", "", "", "GH_ENTERPRISE_TOKEN isn't for github.com: set GH_TOKEN"},
		{"github", "keyring.example.com", env{"XDG_CONFIG_HOME": home}, "https://keyring.example.com/api/v3", "gho_keyring", "gh auth token", ""},
		{"github", "unknown.example.com", env{"XDG_CONFIG_HOME": home}, "https://unknown.example.com/api/v3", "", "", "gh auth login --hostname unknown.example.com"},
		{"github", "https://api.github.com", env{"GH_TOKEN": "a"}, "https://api.github.com", "a", "GH_TOKEN", ""},
		{"github", "", env{"GH_HOST": "octo.ghe.com", "GH_TOKEN": "a"}, "https://api.octo.ghe.com", "a", "GH_TOKEN", ""},
		{"github", "", env{"GITHUB_API_URL": "https://ghe.example.com/api/v3", "GITHUB_TOKEN": "job"}, "https://ghe.example.com/api/v3", "job", "GITHUB_TOKEN", ""},
		{"github", "https://other.example.com", env{"GITHUB_API_URL": "https://ghe.example.com/api/v3", "GITHUB_TOKEN": "job"}, "https://other.example.com/api/v3", "", "", "GITHUB_TOKEN isn't for other.example.com"},
		{"gitlab", "", env{"GITLAB_TOKEN": "a", "CI_JOB_TOKEN": "j", "CI_SERVER_URL": "https://gitlab.com"}, "https://gitlab.com/api/v4", "a", "GITLAB_TOKEN", ""},
		{"gitlab", "", env{"CI_JOB_TOKEN": "j", "CI_SERVER_URL": "https://gl.example.com:8443/base"}, "https://gl.example.com:8443/base/api/v4", "j", "CI_JOB_TOKEN", ""},
		{"gitlab", "https://other.example.com", env{"CI_JOB_TOKEN": "j", "CI_SERVER_URL": "https://gl.example.com"}, "https://other.example.com/api/v4", "", "", "set GITLAB_TOKEN"},
		{"gitlab", "", env{"GITLAB_HOST": "gl.example.com", "GITLAB_TOKEN": "a"}, "https://gl.example.com/api/v4", "a", "GITLAB_TOKEN", ""},
		{"gitlab", "https://other.example.com", env{"GITLAB_HOST": "gl.example.com", "GITLAB_TOKEN": "a"}, "https://other.example.com/api/v4", "", "", "GITLAB_TOKEN is for gl.example.com, which the environment names"},
		{"gitlab", "https://other.example.com/api/v4/", env{"GITLAB_TOKEN": "a"}, "https://other.example.com/api/v4", "a", "GITLAB_TOKEN", ""},
		{"gitlab", "", env{"XDG_CONFIG_HOME": home}, "http://api.example.com:8080/api/v4", "glpat-file", "config.yml", ""},
		{"gitlab", "gitlab.com", env{"XDG_CONFIG_HOME": home}, "https://gitlab.com/api/v4", "glpat-null", "config.yml", ""},
		{"gitea", "", env{"GITEA_URL": "http://127.0.0.1:3300/", "GITEA_TOKEN": "a"}, "http://127.0.0.1:3300/api/v1", "a", "GITEA_TOKEN", ""},
		{"gitea", "https://other.example.com", env{"GITEA_URL": "http://127.0.0.1:3300/", "GITEA_TOKEN": "a", "XDG_CONFIG_HOME": home}, "https://other.example.com/api/v1", "tea-other", "config.yml", ""},
		{"gitea", "", env{"XDG_CONFIG_HOME": home}, "https://git.example.com/sub/api/v1", "tea-file", "config.yml", ""},
		{"gitea", "http://git.example.com", env{"XDG_CONFIG_HOME": home}, "http://git.example.com/api/v1", "", "", "set GITEA_TOKEN, or log in with tea login add --url http://git.example.com"},
	} {
		vars := env{"HOME": none}
		for k, v := range c.env {
			vars[k] = v
		}
		o := (&clock{}).options(vars)
		o.URL = c.url
		o.gh = func(_ context.Context, host string) string {
			if host == "keyring.example.com" {
				return "gho_keyring"
			}
			return ""
		}
		o.Transport = refusing{t}
		f, err := New(c.kind, o)
		if err != nil {
			t.Errorf("%s %q %v: %v", c.kind, c.url, c.env, err)
			continue
		}
		got := clientOf(f)
		if got.api != c.api || got.login.token != c.token || f.Name() != c.kind {
			t.Errorf("%s %q %v: %s with %q from %s", c.kind, c.url, c.env, got.api, got.login.token, got.login.from)
		}
		if c.from != "" && !strings.HasSuffix(got.login.from, c.from) {
			t.Errorf("from %s, want %s", got.login.from, c.from)
		}
		if (f.Auth() == git.Auth{}) != (c.token == "") || f.Auth().Token != c.token {
			t.Errorf("%+v", f.Auth())
		}
		if c.says != "" {
			if _, err := f.Create(t.Context(), "lab", "app", proposal()); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s %q %v: %v", c.kind, c.url, c.env, err)
			}
		}
	}
}

// refusing is a network that no request may reach.
type refusing struct{ t *testing.T }

func (r refusing) RoundTrip(q *http.Request) (*http.Response, error) {
	r.t.Errorf("%s %s is asked", q.Method, q.URL)
	return nil, http.ErrNotSupported
}

func clientOf(f Forge) *client {
	switch f := f.(type) {
	case *gitHub:
		return f.client
	case *gitLab:
		return f.client
	case *gitea:
		return f.client
	}
	return nil
}

func TestJobToken(t *testing.T) {
	s := doubles["gitlab"](t)
	s.Job = true
	app(s).Private = true
	o := (&clock{}).options(map[string]string{"CI_JOB_TOKEN": s.Token, "CI_SERVER_URL": s.URL})
	f, err := New("gitlab", o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Get(t.Context(), "lab", "app"); err != nil || f.Auth().User != "gitlab-ci-token" {
		t.Errorf("%v, %+v", err, f.Auth())
	}
	answers(s, 401, `{"message":"401 Unauthorized"}`)
	if _, err := f.Create(t.Context(), "lab", "app", proposal()); err == nil || !strings.Contains(err.Error(), "a job's token may do little: set GITLAB_TOKEN") {
		t.Errorf("%v", err)
	}
}

func TestLoginsWrong(t *testing.T) {
	broken := t.TempDir()
	file(t, filepath.Join(broken, "glab-cli", "config.yml"), "hosts: {a: [glpat-s3cret\n")
	for _, c := range []struct {
		kind, url string
		env       map[string]string
		says      string
	}{
		{"svn", "", nil, `there is no forge "svn": take one of github, gitlab, gitea`},
		{"gitea", "", nil, "set GITEA_URL"},
		{"gitea", "ftp://host", nil, "--forge-url: ftp://host is no address of a server"},
		{"gitea", "", map[string]string{"GITEA_URL": "https://u:s3cret@host/"}, "GITEA_URL: the address holds a user or a password"},
		{"gitea", "https://u:s3cret@ho st", nil, "is no address of a server"},
		{"github", "", map[string]string{"GH_TOKEN": "s3cret two"}, "GH_TOKEN holds spaces"},
		{"gitlab", "", map[string]string{"XDG_CONFIG_HOME": broken}, "config.yml isn't YAML"},
		{"gitlab", "", map[string]string{"GITLAB_HOST": "https://host/?a=b"}, "GITLAB_HOST"},
	} {
		o := (&clock{}).options(c.env)
		o.URL = c.url
		_, err := New(c.kind, o)
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s %q %v: %v", c.kind, c.url, c.env, err)
		}
	}
}

// gh is asked for what it keeps in the system's keyring.
func TestAskGH(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if got := askGH(t.Context(), "github.com"); got != "" {
		t.Errorf("without gh there is %q", got)
	}
	file(t, filepath.Join(dir, "gh"), "#!/bin/sh\n[ \"$*\" = 'auth token --hostname github.com' ] || { echo no oauth token >&2; exit 1; }\necho gho_keyring\n")
	if err := os.Chmod(filepath.Join(dir, "gh"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := askGH(t.Context(), "github.com"); got != "gho_keyring" {
		t.Errorf("%q", got)
	}
	if got := askGH(t.Context(), "elsewhere"); got != "" {
		t.Errorf("%q", got)
	}
}
