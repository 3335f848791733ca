package multistage

import (
	"path"
	"strings"

	"drydock/rewrite"
)

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
			if !n.chowns(in) {
				return false
			}
		}
	}
	return true
}

// chowns notes the owner that a RUN gives to the folder itself: COPY --from
// keeps the owners of what lies in it, not of the folder.
func (n *nodeSplit) chowns(in *rewrite.Instruction) bool {
	if in.Keyword != "run" {
		return true
	}
	all, _ := in.Steps()
	for _, st := range all {
		var words []string
		for _, a := range st.Args[1:] {
			if !strings.HasPrefix(a, "-") {
				words = append(words, a)
			}
		}
		if st.Name != "chown" && st.Name != "chmod" && st.Name != "chgrp" || len(words) < 2 {
			continue
		}
		for _, w := range words[1:] {
			if !strings.HasPrefix(w, "/") {
				w = path.Join(st.Dir, w)
			}
			if path.Clean(w) != n.app {
				continue
			}
			if st.Name != "chown" || n.owner != "" && n.owner != words[0] || strings.ContainsAny(words[0], "$`") {
				return n.decline(in, "it changes owner or mode of %s itself, which COPY --from doesn't keep", n.app)
			}
			n.owner = words[0]
		}
	}
	return true
}

// copyFolder puts the COPY of the folder where the last build step stood. With
// an owner it goes above the WORKDIR that would make the folder root's.
func (n *nodeSplit) copyFolder() {
	line := n.copyFrom(n.app, n.app)
	if n.owner != "" {
		line = strings.Replace(line, " "+n.app, " --chown="+n.owner+" "+n.app, 1)
		for _, in := range n.stage.Instructions {
			if in.Keyword == "workdir" && in.Index < n.last.Index {
				if st := n.stage.At(in.Next()); in.Next() != nil && rewrite.Inside(st.Workdir, n.app) {
					n.ahead[in] = append(n.ahead[in], line)
					return
				}
			}
		}
	}
	n.instead[n.last] = append(n.instead[n.last], line)
}

// ownsFolder: a RUN that makes the folder itself for a user. The runtime stage
// repeats it, since COPY would make the folder root's.
func (n *nodeSplit) ownsFolder(in *rewrite.Instruction) bool {
	if in.Keyword != "run" {
		return false
	}
	sh, _ := in.Shell()
	for _, c := range sh.Commands() {
		if !accounts[c.Name] {
			return false
		}
	}
	for _, later := range n.stage.Instructions {
		if later.Index < in.Index && (later.Keyword == "copy" || later.Keyword == "add" || n.roles[later] == inBuild && later.Keyword == "run") {
			return false // it changes files that aren't there any more
		}
	}
	return true
}

func (n *nodeSplit) installsGlobally(in *rewrite.Instruction) bool {
	return globalInstall().MatchString(in.Text)
}

var globalInstall = lazily(`\s(-g|--global|global)\s`)
