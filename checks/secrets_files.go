package checks

// Files with secrets that are copied into an image.

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// findFiles looks at COPY and ADD in the stages that ship.
func findFiles(p *rewrite.Pass) {
	for _, in := range acting(p.Shipping()) {
		sources, _, from, ok := in.Copy()
		if !ok {
			continue
		}
		for _, src := range sources {
			what := secretFile(src)
			if what == "" {
				continue
			}
			if from == "" {
				if knows, holds := contents(p, src, what); knows && !holds || !knows && weak(what) {
					continue
				}
			} else if what != sshKey {
				continue
			}
			p.Find(in, fmt.Sprintf("%s brings %s, %s, into the image", strings.ToUpper(in.Keyword), src, what), "mount it where it is needed: RUN --mount=type=secret, or --mount=type=ssh for keys")
		}
	}
}

// The kinds of files.
const (
	sshKey      = "a private key"
	tlsKey      = "a private key of a certificate"
	envFile     = "settings that mostly hold secrets"
	envShared   = "settings that hold a secret" // mostly in version control, so without secrets
	tokenFile   = "settings that may hold a token"
	credentials = "credentials"
)

// weak kinds are found by their contents only.
func weak(kind string) bool { return kind == tokenFile || kind == tlsKey || kind == envShared }

// secretFile tells by its name what a file holds, "" for nothing secret.
func secretFile(src string) string {
	base := strings.ToLower(path.Base(src))
	dir := strings.ToLower(path.Base(path.Dir(src)))
	switch base {
	case "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519":
		return sshKey
	case ".netrc", "_netrc", ".git-credentials", ".pypirc", ".pgpass", ".my.cnf", "application_default_credentials.json", ".dockercfg":
		return credentials
	case ".env", ".env.local":
		return envFile
	case ".env.production", ".env.prod", ".env.staging":
		return envShared
	case ".npmrc", ".yarnrc", ".yarnrc.yml", "pip.conf", ".pip.conf", "nuget.config", "settings.xml", "auth.json":
		return tokenFile
	case "credentials":
		if dir == ".aws" || dir == "aws" {
			return credentials
		}
	case "config.json":
		if dir == ".docker" {
			return credentials
		}
	}
	switch ext := path.Ext(base); {
	case ext == ".ppk":
		return sshKey
	case ext == ".key" || ext == ".pem" || ext == ".p12" || ext == ".pfx":
		return tlsKey
	case ext == ".json" && (strings.Contains(base, "service-account") || strings.Contains(base, "service_account") || strings.Contains(base, "serviceaccount")):
		return credentials
	}
	return ""
}

// contents looks into the file in the build context; knows is false where it
// isn't there.
func contents(p *rewrite.Pass, src, kind string) (knows, holds bool) {
	text, err := p.Repo.ReadFile(rewrite.ContextPath(src))
	if err != nil {
		return false, false
	}
	t := string(text)
	switch kind {
	case sshKey, tlsKey:
		return true, strings.Contains(t, "PRIVATE KEY") || strings.HasPrefix(t, "PuTTY-User-Key-File")
	case envFile, envShared:
		return true, slices.ContainsFunc(strings.Split(t, "\n"), func(l string) bool {
			name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(l), "export "), "=")
			if !ok || strings.HasPrefix(name, "#") {
				return false
			}
			value = strings.Trim(strings.TrimSpace(value), `"'`)
			kind := secretName(strings.TrimSpace(name))
			return shapeIn(value) != "" || kind != "" && !placeholder(kind, name, value)
		})
	case tokenFile:
		return true, len(shapes(t)) > 0 || slices.ContainsFunc([]string{"_password=", "ClearTextPassword", "npmAuthToken: ", "<password>"}, func(w string) bool {
			_, v, ok := strings.Cut(t, w)
			v, _, _ = strings.Cut(v, "\n")
			return ok && !placeholder("a password", "", strings.TrimLeft(v, ` "'=`))
		})
	}
	return true, len(strings.TrimSpace(t)) > 0
}
