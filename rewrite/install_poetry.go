package rewrite

import (
	"path"
	"slices"
	"strings"
)

var _ = registerManager(&manager{tools: []string{"poetry"}, vars: []string{"POETRY_"}, install: poetryInstall})

// poetryFlags are those of poetry install that read and write nothing else.
const poetryFlags flags = `--no-root --no-dev --dev --only= --without= --with= --no-interaction -n --no-ansi --ansi --sync --compile --all-extras --all-groups --extras= -E= -v -vv -vvv --verbose -q --quiet --no-cache --remove-untracked --dev-only --default`

func poetryInstall(i *Install, c installCall) bool {
	args := c.args[1:]
	for len(args) > 0 && (args[0] == "-n" || args[0] == "--no-interaction" || args[0] == "--no-ansi" || args[0] == "-q" || args[0] == "-v" || args[0] == "-vvv") {
		args = args[1:]
	}
	if len(args) == 0 || args[0] != "install" && args[0] != "sync" {
		return false
	}
	i.Name = "poetry " + args[0]
	line := poetryFlags.read(args[1:])
	if line.unknown != "" || len(line.words) > 0 {
		i.unknown("poetry %s may read or write other places", strings.Join(append(line.words, line.unknown), " "))
	}
	i.Writes = append(slices.Clone(languages), pathFolders(c.st)...)
	i.looksFor("pyproject.toml", "poetry.lock", "poetry.toml")
	if !i.brings(c, "pyproject.toml") {
		return true
	}
	p := c.repo.Poetry(i.Ctx)
	if p == nil {
		i.unknown("pyproject.toml can't be read")
		return true
	}
	i.Files = p.Files
	if p.Unknown != "" {
		i.unknown("%s", p.Unknown)
	}
	if p.Package && !line.has("--no-root") {
		i.unknown("poetry installs the project too, which reads %s; with --no-root here, and a second poetry install behind the COPY, the dependencies could come first", buildReads(c.repo.PythonBuild(i.Ctx)))
	}
	if p.Lock == "" {
		i.Writes = append(i.Writes, path.Join(i.Dir, "poetry.lock"))
	}
	in := p.InProject
	if v, ok := c.st.lookup().Get("POETRY_VIRTUALENVS_IN_PROJECT"); ok {
		in = strings.ToLower(v)
	}
	for _, cmd := range c.ran("poetry") {
		in = i.poetryConfigured(cmd, in)
	}
	if in != "false" && in != "0" { // one that is there is used, whatever virtualenvs.create says
		i.Writes = append(i.Writes, path.Join(i.Dir, ".venv"))
	}
	return true
}

// poetryKeys are settings that move nothing.
var poetryKeys = []string{"virtualenvs.create", "virtualenvs.in-project", "virtualenvs.options.", "virtualenvs.prefer-active-python", "installer.parallel", "installer.max-workers", "http-basic.", "repositories.", "pypi-token.", "certificates.", "warnings.", "experimental.", "solver.", "installer.no-binary"}

// poetryConfigured takes account of an earlier command of Poetry.
func (i *Install) poetryConfigured(cmd Command, inProject string) string {
	args := slices.DeleteFunc(slices.Clone(cmd.Args[1:]), func(a string) bool { return strings.HasPrefix(a, "-") && a != "--local" })
	if len(args) == 0 || args[0] != "config" {
		if len(args) > 1 && args[0] == "self" && args[1] == "add" {
			i.unknown("a plugin of Poetry may read anything")
		}
		return inProject
	}
	if why := poetryConfig(args); why != "" {
		i.unknown("%s", why)
	} else if args[1] == "virtualenvs.in-project" {
		return args[2]
	}
	return inProject
}

// poetryConfig tells why "poetry config …" (with its flags, --local apart, taken
// out) does more than note a harmless setting in the home directory.
func poetryConfig(args []string) string {
	switch {
	case slices.Contains(args, "--local"):
		return "poetry config --local writes poetry.toml"
	case len(args) < 3 || !slices.ContainsFunc(poetryKeys, func(k string) bool { return args[1] == k || strings.HasSuffix(k, ".") && strings.HasPrefix(args[1], k) }):
		return strings.Join(append([]string{"poetry"}, args...), " ") + " may change where Poetry reads and writes"
	}
	return ""
}
