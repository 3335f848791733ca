package transforms

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
)

func passOver(t testing.TB, src string, rp *repo.Repo) *rewrite.Pass {
	t.Helper()
	doc, err := rewrite.Parse("Dockerfile", src, images.Catalogue())
	if err != nil {
		t.Fatal(err)
	}
	return &rewrite.Pass{Doc: doc, Repo: rp, Images: images.Catalogue(), Name: "Dockerfile", Unsafe: true}
}

// What the file names, and what it reads after every place that takes it has
// tag 9 with the suffix kept, or the reason why not.
func TestImagePlaces(t *testing.T) {
	for _, c := range []struct{ name, src, want, after string }{
		{"plain", "FROM python\n", "from python", "FROM python:9\n"},
		{"lower case", "from Python:3 as x\n", `from Python:3 why: image reference "Python:3": the repository must be lower case: write "python"`, ""},
		{"alias", "from python:3-slim as Build\nfrom build\n", "from python:3-slim", "from python:9 as Build\nfrom build\n"},
		{"platform", "FROM --platform=linux/arm64 python AS x\n", "from python linux/arm64", "FROM --platform=linux/arm64 python:9 AS x\n"},
		{"platform by builder", "FROM --platform=$BUILDPLATFORM python\n", "from python", "FROM --platform=$BUILDPLATFORM python:9\n"},
		{"quotes", "FROM \"python:3\"\n", "from python:3", "FROM \"python:9\"\n"},
		{"quotes in the middle", "FROM py\"thon\"\n", "from python", "FROM python:9\n"},
		{"crlf", "FROM python\r\nRUN x\r\n", "from python", "FROM python:9\r\nRUN x\r\n"},
		{"no line end", "FROM python", "from python", "FROM python:9"},
		{"continuation", "FROM \\\n  # why\n  python \\\n  AS x\n", "from python", "FROM \\\n  # why\n  python:9 \\\n  AS x\n"},
		{"broken", "FROM pyt\\\nhon\n", "from python", "! the reference is broken over lines"},
		{"backtick", "# escape=`\nFROM `\n  python\n", "from python", "# escape=`\nFROM `\n  python:9\n"},
		{"escape", "FROM pyth\\on\n", `from python why: the reference pyth\on is written in a form that drydock doesn't read`, ""},
		{"scratch", "FROM scratch\n", "", ""},
		{"port", "FROM reg.example.com:5000/a/b\n", "from reg.example.com:5000/a/b", "FROM reg.example.com:5000/a/b:9\n"},
		{"digest", "FROM a:1@" + someDigest + "\n", "from a:1@" + someDigest, "FROM a:9\n"},

		{"arg whole", "ARG X=python\nFROM $X\n", "from python (X)", "ARG X=python:9\nFROM $X\n"},
		{"arg braces", "ARG X=python:3\nFROM ${X}\n", "from python:3 (X)", "ARG X=python:9\nFROM ${X}\n"},
		{"arg tag", "ARG T=latest\nFROM python:${T}\n", "from python:latest (T)", "ARG T=9\nFROM python:${T}\n"},
		{"arg tag grows", "ARG T=\"3\"\nFROM python:$T\n", "from python:3 (T)", "ARG T=\"9\"\nFROM python:$T\n"},
		{"arg repository", "ARG R=python\nFROM ${R}:3\n", "from python:3 (R)", "ARG R=python\nFROM ${R}:9\n"},
		{"arg registry", "ARG R=reg.example.com:5000\nFROM $R/python\n", "from reg.example.com:5000/python (R)", "ARG R=reg.example.com:5000\nFROM $R/python:9\n"},
		{"arg colon and tag", "ARG T=\nFROM python${T}\n", "from python (T)", "ARG T=:9\nFROM python${T}\n"},
		{"arg of arg", "ARG T=3\nARG X=python:$T\nFROM $X\n", "from python:3 (X T)", "ARG T=9\nARG X=python:$T\nFROM $X\n"},
		{"several names", "ARG A=1 T='3' B=2\nFROM python:$T\n", "from python:3 (T)", "ARG A=1 T='9' B=2\nFROM python:$T\n"},
		{"arg with continuation", "ARG A=1 \\\n    T=3\nFROM python:$T\n", "from python:3 (T)", "ARG A=1 \\\n    T=9\nFROM python:$T\n"},
		{"default in braces", "FROM ${X:-python}\n", "from python (X)", "FROM ${X:-python:9}\n"},
		{"default without colon", "FROM ${X-python:3}\n", "from python:3 (X)", "FROM ${X-python:9}\n"},
		{"default in braces, arg outside", "ARG X\nFROM ${X:-python}\n", "from python (X)", "ARG X\nFROM ${X:-python:9}\n"},
		{"default in braces, arg empty", "ARG X=\nFROM ${X:-python}\n", "from python (X)", "ARG X=\nFROM ${X:-python:9}\n"},
		{"default in braces hidden", "ARG X=node\nFROM ${X:-python}\n", "from node (X)", "ARG X=node:9\nFROM ${X:-python}\n"},
		{"default of default", "ARG Y=python\nFROM ${X:-$Y}\n", "from python (X Y)", "ARG Y=python:9\nFROM ${X:-$Y}\n"},
		{"arg behind the version", "ARG V=-slim\nFROM python:3$V\n", "from python:3-slim (V)", "! python:3$V: the parts that would change stand in several places"},
		{"no default", "ARG X\nFROM $X\n", "from $X (X) why: ARG X has no default: the image comes from outside", ""},
		{"not declared", "FROM $R/name\n", "from $R/name (R) why: R is declared by no ARG before the first FROM, so it is empty", ""},
		{"platform argument", "FROM base-$TARGETARCH\n", "from base-$TARGETARCH (TARGETARCH) why: TARGETARCH comes from the builder", ""},
		{"platform argument names a stage", "FROM python AS base-\nFROM base-$X\n", "from python\nfrom base-$X (X) why: X is declared by no ARG before the first FROM, so it is empty", ""},
		{"alternative", "ARG X=a\nFROM ${X:+python}\n", "from python why: the reference ${X:+python} is written in a form that drydock doesn't read", ""},
		{"declared twice", "ARG X=a\nARG X=b\nFROM $X\n", "from b (X) why: X is declared more than once before the first FROM", ""},
		{"used twice alike", "ARG X=python\nFROM $X AS a\nFROM $X\n", "from python (X)\nfrom python (X)", "ARG X=python:9\nFROM $X AS a\nFROM $X\n"},
		{"used twice", "ARG T=3\nFROM python:$T AS a\nFROM node:$T\n", "from python:3 (T)\nfrom node:3 (T)", "! line 3 takes node:3 from it too, which would become node:9"},
		{"taken into a stage", "ARG T=3\nFROM python:$T\nARG T\nLABEL v=$T\n", "from python:3 (T)", "! line 3 takes T into its stage too, where another default may mean something else"},
		{"taken by another name", "ARG T=3\nARG V=py$T\nFROM python:$T\nARG V\n", "from python:3 (T)", "! line 4 takes V into its stage too, where another default may mean something else"},
		{"a stage's own", "ARG T=3\nFROM python:$T\nARG T=4\n", "from python:3 (T)", "ARG T=9\nFROM python:$T\nARG T=4\n"},
		{"taken by a platform", "ARG T=3\nFROM --platform=linux/$T python:$T\n", "from python:3 (T)", "! line 2 takes its platform from it too"},
		{"names a stage", "ARG X=build\nFROM python AS build\nFROM $X\n", "from python", "ARG X=build\nFROM python:9 AS build\nFROM $X\n"},

		{"copy", "FROM scratch\nCOPY --from=nginx /a /b\n", "copy nginx", "FROM scratch\nCOPY --from=nginx:9 /a /b\n"},
		{"copy with flags", "FROM scratch\ncopy --chown=1:1 --from=\"nginx:1\" --link [\"/a\", \"/b\"]\n", "copy nginx:1", "FROM scratch\ncopy --chown=1:1 --from=\"nginx:9\" --link [\"/a\", \"/b\"]\n"},
		{"copy from stages", "FROM python AS A\nFROM python AS b\nCOPY --from=a /x /y\nCOPY --from=0 /x /y\nCOPY --from=B /x /y\n", "from python\nfrom python", "FROM python:9 AS A\nFROM python:9 AS b\nCOPY --from=a /x /y\nCOPY --from=0 /x /y\nCOPY --from=B /x /y\n"},
		{"copy from a later stage", "FROM a:1 AS x\nCOPY --from=nginx /a /b\nFROM b:1 AS nginx\n", "from a:1\nfrom b:1", "FROM a:9 AS x\nCOPY --from=nginx /a /b\nFROM b:9 AS nginx\n"},
		{"stage and image", "FROM nginx AS nginx\nFROM scratch\nCOPY --from=nginx /a /b\n", "from nginx", "FROM nginx:9 AS nginx\nFROM scratch\nCOPY --from=nginx /a /b\n"},
		{"stage and image with a tag", "FROM nginx:1 AS nginx\nFROM scratch\nCOPY --from=nginx:latest /a /b\n", "from nginx:1\ncopy nginx:latest", "FROM nginx:9 AS nginx\nFROM scratch\nCOPY --from=nginx:9 /a /b\n"},
		{"add", "FROM scratch\nADD --chown=1 nginx /b\n", "", ""},
		{"mount", "FROM scratch\nRUN --mount=type=bind,from=nginx,target=/x --mount=target=/y,FROM=a/b:1 ls\n", "mount nginx\nmount a/b:1", "FROM scratch\nRUN --mount=type=bind,from=nginx:9,target=/x --mount=target=/y,FROM=a/b:9 ls\n"},
		{"mount from a stage", "FROM python AS b\nFROM scratch\nRUN --mount=from=B,target=/y ls\n", "from python", "FROM python:9 AS b\nFROM scratch\nRUN --mount=from=B,target=/y ls\n"},
		{"mount over lines", "FROM scratch\nRUN --mount=type=bind,\\\nfrom=nginx,target=/x ls\n", "mount nginx", "FROM scratch\nRUN --mount=type=bind,\\\nfrom=nginx:9,target=/x ls\n"},
		{"onbuild copy", "FROM scratch\nONBUILD COPY --from=nginx:1 /a /b\n", "copy nginx:1", "FROM scratch\nONBUILD COPY --from=nginx:9 /a /b\n"},
		{"onbuild name", "FROM scratch\nONBUILD COPY --from=nginx /a /b\n", "copy nginx why: the file that is built on this image may have a stage named nginx", ""},
		{"onbuild mount", "FROM scratch\nONBUILD RUN --mount=from=a/nginx,target=/x ls\n", "mount a/nginx", "FROM scratch\nONBUILD RUN --mount=from=a/nginx:9,target=/x ls\n"},
		{"onbuild number", "FROM scratch\nONBUILD COPY --from=0 /a /b\n", "", ""},

		{"syntax", "# syntax=docker/dockerfile\nFROM scratch\n", "syntax docker/dockerfile", "# syntax=docker/dockerfile:9\nFROM scratch\n"},
		{"syntax spaced", "#  Syntax =  docker/dockerfile:1.4  \nFROM scratch\n", "syntax docker/dockerfile:1.4", "#  Syntax =  docker/dockerfile:9  \nFROM scratch\n"},
		{"syntax tight", "#syntax=docker/dockerfile:1\r\nFROM scratch\r\n", "syntax docker/dockerfile:1", "#syntax=docker/dockerfile:9\r\nFROM scratch\r\n"},
		{"syntax with arguments", "# syntax=docker/dockerfile x=1\nFROM scratch\n", "syntax docker/dockerfile", "# syntax=docker/dockerfile:9 x=1\nFROM scratch\n"},
		{"syntax behind a BOM", "\ufeff# syntax=a/b\nFROM scratch\n", "syntax a/b", "\ufeff# syntax=a/b:9\nFROM scratch\n"},
		{"syntax behind a shebang", "#!/usr/bin/env x\n# syntax=a/b\nFROM scratch\n", "syntax a/b", "#!/usr/bin/env x\n# syntax=a/b:9\nFROM scratch\n"},
		{"syntax second", "# escape=`\n# syntax=a/b\nFROM scratch\n", "syntax a/b", "# escape=`\n# syntax=a/b:9\nFROM scratch\n"},
		{"syntax too late", "# hello\n# syntax=a/b\nFROM scratch\n", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := passOver(t, c.src, repo.Load(nil))
			var lines []string
			var edits []rewrite.Edit
			why := ""
			seen := map[string]bool{}
			for _, pl := range imagePlaces(p) {
				line := fmt.Sprint(pl.Kind, " ", pl.Text)
				for _, pf := range pl.Platforms {
					line += " " + pf
				}
				if len(pl.Args) > 0 {
					line += fmt.Sprint(" (", strings.Join(pl.Args, " "), ")")
				}
				if pl.Why != "" {
					line += " why: " + pl.Why
				}
				lines = append(lines, line)
				es, reason := pl.Write(pl.Ref.WithTag("9"))
				if pl.Why != "" {
					if reason != pl.Why {
						t.Errorf("Write says %q", reason)
					}
					continue
				}
				if why == "" {
					why = reason
				}
				for _, e := range es { // two places may share a default
					if id := fmt.Sprint(e); !seen[id] {
						seen[id] = true
						edits = append(edits, e)
					}
				}
			}
			if diff := cmp.Diff(c.want, strings.Join(lines, "\n")); diff != "" {
				t.Error(diff)
			}
			if c.after == "" {
				return
			}
			got, err := rewrite.Apply(p.Doc.Src, edits)
			if err != nil {
				t.Fatal(err)
			}
			if why != "" {
				got = "! " + why
			}
			if diff := cmp.Diff(c.after, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

const someDigest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// A digest holds the image whatever a variable beside it says.
func TestWriteDigest(t *testing.T) {
	for src, want := range map[string]string{
		"ARG T=3\nFROM python:$T\n":                         "ARG T=3@" + someDigest + "\nFROM python:$T\n",
		"ARG X=python:3\nFROM $X\n":                         "ARG X=python:3@" + someDigest + "\nFROM $X\n",
		"FROM ${X:-python:3}\n":                             "FROM ${X:-python:3@" + someDigest + "}\n",
		"ARG T=3\nFROM python:$T-slim\n":                    "! a digest in python:$T-slim would hold whatever T is given",
		"ARG R=r.example.com\nFROM $R/python:3\n":           "! a digest in $R/python:3 would hold whatever R is given",
		"ARG R=r.example.com T=3\nFROM $R/python:$T\n":      "! a digest in $R/python:$T would hold whatever R and T is given",
		"ARG T=3\nARG X=python:$T-slim\nFROM $X\n":          "! a digest in $X would hold whatever X and T is given",
		"ARG T=3\nFROM python:$T AS a\nFROM r/python:$T\n":  "! line 3 takes r/python:3 from it too, which would become r/python:3@" + someDigest,
		"ARG T=3\nFROM python:$T AS a\nFROM python:$T AS b": "ARG T=3@" + someDigest + "\nFROM python:$T AS a\nFROM python:$T AS b",
	} {
		p := passOver(t, src, repo.Load(nil))
		pl := imagePlaces(p)[0]
		ref := pl.Ref
		ref.Digest = someDigest
		es, why := pl.Write(ref)
		got, err := rewrite.Apply(src, es)
		if err != nil {
			t.Fatal(err)
		}
		if why != "" {
			got = "! " + why
		}
		if got != want {
			t.Errorf("%q\ngot  %q\nwant %q", src, got, want)
		}
	}
}
