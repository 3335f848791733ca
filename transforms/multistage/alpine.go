package multistage

import (
	"slices"
	"strings"

	"drydock/rewrite"
)

// apkBuild are packages of Alpine that only build.
var apkBuild = words(`build-base alpine-sdk gcc g++ make cmake autoconf automake libtool pkgconf pkgconfig musl-dev libc-dev linux-headers patch binutils bison flex rust cargo python3-dev ruby-dev`)

// apkLibrary names the package behind a -dev package of Alpine, "" where the
// ruby image has it, since Ruby links it (docker-library/ruby:
// .ruby-rundeps).
var apkLibrary = map[string]string{
	"postgresql-dev": "libpq", "libpq-dev": "libpq", "mariadb-dev": "mariadb-connector-c", "mysql-dev": "mariadb-connector-c", "mariadb-connector-c-dev": "mariadb-connector-c", "sqlite-dev": "sqlite-libs",
	"libxml2-dev": "libxml2", "libxslt-dev": "libxslt", "curl-dev": "libcurl", "icu-dev": "icu-libs", "vips-dev": "vips", "libsodium-dev": "libsodium", "snappy-dev": "snappy", "readline-dev": "readline",
	"yaml-dev": "", "libffi-dev": "", "gmp-dev": "", "openssl-dev": "", "zlib-dev": "",
}

// systemAlpine is system for Alpine: it sorts the apk commands of a RUN and
// writes the RUN of the runtime stage. rest are the other commands.
func (s *split) systemAlpine(in *rewrite.Instruction, all []rewrite.Step) (rest []rewrite.Step, ok bool) {
	var keep []string
	installs := false
	for _, st := range all {
		a, isApk := readApk(st)
		switch {
		case isApk && a.verb == "install":
			if a.bad != "" {
				return nil, s.decline(in, "%s is no plain name of a package", a.bad)
			}
			installs = true
			for _, w := range a.words {
				bare, _, _ := strings.Cut(w, "=")
				lib, known := apkLibrary[bare]
				switch {
				case apkBuild[bare] || s.buildTools[bare]:
				case known && lib == "":
				case known && !slices.Contains(keep, lib):
					keep = append(keep, lib)
				case known:
				case strings.HasSuffix(bare, "-dev"):
					return nil, s.decline(in, "what is compiled with %s needs its library at run time, and which package that is isn't known", bare)
				case !slices.Contains(keep, w):
					keep = append(keep, w)
				}
			}
		case isApk && (a.verb == "update" || a.verb == "upgrade" || a.verb == "cache" || a.verb == "info"):
		case isApk:
			return nil, s.decline(in, "the effects of apk %s aren't known", a.verb)
		case tidy(st), rewrite.Harmless(st.Name) && len(st.Stmt.Redirs) == 0:
		default:
			rest = append(rest, st)
		}
	}
	if installs && len(keep) > 0 {
		install := "apk add --no-cache " + strings.Join(keep, " ")
		s.adds = append(s.adds, install)
		s.instead[in] = append(s.instead[in], s.keyword("RUN")+" "+install)
	}
	return rest, true
}
