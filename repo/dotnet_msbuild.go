package repo

import (
	"fmt"
	"path"
	"strings"
)

// msbuild reads what an MSBuild file imports and refers to. project is the file
// that properties of the project speak of, the file itself where that isn't known.
func (d *Dotnet) msbuild(file, project string) {
	d.add(file)
	src, err := d.repo.ReadFile(file)
	var root *xmlNode
	if err == nil {
		root, err = parseXML(src)
	}
	if err != nil {
		d.Unknown = file + " can't be read"
		return
	}
	if projects[path.Ext(file)] && !sdkStyle(root) {
		d.Unknown = file + " isn't an SDK-style project"
		return
	}
	root.walk(func(n *xmlNode) {
		if why := n.readsFiles(); why != "" {
			d.Unknown = file + " " + why
		}
		switch n.name {
		case "Import":
			if n.attrs["Sdk"] == "" {
				d.reference(file, project, n.attrs["Project"], n.attrs["Condition"], true)
			}
		case "ProjectReference":
			for _, p := range strings.Split(n.attrs["Include"], ";") {
				if p = strings.TrimSpace(p); p != "" {
					d.reference(file, project, p, n.attrs["Condition"], false)
				}
			}
		}
	})
}

func sdkStyle(root *xmlNode) bool {
	return root.attrs["Sdk"] != "" || len(root.all("Sdk")) > 0 || len(root.all("Import")) > 0 && root.all("Import")[0].attrs["Sdk"] != ""
}

// readsFiles tells how an element makes a restore depend on other files.
func (n *xmlNode) readsFiles() string {
	texts := []string{n.text}
	for _, v := range n.attrs {
		texts = append(texts, v)
	}
	for _, t := range texts {
		switch {
		case strings.Contains(t, "System.IO.File") || strings.Contains(t, "System.IO.Directory"):
			return "reads files: " + short(t)
		case n.name != "Import" && n.name != "Target" && strings.Contains(strings.ToLower(t), "exists("):
			return "looks for files: " + short(t)
		case strings.Contains(t, "FileAbove(") && !knownAbove(t):
			return "looks for files: " + short(t)
		}
	}
	switch n.name {
	case "Target":
		if hooks := n.attrs["BeforeTargets"] + n.attrs["AfterTargets"] + n.attrs["Name"]; strings.Contains(hooks, "Restore") || strings.Contains(hooks, "Collect") {
			return "has a target for the restore: " + short(n.attrs["Name"])
		}
	case "RestoreSources", "RestoreAdditionalProjectSources", "RestoreConfigFile", "NuGetLockFilePath", "RestorePackagesPath", "BaseIntermediateOutputPath", "MSBuildProjectExtensionsPath":
		return "sets " + n.name
	}
	return ""
}

// knownAbove: names that are looked for in every folder above anyway.
func knownAbove(t string) bool {
	return strings.Contains(t, "Directory.Build.props") || strings.Contains(t, "Directory.Build.targets") || strings.Contains(t, "Directory.Packages.props")
}

// reference follows an import or a reference to another project.
func (d *Dotnet) reference(file, project, name, condition string, imported bool) {
	if imported && knownAbove(name) && strings.Contains(name, "FileAbove(") {
		return // surroundings has them
	}
	p := strings.ReplaceAll(name, "\\", "/")
	for _, v := range []struct{ name, dir string }{{"$(MSBuildThisFileDirectory)", path.Dir(file)}, {"$(MSBuildProjectDirectory)", path.Dir(project)}, {"$(ProjectDir)", path.Dir(project)}} {
		if rest, ok := strings.CutPrefix(p, v.name); ok {
			if v.name != "$(MSBuildThisFileDirectory)" && !projects[path.Ext(project)] {
				break // which project it is isn't known in a shared file
			}
			p = "./" + strings.TrimLeft(rest, "/")
		}
	}
	for _, sdk := range []string{"$(MSBuildExtensionsPath", "$(MSBuildToolsPath", "$(MSBuildBinPath", "$(VSToolsPath", "$(MicrosoftNETBuild"} {
		if imported && strings.HasPrefix(p, sdk) {
			return // a file of the SDK
		}
	}
	if strings.ContainsAny(p, "$*?@%") || path.IsAbs(p) {
		d.Unknown = fmt.Sprintf("%s refers to %s", file, short(name))
		return
	}
	at, ok := clean(join(path.Dir(file), p))
	switch {
	case !ok || !d.repo.isFile(at):
		if !imported || !strings.Contains(strings.ToLower(condition), "exists(") {
			d.Unknown = fmt.Sprintf("%s refers to %s, which isn't in the build context", file, short(name))
		}
	case imported:
		if !d.seen[at] {
			d.seen[at] = true
			d.msbuild(at, project)
		}
	case !projects[path.Ext(at)]:
		d.Unknown = fmt.Sprintf("%s refers to %s, whose kind of project isn't known", file, name)
	default:
		d.project(at)
	}
}
