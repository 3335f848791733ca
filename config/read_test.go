package config

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const tenMistakes = `saftey: safe
safety: careful
with: cache-mounts
transforms:
  merge-runs: off
  pin-base: all
  merge-run: {policy: digest}
  secrets: off
  merge-run: on
exclude:
  - "[open"
ignores:
  - rule: pin-base
    until: 2027-02-30
overrides:
  paths: [a]
root: yes please
`

// Every mistake of a file is told at once, at its place.
func TestTenMistakes(t *testing.T) {
	file, mistakes := Parse(".drydock.yaml", "/d", []byte(tenMistakes))
	if file != nil {
		t.Error("a file with mistakes is none")
	}
	var got []string
	for _, m := range mistakes {
		got = append(got, m.Error())
	}
	want := []string{
		`.drydock.yaml:1:1: no setting is called "saftey": did you mean safety?`,
		`.drydock.yaml:2:9: safety can't be "careful": choose safe or unsafe`,
		`.drydock.yaml:3:7: with is a list, and a text stands here: write with: [NAME, NAME]`,
		`.drydock.yaml:5:3: no transform is called "merge-runs": did you mean merge-run?`,
		`.drydock.yaml:6:13: pin-base can't be "all": it is a policy of merge-run; choose on, off, safe, unsafe, tag, minor or digest`,
		`.drydock.yaml:7:23: no policy of merge-run is called "digest": choose worthwhile or all`,
		`.drydock.yaml:8:3: no transform is called "secrets": it is a check: set it below checks`,
		`.drydock.yaml:9:3: "merge-run" stands here a second time; the first is on line 7: keep one of them`,
		`.drydock.yaml:11:5: "[open" is no pattern: close every [, and put something behind a \ and a !; a name that begins with # gets a \ in front`,
		`.drydock.yaml:13:5: reason is missing: write reason: and why it is passed over`,
		`.drydock.yaml:14:12: "2027-02-30" is no day: write the last day as until: 2027-01-31`,
		`.drydock.yaml:16:3: overrides is a list, and a map stands here: write "overrides:" and below it "- paths: …" for each`,
		`.drydock.yaml:17:7: root is true or false, not "yes please": write root: true, or leave it out`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"transforms:\n\tmerge-run: off\n\tpin-base: off\n": "c:2:1: a tab in the indentation: indent with spaces\nc:3:1: a tab in the indentation: indent with spaces",
		"root: &a true\n":                                       "c:1:7: an anchor (&a): leave it out: each place says what it means",
		"exclude: [a]\nwith: *b\n":                              "c:2:7: an alias (*b): write out what it stands for; where * begins a text, quote it",
		"exclude:\n- a\n- *.md\n- **/b\n":                       "c:3:3: in YAML * begins an alias or an anchor: quote the text: \"*.md\"\nc:4:3: in YAML * begins an alias or an anchor: quote the text: \"*.md\"",
		"exclude: *.md\n":                                       "c:1:10: in YAML * begins an alias or an anchor: quote the text: \"*.md\"",
		"a: &a [x]\nwith: *a\n":                                 "c:1:1: no setting is called \"a\": there are root, safety, base, context, with, transforms, checks, exclude, ignores and overrides\nc:2:7: an alias (*a): write out what it stands for",
		"root: true\n---\nroot: true\n":                         "c:2:1: a second document begins here: keep one, without ---",
		"- root\n":                                              "c:1:1: the file is a map, and a list stands here: write NAME: VALUE, line by line",
		"just words\n":                                          "c:1:1: the file is a map, and a text stands here: write NAME: VALUE, line by line",
		"safety: safe\n  base: slim\n":                          "c:2:3: not YAML: mapping values are not allowed in this context: mend it here or just above; quote texts with *, &, !, #, {, [ or \": \" in them",
		"safety: !x safe\n":                                     "c:1:9: a tag (!x): leave it out",
		"merge-run: off\n":                                      "c:1:1: no setting is called \"merge-run\": it is a transform: set it below transforms",
		"checks: {merge-run: off}\n":                            "c:1:10: no check is called \"merge-run\": it is a transform: set it below transforms",
		"checks: {secrets: fatal}\n":                            "c:1:19: secrets can't be \"fatal\": choose on, off, error, warning or note",
		"checks: {secrets: 7}\n":                                "c:1:19: secrets can't be \"7\": choose on, off, error, warning or note",
		"transforms: {merge-run: [all]}\n":                      "c:1:25: merge-run is a word or a map, and a list stands here: choose on, off, safe, unsafe, worthwhile or all",
		"transforms: {merge-run: {run: all}}\n":                 "c:1:31: run can't be \"all\": choose on or off",
		"ignores: [{rule: merge-run, reason: }]\n":              "c:1:37: reason is a text, and nothing stands here: write reason: and why it is passed over",
		"ignores: [{rule: merge-run, reason: ' '}]\n":           "c:1:37: reason says nothing: write reason: and why it is passed over",
		"ignores: [{rule: merge-run, reason: 5}]\n":             "c:1:37: reason is a text, and a number stands here: write reason: and why it is passed over",
		"ignores: [{reason: x}]\n":                              "c:1:11: rule is missing: drydock list has the names",
		"ignores: [null]\n":                                     "c:1:11: ignores is a map, and nothing stands here: write \"ignores:\" and below it NAME: VALUE, indented",
		"exclude: {a: b}\n":                                     "c:1:10: exclude is a list, and a map stands here: write exclude: [legacy/**]",
		"with: [merge-run]\n":                                   "c:1:8: no transform or check that runs only when asked for is called \"merge-run\": choose update-base, distroless, bind-not-copy, cache-mounts or healthcheck",
		"root: true\n" + strings.Repeat("#", MaxSize):           "c: more than 256 KiB: this is no configuration of drydock; drydock config init writes one",
		"\"\\e[31mred\": x\n":                                   "c:1:1: no setting is called \"\\x1b[31mred\": there are root, safety, base, context, with, transforms, checks, exclude, ignores and overrides",
		strings.Repeat("a", 90) + ": x\n":                       "c:1:1: no setting is called \"" + strings.Repeat("a", 60) + "…\": there are root, safety, base, context, with, transforms, checks, exclude, ignores and overrides",
		"<<: {root: true}\n":                                    "c:1:1: this is no name of a setting: write NAME: VALUE",
		"context: \"\"\n":                                       "c:1:10: context says nothing: write context: FOLDER",
		"overrides: [{paths: [], safety: safe}]\n":              "c:1:21: paths is empty: write paths: [legacy/**]",
		"overrides: [{paths: , safety: safe}]\n":                "c:1:21: paths is a list, and nothing stands here: write paths: [legacy/**]",
		"ignores: [{rule: buildkit/UndefindVar, reason: x}]\n":  "c:1:18: no transform or check is called \"buildkit/UndefindVar\": did you mean buildkit/UndefinedVar?",
		"ignores: [{rule: DL3020, reason: x}]\n":                "c:1:18: no transform or check is called \"DL3020\": it is another linter's rule; here the name is copy-not-add",
		"ignores: [{rule: DL9999, reason: x}]\n":                "c:1:18: no transform or check is called \"DL9999\": drydock list has the names",
		"checks: {buildkit/undefinedvar: off}\n":                "c:1:10: no check is called \"buildkit/undefinedvar\": did you mean buildkit/UndefinedVar?",
		"checks: {xyz: off}\n":                                  "c:1:10: no check is called \"xyz\": there are buildkit, copied-secrets, dist-upgrade, emptied-files, end-of-life, healthcheck, pipe-to-shell, secrets, ssh-server, unused-ignore, unused-stages and world-writable",
		"overrides: [{safety: safe}]\n":                         "c:1:13: paths is missing: write paths: [legacy/**]",
		"overrides: [{paths: [a], root: true}]\n":               "c:1:26: no setting is called \"root\": there are paths, safety, base, context, with, transforms and checks",
		"overrides: [{paths: [a], ignores: []}]\n":              "c:1:26: no setting is called \"ignores\": there are paths, safety, base, context, with, transforms and checks",
		"ignores: [{rule: merge-run, reason: x, path: '#a'}]\n": "c:1:46: \"#a\" is no pattern: close every [, and put something behind a \\ and a !; a name that begins with # gets a \\ in front",
	} {
		file, mistakes := Parse("c", "/d", []byte(text))
		if got := mistakes.Error(); got != want || file != nil {
			t.Errorf("%.60q:\n got %s\nwant %s", text, got, want)
		}
	}
}

// What says nothing is no mistake, whatever it looks like on the disk.
func TestNothing(t *testing.T) {
	for _, text := range []string{"", "\n", "# a\n", "\ufeff# a\r\n", "---\n", "null\n", "transforms:\nchecks: # none\nignores: []\nexclude:\n", "{}\n"} {
		if file, mistakes := Parse("c", "/d", []byte(text)); len(mistakes) > 0 || file.Safety.Set() || len(file.Rules) > 0 {
			t.Errorf("%q: %v %v", text, file, mistakes)
		}
	}
}

// What may be a name below checks is no value of checks.
func TestRuleIsNoMap(t *testing.T) {
	_, mistakes := Parse("c", "/d", []byte("checks: buildkit/JSONArgsRecommended\n"))
	if len(mistakes) != 1 || !strings.Contains(mistakes[0].Error(), "checks is a map, and a text stands here") {
		t.Errorf("%v", mistakes)
	}
}

// Every line of the file to begin with may have its # taken away.
func TestTemplate(t *testing.T) {
	text := string(Template("x.json"))
	if file, mistakes := Parse("c", "/d", []byte(text)); len(mistakes) > 0 || len(file.Rules) > 0 {
		t.Errorf("it says something: %v %v", file, mistakes)
	}
	examples := regexp.MustCompile(`(?m)^#((?:ignores|overrides):(?:\n#   .*)+)`).FindAllStringSubmatch(text, -1)
	if len(examples) != 2 {
		t.Errorf("%d examples", len(examples))
	}
	for _, m := range examples {
		if _, mistakes := Parse("c", "/d", []byte(strings.ReplaceAll(m[1], "\n#", "\n"))); len(mistakes) > 0 {
			t.Errorf("%s\n%v", m[1], mistakes)
		}
	}
	var on []string
	for _, l := range strings.Split(text, "\n") {
		// "# Words" is a comment, "#setting" and "#  NAME" are settings, further in are examples.
		if body, ok := strings.CutPrefix(l, "#"); ok && (!strings.HasPrefix(body, " ") || strings.HasPrefix(body, "  ") && body[2] != ' ') {
			on = append(on, body)
		}
	}
	file, mistakes := Parse("c", "/d", []byte(strings.Join(on, "\n")))
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	e := effective([]*File{file}, "/d/Dockerfile")
	for _, k := range topTransforms() {
		if r := e.Rules[k.name]; !r.Run.Set() && !r.Policy.Set() {
			t.Errorf("%s isn't in it", k.name)
		}
	}
	if e.Safety.Text != Safe || e.Rules["cache-mounts"].Run.Text != off || e.Rules["pin-base"].Policy.Text != "tag" || e.Rules["update-base"].Run.Text != off {
		t.Errorf("not the defaults: %+v", e)
	}
}
