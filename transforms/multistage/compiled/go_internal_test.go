package compiled

import "testing"

func TestLdflags(t *testing.T) {
	for word, want := range map[string]string{
		`-ldflags="-X a=b"`: `-ldflags="-s -w -X a=b"`, `'-w'`: `'-s -w'`, `"-s -w"`: `"-s -w"`, `""`: `"-s -w"`, `$LDFLAGS`: `$LDFLAGS`, `-ldflags=-s`: `-ldflags=-s`,
	} {
		off, text := ldflags(word)
		if got := word[:off] + text + word[off:]; got != want {
			t.Errorf("%s: %s, want %s", word, got, want)
		}
	}
}
