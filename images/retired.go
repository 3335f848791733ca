package images

import "strings"

// Repositories that nobody keeps up any more, with what their makers name in
// their place. A repository that has a file in the catalogue says it there
// (statement retired).

type retiring struct{ day, replacement, source string }

// retirement is false for what isn't known to be retired; name is as
// Ref.Repository gives it.
func retirement(name, tag string) (retiring, bool) {
	if strings.HasPrefix(name, "bitnami/") && (tag == "" || tag == "latest" || name == "bitnami/minideb") { // still published
		return retiring{}, false
	}
	if f := familyOf(name); f != nil {
		return retiring{f.retired, f.replacedBy, f.source + ", " + f.date}, f.retired != ""
	}
	source := ""
	for l := range strings.Lines(retired) {
		l = strings.TrimSpace(l)
		if s, ok := strings.CutPrefix(l, "# "); ok {
			source = s
			continue
		}
		repository, rest, _ := strings.Cut(l, " ")
		if repository != name {
			prefix, ok := strings.CutSuffix(repository, "*")
			if !ok || !strings.HasPrefix(name, prefix) {
				continue
			}
		}
		day, replacement, _ := strings.Cut(rest, " ")
		replacement = strings.Replace(replacement, "*", name[strings.LastIndexByte(name, '/')+1:], 1)
		return retiring{day, replacement, source}, true
	}
	return retiring{}, false
}

// retired holds REPOSITORY DAY [REPLACEMENT], below the source of each. A * at
// the end stands for any name; in the replacement for the last part of the
// repository's. The day is that from which nothing was to be published any
// more, as the note says it; else the one on which the list dropped the
// repository.
const retired = `
# docker-library/docs, 2026-08-21
adoptopenjdk 2021-08-01 eclipse-temurin
celery 2017-06-01 python
consul 2024-07-29 hashicorp/consul
crux 2021-10-08
django 2016-12-31 python
emqx 2025-09-04 emqx/emqx
euleros 2021-10-08
express-gateway 2024-07-29
fsharp 2021-07-26 mcr.microsoft.com/dotnet/sdk
glassfish 2016-10-11
hipache 2016-10-25
iojs 2017-04-21 node
java 2016-12-31 eclipse-temurin
jenkins 2018-08-13 jenkins/jenkins
jobber 2024-07-29
kaazing-gateway 2021-10-08
known 2021-10-08
liquibase 2025-10-06 liquibase/liquibase
mongo-express 2025-06-04
mono 2025-08-18
nats-streaming 2024-07-29 nats
notary 2025-07-30
nuxeo 2021-10-08
opensuse 2021-10-08 opensuse/leap
owncloud 2018-12-31 owncloud/server
php-zendserver 2024-07-29
piwik 2018-09-30 matomo
rails 2016-12-31 ruby
rapidoid 2021-10-08
sentry 2021-10-08
sl 2024-06-30
sourcemage 2021-10-08
swarm 2021-10-08
thrift 2021-10-08
ubuntu-debootstrap 2016-06-06 ubuntu
ubuntu-upstart 2016-06-06 ubuntu
unit 2025-10-13
vault 2024-07-29 hashicorp/vault
clearlinux 2025-07-18
clefos 2024-06-30
# github.com/bitnami/containers/issues/83267, 2025-07-16
bitnami/* 2025-08-28 bitnamilegacy/* (which gets no updates) or another publisher's image
# jupyter/docker-stacks README.md, 2026-08-18
jupyter/docker-stacks-foundation 2023-10-20 quay.io/jupyter/*
jupyter/base-notebook 2023-10-20 quay.io/jupyter/*
jupyter/minimal-notebook 2023-10-20 quay.io/jupyter/*
jupyter/r-notebook 2023-10-20 quay.io/jupyter/*
jupyter/julia-notebook 2023-10-20 quay.io/jupyter/*
jupyter/scipy-notebook 2023-10-20 quay.io/jupyter/*
jupyter/tensorflow-notebook 2023-10-20 quay.io/jupyter/*
jupyter/pytorch-notebook 2023-10-20 quay.io/jupyter/*
jupyter/datascience-notebook 2023-10-20 quay.io/jupyter/*
jupyter/pyspark-notebook 2023-10-20 quay.io/jupyter/*
jupyter/all-spark-notebook 2023-10-20 quay.io/jupyter/*
`
