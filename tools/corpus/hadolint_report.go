package main

import (
	"fmt"
	"io"
	"strings"
)

// How many new findings the printed report lists for a rule; -json has -examples.
const listedNew = 5

func (t *lintTable) markdown(w io.Writer) {
	fmt.Fprintf(w, "%s on %d Dockerfiles that BuildKit parses (%d more don't). Each number is files that the rule flags: before, and after each way to fix. ", t.Hadolint, t.Files, t.Unparseable)
	fmt.Fprintf(w, "New: not flagged before and flagged after (%s). Engine: %s.\n", strings.Join(t.Modes, " / "), t.Engine)
	if t.Failed > 0 {
		fmt.Fprintf(w, "%d files could not be fixed and count as unchanged.\n", t.Failed)
	}
	fmt.Fprint(w, "\n| rule | severity | what | before |")
	for _, m := range modes {
		fmt.Fprintf(w, " after %s |", m.command())
	}
	fmt.Fprintf(w, " new | mechanical |\n| --- | --- | --- | ---: |%s ---: | --- |\n", strings.Repeat(" ---: |", len(modes)))
	for _, r := range t.Rules {
		t.row(w, r.Code, r.Severity, clip(r.Title, 72), r.Before, r.After, r.slash(r.New), r.Mechanical)
	}
	all, answered := t.sum(func(*lintRule) bool { return true }), t.sum(func(r *lintRule) bool { return r.Transform != "" })
	t.row(w, "**all**", "", "files × rules", all.Before, all.After, all.slash(all.New), "")
	t.row(w, "**mechanical**", "", "of them, under rules with a transform", answered.Before, answered.After, answered.slash(answered.New), "")
	t.row(w, "**findings**", "", "single ones; a file can have many of a rule", all.FindingsBefore, all.Findings, "", "")
	t.row(w, "**clean**", "", "files in which hadolint finds nothing", t.CleanBefore, t.Clean, "", "")
	t.row(w, "**changed**", "", "files that the fix changes", 0, t.Changed, "", "")
	t.news(w)
}

func (t *lintTable) row(w io.Writer, code, severity, title string, before int, after map[string]int, fresh, mechanical string) {
	title = strings.ReplaceAll(title, "|", "\\|")
	fmt.Fprintf(w, "| %s | %s | %s | %d |", code, severity, title, before)
	for _, m := range modes {
		fmt.Fprintf(w, " %d |", after[m.name])
	}
	fmt.Fprintf(w, " %s | %s |\n", fresh, mechanical)
}

// slash joins a number of every mode, and is "" where all are zero: what is there
// catches the eye.
func (r *lintRule) slash(n map[string]int) string {
	var parts []string
	sum := 0
	for _, m := range modes {
		parts = append(parts, fmt.Sprint(n[m.name]))
		sum += n[m.name]
	}
	if sum == 0 {
		return ""
	}
	return strings.Join(parts, " / ")
}

func (t *lintTable) sum(which func(*lintRule) bool) *lintRule {
	s := &lintRule{After: map[string]int{}, Findings: map[string]int{}, New: map[string]int{}}
	for _, r := range t.Rules {
		if !which(r) {
			continue
		}
		s.Before += r.Before
		s.FindingsBefore += r.FindingsBefore
		for _, m := range modes {
			s.After[m.name] += r.After[m.name]
			s.Findings[m.name] += r.Findings[m.name]
			s.New[m.name] += r.New[m.name]
		}
	}
	return s
}

// news lists examples of what a fix made hadolint find.
func (t *lintTable) news(w io.Writer) {
	first := true
	for _, r := range t.Rules {
		listed := map[string]bool{}
		for _, m := range modes {
			for _, e := range spread(r.NewIn[m.name], listedNew) {
				if listed[e.File] { // a later mode does what an earlier one does
					continue
				}
				if first {
					fmt.Fprint(w, "\nNew findings, some of each rule:\n\n")
					first = false
				}
				listed[e.File] = true
				line, _, _ := strings.Cut(e.Instruction, "\n")
				fmt.Fprintf(w, "- %s (%s) %s:%d: %s\n", r.Code, m.name, e.File, e.Line, clip(line, 120))
			}
		}
	}
}
