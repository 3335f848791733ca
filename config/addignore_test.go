package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAddIgnore(t *testing.T) {
	ig := Ignore{Rule: "merge-run", Path: "a/Dockerfile", Instruction: "RUN  make: it\n  work", Reason: "the team wants\nit", Until: "2027-01-31"}
	const entry = "  - rule: merge-run\n    path: a/Dockerfile\n    instruction: \"RUN make: it work\"\n    reason: the team wants it\n    until: 2027-01-31\n"
	const old = "  - rule: secrets # keep\n    reason: x\n"
	for name, c := range map[string]struct{ text, want string }{
		"new":            {"", "ignores:\n" + entry},
		"comments only":  {"# mine\n", "# mine\nignores:\n" + entry},
		"no key":         {"# mine\nroot: true # yes\n\n# end\n", "# mine\nroot: true # yes\n\n# end\nignores:\n" + entry},
		"no line break":  {"root: true", "root: true\nignores:\n" + entry},
		"empty key":      {"ignores: # none yet\nroot: true\n", "ignores: # none yet\n" + entry + "root: true\n"},
		"empty list":     {"ignores: []\n", "ignores: [{rule: merge-run, path: a/Dockerfile, instruction: \"RUN make: it work\", reason: the team wants it, until: 2027-01-31}]\n"},
		"list in a line": {"ignores: [{rule: secrets, reason: x}] # c\n", "ignores: [{rule: merge-run, path: a/Dockerfile, instruction: \"RUN make: it work\", reason: the team wants it, until: 2027-01-31}, {rule: secrets, reason: x}] # c\n"},
		"last":           {"root: true\nignores:\n" + old, "root: true\nignores:\n" + old + entry},
		"in between":     {"ignores:\n" + old + "    # of it\n\n# of root\nroot: true\n", "ignores:\n" + old + "    # of it\n" + entry + "\n# of root\nroot: true\n"},
		"not indented":   {"ignores:\n- rule: secrets\n  reason: |\n    x\n    y\nroot: true\n", "ignores:\n- rule: secrets\n  reason: |\n    x\n    y\n" + strings.ReplaceAll(entry[2:], "\n    ", "\n  ") + "root: true\n"},
		"mark":           {"\ufeffignores: []", "\ufeffignores: [{rule: merge-run, path: a/Dockerfile, instruction: \"RUN make: it work\", reason: the team wants it, until: 2027-01-31}]"},
		"document":       {"---\nroot: true\n...\n", "---\nroot: true\nignores:\n" + entry + "...\n"},
		"CRLF":           {"root: true\r\nignores:\r\n  - rule: secrets\r\n    reason: x\r\n", "root: true\r\nignores:\r\n  - rule: secrets\r\n    reason: x\r\n" + strings.ReplaceAll(entry, "\n", "\r\n")},
	} {
		got, err := AddIgnore([]byte(c.text), ig)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(c.want, string(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestAddIgnoreRefuses(t *testing.T) {
	good := Ignore{Rule: "merge-run", Reason: "x"}
	for name, c := range map[string]struct {
		text string
		ig   Ignore
		want string
	}{
		"no reason":  {"", Ignore{Rule: "merge-run"}, "the ignore: reason says nothing: write reason: and why it is passed over"},
		"no rule":    {"", Ignore{Rule: "merge-runs", Reason: "x"}, `the ignore: no transform or check is called "merge-runs": did you mean merge-run?`},
		"bad day":    {"", Ignore{Rule: "merge-run", Reason: "x", Until: "2027-02-30"}, `the ignore: "2027-02-30" is no day: write the last day as until: 2027-01-31`},
		"bad text":   {"rot: true\n", good, `the configuration:1:1: no setting is called "rot": did you mean root?`},
		"flow style": {"{root: true}\n", good, "the ignore can't be put into this file: write it by hand below ignores: - {rule: merge-run, reason: x}"},
	} {
		got, err := AddIgnore([]byte(c.text), c.ig)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s (%s)", name, err, c.want, got)
		}
	}
}
