package transforms

import (
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// dropCleanUps takes out of a step what would empty its cache mounts, and tells why
// the step can't have them: a clean-up that would hit the mount point fails
// with "Device or resource busy", and what uses the directory by name would use
// the cache instead.
func dropCleanUps(e *rewrite.ScriptEdit, k *keeper, r *cacheStep, pl cachePlace) string {
	dirs := make([]string, len(pl.mounts))
	for i, m := range pl.mounts {
		dirs[i] = m.dir
	}
	for _, u := range r.uses {
		if k.cleans != nil && k.cleans(u.args) {
			e.Drop(u.Command)
		}
	}
	for _, c := range r.script.Commands() {
		if _, ours := k.names(c); ours || len(c.Args) == 0 {
			continue
		}
		if c.Name == "rm" {
			if why := dropOperands(e, r, c, dirs, pl.who.home); why != "" {
				return why
			}
			continue
		}
		for _, a := range c.Args {
			a = expandHome(r.in.State().Expand(a), pl.who.home)
			for _, d := range dirs {
				if i := strings.Index(a, d); i >= 0 && (i+len(d) == len(a) || strings.IndexByte("/:;'\" ", a[i+len(d)]) >= 0) {
					return "it uses " + d + " by name"
				}
			}
			if c.Name == "find" || c.Name == "chown" || c.Name == "mv" || c.Name == "cp" || c.Name == "tar" {
				for _, d := range dirs {
					if p := path.Clean(a); strings.HasPrefix(a, "/") && p != "/" && rewrite.Inside(d, p) {
						return c.Name + " works on " + a + ", which holds the mount"
					}
				}
			}
		}
	}
	return ""
}

// expandHome replaces ~ and $HOME.
func expandHome(p, home string) string {
	if home == "" {
		return p
	}
	for _, h := range []string{"~", "$HOME", "${HOME}"} {
		if rest, ok := strings.CutPrefix(p, h); ok && (rest == "" || rest[0] == '/') {
			return home + rest
		}
	}
	return p
}

// rmLies is where an operand of rm lies with regard to a mount.
type rmLies int

const (
	rmApart  rmLies = iota
	rmInside        // it is the mount or something in it
	rmAround        // it holds the mount
)

// rmLieOf compares an operand, which may hold patterns, with a directory.
func rmLieOf(operand, dir string) rmLies {
	i := strings.IndexAny(operand, "*?[{")
	if i < 0 {
		switch p := path.Clean(operand); {
		case rewrite.Inside(p, dir):
			return rmInside
		case rewrite.Inside(dir, p):
			return rmAround
		}
		return rmApart
	}
	before := path.Dir(operand[:i] + "x")
	if rewrite.Inside(before, dir) {
		return rmInside
	}
	if !rewrite.Inside(dir, before) {
		return rmApart
	}
	// The pattern may match the folder on the way to dir.
	rel := strings.TrimPrefix(strings.TrimPrefix(dir, before), "/")
	folder, _, _ := strings.Cut(rel, "/")
	pattern, deeper, _ := strings.Cut(strings.TrimPrefix(operand[len(before):], "/"), "/")
	if strings.Contains(pattern, "{") {
		return rmAround
	}
	if ok, err := path.Match(strings.ReplaceAll(pattern, "[!", "[^"), folder); err != nil || !ok || strings.HasPrefix(folder, ".") && strings.HasPrefix(pattern, "*") {
		return rmApart
	}
	if deeper != "" {
		return rmLieOf(path.Join(before, folder)+"/"+deeper, dir)
	}
	if before+"/"+folder == dir {
		return rmInside
	}
	return rmAround
}

// dropOperands takes the operands of rm that lie in one of the directories out
// of a script, the command too where none is left; why tells that one would hit
// a mount point and can't just go.
func dropOperands(e *rewrite.ScriptEdit, r *cacheStep, c rewrite.Command, dirs []string, home string) string {
	st := r.in.State()
	moves := strings.Contains(r.script.Text, "cd ")
	var gone []int
	kept := 0
	for i, a := range c.Args {
		if i == 0 || strings.HasPrefix(a, "-") {
			continue
		}
		p := expandHome(a, home)
		if strings.Contains(p, "$") {
			if p = st.Expand(p); strings.Contains(p, "$") {
				kept++
				continue
			}
		}
		if !strings.HasPrefix(p, "/") {
			if moves || st.Workdir == "" {
				kept++
				continue
			}
			p = st.Workdir + "/" + p
		}
		l := rmApart
		for _, d := range dirs {
			l = max(l, rmLieOf(p, d))
		}
		switch {
		case l == rmApart:
			kept++
		case l == rmInside, among(path.Base(p), ".cache", ".m2", ".gradle", "pypoetry"): // what else is in there are caches too
			gone = append(gone, i)
		default:
			return "rm of " + a + " would fail on the mount point"
		}
	}
	switch {
	case len(gone) == 0:
	case kept == 0:
		e.Drop(c)
	default:
		for _, i := range slices.Backward(gone) {
			e.Remove(c, i)
		}
	}
	return ""
}
