package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"drydock/replay"
)

// Replay is what git history says of a Dockerfile's cache, before and after. The
// JSON names are documented (docs/replay.md) and stable.
type Replay struct {
	// Summary says the main thing in one line, "" when nothing changes.
	Summary string `json:"summary"`
	// Commits were replayed; Skipped can't be built with one of the versions.
	Commits int `json:"commits"`
	Skipped int `json:"skipped"` // commits at which the Dockerfile could not be taken
	// Before and After are rebuild seconds; After is null when there is nothing to
	// compare with.
	Before *ReplaySide `json:"before"`
	After  *ReplaySide `json:"after"` // as fix, or another file, has it; null without one
	// Steps are the instructions that make layers, the most expensive first.
	Steps []ReplayRow `json:"steps"`
	// Notes say what a reader should know of the history.
	Notes []string `json:"notes"`

	result *replay.Result
}

// ReplaySide is one version of the Dockerfile.
type ReplaySide struct {
	Total     float64 `json:"seconds"`            // over all commits
	PerCommit float64 `json:"seconds_per_commit"` // on average
	Skipped   int     `json:"skipped"`            // commits that this version can't build
	Estimated bool    `json:"estimated"`          // some step has no measured duration
}

// ReplayRow is one step, with null for the version that doesn't have it.
type ReplayRow struct {
	Before *ReplayStep `json:"before"` // the step before; null for one that is new
	After  *ReplayStep `json:"after"`  // the step after; null for one that is gone
}

// ReplayStep is a step of one version.
type ReplayStep struct {
	Stage     string  `json:"stage"`             // name or number of its stage
	Line      int     `json:"line"`              // in that version's text
	Text      string  `json:"text"`              // its instruction, in one line
	Command   string  `json:"command"`           // the one that costs most
	Misses    int     `json:"misses"`            // commits at which it runs again
	Seconds   float64 `json:"seconds"`           // each time
	Estimated bool    `json:"estimated"`         // the duration is no measured one
	Changed   string  `json:"changed,omitempty"` // why it counts as changed at each commit
}

// NewReplay describes the result of replaying a Dockerfile, and with a second
// version both.
func NewReplay(r *replay.Result) *Replay {
	out := &Replay{Summary: r.Sentence(), Commits: r.Commits, Skipped: r.Skipped, Steps: []ReplayRow{}, Notes: []string{}, result: r}
	sides := []*ReplaySide{}
	for _, v := range r.Versions {
		s := &ReplaySide{Total: v.Total(), Skipped: v.Unbuildable}
		if r.Commits > 0 {
			s.PerCommit = s.Total / float64(r.Commits)
		}
		for _, st := range v.Steps {
			s.Estimated = s.Estimated || st.Estimated
		}
		sides = append(sides, s)
	}
	out.Before = sides[0]
	if len(sides) > 1 {
		out.After = sides[1]
	}
	for _, row := range r.Rows() {
		out.Steps = append(out.Steps, ReplayRow{replayStep(row.Before), replayStep(row.After)})
	}
	return out
}

func replayStep(s *replay.Step) *ReplayStep {
	if s == nil {
		return nil
	}
	return &ReplayStep{s.Stage, s.Line, s.Text, s.What, s.Misses, s.Seconds, s.Estimated, s.Changed}
}

// ReplayTable renders the outcome of `drydock replay` for people.
type ReplayTable struct {
	W     io.Writer
	Style Style
}

// tableRows is the number of steps that the table shows; JSON has all.
const tableRows = 12

// File writes one Dockerfile's part.
func (t *ReplayTable) File(f *File) error {
	if f.Replay == nil {
		return nil
	}
	r := f.Replay
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s replayed", t.Style.Bold(f.Path), Count(r.Commits, "commit", "commits"))
	if r.Skipped > 0 {
		fmt.Fprintf(&b, ", %d skipped that can't be built", r.Skipped)
		if m := r.missing(); m != "" {
			b.WriteString(" (without " + m + ")")
		}
	}
	b.WriteByte('\n')
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "  %s\n", n)
	}
	if r.Commits == 0 {
		_, err := io.WriteString(t.W, b.String())
		return err
	}
	what := ""
	if r.Before.Estimated || r.After != nil && r.After.Estimated {
		what = ", estimated"
	}
	if r.After == nil {
		fmt.Fprintf(&b, "  rebuilds: %s per commit, %s in all%s\n", seconds(r.Before.PerCommit), seconds(r.Before.Total), what)
	} else {
		fmt.Fprintf(&b, "  rebuilds: %s per commit before, %s after; in all %s before, %s after%s\n", seconds(r.Before.PerCommit), t.Style.Green(seconds(r.After.PerCommit)),
			seconds(r.Before.Total), seconds(r.After.Total), what)
		if r.Summary != "" {
			fmt.Fprintf(&b, "  %s\n", r.Summary)
		}
	}
	t.steps(&b, r)
	_, err := io.WriteString(t.W, b.String())
	return err
}

// missing is what the last commit that can't be built lacks.
func (r *Replay) missing() string {
	for _, v := range r.result.Versions {
		if v.Missing != "" {
			return v.Missing
		}
	}
	return ""
}

// steps is the table of steps that missed at all.
func (t *ReplayTable) steps(b *strings.Builder, r *Replay) {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	if r.After == nil {
		fmt.Fprintln(w, "missed\teach\tline\t step")
	} else {
		fmt.Fprintln(w, "missed\tthen\teach\tline\t step")
	}
	rest, shown := 0, 0
	for _, row := range r.Steps {
		if misses(row.Before)+misses(row.After) == 0 {
			continue
		}
		if shown++; shown > tableRows {
			rest++
			continue
		}
		s, line := row.Before, ""
		if s == nil {
			s, line = row.After, "+"
		}
		line += fmt.Sprint(s.Line)
		cells := []string{cell(row.Before)}
		if r.After != nil {
			cells = append(cells, cell(row.After))
		}
		text := clip(s.Text, 72)
		if s.Changed != "" {
			text += " (counted as changed: " + s.Changed + ")"
		}
		fmt.Fprintln(w, strings.Join(append(cells, seconds(s.Seconds), line, " "+text), "\t"))
	}
	if shown == 0 {
		return
	}
	_ = w.Flush()
	b.WriteString(table.String())
	if rest > 0 {
		fmt.Fprintf(b, "  and %s; --format json has all\n", Count(rest, "cheaper step", "cheaper steps"))
	}
}

func misses(s *ReplayStep) int {
	if s == nil {
		return 0
	}
	return s.Misses
}

// cell is the number of misses, or a dash where there is no such step.
func cell(s *ReplayStep) string {
	if s == nil {
		return "-"
	}
	return fmt.Sprint(s.Misses)
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// seconds is a duration as people write it.
func seconds(s float64) string {
	switch {
	case s < 10 && s != float64(int(s)):
		return fmt.Sprintf("%.1f s", s)
	case s < 120:
		return fmt.Sprintf("%.0f s", s)
	case s < 600:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", s/60), ".0") + " min"
	case s < 2*3600:
		return fmt.Sprintf("%.0f min", s/60)
	}
	return fmt.Sprintf("%.1f h", s/3600)
}

// Close explains the columns once.
func (t *ReplayTable) Close(total Total) error {
	if total.Files == total.Failed {
		return nil
	}
	_, err := io.WriteString(t.W, t.Style.Dim("missed: commits at which the cache missed, then: after the rewrite; + a line of the rewrite; see docs/replay.md")+"\n")
	return err
}
