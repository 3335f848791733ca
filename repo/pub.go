package repo

import (
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Pub is what "dart pub get" or "flutter pub get" reads and writes in a folder
// with a pubspec.yaml. All paths are relative to the context.
type Pub struct {
	InstallFacts
	Flutter bool // a package for Flutter
}

type pubspec struct {
	Dependencies map[string]any `yaml:"dependencies"`
	Dev          map[string]any `yaml:"dev_dependencies"`
	Overrides    map[string]any `yaml:"dependency_overrides"`
	Workspace    []string       `yaml:"workspace"`
	Resolution   string         `yaml:"resolution"`
	Flutter      map[string]any `yaml:"flutter"`
}

// Pub returns the facts about the Dart package in folder dir (a path as in
// Exists).
//
// Source: https://dart.dev/tools/pub/cmd/pub-get, https://dart.dev/tools/pub/workspaces
func (r *Repo) Pub(dir string) Pub {
	dir, ok := clean(dir)
	if !ok {
		return Pub{InstallFacts: InstallFacts{Unknown: "the folder lies outside the build context"}}
	}
	return r.facts.pub.get(dir, func() Pub {
		p := Pub{InstallFacts: InstallFacts{NewLock: path.Join(dir, "pubspec.lock")}}
		if r.isFile(p.NewLock) {
			p.Lock = p.NewLock
		}
		p.read(r, dir, true)
		if p.Lock != "" {
			p.Files = append(p.Files, p.Lock)
		}
		return p
	})
}

// read follows one pubspec.yaml to the packages of the workspace and to those
// that it names by path, whose pubspec.yaml pub reads and no more.
func (p *Pub) read(r *Repo, dir string, root bool) {
	file := path.Join(dir, "pubspec.yaml")
	if slices.Contains(p.Files, file) {
		return
	}
	src, err := r.ReadFile(file)
	var doc pubspec
	if err == nil {
		err = guard(func() error { return yaml.Unmarshal([]byte(text(src)), &doc) })
	}
	if err != nil {
		setOnce(&p.Unknown, file+" cannot be read")
		return
	}
	p.Files = append(p.Files, file)
	overrides := path.Join(dir, "pubspec_overrides.yaml")
	if r.isFile(overrides) {
		p.Files = append(p.Files, overrides)
		var more pubspec
		if src, err = r.ReadFile(overrides); err == nil {
			err = guard(func() error { return yaml.Unmarshal([]byte(text(src)), &more) })
		}
		if err != nil {
			setOnce(&p.Unknown, overrides+" cannot be read")
		}
		p.paths(r, dir, more.Dependencies, more.Overrides)
	} else {
		p.Looks = append(p.Looks, overrides)
	}
	if root {
		p.Writes = append(p.Writes, path.Join(dir, ".dart_tool"), path.Join(dir, ".packages"))
		p.flutter(r, dir, doc)
		if doc.Resolution == "workspace" {
			setOnce(&p.Unknown, file+" belongs to a workspace, whose packages are resolved together")
		}
	}
	if len(doc.Workspace) > 0 && !root {
		setOnce(&p.Unknown, file+" has a workspace of its own")
		return
	}
	for _, w := range doc.Workspace {
		if strings.ContainsAny(w, "*?[{") {
			setOnce(&p.Unknown, file+" names its workspace by the pattern "+short(w))
			continue
		}
		p.Writes = append(p.Writes, path.Join(dir, w, ".dart_tool"))
		p.read(r, path.Join(dir, w), false)
	}
	p.paths(r, dir, doc.Dependencies, doc.Dev, doc.Overrides)
}

func (p *Pub) paths(r *Repo, dir string, tables ...map[string]any) {
	for _, t := range tables {
		for _, name := range slices.Sorted(maps.Keys(t)) {
			dep, _ := t[name].(map[string]any)
			if _, ok := dep["path"]; !ok {
				continue
			}
			to := str(dep["path"])
			if to == "" || strings.HasPrefix(to, "/") {
				setOnce(&p.Unknown, path.Join(dir, "pubspec.yaml")+" has a dependency outside the build context")
				continue
			}
			p.read(r, path.Join(dir, to), false)
		}
	}
}

// flutter: for Flutter, pub get also writes the plugins into the folders of the
// platforms and generates code for translations
// (flutter_tools/lib/src/project.dart, regeneratePlatformSpecificTooling).
func (p *Pub) flutter(r *Repo, dir string, doc pubspec) {
	_, p.Flutter = doc.Dependencies["flutter"]
	if !p.Flutter {
		return
	}
	if doc.Flutter["generate"] == true || r.isFile(path.Join(dir, "l10n.yaml")) {
		setOnce(&p.Unknown, "flutter pub get generates code for translations")
	}
	for _, platform := range []string{"android", "ios", "macos", "linux", "windows", ".android", ".ios"} {
		if r.IsDir(path.Join(dir, platform)) {
			setOnce(&p.Unknown, "flutter pub get writes the plugins into "+path.Join(dir, platform))
		}
	}
	for _, f := range []string{".flutter-plugins", ".flutter-plugins-dependencies", "lib/generated_plugin_registrant.dart"} {
		p.Writes = append(p.Writes, path.Join(dir, f))
	}
}
