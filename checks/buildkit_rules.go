package checks

// BuildKit's rules as dockerfile2llb (v0.34: validations.go, convert.go,
// convert_expose.go) has them; names, messages and links are those of its
// linter package.

import (
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/buildkit/util/suggest"
)

func (b *builder) stageNames(stages []instructions.Stage) {
	seen := map[string]bool{}
	for _, st := range stages {
		if st.Name == "" {
			continue
		}
		if st.Name == "context" || st.Name == "scratch" {
			b.lint.Run(&linter.RuleReservedStageName, st.Location, linter.RuleReservedStageName.Format(st.Name))
		}
		if seen[st.Name] {
			b.lint.Run(&linter.RuleDuplicateStageName, st.Location, linter.RuleDuplicateStageName.Format(st.Name))
		}
		seen[st.Name] = true
	}
}

func (b *builder) commandCasing(stages []instructions.Stage) {
	lower, upper := 0, 0
	count := func(name string) {
		switch name {
		case strings.ToLower(name):
			lower++
		case strings.ToUpper(name):
			upper++
		}
	}
	for _, st := range stages {
		count(st.OrigCmd)
		for _, c := range st.Commands {
			count(c.Name())
		}
	}
	match := func(name string, at []parser.Range) {
		want := ""
		if lower > upper && strings.ToLower(name) != name {
			want = "lowercase"
		} else if lower <= upper && strings.ToUpper(name) != name {
			want = "uppercase"
		}
		if want != "" {
			b.lint.Run(&linter.RuleConsistentInstructionCasing, at, linter.RuleConsistentInstructionCasing.Format(name, want))
		}
	}
	for _, st := range stages {
		match(st.OrigCmd, st.Location)
		for _, c := range st.Commands {
			match(c.Name(), c.Location())
		}
	}
}

// defaultBases is validateBaseImagesWithDefaultArgs.
func (b *builder) defaultBases(stages []instructions.Stage, args []instructions.ArgCommand) {
	env, err := b.metaArgs(args, nil)
	if err != nil {
		return
	}
	for _, st := range stages {
		name, err := b.lex.ProcessWordWithMatches(st.BaseName, env)
		if err != nil {
			return
		}
		if _, err := reference.ParseNormalizedNamed(name.Result); err != nil {
			b.lint.Run(&linter.RuleInvalidDefaultArgInFrom, st.Location, linter.RuleInvalidDefaultArgInFrom.Format(st.BaseName))
		}
	}
}

// undeclared is reportUnusedFromArgs.
func (b *builder) undeclared(unmatched map[string]struct{}, at []parser.Range, lint *linter.Linter) {
	for name := range unmatched {
		known := false
		for _, k := range b.known {
			known = known || k == name
		}
		if !known {
			near, _ := suggest.Search(name, b.known, true)
			lint.Run(&linter.RuleUndefinedArgInFrom, at, linter.RuleUndefinedArgInFrom.Format(name, near))
		}
	}
}

// platform is reportRedundantTargetPlatform and reportConstPlatformDisallowed.
func (b *builder) platform(st instructions.Stage, res shell.ProcessWordResult, lint *linter.Linter) {
	if _, ok := res.Matched["TARGETPLATFORM"]; ok && len(res.Matched) == 1 && len(res.Unmatched) == 0 {
		if v, _ := b.globals.Get("TARGETPLATFORM"); v == res.Result {
			lint.Run(&linter.RuleRedundantTargetPlatform, st.Location, linter.RuleRedundantTargetPlatform.Format(st.Platform))
		}
	}
	if len(res.Matched)+len(res.Unmatched) > 0 {
		return
	}
	os, arch, ok := parsePlatform(res.Result)
	if !ok || os != "" && strings.Contains(st.Name, os) || arch != "" && strings.Contains(st.Name, arch) {
		return
	}
	lint.Run(&linter.RuleFromPlatformFlagConstDisallowed, st.Location, linter.RuleFromPlatformFlagConstDisallowed.Format(res.Result))
}

var platformPart = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_.-]+$`) })

// parsePlatform reads OS/ARCH[/VARIANT], as containerd/platforms does.
func parsePlatform(s string) (os, arch string, ok bool) {
	parts := strings.Split(s, "/")
	for i, p := range parts {
		if i == 0 {
			p, _, _ = strings.Cut(p, "(")
		}
		if !platformPart().MatchString(p) || i > 2 {
			return "", "", false
		}
	}
	arches := map[string]string{"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "armhf": "arm", "armel": "arm"}
	name := func(a string) string {
		a = strings.ToLower(a)
		if n := arches[a]; n != "" {
			return n
		}
		return a
	}
	if len(parts) == 1 {
		if p := strings.ToLower(s); p == "linux" || p == "windows" || p == "darwin" || p == "freebsd" {
			return p, "amd64", true
		}
		return "linux", name(s), true
	}
	os, _, _ = strings.Cut(strings.ToLower(parts[0]), "(")
	return os, name(parts[1]), true
}

// stage is dispatchStages for one stage.
func (b *builder) stage(s *buildStage, commands []instructions.Command) error {
	s.env = b.baseEnv(s)
	if s.base != nil {
		s.shell, s.workdirSet = s.base.shell, s.base.workdirSet
		s.args = append(s.args, s.base.args...)
	}
	for _, c := range commands {
		if err := b.command(s, c); err != nil {
			return parser.WithLocation(err, c.Location())
		}
	}
	return nil
}

// command is dispatch.
func (b *builder) command(s *buildStage, c instructions.Command) error {
	var comments []string
	if k, ok := c.(interface{ Comments() []string }); ok {
		comments = k.Comments()
	}
	lint, at := b.lint.WithMergedConfigFromComments(comments), c.Location()
	_, isArg := c.(*instructions.ArgCommand)
	if x, ok := c.(instructions.SupportsSingleWordExpansion); ok && !isArg {
		if err := x.Expand(func(word string) (string, error) {
			out, unmatched, err := b.lex.ProcessWord(word, s.env)
			b.unmatched(s, at, unmatched, lint)
			return out, err
		}); err != nil {
			return err
		}
	}
	if x, ok := c.(instructions.SupportsSingleWordExpansionRaw); ok {
		if err := x.ExpandRaw(func(word string) (string, error) {
			lex := shell.NewLex('\\')
			lex.SkipProcessQuotes = true
			out, unmatched, err := lex.ProcessWord(word, s.env)
			b.unmatched(s, at, unmatched, lint)
			return out, err
		}); err != nil {
			return err
		}
	}
	once := func(before instructions.Command) {
		if before != nil { // the one that counts for nothing is shown
			lint.Run(&linter.RuleMultipleInstructionsDisallowed, before.Location(), linter.RuleMultipleInstructionsDisallowed.Format(c.Name()))
		}
	}
	jsonArgs := func(shellForm bool) {
		if shellForm && !s.shell {
			lint.Run(&linter.RuleJSONArgsRecommended, at, linter.RuleJSONArgsRecommended.Format(c.Name()))
		}
	}
	legacy := func(noDelim bool) {
		if noDelim {
			lint.Run(&linter.RuleLegacyKeyValueFormat, at, linter.RuleLegacyKeyValueFormat.Format(c.Name()))
		}
	}
	switch c := c.(type) {
	case *instructions.EnvCommand:
		for _, kv := range c.Env {
			legacy(kv.NoDelim)
			secretKey("ENV", kv.Key, at, lint)
			s.env.set(kv.Key, kv.Value)
		}
	case *instructions.ArgCommand:
		return b.arg(s, c, lint)
	case *instructions.LabelCommand:
		for _, kv := range c.Labels {
			legacy(kv.NoDelim)
		}
	case *instructions.WorkdirCommand:
		if !s.workdirSet && !b.absolute(c.Path) {
			lint.Run(&linter.RuleWorkdirRelativePath, at, linter.RuleWorkdirRelativePath.Format(c.Path))
		}
		s.workdirSet = true
	case *instructions.ShellCommand:
		s.shell = len(c.Shell) > 0
	case *instructions.CmdCommand:
		if s.cmd != nil {
			once(s.cmd)
		}
		s.cmd = c
		jsonArgs(c.PrependShell)
	case *instructions.EntrypointCommand:
		if s.entrypoint != nil {
			once(s.entrypoint)
		}
		s.entrypoint = c
		jsonArgs(c.PrependShell)
	case *instructions.HealthCheckCommand:
		if s.health != nil {
			once(s.health)
		}
		s.health = c
	case *instructions.ExposeCommand:
		return b.expose(s, c, lint)
	}
	return nil
}

// unmatched is reportUnmatchedVariables.
func (b *builder) unmatched(s *buildStage, at []parser.Range, unmatched map[string]struct{}, lint *linter.Linter) {
	for _, a := range s.args {
		delete(unmatched, a.Key)
	}
	for name := range unmatched {
		if sbomArg(name) {
			continue
		}
		near, _ := suggest.Search(name, s.env.Keys(), true)
		lint.Run(&linter.RuleUndefinedVar, at, linter.RuleUndefinedVar.Format(name, near))
	}
}

// sbomArg tells the arguments that dockerfile2llb keeps out of the environment.
func sbomArg(name string) bool {
	return name == "BUILDKIT_SBOM_SCAN_CONTEXT" || name == "BUILDKIT_SBOM_SCAN_STAGE"
}

// arg is dispatchArg.
func (b *builder) arg(s *buildStage, c *instructions.ArgCommand, lint *linter.Linter) error {
	for _, a := range c.Args {
		secretKey("ARG", a.Key, c.Location(), lint)
		if v, ok := b.buildArgs[a.Key]; ok {
			a.Value = &v
		} else if a.Value == nil {
			if v, ok := b.globals.Get(a.Key); ok {
				a.Value = &v
			}
		} else {
			v, unmatched, err := b.lex.ProcessWord(*a.Value, s.env)
			b.unmatched(s, c.Location(), unmatched, lint)
			if err != nil {
				return err
			}
			a.Value = &v
		}
		if a.Value != nil && !sbomArg(a.Key) {
			s.env.set(a.Key, *a.Value)
		}
		s.args = append(s.args, a)
	}
	return nil
}

var secretWords = sync.OnceValues(func() (deny, allow *regexp.Regexp) {
	return regexp.MustCompile(`(?i)(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)`),
		regexp.MustCompile(`(?i)(?:_|^)(?:public|file|version)(?:_|$)`)
})

// secretKey is validateNoSecretKey.
func secretKey(instruction, key string, at []parser.Range, lint *linter.Linter) {
	if deny, allow := secretWords(); deny.MatchString(key) && !allow.MatchString(key) {
		lint.Run(&linter.RuleSecretsUsedInArgOrEnv, at, linter.RuleSecretsUsedInArgOrEnv.Format(instruction, key))
	}
}

// absolute is system.IsAbs.
func (b *builder) absolute(p string) bool {
	if b.os == "windows" {
		p = strings.ReplaceAll(p, `\`, "/")
		if len(p) > 1 && p[1] == ':' {
			p = p[2:]
		}
	}
	return path.IsAbs(p)
}

// expose is dispatchExpose: [ip:]public:private/proto.
func (b *builder) expose(s *buildStage, c *instructions.ExposeCommand, lint *linter.Linter) error {
	for _, p := range c.Ports {
		words, err := b.lex.ProcessWords(p, s.env)
		if err != nil {
			return err
		}
		for _, w := range words {
			if err := port(w, c.Location(), lint); err != nil {
				return err
			}
		}
	}
	return nil
}

func port(raw string, at []parser.Range, lint *linter.Linter) error {
	parts := strings.Split(raw, ":")
	container, host, ip := parts[len(parts)-1], "", ""
	if len(parts) > 1 {
		host = parts[len(parts)-2]
		ip = strings.Join(parts[:len(parts)-2], ":")
	}
	number, proto, _ := strings.Cut(container, "/")
	switch strings.ToLower(proto) {
	case "", "tcp", "udp", "sctp":
	default:
		return fmt.Errorf("invalid port: %q: invalid proto: %s", raw, proto)
	}
	if number == "" {
		return fmt.Errorf("invalid port: %q: no port specified", raw)
	}
	if proto != strings.ToLower(proto) {
		lint.Run(&linter.RuleExposeProtoCasing, at, linter.RuleExposeProtoCasing.Format(raw))
	}
	if ip != "" || host != "" {
		lint.Run(&linter.RuleExposeInvalidFormat, at, linter.RuleExposeInvalidFormat.Format(raw))
	}
	if ip = strings.Trim(ip, "[]"); ip != "" {
		if _, err := netip.ParseAddr(ip); err != nil {
			return fmt.Errorf("invalid IP address: %s", ip)
		}
	}
	if !portRange(number) {
		return fmt.Errorf("invalid containerPort: %s", number)
	}
	if host != "" && !portRange(host) {
		return fmt.Errorf("invalid hostPort: %s", host)
	}
	return nil
}

func portRange(s string) bool {
	first, last, ok := strings.Cut(s, "-")
	a, err := strconv.ParseUint(first, 10, 16)
	if err != nil || !ok || first == last {
		return err == nil
	}
	z, err := strconv.ParseUint(last, 10, 16)
	return err == nil && z >= a
}
