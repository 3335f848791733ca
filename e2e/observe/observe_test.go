package observe

import (
	"slices"
	"testing"
)

func TestACommandThatEnds(t *testing.T) {
	for _, c := range []struct {
		argv   []string
		exit   int
		output string
	}{
		{[]string{"sh", "-c", "echo one; echo two >&2; exit 3"}, 3, "one\ntwo\n"},
		{[]string{"sh", "-c", "kill -9 $$"}, 137, ""},
		{[]string{"/no/such/command"}, 127, "fork/exec /no/such/command: no such file or directory"},
		{nil, 127, "no command specified"},
	} {
		got := start(c.argv)
		<-got.done
		if got.code != c.exit || got.out.String() != c.output {
			t.Errorf("%q: exit %d, output %q; want %d, %q", c.argv, got.code, got.out, c.exit, c.output)
		}
	}
}

func TestLinksOfTheSameHostAreFollowedOnce(t *testing.T) {
	got := links([]byte(`<link href="/a.css"><script src="/b.js"></script><img src="/a.css"><a href="//elsewhere/x">`))
	if want := []string{"/a.css", "/b.js"}; !slices.Equal(got, want) {
		t.Errorf("links: %q, want %q", got, want)
	}
}

func TestAResultSurvivesTheBuildLog(t *testing.T) {
	want := Result{UID: 10001, Replies: []Reply{{Port: 8000, Path: "/", Status: 200, Body: "\x1b[0m ünï\n"}}}
	word, err := Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Find("noise\n" + Marker + word + "\nmore noise")
	if err != nil || got.UID != want.UID || !slices.Equal(got.Replies, want.Replies) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := Find("noise"); err == nil {
		t.Error("no result must be an error")
	}
}
