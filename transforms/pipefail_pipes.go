package transforms

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
)

// What stands on both sides of a pipe.

// mayFail are programs on the left of a pipe whose failure matters and which
// succeed when all is well.
var mayFail = words(`curl wget tar gzip gunzip zcat bzip2 xz unxz zstd openssl gpg jq git aria2c http aws gsutil gcloud az apk-tools rpm2cpio
	python python3 node perl ruby php unzip cpio go make pip pip3 npm`)

// neverFail are those which don't fail, or only where a file is missing.
var neverFail = words(`echo printf cat sed envsubst base64 sort uniq tr cut wc date uname awk gawk mawk nproc basename dirname lsb_release dpkg arch true rev tac column id whoami hostname paste md5sum sha1sum sha256sum sha512sum`)

// readsAll are programs that read their input to its end.
var readsAll = words(`tar sh bash ash dash zsh gpg apt-key tee sort uniq wc tr cut sed awk gawk mawk cat base64 gunzip gzip zcat bzip2 bunzip2 xz unxz zstd
	md5sum sha1sum sha256sum sha512sum shasum python python2 python3 node perl php ruby jq chpasswd debconf-set-selections patch mysql psql cpio crontab xargs
	rpm tail rev tac column openssl bsdtar unzip envsubst passwd dpkg hexdump xxd od java gdebi nl sponge paste`)

// masksFailure reports whether the script has a pipe whose left side may fail
// unnoticed.
func masksFailure(sh *rewrite.Script) bool {
	found := false
	topPipes(sh, func(b *syntax.BinaryCmd) {
		for _, st := range sides(b)[:len(sides(b))-1] {
			if call, ok := st.Cmd.(*syntax.CallExpr); ok && len(call.Args) > 0 && mayFail[path.Base(call.Args[0].Lit())] {
				found = true
			}
		}
	})
	return found
}

// sides are the commands of a pipe from left to right.
func sides(b *syntax.BinaryCmd) []*syntax.Stmt {
	if x, ok := b.X.Cmd.(*syntax.BinaryCmd); ok && x.Op == syntax.Pipe {
		return append(sides(x), b.Y)
	}
	return []*syntax.Stmt{b.X, b.Y}
}

// pipesThatStop tells which pipe of a script, at the top or within, may fail
// with pipefail though all is well; "" for none.
func pipesThatStop(sh *rewrite.Script) string {
	why := ""
	inner := map[*syntax.BinaryCmd]bool{}
	syntax.Walk(sh.File, func(n syntax.Node) bool {
		b, ok := n.(*syntax.BinaryCmd)
		if !ok || inner[b] || why != "" {
			return why == ""
		}
		switch b.Op {
		case syntax.PipeAll:
			why = "|& is a pipe of standard error too"
		case syntax.Pipe:
			for x, ok := b.X.Cmd.(*syntax.BinaryCmd); ok; x, ok = x.X.Cmd.(*syntax.BinaryCmd) {
				inner[x] = true
			}
			why = pipeStops(sh, sides(b))
		case syntax.OrStmt:
			if left, ok := b.X.Cmd.(*syntax.BinaryCmd); ok && left.Op == syntax.Pipe {
				why = "|| looks at the status of the pipe already"
			}
		}
		return why == ""
	})
	if why != "" {
		return why
	}
	syntax.Walk(sh.File, func(n syntax.Node) bool {
		var conds []*syntax.Stmt
		switch n := n.(type) {
		case *syntax.IfClause:
			conds = n.Cond
		case *syntax.WhileClause:
			conds = n.Cond
		case *syntax.Stmt:
			if n.Negated {
				conds = []*syntax.Stmt{n}
			}
		}
		for _, c := range conds {
			if b, ok := c.Cmd.(*syntax.BinaryCmd); ok && b.Op == syntax.Pipe {
				why = "a condition looks at the status of the pipe"
			}
		}
		return why == ""
	})
	return why
}

func pipeStops(sh *rewrite.Script, all []*syntax.Stmt) string {
	for i, st := range all {
		call, ok := st.Cmd.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 || st.Negated {
			return "a side of a pipe isn't a simple command"
		}
		name, args := path.Base(call.Args[0].Lit()), call.Args[1:]
		if (name == "sudo" || name == "env" || name == "command") && len(args) > 0 {
			name, args = path.Base(args[0].Lit()), args[1:]
		}
		if i < len(all)-1 && !mayFail[name] && !neverFail[name] {
			return shown(sh, call) + " on the left of a pipe may fail though all is well"
		}
		if i > 0 {
			greps := i == len(all)-1 && (name == "grep" || name == "egrep" || name == "fgrep")
			if !readsAll[name] && !greps {
				return shown(sh, call) + " on the right of a pipe may stop reading early"
			}
			for _, a := range args {
				if src := sh.Source(a); stopsReading(name, src) {
					return name + " " + src + " on the right of a pipe stops reading early"
				}
			}
		}
	}
	return ""
}

func shown(sh *rewrite.Script, call *syntax.CallExpr) string { return sh.Source(call.Args[0]) }

// stopsReading reports whether an argument may make a program end before its
// input does.
func stopsReading(name, arg string) bool {
	switch name {
	case "awk", "gawk", "mawk":
		return strings.Contains(arg, "exit") || strings.HasPrefix(arg, "-f")
	case "sed":
		script := strings.Trim(arg, `"'`)
		return strings.HasPrefix(arg, "-f") || strings.HasSuffix(script, "q") || strings.HasSuffix(script, "Q") ||
			strings.Contains(script, "q;") || strings.Contains(script, "q}") || strings.Contains(script, "Q;") || strings.Contains(script, "Q}")
	case "jq":
		return strings.Contains(arg, "first") || strings.Contains(arg, "limit") || arg == "-n" || arg == "-e"
	case "python", "python2", "python3", "perl", "php", "ruby", "node", "java":
		return strings.HasPrefix(arg, "-c") || arg == "-e" || arg == "-r" || arg == "-ne" // a program of its own
	case "grep", "egrep", "fgrep":
		short := strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "--") && strings.ContainsAny(arg, "qmlL")
		return short || arg == "--quiet" || arg == "--silent" || strings.HasPrefix(arg, "--max-count") || strings.HasPrefix(arg, "--files-with")
	case "openssl":
		return arg == "s_client"
	case "tail":
		return strings.HasPrefix(arg, "--pid")
	}
	return false
}
