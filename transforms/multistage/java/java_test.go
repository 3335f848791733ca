package java_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/transforms/multistage/splittest"
)

const (
	bootPOM = `<project><modelVersion>4.0.0</modelVersion>
<parent><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-parent</artifactId><version>3.5.7</version></parent>
<groupId>x</groupId><artifactId>berths</artifactId><version>1.0</version>
<dependencies><dependency><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-web</artifactId></dependency></dependencies>
<build><plugins><plugin><groupId>org.springframework.boot</groupId><artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins></build></project>`
	plainPOM   = `<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>tides</artifactId><version>1.2</version></project>`
	javaMain   = "package x;\n\npublic class Main { public static void main(String[] a) { System.out.println(1); } }\n"
	gradleBoot = "plugins {\n    id 'java'\n    id 'org.springframework.boot' version '3.3.0'\n}\ndependencies {\n    implementation 'org.springframework.boot:spring-boot-starter-web'\n}\n"
)

func TestJavaTexts(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"gradle: the wrapper, a shell form with options, the folder for logs", map[string]string{
			"Dockerfile":   "FROM eclipse-temurin:21-jdk-alpine\nWORKDIR /app\nCOPY . .\nRUN chmod +x gradlew && ./gradlew --no-daemon bootJar && mkdir -p /var/log/berths\nENV JAVA_OPTS=\nEXPOSE 8080\nCMD java $JAVA_OPTS -jar build/libs/*.jar\n",
			"build.gradle": gradleBoot, "gradlew": "#!/bin/sh\n", "src/main/java/x/Main.java": javaMain,
		}, `FROM eclipse-temurin:21-jdk-alpine AS builder
WORKDIR /app
COPY . .
RUN chmod +x gradlew && ./gradlew --no-daemon bootJar && mkdir -p /var/log/berths

FROM eclipse-temurin:21-jre-alpine
WORKDIR /app
RUN mkdir -p /var/log/berths
COPY --from=builder /app/build/libs/*.jar /app/build/libs/
ENV JAVA_OPTS=
EXPOSE 8080
CMD java $JAVA_OPTS -jar build/libs/*.jar
`},
		{"gradle's image: root's working directory is another, an account of its own", map[string]string{
			"Dockerfile":   "FROM gradle:8.7-jdk17\nCOPY --chown=gradle:gradle . /src\nWORKDIR /src\nRUN gradle build --no-daemon\nRUN useradd -m berth\nUSER berth\nENTRYPOINT [\"java\",\"-jar\",\"/src/build/libs/berths.jar\"]\n",
			"build.gradle": gradleBoot,
		}, `FROM gradle:8.7-jdk17 AS builder
COPY --chown=gradle:gradle . /src
WORKDIR /src
RUN gradle build --no-daemon

FROM eclipse-temurin:17-jre
WORKDIR /src
COPY --from=builder /src/build/libs/berths.jar /src/build/libs/berths.jar
RUN useradd -m berth
USER berth
ENTRYPOINT ["java","-jar","/src/build/libs/berths.jar"]
`},
		{"openjdk 8 has a JRE of its own; Quarkus' launcher needs the folder", map[string]string{
			"Dockerfile": "FROM openjdk:8-jdk\nWORKDIR /app\nCOPY . .\nRUN ./mvnw package\nCMD [\"java\", \"-jar\", \"target/quarkus-app/quarkus-run.jar\"]\n",
			"pom.xml":    plainPOM, "mvnw": "#!/bin/sh\n",
		}, `FROM openjdk:8-jdk AS builder
WORKDIR /app
COPY . .
RUN ./mvnw package

FROM openjdk:8-jre-slim
WORKDIR /app
COPY --from=builder /app/target/quarkus-app /app/target/quarkus-app
CMD ["java", "-jar", "target/quarkus-app/quarkus-run.jar"]
`},
		{"sbt stage: the start script's folder", map[string]string{
			"Dockerfile": "FROM sbtscala/scala-sbt:eclipse-temurin-17.0.9_9_1.9.7_3.3.1\nWORKDIR /app\nCOPY . .\nRUN sbt stage\nCMD [\"target/universal/stage/bin/berths\", \"-Dhttp.port=9000\"]\n",
			"build.sbt":  "name := \"berths\"\n",
		}, `FROM sbtscala/scala-sbt:eclipse-temurin-17.0.9_9_1.9.7_3.3.1 AS builder
WORKDIR /app
COPY . .
RUN sbt stage

FROM eclipse-temurin:17-jre
WORKDIR /app
COPY --from=builder /app/target/universal/stage /app/target/universal/stage
CMD ["target/universal/stage/bin/berths", "-Dhttp.port=9000"]
`},
		{"distroless: the jar alone in CMD; what the command line names", map[string]string{
			"POLICY":     "distroless",
			"Dockerfile": "FROM maven:3.9-eclipse-temurin-21\nWORKDIR /app\nCOPY . .\nRUN mvn package\nCMD [\"java\",\"-jar\",\"target/berths-1.0.jar\",\"--spring.config.location=etc/berths.yml\"]\n",
			"pom.xml":    bootPOM, "etc/berths.yml": "a: 1\n",
		}, `FROM maven:3.9-eclipse-temurin-21 AS builder
WORKDIR /app
COPY . .
RUN mvn package

FROM gcr.io/distroless/java21-debian13:nonroot
WORKDIR /app
COPY --from=builder /app/etc/berths.yml /app/etc/berths.yml
COPY --from=builder /app/target/berths-1.0.jar /app/target/berths-1.0.jar
CMD ["target/berths-1.0.jar","--spring.config.location=etc/berths.yml"]
`},
		{"a project in the root folder", map[string]string{
			"Dockerfile": "FROM maven:3.9-eclipse-temurin-21\nCOPY . .\nRUN mvn package\nCMD [\"java\", \"-jar\", \"target/berths-1.0.jar\"]\n",
			"pom.xml":    bootPOM,
		}, `FROM maven:3.9-eclipse-temurin-21 AS builder
COPY . .
RUN mvn package

FROM eclipse-temurin:21-jre
COPY --from=builder /target/berths-1.0.jar /target/berths-1.0.jar
CMD ["java", "-jar", "target/berths-1.0.jar"]
`},
		{"spring-boot:run: the jar that a RUN packages", map[string]string{
			"POLICY":     "distroless",
			"Dockerfile": "FROM maven:3.9-eclipse-temurin-21\nWORKDIR /app\nCOPY . .\nRUN ./mvnw -B package -DskipTests\nCMD [\"./mvnw\",\"spring-boot:run\"]\n",
			"pom.xml":    bootPOM, "mvnw": "#!/bin/sh\n",
		}, `FROM maven:3.9-eclipse-temurin-21 AS builder
WORKDIR /app
COPY . .
RUN ./mvnw -B package -DskipTests

FROM gcr.io/distroless/java21-debian13:nonroot
WORKDIR /app
COPY --from=builder /app/target/berths-1.0.jar /app/target/berths-1.0.jar
CMD ["target/berths-1.0.jar"]
`},
		{"packages that build alone stay behind, others come along", map[string]string{
			"Dockerfile": "FROM eclipse-temurin:17-jdk-jammy\nRUN apt-get update && apt-get install -y --no-install-recommends maven git fontconfig && rm -rf /var/lib/apt/lists/*\nWORKDIR /app\nCOPY . .\nRUN mvn package && mv target/tides-1.2.jar /opt/tides.jar\nCOPY entrypoint.sh /\nRUN chmod +x /entrypoint.sh\nENTRYPOINT [\"/entrypoint.sh\"]\nCMD [\"java\", \"-jar\", \"/opt/tides.jar\"]\n",
			"pom.xml":    plainPOM, "entrypoint.sh": "#!/bin/sh\nset -e\nexec \"$@\"\n",
		}, `FROM eclipse-temurin:17-jdk-jammy AS builder
RUN apt-get update && apt-get install -y --no-install-recommends maven git fontconfig && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY . .
RUN mvn package && mv target/tides-1.2.jar /opt/tides.jar

FROM eclipse-temurin:17-jre-jammy
RUN apt-get update && \
    apt-get install -y --no-install-recommends fontconfig && \
    rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=builder /opt/tides.jar /opt/tides.jar
COPY entrypoint.sh /
RUN chmod +x /entrypoint.sh
ENTRYPOINT ["/entrypoint.sh"]
CMD ["java", "-jar", "/opt/tides.jar"]
`},
		{"the jar's manifest names a folder of jars", map[string]string{
			"Dockerfile": "FROM amazoncorretto:17\nWORKDIR /app\nRUN yum install -y maven && yum clean all\nCOPY . .\nRUN mvn package\nCMD [\"java\", \"-jar\", \"target/tides-1.2.jar\"]\n",
			"pom.xml":    strings.Replace(plainPOM, "</version>", "</version><dependencies><dependency><artifactId>gson</artifactId></dependency></dependencies><build><plugins><plugin><artifactId>maven-jar-plugin</artifactId><configuration><archive><manifest><addClasspath>true</addClasspath><classpathPrefix>lib/</classpathPrefix></manifest></archive></configuration></plugin></plugins></build>", 1),
		}, `FROM amazoncorretto:17 AS builder
WORKDIR /app
RUN yum install -y maven && yum clean all
COPY . .
RUN mvn package

FROM amazoncorretto:17-headless
WORKDIR /app
COPY --from=builder /app/target/lib /app/target/lib
COPY --from=builder /app/target/tides-1.2.jar /app/target/tides-1.2.jar
CMD ["java", "-jar", "target/tides-1.2.jar"]
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := splittest.Files(t, c.files)
			if d := cmp.Diff(c.want, res.After); d != "" {
				t.Errorf("(-want +got)\n%s\ndeclined: %s", d, splittest.Reasons(res))
			}
		})
	}
}

func TestJavaDeclines(t *testing.T) {
	maven := func(lines string, more ...string) map[string]string {
		m := map[string]string{"Dockerfile": "FROM maven:3.9-eclipse-temurin-17\nWORKDIR /app\nCOPY . .\n" + lines, "pom.xml": plainPOM, "src/main/java/x/Main.java": javaMain, "run.sh": "#!/bin/sh\njcmd 1 VM.flags\nexec java -jar target/tides-1.2.jar\n"}
		for i := 0; i+1 < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	build, cmd := "RUN mvn package\n", "CMD [\"java\", \"-jar\", \"target/tides-1.2.jar\"]\n"
	for _, c := range []struct {
		files map[string]string
		want  string
	}{
		{maven(build + "CMD [\"mvn\", \"exec:java\"]\n"), "CMD runs mvn exec:java, which builds when the container starts"},
		{maven(build + "CMD mvn spring-boot:run\n"), "the name of the jar isn't known from pom.xml"},
		{maven("RUN mvn compile\nCMD mvn spring-boot:run\n", "pom.xml", bootPOM), "no RUN packages the program in /app"},
		{maven("RUN mvn package -Pfast\nCMD mvn spring-boot:run\n", "pom.xml", bootPOM), "line 4 packages with -Pfast"},
		{maven(build + "CMD [\"java\", \"-jar\", \"target/other.jar\"]\n"), "CMD starts other.jar, but pom.xml makes tides-1.2.jar"},
		{maven(build + "CMD [\"java\", \"-jar\", \"/opt/app.jar\"]\n"), "no RUN is known to write it"},
		{maven(build + "CMD java -jar $JAR\n"), "a computed jar"},
		{maven(build + "CMD [\"java\", \"-cp\", \".\", \"x.Main\"]\n"), "class path"},
		{maven(build + "CMD [\"./run.sh\"]\n"), "run.sh runs jcmd, which a JRE hasn't"},
		{maven(build + "ENV JAVA_HOME=/opt/x\n" + cmd), "it sets JAVA_HOME"},
		{maven(build + "USER gradle\n" + cmd), "no user gradle"},
		{maven("RUN mvn package && tar xf target/x.tar\n" + cmd), "the effects of tar xf target/x.tar aren't known"},
		{maven("RUN apt-get update && apt-get install -y libxyz7\n" + build + cmd), ""},
		{maven(build+cmd, "src/main/java/x/C.java", "import javax.tools.ToolProvider;\n"), "src/main/java/x/C.java:1 uses javax.tools.ToolProvider"},
		{maven(build+cmd, "src/main/java/x/C.java", "\nvar p = new ProcessBuilder(\"convert\", \"a\");\n"), "src/main/java/x/C.java:2 starts convert"},
		{maven(build+cmd, "src/main/java/x/C.java", "var p = Runtime.getRuntime().exec(line);\n"), "starts a computed program"},
		{maven(build+cmd, "src/main/java/x/C.java", "var p = new File(\"target/classes/x\");\n"), "names target/classes/x, which the build makes"},
		{maven(build+cmd, "pom.xml", strings.Replace(plainPOM, "</version>", "</version><dependencies><dependency><artifactId>gson</artifactId></dependency></dependencies>", 1)), "pom.xml needs gson, and pom.xml has no plugin"},
		{maven(build+cmd, "pom.xml", strings.Replace(plainPOM, "</version>", "</version><parent><artifactId>company</artifactId></parent><dependencies><dependency><artifactId>gson</artifactId></dependency></dependencies>", 1)), "has the parent company, which isn't in the build context"},
		{map[string]string{"Dockerfile": "FROM gradle:5\nWORKDIR /app\nCOPY . .\nRUN gradle build\nCMD [\"java\", \"-jar\", \"build/libs/x.jar\"]\n", "build.gradle": gradleBoot}, "which Java gradle:5 holds isn't said by its tag"},
		{map[string]string{"Dockerfile": "FROM gradle:8-jdk17\nWORKDIR /app\nCOPY . .\nRUN gradle jar\nCMD [\"java\", \"-jar\", \"build/libs/x.jar\"]\n", "build.gradle": "dependencies {\n    implementation 'a:b:1'\n}\n"}, "build.gradle:2 names dependencies"},
		{map[string]string{"Dockerfile": "FROM gradle:8-jdk17\nWORKDIR /app\nCOPY . .\nRUN gradle jar\nCMD [\"java\", \"-jar\", \"build/libs/x.jar\"]\n", "build.gradle": "jar { manifest { attributes 'Class-Path': 'x' } }\n"}, "lets the jar look for others beside it"},
		{map[string]string{"Dockerfile": "FROM maven:3.6-jdk-14\nWORKDIR /app\nCOPY . .\nRUN mvn package\n" + cmd, "pom.xml": plainPOM}, "no JRE image of Java 14 is known"},
	} {
		res := splittest.Files(t, c.files)
		if c.want == "" {
			continue
		}
		if res.Changed() || !strings.Contains(splittest.Reasons(res), c.want) {
			t.Errorf("%s\nchanged: %v\ndeclined with %q, want %q", c.files["Dockerfile"], res.Changed(), splittest.Reasons(res), c.want)
		}
	}
}
