package python

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/rewrite"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// Images of conda. An environment brings every library but the C library, so its
// folder is copied to the same path of Debian's slim image: the path stays, because
// the files of an environment hold it (conda-build, "Making packages relocatable").
// conda-pack, the other way, needs one more package and unpacks to another path.
//
// Conda's own environment, base, declines: what conda needs and what the
// application needs can't be told apart there. It declines also where activation
// sets more than the PATH for a package (conda_needs.go), where a script of the
// project calls conda, and for commands that it doesn't know. What starts in the
// container is in conda_start.go, what RUNs do in conda_env.go and conda_run.go.
//
// mambaorg/micromamba is a slim Debian with one program more. It is split only
// where a compiler is installed, onto the same image.

// Conda is the recipe for conda.
var Conda = split.Recipe{
	Name:    "conda",
	Bases:   condaBases,
	Words:   words("conda mamba micromamba conda-lock pip pip3"),
	AnySize: true,
	Doc: `- Conda, mamba and micromamba: the environment that is made, copied to the same path of
  debian:13-slim. What conda run or an activation starts is started itself, with the
  environment's folder on the PATH.`,
	Reads: func(in *rewrite.Instruction) bool { _, ok := condaShell(in.Stage.At(in).Shell); return ok },
	Split: splitConda,
}

// condaPrograms stay in the build stage.
var condaPrograms = words(`conda mamba micromamba conda-lock conda-env`)

type condaSplit struct {
	*App
	micro    bool                    // on micromamba's image, which the runtime stage stands on too
	prefix   string                  // the environment that is made
	name     string                  // its name, "" for one that only its path tells
	listed   map[string]condaPackage // what it is asked to hold
	login    string                  // the environment that ~/.bashrc activates
	last     *rewrite.Instruction    // the last RUN that changes it
	owner    string                  // the environment's owner, as --chown says it
	active   bool                    // what starts is started in the activated environment
	unlisted string                  // a file whose packages can't be read
	release  string                  // Debian's or Ubuntu's, where apt's packages have to be of the base's; "" for none
	foreign  bool                    // apt installs packages, and what the base calls its release isn't known
	touching []condaTouch            // file commands that name conda's folder or the environment
}

func splitConda(s *split.Split) bool {
	tag := s.Ref.Tag
	c := &condaSplit{App: &App{Split: s, Files: map[string]bool{}, Manifests: map[string]bool{}, managed: true}, micro: s.Ref.Repository() == "mambaorg/micromamba", listed: map[string]condaPackage{}}
	if strings.Contains(tag, "alpine") || strings.Contains(tag, "cuda") || strings.Contains(tag, "amazon") || strings.Contains(tag, "fedora") || strings.Contains(tag, "centos") {
		return false
	}
	if c.micro && !distro.DropsToolchain(s.Stage, distro.Compiler) {
		return false
	}
	c.chooseBase(tag)
	for _, in := range s.Stage.Instructions {
		if in.Keyword == "run" && !c.run(in) {
			return false
		}
	}
	if c.last == nil {
		return false // nothing is installed
	}
	s.SettleUpdates()
	if !c.settled() || !c.starts() {
		return false
	}
	if _, ok := s.CanStart(); !ok {
		return false
	}
	if why := cmp.Or(c.packages(), c.needs()); why != "" {
		return s.Decline(c.last, "%s", why)
	}
	if why := cmp.Or(c.sourceCalls(), s.SourceLacks(".py")); why != "" {
		return s.Decline(c.last, "%s", why)
	}
	if why := c.foreignNames(); why != "" {
		return s.Decline(s.Stage.From, "%s", why)
	}
	if !c.place() {
		return false
	}
	c.shells()
	c.bring()
	return true
}

// settled holds what must be known once all RUNs are read.
func (c *condaSplit) settled() bool {
	switch {
	case c.prefix == "":
		return c.Decline(c.last, "packages go to conda's own environment (base), where they can't be told from what conda itself needs: an environment of their own (conda create -n NAME) can be copied")
	case c.unlisted != "":
		return c.Decline(c.last, "%s", c.unlisted)
	}
	if ctx, by := c.Stage.Origin(nil, c.prefix, c.Pass.Repo, c.Pass.Name); by != nil && c.Pass.Repo.Exists(ctx) {
		return c.Decline(by, "%s of the build context is copied over the environment", ctx)
	}
	for _, n := range []string{"CONDA_ENVS_PATH", "CONDA_ENVS_DIRS", "CONDA_ALWAYS_SOFTLINK", "CONDA_ALLOW_SOFTLINKS", "CONDARC"} {
		if v, ok := c.Stage.At(nil).Env[n]; ok {
			return c.Decline(c.last, "%s=%s decides where conda keeps an environment's files", n, v)
		}
	}
	if !c.folders() {
		return false
	}
	files, _ := c.Pass.Repo.Files()
	for _, f := range files {
		if !strings.HasSuffix(f, "condarc") && !strings.HasSuffix(f, ".mambarc") {
			continue
		}
		src, err := c.Pass.Repo.ReadFile(f)
		if err != nil || strings.Contains(string(src), "softlink") || strings.Contains(string(src), "envs_dirs") {
			return c.Decline(c.last, "%s may decide where conda keeps an environment's files", f)
		}
	}
	if c.Editable && !c.modern() {
		for _, o := range c.old {
			c.links(o.in, o.dir)
		}
	}
	return true
}

// condaTouch is a file command in a RUN.
type condaTouch struct {
	in    *rewrite.Instruction
	words []string
}

// folders declines where the runtime stage would name files of conda that it hasn't.
func (c *condaSplit) folders() bool {
	if c.micro {
		return true
	}
	for _, t := range c.touching {
		for _, w := range t.words {
			w = path.Clean(strings.TrimRight(w, "*"))
			if !rewrite.Inside(w, condaRoot) && !rewrite.Inside(w, c.prefix) {
				continue
			}
			if t.in.Index <= c.last.Index || !rewrite.Inside(w, c.prefix) && !rewrite.Inside(c.prefix, w) {
				return c.Decline(t.in, "it changes %s, which the runtime stage hasn't there", w)
			}
		}
	}
	for _, in := range c.Stage.Instructions {
		switch in.Keyword {
		case "env":
			if why := c.strayEnv(in); why != "" {
				return c.Decline(in, "%s", why)
			}
		case "copy", "add":
			for _, t := range c.Pass.Effects(in).Trees {
				if rewrite.Inside(t.Dest, condaRoot) && c.Roles[in] != split.InBuild {
					return c.Decline(in, "it writes into conda's folder, %s", condaRoot)
				}
			}
		}
	}
	return true
}

// condaOwn are variables that may name conda's folder; nothing but conda reads them.
var condaOwn = words(`CONDA_DIR CONDA_ROOT CONDA_HOME CONDA_EXE CONDA_PATH MAMBA_ROOT_PREFIX CONDA_PYTHON_EXE CONDA_PKGS_DIRS MINICONDA_HOME MINICONDA_PATH`)

// strayEnv tells of an ENV that names files of conda outside the environment, or
// that sets the PATH without regard to what it was.
func (c *condaSplit) strayEnv(in *rewrite.Instruction) string {
	env, ok := in.Cmd.(*instructions.EnvCommand)
	if !ok {
		return ""
	}
	at := c.Stage.At(in)
	for _, kv := range env.Env {
		if condaOwn[kv.Key] {
			continue
		}
		if kv.Key == "PATH" && !strings.Contains(kv.Value, "$PATH") && !strings.Contains(kv.Value, "${PATH}") {
			return "it sets PATH without regard to the one of the image"
		}
		for _, dir := range strings.Split(at.Expand(kv.Value), ":") {
			stray := rewrite.Inside(dir, condaRoot) && !rewrite.Inside(dir, c.prefix)
			if stray && (kv.Key != "PATH" || path.Base(dir) != "bin" && path.Base(dir) != "condabin") {
				return kv.Key + " names " + dir + ", which stays in the build stage"
			}
		}
	}
	return ""
}

// onPath: ENV puts the environment's programs first.
func (c *condaSplit) onPath(in *rewrite.Instruction) bool {
	first, _, _ := strings.Cut(c.Stage.At(in).Env["PATH"], ":")
	return c.prefix != "" && first == c.prefix+"/bin"
}

// bring writes the lines of the runtime stage, and the plan.
func (c *condaSplit) bring() {
	line := c.CopyFrom(c.prefix, c.prefix)
	if c.owner != "" {
		line = c.Keyword("COPY") + " --from=" + c.Builder + " --chown=" + c.owner + " " + c.prefix + " " + c.prefix
	}
	if c.writer == nil || !rewrite.Inside(c.prefix, c.written) {
		c.carry(c.last, line)
	}
	if !c.micro {
		c.environ()
	}
	c.leaveUsers()
	c.Explain("the environment %s is copied whole, to the same path, which its files hold; conda and its packages stay in the build stage", c.prefix)
	switch {
	case c.micro:
		c.Explain("the runtime stage begins on the same %s, without the compilers and headers that apt installs for the build", c.Base)
	case c.release != "":
		c.Explain("the base is %s, the release that %s stands on, so that apt's packages have the same names", c.Base, c.Stage.BaseName())
	default:
		c.Explain("the base is %s: an environment brings all libraries but the C library, and that of Debian %s isn't older than the one of %s", c.Base, condaDebian, c.Stage.BaseName())
	}
	if c.Pass.Policy == split.Distroless || c.Pass.Policy == split.Smallest {
		c.Explain("it isn't distroless: programs of an environment may be scripts for a shell, and which are isn't known")
	}
	if c.writer != nil {
		c.Explain("%s is copied from the build stage, where line %d writes into it", c.written, c.writer.Line)
	}
	if c.micro {
		c.Why = "compilers and headers are installed, which only the install of the packages needs"
		c.Gain = "compilers and headers stay behind (build-essential about 90 MB compressed)"
		c.Assumes = append(c.Assumes, "the program needs no compiler and no header at run time, and no library beyond those of the environment and those that are installed again")
		return
	}
	c.Why = "conda, its own Python and its packages make environments, and are of no use to a program that runs in one"
	c.Gain = "conda and its own environment stay behind: about 150 MB for miniconda's, over 1 GB for anaconda's (compressed)"
	c.Assumes = append(c.Assumes, "the environment needs nothing of the system at run time beyond the C library and what is installed again, and nothing of conda's own environment")
	if c.active {
		c.Assumes = append(c.Assumes, "what activation does beyond setting PATH, CONDA_PREFIX and CONDA_DEFAULT_ENV (scripts in "+c.prefix+"/etc/conda/activate.d) isn't needed")
	}
}

// leaveUsers leaves a USER to the build stage where the next one follows before
// anything of the runtime stage depends on it.
func (c *condaSplit) leaveUsers() {
	for _, in := range c.Stage.Instructions {
		if in.Keyword != "user" || c.Roles[in] != split.InBoth || in.Index > c.last.Index {
			continue
		}
		for next := in.Next(); next != nil; next = next.Next() {
			if next.Keyword == "user" {
				c.Roles[in] = split.InBuild
				break
			}
			if c.Instead[next] != nil || c.Ahead[next] != nil || c.Roles[next] != split.InBuild && next.Keyword != "env" && next.Keyword != "label" && next.Keyword != "expose" {
				break
			}
		}
	}
}

// environ is the ENV that conda's images have and Debian's hasn't, with what an
// activation sets.
func (c *condaSplit) environ() {
	env := c.Stage.At(nil).Env
	var vars []string
	for _, n := range []string{"LANG", "LC_ALL"} {
		if _, ok := env[n]; !ok {
			vars = append(vars, n+"=C.UTF-8")
		}
	}
	if c.active {
		vars = append(vars, "CONDA_PREFIX="+c.prefix)
		if c.name != "" {
			vars = append(vars, "CONDA_DEFAULT_ENV="+c.name)
		}
		if !c.onPath(nil) {
			vars = append(vars, "PATH="+c.prefix+"/bin:$PATH")
		}
	}
	if len(vars) == 0 {
		return
	}
	sep := " \\\n    "
	if !c.active {
		sep = " "
	}
	c.BaseEnv = c.Keyword("ENV") + " " + strings.Join(vars, sep)
	if !c.active {
		c.Explain("%s are what %s sets by itself", strings.Join(vars, " and "), c.Stage.BaseName())
	}
}

// shells takes conda out of SHELL: the runtime stage has bash, and says so where it
// still runs scripts.
func (c *condaSplit) shells() {
	for _, in := range c.Stage.Instructions {
		if in.Keyword != "shell" || c.micro {
			continue
		}
		sh, ok := in.Cmd.(*instructions.ShellCommand)
		if !ok {
			continue
		}
		if _, conda := condaShell(sh.Shell); !conda && !slices.ContainsFunc(sh.Shell, isLogin) {
			continue
		}
		c.Roles[in] = split.InBuild
		c.Config |= rewrite.FieldShell
		if c.needsShell(in) {
			c.Instead[in] = append(c.Instead[in], c.Keyword("SHELL")+` ["/bin/bash", "-c"]`)
		}
	}
}
