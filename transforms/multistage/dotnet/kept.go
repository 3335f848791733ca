package dotnet

import "strings"

// forKept lists the published folder and what the program finds in its working directory.
func (d *dotnetSplit) forKept() bool {
	if !d.starts() || !d.content() || !d.place() {
		return false
	}
	d.Kept.Writes, d.Kept.Folders = true, true
	d.SettingsBeside(func(name string) bool { return strings.HasPrefix(name, "appsettings.") })
	d.Copies(d.last, func(p string) bool { return p == d.start })
	d.Assumes = append(d.Assumes, "the program reads no files but those that are published and those that its command line and its source name")
	return true
}
