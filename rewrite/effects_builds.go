package rewrite

import (
	"path"
	"slices"
	"strings"
)

// What the tools that prepare a build read and write: Go, Cargo, .NET, mix,
// the JVM's. Their commands that fetch or build a project are no part of this.

// buildTool fills in the effects of a command of one of these tools; known is
// false for anything else.
func (e *Effects) buildTool(c Command, st State) (known bool, unknown string) {
	if len(c.Args) < 2 || c.Name == "" {
		return false, ""
	}
	verb, args := c.Args[1], c.Args[2:]
	home := func(dirs ...string) (bool, string) {
		e.Network = true
		e.Writes = append(append(append(append(e.Writes, "/tmp", "/root"), dirs...), toolFolders(st)...), homes(st)...)
		if k := steered(st); k != "" {
			return true, k + " is set"
		}
		return true, ""
	}
	switch name := path.Base(c.Args[0]); {
	case isQuestion(name, verb, len(args)):
		return true, ""
	case name == "go" && verb == "env" && len(args) > 0 && args[0] == "-w":
		return home()
	case name == "go" && verb == "install" && len(args) > 0 && slices.ContainsFunc(args, versioned) && !slices.ContainsFunc(args, local):
		return home("/go")
	case name == "cargo" && verb == "install" && len(args) > 0 && !slices.ContainsFunc(args, local) && !slices.ContainsFunc(args, startsWith("--path", "--root", "--config", "--target-dir")):
		e.Reads = append(e.Reads, rustFiles(st)...)
		return home("/usr/local/cargo", "/usr/local/rustup")
	case name == "rustup" && (verb == "target" || verb == "component" || verb == "toolchain" || verb == "default" || verb == "update"):
		e.Reads = append(e.Reads, rustFiles(st)...)
		return home("/usr/local/cargo", "/usr/local/rustup")
	case name == "dotnet" && verb == "tool" && len(args) > 0 && args[0] == "install" && slices.ContainsFunc(args, startsWith("-g", "--global")) && !slices.ContainsFunc(args, startsWith("--add-source", "--configfile", "--tool-path")):
		for _, f := range []string{"nuget.config", "NuGet.config", "NuGet.Config", "global.json"} {
			e.Reads = append(e.Reads, upwards(st.Workdir, f)...)
		}
		return home()
	case name == "mix" && (verb == "local.hex" || verb == "local.rebar") && len(args) > 0 && slices.Contains(args, "--force"):
		return home("/opt/mix", "/opt/hex")
	}
	return false, ""
}

// isQuestion: commands that only tell about the tool.
func isQuestion(name, verb string, args int) bool {
	if args > 0 {
		return false
	}
	switch name {
	case "go":
		return verb == "version" || verb == "env"
	case "java", "javac":
		return verb == "-version" || verb == "--version"
	case "rustc", "cargo":
		return verb == "--version" || verb == "-V"
	}
	return false
}

// versioned: module@version.
func versioned(a string) bool { return strings.Contains(a, "@") }

// local: a path of the project, or a computed one.
func local(a string) bool {
	return strings.HasPrefix(a, ".") || strings.HasPrefix(a, "/") || strings.ContainsAny(a, "$`*")
}

func startsWith(prefixes ...string) func(string) bool {
	return func(a string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(a, p) })
	}
}

// toolFolders are the installations that variables of the file name.
func toolFolders(st State) (out []string) {
	for _, k := range []string{"GOPATH", "GOBIN", "GOCACHE", "GOMODCACHE", "CARGO_HOME", "RUSTUP_HOME", "MIX_HOME", "HEX_HOME"} {
		if v, ok := st.lookup().Get(k); ok && strings.HasPrefix(v, "/") {
			out = append(out, path.Clean(v))
		}
	}
	return out
}

// rustFiles are what rustup and Cargo look for in the working directory and above.
func rustFiles(st State) (out []string) {
	for _, f := range []string{"rust-toolchain", "rust-toolchain.toml", ".cargo"} {
		out = append(out, upwards(st.Workdir, f)...)
	}
	return out
}

// upwards are the places of a file in a folder and in all above it.
func upwards(dir, name string) (out []string) {
	for _, d := range upFrom(dir) {
		out = append(out, path.Join(d, name))
	}
	return out
}

// upFrom is an absolute folder and all above it, the root last.
func upFrom(dir string) (out []string) {
	for ; strings.HasPrefix(dir, "/"); dir = path.Dir(dir) {
		if out = append(out, dir); dir == "/" {
			break
		}
	}
	return out
}
