package rewrite

import (
	"path"
	"slices"
	"strings"
)

var _ = registerManager(&manager{tools: []string{"mvn", "mvnw"}, install: mavenInstall})

// MavenCall is a command line of Maven.
//
// Source: https://maven.apache.org/ref/3.9.9/maven-embedder/cli.html
type MavenCall struct {
	Goals   []string // goals and phases
	Options []string // all others words, those with a value as one word or two as they stand
	File    string   // of -f; "pom.xml" without one
	Files   []string // settings and toolchains that it names
	Offline bool
	Unknown string // an option that isn't known
}

// mavenValues are options with a value; true for those that name a file.
var mavenValues = map[string]bool{
	"-s": true, "--settings": true, "-gs": true, "--global-settings": true, "-t": true, "--toolchains": true, "-gt": true, "--global-toolchains": true,
	"-P": false, "--activate-profiles": false, "-pl": false, "--projects": false, "-T": false, "--threads": false, "-D": false, "--define": false,
}

var mavenFlags = map[string]bool{
	"-B": true, "--batch-mode": true, "-q": true, "--quiet": true, "-ntp": true, "--no-transfer-progress": true, "-U": true, "--update-snapshots": true, "-e": true, "--errors": true, "-X": true, "--debug": true,
	"-am": true, "--also-make": true, "-N": true, "--non-recursive": true, "-C": true, "--strict-checksums": true, "-c": true, "--lax-checksums": true, "-V": true, "--show-version": true,
	"-nsu": true, "--no-snapshot-updates": true, "-ff": true, "--fail-fast": true, "-fae": true, "--fail-at-end": true, "-npr": true, "-npu": true,
}

// ReadMaven reads the words behind mvn.
func ReadMaven(args []string) MavenCall {
	m := MavenCall{File: "pom.xml"}
	for n := 0; n < len(args); n++ {
		a := args[n]
		name, _, assigned := strings.Cut(a, "=")
		isFile, hasValue := mavenValues[a]
		switch {
		case a == "-f" || a == "--file":
			if n++; n < len(args) {
				m.File = args[n]
			}
		case name == "--file" && assigned:
			m.File = a[len("--file="):]
		case a == "-o" || a == "--offline":
			m.Offline = true
		case hasValue:
			m.Options = append(m.Options, a)
			if n++; n < len(args) {
				m.Options = append(m.Options, args[n])
				if isFile {
					m.Files = append(m.Files, args[n])
				}
			}
		case mavenFlags[a] || strings.HasPrefix(a, "-D") || strings.HasPrefix(a, "-P") || strings.HasPrefix(a, "-T"):
			m.Options = append(m.Options, a)
		case strings.HasPrefix(a, "-") || strings.ContainsAny(a, "$`*?"):
			m.Unknown = a
		default:
			m.Goals = append(m.Goals, a)
		}
	}
	return m
}

// resolving are goals that fetch and do nothing else
// (https://maven.apache.org/plugins/maven-dependency-plugin/).
var resolving = []string{"dependency:go-offline", "dependency:resolve", "dependency:resolve-plugins", ":go-offline", ":resolve", ":resolve-plugins"}

// Resolves reports whether the goals fetch and do nothing else.
func (m MavenCall) Resolves() bool {
	for _, g := range m.Goals {
		known := false
		for _, r := range resolving {
			known = known || g == r || r[0] == ':' && strings.HasPrefix(g, "org.apache.maven.plugins:maven-dependency-plugin:") && strings.HasSuffix(g, r)
		}
		if !known {
			return false
		}
	}
	return len(m.Goals) > 0
}

func mavenInstall(i *Install, c installCall) bool {
	m := ReadMaven(c.args[1:])
	if !m.Resolves() {
		return false
	}
	i.Name = "mvn " + strings.Join(m.Goals, " ")
	i.Writes = append(i.Writes, "/root/.m2", "/tmp")
	i.Assumes = "resolving the dependencies reads no more of the project than its POMs and .mvn"
	i.Unknown = i.mavenProject(c, m)
	return true
}

func (i *Install) mavenProject(c installCall, m MavenCall) (unknown string) {
	if m.Unknown != "" {
		return "Maven's option " + m.Unknown + " may read or write other places"
	}
	for _, o := range m.Options {
		if strings.Contains(o, "maven.repo.local") {
			dir := o[strings.Index(o, "=")+1:]
			if !strings.HasPrefix(dir, "/") || strings.ContainsAny(dir, "$`") {
				return "its repository is in a folder of the project"
			}
			i.Writes = append(i.Writes, path.Clean(dir))
		}
	}
	for _, k := range []string{"MAVEN_ARGS", "MAVEN_OPTS", "MAVEN_CONFIG"} {
		if v, ok := c.st.lookup().Get(k); ok && strings.Contains(v, "-") {
			return k + " is set"
		}
	}
	pom, ok := c.st.Abs(m.File)
	if !ok {
		return "its POM is in a computed folder"
	}
	ctx, ok := c.origin(pom)
	if ok && c.repo.IsDir(ctx) {
		pom, ctx = path.Join(pom, "pom.xml"), path.Join(ctx, "pom.xml")
	}
	if !ok {
		return path.Base(pom) + " doesn't come from the build context"
	}
	facts := c.repo.Maven(ctx)
	if facts == nil {
		return ctx + " isn't a POM"
	}
	work := i.Dir
	i.Dir, i.Ctx = path.Dir(pom), path.Dir(ctx)
	i.keep(c, slices.DeleteFunc(slices.Clone(facts.Files), func(f string) bool {
		return i.Command.Args[0] == "mvn" && strings.Contains(f, ".mvn/wrapper/") // the wrapper's alone
	}))
	files := append([]string(nil), m.Files...)
	if strings.HasSuffix(i.Command.Args[0], "/mvnw") {
		files = append(files, i.Command.Args[0])
	}
	for _, f := range files {
		abs := f
		if !strings.HasPrefix(f, "/") {
			abs = path.Join(work, f)
		}
		i.Reads = append(i.Reads, abs)
		if ctx, ok := c.origin(abs); ok {
			if i.At(ctx) != abs {
				return f + " is copied from another folder than the POM"
			}
			i.Files = append(i.Files, ctx)
		}
	}
	if i.Unknown != "" {
		return i.Unknown
	}
	return facts.Unknown
}
