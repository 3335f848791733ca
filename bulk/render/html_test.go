package render

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"drydock/bulk/render/sample"
)

var dataBlock = regexp.MustCompile(`<script type="application/x-drydock" data-kind="([a-z]+)">([A-Za-z0-9+/=]*)</script>`)

// unpackPage gives the JSON of a page's blocks by kind.
func unpackPage(t *testing.T, text string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, m := range dataBlock.FindAllStringSubmatch(text, -1) {
		raw, err := base64.StdEncoding.DecodeString(m[2])
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		out[m[1]] = append(out[m[1]], string(b))
	}
	return out
}

// Every result is in the page once, where its row says.
func TestPageHoldsAll(t *testing.T) {
	rs, err := sample.Results(4500)
	if err != nil {
		t.Fatal(err)
	}
	data := unpackPage(t, render(t, "html", rs))
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
func TestPageIsClosed(t *testing.T) {
	got := render(t, "html", hostileResults())
	for _, bad := range []string{"onerror=alert", "<img", "{{", "\x1b", "\u202e"} {
		if strings.Contains(got, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	rest := dataBlock.ReplaceAllString(got, "")
	if n := strings.Count(rest, "<script"); n != 1 {
		t.Errorf("%d scripts", n)
	}
	for _, m := range regexp.MustCompile(`(?i)(src|href|action)\s*=\s*"([^"]*)"`).FindAllStringSubmatch(rest, -1) {
		if m[2] != "data:," && !strings.HasPrefix(m[2], "#") {
			t.Errorf("the page refers to %s", m[0])
		}
	}
	style := rest[strings.Index(rest, "<style>")+len("<style>") : strings.Index(rest, "</style>")]
	script := rest[strings.LastIndex(rest, "<script>")+len("<script>") : strings.LastIndex(rest, "</script>")]
	for _, s := range []string{style, script} {
		if !strings.Contains(rest, "'"+hash(s)+"'") {
			t.Errorf("the policy lets its own part out: %.40q", s)
		}
	}
	if strings.Contains(style, "url(") || strings.Contains(style, "@import") {
		t.Error("the style refers to something")
	}
}

// The program only ever sets text, and every part is in the list.
func TestPageSources(t *testing.T) {
	files, err := fs.Glob(page, "page/*.js")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(scripts) {
		t.Errorf("%d parts, %d in the list", len(files), len(scripts))
	}
	for _, name := range files {
		if !slices.Contains(scripts, strings.TrimPrefix(name, "page/")) {
			t.Errorf("%s is not in the list", name)
		}
		b, err := fs.ReadFile(page, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "fetch(", "XMLHttpRequest", "</script"} {
			if strings.Contains(string(b), bad) {
				t.Errorf("%s uses %s", name, bad)
			}
		}
	}
}
