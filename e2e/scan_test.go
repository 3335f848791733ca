//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

// TestScan counts vulnerabilities with the grype on PATH: the slim image has no more of them than the full one. Where there is no grype it
// is skipped; CI has none.
func TestScan(t *testing.T) {
	if world.drydock == "" {
		t.Skip("E2E_AFTER brings the files")
	}
	if _, err := exec.LookPath("grype"); err != nil {
		t.Skip("no grype on PATH")
	}
	addr := registryAddress(t)
	cmd := exec.CommandContext(t.Context(), world.drydock, "bases", "--scan", "grype", "--format", "json", "python:3.12")
	cmd.Env = append(os.Environ(), "DRYDOCK_OFFLINE=", "DRYDOCK_CACHE="+t.TempDir(), "DRYDOCK_MIRRORS=docker.io=!"+addr)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	var doc struct {
		Files []struct {
			Bases []struct {
				Candidates []struct {
					Image           string
					Size            int64
					Vulnerabilities map[string]int
				}
			}
		}
	}
	if err := json.Unmarshal(out, &doc); err != nil || len(doc.Files) != 1 || len(doc.Files[0].Bases) != 1 {
		t.Fatalf("%v\n%s", err, out)
	}
	total := map[string]int{}
	size := map[string]int64{}
	for _, c := range doc.Files[0].Bases[0].Candidates {
		size[c.Image] = c.Size
		for _, n := range c.Vulnerabilities {
			total[c.Image] += n
		}
		t.Logf("%s: %d bytes, %v", c.Image, c.Size, c.Vulnerabilities)
	}
	if total["python:3.12"] == 0 || total["python:3.12-slim"] > total["python:3.12"] || size["python:3.12-slim"] >= size["python:3.12"] {
		t.Errorf("vulnerabilities %v, sizes %v", total, size)
	}
}
