// Package bulk rewrites the Dockerfiles of many repositories: it finds them, works
// on several at once, and keeps a journal by which a run that was killed goes on.
package bulk

import (
	"context"

	"drydock/bulk/result"
	"drydock/report"
)

// Work looks at the Dockerfiles below a folder and changes nothing: paths of the
// files and of their patches are relative to it. facts stand beside files.
type Work func(ctx context.Context, dir string) (files []*report.File, facts []result.Facts, err error)
