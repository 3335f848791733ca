package render

import (
	"embed"
	"io"
	"slices"
	"time"

	"drydock/bulk/result"
	"drydock/page"
	"drydock/report"
	"drydock/rewrite"
)

//go:embed page
var sources embed.FS

var design = page.Design{Sources: sources, Body: "page/page.html", Style: "page/page.css",
	Scripts: []string{"page/rows.js", "page/patch.js", "page/filters.js", "page/charts.js", "page/table.js", "page/panel.js", "page/main.js"}}

// Page is what the page says of the run.
type Page struct {
	Title   string // "" for the usual one
	Version string // of drydock
	Created time.Time
}

// HTML writes one page that stands for itself: no request leaves it. What the table
// shows lies in it apart from what is read when a repository is opened.
func HTML(w io.Writer, results Results, p Page) error {
	if p.Title == "" {
		p.Title = "Dockerfiles, before and after"
	}
	out, err := design.Begin(w, p.Title)
	if err != nil {
		return err
	}
	total := 0
	for r, err := range results {
		if err != nil {
			return err
		}
		row := rowOf(r)
		row.Block, row.Place = out.Place()
		line, err := report.Encode(row)
		if err != nil {
			return err
		}
		detail, err := report.Encode(complete(r))
		if err != nil {
			return err
		}
		if err := out.Add(line, detail); err != nil {
			return err
		}
		total++
	}
	meta, err := report.Encode(map[string]any{
		"title": plain(p.Title), "version": p.Version, "created": p.Created.UTC().Format(time.RFC3339), "rows": total,
		"tags": TagKinds, "users": UserKinds,
	})
	if err != nil {
		return err
	}
	return out.End(meta)
}

// row is what the table, the filters and the charts need of a repository. Names are
// short, for there are many.
type row struct {
	Name     string         `json:"n"`
	Status   result.Status  `json:"s"`
	Reason   string         `json:"r,omitempty"`
	Language string         `json:"l,omitempty"`
	Pull     string         `json:"p,omitempty"` // what was done
	Files    int            `json:"f"`
	Changed  int            `json:"c"`
	Offered  int            `json:"o,omitempty"`
	Failed   int            `json:"e,omitempty"`
	Applied  map[string]int `json:"t,omitempty"`
	Found    map[string]int `json:"k,omitempty"`
	Shapes   []rowShape     `json:"d,omitempty"`
	Block    int            `json:"b"`
	Place    int            `json:"i"`
}

// rowShape is a Dockerfile: references before and after, kinds of tags and users
// as numbers of TagKinds and UserKinds, sizes in bytes.
type rowShape struct {
	Base     [2]string `json:"b"` // names without tags
	Tag      [2]int    `json:"t"`
	User     [2]int    `json:"u"`
	Size     [2]int64  `json:"z"`
	Measured bool      `json:"m,omitempty"`
}

func rowOf(r *result.Result) row {
	out := row{Name: r.Name, Status: r.Status, Reason: reason(r), Language: r.Language, Files: len(r.Files), Applied: map[string]int{}, Found: map[string]int{}}
	if r.Pull != nil {
		out.Pull = r.Pull.Did
	}
	for i, f := range r.Files {
		if f.Error != nil {
			out.Failed++
			continue
		}
		if f.Changed {
			out.Changed++
		}
		out.Offered += len(f.With(rewrite.Offered))
		for name, n := range appliedIn(f) {
			out.Applied[name] += n
		}
		for name, n := range foundIn(f) {
			out.Found[name] += n
		}
		x := facts(r, i)
		if x.Before.Stages == 0 {
			continue
		}
		s := rowShape{}
		for k, shape := range []result.Shape{x.Before, x.After} {
			s.Base[k] = baseName(shape.Final)
			s.Tag[k] = slices.Index(TagKinds, tagKind(shape.Final))
			s.User[k] = slices.Index(UserKinds, userKind(shape.User, shape.Final))
		}
		if _, known := saving(x); known {
			s.Size, s.Measured = [2]int64{x.Before.Size, x.After.Size}, x.Before.Measured
		}
		out.Shapes = append(out.Shapes, s)
	}
	return out
}
