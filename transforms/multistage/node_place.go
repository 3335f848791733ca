package multistage

import "drydock/rewrite"

// place decides where COPY, ADD and file commands go. Up to the last build
// step, what lands in the application's folder comes with it; the rest is
// repeated.
func (n *nodeSplit) place() bool {
	for _, in := range n.stage.Instructions {
		if in.Index > n.last.Index {
			break
		}
		isCopy := in.Keyword == "copy" || in.Keyword == "add"
		if !isCopy && (in.Keyword != "run" || n.roles[in] != inBoth || n.installsGlobally(in) || n.installsSystem(in)) {
			continue
		}
		trees, writes, why := n.touched(in)
		if why != "" {
			return n.decline(in, "whether it changes %s isn't known: %s", n.app, why)
		}
		within, beside := 0, 0
		note := func(p string) bool {
			switch {
			case rewrite.Inside(p, n.app):
				within++
			case isCopy && rewrite.Inside(n.app, p):
				return false
			default:
				beside++
			}
			return true
		}
		for _, t := range trees {
			if !note(t.Dest) {
				return n.decline(in, "it copies to %s, above %s", t.Dest, n.app)
			}
		}
		for _, w := range writes {
			if !note(w) {
				return n.decline(in, "it copies to %s, above %s", w, n.app)
			}
		}
		switch {
		case within > 0 && beside > 0:
			return n.decline(in, "it changes %s and folders beside it", n.app)
		case within > 0 && !n.ownsFolder(in):
			n.roles[in] = inBuild
			if !n.takesOwner(in, func(rewrite.Step) bool { return true }) {
				return false
			}
		}
	}
	return true
}

func (n *nodeSplit) installsGlobally(in *rewrite.Instruction) bool {
	return globalInstall().MatchString(in.Text)
}

var globalInstall = lazily(`\s(-g|--global|global)\s`)
