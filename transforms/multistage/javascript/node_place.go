package javascript

import (
	"drydock/rewrite"
	"drydock/transforms/multistage/split"
)

// place decides where COPY, ADD and file commands go. Up to the last build
// step, what lands in the application's folder comes with it; the rest is
// repeated.
func (n *NodeApp) place() bool {
	for _, in := range n.Stage.Instructions {
		if in.Index > n.Last.Index {
			break
		}
		isCopy := in.Keyword == "copy" || in.Keyword == "add"
		if !isCopy && (in.Keyword != "run" || n.Roles[in] != split.InBoth || n.installsGlobally(in) || n.InstallsSystem(in)) {
			continue
		}
		trees, writes, why := n.Touched(in)
		if why != "" {
			return n.Decline(in, "whether it changes %s isn't known: %s", n.AppDir, why)
		}
		within, beside := 0, 0
		note := func(p string) bool {
			switch {
			case rewrite.Inside(p, n.AppDir):
				within++
			case isCopy && rewrite.Inside(n.AppDir, p):
				return false
			default:
				beside++
			}
			return true
		}
		for _, t := range trees {
			if !note(t.Dest) {
				return n.Decline(in, "it copies to %s, above %s", t.Dest, n.AppDir)
			}
		}
		for _, w := range writes {
			if !note(w) {
				return n.Decline(in, "it copies to %s, above %s", w, n.AppDir)
			}
		}
		switch {
		case within > 0 && beside > 0:
			return n.Decline(in, "it changes %s and folders beside it", n.AppDir)
		case within > 0 && !n.OwnsFolder(in):
			n.Roles[in] = split.InBuild
			if !n.TakesOwner(in, func(rewrite.Step) bool { return true }) {
				return false
			}
		}
	}
	return true
}

func (n *NodeApp) installsGlobally(in *rewrite.Instruction) bool {
	return globalInstall().MatchString(in.Text)
}

var globalInstall = lazily(`\s(-g|--global|global)\s`)
