package replay

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"drydock/rewrite"
)

// weight is an estimate: a command of one of these tools, with one of these
// words among its arguments (any arguments when there are none; "-" stands for
// flags alone), takes so many seconds.
type weight struct {
	tools   string // separated by blanks
	words   string // likewise
	seconds float64
	label   string // what to call it; tool and word when empty
}

// weights are typical durations for a small application on a CI machine with two
// cores and a fast network, without cache mounts: the order of magnitude counts,
// since only ratios of before and after rest on them. The first entry that fits
// holds. docs/replay.md shows this table; a test holds it.
var weights = []weight{
	{"apt-get apt aptitude", "install dist-upgrade upgrade full-upgrade", 25, "apt-get install"},
	{"apt-get apt aptitude", "update", 5, "apt-get update"},
	{"apk", "add upgrade", 8, ""},
	{"yum dnf microdnf zypper tdnf", "install update upgrade in", 30, ""},
	{"conda mamba micromamba", "install create env update", 90, ""},
	{"pip pip3", "install sync wheel download", 30, "pip install"},
	{"pipenv", "install sync", 40, ""},
	{"poetry", "install", 35, ""},
	{"pdm", "install sync", 30, ""},
	{"uv", "sync pip", 8, ""},
	{"npm", "ci", 30, ""},
	{"npm", "install i", 40, "npm install"},
	{"npm pnpm yarn bun", "run build test", 30, ""},
	{"pnpm", "install i fetch deploy", 20, "pnpm install"},
	{"bun", "install i add", 10, "bun install"},
	{"yarn", "install add workspaces -", 35, "yarn install"},
	{"npx", "", 20, ""},
	{"lerna nx turbo", "", 40, ""},
	{"go", "mod", 15, "go mod download"},
	{"go", "build install test generate", 45, ""},
	{"mvn mvnw", "dependency:go-offline dependency:resolve go-offline", 60, "mvn dependency:go-offline"},
	{"mvn mvnw", "", 75, "mvn"},
	{"gradle gradlew", "", 90, "gradle"},
	{"sbt", "", 120, ""},
	{"cargo", "fetch", 15, ""},
	{"cargo", "chef", 120, ""},
	{"cargo", "build install test", 150, ""},
	{"dotnet", "restore", 25, ""},
	{"dotnet", "publish build test", 35, ""},
	{"composer", "install update require", 25, ""},
	{"bundle bundler", "install", 60, "bundle install"},
	{"gem", "install", 15, ""},
	{"mix", "deps.get", 15, ""},
	{"mix", "compile release deps.compile", 45, ""},
	{"rails rake", "", 20, ""},
	{"docker-php-ext-install pecl", "", 40, ""},
	{"make cmake ninja meson bazel bazelisk", "", 60, ""},
	{"git", "clone fetch submodule", 5, ""},
	{"curl wget", "", 3, ""},
	{"tar unzip", "", 2, ""},
	{"chown chmod", "", 2, ""},
}

// The steps that the table doesn't speak of, in seconds.
const (
	secondsRun     = 1   // a RUN of other commands
	secondsCopy    = 0.5 // a COPY or ADD
	secondsWorkdir = 0.1
)

// Estimate tells what the most expensive command of a step is and how many
// seconds the step takes, from the table in docs/replay.md.
func Estimate(in *rewrite.Instruction) (what string, seconds float64) {
	switch in.Keyword {
	case "workdir":
		return "WORKDIR", secondsWorkdir
	case "copy", "add":
		return strings.ToUpper(in.Keyword), secondsCopy
	}
	what = "RUN"
	most := 0.0
	for _, args := range commands(in) {
		label, s := estimate(args)
		if seconds += s; s > most {
			what, most = label, s
		}
	}
	return what, max(seconds, secondsRun)
}

// commands are the commands of a RUN, words by words.
func commands(in *rewrite.Instruction) [][]string {
	var out [][]string
	if s, why := in.Shell(); why == "" {
		for _, c := range s.Commands() {
			out = append(out, c.Args)
		}
		return out
	}
	var args []string
	if in.JSON && json.Unmarshal([]byte(in.Args.Text), &args) == nil {
		return [][]string{args}
	}
	for _, part := range strings.FieldsFunc(in.Args.Text, func(r rune) bool { return r == ';' || r == '&' || r == '|' }) {
		out = append(out, strings.Fields(part))
	}
	return out
}

func estimate(args []string) (label string, seconds float64) {
	for len(args) > 0 && slices.Contains([]string{"sudo", "exec", "time", "env", "command", "nice"}, path.Base(args[0])) {
		args = args[1:]
	}
	if len(args) > 2 && strings.HasPrefix(path.Base(args[0]), "python") && args[1] == "-m" {
		args = args[2:]
	}
	if len(args) == 0 {
		return "", 0
	}
	tool := path.Base(args[0])
	for _, w := range weights {
		if !slices.Contains(strings.Fields(w.tools), tool) {
			continue
		}
		word := w.word(args[1:])
		switch {
		case w.words != "" && word == "":
		case w.label != "":
			return w.label, w.seconds
		case tool == "npm" || tool == "yarn" || tool == "pnpm" || tool == "bun":
			return strings.Join(args[:min(len(args), 3)], " "), w.seconds
		default:
			return strings.TrimSpace(tool + " " + word), w.seconds
		}
	}
	return "", 0
}

// word is the first argument that the entry speaks of.
func (w weight) word(args []string) string {
	words := strings.Fields(w.words)
	flags := true
	for _, a := range args {
		if slices.Contains(words, a) && a != "-" {
			return a
		}
		flags = flags && strings.HasPrefix(a, "-")
	}
	if flags && slices.Contains(words, "-") {
		return "-"
	}
	return ""
}

// oneLine is an instruction's text with heredocs marked and blanks joined.
func oneLine(in *rewrite.Instruction, text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(in.Heredocs) > 0 {
		text += " …"
	}
	return text
}
