package transforms

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/rewrite"
)

// volatileNames are build arguments whose value is another one in each build,
// as CI systems and common templates name them.
var volatileNames = words(`GIT_SHA GIT_COMMIT GIT_COMMIT_SHA GIT_HASH GIT_REV GIT_REVISION GIT_REF GIT_TAG GIT_BRANCH GIT_DESCRIBE GIT_VERSION COMMIT COMMIT_SHA COMMIT_ID COMMIT_HASH
	COMMIT_REF SHA REVISION VCS_REF VCS_REVISION VCS_COMMIT SOURCE_COMMIT SOURCE_VERSION BUILD_DATE BUILD_TIME BUILD_TIMESTAMP BUILDDATE BUILDTIME BUILD_ID BUILD_NUMBER BUILD_NUM BUILD_SHA
	BUILD_REF BUILD_REVISION BUILD_COMMIT BUILD_VERSION BUILD_TAG CREATED TIMESTAMP CI_COMMIT_SHA CI_COMMIT_SHORT_SHA CI_COMMIT_REF_NAME CI_COMMIT_TAG CI_PIPELINE_ID CI_JOB_ID
	GITHUB_SHA GITHUB_REF GITHUB_RUN_ID GITHUB_RUN_NUMBER DRONE_COMMIT_SHA CIRCLE_SHA1 TRAVIS_COMMIT BITBUCKET_COMMIT HEROKU_SLUG_COMMIT`)

// volatileEnds are the ends of further such names: MYAPP_GIT_SHA.
var volatileEnds = []string{"_GIT_SHA", "_GIT_COMMIT", "_GIT_HASH", "_GIT_REVISION", "_COMMIT_SHA", "_BUILD_DATE", "_BUILD_TIME", "_BUILD_NUMBER", "_VCS_REF"}

// releaseNames change with each release, if the file gives them no value.
var releaseNames = words(`VERSION APP_VERSION RELEASE RELEASE_VERSION IMAGE_VERSION SERVICE_VERSION PACKAGE_VERSION`)

// placeholders are defaults that say only that the value comes from outside.
var placeholders = words(`dev devel development latest unknown undefined unspecified unset none null local snapshot HEAD n/a N/A 0 0.0.0 v0.0.0 0.0.0-dev`)

// volatile: the value of a build argument comes from each build anew.
func volatile(s *rewrite.Stage, a instructions.KeyValuePairOptional) bool {
	if !volatileNames[a.Key] && !releaseNames[a.Key] && !slices.ContainsFunc(volatileEnds, func(e string) bool { return strings.HasSuffix(a.Key, e) }) {
		return false
	}
	value := a.Value
	if value == nil {
		if v, ok := s.Doc().Global(a.Key); ok {
			value = &v
		}
	}
	return value == nil || *value == "" || placeholders[*value]
}

// sinkVolatile plans to move an ARG that changes with every build, and the ENV
// and LABEL that use it, below the last step that downloads something without
// them.
func sinkVolatile(p *rewrite.Pass, s *rewrite.Stage) (c rewrite.Change, ok bool) {
	for _, in := range s.Instructions {
		if volatileArg(in) {
			if c, ok := sink(p, in); ok {
				return c, true
			}
		}
	}
	return c, false
}

// volatileArg: an ARG all of whose values come from each build anew.
func volatileArg(in *rewrite.Instruction) bool {
	arg, ok := in.Cmd.(*instructions.ArgCommand)
	return ok && !slices.ContainsFunc(arg.Args, func(a instructions.KeyValuePairOptional) bool { return !volatile(in.Stage, a) })
}

func sink(p *rewrite.Pass, arg *rewrite.Instruction) (c rewrite.Change, ok bool) {
	type member struct {
		in  *rewrite.Instruction
		eff *rewrite.Effects
	}
	first := p.Effects(arg)
	group := []member{{arg, first}}
	sets := slices.Clone(first.Sets)
	var below *rewrite.Instruction // the last step passed that downloads
	moved, scripts := 0, false     // as of below
	passedScripts := false
	com := rewrite.Commuter{Repo: p.Repo, Name: p.Name, Unseen: sets}
pass:
	for in := arg.Next(); in != nil; in = in.Next() {
		eff := p.Effects(in)
		switch in.Keyword {
		case "arg", "env", "label":
			if volatileArg(in) || slices.ContainsFunc(eff.Uses, func(x string) bool { return slices.Contains(sets, x) }) {
				group, sets = append(group, member{in, eff}), append(sets, eff.Sets...)
				com.Unseen = sets
				continue
			}
		}
		for _, m := range group {
			if ok, _ := com.Commute(m.eff, eff); !ok {
				break pass
			}
		}
		passedScripts = passedScripts || eff.Scripts
		if in.Keyword == "run" && downloads(in, eff) {
			below, moved, scripts = in, len(group), passedScripts
		}
	}
	if below == nil {
		return c, false
	}
	var lines strings.Builder
	var names []string
	if next := p.Doc.Src[below.Span.End:]; strings.HasPrefix(strings.TrimLeft(next, " \t\r"), "\n") {
		lines.WriteString("\n") // as below is set off from what follows
	}
	for i := 0; i < moved; {
		j := i + 1
		for j < moved && group[j].in.Index == group[j-1].in.Index+1 {
			j++
		}
		first, last := group[i].in, group[j-1].in
		c.Edits = append(c.Edits, p.Doc.DeleteRun(first, last))
		lines.WriteString(p.Doc.Lines(rewrite.Span{Start: first.Lead(), End: last.Span.End}))
		i = j
	}
	for _, m := range group[:moved] {
		if m.in.Keyword == "arg" {
			names = append(names, m.eff.Sets...)
		}
	}
	c.Edits = append(c.Edits, p.Doc.InsertAfter(below, lines.String()))
	c.Title = "declare " + strings.Join(names, ", ") + " below the steps that don't need it"
	c.Why = "a RUN sees every ARG and ENV above it, so a value that changes with each build makes it run again"
	c.Gain = "what is downloaded in front of it comes from the cache"
	c.At, c.Hides = arg, sets
	if scripts {
		c.Safety, c.Assumes = rewrite.Assumes, "no package reads "+strings.Join(sets, " or ")+" from the environment while it is installed"
	}
	return c, true
}
