package replay

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"drydock/history"
	"drydock/images"
	"drydock/repo"
	"drydock/rewrite"
)

// files is a change to a context: texts by path. "" deletes, "x:" makes an
// executable, "l:" a link, "s:" a submodule at that commit.
type files map[string]string

func (f files) file(p string) history.File {
	text := f[p]
	mode := uint32(history.ModeFile)
	switch {
	case text == "":
		return history.File{}
	case strings.HasPrefix(text, "x:"):
		mode, text = history.ModeExecutable, text[2:]
	case strings.HasPrefix(text, "l:"):
		mode, text = history.ModeLink, text[2:]
	case strings.HasPrefix(text, "s:"):
		mode, text = history.ModeSubmodule, text[2:]
	}
	h := sha1.Sum([]byte(text))
	id := hex.EncodeToString(h[:])
	texts[id] = text
	return history.File{Mode: mode, ID: id}
}

var texts = map[string]string{}

// past is a history of these commits; the first has all files.
func past(commits ...files) *history.History {
	base := map[string]history.File{}
	var all []history.Commit
	for i, c := range commits {
		commit := history.Commit{ID: fmt.Sprint("commit ", i), Time: int64(i)}
		for p := range c {
			if i == 0 {
				base[p] = c.file(p)
			} else {
				commit.Changes = append(commit.Changes, history.Change{Path: p, File: c.file(p)})
			}
		}
		all = append(all, commit)
	}
	return history.New(base, all, func(id string) ([]byte, error) {
		text, ok := texts[id]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return []byte(text), nil
	})
}

// today is the context after all commits.
func today(commits ...files) *repo.Repo {
	tree := fstest.MapFS{}
	for _, c := range commits {
		for p, text := range c {
			if delete(tree, p); text != "" {
				tree[p] = &fstest.MapFile{Data: []byte(text)}
			}
		}
	}
	return repo.Load(tree)
}

func parse(t testing.TB, text string) *rewrite.Document {
	t.Helper()
	doc, err := rewrite.Parse("Dockerfile", text, images.Catalogue())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// misses are the steps that miss at each replayed commit, by the first words of
// their text.
func misses(r *Result, version int) []string {
	v := r.Versions[version]
	var out []string
	for _, missed := range v.Missed {
		var names []string
		for _, k := range missed {
			w := strings.Fields(v.Steps[k].Text)
			names = append(names, w[len(w)-1])
		}
		out = append(out, strings.Join(names, " "))
	}
	return out
}

// Each case is one rule: a Dockerfile, commits, and the last words of the steps
// that miss at each commit behind the first.
var rules = []struct {
	name       string
	dockerfile string
	commits    []files
	want       []string
	skipped    int
	input      Input
}{
	{
		name:       "contents decide, and all below misses",
		dockerfile: "FROM a\nRUN one\nCOPY a /a\nRUN two\nWORKDIR /w\nCOPY b /b\n",
		commits:    []files{{"a": "1", "b": "1"}, {"a": "2"}, {"b": "2"}, {"c": "1"}, {"a": "1"}, {"b": "1"}},
		want:       []string{"/a two /w /b", "/b", "", "/b", ""}, // a=1 with b=2 is new, a=1 with b=1 isn't
	},
	{
		name:       "a mode counts",
		dockerfile: "FROM a\nCOPY a /a\n",
		commits:    []files{{"a": "1"}, {"a": "x:1"}, {"a": "1"}},
		want:       []string{"/a", ""},
	},
	{
		name:       "a folder: new, renamed, deleted files, and a folder that comes and goes",
		dockerfile: "FROM a\nCOPY src /s\n",
		commits:    []files{{"src/a": "1", "other": "1"}, {"src/b/c": "1"}, {"src/b/c": "", "src/b/d": "1"}, {"src/b/d": ""}, {"other": "2", "src2/a": "1"}},
		want:       []string{"/s", "/s", "", ""},
	},
	{
		name:       "a pattern: what it matches, and what is below a folder that it matches",
		dockerfile: "FROM a\nCOPY *.json d*/x /j/\n",
		commits:    []files{{"a.json": "1", "d1/x/f": "1"}, {"b.json": "1"}, {"sub/c.json": "1"}, {"d1/x/g": "1"}, {"d1/y": "1"}, {"a.json": "", "b.json": "", "d1/x/f": "", "d1/x/g": ""}},
		want:       []string{"/j/", "", "/j/", "", "/j/"}, // nothing at all is fine
	},
	{
		name:       ".dockerignore leaves out, and its change counts only for what it does",
		dockerfile: "FROM a\nCOPY . /s\n",
		commits:    []files{{"a": "1", "README.md": "1", ".dockerignore": "*.md\n.dockerignore\n"}, {"README.md": "2"}, {".dockerignore": ".dockerignore\n*.md\n"}, {".dockerignore": ".dockerignore\n"}, {"README.md": "3"}},
		want:       []string{"", "", "/s", "/s"},
	},
	{
		name:       "NAME.dockerignore wins",
		dockerfile: "FROM a\nCOPY docs /s\n",
		input:      Input{Name: "svc/Dockerfile"},
		commits:    []files{{"docs/a": "1", "docs/b": "1", ".dockerignore": "docs/a\n"}, {"docs/a": "2"}, {"svc/Dockerfile.dockerignore": "docs/b\n"}, {"docs/b": "2"}, {"docs/a": "3"}},
		want:       []string{"", "/s", "", "/s"},
	},
	{
		name:       "a folder all of whose files are left out is there nevertheless",
		dockerfile: "FROM a\nCOPY src /s\n",
		commits:    []files{{"src/a": "1", ".dockerignore": "**/*.csv\n"}, {"src/d/x.csv": "1"}, {"src/d/y.csv": "1"}, {"src/d/x.csv": "", "src/d/y.csv": ""}},
		want:       []string{"/s", "", ""},
	},
	{
		name:       "a folder that is left out but for one file is there as long as that is",
		dockerfile: "FROM a\nCOPY . /s\n",
		commits:    []files{{"logs/a": "1", ".dockerignore": ".dockerignore\n"}, {".dockerignore": ".dockerignore\nlogs\n!logs/a\n"}, {"logs/b": "1"}, {"logs/a": ""}, {"logs/a": "1"}},
		want:       []string{"", "", "/s", ""},
	},
	{
		name:       "a missing source can't be built; what is left out is missing too",
		dockerfile: "FROM a\nCOPY a /a\n",
		commits:    []files{{"b": "1"}, {"a": "1"}, {"a": "2"}, {".dockerignore": "a\n"}, {".dockerignore": "", "a": "1"}},
		want:       []string{"/a", ""},
		skipped:    2,
	},
	{
		name:       "only the stages that the target needs",
		dockerfile: "FROM a AS x\nCOPY a /a\nFROM a AS y\nCOPY b /b\nFROM y\nCOPY c /c\n",
		commits:    []files{{"b": "1", "c": "1"}, {"a": "1"}, {"b": "2"}},
		want:       []string{"", "/b /c"},
	},
	{
		name:       "another target",
		dockerfile: "FROM a AS x\nCOPY a /a\nFROM a AS y\nCOPY b /b\n",
		input:      Input{Target: "X"},
		commits:    []files{{"a": "1"}, {"b": "1"}, {"a": "2"}},
		want:       []string{"", "/a"},
	},
	{
		name:       "COPY --from: what a RUN made follows the chain up to it",
		dockerfile: "FROM a AS x\nCOPY src /src\nRUN make\nCOPY late /late\nFROM b\nCOPY --from=x /out /out\n",
		commits:    []files{{"src/a": "1", "late": "1"}, {"src/a": "2"}, {"late": "2"}},
		want:       []string{"/src make /late /out", "/late"},
	},
	{
		name:       "COPY --from: contents of the context, through two stages",
		dockerfile: "FROM a AS x\nCOPY . /src\nFROM a AS y\nCOPY --from=x /src/conf /c\nFROM b\nCOPY --from=y /c /c\nCOPY --from=0 /src/one.txt /\n",
		commits:    []files{{"conf/a": "1", "one.txt": "1", "other": "1"}, {"other": "2"}, {"conf/a": "2"}, {"one.txt": "2"}},
		want:       []string{"/src", "/src /c /c /", "/src /"},
	},
	{
		name:       "COPY --from: a single file is not taken to be changed by an unknown RUN, a folder is",
		dockerfile: "FROM a AS x\nWORKDIR /src\nCOPY . .\nRUN ./build\nFROM b\nCOPY --from=x /src/one.txt /1\nFROM b\nCOPY --from=1 /1 /2\nCOPY --from=x /src/conf /c\n",
		commits:    []files{{"conf/a": "1", "one.txt": "1", "build": "1"}, {"build": "2"}},
		want:       []string{". ./build /c"},
	},
	{
		name:       "COPY --from: a file that a COPY put in the place of what a RUN wrote",
		dockerfile: "FROM a AS x\nCOPY other /o\nRUN touch /out/one.txt\nCOPY one.txt /out/one.txt\nFROM b\nCOPY --from=x /out/one.txt /1\n",
		commits:    []files{{"one.txt": "1", "other": "1"}, {"other": "2"}, {"one.txt": "2"}},
		want:       []string{"/o /out/one.txt /out/one.txt", "/out/one.txt /1"},
	},
	{
		name:       "COPY --from an image and a RUN with known effects elsewhere",
		dockerfile: "FROM a AS x\nWORKDIR /src\nCOPY . .\nRUN mkdir /x\nFROM b\nCOPY --from=c /1 /1\nCOPY --from=x /src/conf /c\n",
		commits:    []files{{"conf/a": "1", "one.txt": "1"}, {"one.txt": "2"}},
		want:       []string{". /x"},
	},
	{
		name:       "COPY --from of what the context no longer gives can't be built",
		dockerfile: "FROM a AS x\nCOPY . /src\nFROM b\nCOPY --from=x /src/conf /c\n",
		commits:    []files{{"conf/a": "1", "b": "1"}, {"conf/a": "", "b": "2"}, {"conf/a": "1"}},
		want:       []string{"/src"},
		skipped:    1,
	},
	{
		name:       "what cargo chef prepare makes follows the manifests",
		dockerfile: "FROM a AS p\nWORKDIR /app\nCOPY . .\nRUN cargo chef prepare --recipe-path recipe.json\nFROM a\nCOPY --from=p /app/recipe.json /r\nRUN cargo chef cook\n",
		commits:    []files{{"Cargo.toml": "1", "src/main.rs": "1"}, {"src/main.rs": "2"}, {"x/Cargo.toml": "1"}},
		want:       []string{". recipe.json", ". recipe.json /r cook"},
	},
	{
		name:       "--link doesn't build on what is below, what comes after it does",
		dockerfile: "FROM a\nCOPY a /a\nCOPY --link b /b\nRUN one\n",
		commits:    []files{{"a": "1", "b": "1"}, {"a": "2"}, {"b": "2"}},
		want:       []string{"/a one", "/b one"},
	},
	{
		name:       "bind mounts of the context and of a stage; other mounts",
		dockerfile: "FROM scratch AS d\nCOPY data /\nFROM a\nRUN --mount=type=bind,source=s,target=/s one\nRUN --mount=from=d,target=/d two\nRUN --mount=type=cache,target=/c --mount=type=secret,id=x three\nRUN --mount=type=cache,from=d,source=/d,target=/d four\n",
		commits:    []files{{"s/a": "1", "data/a": "1", "data/d/a": "1"}, {"x": "1"}, {"data/a": "2"}, {"s/a": "2"}},
		want:       []string{"", "/ two three four", "one two three four"},
	},
	{
		name:       "a cache mount that begins with what a stage holds",
		dockerfile: "FROM scratch AS d\nCOPY data /\nFROM a\nRUN --mount=type=cache,from=d,source=/d,target=/d one\n",
		commits:    []files{{"data/a": "1", "data/d/a": "1"}, {"data/a": "2"}, {"data/d/a": "2"}},
		want:       []string{"/", "/ one"},
	},
	{
		name:       "a bind mount without source is the whole context",
		dockerfile: "FROM a\nRUN --mount=target=/s one\n",
		commits:    []files{{"a": "1"}, {"x": "1"}},
		want:       []string{"one"},
	},
	{
		name:       "heredocs are text",
		dockerfile: "FROM a\nCOPY <<A <<B /d/\n1\nA\n2\nB\nRUN <<E\none\nE\n",
		commits:    []files{{"a": "1"}, {"a": "2"}},
		want:       []string{""},
	},
	{
		name:       "ONBUILD runs in the stage that is built on it",
		dockerfile: "FROM a AS x\nONBUILD COPY a /a\nCOPY b /b\nFROM x\nRUN one\n",
		commits:    []files{{"a": "1", "b": "1"}, {"a": "2"}, {"b": "2"}},
		want:       []string{"/a one", "/b /a one"},
	},
	{
		name:       "--exclude and --parents",
		dockerfile: "FROM a\nCOPY --exclude=*.log logs /l\nFROM a\nCOPY --from=0 /l /l\nCOPY --parents src/./*/*.c /c/\n",
		commits:    []files{{"logs/a.log": "1", "logs/a": "1", "src/x/a.c": "1"}, {"logs/a.log": "2"}, {"logs/a": "2"}, {"src/x/a.h": "1"}, {"src/y/a.c": "1"}, {"src/y/z/a.c": "1"}},
		want:       []string{"", "/l /l /c/", "", "/c/", ""},
	},
	{
		name:       "links: the source's own are followed, those in a folder are contents",
		dockerfile: "FROM a\nCOPY cur/f /f\nCOPY dir /d\n",
		commits:    []files{{"v1/f": "1", "v2/f": "1", "cur": "l:v1", "dir/l": "l:x"}, {"cur": "l:v2"}, {"v1/f": "2"}, {"v2/f": "2"}, {"cur": "l:/v1"}, {"dir/l": "l:y"}, {"cur": "l:gone"}},
		want:       []string{"", "", "/f /d", "", "/d"},
		skipped:    1,
	},
	{
		name:       "the same step in two stages is one",
		dockerfile: "FROM a AS x\nCOPY a /a\nRUN one\nFROM a\nCOPY a /a\nRUN one\nCOPY --from=x /y /y\n",
		commits:    []files{{"a": "1"}, {"a": "2"}},
		want:       []string{"/a one /y"},
	},
	{
		name:       "a source with a variable: its default, or unknown",
		dockerfile: "ARG G=a\nFROM a\nARG F=$G\nCOPY $F /a\nFROM a\nARG H\nCOPY --from=0 /a /a\nCOPY $H /h\n",
		commits:    []files{{"a": "1"}, {"b": "1"}},
		want:       []string{"/a /a /h"},
	},
	{
		name:       "a build argument that varies",
		dockerfile: "FROM a\nRUN one\nARG SHA\nCOPY a /a\nRUN two\n",
		input:      Input{Varies: []string{"SHA", "OTHER"}},
		commits:    []files{{"a": "1"}, {"b": "1"}},
		want:       []string{"two"},
	},
	{
		name:       "submodules by their commit; ADD of a URL stays as it is",
		dockerfile: "FROM a\nADD https://example.com/x /x\nCOPY lib /lib\n",
		commits:    []files{{"lib": "s:1"}, {"lib": "s:2"}, {"x": "1"}},
		want:       []string{"/lib", ""},
	},
	{
		name:       "WORKDIR / makes no layer",
		dockerfile: "FROM a\nCOPY a /a\nWORKDIR /\nWORKDIR /x\n",
		commits:    []files{{"a": "1"}, {"a": "2"}},
		want:       []string{"/a /x"},
	},
	{
		name:       "a malformed ignore file can't be built",
		dockerfile: "FROM a\nCOPY a /a\n",
		commits:    []files{{"a": "1"}, {".dockerignore": "[\n"}, {".dockerignore": "", "a": "2"}},
		want:       []string{"/a"},
		skipped:    1,
	},
}

func TestRules(t *testing.T) {
	for _, c := range rules {
		t.Run(c.name, func(t *testing.T) {
			in := c.input
			in.Doc, in.Repo = parse(t, c.dockerfile), today(c.commits...)
			r, err := Run(t.Context(), past(c.commits...), in)
			if err != nil {
				t.Fatal(err)
			}
			got := misses(r, 0)
			for i := range max(len(got), len(c.want)) {
				if i >= len(got) || i >= len(c.want) || got[i] != c.want[i] {
					t.Errorf("misses %q, want %q", got, c.want)
					break
				}
			}
			if r.Skipped != c.skipped || r.Versions[0].Unbuildable != c.skipped {
				t.Errorf("%d skipped (%s), want %d", r.Skipped, r.Versions[0].Missing, c.skipped)
			}
		})
	}
}

// .git belongs to a checkout, unless it is left out.
func TestGit(t *testing.T) {
	for ignore, want := range map[string]int{"": 2, ".git\n": 0, ".gi*\n": 0, "**\n!a\n": 0, ".github\n": 2} {
		commits := []files{{"a": "1"}, {"b": "1"}, {"c": "1"}}
		if ignore != "" {
			commits[0][".dockerignore"] = ignore + "b\nc\n"
		} else {
			commits[0][".dockerignore"] = "b\nc\n"
		}
		h := past(commits...)
		h.Root = true
		r, err := Run(t.Context(), h, Input{Doc: parse(t, "FROM a\nCOPY . /s\nCOPY a /a\n"), Repo: today(commits...)})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Versions[0].Steps[0].Misses; got != want {
			t.Errorf("%q: the COPY missed %d times, want %d", ignore, got, want)
		}
	}
}

// Before and after: a rewrite's ignore file holds at each commit, and a commit
// counts only when both can be built.
func TestVersions(t *testing.T) {
	commits := []files{
		{"package.json": "1", "src/a": "1"},
		{"package.json": "1", "lock": "1"},
		{"src/a": "2"}, {"README.md": "1"}, {"package.json": "2"}, {"src/a": "3"}, {".dockerignore": "nothing\n"},
	}
	h := past(commits...)
	h.Root = true
	before := Input{Doc: parse(t, "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\n"), Name: "Dockerfile", Repo: today(commits...)}
	after := before
	after.Doc = parse(t, "FROM node:20\nWORKDIR /app\nCOPY package.json lock ./\nRUN npm ci\nCOPY . .\n")
	after.Files = map[string]string{".dockerignore": ".git\n*.md\n"}
	r, err := Run(t.Context(), h, before, after)
	if err != nil {
		t.Fatal(err)
	}
	if r.Commits != 5 || r.Skipped != 1 || r.Versions[0].Unbuildable != 0 || r.Versions[1].Unbuildable != 1 || r.Versions[1].Missing != "lock" || r.First != "commit 1" {
		t.Errorf("%+v", r)
	}
	if got, want := r.Sentence(), "of the last 5 commits, 5 reran npm ci; now 1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if b, a := r.Versions[0].Total(), r.Versions[1].Total(); b != 5*30.5 || a != 30+0.5+3*0.5 {
		t.Errorf("seconds %v and %v", b, a)
	}
	rows := r.Rows()
	if rows[0].Before.Text != "RUN npm ci" || rows[0].After.Misses != 1 || rows[0].Before.Misses != 5 || rows[0].After.Line != 4 {
		t.Errorf("the first row: %+v", rows[0])
	}
	if !Concerns(before.Doc, after.Doc, nil) || Concerns(before.Doc, before.Doc, nil) || !Concerns(before.Doc, before.Doc, after.Files) {
		t.Error("Concerns")
	}
	renamed := parse(t, "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm cache clean --force\nUSER node\n")
	if Concerns(before.Doc, renamed, map[string]string{"x": ""}) {
		t.Error("Concerns: a change that no cache sees")
	}
}

// Where two steps run the same command, the sentence is about the one that gains.
func TestSentenceOfStep(t *testing.T) {
	commits := []files{{"r.txt": "1"}, {"r.txt": "2"}}
	before := Input{Doc: parse(t, "FROM python:3.12\nCOPY r.txt .\nRUN pip install --upgrade pip\nRUN pip install -r r.txt\n"), Repo: today(commits...)}
	after := before
	after.Doc = parse(t, "FROM python:3.12\nRUN pip install --upgrade pip\nCOPY r.txt .\nRUN pip install -r r.txt\n")
	r, err := Run(t.Context(), past(commits...), before, after)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := r.Sentence(), "of the last 1 commit, 1 reran pip install --upgrade pip; now 0"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if r, err = Run(t.Context(), past(commits...), before, before); err != nil || r.Sentence() != "" {
		t.Errorf("the same twice: %q, %v", r.Sentence(), err)
	}
}

// Measured durations come before estimates.
func TestSeconds(t *testing.T) {
	commits := []files{{"a": "1"}, {"a": "2"}}
	in := Input{Doc: parse(t, "FROM a\nCOPY a /a\nRUN make\n"), Repo: today(commits...), Seconds: map[string]float64{"RUN make": 7}}
	r, err := Run(t.Context(), past(commits...), in)
	if err != nil {
		t.Fatal(err)
	}
	v := r.Versions[0]
	if v.Total() != 7+secondsCopy || v.Steps[1].Estimated || !v.Steps[0].Estimated {
		t.Errorf("%+v", v)
	}
	if _, err := Run(t.Context(), past(commits...), Input{Doc: in.Doc, Repo: in.Repo, Target: "none"}); err == nil {
		t.Error("no error for a target that isn't there")
	}
}

func TestEstimate(t *testing.T) {
	for text, want := range map[string]string{
		"RUN apt update && apt-get -y install curl": "apt-get install 30",
		"RUN python3 -m pip install -r r.txt":       "pip install 30",
		"RUN [\"npm\", \"ci\"]":                     "npm ci 30",
		"RUN yarn --frozen-lockfile":                "yarn install 35",
		"RUN yarn config set x y":                   "RUN 1",
		"RUN yarn build":                            "yarn build 30",
		"RUN ./mvnw -B package":                     "mvn 75",
		"RUN sudo -E go build ./...":                "RUN 1",
		"RUN sudo go build ./...":                   "go build 60",
		"RUN if x; then npm ci; else npm ci; fi":    "npm ci 30",
		"RUN go mod download && go build .":         "go build 60",
		"RUN echo hello":                            "RUN 1",
		"COPY a b":                                  "COPY 0.5",
		"WORKDIR /x":                                "WORKDIR 0.1",
	} {
		doc := parse(t, "FROM a\n"+text+"\n")
		w := Estimate(doc.Instructions[1], nil)
		if got := fmt.Sprint(w.What, " ", w.Seconds); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// The documentation shows the table that is in force.
func TestTable(t *testing.T) {
	text, err := os.ReadFile("../docs/replay.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\n"+Table()+"\n") {
		t.Errorf("docs/replay.md has another table of estimates; it is:\n%s", Table())
	}
}
