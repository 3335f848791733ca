package java

import (
	"slices"
	"strings"
)

// forKept lists the jar and its files.
func (j *App) forKept() bool {
	if !j.whatStarts() || !j.selfContained() || !j.dataFiles() || !j.source() || !j.place() {
		return false
	}
	j.Kept.Writes = true
	j.SettingsBeside(func(name string) bool {
		return strings.HasPrefix(name, "application") || strings.HasPrefix(name, "logback") || strings.HasPrefix(name, "log4j") || name == "logging.properties" || name == ".env"
	})
	for _, p := range j.made {
		j.Makes(p)
	}
	j.Copies(j.last, func(p string) bool {
		return slices.ContainsFunc(j.starts, func(st javaStart) bool { return st.jar == p })
	})
	j.Assumes = append(j.Assumes, "the program reads no files but those that its command line and its source name")
	return true
}
