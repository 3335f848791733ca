package images

// How long the releases of distributions are kept up, from their own
// repositories' files in the catalogue.

// ReleaseEnd is the day (YYYY-MM-DD) on which regular support of a
// distribution's release ends, and who says so; distro and release are those of
// Image: "debian" and "buster", "ubuntu" and "20.04", "alpine" and "3.18",
// "rhel" and "8". Both are "" when it isn't known. Debian's is the day on which its
// security team hands the release over (see ReleaseLTS), Ubuntu's the end of
// standard support, Red Hat's and its rebuilds' the end of maintenance support:
// what is sold beyond isn't counted.
func ReleaseEnd(distro, release string) (day, source string) {
	f, l := releaseLine(distro, release)
	if l == nil || l.eol == "" {
		return "", ""
	}
	return l.eol, f.datesSource + ", " + f.datesDate
}

// ReleaseLTS is the day until which another team keeps a release up after
// ReleaseEnd, for everybody and free of charge: Debian LTS. "" when nobody does.
func ReleaseLTS(distro, release string) string {
	f, l := releaseLine(distro, release)
	if l == nil {
		return ""
	}
	return f.lts[l.name]
}

func releaseLine(distro, release string) (*family, *line) {
	if distro == "" || release == "" {
		return nil, nil
	}
	switch distro {
	case "rhel":
		distro = "redhat/ubi" + release
	case "centos-stream":
		distro = "quay.io/centos/centos"
	}
	f := familyOf(distro)
	if f == nil {
		return nil, nil
	}
	return f, f.line(release)
}
