package bulk

import (
	"fmt"
	"strings"
	"testing"
)

func told(t *testing.T, changes []Change) (message, body string) {
	t.Helper()
	w, err := newWords(&Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := &About{Version: "1.0", Commit: "c0ffee", Changes: changes, reproduce: "drydock diff"}
	if message, err = text(w.Message, a); err != nil {
		t.Fatal(err)
	}
	if body, err = text(w.Body, a); err != nil {
		t.Fatal(err)
	}
	return message, body
}

// A reason stands once for the changes that share it, long titles hang, and each line of a body ends where it ends also
// where a line end alone is none.
func TestReasonsOnce(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("word ", 20))
	message, body := told(t, []Change{
		{Path: "Dockerfile", Transform: "env", Title: "write ENV A", Why: "it is deprecated"},
		{Path: "Dockerfile", Transform: "env", Title: "write ENV B", Why: "it is deprecated"},
		{Path: "Dockerfile", Transform: "env", Title: long, Why: "it is ugly", Assumes: "taste", Gain: "joy"},
		{Path: "other/Dockerfile", Transform: "env", Title: "write ENV C", Why: "it is ugly", Assumes: "taste", Gain: "joy"},
	})
	for where, got := range map[string]string{"message": message, "body": body} {
		if n := strings.Count(got, "it is deprecated"); n != 1 {
			t.Errorf("%s: the reason stands %d times:\n%s", where, n, got)
		}
		if n := strings.Count(got, "it is ugly"); n != 2 {
			t.Errorf("%s: the reason of another Dockerfile's change stands %d times in both:\n%s", where, n, got)
		}
	}
	for line := range strings.Lines(message) {
		if strings.HasPrefix(line, "word") || len([]rune(line)) > 73 {
			t.Errorf("message: a line that doesn't hang, or too long: %q", line)
		}
	}
	for _, want := range []string{"- **write ENV A** (`env`)  \n  it is deprecated  \n", "(`env`)  \n  it is ugly  \n  *Assumes:* taste  \n  *Brings:* joy\n", "drydock diff Dockerfile\ndrydock diff other/Dockerfile\n```\n\nMade by"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is missing in\n%s", want, body)
		}
	}
	if strings.Contains(body, "<details>") {
		t.Errorf("two Dockerfiles are folded:\n%s", body)
	}
}

// Many Dockerfiles: an overview that a reader sees first, and the rest folded, with a blank line where Markdown needs one.
func TestManyFolded(t *testing.T) {
	var changes []Change
	for i := range 8 {
		path := fmt.Sprintf("<b>%d/Dockerfile", i)
		changes = append(changes, Change{Path: path, Transform: "rare", Title: "x"})
		for range i {
			changes = append(changes, Change{Path: path, Transform: "often", Title: "y"})
		}
	}
	_, body := told(t, changes)
	head := "36 changes in 8 Dockerfiles:\n\n| change | times | Dockerfiles |\n| --- | ---: | ---: |\n| `often` | 28 | 7 |\n| `rare` | 8 | 8 |\n\n#### See for yourself\n```sh\ndrydock diff .\n```\n\nMade by drydock 1.0 "
	if !strings.HasPrefix(body, head) {
		t.Errorf("want first\n%s\ngot\n%s", head, body)
	}
	if open, shut := strings.Count(body, "\n<details><summary><code>&lt;b&gt;"), strings.Count(body, "\n\n</details>\n"); open != 8 || shut != 8 || strings.Contains(body, "<b>") {
		t.Errorf("%d folds, %d ends:\n%s", open, shut, body)
	}
	if !strings.Contains(body, "</summary>\n\n- **") {
		t.Errorf("Markdown needs a blank line after HTML:\n%s", body)
	}
}
