package rewrite

import (
	"path"
	"slices"
)

var _ = registerManager(&manager{tools: []string{"pipenv"}, vars: []string{"PIPENV_", "WORKON_HOME"}, install: pipenvInstall})

// pipenvFlags are those of pipenv install and sync that read and write nothing else.
const pipenvFlags flags = `--system --deploy --ignore-pipfile --dev -d --clear --verbose -v --quiet -q --pre --python= --three --sequential --keep-outdated --extra-pip-args= --categories= --pypi-mirror= --site-packages --skip-lock`

func pipenvInstall(i *Install, c installCall) bool {
	args := c.args[1:]
	if len(args) == 0 || args[0] != "install" && args[0] != "sync" {
		return false
	}
	i.Name = "pipenv " + args[0]
	line := pipenvFlags.read(args[1:])
	switch {
	case line.unknown != "":
		i.unknown("pipenv %s may read or write other places", line.unknown)
	case len(line.words) > 0:
		i.unknown("pipenv install %s writes Pipfile", line.words[0])
	}
	i.Writes = append(slices.Clone(languages), pathFolders(c.st)...)
	i.looksFor("Pipfile", "Pipfile.lock")
	if c.st.Env["PIPENV_DONT_LOAD_ENV"] == "" {
		i.looksFor(".env")
	}
	if !line.has("--system") {
		i.Writes = append(i.Writes, path.Join(i.Dir, ".venv"))
	}
	if !i.brings(c, "Pipfile") {
		return true
	}
	p := c.repo.Pipenv(i.Ctx)
	if p == nil {
		i.unknown("Pipfile can't be read")
		return true
	}
	i.Files = p.Files
	if p.Unknown != "" {
		i.unknown("%s", p.Unknown)
	}
	switch {
	case p.Lock == "" && !line.has("--skip-lock"):
		i.Writes = append(i.Writes, path.Join(i.Dir, "Pipfile.lock"))
	case args[0] == "install" && !line.has("--deploy", "--ignore-pipfile", "--skip-lock"):
		i.Assumes = p.Lock + " agrees with Pipfile, so that the install doesn't rewrite it"
	}
	return true
}
