package repo

import (
	"slices"
	"strings"
	"testing"
)

func TestBuildsCompose(t *testing.T) {
	r := load("deploy/docker-compose.yml", `
x-app: &app
  build: &b
    context: ..
    dockerfile: ${FILE:-docker/api.Dockerfile}
    target: prod
    args:
      - VERSION=1
      - COMMIT
  user: "1000:1000"
services:
  api:
    <<: *app
    image: me/api
    command: python -m "my app"
    entrypoint: ["/e.sh", "x"]
    read_only: true
    ports: ["80:8080", {target: 90, published: 91}]
    volumes:
      - data:/data
      - {type: bind, source: ./x, target: /x}
    healthcheck: {test: curl -f localhost}
  worker:
    image: me/api
    command: [celery]
  db: {image: postgres}
  web:
    build: ./web
    healthcheck: {disable: true}
  child:
    extends: api
    user: root
  git: {build: "https://github.com/a/b.git"}
  inline: {build: {dockerfile_inline: "FROM x", args: {B: 1, A: null}}}
`, "deploy/docker-compose.override.yml", "services:\n  api:\n    user: root\n", "compose.yaml", "web:\n  build: .\n", "a/b/c/d/compose.yml", "services: {x: {build: .}}")
	byName := map[string]Build{}
	var order []string
	for _, b := range r.Builds() {
		order = append(order, b.Service)
		byName[b.File+" "+b.Service] = b
	}
	equal(t, "order", order, []string{"web", "api", "api", "worker", "web", "child", "git", "inline"})
	api := byName["deploy/docker-compose.yml api"]
	equal(t, "api", api, Build{File: "deploy/docker-compose.yml", Line: 12, Service: "api", Context: ".", Dockerfile: "docker/api.Dockerfile", Target: "prod",
		Args: []string{"COMMIT", "VERSION"}, Values: map[string]string{"VERSION": "1"}, User: "1000:1000", Ports: []string{"80:8080", "91:90"}, Volumes: []string{"data:/data", "./x:/x"},
		Command: []string{"python", "-m", "my app"}, Entrypoint: []string{"/e.sh", "x"}, Healthcheck: []string{"CMD-SHELL", "curl -f localhost"}, ReadOnly: true, image: "me/api", built: true})
	w := byName["deploy/docker-compose.yml worker"]
	equal(t, "same image", []string{w.Dockerfile, w.Target, w.Command[0]}, []string{"docker/api.Dockerfile", "prod", "celery"})
	o := byName["deploy/docker-compose.override.yml api"]
	equal(t, "override", []string{o.Dockerfile, o.Target, o.User}, []string{"docker/api.Dockerfile", "prod", "root"})
	c := byName["deploy/docker-compose.yml child"]
	equal(t, "extends", []string{c.Target, c.User, c.Entrypoint[0]}, []string{"prod", "root", "/e.sh"})
	equal(t, "web", byName["deploy/docker-compose.yml web"].Dockerfile, "deploy/web/Dockerfile")
	equal(t, "disabled", byName["deploy/docker-compose.yml web"].Healthcheck, []string{"NONE"})
	equal(t, "git", byName["deploy/docker-compose.yml git"].Context, "https://github.com/a/b.git")
	equal(t, "inline", byName["deploy/docker-compose.yml inline"].Args, []string{"A", "B"})
	equal(t, "inline", byName["deploy/docker-compose.yml inline"].Values, map[string]string{"B": "1"})
	equal(t, "inline", byName["deploy/docker-compose.yml inline"].Dockerfile, "")
	equal(t, "version 1", byName["compose.yaml web"].Dockerfile, "Dockerfile")
}

func TestDefaults(t *testing.T) {
	for in, want := range map[string]string{
		"${A:-b}": "b", "${A-b}c": "bc", "${A:-${B:-c}}": "c", "${A}": "${A}", "$A": "$A", "$$A": "$A", "$${A:-b}": "${A:-b}", "${A:+b}x": "x", "${A:?e}": "${A:?e}", "a": "a", "${A:-}": "",
	} {
		equal(t, in, defaults(in), want)
	}
}

func TestComposeHostile(t *testing.T) {
	laughs := "a0: &a0 {x: 1}\n"
	for i := 1; i < 60; i++ {
		n, p := string(rune('a'+i%26))+strings.Repeat("x", i/26), string(rune('a'+(i-1)%26))+strings.Repeat("x", (i-1)/26)
		if i == 1 {
			p = "a0"
		}
		laughs += n + "_: &" + n + " {<<: [*" + p + ", *" + p + "], k" + n + ": 1}\n"
	}
	for _, src := range []string{"", "\t", "services: [", "services:\n  a: &a\n    <<: *a\n    build: .\n", "services: {a: {extends: b}, b: {extends: a, build: .}}",
		"services: {a: {extends: a, build: {args: 3, context: [], target: {}}}}", "\xff\xfe\x00", laughs + "services: {a: *b}\n", strings.Repeat("[", 20000), "- a", "services: {a: null, b: 3}", "&a [*a]", "services: &s {a: *s}"} {
		load("compose.yml", src).Builds()
	}
	b := load("compose.yml", "services: [\n", "docker-bake.json", "{").Builds()
	if len(b) != 2 || b[0].Err == "" || b[1].Err == "" {
		t.Errorf("%+v", b)
	}
}

func TestBuildsBake(t *testing.T) {
	hcl := `# c
variable "TAG" { default = "x" }
variable "STAGE" {
  default = "final"
}
group "default" { targets = ["app"] }
target "base" {
  context = "./src"
  args = {
    A = "1", B = upper("}")
    "C" : "{"
  }
}
target "app" {
  inherits = ["base"]
  dockerfile = "docker/App.Dockerfile" // c
  target = STAGE
  args = { D = "${TAG == "y" ? "}" : 1}" }
  tags = ["me/app:${TAG}"]
}
target "m" {
  matrix = { tgt = ["a", "b"] }
  name = "m-${tgt}"
  target = tgt
  dockerfile-inline = <<EOT
FROM x } {
EOT
}
`
	json := `{"variable":{"S":{"default":"final"}},"target":{"base":{"context":"./src","args":{"C":"","A":"1","B":null}},"app":{"inherits":["base"],"dockerfile":"docker/App.Dockerfile","target":"${S}","args":{"D":"x"}}}}`
	for file, src := range map[string]string{"x/docker-bake.hcl": hcl, "x/docker-bake.json": json} {
		builds := load(file, src).Builds()
		found := false
		for _, b := range builds {
			switch b.Service {
			case "app":
				found = true
				equal(t, file, []string{b.Context, b.Dockerfile, b.Target, strings.Join(b.Args, "")}, []string{"x/src", "x/src/docker/App.Dockerfile", "final", "ABCD"})
			case "m":
				equal(t, "m", []string{b.Target, b.Dockerfile}, []string{"${tgt}", ""})
			}
		}
		if !found {
			t.Errorf("%s: %+v", file, builds)
		}
	}
	equal(t, "line", load("docker-bake.hcl", hcl).Builds()[0].Line, 7)
}

func TestMentions(t *testing.T) {
	r := load(".github/workflows/ci.yml", `
    - uses: docker/build-push-action@v6
      with:
        target: prod # c
        build-args: |
          VERSION=1
          COMMIT=${{ github.sha }}
        tags: x
    strategy:
      matrix:
        target: [dev, "test"]
    - run: docker build --target=lint --build-arg A=1 --build-arg="B=2" .
    - run: docker build --target ${{ matrix.target }} .
    # docker build --target no .
`, "Makefile", "x:\n\tdocker build --target $(T) --build-arg C .\n", "scripts/build.sh", "buildctl build --opt target=rel --opt build-arg:D=1 --opt filename=x\ncargo build --target-dir x\n",
		"skaffold.yaml", "docker:\n  target: sk\n  buildArgs:\n    E: 1\n    F: 2\n  x: 1\n", ".gitlab-ci.yml", `  script: ["docker", "build", "--target", "gl", "--build-arg", "G=1"]`,
		"fly.toml", "[build]\nbuild-target = \"fly\"\n[build.args]\n  H = \"1\"\n[env]\n  NO = \"1\"\n", ".devcontainer/devcontainer.json", "{\"build\": {\"target\": \"dc\", \"args\": {\"I\": \"1\"}}}",
		"package.json", `{"scripts":{"d":"docker build --target pj ."}}`, "README.md", "docker build --target readme .", "docker-compose.yml", "target: no",
		"list.mk", "target:\n - one\n - two\n")
	got := map[string][]string{}
	for _, m := range r.Mentions() {
		got[m.File] = append(got[m.File], m.Kind[:1]+":"+m.Name)
	}
	for file, want := range map[string]string{
		".github/workflows/ci.yml": "t:prod a:VERSION a:COMMIT t:dev t:test t:lint a:A a:B t:${{ matrix.target }}",
		"Makefile":                 "t:$(T) a:C", "scripts/build.sh": "t:rel a:D", "skaffold.yaml": "t:sk a:E a:F", ".gitlab-ci.yml": "t:gl a:G",
		"fly.toml": "t:fly a:H", "package.json": "t:pj", ".devcontainer/devcontainer.json": "t:dc a:I", "README.md": "", "docker-compose.yml": "", "list.mk": "t:one t:two",
	} {
		equal(t, file, strings.Join(got[file], " "), want)
	}
	equal(t, "line", r.Mentions()[0], Mention{".devcontainer/devcontainer.json", 1, "target", "dc"})
}

func TestNamedContexts(t *testing.T) {
	r := load("compose.yaml", `
services:
  a: {build: {context: ., additional_contexts: {python: "docker-image://python:3.12", "alpine:3.21": ./x}}}
  b: {build: {context: ., additional_contexts: ["node=docker-image://node:22", "src=../y"]}}
`, "docker-bake.hcl", `target "a" {
  contexts = { golang = "docker-image://golang:1.25", "x/y" : "target:z" }
}
target "b" { inherits = ["a"] }
`, "docker-bake.json", `{"target":{"j":{"contexts":{"ruby":"docker-image://ruby"}}}}`,
		"Makefile", "x:\n\tdocker buildx build --build-context php=docker-image://php:8 --build-context=$(N)=y .\n",
		".github/workflows/ci.yml", `
      with:
        build-contexts: |
          alpine=docker-image://alpine:3.20
          base=./b
        tags: x=1
`)
	want := map[string][]string{
		"compose.yaml a": {"alpine:3.21", "python"}, "compose.yaml b": {"node", "src"},
		"docker-bake.hcl a": {"golang", "x/y"}, "docker-bake.hcl b": {"golang", "x/y"}, "docker-bake.json j": {"ruby"},
	}
	for _, b := range r.Builds() {
		if w := want[b.File+" "+b.Service]; !slices.Equal(w, b.Contexts) {
			t.Errorf("%s %s: %q, want %q", b.File, b.Service, b.Contexts, w)
		}
	}
	if n := len(r.Builds()); n != len(want) {
		t.Errorf("%d builds", n)
	}
	var got []string
	for _, m := range r.Mentions() {
		if m.Kind == MentionContext {
			got = append(got, m.File+" "+m.Name)
		}
	}
	if want := []string{".github/workflows/ci.yml alpine", ".github/workflows/ci.yml base", "Makefile php", "Makefile $(N)"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
