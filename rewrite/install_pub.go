package rewrite

import (
	"path"
	"strings"
)

var _ = registerManager(&manager{tools: []string{"dart", "flutter", "pub"}, install: pubInstall})

// pubFlags are flags of pub get that don't change where or what is read.
var pubFlags = Words("--offline --no-offline --enforce-lockfile --no-example --example --no-precompile --precompile --no-analytics --disable-analytics --verbose -v --no-version-check --suppress-analytics")

func pubInstall(i *Install, c installCall) bool {
	tool, unknown := path.Base(c.args[0]), ""
	var verb []string
	frozen := false
	for n := 1; n < len(c.args); n++ {
		a := c.args[n]
		if !strings.HasPrefix(a, "-") {
			verb = append(verb, a)
			continue
		}
		frozen = frozen || a == "--enforce-lockfile"
		if !pubFlags[a] {
			unknown = tool + " " + a + " may read or write other places"
		}
	}
	switch strings.Join(append([]string{tool}, verb...), " ") {
	case "dart pub get", "flutter pub get", "pub get", "flutter packages get":
	default:
		return false
	}
	i.Name = strings.Join(append([]string{tool}, verb...), " ")
	i.Writes = append([]string{"/root", "/tmp"}, pathFolders(c.st)...)
	for k, d := range map[string]string{"PUB_CACHE": "", "HOME": ".pub-cache"} {
		if v, ok := c.st.lookup().Get(k); ok && v != "" {
			p, ok := c.st.Abs(v)
			if !ok {
				unknown = k + " is computed"
				continue
			}
			i.Writes = append(i.Writes, path.Join(p, d))
		}
	}
	if !i.brings(c, "pubspec.yaml") {
		return true
	}
	facts := c.repo.Pub(i.Ctx)
	i.take(c, facts.InstallFacts, "pubspec.yaml", frozen)
	i.Unknown = facts.Unknown
	if unknown != "" {
		i.Unknown = unknown
	}
	return true
}
