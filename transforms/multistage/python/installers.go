package python

import (
	"strings"

	"drydock/rewrite"
)

// Poetry and uv by the installers that their projects give out.

// managerInstaller is the name of a step that installs Poetry or uv.
const managerInstaller = "installer of Poetry or uv"

// installers are the scripts that they give out for that. They put the manager into a
// folder of its own, never beside the application's packages.
// Source: https://python-poetry.org/docs/#installing-with-the-official-installer,
// https://docs.astral.sh/uv/getting-started/installation/.
var installers = lazily(`^https://(install\.python-poetry\.org/?|raw\.githubusercontent\.com/(python-poetry|sdispater)/poetry/[\w.-]+/(get|install)-poetry\.py|astral\.sh/uv/([\d.]+/)?install\.sh)$`)

// installsManager knows the pipe of such a script into Python or a shell.
func installsManager(left, right rewrite.Command) string {
	found := false
	for _, a := range left.Args[1:] {
		switch {
		case installers().MatchString(a):
			found = true
		case !strings.HasPrefix(a, "-") || strings.HasPrefix(a, "-o") || a == "--output" || a == "-O" && left.Name == "curl":
			return ""
		}
	}
	reads := pythonProgram().MatchString(right.Name) || rewrite.PosixShell(right.Name)
	for i, a := range right.Args[1:] {
		if a != "-" && a != "-s" && a != "--" && a != "-y" && a != "--yes" && a != "--version" && right.Args[i] != "--version" {
			return ""
		}
	}
	if !found || !reads || left.Name != "curl" && left.Name != "wget" {
		return ""
	}
	return managerInstaller
}
