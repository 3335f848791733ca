package report

import (
	"fmt"
	"html"
	"math"
	"strings"
	"time"
)

// The chart's measures in pixels.
const (
	chartWidth, chartHeight   = 760, 360
	chartLeft, chartRight     = 70, 150
	chartTop, chartBottom     = 64, 44
	chartPoints               = 600 // at most, per line
	plotWidth, plotHeight     = chartWidth - chartLeft - chartRight, chartHeight - chartTop - chartBottom
	chartLabelGap, chartTicks = 18, 4
)

// chartStyle colours the chart for light and dark surroundings; the text names
// each line, so that colour alone says nothing.
const chartStyle = `<style>
  svg { background: #ffffff; font: 13px system-ui, sans-serif }
  text { fill: #24292f } .dim { fill: #57606a } .grid { stroke: #d0d7de }
  .line { fill: none; stroke-width: 2.5 } .before { stroke: #bc4c00 } .after { stroke: #0969da; stroke-dasharray: 7 3 }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117 } text { fill: #e6edf3 } .dim { fill: #9198a1 } .grid { stroke: #30363d }
    .before { stroke: #f0883e } .after { stroke: #58a6ff }
  }
</style>
`

// Chart is a self-contained SVG image: the rebuild seconds that add up commit by
// commit, before and after. "" when no commit was replayed.
func (r *Replay) Chart(title string) string {
	if r.Commits == 0 {
		return ""
	}
	var names = []string{"before", "after"}
	var sums [][]float64
	top := 0.0
	for _, v := range r.result.Versions {
		s := cumulate(v.Seconds)
		sums = append(sums, s)
		top = max(top, s[len(s)-1])
	}
	step := niceStep(top / chartTicks)
	top = max(step*math.Ceil(top/step), step)
	x := func(i int) float64 { return chartLeft + plotWidth*float64(i)/float64(max(r.Commits, 1)) }
	y := func(s float64) float64 { return chartTop + plotHeight*(1-s/top) }

	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="%s">`+"\n",
		chartWidth, chartHeight, chartWidth, chartHeight, html.EscapeString(title+": rebuild time over "+Count(r.Commits, "commit", "commits")))
	b.WriteString(chartStyle)
	text := func(x, y float64, class, anchor, s string) {
		fmt.Fprintf(&b, `<text x="%.0f" y="%.0f" class="%s" text-anchor="%s">%s</text>`+"\n", x, y, class, anchor, html.EscapeString(s))
	}
	text(16, 26, "", "start", title)
	text(16, 46, "dim", "start", "rebuild time that adds up over "+Count(r.Commits, "commit", "commits")+r.chartNote())
	for s := 0.0; s <= top*1.001; s += step {
		fmt.Fprintf(&b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" class="grid"/>`+"\n", chartLeft, y(s), chartLeft+plotWidth, y(s))
		text(chartLeft-8, y(s)+4, "dim", "end", seconds(s))
	}
	for _, at := range []struct {
		i      int
		anchor string
	}{{0, "start"}, {r.Commits - 1, "end"}} {
		text(x(at.i+min(at.i, 1)), chartHeight-16, "dim", at.anchor, time.Unix(r.result.Replayed[at.i].Time, 0).UTC().Format("2006-01-02"))
	}
	var labels []float64
	for i, s := range sums {
		fmt.Fprintf(&b, `<polyline class="line %s" points="%s"/>`+"\n", names[i], points(s, x, y))
		labels = append(labels, y(s[len(s)-1])+4)
	}
	if len(labels) == 2 && math.Abs(labels[0]-labels[1]) < chartLabelGap {
		upper := min(labels[0], labels[1])
		low := 0
		if labels[1] > labels[0] {
			low = 1
		}
		labels[1-low], labels[low] = upper, upper+chartLabelGap
		if over := labels[low] - (chartTop + plotHeight + 4); over > 0 {
			labels[0], labels[1] = labels[0]-over, labels[1]-over
		}
	}
	for i, s := range sums {
		text(chartLeft+plotWidth+8, labels[i], "", "start", names[i]+": "+seconds(s[len(s)-1]))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (r *Replay) chartNote() string {
	if r.Before.Estimated || r.After != nil && r.After.Estimated {
		return " (durations of steps are estimates)"
	}
	return ""
}

// cumulate gives the sums up to each commit, beginning with 0.
func cumulate(seconds []float64) []float64 {
	out := []float64{0}
	for _, s := range seconds {
		out = append(out, out[len(out)-1]+s)
	}
	return out
}

// points are a line's corners; of many commits, evenly chosen ones and the last.
func points(s []float64, x func(int) float64, y func(float64) float64) string {
	every := (len(s) + chartPoints - 1) / chartPoints
	var out []string
	for i := 0; i < len(s); i++ {
		if i%every == 0 || i == len(s)-1 {
			out = append(out, fmt.Sprintf("%.1f,%.1f", x(i), y(s[i])))
		}
	}
	return strings.Join(out, " ")
}

// niceStep is a distance of grid lines that reads well, at least min seconds.
func niceStep(least float64) float64 {
	for _, s := range []float64{1, 2, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 2 * 3600, 5 * 3600, 10 * 3600, 20 * 3600, 50 * 3600} {
		if s >= least {
			return s
		}
	}
	return math.Ceil(least/(100*3600)) * 100 * 3600
}
