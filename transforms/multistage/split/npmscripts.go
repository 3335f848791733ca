package split

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"drydock/repo"
	"drydock/transforms/multistage/cmdline"
)

// bunFile is the source file that bun runs, as in bun run index.ts; "" for none.
func bunFile(words []string) string {
	if len(words) > 1 && words[0] == "run" {
		words = words[1:]
	}
	if len(words) > 0 && slices.Contains([]string{".js", ".ts", ".mjs", ".mts", ".cjs", ".jsx", ".tsx"}, path.Ext(words[0])) {
		return words[0]
	}
	return ""
}

var runVerb = lazily(`^(run|run-script)$`)

// ScriptOf is the npm script that a command runs, "" for none.
func ScriptOf(args []string) string {
	if len(args) < 2 || args[0] != "npm" && args[0] != "yarn" && args[0] != "pnpm" && args[0] != "bun" {
		return ""
	}
	var words []string
	for _, a := range args[1:] {
		if a == "--" {
			break
		}
		if !strings.HasPrefix(a, "-") {
			words = append(words, a)
		}
	}
	switch {
	case args[0] == "bun" && bunFile(words) != "":
	case len(words) > 1 && runVerb().MatchString(words[0]):
		return words[1]
	case len(words) > 0 && (args[0] != "npm" || words[0] == "start" || words[0] == "test" || words[0] == "stop" || words[0] == "restart"):
		return words[0]
	}
	return ""
}

// NativeModule matches what compiles C, or needs libraries, in a package.json or a lock file.
var NativeModule = lazily(`(?i)\b(node-gyp|node-gyp-build|node-pre-gyp|prebuild-install|node-addon-api|nan|bindings|bcrypt|argon2|sqlite3|better-sqlite3|canvas|sharp|node-sass|re2|zeromq|libpq|cpu-features|isolated-vm)["@]`)

// ScriptOn looks at the commands of a script of package.json, and at the scripts
// that those run.
func (s *Split) ScriptOn(n *repo.Node, name string, depth int, lacks func(program string) bool) string {
	file, body := path.Join(n.Dir, "package.json"), n.Scripts[name]
	if depth > 4 {
		return file + ": the scripts run each other"
	}
	if NativeModule().MatchString(body) || strings.Contains(body, "node-gyp") {
		return fmt.Sprintf("%s: the script %s compiles", file, name)
	}
	cmds, err := cmdline.ScriptCommands(body)
	if err != nil {
		return file + ": the script " + name + " can't be read"
	}
	for _, args := range cmds {
		if lacks(args[0]) {
			return fmt.Sprintf("%s: the script %s runs %s, which the slim image hasn't", file, name, args[0])
		}
		for _, a := range args {
			if why := s.scriptLacks(a, 1); why != "" {
				return why
			}
		}
		if inner := ScriptOf(args); inner != "" && inner != name && n.Scripts[inner] != "" {
			if why := s.ScriptOn(n, inner, depth+1, lacks); why != "" {
				return why
			}
		}
	}
	return ""
}

// StartScriptLacks looks at the npm script that a start command runs, with the
// scripts around it.
func (s *Split) StartScriptLacks(args []string) string {
	name := ScriptOf(args)
	if name == "" || s.Ref.Repository() != "node" {
		return ""
	}
	ctx, ok := s.Stage.Trace(path.Join(s.Stage.At(nil).Workdir, "package.json"), s.Pass.Repo, s.Pass.Name)
	if !ok {
		return ""
	}
	n := s.Pass.Repo.Node(path.Dir(ctx))
	if n == nil || n.Err != nil {
		return ""
	}
	for _, script := range []string{"pre" + name, name, "post" + name} {
		why := s.ScriptOn(n, script, 0, func(program string) bool { return s.LacksCommand(program, ctx) })
		if why != "" {
			return why
		}
	}
	return ""
}
