package scan

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"
)

// oneImage makes a layout with one image, and tells the digests of its manifest
// and its configuration.
func oneImage(t *testing.T) (dir, manifest, config string) {
	t.Helper()
	dir = t.TempDir()
	img, err := random.Image(10, 1)
	if err != nil {
		t.Fatal(err)
	}
	p, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.AppendImage(img); err != nil {
		t.Fatal(err)
	}
	_, manifest, config, err = one(dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir, manifest, config
}

// Each scanner gets the layout in its own words, an empty folder, and no variable
// that leaves findings out.
func TestLayout(t *testing.T) {
	dir, manifest, config := oneImage(t)
	for name, value := range map[string]string{"GRYPE_CONFIG": "x", "GRYPE_IGNORE_STATES": "fixed", "GRYPE_VEX_DOCUMENTS": "x", "GRYPE_EXCLUDE": "/**", "GRYPE_DB_CACHE_DIR": "/db",
		"TRIVY_IGNOREFILE": "x", "TRIVY_CONFIG": "x", "TRIVY_SEVERITY": "LOW", "TRIVY_IGNORE_UNFIXED": "true", "TRIVY_SKIP_DIRS": "/", "TRIVY_CACHE_DIR": "/cache"} {
		t.Setenv(name, value)
	}
	quiet := `[ "$(ls -A)" = empty.yaml ] || { echo "not an empty folder" >&2; exit 3; }
case "$(env | grep -c -E '^(GRYPE|TRIVY)_')$(env | grep -c -E '^(GRYPE_DB|TRIVY_CACHE)_')" in 22) ;; *) env >&2; echo "environment" >&2; exit 3;; esac
echo "$@" >"` + dir + `/args"
`
	for _, c := range []struct{ name, report, args, counts, system string }{
		{"grype", `{"descriptor":{"name":"grype","version":"0.1"},"distro":{"name":"debian","version":"12"},"source":{"target":{"manifestDigest":"` + manifest + `"}},"matches":[` +
			`{"vulnerability":{"id":"INVENTED-2","severity":"Low"},"artifact":{"name":"b","version":"1"}},` +
			`{"vulnerability":{"id":"INVENTED-1","severity":"Critical","dataSource":"https://example.com/1","fix":{"versions":["2"]}},"artifact":{"name":"a","version":"1"}}]}`,
			"oci-dir:" + dir + " -o json -o cyclonedx-json=packages.json -c empty.yaml", "1 critical, 1 low", "debian 12"},
		{"trivy", `{"SchemaVersion":2,"Metadata":{"OS":{"Family":"debian","Name":"12"},"ImageID":"` + config + `"},"Results":[{"Packages":[{"Name":"a"}],"Vulnerabilities":[` +
			`{"VulnerabilityID":"INVENTED-1","Severity":"CRITICAL","PkgName":"a","InstalledVersion":"1","FixedVersion":"2","PrimaryURL":"https://example.com/1"},` +
			`{"VulnerabilityID":"INVENTED-2","Severity":"LOW","PkgName":"b","InstalledVersion":"1"}]}]}`,
			"--input " + dir, "1 critical, 1 low", "debian 12"},
		{"docker", `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"docker scout","version":"1.0","rules":[` +
			`{"id":"INVENTED-2","properties":{"security-severity":"2.0"}},` +
			`{"id":"INVENTED-1","helpUri":"https://example.com/1","help":{"text":"Affected\nPackage: a\nFix Version: 2"},"properties":{"affected_version":"<=1","security-severity":"9.8"}}]}},"results":[` +
			`{"ruleId":"INVENTED-2","message":{"text":"Package : b\n"}},{"ruleId":"INVENTED-1","ruleIndex":1,"message":{"text":"Severity : CRITICAL"}}]}]}`,
			"scout cves --format sarif --output report.sarif.json oci-dir://" + dir, "1 critical, 1 low", ""},
	} {
		bin := t.TempDir()
		script := "#!/bin/sh\n[ \"$1 $2\" = 'scout version' ] && exit 0\n" + quiet + "[ \"$1\" = scout ] && exec >report.sarif.json\ncat <<'J'\n" + c.report + "\nJ\n"
		if err := os.WriteFile(filepath.Join(bin, c.name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", bin+":/usr/bin:/bin")
		s, err := FindForLayout("auto")
		if c.name == "docker" { // whose place is behind the others, which may be on this machine
			s, err = FindForLayout("scout")
		}
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Layout(context.Background(), dir, "app:1")
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if args, _ := os.ReadFile(filepath.Join(dir, "args")); !strings.Contains(string(args), c.args) {
			t.Errorf("%s was called with %s", c.name, args)
		}
		worst := r.Worst(1)[0]
		if r.Counts.String() != c.counts || r.System != c.system || worst.ID != "INVENTED-1" || worst.Package != "a" || worst.Version != "1" ||
			!slices.Equal(worst.Fixed, []string{"2"}) || worst.URL != "https://example.com/1" {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

// grype's second report tells how many packages it saw.
func TestPackagesSeen(t *testing.T) {
	dir, _, _ := oneImage(t)
	for bom, want := range map[string]int{`{"components":[]}`: 0, `{"components":[{"purl":"pkg:deb/a@1"},{"type":"file"}]}`: 1, "": -1} {
		s := program(t, "grype", "printf '%s' '"+bom+"' >packages.json\necho '{\"descriptor\":{\"name\":\"grype\"},\"matches\":[]}'")
		if r, err := s.Layout(context.Background(), dir, "app:1"); err != nil || r.Packages != want {
			t.Errorf("%q: %+v %v", bom, r, err)
		}
	}
}

// A layout that can't be scanned, a report of another image or program.
func TestLayoutFailures(t *testing.T) {
	dir, manifest, _ := oneImage(t)
	other := "sha256:" + strings.Repeat("0", 64)
	for _, c := range []struct{ name, dir, script, want string }{
		{"grype", dir, "echo broken >&2; exit 1", "grype could not scan app:1: exit status 1: broken"},
		{"grype", dir, "exit 0", "its answer can't be read"},
		{"grype", dir, "echo '[]'", "its answer can't be read"},
		{"grype", dir, `echo '{"descriptor":{"name":"grype"}}'`, "isn't a report"},
		{"grype", dir, `echo '{"descriptor":{"name":"grype"},"matches":[],"source":{"target":{"manifestDigest":"` + other + `"}}}'`, "about another image, " + other + ": it was given " + manifest},
		{"grype", dir, `echo '{"SchemaVersion":2}'`, `its answer is a report of "trivy"`},
		{"trivy", dir, `echo '{"SchemaVersion":2,"Metadata":{"ImageID":"` + other + `"}}'`, "about another image"},
		{"grype", t.TempDir(), "exit 0", "can't be scanned"},
		{"scout", dir, "echo done", "scout on app:1: it wrote no report"},
	} {
		bin := t.TempDir()
		if err := os.WriteFile(filepath.Join(bin, c.name), []byte("#!/bin/sh\n"+c.script), 0o755); err != nil {
			t.Fatal(err)
		}
		s := Scanner{c.name, filepath.Join(bin, c.name)}
		if r, err := s.Layout(context.Background(), c.dir, "app:1"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %+v %v", c.script, r, err)
		}
	}
}

func TestRead(t *testing.T) {
	sarif := func(rule, result string) string {
		return `{"runs":[{"tool":{"driver":{"name":"Grype","semanticVersion":"0.121.2","rules":[{"id":"INVENTED-1-perl-base"` + rule + `}]}},"results":[{"ruleId":"INVENTED-1-perl-base",` +
			`"message":{"text":"A high vulnerability in deb package: perl-base, version 5.36 was found at: /var/lib/dpkg/status"}` + result + `}]}]}`
	}
	ignored := func(rules string) string {
		return `{"descriptor":{"name":"grype"},"matches":[],"ignoredMatches":[{"vulnerability":{"id":"INVENTED-1","severity":"High"},"artifact":{"name":"linux-libc-dev"},"appliedIgnoreRules":` + rules + `}]}`
	}
	for _, c := range []struct{ name, in, want string }{
		{"score", sarif(`,"properties":{"security-severity":"9.0"}`, ""), "1 critical"},
		{"score as a number", sarif(`,"properties":{"security-severity":8.9}`, ""), "1 high"},
		{"severity in words", sarif(`,"properties":{"security-severity":"9.0","cvssV3_severity":"MEDIUM"}`, ""), "1 medium"},
		{"level of the result", sarif(`,"defaultConfiguration":{"level":"note"}`, `,"level":"warning"`), "1 medium"},
		{"level of the rule", sarif(`,"defaultConfiguration":{"level":"note"}`, ""), "1 low"},
		{"error without a score may be critical", sarif("", `,"level":"error"`), "1 critical"},
		{"no severity", sarif("", `,"level":"none"`), "1 unknown"},
		{"suppressed", sarif("", `,"level":"error","suppressions":[{"kind":"external"}]`), "1 critical, 1 ignored"},
		{"a rule of the user", ignored(`[{"vulnerability":"INVENTED-1","package":{}}]`), "1 high, 1 ignored"},
		{"a rule without a name", ignored(`[]`), "1 high, 1 ignored"},
		{"the scanner's own rule", ignored(`[{"match-type":"exact-indirect-match","package":{"name":"linux-libc-dev","upstream-name":"linux"}}]`), "none"},
		{"both", ignored(`[{"match-type":"exact-indirect-match","package":{"upstream-name":"linux"}},{"vulnerability":"INVENTED-1"}]`), "1 high, 1 ignored"},
		{"trivy was told to ignore", `{"SchemaVersion":2,"Results":[{"ExperimentalModifiedFindings":[{"Type":"vulnerability","Finding":{"VulnerabilityID":"INVENTED-1","Severity":"CRITICAL"}}]}]}`, "1 critical, 1 ignored"},
	} {
		r, err := Read([]byte(c.in))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := r.Counts.String()
		if r.Ignored > 0 {
			got += ", 1 ignored"
		}
		if got != c.want || len(r.Vulnerabilities) > 0 && r.Vulnerabilities[0].ID != "INVENTED-1" {
			t.Errorf("%s: %s, want %s: %+v", c.name, got, c.want, r)
		}
	}
	for in, want := range map[string]string{
		`{"runs":[]}`: "no run", `{"runs":[{"results":[{}]}]}`: "names no rule", `{"runs":[{"invocations":[{"executionSuccessful":false}]}]}`: "did not succeed",
		`{"runs":7}`: "can't be read", `null`: "isn't a report",
	} {
		if r, err := Read([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v %v", in, r, err)
		}
	}
}

// The program that is there writes the bill of materials.
func TestSBOM(t *testing.T) {
	dir, _, _ := oneImage(t)
	program(t, "grype", `echo '{"bomFormat":"CycloneDX"}'`)
	text, by, err := SBOM(context.Background(), dir, "app:1")
	if err != nil || by != "CycloneDX JSON by grype" || strings.TrimSpace(string(text)) != `{"bomFormat":"CycloneDX"}` {
		t.Errorf("%s %s %v", text, by, err)
	}
	program(t, "grype", "echo '{}'")
	if _, _, err := SBOM(context.Background(), dir, "app:1"); err == nil || !strings.Contains(err.Error(), "isn't a bill of materials") {
		t.Error(err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, _, err := SBOM(context.Background(), dir, "app:1"); err != ErrNoMaterials {
		t.Error(err)
	}
	if err := CanList(); err != ErrNoMaterials {
		t.Error(err)
	}
	if _, err := FindForLayout("scout"); err == nil || !strings.Contains(err.Error(), "plugin of docker") {
		t.Error(err)
	}
}
