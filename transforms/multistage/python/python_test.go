package python_test

import (
	"slices"
	"strings"
	"testing"

	"drydock/transforms/multistage/splittest"
)

func python(base string, lines ...string) map[string]string {
	return map[string]string{
		"Dockerfile":       "FROM python:" + base + "\nWORKDIR /app\n" + strings.Join(lines, "\n") + "\n",
		"requirements.txt": "flask\n", "app.py": splittest.FlaskApp,
	}
}

// What the runtime stage installs for what is installed by pip, or for what runs.
func TestPythonRequires(t *testing.T) {
	const cmd = `CMD ["python", "app.py"]`
	for _, c := range []struct{ base, install, cmd, want string }{
		{"3.11-bookworm", "pip install python-ldap", cmd, "libldap-2.5-0 libsasl2-2"},
		{"3.11-bullseye", "pip install python-ldap", cmd, "libldap-2.4-2 libsasl2-2"},
		{"3.12-trixie", "pip install opencv-python", cmd, "libglib2.0-0t64"},
		{"3.12-bookworm", "pip install python-magic GitPython", cmd, "git libmagic1 openssh-client"},
		{"3.12-bookworm", "pip install lxml==4.6.2", cmd, "libxml2 libxslt1.1"},
		{"3.12-bookworm", "pip install lxml==5.3.0 pyzbar psycopg[binary]", cmd, ""},
		{"3.12-bookworm", "pip install --no-binary psycopg2-binary,x psycopg2-binary", cmd, "libpq5"},
		{"3.12-bookworm", "pip install pycurl==7.43.0.6", cmd, "libcurl4"},
		{"3.12-bookworm", "pip install flask", "HEALTHCHECK CMD wget -q localhost:80\n" + cmd, "wget"},
		{"3.12-bookworm", "apt-get update && apt-get install -y postgresql-client && pip install psycopg2", cmd, "postgresql-client"},
	} {
		res := splittest.Files(t, python(c.base, "RUN "+c.install, "COPY . .", c.cmd))
		got := ""
		if _, stage, ok := strings.Cut(res.After, "\nFROM "); ok {
			_, line, _ := strings.Cut(stage, "apt-get install ")
			line, _, _ = strings.Cut(line, " &&")
			got = strings.Join(slices.DeleteFunc(strings.Fields(line), func(w string) bool { return strings.HasPrefix(w, "-") }), " ")
		} else {
			t.Errorf("%s on %s: declined: %s", c.install, c.base, splittest.Reasons(res))
		}
		if got != c.want {
			t.Errorf("%s on %s: installs %q, want %q\n%s", c.install, c.base, got, c.want, res.After)
		}
	}
}

func TestPythonManagers(t *testing.T) {
	toml := "[project]\nname = \"tides\"\nversion = \"1\"\nrequires-python = \">=3.10\"\ndependencies = [\"psycopg2\"]\n"
	poetry := "[tool.poetry]\nname = \"tides\"\n[tool.poetry.dependencies]\npython = \"^3.10\"\nflask = \"*\"\n[tool.poetry.scripts]\nserve = \"app:main\"\n"
	for _, c := range []struct {
		name  string
		lines []string
		files map[string]string
		want  []string // in the new file, or the reason why there is none
	}{
		{"uv: the lock tells what is installed", []string{"COPY --from=ghcr.io/astral-sh/uv:latest /uv /bin/", "COPY . .", "RUN uv sync --frozen --no-dev", `CMD ["uv", "run", "app.py"]`},
			map[string]string{"pyproject.toml": toml, "uv.lock": "[[package]]\nname = \"psycopg2\"\nversion = \"2.9\"\ndependencies = [{ name = \"six\" }]\n\n[[package]]\nname = \"gitpython\"\nversion = \"3\"\n"},
			[]string{"--no-install-recommends libpq5 &&", "COPY --from=builder /app/.venv /app/.venv\nENV PATH=/app/.venv/bin:$PATH\nCOPY . .\n", `CMD ["python", "app.py"]`}},
		{"uv: mounts of the context", []string{"RUN --mount=from=ghcr.io/astral-sh/uv,source=/uv,target=/bin/uv --mount=type=bind,source=pyproject.toml,target=pyproject.toml uv sync --no-install-project", "COPY . .", `CMD ["/app/.venv/bin/python", "app.py"]`},
			map[string]string{"pyproject.toml": strings.Replace(toml, "psycopg2", "flask", 1)}, []string{"COPY --from=builder /app/.venv /app/.venv\nCOPY . .\nCMD [\"/app/.venv/bin/python\""}},
		{"uv: into /usr/local", []string{"ENV UV_PROJECT_ENVIRONMENT=/usr/local", "COPY . .", "RUN uv sync", `CMD ["python", "app.py"]`}, map[string]string{"pyproject.toml": toml}, []string{"is no folder of its own"}},
		{"uv: a newer Python", []string{"COPY . .", "RUN pip install uv && uv sync", `CMD ["uv", "run", "app.py"]`}, map[string]string{"pyproject.toml": strings.Replace(toml, "3.10", "3.14", 1)}, []string{"pyproject.toml asks for Python >=3.14"}},
		{"poetry: no environment of its own", []string{"RUN pip install poetry && poetry config virtualenvs.create false", "COPY pyproject.toml .", "RUN poetry install --only main --no-root", "COPY app.py .", `CMD ["python", "app.py"]`},
			map[string]string{"pyproject.toml": poetry}, []string{"RUN python -m venv /venv\nRUN VIRTUAL_ENV=/venv poetry install --only main --no-root\n", "COPY --from=builder /venv /venv\nENV PATH=/venv/bin:$PATH\n"}},
		{"poetry: a script of the manifest", []string{"RUN pip install poetry", "COPY . .", "RUN poetry install --no-root", `CMD ["poetry", "run", "serve"]`}, map[string]string{"pyproject.toml": poetry}, []string{"serve is a script of pyproject.toml"}},
		{"poetry: an entry point calls it", []string{"RUN pip install poetry", "COPY . .", "RUN poetry install --no-root", `ENTRYPOINT ["./run.sh"]`}, map[string]string{"pyproject.toml": poetry, "run.sh": "#!/bin/sh\npoetry run python app.py\n"}, []string{"run.sh runs poetry"}},
		{"pipenv: its own environment", []string{"RUN pip install pipenv", "COPY Pipfile .", "RUN pipenv sync", "COPY . .", `CMD ["pipenv", "run", "python", "app.py"]`}, map[string]string{"Pipfile": "[packages]\nflask = \"*\"\n"},
			[]string{"RUN PIPENV_VENV_IN_PROJECT=1 pipenv sync", `CMD ["python", "app.py"]`}},
		{"uv: beside Python, started in another environment", []string{"COPY . .", "RUN pip install uv && uv pip install --system -r requirements.txt", `CMD ["uv", "run", "app.py"]`}, nil, []string{"runs in an environment that is made then"}},
		{"setup.py: all of /usr/local", []string{"COPY . .", "RUN python setup.py develop", `CMD ["python", "app.py"]`}, map[string]string{"setup.py": "from setuptools import setup\nsetup(name='x', install_requires=['mysqlclient'])\n"},
			[]string{"COPY --from=builder /usr/local /usr/local\nCOPY --from=builder /app /app\n", "libmariadb3"}},
		{"venv: activated in the RUN", []string{"COPY requirements.txt .", "RUN python -m venv /opt/env && . /opt/env/bin/activate && pip install -r requirements.txt", "COPY . .", `CMD ["/opt/env/bin/python", "app.py"]`}, nil,
			[]string{"COPY --from=builder /opt/env /opt/env\nCOPY . .\n"}},
		{"venv: another one is copied over it", []string{"COPY . .", "RUN python -m venv /app/env && /app/env/bin/pip install flask", `CMD ["/app/env/bin/python", "app.py"]`}, map[string]string{"env/pyvenv.cfg": "home = /usr\n"}, []string{"is copied over the virtual environment"}},
	} {
		files := python("3.12", c.lines...)
		for f, text := range c.files {
			files[f] = text
		}
		res := splittest.Files(t, files)
		for _, w := range c.want {
			if !strings.Contains(res.After+splittest.Reasons(res), w) {
				t.Errorf("%s: no %q; declined: %s\n%s", c.name, w, splittest.Reasons(res), res.After)
			}
		}
	}
}

// Each fact that keeps the runtime stage off distroless.
func TestPythonDistroless(t *testing.T) {
	run := "RUN pip install flask"
	for _, c := range []struct {
		base  string
		lines []string
		app   string
		want  string
	}{
		{"3.11-bookworm", []string{run, "COPY . .", `CMD ["python", "-u", "app.py"]`}, splittest.FlaskApp, "FROM gcr.io/distroless/python3-debian12:nonroot\nWORKDIR /app\nCOPY --from=builder /install/lib/python3.11/site-packages /usr/local/lib/python3.11/dist-packages\nCOPY . .\nCMD [\"-u\", \"app.py\"]"},
		{"3.11-bullseye", []string{run, "COPY . .", `ENTRYPOINT ["flask"]`, `CMD ["run"]`}, splittest.FlaskApp, "ENTRYPOINT [\"/usr/bin/python3.11\", \"-m\", \"flask\"]\nCMD [\"run\"]"},
		{"3.13-trixie", []string{run, "COPY . .", `CMD ["uvicorn", "app:app"]`}, splittest.FlaskApp, "python3-debian13:nonroot"},
		{"3.11-trixie", []string{run, "COPY . .", `CMD ["python", "app.py"]`}, splittest.FlaskApp, "may need a newer C library"},
		{"3.12", []string{run, "COPY . .", `CMD ["python", "app.py"]`}, splittest.FlaskApp, "none has Python 3.12"},
		{"3.11-bookworm", []string{run, "COPY . .", `CMD python app.py`}, splittest.FlaskApp, "CMD is in shell form"},
		{"3.11-bookworm", []string{run, "COPY . .", `CMD ["uwsgi", "x.ini"]`}, splittest.FlaskApp, "CMD runs uwsgi"},
		{"3.11-bookworm", []string{"RUN pip install psycopg2", "COPY . .", `CMD ["python", "app.py"]`}, splittest.FlaskApp, "the runtime stage installs libpq5"},
		{"3.11-bookworm", []string{run, "COPY . .", `CMD ["python", "app.py"]`}, "import os\nos.system('ls')\n", "app.py:2 starts other programs"},
		{"3.11-bookworm", []string{run, "COPY . .", `CMD ["python", "app.py"]`}, "import pkg_resources\n", "app.py:1 imports pkg_resources"},
		{"3.11-bookworm", []string{run, "COPY . .", `CMD ["python", "app.py"]`}, "open('log', 'w').write('x')\n", "FROM gcr.io/distroless/python3-debian12:latest\n"},
		{"3.11-bookworm", []string{run, "RUN useradd clerk", "COPY . .", "USER clerk", `CMD ["python", "app.py"]`}, splittest.FlaskApp, "it has no user clerk"},
	} {
		files := python(c.base, c.lines...)
		files["app.py"], files["POLICY"] = c.app, "distroless"
		res := splittest.Files(t, files)
		text := res.After + splittest.Reasons(res)
		for _, o := range res.Outcomes {
			text += strings.Join(o.Plan, "\n")
		}
		if !strings.Contains(text, c.want) {
			t.Errorf("no %q in\n%s", c.want, text)
		}
	}
}
