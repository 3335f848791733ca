package rewrite

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// What is downloaded, and the installers that are run straight from the web.

// curlFlags are those that name no further file.
const curlFlags flags = `-s -S -L -f -k -v -q -# -g -4 -6 -sS -sL -sSL -sSf -sSfL -sSLf -fsSL -fsS -fSL -fL -Lf -LsSf -LSfs -Ls -LsS -fLs -fLsS -fsL -sfL -SL -sLS -sfSL -sLf -Lsf -ssL --silent --show-error --location --fail --insecure --compressed --tlsv1.2 --globoff --progress-bar --fail-early --ipv4
	--proto= --retry= --retry-delay= --connect-timeout= --max-time= -m= -H= --header= -A= --user-agent= --retry-all-errors --retry-connrefused --http1.1 -o= --output= -O --remote-name -fsSLo= -sSLo= -sLo= -Lo= -fLo= -fLso= -sSfLo= -so= -LO -fsSLO -sSLO -sLO -fLO -OL -sO`

// curlTool writes what it is told to, and nothing else.
func curlTool(e *Effects, args []string, st State) string {
	line := curlFlags.read(args)
	if line.unknown != "" || len(line.words) != 1 {
		return unknownTool
	}
	out := line.values("-o", "--output", "-fsSLo", "-sSLo", "-sLo", "-Lo", "-fLo", "-fLso", "-sSfLo", "-so")
	if line.has("-O", "--remote-name", "-LO", "-fsSLO", "-sSLO", "-sLO", "-fLO", "-OL", "-sO") {
		out = append(out, path.Base(line.words[0]))
	}
	return e.download(line.words[0], out, st)
}

const wgetFlags flags = `-q -nv -c -nc --quiet --no-verbose --no-check-certificate --continue --show-progress --progress= --tries= -t= --timeout= -T= --retry-connrefused --waitretry= --https-only --secure-protocol= -O= --output-document= -qO= -nvO= -O- -qO- -P= --directory-prefix= --no-hsts`

func wgetTool(e *Effects, args []string, st State) string {
	line := wgetFlags.read(args)
	if line.unknown != "" || len(line.words) != 1 {
		return unknownTool
	}
	out := line.values("-O", "--output-document", "-qO", "-nvO")
	switch {
	case line.has("-P", "--directory-prefix"):
		out = line.values("-P", "--directory-prefix")
	case len(out) == 0 && !line.has("-O-", "-qO-"):
		out = []string{path.Base(line.words[0])}
	}
	return e.download(line.words[0], out, st)
}

func (e *Effects) download(url string, out []string, st State) string {
	if strings.HasPrefix(url, "file:") || !strings.Contains(url, "://") {
		return unknownTool
	}
	e.Network = true
	e.Reads = append(append(e.Reads, "/root/.curlrc", "/root/.wgetrc", "/etc/wgetrc"), homes(st)...)
	for _, o := range out {
		if o == "-" || o == "/dev/null" {
			continue
		}
		p, ok := st.Abs(o)
		if !ok {
			return "it downloads to the computed path " + o
		}
		e.Reads, e.Writes = append(e.Reads, p), append(e.Writes, p)
		e.needs(p, st)
	}
	return ""
}

// webInstallers are scripts that people pipe into an interpreter, and that write
// below the home directory and /usr/local only, unless a variable says where.
// Composer's writes where it is told, else to the working directory.
var webInstallers = map[string]bool{
	"https://install.python-poetry.org": true, // POETRY_HOME, else ~/.local
	"https://astral.sh/uv/install.sh":   true, // UV_INSTALL_DIR, else ~/.local/bin
	"https://getcomposer.org/installer": true, // --install-dir
}

// webInstaller: "curl -sS https://getcomposer.org/installer | php -- …".
func (e *Effects) webInstaller(s *Script, c Command, st State) (unknown string, ok bool) {
	url := strings.TrimSuffix(s.pipedFrom(c), "/")
	switch {
	case !webInstallers[url] || !slices.Contains([]string{"sh", "bash", "python", "python3", "php"}, c.Name):
		return "", false
	case c.Name != "php" && slices.ContainsFunc(c.Args[1:], func(a string) bool { return a != "-" && a != "--" && a != "-s" && a != "--yes" && a != "-y" }):
		return "", false
	}
	e.Network = true
	e.home(st)
	for _, m := range []string{"poetry", "uv", "composer"} {
		writes, why := managers[m].variables(st)
		if why != "" {
			return why, true
		}
		e.Writes = append(e.Writes, writes...)
	}
	if c.Name != "php" {
		return "", true
	}
	dir := st.Workdir
	for n, a := range c.Args[1:] {
		v, joined := strings.CutPrefix(a, "--install-dir=")
		if a == "--install-dir" && n+2 < len(c.Args) {
			v, joined = c.Args[n+2], true
		}
		if !joined {
			continue
		}
		p, ok := st.Abs(v)
		if !ok {
			return "it installs to the computed path " + v, true
		}
		dir = p
	}
	if dir == st.Workdir {
		dir = path.Join(dir, "composer.phar")
		if strings.Contains(strings.Join(c.Args, " "), "--filename") {
			return "", false
		}
	}
	e.Writes = append(e.Writes, dir)
	return "", true
}

// pipedFrom is the address that curl or wget fetches for the command behind
// their pipe, "" where there is no such pipe.
func (s *Script) pipedFrom(c Command) (url string) {
	syntax.Walk(s.File, func(n syntax.Node) bool {
		b, ok := n.(*syntax.BinaryCmd)
		if !ok || b.Op != syntax.Pipe || b.Y != c.Stmt {
			return true
		}
		call, ok := b.X.Cmd.(*syntax.CallExpr)
		if !ok || len(call.Args) < 2 {
			return true
		}
		if tool := literal(call.Args[0]); tool != "curl" && tool != "wget" {
			return true
		}
		for _, w := range call.Args[1:] {
			if a := literal(w); strings.Contains(a, "://") {
				url = a
			}
		}
		return true
	})
	return url
}
