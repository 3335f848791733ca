package clock

import "golang.org/x/sync/errgroup"

// Zone asks nobody.
func Zone() string {
	var g errgroup.Group
	if g.Wait() != nil {
		return ""
	}
	return "UTC"
}
