package git

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"unicode"

	"drydock/said"
)

// remote is how our git processes call the address that they are to speak to; it
// stands in their environment.
const remote = "drydock"

// address is where a repository can be had.
type address struct {
	url  string // without a login
	host string // scheme://host of http and https; "" for others
	auth Auth   // a user without a token is one whose password git's credential helpers know
}

// helper finds addresses that name a program: ext::sh -c …, fd::17.
var helper = expression(`^[A-Za-z0-9+.-]*::`)

// scpLike finds [user@]host:path, which no scheme begins. A colon behind a slash
// belongs to a path.
var scpLike = expression(`^(\[[^\]/]+\]|[^/:\\\[\]]{2,}):`)

// parse understands an address as git does; one that would run a program, or could
// be taken for an option, is refused.
func parse(text string, auth Auth) (address, error) {
	refuse := func(why string) (address, error) {
		return address{}, fmt.Errorf("%s: %s: https, http, ssh, git and file addresses, host:path and local paths are understood", said.Printable(Redact(text)), why)
	}
	switch {
	case text == "":
		return address{}, errors.New("an address is empty")
	case text[0] == '-':
		return refuse("an address can't begin with '-'")
	case helper().MatchString(text):
		return refuse("an address that runs a program is refused")
	}
	scheme, _, ok := strings.Cut(text, "://")
	if !ok {
		if scpLike().MatchString(text) {
			if strings.ContainsFunc(text, unicode.IsControl) {
				return refuse("control characters")
			}
			return address{url: text}, nil
		}
		abs, err := filepath.Abs(text)
		return address{url: abs}, err
	}
	switch strings.ToLower(scheme) {
	case "file":
		return address{url: text}, nil
	case "ssh", "git", "git+ssh", "ssh+git":
		if strings.ContainsFunc(text, unicode.IsControl) {
			return refuse("control characters")
		}
		return address{url: text}, nil
	case "http", "https":
	default:
		return refuse("git doesn't speak " + scheme)
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return refuse("not a web address")
	}
	a := address{host: strings.ToLower(u.Scheme + "://" + u.Host), auth: auth}
	if u.User != nil && auth == (Auth{}) {
		password, _ := u.User.Password()
		a.auth = Auth{u.User.Username(), password}
	}
	u.User = nil
	a.url = u.String()
	return a, nil
}

// Address takes the login out of an address, for Clone to get it beside it. The error says
// why git isn't asked for such an address: https, http, ssh, git and file are, host:path and
// local paths; nothing that runs a program.
func Address(text string) (url string, login Auth, err error) {
	a, err := parse(text, Auth{})
	return a.url, a.auth, err
}

// Remote tells whether a text is an address, by its form: one that isn't a local path.
func Remote(text string) bool {
	return strings.Contains(text, "://") || helper().MatchString(text) || scpLike().MatchString(text)
}

// call is a run of git, in no repository, that knows the address as remote.
func (a address) call(args ...string) call {
	c := call{dir: string(filepath.Separator), at: a.url, args: args}
	c.config = []setting{{"remote." + remote + ".url", a.url}, {"protocol.version", "2"}}
	return a.login(c)
}

// login gives a process what the server wants to see: for that server only, and not
// for one that it sends git to.
func (a address) login(c call) call {
	if a.host == "" || a.auth == (Auth{}) {
		return c
	}
	if a.auth.Token == "" {
		c.config = append(c.config, setting{"credential.username", a.auth.User})
		return c
	}
	user := a.auth.User
	if user == "" {
		user = "x-access-token" // any name does, where the token is the password
	}
	key := "http." + a.host + "/.extraHeader"
	c.config = append(c.config,
		setting{key, ""}, // forget what the user's configuration sends
		setting{key, "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+a.auth.Token))},
		setting{"http.followRedirects", "false"},
		setting{"credential.helper", ""})
	c.env = append(c.env, "GIT_ASKPASS=", "SSH_ASKPASS=")
	return c
}

// to is a run of git in the scratch repository that knows address text as remote.
func (s *scratch) to(text string, args ...string) (call, error) {
	a, err := s.of.address(text)
	if err != nil {
		return call{}, err
	}
	c, in := a.call(args...), s.user()
	c.dir, c.env = in.dir, append(in.env, c.env...)
	if s.of.partial() {
		// So that git asks there for the files that a partial clone lacks.
		c.config = append(c.config, setting{"remote." + remote + ".promisor", "true"},
			setting{"remote." + remote + ".partialCloneFilter", "blob:none"})
	}
	return c, nil
}

// address understands an address that this repository is to speak to: "" is the
// one that it was cloned from, whose login goes to that host only.
func (r *Repo) address(text string) (address, error) {
	if text == "" {
		if text = r.url; text == "" {
			return address{}, fmt.Errorf("%s: no remote", said.Printable(r.Dir))
		}
	}
	a, err := parse(text, Auth{})
	if own, _ := parse(r.url, Auth{}); err == nil && a.auth == (Auth{}) && own.host == a.host {
		a.auth = r.auth
	}
	return a, err
}
