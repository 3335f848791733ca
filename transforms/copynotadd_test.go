package transforms

import (
	"slices"
	"testing"
)

func TestPlainExtensionsAreSorted(t *testing.T) {
	for i := 1; i < len(plainExtensions); i++ {
		if plainExtensions[i-1] >= plainExtensions[i] {
			t.Errorf("%s stands before %s", plainExtensions[i-1], plainExtensions[i])
		}
	}
	for _, e := range plainExtensions {
		if tarName("x." + e) {
			t.Errorf("%s is an archive's too", e)
		}
	}
	if slices.ContainsFunc(plainFiles, tarName) {
		t.Error("an archive among plainFiles")
	}
}
