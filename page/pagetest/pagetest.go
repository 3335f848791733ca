// Package pagetest holds pages against what package page promises of them.
package pagetest

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"drydock/page"
)

var dataBlock = regexp.MustCompile(`<script type="application/x-drydock" data-kind="([a-z]+)">([A-Za-z0-9+/=]*)</script>`)

var (
	plainBlock = regexp.MustCompile(`(?s)<noscript>.*?</noscript>`)
	anyTag     = regexp.MustCompile(`<[^>]*>?`)
	plainTag   = regexp.MustCompile(`^</?(section|main|h2|ul|li|b|p|pre)( class="[a-z]+")?>$`)
)

// Unpack gives the JSON of a page's blocks by kind.
func Unpack(t *testing.T, text string) map[string][]string {
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

// Closed insists that nothing of a page's hostile data is markup, and that the page
// asks nobody for anything.
func Closed(t *testing.T, text string) {
	t.Helper()
	// What stands there for browsers without JavaScript is text between a few tags.
	text = plainBlock.ReplaceAllStringFunc(text, func(block string) string {
		for _, tag := range anyTag.FindAllString(strings.TrimSuffix(strings.TrimPrefix(block, "<noscript>"), "</noscript>"), -1) {
			if !plainTag.MatchString(tag) {
				t.Errorf("without JavaScript there is %.60q", tag)
			}
		}
		for _, bad := range []string{"\x1b", "\u202e", "\u2028"} {
			if strings.Contains(block, bad) {
				t.Errorf("without JavaScript there is %q", bad)
			}
		}
		return ""
	})
	for _, bad := range []string{"onerror=alert", "<img", "{{", "\x1b", "\u202e"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	rest := dataBlock.ReplaceAllString(text, "")
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
		if !strings.Contains(rest, "'"+page.Hash(s)+"'") {
			t.Errorf("the policy lets its own part out: %.40q", s)
		}
	}
	if strings.Contains(style, "url(") || strings.Contains(style, "@import") {
		t.Error("the style refers to something")
	}
}

// Sources insists that the scripts in a folder are those that are listed, and that
// they only ever set text.
func Sources(t *testing.T, from fs.FS, folder string, listed []string) {
	t.Helper()
	files, err := fs.Glob(from, path.Join(folder, "*.js"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 || len(files) != len(listed) {
		t.Errorf("%d parts, %d in the list", len(files), len(listed))
	}
	for _, name := range files {
		if !slices.Contains(listed, name) {
			t.Errorf("%s is not in the list", name)
		}
		b, err := fs.ReadFile(from, name)
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
