package repo

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestContainerCommands(t *testing.T) {
	r := Load(fstest.MapFS{
		"Makefile": {Data: []byte("shell:\n\t@docker exec -it -e A=b tide sh -c \"curl localhost && ps\"\n" +
			"migrate:\n\tdocker-compose -f dev.yml run --rm web python manage.py migrate # as root\n\tdocker run --rm -v $(PWD):/w golang:1.22 go test ./...\n" +
			"start:\n\tdocker run -d -p 80:80 shop/web\n")},
		".github/workflows/ci.yml": {Data: []byte("steps:\n- run: docker compose exec -T web bash -c 'ls'\n- run: docker run --entrypoint /bin/cat web:ci /etc/os-release > out\n- run: kubectl exec deploy/web -c web -- curl -f localhost\n")},
		"scripts/wait.sh":          {Data: []byte("# docker exec web git\npodman exec \\\n  web wget -q localhost; echo done\n")},
		"src/main.sh":              {Data: []byte("docker exec web gcc\n")},
	})
	var got []string
	for _, c := range r.ContainerCommands() {
		got = append(got, fmt.Sprintf("%s:%d %v %s: %s", c.File, c.Line, c.Image, c.In, strings.Join(c.Words, "|")))
	}
	want := []string{
		".github/workflows/ci.yml:2 false web: bash|-c|ls",
		".github/workflows/ci.yml:3 true web:ci: /bin/cat|/etc/os-release",
		".github/workflows/ci.yml:4 false deploy/web: curl|-f|localhost",
		"Makefile:2 false tide: sh|-c|curl localhost && ps",
		"Makefile:4 false web: python|manage.py|migrate",
		"Makefile:5 true golang:1.22: go|test|./...",
		"scripts/wait.sh:2 false web: wget|-q|localhost",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestImageNames(t *testing.T) {
	r := Load(fstest.MapFS{
		"Makefile":     {Data: []byte("IMAGE=x\nimage:\n\tdocker build -t shop/web:$(V) --tag=local:5000/web .\n\tdocker run -t other\n")},
		"compose.yaml": {Data: []byte("services:\n  api:\n    build: .\n    image: shop/api:2\n  db:\n    image: postgres:16\n")},
	})
	if got := fmt.Sprint(r.ImageNames()); got != "map[local:5000/web:true shop/api:true shop/web:true]" {
		t.Error(got)
	}
}

func TestScriptPackages(t *testing.T) {
	lock := `{"lockfileVersion": 3, "packages": {"": {"hasInstallScript": true}, "node_modules/a": {}, "node_modules/b/node_modules/@s/esbuild": {"hasInstallScript": true},
		"node_modules/g": {"resolved": "git+https://github.com/o/g.git#1"}}}`
	r := Load(fstest.MapFS{"package.json": {Data: []byte(`{}`)}, "package-lock.json": {Data: []byte(lock)}, "y/package.json": {Data: []byte(`{}`)}, "y/yarn.lock": {Data: []byte("# yarn\n")}})
	scripts, git, known := r.Node(".").ScriptPackages()
	if !known || fmt.Sprint(scripts, git) != "[@s/esbuild] [g]" {
		t.Error(scripts, git, known)
	}
	if _, _, known := r.Node("y").ScriptPackages(); known {
		t.Error("yarn.lock tells nothing of scripts")
	}
}
