package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"drydock/tools/corpus/judge"
)

const base = "FROM a\nENV A=1\nCOPY b /b\nRUN apt-get install -y p q\nRUN x\nUSER u\nCMD [\"c\"]\n"

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// replacing is a fixer that replaces text, and does it once.
func replacing(old, text string, d judge.Declared) Fixer {
	return func(_ context.Context, _ string, src []byte, _ string, _ mode) (answer, error) {
		after := strings.Replace(string(src), old, text, 1)
		if after == string(src) {
			return answer{}, nil
		}
		d.Applied = map[string]int{"planted": 1}
		return answer{after: map[string][]byte{"": []byte(after)}, declared: d}, nil
	}
}

func judged(t *testing.T, dir string, fix Fixer) *report {
	t.Helper()
	rep, err := judgeAll(context.Background(), options{dir: dir, workers: 2, useContext: "auto"}, fix, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func TestPlantedDefects(t *testing.T) {
	none := judge.Declared{}
	cases := []struct {
		name, src string
		fix       Fixer
		want      []row
	}{
		{"nothing", base, identity, nil},
		{"good merge", base, replacing("q\nRUN x", "q && x", none), nil},
		{"declared", base, replacing("\"c\"", "\"d\"", judge.Declared{Fields: []string{judge.Cmd}}), nil},
		{"breaks the file", base, replacing("RUN x", "RNU x", none), []row{unparseable}},
		{"blank base", base, replacing("FROM a", "FROM $NO", none), []row{unevaluable}},
		{"env lost", base, replacing("ENV A=1\n", "", none), []row{configDrift, runDifferent}},
		{"command lost", base, replacing("RUN x\n", "", none), []row{commandsLost}},
		{"package lost", base, replacing("p q", "p", judge.Declared{
			Dropped: []string{"apt-get install -y p q"}, Added: []string{"apt-get install -y p"},
		}), []row{packagesLost}},
		{"user early", base, replacing("RUN x\nUSER u", "USER u\nRUN x", none), []row{runDifferent}},
		{"copy", base, replacing("COPY b /b\n", "", none), []row{copiesDrift}},
		{"base", base, replacing("FROM a", "FROM b", none), []row{basesDrift}},
		{"newline lost", base, replacing("\"c\"]\n", "\"c\"]", none), []row{finalNewline}},
		{"newline added", strings.TrimSuffix(base, "\n"), replacing("\"c\"]", "\"c\"]\n", none), []row{unstable, finalNewline}},
		{"lf in crlf", "FROM a\r\nRUN x\r\nRUN y\r\n", replacing("\r\nRUN y", "\nRUN y", none), []row{lineEndings}},
		{"byte order mark", "\xef\xbb\xbfFROM a\n", replacing("\xef\xbb\xbf", "", none), []row{byteOrderMark}},
		{"never done", base, growing, []row{unstable}},
		{"panics", base, func(context.Context, string, []byte, string, mode) (answer, error) {
			panic("planted")
		}, []row{panics}},
		{"errs", base, func(context.Context, string, []byte, string, mode) (answer, error) {
			return answer{}, errors.New("planted")
		}, []row{engineErrors}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rep := judged(t, write(t, map[string]string{"Dockerfile": c.src}), c.fix)
			for _, m := range modes {
				var got []row
				for _, k := range mustBeZero {
					if rep.Counts[m.name][k] > 0 {
						got = append(got, k)
					}
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("%s: got %v, want %v; %v", m.name, got, c.want, rep.Problems)
				}
			}
			if rep.failed() != (len(c.want) > 0) {
				t.Error("failed:", rep.failed())
			}
		})
	}
}

func growing(_ context.Context, _ string, src []byte, _ string, _ mode) (answer, error) {
	return answer{after: map[string][]byte{"": append(bytes.Clone(src), "# more\n"...)}}, nil
}

func TestModesDropsAndOtherFiles(t *testing.T) {
	fix := func(_ context.Context, path string, src []byte, ctxDir string, m mode) (answer, error) {
		if !m.unsafe {
			return answer{drops: []string{"merge: gate 3: a command is lost"}}, nil
		}
		after := bytes.Replace(src, []byte("RUN x\n"), []byte("RUN x && true\n"), 1)
		return answer{
			after:    map[string][]byte{path: after, filepath.Join(ctxDir, ".dockerignore"): []byte(".git\n")},
			declared: judge.Declared{Added: []string{"true"}, Applied: map[string]int{"t": 2}},
		}, nil
	}
	dir := write(t, map[string]string{"app/Dockerfile": "FROM a\nCOPY main.go .\nRUN x\n", "app/main.go": "", "bad/Dockerfile": "NO\n"})
	rep := judged(t, dir, fix)
	if rep.failed() || rep.Files != 2 || rep.Unparseable != 1 || rep.WithContext != 1 {
		t.Errorf("%+v", rep)
	}
	if s := rep.Counts["safe"]; s[gateDrops] != 1 || s[changedFiles] != 0 {
		t.Errorf("safe: %v", s)
	}
	if u := rep.Counts["unsafe"]; u[changedFiles] != 1 || u[changes] != 2 || u[otherFiles] != 1 || rep.Transforms["unsafe"]["t"] != 2 {
		t.Errorf("unsafe: %v", u)
	}
	var out bytes.Buffer
	rep.markdown(&out)
	for _, want := range []string{"| changed files | 0 | 1 | 1 |", "| t | 0 | 2 | 2 |", "- app/Dockerfile (safe) changes dropped by a gate: merge: gate 3"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestCommand(t *testing.T) {
	dir := write(t, map[string]string{"Dockerfile": base, "x/web.dockerfile": base, "Dockerfile.dockerignore": "x\n"})
	out, js := bytes.Buffer{}, filepath.Join(t.TempDir(), "r.json")
	if code := command(context.Background(), []string{dir, "-json", js, "-j", "1", "-sample", "2"}, identity, &out, io.Discard); code != 0 {
		t.Fatal(code, out.String())
	}
	dt, err := os.ReadFile(js)
	if err != nil {
		t.Fatal(err)
	}
	var rep report
	if err := json.Unmarshal(dt, &rep); err != nil || rep.Files != 2 || rep.Timing.Files != 2 {
		t.Errorf("%v %+v", err, rep)
	}
	if code := command(context.Background(), []string{dir, "-sample", "0"}, replacing("RUN x\n", "", judge.Declared{}), &out, io.Discard); code != 1 {
		t.Error("planted loss gives", code)
	}
	for _, args := range [][]string{{}, {dir, dir}, {"-j", "0", dir}, {t.TempDir()}} {
		if code := command(context.Background(), args, identity, io.Discard, io.Discard); code != 2 {
			t.Error(args, code)
		}
	}
}

func TestContextOf(t *testing.T) {
	dir := write(t, map[string]string{
		"r/go.mod": "", "r/docker/Dockerfile": "", "r/web/Dockerfile": "", "r/web/index.js": "", "bare/Dockerfile": "",
	})
	cases := []struct{ file, src, want string }{
		{"r/docker/Dockerfile", "FROM a\nCOPY go.mod .\n", "r"},
		{"r/web/Dockerfile", "FROM a\nCOPY *.js .\nCOPY --from=x /y /y\nADD https://e/f /f\n", "r/web"},
		{"r/web/Dockerfile", "FROM a\nCOPY . .\n", "r/web"},
		{"bare/Dockerfile", "FROM a\nCOPY . .\n", ""},
		{"bare/Dockerfile", "FROM a\nCOPY lost .\n", ""},
	}
	for _, c := range cases {
		stages, err := parse([]byte(c.src))
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if c.want != "" {
			want = filepath.Join(dir, c.want)
		}
		if got := contextOf(dir, filepath.Join(dir, c.file), stages); got != want {
			t.Errorf("%s: got %q, want %q", c.file, got, want)
		}
	}
}

// identity changes nothing: the runner must find nothing then.
func identity(context.Context, string, []byte, string, mode) (answer, error) {
	return answer{}, nil
}
