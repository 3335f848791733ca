package page_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"drydock/page"
	"drydock/page/pagetest"
)

func TestKit(t *testing.T) {
	pagetest.Sources(t, os.DirFS("."), "kit", []string{"kit/basics.js", "kit/data.js", "kit/diff.js", "kit/theme.js"})
}

// Every detail lies where its row says, however many blocks they fill, and the
// hostile ones end no element.
func TestPlaces(t *testing.T) {
	const hostile = "</script><img src=x onerror=alert(1)>\x1b\u202e\u2028{{data}}"
	d := page.Design{Sources: fstest.MapFS{"a.html": {Data: []byte("<h1>{{title}}</h1>\n")}, "a.css": {Data: []byte("h1 { margin: 0; }\n")}, "a.js": {Data: []byte("start();\n")}}, Body: "a.html", Style: "a.css", Scripts: []string{"a.js"}}
	var b strings.Builder
	p, err := d.Begin(&b, hostile[:9]+"\x1b")
	if err != nil {
		t.Fatal(err)
	}
	const n = 4500
	filler := strings.Repeat("x", 300)
	for i := range n {
		block, place := p.Place()
		row := fmt.Sprintf(`{"b":%d,"i":%d}`, block, place)
		detail, err := json.Marshal([]any{i, hostile, filler})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Add([]byte(row), detail); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.End([]byte(`{"n":1}`)); err != nil {
		t.Fatal(err)
	}
	pagetest.Closed(t, b.String())
	if !strings.Contains(b.String(), `<h1>&lt;/script&gt;\x1b</h1>`) {
		t.Error("the title isn't its text")
	}
	data := pagetest.Unpack(t, b.String())
	if len(data["rows"]) != 3 || len(data["details"]) < 2 || len(data["meta"]) != 1 || data["meta"][0] != `{"n":1}` {
		t.Fatalf("%d blocks of rows, %d of details, meta %q", len(data["rows"]), len(data["details"]), data["meta"])
	}
	var details [][][]any
	for _, text := range data["details"] {
		var block [][]any
		if err := json.Unmarshal([]byte(text), &block); err != nil {
			t.Fatal(err)
		}
		details = append(details, block)
	}
	at := 0
	for _, text := range data["rows"] {
		var rows []struct{ B, I int }
		if err := json.Unmarshal([]byte(text), &rows); err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if got := details[r.B][r.I]; got[0] != float64(at) || got[1] != hostile {
				t.Fatalf("row %d leads to %v", at, got[:2])
			}
			at++
		}
	}
	if at != n {
		t.Errorf("%d rows of %d", at, n)
	}
}

func TestNoSuchSource(t *testing.T) {
	var b strings.Builder
	if _, err := (page.Design{Sources: fstest.MapFS{}, Body: "none.html"}).Begin(&b, ""); err == nil || b.Len() > 0 {
		t.Errorf("%v after %d bytes", err, b.Len())
	}
}
