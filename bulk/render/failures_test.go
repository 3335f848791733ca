package render

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/bulk/result"
	"drydock/report"
)

// What fails alike in many places is told once: a server that is down, a folder of templates
// that are called Dockerfile.
func TestFailuresAlike(t *testing.T) {
	var rs []*result.Result
	for i := range 5 {
		rs = append(rs, &result.Result{Name: fmt.Sprint("acme/r", i), Status: result.Failed, Reason: fmt.Sprintf("the repository is damaged: git fsck tells more (blob %d)", i)})
	}
	templates := &result.Result{Name: "acme/templates", Status: result.Unchanged}
	for i := range 12 {
		path := fmt.Sprintf("t/Dockerfile.%d", i)
		templates.Files = append(templates.Files, report.Failed(path, ".", errors.New("unknown instruction: {{")))
		templates.Facts = append(templates.Facts, result.Facts{})
	}
	// The odd ones come first in the run, and last in the summary.
	rs = append([]*result.Result{templates, {Name: "acme/slow", Status: result.Failed, Reason: "the server doesn't answer (try again)"}}, rs...)
	_, got, _ := strings.Cut(render(t, "txt", rs), "\nFailed\n")
	want := `  5 repositories: the repository is damaged: git fsck tells more
      acme/r0, acme/r1, acme/r2 and 2 more
  acme/templates: 12 Dockerfiles
      t/Dockerfile.0: unknown instruction: {{
      and 11 more
  acme/slow
      the server doesn't answer (try again)
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A lead who has more kinds of failures than rows is told how many are left out.
func TestFailuresMore(t *testing.T) {
	var rs []*result.Result
	for i := range keepFailures + 5 {
		rs = append(rs, &result.Result{Name: fmt.Sprint("r", i), Status: result.Failed, Reason: fmt.Sprint("reason ", i)})
	}
	got := render(t, "txt", rs)
	if want := fmt.Sprintf("\n  and %d more\n", len(rs)-textRows); !strings.HasSuffix(got, want) {
		t.Errorf("%q is missing at the end of\n%s", want, got)
	}
}
