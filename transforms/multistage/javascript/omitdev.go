package javascript

import (
	"context"
	"path"
	"strings"

	"drydock/images"
	"drydock/rewrite"
	"drydock/transforms/multistage/split"
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
		if err == nil && ref.Repository() == "node" && b.Parent() == nil && split.Names(b, words("npm"), "run") {
			if c, ok := omitDev(p, b, ref); ok {
				out = append(out, c)
			}
		}
	}
	return out, nil
}

// omitDev prunes one build stage.
func omitDev(p *rewrite.Pass, b *rewrite.Stage, ref images.Ref) (c rewrite.Change, ok bool) {
	n := NewNode(split.New(p, b, ref))
	n.Stays = "development dependencies stay"
	if !n.shipsModules() {
		return c, false
	}
	for _, in := range b.Instructions {
		if in.Keyword == "run" && !n.run(in) {
			return c, false
		}
	}
	if len(n.Installs) != 1 || n.pruned || n.withoutDev(n.Installs[0]) || n.Installs[0].Step.Name != "npm" || !n.folder() || !n.facts() {
		return c, false
	}
	dev := n.Installs[0].Node.DevOnly()
	if len(dev) == 0 || !n.shipsModules() {
		return c, false
	}
	final := split.New(p, p.Doc.Final(), ref)
	final.Stays = n.Stays
	cmds, known := final.Started()
	switch {
	case !known:
		return c, false
	case len(cmds) == 0:
		return c, n.Decline(final.Stage.From, "no CMD or ENTRYPOINT says what runs")
	case split.Names(final.Stage, words("npm npx yarn pnpm node"), "run"):
		return c, n.Decline(final.Stage.From, "the last stage runs more of Node than its start command")
	case strings.Contains(final.Stage.At(nil).Env["PATH"], "node_modules/.bin"):
		return c, n.Decline(final.Stage.From, "PATH holds node_modules/.bin, where a program of one may be meant")
	}
	if last := n.lastRun(); b.At(last).User != b.At(n.Installs[0].in).User {
		return c, n.Decline(last, "it runs as another user than the install, who may not remove packages")
	}
	before := n.Why
	n.tailOnly = true
	if !n.prune(cmds) || len(n.Tail) == 0 {
		if why := strings.TrimPrefix(strings.TrimPrefix(n.Why, before), "; development dependencies stay: "); why != "" {
			n.Decline(n.Installs[0].in, "%s", why)
		}
		return c, false
	}
	n.Explain("the build stage removes %s when it has built; the last stage copies node_modules as before", fewer(dev))
	return rewrite.Change{
		Title:   "leave development dependencies out of the image",
		Why:     "the last stage copies node_modules with the tools of the build in it (npm's documentation of prune)",
		Gain:    "the packages of devDependencies and what they depend on stay behind",
		Plan:    n.Plan,
		Safety:  rewrite.Assumes,
		Assumes: strings.Join(n.Assumes, "; "),
		At:      n.Installs[0].in,
		Adds:    n.Adds,
		Edits:   []rewrite.Edit{p.Doc.InsertAfter(n.lastRun(), strings.Join(n.Tail, ""))},
	}, true
}

// shipsModules: the last stage copies node_modules from this one, which no other
// stage uses. Before the installs are read their folder isn't known, and any
// will do.
func (n *NodeApp) shipsModules() bool {
	ships := false
	for _, o := range n.Doc.Stages[n.Stage.Index+1:] {
		if o.Parent() == n.Stage {
			return false
		}
		for _, in := range o.Instructions {
			for _, m := range in.Mounts() {
				if m["from"] != "" && n.Doc.StageByRef(m["from"], o.Index) == n.Stage {
					return false
				}
			}
			sources, _, from, _ := in.Copy()
			if from == "" || n.Doc.StageByRef(from, o.Index) != n.Stage {
				continue
			}
			if o != n.Doc.Final() {
				return false
			}
			for _, src := range sources {
				modules := path.Join("/", n.AppDir, "node_modules")
				if strings.ContainsAny(src, "$*?[") {
					return false
				}
				ships = ships || n.AppDir == "" || rewrite.Inside(modules, path.Join("/", src))
			}
		}
	}
	return ships
}
