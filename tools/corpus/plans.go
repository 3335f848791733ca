package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
	"drydock/transforms"
	"drydock/transforms/multistage"
)

// plan is what multi-stage makes of one file.
type plan struct {
	File      string `json:"file"`
	Stages    int    `json:"stages"`
	Base      string `json:"base"`      // repository of the last stage's base
	Ecosystem string `json:"ecosystem"` // the recipe that takes it, "" for none
	Context   bool   `json:"context"`   // the build context is known
	Split     string `json:"split,omitempty"`
	Declined  string `json:"declined,omitempty"`
	Form      string `json:"form,omitempty"` // the reason without its particulars
}

// plans is the result over all files.
type plans struct {
	Dir   string  `json:"dir"`
	Plans []*plan `json:"plans"`
}

// planned runs multi-stage alone over a folder.
func planned(ctx context.Context, o options) (result, error) {
	paths, err := o.dockerfiles()
	if err != nil {
		return nil, err
	}
	out := &plans{Dir: o.dir}
	err = parallel(ctx, o.workers, paths, func(p string) *plan { return planOf(ctx, o, p) }, func(p *plan) {
		if p != nil {
			out.Plans = append(out.Plans, p)
		}
	})
	slices.SortFunc(out.Plans, func(a, b *plan) int { return cmp.Compare(a.File, b.File) })
	return out, err
}

// planOf is nil for a file that doesn't parse.
func planOf(ctx context.Context, o options, path string) *plan {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	stages, err := parse(src)
	if err != nil {
		return nil
	}
	doc, err := rewrite.Parse(path, string(src), images.Catalogue())
	if err != nil || len(doc.Stages) == 0 {
		return nil
	}
	p := &plan{File: path, Stages: len(doc.Stages), Base: doc.Final().BaseName(), Ecosystem: multistage.Ecosystem(doc)}
	if rel, err := filepath.Rel(o.dir, path); err == nil {
		p.File = rel
	}
	if ref, err := images.ParseRef(p.Base); err == nil {
		p.Base = ref.Repository()
	}
	in := rewrite.Input{Path: path, Src: string(src), Images: images.Catalogue(), Repo: repo.Load(nil)}
	if dir := contextOf(o.dir, path, stages); dir != "" && o.useContext == "auto" {
		in.Repo, p.Context = load(dir), true
		if rel, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(rel) {
			in.Name = filepath.ToSlash(rel)
		}
	}
	only := []*rewrite.Transform{transforms.ByName("multi-stage")}
	res, err := rewrite.Run(ctx, in, only, rewrite.Options{Unsafe: true})
	if err != nil {
		return p
	}
	for _, c := range res.Outcomes {
		if c.Status == rewrite.Applied {
			p.Split = c.Title
		}
	}
	for _, d := range res.Declined {
		if p.Split == "" && p.Declined == "" {
			p.Declined, p.Form = fmt.Sprintf("line %d: %s", d.Line, d.Reason), form(d)
		}
	}
	return p
}

var particular = regexp.MustCompile(`\S*[/0-9$=@"]\S*|\S*[.:]\S+`)

// form is a reason to count by: its format, or where that says nothing the
// reason without what looks like a path, a version or a value.
func form(d rewrite.Decline) string {
	f := strings.TrimPrefix(d.Form, "one stage: ")
	if strings.Trim(f, "%sdvq:, ") == "" || strings.HasSuffix(f, ": %s") {
		f = particular.ReplaceAllString(strings.TrimPrefix(d.Reason, "one stage: "), "…")
	}
	return strings.NewReplacer("%s", "…", "%d", "…", "%v", "…", "%q", "…").Replace(f)
}

// reasonsListed is how many reasons the table lists per ecosystem.
const reasonsListed = 12

func (p *plans) markdown(w io.Writer) {
	type tally struct {
		single, context, split, declined, silent int
		later                                    int // files with stages that are split
		forms                                    map[string]int
	}
	by, bases := map[string]*tally{}, map[string]int{}
	for _, x := range p.Plans {
		if x.Ecosystem == "" {
			if x.Stages == 1 {
				bases[x.Base]++
			}
			continue
		}
		t := by[x.Ecosystem]
		if t == nil {
			t = &tally{forms: map[string]int{}}
			by[x.Ecosystem] = t
		}
		switch {
		case x.Stages > 1:
			if x.Split != "" {
				t.later++
			}
			continue
		case !x.Context:
			t.single++
			continue
		}
		t.single++
		t.context++
		switch {
		case x.Split != "":
			t.split++
		case x.Form != "":
			t.declined++
			t.forms[x.Form]++
		default:
			t.silent++
		}
	}
	names := slices.Sorted(maps.Keys(by))
	fmt.Fprintf(w, "%d files. Single-stage files that a recipe takes, those of them with a build context, and what became of these:\n\n", len(p.Plans))
	fmt.Fprintln(w, "| ecosystem | single-stage | with a context | split | declined | nothing to split | files with stages that are split |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
	var sum tally
	for _, n := range names {
		t := by[n]
		fmt.Fprintf(w, "| %s | %d | %d | %d | %d | %d | %d |\n", n, t.single, t.context, t.split, t.declined, t.silent, t.later)
		sum.single, sum.context, sum.split, sum.declined, sum.silent, sum.later = sum.single+t.single, sum.context+t.context, sum.split+t.split, sum.declined+t.declined, sum.silent+t.silent, sum.later+t.later
	}
	fmt.Fprintf(w, "| all | %d | %d | %d | %d | %d | %d |\n", sum.single, sum.context, sum.split, sum.declined, sum.silent, sum.later)
	fmt.Fprintln(w, "\nWhy those with a context were declined:\n\n| ecosystem | reason | files |\n| --- | --- | ---: |")
	for _, n := range names {
		for _, f := range most(by[n].forms) {
			fmt.Fprintf(w, "| %s | %s | %d |\n", n, strings.ReplaceAll(clip(f, 140), "|", "\\|"), by[n].forms[f])
		}
	}
	fmt.Fprintln(w, "\nBases of the single-stage files that no recipe takes (no build in a RUN, a runtime image already, or an ecosystem without one):\n\n| base | files |\n| --- | ---: |")
	for _, b := range most(bases) {
		fmt.Fprintf(w, "| %s | %d |\n", b, bases[b])
	}
}

// most are the keys with the highest counts, those first.
func most(m map[string]int) []string {
	out := slices.SortedFunc(maps.Keys(m), func(a, b string) int { return cmp.Or(cmp.Compare(m[b], m[a]), cmp.Compare(a, b)) })
	return out[:min(len(out), reasonsListed)]
}
