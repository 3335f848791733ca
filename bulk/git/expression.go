package git

import (
	"regexp"
	"sync"
)

// expression compiles a regular expression at its first use: this package has dozens,
// and most runs of drydock need none.
func expression(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
