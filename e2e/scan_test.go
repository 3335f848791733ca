//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

// TestScan counts vulnerabilities with the scanner that E2E_SCANNER names, grype or trivy, which needs its database: the slim image has no more
// of them than the full one. CI has no scanner.
func TestScan(t *testing.T) {
	if world.drydock == "" {
		t.Skip("E2E_AFTER brings the files")
	}
	scanner := os.Getenv("E2E_SCANNER")
	if scanner == "" {
		t.Skip("E2E_SCANNER names no scanner")
	}
	addr := registryAddress(t)
	cmd := exec.CommandContext(t.Context(), world.drydock, "bases", "--scan", scanner, "--format", "json", "python:3.12")
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
					ScanError       string
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
		t.Logf("%s: %d bytes, %v %s", c.Image, c.Size, c.Vulnerabilities, c.ScanError)
	}
	if total["python:3.12"] == 0 || total["python:3.12-slim"] > total["python:3.12"] || size["python:3.12-slim"] >= size["python:3.12"] {
		t.Errorf("vulnerabilities %v, sizes %v", total, size)
	}
}
