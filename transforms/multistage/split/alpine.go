package split

import (
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
)

// SystemAlpine is system for Alpine: it sorts the apk commands of a RUN and
// writes the RUN of the runtime stage. rest are the other commands.
func (s *Split) SystemAlpine(in *rewrite.Instruction, all []rewrite.Step) (rest []rewrite.Step, ok bool) {
	var keep []string
	installs := false
	for _, st := range all {
		a, isApk := distro.ReadApk(st)
		switch {
		case isApk && a.Verb == "install":
			if a.Bad != "" {
				return nil, s.Decline(in, "%s is no plain name of a package", a.Bad)
			}
			installs = true
			for _, w := range a.Words {
				bare, _, _ := strings.Cut(w, "=")
				lib, known := distro.ApkLibrary[bare]
				switch {
				case distro.ApkBuild[bare] || s.BuildTools[bare]:
				case known && lib == "":
				case known && !slices.Contains(keep, lib):
					keep = append(keep, lib)
				case known:
				case strings.HasSuffix(bare, "-dev"):
					return nil, s.Decline(in, "what is compiled with %s needs its library at run time, and which package that is isn't known", bare)
				case !slices.Contains(keep, w):
					keep = append(keep, w)
				}
			}
		case isApk && (a.Verb == "update" || a.Verb == "upgrade" || a.Verb == "cache" || a.Verb == "info"):
		case isApk:
			return nil, s.Decline(in, "the effects of apk %s aren't known", a.Verb)
		case cmdline.Tidy(st), rewrite.Harmless(st.Name) && len(st.Stmt.Redirs) == 0:
		default:
			rest = append(rest, st)
		}
	}
	if installs && len(keep) > 0 {
		install := "apk add --no-cache " + strings.Join(keep, " ")
		s.Adds = append(s.Adds, install)
		s.Instead[in] = append(s.Instead[in], s.Keyword("RUN")+" "+install)
	}
	return rest, true
}
