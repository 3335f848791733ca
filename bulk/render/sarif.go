package render

import (
	"io"
	"net/url"
	"regexp"
	"strings"

	"drydock/bulk/result"
	"drydock/report"
)

// SARIF writes one SARIF 2.1.0 log. The paths of a repository are relative to
// a base that bears its name (uriBaseId). version is drydock's. results are
// gone through three times: for the results, for the bases, for where they come from.
func SARIF(w io.Writer, results Results, version string) error {
	log := &report.SARIF{W: w, Version: version}
	for r, err := range results {
		if err != nil {
			return err
		}
		if r.Status == result.Failed {
			log.Notify(r.Name, r.Reason)
		}
		for _, f := range r.Files {
			if err := log.In(r.Name, f); err != nil {
				return err
			}
		}
	}
	return log.Finish(func(yield func(report.SARIFBase, error) bool) {
		for r, err := range results {
			if err != nil {
				yield(report.SARIFBase{}, err)
				return
			}
			if len(r.Files) == 0 && r.Status != result.Failed {
				continue // nothing refers to it
			}
			if !yield(sarifBase(r), nil) {
				return
			}
		}
	})
}

func sarifBase(r *result.Result) report.SARIFBase {
	b := report.SARIFBase{ID: r.Name, Commit: r.Commit, Branch: r.Base}
	for _, s := range []string{r.Source, r.Web} {
		if uri := absolute(s); uri != "" {
			b.URI, b.Repository = strings.TrimSuffix(uri, "/")+"/", uri
		}
	}
	if r.Commit == "" {
		b.Repository = "" // no version control
	}
	return b
}

// host is a name or an address with a port or without; url.Parse takes more, which
// no reader of the log would.
var host = regexp.MustCompile(`^([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?$`)

// absolute is an address or an absolute path as URI, "" for what is neither
// (git@host:path, a relative path).
func absolute(s string) string {
	if strings.HasPrefix(s, "/") || len(s) > 2 && s[1] == ':' && strings.ContainsAny(s[2:3], `\/`) {
		return report.FileURI(s)
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || !host.MatchString(u.Host) {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
