package transforms

import (
	"context"
	"slices"
	"strings"

	"drydock/rewrite"
)

// clean-packages has every package manager leave its index and its cache out
// of the layer, run without questions, and fetch its index where it installs.
var _ = register(&rewrite.Transform{
	Name:    "clean-packages",
	Summary: "Keep package indexes and caches out of the layers",
	Phase:   rewrite.PhasePackages,
	Rules:   []string{"DL3009", "DL3014", "DL3019", "DL3027", "DL3030", "DL3032", "DL3034", "DL3036", "DL3038", "DL3040", "DL3042", "DL3060"},
	Apart:   true,
	Doc: `What a package manager keeps for next time (indexes, archives, wheels, tarballs)
stays in the layer of the RUN that fetched it, where nothing will use it; a later
RUN can't take it out again
(https://docs.docker.com/build/building/best-practices/#apt-get).

| manager | what is done | rule |
| --- | --- | --- |
| apt-get, apt | index fetched in the RUN that installs and removed there; -y; apt becomes apt-get; ENV DEBIAN_FRONTEND becomes ARG | hadolint DL3009, DL3014, DL3027 |
| apk | --no-cache in place of --update, apk update and a cleanup (https://github.com/hadolint/hadolint/wiki/DL3019) | DL3019 |
| dnf, yum, microdnf | clean all (https://dnf.readthedocs.io/en/latest/command_ref.html#clean-command); -y | DL3032, DL3040, DL3030, DL3038 |
| zypper | clean --all; --non-interactive | DL3036, DL3034 |
| pip | --no-cache-dir (https://pip.pypa.io/en/stable/topics/caching/) | DL3042 |
| uv | --no-cache (https://docs.astral.sh/uv/guides/integration/docker/#caching) | |
| npm | npm cache clean --force (https://docs.npmjs.com/cli/commands/npm-cache) | |
| yarn 1 | yarn cache clean (https://classic.yarnpkg.com/lang/en/docs/cli/cache/) | DL3060 |
| conda, mamba | clean --all --yes (https://docs.conda.io/projects/conda/en/stable/commands/clean.html) | |
| composer | composer clear-cache (https://getcomposer.org/doc/03-cli.md) | |
| gem | --no-document (https://guides.rubygems.org/command-reference/#gem-install) | |
| cargo | registry removed after the stage's only build (https://doc.rust-lang.org/cargo/guide/cargo-home.html) | |
| go | go clean -cache, and -modcache, after the stage's last build (https://pkg.go.dev/cmd/go#hdr-Remove_object_files_and_cached_files) | |

A cleanup that is there is found in any spelling and not repeated. Where a later
RUN installs from the index of an earlier one, it first gets an index update of
its own (a stale index from the cache asks for packages that are gone), and only
then the earlier one is cleaned. A variable set by ENV is in force in every
container and in every image built from this one; ARG holds for the build alone
(https://docs.docker.com/reference/dockerfile/#environment-replacement).`,
	Declines: `Stages that don't ship keep their caches. A step is left alone where a cache
mount, a variable or an option sends the cache elsewhere, where a later step,
child stage, ONBUILD or the start command installs from the index and can't get
an update of its own, where a script ends in a way that lets nothing be put behind
it (background job, exec, a comment), where the manager is removed in the same
step, and where the manager runs only under a condition. yarn is left alone
unless it is known to be version 1 (in later ones the cache may be what runs),
and pnpm's store always: node_modules links into it, so it costs next to nothing.`,
	Assumes: `For the index of apt: a script that drydock can't read doesn't install from
the index of an earlier step. For DEBIAN_FRONTEND: nothing that runs in the container
relies on it. For gem: nobody reads the gems' documentation there. For Go and cargo:
nobody builds there. For -y behind a list with ";": the command is meant to succeed.`,
	Run: runCleanPackages,
})

// packagePass is what one run of the transform gathers.
type packagePass struct {
	*rewrite.Pass
	runs  []packageRun
	ships []*rewrite.Stage
	out   []rewrite.Change
}

func runCleanPackages(_ context.Context, p *rewrite.Pass) ([]rewrite.Change, error) {
	pp := &packagePass{Pass: p, runs: packageRuns(p.Doc, managerNames)}
	pp.frontend()
	if len(pp.runs) == 0 {
		return pp.out, nil
	}
	pp.ships = p.Shipping()
	for i := range pp.runs {
		r := &pp.runs[i]
		if r.s == nil {
			continue
		}
		if slices.ContainsFunc(r.calls, func(k call) bool { return toolOf(k.tool) == "apt-get" }) {
			pp.aptNames(r)
		}
		pp.yes(r)
	}
	for i := range pp.runs {
		if r := &pp.runs[i]; strings.Contains(r.at.Raw(), "apt") {
			pp.apt(r)
		}
	}
	for i := range pp.runs {
		r := &pp.runs[i]
		if r.s == nil || len(r.calls) == 0 || !slices.Contains(pp.ships, r.in.Stage) {
			continue
		}
		pp.options(r)
		pp.cleanups(r)
	}
	return pp.out, nil
}

// propose makes a change of the edits; false when they can't be made.
func (pp *packagePass) propose(r *packageRun, e *rewrite.ScriptEdit, c rewrite.Change) bool {
	c.At = r.at
	if r.in.Trigger() {
		c.Config |= rewrite.FieldOnBuild
	}
	if c.Assumes != "" {
		c.Safety = rewrite.Assumes
	}
	if e.Empty() || !e.Into(&c) {
		return false
	}
	pp.out = append(pp.out, c)
	return true
}
