package repo

import (
	"path"
	"strings"
)

// Sbt is what "sbt update" reads of a build with one project.
type Sbt struct {
	Dir     string
	Files   []string // *.sbt, project/, .sbtopts and .jvmopts
	Unknown string   // a reason why more may be read
}

// Sbt returns the facts about the build in folder dir (a path as in Exists); nil
// when there is no build.sbt.
//
// Source: https://www.scala-sbt.org/1.x/docs/Directories.html
func (r *Repo) Sbt(dir string) *Sbt {
	dir, ok := clean(dir)
	if !ok || !r.isFile(path.Join(dir, "build.sbt")) {
		return nil
	}
	return r.facts.sbt.get(dir, func() *Sbt {
		s := &Sbt{Dir: dir}
		for _, pattern := range []string{"*.sbt", "project/*.sbt", "project/*.scala", "project/build.properties", "project/project/*.sbt", ".sbtopts", ".jvmopts"} {
			for _, f := range r.Glob(path.Join(dir, pattern)) {
				if !r.isFile(f) {
					continue
				}
				s.Files = append(s.Files, f)
				src, err := r.ReadFile(f)
				if err != nil {
					s.Unknown = f + " can't be read"
				} else if found := sbtReads.FindStringSubmatch(strings.ReplaceAll(withoutComments(text(src), "//"), `file(".")`, "root")); found != nil {
					s.Unknown = f + " may read other files or projects: " + short(found[0])
				}
			}
		}
		if r.IsDir(path.Join(dir, "lib")) {
			s.Unknown = path.Join(dir, "lib") + " holds libraries of its own"
		}
		return s
	})
}

// sbtReads are parts of a build definition that take in other files or projects,
// plugins that ask git among them.
var sbtReads = lazy(`(?i)\b(IO\.read\w*|fromFile|sys\.process|Process\(|file\(|url\("file|RootProject|ProjectRef|dependsOn|aggregate|sbt-git|git-version|sbt-dynver|sbt-release)`)
