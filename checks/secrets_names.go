package checks

// What a variable's name and value say about it being a secret.

import (
	"slices"
	"strings"
	"unicode"
)

// secretName tells what kind of secret a variable of that name holds, "" for
// none. It goes by the name's last words: what follows PASSWORD or TOKEN
// (_FILE, _EXPIRY, _MIN_LENGTH, _URL) makes it something else.
func secretName(name string) string {
	words := nameWords(name)
	for _, w := range words {
		if slices.Contains(notSecretWords, w) {
			return ""
		}
	}
	for len(words) > 1 && strings.Trim(words[len(words)-1], "0123456789") == "" {
		words = words[:len(words)-1]
	}
	if len(words) == 0 {
		return ""
	}
	last, before := words[len(words)-1], ""
	if len(words) > 1 {
		before = words[len(words)-2]
	}
	if last == "BASE" || last == "ID" { // SECRET_KEY_BASE of Rails, AWS_ACCESS_KEY_ID
		if before != "KEY" || len(words) < 3 {
			return ""
		}
		last, before = before, words[len(words)-3]
	}
	switch {
	case strings.HasSuffix(last, "PASSWORD"), strings.HasSuffix(last, "PASSWD"), strings.HasSuffix(last, "PASSPHRASE"):
		return "a password"
	case before != "" && (last == "PASS" || last == "PWD" || last == "PW"):
		return "a password"
	case strings.HasSuffix(last, "SECRET"):
		return "a secret"
	case last == "TOKEN", last == "AUTHTOKEN", last == "ACCESSTOKEN":
		return "a token"
	case last == "APIKEY", last == "SECRETKEY", last == "ACCESSKEY", last == "PRIVATEKEY":
		return "a key"
	case last == "KEY" && slices.Contains(secretKeys, before):
		return "a key"
	case last == "CREDENTIAL", last == "CREDENTIALS":
		return "credentials"
	}
	return ""
}

// secretKeys are the words before KEY that make it a secret one.
var secretKeys = []string{"API", "ACCESS", "SECRET", "PRIVATE", "ENCRYPTION", "SIGNING", "MASTER", "AUTH", "ACCOUNT", "STORAGE", "SUBSCRIPTION", "LICENSE", "DEPLOY"}

// notSecretWords make a name one of a switch, or of something public.
var notSecretWords = []string{
	"ALLOW", "ENABLE", "ENABLED", "DISABLE", "DISABLED", "REQUIRE", "REQUIRED", "RANDOM", "GENERATE", "SKIP", "USE", "NO", "EMPTY", "DUMMY",
	"PUBLIC", "PUBLISHABLE", "REACT", "VITE", "GATSBY", "EXPO", "NUXT", "NG",
}

// nameWords splits a name at _, - and . and where lower case turns into upper.
func nameWords(name string) []string {
	var out []string
	start := 0
	cut := func(end, next int) {
		if end > start {
			out = append(out, strings.ToUpper(name[start:end]))
		}
		start = next
	}
	var prev rune
	for i, r := range name {
		switch {
		case r == '_' || r == '-' || r == '.':
			cut(i, i+1)
		case unicode.IsUpper(r) && unicode.IsLower(prev):
			cut(i, i)
		}
		prev = r
	}
	cut(len(name), len(name))
	return out
}

// minSecret is the length in bytes below which a value is no secret.
const minSecret = 4

// placeholder tells that the value of a variable for a secret is none: a
// variable, a path, a switch, or a word that stands for "put yours here".
func placeholder(kind, name, value string) bool {
	v := strings.ToLower(value)
	switch {
	case len(v) < minSecret, strings.Contains(v, "$"):
		return true
	case strings.HasPrefix(v, "/"), strings.HasPrefix(v, "./"), strings.HasPrefix(v, "~"), strings.HasPrefix(v, "file:"):
		return true
	case strings.HasPrefix(v, "http://"), strings.HasPrefix(v, "https://"):
		return true
	case strings.ContainsAny(v, "<>{}%"), strings.HasPrefix(v, "@"), strings.HasPrefix(v, "__"), strings.HasPrefix(v, "["):
		return true
	case strings.Trim(v, "x*.-_0?") == "":
		return true
	case strings.EqualFold(value, name):
		return true
	case slices.Contains(switches, v):
		return true
	case kind != "a password" && strings.ContainsAny(v, " \t"): // a sentence
		return true
	case kind != "a password" && strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == "" && strings.Contains(value, "_"): // the name of a variable
		return true
	case kind == "a key" && fingerprint(value):
		return true
	case kind != "a password" && slices.Contains([]string{"deadbeef", "1234567890abcdef", "secret", "token", "password", "test", "1234", "12345", "123456", "test123"}, v):
		return true
	}
	for _, end := range []string{".json", ".pem", ".key", ".txt", ".yml", ".yaml", ".file", ".crt", ".jks", ".sh", ".pass"} {
		if strings.HasSuffix(v, end) {
			return true
		}
	}
	for _, w := range placeholders {
		if strings.Contains(v, w) {
			return true
		}
	}
	return false
}

// fingerprint tells the id of a public key of GnuPG: 40 or 16 hexadecimal
// digits, in upper case as gpg prints them.
func fingerprint(v string) bool {
	v = strings.TrimPrefix(v, "0x")
	return (len(v) == 40 || len(v) == 16) && strings.Trim(v, "0123456789ABCDEF") == ""
}

var switches = []string{"true", "false", "none", "null", "undefined", "unset", "empty", "default", "auto", "random", "required", "enabled", "disabled", "optional", "foobar"}

var placeholders = []string{
	"changeme", "change_me", "change-me", "changeit", "change_it", "change_this", "change-this", "changethis", "please", "replace", "example", "sample", "dummy", "placeholder",
	"your", "insert", "todo", "fixme", "xxxx", "****", "...", "fake", "redacted", "tbd", "unused", "ignored", "not-a", "not_a", "notsecret", "not-secret", "not_secret", "not-used", "not_used", "notused",
	"fill", "override", "overwrite", "overridden", "build-time", "buildtime", "build_time", "build-only", "build_only", "for-build", "for_build", "docker-build", "docker_build", "collectstatic",
	"set_me", "set-me", "setme", "set_at", "set-at", "provide", "temporary", "temp_", "temp-", "throwaway", "mock", "invalid", "nothing", "some-", "some_", "lorem", "will-be", "will_be", "non-secret", "insecure", "unsafe", "-here", "_here",
}
