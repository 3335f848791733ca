package checks

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
)

// pipe-to-shell finds downloads that run unseen.
var _ = register(&rewrite.Check{
	Name:    "pipe-to-shell",
	Summary: "A download that is run as it comes, unchecked",
	Doc: "`curl … | sh` runs whatever the server answers on the day of the build: the\n" +
		"image can't be built again from the same input, a download that breaks off\n" +
		"runs half a script, and whoever gets hold of the server or its domain runs\n" +
		"commands in the build. BuildKit can compare a download with its digest\n" +
		"(`ADD --checksum`, https://docs.docker.com/reference/dockerfile/#add---checksum),\n" +
		"and so can a RUN that downloads to a file first, as Docker's guidelines do for\n" +
		"what isn't packaged (https://github.com/docker-library/official-images#security).\n\n" +
		"Found are a pipe from curl or wget into a shell, python, perl, ruby, node or\n" +
		"php that reads its program from standard input, also through filters, and\n" +
		"`bash <(curl …)`, `sh -c \"$(curl …)\"`, `eval \"$(curl …)\"`: in RUN, CMD,\n" +
		"ENTRYPOINT and HEALTHCHECK, in shell and exec form, in heredocs and behind\n" +
		"ONBUILD.",
	Passes: "A pipe into a program that takes the download as data (`| tar x`, `| apt-key add -`, `| python -m json.tool`); a\n" +
		"script that is downloaded to a file, since what happens to the file in between can't always be seen.",
	Run: func(_ context.Context, p *rewrite.Pass) error {
		for _, in := range acting(p.Doc.Stages) {
			if !mentions(in, "curl", "wget") {
				continue
			}
			for _, s := range scripts(in) {
				findPiped(p, s)
			}
		}
		return nil
	},
})

func findPiped(p *rewrite.Pass, s script) {
	cmds := s.Commands()
	report := func(at syntax.Node, runner string, d rewrite.Command) {
		p.Report(s.in, rewrite.Finding{
			Line:    s.line(int(at.Pos().Offset())),
			Message: fmt.Sprintf("%s runs what %s fetches from %s, unchecked", runner, path.Base(unwrap(d.Args)[0]), address(d)),
			Hint:    "download it to a file, compare its checksum, then run it; or install it from a package",
		})
	}
	var seen []*syntax.BinaryCmd
	syntax.Walk(s.File, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.BinaryCmd:
			if slices.Contains(seen, n) || n.Op != syntax.Pipe && n.Op != syntax.PipeAll {
				return true
			}
			var links []*syntax.Stmt
			links, seen = pipeline(n, nil, seen)
			for i, link := range links[1:] {
				runner := readsProgram(cmds, link)
				if runner == "" {
					continue
				}
				for _, from := range links[:i+1] {
					if d, ok := download(cmds, rewrite.NodeSpan(from)); ok {
						report(from, runner, d)
						break
					}
				}
			}
		case *syntax.CallExpr:
			if runner, word := runsWord(n, cmds); word != nil {
				if d, ok := download(cmds, rewrite.NodeSpan(word)); ok {
					report(n, runner, d)
				}
			}
		}
		return true
	})
}

// pipeline lists the links of a pipe in order, and the nodes that tie them.
func pipeline(b *syntax.BinaryCmd, links []*syntax.Stmt, seen []*syntax.BinaryCmd) ([]*syntax.Stmt, []*syntax.BinaryCmd) {
	seen = append(seen, b)
	for _, st := range []*syntax.Stmt{b.X, b.Y} {
		if inner, ok := st.Cmd.(*syntax.BinaryCmd); ok && (inner.Op == syntax.Pipe || inner.Op == syntax.PipeAll) {
			links, seen = pipeline(inner, links, seen)
			continue
		}
		links = append(links, st)
	}
	return links, seen
}

// readsProgram names the interpreter that reads its program from standard
// input, "" when the statement is none.
func readsProgram(cmds []rewrite.Command, st *syntax.Stmt) string {
	i := slices.IndexFunc(cmds, func(c rewrite.Command) bool { return c.Stmt == st })
	if i < 0 || len(cmds[i].Args) == 0 {
		return ""
	}
	args := unwrap(cmds[i].Args)
	name := path.Base(args[0])
	args = args[1:]
	if !shells(name) {
		lang := strings.TrimRight(name, "0123456789.")
		if slices.Contains([]string{"python", "perl", "ruby", "node", "php"}, lang) && (len(args) == 0 || args[0] == "-") {
			return name
		}
		return ""
	}
	for n := 0; n < len(args); n++ {
		a := args[n]
		switch {
		case a == "-" || a == "-s" || a == "--" || a == "/dev/stdin" || !strings.HasPrefix(a, "--") && strings.HasPrefix(a, "-") && strings.HasSuffix(a, "s"):
			return name
		case a == "-o" || a == "+o" || a == "-O":
			n++
		case !strings.HasPrefix(a, "--") && strings.HasPrefix(a, "-") && strings.Contains(a, "c"):
			return "" // standard input is the script's data
		case !strings.HasPrefix(a, "-"):
			return "" // it runs a file
		}
	}
	return name
}

// runsWord finds the word of a call that is run as a script and is the output
// of another command as a whole.
func runsWord(call *syntax.CallExpr, cmds []rewrite.Command) (runner string, word *syntax.Word) {
	i := slices.IndexFunc(cmds, func(c rewrite.Command) bool { return c.Call == call })
	if i < 0 || len(cmds[i].Args) < 2 {
		return "", nil
	}
	args := unwrap(cmds[i].Args)
	words := call.Args[len(call.Args)-len(args):]
	name := path.Base(args[0])
	switch {
	case shells(name):
		for n, w := range words[1:] {
			if n > 0 && strings.HasPrefix(args[n], "-") && strings.HasSuffix(args[n], "c") && substitution(w) || procSubst(w) {
				return name, w
			}
		}
	case name == "eval" && substitution(words[1]):
		return name, words[1]
	case (name == "source" || name == ".") && procSubst(words[1]):
		return name, words[1]
	}
	return "", nil
}

// substitution tells "$(…)" with nothing beside it.
func substitution(w *syntax.Word) bool {
	parts := w.Parts
	if q, ok := parts[0].(*syntax.DblQuoted); ok && len(parts) == 1 {
		parts = q.Parts
	}
	if len(parts) != 1 {
		return false
	}
	_, ok := parts[0].(*syntax.CmdSubst)
	return ok
}

// procSubst tells <(…).
func procSubst(w *syntax.Word) bool {
	ps, ok := w.Parts[0].(*syntax.ProcSubst)
	return ok && ps.Op == syntax.CmdIn
}

// download finds the first command within a range that writes a download to
// standard output.
func download(cmds []rewrite.Command, within rewrite.Span) (rewrite.Command, bool) {
	for _, c := range cmds {
		if len(c.Words) == 0 || !within.Contains(rewrite.Span{Start: c.Words[0].Start, End: c.Words[0].End}) {
			continue
		}
		args := unwrap(c.Args)
		switch path.Base(args[0]) {
		case "curl":
			if !curlSaves(args[1:]) {
				return c, true
			}
		case "wget":
			if wgetPrints(args[1:]) {
				return c, true
			}
		}
	}
	return rewrite.Command{}, false
}

// curlSaves tells that curl writes to a file. https://curl.se/docs/manpage.html
func curlSaves(args []string) bool {
	for i, a := range args {
		switch {
		case strings.HasPrefix(a, "--remote-name") || a == "--head" || a == "-I":
			return true
		case strings.HasPrefix(a, "--output"):
			v := strings.TrimPrefix(strings.TrimPrefix(a, "--output"), "=")
			if v == "" && i+1 < len(args) {
				v = args[i+1]
			}
			return v != "-" && v != "/dev/stdout"
		case strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--"):
			if strings.Contains(a, "O") {
				return true
			}
			if _, v, ok := strings.Cut(a, "o"); ok {
				if v == "" && i+1 < len(args) {
					v = args[i+1]
				}
				return v != "-" && v != "/dev/stdout"
			}
		}
	}
	return false
}

// wgetPrints tells that wget writes to standard output.
func wgetPrints(args []string) bool {
	for i, a := range args {
		v, ok := strings.CutPrefix(a, "--output-document")
		if !ok && strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") {
			_, v, ok = strings.Cut(a, "O")
		}
		if !ok {
			continue
		}
		if v = strings.TrimPrefix(v, "="); v == "" && i+1 < len(args) {
			v = args[i+1]
		}
		return v == "-" || v == "/dev/stdout"
	}
	return false
}

// address is where a download comes from, without user names and queries.
func address(c rewrite.Command) string {
	for _, a := range c.Args[1:] {
		scheme, rest, ok := strings.Cut(strings.Trim(a, `"'`), "://")
		if !ok || strings.HasPrefix(a, "-") {
			continue
		}
		rest, _, _ = strings.Cut(rest, "?")
		host, tail, _ := strings.Cut(rest, "/")
		if at := strings.LastIndexByte(host, '@'); at >= 0 {
			host = host[at+1:]
		}
		return scheme + "://" + strings.TrimSuffix(host+"/"+tail, "/")
	}
	for _, a := range c.Args[1:] {
		if strings.Contains(a, "$") || !strings.HasPrefix(a, "-") && strings.Contains(a, ".") {
			return strings.Trim(a, `"'`)
		}
	}
	return "an address"
}
