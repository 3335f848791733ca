package checks

import (
	"strings"
	"testing"
)

// Tokens are put together here, so that this file holds none for the scanners
// of others to find.
func TestShapes(t *testing.T) {
	random := "q8Zr2LmXv5Tb9KwYc3Nd7PfHs4Gj6QaEu1Wo0Ri"
	upper := strings.ToUpper(random)
	for text, want := range map[string]string{
		"AK" + "IA" + upper[:16]:                                            "an AWS access key",
		"gh" + "p_" + random[:36]:                                           "a GitHub token",
		"ENV A=gh" + "p_" + random[:36] + "\nENV B=c":                       "a GitHub token",
		"github" + "_pat_" + random:                                         "a GitHub token",
		"gl" + "pat-" + random[:20]:                                         "a GitLab token",
		"xo" + "xb-123456789012-" + random[:24]:                             "a Slack token",
		"AI" + "za" + random[:35]:                                           "a Google API key",
		"sk" + "_live_" + random[:24]:                                       "a Stripe key",
		"np" + "m_" + random[:36]:                                           "an npm token",
		"hf" + "_" + random[:34]:                                            "a Hugging Face token",
		"https://tide:" + random[:12] + "@git.tides.net":                    "a password in a URL",
		"ey" + "J" + random[:20] + ".ey" + "J" + random[:30] + "." + random: "a JSON web token",
		"-----BEGIN RSA PRIVATE" + " KEY-----\n" + random + random + "\n":   "a private key",
		`echo "-----BEGIN PRIVATE` + ` KEY-----\n` + random + random + `"`:  "a private key",
		"//npm.tides.net/:_auth" + "Token=" + random[:20]:                   "an npm token",

		"AK" + "IAIOSFODNN7EXAMPLE":                      "",
		"XAK" + "IA" + upper[:16]:                        "", // within a word
		"gh" + "p_" + strings.Repeat("x", 36):            "",
		"gh" + "p_$TOKEN":                                "",
		"np" + "m_config_cache":                          "",
		"https://tide:$PASS@git.tides.net":               "",
		"https://tide:low-water@localhost:5432/tides":    "",
		"https://tide:low-water@db:5432/tides":           "",
		"https://tide@git.tides.net":                     "",
		"grep 'BEGIN PRIVATE KEY-----' a.pem":            "",
		"-----BEGIN PRIVATE" + " KEY-----' /a.pem | cat": "",
		"ey" + "JhbGciOi":                                "",
		"https://a.net/b:c@d":                            "",
		"//npm.tides.net/:_auth" + "Token=${NPM_TOKEN}":  "",
	} {
		if got := shapeIn(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestOthersWrite(t *testing.T) {
	for mode, want := range map[string]bool{
		"777": true, "0777": true, "666": true, "2777": true, "00777": true, "a+w": true, "o+rw": true, "ugo+rwx": true, "u=rwx,o=rwx": true, "a=rw": true,
		"755": false, "1777": false, "3777": false, "775": false, "7": false, "77": false, "+w": false, "+x": false, "g+w": false, "o-w": false, "a+rwxt": false, "o+w,o-w": false, "a=rx": false, "$MODE": false, "": false, "888": false,
	} {
		if got := othersWrite(mode); got != want {
			t.Errorf("%s: %v", mode, got)
		}
	}
}

func TestUnwrap(t *testing.T) {
	for in, want := range map[string]string{
		"sudo -E -u tide bash -":     "bash -",
		"env A=b C=d sh":             "sh",
		"sudo -H env -i A=b bash -s": "bash -s",
		"exec sshd -D":               "sshd -D",
		"timeout 5 curl x":           "curl x",
		"gosu tide sh -c x":          "sh -c x",
		"sudo":                       "sudo",
		"curl -u a:b x":              "curl -u a:b x",
	} {
		if got := strings.Join(unwrap(strings.Fields(in)), " "); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}
