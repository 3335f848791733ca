package repo

import (
	"strings"
	"testing"
)

func TestNode(t *testing.T) {
	n := load("web/package.json", "\xef\xbb\xbf"+`{"name":"x","main":"i.js","type":"module","packageManager":"pnpm@9.1.0+sha","scripts":{"start":"node ."},
		"dependencies":{"a":"1"},"devDependencies":{"b":"2"},"engines":["node >= 0.8"],"Name":"wrong"}`,
		"web/yarn.lock", "", "web/pnpm-lock.yaml", "", "web/.npmrc", "").Node("web")
	if n == nil || n.Err != nil || n.Name != "x" || n.Main != "i.js" || n.Type != "module" || n.Dependencies["a"] != "1" || n.DevDependencies["b"] != "2" || !n.Npmrc {
		t.Fatalf("%+v", n)
	}
	equal(t, "lock", []string{n.Lock, n.LockManager}, []string{"web/pnpm-lock.yaml", "pnpm"})
	equal(t, "locks", n.Locks, []string{"web/yarn.lock", "web/pnpm-lock.yaml"})
	for _, bad := range []string{"", "{", "[]", "null x", `{"dependencies":[]}`, `{"dependencies":{"a":1}}`, "\xff"} {
		if n := load("package.json", bad).Node("."); n == nil || n.Err == nil {
			t.Errorf("%q must be an error", bad)
		}
	}
	if load().Node(".") != nil || load().Node("..") != nil {
		t.Error("no package.json, no facts")
	}
}

func TestLifecycle(t *testing.T) {
	n := load("package.json", `{"scripts":{"postinstall":"x","prepare":"y","preinstall":"z","test":"t","install":" "}}`).Node(".")
	equal(t, "lifecycle", n.Lifecycle(), []string{"preinstall", "postinstall", "prepare"})
}

func TestLockInSync(t *testing.T) {
	v3 := `{"lockfileVersion":3,"packages":{"":{"dependencies":{"a":"^1"}},"node_modules/a":{"version":"1.2.0"}}}`
	v1 := `{"lockfileVersion":1,"dependencies":{"a":{"version":"1.2.0"}}}`
	for _, c := range []struct{ pkg, lock, src, why string }{
		{`{"dependencies":{"a":"^1"}}`, "package-lock.json", v3, ""},
		{`{"dependencies":{"a":"^2"}}`, "package-lock.json", v3, "package-lock.json is out of date: dependencies has a ^1 where package.json has ^2"},
		{`{"dependencies":{"a":"^1","b":"1"}}`, "package-lock.json", v3, "package-lock.json is out of date: dependencies lacks b"},
		{`{"devDependencies":{"a":"^1"}}`, "package-lock.json", v3, "package-lock.json is out of date: dependencies still has a"},
		{`{"dependencies":{"a":"^1"}}`, "package-lock.json", `{"lockfileVersion":3,"packages":{"":{"dependencies":{"a":"^1"}}}}`, "package-lock.json is out of date: it does not lock a"},
		{`{"dependencies":{"a":"^1"},"overrides":{"x":"1"}}`, "package-lock.json", v3, "overrides or resolutions in package.json make the comparison undecidable"},
		{`{"dependencies":{"a":"^1"}}`, "npm-shrinkwrap.json", v1, ""},
		{`{"dependencies":{"a":">=1.2 <2 || ^4"}}`, "package-lock.json", v1, ""},
		{`{"dependencies":{"a":"~1.1.0"}}`, "package-lock.json", v1, "package-lock.json is out of date: it locks a 1.2.0, package.json asks for ~1.1.0"},
		{`{"dependencies":{"a":"latest"}}`, "package-lock.json", v1, "package-lock.json is of version 1, and whether it satisfies a@latest cannot be decided"},
		{`{"dependencies":{"b":"1"}}`, "package-lock.json", v1, "package-lock.json is out of date: it does not lock b"},
		{`{"dependencies":{"a":"^1","@s/b":"2"}}`, "yarn.lock", "# x\n\na@^1, a@^1.1:\n  version 1\n\n\"@s/b@2\":\n  version 2\n", ""},
		{`{"dependencies":{"a":"^1"}}`, "yarn.lock", "\"a@npm:^1\":\n", ""},
		{`{"dependencies":{"a":"^2"}}`, "yarn.lock", "a@^1:\n", "yarn.lock is out of date: it has no entry for a@^2"},
		{`{}`, "pnpm-lock.yaml", "", "pnpm-lock.yaml: comparing this kind of lock file is not supported"},
		{`{}`, "other", "", "there is no lock file"},
		{`{}`, "package-lock.json", "{", "package-lock.json cannot be understood: unexpected end of JSON input"},
	} {
		ok, why := load("package.json", c.pkg, c.lock, c.src).Node(".").LockInSync()
		equal(t, c.pkg+c.lock, why, c.why)
		equal(t, "ok", ok, c.why == "")
	}
}

func TestSatisfies(t *testing.T) {
	for _, c := range []struct {
		v, spec   string
		ok, known bool
	}{
		{"1.2.3", "^1.2.0", true, true}, {"2.0.0", "^1.2.0", false, true}, {"0.2.9", "^0.2.3", true, true}, {"0.3.0", "^0.2.3", false, true},
		{"0.0.4", "^0.0.3", false, true}, {"0.0.3", "^0.0.3", true, true}, {"0.5.0", "^0", true, true}, {"1.2.9", "~1.2.3", true, true},
		{"1.3.0", "~1.2.3", false, true}, {"1.9.0", "~1", true, true}, {"1.9.0", "1.x", true, true}, {"1.9.0", "*", true, true}, {"1.9.0", "", true, true},
		{"1.9.0", ">= 1.2 <2", true, true}, {"2.5.0", "1.0 - 2", true, true}, {"3.0.0", "1.0 - 2.9", false, true}, {"1.2.3", "=1.2.3", true, true},
		{"1.2.3", ">1.2", false, true}, {"1.3.0", ">1.2", true, true}, {"1.2.3-beta", "^1", false, false}, {"1.2.3", "github:a/b", false, false},
		{"3.0.0", "^1 || latest", false, false}, {"1.0.0", "^1 || latest", true, true}, {"1.0.0", "<*", false, true}, {"0.0.1", "^0.0", true, true}, {"0.1.0", "^0.0", false, true},
	} {
		if ok, known := satisfies(c.v, c.spec); ok != c.ok || known != c.known {
			t.Errorf("%s in %q: %v, %v", c.v, c.spec, ok, known)
		}
	}
}

func TestNodeVersion(t *testing.T) {
	for _, c := range []struct {
		files []string
		want  Version
	}{
		{[]string{"package.json", "{\n \"engines\": {\n  \"node\": \">=18\"}}"}, Version{"", ">=18", "package.json", 3}},
		{[]string{"package.json", `{"engines":{"node":"18.x"}}`}, Version{"18", "", "package.json", 1}},
		{[]string{"package.json", `{"engines":{"node":"20"},"volta":{"node":"20.1.0"}}`}, Version{"20.1.0", "", "package.json", 1}},
		{[]string{".nvmrc", "v18.17.0\r\n", "package.json", `{"engines":{"node":"20"}}`}, Version{"18.17.0", "", ".nvmrc", 1}},
		{[]string{".nvmrc", "lts/iron\n"}, Version{"20", "", ".nvmrc", 1}},
		{[]string{".nvmrc", "lts/*\n", ".node-version", "20"}, Version{"20", "", ".node-version", 1}},
		{[]string{".nvmrc", "lts/*\n"}, Version{"", "lts/*", ".nvmrc", 1}},
		{[]string{".tool-versions", "nodejs 16.1.0"}, Version{"16.1.0", "", ".tool-versions", 1}},
	} {
		equal(t, c.files[1], load(c.files...).NodeVersion("."), c.want)
	}
	equal(t, "parent", load(".nvmrc", "20", "web/x", "").NodeVersion("web"), Version{"20", "", ".nvmrc", 1})
}

func TestNodeUsesDev(t *testing.T) {
	pkg := `{"dependencies":{"express":"4"},"devDependencies":{"dot":"1","pug":"3","@s/x":"1","typescript":"5","express":"4","jest":"29"}}`
	for _, c := range []struct {
		why     string
		files   []string
		entries []string
		used    []string
		unknown string
	}{
		{"nothing", []string{"i.js", "require('express')"}, nil, nil, ""},
		{"require, subpath, scope", []string{"i.js", "const a = require('dot'); import b from \"@s/x/deep\""}, nil, []string{"@s/x", "dot"}, ""},
		{"by name", []string{"i.js", "app.set('view engine', 'pug')"}, nil, []string{"pug"}, ""},
		{"prefix of a name", []string{"i.js", "require('dotenv'); x = 'pugs'"}, nil, nil, ""},
		{"comment, type import", []string{"i.ts", "// require('dot')\nimport type { X } from 'pug'\nexport type { Y } from '@s/x'\n"}, nil, nil, ""},
		{"tests and tools", []string{"i.test.js", "require('dot')", "test/a.js", "require('dot')", "webpack.config.js", "require('dot')", "jest.config.ts", "import 'jest'", "node_modules/a/i.js", "require('dot')"}, nil, nil, ""},
		{"a tool file that the program loads", []string{"i.js", "require('./webpack.config')", "webpack.config.js", "require('dot')"}, nil, []string{"dot"}, ""},
		{"framework configuration runs", []string{"next.config.js", "require('dot')"}, nil, []string{"dot"}, ""},
		{"ignored output", []string{"dist/i.js", "require('dot')", ".gitignore", "dist"}, nil, nil, ""},
		{"computed", []string{"i.js", "\nrequire(name)"}, nil, nil, "i.js:2 requires a package by a computed name"},
		{"computed by prefix", []string{"i.js", "await import(`pg-${x}`)"}, nil, nil, "i.js:1 requires a package by a computed name"},
		{"computed path", []string{"i.js", "require('./routes/' + f); require(path.join(__dirname, f)); import(`./${x}.js`); require.resolve('express')"}, nil, nil, ""},
		{"not a require", []string{"i.js", "foo.require(x); function require(y) {}; myrequire(z)"}, nil, nil, ""},
		{"entry", []string{"i.js", "import './a'", "a.ts", "import 'dot'", "other.js", "require('pug')"}, []string{"i.js"}, []string{"dot"}, ""},
		{"entry that cannot be followed", []string{"i.js", "import './gone'", "other.js", "require('pug')"}, []string{"i.js"}, []string{"pug"}, ""},
		{"entry with an alias", []string{"i.js", "import '@/lib'", "other.js", "require('pug')"}, []string{"i.js"}, []string{"pug"}, ""},
		{"entry with a worker", []string{"i.js", "import {Worker} from 'node:worker_threads'; new Worker('./w.js')", "w.js", "require('pug')"}, []string{"i.js"}, []string{"pug"}, ""},
		{"built entry", []string{"src/i.ts", "import 'dot'"}, []string{"dist/i.js"}, []string{"dot"}, ""},
		{"cycle", []string{"i.js", "import './a'", "a.js", "import './i'"}, []string{"i.js"}, nil, ""},
	} {
		r := load(append([]string{"package.json", pkg}, c.files...)...)
		used, unknown := r.NodeUsesDev(".", c.entries...)
		if strings.Join(used, " ") != strings.Join(c.used, " ") || unknown != c.unknown {
			t.Errorf("%s: %v, %q", c.why, used, unknown)
		}
	}
	if _, unknown := load().NodeUsesDev("."); unknown == "" {
		t.Error("no package.json")
	}
}

func TestScriptDev(t *testing.T) {
	n := load("package.json", `{"scripts":{"start":"npm run build && cross-env A=1 node -r dotenv/config .","build":"tsc -p .","prestart":"rimraf dist","lint":"eslint"},
		"devDependencies":{"typescript":"5","cross-env":"7","dotenv":"1","rimraf":"3","eslint":"8"}}`).Node(".")
	equal(t, "start", n.ScriptDev("start"), []string{"cross-env", "dotenv", "rimraf", "typescript"})
	equal(t, "none", n.ScriptDev("nothing"), []string(nil))
}
