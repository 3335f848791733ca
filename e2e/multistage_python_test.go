//go:build e2e

package e2e

func init() {
	for name, c := range map[string]chainCase{
		"uwsgi":       {paths: []string{"/nowhere"}, factor: 4}, // builds without a warning without libxml2, and dies at start
		"slim-gcc":    {paths: []string{"/nowhere"}, factor: 1.5},
		"uv-system":   {paths: []string{"/nowhere"}, factor: 4},
		"pipenv":      {paths: []string{"/nowhere"}, factor: 4},
		"editable":    {paths: []string{"/nowhere"}, factor: 4},
		"pip-project": {paths: []string{"/nowhere"}, factor: 4},
		"distroless":  {paths: []string{"/nowhere"}, factor: 4},
		"venv":        {paths: []string{"/nowhere"}, factor: 4},
	} {
		cases["multi-stage/python-"+name] = c
	}
	// the image's own interpreter on distroless cc
	cases["multi-stage/python-smallest-modules"] = chainCase{ci: true, paths: []string{"/nowhere"}, factor: 13}
	cases["multi-stage/python-smallest-django"] = chainCase{paths: []string{"/static/site.css", "/nowhere"}, factor: 13}
	cases["multi-stage/python-smallest-psycopg2"] = chainCase{paths: []string{"/nowhere"}, factor: 13}
	cases["multi-stage/python-smallest-find-library"] = chainCase{factor: 4}
	// compiled: the libraries behind it are installed again
	cases["multi-stage/python-psycopg2"] = chainCase{paths: []string{"/nowhere"}, factor: 3}
	// what an earlier RUN pins stays, and setuptools, which the slim image hasn't
	cases["multi-stage/python-several-installs"] = chainCase{paths: []string{"/nowhere"}, factor: 4}
	cases["multi-stage/python-upgrades-setuptools"] = chainCase{factor: 4, root: true}
	cases["multi-stage/python-apt-without-update"] = chainCase{factor: 4, root: true}
	cases["multi-stage/python-locales"] = chainCase{factor: 4, root: true}
	cases["multi-stage/python-smallest-keeps-files"] = chainCase{factor: 4, root: true}
	for name, why := range map[string]string{
		"chrome": "the lab reaches no repository of Google", "nodesource": "the lab reaches no repository of NodeSource",
		"models": "the lab reaches no models of spaCy and no data of NLTK", "fetches-weights": "models.example is nobody", "clones": "git.example is nobody",
	} {
		cases["multi-stage/python-"+name] = chainCase{unbuilt: why}
	}
	// Poetry and uv by their own images or with a mirror that answers as pip wants it
	cases["multi-stage/python-poetry"] = chainCase{paths: []string{"/nowhere"}, factor: 4, standIn: "poetry"}
	for _, name := range []string{"poetry-installer", "uv-installer", "uv-fetched"} {
		cases["multi-stage/python-"+name] = chainCase{unbuilt: "the lab reaches no installer of Poetry or uv"}
	}
	cases["multi-stage/python-uv"] = chainCase{paths: []string{"/nowhere"}, factor: 4, standIn: "uv"}
}
