package judge

import (
	"context"
	"slices"
	"strings"
	"testing"
)

// pairs: want holds a part of every drift that is expected, and nothing else may be there.
var pairs = []struct {
	name, before, after string
	want                []string
}{
	{name: "same", before: "FROM a\nRUN x\nCMD [\"y\"]", after: "FROM a\nRUN x\nCMD [\"y\"]\n"},
	{name: "merged", before: "FROM a\nRUN x\nRUN y z\n", after: "FROM a\nRUN x && y z\n"},
	{name: "merged over lines with comment", before: "FROM a\nRUN x\n# why\nRUN y\n", after: "FROM a\nRUN x && \\\n    # why\n    y\n"},
	{name: "quotes", before: "FROM a\nRUN echo \"b\"\n", after: "FROM a\nRUN echo 'b'\n"},
	{name: "heredoc with set -e", before: "FROM a\nRUN x\nRUN y\n", after: "FROM a\nRUN <<EOF\nset -e\nx\ny\nEOF\n"},
	{name: "env merged", before: "FROM a\nENV A=1\nENV B=2\nRUN x\n", after: "FROM a\nENV A=1 B=2\nRUN x\n"},
	{name: "old env form", before: "FROM a\nENV A b c\n", after: "FROM a\nENV A=\"b c\"\n"},
	{name: "copy merged", before: "FROM a\nCOPY b ./\nCOPY c ./\n", after: "FROM a\nCOPY b c ./\n"},
	{name: "add to copy of a plain file", before: "FROM a\nADD b.txt /\n", after: "FROM a\nCOPY b.txt /\n"},
	{name: "or in braces", before: "FROM a\nRUN x\nRUN y || z\n", after: "FROM a\nRUN x && { y || z; }\n"},
	{name: "cd in a subshell", before: "FROM a\nRUN cd /x && y\nRUN z\n", after: "FROM a\nRUN (cd /x && y) && z\n"},
	{name: "semicolons in braces", before: "FROM a\nRUN x; y\nRUN z\n", after: "FROM a\nRUN { x; y; } && z\n"},
	{name: "stage named", before: "FROM a\nRUN x\nFROM b\nCOPY --from=0 /x /x\n", after: "FROM a AS build\nRUN x\nFROM b\nCOPY --from=build /x /x\n"},
	{name: "workdir relative", before: "FROM a\nWORKDIR /x\nWORKDIR y\nRUN z\n", after: "FROM a\nWORKDIR /x/y\nRUN z\n"},
	{name: "case and continuation", before: "from a\nrun x \\\n  y\n", after: "FROM a\nRUN x y\n"},
	{name: "same run in two stages", before: "FROM a AS p\nRUN x\nFROM a\nRUN x\nRUN y\n", after: "FROM a AS p\nRUN x\nFROM a\nRUN x && y\n"},

	{name: "lost env", before: "FROM a\nENV A=1 B=2\n", after: "FROM a\nENV A=1\n", want: []string{"env \"B\""}},
	{name: "env value", before: "FROM a\nENV A=\"b  c\"\n", after: "FROM a\nENV A=\"b c\"\n", want: []string{"env \"A\""}},
	{name: "env late", before: "FROM a\nENV A=1\nRUN x\n", after: "FROM a\nRUN x\nENV A=1\n", want: []string{"exec-env \"A\""}},
	{name: "cmd", before: "FROM a\nCMD [\"x\"]\n", after: "FROM a\nCMD [\"y\"]\n", want: []string{"cmd"}},
	{name: "cmd shell form", before: "FROM a\nCMD x y\n", after: "FROM a\nCMD [\"x\",\"y\"]\n", want: []string{"cmd"}},
	{name: "entrypoint resets cmd", before: "FROM a AS b\nCMD [\"x\"]\nFROM b\nENTRYPOINT [\"e\"]\n", after: "FROM a AS b\nCMD [\"x\"]\nFROM a\nENTRYPOINT [\"e\"]\n", want: []string{"bases"}},
	{name: "user", before: "FROM a\nUSER x\nRUN y\n", after: "FROM a\nRUN y\nUSER x\n", want: []string{"exec-user"}},
	{name: "user swapped", before: "FROM a\nUSER x\n", after: "FROM a\nUSER y\n", want: []string{"user"}},
	{name: "workdir", before: "FROM a\nWORKDIR /x\nRUN y\n", after: "FROM a\nRUN y\nWORKDIR /x\n", want: []string{"exec-cwd"}},
	{name: "package", before: "FROM a\nRUN apt-get install -y p q\n", after: "FROM a\nRUN apt-get install -y p\n", want: []string{"command-lost", "command-added", "package-lost \"apt-get q\""}},
	{name: "command lost", before: "FROM a\nRUN x && y\n", after: "FROM a\nRUN x\n", want: []string{"command-lost \"y\""}},
	{name: "command lost in unused stage", before: "FROM a AS t\nRUN x\nFROM b\nRUN y\n", after: "FROM a AS t\nFROM b\nRUN y\n", want: []string{"command-lost \"x\""}},
	{name: "config of unused stage", before: "FROM a AS t\nCMD [\"x\"]\nFROM b\n", after: "FROM a AS t\nFROM b\n", want: []string{"cmd in stage t"}},
	{name: "stage lost", before: "FROM a AS t\nFROM b\n", after: "FROM b\n", want: []string{"stages \"t\"", "bases"}},
	{name: "label", before: "FROM a\nLABEL x=y\n", after: "FROM a\nLABEL x=z\n", want: []string{"labels \"x\""}},
	{name: "maintainer", before: "FROM a\nMAINTAINER me\n", after: "FROM a\nLABEL maintainer=me\n", want: []string{"author", "labels \"maintainer\""}},
	{name: "expose, volume, stopsignal", before: "FROM a\nEXPOSE 80\nVOLUME /v\nSTOPSIGNAL 9\n", after: "FROM a\n", want: []string{"ports", "volumes", "stopsignal"}},
	{name: "healthcheck", before: "FROM a\nHEALTHCHECK --interval=5s CMD x\n", after: "FROM a\nHEALTHCHECK CMD x\n", want: []string{"healthcheck"}},
	{name: "onbuild", before: "FROM a\nONBUILD RUN x\n", after: "FROM a\nONBUILD RUN y\n", want: []string{"onbuild"}},
	{name: "shell", before: "FROM a\nSHELL [\"/bin/bash\",\"-c\"]\nRUN x\n", after: "FROM a\nRUN x\n", want: []string{"shell", "exec-shell"}},
	{name: "base", before: "FROM a\n", after: "FROM b\n", want: []string{"bases", "bases"}},
	{name: "copy lost", before: "FROM a\nCOPY b /b\nCOPY c /c\n", after: "FROM a\nCOPY b /b\n", want: []string{"copy-lost"}},
	{name: "chown lost", before: "FROM a\nCOPY --chown=u b /b\n", after: "FROM a\nCOPY b /b\n", want: []string{"copy-lost", "copy-added"}},
	{name: "archive no longer extracted", before: "FROM a\nADD b.tgz /\n", after: "FROM a\nCOPY b.tgz /\n", want: []string{"copy-lost", "copy-added"}},
	{name: "mount lost", before: "FROM a\nRUN --mount=type=cache,target=/c x\n", after: "FROM a\nRUN x\n", want: []string{"mounts"}},
	{name: "secret lost", before: "FROM a\nRUN --mount=type=secret,id=s x\n", after: "FROM a\nRUN x\n", want: []string{"mounts"}},

	{name: "cd leaks", before: "FROM a\nRUN cd /x && y\nRUN z\n", after: "FROM a\nRUN cd /x && y && z\n", want: []string{"exec-cwd \"z\""}},
	{name: "export leaks", before: "FROM a\nRUN export A=1 && y\nRUN z\n", after: "FROM a\nRUN export A=1 && y && z\n", want: []string{"exec-env \"A\""}},
	{name: "umask leaks", before: "FROM a\nRUN umask 077 && y\nRUN z\n", after: "FROM a\nRUN umask 077 && y && z\n", want: []string{"exec-opts \"z\""}},
	{name: "exit skips", before: "FROM a\nRUN x || exit 0\nRUN z\n", after: "FROM a\nRUN x || exit 0 && z\n", want: []string{"flow \"z\""}},
	{name: "or swallows", before: "FROM a\nRUN x\nRUN y || z\n", after: "FROM a\nRUN x && y || z\n", want: []string{"flow \"x\"", "flow \"y\"", "flow \"z\""}},
	{name: "heredoc without set -e", before: "FROM a\nRUN x\nRUN y\n", after: "FROM a\nRUN <<EOF\nx\ny\nEOF\n", want: []string{"flow \"x\""}},
	{name: "set -e void in a list", before: "FROM a\nRUN set -e; x; y\nRUN z\n", after: "FROM a\nRUN { set -e; x; y; } && z\n", want: []string{"flow \"x\""}},
	{name: "one of two alike changes its name", before: "FROM a\nRUN x -a && u;\nRUN y -b && u; z\n", after: "FROM a\nRUN x -a && u -k;\nRUN y -c && u; z\n", want: []string{`command-lost "u"`, `command-added "u -k"`, `command-lost "y -b"`, `command-added "y -c"`, `flow "u": "if ok: y -b / failure tolerated" became "if ok: y -c`}},
	{name: "failure tolerated", before: "FROM a\nRUN x && y\n", after: "FROM a\nRUN x; y\n", want: []string{"flow \"x\""}},
	{name: "pipefail", before: "FROM a\nSHELL [\"/bin/bash\",\"-o\",\"pipefail\",\"-c\"]\nRUN x | y\n", after: "FROM a\nSHELL [\"/bin/bash\",\"-c\"]\nRUN x | y\n", want: []string{"shell", "exec-shell", "exec-opts", "flow", "exec-shell", "exec-opts"}},
	{name: "inline script", before: "FROM a\nRUN <<EOF\n#!/usr/bin/python3\nprint(1)\nEOF\n", after: "FROM a\nRUN <<EOF\n#!/usr/bin/python3\nprint(2)\nEOF\n", want: []string{"command-lost", "command-added"}},
	{name: "arg in run", before: "FROM a\nARG V=1\nRUN x $V\n", after: "FROM a\nARG V=2\nRUN x $V\n", want: []string{"exec-env \"V\""}},
}

func TestPairs(t *testing.T) {
	for _, c := range pairs {
		t.Run(c.name, func(t *testing.T) {
			drifts := compare(t, c.before, c.after)
			var got []string
			for _, d := range drifts {
				got = append(got, d.String())
			}
			left := slices.Clone(got)
			for _, w := range c.want {
				i := slices.IndexFunc(left, func(s string) bool { return strings.HasPrefix(s, w) })
				if i < 0 {
					t.Errorf("no drift %q in\n%s", w, strings.Join(got, "\n"))
					continue
				}
				left = slices.Delete(left, i, i+1)
			}
			if len(left) > 0 {
				t.Errorf("unexpected:\n%s", strings.Join(left, "\n"))
			}
		})
	}
}

func compare(t *testing.T, before, after string) []Drift {
	t.Helper()
	a, err := Evaluate(context.Background(), []byte(before))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Evaluate(context.Background(), []byte(after))
	if err != nil {
		t.Fatal(err)
	}
	return Compare(a, b)
}

func TestUndeclared(t *testing.T) {
	before := "FROM a\nENV A=1 B=2\nRUN apt-get install -y 'p'\nRUN x\nCMD [\"c\"]\n"
	after := "FROM a\nRUN apt-get install -y --no-install-recommends p && x && rm -rf /var/lib/apt/lists/*\nCMD [\"d\"]\n"
	drifts := compare(t, before, after)
	all := Declared{
		Fields:  []string{Cmd, "env:A", Env},
		Dropped: []string{"apt-get install -y p"},
		Added:   []string{"apt-get install -y --no-install-recommends p && rm -rf /var/lib/apt/lists/*"},
	}
	if left := all.Undeclared(drifts); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	some := Declared{Fields: []string{"env:A"}, Dropped: all.Dropped}
	var got []string
	for _, d := range some.Undeclared(drifts) {
		got = append(got, d.Field)
	}
	slices.Sort(got)
	// B is lost in the config and for each of the two commands that had it; the
	// added commands, and cmd, were not announced either.
	want := []string{Cmd, CommandAdded, CommandAdded, Env, ExecEnv}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestUndeclaredNarrowed(t *testing.T) {
	file := func(copies string) string {
		return "FROM a AS b\nRUN x\nFROM c\nWORKDIR /d\n" + copies + "\nCMD [\"c\"]\n"
	}
	declared := Declared{Narrowed: []Narrowed{{Src: "/s", Dest: "/d", Kept: []string{"bin/x", "y"}}}}
	for _, c := range []struct {
		name, before, after string
		left                int
	}{
		{"as declared", "COPY --from=b /s .", "COPY --from=b /s/bin/x ./bin/x\nCOPY --from=b /s/y ./y", 0},
		{"a trailing slash, an owner", "COPY --from=b --chown=1:1 /s/ /d/", "COPY --from=b --chown=1:1 /s/bin/x /d/bin/x\nCOPY --from=b --chown=1:1 /s/y /d/y", 0},
		{"an owner lost", "COPY --from=b --chown=1:1 /s /d", "COPY --from=b /s/bin/x /d/bin/x\nCOPY --from=b /s/y /d/y", 2},
		{"to another place", "COPY --from=b /s /d", "COPY --from=b /s/bin/x /d/x\nCOPY --from=b /s/y /d/y", 1},
		{"one that isn't declared", "COPY --from=b /s /d", "COPY --from=b /s/bin/x /d/bin/x\nCOPY --from=b /s/y /d/y\nCOPY --from=b /s/z /d/z", 1},
		{"another copy lost", "COPY --from=b /s /d\nCOPY --from=b /t /t", "COPY --from=b /s/bin/x /d/bin/x\nCOPY --from=b /s/y /d/y", 1},
	} {
		if left := declared.Undeclared(compare(t, file(c.before), file(c.after))); len(left) != c.left {
			t.Errorf("%s: %d left: %v", c.name, len(left), left)
		}
	}
}

func TestEvaluateErrors(t *testing.T) {
	for _, src := range []string{"", "# nothing\n", "FROM\n", "RUN x\n", "FROM $NONE\n", "FROM a\nWHAT x\n"} {
		if img, err := Evaluate(context.Background(), []byte(src)); err == nil {
			t.Errorf("%q: %+v", src, img)
		}
	}
}

func TestEvaluateFailedStage(t *testing.T) {
	img, err := Evaluate(context.Background(), []byte("FROM a AS t\nCOPY --from=later /x /x\nFROM b AS later\nRUN y\n"))
	if err != nil {
		t.Skip("BuildKit refuses the whole file:", err)
	}
	if len(img.Commands) != 1 {
		t.Errorf("%+v", img)
	}
}
