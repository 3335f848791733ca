package render

import (
	"encoding/json"
	"testing"

	"drydock/bulk/render/sample"
	"drydock/page/pagetest"
)

// Every result is in the page once, where its row says.
func TestPageHoldsAll(t *testing.T) {
	rs, err := sample.Results(4500)
	if err != nil {
		t.Fatal(err)
	}
	data := pagetest.Unpack(t, render(t, "html", rs))
	if len(data["rows"]) != 3 || len(data["details"]) < 2 {
		t.Fatalf("%d blocks of rows, %d of details", len(data["rows"]), len(data["details"]))
	}
	var details [][]struct{ Name string }
	for _, text := range data["details"] {
		var d []struct{ Name string }
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		details = append(details, d)
	}
	n := 0
	for _, text := range data["rows"] {
		var rows []row
		if err := json.Unmarshal([]byte(text), &rows); err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if got := details[r.Block][r.Place].Name; got != r.Name || r.Name != rs[n].Name {
				t.Fatalf("row %d is %s, its details are of %s, not of %s", n, r.Name, got, rs[n].Name)
			}
			n++
		}
	}
	if n != len(rs) {
		t.Errorf("%d rows of %d", n, len(rs))
	}
}

// Nothing of the data is markup, and the page asks nobody for anything.
func TestPageIsClosed(t *testing.T) { pagetest.Closed(t, render(t, "html", hostileResults())) }

// The program only ever sets text, and every part is in the list.
func TestPageSources(t *testing.T) { pagetest.Sources(t, design.Sources, "page", design.Scripts) }
