package transforms

import (
	"slices"
	"strings"

	"drydock/rewrite"
)

// runChain is RUNs that are to be one, with what the next one must know of them. It is worked out
// as each comes: generated Dockerfiles have thousands.
type runChain struct {
	steps    []*rewrite.Instruction
	kind     stepKind        // of the last that isn't a clean-up
	replaced map[string]bool // commands that ran and may stand elsewhere since
	apart    bool            // a step needs parentheses
	sets     []string        // variables of loops, which parentheses would keep to their step
	// The index of the package managers, see standsAlone.
	fetched, sources bool            // that of apt
	removed          map[string]bool // by family
}

func newChain(first *rewrite.Instruction) *runChain {
	c := &runChain{kind: kindOther, replaced: map[string]bool{}, removed: map[string]bool{}}
	c.add(first)
	return c
}

func (c *runChain) last() *rewrite.Instruction { return c.steps[len(c.steps)-1] }

// add takes a step in, which cannotJoin has nothing against.
func (c *runChain) add(in *rewrite.Instruction) {
	if len(c.steps) > 0 {
		c.apart, c.sets = c.followed(in)
	}
	c.steps = append(c.steps, in)
	if k := kindOf(in); k != kindClean || c.kind == kindOther {
		c.kind = k
	}
	if s, why := in.Shell(); why == "" {
		for _, x := range s.Commands() {
			if x.Name != "" && strings.Contains(s.Text, "bin/"+x.Name) {
				c.replaced[x.Name] = true
			}
		}
	}
	c.index(in)
}

// followed is apart and sets once b stands behind the last step.
func (c *runChain) followed(b *rewrite.Instruction) (apart bool, sets []string) {
	apart, sets = c.apart, c.sets
	if s, why := c.last().Shell(); why == "" {
		subshell, _ := s.Tied(func(variable string) bool {
			if !slices.Contains(sets, variable) {
				sets = append(sets[:len(sets):len(sets)], variable)
			}
			return false
		})
		apart = apart || subshell
	}
	return apart || slices.ContainsFunc(sets, func(variable string) bool { return readsVariable(b, variable) }), sets
}

// worthwhile: set-up steps of one kind in a row, or a clean-up after what it
// cleans up.
func (c *runChain) worthwhile(b *rewrite.Instruction) bool {
	kb, ka := kindOf(b), c.kind
	switch kb {
	case kindClean:
		return ka == kindClean || (deletes(b) || ka == kindPackages || ka == kindFetch || ka == kindFiles) && touches(b, c.steps)
	case kindPackages, kindFetch, kindFiles:
		return (ka == kb || ka == kindClean && kb == kindFiles) && !c.standsAlone(b) && !ownParagraph(c.last(), b) && c.asItStands(b)
	}
	return false
}

// standsAlone: b brings the index of a package manager that the chain has
// brought, or has taken away again. Joined, they would fetch it twice over in
// one layer, as large as the two. Where the chain has added a repository since,
// b completes it.
func (c *runChain) standsAlone(b *rewrite.Instruction) bool {
	first := true
	for _, x := range readRun(b).cmds {
		k, _ := callOf(x)
		switch f := toolOf(k.tool); {
		case f == "apt-get" && k.verb == "update":
			return c.removed[f] || c.fetched && first && (!c.sources || updatesIndex(b))
		case (f == "dnf" || f == "zypper") && c.removed[f] && k.verb != "clean" && k.verb != "cc":
			return true
		}
		first = first && builtins[x.Name]
	}
	return false
}

// index notes what a step does to the index of its package manager.
func (c *runChain) index(in *rewrite.Instruction) {
	for _, x := range readRun(in).cmds {
		k, _ := callOf(x)
		switch f := toolOf(k.tool); {
		case f == "apt-get" && k.verb == "update":
			c.fetched, c.sources = true, false
		case f == "apt-get":
			c.removed[f] = c.removed[f] || k.verb == "dist-clean"
		case f != "":
			c.removed[f] = k.verb == "clean" || k.verb == "cc"
		case deletesFiles(x) && strings.Contains(x.Key, "/var/lib/apt"):
			c.removed["apt-get"] = true
		default:
			c.sources = c.sources || changesSources(x.Key)
		}
	}
}

// asItStands: with b none of the steps needs parentheses, which one layer less isn't
// worth either.
func (c *runChain) asItStands(b *rewrite.Instruction) bool {
	if _, why := c.last().Shell(); why != "" {
		return true // told by cannotJoin
	}
	if apart, _ := c.followed(b); apart {
		return false
	}
	s, why := b.Shell()
	if why != "" {
		return true // told by cannotJoin
	}
	subshell, _ := s.Tied(nil)
	return !subshell
}
