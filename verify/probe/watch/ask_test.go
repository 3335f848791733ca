//go:build linux

package watch

import (
	"slices"
	"testing"
)

func TestLinks(t *testing.T) {
	for text, want := range map[string][]string{
		`<link href="/a.css"><img src='b/c.png'><script src=d.js></script>`:                                        {"/a.css", "/b/c.png", "/d.js"},
		`<a href="?page=2">2</a><a href="#top">top</a><a href="x.html?a=1&amp;b=2#c">x</a>`:                        {"/x.html?a=1&b=2"},
		`<a href="//else/x"><a href="https://else/x"><a href="mailto:a@b"><img src="data:image/png;base64,AA/A=">`: nil,
		`<a href="/"><a href="/x"><a href="x"><a href="./x"><a href="../x"><a href="docs/">`:                       {"/x", "/docs/"},
		`<a href="{{ url }}"><a href='${x}'><a href="a b"><a href=`:                                                nil,
		`<a href="unclosed`: nil,
	} {
		var got []string
		for _, g := range links("/", []byte(text)) {
			got = append(got, g.Path)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if got := onHost("/docs/index.html", "logo.svg?v=1"); got != "/docs/logo.svg?v=1" {
		t.Errorf("beside a page: %q", got)
	}
}
