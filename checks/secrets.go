package checks

import (
	"context"
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"drydock/rewrite"
)

// secrets finds passwords, tokens and keys that are written in a Dockerfile or
// copied into an image.
var _ = register(&rewrite.Check{
	Name:    "secrets",
	Summary: "A password, token or private key in the Dockerfile or the image",
	Doc: "What stands in ENV, ARG or RUN stays in the image's configuration and history,\n" +
		"and a file that one layer brings can be read from that layer even when a later\n" +
		"one deletes it. Everyone who can pull the image has the secret\n" +
		"(https://docs.docker.com/build/building/secrets/). Take it out, give it to the step that\n" +
		"needs it (`RUN --mount=type=secret,id=…`) or to the container when it starts, and make a new\n" +
		"one: the old one is known.\n\n" +
		"Found are\n" +
		"- ENV and ARG with a name for a secret (PASSWORD, SECRET, TOKEN, API_KEY, PRIVATE_KEY, …) and a value written out;\n" +
		"- tokens known by their form, in any instruction: AWS, GitHub, GitLab, Slack, Google, Stripe, npm, PyPI, Docker Hub,\n" +
		"  Hugging Face, OpenAI, Anthropic, SendGrid, DigitalOcean, Shopify, JSON web tokens, private keys;\n" +
		"- a password in a URL, in a header, for chpasswd or debconf, behind a password flag;\n" +
		"- COPY and ADD of key files, .env, .netrc, .npmrc with a token, cloud credentials and their like into a stage that ships;\n" +
		"  where the file is in the build context its contents decide.\n\n" +
		"The message never repeats the secret. BuildKit's own rule SecretsUsedInArgOrEnv goes by names alone; where both\n" +
		"speak of the same variable, this check's finding stands for both.",
	Passes: "Names of files, paths, switches and limits (*_FILE, PASSWORD_MIN_LENGTH, ALLOW_EMPTY_PASSWORD); public keys and\n" +
		"fingerprints (GPG_KEY); keys that a web page shows to everyone (NEXT_PUBLIC_*, REACT_APP_*, VITE_*); values that are\n" +
		"variables, paths, switches or placeholders (changeme, example, dummy, <token>); secrets for a host of the\n" +
		"build itself (localhost); certificates and public keys; stages that don't ship, for files; a name\n" +
		"that a comment tells BuildKit to pass over as SecretsUsedInArgOrEnv.",
	Run: func(_ context.Context, p *rewrite.Pass) error {
		for _, in := range p.Doc.Instructions {
			in = in.Inner()
			switch c := in.Cmd.(type) {
			case *instructions.EnvCommand:
				for i, kv := range c.Env {
					findAssigned(p, in, "ENV", kv.Key, kv.Value, i, len(c.Env))
				}
			case *instructions.ArgCommand:
				for i, a := range c.Args {
					if a.Value != nil {
						findAssigned(p, in, "ARG", a.Key, *a.Value, i, len(c.Args))
					}
				}
			case *instructions.RunCommand, *instructions.CmdCommand, *instructions.EntrypointCommand, *instructions.HealthCheckCommand:
				findShapes(p, in)
				findInCommands(p, in)
			default:
				findShapes(p, in)
			}
		}
		findFiles(p)
		return nil
	},
})

const (
	giveAtStart = "give it to the container when it starts, or to the build step with RUN --mount=type=secret; and change it, it is known now"
	giveToStep  = "give it to this step with RUN --mount=type=secret; and change it, it is known now"
)

// findAssigned looks at one variable of an ENV or ARG; it is number i of n.
func findAssigned(p *rewrite.Pass, in *rewrite.Instruction, keyword, name, value string, i, n int) {
	value = strings.Trim(value, `"'`)
	what := shapeIn(value)
	var rules []string
	if what == "" {
		rules = []string{"SecretsUsedInArgOrEnv"} // which goes by names too
		what = secretName(name)
		if what == "" || placeholder(what, name, value) {
			return
		}
	}
	line := in.Line
	if words := in.Assignments(); len(words) == n {
		line, _ = in.Doc().Pos(in.SrcPos(words[i].Start))
	}
	f := rewrite.Finding{Line: line, Hint: giveAtStart, About: fmt.Sprintf("%s %q", keyword, name), Rules: rules}
	if keyword == "ENV" {
		f.Message = fmt.Sprintf("ENV %s puts %s into the image in plain text", name, what)
	} else {
		f.Message = fmt.Sprintf("ARG %s has %s as its default, in plain text", name, what)
		f.Hint = giveToStep
	}
	p.Report(in, f)
}

// findShapes looks for known forms of secrets in the whole instruction.
func findShapes(p *rewrite.Pass, in *rewrite.Instruction) {
	raw := in.Raw()
	for _, hit := range shapes(raw) {
		line, _ := in.Doc().Pos(in.Span.Start + hit.at)
		p.Report(in, rewrite.Finding{
			Line: line, Hint: giveToStep,
			Message: fmt.Sprintf("%s holds %s in plain text", strings.ToUpper(in.Keyword), hit.what),
		})
	}
}

// findInCommands looks at what is handed to commands as a password.
func findInCommands(p *rewrite.Pass, in *rewrite.Instruction) {
	if !mentions(in, "passw", "debconf", "sshpass", "uthorization", "oken:", "OKEN:", "-Key:", "-Api:", "login") && !(mentions(in, "curl") && mentions(in, " -u", `"-u"`, "-user")) {
		return
	}
	for _, s := range scripts(in) {
		for _, h := range handedSecrets(s) {
			p.Report(in, rewrite.Finding{Line: s.line(h.at), Message: h.message, Hint: h.hint})
		}
	}
}
