package repo

import (
	"slices"
	"strings"
)

// binOwner names the package of a command that is not called like its package.
// Source: the "bin" of each package's package.json on the npm registry.
var binOwner = map[string]string{
	"tsc": "typescript", "tsserver": "typescript", "nest": "@nestjs/cli", "ng": "@angular/cli",
	"vue-cli-service": "@vue/cli-service", "babel": "@babel/cli", "babel-node": "@babel/node",
	"sequelize": "sequelize-cli", "dotenv": "dotenv-cli", "ts-node-esm": "ts-node", "ts-node-transpile-only": "ts-node",
	"tsnd": "ts-node-dev", "swc": "@swc/cli", "swc-node": "@swc-node/register", "remix": "@remix-run/dev",
	"remix-serve": "@remix-run/serve", "react-router": "@react-router/dev", "react-router-serve": "@react-router/serve",
	"strapi": "@strapi/strapi", "cross-env-shell": "cross-env", "run-s": "npm-run-all", "run-p": "npm-run-all",
	"webpack": "webpack-cli", "webpack-serve": "webpack-cli", "pm2-runtime": "pm2", "mikro-orm": "@mikro-orm/cli",
	"parcel": "parcel", "ntl": "netlify-cli", "sls": "serverless", "jake": "jake", "gulp": "gulp", "grunt": "grunt-cli",
	"graphql-codegen": "@graphql-codegen/cli", "typeorm-ts-node-commonjs": "typeorm", "typeorm-ts-node-esm": "typeorm",
}

var runScript = lazy(`\b(?:npm|pnpm|yarn|bun)\s+(?:run(?:-script)?\s+)?(?:-[\w-]+\s+)*([\w:.-]+)`)

// ScriptDev returns the packages only in devDependencies that the npm script
// name calls or preloads, together with its pre and post scripts and the
// scripts they run. Nil when there is no such script.
func (n *Node) ScriptDev(name string) []string {
	devOnly := n.DevOnly()
	used := map[string]bool{}
	seen := map[string]bool{}
	for queue := []string{name}; len(queue) > 0; queue = queue[1:] {
		s := queue[0]
		if seen[s] || n.Scripts[s] == "" {
			continue
		}
		seen[s] = true
		cmd := n.Scripts[s]
		queue = append(queue, "pre"+s, "post"+s)
		for _, m := range runScript.FindAllStringSubmatch(cmd, -1) {
			queue = append(queue, m[1])
		}
		for _, w := range strings.FieldsFunc(cmd, func(c rune) bool { return strings.ContainsRune(" \t\n;&|()'\"=,", c) }) {
			w = strings.TrimPrefix(strings.TrimPrefix(w, "./"), "node_modules/.bin/")
			w = strings.TrimPrefix(w, "node_modules/")
			// run-s, run-p and concurrently name scripts
			if n.Scripts[w] != "" {
				queue = append(queue, w)
			}
			for _, p := range devOnly {
				if w == p || strings.HasPrefix(w, p+"/") || binOwner[w] == p {
					used[p] = true
				}
			}
		}
	}
	var out []string
	for _, p := range devOnly {
		if used[p] {
			out = append(out, p)
		}
	}
	return slices.Clip(out)
}

// NodeScript is a script of package.json.
type NodeScript struct{ Name, Command string }

// Started returns the scripts that a command line of npm, pnpm, Yarn or Bun runs, each
// with its pre and post scripts and the scripts that these run; nil for none.
func (n *Node) Started(command string) (out []NodeScript) {
	var queue []string
	called := func(cmd string) {
		for _, m := range runScript.FindAllStringSubmatch(cmd, -1) {
			queue = append(queue, m[1])
		}
	}
	called(command)
	for seen := map[string]bool{}; len(queue) > 0; queue = queue[1:] {
		name := queue[0]
		cmd := n.Scripts[name]
		if seen[name] || cmd == "" {
			continue
		}
		seen[name] = true
		out = append(out, NodeScript{name, cmd})
		queue = append(queue, "pre"+name, "post"+name)
		called(cmd)
		for _, w := range strings.Fields(cmd) {
			if w = strings.Trim(w, `"'`); n.Scripts[w] != "" { // run-s, run-p and concurrently name scripts
				queue = append(queue, w)
			}
		}
	}
	return out
}
