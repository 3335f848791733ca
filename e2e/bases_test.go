//go:build e2e

package e2e

// Stages that slim-base and distroless move to another base; nothing else is changed, so that the sizes are those of the bases.
func init() {
	// one stage, with wheels that need no compiler
	cases["slim-base/python-pip"] = chainCase{paths: []string{"/nowhere"}, factor: 4, root: true, ci: true}
	// what the small image lacks is installed beside: the program calls git, the health check curl, psycopg2 loads libpq
	cases["slim-base/python-git"] = chainCase{paths: []string{"/nowhere"}, factor: 2.5}
	cases["slim-base/healthcheck-curl"] = chainCase{paths: []string{"/nowhere"}, also: [][]string{{"curl", "--version"}}, factor: 4}
	cases["slim-base/python-psycopg2"] = chainCase{paths: []string{"/nowhere"}, factor: 4}
	// the lock file tells that nothing compiles
	cases["slim-base/node-locked"] = chainCase{paths: []string{"/nowhere"}, factor: 4, root: true}
	cases["slim-base/shared-base"] = chainCase{paths: []string{"/nowhere"}, factor: 4}
	cases["slim-base/jdk-to-jre"] = chainCase{factor: 1.2}
	cases["slim-base/debian-script"] = chainCase{root: true}

	// no shell: the binary alone, as nonroot
	cases["distroless/go-debian"] = chainCase{paths: []string{"/nowhere"}, factor: 5, ci: true}
	cases["distroless/go-alpine"] = chainCase{paths: []string{"/nowhere"}, factor: 5}
	cases["distroless/go-glibc"] = chainCase{paths: []string{"/nowhere"}, factor: 2}
	cases["distroless/go-folder"] = chainCase{paths: []string{"/positions", "/nowhere"}, factor: 5}
	cases["distroless/go-scratch"] = chainCase{paths: []string{"/nowhere"}, factor: 5}
	cases["distroless/go-alpine-builder"] = chainCase{paths: []string{"/nowhere"}, factor: 5}
	cases["distroless/stays-root"] = chainCase{paths: []string{"/nowhere"}, factor: 5, root: true}
	cases["distroless/node-api"] = chainCase{paths: []string{"/nowhere"}, factor: 1.2}
	cases["distroless/node-npm-start"] = chainCase{paths: []string{"/nowhere"}, factor: 1.2}
	cases["distroless/java-jar"] = chainCase{factor: 1.1}
	cases["distroless/java-options"] = chainCase{factor: 1.1}
	// write where only root may: a log of java's in /var/log, and Tomcat's folder in the working directory, which is /
	cases["distroless/java-gc-log"] = chainCase{factor: 1.1, root: true}
	cases["distroless/java-tomcat"] = chainCase{paths: []string{"/nowhere"}, factor: 1.1, root: true}
	cases["distroless/rust-cc"] = chainCase{factor: 1.5}
	cases["distroless/python-copies"] = chainCase{unbuilt: "the lab's python3-debian13 holds Python 3.11"}
	cases["distroless/python-site-packages"] = chainCase{unbuilt: "the lab's python3-debian13 holds Python 3.11"}
}
