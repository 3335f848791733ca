package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"drydock/rewrite"
)

func TestPlans(t *testing.T) {
	dir := write(t, map[string]string{
		"a/Dockerfile":       "FROM golang:1.22\nWORKDIR /src\nCOPY . .\nRUN go build -o /app .\nCMD [\"/app\"]\n",
		"a/go.mod":           "module example.com/a\n\ngo 1.22\n",
		"a/main.go":          "package main\n\nfunc main() {}\n",
		"b/Dockerfile":       "FROM python:3.12\nCOPY requirements.txt .\nRUN pip install -r requirements.txt | tee log\nCMD [\"python\"]\n",
		"b/requirements.txt": "flask\n",
		"c/Dockerfile":       "FROM busybox\nCMD [\"true\"]\n",
	})
	res, err := planned(context.Background(), options{dir: dir, workers: 2, useContext: "auto"})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	res.markdown(&b)
	for _, want := range []string{
		"| go | 1 | 1 | 1 | 0 | 0 | 0 |", "| python | 1 | 1 | 0 | 1 | 0 | 0 |", "| python | the effects of this RUN aren't known: it has a pipe | 1 |", "| busybox | 1 |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestForm(t *testing.T) {
	for _, c := range []struct{ form, reason, want string }{
		{"one stage: pip runs as user %s", "one stage: pip runs as user bob", "pip runs as user …"},
		{"one stage: %s", "one stage: app.py:10 runs git", "… runs git"},
		{"one stage: the effects of this RUN aren't known: %s", "one stage: the effects of this RUN aren't known: it has a pipe", "the effects of this RUN aren't known: it has a pipe"},
	} {
		if got := form(rewrite.Decline{Form: c.form, Reason: c.reason}); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
