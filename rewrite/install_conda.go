package rewrite

import (
	"path"
	"slices"
	"strings"
)

var _ = registerManager(&manager{tools: []string{"conda", "mamba", "micromamba"}, vars: []string{"CONDA_", "MAMBA_"}, install: condaInstall})

// condaFlags are those of conda env create, env update, install and create that
// read and write nothing else; the files and prefixes among them are looked at.
const condaFlags flags = `-f= --file= -n= --name= -p= --prefix= -y --yes -q --quiet -v --prune --force -c= --channel= --override-channels --no-deps --freeze-installed --update-deps --strict-channel-priority --channel-priority= --solver= --experimental-solver= --no-rc -k --no-channel-priority --copy --always-copy --dry-run`

// condaHomes are where conda, its packages and environments lie in the images
// there are; a prefix on PATH is added.
var condaHomes = []string{"/opt/conda", "/opt/miniconda", "/opt/miniconda3", "/opt/anaconda", "/opt/anaconda3", "/opt/miniforge", "/opt/miniforge3", "/opt/mambaforge", "/opt/micromamba", "/root", "/tmp", "/var/tmp", "/usr/local", "/home/mambauser", "/home/jovyan/.conda", "/home/jovyan/.cache", "/miniconda", "/miniconda3", "/anaconda", "/anaconda3"}

func condaInstall(i *Install, c installCall) bool {
	args := c.args[1:]
	if len(args) > 0 && args[0] == "env" {
		args = args[1:]
	}
	if len(args) == 0 || args[0] != "create" && args[0] != "update" && args[0] != "install" {
		return false
	}
	env := c.args[1] == "env"
	i.Name = strings.Join(c.args[:len(c.args)-len(args)+1], " ")
	line := condaFlags.read(args[1:])
	files := line.values("-f", "--file")
	switch {
	case env && len(files) == 0 && len(line.words) == 0:
		files = []string{"environment.yml"}
	case len(files) == 0 && !env:
		return false
	}
	if line.unknown != "" {
		i.unknown("%s %s may read or write other places", i.Name, line.unknown)
	}
	i.Writes = append(slices.Clone(condaHomes), pathFolders(c.st)...)
	for _, p := range line.values("-p", "--prefix") {
		abs, ok := c.st.Abs(p)
		if !ok {
			i.unknown("the prefix %s is computed", p)
		}
		i.Writes = append(i.Writes, abs)
	}
	for _, w := range line.words {
		if strings.ContainsAny(w, "/$") && !strings.Contains(w, "::") {
			i.unknown("%s takes %s", i.Name, w)
		}
	}
	for _, f := range files {
		i.condaFile(c, f)
	}
	return true
}

func (i *Install) condaFile(c installCall, f string) {
	abs, ok := c.st.Abs(f)
	if !ok || strings.Contains(f, "://") {
		i.unknown("%s reads %s", i.Name, f)
		return
	}
	ctx, ok := c.origin(abs)
	if !ok || !c.repo.Exists(ctx) {
		i.unknown("%s doesn't come from the build context", f)
		return
	}
	if !i.place(abs, ctx) {
		i.unknown("%s is copied from another folder than the file before it", f)
	}
	switch path.Ext(ctx) {
	case ".yml", ".yaml":
		e := c.repo.CondaEnv(ctx)
		i.Files = append(i.Files, e.Files...)
		if e.Unknown != "" {
			i.unknown("%s", e.Unknown)
		}
	default: // a list of packages, which includes nothing
		i.Files = append(i.Files, ctx)
	}
}
