//go:build linux

package main

import (
	"cmp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
	"drydock/tools/corpus/differential/record"
)

// order says how far the order of a script's records is its own and not the
// scheduler's. The recorder makes it so in most scripts: at the receiving end of a
// pipe it waits for the pipe's end, so commands of a pipeline are recorded from
// left to right.
type order int

const (
	// inOrder: records are compared one by one.
	inOrder order = iota
	// background: there are background jobs. The recorder delays them, so that they
	// come after what the shell does meanwhile. Those that follow each other are
	// compared as a multiset. A machine under load may upset that, so a mismatch
	// counts when it shows every time of attempts.
	background
	// anyOrder: process substitutions, or a pipeline of which a later command
	// doesn't read the pipe. All records are compared as one multiset, and commands
	// fail only one by one.
	anyOrder
)

// attempts at a run whose order is the scheduler's.
const attempts = 3

// orderOf reads the scripts as the shell does: `a &> b` is a background job for dash.
func orderOf(ins []*rewrite.Instruction, sh shell) order {
	found := inOrder
	for _, in := range ins {
		s, why := in.Shell()
		if why != "" {
			continue
		}
		file := s.File
		if sh == dash {
			if f, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(s.Text), ""); err == nil {
				file = f
			}
		}
		syntax.Walk(file, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.ProcSubst, *syntax.CoprocClause:
				found = anyOrder
			case *syntax.Stmt:
				if n.Background || n.Coprocess {
					found = max(found, background)
				}
			case *syntax.BinaryCmd:
				if isPipe(n) && !reads(n.Y) {
					found = anyOrder
				}
			}
			return true
		})
	}
	return found
}

func isPipe(b *syntax.BinaryCmd) bool { return b.Op == syntax.Pipe || b.Op == syntax.PipeAll }

// reads reports whether all commands of a statement surely have its standard
// input. Built-ins don't read to the end, but they aren't recorded either.
func reads(st *syntax.Stmt) bool {
	all := true
	syntax.Walk(st, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.BinaryCmd:
			all = all && !isPipe(n)
		case *syntax.Redirect:
			switch n.Op {
			case syntax.RdrIn, syntax.RdrInOut, syntax.DplIn, syntax.Hdoc, syntax.DashHdoc, syntax.WordHdoc:
				all = false
			}
		}
		return all
	})
	return all
}

// sorted puts records whose order says nothing into one that is always the same.
func (o order) sorted(list []record.Record) []record.Record {
	list = slices.Clone(list)
	text := func(a, b record.Record) int { return cmp.Compare(string(a.Append(nil)), string(b.Append(nil))) }
	switch o {
	case anyOrder:
		slices.SortFunc(list, text)
	case background:
		for i := 0; i < len(list); {
			n := 0
			for i+n < len(list) && list[i+n].Background {
				n++
			}
			slices.SortFunc(list[i:i+n], text)
			i += max(n, 1)
		}
	}
	return list
}
