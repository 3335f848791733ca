//go:build e2e

package e2e

// Really built with Maven and run on the JRE images; the JVM is most of both.
func init() {
	cases["multi-stage/java-maven"] = chainCase{paths: []string{"/nowhere"}, factor: 2, smaller: 7}
	cases["multi-stage/java-spring"] = chainCase{factor: 2, smaller: 3.5}
	cases["multi-stage/java-spring-boot-run"] = chainCase{factor: 2} // its 404 holds the time
	cases["multi-stage/java-modules"] = chainCase{paths: []string{"/nowhere"}, factor: 2, smaller: 3.5}
	cases["multi-stage/java-shade"] = chainCase{paths: []string{"/nowhere"}, factor: 2, smaller: 2} // by a script: on a JRE in any case
	cases["multi-stage/java-jlink"] = chainCase{paths: []string{"/nowhere"}, factor: 5}             // months in German, French and Japanese
	cases["multi-stage/java-jlink-monitor"] = chainCase{factor: 3.5}                                // what a JRE finds without an import
	cases["multi-stage/java-jlink-debugger"] = chainCase{paths: []string{"/nowhere"}, factor: 2}
	// Debian's Gradle: a start script with the jars beside it, a jar of two projects and a library, Kotlin and shadow, Spring Boot's by a wrapper
	cases["multi-stage/java-gradle-application"] = chainCase{paths: []string{"/nowhere"}, factor: 2, standIn: "gradle"}
	cases["multi-stage/java-gradle-fat"] = chainCase{paths: []string{"/6", "/nowhere"}, factor: 2, smaller: 4, bare: 3, standIn: "gradle"}
	cases["multi-stage/java-gradle-kotlin"] = chainCase{paths: []string{"/nowhere"}, factor: 2, smaller: 4, standIn: "gradle"}
	cases["multi-stage/java-gradle-boot"] = chainCase{factor: 2, standIn: "gradle"} // its 404 holds the time
	cases["multi-stage/java-gradle"] = chainCase{unbuilt: "Debian's Gradle reads no script in Kotlin"}
	cases["multi-stage/java-moving-tag"] = chainCase{unbuilt: "it is about the newest Gradle"}
	cases["multi-stage/java-war"] = chainCase{unbuilt: "the lab has no Tomcat"}

	// the jar in layers, started by java -jar and by both launchers
	cases["spring-layers/maven"] = chainCase{root: true}
	cases["spring-layers/maven-launcher"] = chainCase{}
	cases["spring-layers/maven-at-the-root"] = chainCase{root: true}
	cases["spring-layers/gradle"] = chainCase{unbuilt: "Spring Boot's layers need a newer Gradle than Debian's"}
	cases["spring-layers/gradle-launcher"] = chainCase{unbuilt: "Spring Boot's layers need a newer Gradle than Debian's"}
}
