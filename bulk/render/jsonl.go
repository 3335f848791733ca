package render

import (
	"io"

	"drydock/bulk/result"
	"drydock/report"
)

// JSONL writes one result per line as JSON, with "version" (result.Version) first.
// Every line stands for itself, so that files can be cut and joined.
func JSONL(w io.Writer, results Results) error {
	type line struct {
		Version int `json:"version"`
		*result.Result
	}
	for r, err := range results {
		if err != nil {
			return err
		}
		text, err := report.Encode(line{result.Version, complete(r)})
		if err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	return nil
}
