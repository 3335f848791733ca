package narrowcopy

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
)

// Owners and modes. COPY of a folder keeps those of all that lies in it, and not of the
// folder itself, so a part that is a folder, and the folders on the way to a part, must be
// root's and of the usual mode (seen in real builds).

// owners declines where they aren't.
func (n *narrow) owners() bool {
	chowned := slices.ContainsFunc(n.copy.Flags, func(f rewrite.Word) bool { return strings.HasPrefix(f.Text, "--chown=") })
	for _, in := range n.build.Instructions {
		st := in.State()
		user := st.User
		if user == "" && st.Known {
			user = st.Base.User
		}
		name, _, _ := strings.Cut(user, ":")
		switch in.Keyword {
		case "copy", "add":
			owner := slices.ContainsFunc(in.Flags, func(f rewrite.Word) bool {
				return strings.HasPrefix(f.Text, "--chown=") && !chowned || strings.HasPrefix(f.Text, "--chmod=")
			})
			if k := n.folders(in); owner && k != "" {
				return n.stays("line %s sets owner or mode of %s", cmdline.LineOf(in), k)
			}
		case "run":
			if name != "" && name != "root" && name != "0" && !chowned {
				return n.stays("line %s builds as %s, to whom the folders of it belong", cmdline.LineOf(in), user)
			}
			all, _ := in.Steps()
			for _, c := range all {
				if k := n.changes(c, chowned); k != "" {
					return n.stays("line %s sets owner or mode of %s", cmdline.LineOf(in), k)
				}
			}
		}
	}
	return true
}

// isFolder: a part is a folder, or may be one.
func (n *narrow) isFolder(k string) bool {
	s := n.model
	ctx, by := s.Stage.Origin(nil, k, s.Pass.Repo, s.Pass.Name)
	if by != nil {
		return s.Pass.Repo.IsDir(ctx)
	}
	return slices.Contains(s.Kept.Made, k) || s.Kept.Folders
}

// folders names a part that an instruction brings and that is a folder, or lies in one.
func (n *narrow) folders(in *rewrite.Instruction) string {
	s := n.model
	for _, k := range n.keep {
		_, by := s.Stage.Origin(nil, k, s.Pass.Repo, s.Pass.Name)
		if by != nil && by.Line == in.Line && (n.isFolder(k) || path.Dir(k) != n.from) {
			return k
		}
	}
	return ""
}

// changes names a folder whose owner or mode a command sets, and that is a part, lies on the way
// to one, or is all of them.
func (n *narrow) changes(st rewrite.Step, chowned bool) string {
	mode := st.Name == "chmod" || (st.Name == "mkdir" || st.Name == "install") && slices.ContainsFunc(st.Args, func(a string) bool { return strings.HasPrefix(a, "-m") || strings.HasPrefix(a, "--mode") })
	owner := (st.Name == "chown" || st.Name == "chgrp") && !chowned
	words := cmdline.Operands(st)
	if !mode && !owner || len(words) < 2 {
		return ""
	}
	for _, w := range words[1:] {
		p := cmdline.Abs(st.Dir, w)
		if st.Dir == "" && !strings.HasPrefix(w, "/") {
			return w
		}
		if i := strings.IndexAny(p, "$`*?["); i >= 0 {
			p = path.Clean(p[:strings.LastIndexByte(p[:i], '/')+1])
			if rewrite.Inside(n.from, p) || rewrite.Inside(p, n.from) && n.folderBelow(p) {
				return w
			}
			continue
		}
		for _, k := range n.keep {
			if rewrite.Inside(k, p) && (k != p || n.isFolder(k)) {
				return w
			}
		}
	}
	return ""
}

// folderBelow: a part below a path is a folder, or lies in one.
func (n *narrow) folderBelow(p string) bool {
	return slices.ContainsFunc(n.keep, func(k string) bool {
		return rewrite.Inside(k, p) && (n.isFolder(k) || path.Dir(k) != p)
	})
}
