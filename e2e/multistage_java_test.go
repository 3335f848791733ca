//go:build e2e

package e2e

// Really built with Maven and run on the JRE images; the JVM is most of both.
func init() {
	cases["multi-stage/java-maven"] = chainCase{paths: []string{"/nowhere"}, factor: 2, smaller: 7}
	cases["multi-stage/java-spring"] = chainCase{factor: 2, smaller: 3.5}
	cases["multi-stage/java-spring-boot-run"] = chainCase{factor: 2} // its 404 holds the time
	cases["multi-stage/java-modules"] = chainCase{paths: []string{"/nowhere"}, factor: 2, smaller: 4}
	cases["multi-stage/java-shade"] = chainCase{paths: []string{"/nowhere"}, factor: 2, smaller: 2} // by a script: on a JRE in any case
	cases["multi-stage/java-jlink"] = chainCase{paths: []string{"/nowhere"}, factor: 5}             // months in German, French and Japanese
	cases["multi-stage/java-jlink-monitor"] = chainCase{factor: 2}                                  // what a JRE finds without an import
	cases["multi-stage/java-jlink-debugger"] = chainCase{paths: []string{"/nowhere"}, factor: 2}
	cases["multi-stage/java-gradle"] = chainCase{unbuilt: "the lab has no Gradle"}
	cases["multi-stage/java-war"] = chainCase{unbuilt: "the lab has no Tomcat"}

	// the jar in layers, started by java -jar and by both launchers
	cases["spring-layers/maven"] = chainCase{root: true}
	cases["spring-layers/maven-launcher"] = chainCase{}
	cases["spring-layers/maven-at-the-root"] = chainCase{root: true}
	cases["spring-layers/gradle"] = chainCase{unbuilt: "the lab has no Gradle"}
	cases["spring-layers/gradle-launcher"] = chainCase{unbuilt: "the lab has no Gradle"}
}
