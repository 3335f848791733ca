package split

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"drydock/rewrite"
	"drydock/transforms/multistage/cmdline"
	"drydock/transforms/multistage/distro"
)

// RUNs that the runtime stage repeats whole: they name a further source of apt packages
// (Chrome's, NodeSource's), or fetch a program that is linked with next to nothing, or make
// locales. Pipes and computed words in them are read, since what they do is known by where
// they write. What they call and the slim image lacks is installed in front of them.

var (
	// systemPlaces are where such a RUN may write; the rest is the application's.
	systemPlaces = lazily(`^(?:/etc/apt(?:/|$)|/usr/share/keyrings(?:/|$)|/var/lib/apt/|/tmp/|/var/tmp/|/dev/null$|/etc/locale\.gen$|/etc/default/locale$|/usr/local/bin(?:/|$)|/usr/bin(?:/|$)|/opt/[\w.-]+)`)
	// nodeSource is a script that names a source of Node.js, and installs curl and gnupg
	// where they lack (https://github.com/nodesource/distributions).
	nodeSource = lazily(`^https?://(?:deb|rpm)\.nodesource\.com/setup_[\w.]+$`)
	// sourceLine is what sh -c is given to write one.
	sourceLine = lazily(`^\s*echo\s+["']?deb [^;&|>]*>>?\s*/etc/apt/sources\.list(?:\.d/[\w.-]+)?\s*$`)
	// lonely are programs that need no library of the system but the C library: written in
	// Go or Rust, or linked statically, or scripts of a shell.
	lonely = lazily(`/(?:jq(?:-[\w.-]+)?|kubectl|helm-v[\w.-]+|terraform_[\w.-]+|dockerize[\w.-]*|wait|wait-for-it\.sh|wait-for|tini[\w.-]*|gosu[\w.-]*|yq_[\w.-]+|dumb-init[\w.-]*|supercronic[\w.-]*|cloud_sql_proxy[\w.-]*|cloud-sql-proxy[\w.-]*|grpc_health_probe[\w.-]*|geckodriver[\w.-]*)$`)
	// driver needs the libraries of the browser that it drives.
	driver = lazily(`/chromedriver[\w.-]*\.zip$`)
)

// askers are substitutions that only ask.
var askers = words(`dpkg uname arch echo cat cut sed grep tr awk curl wget . source getconf head tail sort`)

// Repeats reports whether the runtime stage repeats a RUN as it stands.
func (s *Split) Repeats(in *rewrite.Instruction) bool { return s.repeated[in] }

// readAgain finds out whether a RUN is one that the runtime stage may repeat whole.
func (s *Split) readAgain(in *rewrite.Instruction) bool {
	sh, why := in.Shell()
	if why != "" || len(in.Mounts()) > 0 || len(in.Heredocs) > 0 || s.Image.PackageManager != "apt" {
		return false
	}
	if s.fetched == nil {
		s.fetched = map[string]bool{}
	}
	r := refetch{s: s, in: in, sh: sh, fetched: s.fetched}
	syntax.Walk(sh.File, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.BinaryCmd:
			r.bad = r.bad || n.Op != syntax.AndStmt && n.Op != syntax.Pipe
			if n.Op == syntax.Pipe {
				r.pipe(n)
			}
		case *syntax.Stmt:
			r.bad = r.bad || n.Background || n.Negated || n.Coprocess
		case *syntax.CmdSubst:
			r.substituted(n)
			return false
		case *syntax.IfClause, *syntax.WhileClause, *syntax.ForClause, *syntax.CaseClause, *syntax.Subshell, *syntax.Block, *syntax.FuncDecl, *syntax.DeclClause, *syntax.ProcSubst:
			r.bad = true
		}
		return !r.bad
	})
	for _, c := range sh.Commands() {
		if r.bad || r.inner[c.Stmt] {
			continue
		}
		r.command(c)
	}
	if r.bad || !r.worth {
		return false
	}
	if s.repeated == nil {
		s.repeated = map[*rewrite.Instruction]bool{}
	}
	s.repeated[in], s.Roles[in] = true, InBoth
	return true
}

// refetch reads such a RUN.
type refetch struct {
	s       *Split
	in      *rewrite.Instruction
	sh      *rewrite.Script
	bad     bool                      // it does something else too
	worth   bool                      // it does what only such a RUN does
	fetched map[string]bool           // files that it fetches or unpacks, as it names them
	inner   map[*syntax.Stmt]bool     // commands of substitutions
	piped   map[*syntax.Stmt][]string // what the left side of a pipe fetches, by the right side
}

// substituted: a substitution asks for a version or an architecture, and writes nothing.
func (r *refetch) substituted(n *syntax.CmdSubst) {
	syntax.Walk(n, func(n syntax.Node) bool {
		st, ok := n.(*syntax.Stmt)
		if !ok {
			return true
		}
		if r.inner == nil {
			r.inner = map[*syntax.Stmt]bool{}
		}
		r.inner[st] = true
		call, isCall := st.Cmd.(*syntax.CallExpr)
		switch {
		case len(st.Redirs) > 0:
			r.bad = true
		case isCall && len(call.Args) > 0:
			r.bad = r.bad || !askers[path.Base(call.Args[0].Lit())]
		}
		return true
	})
}

// pipe notes what comes to the right side of a pipe from a client on its left.
func (r *refetch) pipe(n *syntax.BinaryCmd) {
	if r.piped == nil {
		r.piped = map[*syntax.Stmt][]string{}
	}
	left := n.X
	if inner, ok := left.Cmd.(*syntax.BinaryCmd); ok && inner.Op == syntax.Pipe {
		left = inner.Y // a pipe of three: the middle one is judged by itself
	}
	for _, c := range r.sh.Commands() {
		if c.Stmt == left && (c.Name == "curl" || c.Name == "wget") {
			r.piped[n.Y] = addresses(c.Args)
		}
	}
}

func addresses(args []string) (out []string) {
	for _, a := range args[1:] {
		if strings.Contains(a, "://") {
			out = append(out, strings.Trim(a, `"'`))
		}
	}
	return out
}

// command judges one command; args behind env, or variables set for it alone, count.
func (r *refetch) command(c rewrite.Command) {
	ok := true
	for _, red := range c.Stmt.Redirs {
		if red.Word == nil || red.Hdoc != nil {
			r.bad = true
			return
		}
		if w := cmdline.PlainWord(red.Word); strings.Trim(w, "0123456789") != "" {
			ok = ok && r.place(w)
			r.worth = r.worth || ok && strings.HasPrefix(w, "/etc/apt/sources")
		}
	}
	if len(c.Args) == 0 || !ok {
		r.bad = r.bad || !ok
		return
	}
	args := c.Args
	switch c.Name {
	case "apt-get", "apt":
		ok = r.apt(c)
	case "apt-key":
		ok, r.worth = true, true
	case "gpg":
		ok = r.operandsInPlace(valued(args, "-o", "--output", "--keyring"))
		r.worth = true
	case "dpkg":
		ok = slices.Contains(args, "--print-architecture") || slices.Contains(args, "--add-architecture") || slices.Contains(args, "-i") && r.has(args[len(args)-1])
	case "dpkg-reconfigure", "locale-gen", "update-locale":
		r.worth = true
	case "curl", "wget":
		ok = r.fetch(c)
	case "bash", "sh":
		ok = r.shell(c)
	case "tee":
		ok = r.operandsInPlace(cmdline.Operands(rewrite.Step{Command: c}))
		r.worth = true
	case "unzip", "tar":
		ok = r.unpack(c)
	case "mkdir", "chmod", "rm", "mv", "cp", "ln", "install", "sed", "touch":
		ok = r.file(c)
	case "cd":
		ok = len(args) == 2 && (args[1] == "/tmp" || args[1] == "/")
	default:
		ok = rewrite.Harmless(c.Name) || OnlyTells(c)
	}
	r.bad = r.bad || !ok
}

// apt: its commands, as long as nothing that builds is installed.
func (r *refetch) apt(c rewrite.Command) bool {
	a, _ := distro.ReadApt(rewrite.Step{Command: c})
	switch a.Verb {
	case "update", "clean", "autoclean", "autoremove", "upgrade":
		return true
	case "install":
	default:
		return a.Verb == "" && slices.Contains(a.Flags, "-f") // apt-get -f: mends what dpkg -i left
	}
	if !distro.AssumesYes(a.Flags) {
		return false
	}
	for _, w := range a.Words {
		name, _, _ := strings.Cut(w, "=")
		if strings.HasSuffix(name, ".deb") && !r.has(name) || distro.BuildTools[name] || strings.HasSuffix(name, "-dev") {
			return false
		}
	}
	return a.Bad == "" || strings.HasPrefix(a.Bad, "./") || strings.HasPrefix(a.Bad, "$")
}

// fetch: what a client writes to a file is a key, a list, a package or a lonely program.
func (r *refetch) fetch(c rewrite.Command) bool {
	urls := addresses(c.Args)
	if len(urls) != 1 {
		return len(urls) == 0 && slices.Contains(c.Args, "--version")
	}
	url, _, _ := strings.Cut(urls[0], "?")
	to := ""
	for _, o := range []string{"-o", "-O", "--output", "--output-document"} {
		if vs := valued(c.Args, o); len(vs) > 0 {
			to = vs[0]
		}
	}
	clustered := func(short string) bool {
		return slices.ContainsFunc(c.Args[1:], func(a string) bool {
			return strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.HasSuffix(a, short)
		})
	}
	switch {
	case c.Name == "curl" && (clustered("O") || slices.Contains(c.Args, "--remote-name")), c.Name == "wget" && to == "" && !clustered("O"):
		to = path.Base(url)
	case to == "":
		for i, a := range c.Args[1:] { // -fsSLo file
			if strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && (c.Name == "curl" && strings.HasSuffix(a, "o") || c.Name == "wget" && strings.HasSuffix(a, "O")) && i+2 < len(c.Args) {
				to = c.Args[i+2]
			}
		}
	}
	if to == "" || to == "-" || to == "/dev/stdout" {
		return true // to a pipe or a redirection, which are judged by themselves
	}
	to = strings.Trim(to, `"'`)
	base := strings.Trim(path.Base(url), `"'`)
	switch {
	case strings.HasPrefix(to, "/etc/apt/"), strings.HasPrefix(to, "/usr/share/keyrings/"):
		r.worth = true
		return true
	case strings.HasSuffix(base, ".deb"), nodeSource().MatchString(url):
	case lonely().MatchString(url):
	case driver().MatchString(url) && (strings.Contains(r.s.Doc.Src, "google-chrome") || strings.Contains(r.s.Doc.Src, "chromium")):
	case strings.HasSuffix(base, ".asc"), strings.HasSuffix(base, ".gpg"), strings.HasSuffix(base, ".pub"), strings.HasSuffix(base, ".key"):
	default:
		return false
	}
	if strings.Contains(to, "/") && !r.place(to) {
		return false
	}
	r.worth, r.fetched[to] = true, true
	return true
}

// shell: NodeSource's script, from a pipe or a file, or the line of a source.
func (r *refetch) shell(c rewrite.Command) bool {
	if fetched := r.piped[c.Stmt]; len(fetched) == 1 && nodeSource().MatchString(fetched[0]) {
		r.worth = true
		return true
	}
	if i := slices.Index(c.Args, "-c"); i > 0 && i == len(c.Args)-2 {
		r.worth = r.worth || sourceLine().MatchString(c.Args[i+1])
		return sourceLine().MatchString(c.Args[i+1])
	}
	return len(c.Args) == 2 && r.has(c.Args[1]) && strings.Contains(r.in.Text, "nodesource.com/setup_")
}

// unpack: an archive that the RUN has fetched.
func (r *refetch) unpack(c rewrite.Command) bool {
	words := cmdline.Operands(rewrite.Step{Command: c})
	at := slices.IndexFunc(words, r.has)
	if at < 0 {
		return false
	}
	r.worth, r.fetched["chromedriver"], r.fetched["geckodriver"] = true, true, true
	if ds := append(valued(c.Args, "-d"), valued(c.Args, "-C")...); len(ds) > 0 {
		return r.place(ds[0])
	}
	return true
}

// file: a file command on what the RUN has fetched, or in the system's places.
func (r *refetch) file(c rewrite.Command) bool {
	words := cmdline.Operands(rewrite.Step{Command: c})
	if (c.Name == "chmod" || c.Name == "sed" || c.Name == "install" && slices.Contains(c.Args, "-m")) && len(words) > 0 && !strings.HasPrefix(words[0], "/") {
		words = words[1:]
	}
	for _, w := range words {
		if !r.has(w) && !r.place(w) {
			return false
		}
	}
	if c.Name == "sed" {
		r.worth = r.worth || slices.Contains(words, "/etc/locale.gen")
		return slices.Equal(words, []string{"/etc/locale.gen"})
	}
	return len(words) > 0
}

func (r *refetch) has(w string) bool {
	w = strings.Trim(w, `"'`)
	return r.fetched[w] || r.fetched[strings.TrimPrefix(w, "./")] || r.fetched["./"+w]
}

func (r *refetch) place(w string) bool {
	w = strings.Trim(w, `"'`)
	return !strings.Contains(w, "..") && systemPlaces().MatchString(w)
}

func (r *refetch) operandsInPlace(words []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !r.place(w) })
}

// valued are the values of an option.
func valued(args []string, option string, others ...string) (out []string) {
	for i, a := range args {
		for _, o := range append([]string{option}, others...) {
			if a == o && i+1 < len(args) {
				out = append(out, args[i+1])
			} else if v, ok := strings.CutPrefix(a, o+"="); ok && strings.HasPrefix(o, "--") {
				out = append(out, v)
			}
		}
	}
	return out
}
