package repo

import (
	"path"
	"strings"
)

// DotnetProject is what a project file and the Directory.Build.props above it say
// about the program that is built
// (https://learn.microsoft.com/dotnet/core/project-sdk/msbuild-props).
type DotnetProject struct {
	File          string
	Assembly      string // its name without .dll
	Frameworks    []string
	Web           bool // it needs ASP.NET Core: its SDK, or a reference to the framework
	SelfContained bool // it brings the runtime along
	Invariant     bool // InvariantGlobalization: it needs no ICU
	Executable    bool
	Packages      []string // of it and all projects that it refers to
	// Unknown is the first reason why one of these isn't known: a property that
	// depends on a condition or on another property.
	Unknown string
}

// DotnetProject returns the facts about the project that a dotnet command takes:
// the file, or the only one in a folder; false for a solution and for none.
func (r *Repo) DotnetProject(p string) (DotnetProject, bool) {
	d := r.Dotnet(p)
	if d == nil || !projects[path.Ext(d.File)] {
		return DotnetProject{}, false
	}
	out := DotnetProject{File: d.File, Assembly: strings.TrimSuffix(path.Base(d.File), path.Ext(d.File)), Unknown: d.Unknown}
	for i, f := range d.Projects {
		r.msbuildFacts(f, &out, i == 0)
	}
	for _, f := range d.Files {
		if path.Base(f) == "Directory.Build.props" || path.Base(f) == "Directory.Build.targets" {
			r.msbuildFacts(f, &out, true)
		}
	}
	return out, true
}

// msbuildFacts takes in one file; own tells that its properties are the
// program's, not those of a library.
func (r *Repo) msbuildFacts(file string, out *DotnetProject, own bool) {
	src, err := r.ReadFile(file)
	if err != nil {
		return
	}
	root, err := parseXML(src)
	if err != nil {
		return
	}
	sdk := root.attrs["Sdk"]
	switch name, _, _ := strings.Cut(sdk, "/"); name {
	case "Microsoft.NET.Sdk.Web", "Microsoft.NET.Sdk.Razor", "Microsoft.NET.Sdk.BlazorWebAssembly":
		out.Web = true
		out.Executable = out.Executable || own && name == "Microsoft.NET.Sdk.Web"
	case "Microsoft.NET.Sdk.Worker":
		out.Executable = out.Executable || own
	}
	for _, group := range root.all("PropertyGroup") {
		for _, p := range group.kids {
			if own {
				out.property(file, p, group.attrs["Condition"]+p.attrs["Condition"])
			}
		}
	}
	root.walk(func(n *xmlNode) {
		switch n.name {
		case "FrameworkReference":
			out.Web = out.Web || strings.HasPrefix(n.attrs["Include"], "Microsoft.AspNetCore")
		case "PackageReference":
			if id := n.attrs["Include"]; id != "" && !strings.EqualFold(n.attrs["PrivateAssets"], "all") && !strings.EqualFold(n.value("PrivateAssets"), "all") {
				out.Packages = append(out.Packages, id)
			}
		}
	})
}

func (d *DotnetProject) property(file string, p *xmlNode, condition string) {
	v := strings.TrimSpace(p.text)
	switch p.name {
	case "AssemblyName", "TargetFramework", "TargetFrameworks", "SelfContained", "PublishSelfContained", "PublishAot", "PublishSingleFile", "InvariantGlobalization", "RollForward":
		if (condition != "" || strings.Contains(v, "$(")) && d.Unknown == "" {
			d.Unknown = file + " sets " + p.name + " depending on something else"
		}
	}
	yes := strings.EqualFold(v, "true")
	switch p.name {
	case "AssemblyName":
		d.Assembly = v
	case "TargetFramework", "TargetFrameworks":
		d.Frameworks = strings.FieldsFunc(v, func(r rune) bool { return r == ';' || r == ' ' })
	case "SelfContained", "PublishSelfContained", "PublishAot":
		d.SelfContained = d.SelfContained || yes
	case "InvariantGlobalization":
		d.Invariant = yes
	case "OutputType":
		d.Executable = d.Executable || strings.EqualFold(v, "Exe") || strings.EqualFold(v, "WinExe")
	}
}
