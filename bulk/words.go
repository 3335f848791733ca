package bulk

// What commits and pull requests say.

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"drydock/bulk/result"
	"drydock/report"
	"drydock/said"
)

// Trailer is the key of the line by which commits of drydock are known, and its
// value names the change, wherever the base is.
const Trailer = "Drydock-Change"

// Message, Title and Body are the templates that are used when none is given. They
// and one's own may use the fields and methods of About, and the functions of
// text/template beside
//
//	wrap N TEXT      lines of N characters at most
//	indent N TEXT    N spaces before each line
//	hang N TEXT      N spaces before each line but the first
//	plain TEXT       as Markdown that shows TEXT and nothing else: no markup, no mention
//	code TEXT        as a code span
//	join SEP LIST
const (
	Message = `{{.Subject}}
{{range .ByPath}}
{{.Path}}:
{{range .Changes}}- {{wrap 70 (printf "%s: %s" .Transform .Title) | hang 2}}
{{if not .Again}}{{if .Why}}{{wrap 70 .Why | indent 2}}
{{end}}{{if .Assumes}}{{wrap 70 (printf "Assumes: %s" .Assumes) | indent 2}}
{{end}}{{end}}{{end}}{{end}}`

	Title = `{{.Subject}}`

	// Lines of a list end in two spaces: GitLab would make one paragraph of them. Where many Dockerfiles change
	// an overview comes first and the rest is folded, and what comes last is said before a forge's limit cuts it.
	Body = `{{define "how"}}#### See for yourself
` + "```" + `sh
{{.}}` + "```" + `
{{end}}{{define "who"}}
Made by drydock {{plain .Version}} from commit {{code .Commit}}. Commits that others add to this branch are never overwritten.
{{end}}{{$many := gt (len .ByPath) 5}}{{if $many}}{{len .Changes}} changes in {{len .ByPath}} Dockerfiles:

| change | times | Dockerfiles |
| --- | ---: | ---: |
{{range .ByTransform}}| {{code .Transform}} | {{len .Changes}} | {{.Dockerfiles}} |
{{end}}
{{template "how" (printf "%s\n" (.Reproduce "."))}}{{template "who" .}}
#### Each Dockerfile
{{end}}{{range .ByPath}}{{if $many}}
<details><summary><code>{{html .Path}}</code> ({{len .Changes}})</summary>
{{else}}### {{code .Path}}
{{end}}{{if .Size}}
{{.Size}}
{{end}}
{{range .Changes}}- **{{plain .Title}}** ({{code .Transform}}){{if .File}} in {{code .File}}{{end}}{{"  "}}
{{if not .Again}}{{if .Why}}  {{plain .Why}}{{"  "}}
{{end}}{{if .Assumes}}  *Assumes:* {{plain .Assumes}}{{"  "}}
{{end}}{{if .Gain}}  *Brings:* {{plain .Gain}}
{{end}}{{end}}{{range .Plan}}  - {{plain .}}
{{end}}{{end}}{{if .Replay}}
Replayed on the git history: {{plain .Replay}}
{{end}}{{if .Proof}}
Built and run, before and after: {{plain .Proof}}
{{end}}{{if $many}}
</details>
{{else}}
{{end}}{{end}}{{if not $many}}{{template "how" .Commands}}{{template "who" .}}{{end}}`
)

// About is what templates may use. Texts are in one line and without control
// characters; they come from the repository, so Markdown needs plain or code.
type About struct {
	Name    string // of the repository
	Base    string // branch that the changes are for, "" when HEAD is detached
	Commit  string // that was looked at
	Branch  string // that has the changes
	Version string // of drydock
	Part    int    // with --split: which commit this is, from 1
	Parts   int    // of how many
	Changes []Change
	Files   []*report.File // all Dockerfiles of the repository
	Facts   []result.Facts // beside Files

	reproduce string
}

// ByPath are the changes of one Dockerfile.
type ByPath struct {
	Path    string
	Changes []Change
	Size    string // "404.2 MB → 86.1 MB", measured or as the base images have it; "" when it isn't known or the same
	Replay  string // what git history says of the cache, "" when it wasn't asked
	Proof   string // what building both gave, "" when it wasn't asked
}

// ByPath groups the changes by Dockerfile.
func (a *About) ByPath() (out []ByPath) {
	for _, c := range a.Changes {
		i := slices.IndexFunc(out, func(b ByPath) bool { return b.Path == c.Path })
		if i < 0 {
			i = len(out)
			out = append(out, a.byPath(c.Path))
		}
		if all := out[i].Changes; len(all) > 0 {
			last := all[len(all)-1]
			c.Again = last.Transform == c.Transform && last.Why == c.Why && last.Assumes == c.Assumes && last.Gain == c.Gain
		}
		out[i].Changes = append(out[i].Changes, c)
	}
	return out
}

// ByTransform are the changes that one transform makes.
type ByTransform struct {
	Transform   string
	Changes     []Change
	Dockerfiles int // how many of them it changes
}

// ByTransform groups the changes by transform, that with the most first.
func (a *About) ByTransform() (out []ByTransform) {
	for _, p := range a.ByPath() {
		seen := map[string]bool{}
		for _, c := range p.Changes {
			i := slices.IndexFunc(out, func(b ByTransform) bool { return b.Transform == c.Transform })
			if i < 0 {
				i = len(out)
				out = append(out, ByTransform{Transform: c.Transform})
			}
			out[i].Changes = append(out[i].Changes, c)
			if !seen[c.Transform] {
				seen[c.Transform] = true
				out[i].Dockerfiles++
			}
		}
	}
	slices.SortStableFunc(out, func(a, b ByTransform) int { return len(b.Changes) - len(a.Changes) })
	return out
}

func (a *About) byPath(path string) ByPath {
	b := ByPath{Path: path}
	i := slices.IndexFunc(a.Files, func(f *report.File) bool { return said.Line(slashed(f.Path)) == path })
	if i < 0 {
		return b
	}
	f, facts := a.Files[i], a.Facts[i]
	switch before, after := facts.Before, facts.After; {
	case f.Proof != nil && f.Proof.Before.Compressed > 0 && f.Proof.After.Compressed > 0:
		b.Size = "Measured: " + report.ProofSizes(f.Proof)
	case before.Size > 0 && after.Size > 0 && before.Size != after.Size:
		b.Size = fmt.Sprintf("Expected, by the base images alone: %s → %s compressed", report.Megabytes(before.Size), report.Megabytes(after.Size))
	}
	if f.Replay != nil {
		b.Replay = said.Line(f.Replay.Summary)
	}
	if p := f.Proof; p != nil && p.Holds() {
		b.Proof = strings.TrimSpace(said.Line(fmt.Sprintf("%s: it %s", p.Verdict, p.After.Did)))
	}
	return b
}

// Subject says in one line of about 72 characters what the changes do.
func (a *About) Subject() string {
	paths := a.ByPath()
	where := "Dockerfiles"
	if len(paths) == 1 {
		where = "a Dockerfile"
		if p := paths[0].Path; len([]rune(p)) <= 50 {
			where = p
		}
	}
	titles, transforms := []string{}, []string{}
	for _, c := range a.Changes {
		if !slices.Contains(titles, c.Title) {
			titles = append(titles, c.Title)
		}
		if !slices.Contains(transforms, c.Transform) {
			transforms = append(transforms, c.Transform)
		}
	}
	for _, s := range []string{where + ": " + strings.Join(titles, ", "), where + ": " + strings.Join(transforms, ", ")} {
		if len([]rune(s)) <= 72 {
			return s
		}
	}
	return fmt.Sprintf("%s: %d changes by drydock", where, len(a.Changes))
}

// Reproduce is the command that shows the changes to a Dockerfile.
func (a *About) Reproduce(path string) string { return a.reproduce + " " + shellWord(path) }

// Commands are those of Reproduce for each Dockerfile, one a line.
func (a *About) Commands() string {
	var b strings.Builder
	for _, p := range a.ByPath() {
		b.WriteString(a.Reproduce(p.Path) + "\n")
	}
	return b.String()
}

// words makes texts of templates.
type words struct {
	Message, Title, Body *template.Template
}

var functions = template.FuncMap{"wrap": wrap, "indent": indent, "hang": hang, "plain": report.MarkdownPlain, "code": report.MarkdownCode, "join": func(sep string, list []string) string { return strings.Join(list, sep) }}

func newWords(o *Options) (*words, error) {
	w := &words{}
	var p Pulls
	if o.Pulls != nil {
		p = *o.Pulls
	}
	for _, t := range []struct {
		to               **template.Template
		name, text, used string
	}{
		{&w.Message, "the template of the commit message", o.Message, Message},
		{&w.Title, "the template of the title", p.Title, Title},
		{&w.Body, "the template of the body", p.Body, Body},
	} {
		if t.text != "" {
			t.used = t.text
		}
		var err error
		if *t.to, err = template.New("template").Funcs(functions).Option("missingkey=error").Parse(t.used); err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		// A field that doesn't exist is told before anything is done.
		sample := &About{Name: "name", Files: []*report.File{}, Changes: []Change{{Path: "Dockerfile", Transform: "x", Title: "x", Why: "x", Assumes: "x", Gain: "x", Plan: []string{"x"}}}, reproduce: "x"}
		if err := (*t.to).Execute(&strings.Builder{}, sample); err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return w, nil
}

// about is what is told of a job.
func (w *words) about(j *job, p part, i, n int) *About {
	return &About{
		Name: said.Line(j.repo.Name), Base: j.head.Branch, Commit: j.head.Commit, Branch: j.Branch, Version: j.Version,
		Part: i, Parts: n, Changes: p.changes, Files: j.res.Files, Facts: j.res.Facts, reproduce: j.Options.Reproduce,
	}
}

func text(t *template.Template, a *About) (string, error) {
	var b strings.Builder
	if err := t.Execute(&b, a); err != nil {
		return "", fmt.Errorf("a template that was given: %w", err)
	}
	return b.String(), nil
}

var trailerLine = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*: .`)

// message is that of a commit, with the trailer.
func (w *words) message(j *job, p part, i, n int) (string, error) {
	s, err := text(w.Message, w.about(j, p, i, n))
	if err != nil {
		return "", err
	}
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	if s == "" {
		s = "Dockerfile: changes by drydock"
	}
	last := s[strings.LastIndex(s, "\n\n")+1:]
	sep := "\n"
	for line := range strings.Lines(strings.TrimSpace(last)) {
		if last == s || !trailerLine.MatchString(line) {
			sep = "\n\n" // no paragraph of trailers yet
		}
	}
	return s + sep + Trailer + ": " + j.change + "\n", nil
}

// Marks in bodies of pull requests, which their readers don't see.
const (
	markChange = "<!-- drydock-change: "
	markClosed = "<!-- drydock-closed -->"
	markEnd    = " -->"
)

// proposal gives title and body of a pull request. The mark comes first: a body that is too long
// for a forge is cut at its end.
func (w *words) proposal(j *job) (title, body string, err error) {
	a := w.about(j, part{changes: j.changes()}, 1, 1)
	if title, err = text(w.Title, a); err == nil {
		body, err = text(w.Body, a)
	}
	return said.Line(title), markChange + j.change + markEnd + "\n" + strings.TrimSpace(body) + "\n", err
}

// changeOfBody is what the mark in a body names, "" without one.
func changeOfBody(body string) string {
	_, rest, ok := strings.Cut(body, markChange)
	name, _, end := strings.Cut(rest, markEnd)
	if !ok || !end {
		return ""
	}
	return name
}

// wrap breaks a text between words.
func wrap(n int, s string) string {
	var b strings.Builder
	at := 0
	for _, w := range strings.Fields(s) {
		if l := len([]rune(w)); at > 0 && at+1+l > n {
			b.WriteByte('\n')
			at = 0
		} else if at > 0 {
			b.WriteByte(' ')
			at++
		}
		b.WriteString(w)
		at += len([]rune(w))
	}
	return b.String()
}

func indent(n int, s string) string {
	pad := strings.Repeat(" ", n)
	return pad + strings.ReplaceAll(s, "\n", "\n"+pad)
}

func hang(n int, s string) string {
	return strings.TrimLeft(indent(n, s), " ")
}

// shellWord quotes a word for sh where it needs that.
func shellWord(s string) string {
	if s != "" && !strings.HasPrefix(s, "-") && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-/+:=@%", r))
	}) {
		return s
	}
	if strings.HasPrefix(s, "-") {
		s = "./" + s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
