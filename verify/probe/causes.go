package probe

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"drydock/rewrite"
	"drydock/verify/finding"
)

// A cause is how some runtime words a break. The first group of at is the thing that lacks, the first name of the finding.
type cause struct {
	class finding.Class
	at    func() *regexp.Regexp
	what  string // the message, %s is the thing
}

func words(class finding.Class, what string, expressions ...string) []cause {
	var out []cause
	for _, e := range expressions {
		out = append(out, cause{class, rewrite.Lazily(e), what})
	}
	return out
}

// quoted is a name in any quotes, or without.
const quoted = "[\"'‘`]?([^\"'’`\\s:;,()]+)[\"'’`]?"

// causes are tried on each line, in order; the first one that fits names it.
var causes = concat(
	words(finding.Library, "the shared library %s is missing",
		`error while loading shared libraries: ([^:\s]+): cannot open`, // glibc
		`Error loading shared library ([^:\s]+): No such file`,         // musl
		`([\w.+-]+\.so[\w.]*): cannot open shared object file`,         // dlopen: Python, Node, PHP, Java
		"version [`'](?:GLIBC|GLIBCXX|CXXABI|GCC|OPENSSL)_[\\w.]+' not found \\(required by ([^)\\s]+)\\)",
		`Error relocating ([^:\s]+): \S+: symbol not found`,
		`([\w.+-]+\.so[\w.]*) => not found`,
		`java\.lang\.UnsatisfiedLinkError: .*?([\w.+-]+\.so[\w.]*)`,
		`LoadError: .*?([\w.+-]+\.so[\w.]*): `,
	),
	words(finding.Interpreter, "the interpreter %s is missing",
		`its interpreter (\S+) is missing`, `bad interpreter: `+quoted, `(\S+): bad interpreter`, `env: [‘']?([\w.+-]+)[’']?: No such file or directory`,
		`/usr/bin/env: [‘']?([\w.+-]+)[’']?: `,
	),
	words(finding.Module, "the module %s is missing",
		`No module named `+quoted, `Cannot find (?:module|package) `+quoted, `ERR_MODULE_NOT_FOUND.*?`+quoted+`$`,
		`(?:ClassNotFoundException|NoClassDefFoundError):? `+quoted, `Could not find or load main class (\S+)`,
		`cannot load such file -- (\S+)`, `Could not find (?:gem )?'?([\w-]+)'?.* in (?:any of the sources|locally installed gems)`,
		`Class ["']([^"']+)["'] not found`, `Call to undefined function (\w+)`, `Can't locate (\S+) in @INC`,
		`cannot import name `+quoted, `PackageNotFoundError: No package metadata was found for (\S+)`, `The '([\w.-]+)' distribution was not found`,
		`You must install or update \.NET|framework '([\w.]+)'.* was not found`,
	),
	words(finding.User, "the user %s isn't in /etc/passwd, or has no home",
		`getpwuid\(\): uid not found: (\d+)`, `unknown userid (\d+)`, `cannot find name for user ID (\d+)`, `uv_os_get_passwd returned (ENOENT)`,
		`[Nn]o (?:passwd|password) entry for (?:user )?`+quoted, `unable to find user ([^:\s]+)`, `getpwnam\(["']?([^"')]+)["']?\) failed`,
		`unknown user:? `+quoted, `[Uu]ser `+quoted+` (?:does not exist|not found)`, `invalid user:? `+quoted, `(I) have no name!`,
	),
	words(finding.Certificates, "the authorities that TLS trusts are missing: %s",
		`(x509: certificate signed by unknown authority)`, `(x509: failed to load system roots[^"]*)`, `(CERTIFICATE_VERIFY_FAILED)`,
		`(unable to get local issuer certificate)`, `(UNABLE_TO_GET_ISSUER_CERT_LOCALLY)`, `(PKIX path building failed)`, `(error setting certificate (?:verify locations|file))`,
		`(SSL certificate problem)`, `[Nn]o such file or directory.*?(/etc/ssl/\S*?)["':]?(?:\s|$)`, `(trustAnchors parameter must be non-empty)`,
	),
	words(finding.TimeZones, "the time zone %s isn't known",
		`unknown time zone (\S+)`, `No time zone found with key `+quoted, `Unknown time-zone ID: (\S+)`, `[Ii]nvalid time ?zone(?: specified)?: `+quoted,
		`Unknown or bad timezone \(([^)]+)\)`, `TZInfo::(DataSourceNotFound)`,
	),
	words(finding.Temp, "there is no folder for temporary files (%s)",
		`No usable (temporary directory) found`, `(?:stat|open|mkdir|create|creating) (/tmp\S*?): no such file or directory`,
		`No such file or directory:? ['"]?(/tmp[^'"\s]*)`, `ENOENT: no such file or directory, \w+ '(/tmp[^']*)'`, `java\.io\.tmpdir.*?(/tmp\S*)`,
	),
	words(finding.Command, "the command %s is missing",
		`exec: "([^"]+)": (?:executable file not found|stat )`, `exec (\S+): no such file or directory`, `exec (\S+): permission denied`,
		`(?:^|: )(?:line \d+: |\d+: )?(?:exec: )?([\w./+-]+): (?:command )?not found\b`, `spawn (\S+) ENOENT`, `Cannot run program "([^"]+)"`,
		`(?:can't|cannot|failed to) exec(?:ute)? `+quoted, `exec (\S+): exec format error`,
	),
	words(finding.File, "the file %s is missing",
		`can't open file '([^']+)'`, `ENOENT: no such file or directory, \w+ '([^']+)'`, `No such file or directory(?: @ \w+ - |: )`+quoted,
		`(?:open|stat|lstat|read|chdir|fork/exec) (\S+): no such file or directory`, `FileNotFoundException: `+quoted, `NoSuchFileException: `+quoted,
		`Unable to access jarfile (\S+)`, `TemplateNotFound: (\S+)`, `Failed to (?:open stream|lookup view) `+quoted, `Could not open input file: (\S+)`,
		`([/\w.+-]+)["']?: No such file or directory`, `open\(\) "([^"]+)" failed \(2: `, `[Ff]ile not found:? `+quoted, `Cannot open ["']?([^\s"':]+)`,
	),
)

func concat(lists ...[]cause) []cause {
	var out []cause
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// refusal is how an operating system's "no" reads in any language.
var refusal = rewrite.Lazily(`(?i)permission denied|\bEACCES\b|\bEPERM\b|operation not permitted|read-only file ?system|\bEROFS\b|AccessDenied|access denied|permissionerror`)

// binding is a line about a port, and the port in it.
var (
	binding  = rewrite.Lazily(`(?i)\b(?:bind|listen|listening|socket|server\.listen|make_sock|address|connect(?:ion)? to)\b|bind\(`)
	somePort = rewrite.Lazily(`(?:^|[^\w.])(?:\[?[\w:.]*\]?|\*|[\w.-]+):(\d{1,5})\b|\bport[ :=]+(\d{1,5})\b|', (\d{1,5})\)`)
	somePath = rewrite.Lazily("(?:^|[\\s\"'`=(:])(/[^\\s\"'`<>:;,()]+)")
)

// why names the breaks that line tells of; nil when it tells of none.
func why(line string) *finding.Finding {
	if refusal().MatchString(line) {
		if f := refusedPort(line); f != nil {
			return f
		}
		if !strings.HasPrefix(strings.TrimSpace(line), "exec ") {
			return refusedPath(line)
		}
	}
	for _, c := range causes {
		m := c.at().FindStringSubmatch(line)
		if m == nil {
			continue
		}
		thing := ""
		for _, g := range m[1:] {
			if thing == "" {
				thing = strings.TrimRight(g, ".,")
			}
		}
		if thing == "" {
			continue
		}
		f := &finding.Finding{Class: c.class, Break: true, Message: strings.ReplaceAll(c.what, "%s", thing), Names: []string{thing}}
		if strings.HasPrefix(thing, "/") {
			f.Path = thing
		}
		if c.class == finding.Library && strings.Contains(m[0], "not found (required") {
			f.Message = "a library that " + thing + " needs is too old: " + short(strings.TrimSpace(m[0]))
		}
		return f
	}
	return nil
}

func refusedPort(line string) *finding.Finding {
	if !binding().MatchString(line) {
		return nil
	}
	for _, m := range somePort().FindAllStringSubmatch(Normalise(line), -1) {
		port, err := strconv.Atoi(m[1] + m[2] + m[3]) // two of them are empty
		if err != nil || port < 1 || port >= 1024 {
			continue
		}
		return &finding.Finding{Class: finding.Port, Break: true, Names: []string{strconv.Itoa(port)},
			Message: "it may not listen on port " + strconv.Itoa(port) + ": a port below 1024 needs root or NET_BIND_SERVICE"}
	}
	return nil
}

func refusedPath(line string) *finding.Finding {
	f := &finding.Finding{Class: finding.Permission, Break: true, Message: "it was refused: " + short(strings.TrimSpace(line))}
	thing := ""
	if m := somePath().FindStringSubmatch(line); m != nil {
		thing = strings.TrimRight(m[1], ".")
	} else if m := regexp.MustCompile(`['"]([^'"]+)['"]`).FindStringSubmatch(line); m != nil {
		thing = m[1]
	}
	if thing == "" {
		return f
	}
	f.Message = "the user may not write " + thing
	if strings.HasPrefix(thing, "/") {
		f.Path, f.Names = thing, []string{path.Dir(thing)}
	}
	return f
}
