package rewrite

import (
	"path"
	"strings"

	"drydock/repo"
)

var _ = registerManager(&manager{tools: []string{"dotnet"}, install: dotnetInstall})

// DotnetCall is a command line of the dotnet program that takes a project.
//
// Source: https://learn.microsoft.com/dotnet/core/tools/dotnet-restore and the
// pages of build, publish and test beside it.
type DotnetCall struct {
	Verb    string
	Project string   // file or folder, "" for the working directory
	Restore []string // those of its options that a restore takes too, as words
	NoFetch bool     // --no-restore
	Unknown string   // an option that isn't known
}

// dotnetValues are options with a value; true for those that dotnet restore has
// as well and that decide what is fetched.
var dotnetValues = map[string]bool{
	"-r": true, "--runtime": true, "-a": true, "--arch": true, "--os": true,
	"-c": false, "--configuration": false, "-o": false, "--output": false, "-f": false, "--framework": false, "-v": false, "--verbosity": false, "--version-suffix": false, "--logger": false, "-l": false, "--filter": false, "--self-contained": false, "--sc": false,
}

var dotnetFlags = map[string]bool{
	"--nologo": true, "--no-self-contained": true, "--no-dependencies": true, "--no-cache": true, "--no-http-cache": true, "--disable-parallel": true, "--locked-mode": true, "--use-current-runtime": true, "--ucr": true, "--no-incremental": true, "--no-build": true,
	"--ignore-failed-sources": true, "--interactive": true, "--force": true,
}

// ReadDotnet reads the words behind dotnet.
func ReadDotnet(args []string) DotnetCall {
	var d DotnetCall
	if len(args) == 0 {
		return d
	}
	d.Verb = args[0]
	for n := 1; n < len(args); n++ {
		a := args[n]
		name, value, assigned := cutOption(a)
		carried, hasValue := dotnetValues[name]
		switch {
		case hasValue && assigned:
			if carried {
				d.Restore = append(d.Restore, a)
			}
		case hasValue:
			next := n+1 < len(args) && (!strings.HasSuffix(name, "self-contained") || args[n+1] == "true" || args[n+1] == "false") && !strings.HasPrefix(args[n+1], "-") && name != "--sc"
			if next {
				n++
			}
			if carried && next {
				d.Restore = append(d.Restore, a, args[n])
			}
		case a == "--no-restore":
			d.NoFetch = true
		case dotnetFlags[a]:
			if strings.Contains(a, "current-runtime") || a == "--ucr" || a == "--locked-mode" {
				d.Restore = append(d.Restore, a)
			}
		case property(name) && value != "" && !strings.Contains(strings.ToLower(value), "configfile") && !strings.Contains(strings.ToLower(value), "restore"):
			d.Restore = append(d.Restore, a)
		case strings.HasPrefix(a, "-") || strings.HasPrefix(a, "/") && strings.Contains(a, ":"):
			d.Unknown = a
		case d.Project != "":
			d.Unknown = a
		default:
			d.Project = a
		}
	}
	return d
}

// cutOption takes --name=value and -p:Name=Value apart.
func cutOption(a string) (name, value string, ok bool) {
	if i := strings.IndexAny(a, "=:"); i > 0 && (a[0] == '-' || a[0] == '/') {
		return a[:i], a[i+1:], true
	}
	return a, "", false
}

// property reports whether an option sets an MSBuild property.
func property(name string) bool {
	switch strings.ToLower(name) {
	case "-p", "/p", "--property", "-property", "/property":
		return true
	}
	return false
}

func dotnetInstall(i *Install, c installCall) bool {
	d := ReadDotnet(c.args[1:])
	if d.Verb != "restore" {
		return false
	}
	i.Name = "dotnet restore"
	i.Assumes = "the restore reads no more than the project files and what they import"
	i.Unknown = i.DotnetProject(d, c.st, c.repo, c.origin)
	return true
}

// DotnetProject fills in what a restore for the call reads and writes, and tells
// why that can't be known.
func (i *Install) DotnetProject(d DotnetCall, st State, rp *repo.Repo, origin func(string) (string, bool)) (unknown string) {
	i.Writes = []string{"/root/.nuget", "/root/.local", "/root/.dotnet", "/tmp"}
	if d.Unknown != "" {
		return "dotnet's " + d.Unknown + " may read or write other places"
	}
	if i.writesTo(st, "NUGET_PACKAGES", "RestorePackagesPath"); i.Unknown != "" {
		return i.Unknown
	}
	facts, at, why := dotnetTarget(i.Dir, d.Project, rp, origin)
	if why != "" {
		return why
	}
	i.Dir, i.Ctx = path.Dir(at), path.Dir(facts.File)
	i.keep(installCall{origin: origin}, facts.Files)
	for _, p := range facts.Projects {
		dir := path.Dir(i.At(p))
		i.Writes = append(i.Writes, path.Join(dir, "obj"), path.Join(dir, "packages.lock.json"))
	}
	if facts.Locked {
		i.Assumes = "packages.lock.json agrees with the projects, so that the restore doesn't rewrite it, and it reads no more than them and what they import"
	}
	if i.Unknown != "" {
		return i.Unknown
	}
	return facts.Unknown
}

// dotnetTarget finds the project or solution that a command takes, and where it
// stands in the image.
func dotnetTarget(dir, name string, rp *repo.Repo, origin func(string) (string, bool)) (facts *repo.Dotnet, at, why string) {
	name = strings.ReplaceAll(strings.Trim(name, `"'`), "\\", "/")
	if strings.ContainsAny(name, "$`*?~") {
		return nil, "", "its project is computed"
	}
	if at = path.Join(dir, name); strings.HasPrefix(name, "/") {
		at = path.Clean(name)
	}
	ctx, ok := origin(at)
	if !ok {
		return nil, "", "its project doesn't come from the build context"
	}
	if facts = rp.Dotnet(ctx); facts == nil {
		return nil, "", "which project is meant in " + ctx + " isn't clear"
	}
	if facts.File != ctx { // the only one of a folder
		at = path.Join(at, path.Base(facts.File))
		if got, ok := origin(at); !ok || got != facts.File {
			return nil, "", facts.File + " isn't in the image"
		}
	}
	return facts, at, ""
}
