package imagefs

import (
	"strings"
	"testing"

	"drydock/verify/finding"
)

// What a RUN instruction wrote in bytes that nobody reads may differ from build to build; what COPY brought may not.
func TestBytesThatARunWrote(t *testing.T) {
	const big = 1 << 20 // no Text is kept of it
	of := func(end string) *Image {
		return debian().with(file("app/cache.blob", "\x00\x01"+strings.Repeat("x", big)+end)).image(t)
	}
	for by, breaks := range map[string]bool{"RUN /bin/sh -c make # buildkit": false, "COPY . . # buildkit": true} {
		before := of("a")
		before.Layers[1].CreatedBy = by
		if got := len(finding.Breaks(CompareImages(before, of("b"), same))) > 0; got != breaks {
			t.Errorf("%s: a break: %v", by, got)
		}
	}
}
