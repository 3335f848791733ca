package rewrite

import (
	"slices"

	"mvdan.cc/sh/v3/syntax"
)

// changes are the folders that the commands of a script change to.
type changes struct {
	start State
	dirs  []string
	plain *bool
}

// dir follows a cd in a script that is a plain list of commands, so that what
// comes behind runs in its folder; unknown tells why it can't be followed.
func (c *changes) dir(s *Script, cmd Command, st *State) (unknown string) {
	if c.plain == nil {
		plain := !slices.ContainsFunc(s.File.Stmts, func(st *syntax.Stmt) bool { return !plainList(st) })
		c.plain = &plain
	}
	_, path := c.start.lookup().Get("CDPATH")
	if !*c.plain || path || len(cmd.Args) != 2 {
		return "drydock doesn't know where its cd leads"
	}
	dir, ok := st.Abs(cmd.Args[1])
	if !ok || cmd.Args[1] == "-" {
		return "it changes to the computed folder " + cmd.Args[1]
	}
	st.Workdir = dir
	c.dirs = append(c.dirs, dir)
	return ""
}

// needs notes that the folders must be there. Those of an install are: the
// files that it reads lie in them.
func (c *changes) needs(e *Effects) {
	for _, d := range c.dirs {
		if !Stands(d, c.start.Workdir) && !slices.ContainsFunc(e.Installs, func(i Install) bool { return Inside(i.Dir, d) }) {
			e.Reads = append(e.Reads, d)
		}
	}
}

// plainList reports whether a statement is simple commands tied by &&.
func plainList(st *syntax.Stmt) bool {
	if st.Negated || st.Background || st.Coprocess {
		return false
	}
	switch x := st.Cmd.(type) {
	case *syntax.CallExpr:
		return true
	case *syntax.BinaryCmd:
		return x.Op == syntax.AndStmt && plainList(x.X) && plainList(x.Y)
	}
	return false
}
