package python_test

import (
	"strings"
	"testing"

	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
	"drydock/transforms/multistage/splittest"
)

// Python's own interpreter on distroless cc, and each fact that keeps it off.
func TestPythonOwn(t *testing.T) {
	const run, copies, cmd = "RUN pip install flask", "COPY . .", `CMD ["python", "app.py"]`
	lines := func(more ...string) []string { return append([]string{run, copies}, more...) }
	for _, c := range []struct {
		base  string
		lines []string
		app   string
		want  string
	}{
		{"3.12", lines(cmd), splittest.FlaskApp, "FROM python:3.12-trixie AS builder\n"},
		{"3.12", lines(cmd), splittest.FlaskApp, "\n\nFROM python:3.12-trixie AS python\nWORKDIR /usr/local/lib/python3.12\n"},
		{"3.12", lines(cmd), splittest.FlaskApp, "\n\nFROM gcr.io/distroless/cc-debian13:nonroot\nENV LANG=C.UTF-8\nCOPY --from=python /runtime /\nWORKDIR /app\nCOPY --from=builder /install /usr/local\nCOPY . .\nCMD"},
		{"3.12-trixie", lines(cmd), splittest.FlaskApp, "FROM python:3.12-trixie AS builder\n"},
		{"3.12-bookworm", lines(cmd), splittest.FlaskApp, "FROM gcr.io/distroless/cc-debian12:nonroot\n"},
		{"3.12 AS app", lines(cmd), splittest.FlaskApp, "FROM python:3.12-trixie AS builder\n"},
		{"3.12 AS app", lines(cmd), splittest.FlaskApp, "FROM gcr.io/distroless/cc-debian13:nonroot AS app\n"},
		{"3.14", lines(cmd), splittest.FlaskApp, "rm -rf ensurepip idlelib tkinter turtle* config-* site-packages/pip* lib-dynload/_tkinter.* &&"}, // no nis from 3.13 on, nor LANG
		{"3.14", lines(cmd), splittest.FlaskApp, "cc-debian13:nonroot\nCOPY --from=python /runtime /\n"},
		{"3.12-slim", []string{"RUN apt-get update && apt-get install -y gcc && pip install flask", copies, cmd}, splittest.FlaskApp, "FROM python:3.12-slim-trixie AS builder\n"},
		{"3.12-slim", []string{"RUN apt-get update && apt-get install -y gcc && pip install flask", copies, cmd}, splittest.FlaskApp, "cp -L $(awk '$3 ~ /^\\// && !seen[$3]++ && $3 !~ /\\/" + distro.InCC + "\\./ { print $3 }' /tmp/libraries) /runtime/usr/lib/ && \\\n    cp -a"}, // no strip
		{"3.12", lines(`ENTRYPOINT ["python"]`, `CMD ["app.py"]`), splittest.FlaskApp, "cc-debian13"},
		{"3.12", lines(`CMD ["flask", "run"]`), splittest.FlaskApp, "cc-debian13"},
		{"3.12", []string{"RUN python -m venv /venv && /venv/bin/pip install flask", copies, `CMD ["/venv/bin/python", "app.py"]`}, splittest.FlaskApp, "COPY --from=builder /venv /venv\n"},
		{"3.12", []string{"RUN python -m venv /venv && /venv/bin/pip install flask", copies, `CMD ["/venv/bin/python", "app.py"]`}, splittest.FlaskApp, "COPY --from=python /runtime /\n"},
		{"3.12", []string{"RUN pip install locust", copies, `CMD ["locust", "-f", "app.py"]`}, splittest.FlaskApp, "cc-debian13"},
		{"3.12", lines(`HEALTHCHECK CMD ["python", "-c", "pass"]`, cmd), splittest.FlaskApp, "cc-debian13"},
		{"3.12", []string{"RUN pip install psycopg2", copies, cmd}, splittest.FlaskApp, "find /install -name '*.so' -exec ldd {} ';'"},
		{"3.12", []string{"RUN pip install psycopg[binary]", copies, cmd}, splittest.FlaskApp, "cc-debian13"},
		{"3.12", []string{"RUN pip install shapely==2.0.6", copies, cmd}, splittest.FlaskApp, "cc-debian13"},
		{"3.12", lines(cmd), "import ctypes\nctypes.CDLL('libc.so.6')\n", "cc-debian13"},
		{"3.12", lines("VOLUME /data", cmd), splittest.FlaskApp, "FROM gcr.io/distroless/cc-debian13:latest\n"},
		{"3.12", lines("USER 1000", cmd), splittest.FlaskApp, "FROM gcr.io/distroless/cc-debian13:nonroot\n"},
		{"3.12", lines(cmd), "import docker\n", "it stays root: app.py:1 uses import docker"},
		{"3.12", lines("EXPOSE 80", cmd), splittest.FlaskApp, "cc-debian13:nonroot\n"},

		{"3.12", lines("CMD python app.py && true"), splittest.FlaskApp, "CMD is in shell form"},
		{"3.12", lines(`CMD ["uwsgi", "x.ini"]`), splittest.FlaskApp, "CMD runs uwsgi"},
		{"3.12", lines(`CMD ["./app.py"]`), splittest.FlaskApp, "CMD runs ./app.py"},
		{"3.12", lines(`HEALTHCHECK CMD python -c pass`, cmd), splittest.FlaskApp, "HEALTHCHECK is in shell form"},
		{"3.12", []string{"RUN pip install uwsgi", copies, `CMD ["uwsgi", "x.ini"]`}, splittest.FlaskApp, "the runtime stage installs libxml2"},
		{"3.12", []string{"RUN pip install psycopg2 mysqlclient", copies, cmd}, splittest.FlaskApp, "libpq5"}, // installed again, since libmariadb3 can't be copied
		{"3.12", []string{"RUN pip install psycopg", copies, cmd}, splittest.FlaskApp, "psycopg looks for libpq by its name"},
		{"3.12", []string{"RUN pip install shapely==1.8.5", copies, cmd}, splittest.FlaskApp, "shapely looks for libc by its name"},
		{"3.12", []string{"RUN pip install supervisor", copies, cmd}, splittest.FlaskApp, "supervisor starts programs of the system"},
		{"3.12", []string{"RUN apt-get update && apt-get install -y tini", run, copies, cmd}, splittest.FlaskApp, "the runtime stage installs tini"},
		{"3.12", lines("RUN useradd clerk", "USER clerk", cmd), splittest.FlaskApp, "it has no user clerk"},
		{"3.12", lines(cmd), "from ctypes.util import find_library\nfind_library('c')\n", "app.py:2 loads a library by its name"},
		{"3.12", lines(cmd), "import ctypes\nctypes.CDLL('libz.so.1')\n", "app.py:2 loads a library by its name"},
		{"3.12", lines(cmd), "import curses\n", "app.py:1 imports curses"},
		{"3.12", lines(cmd), "import subprocess\n", "app.py:1 may start other programs"},
		{"3.12", lines(cmd), "import os\nos.environ['PYTHON_VERSION']\n", "app.py:2 reads PYTHON_VERSION"},
		{"3.12", lines(cmd), "open('log', 'w').write('x')\n", "for which it would stay root"},
		{"3.11-bullseye", lines(cmd), "import pip\n", "linked with OpenSSL 1.1"},
		{"3.7", lines(cmd), splittest.FlaskApp, "names no minor version from 3.8 on"},
		{"3", lines(cmd), splittest.FlaskApp, "names no minor version from 3.8 on"},
	} {
		files := python(c.base, c.lines...)
		files["app.py"], files["POLICY"] = c.app, split.Smallest
		res := splittest.Files(t, files)
		text := res.After + splittest.Reasons(res)
		for _, o := range res.Outcomes {
			text += strings.Join(o.Plan, "\n")
		}
		if !strings.Contains(text, c.want) {
			t.Errorf("%s %q: no %q in\n%s", c.base, c.lines, c.want, text)
		}
	}
}

// The stages' names are free, and a project's own script starts.
func TestPythonOwnProject(t *testing.T) {
	files := python("3.12", "COPY . .", "RUN pip install .", `CMD ["tides"]`)
	files["POLICY"], files["app.py"] = split.Smallest, "def main():\n    pass\n"
	files["setup.py"] = "from setuptools import setup\nsetup(name='board', entry_points={'console_scripts': ['tides = app:main']})\n"
	if res := splittest.Files(t, files); !strings.Contains(res.After, "cc-debian13:nonroot") {
		t.Errorf("setup.py names the script, and yet:\n%s%s", res.After, splittest.Reasons(res))
	}
	files["setup.py"] = strings.Replace(files["setup.py"], "'tides =", "'other =", 1)
	if res := splittest.Files(t, files); strings.Contains(res.After, "cc-debian13") {
		t.Errorf("nothing installs tides, and yet:\n%s", res.After)
	}

	files = python("3.12-trixie", "RUN pip install flask", "COPY . .", `CMD ["python", "app.py"]`)
	files["POLICY"] = split.Smallest
	files["Dockerfile"] = "FROM alpine:3.22 AS python\nRUN true\n\n" + files["Dockerfile"]
	if res := splittest.Files(t, files); !strings.Contains(res.After, "AS interpreter\n") || !strings.Contains(res.After, "--from=interpreter /runtime /\n") {
		t.Errorf("a stage has the name already, and yet:\n%s%s", res.After, splittest.Reasons(res))
	}
}
