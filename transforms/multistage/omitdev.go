package multistage

import (
	"context"
	"path"
	"strings"

	"drydock/images"
	"drydock/rewrite"
)

// OmitDev is omit-dev, which package transforms registers: a file that has
// stages, whose last one gets node_modules with the tools of the build in it.
func OmitDev() *rewrite.Transform {
	return &rewrite.Transform{
		Name:      "omit-dev",
		Summary:   "Leave development dependencies behind in the build stage",
		Phase:     rewrite.PhaseStages,
		AllAssume: true,
		Doc: `A stage that builds with npm needs the devDependencies; the image that node_modules is
copied to doesn't. npm prune at the end of the build stage removes them
(https://docs.npmjs.com/cli/commands/npm-prune), without running scripts of packages again.

Whether nothing needs one is looked for in the start command, in the npm script that it
names and in the source.`,
		Assumes: `No development dependency is loaded in a way that the source doesn't show, such as a name
that is computed elsewhere.`,
		Declines: `Where a start command, an npm script or the source uses a development dependency, or what
is loaded is computed; where another stage uses the build stage too; for Yarn 1 and pnpm,
workspaces, several packages in a stage, and RUNs that aren't known.`,
		Run: runOmitDev,
	}
}

func runOmitDev(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	d := p.Doc
	if len(d.Stages) < 2 || d.Escape != '\\' || !p.Repo.Known() {
		return nil, nil
	}
	var out []rewrite.Change
	for _, b := range d.Stages[:len(d.Stages)-1] {
		ref, err := images.ParseRef(b.BaseName())
		if err == nil && ref.Repository() == "node" && b.Parent() == nil && names(b, words("npm"), "run") {
			if c, ok := omitDev(p, b, ref); ok {
				out = append(out, c)
			}
		}
	}
	return out, nil
}

// omitDev prunes one build stage.
func omitDev(p *rewrite.Pass, b *rewrite.Stage, ref images.Ref) (c rewrite.Change, ok bool) {
	n := newNodeSplit(newSplit(p, b, ref))
	n.stays = "development dependencies stay"
	if !n.shipsModules() {
		return c, false
	}
	for _, in := range b.Instructions {
		if in.Keyword == "run" && !n.run(in) {
			return c, false
		}
	}
	if len(n.installs) != 1 || n.pruned || n.withoutDev(n.installs[0]) || n.installs[0].step.Name != "npm" || !n.folder() || !n.facts() {
		return c, false
	}
	dev := n.installs[0].node.DevOnly()
	if len(dev) == 0 || !n.shipsModules() {
		return c, false
	}
	final := newSplit(p, p.Doc.Final(), ref)
	final.stays = n.stays
	cmds, known := final.started()
	switch {
	case !known:
		return c, false
	case len(cmds) == 0:
		return c, n.decline(final.stage.From, "no CMD or ENTRYPOINT says what runs")
	case names(final.stage, words("npm npx yarn pnpm node"), "run"):
		return c, n.decline(final.stage.From, "the last stage runs more of Node than its start command")
	case strings.Contains(final.stage.At(nil).Env["PATH"], "node_modules/.bin"):
		return c, n.decline(final.stage.From, "PATH holds node_modules/.bin, where a program of one may be meant")
	}
	if last := n.lastRun(); b.At(last).User != b.At(n.installs[0].in).User {
		return c, n.decline(last, "it runs as another user than the install, who may not remove packages")
	}
	before := n.why
	if !n.prune(cmds) || len(n.tail) == 0 {
		if why := strings.TrimPrefix(strings.TrimPrefix(n.why, before), "; development dependencies stay: "); why != "" {
			n.decline(n.installs[0].in, "%s", why)
		}
		return c, false
	}
	n.explain("the build stage removes %s when it has built; the last stage copies node_modules as before", fewer(dev))
	return rewrite.Change{
		Title:   "leave development dependencies out of the image",
		Why:     "the last stage copies node_modules with the tools of the build in it (npm's documentation of prune)",
		Gain:    "the packages of devDependencies and what they depend on stay behind",
		Plan:    n.plan,
		Safety:  rewrite.Assumes,
		Assumes: strings.Join(n.assumes, "; "),
		At:      n.installs[0].in,
		Adds:    n.adds,
		Edits:   []rewrite.Edit{p.Doc.InsertAfter(n.lastRun(), strings.Join(n.tail, ""))},
	}, true
}

// shipsModules: the last stage copies node_modules from this one, which no other
// stage uses. Before the installs are read their folder isn't known, and any
// will do.
func (n *nodeSplit) shipsModules() bool {
	ships := false
	for _, o := range n.doc.Stages[n.stage.Index+1:] {
		if o.Parent() == n.stage {
			return false
		}
		for _, in := range o.Instructions {
			for _, m := range in.Mounts() {
				if m["from"] != "" && n.doc.StageByRef(m["from"], o.Index) == n.stage {
					return false
				}
			}
			sources, _, from, _ := in.Copy()
			if from == "" || n.doc.StageByRef(from, o.Index) != n.stage {
				continue
			}
			if o != n.doc.Final() {
				return false
			}
			for _, src := range sources {
				modules := path.Join("/", n.app, "node_modules")
				if strings.ContainsAny(src, "$*?[") {
					return false
				}
				ships = ships || n.app == "" || rewrite.Inside(modules, path.Join("/", src))
			}
		}
	}
	return ships
}
