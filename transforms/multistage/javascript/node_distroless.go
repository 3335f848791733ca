package javascript

import (
	"fmt"
	"slices"
	"strings"

	"drydock/images"
	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
	"drydock/transforms/multistage/split"
)

// Node on distroless, where the policy asks for it: no shell, no package manager,
// node as the entry point, and the user nonroot.

// DistrolessNode is where distroless images have Node.js.
const DistrolessNode = "/nodejs/bin/node"

// smallerBase replaces the slim image by the distroless one of the same Node and
// Debian release, or says in the plan which fact speaks against that.
func (n *NodeApp) smallerBase() {
	if n.Pass.Policy != split.Distroless && n.Pass.Policy != split.Smallest {
		return
	}
	kind := fmt.Sprintf("nodejs%d-debian%s", n.major(), distro.DebianNumber(n.Image.Release))
	ref, ok := images.Distroless(kind)
	why := ""
	switch {
	case n.alpine:
		why = "modules are built for the libc of Alpine"
	case !ok:
		why = "there is no distroless image " + kind
	default:
		why = n.needsMore()
	}
	if why != "" {
		n.Explain("the runtime stage stands on %s and not on a distroless image: %s", n.Base, why)
		return
	}
	if n.root != "" {
		ref = ref.WithTag("latest")
		n.Explain("it stays root: %s", n.root)
	}
	n.Base = ref.String()
	for in, text := range n.texts {
		n.Say(in, text)
	}
	n.Config |= n.fields
	if n.runAs != "" {
		for _, lines := range n.Instead {
			n.rename(lines)
		}
		for _, lines := range n.Ahead {
			n.rename(lines)
		}
	}
	n.Gain = "compilers and headers stay behind, and so do shell and package manager: about 420 MB for the full image, 45 MB for the distroless one (compressed)"
	n.Explain("%s has node as its entry point and nothing but it: no shell is needed, no other program is started", n.Base)
	if img, ok := images.Catalogue().Image(ref); ok && img.EndOfLife != "" {
		n.Explain("distroless images of Node on this Debian release are maintained until %s", img.EndOfLife)
	}
	if n.Stage.At(nil).User == "" && n.root == "" {
		n.Assumes = append(n.Assumes, "the program may run as nonroot (65532) instead of root")
	}
	n.Assumes = append(n.Assumes, "no package starts a shell or another program")
}

// rename gives files to nonroot that were node's.
func (n *NodeApp) rename(lines []string) {
	for i, l := range lines {
		lines[i] = strings.Replace(l, " --chown="+n.Owner+" ", " --chown="+n.runAs+":"+n.runAs+" ", 1)
	}
}

// needsMore tells what speaks against distroless; where it is nothing, it has
// noted what the start commands and USER become.
func (n *NodeApp) needsMore() string {
	n.texts = map[*rewrite.Instruction]string{}
	workdir, user := false, false
	var entry, cmd *rewrite.Instruction
	for _, in := range n.Stage.Instructions {
		switch in.Keyword {
		case "workdir":
			workdir = true
		case "healthcheck":
			if line, _ := cmdline.StartLine(in); len(line) > 0 {
				return "HEALTHCHECK starts a program by its name"
			}
		case "entrypoint":
			entry = in
		case "cmd":
			cmd = in
		case "expose":
			if split.LowPort(in) && n.root == "" {
				n.root = "EXPOSE " + in.Args.Text
			}
		case "volume":
			n.root = "VOLUME keeps root's folders"
		case "user":
			user = true
			switch name := strings.TrimSpace(in.Args.Text); {
			case name == "node" || name == "node:node" || name == "1000" && n.Owner == "":
				if n.Roles[in] == split.InBoth && !n.below(in) {
					return "USER " + name + " stands above the last build step"
				}
				n.runAs = "nonroot"
				n.texts[in] = n.keywordOf(in) + " nonroot"
				n.fields |= rewrite.FieldUser
			default:
				return "the user " + name + " isn't known to it"
			}
		case "copy", "add":
			for _, f := range in.Flags {
				owner, ok := strings.CutPrefix(f.Text, "--chown=")
				if ok && n.Roles[in] != split.InBuild && strings.Trim(owner, "0123456789:") != "" {
					return "line " + cmdline.LineOf(in) + " gives files to " + owner
				}
			}
		}
	}
	switch {
	case !workdir:
		return "no WORKDIR says where it starts"
	case n.Owner != "" && n.Owner != "node" && n.Owner != "node:node" && n.Owner != "1000:1000":
		return "files belong to " + n.Owner
	case n.Owner != "" && n.runAs == "":
		return "files belong to " + n.Owner + " and no USER is set"
	}
	if !user && n.root == "" && n.Pass.Unsafe {
		n.root = n.Pass.Repo.Writes(n.Pass.Name, false)
	}
	if user {
		n.root = ""
	}
	for _, b := range n.Runs() {
		for _, list := range [][]string{b.Command, b.Entrypoint, b.Healthcheck} {
			if len(list) > 0 {
				return b.File + " runs " + strings.Join(list[:min(3, len(list))], " ") + " in the container"
			}
		}
	}
	at := cmd
	if entry != nil {
		at = entry
	}
	if at == nil {
		return "no CMD says what starts"
	}
	if why := n.startsNode(at, entry != nil); why != "" {
		return why
	}
	return n.NeedsShell(func([]string) bool { return true }, ".js", ".ts", ".mjs", ".cjs", ".tsx")
}

// startsNode notes what a start command becomes where node is the entry point.
func (n *NodeApp) startsNode(at *rewrite.Instruction, entry bool) string {
	line, shell := cmdline.StartLine(at)
	if call := n.calls[at]; call != nil { // a package manager's, already a call of node
		line, shell = call, false
	}
	if shell {
		return strings.ToUpper(at.Keyword) + " is in shell form"
	}
	if name := split.ScriptOf(line); name != "" && !entry {
		args, why := n.Direct(n.main().Node, name)
		if why != "" {
			return why
		}
		if node := n.main().Node; node.Scripts[name] != "" {
			n.Assumes = append(n.Assumes, "the program doesn't read what "+line[0]+" sets in its environment (npm_package_version and the like)")
			line = args
		}
	}
	if len(line) == 0 || line[0] != "node" && line[0] != "nodejs" && line[0] != "/usr/local/bin/node" {
		return strings.ToUpper(at.Keyword) + " runs " + strings.Join(line[:min(2, len(line))], " ")
	}
	if entry {
		n.texts[at] = n.keywordOf(at) + " " + jsonList(slices.Concat([]string{DistrolessNode}, line[1:]))
		n.fields |= rewrite.FieldEntrypoint
		return ""
	}
	if len(line) < 2 {
		return "CMD runs node without a program"
	}
	n.texts[at] = n.keywordOf(at) + " " + jsonList(line[1:])
	n.fields |= rewrite.FieldCmd
	return ""
}

// below reports whether an instruction stays below the second FROM as it is.
func (n *NodeApp) below(in *rewrite.Instruction) bool { return in.Index > n.lastRun().Index }
