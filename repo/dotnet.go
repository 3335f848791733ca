package repo

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Dotnet is what "dotnet restore" reads for a solution or a project: the file
// itself, all projects that it names, what these import, and the files that
// MSBuild and NuGet look for beside them and upwards.
type Dotnet struct {
	File     string   // the solution or project
	Projects []string // the project files
	Files    []string // all that is read, projects included
	Locked   bool     // a packages.lock.json is among them
	Unknown  string   // a reason why more may be read
	repo     *Repo
	seen     map[string]bool
}

// Dotnet returns the facts about a solution or project file, or about the only
// one in a folder (a path as in Exists), as the dotnet command takes its
// argument; nil when there is none, or more than one.
//
// Source: https://learn.microsoft.com/dotnet/core/tools/dotnet-restore
func (r *Repo) Dotnet(p string) *Dotnet {
	p, ok := clean(p)
	if !ok {
		return nil
	}
	if r.IsDir(p) {
		var found []string
		for _, e := range r.ReadDir(p) {
			if ext := path.Ext(e.Name()); solutions[ext] || strings.HasSuffix(ext, "proj") {
				found = append(found, path.Join(p, e.Name()))
			}
		}
		if len(found) != 1 {
			return nil
		}
		p = found[0]
	}
	if !r.isFile(p) {
		return nil
	}
	return r.facts.dotnet.get(p, func() *Dotnet {
		d := &Dotnet{File: p, repo: r, seen: map[string]bool{}}
		switch ext := path.Ext(p); {
		case solutions[ext]:
			d.solution(p)
		case projects[ext]:
			d.project(p)
		default:
			d.Unknown = p + " isn't a project of C#, F# or Visual Basic"
		}
		return d
	})
}

var (
	solutions = map[string]bool{".sln": true, ".slnx": true}
	// projects that MSBuild restores from their XML alone; a .dcproj holds compose
	// files for Visual Studio and is read like the others.
	projects = map[string]bool{".csproj": true, ".fsproj": true, ".vbproj": true, ".dcproj": true}
)

// solutionFolder is the type of the entries of a .sln that are no projects.
const solutionFolder = "2150E333-8FDC-42A3-9474-1A3956D46DE8"

// slnProject is a line of a .sln file.
var slnProject = lazy(`^\s*Project\("\{([0-9A-Fa-f-]+)\}"\)\s*=\s*"[^"]*"\s*,\s*"([^"]+)"`)

// solution reads the projects that a solution names.
func (d *Dotnet) solution(file string) {
	d.add(file)
	src, err := d.repo.ReadFile(file)
	if err != nil {
		d.Unknown = file + " can't be read"
		return
	}
	var names []string
	if path.Ext(file) == ".slnx" {
		root, err := parseXML(src)
		if err != nil {
			d.Unknown = file + " can't be read"
			return
		}
		root.walk(func(n *xmlNode) {
			if n.name == "Project" {
				names = append(names, n.attrs["Path"])
			}
		})
	} else {
		for _, l := range lines(src) {
			if m := slnProject.FindStringSubmatch(l); m != nil && !strings.EqualFold(m[1], solutionFolder) {
				names = append(names, m[2])
			}
		}
	}
	if len(names) == 0 {
		d.Unknown = file + " names no projects"
	}
	for _, n := range names {
		p := join(path.Dir(file), strings.ReplaceAll(n, "\\", "/"))
		switch {
		case !projects[path.Ext(p)]:
			d.Unknown = fmt.Sprintf("%s holds %s, whose kind of project isn't known", file, n)
			return
		case !d.repo.isFile(p):
			d.Unknown = fmt.Sprintf("%s holds %s, which isn't in the build context", file, n)
			return
		}
		d.project(p)
	}
	for _, n := range []string{"Directory.Solution.props", "Directory.Solution.targets"} {
		d.above(path.Dir(file), n, true)
	}
	d.surroundings(path.Dir(file))
}

func (d *Dotnet) add(file string) {
	if !slices.Contains(d.Files, file) {
		d.Files = append(d.Files, file)
	}
}

// project reads a project and all that it refers to.
func (d *Dotnet) project(file string) {
	file, _ = clean(file)
	if d.seen[file] || len(d.seen) > 500 {
		return
	}
	d.seen[file] = true
	d.Projects = append(d.Projects, file)
	d.msbuild(file, file)
	dir := path.Dir(file)
	for _, n := range []string{"packages.lock.json", path.Base(file) + ".user"} {
		if f := path.Join(dir, n); d.repo.isFile(f) {
			d.add(f)
			d.Locked = d.Locked || n == "packages.lock.json"
		}
	}
	if f := path.Join(dir, "packages.config"); d.repo.isFile(f) {
		d.Unknown = f + " is restored by NuGet itself"
	}
	d.surroundings(dir)
}

// surroundings are the files that MSBuild and NuGet look for in a folder and
// above it (https://learn.microsoft.com/visualstudio/msbuild/customize-by-directory,
// https://learn.microsoft.com/nuget/consume-packages/configuring-nuget-behavior).
func (d *Dotnet) surroundings(dir string) {
	for _, n := range []string{"Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props"} {
		d.above(dir, n, true)
	}
	for _, n := range []string{"Directory.Build.rsp", "global.json"} {
		d.above(dir, n, false)
	}
	for _, up := range parents(dir) {
		for _, n := range []string{"nuget.config", "NuGet.config", "NuGet.Config"} {
			if f := path.Join(up, n); d.repo.isFile(f) && !d.seen[f] {
				d.seen[f] = true
				d.add(f)
				d.nuget(f)
			}
		}
	}
}

// above takes in the files of a name in a folder and all above it.
func (d *Dotnet) above(dir, name string, msbuild bool) {
	for _, up := range parents(dir) {
		f := path.Join(up, name)
		switch {
		case d.seen[f] || !d.repo.isFile(f):
		case msbuild:
			d.seen[f] = true
			d.msbuild(f, f)
		default:
			d.add(f)
		}
	}
}

// nuget: package sources that are folders of the project.
func (d *Dotnet) nuget(file string) {
	src, err := d.repo.ReadFile(file)
	var root *xmlNode
	if err == nil {
		root, err = parseXML(src)
	}
	if err != nil {
		d.Unknown = file + " can't be read"
		return
	}
	for _, n := range root.all("packageSources", "add") {
		if v := n.attrs["value"]; !strings.HasPrefix(v, "https://") && !strings.HasPrefix(v, "http://") {
			d.Unknown = fmt.Sprintf("%s names the package source %s", file, short(v))
		}
	}
	for _, k := range []string{"globalPackagesFolder", "repositoryPath"} {
		for _, n := range root.all("config", "add") {
			if strings.EqualFold(n.attrs["key"], k) {
				d.Unknown = fmt.Sprintf("%s sets %s", file, k)
			}
		}
	}
}
