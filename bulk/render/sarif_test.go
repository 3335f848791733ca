package render

import (
	"encoding/json"
	"testing"

	"drydock/checks"
	"drydock/transforms"
)

// What a test reads of a SARIF log.
type sarifLog struct {
	Version string
	Runs    []struct {
		Tool struct {
			Driver struct {
				Version string
				Rules   []struct {
					ID                                string
					ShortDescription, FullDescription struct{ Text string }
					DefaultConfiguration              struct{ Level string }
				}
			}
		}
		OriginalURIBaseIDs map[string]struct{ URI string } `json:"originalUriBaseIds"`
		Results            []struct {
			RuleID, Level       string
			RuleIndex           int
			PartialFingerprints map[string]string
			Locations           []struct {
				PhysicalLocation struct {
					ArtifactLocation struct{ URI, URIBaseID string }
					Region           struct{ StartLine int }
				}
			}
		}
	}
}

func parseSARIF(t *testing.T, text string) sarifLog {
	t.Helper()
	var log sarifLog
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 {
		t.Fatalf("version %s, %d runs", log.Version, len(log.Runs))
	}
	return log
}

// Each result names a rule that is there, at its place, with words of its own;
// and a base that is there; and has a fingerprint of its own.
func TestSARIFRules(t *testing.T) {
	run := parseSARIF(t, render(t, "sarif", few())).Runs[0]
	rules := run.Tool.Driver.Rules
	seen := map[string]bool{}
	for _, r := range run.Results {
		if r.RuleIndex >= len(rules) || rules[r.RuleIndex].ID != r.RuleID {
			t.Errorf("%s is not rule %d", r.RuleID, r.RuleIndex)
		}
		l := r.Locations[0].PhysicalLocation
		if _, known := run.OriginalURIBaseIDs[l.ArtifactLocation.URIBaseID]; !known || l.Region.StartLine < 1 {
			t.Errorf("%s lies at %+v", r.RuleID, l)
		}
		if f := r.PartialFingerprints["drydock/v1"]; seen[f] {
			t.Errorf("%s has a fingerprint that another has", r.RuleID)
		} else {
			seen[f] = true
		}
	}
	levels := map[string]string{}
	for _, r := range rules {
		levels[r.ID] = r.DefaultConfiguration.Level
		if r.ID == "pin-base" && r.ShortDescription.Text != transforms.ByName("pin-base").Summary+"." {
			t.Errorf("pin-base: %q", r.ShortDescription.Text)
		}
		if r.ID == "buildkit/JSONArgsRecommended" && r.ShortDescription.Text != checks.ByName("buildkit").Summary+"." {
			t.Errorf("buildkit: %q", r.ShortDescription.Text)
		}
		if r.FullDescription.Text == "" {
			t.Errorf("%s says nothing", r.ID)
		}
	}
	for id, want := range map[string]string{"secrets": "error", "merge-run": "note", "add-user": "warning", "buildkit/JSONArgsRecommended": "warning"} {
		if levels[id] != want {
			t.Errorf("%s is of level %q, not %s", id, levels[id], want)
		}
	}
}

// A fingerprint stays when lines above change.
func TestSARIFFingerprintsStay(t *testing.T) {
	before := parseSARIF(t, render(t, "sarif", few())).Runs[0].Results
	moved := few()
	for _, f := range moved[0].Files {
		for i := range f.Findings {
			f.Findings[i].Line += 7
		}
		for i := range f.Outcomes {
			f.Outcomes[i].Line += 7
		}
	}
	after := parseSARIF(t, render(t, "sarif", moved)).Runs[0].Results
	for i := range before {
		if before[i].PartialFingerprints["drydock/v1"] != after[i].PartialFingerprints["drydock/v1"] {
			t.Errorf("%s has another fingerprint", before[i].RuleID)
		}
		if before[i].Locations[0].PhysicalLocation.Region == after[i].Locations[0].PhysicalLocation.Region {
			t.Errorf("%s was not moved", before[i].RuleID)
		}
	}
}

func TestAbsolute(t *testing.T) {
	for s, want := range map[string]string{
		"https://git.example.com/a/b.git":            "https://git.example.com/a/b.git",
		"https://user:secret@git.example.com/a?x=#y": "https://git.example.com/a",
		"/srv/git/a b":                "file:///srv/git/a%20b",
		`C:\git\a`:                    "file:///C:/git/a",
		"git@git.example.com:a/b.git": "",
		"../a":                        "",
		"https://<b>/x":               "",
		"javascript:alert(1)":         "",
		"ssh://git@[::1]:22/a":        "ssh://[::1]:22/a",
	} {
		if got := absolute(s); got != want {
			t.Errorf("%s: %q, not %q", s, got, want)
		}
	}
}
