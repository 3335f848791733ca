package transforms

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

func init() {
	fetchers = append(fetchers, &fetcher{
		what: "crates",
		builds: func(c rewrite.Command) bool {
			verb := cargoVerb(c)
			return verb == "build" || verb == "b" || verb == "test" || verb == "check" || verb == "install" && slices.Contains(c.Args, "--path")
		},
		uses: func(c rewrite.Command) bool {
			verb := cargoVerb(c)
			return verb != "" && (verb != "install" || slices.Contains(c.Args, "--path"))
		},
		disturbs: []string{".cargo", "cargo add", "cargo update", "Cargo.toml", "vendor"},
		plan:     crates,
	})
}

// cargoVerb is cargo's subcommand, "" for another program and for --version.
func cargoVerb(c rewrite.Command) string {
	if c.Name != "cargo" {
		return ""
	}
	for _, a := range c.Args[1:] {
		if !strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "+") {
			return a
		}
	}
	return ""
}

// maxDummies is how many empty source files a person still reads.
const maxDummies = 4

// crates fetches what Cargo.lock asks for. Cargo reads no manifest without a
// source file, so empty ones stand in while it fetches; nothing is compiled from
// them and they are gone afterwards, so that no time stamp of theirs can be taken
// for the real file's
// (https://doc.rust-lang.org/cargo/commands/cargo-fetch.html).
func crates(c fetchCall) fetchPlan {
	root, manifest := c.above(c.dir, "Cargo.toml")
	if manifest == "" {
		return fetchPlan{skip: true}
	}
	own := path.Dir(manifest)
	facts := c.p.Repo.Cargo(own)
	inst := rewrite.Install{Dir: root, Ctx: own}
	options, why := cargoOptions(c.cmd.Args)
	switch {
	case facts == nil:
		return fetchPlan{skip: true}
	case why == "offline" || facts.Vendored:
		return fetchPlan{skip: true}
	case why != "":
		return fetchPlan{decline: why}
	case root != c.st.Workdir:
		return fetchPlan{decline: "it builds in another folder than the working directory"}
	case facts.Unknown != "":
		return fetchPlan{decline: facts.Unknown}
	case facts.Dir != own:
		return fetchPlan{decline: "the package belongs to the workspace in " + facts.Dir}
	case !facts.Lock || c.origin(inst.At(path.Join(own, "Cargo.lock"))) == "":
		return fetchPlan{decline: "without Cargo.lock in the image each build decides anew which versions it takes"}
	case len(facts.Sources) > maxDummies:
		return fetchPlan{decline: "Cargo wants a source file in each of the workspace's packages before it fetches"}
	case len(c.cmd.Call.Assigns) > 0 && strings.Contains(c.cmd.Key, "CARGO_"):
		return fetchPlan{decline: "Cargo's settings are set for the build alone"}
	case c.st.User != "" && !c.st.Root():
		return fetchPlan{decline: "the user " + c.st.User + " may not be allowed to make the folders for it"}
	}
	if why := c.misplaced(inst, facts.Files); why != "" {
		return fetchPlan{decline: why}
	}
	inst.Files = facts.Files
	return fetchPlan{
		inst: inst, command: cargoCommand(c, inst, facts.Sources, options),
		assumes: "all crates of Cargo.lock can be fetched, those for other systems included",
	}
}

// cargoOptions are those of a build's options that a fetch needs too; why tells
// of one that asks for another project or for nothing to be fetched.
func cargoOptions(args []string) (out []string, why string) {
	for n, a := range args {
		name, _, assigned := strings.Cut(a, "=")
		switch {
		case a == "--offline" || a == "--frozen":
			return nil, "offline"
		case a == "--locked" || strings.HasPrefix(a, "+"):
			out = append(out, a)
		case name == "--target" && assigned:
			out = append(out, a)
		case a == "--target" && n+1 < len(args):
			out = append(out, a, args[n+1])
		case name == "--manifest-path" || name == "--config" || name == "--path" && n+1 < len(args) && args[n+1] != ".":
			return nil, "it builds another folder's package"
		}
	}
	if slices.ContainsFunc(out, func(a string) bool { return strings.ContainsAny(a, "$`*?\"'") }) {
		return nil, "the target is computed"
	}
	return out, ""
}

func cargoCommand(c fetchCall, inst rewrite.Install, sources, options []string) string {
	var files, dirs []string
	for _, s := range sources {
		f := rel(c.st.Workdir, inst.At(s))
		files = append(files, f)
		if d := path.Dir(f); !slices.Contains(dirs, d) {
			dirs = append(dirs, d)
		}
	}
	words := []string{"cargo"}
	if len(options) > 0 && strings.HasPrefix(options[0], "+") { // the toolchain
		words, options = append(words, options[0]), options[1:]
	}
	words = append(append(words, "fetch"), options...)
	if len(files) == 0 {
		return strings.Join(words, " ")
	}
	return "mkdir -p " + strings.Join(dirs, " ") + " && touch " + strings.Join(files, " ") + " && " + strings.Join(words, " ") + " && rm -r " + strings.Join(dirs, " ")
}
