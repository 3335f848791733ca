package java_test

import (
	"strings"
	"testing"

	"drydock/transforms/multistage/splittest"
)

func TestWar(t *testing.T) {
	const pom = `<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>pilots</artifactId><version>1.4</version><packaging>war</packaging></project>`
	const servlet = "package x;\n\npublic class Pilots {}\n"
	files := func(base, lines string) map[string]string {
		return map[string]string{"Dockerfile": "FROM " + base + "\nCOPY . /src\nWORKDIR /src\n" + lines, "pom.xml": pom, "src/main/java/x/Pilots.java": servlet, "mvnw": "#!/bin/sh\n"}
	}
	with := func(files map[string]string, name, text string) map[string]string {
		files[name] = text
		return files
	}
	for name, c := range map[string]struct {
		files map[string]string
		want  string // lines of the runtime stage, or a part of the reason
	}{
		"a glob into the folder": {files("tomcat:10.1-jdk17", "RUN ./mvnw package\nRUN cp target/*.war /usr/local/tomcat/webapps/\n"),
			"FROM tomcat:10.1-jdk17\nWORKDIR /src\nCOPY --from=builder /usr/local/tomcat/webapps/*.war /usr/local/tomcat/webapps/\n"},
		"a glob under one name": {files("tomcat:10.1-jdk17", "RUN ./mvnw package\nRUN mv target/*.war /usr/local/tomcat/webapps/ROOT.war\n"),
			"COPY --from=builder /usr/local/tomcat/webapps/ROOT.war /usr/local/tomcat/webapps/ROOT.war\n"},
		"steps of the container's come first": {files("tomcat:10.1-jdk17", "RUN ./mvnw package && rm -rf $CATALINA_HOME/webapps/* && cp target/pilots-1.4.war $CATALINA_HOME/webapps/ROOT.war\n"),
			"RUN rm -rf $CATALINA_HOME/webapps/*\nCOPY --from=builder /usr/local/tomcat/webapps/ROOT.war"},
		"WildFly": {files("quay.io/wildfly/wildfly:34.0.1.Final-jdk17", "USER root\nRUN ./mvnw package && cp target/pilots-1.4.war /opt/jboss/wildfly/standalone/deployments/\nUSER jboss\nCMD [\"/opt/jboss/wildfly/bin/standalone.sh\", \"-b\", \"0.0.0.0\"]\n"),
			"COPY --from=builder /opt/jboss/wildfly/standalone/deployments/pilots-1.4.war /opt/jboss/wildfly/standalone/deployments/pilots-1.4.war\nUSER jboss\n"},
		"Gradle": {with(files("jetty:12-jdk17", "USER root\nRUN ./gradlew war && cp build/libs/pilots.war $JETTY_BASE/webapps/\nUSER jetty\n"), "build.gradle", "plugins {\n  id 'war'\n}\n"),
			"COPY --from=builder /var/lib/jetty/webapps/pilots.war /var/lib/jetty/webapps/pilots.war\n"},

		"TomEE's home": {files("tomee:9-jre17", "RUN ./mvnw package && cp target/*.war $CATALINA_HOME/webapps/app.war\n"),
			"COPY --from=builder /usr/local/tomee/webapps/app.war /usr/local/tomee/webapps/app.war\n"},

		"a home of its own":             {files("tomcat:10.1-jdk17", "ENV CATALINA_HOME=/opt/t\nRUN ./mvnw package && cp target/*.war $CATALINA_HOME/webapps/app.war\n"), "it sets CATALINA_HOME"},
		"another packaging":             {with(files("tomcat:10.1-jdk17", "RUN ./mvnw package && cp target/*.war /usr/local/tomcat/webapps/\n"), "pom.xml", plainPOM), "pom.xml packages a jar"},
		"another name":                  {files("tomcat:10.1-jdk17", "RUN ./mvnw package && cp target/boats.war /usr/local/tomcat/webapps/\n"), "pom.xml makes pilots-1.4.war, not boats.war"},
		"not deployed":                  {files("tomcat:10.1-jdk17", "RUN ./mvnw package && cp target/*.war /srv/\n"), "to /srv/, from which nothing is known to be deployed"},
		"nothing deployed":              {files("tomcat:10.1-jdk17", "RUN ./mvnw package\n"), "no RUN puts what it builds"},
		"the container's own folder":    {map[string]string{"Dockerfile": "FROM tomcat:10.1-jdk17\nWORKDIR /usr/local/tomcat\nCOPY . .\nRUN ./mvnw package && mv target/*.war webapps/\n", "pom.xml": pom}, "the container's own folder"},
		"a change behind it":            {files("tomcat:10.1-jdk17", "RUN ./mvnw package && cp target/*.war /usr/local/tomcat/webapps/ && chmod 644 /usr/local/tomcat/webapps/x.war\n"), "behind the deployment"},
		"a build when it starts":        {files("tomcat:10.1-jdk17", "RUN ./mvnw package && cp target/*.war /usr/local/tomcat/webapps/\nCMD ./mvnw cargo:run\n"), "builds when the container starts"},
		"a program that the build has":  {with(files("tomcat:10.1-jdk17", "RUN ./mvnw package && cp target/*.war /usr/local/tomcat/webapps/\n"), "src/main/java/x/Shell.java", "class Shell { void f() { new ProcessBuilder(\"mvn\"); } }"), "Shell.java:1 starts mvn"},
		"a JDK that the build installs": {files("tomcat:10.1-jdk17", "ENV JAVA_HOME=/usr/lib/jvm/default-java\nRUN ./mvnw package && cp target/*.war /usr/local/tomcat/webapps/\n"), "sets JAVA_HOME"},
	} {
		t.Run(name, func(t *testing.T) {
			res := splittest.Files(t, c.files)
			_, runtime, split := strings.Cut(res.After, "\nFROM ")
			got := splittest.Reasons(res)
			if split {
				got = "FROM " + runtime
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("want %q in\n%s", c.want, got)
			}
		})
	}
}
