package rewrite

import "fmt"

// Weight is what some files weigh.
type Weight struct {
	Files int   `json:"files"` // how many
	Bytes int64 `json:"bytes"` // of their contents
}

// Add counts one more file of that size.
func (w *Weight) Add(bytes int64) {
	w.Files++
	w.Bytes += bytes
}

// String is "12.3 MB in 1204 files"; a MB is 1,000,000 bytes, as docker prints it.
func (w Weight) String() string {
	files := "files"
	if w.Files == 1 {
		files = "file"
	}
	return fmt.Sprintf("%s in %d %s", size(w.Bytes), w.Files, files)
}

func size(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f := float64(n)
	for _, unit := range []string{"kB", "MB", "GB"} {
		if f /= 1000; f < 999.5 {
			return fmt.Sprintf("%.3g %s", f, unit)
		}
	}
	return fmt.Sprintf("%.3g TB", f/1000)
}

// ContextChange is what a change of the ignore file does to a build context:
// the files that it holds, and those of them that BuildKit is sent because a
// COPY, an ADD or a bind mount names them.
type ContextChange struct {
	Before     Weight `json:"before"`     // all of the folder that isn't ignored, before
	After      Weight `json:"after"`      // the same, after
	SentBefore Weight `json:"sentBefore"` // what the Dockerfile takes of it, which the builder is sent, before
	SentAfter  Weight `json:"sentAfter"`  // the same, after
	Complete   bool   `json:"complete"`   // false: the folder holds more than was walked
}

// String tells it in words.
func (c *ContextChange) String() string {
	most := ""
	if !c.Complete {
		most = "at least "
	}
	if c.Before == c.After {
		return fmt.Sprintf("the build context has %s%s and none of this now; it stays out when it comes", most, c.Before)
	}
	text := fmt.Sprintf("the build context goes from %s%s to %s", most, c.Before, c.After)
	if c.SentBefore != c.Before {
		text += fmt.Sprintf(", what BuildKit is sent of it from %s to %s", c.SentBefore, c.SentAfter)
	}
	return text
}
