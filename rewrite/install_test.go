package rewrite

import (
	"slices"
	"strings"
	"testing"
)

// What the installs of the package managers read, and why it can't be known.
// Each file ends in the install; it stands behind WORKDIR /app and COPY . . in
// the context of all the manifests below.
func TestInstalls(t *testing.T) {
	rp := contextOf(".dockerignore=.git\n**/.venv\nvendor\n.bundle\n.env\n",
		"requirements.txt=six\n-c constraints.txt\n", "constraints.txt=six==1\n", "editable.txt=-e git+https://example.com/a#egg=a\n", "local.txt=./lib\n",
		"pkg/pyproject.toml=[project]\nreadme = \"README.md\"\n", "Pipfile=[packages]\nsix = \"*\"\n", "Pipfile.lock={}",
		"pyproject.toml=[project]\nname = \"x\"\ndependencies = [\"six\"]\n[tool.poetry]\npackage-mode = true\n", "poetry.lock=", "uv.lock=",
		"environment.yml=dependencies:\n  - pip:\n    - -r requirements.txt\n", "list.txt=numpy\n",
		"composer.json={\"config\": {\"vendor-dir\": \"lib/vendor\"}}", "composer.lock={}", "Gemfile=gem 'a'\n", "Gemfile.lock=GEM\n")
	for _, c := range []struct{ src, files, unknown, writes string }{
		{"RUN pip install -r requirements.txt", "requirements.txt constraints.txt", "", "/usr/local"},
		{"RUN pip install -Ur requirements.txt", "requirements.txt constraints.txt", "", ""},
		{"RUN python3 -m pip install -r requirements.txt --target /libs", "requirements.txt constraints.txt", "", "/libs"},
		{"RUN pip install --prefix=/install -r requirements.txt", "requirements.txt constraints.txt", "", "/install"},
		{"RUN pip wheel -w /wheels -r requirements.txt", "requirements.txt constraints.txt", "", "/wheels"},
		{"RUN pip wheel -r requirements.txt", "requirements.txt constraints.txt", "", "/app"},
		{"RUN pip install -r editable.txt", "editable.txt", "", "/app/src"},
		{"RUN pip install -r local.txt", "local.txt", "names the local path ./lib", ""},
		{"RUN pip install --find-links wheels -r requirements.txt", "requirements.txt constraints.txt", "takes packages from wheels", ""},
		{"RUN pip install --target=$X -r requirements.txt", "requirements.txt constraints.txt", "computed path $X", ""},
		{"RUN pip install ./pkg[dev]", "pkg/pyproject.toml", "pip install ./pkg[dev] builds the project, which reads pkg/README.md, the project's packages", ""},
		{"RUN pip install -e .", "pyproject.toml", "pip install -e . builds the project", ""},
		{"RUN pip install -r $R", "", "reads $R", ""},

		{"RUN pipenv install --system --deploy", "Pipfile Pipfile.lock", "", "/usr/local"},
		{"RUN pipenv sync", "Pipfile Pipfile.lock", "", "/app/.venv"},
		{"RUN pipenv install six", "Pipfile Pipfile.lock", "writes Pipfile", ""},
		{"RUN pipenv install -r requirements.txt", "Pipfile Pipfile.lock", "pipenv -r may read", ""},
		{"ENV PIPENV_PIPFILE=/x\nRUN pipenv sync", "Pipfile Pipfile.lock", "PIPENV_PIPFILE is set", ""},
		{"ENV WORKON_HOME=/envs\nRUN pipenv sync", "Pipfile Pipfile.lock", "", "/envs"},

		{"RUN poetry install --no-root", "pyproject.toml poetry.lock", "", "/app/.venv"},
		{"RUN poetry install --no-root -n --only=main", "pyproject.toml poetry.lock", "", ""},
		{"RUN poetry install", "pyproject.toml poetry.lock", "poetry installs the project too", ""},
		{"RUN poetry install --no-root -C sub", "pyproject.toml poetry.lock", "-C may read", ""},
		{"RUN poetry config virtualenvs.path /envs && poetry install --no-root", "pyproject.toml poetry.lock", "poetry config virtualenvs.path /envs may change", ""},
		{"RUN poetry self add x\nRUN poetry install --no-root", "pyproject.toml poetry.lock", "a plugin of Poetry", ""},
		{"ENV POETRY_REPOSITORIES_X=1\nRUN poetry install --no-root", "pyproject.toml poetry.lock", "POETRY_REPOSITORIES_X is set", ""},

		{"RUN uv sync --frozen", "pyproject.toml uv.lock", "", "/app/.venv"},
		{"ENV UV_PROJECT_ENVIRONMENT=/venv\nRUN uv sync --locked", "pyproject.toml uv.lock", "", "/venv"},
		{"RUN uv sync --frozen --project sub", "pyproject.toml uv.lock", "uv sync --project may read", ""},
		{"ENV UV_CONSTRAINT=c.txt\nRUN uv sync --frozen", "pyproject.toml uv.lock", "UV_CONSTRAINT is set", ""},
		{"RUN uv pip install --system -r requirements.txt", "requirements.txt constraints.txt pyproject.toml", "", "/usr/local"},
		{"RUN uv pip sync requirements.txt", "requirements.txt constraints.txt pyproject.toml", "", "/.venv"},
		{"RUN uv pip install --system -r pyproject.toml", "pyproject.toml", "", ""},
		{"RUN uv pip install -e .", "pyproject.toml", "uv pip install -e . builds the project", ""},

		{"RUN conda env create", "environment.yml requirements.txt constraints.txt", "", "/opt/conda"},
		{"RUN conda env update -n base --file environment.yml", "environment.yml requirements.txt constraints.txt", "", ""},
		{"RUN micromamba install -y -n base -f environment.yml", "environment.yml requirements.txt constraints.txt", "", ""},
		{"RUN conda env create -p ./env", "environment.yml requirements.txt constraints.txt", "", "/app/env"},
		{"RUN conda install --file list.txt", "list.txt", "", ""},
		{"RUN conda env create -f $E", "", "reads $E", ""},

		{"RUN composer install --no-dev", "composer.json composer.lock", "", "/app/lib/vendor"},
		{"RUN php -d memory_limit=-1 /usr/bin/composer -n install", "composer.json composer.lock", "", ""},
		{"RUN composer install -o", "composer.json composer.lock", "an optimised autoloader is made from the code", ""},
		{"RUN composer install -o --no-autoloader", "composer.json composer.lock", "", ""},
		{"RUN composer install -d sub", "composer.json composer.lock", "-d may read", ""},
		{"ENV COMPOSER=x.json\nRUN composer install", "composer.json composer.lock", "COMPOSER is set", ""},

		{"RUN bundle install -j4", "Gemfile Gemfile.lock", "", "/usr/local"},
		{"RUN bundle install --jobs $(nproc) --retry=3", "Gemfile Gemfile.lock", "", ""},
		{"RUN bundle", "Gemfile Gemfile.lock", "", ""},
		{"RUN bundle install --deployment", "Gemfile Gemfile.lock", "", "/app/vendor/bundle"},
		{"RUN bundle config set path /gems && bundle install", "Gemfile Gemfile.lock", "", "/gems"},
		{"RUN bundle config set deployment true\nRUN bundle install", "Gemfile Gemfile.lock", "", "/app/vendor/bundle"},
		{"ENV BUNDLE_DEPLOYMENT=1 BUNDLE_PATH=/usr/local/bundle\nRUN bundle install", "Gemfile Gemfile.lock", "", "/usr/local/bundle"},
		{"RUN bundle config set gemfile x && bundle install", "Gemfile Gemfile.lock", "may change what Bundler reads", ""},
		{"ENV BUNDLE_GEMFILE=x\nRUN bundle install", "Gemfile Gemfile.lock", "BUNDLE_GEMFILE is set", ""},
		{"RUN bundle install --gemfile=/app/Gemfile", "Gemfile Gemfile.lock", "", ""},
	} {
		t.Run(c.src, func(t *testing.T) {
			d := parse(t, "FROM scratch\nWORKDIR /app\nCOPY . .\n"+c.src+"\n")
			in := d.Instructions[len(d.Instructions)-1]
			sh, why := in.Shell()
			if why != "" {
				t.Fatal(why)
			}
			var i Install
			found := false
			for _, cmd := range sh.Commands() {
				if j, ok := in.install(cmd, in.Stage.At(in), rp, "Dockerfile"); ok {
					i, found = j, true
				}
			}
			if !found {
				t.Fatal("not an install")
			}
			if got := strings.Join(i.Files, " "); got != c.files {
				t.Errorf("reads %s, want %s", got, c.files)
			}
			if (i.Unknown == "") != (c.unknown == "") || !strings.Contains(i.Unknown, c.unknown) {
				t.Errorf("unknown: %q, want %q", i.Unknown, c.unknown)
			}
			if c.writes != "" && !slices.Contains(i.Writes, c.writes) {
				t.Errorf("writes %v, want %s", i.Writes, c.writes)
			}
		})
	}
}

// Commands that prepare an install, beside a COPY of the project: want is a
// part of the reason why the two can't change places.
func TestTools(t *testing.T) {
	rp := contextOf("pyproject.toml=[project]\n", "Gemfile=", ".dockerignore=.venv\n.bundle\n")
	for src, want := range map[string]string{
		"poetry config virtualenvs.create false":                          "",
		"poetry config --local virtualenvs.create false":                  "writes poetry.toml",
		"poetry config virtualenvs.path x":                                "may change where Poetry",
		"poetry export -o requirements.txt":                               "doesn't know",
		"pip install poetry==$POETRY_VERSION":                             "",
		"pip install $REQUIREMENTS":                                       "doesn't know",
		"pip config set global.index-url https://x/y":                     "",
		"bundle config set --global without test":                         "",
		"bundle config set without test":                                  "the copy brings Gemfile",
		"uv venv /opt/venv":                                               "the copy brings pyproject.toml",
		"uv pip install --system gunicorn":                                "the copy brings pyproject.toml",
		"uv python install 3.12":                                          "the copy brings pyproject.toml",
		"uv run x":                                                        "doesn't know",
		"uv --version":                                                    "",
		"python -m venv /opt/venv":                                        "",
		"python3 -m venv venv":                                            "may hold venv",
		"python -m build":                                                 "doesn't know",
		"conda install -y -c conda-forge numpy":                           "",
		"conda install ./x.conda":                                         "doesn't know",
		"conda run x":                                                     "doesn't know",
		"composer self-update --2":                                        "",
		"composer update":                                                 "doesn't know",
		"docker-php-ext-install pdo_mysql":                                "",
		"docker-php-ext-configure gd --with-jpeg=/usr/lib":                "",
		"docker-php-ext-install -j$(nproc) gd":                            "",
		"docker-php-ext-install -j$(cat jobs) gd":                         "doesn't know what cat",
		"pecl install ./x.tgz":                                            "doesn't know",
		"a2enmod rewrite":                                                 "",
		"a2ensite /app/x":                                                 "doesn't know",
		"gem update --system":                                             "",
		"gem build x":                                                     "doesn't know",
		"curl -fsSL https://x/y -o /opt/y":                                "",
		"curl -O https://x/Gemfile":                                       "the copy brings Gemfile",
		"curl -fsSLo $F https://x/y":                                      "computed path $F",
		"curl -K conf https://x/y":                                        "doesn't know",
		"wget -qO- https://x/y":                                           "",
		"wget https://x/Gemfile":                                          "the copy brings Gemfile",
		"curl https://x/y | sh":                                           "doesn't know what sh",
		"curl -LsSf https://astral.sh/uv/install.sh | sh":                 "",
		"curl -sSL https://install.python-poetry.org | python3 -":         "",
		"curl -sSL https://install.python-poetry.org | python3 - --git x": "doesn't know what python3",
		"curl -sSL https://install.python-poetry.org | POETRY_HOME=/app python3 -":                             "it sets POETRY_HOME",
		"curl -sS https://getcomposer.org/installer | php -- --install-dir=/usr/local/bin --filename=composer": "",
		"curl -sS https://getcomposer.org/installer | php -- --install-dir=$X":                                 "computed path $X",
		"COMPOSER_HOME=/app composer self-update":                                                              "it sets COMPOSER_HOME",
		"POETRY_VIRTUALENVS_CREATE=0 poetry --version":                                                         "",
	} {
		ok, why := commute(t, "FROM scratch\nWORKDIR /app\nCOPY . .\nRUN "+src+"\n", rp)
		if ok != (want == "") || !strings.Contains(why, want) {
			t.Errorf("%s: %v, %q; want %q", src, ok, why, want)
		}
	}
	for v, want := range map[string]string{"libjemalloc.so.2": "", "/usr/lib/x86_64-linux-gnu/libjemalloc.so": "", "/app/x.so": "LD_PRELOAD is set", "$X": "LD_PRELOAD is set"} {
		if _, why := commute(t, "FROM scratch\nENV LD_PRELOAD="+v+"\nWORKDIR /app\nCOPY . .\nRUN pip install six\n", rp); why != want {
			t.Errorf("LD_PRELOAD=%s: %q", v, why)
		}
	}
}
