package repo

import (
	"path"
	"strings"
)

// Packages whose own install script reads the project that depends on them.

// readers judges the dependencies of one package of the install.
func (i *nodeInstall) readers(m *Node) {
	has := func(name string) bool {
		_, dep := m.Dependencies[name]
		_, dev := m.DevDependencies[name]
		_, opt := m.Optional[name]
		return dep || dev || opt
	}
	if has("@prisma/client") {
		// https://www.prisma.io/docs/orm/prisma-client/setup-and-configuration/generating-prisma-client
		if len(i.members) > 0 {
			i.unknown("dependency @prisma/client looks for a schema in all workspaces when it is installed")
		} else if !i.prisma(m, "") {
			i.unknown("dependency @prisma/client generates code at install, and what it reads isn't known")
		}
	}
	// https://pptr.dev/guides/configuration
	if has("puppeteer") && (m.hasPrefix(".puppeteerrc", "puppeteer.config") || m.raw["puppeteer"] != nil) {
		i.unknown("dependency puppeteer: its install script reads .puppeteerrc and puppeteer.config files")
	}
	if has("msw") && m.raw["msw"] != nil {
		i.unknown("dependency msw: it writes into the folders that msw in package.json names")
	}
	// https://github.com/nrwl/nx packages/nx/bin/post-install.ts: with nx.json it reads the whole workspace.
	if has("nx") {
		i.file(path.Join(i.root.Dir, "nx.json"))
		if i.root.repo.isFile(path.Join(i.root.Dir, "nx.json")) {
			i.unknown("dependency nx: its install script reads the projects of nx.json")
		}
	}
	for name := range hookTools {
		if has(name) && !(name == "husky" && husky5(m)) {
			i.gitHooks(m)
		}
	}
}

// husky5: since version 5 husky has no install script
// (https://github.com/typicode/husky/releases/tag/v5.0.0).
func husky5(m *Node) bool {
	spec := m.DevDependencies["husky"]
	if spec == "" {
		spec = m.Dependencies["husky"]
	}
	spec = strings.TrimLeft(spec, "^~>=v ")
	return spec != "" && (spec[0] >= '5' && spec[0] <= '9' || spec[0] == '1' && len(spec) > 1 && spec[1] >= '0' && spec[1] <= '9')
}

// prismaPlaces is where Prisma looks for a schema
// (https://www.prisma.io/docs/orm/prisma-schema/overview/location).
var prismaPlaces = []string{"prisma/schema.prisma", "schema.prisma", "prisma/schema"}

// prismaGenerators write the client and nothing else.
var prismaGenerators = map[string]bool{"prisma-client-js": true, "prisma-client": true}

var (
	prismaBlock = lazy(`(?m)^\s*generator\s+\w+\s*\{([^}]*)\}`)
	prismaField = lazy(`(?m)^\s*(provider|output)\s*=\s*(\S+)`)
)

func (i *nodeInstall) prismaGenerate(n *Node, args []string) bool {
	schema := ""
	for k := 0; k < len(args); k++ {
		v, ok := strings.CutPrefix(args[k], "--schema=")
		switch {
		case ok:
			schema = v
		case args[k] == "--schema" && k+1 < len(args):
			k++
			schema = args[k]
		case args[k] == "--no-engine" || args[k] == "--no-hints" || args[k] == "--data-proxy":
		default:
			return false
		}
	}
	return !strings.Contains(schema, "$") && i.prisma(n, schema)
}

// prisma notes what prisma generate reads and writes; false when that can't be
// known.
func (i *nodeInstall) prisma(n *Node, schema string) bool {
	if n.hasPrefix("prisma.config.") || len(n.repo.Glob(path.Join(n.Dir, ".config/prisma.*"))) > 0 {
		i.unknown("prisma.config in " + n.Dir + " may load other files when prisma generates its client")
		return false
	}
	i.look(path.Join(n.Dir, "prisma.config.ts"))
	// The paths of the .env files become part of the client.
	i.look(path.Join(n.Dir, ".env"))
	places := prismaPlaces
	if p, _ := n.raw["prisma"].(map[string]any); schema == "" {
		schema = str(p["schema"])
	}
	if schema != "" {
		places = []string{schema}
	}
	for _, p := range places {
		p = path.Join(n.Dir, p)
		switch {
		case n.repo.IsDir(p):
			if !i.prismaSchema(n, p, p) {
				return false
			}
		case n.repo.isFile(p):
			if !i.prismaSchema(n, path.Dir(p), p) {
				return false
			}
		default:
			i.look(p)
		}
	}
	return true
}

// prismaSchema reads a schema, a file or a folder of files below dir.
func (i *nodeInstall) prismaSchema(n *Node, dir, schema string) bool {
	files := []string{schema}
	if n.repo.IsDir(schema) {
		all, complete := n.repo.Files()
		if !complete {
			return false
		}
		files = nil
		for _, f := range all {
			if strings.HasPrefix(f, schema+"/") && path.Ext(f) == ".prisma" {
				files = append(files, f)
			}
		}
	}
	// The folder prisma/ is Prisma's own; another may hold other things.
	switch own := path.Join(n.Dir, "prisma"); {
	case strings.HasPrefix(schema, own+"/") && !n.repo.isFile(path.Join(own, "package.json")):
		i.folder(own)
	case path.Base(dir) == "prisma" || schema == dir:
		if !i.folder(dir) {
			return false
		}
	default:
		i.file(schema)
		i.look(path.Join(dir, ".env"))
	}
	for _, f := range files {
		src, err := n.repo.ReadFile(f)
		if err != nil {
			return false
		}
		for _, block := range prismaBlock.FindAllStringSubmatch(text(src), -1) {
			if !i.prismaGenerator(n, path.Dir(f), block[1]) {
				return false
			}
		}
	}
	return true
}

func (i *nodeInstall) prismaGenerator(n *Node, dir, block string) bool {
	provider, output := "", ""
	for _, m := range prismaField.FindAllStringSubmatch(block, -1) {
		v := strings.Trim(m[2], `"`)
		if !strings.HasPrefix(m[2], `"`) || !strings.HasSuffix(m[2], `"`) {
			return false // env(…)
		}
		if m[1] == "provider" {
			provider = v
		} else {
			output = path.Join(dir, v)
		}
	}
	if !prismaGenerators[provider] {
		i.unknown("the Prisma generator " + short(provider) + " may read and write more")
		return false
	}
	if provider == "prisma-client" { // its import paths follow the compiler's settings
		if n.repo.isFile(path.Join(n.Dir, "tsconfig.json")) {
			i.unknown("the Prisma generator prisma-client reads tsconfig.json and what it extends")
			return false
		}
		i.look(path.Join(n.Dir, "tsconfig.json"))
	}
	switch {
	case output == "":
		return provider == "prisma-client-js"
	case !i.within(output):
		return false
	case !strings.Contains("/"+output+"/", "/node_modules/"):
		i.Writes = append(i.Writes, output)
	}
	return true
}
