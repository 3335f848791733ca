package repo

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Maven is what a POM, its modules and its parents within the context say. They
// are found as Maven finds them: modules by folder or file, parents by
// relativePath (https://maven.apache.org/pom.html).
type Maven struct {
	File  string   // the POM that mvn is called with
	Files []string // all POMs that reading it needs, and the files of .mvn
	// Parents are those of Files that Maven looks for above the POM and does
	// without where they aren't there.
	Parents []string
	// Unknown is the first reason why resolving the dependencies may read more
	// of the project than Files.
	Unknown string
	// Unresolved tells why dependencies can't be resolved before the modules are
	// built; "" when they can.
	Unresolved string

	repo *Repo
	poms map[string]*pom
}

type pom struct {
	file, group, artifact string
	parent                string // the file of its parent, when that is in the context
	xml                   *xmlNode
}

// Maven returns the facts about a POM (a path as in Exists); nil when there is
// no such file.
func (r *Repo) Maven(file string) *Maven {
	file, ok := clean(file)
	if !ok || !r.isFile(file) {
		return nil
	}
	return r.facts.maven.get(file, func() *Maven {
		m := &Maven{File: file, repo: r, poms: map[string]*pom{}}
		m.read(file)
		for _, p := range m.sorted() {
			for _, why := range []func(*pom) string{m.localFiles, m.extensions, m.plugins} {
				if m.Unknown == "" {
					m.Unknown = why(p)
				}
			}
			if m.Unresolved == "" {
				m.Unresolved = m.needsModule(p)
			}
		}
		m.dotMvn()
		return m
	})
}

// Mentions reports whether one of the POMs holds a text: a property's name.
func (m *Maven) Mentions(text string) bool {
	return slices.ContainsFunc(m.sorted(), func(p *pom) bool {
		src, err := m.repo.ReadFile(p.file)
		return err == nil && strings.Contains(string(src), text)
	})
}

func (m *Maven) sorted() []*pom {
	var out []*pom
	for _, f := range m.Files {
		if p := m.poms[f]; p != nil {
			out = append(out, p)
		}
	}
	return out
}

// read takes in a POM, then its parents and its modules.
func (m *Maven) read(file string) {
	if m.poms[file] != nil || len(m.poms) > 500 {
		return
	}
	p := &pom{file: file}
	m.poms[file] = p
	m.Files = append(m.Files, file)
	src, err := m.repo.ReadFile(file)
	if err == nil {
		p.xml, err = parseXML(src)
	}
	if err != nil {
		p.xml = &xmlNode{}
		m.Unknown = file + " can't be read"
		return
	}
	p.artifact = p.xml.value("artifactId")
	if p.group = p.xml.value("groupId"); p.group == "" {
		p.group = p.xml.value("parent", "groupId")
	}
	m.parent(p)
	modules := p.xml.all("modules", "module")
	modules = append(modules, p.xml.all("profiles", "profile", "modules", "module")...)
	modules = append(modules, p.xml.all("subprojects", "subproject")...)
	for _, k := range modules {
		name := strings.ReplaceAll(strings.TrimSpace(k.text), "\\", "/")
		at := join(path.Dir(file), name)
		if m.repo.IsDir(at) {
			at = path.Join(at, "pom.xml")
		}
		if strings.Contains(name, "${") || !m.repo.isFile(at) {
			m.Unknown = fmt.Sprintf("%s names the module %s, which isn't in the build context", file, name)
			return
		}
		at, _ = clean(at)
		m.read(at)
	}
}

// parent reads the POM that a parent element finds by its relativePath, which is
// ../pom.xml unless it says otherwise; an empty one turns to the repositories.
func (m *Maven) parent(p *pom) {
	if len(p.xml.all("parent")) == 0 {
		return
	}
	rel := "../pom.xml"
	if set := p.xml.all("parent", "relativePath"); len(set) > 0 {
		rel = strings.TrimSpace(set[0].text)
	}
	if rel == "" {
		return
	}
	at := join(path.Dir(p.file), strings.ReplaceAll(rel, "\\", "/"))
	if m.repo.IsDir(at) {
		at = path.Join(at, "pom.xml")
	}
	if at, ok := clean(at); ok && m.repo.isFile(at) {
		if !slices.Contains(m.Files, at) {
			m.Parents = append(m.Parents, at)
		}
		p.parent = at
		m.read(at)
	} else if rel != "../pom.xml" {
		m.Unknown = fmt.Sprintf("%s has its parent in %s, which isn't in the build context", p.file, rel)
	}
}

// localFiles: artefacts and repositories that lie in the project.
func (m *Maven) localFiles(p *pom) (why string) {
	p.xml.walk(func(n *xmlNode) {
		switch {
		case why != "":
		case n.name == "systemPath":
			why = p.file + " has a dependency in " + short(n.text)
		case n.name == "repository" || n.name == "pluginRepository":
			if url := n.value("url"); strings.HasPrefix(url, "file:") || strings.Contains(url, "basedir") {
				why = p.file + " has a repository in " + short(url)
			}
		case n.name == "activation" && len(n.all("file")) > 0:
			why = p.file + " has a profile that looks for a file"
		}
	})
	return why
}

// knownExtensions load no more of the project than its POMs.
var knownExtensions = map[string]bool{
	"os-maven-plugin": true, // https://github.com/trustin/os-maven-plugin
	// Transports (https://maven.apache.org/wagon/).
	"wagon-ssh": true, "wagon-http": true, "wagon-ftp": true, "wagon-webdav": true, "wagon-webdav-jackrabbit": true, "wagon-ssh-external": true,
	// They take part in packaging and deployment only.
	"maven-bundle-plugin": true, "nexus-staging-maven-plugin": true, "central-publishing-maven-plugin": true, "quarkus-maven-plugin": true,
}

var knownPackaging = map[string]bool{"": true, "jar": true, "war": true, "pom": true, "ear": true, "ejb": true, "rar": true, "maven-plugin": true, "bundle": true, "quarkus": true}

// extensions: code that Maven loads with the project and that may read it.
func (m *Maven) extensions(p *pom) (why string) {
	if k := p.xml.value("packaging"); !knownPackaging[k] {
		return p.file + " has the packaging " + short(k)
	}
	p.xml.walk(func(n *xmlNode) {
		loaded := n.name == "extension" || n.name == "plugin" && n.value("extensions") == "true"
		if id := n.value("artifactId"); loaded && why == "" && !knownExtensions[id] {
			why = fmt.Sprintf("%s loads the extension %s, which may read more of the project", p.file, id)
		}
	})
	return why
}

// plugins: a configuration of the dependency plugin also steers its goals on the
// command line.
func (m *Maven) plugins(p *pom) (why string) {
	p.xml.walk(func(n *xmlNode) {
		if n.name == "plugin" && n.value("artifactId") == "maven-dependency-plugin" && len(n.all("configuration")) > 0 {
			why = p.file + " configures the maven-dependency-plugin"
		}
	})
	return why
}

// needsModule: an artefact that the build itself makes can't be resolved before
// ("Could not find artifact", seen with Maven 3.8 and dependency plugin 2.8).
func (m *Maven) needsModule(p *pom) (why string) {
	managed := map[*xmlNode]bool{} // versions for those who use them
	p.xml.walk(func(n *xmlNode) {
		if n.name == "dependencyManagement" {
			for _, d := range n.all("dependencies", "dependency") {
				managed[d] = d.value("scope") != "import"
			}
		}
		switch n.name {
		case "dependency", "plugin", "extension":
		default:
			return
		}
		if managed[n] {
			return
		}
		id, group := n.value("artifactId"), n.value("groupId")
		for _, other := range m.poms {
			if why == "" && other != p && id != "" && id == other.artifact && (group == other.group || strings.Contains(group, "${")) {
				why = fmt.Sprintf("%s needs the module %s, which isn't built by then", p.file, id)
			}
		}
	})
	return why
}

// dotMvn adds the files of .mvn, which Maven looks for in the POM's folder and
// upwards (https://maven.apache.org/configure.html).
func (m *Maven) dotMvn() {
	for _, up := range parents(path.Dir(m.File)) {
		dir := path.Join(up, ".mvn")
		if !m.repo.IsDir(dir) {
			continue
		}
		for _, d := range []string{dir, path.Join(dir, "wrapper")} {
			for _, e := range m.repo.ReadDir(d) {
				if f := path.Join(d, e.Name()); m.repo.isFile(f) && path.Ext(f) != ".java" && e.Name() != ".gitignore" {
					m.Files = append(m.Files, f)
				}
			}
		}
		m.dotMvnFiles(dir)
		return
	}
}

func (m *Maven) dotMvnFiles(dir string) {
	if src, err := m.repo.ReadFile(path.Join(dir, "maven.config")); err == nil {
		for _, w := range strings.Fields(text(src)) {
			if !strings.HasPrefix(w, "-D") && !strings.HasPrefix(w, "-P") && strings.ContainsAny(w, "./") {
				m.Unknown = path.Join(dir, "maven.config") + " names " + short(w)
			}
		}
	}
	file := path.Join(dir, "extensions.xml")
	if src, err := m.repo.ReadFile(file); err == nil {
		root, err := parseXML(src)
		if err != nil {
			m.Unknown = file + " can't be read"
			return
		}
		if why := m.extensions(&pom{file: file, xml: root}); why != "" {
			m.Unknown = why
		}
	}
}
