package rewrite

import (
	"path"
	"slices"
	"strings"
)

var _ = registerManager(&manager{tools: []string{"composer", "composer.phar", "php"}, vars: []string{"COMPOSER"}, install: composerInstall})

// composerFlags are those of composer install that read and write nothing else.
const composerFlags flags = `--no-dev --dev --no-interaction -n --prefer-dist --prefer-source --prefer-install= --no-progress --no-suggest --no-ansi --ansi --ignore-platform-reqs --ignore-platform-req= --no-scripts --no-autoloader --no-plugins --optimize-autoloader -o
	--classmap-authoritative -a --apcu-autoloader -q --quiet -v -vv -vvv --verbose --no-cache --no-audit --audit --profile --no-security-blocking --download-only`

func composerInstall(i *Install, c installCall) bool {
	if path.Base(c.args[0]) == "php" { // php composer.phar install
		c.args = c.args[1:]
		for len(c.args) > 1 && strings.HasPrefix(c.args[0], "-d") { // -d memory_limit=-1
			if c.args[0] == "-d" {
				c.args = c.args[1:]
			}
			c.args = c.args[1:]
		}
		if len(c.args) < 2 || path.Base(c.args[0]) != "composer.phar" && path.Base(c.args[0]) != "composer" {
			return false
		}
		abs, ok := c.st.Abs(c.args[0])
		if !ok {
			return false
		}
		i.Reads = append(i.Reads, abs)
	}
	args := c.args[1:]
	at := slices.IndexFunc(args, func(a string) bool { return !strings.HasPrefix(a, "-") })
	if at < 0 || args[at] != "install" && args[at] != "i" {
		return false
	}
	i.Name = "composer install"
	line := composerFlags.read(slices.Delete(slices.Clone(args), at, at+1))
	if line.unknown != "" || len(line.words) > 0 {
		i.unknown("composer install %s may read or write other places", line.unknown)
	}
	i.Writes = []string{"/root", "/tmp", "/var/tmp", "/usr/local/share", "/home/composer", "/composer"}
	i.looksFor("composer.json", "composer.lock", "auth.json", "symfony.lock")
	if c.st.Env["COMPOSER_ROOT_VERSION"] == "" {
		i.Reads = append(i.Reads, upwards(i.Dir, ".git")...) // the project's version comes from git into vendor/composer/installed.php
	}
	if !i.brings(c, "composer.json") {
		i.Writes = append(i.Writes, path.Join(i.Dir, "vendor"))
		return true
	}
	f := c.repo.Composer(i.Ctx)
	if f == nil {
		i.unknown("composer.json can't be read")
		return true
	}
	i.Files = f.Files
	for _, w := range f.Writes {
		i.Writes = append(i.Writes, path.Join(i.Dir, w))
	}
	if f.Lock == "" {
		i.Writes = append(i.Writes, path.Join(i.Dir, "composer.lock"))
	}
	switch {
	case f.Unknown != "":
		i.unknown("%s", f.Unknown)
	case f.Scripts != "" && !line.has("--no-scripts"):
		i.unknown("%s; with --no-scripts here, and the scripts behind the COPY, the packages could come first", f.Scripts)
	case f.Plugins != "" && !line.has("--no-plugins"):
		i.unknown("%s", f.Plugins)
	case line.has("--no-autoloader"):
	case f.Autoload != "":
		i.unknown("%s; with --no-autoloader here, and composer dump-autoload behind the COPY, the packages could come first", f.Autoload)
	case line.has("-o", "--optimize-autoloader", "-a", "--classmap-authoritative"):
		i.unknown("an optimised autoloader is made from the code; with --no-autoloader here, and composer dump-autoload --optimize behind the COPY, the packages could come first")
	}
	return true
}
