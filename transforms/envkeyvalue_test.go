package transforms

import (
	"context"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"pgregory.net/rapid"

	"drydock/rewrite"
)

// What BuildKit makes of an ENV in the legacy form and in ours is the same, in
// every environment.
func TestEnvKeyValueKeepsTheValue(t *testing.T) {
	changed := 0
	rapid.Check(t, func(t *rapid.T) {
		escape := rapid.SampledFrom([]string{`\`, "`"}).Draw(t, "escape")
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{
			"a", "b c", " ", "  ", "\t", `"`, `'`, `\`, "`", "$", "$X", "${X}", "${Y:-d e}", "${X:+z}", "${Y", "}", "$1", "$$", "=", "#", "<<", "ü", "x\\\n", "`\n  y", "\\ ", `\"`, `\$`, `"q r"`, `'s t'`,
		}), 1, 9).Draw(t, "parts")
		src := "FROM scratch\nENV K v" + strings.Join(parts, "") + "\n"
		if escape == "`" {
			src = "# escape=`\n" + src
		}
		before, ok := envValue(src)
		if !ok {
			return // no Dockerfile
		}
		res, err := rewrite.Run(context.Background(), rewrite.Input{Path: "Dockerfile", Src: src}, []*rewrite.Transform{ByName("env-key-value")}, rewrite.Options{})
		if err != nil {
			return
		}
		for _, o := range res.Outcomes {
			if o.Status == rewrite.Dropped {
				t.Fatalf("dropped: %s", o.Gate)
			}
		}
		if !res.Changed() {
			return
		}
		changed++
		after, ok := envValue(res.After)
		if !ok || len(after) != 1 || after[0].NoDelim || after[0].Key != "K" {
			t.Fatalf("not one pair:\n%s", res.After)
		}
		lex := shell.NewLex(rune(escape[0]))
		for _, env := range [][]string{nil, {"X=", "Y="}, {`X=a "b`, `Y=' c\`}, {"X=$Y", "Y=${X}`"}, {"X=x"}} {
			a, _, errA := lex.ProcessWord(before[0].Value, shell.EnvsFromSlice(env))
			b, _, errB := lex.ProcessWord(after[0].Value, shell.EnvsFromSlice(env))
			if a != b || (errA == nil) != (errB == nil) {
				t.Fatalf("with %q: %q (%v) became %q (%v)\n%s%s", env, a, errA, b, errB, src, res.After)
			}
		}
	})
	if changed == 0 {
		t.Error("nothing was changed")
	}
}

// envValue reads the pairs of the only ENV with BuildKit's parser.
func envValue(src string) (instructions.KeyValuePairs, bool) {
	res, err := parser.Parse(strings.NewReader(src))
	if err != nil {
		return nil, false
	}
	for _, n := range res.AST.Children {
		if cmd, err := instructions.ParseInstruction(n); err == nil {
			if env, ok := cmd.(*instructions.EnvCommand); ok {
				return env.Env, true
			}
		}
	}
	return nil, false
}
