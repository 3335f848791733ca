package site_test

import (
	"strings"
	"testing"

	"drydock/transforms/multistage/splittest"
)

func TestSite(t *testing.T) {
	mk := map[string]string{"mkdocs.yml": "site_name: x\n", "docs/index.md": "# x\n", "requirements.txt": "mkdocs\n"}
	head := "FROM python:3.12\nWORKDIR /d\nCOPY . .\nRUN pip install -r requirements.txt && mkdocs build\n"
	for name, c := range map[string]struct{ dockerfile, want, declined string }{
		"its own server":       {head + "CMD [\"mkdocs\", \"serve\", \"-a\", \"0.0.0.0:80\"]\n", "COPY --from=builder /d/site /usr/share/nginx/html", ""},
		"a plain server":       {head + "WORKDIR /d/site\nCMD [\"python3\", \"-m\", \"http.server\", \"8080\"]\n", "listen 8080;", ""},
		"python -m mkdocs":     {"FROM python:3.12\nWORKDIR /d\nCOPY . .\nRUN pip install mkdocs && python -m mkdocs build -d /srv/www\nCMD python -m http.server 80 -d /srv/www\n", "COPY --from=builder /srv/www /usr/share/nginx/html", ""},
		"another folder":       {head + "CMD [\"python3\", \"-m\", \"http.server\", \"8080\"]\n", "", "http.server serves /d, and mkdocs writes /d/site"},
		"a user":               {head + "USER nobody\nCMD [\"mkdocs\", \"serve\", \"-a\", \"0.0.0.0:8000\"]\n", "", "it runs as nobody"},
		"a health check":       {head + "HEALTHCHECK CMD curl -f localhost:8000\nCMD [\"mkdocs\", \"serve\", \"-a\", \"0.0.0.0:8000\"]\n", "", "HEALTHCHECK runs in the image of the generator"},
		"sphinx":               {"FROM python:3.12\nWORKDIR /d\nCOPY . .\nRUN pip install sphinx && sphinx-build -b html docs out\nCMD [\"python\", \"-m\", \"http.server\", \"-d\", \"out\"]\n", "COPY --from=builder /d/out /usr/share/nginx/html", ""},
		"jekyll":               {"FROM ruby:3.3\nWORKDIR /d\nCOPY . .\nRUN bundle install && bundle exec jekyll build\nCMD [\"bundle\", \"exec\", \"jekyll\", \"serve\", \"--host\", \"0.0.0.0\", \"--port\", \"4001\"]\n", "COPY --from=builder /d/_site /usr/share/nginx/html", ""},
		"what python is, else": {"FROM python:3.12\nWORKDIR /d\nCOPY . .\nRUN pip install -r requirements.txt && mkdocs build\nCMD [\"python\", \"app.py\"]\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"Dockerfile": c.dockerfile}
			for k, v := range mk {
				files[k] = v
			}
			res := splittest.Files(t, files)
			if c.want == "" && strings.Contains(res.After, "nginx") || !strings.Contains(res.After, c.want) || !strings.Contains(splittest.Reasons(res), c.declined) {
				t.Errorf("want %q, %q; got %q\n%s", c.want, c.declined, splittest.Reasons(res), res.After)
			}
		})
	}
}
