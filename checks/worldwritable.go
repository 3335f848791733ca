package checks

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/rewrite"
)

// world-writable finds files that every user of a container may change.
var _ = register(&rewrite.Check{
	Name:    "world-writable",
	Summary: "Files that every user in the container may change",
	Doc: "`chmod 777` lets every process in the container change the files, so that one\n" +
		"service that is taken over can replace programs that others run. Mostly it\n" +
		"stands in for `chmod +x`, or for giving the files to the user who runs the\n" +
		"program (`COPY --chown`, https://docs.docker.com/reference/dockerfile/#copy---chown---chmod).\n" +
		"On files of the base image it also copies them into a new layer.\n" +
		"CIS Docker Benchmark, section 4 (https://www.cisecurity.org/benchmark/docker); CWE-732\n" +
		"(https://cwe.mitre.org/data/definitions/732.html).\n\n" +
		"Found are chmod, `mkdir -m`, `install -m` and `COPY --chmod` with a mode in\n" +
		"which others may write, in stages that ship.",
	Passes: "The sticky bit (`1777`, `a+rwxt`), as /tmp has it; files below /tmp and /dev, and what a\n" +
		"variable with TMP in its name holds; a mode that a later chmod of the same RUN takes back; a mode in a variable;\n" +
		"stages that only build.",
	Run: func(_ context.Context, p *rewrite.Pass) error {
		for _, in := range acting(p.Shipping()) {
			switch in.Keyword {
			case "copy", "add":
				findOpenCopy(p, in)
			case "run":
				if !mentions(in, "chmod") && !(mentions(in, "mkdir", "install") && mentions(in, " -m", `"-m`, "--mode")) {
					continue
				}
				for _, s := range scripts(in) {
					cmds := s.Commands()
					for i, c := range cmds {
						if what, where := opens(c); what != "" && !closes(cmds[i+1:], where) {
							p.Report(in, rewrite.Finding{Line: s.line(c.Words[0].Start), Message: fmt.Sprintf("%s lets every user in the container change %s", what, where), Hint: openHint})
						}
					}
				}
			}
		}
		return nil
	},
})

const openHint = "give the files to the user who needs them (COPY --chown), or a narrower mode such as 755"

func findOpenCopy(p *rewrite.Pass, in *rewrite.Instruction) {
	mode, ok := in.Flag("chmod")
	if !ok || !othersWrite(mode) {
		return
	}
	dest := ""
	switch c := in.Cmd.(type) {
	case *instructions.CopyCommand:
		dest = c.DestPath
	case *instructions.AddCommand:
		dest = c.DestPath
	}
	if scratch(dest + "/") { // into /tmp
		return
	}
	p.Find(in, fmt.Sprintf("%s --chmod=%s lets every user in the container change %s", strings.ToUpper(in.Keyword), mode, dest), openHint)
}

// opens tells which command opens which path to everyone, "" when it doesn't.
func opens(c rewrite.Command) (what, where string) {
	if len(c.Args) == 0 {
		return "", ""
	}
	args := unwrap(c.Args)
	name := path.Base(args[0])
	if name == "find" || name == "xargs" {
		i := slices.Index(args, "chmod")
		if i < 0 {
			return "", ""
		}
		found := "what " + name + " finds"
		if len(args) > 1 && name == "find" && !strings.HasPrefix(args[1], "-") {
			found = "what find finds in " + args[1]
		}
		args, name = args[i:], "chmod"
		if len(args) > 1 && othersWrite(modeOf(args[1:])) {
			return "chmod " + modeOf(args[1:]), found
		}
		return "", ""
	}
	mode, targets := "", []string{}
	switch name {
	case "chmod":
		mode = modeOf(args[1:])
		targets = operands(args[1:])
		if len(targets) > 0 {
			targets = targets[1:] // the mode
		}
	case "mkdir", "install":
		for i, a := range args[1:] {
			v, ok := strings.CutPrefix(a, "--mode=")
			switch {
			case ok:
				mode = v
			case a == "-m" && i+2 < len(args):
				mode = args[i+2]
			case strings.HasPrefix(a, "-m") && len(a) > 2 && !strings.HasPrefix(a, "--"):
				mode = a[2:]
			}
		}
		for _, t := range operands(args[1:]) {
			if t != mode {
				targets = append(targets, t)
			}
		}
		if name == "install" && len(targets) > 1 {
			targets = targets[len(targets)-1:]
		}
	default:
		return "", ""
	}
	if !othersWrite(mode) || len(targets) == 0 || !slices.ContainsFunc(targets, func(t string) bool { return !scratch(t) }) {
		return "", ""
	}
	if name != "chmod" {
		name += " -m"
	}
	return name + " " + mode, strings.Join(targets[:min(len(targets), 3)], " ") + more(len(targets)-3)
}

// closes tells that a later command of the script takes the mode back, as for
// a file that is edited in between.
func closes(later []rewrite.Command, where string) bool {
	return slices.ContainsFunc(later, func(c rewrite.Command) bool {
		if c.Name != "chmod" {
			return false
		}
		ops := operands(c.Args[1:])
		return len(ops) > 1 && strings.Trim(ops[0], "01234567") == "" && !othersWrite(ops[0]) && strings.Join(ops[1:], " ") == where
	})
}

func more(n int) string {
	if n > 0 {
		return " …"
	}
	return ""
}

// scratch tells paths whose files come and go, and devices.
func scratch(p string) bool {
	p = strings.Trim(p, `"'`)
	if strings.HasPrefix(p, "$") {
		lower := strings.ToLower(p)
		return strings.Contains(lower, "tmp") || strings.Contains(lower, "temp")
	}
	return strings.HasPrefix(p, "/tmp/") || strings.HasPrefix(p, "/var/tmp/") || strings.HasPrefix(p, "/dev/")
}

// modeOf is chmod's mode: its first operand; a leading dash may belong to it.
func modeOf(args []string) string {
	if ops := operands(args); len(ops) > 0 {
		return ops[0]
	}
	return ""
}

func operands(args []string) []string {
	var out []string
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			out = append(out, strings.Trim(a, `"'`))
		}
	}
	return out
}

// othersWrite reports whether a mode lets others write without the sticky bit,
// in the octal and the symbolic form.
// https://www.gnu.org/software/coreutils/manual/html_node/File-permissions.html
func othersWrite(mode string) bool {
	if mode == "" {
		return false
	}
	if strings.Trim(mode, "01234567") == "" {
		if len(mode) < 3 || len(mode) > 5 {
			return false
		}
		others := mode[len(mode)-1] - '0'
		special := byte(0)
		if len(mode) > 3 {
			special = mode[len(mode)-4] - '0'
		}
		return others&2 != 0 && special&1 == 0
	}
	open := false
	for _, clause := range strings.Split(mode, ",") {
		who := strings.TrimLeft(clause, "ugoa")
		whom := clause[:len(clause)-len(who)]
		if who == "" || !strings.ContainsAny(whom, "oa") { // without whom the umask holds others back
			continue
		}
		perms := who[1:]
		switch {
		case strings.Trim(perms, "rwxXst") != "" || strings.Contains(perms, "t"):
			return false
		case who[0] == '-' && strings.Contains(perms, "w"), who[0] == '=' && !strings.Contains(perms, "w"):
			open = false
		case who[0] != '-' && strings.Contains(perms, "w"):
			open = true
		}
	}
	return open
}
