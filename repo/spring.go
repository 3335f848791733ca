package repo

import (
	"path"
	"strconv"
	"strings"
)

// SpringBoot is what a build says about the executable jar that Spring Boot's
// plugin makes of one project.
type SpringBoot struct {
	File    string // the POM or build script that says so
	Version string // of the plugin: "3.3.0"; "" where it isn't written
	// Unlayered is a setting by which the jar has no layers or not the four that are
	// usual, or starts in another way than by JarLauncher; "" for none.
	Unlayered string
}

// springSettings of the Maven plugin's repackage goal change the jar's layout
// (https://docs.spring.io/spring-boot/maven-plugin/packaging.html).
var springSettings = []string{"layout", "layoutFactory", "classifier", "executable", "requiresUnpack", "embeddedLaunchScript", "outputDirectory"}

// SpringBoot tells of the jar that Maven makes of a POM among Files; nil where Spring
// Boot's plugin doesn't repackage it.
func (m *Maven) SpringBoot(file string) *SpringBoot {
	a, ok := m.Artifact(file)
	if !ok || a.Bundled != "spring-boot-maven-plugin" || a.Packaging != "jar" {
		return nil
	}
	p := m.poms[a.POM]
	chain := m.chain(p)
	s := &SpringBoot{File: a.POM}
	layered, parent := false, ""
	for _, c := range chain {
		c.xml.walk(func(n *xmlNode) {
			switch {
			case n.name == "parent" && n.value("artifactId") == "spring-boot-starter-parent":
				parent = p.resolved(n.value("version"), chain)
			case n.name == "artifactId" && strings.TrimSpace(n.text) == "spring-boot-thin-layout":
				s.Unlayered = "spring-boot-thin-layout"
			case n.name != "plugin" || n.value("artifactId") != "spring-boot-maven-plugin":
				return
			default:
				if v := n.value("version"); v != "" && s.Version == "" { // the nearest POM's
					s.Version = p.resolved(v, chain)
				}
				layered = n.springLayers(s) || layered
			}
		})
	}
	if s.Version == "" {
		s.Version = parent
	}
	if strings.HasPrefix(s.Version, "2.3.") && !layered && s.Unlayered == "" {
		s.Unlayered = "layers, which Spring Boot 2.3 has where they are enabled"
	}
	return s
}

// springLayers reads the settings of the plugin; it reports whether layers are enabled.
func (n *xmlNode) springLayers(s *SpringBoot) (layered bool) {
	n.walk(func(k *xmlNode) {
		switch v := strings.TrimSpace(k.text); {
		case k.name == "configuration" && k != n:
			for _, w := range springSettings {
				if len(k.all(w)) > 0 && k.value(w) != "false" {
					s.Unlayered = w
				}
			}
		case k.name == "layers":
			switch {
			case k.value("enabled") == "false":
				s.Unlayered = "layers.enabled=false"
			case len(k.all("configuration")) > 0:
				s.Unlayered = "layers of its own"
			default:
				layered = true
			}
		case (k.name == "includeTools" || k.name == "includeLayerTools" || k.name == "skip") && v != "true" && k.name != "skip", k.name == "skip" && v != "false":
			s.Unlayered = k.name
		}
	})
	return layered
}

// resolved puts the values of properties into a text, "" where one isn't known.
func (p *pom) resolved(v string, chain []*pom) string {
	for range 10 {
		i := strings.Index(v, "${")
		if i < 0 {
			return v
		}
		end := strings.IndexByte(v[i:], '}')
		if end < 0 {
			return ""
		}
		value := p.property(v[i+2:i+end], chain)
		if value == "" {
			return ""
		}
		v = v[:i] + value + v[i+end+1:]
	}
	return ""
}

var (
	springPlugin = lazy(`\bid\s*\(?\s*['"]org\.springframework\.boot['"]\s*\)?(?:\s*version\s*\(?\s*['"]([^'"]+)['"])?`)
	// springGradle are settings of bootJar that change the jar's layout
	// (https://docs.spring.io/spring-boot/gradle-plugin/packaging.html).
	springGradle = lazy(`\blayered\b|\brequiresUnpack\b|\blaunchScript\b|\bincludeTools\b|\bincludeLayerTools\b|\barchiveClassifier\b|\bclassifier\b|\bPropertiesLauncher\b|\bloaderImplementation\b|\bbootJar\s*\.\s*enabled|org\.springframework\.boot\.experimental\.thin-launcher`)
)

// SpringBootOf tells of the jar that Gradle's bootJar makes of the project in folder
// dir, whose build is in folder root; nil where no script there names the plugin, or
// only a version catalogue does.
func (r *Repo) SpringBootOf(root, dir string) *SpringBoot {
	s := &SpringBoot{}
	for i, d := range onceEach([]string{dir, root}) {
		for _, f := range r.has(d, "build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts") {
			src, err := r.ReadFile(f)
			if err != nil {
				continue
			}
			m := springPlugin.FindStringSubmatch(string(src))
			if m != nil && i == 0 && s.File == "" && strings.HasPrefix(path.Base(f), "build.") {
				s.File = f
			}
			if m != nil && s.Version == "" {
				s.Version = m[1]
			}
			if set := springGradle.FindStringSubmatch(string(src)); set != nil {
				s.Unlayered = set[0]
			}
		}
	}
	if s.File == "" {
		return nil
	}
	if strings.HasPrefix(s.Version, "2.3.") && s.Unlayered == "" {
		s.Unlayered = "layers, which Spring Boot 2.3 has where they are enabled"
	}
	return s
}

// Release is the version's first two numbers; false where it isn't one.
func (s *SpringBoot) Release() (major, minor int, ok bool) {
	m := springNumbers.FindStringSubmatch(s.Version)
	if m == nil {
		return 0, 0, false
	}
	major, _ = strconv.Atoi(m[1])
	minor, _ = strconv.Atoi(m[2])
	return major, minor, true
}

var springNumbers = lazy(`^(\d{1,3})\.(\d{1,3})(?:\.|$)`)
