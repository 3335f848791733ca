package rewrite

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// final reads a file and gives the state at the end of its last stage.
func final(t *testing.T, src string) State {
	t.Helper()
	return parse(t, src).Final().At(nil)
}

func TestEnv(t *testing.T) {
	for _, c := range []struct {
		name, src string
		want      map[string]string
	}{
		{"one instruction sees what was before it", "FROM a\nENV A=0\nENV A=1 B=$A\n", map[string]string{"A": "1", "B": "0"}},
		{"old form", "FROM a\nENV A b  c\n", map[string]string{"A": "b  c"}},
		{"quotes", "FROM a\nENV A=\"b $X\" B='$A' C=\\$A\n", map[string]string{"A": "b $X", "B": "$A", "C": "$A"}},
		{"unknown stays", "FROM a\nENV PATH=/x:$PATH\n", map[string]string{"PATH": "/x:$PATH"}},
		{"defaults of what the base may set stay", "FROM a\nENV A=${B:-1}\nENV C=${A:+2}\n", map[string]string{"A": "${B:-1}", "C": "2"}},
		{"ARG with a default", "FROM a\nARG V=1\nENV A=$V\n", map[string]string{"A": "1"}},
		{"ARG without", "FROM a\nARG V\nENV A=$V\n", map[string]string{"A": "$V"}},
		{"a global ARG counts where it is declared", "ARG V=1\nFROM a\nENV A=$V\nARG V\nENV B=$V\n", map[string]string{"A": "$V", "B": "1"}},
		{"global ARGs build on each other", "ARG V=1\nARG W=$V.2\nFROM a\nARG W\nENV A=$W\n", map[string]string{"A": "1.2"}},
		{"an ARG is the stage's own", "FROM a AS x\nARG V=1\nFROM a\nENV A=$V\n", map[string]string{"A": "$V"}},
		{"but goes on in stages built from it", "FROM a AS x\nARG V=1\nFROM x\nENV A=$V\n", map[string]string{"A": "1"}},
		{"ENV over ARG", "FROM a\nARG V=1\nENV V=2\nENV A=$V\n", map[string]string{"V": "2", "A": "2"}},
		{"the later one wins", "FROM a\nENV V=2\nARG V=1\nENV A=$V\n", map[string]string{"V": "2", "A": "1"}},
		{"inherited", "FROM a AS x\nENV A=1\nFROM X\nENV B=$A\n", map[string]string{"A": "1", "B": "1"}},
		{"not inherited", "FROM a AS x\nENV A=1\nFROM b\nENV B=2\n", map[string]string{"B": "2"}},
		{"backtick", "# escape=`\nFROM a\nENV A=`$B\n", map[string]string{"A": "$B"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, final(t, c.src).Env); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWorkdir(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"scratch begins at the root", "FROM scratch\n", "/"},
		{"relative chain", "FROM scratch\nWORKDIR a\nWORKDIR b/../c\n", "/a/c"},
		{"absolute", "FROM a\nWORKDIR /a\nWORKDIR /b/\n", "/b"},
		{"relative to a base that isn't known", "FROM a\nWORKDIR b\n", ""},
		{"variable", "FROM a\nARG D=x\nWORKDIR /$D\n", "/x"},
		{"unknown variable", "FROM a\nWORKDIR /$D\n", ""},
		{"known again", "FROM a\nWORKDIR $D\nWORKDIR /x\n", "/x"},
		{"inherited", "FROM a AS b\nWORKDIR /x\nFROM b\nWORKDIR y\n", "/x/y"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := final(t, c.src).Workdir; got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestStateInTheMiddle(t *testing.T) {
	d := parse(t, "FROM scratch\nRUN a\nUSER app\nSHELL [\"/bin/bash\",\"-c\"]\nENV A=1\nWORKDIR /w\nRUN b\n")
	s := d.Final()
	before, after := s.At(d.Instructions[1]), s.At(d.Instructions[6])
	if before.User != "" || before.Shell != nil || before.Env["A"] != "" || before.Workdir != "/" || !before.Root() {
		t.Errorf("%+v", before)
	}
	if after.User != "app" || after.Shell[0] != "/bin/bash" || after.Env["A"] != "1" || after.Workdir != "/w" || after.Root() {
		t.Errorf("%+v", after)
	}
	for p, want := range map[string]string{"x": "/w/x", "../x": "/x", "/y/../z": "/z", ".": "/w", "$X": "", "a*": "", "~": "", "{a,b}": ""} {
		if got, _ := after.Abs(p); got != want {
			t.Errorf("%s is %s, want %s", p, got, want)
		}
	}
}

func TestRoot(t *testing.T) {
	for user, want := range map[string]bool{"root": true, "0": true, "0:0": true, "root:app": true, "app": false, "1000": false, "$U": false} {
		if got := final(t, "FROM scratch\nUSER "+user+"\n").Root(); got != want {
			t.Errorf("%s: %v", user, got)
		}
	}
	if final(t, "FROM a\n").Root() {
		t.Error("the user of an unknown base is certainly root")
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		name, src string
		field     ConfigFields
		want      string
	}{
		{"ENTRYPOINT drops the CMD of the stage below", "FROM a AS b\nCMD [\"x\"]\nFROM b\nENTRYPOINT [\"y\"]\n", FieldCmd, "none"},
		{"but not the stage's own", "FROM a AS b\nCMD [\"x\"]\nFROM b\nCMD [\"z\"]\nENTRYPOINT [\"y\"]\n", FieldCmd, `exec ["z"]`},
		{"CMD behind ENTRYPOINT", "FROM a\nENTRYPOINT [\"y\"]\nCMD [\"z\"]\n", FieldCmd, `exec ["z"]`},
		{"the last one counts", "FROM a\nCMD x\nCMD y\n", FieldCmd, `shell [] ["y"]`},
		{"SHELL is part of the shell form", "FROM a\nSHELL [\"bash\",\"-c\"]\nCMD y\n", FieldCmd, `shell ["bash" "-c"] ["y"]`},
		{"SHELL behind it is not", "FROM a\nCMD y\nSHELL [\"bash\",\"-c\"]\n", FieldCmd, `shell [] ["y"]`},
		{"base through the chain", "ARG V=1\nFROM Alpine:$V AS b\nFROM b\n", FieldBase, "alpine:1"},
		{"platform", "FROM --platform=linux/arm64 a\n", FieldBase, "a --platform=linux/arm64"},
		{"labels", "FROM a\nENV V=1\nLABEL b=$V a=\"x y\"\n", FieldLabels, "a=x y\nb=1"},
		{"ports", "FROM a\nARG P=80\nEXPOSE $P 443\n", FieldExpose, "443\n80"},
		{"volumes", "FROM a\nVOLUME /a /b\nVOLUME [\"/c\"]\n", FieldVolumes, "/a\n/b\n/c"},
		{"ONBUILD ends with the stage", "FROM a AS b\nONBUILD RUN x\nFROM b\n", FieldOnBuild, ""},
		{"user", "FROM a\nARG U=app\nUSER $U\n", FieldUser, "app"},
		{"stop signal", "FROM a\nSTOPSIGNAL 9\n", FieldStopSignal, "9"},
		{"relative workdir", "FROM a\nWORKDIR b\nWORKDIR c\n", FieldWorkdir, "/b/c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := parse(t, c.src).Final().Config().Field(c.field); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	a, b := parse(t, "FROM a\nENV A=1\nUSER x\n"), parse(t, "FROM a\nENV A=2\nUSER y\n")
	if got := a.Final().Config().Diff(b.Final().Config()).String(); got != "ENV, USER" {
		t.Error(got)
	}
}
