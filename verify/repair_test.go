package verify

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"drydock/verify/finding"
	"drydock/verify/probe/wire"
)

// Each row is a candidate with what breaks in it, and the Dockerfile after the repair; "" where nothing can be
// mended. What the image before holds is what mends.
func TestRepairs(t *testing.T) {
	const was = "FROM python:3.12\nCOPY . .\nCMD [\"python\", \"app.py\"]\n"
	library := finding.Finding{Class: finding.Library, Break: true, Message: "app.so needs libxml2.so.2", Names: []string{"libxml2.so.2"}}
	may := func(dir string) finding.Finding {
		return finding.Finding{Class: finding.Permission, Break: true, Message: "it may not write " + dir + "/x", Names: []string{dir}}
	}
	full := apt.with(contents{
		"usr/lib/x86_64-linux-gnu/libxml2.so.2": "ELF libicu.so.72", "usr/lib/x86_64-linux-gnu/libicu.so.72": "ELF ", "usr/bin/git": "ELF ",
		"etc/ssl/certs/ca-certificates.crt": "-----BEGIN CERTIFICATE-----\n", "app/templates/": "", "app/templates/index.html": "<p>", "app/data.json": "{}", "tmp/": "",
	}).with(dpkg(map[string][]string{"+libxml2": {"/usr/lib/x86_64-linux-gnu/libxml2.so.2"}, "libicu72": {"/usr/lib/x86_64-linux-gnu/libicu.so.72"}, "+git": {"/usr/bin/git"}}))
	// What the same files are to apk.
	alpine := apk.with(contents{"usr/lib/libxml2.so.2": "ELF ", "lib/apk/db/installed": "P:libxml2\nF:usr/lib\nR:libxml2.so.2\n\n"})
	shell := apt.with(contents{"bin/sh": "ELF "})
	for _, c := range []struct {
		name          string
		before, after contents
		user          string
		text          string
		breaks        []finding.Finding
		want          string
	}{
		{"a library, by apt, set as the file sets its RUNs", full, apt, "",
			"FROM python:3.12 AS builder\nRUN apt-get update \\\n && make\n\nFROM python:3.12-slim\nCOPY --from=builder /app /app\n", []finding.Finding{library},
			"FROM python:3.12 AS builder\nRUN apt-get update \\\n && make\n\nFROM python:3.12-slim\nRUN apt-get update \\\n && apt-get install -y --no-install-recommends libxml2 \\\n && rm -rf /var/lib/apt/lists/*\nCOPY --from=builder /app /app\n"},
		{"beside the packages that the stage installs", full, apt, "",
			"FROM python:3.12-slim\nRUN apt-get update && apt-get install -y jq && rm -rf /var/lib/apt/lists/*\nCOPY . .\n", []finding.Finding{library},
			"FROM python:3.12-slim\nRUN apt-get update && apt-get install -y jq libxml2 && rm -rf /var/lib/apt/lists/*\nCOPY . .\n"},
		{"on a line of its own among packages on lines of their own", full, apt, "",
			"FROM python:3.12-slim\nRUN apt-get update && apt-get install -y \\\n      curl \\\n      jq \\\n    && rm -rf /var/lib/apt/lists/*\nCOPY . .\n",
			[]finding.Finding{library, {Class: finding.Command, Break: true, Message: "start.sh runs git", Names: []string{"/usr/bin/git"}}},
			"FROM python:3.12-slim\nRUN apt-get update && apt-get install -y \\\n      curl \\\n      jq \\\n      git \\\n      libxml2 \\\n    && rm -rf /var/lib/apt/lists/*\nCOPY . .\n"},
		{"not where the first RUN isn't root's", full, apt, "",
			"FROM python:3.12-slim\nUSER app\nRUN apt-get install -y jq\n", []finding.Finding{library},
			"FROM python:3.12-slim\nRUN apt-get update && \\\n    apt-get install -y --no-install-recommends libxml2 && \\\n    rm -rf /var/lib/apt/lists/*\nUSER app\nRUN apt-get install -y jq\n"},
		{"CRLF stays CRLF, a missing last line break stays missing", full, apt, "",
			"FROM python:3.12-slim\r\nCOPY . .", []finding.Finding{library},
			"FROM python:3.12-slim\r\nRUN apt-get update && \\\r\n    apt-get install -y --no-install-recommends libxml2 && \\\r\n    rm -rf /var/lib/apt/lists/*\r\nCOPY . ."},
		{"the file's escape character", full, apt, "",
			"# escape=`\nFROM python:3.12-slim\nCOPY . .\n", []finding.Finding{library},
			"# escape=`\nFROM python:3.12-slim\nRUN apt-get update && `\n    apt-get install -y --no-install-recommends libxml2 && `\n    rm -rf /var/lib/apt/lists/*\nCOPY . .\n"},
		{"a library, by apk", alpine, apk, "",
			"FROM python:3.12-alpine\nCOPY . .\n", []finding.Finding{library},
			"FROM python:3.12-alpine\nRUN apk add --no-cache libxml2\nCOPY . .\n"},
		{"a library with what it needs, where nothing installs", full, contents{}, "nonroot",
			"FROM python:3.12 AS builder\nCOPY . .\n\nFROM gcr.io/distroless/python3-debian12:nonroot\nCOPY --from=builder /app /app\nCMD [\"app.py\"]\n", []finding.Finding{library},
			"FROM python:3.12 AS builder\nCOPY . .\n\nFROM gcr.io/distroless/python3-debian12:nonroot\nCOPY --from=builder /app /app\nCOPY --from=builder /usr/lib/x86_64-linux-gnu/libicu.so.72 /usr/lib/x86_64-linux-gnu/libxml2.so.2 /usr/lib/x86_64-linux-gnu/\nCMD [\"app.py\"]\n"},
		{"certificates on scratch", full, contents{}, "",
			"FROM python:3.12 AS build\n\nFROM scratch\nCOPY --from=build /app /app\nENTRYPOINT [\"/app\"]\n", []finding.Finding{{Class: finding.Certificates, Break: true, Message: "no certificates"}},
			"FROM python:3.12 AS build\n\nFROM scratch\nCOPY --from=build /app /app\nCOPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/\nENTRYPOINT [\"/app\"]\n"},
		{"/tmp on scratch", full, contents{}, "",
			"FROM python:3.12 AS build\n\nFROM scratch\nCOPY --from=build /app /app\n", []finding.Finding{{Class: finding.Temp, Break: true, Message: "no /tmp"}},
			"FROM python:3.12 AS build\n\nFROM scratch\nCOPY --from=build /app /app\nCOPY --from=python:3.12 --chmod=1777 /tmp /tmp\n"},
		{"a folder and a file that stayed behind", full, apt, "",
			"FROM python:3.12 AS build\n\nFROM python:3.12-slim\nWORKDIR /app\nCOPY --from=build /app/app.py ./\n",
			[]finding.Finding{{Class: finding.File, Break: true, Message: "templates", Path: "/app/templates"}, {Class: finding.File, Break: true, Message: "data", Path: "/app/data.json"}},
			"FROM python:3.12 AS build\n\nFROM python:3.12-slim\nWORKDIR /app\nCOPY --from=build /app/app.py ./\nCOPY --from=build /app/data.json /app/\nCOPY --from=build /app/templates /app/templates\n"},
		{"a folder's owner, by COPY", full, apt, "app",
			"FROM python:3.12-slim\nWORKDIR /srv\nCOPY --from=build /data ./data\nUSER app\n", []finding.Finding{may("/srv/data")},
			"FROM python:3.12-slim\nWORKDIR /srv\nCOPY --chown=app --from=build /data ./data\nUSER app\n"},
		{"a folder's owner, by RUN", full, shell, "app",
			"FROM python:3.12-slim\nRUN useradd app\nUSER app\nCMD [\"x\"]\n", []finding.Finding{may("/srv/data")},
			"FROM python:3.12-slim\nRUN useradd app\nRUN mkdir -p /srv/data && chown app /srv/data\nUSER app\nCMD [\"x\"]\n"},
		{"the owner of a folder that is there", full, shell.with(contents{"srv/": "", "srv/data/": ""}), "app",
			"FROM python:3.12-slim\nCOPY . /srv\n# not root\nUSER app\n", []finding.Finding{may("/srv/data")},
			"FROM python:3.12-slim\nCOPY . /srv\nRUN chown app /srv/data\n# not root\nUSER app\n"},
		{"a folder's owner without a shell", full, contents{}, "app", "FROM scratch\nUSER app\n", []finding.Finding{may("/srv/data")}, ""},
		{"a folder of the system's", full, shell, "app", "FROM python:3.12-slim\nUSER app\n", []finding.Finding{may("/etc/app")}, ""},
		{"a COPY with an owner", full, apt, "app", "FROM python:3.12-slim\nCOPY --chown=root . /data\n", []finding.Finding{may("/data")}, ""},
		{"a port", full, apt, "app", "FROM python:3.12-slim\nUSER app\n", []finding.Finding{{Class: finding.Port, Break: true, Message: "port 80"}}, ""},
		{"a library that nobody has", apt, apt, "", "FROM python:3.12-slim\n", []finding.Finding{library}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &Prover{path: "Dockerfile", before: built(t, was, c.before, v1.Config{}), base: built(t, "FROM python:3.12\n", contents{"tmp/": ""}, v1.Config{}).img}
			after := built(t, c.text, c.after, v1.Config{User: c.user})
			m := &mender{p: p, before: p.before, after: after, stage: after.doc.Final()}
			got, steps, err := p.mended(c.text, m.edits(c.breaks))
			if err != nil {
				t.Fatal(err)
			}
			want := c.want
			if want == "" {
				want = c.text
			}
			if d := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if (len(steps) > 0) != (c.want != "") {
				t.Errorf("%d steps", len(steps))
			}
			for _, s := range steps {
				if s.Why == "" || s.Line == 0 || s.Transform != Repair {
					t.Errorf("a step without its reason or its line: %+v", s)
				}
			}
		})
	}
}

// What no file tells of is what the program was seen to open: its package is installed when the run breaks for a
// reason that names no library.
func TestRepairsWhatWasOpened(t *testing.T) {
	had := apt.with(contents{"usr/lib/x86_64-linux-gnu/libmagic.so.1": "ELF "}).with(dpkg(map[string][]string{"libmagic1": {"/usr/lib/x86_64-linux-gnu/libmagic.so.1"}}))
	p := &Prover{path: "Dockerfile", before: built(t, "FROM python:3.12\n", had, v1.Config{})}
	p.before.saw.Maps = []string{"/usr/lib/x86_64-linux-gnu/libmagic.so.1"}
	p.before.saw.Writes = []wire.Write{}
	after := built(t, "FROM python:3.12-slim\n", apt, v1.Config{})
	m := &mender{p: p, before: p.before, after: after, stage: after.doc.Final()}
	got, _, err := p.mended("FROM python:3.12-slim\n", m.edits([]finding.Finding{{Class: finding.Exit, Break: true, Message: "it ends with 1"}}))
	if err != nil || !strings.Contains(got, "libmagic1") {
		t.Errorf("%v\n%s", err, got)
	}
}
