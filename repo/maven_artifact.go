package repo

import (
	"path"
	"strings"
)

// MavenArtifact is the file that packaging one project writes into its target
// folder (https://maven.apache.org/pom.html#BaseBuild_Element).
type MavenArtifact struct {
	POM       string
	Name      string // without its extension, "" when it can't be told from the POMs
	Packaging string // "jar", "war", …
	// Bundled names the plugin that puts the dependencies into the file; "" when
	// none of the POMs in the context has one.
	Bundled string
	// Manifest: the jar's manifest names the jars it needs, below Prefix beside it.
	Manifest bool
	Prefix   string
	// Parent is the parent that lies outside of the context, which may add to all
	// this; "" for none, and for Spring Boot's, which is known.
	Parent string
	// Needs is one dependency that the program has at run time, "" for none.
	Needs string
}

// bundlers put a project's dependencies into its jar, or beside it into one
// folder (quarkus-app) that starts alone.
var bundlers = []string{"spring-boot-maven-plugin", "maven-shade-plugin", "maven-assembly-plugin", "quarkus-maven-plugin", "onejar-maven-plugin", "really-executable-jar-maven-plugin", "vertx-maven-plugin", "payara-micro-maven-plugin", "wildfly-jar-maven-plugin"}

// Artifact tells what packaging the project of a POM among Files writes.
func (m *Maven) Artifact(file string) (a MavenArtifact, ok bool) {
	file, _ = clean(file)
	p := m.poms[file]
	if p == nil {
		return a, false
	}
	a = MavenArtifact{POM: file, Packaging: p.xml.value("packaging")}
	if a.Packaging == "" {
		a.Packaging = "jar"
	}
	boot := false // Spring Boot's parent is on top
	chain := m.chain(p)
	if top := chain[len(chain)-1]; len(top.xml.all("parent")) > 0 {
		switch id := top.xml.value("parent", "artifactId"); id {
		case "spring-boot-starter-parent":
			boot = true
		default:
			a.Parent = id
		}
	}
	a.Name = m.finalName(chain)
	for _, id := range bundlers {
		for _, c := range chain {
			if pl := c.plugin(id); pl != nil && a.Bundled == "" && bundles(pl, id, boot, chain) {
				a.Bundled = id
			}
		}
	}
	for _, c := range chain {
		c.xml.walk(func(n *xmlNode) {
			if n.name == "manifest" && n.value("addClasspath") == "true" {
				a.Manifest, a.Prefix = true, n.value("classpathPrefix")
				if l := n.value("classpathLayoutType"); l != "" && l != "simple" {
					a.Prefix = "${" + l + "}"
				}
			}
			if n.name == "manifestEntries" && n.value("Class-Path") != "" {
				a.Manifest, a.Prefix = true, "${Class-Path}"
			}
		})
		for _, d := range c.xml.all("dependencies", "dependency") {
			switch d.value("scope") {
			case "test", "provided", "import":
			default:
				if a.Needs == "" {
					a.Needs = d.value("artifactId")
				}
			}
		}
	}
	return a, true
}

// chain is a POM with its parents in the context, nearest first. A POM above that
// isn't the one that is named is none: Maven warns and asks the repositories.
func (m *Maven) chain(p *pom) []*pom {
	out := []*pom{p}
	for len(out) < 20 {
		up := m.poms[p.parent]
		if up == nil || up.artifact != p.xml.value("parent", "artifactId") {
			break
		}
		p = up
		out = append(out, p)
	}
	return out
}

// plugin is a plugin that a POM uses, in a profile too; nil when it doesn't.
func (p *pom) plugin(id string) (found *xmlNode) {
	for _, n := range append(p.xml.all("build", "plugins", "plugin"), p.xml.all("profiles", "profile", "build", "plugins", "plugin")...) {
		if n.value("artifactId") == id && found == nil {
			found = n
		}
	}
	return found
}

// bundles: Spring Boot repackages where its parent says so, or an execution. The
// others do wherever they have an execution.
func bundles(pl *xmlNode, id string, boot bool, chain []*pom) bool {
	if id == "quarkus-maven-plugin" || id == "spring-boot-maven-plugin" && boot {
		return true
	}
	executes := func(pl *xmlNode) (found bool) {
		pl.walk(func(n *xmlNode) {
			found = found || n.name == "goal" && (id != "spring-boot-maven-plugin" || strings.TrimSpace(n.text) == "repackage")
		})
		return found
	}
	if executes(pl) {
		return true
	}
	for _, c := range chain {
		for _, n := range c.xml.all("build", "pluginManagement", "plugins", "plugin") {
			if n.value("artifactId") == id && executes(n) {
				return true
			}
		}
	}
	return id == "maven-assembly-plugin" // assembly:single on the command line
}

// finalName is the name of the file: build.finalName, else artifactId-version;
// "" where a property or a profile leaves it open.
func (m *Maven) finalName(chain []*pom) string {
	p := chain[0]
	for _, c := range chain {
		if len(c.xml.all("profiles", "profile", "build", "finalName")) > 0 {
			return ""
		}
	}
	name := ""
	for _, c := range chain {
		if name = c.xml.value("build", "finalName"); name != "" {
			break
		}
	}
	if name == "" {
		name = "${project.artifactId}-${project.version}"
	}
	for range 10 {
		i := strings.Index(name, "${")
		if i < 0 {
			return path.Base(name)
		}
		end := strings.IndexByte(name[i:], '}')
		if end < 0 {
			return ""
		}
		v := p.property(name[i+2:i+end], chain)
		if v == "" {
			return ""
		}
		name = name[:i] + v + name[i+end+1:]
	}
	return ""
}

// property is the value of a property as a POM sees it.
func (p *pom) property(name string, chain []*pom) string {
	switch strings.TrimPrefix(strings.TrimPrefix(name, "project."), "pom.") {
	case "artifactId":
		return p.artifact
	case "groupId":
		return p.group
	case "version":
		if v := p.xml.value("version"); v != "" {
			return v
		}
		return p.xml.value("parent", "version")
	case "name":
		if v := p.xml.value("name"); v != "" {
			return v
		}
		return p.artifact
	}
	for _, c := range chain {
		if v := c.xml.value("properties", name); v != "" {
			return v
		}
	}
	return ""
}
