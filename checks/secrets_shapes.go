package checks

// Secrets known by their form. The forms are those that the issuers document
// for secret scanners (https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns).

import (
	"strings"
)

// shape is a kind of token: a prefix, then at least min characters of a kind.
type shape struct {
	prefix string
	min    int
	chars  func(byte) bool
	what   string
}

var tokenShapes = []shape{
	{"AKIA", 16, upperDigit, "an AWS access key"},
	{"ASIA", 16, upperDigit, "an AWS access key"},
	{"ghp_", 36, alnum, "a GitHub token"},
	{"gho_", 36, alnum, "a GitHub token"},
	{"ghu_", 36, alnum, "a GitHub token"},
	{"ghs_", 36, alnum, "a GitHub token"},
	{"ghr_", 36, alnum, "a GitHub token"},
	{"github_pat_", 36, word, "a GitHub token"},
	{"glpat-", 20, dashed, "a GitLab token"},
	{"xoxb-", 20, dashed, "a Slack token"},
	{"xoxp-", 20, dashed, "a Slack token"},
	{"xoxa-", 20, dashed, "a Slack token"},
	{"xoxr-", 20, dashed, "a Slack token"},
	{"AIza", 35, dashed, "a Google API key"},
	{"sk_live_", 16, alnum, "a Stripe key"},
	{"rk_live_", 16, alnum, "a Stripe key"},
	{"npm_", 36, alnum, "an npm token"},
	{"dckr_pat_", 20, dashed, "a Docker Hub token"},
	{"pypi-AgE", 50, dashed, "a PyPI token"},
	{"sk-ant-", 20, dashed, "an Anthropic key"},
	{"sk-proj-", 20, dashed, "an OpenAI key"},
	{"hf_", 34, alnum, "a Hugging Face token"},
	{"SG.", 60, dotted, "a SendGrid key"},
	{"shpat_", 32, alnum, "a Shopify token"},
	{"dop_v1_", 64, alnum, "a DigitalOcean token"},
	{"hooks.slack.com/services/T", 30, func(c byte) bool { return alnum(c) || c == '/' }, "a Slack webhook"},
}

func alnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
func upperDigit(c byte) bool { return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' }
func word(c byte) bool       { return alnum(c) || c == '_' }
func dashed(c byte) bool     { return word(c) || c == '-' }
func dotted(c byte) bool     { return dashed(c) || c == '.' }

// hit is a secret found in a text.
type hit struct {
	at   int // offset
	what string
}

// shapes finds the secrets of known form in a text, one of each kind.
func shapes(text string) []hit {
	var out []hit
	for _, s := range tokenShapes {
		for from := 0; ; {
			i := strings.Index(text[from:], s.prefix)
			if i < 0 {
				break
			}
			i += from
			from = i + len(s.prefix)
			end := from
			for end < len(text) && s.chars(text[end]) {
				end++
			}
			if end-from < s.min || i > 0 && (word(text[i-1]) || text[i-1] == '-') || !varied(text[from:end]) {
				continue
			}
			out = append(out, hit{i, s.what})
			break
		}
	}
	if at := webToken(text); at >= 0 {
		out = append(out, hit{at, "a JSON web token"})
	}
	if at := privateKey(text); at >= 0 {
		out = append(out, hit{at, "a private key"})
	}
	if at := urlPassword(text); at >= 0 {
		out = append(out, hit{at, "a password in a URL"})
	}
	if at := npmToken(text); at >= 0 && len(out) == 0 {
		out = append(out, hit{at, "an npm token"})
	}
	return out
}

// shapeIn names the first secret of known form in a value, "" for none.
func shapeIn(value string) string {
	if hits := shapes(value); len(hits) > 0 {
		return hits[0].what
	}
	return ""
}

// varied tells a random string from an example: AKIAIOSFODNN7EXAMPLE, ghp_xxxx.
func varied(s string) bool {
	lower := strings.ToLower(s)
	for _, w := range []string{"example", "xxxx", "your", "1234567890abc", "abcdefgh"} {
		if strings.Contains(lower, w) {
			return false
		}
	}
	distinct := 0
	for i := range lower {
		if strings.IndexByte(lower[:i], lower[i]) < 0 {
			distinct++
		}
	}
	return distinct >= 8
}

// webToken finds header.payload.signature, the first two of which are JSON in
// base64 and so begin with eyJ (RFC 7519).
func webToken(text string) int {
	for from := 0; ; {
		i := strings.Index(text[from:], "eyJ")
		if i < 0 {
			return -1
		}
		i += from
		end := i
		for end < len(text) && dotted(text[end]) {
			end++
		}
		from = i + 3
		parts := strings.Split(text[i:end], ".")
		if len(parts) == 3 && strings.HasPrefix(parts[1], "eyJ") && len(parts[0]) > 15 && len(parts[1]) > 15 && len(parts[2]) > 20 && (i == 0 || !word(text[i-1])) {
			return i
		}
	}
}

// privateKey finds a PEM block with its contents, not a mere mention.
func privateKey(text string) int {
	const mark = "PRIVATE KEY-----"
	i := strings.Index(text, mark)
	if i < 0 || !strings.Contains(text[max(0, i-30):i], "-----BEGIN ") {
		return -1
	}
	body := strings.TrimLeft(strings.TrimPrefix(strings.TrimLeft(text[i+len(mark):], " \"'\\\r"), "n"), " \"'\\\r\n")
	n := 0
	for n < len(body) && (alnum(body[n]) || body[n] == '+' || body[n] == '/' || body[n] == '=') {
		n++
	}
	if n < 40 {
		return -1
	}
	return strings.LastIndex(text[:i], "-----BEGIN ")
}

// urlPassword finds scheme://user:password@host with a host outside the build.
func urlPassword(text string) int {
	for from := 0; ; {
		i := strings.Index(text[from:], "://")
		if i < 0 {
			return -1
		}
		i += from
		from = i + 3
		end := from
		for end < len(text) && strings.IndexByte(" \t\r\n\"'`\\/|;)", text[end]) < 0 {
			end++
		}
		user, host, ok := cutLast(text[from:end], "@")
		name, pass, hasPass := strings.Cut(user, ":")
		host, _, _ = strings.Cut(host, ":")
		if !ok || !hasPass || placeholder("a password", name, pass) || strings.ContainsAny(user, "*#[(") {
			continue
		}
		lower := strings.ToLower(user)
		if strings.Contains(lower, "password") || strings.Contains(lower, "token") || strings.EqualFold(name, pass) || strings.EqualFold(name, "anonymous") || pass == "x-oauth-basic" {
			continue
		}
		if !strings.Contains(host, ".") || strings.HasPrefix(host, "127.") || strings.HasPrefix(host, "0.0.0.0") || strings.Contains(host, "example.") || strings.Contains(host, "$") || strings.HasSuffix(host, ".internal") {
			continue
		}
		start := i
		for start > 0 && alnum(text[start-1]) {
			start--
		}
		return start
	}
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// npmToken finds `_authToken=` with a value written out.
// https://docs.npmjs.com/using-private-packages-in-a-ci-cd-workflow
func npmToken(text string) int {
	const mark = "_authToken"
	for from := 0; ; {
		i := strings.Index(text[from:], mark)
		if i < 0 {
			return -1
		}
		i += from
		from = i + len(mark)
		v := strings.TrimLeft(text[from:], "= \t\"'")
		end := 0
		for end < len(v) && strings.IndexByte(" \t\r\n\"'`\\|;>", v[end]) < 0 {
			end++
		}
		if v = v[:end]; len(v) >= 16 && !placeholder("a token", mark, v) && varied(v) {
			return i
		}
	}
}
