//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"testing"
)

// TestBulkCrash kills runs of bulk 100 times: the test of package bulk, which takes fewer for
// everyday use, at its full length.
func TestBulkCrash(t *testing.T) {
	cmd := exec.Command("go", "test", "drydock/bulk", "-run", "^TestCrash$", "-count=1", "-v")
	cmd.Env = append(os.Environ(), "DRYDOCK_CRASH_KILLS=100")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}
