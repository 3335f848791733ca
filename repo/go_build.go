package repo

import (
	"go/build/constraint"
	"path"
	"strings"
)

// Which files a build for linux could include, whatever its other tags.

// otherOS are GOOS values that are not linux (go/build's known list).
var otherOS = map[string]bool{
	"aix": true, "android": true, "darwin": true, "dragonfly": true, "freebsd": true, "hurd": true, "illumos": true,
	"ios": true, "js": true, "nacl": true, "netbsd": true, "openbsd": true, "plan9": true, "solaris": true,
	"wasip1": true, "windows": true, "zos": true,
}

var knownArch = map[string]bool{
	"386": true, "amd64": true, "arm": true, "arm64": true, "loong64": true, "mips": true, "mips64": true,
	"mips64le": true, "mipsle": true, "ppc64": true, "ppc64le": true, "riscv64": true, "s390x": true,
	"wasm": true, "sparc64": true, "riscv": true,
}

// neverTags are set by no build of a program: generators and tool imports hide
// behind them by convention (https://go.dev/wiki/Modules, wire, mage).
var neverTags = map[string]bool{
	"ignore": true, "tools": true, "tool": true, "never": true, "mage": true, "wireinject": true,
	"gccgo": true, "appengine": true, "wasm": true,
}

// linuxFile reports whether a linux build of some architecture and tags takes
// the file, by its name and its build constraint. When in doubt it does.
//
// Source: https://pkg.go.dev/cmd/go#hdr-Build_constraints
func linuxFile(file string, src []byte) bool {
	name, _, _ := strings.Cut(path.Base(file), ".")
	if strings.HasPrefix(name, "_") || name == "" {
		return false
	}
	parts := strings.Split(name, "_")
	if n := len(parts); n >= 2 {
		last := parts[n-1]
		if otherOS[last] || last == "wasm" {
			return false
		}
		if knownArch[last] && n >= 3 && otherOS[parts[n-2]] {
			return false
		}
	}
	expr := buildConstraint(text(src))
	if expr == nil {
		return true
	}
	yes, _ := possible(expr)
	return yes
}

// buildConstraint finds the //go:build line, or else joins the // +build lines,
// above the package clause; nil when there is none that parses.
func buildConstraint(src string) constraint.Expr {
	var plus constraint.Expr
	inBlock := false
	for line := range strings.SplitSeq(src, "\n") {
		line = strings.TrimSpace(line)
		if inBlock {
			_, after, ok := strings.Cut(line, "*/")
			if !ok {
				continue
			}
			inBlock, line = false, strings.TrimSpace(after)
		}
		if strings.HasPrefix(line, "/*") {
			inBlock = !strings.Contains(line, "*/")
			continue
		}
		if line == "" {
			continue
		}
		if !strings.HasPrefix(line, "//") {
			break
		}
		if !constraint.IsGoBuild(line) && !constraint.IsPlusBuild(line) {
			continue
		}
		expr, err := constraint.Parse(line)
		if err != nil {
			continue
		}
		if constraint.IsGoBuild(line) {
			return expr
		}
		if plus == nil {
			plus = expr
		} else {
			plus = &constraint.AndExpr{X: plus, Y: expr}
		}
	}
	return plus
}

// possible reports whether e can be true and whether it can be false over all
// linux builds. Tags are taken as independent, which errs towards possible.
func possible(e constraint.Expr) (yes, no bool) {
	switch e := e.(type) {
	case *constraint.TagExpr:
		switch {
		case e.Tag == "linux" || e.Tag == "unix" || e.Tag == "gc" || strings.HasPrefix(e.Tag, "go1."):
			return true, e.Tag != "linux" && e.Tag != "unix" && e.Tag != "gc"
		case otherOS[e.Tag] || neverTags[e.Tag]:
			return false, true
		}
		return true, true
	case *constraint.NotExpr:
		yes, no = possible(e.X)
		return no, yes
	case *constraint.AndExpr:
		y1, n1 := possible(e.X)
		y2, n2 := possible(e.Y)
		return y1 && y2, n1 || n2
	case *constraint.OrExpr:
		y1, n1 := possible(e.X)
		y2, n2 := possible(e.Y)
		return y1 || y2, n1 && n2
	}
	return true, true
}
