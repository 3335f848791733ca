package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode"
)

// Options say which host is asked and how. The zero value asks the host that the
// environment names, with the token that is there.
type Options struct {
	// URL is the forge's address, as its web pages have it; "" for the environment's.
	URL string
	// MaxWait is the longest wait for a rate limit; 0 is 65 minutes, more than
	// GitHub's hour.
	MaxWait time.Duration
	// Waiting is told before a wait, in words for people; calls may come from several
	// goroutines at once.
	Waiting func(d time.Duration, why string)
	// Getenv is os.Getenv when nil.
	Getenv func(string) string
	// Transport is http.DefaultTransport when nil.
	Transport http.RoundTripper

	gh    func(ctx context.Context, host string) string
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
}

// Kinds are the forges that New knows.
func Kinds() []string { return []string{"github", "gitlab", "gitea"} }

// New finds host and token of a forge of one of the Kinds; it asks nobody. Without a
// token what is public can be read. The variables, the first one that is set:
//
//	github  host  o.URL, GH_HOST, GITHUB_API_URL, GITHUB_SERVER_URL, the only one in gh's hosts.yml, github.com
//	        token GH_TOKEN, GITHUB_TOKEN (github.com, and the host of GITHUB_API_URL),
//	              GH_ENTERPRISE_TOKEN, GITHUB_ENTERPRISE_TOKEN (other hosts), gh's hosts.yml, `gh auth token`
//	gitlab  host  o.URL, GITLAB_HOST, GITLAB_URI, CI_SERVER_URL, glab's config.yml, gitlab.com
//	        token GITLAB_TOKEN, GITLAB_ACCESS_TOKEN, OAUTH_TOKEN, glab's config.yml, CI_JOB_TOKEN (the host of CI_SERVER_URL)
//	gitea   host  o.URL, GITEA_URL, GITEA_SERVER_URL, tea's default login
//	        token GITEA_TOKEN, GITEA_SERVER_TOKEN, tea's config.yml
//
// They are those of gh, glab and tea. A token goes to its own host only.
func New(kind string, o Options) (Forge, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.MaxWait <= 0 {
		o.MaxWait = 65 * time.Minute
	}
	if o.gh == nil {
		o.gh = askGH
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.sleep == nil {
		o.sleep = sleep
	}
	e := environment{get: o.Getenv, gh: o.gh}
	switch kind {
	case "github":
		return newGitHub(e, o)
	case "gitlab":
		return newGitLab(e, o)
	case "gitea":
		return newGitea(e, o)
	}
	return nil, fmt.Errorf("there is no forge %q: take one of %s", kind, strings.Join(Kinds(), ", "))
}

// sendable tells what is wrong with a token that no header can hold.
func (l login) sendable() error {
	if strings.ContainsFunc(l.token, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) || unicode.IsSpace(r) }) {
		return errors.New(l.from + " holds spaces or other characters that no token has: copy it again")
	}
	return nil
}

// checkName refuses what would make another address of a path, for people who type
// and servers that lie. GitLab's owners are paths.
func checkName(owner, name string) error {
	parts := append(strings.Split(owner, "/"), name)
	for _, p := range parts {
		if p == "" || p == "." || p == ".." || len(p) > 255 || strings.ContainsFunc(p, func(r rune) bool {
			return r == '/' || r == '\\' || r == '?' || r == '#' || unicode.IsSpace(r) || !unicode.IsGraphic(r)
		}) {
			return fmt.Errorf("%q is no repository: write OWNER/NAME", clean(owner+"/"+name))
		}
	}
	return nil
}
