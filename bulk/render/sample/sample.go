// Package sample makes plausible results for tests and benchmarks of reports: the
// engine really runs over a dozen kinds of repositories, whose results then stand
// for any number of them.
package sample

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing/fstest"

	"drydock/bulk/result"
	"drydock/checks"
	"drydock/images"
	"drydock/repo"
	"drydock/report"
	"drydock/rewrite"
	"drydock/transforms"
)

// Results are n results, sorted by name: the same ones for the same n.
func Results(n int) ([]*result.Result, error) {
	ready, err := worked()
	if err != nil {
		return nil, err
	}
	out := make([]*result.Result, 0, n)
	for i := range n {
		out = append(out, one(i, ready))
	}
	return out, nil
}

// done is a Dockerfile that the engine has been over.
type done struct {
	language string
	file     *report.File
	facts    result.Facts
}

// worked runs the engine over every kind, with and without assumptions.
func worked() ([]done, error) {
	var out []done
	for _, unsafe := range []bool{false, true} {
		for _, k := range kinds {
			tree := fstest.MapFS{"Dockerfile": {Data: []byte(k.dockerfile)}}
			for _, name := range strings.Fields(k.files) {
				name, text, _ := strings.Cut(name, "=")
				tree[name] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(text, "~", "\n"))}
			}
			in := rewrite.Input{Path: "Dockerfile", Name: "Dockerfile", Src: k.dockerfile, Repo: repo.Load(tree), Images: images.Catalogue()}
			res, err := rewrite.Run(context.Background(), in, transforms.Default(), rewrite.Options{Unsafe: unsafe, Offer: true, Checks: checks.All()})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k.language, err)
			}
			f := report.New("Dockerfile", ".", res, false)
			f.Diff = f.WholeDiff()
			before, after := shape(res.Before), shape(res.After)
			out = append(out, done{k.language, f, result.Facts{Before: before, After: after}})
		}
	}
	return out, nil
}

var (
	teams    = []string{"harbour", "ledger", "atlas", "beacon", "quay", "tide", "anchor", "compass", "mast", "keel"}
	things   = []string{"api", "web", "worker", "gateway", "jobs", "exporter", "proxy", "console", "mailer", "sync", "search", "billing"}
	reasons  = []string{"archived", "no Dockerfile", "nothing in it: no commit", "a fork"}
	failures = []string{
		"the clone took longer than 2m0s: try --timeout 5m, or leave it out with --exclude",
		"the server refused the token (401): set GITHUB_TOKEN to one that may read the repository",
		"cannot read HEAD: the object is missing: run git fsck in the repository",
	}
)

// one is result number i.
func one(i int, ready []done) *result.Result {
	team, thing := teams[i*7%len(teams)], things[i*5%len(things)]
	r := &result.Result{
		Name: fmt.Sprintf("acme/%05d-%s-%s", i, team, thing), Commit: id("commit", i), Base: "main", Status: result.Unchanged,
		Files: []*report.File{}, Facts: []result.Facts{}, Seconds: 0.02 + float64(i%13)/100,
	}
	r.Source = "https://git.example.com/" + r.Name + ".git"
	r.Web = "https://git.example.com/" + r.Name
	switch {
	case i%23 == 11:
		r.Status, r.Reason = result.Skipped, reasons[i/23%len(reasons)]
		return r
	case i%61 == 17:
		r.Status, r.Reason = result.Failed, failures[i/61%len(failures)]
		return r
	}
	for k := range 1 + i%17/15 + i%41/39*2 {
		d := ready[(i*11+k*5+i/len(ready))%len(ready)]
		f := *d.file
		if k > 0 {
			f.Path = fmt.Sprintf("services/%s/Dockerfile", things[(i+k)%len(things)])
			f.Diff = strings.NewReplacer("--- a/Dockerfile\n", "--- a/"+f.Path+"\n", "+++ b/Dockerfile\n", "+++ b/"+f.Path+"\n").Replace(f.Diff)
			f.Context = strings.TrimSuffix(f.Path, "/Dockerfile")
		}
		if i%97 == 5 && k == 0 {
			f = *report.Failed("Dockerfile", ".", &report.Error{Path: "Dockerfile", Line: 3, Message: "unknown instruction: RUNN", Hint: "did you mean RUN?"})
			d.facts = result.Facts{}
		}
		facts := d.facts
		facts.Before.Measured = i%4 == 0 && facts.Before.Size > 0
		facts.After.Measured = facts.Before.Measured
		r.Files, r.Facts = append(r.Files, &f), append(r.Facts, facts)
		r.Language = d.language
		if f.Changed {
			r.Status = result.Changed
		}
	}
	r.Topics = []string{team}
	if r.Status == result.Changed && i%3 == 0 {
		r.Head, r.Made, r.Split = "drydock", id("made", i), 1
		r.Pull = &result.Pull{Number: i + 1, URL: r.Web + "/pulls/" + fmt.Sprint(i+1), Did: []string{"opened", "updated", "unchanged", "waiting"}[i/3%4]}
	}
	return r
}

// id looks like one of git.
func id(what string, i int) string {
	sum := sha256.Sum256(fmt.Append(nil, what, i))
	return hex.EncodeToString(sum[:20])
}

// sizes are compressed megabytes of base images, as a registry has them.
var sizes = map[string]int64{
	"python:latest": 403, "python:3.12": 403, "python:3.9": 370, "python:3.12-slim": 71, "node:20": 418, "node:20-slim": 75, "node:18": 395, "golang:1.22": 442, "golang:1.24": 310,
	"ubuntu": 30, "ubuntu:24.04": 30, "debian:12": 49, "nginx": 72, "nginx:1.27": 72, "alpine": 4, "ruby:3.3": 396, "maven:3.9-eclipse-temurin-21": 239, "eclipse-temurin:21": 190,
}

// shape reads the few facts off a Dockerfile's text: enough for a sample.
func shape(text string) result.Shape {
	s := result.Shape{Bases: []string{}}
	stages := map[string]bool{}
	for _, l := range strings.Split(text, "\n") {
		w := strings.Fields(l)
		if len(w) < 2 {
			continue
		}
		switch w[0] {
		case "FROM":
			s.Stages++
			s.Layers, s.User = 0, ""
			if !stages[w[1]] {
				s.Bases = append(s.Bases, w[1])
			}
			s.Final = w[1]
			if len(w) == 4 {
				stages[w[3]] = true
			}
		case "RUN", "COPY", "ADD":
			s.Layers++
		case "USER":
			s.User = w[1]
		}
	}
	name, _, _ := strings.Cut(s.Final, "@")
	s.Size = sizes[name] * 1e6
	if s.Size == 0 && strings.Contains(name, "-slim") {
		s.Size = 73e6
	}
	if strings.HasPrefix(name, "gcr.io/distroless/static") {
		s.Size = 700e3
	}
	return s
}
