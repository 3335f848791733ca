package judge

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCorpus evaluates real files, where DRYDOCK_CORPUS names a folder of them.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("DRYDOCK_CORPUS")
	if dir == "" {
		t.Skip("DRYDOCK_CORPUS not set")
	}
	var files, failed, opaque, commands int
	reasons := map[string]int{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !d.Type().IsRegular() {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		img, err := Evaluate(context.Background(), src)
		if err != nil {
			failed++
			msg := err.Error()
			if strings.Contains(msg, "panic") {
				t.Errorf("%s: %s", path, msg)
			}
			reasons[msg[:min(len(msg), 60)]]++
			return nil
		}
		again, err := Evaluate(context.Background(), src)
		if err != nil {
			t.Errorf("%s: second time: %v", path, err)
		} else if d := Compare(img, again); len(d) > 0 {
			t.Errorf("%s differs from itself: %v", path, d)
		}
		for _, c := range img.Commands {
			commands++
			if strings.HasPrefix(c.Text, "unparsed ") {
				opaque++
				t.Logf("%s: %.150s", path, c.Text)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, %d not evaluated, %d commands, %d scripts unparsed", files, failed, commands, opaque)
	for r, n := range reasons {
		t.Logf("%5d %s", n, r)
	}
}
