package transforms

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
)

// counts is a history of so many commits that change each path.
type counts struct {
	of      int
	changed map[string]int
}

func (c counts) Changed(path string) (commits, of int) { return c.changed[path], c.of }

func TestStableFirst(t *testing.T) {
	files := fstest.MapFS{
		"src/main.py":     {Data: []byte("print(1)\n")},
		"model/tides.bin": {Data: make([]byte, 2_000_000)},
		"small/a.txt":     {Data: []byte("a")},
	}
	const two = "FROM python:3.12-slim\nWORKDIR /app\nCOPY src src/\n# the model\nCOPY model model/\nCMD [\"python\", \"src/main.py\"]\n"
	for _, c := range []struct {
		name, src string
		history   rewrite.History
		want      string // the COPY lines after; "" for no change
	}{
		{"often before seldom", two, counts{100, map[string]int{"src": 90, "model": 3}}, "# the model|COPY model model/|COPY src src/"},
		{"no history", two, nil, ""},
		{"a short history", two, counts{10, map[string]int{"src": 9}}, ""},
		{"no clear difference", two, counts{100, map[string]int{"src": 90, "model": 30}}, ""},
		{"seldom first already", strings.NewReplacer("src src/", "model model/", "model model/", "src src/").Replace(two), counts{100, map[string]int{"src": 90}}, ""},
		{"a light one", strings.Replace(two, "model model/", "small small/", 1), counts{100, map[string]int{"src": 90, "small": 0}}, ""},
		{"over each other", strings.Replace(strings.Replace(two, "src/\n", "./\n", 1), "model/\n", "./\n", 1), counts{100, map[string]int{"src": 90, "model": 0}}, ""},
		{"a RUN between", strings.Replace(two, "# the model", "RUN python src/main.py", 1), counts{100, map[string]int{"src": 90, "model": 0}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := rewrite.Input{Path: "Dockerfile", Name: "Dockerfile", Src: c.src, Repo: repo.Load(files), Images: images.Catalogue(), History: c.history}
			res, err := rewrite.Run(context.Background(), in, []*rewrite.Transform{ByName("copy-order")}, rewrite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				if res.Changed() {
					t.Fatalf("changed: %s", res.After)
				}
				return
			}
			_, rest, _ := strings.Cut(res.After, "WORKDIR /app\n")
			got, _, _ := strings.Cut(rest, "\nCMD")
			if got = strings.ReplaceAll(got, "\n", "|"); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
