package java_test

import (
	"strings"
	"testing"

	"drydock/transforms/multistage/splittest"
)

func TestJavaLinked(t *testing.T) {
	const exact, jre = "--add-modules java.base,java.logging,jdk.crypto.ec \\", "--add-modules java.se,"
	for _, c := range []struct{ name, tag, source, more, want string }{
		{"what the source names", "17", `System.out.println(1);`, "", exact},
		{"another package", "21", `java.sql.DriverManager.drivers();`, "", "--add-modules java.base,java.logging,java.sql,jdk.crypto.ec \\"},
		{"providers of management", "21", `java.lang.management.ManagementFactory.getRuntimeMXBean();`, "", "--add-modules java.base,java.logging,java.management,jdk.crypto.ec,jdk.management \\"},
		{"another language", "17", `new java.util.Locale("de");`, "", "--add-modules java.base,java.logging,jdk.crypto.ec,jdk.localedata \\"},
		{"classes by name", "17", `Class.forName(a[0]);`, "", jre},
		{"a package that no table knows", "17", `javax.smartcardio.TerminalFactory.getDefault();`, "", jre},
		{"random generators, which no import names", "17", `java.util.random.RandomGenerator.getDefault();`, "", ",jdk.random,"},
		{"login modules, which a configuration names", "17", `new javax.security.auth.login.LoginContext("berth");`, "", jre},
		{"what monitors ask for", "17", `Class.forName(a[0]);`, "", ",jdk.management,jdk.management.agent,jdk.management.jfr,"},
		{"modules that an option names", "17", `System.out.println(1);`, "ENV JAVA_TOOL_OPTIONS=\"--add-modules jdk.incubator.vector\"\n", "FROM gcr.io/distroless/java17-"},
		{"options in the environment", "17", `System.out.println(1);`, "ENV JAVA_TOOL_OPTIONS=-Xmx64m\n", jre},
		{"a debugger's agent", "17", `System.out.println(1);`, "ENV JAVA_TOOL_OPTIONS=-agentlib:jdwp=transport=dt_socket\n", "FROM gcr.io/distroless/java17-"},
		{"a version without jmods", "25", `System.out.println(1);`, "", "FROM gcr.io/distroless/java25-"},
		{"musl", "17-alpine", `System.out.println(1);`, "", "FROM gcr.io/distroless/java17-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := splittest.Files(t, map[string]string{
				"POLICY":     "smallest",
				"Dockerfile": "FROM maven:3.9-eclipse-temurin-" + c.tag + "\nWORKDIR /app\nCOPY . .\nRUN mvn package\n" + c.more + "CMD [\"java\", \"-jar\", \"target/tides-1.2.jar\"]\n",
				"pom.xml":    plainPOM, "src/main/java/x/Main.java": "package x;\n\npublic class Main { public static void main(String[] a) throws Exception { " + c.source + " } }\n",
			})
			if !strings.Contains(res.After, c.want) || strings.Contains(res.After, "jlink") && !strings.Contains(res.After, "CMD [\"java\", \"-jar\", \"target/tides-1.2.jar\"]") {
				t.Errorf("want %s\n%s\ndeclined: %s", c.want, res.After, splittest.Reasons(res))
			}
		})
	}
}

// What stands before -jar may ask for modules, which a list from the source alone lacks.
func TestJavaLinkedOptions(t *testing.T) {
	const exact, jre = "--add-modules java.base,java.logging,jdk.crypto.ec \\", "--add-modules java.se,"
	for option, want := range map[string]string{
		"-Xmx64m":                             exact,
		"-XX:MaxRAMPercentage=75":             exact,
		"-Dberths.file=berths.txt":            exact,
		"-Djava.security.egd=file:/dev/zero":  exact,
		"-Duser.timezone=UTC":                 exact,
		"-XX:StartFlightRecording=filename=a": jre,
		"-XX:+FlightRecorder":                 jre,
		"-Dcom.sun.management.jmxremote":      jre,
		"-Duser.language=de":                  jre,
		"-Dfile.encoding=IBM037":              jre,
		"--enable-native-access=ALL-UNNAMED":  jre,
	} {
		t.Run(option, func(t *testing.T) {
			res := splittest.Files(t, map[string]string{
				"POLICY":     "smallest",
				"Dockerfile": "FROM maven:3.9-eclipse-temurin-17\nWORKDIR /app\nCOPY . .\nRUN mvn package\nCMD [\"java\", \"" + option + "\", \"-jar\", \"target/tides-1.2.jar\"]\n",
				"pom.xml":    plainPOM, "src/main/java/x/Main.java": "package x;\n\npublic class Main { public static void main(String[] a) { System.out.println(1); } }\n",
			})
			if !strings.Contains(res.After, want) {
				t.Errorf("want %s\n%s\ndeclined: %s", want, res.After, splittest.Reasons(res))
			}
		})
	}
}

// Where Temurin's images say en_US and distroless says no country, the change says so.
func TestJavaCountry(t *testing.T) {
	for tag, want := range map[string]bool{"eclipse-temurin-17": true, "eclipse-temurin-17-alpine": true, "amazoncorretto-17": false} {
		res := splittest.Files(t, map[string]string{
			"POLICY":     "distroless",
			"Dockerfile": "FROM maven:3.9-" + tag + "\nWORKDIR /app\nCOPY . .\nRUN mvn package\nCMD [\"java\", \"-jar\", \"target/tides-1.2.jar\"]\n",
			"pom.xml":    plainPOM, "src/main/java/x/Main.java": "package x;\n\npublic class Main { public static void main(String[] a) { System.out.println(1); } }\n",
		})
		said := false
		for _, o := range res.Outcomes {
			said = said || strings.Contains(o.Assumes, "country of the default locale")
		}
		if said != want {
			t.Errorf("%s: said %v, want %v", tag, said, want)
		}
	}
}
