package repo

import (
	"bytes"
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// Composer is what "composer install" reads in one folder.
type Composer struct {
	Files    []string // all it reads to install the packages; exact unless Unknown
	Lock     string   // composer.lock, "" when there is none
	Scripts  string   // the first script that the install runs, "" for none; --no-scripts leaves them out
	Autoload string   // why writing the autoloader reads the code, "" when it doesn't; --no-autoloader leaves it out
	Plugins  string   // why a plugin may read or write more, "" when none does; --no-plugins leaves them out
	Writes   []string // where packages and their programs go, relative to the folder
	Unknown  string   // why more than Files may be read
}

// composerScripts run at "composer install"
// (https://getcomposer.org/doc/articles/scripts.md#command-events).
var composerScripts = []string{"pre-install-cmd", "pre-autoload-dump", "post-autoload-dump", "post-install-cmd", "pre-operations-exec", "pre-pool-create", "pre-file-download", "post-file-download",
	"pre-package-install", "post-package-install", "pre-package-update", "post-package-update", "pre-package-uninstall", "post-package-uninstall", "init", "command"}

// composerPlugins are plugins that write below vendor/ only and read nothing of
// the project but composer.json.
var composerPlugins = map[string]bool{"phpstan/extension-installer": true, "pestphp/pest-plugin": true, "composer/package-versions-deprecated": true}

type composerPackage struct {
	Name, Type string
	Dist       struct{ Type string }
}

// Composer returns the facts about the composer.json in folder dir (a path as
// in Exists); nil when there is none.
//
// Sources: https://getcomposer.org/doc/04-schema.md,
// https://getcomposer.org/doc/articles/autoloader-optimization.md, Composer's
// Autoload/AutoloadGenerator.php.
func (r *Repo) Composer(dir string) *Composer {
	dir, ok := clean(dir)
	if !ok || !r.isFile(path.Join(dir, "composer.json")) {
		return nil
	}
	return r.facts.composer.get(dir, func() *Composer {
		c := &Composer{Files: r.has(dir, "composer.json", "composer.lock", "auth.json"), Writes: []string{"vendor"}}
		if l := r.has(dir, "composer.lock"); l != nil {
			c.Lock = l[0]
		}
		src, err := r.ReadFile(c.Files[0])
		var doc map[string]any
		if err == nil {
			err = json.Unmarshal([]byte(text(src)), &doc)
		}
		if err != nil {
			c.Unknown = c.Files[0] + " cannot be read"
			return c
		}
		c.scripts(doc)
		c.autoload(doc)
		c.Unknown = c.needsMore(r, doc)
		return c
	})
}

func (c *Composer) scripts(doc map[string]any) {
	scripts, _ := doc["scripts"].(map[string]any)
	for _, name := range composerScripts {
		if s := stringList(scripts[name]); len(s) > 0 && c.Scripts == "" {
			c.Scripts = name + " in composer.json runs at install: " + short(s[0])
		}
	}
}

func (c *Composer) autoload(doc map[string]any) {
	for _, section := range []string{"autoload", "autoload-dev"} {
		for _, kind := range []string{"classmap", "files"} {
			if l := stringList(dig(doc, section, kind)); len(l) > 0 && c.Autoload == "" {
				c.Autoload = "the autoloader is made from the code: " + section + " " + kind + " names " + short(l[0])
			}
		}
	}
	for _, key := range []string{"optimize-autoloader", "classmap-authoritative"} {
		if dig(doc, "config", key) == true {
			c.Autoload = "the autoloader is made from the code: config." + key + " is set"
		}
	}
}

func (c *Composer) needsMore(r *Repo, doc map[string]any) string {
	for key, v := range asTable(doc["config"]) {
		s := str(v)
		switch key {
		case "vendor-dir", "bin-dir":
			if s == "" || strings.ContainsAny(s, "$~{") || path.IsAbs(s) {
				return c.Files[0] + " sets config." + key
			}
			c.Writes = append(c.Writes, s)
		case "cache-dir", "data-dir", "home", "archive-dir", "cafile", "capath":
			return c.Files[0] + " sets config." + key
		}
	}
	if doc["target-dir"] != nil {
		return c.Files[0] + " sets target-dir"
	}
	var repositories []any
	switch l := doc["repositories"].(type) {
	case []any:
		repositories = l
	case map[string]any:
		for _, v := range l {
			repositories = append(repositories, v)
		}
	}
	for _, v := range repositories {
		m := asTable(v)
		kind, url := str(m["type"]), str(m["url"])
		if kind == "path" || kind == "artifact" || kind != "package" && url != "" && !strings.Contains(url, "://") && !strings.Contains(url, "@") && !strings.Contains(url, ".") ||
			strings.HasPrefix(url, ".") || strings.HasPrefix(url, "/") || strings.HasPrefix(strings.ToLower(url), "file:") {
			return c.Files[0] + " takes packages from the local path " + short(url)
		}
	}
	if c.Lock == "" {
		c.Plugins = "there is no composer.lock that tells which plugins of Composer come in"
		return ""
	}
	return c.lock(r)
}

// lock looks for plugins and local packages; most lock files have neither and
// aren't parsed.
func (c *Composer) lock(r *Repo) string {
	src, err := r.ReadFile(c.Lock)
	if err != nil {
		return c.Lock + " cannot be read"
	}
	if !bytes.Contains(src, []byte("composer-plugin")) && !bytes.Contains(src, []byte("composer-installer")) && !bytes.Contains(src, []byte(`"path"`)) {
		return ""
	}
	var lock struct {
		Packages []composerPackage `json:"packages"`
		Dev      []composerPackage `json:"packages-dev"`
	}
	if json.Unmarshal([]byte(text(src)), &lock) != nil {
		return c.Lock + " cannot be read"
	}
	for _, p := range slices.Concat(lock.Packages, lock.Dev) {
		if p.Dist.Type == "path" {
			return c.Lock + " locks a local path for " + p.Name
		}
		if (p.Type == "composer-plugin" || p.Type == "composer-installer") && !composerPlugins[p.Name] && c.Plugins == "" {
			c.Plugins = "the plugin " + p.Name + " may read and write more of the project"
		}
	}
	return ""
}
