package git

import (
	"fmt"
	"regexp"
	"strings"

	"drydock/said"
)

// failure is a git process that ended badly.
type failure struct {
	at   string // repository or address
	verb string
	said string // on its standard error
	code int
	err  error
}

func (f *failure) Error() string {
	at := said.Printable(Redact(f.at))
	if why := f.why(); why != "" {
		return at + ": " + why
	}
	said := f.line()
	if said == "" {
		return fmt.Sprintf("%s: git %s: %v", at, f.verb, f.err)
	}
	return fmt.Sprintf("%s: git %s: %s", at, f.verb, said)
}

// Unwrap tells what kind of failure it is: ErrNotGit, or what the process ended with.
func (f *failure) Unwrap() error {
	if strings.Contains(f.said, "not a git repository") {
		return ErrNotGit
	}
	return f.err
}

// line is the line of git's words that says most: the server's own explanation,
// else the first error, else the first line.
func (f *failure) line() string {
	var first, failed, remote string
	for l := range strings.Lines(strings.ReplaceAll(f.said, "\r", "\n")) {
		l = strings.TrimSpace(l)
		switch {
		case l == "":
		case strings.HasPrefix(l, "remote:"):
			if l = strings.TrimSpace(strings.TrimPrefix(l, "remote:")); remote == "" && telling().MatchString(l) {
				remote = l
			}
		case strings.HasPrefix(l, "fatal:"), strings.HasPrefix(l, "error:"):
			if failed == "" {
				failed = l[len("fatal:"):]
			}
		case first == "" && !strings.HasPrefix(l, "warning:") && !strings.HasPrefix(l, "To ") && !strings.HasPrefix(l, "hint:"):
			first = l
		}
	}
	for _, l := range []string{remote, failed, first} {
		if l = strings.TrimSpace(l); l != "" {
			return said.Printable(Redact(l))
		}
	}
	return ""
}

// telling finds what a server explains, among its progress and its greetings.
var telling = expression(`(?i)error|denied|not allowed|forbidden|fatal|protected|reject|declined|refus|GitLab:|Gitea:|Forgejo:|GH\d{3}|unauthorized|disabled|exceed|must `)

// meanings are what git and the known servers say, and what it means for the
// user. The first that fits is told.
var meanings = []struct {
	said func() *regexp.Regexp
	why  string
}{
	{expression(`detected dubious ownership`), "owned by another user, so git won't read it: git config --global --add safe.directory DIR"},
	{expression(`does not support --signed push`), "the server takes no signed pushes, which push.gpgSign in git's configuration asks for: set it to if-asked"},
	{expression(`(?i)GH006|protected branch|You are not allowed to push code to protected branches|pre-receive hook declined.*protect`), "the server refuses the push: the branch is protected: choose another --branch, or let this user push to it"},
	{expression(`(?i)refusing to allow .* workflow`), "the server refuses the push: the token lacks the workflow scope"},
	{expression(`(?i)GH013|repository rule violations`), "the server refuses the push: a rule of the repository forbids it"},
	{expression(`(?i)stale info`), "the branch has moved at the remote since it was looked at: run again"},
	{expression(`(?i)non-fast-forward|fetch first|fetch updates were rejected`), "the server refuses the push: it allows no branch to be replaced (not a fast-forward): delete the branch there, or choose another --branch"},
	{expression(`(?i)shallow update not allowed`), "the server refuses the push from a shallow clone: git config receive.shallowUpdate true there, or fetch --unshallow here"},
	{expression(`(?i)archived so it is read-only|repository (is )?archived`), "the server refuses the push: the repository is archived"},
	{expression(`(?i)could not read Username|could not read Password|Authentication failed|HTTP 401|error: 401|invalid credentials|Invalid username or (password|token)`), "the server wants a login, or refuses the one it got: check the token or git's credential helper"},
	{expression(`(?i)Permission denied \(publickey|Permission denied, please try again|no mutual signature|Too many authentication failures`), "ssh: the server knows none of the keys: load one with ssh-add"},
	{expression(`(?i)Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|authenticity of host`), "ssh: the host's key isn't known, or has changed: connect once by hand to accept it"},
	{expression(`(?i)HTTP 403|error: 403|Permission to .* denied|You are not allowed to push|Write access to repository not granted|not authorized`), "the server denies it: this user or token may not do that (HTTP 403): check its permissions"},
	{expression(`(?i)Repository not found|HTTP 404|error: 404|does not appear to be a git repository|repository '.*' not found|project you were looking for could not be found|Could not find repository|no such repository|repository not exported|repository '.*' does not exist`), "no such repository, or no permission to see it: check the address and the token"},
	{expression(`(?i)Could not resolve host|Temporary failure in name resolution|Name or service not known|nodename nor servname`), "the host's name can't be resolved: check the address and the network"},
	{expression(`(?i)Connection refused|Failed to connect|Couldn't connect|Connection timed out|Network is unreachable|No route to host|Connection reset|Operation timed out|early EOF|unexpected disconnect|Connection closed|hung up unexpectedly`), "the host can't be reached, or has dropped the connection: check the address and the network, then run again"},
	{expression(`(?i)certificate|SSL`), "the host's certificate isn't accepted: set http.sslCAInfo in git's configuration"},
	{expression(`(?i)HTTP 3\d\d|error: 3\d\d|unable to update url base from redirection`), "the server sends git elsewhere: use the new address"},
	{expression(`(?i)HTTP (429|5\d\d)|error: (429|5\d\d)`), "the server is overloaded or broken: run again later"},
	{expression(`(?i)transport '.*' not allowed`), "an address that git may not use here: https, http, ssh, git or a path"},
	{expression(`(?i)not valid: is this a git repository\?|info/refs not valid`), "what answers there isn't a git server: check the address"},
	{expression(`(?i)No space left on device|Disk quota exceeded`), "no space left on the disk"},
	{expression(`(?i)empty ident name|Please tell me who you are|unable to auto-detect email|no email was given|no name was given`), noPerson},
	{expression(`(?i)gpg failed to sign|failed to sign|Couldn't load public key|cannot run gpg|user\.signingkey`), "the commit can't be signed: check user.signingKey and gpg.format in git's configuration"},
	{expression(`(?i)unable to create '.*\.lock': File exists|cannot lock ref .*File exists`), "another git process holds a lock here: wait for it, or remove the .lock file that a crash left"},
	{expression(`(?i)promisor remote|could not fetch [0-9a-f]{40}`), "files of a partial clone can't be fetched from its remote"},
	{expression(`(?i)bad object|object file .* is empty|is corrupt|loose object|unable to read (tree|sha1)|missing (blob|tree|commit)|inflate|bad tree|index file corrupt|bad signature|invalid object|unable to read [0-9a-f]{40}|Could not read [0-9a-f]{40}|bad config|broken ref|not a valid object|unable to resolve reference`), "the repository is damaged: git fsck tells more"},
}

const noPerson = `git doesn't know who commits: git config --global user.name "NAME" and user.email ADDRESS, or --author`

func (f *failure) why() string {
	for _, m := range meanings {
		if m.said().MatchString(f.said) {
			why := strings.Replace(m.why, "DIR", said.Printable(f.at), 1)
			if said := f.line(); said != "" && m.why != noPerson && !strings.Contains(m.why, "DIR") {
				why += " (" + said + ")"
			}
			return why
		}
	}
	return ""
}

// secrets are logins in addresses, and what stands behind words that tell of one.
var secrets = []struct {
	find func() *regexp.Regexp
	put  string
}{
	{expression(`((?:https?|ftps?|git|file)://)[^\s/'"]*@`), "$1"},
	{expression(`(ssh://[^\s/@:'"]*):[^\s/'"]*@`), "$1@"},
	{expression(`(?i)((?:authorization|private-token)["']?\s*[:=]\s*)(?:(?:basic|bearer|token)\s+)?\S+`), "$1***"},
	{expression(`(?i)([?&](?:access_token|private_token|token|password)=)[^\s&'"]+`), "$1***"},
}

// Redact takes logins out of a text: those in the addresses that it names, and
// values of headers and parameters that carry tokens.
func Redact(text string) string {
	for _, s := range secrets {
		text = s.find().ReplaceAllString(text, s.put)
	}
	return text
}
