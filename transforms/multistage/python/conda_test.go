package python_test

import (
	"strings"
	"testing"

	"drydock/transforms/multistage/splittest"
)

func TestConda(t *testing.T) {
	const (
		from  = "FROM continuumio/miniconda3:24.5.0-0\nWORKDIR /app\n"
		env   = "COPY environment.yml .\nRUN conda env create -f environment.yml\n"
		code  = "COPY app.py .\n"
		start = "CMD [\"conda\", \"run\", \"-n\", \"tides\", \"python\", \"app.py\"]\n"
		onto  = "ENV PATH=/opt/conda/envs/tides/bin:$PATH\n"
		keeps = "COPY --from=builder /opt/conda/envs/tides /opt/conda/envs/tides\n"
	)
	for name, c := range map[string]struct {
		dockerfile, file, text string
		want                   string // of the file, or of the reason
	}{
		// what starts
		"conda run":                      {from + env + code + start, "", "", "CMD [\"python\", \"app.py\"]"},
		"conda run in a script":          {from + env + code + "CMD conda run -n tides python app.py --port $PORT\n", "", "", "CMD [\"/bin/bash\", \"-c\", \"python app.py --port $PORT\"]"},
		"an entry point and arguments":   {from + env + code + "ENTRYPOINT [\"conda\", \"run\", \"-n\", \"tides\", \"python\"]\nCMD [\"app.py\"]\n", "", "", "ENTRYPOINT [\"python\"]\nCMD [\"app.py\"]"},
		"source activate":                {from + env + code + "CMD [\"bash\", \"-c\", \"source activate tides && python app.py\"]\n", "", "", "CMD [\"python\", \"app.py\"]"},
		"conda.sh, activate":             {from + env + code + "SHELL [\"/bin/bash\", \"-c\"]\nCMD . /opt/conda/etc/profile.d/conda.sh && conda activate tides && python app.py | tee log\n", "", "", "CMD [\"/bin/bash\", \"-c\", \"python app.py | tee log\"]"},
		"the hook":                       {from + env + code + "CMD [\"bash\", \"-c\", \"eval \\\"$(conda shell.bash hook)\\\" && conda activate tides && exec python app.py\"]\n", "", "", "CMD [\"python\", \"app.py\"]"},
		"a login shell":                  {from + env + "RUN echo 'conda activate tides' >> ~/.bashrc\n" + code + "CMD [\"bash\", \"-lc\", \"python app.py\"]\n", "", "", "CMD [\"python\", \"app.py\"]"},
		"a login shell of base":          {from + env + onto + code + "CMD [\"bash\", \"-lc\", \"python app.py\"]\n", "", "", "CMD starts in the environment /opt/conda, and /opt/conda/envs/tides is made"},
		"a login shell on Ubuntu":        {strings.Replace(from, "continuumio/miniconda3:24.5.0-0", "condaforge/miniforge3", 1) + env + "RUN echo 'conda activate tides' >> ~/.bashrc\n" + code + "CMD [\"bash\", \"-lc\", \"python app.py\"]\n", "", "", "CMD starts in the environment /opt/conda,"},
		"conda activate, unknown there":  {from + env + code + "CMD [\"bash\", \"-c\", \"conda activate tides; python app.py\"]\n", "", "", "the shell of CMD doesn't know conda activate"},
		"another environment":            {from + env + code + "CMD [\"conda\", \"run\", \"-n\", \"charts\", \"python\", \"app.py\"]\n", "", "", "CMD starts in the environment /opt/conda/envs/charts"},
		"whatever it is given":           {from + env + code + "ENTRYPOINT [\"conda\", \"run\", \"-n\", \"tides\"]\n", "", "", "ENTRYPOINT leaves to conda whatever the container is started with"},
		"… and CMD says that":            {from + env + code + "# in the environment\nENTRYPOINT [\"conda\", \"run\", \"-n\", \"tides\"]\nCMD [\"python\", \"app.py\"]\n", "", "", keeps + code + "CMD [\"python\", \"app.py\"]\n"},
		"… before the last RUN":          {from + "ENTRYPOINT [\"conda\", \"run\", \"-n\", \"tides\"]\n" + env + code + "CMD [\"python\", \"app.py\"]\n", "", "", keeps + code + "CMD [\"python\", \"app.py\"]\n"},
		"… with a shell in CMD":          {from + env + code + "ENTRYPOINT [\"conda\", \"run\", \"-n\", \"tides\"]\nCMD [\"bash\"]\n", "", "", "in which people work"},
		"a check that echoes":            {from + env + "SHELL [\"conda\", \"run\", \"-n\", \"tides\", \"/bin/bash\", \"-c\"]\nRUN echo \"flask?\"\nRUN python -c \"import flask\"\n" + code + "ENTRYPOINT [\"conda\", \"run\", \"-n\", \"tides\", \"python\", \"app.py\"]\n", "", "", "WORKDIR /app\n" + keeps},
		"a health check":                 {from + env + code + "HEALTHCHECK CMD [\"conda\", \"run\", \"-n\", \"tides\", \"python\", \"app.py\"]\n" + start, "", "", "HEALTHCHECK starts conda"},
		"a path":                         {from + env + code + "CMD [\"/opt/conda/envs/tides/bin/python\", \"app.py\"]\n", "", "", "ENV LANG=C.UTF-8 LC_ALL=C.UTF-8\n"},
		"a path of conda's own":          {from + env + onto + code + "CMD [\"/opt/conda/bin/python\", \"app.py\"]\n", "", "", "CMD has conda"},
		"a shell":                        {from + env + onto + code + "CMD [\"bash\"]\n", "", "", "in which people work"},
		"notebooks":                      {from + env + onto + code + "CMD [\"jupyter\", \"lab\", \"--allow-root\"]\n", "", "", "CMD starts jupyter, in which people work"},
		"no Python by name":              {from + "RUN conda create -n tides -c bioconda samtools\n" + onto + code + "CMD [\"python\", \"app.py\"]\n", "", "", "isn't asked for Python by name"},
		"a program of the environment's": {from + "RUN conda create -n tides -c bioconda samtools=1.20\n" + onto + "CMD [\"samtools\", \"--help\"]\n", "", "", keeps},
		"tini under its entry point":     {"FROM condaforge/miniforge3\nWORKDIR /app\n" + env + code + onto + "CMD [\"python\", \"app.py\"]\n", "", "", "ENTRYPOINT [\"tini\", \"--\"]\nCMD [\"python\", \"app.py\"]"},
		"no entry point of its own":      {from + env + code + onto + "CMD [\"python\", \"app.py\"]\n", "", "", keeps + code + onto + "CMD"},

		// where packages go
		"pip in base":                      {from + "RUN pip install flask\n" + code + "CMD [\"python\", \"app.py\"]\n", "", "", "pip installs into conda's own environment (base)"},
		"pip beside it":                    {from + env + "RUN pip install flask\n" + code + start, "", "", "pip installs into another environment than /opt/conda/envs/tides"},
		"activated without need":           {from + env + "RUN . /opt/conda/etc/profile.d/conda.sh && conda activate tides && pip install flask\n" + code + start, "", "", keeps},
		"activated elsewhere":              {from + env + "RUN . /opt/conda/etc/profile.d/conda.sh && conda activate tides\nRUN pip install flask\n" + code + start, "", "", "pip installs into another environment"},
		"conda install with the PATH only": {from + env + onto + "RUN conda install -y flask\n" + code + "CMD [\"python\", \"app.py\"]\n", "", "", "flask goes to conda's own environment"},
		"conda install, CONDA_DEFAULT_ENV": {from + env + onto + "ENV CONDA_DEFAULT_ENV=tides\nRUN conda install -y flask\n" + code + "CMD [\"python\", \"app.py\"]\n", "", "", keeps},
		"tools in base":                    {from + "RUN conda update -n base -y conda && conda install -y -n base conda-libmamba-solver\n" + env + code + start, "", "", keeps},
		"by an argument":                   {from + "ARG NAME=tides\nRUN conda create -n $NAME python\n" + code + start, "", "", "a build argument names the environment"},
		"by a variable":                    {from + "ENV NAME=tides\nRUN conda create -n $NAME python\n" + code + start, "", "", keeps},
		"another user's":                   {from + "RUN useradd -m skipper\nUSER skipper\n" + env + code + start, "", "", "conda runs as user skipper"},
		"in a mount":                       {from + "COPY environment.yml .\nRUN --mount=type=cache,target=/opt/conda/envs conda env create -f environment.yml\n" + code + start, "", "", "lies in a mount"},
		"a cache of packages":              {from + "COPY environment.yml .\nRUN --mount=type=cache,target=/opt/conda/pkgs conda env create -f environment.yml\n" + code + start, "", "", keeps},
		"links to the cache":               {from + "RUN conda config --set always_softlink true\n" + env + code + start, "", "", "decides where conda keeps"},
		"a copied .condarc":                {from + "COPY .condarc /root/\n" + env + code + start, ".condarc", "envs_dirs:\n  - /envs\n", ".condarc may decide"},
		"a clone":                          {from + "RUN conda create -n tides --clone base\n" + code + start, "", "", "the effects of conda create --clone aren't known"},
		"a file from elsewhere":            {from + "RUN conda env create -f https://example.invalid/environment.yml\n" + code + start, "", "", "whose packages aren't known"},
		"a local path":                     {from + env + code + start, "environment.yml", "name: tides\ndependencies:\n  - python\n  - pip:\n      - -e .\n", "names the local path ."},
		"a lock of conda-lock":             {from + "RUN conda install -n base conda-lock\nCOPY conda-lock.yml .\nRUN conda-lock install --name tides conda-lock.yml\n" + code + start, "conda-lock.yml", "package:\n- name: python\n  manager: conda\n- name: flask\n  manager: pip\n", keeps},

		// what packages need
		"activation matters":      {from + env + code + start, "environment.yml", "name: tides\ndependencies: [python, openjdk]\n", "environment.yml:2: activation sets JAVA_HOME for openjdk"},
		"activation didn't run":   {from + env + onto + code + "CMD [\"python\", \"app.py\"]\n", "environment.yml", "name: tides\ndependencies: [python, openjdk]\n", keeps},
		"variables":               {from + env + code + start, "environment.yml", "name: tides\ndependencies: [python]\nvariables:\n  MODE: ebb\n", "sets variables when the environment is activated"},
		"a script for activation": {from + env + "RUN mkdir -p /opt/conda/envs/tides/etc/conda/activate.d && echo 'export A=1' > /opt/conda/envs/tides/etc/conda/activate.d/a.sh\n" + code + start, "", "", "writes a script for the environment's activation"},
		"git by chance":           {from + env + code + start, "environment.yml", "name: tides\ndependencies: [python, gitpython]\n", "apt-get install -y --no-install-recommends git openssh-client"},
		"git of its own":          {from + env + code + start, "environment.yml", "name: tides\ndependencies: [python, gitpython, git]\n", "FROM debian:13-slim\nENV"},
		"X by chance":             {from + env + code + start, "environment.yml", "name: tides\ndependencies: [python, rdkit]\n", "libsm6 libxext6 libxrender1"},

		// files and variables of conda
		"rights of conda's folder": {from + env + "RUN chmod -R a+rX /opt/conda\n" + code + start, "", "", "chmod -R a+rX /opt/conda\n" + code + "CMD"},
		"rights before it is made": {from + "RUN chmod -R a+rwX /opt/conda\n" + env + code + start, "", "", "it changes /opt/conda, which the runtime stage hasn't there"},
		"libraries of base":        {from + env + "ENV LD_LIBRARY_PATH=/opt/conda/lib\n" + code + start, "", "", "LD_LIBRARY_PATH names /opt/conda/lib, which stays in the build stage"},
		"a PATH of its own":        {from + env + "ENV PATH=/opt/conda/bin:/usr/bin:/bin\n" + code + start, "", "", "it sets PATH without regard"},
		"packages cleaned by hand": {from + env + "RUN rm -rf /opt/conda/pkgs/* && find /opt/conda -name '*.pyc' -delete\n" + code + start, "", "", "-delete\n\nFROM debian:13-slim\n"},
		"a mount of another tool":  {from + env + "RUN wget -q https://example.invalid/model.bin\n" + code + start, "", "", "the effects of wget -q https://example.invalid/model.bin aren't known"},

		"without a WORKDIR": {"FROM continuumio/miniconda3\n" + env + code + start, "", "", "CONDA_DEFAULT_ENV=tides \\\n    PATH=/opt/conda/envs/tides/bin:$PATH\n" + keeps},

		// the base
		"apt, a known release":    {from + "RUN apt-get update && apt-get install -y libgl1-mesa-glx\n" + env + code + start, "", "", "FROM debian:12-slim"},
		"apt, any release":        {strings.Replace(from, "24.5.0-0", "25.3.1-1", 1) + "RUN apt-get update && apt-get install -y ffmpeg\n" + env + code + start, "", "", "FROM debian:13-slim"},
		"apt on a build argument": {"ARG V=24.5.0-0\n" + strings.Replace(from, "24.5.0-0", "$V", 1) + "RUN apt-get update && apt-get install -y libgl1-mesa-glx\n" + env + code + start, "", "", "which release continuumio/miniconda3:24.5.0-0 stands on isn't known"},
		"apt on miniforge":        {"FROM condaforge/miniforge3\nWORKDIR /app\nRUN apt-get update && apt-get install -y ffmpeg\n" + env + code + start, "", "", "FROM ubuntu:24.04"},
		"Alpine":                  {strings.Replace(from, "24.5.0-0", "4.10.3-alpine", 1) + env + code + start, "", "", "FROM continuumio/miniconda3:4.10.3-alpine\n"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"Dockerfile": c.dockerfile, "app.py": "print('tides')\n", "environment.yml": "name: tides\ndependencies:\n  - python=3.12\n"}
			if c.file != "" {
				files[c.file] = c.text
			}
			res := splittest.Files(t, files)
			if !strings.Contains(res.After, c.want) && !strings.Contains(splittest.Reasons(res), c.want) {
				t.Errorf("want %q in\n%s\nor in %q", c.want, res.After, splittest.Reasons(res))
			}
		})
	}
}
