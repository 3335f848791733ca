package scan

import "strings"

// kept are the variables of a scanner that tell where its database is, how it is
// got, and who asks. All others of the scanner's own could leave findings out
// (GRYPE_IGNORE_STATES, GRYPE_EXCLUDE, TRIVY_SEVERITY, TRIVY_IGNOREFILE,
// TRIVY_SKIP_DIRS, TRIVY_VEX …) or alter the report (GRYPE_OUTPUT), and a project's
// CI sets them as easily as a file.
var kept = map[string][]string{
	"GRYPE_": {"GRYPE_DB_", "GRYPE_REGISTRY_", "GRYPE_CHECK_FOR_APP_UPDATE", "GRYPE_EXTERNAL_SOURCES_", "GRYPE_DEFAULT_IMAGE_PULL_SOURCE"},
	"SYFT_":  {"SYFT_REGISTRY_", "SYFT_CHECK_FOR_APP_UPDATE"},
	"TRIVY_": {"TRIVY_CACHE_", "TRIVY_DB_REPOSITORY", "TRIVY_JAVA_DB_REPOSITORY", "TRIVY_SKIP_DB_UPDATE", "TRIVY_SKIP_JAVA_DB_UPDATE", "TRIVY_SKIP_VERSION_CHECK", "TRIVY_OFFLINE_SCAN", "TRIVY_USERNAME",
		"TRIVY_PASSWORD", "TRIVY_REGISTRY_TOKEN", "TRIVY_INSECURE", "TRIVY_DISABLE_TELEMETRY"},
}

// heard is an environment without the variables that could silence a scanner.
func heard(env []string) []string {
	var out []string
	for _, e := range env {
		name, _, _ := strings.Cut(strings.ToUpper(e), "=")
		keep := true
		for prefix, names := range kept {
			if !strings.HasPrefix(name, prefix) {
				continue
			}
			keep = false
			for _, n := range names {
				keep = keep || name == n || strings.HasSuffix(n, "_") && strings.HasPrefix(name, n)
			}
		}
		if keep {
			out = append(out, e)
		}
	}
	return out
}
