package repo

import (
	"strings"
	"testing"
)

const springPOM = `<project><parent><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-parent</artifactId><version>3.5.7</version></parent>
<artifactId>berths</artifactId><version>1</version><properties><boot>3.1.2</boot></properties>
<build><plugins><plugin><groupId>org.springframework.boot</groupId><artifactId>spring-boot-maven-plugin</artifactId>SETTINGS</plugin></plugins></build></project>`

func TestSpringBootOfMaven(t *testing.T) {
	for settings, want := range map[string]string{
		"":                              "3.5.7 ",
		"<version>${boot}</version>":    "3.1.2 ",
		"<version>${nowhere}</version>": "3.5.7 ", // Maven itself would stop
		"<configuration><layers><enabled>false</enabled></layers></configuration>":                                     "3.5.7 layers.enabled=false",
		"<configuration><layers><enabled>true</enabled></layers></configuration>":                                      "3.5.7 ",
		"<configuration><layers><configuration>layers.xml</configuration></layers></configuration>":                    "3.5.7 layers of its own",
		"<configuration><layout>ZIP</layout></configuration>":                                                          "3.5.7 layout",
		"<executions><execution><configuration><classifier>exec</classifier></configuration></execution></executions>": "3.5.7 classifier",
		"<configuration><includeTools>false</includeTools></configuration>":                                            "3.5.7 includeTools",
		"<configuration><skip>false</skip></configuration>":                                                            "3.5.7 ",
	} {
		s := load("pom.xml", strings.Replace(springPOM, "SETTINGS", settings, 1)).Maven("pom.xml").SpringBoot("pom.xml")
		if s == nil || s.Version+" "+s.Unlayered != want {
			t.Errorf("%q: %+v, want %q", settings, s, want)
		}
	}
	old := strings.Replace(springPOM, "3.5.7", "2.3.12.RELEASE", 1)
	if s := load("pom.xml", strings.Replace(old, "SETTINGS", "", 1)).Maven("pom.xml").SpringBoot("pom.xml"); s == nil || s.Unlayered == "" {
		t.Errorf("layers of 2.3 have to be enabled: %+v", s)
	}
	if s := load("pom.xml", strings.Replace(old, "SETTINGS", "<configuration><layers/></configuration>", 1)).Maven("pom.xml").SpringBoot("pom.xml"); s == nil || s.Unlayered != "" {
		t.Errorf("2.3 with layers: %+v", s)
	}
	if s := load("pom.xml", `<project><artifactId>a</artifactId><version>1</version></project>`).Maven("pom.xml").SpringBoot("pom.xml"); s != nil {
		t.Errorf("no plugin: %+v", s)
	}
	if s := load("pom.xml", strings.Replace(strings.Replace(springPOM, "SETTINGS", "", 1), "<version>1<", "<packaging>war</packaging><version>1<", 1)).Maven("pom.xml").SpringBoot("pom.xml"); s != nil {
		t.Errorf("a war: %+v", s)
	}
}

func TestSpringBootOfGradle(t *testing.T) {
	for script, want := range map[string]string{
		"plugins {\n  id 'org.springframework.boot' version '2.7.18'\n}":                                         "2.7.18 ",
		"plugins {\n  id(\"org.springframework.boot\") version \"3.4.1\"\n}":                                     "3.4.1 ",
		"plugins {\n  id 'org.springframework.boot' version '3.4.1'\n}\nbootJar { layered { enabled = false } }": "3.4.1 layered",
		"plugins {\n  id(\"org.springframework.boot\") version libs.versions.boot\n}":                            " ",
		"plugins {\n  id 'org.springframework.boot' version '2.3.1.RELEASE'\n}":                                  "2.3.1.RELEASE layers, which Spring Boot 2.3 has where they are enabled",
	} {
		if s := load("build.gradle", script).SpringBootOf(".", "."); s == nil || s.Version+" "+s.Unlayered != want {
			t.Errorf("%q: %+v, want %q", script, s, want)
		}
	}
	modules := load("settings.gradle", "", "build.gradle", "plugins { id 'org.springframework.boot' version '3.3.0' apply false }", "app/build.gradle", "plugins { id 'org.springframework.boot' }", "lib/build.gradle", "plugins { id 'java' }")
	if s := modules.SpringBootOf(".", "app"); s == nil || s.Version != "3.3.0" || s.File != "app/build.gradle" {
		t.Errorf("the version of the root's: %+v", s)
	}
	if s := modules.SpringBootOf(".", "lib"); s != nil {
		t.Errorf("a library: %+v", s)
	}
}
