package transforms

import (
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"drydock/rewrite"
)

// Where CMD becomes a JSON list, it holds the words that a shell makes of the
// text.
func TestExecFormSplitsAsAShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{`"`, `'`, `\`, `\"`, `\'`, `\\`, "`", "$", "$HOME", "${X}", "*", "?", "[a]", "{a,b}", "~", "=", "#", "<", ">", "&", ";", "|", " ", "\t", "é", "\\\n ", "!", "(", ")", `\$`, "a b", `" "`, `' '`, "\u2028"}),
		rapid.StringMatching(`[ -~]{0,5}`),
	)
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 1, 8).Draw(t, "text"), "")
		src := "FROM debian:bookworm-slim\nCMD printenv " + text + "\n"
		res, err := rewrite.Run(context.Background(), rewrite.Input{Path: "Dockerfile", Src: src}, []*rewrite.Transform{ByName("exec-form")}, rewrite.Options{Unsafe: true})
		if err != nil {
			t.Skip(err)
		}
		for _, o := range res.Outcomes {
			if o.Status == rewrite.Dropped {
				t.Fatalf("%q: %s", src, o.Gate)
			}
		}
		before, _ := rewrite.Parse("Dockerfile", src, nil)
		after, err := rewrite.Parse("Dockerfile", res.After, nil)
		if err != nil {
			t.Fatal(err)
		}
		was, now := before.Instructions[len(before.Instructions)-1], after.Instructions[len(after.Instructions)-1]
		if !now.JSON || was.JSON {
			return
		}
		var got []string
		if err := json.Unmarshal([]byte(now.Args.Text), &got); err != nil {
			t.Fatal(err)
		}
		script, ok := strings.CutPrefix(was.Args.Text, "printenv")
		if !ok {
			t.Skip("another program")
		}
		cmd := exec.Command(sh, "-c", `printf '%s\0' printenv`+script)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%q: %v", was.Args.Text, err)
		}
		if diff := cmp.Diff(strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"), got); diff != "" {
			t.Fatalf("%q: %s", was.Args.Text, diff)
		}
	})
}
