package verify

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"drydock/rewrite"
)

// perlBase is the image below the applications of these tests, with all that a base holds besides.
var perlBase = apt.with(dpkg(map[string][]string{"perl": {"/usr/bin/perl"}})).with(contents{
	"usr/bin/perl": "ELF ", "etc/passwd": "root:x:0:0::/root:/bin/sh\n", "usr/": "", "usr/local/": "", "usr/local/bin/": "", "opt/": "",
})

// Each row is what a build added above its base, and the Dockerfile that the fallback makes of it; "" where it
// doesn't apply.
func TestFallback(t *testing.T) {
	app := contents{"app/": "", "app/server.pl": "print 1", "usr/local/bin/berths": "ELF libsqlite3.so.0"}
	jq := dpkg(map[string][]string{
		"perl": {"/usr/bin/perl"}, "+jq": {"/usr/bin/jq"}, "libjq1": {"/usr/lib/libjq.so.1"}, "+libpq-dev": {"/usr/include/pq.h"}, "+gcc": {"/usr/bin/gcc"},
	}).with(contents{"usr/bin/jq": "ELF ", "usr/lib/libjq.so.1": "ELF ", "usr/bin/gcc": "ELF ", "usr/include/pq.h": "x", "etc/passwd": "root:x:0:0::/root:/bin/sh\n_jq:x:9:9::/:\n"})
	many := contents{}
	for i := range 30 {
		many["opt/f"+string(rune('a'+i))] = "x"
	}
	for _, c := range []struct {
		name  string
		text  string
		added contents
		want  string
	}{
		{"packages by name, the rest by folder, what only the runtime needs moved",
			"FROM perl:5.40\n\nARG PORT=8080\nENV LANG=C\nRUN apt-get update && \\\n  apt-get install -y jq gcc\n# where it lives\nWORKDIR /app\nCOPY . .\nRUN make\n\nENV PORT=$PORT\n# the API\nEXPOSE 8080\nCMD [\"perl\", \"server.pl\"]\n", app.with(jq),
			"FROM perl:5.40 AS builder\n\nARG PORT=8080\nENV LANG=C\nRUN apt-get update && \\\n  apt-get install -y jq gcc\n# where it lives\nWORKDIR /app\nCOPY . .\nRUN make\n\n" +
				"FROM perl:5.40-slim\nRUN apt-get update && \\\n  apt-get install -y --no-install-recommends jq && \\\n  rm -rf /var/lib/apt/lists/*\n" +
				"COPY --from=builder /app /app\nCOPY --from=builder /usr/local/bin/berths /usr/local/bin/berths\nENV LANG=C\nWORKDIR /app\nARG PORT=8080\nENV PORT=$PORT\n# the API\nEXPOSE 8080\nCMD [\"perl\", \"server.pl\"]\n"},
		{"line breaks as in the file", "FROM perl:5.40\r\nCOPY . /app\r\nCMD [\"x\"]", app,
			"FROM perl:5.40 AS builder\r\nCOPY . /app\r\n\r\nFROM perl:5.40-slim\r\nCOPY --from=builder /app /app\r\nCOPY --from=builder /usr/local/bin/berths /usr/local/bin/berths\r\nCMD [\"x\"]"},
		{"caches, documentation and headers stay behind", "FROM perl:5.40\nCOPY . /app\n",
			app.with(contents{"usr/local/bin/berths": "ELF ", "root/.cache/x": "x", "usr/share/doc/x": "x", "var/log/dpkg.log": "x", "app/x.pyc": "x", "usr/include/x.h": "x", "tmp/x": "x"}),
			"FROM perl:5.40 AS builder\nCOPY . /app\n\nFROM perl:5.40-slim\nCOPY --from=builder /app /app\nCOPY --from=builder /usr/local/bin/berths /usr/local/bin/berths\n"},
		{"nothing was added", "FROM perl:5.40\nENV A=b\n", nil, ""},
		{"spread over too many places", "FROM perl:5.40\nRUN make\n", many, ""},
		{"a name that COPY reads otherwise", "FROM perl:5.40\nRUN make\n", contents{"opt/a b": "x"}, ""},
		{"slim already", "FROM perl:5.40-slim\nCOPY . /app\n", app, ""},
		{"no base that has a slim one", "FROM debian:bookworm-slim\nCOPY . /app\n", app, ""},
		{"several stages", "FROM perl:5.40 AS a\nCOPY . /app\nFROM perl:5.40\nCOPY --from=a /app /app\n", app, ""},
		{"a computed base", "ARG V=5.40\nFROM perl:$V\nCOPY . /app\n", app, ""},
		{"triggers", "FROM perl:5.40\nCOPY . /app\nONBUILD RUN make\n", app, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &Prover{path: "Dockerfile"}
			p.before = built(t, c.text, perlBase.with(c.added), v1.Config{})
			p.base = built(t, "FROM perl:5.40\n", perlBase, v1.Config{}).img
			o, ok, err := p.fallback(t.Context(), c.text)
			if err != nil || ok != (c.want != "") {
				t.Fatalf("applies %v, error %v:\n%s", ok, err, o.After)
			}
			if d := cmp.Diff(strings.Split(c.want, "\n"), strings.Split(o.After, "\n")); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// What a recipe saw and said no to isn't tried by the fallback; that the slim image
// lacks what the build runs is no such no.
func TestSettled(t *testing.T) {
	for _, c := range []struct {
		res  rewrite.Result
		want bool
	}{
		{rewrite.Result{}, false},
		{rewrite.Result{Outcomes: []rewrite.Outcome{{Transform: "no-recommends"}}}, false},
		{rewrite.Result{Outcomes: []rewrite.Outcome{{Transform: "multi-stage"}}}, true},
		{rewrite.Result{Outcomes: []rewrite.Outcome{{Transform: "slim-base"}}}, true},
		{rewrite.Result{Declined: []rewrite.Decline{{Transform: "multi-stage"}}}, true},
		{rewrite.Result{Declined: []rewrite.Decline{{Transform: "slim-base"}, {Transform: "add-user"}}}, false},
	} {
		if got := settled(&c.res); got != c.want {
			t.Errorf("%+v: %v", c.res, got)
		}
	}
}

// The transforms see what the fallback made, so that a second run has nothing to do,
// and what they say afterwards is of that file.
func TestPolishedAfterTheFallback(t *testing.T) {
	k := &keeper{
		p: &Prover{origin: Side{Dockerfile: "FROM a\n"}}, refused: map[string]bool{}, tried: map[string]*attempt{},
		proves: func(_ context.Context, text string, files map[string]string, _ []rewrite.Outcome) (*attempt, error) {
			return &attempt{text: text, files: files, proof: &Proof{Verdict: "same behaviour"}}, nil
		},
		rewrites: func(ctx context.Context, src string, files map[string]string, refuse func(rewrite.Outcome) bool) (*rewrite.Result, error) {
			res, err := upper(ctx, src, files, refuse)
			res.Declined = []rewrite.Decline{{Transform: "seen", Reason: src}}
			return res, err
		},
	}
	for _, text := range []string{"FROM b\nLABEL one\n", "FROM b\n"} {
		o := rewrite.Outcome{Status: rewrite.Applied, Transform: Fallback, Before: "FROM a\n", After: text}
		res := &rewrite.Result{Before: "FROM a\n", After: text, Outcomes: []rewrite.Outcome{o}, Declined: []rewrite.Decline{{Transform: "slim-base"}}}
		kept, err := k.polished(t.Context(), res, &attempt{text: text, proof: &Proof{}})
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.ReplaceAll(text, "LABEL one", "LABEL ONE"); kept.Result.After != want || len(kept.Result.Declined) != 1 || kept.Result.Declined[0].Reason != text {
			t.Errorf("kept %q, declined %+v", kept.Result.After, kept.Result.Declined)
		}
	}
}
